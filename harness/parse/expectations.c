/* SPDX-License-Identifier: MIT */
#include <ctype.h>

#include "harness/data/observation.h"
#include "harness/judge/expect.h"
#include "harness/parse/parse.h"
#include "harness/parse/reader.h"
#include "harness/parse/values.h"

static const char *const *kind_names(struct arena *a)
{
	VEC(const char *) names = {0};

	for (const struct expect_ops *const *ops = expect_registry; *ops; ops++)
		*vec_push(a, &names) = (*ops)->name;
	*vec_push(a, &names) = NULL;
	return names.v;
}

/* The place of one of the kind's own keys. */
static struct pos key_place(const struct node_pair *kind, const char *key)
{
	const struct node_pair *pair = node_pair_find(kind->value, key);

	return pair ? pair->value->pos : kind->key->pos;
}

/* "end", or a time since t = 0. */
static void read_moment(struct reader *r, const char *text, const struct node_pair *kind,
			const char *key, nsec_t *ret)
{
	if (!text)
		return;
	if (!strcmp(text, "end"))
		*ret = NSEC_NEVER;
	else if (!parse_duration(text, ret))
		diag_add(r->diags, key_place(kind, key), "such as 30s; units: us, ms, s, m, h",
			 "'%s' must be \"end\" or a duration, not '%s'", key, text);
}

static void read_during(struct reader *r, struct expect_spec *spec, const struct node_pair *kind)
{
	static const char form[] = "such as during: [2s, 12s] or [2s, end]";

	if (!spec->during.n)
		return;
	if (spec->during.n != 2) {
		diag_add(r->diags, key_place(kind, "during"), form,
			 "'during' must be a list of two: from, to");
		return;
	}
	read_moment(r, spec->during.v[0], kind, "during", &spec->during_from);
	read_moment(r, spec->during.v[1], kind, "during", &spec->during_to);
	if (spec->during_from != NSEC_UNSET && spec->during_to != NSEC_UNSET &&
	    spec->during_to <= spec->during_from)
		diag_add(r->diags, key_place(kind, "during"), form,
			 "'during' must end after it begins");
}

/* The state that is nearest to a misspelt one, however it was spelled: estab, time-wait. */
static char *suggest_state(struct reader *r, const char *state)
{
	char *name = arena_strdup(r->a, state);

	for (char *p = name; *p; p++)
		if (*p == '-')
			*p = '_';
		else
			*p = (char)toupper((unsigned char)*p);
	return parse_suggest(name, tcp_state_names + STATE_ESTABLISHED, r->a);
}

static void check_forms(struct reader *r, struct expect_spec *spec, const struct node_pair *kind)
{
	char *host;
	int64_t port;

	read_moment(r, spec->at, kind, "at", &spec->at_time);
	read_moment(r, spec->by, kind, "by", &spec->by_time);
	read_during(r, spec, kind);
	if (spec->peer && !parse_service(spec->peer, r->a, &host, &port))
		diag_add(r->diags, key_place(kind, "peer"), "such as \"server:8000\"",
			 "'peer' must be \"host:port\"");
	if (spec->signal && !signal_number(spec->signal))
		diag_add(r->diags, key_place(kind, "signal"),
			 parse_suggest(spec->signal, signal_names, r->a), "'signal' cannot be '%s'",
			 spec->signal);
	if (spec->state && !tcp_state_parse(spec->state))
		diag_add(r->diags, key_place(kind, "state"), suggest_state(r, spec->state),
			 "there is no TCP state %s", quoted_text(r, spec->state));
}

static void read_expectation(struct reader *r, struct scenario *s, const struct node *item)
{
	const char *const *kinds = kind_names(r->a);
	struct expect_spec *spec = vec_push(r->a, &s->expect);
	struct record_shape shape = {
		.tables = {expect_common_fields}, .other_names = kinds, .owner = item->pos};

	expect_spec_unset(spec);
	spec->pos = item->pos;
	bool all_known = read_record(r, item, "an expectation", &shape, spec);
	if (spec->id)
		check_name(r, parse_locate(s, "expect.%zu.id", s->expect.n - 1), "an expectation",
			   spec->id);
	const struct node_pair *kind = find_kind(r, item, "an expectation", kinds, !all_known);
	if (!kind)
		return;
	spec->ops = expect_find(kind->key->text);
	spec->pos = kind->key->pos;
	shape = (struct record_shape){.tables = {spec->ops->fields}, .owner = kind->key->pos};
	read_record(r, kind->value, kind->key->text, &shape, spec);
	check_forms(r, spec, kind);
}

void read_expectations(struct reader *r, struct scenario *s, const struct node *expect)
{
	if (!expect_type(r, expect, "expect", NODE_LIST))
		return;
	if (!expect->items.n)
		diag_add(r->diags, expect->pos, "without one a scenario shows nothing",
			 "no expectation");
	vec_foreach (item, &expect->items)
		read_expectation(r, s, *item);
}
