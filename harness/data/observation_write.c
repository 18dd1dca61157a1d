/* SPDX-License-Identifier: MIT */
#include "harness/data/observation_json.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "harness/base/cleanup.h"

const struct tcp_flag_letter tcp_flag_letters[] = {
	{'F', TCP_FLAG_FIN}, {'S', TCP_FLAG_SYN}, {'R', TCP_FLAG_RST},
	{'P', TCP_FLAG_PSH}, {'.', TCP_FLAG_ACK}, {'U', 0x20},
	{'E', 0x40},         {'W', 0x80},         {0},
};
static_assert(ARRAY_SIZE(tcp_flag_letters) == TCP_FLAG_LETTERS_MAX + 1,
	      "the eight flags of a byte");

/* A kind of step, and its index. */
#define STEP_LABEL_BYTES 128

int step_by_id(const struct plan *plan, const char *id)
{
	for (size_t i = 0; i < plan->steps.n; i++)
		if (plan->steps.v[i].id && !strcmp(plan->steps.v[i].id, id))
			return (int)i;
	return -1;
}

static void put_time(struct jsontext *to, const char *key, nsec_t t)
{
	if (t != NSEC_UNSET)
		jsontext_seconds(to, key, t);
}

static void put_int_unless_zero(struct jsontext *to, const char *key, uint64_t value)
{
	if (value)
		jsontext_int(to, key, (int64_t)value);
}

static void put_true(struct jsontext *to, const char *key, bool value)
{
	if (value)
		jsontext_true(to, key);
}

static void put_endpoint(struct jsontext *to, const char *key, const struct endpoint *e)
{
	char buf[ENDPOINT_TEXT];

	if (e->family)
		jsontext_string(to, key, endpoint_text(e, buf));
}

static void put_flags(struct jsontext *to, uint8_t flags)
{
	char text[TCP_FLAG_LETTERS_MAX + 1];
	size_t n = 0;

	for (const struct tcp_flag_letter *f = tcp_flag_letters; f->letter; f++)
		if (flags & f->bit)
			text[n++] = f->letter;
	text[n] = '\0';
	jsontext_string(to, "flags", n ? text : NO_TCP_FLAGS);
}

static void put_step_label(struct jsontext *to, const char *key, int step, const struct plan *plan)
{
	if (step < 0 || (size_t)step >= plan->steps.n)
		return;
	const struct plan_step *s = &plan->steps.v[step];
	if (s->id && !strchr(s->id, '#') && step_by_id(plan, s->id) == step) {
		jsontext_string(to, key, s->id);
		return;
	}
	char label[STEP_LABEL_BYTES];
	snprintf(label, sizeof(label), "%s#%d", s->kind, step);
	jsontext_string(to, key, label);
}

static void put_packet(struct jsontext *to, const struct observation *o, const struct plan *plan)
{
	const struct obs_packet *p = &o->packet;

	if (o->event == EV_COUNTED && p->expect >= 0 && (size_t)p->expect < plan->expects.n)
		jsontext_string(to, "expect", plan->expects.v[p->expect].label);
	put_endpoint(to, "src", &p->src);
	put_endpoint(to, "dst", &p->dst);
	jsontext_int(to, "seq", p->seq);
	jsontext_int(to, "ack", p->ack);
	jsontext_int(to, "len", p->len);
	jsontext_int(to, "window", p->window);
	put_flags(to, p->flags);
	put_true(to, "retransmit", p->retransmit);
	put_step_label(to, "fault", p->fault, plan);
	put_time(to, "arrived", p->arrived);
}

static void put_socket(struct jsontext *to, const struct obs_socket *s)
{
	put_endpoint(to, "local", &s->local);
	put_endpoint(to, "peer", &s->peer);
	put_int_unless_zero(to, "cookie", s->cookie);
	put_int_unless_zero(to, "inode", s->inode);
	if (s->state && s->state <= STATE_CLOSING)
		jsontext_string(to, "state", tcp_state_names[s->state]);
	put_int_unless_zero(to, "rqueue", s->rqueue);
	put_int_unless_zero(to, "wqueue", s->wqueue);
	put_time(to, "since", s->since);
	if (!s->timer || s->timer > TIMER_PERSIST)
		return;
	jsontext_string(to, "timer", tcp_timer_names[s->timer - 1]);
	put_int_unless_zero(to, "retries", s->retries);
	put_time(to, "left", s->left);
}

