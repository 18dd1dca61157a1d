/* SPDX-License-Identifier: MIT */
/*
 * Reading plan.json. It may come from anywhere (`wirecut judge RUN`), and everything behind this
 * file trusts its indices: so each of them, and every enum, number and address, is checked against
 * the plan itself before anybody follows one.
 *
 * Each object is taken apart by hand first (take), what is left is read by its table, and what the
 * table does not know is an error.
 */
#include <arpa/inet.h>
#include <errno.h>

#include "faults/fault.h"
#include "harness/base/cleanup.h"
#include "harness/data/plan_fields.h"
#include "harness/judge/expect.h"

/* Removes a key from an object. The caller owns the value; NULL if there is none. */
static json_t *take(json_t *object, const char *key)
{
	json_t *value = json_incref(json_object_get(object, key));

	json_object_del(object, key);
	return value;
}

static int index_from_json(json_t *j, size_t n, int64_t *ret, struct err *err)
{
	if (!json_is_integer(j) || json_integer_value(j) < 0 ||
	    (uint64_t)json_integer_value(j) >= n)
		return err_set(err, "an index must be a whole number below %zu", n);
	*ret = json_integer_value(j);
	return 0;
}

static int take_index(json_t *object, const char *key, size_t n, int64_t *ret, struct err *err)
{
	_cleanup_json_ json_t *j = take(object, key);

	*ret = -1;
	if (j && index_from_json(j, n, ret, err))
		return err_wrap(err, "%s", key);
	return 0;
}

static int take_indices(json_t *object, const char *key, size_t n, struct arena *a,
			struct index_list *ret, struct err *err)
{
	_cleanup_json_ json_t *j = take(object, key);
	size_t i;
	json_t *item;

	*ret = (struct index_list){0};
	if (!j)
		return 0;
	if (!json_is_array(j))
		return err_set(err, "'%s' must be a list", key);
	json_array_foreach(j, i, item) if (index_from_json(item, n, vec_push(a, ret),
							   err)) return err_wrap(err, "%s.%zu", key,
										 i);
	return 0;
}

/* The file is `file`, unless a fourth item names another. */
static int take_pos(json_t *object, char *file, struct arena *a, struct pos *ret, struct err *err)
{
	_cleanup_json_ json_t *j = take(object, "pos");
	int part[3];
	size_t n = json_array_size(j); /* 0 of anything else */
	const json_t *other = json_array_get(j, ARRAY_SIZE(part));

	if ((n != ARRAY_SIZE(part) && n != ARRAY_SIZE(part) + 1) ||
	    (other && !json_is_string(other)))
		return err_set(err, "'pos' must be [line, column, width]");
	for (size_t i = 0; i < ARRAY_SIZE(part); i++) {
		const json_t *number = json_array_get(j, i);

		if (!json_is_integer(number) || json_integer_value(number) < 0 ||
		    json_integer_value(number) > INT32_MAX)
			return err_set(err, "'pos' must be [line, column, width]");
		part[i] = (int)json_integer_value(number);
	}
	if (other)
		file = arena_strdup(a, json_string_value(other));
	*ret = (struct pos){file, part[0], part[1], part[2]};
	return 0;
}

static bool is_time(nsec_t t)
{
	return t >= 0 && t <= SCENARIO_TIME_MAX;
}

static int check_edges(const struct plan_step *step, struct err *err)
{
	if (step->edges.n > INT16_MAX)
		return err_set(err, "more edges than an observation can count");
	vec_foreach (edge, &step->edges) {
		bool is_last = edge->off == NSEC_NEVER;

		if (!is_time(edge->on) || !(is_last || is_time(edge->off)) || edge->off < edge->on)
			return err_set(err, "an edge's times are out of range");
	}
	return 0;
}

