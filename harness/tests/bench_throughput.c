/* SPDX-License-Identifier: MIT */
/*
 * What the link engine carries: real hosts, a real engine, and load from one to the other, with 0, 1
 * and 5 faults on the receiver's cable, beside the same load over a plain veth pair.
 *
 *   bulk     one TCP connection, as fast as it goes: its payload, and the frames that it took,
 *            acknowledgments included
 *   packets  UDP of 64 bytes, so many on their way that nothing is lost
 *   CPU      user and system time for each frame, of the engine's process and of all three. The
 *            kernel delivers what a process sends in that process's time, so the engine's has
 *            the receiver's TCP in it, and what ran in threads of the kernel is in none
 *   delay    what a delay of 20 ms really was, less 20 ms, by the kernel's stamps of probes, while
 *            nothing else goes through the engine, or a stream, or a bulk transfer, behind whose
 *            queue of a receive window in the engine's ring the probes must wait
 *   gso      the bulk with the offloads of hosts on, of the plain veth pair's ends too
 *   streams  TCP connections with little on their way; 100 hosts that talk in pairs, beside one pair
 *
 * Loads that are compared are run in turn, and of each the best of some windows counts: what else the
 * machine does takes from all of them.
 * The faults are all asked of each packet: a delay (1 fault), and with it a rate, a loss, a duplicate
 * and a reorder whose shares are too small to show.
 */
#include <poll.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "faults/tests/testplan.h"
#include "harness/base/cleanup.h"
#include "harness/tests/benchnet.h"
#include "harness/tests/traffic.h"

#define WARM_UP_MS 300
#define WINDOW_MS  200
#define WINDOWS    3
#define ROUNDS     3

#define DELAY_MS       20
#define PROBES         500
#define PROBE_INTERVAL (2 * NSEC_PER_MSEC)

#define MANY_HOSTS 100
#define SHARE      1e-6 /* of the packets that a fault of chance strikes */
#define LINE_RATE  1000000000000

enum way { PLAIN_VETH, ENGINE };

#define NO_LOAD (-1)

/* What is measured in one process of its own. */
struct run {
	enum way way;
	enum traffic_kind kind;
	int n_faults, n_hosts;
	enum gso gso;
	int load; /* beside the probes: enum traffic_kind, or NO_LOAD */
};

struct figures {
	double seconds, bits, packets; /* of the payload's receivers */
	double frames;
	nsec_t cpu_engine, cpu_all;
	uint64_t lost;
	int n_probes;
	nsec_t late[PROBES];
};

static struct figures *figures; /* shared with the process that fills it in */

/* -- the faults --------------------------------------------------------------------------- */

static struct plan_step *add_fault(struct benchnet *b, const char *kind, int cable)
{
	return testplan_fault(b->plan, &b->arena, NULL, kind, cable, 0, NSEC_NEVER);
}

static void add_faults(struct benchnet *b, int n, int cable)
{
	if (n >= 1)
		add_fault(b, "delay", cable)->fault.mean = 100 * NSEC_PER_USEC;
	if (n < 5)
		return;
	struct fault_spec *rate = &add_fault(b, "rate", cable)->fault;
	rate->bits_per_s = LINE_RATE;
	rate->limit.time = NSEC_PER_SEC;
	add_fault(b, "loss", cable)->fault.rate = SHARE;
	add_fault(b, "duplicate", cable)->fault.rate = SHARE;
	add_fault(b, "reorder", cable)->fault.rate = SHARE;
}

/* -- one run ------------------------------------------------------------------------------ */

struct sample {
	nsec_t t, cpu_engine, cpu_ends;
	uint64_t bytes, packets, frames;
};

static struct sample take_sample(const struct run *run, const struct benchnet *b,
				 const struct traffic *t, int n)
{
	struct sample s = {.t = nsec_monotonic(), .cpu_engine = process_cpu(link_pid(b->link))};

	for (int i = 0; i < n; i++) {
		s.bytes += t[i].received->bytes;
		s.packets += t[i].received->packets;
		s.cpu_ends += traffic_cpu(&t[i]);
	}
	s.frames = run->way == ENGINE ? benchnet_cable_frames(b) : benchnet_direct_frames(b);
	return s;
}

