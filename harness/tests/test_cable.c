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
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "harness/base/cleanup.h"
#include "harness/base/io.h"
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
				    .counter = trial == TRIAL_COUNTER,
				    .real = trial == TRIAL_REAL};
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

/* The exit code of a usage error (README.md). */
#define EXIT_MISUSED 2

/* How often a busy machine may keep a sender from coming to its end. */
#define ATTEMPTS 3

static struct cli_result run(const char *clock, const char *jobs, const struct strings *files)
{
	const char *link = getenv("WIRECUT_CONFORMANCE_LINK");
	const char *argv[WORDS_MAX] = {"run", "--clock",    clock,           "--seed",
				       SEED,  "--controls", "none",          "-j",
				       jobs,  "--timeout",  SCENARIO_TIMEOUT};
	size_t n = 0;

	while (argv[n])
		n++;
	if (link) {
		argv[n++] = "--link";
		argv[n++] = link;
	}
	for (size_t i = 0; i < files->n; i++)
		argv[n++] = files->v[i];
	return cli_run(&c, argv);
}

/* More than Check takes as the text of a failure. */
static void must_pass(const struct cli_result *r)
{
	if (r->code != 0)
		printf("%s%s", r->out, r->err);
	ck_assert_int_eq(r->code, 0);
}

/* Two guests at once, for there may be two processors. */
static void run_on_the_virtual_clock(void)
{
	for (size_t i = 0; i < n_cable_groups; i++) {
		struct strings both = {0};

		*vec_push(&c.arena, &both) = write_scenario(TRIAL_VIRTUAL, cable_groups[i]);
		*vec_push(&c.arena, &both) = write_scenario(TRIAL_COUNTER, cable_groups[i]);
		struct cli_result r = run("virtual", "2", &both);
		must_pass(&r);
		folders[TRIAL_VIRTUAL][i] = guests_run_folder(&c);
		folders[TRIAL_COUNTER][i] = folders[TRIAL_VIRTUAL][i];
	}
}

/* The verdict of a group's scenario in the last run. */
static const char *verdict_of(const char *group)
{
	_cleanup_json_ json_t *run = cli_json(&c, "results/latest/run.json");
	size_t i;
	json_t *s;

	json_array_foreach(json_object_get(run, "scenarios"), i, s)
	{
		if (!strcmp(json_string_value(json_object_get(s, "slug")), group))
			return arena_strdup(&c.arena,
					    json_string_value(json_object_get(s, "verdict")));
	}
	ck_abort_msg("%s was not run", group);
}

/* All at once, for they mostly sleep; those that did not come to their end, again. */
static void run_on_the_real_clock(void)
{
	for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
		struct strings open = {0};

		for (size_t i = 0; i < n_cable_groups; i++)
			if (!folders[TRIAL_REAL][i])
				*vec_push(&c.arena, &open) =
					write_scenario(TRIAL_REAL, cable_groups[i]);
		if (!open.n)
			return;
		struct cli_result r = run("real", "8", &open);
		if (r.code == EXIT_MISUSED)
			must_pass(&r);
		for (size_t i = 0; i < n_cable_groups; i++) {
			if (folders[TRIAL_REAL][i])
				continue;
			const char *verdict = verdict_of(cable_groups[i]);

			if (!strcmp(verdict, "pass"))
				folders[TRIAL_REAL][i] = guests_run_folder(&c);
			else if (strcmp(verdict, "fail") != 0 &&
				 strcmp(verdict, "inconclusive") != 0)
				must_pass(&r);
		}
	}
	for (size_t i = 0; i < n_cable_groups; i++)
		if (!folders[TRIAL_REAL][i])
			printf("inconclusive: %s: this machine is too busy for the real clock\n",
			       cable_groups[i]);
}

/* Beside the scenarios, for that is where hosts see it: their /tmp is their own. */
static void copy_probe(void)
{
	struct err err = {0};
	size_t len = 0;
	const char *bytes = io_read_file(PROBE, &len, &c.arena, &err);

	ck_assert_msg(bytes != NULL, "%s: make failing-calls", err.msg);
	probe = arena_printf(&c.arena, "%s/udp-probe", c.dir);
	_cleanup_close_ int fd = open(probe, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, bytes, len), (ssize_t)len);
}

static void setup(void)
{
	bool has_guests = guests_can_run();

	ck_assert_uint_lt(n_cable_groups, GROUPS_MAX);
	cli_start(&c);
	copy_probe();
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

/* In which the waits of a program are added up: no probe's own is longer. */
#define SPAN      NSEC_PER_SEC
#define SPAN_STEP (SPAN / 2)

/* By how much the machine may have made a probe late, as the verdicts say, or its sender's start. */
static nsec_t latest(const struct plan *plan, const struct observations *obs)
{
	nsec_t late = 0;

	vec_foreach (o, &obs->list)
		if (o->source == OBS_FAULT && o->event == EV_ON && o->t - o->fault.asked > late)
			late = o->t - o->fault.asked;
	for (nsec_t t = 0; t < obs->list.v[obs->list.n - 1].t + SPAN_STEP; t += SPAN_STEP) {
		struct stall stall = stall_until(plan, obs, t, SPAN);

		late = stall.late > late ? stall.late : late;
	}
	return late;
}

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
	return (struct cable_clock){.is_real = true, .late = latest(plan, &obs)};
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
			printf("inconclusive, %.6g s may be the machine's: %s\n", findings[i].doubt,
			       text);
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
