/* SPDX-License-Identifier: MIT */
/*
 * The two link engines side by side, in scenarios as `wirecut run` runs them:
 *
 *   bulk     one TCP connection as fast as it goes, with no fault on its way and with 5: how many packets
 *            a second cross the cables (acknowledgments included), and for how long the processors were
 *            busy for each, with all that takes part: both ends' TCP, the harness, the engine
 *   delay    what a delay of 20 ms really was, less 20 ms, from before a probe's send until the stamp
 *            of its arrival, while nothing else is on the cables, and beside a bulk between two others
 *
 * In a guest of the virtual clock, for its kernel has netem, on each kernel that was fetched. A guest's time
 * is counted in instructions, one a nanosecond, and jumps over idleness: so the figures are no real
 * processor's, which has caches, and for which some instructions are dear (an entry into the kernel, which
 * the engine `wire` needs more often). But they are the same whatever else the machine does, and
 * their ratio tells how much more work the one is than the other. With the clocks of this machine,
 * too, if its own kernel has netem: then it should have nothing else to do.
 *
 * The 5 faults are asked of each packet to the receiver: on its own cable a delay, a loss, a corruption and a
 * reordering, and a rate on the sender's; the shares are too small to show.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "harness/base/cleanup.h"
#include "harness/run/run.h"
#include "harness/tests/guests.h"
#include "harness/tests/probe_line.h"
#include "harness/tests/suite.h"

#define SEED       "1"
#define BULK_BYTES 10000000
#define BULK_PORT  9000
#define PROBE_PORT 9001
#define DELAY      (20 * NSEC_PER_MSEC)
#define PROBES     500
/* Of the real clock, whose figures differ from one time to the next: the best counts. */
#define ROUNDS 3

#define LINKS 2 /* enum link_engine */

static const char five_faults[] =
	"  - {at: 0s, delay: {cable: to, direction: to-host, mean: 100us}}\n"
	"  - {at: 0s, loss: {cable: to, direction: to-host, rate: 0.0001%}}\n"
	"  - {at: 0s, corrupt: {cable: to, direction: to-host, rate: 0.0001%}}\n"
	"  - {at: 0s, reorder: {cable: to, direction: to-host, rate: 0.0001%}}\n"
	"  - {at: 0s, rate: {cable: from, direction: from-host, rate: 1000gbit}}\n";

static const char the_delay[] =
	"  - {at: 0s, delay: {cable: to, direction: to-host, mean: 20ms}}\n";

struct bench {
	struct cli c;
	const char *bulk, *probe; /* programs */
	const char *kernel;       /* of a guest; NULL: the real clock */
};

/* -- scenarios ------------------------------------------------------------------------------- */

/* From one host to another: two apps. */
static char *bulk_apps(struct bench *b, const char *from, const char *to)
{
	return arena_printf(&b->c.arena,
			    "  bulk-to: {host: %s, run: \"%s receive %d\", ready: {log: ready}}\n"
			    "  bulk-from: {host: %s, run: \"%s send %d %s:%d\", start: manual}\n",
			    to, b->bulk, BULK_PORT, from, b->bulk, BULK_BYTES, to, BULK_PORT);
}

static void write_bulk(struct bench *b, const char *name, const char *faults)
{
	cli_write(&b->c, arena_printf(&b->c.arena, "%s.yaml", name),
		  arena_printf(&b->c.arena,
			       "version: 1\nname: bulk\nhosts: {from: {}, to: {}}\napps:\n%s"
			       "timeline:\n%s"
			       "  - {at: 100ms, start: bulk-from}\n"
			       "expect:\n"
			       "  - exits: {app: bulk-to, status: 0, within: 30s}\n",
			       bulk_apps(b, "from", "to"), faults));
}

static void write_probes(struct bench *b, const char *name, bool loaded)
{
	const char *apps = loaded ? bulk_apps(b, "other-from", "other-to") : "";

	cli_write(&b->c, arena_printf(&b->c.arena, "%s.yaml", name),
		  arena_printf(&b->c.arena,
			       "version: 1\nname: probes\n"
			       "hosts: {from: {}, to: {}, other-from: {}, other-to: {}}\n"
			       "apps:\n"
			       "  to: {host: to, run: \"%s receive %d 1\", ready: {log: ready}}\n"
			       "  from: {host: from, start: manual, "
			       "run: \"%s send --interval=1000 %d to:%d\"}\n%s"
			       "timeline:\n%s"
			       "  - {at: 100ms, start: [from%s]}\n"
			       "  - {at: 2s, stop: to}\n"
			       "expect:\n"
			       "  - exits: {app: from, status: 0, within: 30s}\n",
			       b->probe, PROBE_PORT, b->probe, PROBES, PROBE_PORT, apps, the_delay,
			       loaded ? ", bulk-from" : ""));
}

/* Runs the scenario, and gives the log of an app. */
static char *log_of(struct bench *b, enum link_engine link, const char *name, const char *app)
{
	const char *file = arena_printf(&b->c.arena, "%s.yaml", name);
	const char *folder = arena_printf(&b->c.arena, "results/latest/%s", name);
	struct cli_result r =
		b->kernel ? CLI(&b->c, "run", "--seed", SEED, "--link", link_engine_names[link],
				"--clock", "virtual", "--kernel", b->kernel, file)
			  : CLI(&b->c, "run", "--seed", SEED, "--link", link_engine_names[link],
				"--clock", "real", file);

	ck_assert_msg(r.code == 0, "%s, exit code %d\n%s%s", name, r.code, r.out, r.err);
	return guests_read(&b->c, folder, arena_printf(&b->c.arena, "logs/%s.log", app), NULL);
}

