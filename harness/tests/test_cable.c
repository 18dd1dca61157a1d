/* SPDX-License-Identifier: MIT */
/*
 * Probes through real cables, against what the faults promise: cable_cases.h. The same battery on both
 * link engines, but for what netem cannot do, which is not listed here: the builder of plans is asked.
 *
 * All that is promised on the virtual clock, on netem with each kernel; on the real one what a busy machine
 * cannot break. And the battery itself: each promise is found broken when something else is on the cable.
 *
 * On wire a seed passes always or never. netem draws from the kernel's generators, which give other
 * numbers in another folder or with another build: what one sound draw of a thousand breaks is then drawn
 * once more, and is broken if it is so again, one time in a million.
 *
 * WIRECUT_CONFORMANCE_LINK=netem (or wire) leaves the other engine out.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "faults/fault.h"
#include "harness/base/cleanup.h"
#include "harness/tests/cable_battery.h"
#include "harness/tests/guests.h"
#include "harness/tests/netns.h"
#include "harness/tests/suite.h"

/* A guard; a test may run a guest. */
#define TEST_TIMEOUT_S 240

enum setting { WIRE_VIRTUAL, WIRE_REAL, NETEM_FIRST, NETEM_SECOND, NETEM_REAL, N_SETTINGS };

static struct cable_battery batteries[N_SETTINGS] = {
	[WIRE_VIRTUAL] = {.name = "wire, virtual clock", .link = LINK_WIRE},
	[WIRE_REAL] = {.name = "wire, real clock", .link = LINK_WIRE, .is_real = true},
	[NETEM_FIRST] = {.name = "netem, the first kernel", .link = LINK_NETEM},
	[NETEM_SECOND] = {.name = "netem, the second kernel", .link = LINK_NETEM},
	[NETEM_REAL] = {.name = "netem, real clock", .link = LINK_NETEM, .is_real = true},
};

/* All is run once, before the tests; each of them reads what was left. */
static struct cli c;

/* -- running ----------------------------------------------------------------------------------- */

/* On netem with each kernel. */
static bool find_kernel(struct cable_battery *b, size_t i)
{
	struct strings kernels = guests_kernels(&c.arena);

	if (i >= kernels.n) {
		skip("there is no second kernel: make guest-kernel");
		return false;
	}
	b->kernel = kernels.v[i];
	return true;
}

static bool is_wanted(const struct cable_battery *b)
{
	const char *link = getenv("WIRECUT_CONFORMANCE_LINK");

	return !link || !strcmp(link, link_engine_names[b->link]);
}

static void setup(void)
{
	bool has_guests = guests_can_run();

	cli_start(&c);
	guests_copy_program(&c, CABLE_PROBE);
	for (size_t i = 0; i < N_SETTINGS; i++) {
		struct cable_battery *b = &batteries[i];

		if (!is_wanted(b) || (!b->is_real && !has_guests))
			continue;
		if (b->link == LINK_WIRE || b->is_real || find_kernel(b, i - NETEM_FIRST))
			cable_run(&c, b);
	}
}

static void teardown(void)
{
	cli_finish(&c);
}

/* -- judging ----------------------------------------------------------------------------------- */

static const struct cable_battery *battery_at(int i)
{
	return &batteries[(size_t)i / n_cable_cases];
}

static const struct cable_case *case_at(int i)
{
	return &cable_cases[(size_t)i % n_cable_cases];
}

static void show(const struct cable_battery *b, const char *text)
{
	if (getenv("WIRECUT_CONFORMANCE_SHOW"))
		printf("%s: %s\n", b->name, text);
}

static void show_refusal(const struct cable_battery *b, const struct cable_case *cc)
{
	struct cable_trial t = cable_trial_of(b, cc, false);
	const char *reason = cable_needs_wire(&c.arena, &t, cc);

	if (reason)
		show(b, arena_printf(&c.arena, "%s: %s", cc->name, reason));
}

/* Whether what was found broken may have been one draw in a thousand, and is well in another. */
static bool was_chance(const struct cable_battery *b, const struct cable_case *cc,
		       const struct cable_finding *f)
{
	if (!f->drawn || b->link != LINK_NETEM)
		return false;
	struct cable_finding again = cable_another_draw(&c, b, cc, f->promise);
	printf("%s: drawn again, for %s\n", cable_finding_text(&c.arena, cc, &again),
	       cable_finding_text(&c.arena, cc, f));
	return cable_verdict_of(&again) == CABLE_HOLDS;
}

