/* SPDX-License-Identifier: MIT */
/*
 * Probes through real cables, against what the faults promise: cable_cases.h. All that is promised on the
 * virtual clock, where a seed passes always or never; on the real one what a busy machine cannot break.
 * And the battery itself: each promise is found broken when something else is on the cable.
 *
 * WIRECUT_CONFORMANCE_FACTOR multiplies the number of probes, and so narrows all the intervals.
 * WIRECUT_CONFORMANCE_LINK names the link engine (`wirecut run --link`).
 */
#include <check.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "harness/base/cleanup.h"
#include "harness/judge/stall.h"
#include "harness/report/report.h"
#include "harness/tests/cable_judge.h"
#include "harness/tests/guests.h"
#include "harness/tests/netns.h"
#include "harness/tests/suite.h"

#define SEED  "1908180288"
#define PROBE "build/harness/tests/guest-programs/udp-probe"

/* Guards: of a test, and of a scenario on a crawling machine; cli_wait() has one of its own. */
#define TEST_TIMEOUT_S   240
#define SCENARIO_TIMEOUT "170s"

#define GROUPS_MAX 8
#define WORDS_MAX  24

enum trial { TRIAL_VIRTUAL, TRIAL_COUNTER, TRIAL_REAL, N_TRIALS };

/* The scenarios run once, before all tests; each test reads what they left. */
static struct cli c;
static const char *probe;
static const char *folders[N_TRIALS][GROUPS_MAX]; /* of results, by group; NULL: it did not run */

static struct cable_trial trial_of(enum trial trial, const char *group)
{
	const char *factor = getenv("WIRECUT_CONFORMANCE_FACTOR");

	return (struct cable_trial){.group = group,
				    .probe = probe,
				    .n_probes =
					    CABLE_PROBES * (factor ? strtoul(factor, NULL, 10) : 1),
				    .counter = trial == TRIAL_COUNTER};
}

/* -- running ----------------------------------------------------------------------------------- */

static const char *stem_of(enum trial trial, const char *group)
{
	return arena_printf(&c.arena, "%s%s", trial == TRIAL_COUNTER ? "counter-" : "", group);
}

static char *write_scenario(enum trial trial, const char *group)
{
	struct cable_trial t = trial_of(trial, group);
	char *name = arena_printf(&c.arena, "%s.yaml", stem_of(trial, group));

	cli_write(&c, name, cable_scenario(&c.arena, &t));
	return name;
}

/* Of one scenario of each group; where the results are. */
static const char *run(const char *clock, const char *jobs, const struct strings *files)
{
	const char *link = getenv("WIRECUT_CONFORMANCE_LINK");
	const char *argv[WORDS_MAX] = {"run",        "--clock", clock, "--seed", SEED,
				       "--controls", "none",    "-j",  jobs};
	size_t n = 0;

	while (argv[n])
		n++;
	if (link) {
		argv[n++] = "--link";
		argv[n++] = link;
	}
	for (size_t i = 0; i < files->n; i++)
		argv[n++] = files->v[i];
	struct cli_result r = cli_run(&c, argv);
	ck_assert_msg(r.code == 0, "exit code %d\n%s%s", r.code, r.out, r.err);
	return guests_run_folder(&c);
}

/* Two guests at once, for there may be two processors. */
static void run_on_the_virtual_clock(void)
{
	for (size_t i = 0; i < n_cable_groups; i++) {
		struct strings both = {0};

		*vec_push(&c.arena, &both) = write_scenario(TRIAL_VIRTUAL, cable_groups[i]);
		*vec_push(&c.arena, &both) = write_scenario(TRIAL_COUNTER, cable_groups[i]);
		folders[TRIAL_VIRTUAL][i] = run("virtual", "2", &both);
		folders[TRIAL_COUNTER][i] = folders[TRIAL_VIRTUAL][i];
	}
}

/* All at once: they mostly sleep. */
static void run_on_the_real_clock(void)
{
	struct strings all = {0};

	for (size_t i = 0; i < n_cable_groups; i++)
		*vec_push(&c.arena, &all) = write_scenario(TRIAL_REAL, cable_groups[i]);
	folders[TRIAL_REAL][0] = run("real", "8", &all);
	for (size_t i = 1; i < n_cable_groups; i++)
		folders[TRIAL_REAL][i] = folders[TRIAL_REAL][0];
}

