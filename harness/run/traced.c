/* SPDX-License-Identifier: MIT */
/*
 * Dumps of sockets when the kernel tells of a change, in place of polling (cadence.h).
 *
 * A change is of the host that has its local address. What happens at one end of a connection comes
 * from the other end or goes there, and may change what the tracepoint does not tell (the peer's FIN
 * makes FIN_WAIT_2 TIME_WAIT): so the other end is looked at too. A listener may have no address, and
 * its change is looked for everywhere; so is one whose address no host of the plan has (a program may
 * have given its host another).
 *
 * The same addresses may be in use elsewhere on the machine, by another run even. That costs a dump
 * that shows nothing new, and makes no record wrong: a foreign change can only make the time since
 * when a socket is known to have been the same earlier than it could be.
 */
#include <arpa/inet.h>
#include <stdlib.h>

#include "harness/run/state.h"

struct address {
	struct endpoint at; /* without a port */
	int host;
};

struct traced {
	struct statetrace *trace;
	struct host_cadence *hosts;
	struct cadence_wants *wants;
	struct address *addresses; /* of the plan's hosts, sorted */
	size_t n_addresses;
	struct suspects looked_at; /* by the look that goes on */
};

static int compare_addresses(const void *a, const void *b)
{
	const struct address *x = a, *y = b;

	if (x->at.family != y->at.family)
		return x->at.family < y->at.family ? -1 : 1;
	return memcmp(x->at.addr, y->at.addr, sizeof(x->at.addr));
}

static void add_address(struct traced *t, uint8_t family, const char *text, int host)
{
	struct address a = {.at.family = family, .host = host};

	if (inet_pton(family, text, a.at.addr) == 1)
		t->addresses[t->n_addresses++] = a;
}

static void take_addresses(struct traced *t, const struct plan *plan, struct arena *arena)
{
	t->addresses = arena_new_array(arena, struct address, plan->hosts.n * 2 + 1);
	for (size_t i = 0; i < plan->hosts.n; i++) {
		add_address(t, AF_INET, plan->hosts.v[i].ip4, (int)i);
		add_address(t, AF_INET6, plan->hosts.v[i].ip6, (int)i);
	}
	qsort(t->addresses, t->n_addresses, sizeof(*t->addresses), compare_addresses);
}

/* -1: of no host of the plan. */
static int find_host(const struct traced *t, const struct endpoint *e)
{
	struct address key = {.at = *e};
	const struct address *found = bsearch(&key, t->addresses, t->n_addresses,
					      sizeof(*t->addresses), compare_addresses);

	return found ? found->host : -1;
}

static bool is_unspecified(const struct endpoint *e)
{
	static const uint8_t zero[sizeof(e->addr)];

	return !memcmp(e->addr, zero, sizeof(zero));
}

static bool is_loopback(const struct endpoint *e)
{
	static const uint8_t six[sizeof(e->addr)] = {[15] = 1};

	return e->family == AF_INET ? e->addr[0] == IN_LOOPBACKNET
				    : !memcmp(e->addr, six, sizeof(six));
}

static void everywhere_changed(struct state *s, nsec_t t)
{
	for (size_t i = 0; i < s->plan->hosts.n; i++)
		host_cadence_changed(&s->traced->hosts[i], NULL, t);
}

/* NULL, for all: where what is asked for changes without a word, one socket's says nothing of others. */
static const struct suspect *only(const struct traced *t, int host, const struct suspect *one)
{
	return t->wants[host].packets || t->wants[host].silent_ends ? NULL : one;
}

static void host_changed(struct traced *t, int host, const struct statetrace_change *c)
{
	struct suspect one = {
		.sk = c->sk, .local = c->local, .peer = c->peer, .lives = c->to != STATE_CLOSED};
	bool listens = !c->peer.port;

	host_cadence_changed(&t->hosts[host], listens ? NULL : only(t, host, &one), c->t);
}

/* Of a connection that has no port yet nothing can have arrived. */
static void peer_stirred(struct traced *t, int peer, const struct statetrace_change *c)
{
	struct suspect one = {.local = c->peer, .peer = c->local};
	const struct suspect *told = only(t, peer, &one);

	if (!told || !suspect_is_nameless(told))
		host_cadence_stirred(&t->hosts[peer], told, c->t);
}

static void on_change(const struct statetrace_change *c, void *arg)
{
	struct state *s = arg;
	struct traced *t = s->traced;
	int host = find_host(t, &c->local), peer = find_host(t, &c->peer);

	/* No connection of a host with itself is ever judged. */
	if (is_loopback(&c->local) && is_loopback(&c->peer))
		return;
	/* A listener's copy, which is about to be given its addresses and its next state. */
	if (c->to == STATE_SYN_RECEIVED && is_unspecified(&c->local))
		return;
	if (host >= 0)
		host_changed(t, host, c);
	else
		everywhere_changed(s, c->t);
	if (peer >= 0 && peer != host)
		peer_stirred(t, peer, c);
}

