/* SPDX-License-Identifier: MIT */
/*
 * The plan as JSON. What a table can describe is written and read by its table; indices, places and
 * the kinds' own parameters, which no table has, are done by hand: here, and in plan_load.c.
 */
#include "faults/fault.h"
#include "harness/data/plan_fields.h"
#include "harness/judge/expect.h"

#define PORT_MAX 65535
/* Signals are numbered up to 64 (signal(7)). */
#define SIGNAL_MAX 64

static const struct field plan_host_fields[] = {
	FIELD(plan_host, name, "name", FIELD_STRING, FIELD_REQUIRED, NULL),
	FIELD(plan_host, group, "group", FIELD_STRING, FIELD_REQUIRED, NULL),
	FIELD(plan_host, mac, "mac", FIELD_STRING, FIELD_REQUIRED, NULL),
	FIELD(plan_host, ip4, "ip4", FIELD_STRING, FIELD_REQUIRED, NULL),
	FIELD(plan_host, ip6, "ip6", FIELD_STRING, FIELD_REQUIRED, NULL),
	FIELD(plan_host, nofile, "nofile", FIELD_COUNT, 0, NULL),
	FIELD(plan_host, sysctl, "sysctl", FIELD_STRING_MAP, 0, NULL),
	{0},
};

static const struct field plan_file_fields[] = {
	FIELD(plan_file, host, "host", FIELD_COUNT, FIELD_REQUIRED, NULL),
	FIELD(plan_file, path, "path", FIELD_STRING, FIELD_REQUIRED, NULL),
	FIELD(plan_file, text, "text", FIELD_STRING, FIELD_REQUIRED, NULL),
	{0},
};

static const struct field plan_ready_fields[] = {
	FIELD(plan_ready, listening, "listening", FIELD_COUNT, 0, NULL, .min = 1, .max = PORT_MAX),
	FIELD(plan_ready, connected_host, "connected_host", FIELD_COUNT, 0, NULL),
	FIELD(plan_ready, connected_port, "connected_port", FIELD_COUNT, 0, NULL, .min = 1,
	      .max = PORT_MAX),
	FIELD(plan_ready, log, "log", FIELD_STRING, 0, NULL),
	FIELD(plan_ready, exited, "exited", FIELD_COUNT, 0, NULL),
	{0},
};

static const struct field plan_app_fields[] = {
	FIELD(plan_app, name, "name", FIELD_STRING, FIELD_REQUIRED, NULL),
	FIELD(plan_app, group, "group", FIELD_STRING, FIELD_REQUIRED, NULL),
	FIELD(plan_app, host, "host", FIELD_COUNT, FIELD_REQUIRED, NULL),
	FIELD(plan_app, argv, "argv", FIELD_STRINGS, FIELD_REQUIRED, NULL),
	FIELD(plan_app, env, "env", FIELD_STRING_MAP, 0, NULL),
	FIELD(plan_app, cwd, "cwd", FIELD_STRING, 0, NULL),
	FIELD(plan_app, manual, "manual", FIELD_BOOL, 0, NULL),
	FIELD(plan_app, ready, "ready", FIELD_RECORD, 0, NULL, .of = plan_ready_fields),
	FIELD(plan_app, ready_within, "ready_within", FIELD_DURATION, FIELD_REQUIRED, NULL),
	FIELD(plan_app, stop_signal, "stop_signal", FIELD_STRING, FIELD_REQUIRED, NULL,
	      .names = signal_names),
	FIELD(plan_app, stop_signo, "stop_signo", FIELD_COUNT, FIELD_REQUIRED, NULL, .min = 1,
	      .max = SIGNAL_MAX),
	FIELD(plan_app, stop_grace, "stop_grace", FIELD_DURATION, FIELD_REQUIRED, NULL),
	FIELD(plan_app, exit, "exit", FIELD_COUNT, 0, NULL),
	{0},
};

static const struct field plan_edge_fields[] = {
	FIELD(plan_edge, on, "on", FIELD_DURATION, FIELD_REQUIRED, NULL),
	FIELD(plan_edge, off, "off", FIELD_DURATION, FIELD_REQUIRED, NULL),
	{0},
};

const struct field plan_fields[] = {
	FIELD(plan, file, "file", FIELD_STRING, FIELD_REQUIRED, NULL),
	FIELD(plan, name, "name", FIELD_STRING, FIELD_REQUIRED, NULL),
	FIELD(plan, slug, "slug", FIELD_STRING, FIELD_REQUIRED, NULL),
	FIELD(plan, practice, "practice", FIELD_STRING, 0, NULL),
	FIELD(plan, tags, "tags", FIELD_STRINGS, 0, NULL),
	FIELD(plan, claim, "claim", FIELD_RECORD, 0, NULL, .of = claim_fields),
	FIELD(plan, needs, "needs", FIELD_STRINGS, 0, NULL),
	FIELD(plan, clock, "clock", FIELD_ENUM, FIELD_REQUIRED, NULL, .names = clock_kind_names),
	FIELD(plan, link, "link", FIELD_ENUM, FIELD_REQUIRED, NULL, .names = link_engine_names),
	FIELD(plan, neighbours, "neighbours", FIELD_ENUM, 0, NULL, .names = neighbours_names),
	FIELD(plan, gso, "gso", FIELD_ENUM, 0, NULL, .names = gso_names),
	FIELD(plan, cell, "cell", FIELD_STRING, 0, NULL),
	FIELD(plan, control, "control", FIELD_STRING, 0, NULL),
	FIELD(plan, duration, "duration", FIELD_DURATION, FIELD_REQUIRED, NULL),
	FIELD(plan, timeout, "timeout", FIELD_DURATION, FIELD_REQUIRED, NULL),
	FIELD(plan, hosts, "hosts", FIELD_RECORDS, 0, NULL, .of = plan_host_fields,
	      .of_size = sizeof(struct plan_host)),
	FIELD(plan, files, "files", FIELD_RECORDS, 0, NULL, .of = plan_file_fields,
	      .of_size = sizeof(struct plan_file)),
	FIELD(plan, guest, "guest", FIELD_RECORD, 0, NULL, .of = guest_fields),
	FIELD(plan, apps, "apps", FIELD_RECORDS, 0, NULL, .of = plan_app_fields,
	      .of_size = sizeof(struct plan_app)),
	{0},
};

