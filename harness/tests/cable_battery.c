/* SPDX-License-Identifier: MIT */
#include "harness/tests/cable_battery.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "harness/base/cleanup.h"
#include "harness/judge/stall.h"
#include "harness/report/report.h"
#include "harness/tests/guests.h"

#define SEED         "1908180288"
#define ANOTHER_SEED "1908180289"

/* A guard, of a scenario on a crawling machine; cli_wait() has one of its own. */
#define SCENARIO_TIMEOUT "170s"

#define WORDS_MAX 24

struct cable_trial cable_trial_of(const struct cable_battery *b, const struct cable_case *cc,
				  bool counter)
{
	const char *factor = getenv("WIRECUT_CONFORMANCE_FACTOR");

	return (struct cable_trial){.link = b->link,
				    .group = cc->group,
				    .probe = CABLE_PROBE,
				    .n_probes =
					    CABLE_PROBES * (factor ? strtoul(factor, NULL, 10) : 1),
				    .counter = counter,
				    .real = b->is_real};
}

/* -- running ----------------------------------------------------------------------------------- */

static const char *stem_of(struct cli *c, const char *group, bool counter)
{
	return arena_printf(&c->arena, "%s%s", counter ? "counter-" : "", group);
}

static char *write_scenario(struct cli *c, const struct cable_battery *b, const char *group,
			    bool counter)
{
	const struct cable_case any = {.group = group};
	struct cable_trial t = cable_trial_of(b, &any, counter);
	char *name = arena_printf(&c->arena, "%s.yaml", stem_of(c, group, counter));

	t.probe = arena_printf(&c->arena, "%s/" CABLE_PROBE, c->dir);
	cli_write(c, name, cable_scenario(&c->arena, &t));
	return name;
}

static struct cli_result run(struct cli *c, const struct cable_battery *b, const char *seed,
			     const struct strings *files)
{
	const char *argv[WORDS_MAX] = {"run",
				       "--clock",
				       b->is_real ? "real" : "virtual",
				       "--link",
				       link_engine_names[b->link],
				       "--seed",
				       seed,
				       "--controls",
				       "none",
				       "-j", /* on the real clock they mostly sleep */
				       b->is_real ? "8" : "2",
				       "--timeout",
				       SCENARIO_TIMEOUT};
	size_t n = 0;

	while (argv[n])
		n++;
	if (b->kernel) {
		argv[n++] = "--kernel";
		argv[n++] = b->kernel;
	}
	for (size_t i = 0; i < files->n; i++)
		argv[n++] = files->v[i];
	return cli_run(c, argv);
}

/* More than Check takes as the text of a failure. */
static void must_pass(const struct cli_result *r)
{
	if (r->code != 0)
		printf("%s%s", r->out, r->err);
	ck_assert_int_eq(r->code, 0);
}

static const char *folder_of(struct cli *c, const char *group, bool counter)
{
	return arena_printf(&c->arena, "%s/%s", guests_run_folder(c), stem_of(c, group, counter));
}

/* Two guests at once, for there may be two processors. */
static void run_on_the_virtual_clock(struct cli *c, struct cable_battery *b)
{
	for (size_t i = 0; i < n_cable_groups; i++) {
		const char *group = cable_groups[i];
		struct strings both = {0};

		*vec_push(&c->arena, &both) = write_scenario(c, b, group, false);
		*vec_push(&c->arena, &both) = write_scenario(c, b, group, true);
		struct cli_result r = run(c, b, SEED, &both);
		must_pass(&r);
		b->groups[i].trial = folder_of(c, group, false);
		b->groups[i].counter = folder_of(c, group, true);
	}
}

/* The verdict of a group's scenario in the last run. */
static const char *verdict_of(struct cli *c, const char *group)
{
	_cleanup_json_ json_t *run = cli_json(c, "results/latest/run.json");
	size_t i;
	json_t *s;

	json_array_foreach(json_object_get(run, "scenarios"), i, s)
	{
		if (!strcmp(json_string_value(json_object_get(s, "slug")), group))
			return arena_strdup(&c->arena,
					    json_string_value(json_object_get(s, "verdict")));
	}
	ck_abort_msg("%s was not run", group);
}

/* The exit code of a usage error, and that of a machine that lacks something (README.md). */
enum { EXIT_MISUSED = 2, EXIT_LACKING = 5 };

/* How often a busy machine may keep a sender from coming to its end. */
#define ATTEMPTS 3

