/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <string.h>

#include "harness/judge/bound.h"
#include "harness/judge/expect.h"
#include "harness/judge/model.h"
#include "harness/judge/say.h"

static const struct field fields[] = {
	FIELD(expect_spec, host, "host", FIELD_STRING, FIELD_REQUIRED,
	      "a host, on whose cable they are; of a group, each host by itself"),
	FIELD(expect_spec, direction, "direction", FIELD_ENUM, 0,
	      "which way they go, seen from the host at the cable's end", .names = direction_names,
	      .default_text = "both"),
	FIELD(expect_spec, packets, "match", FIELD_RECORD, 0,
	      "which packets are counted, by the keys of timeline[].FAULT.match",
	      .of = match_fields, .default_text = "all of them"),
	FIELD(expect_spec, where, "where", FIELD_ENUM, 0,
	      "sent: as they leave their sender, before any fault; delivered: as they reach their "
	      "receiver, behind all faults",
	      .names = packets_where_names, .default_text = "sent"),
	FIELDS_HOW_MANY,
	FIELDS_WHEN,
	{0},
};

/*
 * The number is how many there were since t = 0; with `during`, within the window. The link engine
 * records each of them, so no moment is between two readings, and none at all is an observation: the
 * engine sees every packet, or the run is inconclusive (judge.c).
 */
static bool check(const struct expect_spec *spec, struct flaw *flaw)
{
	return bound_check_how_many(spec, flaw) && bound_check_when(spec, flaw);
}

static struct level level_of(const struct model_host *h, const char *label, struct arena *a)
{
	struct level level = {0};
	int64_t n = 0;

	*vec_push(a, &level.steps) = (struct level_step){.t = 0, .value = 0, .witness = -1};
	vec_foreach (p, &h->packets)
		if (p->t >= 0 && !strcmp(p->label, label))
			*vec_push(a, &level.steps) =
				(struct level_step){.t = p->t, .value = ++n, .witness = -1};
	return level;
}

/* "fin packets of port 8000 from-host, delivered": without what is not asked for. */
static char *say_which(const struct expect_spec *spec, struct arena *a)
{
	const struct match_spec *m = &spec->packets;
	char *text = arena_strdup(a, "");

	for (size_t i = 0; i < m->kind.n; i++)
		text = arena_printf(a, "%s%s%s", text, i ? "/" : "", m->kind.v[i]);
	if (m->kind.n)
		text = arena_printf(a, "%s ", text);
	if (m->protocol != ENUM_UNSET)
		text = arena_printf(a, "%s%s ", text, match_protocol_names[m->protocol]);
	text = arena_printf(a, "%spackets", text);
	if (m->port != COUNT_UNSET)
		text = arena_printf(a, "%s of port %" PRId64, text, m->port);
	for (size_t i = 0; i < m->peer.n; i++)
		text = arena_printf(a, "%s %s %s", text, i ? "or" : "with", m->peer.v[i]);
	if (spec->direction != ENUM_UNSET && spec->direction != DIRECTION_BOTH)
		text = arena_printf(a, "%s %s", text, direction_names[spec->direction]);
	if (spec->where == PACKETS_DELIVERED)
		text = arena_printf(a, "%s delivered", text);
	return text;
}

static void report(const struct model *m, const struct plan_expect *e, int host,
		   const struct level_step *step, struct arena *a, struct expect_result *ret)
{
	ret->verdict = bound_is_broken(&e->spec, step->value) ? VERDICT_FAIL : VERDICT_PASS;
	ret->pending = step->value < e->spec.at_least; /* it only grows */
	ret->subject = m->plan->hosts.v[host].name;
	ret->observed = say_count(step->value, "packet", a);
	ret->value = (double)step->value;
	ret->unit = "packets";
	ret->t = nsec_later(step->t, bound_window(m->plan, &e->spec).from);
	ret->evidence =
		step->value ? arena_printf(a, "the last at %s", say_seconds(step->t, a)) : NULL;
}

static void judge_packets(const struct model *m, const struct plan_expect *e, struct arena *a,
			  struct expect_result *ret)
{
	_cleanup_arena_ struct arena scratch = {0};
	struct level_step worst = {0};
	int worst_host = -1;

	result_begin(ret, arena_printf(a, "%s %s %s", say_how_many(&e->spec, a),
				       say_which(&e->spec, a), say_when(&e->spec, a)));
	for (size_t i = 0; i < e->hosts.n; i++) {
		int host = (int)e->hosts.v[i];
		struct level level = level_of(&m->hosts[host], e->label, &scratch);
		struct level_step step;

		if (level_growth(&level, m->plan, &e->spec, &step) &&
		    (worst_host < 0 ||
		     bound_badness(&e->spec, step.value) > bound_badness(&e->spec, worst.value))) {
			worst = step;
			worst_host = host;
		}
	}
	if (worst_host >= 0)
		report(m, e, worst_host, &worst, a, ret);
}

const struct expect_ops expect_packets = {
	.name = "packets",
	.doc = "how many packets pass on a host's cable",
	.fields = fields,
	.observes = OBSERVES_PACKETS,
	.check = check,
	.deadline = bound_deadline,
	.judge = judge_packets,
};
