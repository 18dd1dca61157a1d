/* SPDX-License-Identifier: MIT */
/*
 * The link engine netem in guests, on each kernel that was fetched: every fault that it knows, with
 * tc(8), which looks at the qdiscs from outside, as the witness of what the kernel was told and did.
 * What a scenario asks for beyond netem is refused before anything starts.
 */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#include "faults/tests/statistics.h"
#include "harness/base/cleanup.h"
#include "harness/tests/guests.h"
#include "harness/tests/netns.h"
#include "harness/tests/suite.h"

/* A guard; boots of guests are among what a test may wait for. */
#define TEST_TIMEOUT_S 240

static struct cli c;
static bool can_run;

static void setup(void)
{
	can_run = guests_start(&c);
}

static void teardown(void)
{
	guests_finish(&c, can_run);
}

/* --- one scenario a fault --- */

/* The witness looks in the middle of the window, and after it. */
#define WITNESS                                                                                    \
	"shell: \"exec nsenter --net=/proc/1/ns/net tc -j -s qdisc show\", start: manual, "        \
	"host: client"

static void write_fault(const char *name, const char *fault)
{
	cli_write(&c, arena_printf(&c.arena, "%s.yaml", name),
		  arena_printf(&c.arena,
			       "version: 1\n"
			       "name: a fault on netem\n"
			       "hosts: {server: {}, client: {}}\n"
			       "apps:\n"
			       "  server: {host: server, run: \"ref-server --listen :8000\", "
			       "ready: {listening: 8000}}\n"
			       "  client: {host: client, run: \"ref-client --target server:8000 "
			       "--rate 100\", ready: {connected: \"server:8000\"}}\n"
			       "  during: {" WITNESS "}\n"
			       "  after: {" WITNESS "}\n"
			       "timeline:\n"
			       "  - {at: 1s, id: it, %s, for: 4s}\n"
			       "  - {at: 3s, start: during}\n"
			       "  - {at: 6s, start: after}\n"
			       "expect:\n"
			       "  - exits: {app: during, status: 0, within: 1s}\n"
			       "  - exits: {app: after, status: 0, within: 1s}\n"
			       "duration: 8s\n",
			       fault));
}

/* What tc(8) says of the qdisc of this interface. The caller owns it. */
static json_t *witness(const char *folder, const char *when, const char *dev)
{
	_cleanup_json_ json_t *all =
		cli_json(&c, arena_printf(&c.arena, "%s/logs/%s.log", folder, when));
	size_t i;
	json_t *q;

	json_array_foreach(all, i, q)
	{
		if (!strcmp(json_string_value(json_object_get(q, "dev")), dev))
			return json_incref(q);
	}
	ck_abort_msg("%s: %s: no qdisc of %s", folder, when, dev);
}

/* A number below "options", by the names on the way there, separated by dots; 0: it is not there. */
static double option(const json_t *qdisc, const char *path)
{
	const json_t *at = json_object_get(qdisc, "options");
	char *copy = arena_strdup(&c.arena, path), *save = NULL;

	for (char *name = strtok_r(copy, ".", &save); name; name = strtok_r(NULL, ".", &save))
		at = json_object_get(at, name);
	return json_number_value(at);
}

/* The receipt of the fault, in the folder of a scenario. */
static json_t *receipt(const char *folder)
{
	_cleanup_json_ json_t *verdict =
		cli_json(&c, arena_printf(&c.arena, "%s/verdict.json", folder));
	json_t *faults = json_object_get(verdict, "faults");

	ck_assert_str_eq(json_string_value(json_object_get(verdict, "link")), "netem");
	ck_assert_uint_eq(json_array_size(faults), 1);
	return json_incref(json_array_get(faults, 0));
}

static double figure(const char *folder, const char *name)
{
	_cleanup_json_ json_t *r = receipt(folder);

	return json_number_value(json_object_get(r, name));
}