static void setup(void)
{
	char path[PATH_MAX];
	bool has_guests = guests_can_run();

	ck_assert_uint_lt(n_cable_groups, GROUPS_MAX);
	ck_assert_msg(realpath(PROBE, path) != NULL, PROBE " is not there: make failing-calls");
	cli_start(&c);
	probe = arena_strdup(&c.arena, path);
	if (has_guests)
		run_on_the_virtual_clock();
	run_on_the_real_clock();
}

static void teardown(void)
{
	cli_finish(&c);
}

/* -- judging ----------------------------------------------------------------------------------- */

static const char *folder_of(enum trial trial, const struct cable_case *cc)
{
	for (size_t i = 0; i < n_cable_groups; i++)
		if (!strcmp(cable_groups[i], cc->group) && folders[trial][i])
			return arena_printf(&c.arena, "%s/%s/%s", c.dir, folders[trial][i],
					    stem_of(trial, cc->group));
	return NULL;
}

/* By how much the machine may have made things late; as the verdicts do. */
static struct cable_clock clock_of(enum trial trial, const char *folder)
{
	struct scenario_result result = {0};
	struct observations obs = {.arena = &c.arena};
	struct plan *plan = NULL;
	struct err err = {0};

	if (trial != TRIAL_REAL)
		return (struct cable_clock){.is_real = false};
	_cleanup_close_ int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	ck_assert_msg(results_judge(fd, &c.arena, &result, &plan, &obs, &err) == 0, "%s", err.msg);
	ck_assert_uint_gt(obs.list.n, 0);
	nsec_t end = obs.list.v[obs.list.n - 1].t;
	return (struct cable_clock){.is_real = true,
				    .late = stall_until(plan, &obs, end, end).late};
}

/* How many findings; 0: the trial was not made. */
static size_t judge(enum trial trial, const struct cable_case *cc,
		    struct cable_finding findings[CABLE_FINDINGS_MAX])
{
	struct cable_trial t = trial_of(trial, cc->group);
	const char *folder = folder_of(trial, cc);
	struct cable_streams streams;

	if (!folder)
		return 0;
	cable_read(&c.arena, &t, cc, folder, &streams);
	struct cable_clock clock = clock_of(trial, folder);
	if (streams.overflow && clock.is_real) {
		printf("inconclusive: %s: a receiver's socket was full\n", cc->name);
		return 0;
	}
	ck_assert_uint_eq(streams.overflow, 0);
	size_t n = cable_judge(&c.arena, cc, &streams, clock, findings);
	ck_assert(clock.is_real || n == (size_t)__builtin_popcount(cc->promises));
	return n;
}

static void assert_kept(enum trial trial, const struct cable_case *cc)
{
	struct cable_finding findings[CABLE_FINDINGS_MAX];
	size_t n = judge(trial, cc, findings);

	for (size_t i = 0; i < n; i++) {
		const char *text = cable_finding_text(&c.arena, cc, &findings[i]);
		enum cable_verdict verdict = cable_verdict_of(&findings[i]);

		if (getenv("WIRECUT_CONFORMANCE_SHOW"))
			printf("%s\n", text);
		if (verdict == CABLE_INCONCLUSIVE)
			printf("inconclusive: %s\n", text);
		ck_assert_msg(verdict != CABLE_BROKEN, "%s", text);
	}
}

START_TEST(a_promise_is_kept_on_the_virtual_clock)
{
	assert_kept(TRIAL_VIRTUAL, &cable_cases[_i]);
}
END_TEST

START_TEST(a_promise_is_kept_on_the_real_clock)
{
	assert_kept(TRIAL_REAL, &cable_cases[_i]);
}
END_TEST

START_TEST(a_broken_promise_is_found)
{
	struct cable_finding findings[CABLE_FINDINGS_MAX];
	size_t n = judge(TRIAL_COUNTER, &cable_cases[_i], findings);

	for (size_t i = 0; i < n; i++)
		ck_assert_msg(cable_verdict_of(&findings[i]) == CABLE_BROKEN,
			      "not found to be broken: %s",
			      cable_finding_text(&c.arena, &cable_cases[_i], &findings[i]));
}
END_TEST

int main(void)
{
	TCase *tests = tcase_create("cable");

	tcase_add_unchecked_fixture(tests, setup, teardown);
	tcase_set_timeout(tests, TEST_TIMEOUT_S);
	tcase_add_loop_test(tests, a_promise_is_kept_on_the_virtual_clock, 0, (int)n_cable_cases);
	tcase_add_loop_test(tests, a_broken_promise_is_found, 0, (int)n_cable_cases);
	tcase_add_loop_test(tests, a_promise_is_kept_on_the_real_clock, 0, (int)n_cable_cases);
	return run_tests("cable", tests);
}
