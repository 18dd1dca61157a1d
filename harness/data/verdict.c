/* SPDX-License-Identifier: MIT */
#include "harness/data/verdict.h"

#include <assert.h>
#include <math.h>

#include "harness/base/cleanup.h"
#include "harness/judge/expect.h"

const char *const verdict_names[] = {
	[VERDICT_PASS] = "pass",   [VERDICT_VOID] = "void",
	[VERDICT_FAIL] = "fail",   [VERDICT_INCONCLUSIVE] = "inconclusive",
	[VERDICT_ERROR] = "error", [VERDICT_SKIP] = "skip",
	[VERDICT_SKIP + 1] = NULL,
};
static_assert(ARRAY_SIZE(verdict_names) == VERDICT_SKIP + 2, "a name for each verdict");

/* The keys are a contract: one that has nothing to say is null, so that all are always there. */

static json_t *text_or_null(const char *text)
{
	json_t *j = text ? json_string(text) : NULL;

	return j ? j : json_null();
}

static void put_text(json_t *to, const char *key, const char *text)
{
	json_object_set_new(to, key, text_or_null(text));
}

static void put_seconds(json_t *to, const char *key, nsec_t t)
{
	json_object_set_new(to, key, t == NSEC_UNSET ? json_null() : json_seconds(t));
}

static void put_count(json_t *to, const char *key, uint64_t n)
{
	json_object_set_new(to, key, json_integer((json_int_t)n));
}

/* Of an expectation that is bounded on either side: the keys and the values of its bound. */
struct sides {
	const char *low_key, *high_key; /* NULL: it is not */
	double low, high;
	bool of_time; /* in seconds; else numbers */
};

static struct sides sides_of(const struct expect_spec *spec)
{
	if (spec->not_before != NSEC_UNSET && spec->within != NSEC_UNSET)
		return (struct sides){
			.low_key = "not-before",
			.high_key = "within",
			.low = (double)spec->not_before / (double)NSEC_PER_SEC,
			.high = (double)spec->within / (double)NSEC_PER_SEC,
			.of_time = true,
		};
	if (spec->at_least != COUNT_UNSET && spec->at_most != COUNT_UNSET)
		return (struct sides){
			.low_key = "at-least",
			.high_key = "at-most",
			.low = (double)spec->at_least,
			.high = (double)spec->at_most,
		};
	return (struct sides){0};
}

const char *expect_broken_side(const struct expect_result *r)
{
	struct sides sides = sides_of(&r->expect->spec);
	bool is_time = r->unit && !strcmp(r->unit, "s");

	if (r->verdict != VERDICT_FAIL || r->otherwise)
		return NULL;
	if (!isfinite(r->value))
		return sides.of_time ? sides.high_key : NULL;
	if (is_time != sides.of_time)
		return NULL;
	if (r->value < sides.low)
		return sides.low_key;
	return r->value > sides.high ? sides.high_key : NULL;
}

static void put_sides(json_t *to, const struct expect_result *r)
{
	struct sides sides = sides_of(&r->expect->spec);
	json_t *list = json_array();

	if (sides.low_key) {
		json_array_append_new(list, json_string(sides.low_key));
		json_array_append_new(list, json_string(sides.high_key));
	}
	json_object_set_new(to, "sides", list);
	put_text(to, "broken_side", expect_broken_side(r));
}

static json_t *expect_to_json(const struct expect_result *r, bool must_fail)
{
	json_t *j = json_object();
	const struct expect_spec *spec = &r->expect->spec;

	put_text(j, "kind", spec->ops->name);
	put_text(j, "label", r->expect->label);
	put_text(j, "file", spec->pos.file);
	json_object_set_new(j, "line", json_integer(spec->pos.line));
	put_text(j, "subject", r->subject);
	json_object_set_new(j, "must_fail", json_boolean(must_fail));
	put_text(j, "verdict", verdict_names[r->verdict]);
	put_text(j, "bound", r->bound);
	put_sides(j, r);
	put_text(j, "observed", r->observed);
	json_object_set_new(j, "value", isfinite(r->value) ? json_real(r->value) : json_null());
	put_text(j, "unit", r->unit);
	put_text(j, "evidence", r->evidence);
	put_seconds(j, "at_s", r->t);
	return j;
}

static json_t *flow_to_json(const struct flow_result *r)
{
	json_t *j = json_object();
	char text[ENDPOINT_TEXT];
	const struct obs_flow *f = &r->flow;
	bool has_ends = !f->others && f->src.family;

	put_text(j, "protocol", f->others ? NULL : flow_protocol_names[f->protocol]);
	put_text(j, "src", has_ends ? endpoint_text(&f->src, text) : NULL);
	put_text(j, "dst", has_ends ? endpoint_text(&f->dst, text) : NULL);
	json_object_set_new(j, "others", json_boolean(f->others));
	for (const struct receipt_count *c = receipt_counts; c->name; c++)
		put_count(j, c->name, receipt_get(&r->did, c));
	return j;
}

static json_t *fault_to_json(const struct fault_result *r, const struct plan *plan)
{
	json_t *j = json_object();
	json_t *cables = json_array();

	for (size_t i = 0; i < r->step->cables.n; i++)
		json_array_append_new(cables,
				      text_or_null(plan->hosts.v[r->step->cables.v[i]].name));
	put_text(j, "kind", r->step->kind);
	put_text(j, "id", r->step->id);
	put_count(j, "edge", r->edge);
	json_object_set_new(j, "cables", cables);
	put_seconds(j, "asked_on_s", r->asked_on);
	put_seconds(j, "on_s", r->on);
	put_seconds(j, "asked_off_s", r->asked_off);
	put_seconds(j, "off_s", r->off);
	for (const struct receipt_count *c = receipt_counts; c->name; c++)
		put_count(j, c->name, receipt_get(&r->did, c));
	json_t *flows = json_array();
	vec_foreach (flow, &r->flows)
		json_array_append_new(flows, flow_to_json(flow));
	json_object_set_new(j, "flows", flows);
	return j;
}

json_t *scenario_result_to_json(const struct scenario_result *r)
{
	const struct plan *plan = r->plan;
	json_t *j = json_object();
	json_t *tags = json_array(), *expects = json_array(), *faults = json_array();

	for (size_t i = 0; i < plan->tags.n; i++)
		json_array_append_new(tags, text_or_null(plan->tags.v[i]));
	for (size_t i = 0; i < r->expects.n; i++)
		json_array_append_new(expects,
				      expect_to_json(&r->expects.v[i],
						     index_list_has(&plan->must_fail, (int64_t)i)));
	vec_foreach (f, &r->faults)
		json_array_append_new(faults, fault_to_json(f, plan));

	put_text(j, "name", plan->name);
	put_text(j, "slug", plan->slug);
	put_text(j, "file", plan->file);
	put_text(j, "practice", plan->practice);
	json_object_set_new(j, "tags", tags);
	put_text(j, "clock", plan->clock < 0 ? NULL : clock_kind_names[plan->clock]);
	put_text(j, "link", plan->link < 0 ? NULL : link_engine_names[plan->link]);
	put_count(j, "seed", plan->seed);
	put_text(j, "cell", plan->cell);
	put_text(j, "control", plan->control);
	put_text(j, "verdict", verdict_names[r->verdict]);
	put_text(j, "reason", r->reason);
	if (r->attempts)
		json_object_set_new(j, "attempts", json_integer(r->attempts));
	put_seconds(j, "duration_s", r->duration);
	json_object_set_new(j, "expectations", expects);
	json_object_set_new(j, "faults", faults);
	return j;
}