static const struct fault_row {
	const char *name, *fault;
	const char
		*option; /* what tc tells in the middle of it, on the to-host side of the server */
	double value;
	const char *counted; /* a figure of the receipt that is above 0 */
	bool is_all;         /* and as large as `matched` */
	bool drops;          /* `dropped` is what the qdiscs dropped */
	double share, rho;   /* of the figure in what matched; 0: any */
} faults[] = {
	{.name = "blackhole",
	 .fault = "blackhole: {cable: server}",
	 .option = "loss-random.loss",
	 .value = 1,
	 .counted = "dropped",
	 .is_all = true,
	 .drops = true},
	{.name = "delay",
	 .fault = "delay: {cable: server, mean: 20ms}",
	 .option = "delay.delay",
	 .value = 0.02,
	 .counted = "delayed",
	 .is_all = true},
	{.name = "jitter",
	 .fault = "delay: {cable: server, mean: 20ms, jitter: 4ms, distribution: normal}",
	 .option = "delay.jitter",
	 .value = 0.004,
	 .counted = "delayed",
	 .is_all = true},
	{.name = "pareto",
	 .fault = "delay: {cable: server, mean: 20ms, jitter: 4ms, distribution: pareto}",
	 .option = "delay.jitter",
	 .value = 0.006,
	 .counted = "delayed",
	 .is_all = true},
	{.name = "loss",
	 .fault = "loss: {cable: server, rate: 20%}",
	 .option = "loss-random.loss",
	 .value = 0.2,
	 .counted = "dropped",
	 .drops = true,
	 .share = 0.2},
	{.name = "correlated",
	 .fault = "loss: {cable: server, rate: 20%, correlation: 50%}",
	 .option = "loss-gemodel.p",
	 .value = 0.1,
	 .counted = "dropped",
	 .drops = true,
	 .share = 0.2,
	 .rho = 0.5},
	{.name = "gemodel",
	 .fault = "loss: {cable: server, gemodel: {p: 10%, r: 50%, 1-h: 80%, 1-k: 1%}}",
	 .option = "loss-gemodel.r",
	 .value = 0.5,
	 .counted = "dropped",
	 .drops = true,
	 .share = (0.8 + 5 * 0.01) / 6,
	 .rho = 0.4},
	{.name = "duplicate",
	 .fault = "duplicate: {cable: server, rate: 30%}",
	 .option = "duplicate.duplicate",
	 .value = 0.3,
	 .counted = "duplicated",
	 .share = 0.3},
	{.name = "corrupt",
	 .fault = "corrupt: {cable: server, rate: 20%}",
	 .option = "corrupt.corrupt",
	 .value = 0.2,
	 .counted = "corrupted",
	 .share = 0.2},
	{.name = "rate",
	 .fault = "rate: {cable: server, rate: 400kbit, limit: {packets: 7}}",
	 .option = "rate.rate",
	 .value = 50000,
	 .counted = "delayed",
	 .is_all = true},
	{.name = "reject",
	 .fault = "reject: {cable: server}",
	 .option = "loss-random.loss",
	 .value = 1,
	 .counted = "injected",
	 .drops = true},
	{.name = "power-off",
	 .fault = "power-off: {host: server}",
	 .option = "loss-random.loss",
	 .value = 1,
	 .counted = "dropped"},
	{.name = "link-down",
	 .fault = "link-down: {cable: server}",
	 .option = "loss-random.loss",
	 .value = 1,
	 .counted = "matched"},
	{.name = "rst", .fault = "rst: {cable: server}", .counted = "injected"},
};

/*
 * Five standard errors, and a packet: what is drawn depends on the folder that the programs are in,
 * and nobody is to find one in which the test fails.
 */
static double tolerance(const struct fault_row *f, double n)
{
	double error = sqrt(f->share * (1 - f->share) / stat_worth(n, f->rho));

	return 5 * error * n + 1;
}

static void check_fault(const struct fault_row *f, const char *folder)
{
	_cleanup_json_ json_t *during = witness(folder, "during", "p1");
	_cleanup_json_ json_t *after = witness(folder, "after", "p1");
	_cleanup_json_ json_t *other = witness(folder, "after", "q1");

	if (f->option)
		ck_assert_msg(fabs(option(during, f->option) - f->value) <= f->value * 1e-6,
			      "%s: %s is %g", folder, f->option, option(during, f->option));
	/* Changed in place, not made anew: it has the same number and goes on counting. */
	ck_assert_str_eq(json_string_value(json_object_get(during, "handle")),
			 json_string_value(json_object_get(after, "handle")));
	ck_assert(json_number_value(json_object_get(after, "packets")) >=
		  json_number_value(json_object_get(during, "packets")));
	if (f->option)
		ck_assert_msg(option(after, f->option) == 0, "%s: it was not lifted", folder);

	double matched = figure(folder, "matched");
	double counted = f->counted ? figure(folder, f->counted) : 0;
	ck_assert_msg(!f->counted || counted > 0, "%s: nothing was %s", folder, f->counted);
	ck_assert_msg(!f->is_all || counted == matched, "%s: %s %g of %g", folder, f->counted,
		      counted, matched);
	ck_assert_msg(f->share <= 0 || fabs(counted - f->share * matched) <= tolerance(f, matched),
		      "%s: %s %g of %g", folder, f->counted, counted, matched);
	double dropped = json_number_value(json_object_get(after, "drops")) +
			 json_number_value(json_object_get(other, "drops"));
	ck_assert_msg(!f->drops || figure(folder, "dropped") == dropped,
		      "%s: dropped %g by the receipt, %g by the kernel", folder,
		      figure(folder, "dropped"), dropped);
}