/* Frames a second; 0: nothing was measured. */
static double rate_of(const struct figures *f)
{
	return f->seconds > 0 ? f->frames / f->seconds : 0;
}

/* Keeps the window in which most was carried. */
static void note_window(const struct sample *a, const struct sample *b)
{
	double seconds = (double)(b->t - a->t) / (double)NSEC_PER_SEC;

	if ((double)(b->frames - a->frames) / seconds <= rate_of(figures))
		return;
	figures->seconds = seconds;
	figures->bits = 8 * (double)(b->bytes - a->bytes);
	figures->packets = (double)(b->packets - a->packets);
	figures->frames = (double)(b->frames - a->frames);
	figures->cpu_engine = b->cpu_engine - a->cpu_engine;
	figures->cpu_all = figures->cpu_engine + b->cpu_ends - a->cpu_ends;
}

static void run_load(const struct run *run)
{
	struct traffic t[MANY_HOSTS / 2];
	int n = run->n_hosts / 2;
	struct benchnet b;

	if (!benchnet_begin(&b, run->n_hosts))
		_exit(2);
	b.plan->gso = run->gso;
	add_faults(&b, run->n_faults, 1);
	benchnet_up(&b);
	if (run->way == PLAIN_VETH)
		benchnet_join_directly(&b, run->gso == GSO_ON);
	for (int i = 0; i < n; i++) {
		const struct host *pair = &b.hosts[(size_t)i * 2];

		t[i] = traffic_start(run->kind, pair[0].net_fd, pair[1].net_fd,
				     run->way == ENGINE ? pair[1].plan->ip4 : "10.1.0.2");
	}
	poll(NULL, 0, WARM_UP_MS);
	struct sample before = take_sample(run, &b, t, n);
	for (int i = 0; i < WINDOWS; i++) {
		poll(NULL, 0, WINDOW_MS);
		struct sample after = take_sample(run, &b, t, n);

		note_window(&before, &after);
		before = after;
	}
	for (int i = 0; i < n; i++)
		traffic_stop(&t[i]);
	struct observations obs = benchnet_down(&b);
	figures->lost = benchnet_lost(&obs);
	benchnet_free(&b);
}

static void run_probes(const struct run *run)
{
	struct benchnet b;
	struct traffic load;
	bool loaded = run->load != NO_LOAD;

	if (!benchnet_begin(&b, run->n_hosts))
		_exit(2);
	add_fault(&b, "delay", 1)->fault.mean = MSEC(DELAY_MS);
	benchnet_up(&b);
	const struct host *from = &b.hosts[0], *to = &b.hosts[1];
	/* Between two others: their cables are not slow. */
	if (loaded)
		load = traffic_start((enum traffic_kind)run->load, b.hosts[2].net_fd,
				     b.hosts[3].net_fd, b.hosts[3].plan->ip4);
	figures->n_probes = probe_delays(from->net_fd, from->plan->ip4, to->net_fd, to->plan->ip4,
					 PROBES, PROBE_INTERVAL, figures->late);
	for (int i = 0; i < figures->n_probes; i++)
		figures->late[i] -= MSEC(DELAY_MS);
	if (loaded)
		traffic_stop(&load);
	struct observations obs = benchnet_down(&b);
	figures->lost = benchnet_lost(&obs);
	benchnet_free(&b);
}

/* In a child, for its namespaces are left by nobody. */
static void in_child(void (*fn)(const struct run *), struct run run)
{
	int status;
	pid_t pid = fork();

	*figures = (struct figures){0};
	if (pid == 0) {
		fn(&run);
		_exit(0);
	}
	if (waitpid(pid, &status, 0) == pid && !status)
		return;
	fprintf(stderr, "bench_throughput: failed%s\n",
		WEXITSTATUS(status) == 2 ? ": user namespaces are not allowed here" : "");
	exit(1);
}

/* -- the figures -------------------------------------------------------------------------- */

static double usec(double nsec)
{
	return nsec / (double)NSEC_PER_USEC;
}

static void print_lost(const struct figures *f)
{
	if (f->lost)
		printf("  %llu packets LOST in the harness", (unsigned long long)f->lost);
	putchar('\n');
}

