/* SPDX-License-Identifier: MIT */
#include "harness/judge/took.h"

#include "harness/judge/say.h"
#include "harness/judge/tolerance.h"

void tooks_add(struct tooks *t, const struct took *took)
{
	bool first = !t->n++;

	if (first || took->most > t->slowest.most)
		t->slowest = *took;
	if (first || took->least > t->surely_slowest.least)
		t->surely_slowest = *took;
	if (first || took->least < t->fastest.least)
		t->fastest = *took;
	if (first || took->most < t->surely_fastest.most)
		t->surely_fastest = *took;
}

static const struct took *say_took(const struct took *took, const struct expect_spec *spec,
				   const char *more, struct arena *a, struct expect_result *ret)
{
	ret->observed =
		arena_printf(a, "%s%s", say_seconds_against(took->most, spec->within, a), more);
	ret->value = to_seconds(took->most);
	ret->unit = "s";
	return took;
}

static const struct took *say_doubt(const struct took *took, const struct expect_spec *spec,
				    nsec_t bound, struct arena *a, struct expect_result *ret)
{
	say_took(took, spec, "", a, ret);
	result_in_doubt(ret, took->least, took->most, bound, a);
	return took;
}

const struct took *tooks_judge(const struct tooks *t, const struct expect_spec *spec,
			       struct arena *a, struct expect_result *ret)
{
	nsec_t earliest = spec->not_before == NSEC_UNSET ? 0 : spec->not_before - TOLERANCE_PACKET;
	bool too_late = t->surely_slowest.least > spec->within;
	bool too_early = t->surely_fastest.most < earliest;

	ret->verdict = too_late || too_early ? VERDICT_FAIL : VERDICT_PASS;
	if (t->surely_slowest.most == NSEC_NEVER)
		return &t->surely_slowest;
	if (too_late)
		return say_took(&t->surely_slowest, spec, "", a, ret);
	if (too_early)
		return say_took(&t->surely_fastest, spec,
				arena_printf(a, ", too early (tolerance %s)",
					     say_duration(TOLERANCE_PACKET, a)),
				a, ret);
	if (t->slowest.most > spec->within)
		return say_doubt(&t->slowest, spec, spec->within, a, ret);
	if (t->fastest.least < earliest)
		return say_doubt(&t->fastest, spec, spec->not_before, a, ret);
	return say_took(&t->slowest, spec, "", a, ret);
}
