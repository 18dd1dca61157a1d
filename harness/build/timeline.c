/* SPDX-License-Identifier: MIT */
#include "faults/fault.h"
#include "harness/base/cleanup.h"
#include "harness/build/builder.h"
#include "harness/parse/parse.h"

/* A step being built, and its index in the file, by which its keys are located. */
struct step_builder {
	struct builder *b;
	size_t index;
	const struct scenario_step *from;
	struct plan_step *step;
};

static struct pos key_pos(const struct step_builder *sb, const char *key)
{
	return parse_locate(sb->b->s, "timeline.%zu.%s", sb->index, key);
}

/* The place of the i-th of a key's texts, which may stand alone or in a list. */
static struct pos text_pos(const struct step_builder *sb, const char *key, size_t i)
{
	return parse_locate(sb->b->s, "timeline.%zu.%s.%zu", sb->index, key, i);
}

static bool repetition_is_good(const struct step_builder *sb)
{
	const struct scenario_step *from = sb->from;
	struct builder *b = sb->b;

	if (from->every == NSEC_UNSET) {
		if (from->times == COUNT_UNSET)
			return true; /* once */
		diag_add(b->diags, key_pos(sb, "times"), "such as every: 10s",
			 "'times' needs 'every'");
		return false;
	}
	if (from->kind == STEP_FAULT && from->length == NSEC_UNSET) {
		diag_add(b->diags, key_pos(sb, "every"), "such as for: 5s",
			 "a fault without 'for' lasts until the end: it cannot come again");
		return false;
	}
	if (from->length != NSEC_UNSET && from->length > from->every) {
		diag_add(b->diags, key_pos(sb, "for"), "make 'every' longer",
			 "longer than 'every': it would overlap itself");
		return false;
	}
	if (from->times == COUNT_UNSET && b->s->duration == NSEC_UNSET) {
		if (parse_is_spoilt(b->s, b->diags, "duration"))
			return false;
		diag_add(b->diags, key_pos(sb, "every"), "say how often, such as times: 3",
			 "'every' without 'times' needs a 'duration'");
		return false;
	}
	return true;
}

/* An occurrence that a given duration leaves no time for. False if there is none. */
static bool add_if_too_late(const struct step_builder *sb, const struct plan_edge *edge)
{
	nsec_t duration = sb->b->s->duration;

	if (duration == NSEC_UNSET)
		return false;
	if (edge->on >= duration)
		diag_add(sb->b->diags, key_pos(sb, sb->step->edges.n ? "times" : "at"),
			 "make 'duration' longer", "the scenario has ended when this would happen");
	else if (edge->off > duration && edge->off != NSEC_NEVER)
		diag_add(sb->b->diags, key_pos(sb, "for"),
			 "make 'duration' longer, or leave 'for' out: then it lasts until the end",
			 "the scenario ends before this fault does");
	else
		return false;
	return true;
}

static bool is_momentary(const struct fault_spec *fault)
{
	return fault->ops->momentary && !(fault->ops->lasts && fault->ops->lasts(fault));
}

static struct plan_edge edge_at(const struct scenario_step *from, nsec_t on)
{
	struct plan_edge edge = {on, on};

	if (from->kind != STEP_FAULT)
		return edge;
	if (from->length != NSEC_UNSET)
		edge.off = on + from->length;
	else if (!is_momentary(&from->fault))
		edge.off = NSEC_NEVER;
	return edge;
}

static void unroll(const struct step_builder *sb)
{
	const struct scenario_step *from = sb->from;
	bool endless = from->every != NSEC_UNSET && from->times == COUNT_UNSET;
	int64_t times = from->times == COUNT_UNSET ? 1 : from->times;

	for (int64_t i = 0; endless || i < times; i++) {
		struct plan_edge edge = edge_at(from, i ? from->at + i * from->every : from->at);

		if (endless && i &&
		    (edge.on >= sb->b->s->duration || edge.off > sb->b->s->duration)) {
			if (i == 1)
				diag_add(sb->b->diags, key_pos(sb, "every"),
					 "leave it out, or make 'duration' longer",
					 "the scenario has ended when it would come again");
			return;
		}
		if (add_if_too_late(sb, &edge))
			return;
		if (i >= EDGES_MAX) {
			diag_add(sb->b->diags, key_pos(sb, "every"), NULL,
				 "more than %d times in one run", EDGES_MAX);
			return;
		}
		*vec_push(sb->b->a, &sb->step->edges) = edge;
	}
}

/* The hosts that a key of the fault names, with their groups. False if one leads nowhere. */
static bool resolve_fault_hosts(const struct step_builder *sb, const char *key,
				const struct strings *names, struct index_list *ret)
{
	const char *path = arena_printf(sb->b->a, "%s.%s", sb->from->fault.ops->name, key);
	bool good = true;

	for (size_t i = 0; i < names->n; i++)
		good &= resolve_hosts(sb->b, names->v[i], text_pos(sb, path, i), ret);
	return good;
}

static bool resolve_fault_apps(const struct step_builder *sb)
{
	const struct strings *names = &sb->from->fault.app;
	const char *path = arena_printf(sb->b->a, "%s.app", sb->from->fault.ops->name);
	bool good = true;

	for (size_t i = 0; i < names->n; i++)
		good &= resolve_apps(sb->b, names->v[i], text_pos(sb, path, i), &sb->step->apps);
	return good;
}