static void put_process(struct jsontext *to, const struct observation *o)
{
	const struct obs_process *p = &o->process;

	if (o->event == EV_SAMPLE) {
		jsontext_int(to, "fds", p->fds);
		jsontext_int(to, "rss", p->rss);
		return;
	}
	jsontext_int(to, "pid", p->pid);
	if (o->event != EV_EXIT)
		return;
	jsontext_int(to, "status", p->status);
	put_int_unless_zero(to, "signal", (uint64_t)p->signal);
	put_true(to, "by_harness", p->by_harness);
}

static void put_flow(struct jsontext *to, const struct obs_flow *f)
{
	put_true(to, "others", f->others);
	if (f->others)
		return;
	if (f->protocol <= FLOW_OTHER)
		jsontext_string(to, "protocol", flow_protocol_names[f->protocol]);
	put_endpoint(to, "src", &f->src);
	put_endpoint(to, "dst", &f->dst);
}

static void put_fault(struct jsontext *to, const struct observation *o, const struct plan *plan)
{
	const struct obs_fault *f = &o->fault;

	jsontext_int(to, "step", f->step);
	if (f->step >= 0 && (size_t)f->step < plan->steps.n) {
		const struct plan_step *s = &plan->steps.v[f->step];

		if (s->id)
			jsontext_string(to, "id", s->id);
		jsontext_string(to, "kind", s->kind);
	}
	jsontext_int(to, "edge", f->edge);
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
		jsontext_int(to, c->name, (int64_t)receipt_get(&f->did, c));
}

static void put_lag(struct jsontext *to, const struct obs_lag *l)
{
	if (l->stage < LAG_N_STAGES)
		jsontext_string(to, "stage", lag_stage_names[l->stage]);
	put_time(to, "lag", l->lag);
	put_int_unless_zero(to, "count", l->count);
}

/* The app's own JSON stands in the line as such; what was asked for as it was printed is a string. */
static void put_app_line(struct jsontext *to, const struct observation *o)
{
	if (o->text && o->event == EV_LINE)
		jsontext_json(to, "data", o->text);
	else if (o->text)
		jsontext_string(to, "text", o->text);
}

void observation_write(struct jsontext *to, const struct observation *o, const struct plan *plan)
{
	jsontext_open(to);
	put_time(to, "t", o->t);
	if (o->source < OBS_N_SOURCES)
		jsontext_string(to, "source", obs_source_names[o->source]);
	if (o->event < EV_N_EVENTS)
		jsontext_string(to, "event", obs_event_names[o->event]);
	if (o->host >= 0 && (size_t)o->host < plan->hosts.n)
		jsontext_string(to, "host", plan->hosts.v[o->host].name);
	if (o->app >= 0 && (size_t)o->app < plan->apps.n)
		jsontext_string(to, "app", plan->apps.v[o->app].name);

	switch (o->source) {
	case OBS_RUN:
		if (o->text)
			jsontext_string(to, "error", o->text);
		break;
	case OBS_PACKET:
		put_packet(to, o, plan);
		break;
	case OBS_SOCKET:
		put_socket(to, &o->socket);
		break;
	case OBS_PROCESS:
		put_process(to, o);
		break;
	case OBS_APP:
		put_app_line(to, o);
		break;
	case OBS_FAULT:
		put_fault(to, o, plan);
		break;
	case OBS_LAG:
		put_lag(to, &o->lag);
		break;
	case OBS_COUNTER:
		if (o->text)
			jsontext_string(to, "name", o->text);
		jsontext_int(to, "value", o->counter.value);
		break;
	default:
		break;
	}
	jsontext_close(to);
}