/* Those groups that are open; keeps what came to its end. False: this machine cannot. */
static bool run_open(struct cli *c, struct cable_battery *b, const struct strings *open)
{
	struct cli_result r = run(c, b, SEED, open);

	if (r.code == EXIT_LACKING && b->link == LINK_NETEM)
		return false;
	if (r.code == EXIT_MISUSED)
		must_pass(&r);
	for (size_t i = 0; i < n_cable_groups; i++) {
		if (b->groups[i].trial)
			continue;
		const char *verdict = verdict_of(c, cable_groups[i]);

		if (!strcmp(verdict, "pass"))
			b->groups[i].trial = folder_of(c, cable_groups[i], false);
		else if (strcmp(verdict, "fail") != 0 && strcmp(verdict, "inconclusive") != 0)
			must_pass(&r);
	}
	return true;
}

/* All at once; those that did not come to their end, again. */
static void run_on_the_real_clock(struct cli *c, struct cable_battery *b)
{
	for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
		struct strings open = {0};

		for (size_t i = 0; i < n_cable_groups; i++)
			if (!b->groups[i].trial)
				*vec_push(&c->arena, &open) =
					write_scenario(c, b, cable_groups[i], false);
		if (!open.n)
			return;
		if (!run_open(c, b, &open)) {
			printf("%s: this kernel has no netem; the guests' have\n", b->name);
			return;
		}
	}
	for (size_t i = 0; i < n_cable_groups; i++)
		if (!b->groups[i].trial)
			printf("inconclusive: %s: %s: this machine is too busy for the real "
			       "clock\n",
			       b->name, cable_groups[i]);
}

void cable_run(struct cli *c, struct cable_battery *b)
{
	ck_assert_uint_le(n_cable_groups, ARRAY_SIZE(b->groups));
	if (b->is_real)
		run_on_the_real_clock(c, b);
	else
		run_on_the_virtual_clock(c, b);
}

/* -- judging ----------------------------------------------------------------------------------- */

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

static nsec_t lateness_in(struct cli *c, const char *folder)
{
	struct scenario_result result = {0};
	struct observations obs = {.arena = &c->arena};
	struct plan *plan = NULL;
	struct err err = {0};

	_cleanup_close_ int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	ck_assert_msg(results_judge(fd, &c->arena, &result, &plan, &obs, &err) == 0, "%s", err.msg);
	ck_assert_uint_gt(obs.list.n, 0);
	return latest(plan, &obs);
}

static size_t judge_folder(struct cli *c, const struct cable_battery *b,
			   const struct cable_case *cc, bool counter, const char *folder,
			   struct cable_finding ret[CABLE_FINDINGS_MAX])
{
	struct cable_trial t = cable_trial_of(b, cc, counter);
	const char *path = arena_printf(&c->arena, "%s/%s", c->dir, folder);
	struct cable_terms terms = {
		.link = b->link, .promises = cable_promises(&t, cc), .is_real = b->is_real};
	struct cable_streams streams;

	if (b->is_real)
		terms.late = lateness_in(c, path);
	cable_read(&c->arena, &t, cc, path, &streams);
	if (streams.overflow && b->is_real) {
		printf("inconclusive: %s: a receiver's socket was full\n", cc->name);
		return 0;
	}
	ck_assert_uint_eq(streams.overflow, 0);
	size_t n = cable_judge(&c->arena, cc, &streams, terms, ret);
	ck_assert(b->is_real || n == (size_t)__builtin_popcount(terms.promises));
	return n;
}

size_t cable_findings(struct cli *c, const struct cable_battery *b, const struct cable_case *cc,
		      bool counter, struct cable_finding ret[CABLE_FINDINGS_MAX])
{
	struct cable_trial t = cable_trial_of(b, cc, counter);
	const char *folder = NULL;

	for (size_t i = 0; i < n_cable_groups; i++)
		if (!strcmp(cable_groups[i], cc->group))
			folder = counter ? b->groups[i].counter : b->groups[i].trial;
	return folder && cable_is_in(&t, cc) ? judge_folder(c, b, cc, counter, folder, ret) : 0;
}

struct cable_finding cable_another_draw(struct cli *c, const struct cable_battery *b,
					const struct cable_case *cc, enum cable_promise promise)
{
	struct cable_finding findings[CABLE_FINDINGS_MAX];
	struct strings one = {0};

	*vec_push(&c->arena, &one) = write_scenario(c, b, cc->group, false);
	struct cli_result r = run(c, b, ANOTHER_SEED, &one);
	must_pass(&r);
	size_t n = judge_folder(c, b, cc, false, folder_of(c, cc->group, false), findings);
	for (size_t i = 0; i < n; i++)
		if (findings[i].promise == promise)
			return findings[i];
	ck_abort_msg("%s: the promise was not judged", cc->name);
}
