/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <stdlib.h>

#include "harness/base/cleanup.h"
#include "harness/build/build.h"
#include "harness/parse/parse.h"
#include "harness/tests/cable_trial.h"

#define FILE_NAME "a-case.yaml"

/* What has no file. */
static char *read_nothing(const char *path, struct arena *a, struct err *err)
{
	(void)a;
	err_set(err, "%s is not there", path);
	return NULL;
}

/* What `wirecut run --link netem` says of the scenario; NULL: nothing. */
static char *refusal(struct arena *a, const char *text)
{
	const struct build_options options = {
		.seed = 1, .link = LINK_CHOICE_NETEM, .read_file = read_nothing};
	struct diags diags = {.arena = a};
	struct scenario *s = parse_scenario(FILE_NAME, text, strlen(text), a, &diags);

	if (!diags.list.n)
		build_plan(s, NULL, &options, a, &diags);
	if (!diags.list.n)
		return NULL;
	const char *message = diags.list.v[0].message;
	ck_assert_msg(strstr(message, "needs the link engine wire") != NULL, "%s\n%s", message,
		      text);
	return diags.list.v[0].message;
}

char *cable_needs_wire(struct arena *a, const struct cable_trial *t, const struct cable_case *c)
{
	struct cable_trial alone = *t;

	alone.only = c;
	return t->link == LINK_NETEM ? refusal(a, cable_scenario(a, &alone)) : NULL;
}

/* Asked again and again, and always the same. */
static bool can_run(const struct cable_trial *t, const struct cable_case *c)
{
	static enum { UNKNOWN, YES, NO } known[CABLE_CASES_MAX][2];
	const size_t i = (size_t)(c - cable_cases);
	_cleanup_arena_ struct arena a = {0};

	ck_assert_uint_lt(i, CABLE_CASES_MAX);
	if (t->link == LINK_WIRE)
		return true;
	if (known[i][t->counter] == UNKNOWN)
		known[i][t->counter] = cable_needs_wire(&a, t, c) ? NO : YES;
	return known[i][t->counter] == YES;
}

bool cable_is_in(const struct cable_trial *t, const struct cable_case *c)
{
	if (c == &cable_bare)
		return true;
	return t->only ? c == t->only : !strcmp(c->group, t->group) && can_run(t, c);
}

unsigned cable_promises(const struct cable_trial *t, const struct cable_case *c)
{
	/* Which port a fault is for is said by a match. */
	return t->link == LINK_NETEM ? c->promises & ~PROMISE_PORT : c->promises;
}
