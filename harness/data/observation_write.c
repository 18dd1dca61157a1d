/* SPDX-License-Identifier: MIT */
#include "harness/data/observation_json.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/cleanup.h"
#include "harness/base/field.h"

const struct tcp_flag_letter tcp_flag_letters[] = {
	{'F', TCP_FLAG_FIN}, {'S', TCP_FLAG_SYN}, {'R', TCP_FLAG_RST},
	{'P', TCP_FLAG_PSH}, {'.', TCP_FLAG_ACK}, {'U', 0x20},
	{'E', 0x40},         {'W', 0x80},         {0},
};
static_assert(ARRAY_SIZE(tcp_flag_letters) == TCP_FLAG_LETTERS_MAX + 1,
	      "the eight flags of a byte");

int step_by_id(const struct plan *plan, const char *id)
{
	for (size_t i = 0; i < plan->steps.n; i++)
		if (plan->steps.v[i].id && !strcmp(plan->steps.v[i].id, id))
			return (int)i;
	return -1;
}

static void put_time(json_t *to, const char *key, nsec_t t)
{
	if (t != NSEC_UNSET)
		json_object_set_new(to, key, json_seconds(t));
}

static void put_int(json_t *to, const char *key, int64_t value)
{
	json_object_set_new(to, key, json_integer(value));
}

static void put_int_unless_zero(json_t *to, const char *key, uint64_t value)
{
	if (value)
		put_int(to, key, (int64_t)value);
}

static void put_true(json_t *to, const char *key, bool value)
{
	if (value)
		json_object_set_new(to, key, json_true());
}

/* A text of unknown origin: a byte that is not UTF-8 becomes '?', for JSON has no other way. */
static void put_text(json_t *to, const char *key, const char *text)
{
	json_t *value = json_string(text);

	if (!value) {
		char *ascii = strdup(text);

		for (char *c = ascii; c && *c; c++)
			if ((unsigned char)*c >= 0x80)
				*c = '?';
		value = json_string(ascii);
		free(ascii);
	}
	json_object_set_new(to, key, value);
}

static void put_endpoint(json_t *to, const char *key, const struct endpoint *e)
{
	char buf[ENDPOINT_TEXT];

	if (e->family)
		json_object_set_new(to, key, json_string(endpoint_text(e, buf)));
}

static void put_flags(json_t *to, uint8_t flags)
{
	char text[TCP_FLAG_LETTERS_MAX + 1];
	size_t n = 0;

	for (const struct tcp_flag_letter *f = tcp_flag_letters; f->letter; f++)
		if (flags & f->bit)
			text[n++] = f->letter;
	text[n] = '\0';
	json_object_set_new(to, "flags", json_string(n ? text : NO_TCP_FLAGS));
}

static void put_step_label(json_t *to, const char *key, int step, const struct plan *plan)
{
	if (step < 0 || (size_t)step >= plan->steps.n)
		return;
	const struct plan_step *s = &plan->steps.v[step];
	if (s->id && !strchr(s->id, '#') && step_by_id(plan, s->id) == step)
		put_text(to, key, s->id);
	else
		json_object_set_new(to, key, json_sprintf("%s#%d", s->kind, step));
}

static void put_packet(json_t *to, const struct observation *o, const struct plan *plan)
{
	const struct obs_packet *p = &o->packet;

	if (o->event == EV_COUNTED && p->expect >= 0 && (size_t)p->expect < plan->expects.n)
		put_text(to, "expect", plan->expects.v[p->expect].label);
	put_endpoint(to, "src", &p->src);
	put_endpoint(to, "dst", &p->dst);
	put_int(to, "seq", p->seq);
	put_int(to, "ack", p->ack);
	put_int(to, "len", p->len);
	put_int(to, "window", p->window);
	put_flags(to, p->flags);
	put_true(to, "retransmit", p->retransmit);
	put_step_label(to, "fault", p->fault, plan);
	put_time(to, "arrived", p->arrived);
}

static void put_socket(json_t *to, const struct obs_socket *s)
{
	put_endpoint(to, "local", &s->local);
	put_endpoint(to, "peer", &s->peer);
	put_int_unless_zero(to, "cookie", s->cookie);
	put_int_unless_zero(to, "inode", s->inode);
	if (s->state && s->state <= STATE_CLOSING)
		json_object_set_new(to, "state", json_string(tcp_state_names[s->state]));
	put_int_unless_zero(to, "rqueue", s->rqueue);
	put_int_unless_zero(to, "wqueue", s->wqueue);
	put_time(to, "since", s->since);
	if (!s->timer || s->timer > TIMER_PERSIST)
		return;
	json_object_set_new(to, "timer", json_string(tcp_timer_names[s->timer - 1]));
	put_int_unless_zero(to, "retries", s->retries);
	put_time(to, "left", s->left);
}

