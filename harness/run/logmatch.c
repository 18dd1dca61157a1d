/* SPDX-License-Identifier: MIT */
#include "harness/run/logmatch.h"

#include <regex.h>
#include <stdlib.h>

#include "harness/judge/expect.h"

struct pattern {
	const struct plan_expect *expect;
	regex_t regex;
};

struct logmatch {
	struct arena arena;
	VEC(struct pattern) list;
};

static int add_pattern(struct logmatch *l, const struct plan_expect *e, struct err *err)
{
	struct pattern p = {.expect = e};
	int rc = regcomp(&p.regex, e->spec.match, REG_EXTENDED | REG_NOSUB);
	char why[128];

	if (rc == 0) {
		*vec_push(&l->arena, &l->list) = p;
		return 0;
	}
	regerror(rc, &p.regex, why, sizeof(why));
	return err_set(err, "%s:%d: match '%s' is not a regular expression: %s", e->spec.pos.file,
		       e->spec.pos.line, e->spec.match, why);
}

int logmatch_new(const struct plan *plan, struct logmatch **ret, struct err *err)
{
	struct logmatch *l = calloc(1, sizeof(*l));

	if (!l)
		abort();
	vec_foreach (e, &plan->expects) {
		if (!(e->spec.ops->observes & OBSERVES_LOG) || add_pattern(l, e, err) == 0)
			continue;
		logmatch_free(l);
		return -1;
	}
	*ret = l;
	return 0;
}

void logmatch_free(struct logmatch *l)
{
	if (!l)
		return;
	vec_foreach (p, &l->list)
		regfree(&p->regex);
	arena_free(&l->arena);
	free(l);
}

bool logmatch_wants(const struct logmatch *l, int app, const char *line)
{
	vec_foreach (p, &l->list)
		for (size_t i = 0; i < p->expect->apps.n; i++)
			if (p->expect->apps.v[i] == app &&
			    regexec(&p->regex, line, 0, NULL, 0) == 0)
				return true;
	return false;
}