static const char *kernel_at(const struct strings *kernels, size_t i)
{
	return i < kernels->n ? kernels->v[i] : NULL;
}

START_TEST(test_each_fault)
{
	if (!can_run)
		return;
	struct strings kernels = guests_kernels(&c.arena);
	const char *kernel = kernel_at(&kernels, (size_t)_i);
	if (!kernel) {
		skip("there is no second kernel: make guest-kernel");
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(faults); i++)
		write_fault(faults[i].name, faults[i].fault);
	struct cli_result r = CLI(&c, "run", "--clock", "virtual", "--link", "netem", "--seed", "1",
				  "--kernel", kernel, ".");
	ck_assert_msg(r.code == 0, "exit code %d\n%s%s", r.code, r.out, r.err);
	for (size_t i = 0; i < ARRAY_SIZE(faults); i++)
		check_fault(&faults[i],
			    arena_printf(&c.arena, "%s/%s", guests_run_folder(&c), faults[i].name));
}
END_TEST

/* --- the same bytes --- */

START_TEST(test_the_same_bytes)
{
	if (!can_run)
		return;
	if (geteuid() != 0) {
		skip("only root may make a guest's processor a real-time one");
		return;
	}
	struct strings kernels = guests_kernels(&c.arena);
	const char *kernel = kernel_at(&kernels, (size_t)_i), *folders[2];
	if (!kernel) {
		skip("there is no second kernel: make guest-kernel");
		return;
	}
	write_fault("a", "loss: {cable: server, rate: 20%}");
	for (int i = 0; i < 2; i++) {
		struct cli_result r = CLI(&c, "run", "--clock", "virtual", "--link", "netem",
					  "--seed", "11", "--kernel", kernel, "a.yaml");

		ck_assert_msg(r.code == 0, "exit code %d\n%s%s", r.code, r.out, r.err);
		folders[i] = arena_printf(&c.arena, "%s/a", guests_run_folder(&c));
	}
	guests_assert_same_run(&c, folders[0], folders[1]);
}
END_TEST

/* What a replay says brings the same engine back. */
START_TEST(test_a_replay)
{
	if (!can_run)
		return;
	write_fault("a", "loss: {cable: server, rate: 20%}");
	struct cli_result r = CLI(&c, "run", "--clock", "virtual", "--link", "auto", "a.yaml");
	ck_assert_msg(r.code == 0, "exit code %d\n%s%s", r.code, r.out, r.err);
	_cleanup_json_ json_t *verdict =
		cli_json(&c, arena_printf(&c.arena, "%s/a/verdict.json", guests_run_folder(&c)));
	ck_assert_str_eq(json_string_value(json_object_get(verdict, "link")), "netem");
	const char *command = json_string_value(json_object_get(verdict, "replay"));
	ck_assert_int_eq(guests_replay(&c, command), 0);
	_cleanup_json_ json_t *again =
		cli_json(&c, arena_printf(&c.arena, "%s/a/verdict.json", guests_run_folder(&c)));
	ck_assert_str_eq(json_string_value(json_object_get(again, "link")), "netem");
}
END_TEST

int main(void)
{
	TCase *tests = tcase_create("netem");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_set_timeout(tests, TEST_TIMEOUT_S);
	tcase_add_loop_test(tests, test_each_fault, 0, 2);
	tcase_add_loop_test(tests, test_the_same_bytes, 0, 2);
	tcase_add_test(tests, test_a_replay);
	return run_tests("netem", tests);
}
