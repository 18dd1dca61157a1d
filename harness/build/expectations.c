/* SPDX-License-Identifier: MIT */
#include "harness/base/cleanup.h"
#include "harness/build/builder.h"
#include "harness/judge/expect.h"
#include "harness/parse/parse.h"

/* Another app on a host of this one: their connections could be told apart by peer only. */
static const struct plan_app *neighbour_of(struct builder *b, const char *group)
{
	const struct plan *plan = b->plan;
	bool *hosts = arena_new_array(b->a, bool, plan->hosts.n);

	vec_foreach (app, &plan->apps)
		if (!strcmp(app->group, group))
			hosts[app->host] = true;
	vec_foreach (app, &plan->apps)
		if (hosts[app->host] && strcmp(app->group, group) != 0)
			return app;
	return NULL;
}

static void check_peer_is_given(struct builder *b, const struct plan_expect *e)
{
	if (!e->spec.ops->needs_peer || e->spec.peer || !e->apps.n)
		return;
	const char *group = b->plan->apps.v[e->apps.v[0]].group;
	const struct plan_app *other = neighbour_of(b, group);
	if (other)
		diag_add(b->diags, e->spec.pos,
			 "say which service is meant: peer: \"host:port\"; if both use it, put "
			 "them on "
			 "different hosts",
			 "'%s' shares its host with '%s': whose connection is it?", group,
			 other->group);
}

/* An app whose instances nothing starts: no expectation of it could be more than void. */
static bool is_never_started(const struct builder *b, const struct plan_app *app, int64_t index)
{
	if (!app->manual || parse_may_lack(b->s, b->diags, "timeline"))
		return false;
	for (size_t i = 0; i < b->plan->steps.n; i++)
		if (b->unsure[i])
			return false; /* it may have been meant to */
	vec_foreach (step, &b->plan->steps)
		for (size_t i = 0; i < step->apps.n; i++)
			if ((step->step == STEP_START || step->step == STEP_RESTART) &&
			    step->apps.v[i] == index)
				return false;
	return true;
}

static void check_apps(struct builder *b, const struct plan_expect *e, struct pos pos)
{
	size_t on_hosts = 0;

	for (size_t i = 0; i < e->apps.n; i++) {
		const struct plan_app *app = &b->plan->apps.v[e->apps.v[i]];

		on_hosts += index_list_has(&e->hosts, app->host);
		if (is_never_started(b, app, e->apps.v[i])) {
			diag_add(b->diags, pos, "add a step: {at: 1s, start: APP}",
				 "'%s' has start: manual, and no step starts it", app->name);
			return;
		}
	}
	if (e->apps.n && e->hosts.n && !on_hosts)
		diag_add(b->diags, pos, "leave one of them out, or name the app's own host",
			 "'%s' does not run on '%s'", e->spec.app, e->spec.host);
}

/* The end of a fault that has none cannot be waited for. */
static void check_is_lifted(struct builder *b, const struct plan_expect *e, struct pos pos)
{
	const struct plan_step *step = e->step < 0 ? NULL : &b->plan->steps.v[e->step];

	if (e->spec.after && step && step->edges.n && !b->unsure[e->step] &&
	    step->edges.v[0].off == NSEC_NEVER)
		diag_add(b->diags, pos, "give the fault a length: for: 5s",
			 "'%s' is never lifted: it has no 'for'", e->spec.after);
}

/* The place of one of the kind's own keys. */
static struct pos key_pos(struct builder *b, size_t i, const struct expect_spec *spec,
			  const char *key)
{
	return parse_locate(b->s, "expect.%zu.%s.%s", i, spec->ops->name, key);
}

static void resolve_step(struct builder *b, size_t i, struct plan_expect *e,
			 const struct label_list *steps)
{
	const char *name = e->spec.fault ? e->spec.fault : e->spec.after;
	const char *key = e->spec.fault ? "fault" : "after";

	if (name)
		resolve_label(b, name, key_pos(b, i, &e->spec, key), steps, &e->step);
}