/* Gives the frames a second. */
static double print_load(const char *what, const struct run *run, const struct figures *f,
			 double beside)
{
	double frames_per_s = rate_of(f);

	printf("  %-12s", what);
	if (run->kind != TRAFFIC_PACKETS)
		printf(" %6.2f Gbit/s,", f->bits / f->seconds / 1e9);
	printf(" %4.0f thousand packets/s", frames_per_s / 1e3);
	if (beside > 0)
		printf(" (%+.0f %%)", 100 * (frames_per_s / beside - 1));
	printf(", CPU per packet %.2f us", usec((double)f->cpu_all / f->frames));
	if (run->way == ENGINE)
		printf(" (engine %.2f)", usec((double)f->cpu_engine / f->frames));
	print_lost(f);
	return frames_per_s;
}

struct series {
	const char *what;
	struct run run;
};

/* Runs them in turn, and prints the best of each; beside the engine's first. */
static void measure(const struct series *series, int n)
{
	static struct figures best[4];
	double beside = 0;

	for (int i = 0; i < n; i++)
		best[i] = (struct figures){0};
	for (int round = 0; round < ROUNDS; round++)
		for (int i = 0; i < n; i++) {
			in_child(run_load, series[i].run);
			figures->lost += best[i].lost;
			if (rate_of(figures) > rate_of(&best[i]))
				best[i] = *figures;
			best[i].lost = figures->lost;
		}
	for (int i = 0; i < n; i++) {
		double rate = print_load(series[i].what, &series[i].run, &best[i], beside);

		if (series[i].run.way == ENGINE && beside == 0)
			beside = rate;
	}
}

static void print_faults(enum traffic_kind kind, enum gso gso)
{
	const struct series series[] = {
		{"plain veth", {.way = PLAIN_VETH, .kind = kind, .n_hosts = 2, .gso = gso}},
		{"no fault", {.way = ENGINE, .kind = kind, .n_hosts = 2, .gso = gso}},
		{"1 fault", {.way = ENGINE, .kind = kind, .n_hosts = 2, .gso = gso, .n_faults = 1}},
		{"5 faults",
		 {.way = ENGINE, .kind = kind, .n_hosts = 2, .gso = gso, .n_faults = 5}},
	};

	measure(series, ARRAY_SIZE(series));
}

static void print_cables(void)
{
	const struct series series[] = {
		{"one pair", {.way = ENGINE, .kind = TRAFFIC_STREAM, .n_hosts = 2}},
		{"50 pairs", {.way = ENGINE, .kind = TRAFFIC_STREAM, .n_hosts = MANY_HOSTS}},
	};

	measure(series, ARRAY_SIZE(series));
}

static int by_length(const void *a, const void *b)
{
	nsec_t x = *(const nsec_t *)a, y = *(const nsec_t *)b;

	return (x > y) - (x < y);
}

static void print_delay(const char *what, int load)
{
	struct figures *f = figures;

	in_child(run_probes, (struct run){.n_hosts = 4, .load = load});
	if (f->n_probes < PROBES / 2) {
		printf("  %-12s only %d of %d probes came\n", what, f->n_probes, PROBES);
		return;
	}
	qsort(f->late, (size_t)f->n_probes, sizeof(nsec_t), by_length);
	const nsec_t p50 = f->late[f->n_probes / 2], p99 = f->late[f->n_probes * 99 / 100];
	printf("  %-12s p50 %.0f us, p99 %.0f us, at most %.0f us (%d probes)", what,
	       usec((double)p50), usec((double)p99), usec((double)f->late[f->n_probes - 1]),
	       f->n_probes);
	print_lost(f);
}

int main(void)
{
	figures = mmap(NULL, sizeof(*figures), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		       -1, 0);
	if (figures == MAP_FAILED)
		return 1;
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("bulk, packet by packet\n");
	print_faults(TRAFFIC_BULK, GSO_OFF);
	printf("bulk, gso: on (packets are frames of up to 64 KiB)\n");
	print_faults(TRAFFIC_BULK, GSO_ON);
	printf("packets of %d bytes\n", TRAFFIC_PACKET_BYTES);
	print_faults(TRAFFIC_PACKETS, GSO_OFF);
	printf("streams, packet by packet, by cables\n");
	print_cables();
	printf("a delay of %d ms, error\n", DELAY_MS);
	print_delay("idle", NO_LOAD);
	print_delay("a stream", TRAFFIC_STREAM);
	print_delay("saturated", TRAFFIC_BULK);
	return 0;
}