/* Of a partition: one for each cable. */
static int take_sides(json_t *object, struct plan_step *step, struct arena *a, struct err *err)
{
	size_t n = step->fault.sides.n;

	if (take_indices(object, "sides", n, a, &step->sides, err))
		return -1;
	if (n && step->sides.n != step->cables.n)
		return err_set(err, "'sides' must have a side for each of 'cables'");
	return 0;
}

/* The kind's own parameters, by its table; and what its check says of them together. */
static int take_fault(json_t *object, const struct plan *plan, struct plan_step *step,
		      struct arena *a, struct err *err)
{
	_cleanup_json_ json_t *target = take(object, "target");
	_cleanup_json_ json_t *parameters = take(object, "parameters");
	const struct fault_ops *ops =
		fault_find(json_is_string(json_object_get(object, "kind"))
				   ? json_string_value(json_object_get(object, "kind"))
				   : "");
	struct flaw flaw;

	if (!ops)
		return err_set(err, "'kind' is no fault that this program knows");
	if (!target || !parameters)
		return err_set(err, "missing key '%s'", target ? "parameters" : "target");
	if (field_from_json(fault_target_fields(ops), &step->fault, target, a, err))
		return err_wrap(err, "target");
	if (field_from_json(ops->fields, &step->fault, parameters, a, err))
		return err_wrap(err, "parameters");
	step->fault.ops = ops;
	if (ops->target == FAULT_ON_CABLES && !ops->where && step->fault.direction == ENUM_UNSET)
		return err_set(err, "missing key 'direction'");
	if (step->fault.direction == ENUM_UNSET)
		step->fault.direction = DIRECTION_BOTH;
	if (ops->check && !ops->check(&step->fault, &flaw))
		return err_set(err, "%s", flaw.message);
	if (take_indices(object, "cables", plan->hosts.n, a, &step->cables, err) ||
	    take_indices(object, "match_peers", plan->hosts.n, a, &step->match_peers, err))
		return -1;
	if (ops->target == FAULT_ON_APPS)
		return step->apps.n ? 0 : err_set(err, "missing key 'apps'");
	if (!step->cables.n)
		return err_set(err, "missing key 'cables'");
	return take_sides(object, step, a, err);
}

static int step_from_json(struct plan *plan, struct plan_step *step, json_t *j, struct arena *a,
			  struct err *err)
{
	const char *step_name = json_string_value(json_object_get(j, "step"));
	bool is_fault = step_name && !strcmp(step_name, step_kind_names[STEP_FAULT]);
	struct pos pos;

	fault_spec_unset(&step->fault);
	if (take_pos(j, plan->file, a, &pos, err) ||
	    take_indices(j, "apps", plan->apps.n, a, &step->apps, err) ||
	    take_index(j, "exec_host", plan->hosts.n, &step->exec_host, err) ||
	    (is_fault && take_fault(j, plan, step, a, err)) ||
	    field_from_json(plan_step_fields, step, j, a, err))
		return -1;
	step->pos = pos;
	step->fault.pos = pos;
	if (!is_fault && strcmp(step->kind, step_kind_names[step->step]) != 0)
		return err_set(err, "'kind' and 'step' contradict each other");
	if (step->step == STEP_EXEC && (step->exec_host < 0 || !step->exec_argv.n))
		return err_set(err, "'exec' needs 'exec_host' and 'exec_argv'");
	return check_edges(step, err);
}

static int expect_from_json(struct plan *plan, struct plan_expect *e, json_t *j, struct arena *a,
			    struct err *err)
{
	_cleanup_json_ json_t *kind = take(j, "kind");
	_cleanup_json_ json_t *parameters = take(j, "parameters");
	const struct expect_ops *ops =
		expect_find(json_is_string(kind) ? json_string_value(kind) : "");
	struct flaw flaw;