/* A moment at which it is judged must come before the end, where the file says when that is. */
static void check_moments(struct builder *b, size_t i, const struct expect_spec *spec)
{
	const struct {
		const char *key;
		nsec_t t;
	} moments[] = {
		{"at", spec->at_time},
		{"by", spec->by_time},
		{"during", spec->during_from},
		{"during", spec->during_to},
	};

	for (size_t k = 0; k < ARRAY_SIZE(moments) && b->s->duration != NSEC_UNSET; k++)
		if (moments[k].t != NSEC_UNSET && moments[k].t != NSEC_NEVER &&
		    moments[k].t > b->s->duration)
			diag_add(b->diags, key_pos(b, i, spec, moments[k].key),
				 "make 'duration' longer", "the scenario has ended by then");
}

static void check_spec(struct builder *b, size_t i, const struct plan_expect *e)
{
	struct flaw flaw;

	if (e->spec.ops->check && is_complete(e->spec.ops->fields, &e->spec) &&
	    !e->spec.ops->check(&e->spec, &flaw))
		diag_add(b->diags, flaw.key ? key_pos(b, i, &e->spec, flaw.key) : e->spec.pos,
			 flaw.hint, "%s", flaw.message);
}

static const char *match_path(struct builder *b, size_t i, const struct expect_spec *spec)
{
	return arena_printf(b->a, "expect.%zu.%s.match", i, spec->ops->name);
}

static void build_expectation(struct builder *b, size_t i, struct plan_expect *e,
			      const struct label_list *steps)
{
	const struct expect_spec *spec = &e->spec;

	if (spec->app)
		resolve_apps(b, spec->app, key_pos(b, i, spec, "app"), &e->apps);
	if (spec->host)
		resolve_hosts(b, spec->host, key_pos(b, i, spec, "host"), &e->hosts);
	if (spec->peer)
		resolve_service(b, spec->peer, key_pos(b, i, spec, "peer"), &e->peer_hosts,
				&e->peer_port);
	bool named = !plan_counts_packets(e) ||
		     build_match(b, match_path(b, i, spec), &spec->packets, &e->match_peers);
	resolve_step(b, i, e, steps);
	if (spec->app)
		check_apps(b, e, key_pos(b, i, spec, "app"));
	if (spec->after)
		check_is_lifted(b, e, key_pos(b, i, spec, "after"));
	check_moments(b, i, spec);
	if (parse_is_spoilt(b->s, b->diags, "expect.%zu", i))
		return; /* what its keys say together is not known */
	if (plan_counts_packets(e) && named)
		check_match(b, match_path(b, i, spec), &spec->packets,
			    &(struct match_place){&e->hosts, &e->match_peers, NULL});
	check_peer_is_given(b, e);
	check_spec(b, i, e);
}

/* Unique whatever the ids are: no id holds a dot. */
static char *unique_label(struct builder *b, const struct label_list *list, size_t i)
{
	const struct labelled *all = list->v;
	const char *label = own_label(list, i);
	size_t number = 1;

	if (label)
		return arena_strdup(b->a, label);
	for (size_t j = 0; j < i; j++)
		number += !all[j].id && all[j].kind && !strcmp(all[j].kind, all[i].kind);
	return arena_printf(b->a, "%s.%zu", all[i].kind, number);
}

void build_expectations(struct builder *b)
{
	const struct label_list labels = expect_labels(b);
	const struct label_list steps = step_labels(b);

	check_ids(b, &labels);
	for (size_t i = 0; i < labels.n; i++) {
		if (!labels.v[i].kind)
			continue; /* parse has said so */
		struct plan_expect *e = vec_push(b->a, &b->plan->expects);

		e->spec = b->s->expect.v[i];
		e->peer_port = COUNT_UNSET;
		e->step = -1;
		e->label = unique_label(b, &labels, i);
		build_expectation(b, i, e, &steps);
	}
}