/* Changes that were lost may have been of any host, at any time. */
static void on_loss(struct state *s, uint64_t lost)
{
	struct observation *o = state_record(s, OBS_LAG, EV_NOTIFY_LOST, -1, -1);

	o->lag = (struct obs_lag){.stage = LAG_INIT, .count = lost};
	everywhere_changed(s, 0);
}

/* The kernel's small socket for TIME_WAIT or FIN_WAIT_2 lives on, and is known anew by a look. */
static void on_destroyed(int host, const struct obs_socket *last, void *arg)
{
	struct traced *t = arg;
	struct suspect one = {.local = last->local, .peer = last->peer};
	bool listened = !last->peer.port;

	host_cadence_hint(&t->hosts[host], listened ? NULL : only(t, host, &one), nsec_monotonic());
}

int traced_create(struct state *s, struct err *err)
{
	struct traced *t = arena_new(&s->arena, struct traced);
	size_t n = s->plan->hosts.n;

	if (!s->cadence.traced)
		return 0;
	if (!s->config->n_trace)
		return err_set(err, "the virtual clock needs the kernel's tracepoint "
				    "sock:inet_sock_set_state, for nothing is polled there; this "
				    "run was given none (statetrace_open)");
	if (statetrace_start(s->config->trace, s->config->n_trace, &t->trace, err) < 0)
		return -1;
	t->hosts = arena_new_array(&s->arena, struct host_cadence, n + 1);
	t->wants = arena_new_array(&s->arena, struct cadence_wants, n + 1);
	for (size_t i = 0; i < n; i++) {
		host_cadence_init(&t->hosts[i]);
		t->wants[i] = cadence_wants(s->plan, (int)i);
	}
	take_addresses(t, s->plan, &s->arena);
	sockets_hear_destroyed(s->sockets, on_destroyed, t);
	s->traced = t;
	for (size_t i = 0; i < s->config->n_trace; i++)
		state_watch(s, s->config->trace[i].fd, EVENT_TRACE, i);
	state_watch(s, link_alarm_fd(s->link), EVENT_ALARM, 0);
	return 0;
}

void traced_hear_changes(struct state *s)
{
	uint64_t lost = statetrace_read(s->traced->trace, on_change, s);

	if (lost)
		on_loss(s, lost);
}

void traced_hear_alarms(struct state *s)
{
	nsec_t now = nsec_monotonic();

	link_quiet_alarms(s->link);
	for (size_t i = 0; i < s->plan->hosts.n; i++)
		if (link_alarm_rang(s->link, (int)i))
			host_cadence_hint(&s->traced->hosts[i], NULL, now);
}

void traced_stir(struct state *s, int host)
{
	if (s->traced)
		host_cadence_stirred(&s->traced->hosts[host], NULL, nsec_monotonic());
}

struct suspects *traced_begin_look(struct state *s, int host)
{
	struct traced *t = s->traced;

	if (!t)
		return NULL;
	traced_hear_changes(s);
	if (t->hosts[host].changed != NSEC_NEVER)
		sockets_same_until(s->sockets, host, t->hosts[host].changed - 1);
	/* A packet that passes during the look may be too late for it. */
	if (t->wants[host].packets)
		link_set_alarm(s->link, host);
	host_cadence_begin(&t->hosts[host], nsec_monotonic(), &t->looked_at);
	return &t->looked_at;
}

void traced_end_look(struct state *s, int host)
{
	struct traced *t = s->traced;

	if (!t)
		return;
	host_cadence_end(&t->hosts[host], &t->looked_at, nsec_monotonic());
	struct sockets_silent silent = sockets_silent(s->sockets, host);
	if (!t->wants[host].silent_ends || silent.end == NSEC_NEVER)
		return;
	host_cadence_ends(&t->hosts[host], silent.end);
	if (silent.awaits_fin)
		link_set_alarm(s->link, host);
}

void traced_run_due(struct state *s, nsec_t now)
{
	for (size_t i = 0; s->traced && i < s->plan->hosts.n && !s->failure.msg[0]; i++)
		if (s->traced->hosts[i].due <= now)
			state_poll_host(s, (int)i, false);
}

nsec_t traced_next(const struct state *s)
{
	nsec_t next = NSEC_NEVER;

	for (size_t i = 0; s->traced && s->phase != PHASE_END && i < s->plan->hosts.n; i++)
		if (s->traced->hosts[i].due < next)
			next = s->traced->hosts[i].due;
	return next;
}