	if (!ops)
		return err_set(err, "'kind' is no expectation that this program knows");
	if (!parameters)
		return err_set(err, "missing key 'parameters'");
	expect_spec_unset(&e->spec);
	e->spec.ops = ops;
	if (field_from_json(ops->fields, &e->spec, parameters, a, err))
		return err_wrap(err, "parameters");
	if (ops->check && !ops->check(&e->spec, &flaw))
		return err_set(err, "%s", flaw.message);
	if (take_pos(j, plan->file, a, &e->spec.pos, err) ||
	    take_indices(j, "apps", plan->apps.n, a, &e->apps, err) ||
	    take_indices(j, "hosts", plan->hosts.n, a, &e->hosts, err) ||
	    take_indices(j, "peer_hosts", plan->hosts.n, a, &e->peer_hosts, err) ||
	    take_indices(j, "match_peers", plan->hosts.n, a, &e->match_peers, err) ||
	    take_index(j, "on_step", plan->steps.n, &e->step, err))
		return -1;
	return field_from_json(plan_expect_fields, e, j, a, err);
}

/* The lengths that it bounds: judging adds them to times, and divides by some. */
static int check_lengths(const struct expect_spec *spec, struct err *err)
{
	for (const struct field *f = spec->ops->fields; f->name; f++) {
		if (f->type != FIELD_DURATION || !field_is_set(f, spec))
			continue;
		nsec_t length = *(const nsec_t *)(const void *)((const char *)spec + f->offset);

		if (!is_time(length) || length < f->min)
			return err_set(err, "parameters: '%s' is out of range", f->name);
	}
	return 0;
}

static bool is_moment(nsec_t t)
{
	return t == NSEC_NEVER || is_time(t);
}

/* When a bounded number must hold: what is written must have been read. */
static int check_moments(const struct expect_spec *spec, struct err *err)
{
	if (spec->at && !is_moment(spec->at_time))
		return err_set(err, "'at_time' is missing or out of range");
	if (spec->by && !is_moment(spec->by_time))
		return err_set(err, "'by_time' is missing or out of range");
	if (!spec->during.n)
		return 0;
	if (!is_time(spec->during_from) || !is_moment(spec->during_to) ||
	    spec->during_to <= spec->during_from)
		return err_set(err, "'during_from' or 'during_to' is missing or out of range");
	return 0;
}

/* What its file resolved must be there: judging follows it without asking again. */
static int check_expect(const struct plan_expect *e, struct err *err)
{
	if (e->spec.app && !e->apps.n)
		return err_set(err, "missing key 'apps'");
	if (e->spec.host && !e->hosts.n)
		return err_set(err, "missing key 'hosts'");
	if (e->spec.peer && (!e->peer_hosts.n || e->peer_port == COUNT_UNSET))
		return err_set(err, "missing key 'peer_hosts' or 'peer_port'");
	if (e->spec.packets.peer.n && !e->match_peers.n)
		return err_set(err, "missing key 'match_peers'");
	if ((e->spec.fault || e->spec.after) && e->step < 0)
		return err_set(err, "missing key 'on_step'");
	return check_lengths(&e->spec, err) || check_moments(&e->spec, err) ? -1 : 0;
}

static int steps_from_json(struct plan *plan, json_t *j, struct arena *a, struct err *err)
{
	size_t i;
	json_t *item;

	if (!json_is_array(j) || json_array_size(j) > INT16_MAX)
		return err_set(err, "'steps' must be a list, of 32767 at most");
	json_array_foreach(j, i, item) if (step_from_json(plan, vec_push(a, &plan->steps), item, a,
							  err)) return err_wrap(err, "steps.%zu",
										i);
	return 0;
}

static int expects_from_json(struct plan *plan, json_t *j, struct arena *a, struct err *err)
{
	size_t i;
	json_t *item;

	if (!json_is_array(j))
		return err_set(err, "'expects' must be a list");
	json_array_foreach(j, i, item)
	{
		struct plan_expect *e = vec_push(a, &plan->expects);

		if (expect_from_json(plan, e, item, a, err) || check_expect(e, err))
			return err_wrap(err, "expects.%zu", i);
	}
	return 0;
}

