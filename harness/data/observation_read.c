/* SPDX-License-Identifier: MIT */
#include "harness/data/observation_json.h"

#include <stdlib.h>
#include <string.h>

#include "harness/base/cleanup.h"
#include "harness/base/field.h"

/* No record is that far from t = 0; differences of two such times cannot overflow. */
#define MAX_TIME (1000000000 * NSEC_PER_SEC)

/* The first and the last event of each source, in the order of enum obs_event. */
static const struct {
	enum obs_event first, last;
} source_events[OBS_N_SOURCES] = {
	[OBS_RUN] = {EV_READY, EV_ERROR},      [OBS_PACKET] = {EV_FORGED, EV_COUNTED},
	[OBS_SOCKET] = {EV_STATE, EV_POLLED},  [OBS_PROCESS] = {EV_START, EV_SAMPLE},
	[OBS_APP] = {EV_LINE, EV_LOG},         [OBS_FAULT] = {EV_ON, EV_FLOW},
	[OBS_LAG] = {EV_STALL, EV_CLOCK_STEP}, [OBS_COUNTER] = {EV_COUNT, EV_COUNT},
};

/* Reads on after an error without effect, so that only the end has to ask. */
struct reader {
	json_t *from;
	const struct plan *plan;
	struct err *err;
	struct err later; /* what is said after the first error: not shown */
	bool failed;
};

/* Where to say what is wrong: only the first thing that is said stays. */
static struct err *reject(struct reader *r)
{
	struct err *to = r->failed ? &r->later : r->err;

	r->failed = true;
	return to;
}

/* The whole number under the key, or `absent` if there is none. */
static int64_t get_int(struct reader *r, const char *key, int64_t min, int64_t max, int64_t absent)
{
	json_t *value = json_object_get(r->from, key);

	if (!value)
		return absent;
	if (!json_is_integer(value))
		err_set(reject(r), "\"%s\" must be a whole number", key);
	else if (json_integer_value(value) < min || json_integer_value(value) > max)
		err_set(reject(r), "\"%s\" must be from %lld to %lld", key, (long long)min,
			(long long)max);
	else
		return json_integer_value(value);
	return absent;
}

static uint32_t get_u32(struct reader *r, const char *key)
{
	return (uint32_t)get_int(r, key, 0, UINT32_MAX, 0);
}

static uint64_t get_count(struct reader *r, const char *key)
{
	return (uint64_t)get_int(r, key, 0, INT64_MAX, 0);
}

static bool get_bool(struct reader *r, const char *key)
{
	json_t *value = json_object_get(r->from, key);

	if (value && !json_is_boolean(value))
		err_set(reject(r), "\"%s\" must be true or false", key);
	return json_is_true(value);
}

static nsec_t get_time(struct reader *r, const char *key)
{
	json_t *value = json_object_get(r->from, key);

	if (!value)
		return NSEC_UNSET;
	nsec_t t = json_to_nsec(value);
	if (t == NSEC_NEVER || (t >= -MAX_TIME && t <= MAX_TIME))
		return t;
	err_set(reject(r), "\"%s\" must be a number of seconds, below 30 years", key);
	return NSEC_UNSET;
}

/* As get_time, where "never" makes no sense. */
static nsec_t get_known_time(struct reader *r, const char *key)
{
	nsec_t t = get_time(r, key);

	if (t == NSEC_NEVER)
		err_set(reject(r), "\"%s\" must be a number of seconds, not null", key);
	return t;
}

/* The string under the key, or NULL if there is none. */
static const char *get_string(struct reader *r, const char *key)
{
	json_t *value = json_object_get(r->from, key);

	if (value && !json_is_string(value))
		err_set(reject(r), "\"%s\" must be a string", key);
	return json_string_value(value);
}

/* The index of the name under the key in names[0..n-1]; -1: no such key, or rejected. */
static int get_name(struct reader *r, const char *key, const char *const *names, int n)
{
	const char *name = get_string(r, key);

	for (int i = 0; name && i < n; i++)
		if (!strcmp(names[i], name))
			return i;
	if (name)
		err_set(reject(r), "there is no %s '%.64s'", key, name);
	return -1;
}

static void get_endpoint(struct reader *r, const char *key, struct endpoint *ret)
{
	const char *text = get_string(r, key);

	if (text && endpoint_parse(ret, text) < 0)
		err_set(reject(r), "\"%s\" must be an address and a port, not '%.64s'", key, text);
}

static uint8_t get_flags(struct reader *r)
{
	const char *text = get_string(r, "flags");
	uint8_t flags = 0;

	if (!text || !strcmp(text, NO_TCP_FLAGS))
		return 0;
	for (const char *c = text; *c; c++) {
		uint8_t bit = 0;

		for (const struct tcp_flag_letter *f = tcp_flag_letters; f->letter; f++)
			if (f->letter == *c)
				bit = f->bit;
		if (!bit)
			err_set(reject(r),
				"\"flags\" must be TCP flags as tcpdump writes them, not '%.16s'",
				text);
		flags |= bit;
	}
	return flags;
}

