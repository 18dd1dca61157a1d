/* SPDX-License-Identifier: MIT */
#include "faults/fault.h"
#include "harness/parse/parse.h"
#include "harness/parse/reader.h"

/* The kinds that are no faults: the names of enum step_kind after "fault". */
static const char *const *const action_names = step_kind_names + 1;

static const char *const *fault_names(struct arena *a)
{
	VEC(const char *) names = {0};

	for (const struct fault_ops *const *ops = fault_registry; *ops; ops++)
		*vec_push(a, &names) = (*ops)->name;
	*vec_push(a, &names) = NULL;
	return names.v;
}

static const char *const *all_kinds(const char *const *faults, struct arena *a)
{
	VEC(const char *) names = {0};

	for (; *faults; faults++)
		*vec_push(a, &names) = *faults;
	for (const char *const *name = action_names; *name; name++)
		*vec_push(a, &names) = *name;
	*vec_push(a, &names) = NULL;
	return names.v;
}

/*
 * Of a fault that needs nothing but its target, that may stand alone: `power-off: server` means
 * `power-off: {host: server}`. Gives the map.
 */
static const struct node *target_alone(struct reader *r, const struct fault_ops *ops,
				       const struct node *value)
{
	bool alone = value->type == NODE_LIST || (value->type == NODE_SCALAR && !value->empty);

	if (!alone || !fault_takes_target_alone(ops))
		return value;
	struct node *key = arena_new(r->a, struct node);
	struct node *map = arena_new(r->a, struct node);
	*key = (struct node){.type = NODE_SCALAR,
			     .pos = value->pos,
			     .text = arena_strdup(r->a, fault_target_fields(ops)->name)};
	*map = (struct node){.type = NODE_MAP, .pos = value->pos};
	/* Not written to: what is read from it only points into it. */
	*vec_push(r->a, &map->pairs) = (struct node_pair){key, (struct node *)value};
	return map;
}

static void read_fault(struct reader *r, struct scenario_step *step, const struct node_pair *kind)
{
	step->kind = STEP_FAULT;
	step->fault.ops = fault_find(kind->key->text);
	step->fault.pos = kind->key->pos;
	struct record_shape shape = {
		.tables = {fault_target_fields(step->fault.ops), step->fault.ops->fields},
		.owner = kind->key->pos,
	};
	read_record(r, target_alone(r, step->fault.ops, kind->value), kind->key->text, &shape,
		    &step->fault);
}

static void read_action(struct reader *r, const struct scenario *s, struct scenario_step *step,
			const struct node_pair *kind)
{
	step->kind = field_enum_index(step_kind_names, kind->key->text);
	if (step->kind == STEP_EXEC)
		check_command(r, kind->value, kind->key->pos);
	if (step->length != NSEC_UNSET)
		diag_add(r->diags, parse_locate(s, "timeline.%zu.for", s->timeline.n - 1),
			 "leave it out, or add a step that undoes it",
			 "'for' is the length of a fault: '%s' happens at once", kind->key->text);
}

static void read_step(struct reader *r, struct scenario *s, const struct node *item)
{
	const char *const *faults = fault_names(r->a);
	struct scenario_step *step = vec_push(r->a, &s->timeline);
	struct record_shape shape = {
		.tables = {step_fields}, .other_names = faults, .owner = item->pos};

	field_unset_all(step_fields, step);
	fault_spec_unset(&step->fault);
	step->pos = item->pos;
	bool all_known = read_record(r, item, "a step", &shape, step);
	if (step->id)
		check_name(r, parse_locate(s, "timeline.%zu.id", s->timeline.n - 1), "a step",
			   step->id);
	const struct node_pair *kind =
		find_kind(r, item, "a step", all_kinds(faults, r->a), !all_known);
	if (!kind)
		return;
	step->pos = kind->key->pos;
	if (fault_find(kind->key->text))
		read_fault(r, step, kind);
	else
		read_action(r, s, step, kind);
}

void read_timeline(struct reader *r, struct scenario *s, const struct node *timeline)
{
	if (!expect_type(r, timeline, "timeline", NODE_LIST))
		return;
	vec_foreach (item, &timeline->items)
		read_step(r, s, *item);
}
