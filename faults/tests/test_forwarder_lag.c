/* SPDX-License-Identifier: MIT */
/* A stall that strikes the link engine while it works is told, though no frame waited for its end. */
#include <check.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "faults/tests/testforwarder.h"
#include "faults/tests/testplan.h"
#include "faults/wire/ring.h"
#include "harness/base/cleanup.h"
#include "harness/tests/suite.h"

#define STALL_MS 300
#define ANY_PORT 7000

static struct testnet net;
static struct testforwarder forwarder;
static struct arena arena;

/* --- an engine that carries nothing, and stands still once, behind its first frame --- */

struct stalling {
	bool had_frame, stalled;
};

static struct ring *open_ring(const struct forwarder_config *config, struct err *err)
{
	const struct ring_config ring = {.n_interfaces = (unsigned)config->plan->hosts.n};

	return ring_open(&ring, err);
}

static void *make(const struct forwarder_config *config, const struct wire_sinks *sinks,
		  struct err *err)
{
	(void)config;
	(void)sinks;
	(void)err;
	return calloc(1, sizeof(struct stalling));
}

static void start(void *engine, nsec_t t0)
{
	(void)engine;
	(void)t0;
}

static void input(void *engine, int host, const struct ring_frame *f, nsec_t now)
{
	struct stalling *s = engine;

	(void)host;
	(void)f;
	(void)now;
	s->had_frame = true;
}

static nsec_t next(const void *engine)
{
	(void)engine;
	return NSEC_NEVER;
}

static int advance(void *engine, nsec_t now, struct err *err)
{
	struct stalling *s = engine;

	(void)now;
	(void)err;
	if (s->had_frame && !s->stalled)
		poll(NULL, 0, STALL_MS);
	s->stalled = s->had_frame;
	return 0;
}

static void recycle(void *engine)
{
	(void)engine;
}

static int end(void *engine, nsec_t now, struct err *err)
{
	(void)engine;
	(void)now;
	(void)err;
	return 0;
}

static const struct engine_ops stalling = {
	.open_ring = open_ring,
	.new = make,
	.free = free,
	.start = start,
	.input = input,
	.next = next,
	.advance = advance,
	.recycle = recycle,
	.end = end,
};

/* --- the test --- */

static nsec_t worst_stall(void)
{
	nsec_t worst = 0;
	size_t n;
	struct observation *o = testforwarder_observations(&forwarder, &n);

	for (size_t i = 0; i < n; i++)
		if (o[i].source == OBS_LAG && o[i].event == EV_STALL && o[i].lag.lag > worst)
			worst = o[i].lag.lag;
	free(o);
	return worst;
}

START_TEST(a_stall_in_mid_work_is_told)
{
	struct err err;

	if (testnet_up(&net, &err)) {
		if (!testnet_skip(&err))
			ck_abort_msg("no network namespaces: %s", err.msg);
		return;
	}
	testforwarder_init(&forwarder, &net, testplan_new(&arena, TESTNET_HOSTS, 1));
	forwarder.engine = &stalling;
	testforwarder_up(&forwarder);
	_cleanup_close_ int fd = testnet_udp(&net, 0, ANY_PORT);
	ck_assert_int_eq(write(fd, "x", 1), 1);
	poll(NULL, 0, STALL_MS / 3); /* the stall has begun, and nothing comes until its end */
	testforwarder_end(&forwarder, &err);
	ck_assert_str_eq(err.msg, "");
	ck_assert_int_ge(worst_stall(), STALL_MS * NSEC_PER_MSEC);
	testforwarder_free(&forwarder);
	testnet_down(&net);
	arena_free(&arena);
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("forwarder_lag");

	tcase_add_test(t, a_stall_in_mid_work_is_told);
	return run_tests("forwarder_lag", t);
}