/* The step that an id or kind#index means; -1: no such key, or rejected. */
static int16_t get_step_label(struct reader *r, const char *key)
{
	const char *label = get_string(r, key);

	if (!label)
		return -1;
	int step = step_by_id(r->plan, label);
	const char *hash = strchr(label, '#');
	if (hash) {
		char *end;
		long n = strtol(hash + 1, &end, 10);
		size_t kind_len = (size_t)(hash - label);

		step = -1;
		if (end != hash + 1 && !*end && n >= 0 && (size_t)n < r->plan->steps.n &&
		    strlen(r->plan->steps.v[n].kind) == kind_len &&
		    !strncmp(r->plan->steps.v[n].kind, label, kind_len))
			step = (int)n;
	}
	if (step < 0)
		err_set(reject(r), "the plan has no step '%.64s'", label);
	return (int16_t)step;
}

/* The expectation with the label under the key. */
static int16_t get_expect_label(struct reader *r, const char *key)
{
	const char *label = get_string(r, key);

	for (size_t i = 0; label && i < r->plan->expects.n && i <= INT16_MAX; i++)
		if (!strcmp(r->plan->expects.v[i].label, label))
			return (int16_t)i;
	if (label)
		err_set(reject(r), "the plan has no expectation '%.64s'", label);
	else
		err_set(reject(r), "there is no \"%s\"", key);
	return -1;
}

static void get_packet(struct reader *r, enum obs_event event, struct obs_packet *p)
{
	if (event == EV_COUNTED)
		p->expect = get_expect_label(r, "expect");
	get_endpoint(r, "src", &p->src);
	get_endpoint(r, "dst", &p->dst);
	p->seq = get_u32(r, "seq");
	p->ack = get_u32(r, "ack");
	p->len = get_u32(r, "len");
	p->window = (uint16_t)get_int(r, "window", 0, UINT16_MAX, 0);
	p->flags = get_flags(r);
	p->retransmit = get_bool(r, "retransmit");
	p->fault = get_step_label(r, "fault");
	p->arrived = get_time(r, "arrived");
}

static void get_socket(struct reader *r, struct obs_socket *s)
{
	get_endpoint(r, "local", &s->local);
	get_endpoint(r, "peer", &s->peer);
	s->cookie = (uint64_t)get_int(r, "cookie", INT64_MIN, INT64_MAX, 0);
	s->inode = get_u32(r, "inode");
	int state = get_name(r, "state", tcp_state_names, STATE_CLOSING + 1);
	s->state = (uint8_t)(state > 0 ? state : 0);
	s->rqueue = get_u32(r, "rqueue");
	s->wqueue = get_u32(r, "wqueue");
	s->since = get_known_time(r, "since");
	s->timer = (uint8_t)(get_name(r, "timer", tcp_timer_names, TIMER_PERSIST) + 1);
	if (!s->timer)
		return;
	s->retries = (uint8_t)get_int(r, "retries", 0, UINT8_MAX, 0);
	nsec_t left = get_time(r, "left");
	s->left = left == NSEC_UNSET || left == NSEC_NEVER ? 0 : left;
}

static void get_process(struct reader *r, struct obs_process *p)
{
	p->pid = (int32_t)get_int(r, "pid", 0, INT32_MAX, 0);
	p->status = (int32_t)get_int(r, "status", -1, UINT8_MAX, 0);
	p->signal = (int32_t)get_int(r, "signal", 0, INT8_MAX, 0);
	p->by_harness = get_bool(r, "by_harness");
	p->fds = get_int(r, "fds", 0, INT64_MAX, 0);
	p->rss = get_int(r, "rss", 0, INT64_MAX, 0);
}

static void get_counter(struct reader *r, struct observation *o, struct arena *a)
{
	o->text = arena_strdup(a, get_string(r, "name"));
	if (!o->text)
		err_set(reject(r), "a counter's record must have a \"name\"");
	o->counter.value = get_int(r, "value", INT64_MIN, INT64_MAX, 0);
}

static void get_fault(struct reader *r, struct obs_fault *f)
{
	int64_t n_steps = (int64_t)r->plan->steps.n;

	f->step = (int16_t)get_int(r, "step", 0, n_steps - 1, -1);
	if (f->step < 0) {
		err_set(reject(r), "a fault's record must have a \"step\"");
		return;
	}
	const struct plan_step *s = &r->plan->steps.v[f->step];
	const char *kind = get_string(r, "kind");
	if (kind && strcmp(kind, s->kind) != 0)
		err_set(reject(r), "step %d of the plan is a %s, not a %.64s", f->step, s->kind,
			kind);
	f->edge = (int16_t)get_int(r, "edge", 0, (int64_t)s->edges.n - 1, 0);
	f->asked = get_known_time(r, "asked");
	for (const struct receipt_count *c = receipt_counts; c->name; c++)
		*receipt_count_of(&f->did, c) = get_count(r, c->name);
	get_endpoint(r, "src", &f->flow.src);
	get_endpoint(r, "dst", &f->flow.dst);
	int protocol = get_name(r, "protocol", flow_protocol_names, FLOW_OTHER + 1);
	f->flow.protocol = (uint8_t)(protocol < 0 ? 0 : protocol);
	f->flow.others = get_bool(r, "others");
}

