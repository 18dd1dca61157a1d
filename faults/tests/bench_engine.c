/* SPDX-License-Identifier: MIT */
/*
 * What the engine itself costs, without the kernel's part: CPU time for each frame of a TCP transfer
 * (two segments of 1448 bytes, then an acknowledgment), capture included, with 0, 1 and 5 faults
 * that are asked of each. Its frames go nowhere, and the capture file is /dev/null.
 */
#include <fcntl.h>
#include <net/ethernet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "faults/tests/testframe.h"
#include "faults/tests/testplan.h"
#include "faults/wire/pcapng.h"
#include "faults/wire/wire.h"
#include "harness/base/cleanup.h"

#define FRAMES    600000
#define ROUNDS    5
#define MSS       1448u
#define FRAME_GAP ((nsec_t)5000)    /* 200,000 packets a second */
#define DELAY     (100 * FRAME_GAP) /* so many are on their way */
#define BATCH     64
#define SHARE     1e-6
#define LINE_RATE 1000000000000

/* Large enough for a whole segment; testframe's are not. */
struct big_frame {
	uint8_t bytes[ETHER_MAX_LEN];
	size_t len;
};

static struct arena arena;

static void emit(void *ctx, int host, const struct cable_frame *f)
{
	(void)ctx;
	(void)host;
	(void)f;
}

static void record(void *ctx, const struct observation *o)
{
	(void)ctx;
	(void)o;
}

static void capture(void *ctx, const struct capture *c)
{
	pcapng_write(ctx, c);
}

static void carrier(void *ctx, int host, bool up)
{
	(void)ctx;
	(void)host;
	(void)up;
}

static struct plan_step *add(struct plan *plan, const char *kind)
{
	return testplan_fault(plan, &arena, NULL, kind, 1, 0, NSEC_NEVER);
}

static struct plan *plan_with(int n_faults)
{
	struct plan *plan = testplan_new(&arena, 2, 1);

	if (n_faults >= 1)
		add(plan, "delay")->fault.mean = DELAY;
	if (n_faults < 5)
		return plan;
	struct fault_spec *rate = &add(plan, "rate")->fault;
	rate->bits_per_s = LINE_RATE;
	rate->limit.time = NSEC_PER_SEC;
	add(plan, "loss")->fault.rate = SHARE;
	add(plan, "duplicate")->fault.rate = SHARE;
	add(plan, "reorder")->fault.rate = SHARE;
	return plan;
}

/* The n-th of the transfer from host 0 to host 1. */
static void make_frame(int n, struct big_frame *ret)
{
	uint32_t sent = (uint32_t)(n / 3) * 2 * MSS;
	bool is_ack = n % 3 == 2;
	struct testsegment s = {.from = is_ack, .to = !is_ack, .flags = TCP_FLAG_ACK};

	s.seq = is_ack ? 1 : 1 + sent + (n % 3 ? MSS : 0);
	s.ack = is_ack ? 1 + sent + 2 * MSS : 1;
	struct testframe f = testframe_tcp(s);
	memcpy(ret->bytes, f.bytes, f.len);
	ret->len = f.len;
	if (is_ack)
		return;
	const uint16_t total = htons((uint16_t)(f.len - ETHER_HDR_LEN + MSS));
	memcpy(ret->bytes + ETHER_HDR_LEN + 2, &total, sizeof(total));
	ret->len += MSS;
}

static nsec_t cpu(void)
{
	return nsec_clock(CLOCK_PROCESS_CPUTIME_ID);
}

/* Nanoseconds for each frame. The frames are made beforehand, a batch at a time. */
static double measure(int n_faults)
{
	static struct big_frame frames[BATCH];
	struct err err;
	struct plan *plan = plan_with(n_faults);
	_cleanup_close_ int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	struct pcapng *pcapng = pcapng_new(null, plan, 0);
	struct wire *w =
		wire_new(plan, &(struct wire_sinks){pcapng, emit, record, capture, carrier}, &err);
	nsec_t spent = 0, t = 1;

	if (!w || !pcapng) {
		fputs("bench_engine: out of memory\n", stderr);
		exit(1);
	}
	wire_start(w, 0);
	for (int n = 0; n < FRAMES;) {
		for (int i = 0; i < BATCH; i++)
			make_frame(n++, &frames[i]);
		nsec_t before = cpu();
		for (int i = 0; i < BATCH; i++, t += FRAME_GAP)
			wire_input(w, (n - BATCH + i) % 3 == 2,
				   &(struct cable_frame){.bytes = frames[i].bytes,
							 .len = frames[i].len,
							 .original_len = frames[i].len},
				   t, t);
		wire_advance(w, t);
		wire_recycle(w);
		spent += cpu() - before;
	}
	wire_end(w, t);
	wire_free(w);
	pcapng_free(pcapng);
	return (double)spent / FRAMES;
}

int main(void)
{
	static const int faults[] = {0, 1, 5};
	double best[ARRAY_SIZE(faults)] = {0};

	/* The best of some rounds: what else the machine does only adds. */
	for (int round = 0; round < ROUNDS; round++)
		for (size_t i = 0; i < ARRAY_SIZE(faults); i++) {
			double ns = measure(faults[i]);

			best[i] = best[i] == 0 || ns < best[i] ? ns : best[i];
		}
	for (size_t i = 0; i < ARRAY_SIZE(faults); i++)
		printf("the engine's own part, %d faults: %4.0f ns of CPU per frame\n", faults[i],
		       best[i]);
	arena_free(&arena);
	return 0;
}
