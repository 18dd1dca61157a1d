/* SPDX-License-Identifier: MIT */
#include "harness/tests/obs_builder.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "harness/judge/expect.h"
#include "harness/judge/judge.h"

#define ONE_WAY MS(1)

void world_init(struct world *w, nsec_t duration)
{
	*w = (struct world){0};
	w->obs.arena = &w->arena;
	w->plan.file = "test.yaml";
	w->plan.name = "a test";
	w->plan.slug = "a-test";
	w->plan.clock = CLOCK_REAL;
	w->plan.link = LINK_WIRE;
	w->plan.seed = 1;
	w->plan.duration = duration;
}

void world_free(struct world *w)
{
	arena_free(&w->arena);
}

int world_host(struct world *w, const char *name)
{
	int i = (int)w->plan.hosts.n;
	struct plan_host *h = vec_push(&w->arena, &w->plan.hosts);

	h->name = arena_strdup(&w->arena, name);
	h->group = h->name;
	h->ip4 = arena_printf(&w->arena, "10.0.%d.%d", (i + 1) / 256, (i + 1) % 256);
	h->ip6 = arena_printf(&w->arena, "fd00::%x", (unsigned)i + 1);
	return i;
}

int world_app(struct world *w, const char *name, int host)
{
	struct plan_app *a = vec_push(&w->arena, &w->plan.apps);

	a->name = arena_strdup(&w->arena, name);
	a->group = a->name;
	a->host = host;
	return (int)w->plan.apps.n - 1;
}

void world_list(struct world *w, struct index_list *l, int64_t value)
{
	*vec_push(&w->arena, l) = value;
}

void world_edge(struct world *w, int step, nsec_t on, nsec_t off)
{
	*vec_push(&w->arena, &w->plan.steps.v[step].edges) = (struct plan_edge){on, off};
}

int world_fault(struct world *w, const char *id, const char *kind, int cable, nsec_t on, nsec_t off)
{
	int i = (int)w->plan.steps.n;
	struct plan_step *s = vec_push(&w->arena, &w->plan.steps);

	s->id = arena_strdup(&w->arena, id);
	s->kind = arena_strdup(&w->arena, kind);
	s->step = STEP_FAULT;
	fault_spec_unset(&s->fault);
	world_list(w, &s->cables, cable);
	world_edge(w, i, on, off);
	return i;
}

int world_step(struct world *w, enum step_kind step, int app, nsec_t at)
{
	static const char *const names[] = {"fault",   "start", "stop",   "kill",
					    "restart", "pause", "resume", "exec"};
	int i = (int)w->plan.steps.n;
	struct plan_step *s = vec_push(&w->arena, &w->plan.steps);

	s->kind = arena_strdup(&w->arena, names[step]);
	s->step = step;
	world_list(w, &s->apps, app);
	world_edge(w, i, at, at);
	return i;
}

struct plan_expect *world_expect(struct world *w, const char *kind)
{
	struct plan_expect *e = vec_push(&w->arena, &w->plan.expects);

	expect_spec_unset(&e->spec);
	e->spec.ops = expect_find(kind);
	e->spec.pos = (struct pos){.file = "test.yaml", .line = 14, .column = 5, .width = 1};
	e->label = arena_strdup(&w->arena, kind);
	e->peer_port = COUNT_UNSET;
	e->step = -1;
	return e;
}

static struct observation *see(struct world *w, nsec_t t, enum obs_source source,
			       enum obs_event event, int host, int app)
{
	struct observation *o = vec_push(&w->arena, &w->obs.list);

	o->t = t;
	o->source = (uint8_t)source;
	o->event = (uint8_t)event;
	o->host = (int16_t)host;
	o->app = (int16_t)app;
	return o;
}

struct endpoint tuple_end(const struct tuple *c, int end)
{
	int host = end ? c->to : c->from;
	struct endpoint e = {.family = c->v6 ? AF_INET6 : AF_INET};
	char text[ENDPOINT_TEXT];

	if (c->v6)
		snprintf(text, sizeof(text), "fd00::%x", (unsigned)host + 1);
	else
		snprintf(text, sizeof(text), "10.0.%d.%d", (host + 1) / 256, (host + 1) % 256);
	ck_assert_int_eq(inet_pton(e.family, text, e.addr), 1);
	e.port = end ? c->to_port : c->from_port;
	return e;
}

