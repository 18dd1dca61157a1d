/* SPDX-License-Identifier: MIT */
#include "harness/report/report.h"

#include <arpa/inet.h>

/* An address as the name of the host that bears it, where the plan knows one. */
static void print_endpoint(FILE *out, const struct endpoint *e, const struct plan *plan)
{
	char text[ENDPOINT_TEXT], addr[INET6_ADDRSTRLEN] = "";

	if (!e->family) {
		fputs("?", out);
		return;
	}
	inet_ntop(e->family, e->addr, addr, sizeof(addr));
	vec_foreach (h, &plan->hosts) {
		if (strcmp(addr, h->ip4) != 0 && strcmp(addr, h->ip6) != 0)
			continue;
		fprintf(out, "%s:%u", h->name, e->port);
		return;
	}
	fputs(endpoint_text(e, text), out);
}

void terminal_flow(FILE *out, const struct obs_flow *f, const struct plan *plan)
{
	if (f->protocol == FLOW_OTHER || !f->src.family) {
		fputs("other packets", out);
		return;
	}
	fprintf(out, "%s ", flow_protocol_names[f->protocol]);
	print_endpoint(out, &f->src, plan);
	fputs(" > ", out);
	print_endpoint(out, &f->dst, plan);
}

static const char *step_name(const struct plan *plan, int step)
{
	if (step < 0 || (size_t)step >= plan->steps.n)
		return "?";
	return plan->steps.v[step].id ? plan->steps.v[step].id : plan->steps.v[step].kind;
}

static void print_packet(FILE *out, const struct observation *o, const struct plan *plan)
{
	const struct obs_packet *p = &o->packet;

	print_endpoint(out, &p->src, plan);
	fputs(" > ", out);
	print_endpoint(out, &p->dst, plan);
	fprintf(out, "  %s%s", obs_event_names[o->event],
		p->retransmit && o->event != EV_RETRANSMIT ? " again" : "");
	if (p->len)
		fprintf(out, " %u B", p->len);
	if (o->event == EV_COUNTED && p->expect >= 0 && (size_t)p->expect < plan->expects.n)
		fprintf(out, " by %s", plan->expects.v[p->expect].label);
	else if (o->event == EV_FORGED)
		fprintf(out, " by %s", step_name(plan, p->fault));
	else if (p->arrived == NSEC_NEVER)
		fprintf(out, "  dropped by %s", step_name(plan, p->fault));
}

static void print_socket(FILE *out, const struct observation *o, const struct plan *plan)
{
	const struct obs_socket *s = &o->socket;

	fprintf(out, "%s: socket ",
		o->app >= 0    ? plan->apps.v[o->app].name
		: o->host >= 0 ? plan->hosts.v[o->host].name
			       : "?");
	if (o->event == EV_POLLED) {
		fputs("table read", out);
		return;
	}
	print_endpoint(out, &s->local, plan);
	fputs(" - ", out);
	print_endpoint(out, &s->peer, plan);
	fprintf(out, "  %s",
		o->event == EV_STATE ? tcp_state_names[s->state] : obs_event_names[o->event]);
}

static void print_process(FILE *out, const struct observation *o, const struct plan *plan)
{
	const struct obs_process *p = &o->process;

	if (o->event == EV_SAMPLE) {
		fprintf(out, "%s: %lld descriptors, %lld KiB",
			o->app >= 0 ? plan->apps.v[o->app].name : "?", (long long)p->fds,
			(long long)(p->rss / 1024));
		return;
	}
	fprintf(out, "%s: process %d ", o->app >= 0 ? plan->apps.v[o->app].name : "exec", p->pid);
	if (o->event == EV_START)
		fputs("started", out);
	else if (p->signal)
		fprintf(out, "ended by signal %d%s", p->signal, p->by_harness ? " (ours)" : "");
	else
		fprintf(out, "ended with status %d%s", p->status, p->by_harness ? " (ours)" : "");
}

void terminal_observation(FILE *out, const struct observation *o, const struct plan *plan)
{
	fprintf(out, "%+13.6f s  ", (double)o->t / 1e9);
	switch ((enum obs_source)o->source) {
	case OBS_PACKET:
		print_packet(out, o, plan);
		break;
	case OBS_SOCKET:
		print_socket(out, o, plan);
		break;
	case OBS_PROCESS:
		print_process(out, o, plan);
		break;
	case OBS_FAULT:
		fprintf(out, "** %s %s", step_name(plan, o->fault.step), obs_event_names[o->event]);
		break;
	case OBS_LAG:
		if (o->lag.stage == LAG_STARVED && o->app >= 0) {
			fprintf(out, "%s: waited %.3f ms for a processor",
				plan->apps.v[o->app].name, (double)o->lag.lag / 1e6);
			break;
		}
		fprintf(out, "harness: %s %s %.3f ms", lag_stage_names[o->lag.stage],
			obs_event_names[o->event], (double)o->lag.lag / 1e6);
		break;
	case OBS_RUN:
		fprintf(out, "run: %s", obs_event_names[o->event]);
		break;
	case OBS_COUNTER:
		fprintf(out, "%s: %s %+lld", o->host >= 0 ? plan->hosts.v[o->host].name : "?",
			o->text ? o->text : "?", (long long)o->counter.value);
		break;
	default:
		fprintf(out, "%s", o->text ? o->text : obs_event_names[o->event]);
		break;
	}
}