static int seed_from_json(const json_t *j, uint64_t *ret, struct err *err)
{
	const char *text = json_string_value(j);
	char *end = NULL;

	errno = 0;
	unsigned long long seed =
		text && *text >= '0' && *text <= '9' ? strtoull(text, &end, 10) : 0;
	if (!end || *end || errno)
		return err_set(err, "'seed' must be a whole number, as a text");
	*ret = seed;
	return 0;
}

static bool is_mac(const char *text)
{
	size_t len = strlen(text);

	if (len != strlen("02:00:00:00:00:00"))
		return false;
	for (size_t i = 0; i < len; i++)
		if (i % 3 == 2 ? text[i] != ':' : !strchr("0123456789abcdef", text[i]))
			return false;
	return true;
}

static int check_hosts(const struct plan *plan, struct err *err)
{
	unsigned char addr[sizeof(struct in6_addr)];

	if (!plan->hosts.n || plan->hosts.n > INT16_MAX)
		return err_set(err, "there must be a host, and 32767 at most");
	vec_foreach (host, &plan->hosts)
		if (inet_pton(AF_INET, host->ip4, addr) != 1 ||
		    inet_pton(AF_INET6, host->ip6, addr) != 1 || !is_mac(host->mac))
			return err_set(err, "host '%s': an address is malformed", host->name);
	vec_foreach (file, &plan->files)
		if (file->host < 0 || (uint64_t)file->host >= plan->hosts.n)
			return err_set(err, "file '%s': there is no host of that index",
				       file->path);
	return 0;
}

static int check_app(const struct plan *plan, const struct plan_app *app, struct err *err)
{
	int64_t peer = app->ready.connected_host;

	if (app->host < 0 || (uint64_t)app->host >= plan->hosts.n)
		return err_set(err, "'host' is no host's index");
	if (peer != COUNT_UNSET && (peer < 0 || (uint64_t)peer >= plan->hosts.n ||
				    app->ready.connected_port == COUNT_UNSET))
		return err_set(err, "'ready' names no service");
	if (!app->argv.n)
		return err_set(err, "'argv' is empty");
	if (!is_time(app->ready_within) || !is_time(app->stop_grace))
		return err_set(err, "'ready_within' or 'stop_grace' is out of range");
	return 0;
}

static int check_plan(const struct plan *plan, struct err *err)
{
	if (check_hosts(plan, err))
		return -1;
	if (plan->apps.n > INT16_MAX)
		return err_set(err, "more apps than an observation can count");
	vec_foreach (app, &plan->apps)
		if (check_app(plan, app, err))
			return err_wrap(err, "app '%s'", app->name);
	if (!is_time(plan->duration) || plan->timeout < plan->duration ||
	    plan->timeout > 3 * SCENARIO_TIME_MAX)
		return err_set(err, "'duration' or 'timeout' is out of range");
	return 0;
}

int plan_from_json(struct plan *plan, json_t *json, struct arena *a, struct err *err)
{
	_cleanup_json_ json_t *whole = json_deep_copy(json); /* it is taken apart */
	_cleanup_json_ json_t *seed = take(whole, "seed");
	_cleanup_json_ json_t *steps = take(whole, "steps");
	_cleanup_json_ json_t *expects = take(whole, "expects");
	_cleanup_json_ json_t *lists = json_object(); /* of expectations, which are read before */
	struct plan p = {0};

	json_object_set_new(lists, "must_fail", take(whole, "must_fail"));
	json_object_set_new(lists, "claim_expects", take(whole, "claim_expects"));
	if (field_from_json(plan_fields, &p, whole, a, err) || seed_from_json(seed, &p.seed, err) ||
	    check_plan(&p, err) || steps_from_json(&p, steps, a, err) ||
	    expects_from_json(&p, expects, a, err) ||
	    take_indices(lists, "must_fail", p.expects.n, a, &p.must_fail, err) ||
	    take_indices(lists, "claim_expects", p.expects.n, a, &p.claim_expects, err))
		return err_wrap(err, "plan");
	*plan = p;
	return 0;
}