static struct pos flaw_pos(const struct step_builder *sb, const struct flaw *flaw)
{
	if (!flaw->key)
		return sb->from->pos;
	return key_pos(sb, arena_printf(sb->b->a, "%s.%s", sb->from->fault.ops->name, flaw->key));
}

/* Where one frame may be many packets, a fault that is about single ones cannot be. */
static void check_gso(const struct step_builder *sb)
{
	const struct fault_spec *spec = &sb->from->fault;
	struct flaw flaw;

	if (sb->b->s->gso == GSO_ON && spec->ops->needs_packets &&
	    is_complete(spec->ops->fields, spec) && spec->ops->needs_packets(spec, &flaw))
		diag_add(sb->b->diags, flaw_pos(sb, &flaw), flaw.hint, "%s needs single packets",
			 flaw.message);
}

static const char *match_path(const struct step_builder *sb)
{
	return arena_printf(sb->b->a, "timeline.%zu.%s.match", sb->index,
			    sb->from->fault.ops->name);
}

/* All that its keys name. False if something is not there. */
static bool resolve_fault(const struct step_builder *sb)
{
	const struct fault_spec *spec = &sb->from->fault;
	struct plan_step *step = sb->step;
	bool good = resolve_fault_hosts(sb, "cable", &spec->cable, &step->cables);

	good &= resolve_fault_hosts(sb, "host", &spec->host, &step->cables);
	good &= build_match(sb->b, match_path(sb), &spec->match, &step->match_peers);
	good &= resolve_fault_apps(sb);
	return build_partition(sb->b, sb->index, step) && good;
}

static void check_keys(const struct step_builder *sb)
{
	const struct fault_spec *spec = &sb->from->fault;
	struct flaw flaw;

	check_gso(sb);
	if (spec->ops->check && is_complete(spec->ops->fields, spec) &&
	    !spec->ops->check(spec, &flaw))
		diag_add(sb->b->diags, flaw_pos(sb, &flaw), flaw.hint, "%s", flaw.message);
}

static void build_fault(const struct step_builder *sb)
{
	bool *unsure = &sb->b->unsure[sb->index];

	sb->step->fault = sb->from->fault;
	if (sb->step->fault.direction == ENUM_UNSET)
		sb->step->fault.direction = DIRECTION_BOTH;
	if (sb->step->fault.to == ENUM_UNSET)
		sb->step->fault.to = RST_TO_BOTH;
	bool named = resolve_fault(sb);
	if (!*unsure) /* else it is not known what its keys say together */
		check_keys(sb);
	*unsure |= !named;
	if (!*unsure)
		check_match(
			sb->b, match_path(sb), &sb->from->fault.match,
			&(struct match_place){&sb->step->cables, &sb->step->match_peers, sb->step});
}

/* The keys that say when it happens: with one of them wrong, all that is known is that it does. */
static bool is_time_known(const struct step_builder *sb)
{
	static const char *const keys[] = {"at", "for", "every", "times"};

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (parse_is_spoilt(sb->b->s, sb->b->diags, "timeline.%zu.%s", sb->index, keys[i]))
			return false;
	return true;
}

static void build_exec(const struct step_builder *sb)
{
	struct index_list hosts = {0};
	const struct exec_spec *exec = &sb->from->exec;

	sb->step->exec_argv = command_words(sb->b, exec->run, key_pos(sb, "exec.run"), exec->shell);
	if (!exec->host || !resolve_hosts(sb->b, exec->host, key_pos(sb, "exec.host"), &hosts))
		return;
	if (hosts.n > 1)
		diag_add(sb->b->diags, key_pos(sb, "exec.host"),
			 arena_printf(sb->b->a, "such as '%s'",
				      sb->b->plan->hosts.v[hosts.v[0]].name),
			 "'%s' is %zu hosts: 'exec' runs on one", exec->host, hosts.n);
	sb->step->exec_host = hosts.v[0];
}

static void build_step(const struct step_builder *sb)
{
	const char *kind = step_kind_names[sb->from->kind];

	sb->step->exec_host = -1;
	fault_spec_unset(&sb->step->fault);
	if (sb->from->at != NSEC_UNSET && is_time_known(sb) && repetition_is_good(sb))
		unroll(sb);
	if (sb->from->kind == STEP_FAULT)
		build_fault(sb);
	else if (sb->from->kind == STEP_EXEC)
		build_exec(sb);
	else
		for (size_t i = 0; i < sb->from->apps.n; i++)
			if (!resolve_apps(sb->b, sb->from->apps.v[i], text_pos(sb, kind, i),
					  &sb->step->apps))
				sb->b->unsure[sb->index] = true;
}

void build_timeline(struct builder *b)
{
	const struct label_list labels = step_labels(b);

	check_ids(b, &labels);
	b->unsure = arena_new_array(b->a, bool, labels.n);
	for (size_t i = 0; i < labels.n && i < INDEX_MAX; i++) {
		const struct scenario_step *from = &b->s->timeline.v[i];
		struct plan_step *step = vec_push(b->a, &b->plan->steps);

		step->id = arena_strdup(b->a, own_label(&labels, i));
		step->kind = arena_strdup(b->a, labels.v[i].kind);
		step->pos = from->pos;
		step->step = from->kind;
		b->unsure[i] = parse_is_spoilt(b->s, b->diags, "timeline.%zu", i);
		if (labels.v[i].kind)
			build_step(&(struct step_builder){b, i, from, step});
	}
	build_ends(b);
	check_overlaps(b);
	check_company(b);
	check_power(b);
	check_running(b);
}