/* -- figures --------------------------------------------------------------------------------- */

static double usec(double ns)
{
	return ns / (double)NSEC_PER_USEC;
}

struct bulk {
	double bits_per_s, packets_per_s, busy; /* ns for each packet */
};

static struct bulk run_bulk(struct bench *b, enum link_engine link, const char *name)
{
	const char *log = log_of(b, link, name, "bulk-to"), *line = strstr(log, "bulk ");
	double bytes, elapsed, frames, busy;

	int n = line ? sscanf(line, "bulk %lf %lf %lf %lf", &bytes, &elapsed, &frames, &busy) : 0;
	ck_assert_msg(n == 4, "%s: nothing came:\n%s", name, log);
	return (struct bulk){.bits_per_s = 8 * bytes / elapsed * (double)NSEC_PER_SEC,
			     .packets_per_s = frames / elapsed * (double)NSEC_PER_SEC,
			     .busy = busy / frames};
}

static struct bulk best_bulk(struct bench *b, enum link_engine link, const char *name)
{
	struct bulk best = {0};

	for (int i = 0; i < (b->kernel ? 1 : ROUNDS); i++) {
		struct bulk one = run_bulk(b, link, name);

		best = one.packets_per_s > best.packets_per_s ? one : best;
	}
	return best;
}

static void print_bulk(struct bench *b, const char *what, const char *name)
{
	struct bulk of[LINKS];

	printf("  %s\n", what);
	for (int link = LINK_WIRE; link <= LINK_NETEM; link++) {
		of[link] = best_bulk(b, (enum link_engine)link, name);
		printf("    %-6s %5.0f Mbit/s, %5.1f thousand packets/s, CPU per packet %.2f us\n",
		       link_engine_names[link], of[link].bits_per_s / 1e6,
		       of[link].packets_per_s / 1e3, usec(of[link].busy));
	}
	printf("    %-6s carries %.2f times the packets of wire, for %.2f times the CPU\n", "netem",
	       of[LINK_NETEM].packets_per_s / of[LINK_WIRE].packets_per_s,
	       of[LINK_NETEM].busy / of[LINK_WIRE].busy);
}

static int by_length(const void *va, const void *vb)
{
	const nsec_t *a = va, *b = vb;

	return (*a > *b) - (*a < *b);
}

static void print_delay(struct bench *b, const char *what, const char *name)
{
	printf("  %s\n", what);
	for (int link = LINK_WIRE; link <= LINK_NETEM; link++) {
		const char *log = log_of(b, (enum link_engine)link, name, "to");
		nsec_t late[PROBES] = {0};
		size_t n = 0;

		for (; *log; log += strcspn(log, "\n"), log += *log == '\n') {
			struct probe_line l;

			if (n < PROBES && probe_line_parse(log, &l))
				late[n++] = l.received - l.sent - DELAY;
		}
		ck_assert_uint_gt(n, 0);
		qsort(late, n, sizeof(*late), by_length);
		const nsec_t p50 = late[n / 2], p99 = late[n * 99 / 100], most = late[n - 1];
		printf("    %-6s p50 %.1f us, p99 %.1f us, at most %.1f us (%zu of %d probes)\n",
		       link_engine_names[link], usec((double)p50), usec((double)p99),
		       usec((double)most), n, PROBES);
	}
}

static void print_all(struct bench *b)
{
	print_bulk(b, "bulk, no fault", "no-fault");
	print_bulk(b, "bulk, 5 faults", "five-faults");
	print_delay(b, "a delay of 20 ms, error, idle", "idle");
	print_delay(b, "a delay of 20 ms, error, beside a bulk", "loaded");
}

/* One case of Check, in which what the helpers of tests assert is told. */
START_TEST(the_figures)
{
	struct bench b = {0};
	bool has_guests = guests_can_run();

	setvbuf(stdout, NULL, _IOLBF, 0);
	cli_start(&b.c);
	b.bulk = guests_copy_program(&b.c, "tcp-bulk");
	b.probe = guests_copy_program(&b.c, "udp-probe");
	write_bulk(&b, "no-fault", "");
	write_bulk(&b, "five-faults", five_faults);
	write_probes(&b, "idle", false);
	write_probes(&b, "loaded", true);
	struct strings kernels = has_guests ? guests_kernels(&b.c.arena) : (struct strings){0};
	for (size_t i = 0; i < kernels.n; i++) {
		b.kernel = kernels.v[i];
		printf("in a guest, whose time is its instructions: %s\n", b.kernel);
		print_all(&b);
	}
	b.kernel = NULL;
	if (run_has_netem()) {
		printf("on this machine's kernel and clock\n");
		print_all(&b);
	} else {
		printf("this machine's kernel has no netem: nothing to compare on its clock\n");
	}
	cli_finish(&b.c);
}
END_TEST

int main(void)
{
	TCase *tests = tcase_create("links");

	tcase_set_timeout(tests, 0); /* cli_wait() has a guard for each run */
	tcase_add_test(tests, the_figures);
	return run_tests("links", tests);
}