static void get_lag(struct reader *r, enum obs_event event, struct obs_lag *l)
{
	int stage = get_name(r, "stage", lag_stage_names, LAG_N_STAGES);
	nsec_t least = event == EV_CLOCK_STEP ? -LAG_MAX : 0;

	l->stage = (uint8_t)(stage > 0 ? stage : 0);
	l->lag = get_known_time(r, "lag");
	if (l->lag == NSEC_UNSET)
		l->lag = 0;
	if (l->lag < least || l->lag > LAG_MAX)
		err_set(reject(r), "\"lag\" must be from %lld to %lld s",
			(long long)(least / NSEC_PER_SEC), (long long)(LAG_MAX / NSEC_PER_SEC));
	l->count = get_count(r, "count");
}

static char *get_app_line(struct reader *r, struct arena *a)
{
	json_t *data = json_object_get(r->from, "data");

	if (!data)
		return arena_strdup(a, get_string(r, "text"));
	_cleanup_free_ char *text = json_dumps(data, JSON_LINE_FLAGS | JSON_ENCODE_ANY);
	return arena_strdup(a, text);
}

/* The index of the host or app that the key names; -1: no such key, or rejected. */
static int16_t get_host(struct reader *r)
{
	const char *name = get_string(r, "host");

	for (size_t i = 0; name && i < r->plan->hosts.n; i++)
		if (!strcmp(r->plan->hosts.v[i].name, name))
			return (int16_t)i;
	if (name)
		err_set(reject(r), "the plan has no host '%.64s'", name);
	return -1;
}

static int16_t get_app(struct reader *r)
{
	const char *name = get_string(r, "app");

	for (size_t i = 0; name && i < r->plan->apps.n; i++)
		if (!strcmp(r->plan->apps.v[i].name, name))
			return (int16_t)i;
	if (name)
		err_set(reject(r), "the plan has no app '%.64s'", name);
	return -1;
}

/* What every record has: when, what, and where. */
static void get_head(struct reader *r, struct observation *o)
{
	o->t = get_known_time(r, "t");
	if (o->t == NSEC_UNSET)
		err_set(reject(r), "there is no \"t\"");
	int source = get_name(r, "source", obs_source_names, OBS_N_SOURCES);
	int event = get_name(r, "event", obs_event_names, EV_N_EVENTS);
	if (source < 0 || event < 0) {
		err_set(reject(r), "there is no \"%s\"", source < 0 ? "source" : "event");
		return;
	}
	if (event < (int)source_events[source].first || event > (int)source_events[source].last)
		err_set(reject(r), "'%s' is not an event of source '%s'", obs_event_names[event],
			obs_source_names[source]);
	o->source = (uint8_t)source;
	o->event = (uint8_t)event;
	o->host = get_host(r);
	o->app = get_app(r);
}

static void get_body(struct reader *r, struct observation *o, struct arena *a)
{
	switch (o->source) {
	case OBS_RUN:
		o->text = arena_strdup(a, get_string(r, "error"));
		break;
	case OBS_PACKET:
		get_packet(r, o->event, &o->packet);
		break;
	case OBS_SOCKET:
		get_socket(r, &o->socket);
		break;
	case OBS_PROCESS:
		get_process(r, &o->process);
		break;
	case OBS_APP:
		o->text = get_app_line(r, a);
		break;
	case OBS_FAULT:
		get_fault(r, &o->fault);
		break;
	case OBS_LAG:
		get_lag(r, o->event, &o->lag);
		break;
	case OBS_COUNTER:
		get_counter(r, o, a);
		break;
	default:
		break;
	}
}

int observation_from_line(struct observation *o, const char *line, size_t len,
			  const struct plan *plan, struct arena *a, struct err *err)
{
	json_error_t where;
	_cleanup_json_ json_t *object = json_loadb(line, len, JSON_REJECT_DUPLICATES, &where);

	if (!object)
		return err_set(err, "not a line of JSON: %s", where.text);
	if (!json_is_object(object))
		return err_set(err, "not a JSON object");

	struct reader r = {.from = object, .plan = plan, .err = err};
	struct observation made = {.host = -1, .app = -1};
	get_head(&r, &made);
	if (!r.failed)
		get_body(&r, &made, a);
	if (r.failed)
		return -1;
	*o = made;
	return 0;
}