START_TEST(a_promise_is_kept)
{
	const struct cable_battery *b = battery_at(_i);
	const struct cable_case *cc = case_at(_i);
	struct cable_finding findings[CABLE_FINDINGS_MAX];
	size_t n = cable_findings(&c, b, cc, false, findings);

	show_refusal(b, cc);
	for (size_t i = 0; i < n; i++) {
		const char *text = cable_finding_text(&c.arena, cc, &findings[i]);
		enum cable_verdict verdict = cable_verdict_of(&findings[i]);

		show(b, text);
		if (verdict == CABLE_INCONCLUSIVE)
			printf("inconclusive, %.6g s may be the machine's: %s\n", findings[i].doubt,
			       text);
		ck_assert_msg(verdict != CABLE_BROKEN || was_chance(b, cc, &findings[i]), "%s: %s",
			      b->name, text);
	}
}
END_TEST

START_TEST(a_broken_promise_is_found)
{
	const struct cable_battery *b = battery_at(_i);
	const struct cable_case *cc = case_at(_i);
	struct cable_finding findings[CABLE_FINDINGS_MAX];
	size_t n = cable_findings(&c, b, cc, true, findings);

	for (size_t i = 0; i < n; i++) {
		const char *text = cable_finding_text(&c.arena, cc, &findings[i]);

		show(b, arena_printf(&c.arena, "instead, %s", text));
		ck_assert_msg(cable_verdict_of(&findings[i]) == CABLE_BROKEN,
			      "%s: not found to be broken: %s", b->name, text);
	}
}
END_TEST

/* -- what netem is asked --------------------------------------------------------------------------- */

static bool is_on_netem(const struct cable_case *cc, bool counter)
{
	struct cable_trial t = cable_trial_of(&batteries[NETEM_FIRST], cc, counter);

	return cable_is_in(&t, cc);
}

START_TEST(a_case_on_netem_has_its_counter_trial_there)
{
	const struct cable_case *cc = &cable_cases[_i];

	ck_assert_msg(!is_on_netem(cc, false) || is_on_netem(cc, true),
		      "%s: netem has the case, and not what stands in place of its faults",
		      cc->name);
}
END_TEST

/* The kinds that a case puts on its cable: "at: 0s, delay: {...". */
static bool has_kind(const struct cable_case *cc, const char *kind)
{
	for (size_t i = 0; i < CABLE_FAULTS_MAX && cc->faults[i]; i++)
		if (strstr(cc->faults[i], arena_printf(&c.arena, " %s: {", kind)))
			return true;
	return false;
}

START_TEST(what_netem_knows_it_is_asked)
{
	size_t n_kinds = 0;

	for (const struct fault_ops *const *at = fault_registry; *at; at++) {
		const struct fault_ops *ops = *at;
		bool is_in_battery = false, is_asked = false;

		for (size_t i = 0; i < n_cable_cases; i++) {
			bool has = has_kind(&cable_cases[i], ops->name);

			is_in_battery |= has;
			is_asked |= has && is_on_netem(&cable_cases[i], false);
		}
		n_kinds += is_in_battery;
		ck_assert_msg(!is_in_battery || is_asked == (ops->netem != NULL),
			      "%s: netem %s it, and is %sasked", ops->name,
			      ops->netem ? "knows" : "does not know", is_asked ? "" : "not ");
	}
	ck_assert_uint_gt(n_kinds, 0);
}
END_TEST

int main(void)
{
	TCase *tests = tcase_create("cable");
	const int n_each = (int)n_cable_cases, n_all = N_SETTINGS * n_each;

	tcase_add_unchecked_fixture(tests, setup, teardown);
	tcase_set_timeout(tests, TEST_TIMEOUT_S);
	tcase_add_loop_test(tests, a_case_on_netem_has_its_counter_trial_there, 0, n_each);
	tcase_add_test(tests, what_netem_knows_it_is_asked);
	tcase_add_loop_test(tests, a_promise_is_kept, 0, n_all);
	tcase_add_loop_test(tests, a_broken_promise_is_found, 0, n_all);
	return run_tests("cable", tests);
}