static void put_process(json_t *to, const struct observation *o)
{
	const struct obs_process *p = &o->process;

	if (o->event == EV_SAMPLE) {
		put_int(to, "fds", p->fds);
		put_int(to, "rss", p->rss);
		return;
	}
	put_int(to, "pid", p->pid);
	if (o->event != EV_EXIT)
		return;
	put_int(to, "status", p->status);
	put_int_unless_zero(to, "signal", (uint64_t)p->signal);
	put_true(to, "by_harness", p->by_harness);
}

static void put_flow(json_t *to, const struct obs_flow *f)
{
	put_true(to, "others", f->others);
	if (f->others)
		return;
	if (f->protocol <= FLOW_OTHER)
		put_text(to, "protocol", flow_protocol_names[f->protocol]);
	put_endpoint(to, "src", &f->src);
	put_endpoint(to, "dst", &f->dst);
}

static void put_fault(json_t *to, const struct observation *o, const struct plan *plan)
{
	const struct obs_fault *f = &o->fault;

	put_int(to, "step", f->step);
	if (f->step >= 0 && (size_t)f->step < plan->steps.n) {
		const struct plan_step *s = &plan->steps.v[f->step];

		if (s->id)
			put_text(to, "id", s->id);
		put_text(to, "kind", s->kind);
	}
	put_int(to, "edge", f->edge);
	put_time(to, "asked", f->asked);
	if (o->event == EV_FLOW) {
		put_flow(to, &f->flow);
		for (const struct receipt_count *c = receipt_counts; c->name; c++)
			put_int_unless_zero(to, c->name, receipt_get(&f->did, c));
		return;
	}
	if (o->event != EV_RECEIPT)
		return;
	for (const struct receipt_count *c = receipt_counts; c->name; c++)
		put_int(to, c->name, (int64_t)receipt_get(&f->did, c));
}

static void put_lag(json_t *to, const struct obs_lag *l)
{
	if (l->stage < LAG_N_STAGES)
		json_object_set_new(to, "stage", json_string(lag_stage_names[l->stage]));
	put_time(to, "lag", l->lag);
	put_int_unless_zero(to, "count", l->count);
}

/*
 * The app's own JSON stands in the line as such; a line that is none, or that was asked for as it
 * was printed, stands there as a string.
 */
static void put_app_line(json_t *to, const struct observation *o)
{
	const char *text = o->text;
	json_t *data = text && o->event == EV_LINE ? json_loads(text, 0, NULL) : NULL;

	if (data)
		json_object_set_new(to, "data", data);
	else if (text)
		put_text(to, "text", text);
}

char *observation_to_line(const struct observation *o, const struct plan *plan)
{
	_cleanup_json_ json_t *line = json_object();

	put_time(line, "t", o->t);
	if (o->source < OBS_N_SOURCES)
		put_text(line, "source", obs_source_names[o->source]);
	if (o->event < EV_N_EVENTS)
		put_text(line, "event", obs_event_names[o->event]);
	if (o->host >= 0 && (size_t)o->host < plan->hosts.n)
		put_text(line, "host", plan->hosts.v[o->host].name);
	if (o->app >= 0 && (size_t)o->app < plan->apps.n)
		put_text(line, "app", plan->apps.v[o->app].name);

	switch (o->source) {
	case OBS_RUN:
		if (o->text)
			put_text(line, "error", o->text);
		break;
	case OBS_PACKET:
		put_packet(line, o, plan);
		break;
	case OBS_SOCKET:
		put_socket(line, &o->socket);
		break;
	case OBS_PROCESS:
		put_process(line, o);
		break;
	case OBS_APP:
		put_app_line(line, o);
		break;
	case OBS_FAULT:
		put_fault(line, o, plan);
		break;
	case OBS_LAG:
		put_lag(line, &o->lag);
		break;
	case OBS_COUNTER:
		if (o->text)
			put_text(line, "name", o->text);
		put_int(line, "value", o->counter.value);
		break;
	default:
		break;
	}
	return json_dumps(line, JSON_LINE_FLAGS);
}