const struct field plan_step_fields[] = {
	FIELD(plan_step, id, "id", FIELD_STRING, 0, NULL),
	FIELD(plan_step, kind, "kind", FIELD_STRING, FIELD_REQUIRED, NULL),
	FIELD(plan_step, step, "step", FIELD_ENUM, FIELD_REQUIRED, NULL, .names = step_kind_names),
	FIELD(plan_step, edges, "edges", FIELD_RECORDS, 0, NULL, .of = plan_edge_fields,
	      .of_size = sizeof(struct plan_edge)),
	FIELD(plan_step, exec_argv, "exec_argv", FIELD_STRINGS, 0, NULL),
	{0},
};

const struct field plan_expect_fields[] = {
	FIELD(plan_expect, label, "label", FIELD_STRING, FIELD_REQUIRED, NULL),
	FIELD(plan_expect, spec.id, "id", FIELD_STRING, 0, NULL),
	FIELD(plan_expect, spec.at_time, "at_time", FIELD_DURATION, 0, NULL),
	FIELD(plan_expect, spec.by_time, "by_time", FIELD_DURATION, 0, NULL),
	FIELD(plan_expect, spec.during_from, "during_from", FIELD_DURATION, 0, NULL),
	FIELD(plan_expect, spec.during_to, "during_to", FIELD_DURATION, 0, NULL),
	FIELD(plan_expect, peer_port, "peer_port", FIELD_COUNT, 0, NULL, .min = 1, .max = PORT_MAX),
	{0},
};

int plan_side_of(const struct plan_step *step, int64_t host)
{
	for (size_t i = 0; i < step->sides.n; i++)
		if (step->cables.v[i] == host)
			return (int)step->sides.v[i];
	return SIDE_NONE;
}

bool plan_counts_packets(const struct plan_expect *e)
{
	return e->spec.ops->observes & OBSERVES_PACKETS;
}

static json_t *indices_to_json(const struct index_list *list)
{
	json_t *j = json_array();

	vec_foreach (index, list)
		json_array_append_new(j, json_integer(*index));
	return j;
}

static void set_indices(json_t *object, const char *key, const struct index_list *list)
{
	if (list->n)
		json_object_set_new(object, key, indices_to_json(list));
}

/* [line, column, width], and the file if it is not the plan's but one that this includes. */
static json_t *pos_to_json(const struct plan *plan, const struct pos *pos)
{
	json_t *j = json_pack("[i,i,i]", pos->line, pos->column, pos->width);

	if (strcmp(pos->file, plan->file) != 0)
		json_array_append_new(j, json_string(pos->file));
	return j;
}

static json_t *step_to_json(const struct plan *plan, const struct plan_step *step)
{
	json_t *j = field_to_json(plan_step_fields, step);

	json_object_set_new(j, "pos", pos_to_json(plan, &step->pos));
	set_indices(j, "apps", &step->apps);
	if (step->exec_host >= 0)
		json_object_set_new(j, "exec_host", json_integer(step->exec_host));
	if (step->step != STEP_FAULT)
		return j;
	json_object_set_new(j, "target",
			    field_to_json(fault_target_fields(step->fault.ops), &step->fault));
	json_object_set_new(j, "parameters", field_to_json(step->fault.ops->fields, &step->fault));
	set_indices(j, "cables", &step->cables);
	set_indices(j, "match_peers", &step->match_peers);
	set_indices(j, "sides", &step->sides);
	return j;
}

static json_t *expect_to_json(const struct plan *plan, const struct plan_expect *e)
{
	json_t *j = json_object();

	json_object_set_new(j, "kind", json_string(e->spec.ops->name));
	json_t *own = field_to_json(plan_expect_fields, e);
	json_object_update(j, own);
	json_decref(own);
	json_object_set_new(j, "pos", pos_to_json(plan, &e->spec.pos));
	json_object_set_new(j, "parameters", field_to_json(e->spec.ops->fields, &e->spec));
	set_indices(j, "apps", &e->apps);
	set_indices(j, "hosts", &e->hosts);
	set_indices(j, "peer_hosts", &e->peer_hosts);
	set_indices(j, "match_peers", &e->match_peers);
	if (e->step >= 0)
		json_object_set_new(j, "on_step", json_integer(e->step));
	return j;
}

json_t *plan_to_json(const struct plan *plan)
{
	char seed[sizeof("18446744073709551615")];
	json_t *j = field_to_json(plan_fields, plan);
	json_t *steps = json_array(), *expects = json_array();

	/* A text: JSON has no unsigned 64-bit numbers that every reader keeps. */
	snprintf(seed, sizeof(seed), "%llu", (unsigned long long)plan->seed);
	json_object_set_new(j, "seed", json_string(seed));
	vec_foreach (step, &plan->steps)
		json_array_append_new(steps, step_to_json(plan, step));
	json_object_set_new(j, "steps", steps);
	vec_foreach (e, &plan->expects)
		json_array_append_new(expects, expect_to_json(plan, e));
	json_object_set_new(j, "expects", expects);
	set_indices(j, "must_fail", &plan->must_fail);
	set_indices(j, "claim_expects", &plan->claim_expects);
	return j;
}