struct observation *see_packet(struct world *w, nsec_t t, enum obs_event event,
			       const struct tuple *c, int end, uint8_t flags)
{
	struct observation *o = see(w, t, OBS_PACKET, event, end ? c->to : c->from, -1);

	o->packet = (struct obs_packet){
		.src = tuple_end(c, end),
		.dst = tuple_end(c, !end),
		.seq = end ? c->isn + 7777 : c->isn,
		.flags = flags,
		.window = 65535,
		.fault = -1,
		.arrived = t + ONE_WAY,
	};
	return o;
}

void see_syn(struct world *w, nsec_t t, const struct tuple *c)
{
	see_packet(w, t, EV_SYN, c, 0, TCP_FLAG_SYN);
}

void see_refusal(struct world *w, nsec_t t, const struct tuple *c)
{
	see_packet(w, t, EV_RST, c, 1, TCP_FLAG_RST | TCP_FLAG_ACK);
}

void see_connect(struct world *w, nsec_t t, const struct tuple *c)
{
	see_syn(w, t, c);
	see_packet(w, t + ONE_WAY, EV_SYN_ACK, c, 1, TCP_FLAG_SYN | TCP_FLAG_ACK);
	see_packet(w, t + 2 * ONE_WAY, EV_ESTABLISHED, c, 0, TCP_FLAG_ACK);
}

void see_data(struct world *w, nsec_t t, const struct tuple *c, int end)
{
	struct observation *o = see_packet(w, t, EV_DATA, c, end, TCP_FLAG_PSH | TCP_FLAG_ACK);
	uint32_t next;

	o->packet.seq++;
	o->packet.len = 100;
	next = o->packet.seq + o->packet.len;
	o = see_packet(w, t + ONE_WAY, EV_ACKED, c, !end, TCP_FLAG_ACK);
	o->packet.ack = next;
}

void see_fin(struct world *w, nsec_t t, const struct tuple *c, int end)
{
	see_packet(w, t, EV_FIN, c, end, TCP_FLAG_FIN | TCP_FLAG_ACK);
}

void see_forged(struct world *w, nsec_t t, const struct tuple *c, int end, int step)
{
	struct observation *o = see_packet(w, t, EV_FORGED, c, !end, TCP_FLAG_RST);

	o->packet.fault = (int16_t)step;
	o->packet.arrived = t;
}

struct observation *see_socket(struct world *w, nsec_t t, enum obs_event event,
			       const struct tuple *c, int end, uint64_t cookie, int state, int app)
{
	struct observation *o = see(w, t, OBS_SOCKET, event, end ? c->to : c->from, app);

	o->socket = (struct obs_socket){
		.local = tuple_end(c, end),
		.peer = tuple_end(c, !end),
		.cookie = cookie,
		.inode = app >= 0 ? (uint32_t)cookie + 1000 : 0,
		.state = (uint8_t)state,
		.since = NSEC_UNSET,
	};
	return o;
}

void see_destroyed(struct world *w, nsec_t t, int host, uint64_t cookie)
{
	struct observation *o = see(w, t, OBS_SOCKET, EV_DESTROYED, host, -1);

	o->socket = (struct obs_socket){.cookie = cookie, .since = NSEC_UNSET};
	o->socket.local.family = AF_INET;
	o->socket.peer.family = AF_INET;
}

void see_gone(struct world *w, nsec_t since, nsec_t t, const struct tuple *c, int end,
	      uint64_t cookie, int app)
{
	see_socket(w, t, EV_GONE, c, end, cookie, STATE_ESTABLISHED, app)->socket.since = since;
}

void see_polled(struct world *w, nsec_t t, int host)
{
	see(w, t, OBS_SOCKET, EV_POLLED, host, -1)->socket.since = NSEC_UNSET;
}

void see_start(struct world *w, nsec_t t, int app)
{
	see(w, t, OBS_PROCESS, EV_START, (int)w->plan.apps.v[app].host, app)->process.pid =
		100 + app;
}

void see_exec(struct world *w, nsec_t t, enum obs_event event, int host)
{
	see(w, t, OBS_PROCESS, event, host, -1)->process.pid = 99;
}

void see_exit(struct world *w, nsec_t t, int app, int status, int signal, bool by_harness)
{
	struct observation *o = see(w, t, OBS_PROCESS, EV_EXIT, (int)w->plan.apps.v[app].host, app);

	o->process = (struct obs_process){
		.pid = 100 + app, .status = status, .signal = signal, .by_harness = by_harness};
}

void see_sample(struct world *w, nsec_t t, int app, int64_t fds, int64_t rss)
{
	int host = (int)w->plan.apps.v[app].host;

	see(w, t, OBS_PROCESS, EV_SAMPLE, host, app)->process =
		(struct obs_process){.fds = fds, .rss = rss};
}

void see_line(struct world *w, nsec_t t, int app, const char *json)
{
	int host = (int)w->plan.apps.v[app].host;

	see(w, t, OBS_APP, EV_LINE, host, app)->text = arena_strdup(&w->arena, json);
}

void see_log(struct world *w, nsec_t t, int app, const char *line)
{
	int host = (int)w->plan.apps.v[app].host;

	see(w, t, OBS_APP, EV_LOG, host, app)->text = arena_strdup(&w->arena, line);
}

void see_count(struct world *w, nsec_t t, int host, const char *name, int64_t value)
{
	struct observation *o = see(w, t, OBS_COUNTER, EV_COUNT, host, -1);

	o->counter.value = value;
	o->text = arena_strdup(&w->arena, name);
}

struct observation *see_fault(struct world *w, nsec_t t, enum obs_event event, int step, int edge)
{
	struct observation *o = see(w, t, OBS_FAULT, event, -1, -1);

	o->fault = (struct obs_fault){.step = (int16_t)step, .edge = (int16_t)edge, .asked = t};
	if (event == EV_RECEIPT)
		o->fault.did.matched = 10;
	return o;
}

void see_step(struct world *w, int step)
{
	const struct plan_step *s = &w->plan.steps.v[step];

	for (size_t i = 0; i < s->edges.n; i++) {
		const struct plan_edge *e = &s->edges.v[i];

		see_fault(w, e->on, EV_ON, step, (int)i);
		if (s->step != STEP_FAULT)
			continue;
		if (e->off != NSEC_NEVER)
			see_fault(w, e->off, EV_OFF, step, (int)i);
		see_fault(w, w->plan.duration, EV_RECEIPT, step, (int)i);
	}
}

struct observation *see_run(struct world *w, nsec_t t, enum obs_event event)
{
	return see(w, t, OBS_RUN, event, -1, -1);
}

void see_lag(struct world *w, nsec_t t, enum obs_event event, nsec_t lag, uint64_t count)
{
	struct observation *o = see(w, t, OBS_LAG, event, -1, -1);

	o->lag = (struct obs_lag){.stage = LAG_FORWARDER, .lag = lag, .count = count};
}

/* All records through their lines and back, into a list of their own. */
static void through_lines(const struct world *w, struct observations *ret)
{
	vec_foreach (o, &w->obs.list) {
		char *line = observation_to_line(o, &w->plan);
		struct observation *back = vec_push(ret->arena, &ret->list);
		struct err err = {0};

		ck_assert_ptr_nonnull(line);
		ck_assert_msg(!observation_from_line(back, line, strlen(line), &w->plan, ret->arena,
						     &err),
			      "%s: %s", err.msg, line);
		free(line);
	}
}

static void assert_same_text(const struct scenario_result *a, const struct scenario_result *b)
{
	json_t *x = scenario_result_to_json(a), *y = scenario_result_to_json(b);
	char *x_text = json_dumps(x, JSON_FILE_FLAGS), *y_text = json_dumps(y, JSON_FILE_FLAGS);

	ck_assert_str_eq(x_text, y_text);
	free(x_text);
	free(y_text);
	json_decref(x);
	json_decref(y);
}

void world_judge(struct world *w, struct scenario_result *ret)
{
	struct observations again = {.arena = &w->arena};
	struct scenario_result result_again;

	if (!w->no_ready)
		see_run(w, 0, EV_READY);
	if (!w->no_end)
		see_run(w, w->plan.duration, EV_END);
	observations_sort(&w->obs);
	judge(&w->plan, &w->obs, &w->arena, ret);
	through_lines(w, &again);
	judge(&w->plan, &again, &w->arena, &result_again);
	assert_same_text(ret, &result_again);
}

void world_expect_verdict(struct world *w, enum verdict verdict, const char *observed)
{
	struct scenario_result r;

	world_judge(w, &r);
	const struct expect_result *e = &r.expects.v[0];
	ck_assert_msg(e->verdict == verdict, "%s, not %s: expected %s, observed %s",
		      verdict_names[e->verdict], verdict_names[verdict], e->bound, e->observed);
	ck_assert_ptr_nonnull(e->subject);
	ck_assert_msg(strstr(e->observed, observed) != NULL, "observed '%s', not '%s'", e->observed,
		      observed);
}

void world_expect_bound(struct world *w, const char *bound)
{
	struct scenario_result r;

	world_judge(w, &r);
	ck_assert_str_eq(r.expects.v[0].bound, bound);
}
