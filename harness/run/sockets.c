/* SPDX-License-Identifier: MIT */
/*
 * One entry per (host, cookie), in a hash table and in its host's list. Each dump has a number; an
 * entry whose number is not that of the dump that just ended was not in it: the socket is gone, at
 * some time since the dump before. Usually its destroy notification has come first and has taken
 * the entry away with the exact time.
 *
 * Where it is known which sockets may have changed (suspects.h), they are asked for one by one: an
 * entry that no dump shows for a while is as it was. An answer that leaves a doubt (one that should be
 * there and is not found, one that is gone without a notification) is settled by a dump.
 *
 * A host with one app and nothing else to run needs no search for owners. Elsewhere /proc/PID/fd is
 * read, at most once a dump, and only when the dump shows an inode that has no owner yet.
 */
#include "harness/run/sockets.h"

#include <arpa/inet.h>
#include <stdlib.h>

#include "harness/judge/expect.h"
#include "harness/run/sockdiag.h"

/*
 * A timer that is set anew expires at another time than was recorded. Nearer than this it is the
 * same: the kernel counts in jiffies of up to 10 ms, and a dump takes its time.
 */
#define TIMER_SAME (40 * NSEC_PER_MSEC)

/*
 * What asking for one socket costs, and a dump that shows none (the kernel walks the whole table of the
 * host, once for each family): as much as to show so many in a dump. In a guest a microsecond and a half
 * each.
 */
#define FIND_COSTS 4
#define DUMP_COSTS 64

#define HASH_BUCKETS ((size_t)4096) /* a power of two; a run has tens to thousands of sockets */

struct entry {
	struct entry *next_in_bucket;
	struct entry *next_in_host;
	struct entry **link_in_host; /* what points to it */
	int host;
	int app;
	uint64_t dump; /* number of the last dump that showed it */
	nsec_t seen;   /* CLOCK_MONOTONIC of that dump */
	struct obs_socket last;
	nsec_t expires; /* CLOCK_MONOTONIC: the running timer, as of the last record */
};

struct host_sockets {
	struct entry *entries;
	size_t n_entries;
	size_t unowned; /* of those that the last look took in; at least as many as there are */
	uint64_t dump;
	int only_app;  /* the one app that can own sockets here, or -1 */
	bool searched; /* this dump has looked through /proc already */
	bool polled;
	nsec_t same_until; /* sockets_same_until(), for the next dump */
	struct sockets_silent silent;
};

struct sockets {
	const struct plan *plan;
	struct host *hosts;
	struct procs *procs;
	struct observations *obs;
	struct host_sockets *per_host;
	bool timers;                       /* an expectation asks for the sockets' timers ... */
	bool left;                         /* ... and for the time that is left of them */
	sockets_destroyed_fn on_destroyed; /* NULL: nobody asks */
	void *on_destroyed_arg;
	struct entry *buckets[HASH_BUCKETS];
};

/* The app of a host that has exactly one, on which no exec step runs anything else; else -1. */
static int only_app_of(const struct plan *plan, int host)
{
	int app = -1;

	for (size_t i = 0; i < plan->apps.n; i++) {
		if (plan->apps.v[i].host != host)
			continue;
		if (app >= 0)
			return -1;
		app = (int)i;
	}
	vec_foreach (step, &plan->steps)
		if (step->step == STEP_EXEC && step->exec_host == host)
			return -1;
	return app;
}

struct sockets *sockets_new(const struct plan *plan, struct host *hosts, struct procs *procs,
			    struct observations *obs)
{
	struct sockets *s = calloc(1, sizeof(*s));

	if (!s)
		abort();
	*s = (struct sockets){.plan = plan, .hosts = hosts, .procs = procs, .obs = obs};
	s->per_host = calloc(plan->hosts.n + 1, sizeof(*s->per_host));
	if (!s->per_host)
		abort();
	for (size_t i = 0; i < plan->hosts.n; i++) {
		s->per_host[i].only_app = only_app_of(plan, (int)i);
		s->per_host[i].same_until = NSEC_UNSET;
		s->per_host[i].silent.end = NSEC_NEVER;
	}
	vec_foreach (e, &plan->expects) {
		s->timers |= (e->spec.ops->observes & OBSERVES_TIMERS) != 0;
		s->left |= e->spec.left_at_most != NSEC_UNSET;
	}
	return s;
}

void sockets_free(struct sockets *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->plan->hosts.n; i++)
		for (struct entry *e = s->per_host[i].entries, *next; e; e = next) {
			next = e->next_in_host;
			free(e);
		}
	free(s->per_host);
	free(s);
}

static struct entry **bucket(struct sockets *s, int host, uint64_t cookie)
{
	uint64_t h = (cookie ^ (uint64_t)host << 40) * 0x9e3779b97f4a7c15ULL;

	return &s->buckets[h >> 52 & (HASH_BUCKETS - 1)];
}

static struct entry *find(struct sockets *s, int host, uint64_t cookie)
{
	for (struct entry *e = *bucket(s, host, cookie); e; e = e->next_in_bucket)
		if (e->host == host && e->last.cookie == cookie)
			return e;
	return NULL;
}

static struct entry *add(struct sockets *s, int host, uint64_t cookie)
{
	struct entry **b = bucket(s, host, cookie);
	struct entry *e = calloc(1, sizeof(*e));

	if (!e)
		abort();
	*e = (struct entry){.next_in_bucket = *b,
			    .next_in_host = s->per_host[host].entries,
			    .link_in_host = &s->per_host[host].entries,
			    .host = host,
			    .app = -1};
	*b = e;
	if (e->next_in_host)
		e->next_in_host->link_in_host = &e->next_in_host;
	s->per_host[host].entries = e;
	s->per_host[host].n_entries++;
	return e;
}

static void unhash(struct sockets *s, struct entry *e)
{
	struct entry **p = bucket(s, e->host, e->last.cookie);

	while (*p != e)
		p = &(*p)->next_in_bucket;
	*p = e->next_in_bucket;
}

static void remove_entry(struct sockets *s, struct entry *e)
{
	unhash(s, e);
	*e->link_in_host = e->next_in_host;
	if (e->next_in_host)
		e->next_in_host->link_in_host = e->link_in_host;
	s->per_host[e->host].n_entries--;
	free(e);
}

static struct observation *record(struct sockets *s, enum obs_event event, int host, int app,
				  nsec_t t)
{
	struct observation *o = vec_push(s->obs->arena, &s->obs->list);

	*o = (struct observation){.t = t,
				  .source = OBS_SOCKET,
				  .event = (uint8_t)event,
				  .host = (int16_t)host,
				  .app = (int16_t)app};
	return o;
}

/* Of a socket that is no more: its timers are not either. */
static struct obs_socket without_timer(struct obs_socket last)
{
	last.timer = last.retries = 0;
	last.left = 0;
	return last;
}

static int owner_of(struct sockets *s, int host, uint32_t inode)
{
	struct host_sockets *h = &s->per_host[host];

	if (h->only_app >= 0)
		return h->only_app;
	if (!h->searched) {
		int app = procs_socket_owner(s->procs, inode);

		if (app >= 0)
			return app;
		h->searched = true;
		procs_forget_sockets(s->procs);
	}
	return procs_socket_owner(s->procs, inode);
}

struct poll_context {
	struct sockets *s;
	int host;
	nsec_t now;
};

static bool timer_changed(const struct sockets *s, const struct entry *e,
			  const struct obs_socket *seen, nsec_t now)
{
	nsec_t later = now + seen->left - e->expires;

	if (e->last.timer != seen->timer || e->last.retries != seen->retries)
		return true;
	return s->left && seen->timer && (later > TIMER_SAME || later < -TIMER_SAME);
}

static bool is_silent(const struct obs_socket *s)
{
	return s->state == STATE_TIME_WAIT || s->state == STATE_SYN_RECEIVED ||
	       (s->state == STATE_FIN_WAIT_2 && !s->inode);
}

/* Whose owner may become known without a word from the kernel: when a program accepts it, say. */
static bool is_unowned(const struct entry *e)
{
	return e->app < 0 && e->last.state != STATE_LISTEN && !is_silent(&e->last);
}

static void note_silent(struct sockets_silent *silent, const struct obs_socket *shown, nsec_t now)
{
	if (!is_silent(shown))
		return;
	if (now + shown->left < silent->end)
		silent->end = now + shown->left;
	silent->awaits_fin |= shown->state == STATE_FIN_WAIT_2;
}

/* The last time at which the socket is known to have been in the state that its entry has. */
static nsec_t last_in_state(const struct sockets *s, const struct entry *e)
{
	nsec_t same_until = s->per_host[e->host].same_until;

	return is_silent(&e->last) || same_until < e->seen ? e->seen : same_until;
}

static void see(const struct obs_socket *shown, void *arg)
{
	struct poll_context *c = arg;
	struct sockets *s = c->s;
	struct obs_socket now = s->timers && shown->timer ? *shown : without_timer(*shown);
	const struct obs_socket *seen = &now;
	struct entry *e = find(s, c->host, seen->cookie);
	bool fresh = !e;

	if (fresh)
		e = add(s, c->host, seen->cookie);
	int app = e->app;
	if (app < 0 && seen->inode)
		app = owner_of(s, c->host, seen->inode);
	/* One that is used again keeps its cookie and its file. */
	bool moved = !fresh && !(endpoint_equal(&e->last.local, &seen->local) &&
				 endpoint_equal(&e->last.peer, &seen->peer));
	bool changed = fresh || moved || e->last.state != seen->state ||
		       e->last.inode != seen->inode || e->app != app ||
		       timer_changed(s, e, seen, c->now);
	nsec_t before = fresh ? NSEC_UNSET : e->seen;

	if (moved || (!fresh && e->last.state != seen->state))
		before = last_in_state(s, e);
	note_silent(&s->per_host[c->host].silent, shown, c->now);
	e->app = app;
	e->last = *seen;
	e->dump = s->per_host[c->host].dump;
	e->seen = c->now;
	s->per_host[c->host].unowned += is_unowned(e);
	if (!changed)
		return;
	e->expires = c->now + seen->left;
	struct observation *o = record(s, EV_STATE, c->host, app, c->now);

	o->socket = *seen;
	o->socket.since = before;
}

/*
 * A dump of many sockets goes out in parts, and the next part begins so many sockets after the start of a
 * hash chain (inet_diag_dump_icsk()): where one before it has left the chain meanwhile, another is passed
 * over.
 */
static bool was_passed_over(struct sockets *s, const struct entry *e)
{
	struct obs_socket shown;
	struct err ignored;

	return e->last.peer.port && !is_silent(&e->last) &&
	       sockdiag_find(s->hosts[e->host].diag_fd, &e->last.local, &e->last.peer, ETH0_IFINDEX,
			     &shown, &ignored) > 0 &&
	       shown.cookie == e->last.cookie;
}

static void sweep(struct sockets *s, int host, nsec_t now)
{
	for (struct entry *e = s->per_host[host].entries, *next; e; e = next) {
		next = e->next_in_host;
		if (e->dump == s->per_host[host].dump || was_passed_over(s, e))
			continue;
		struct observation *o = record(s, EV_GONE, host, e->app, now);

		o->socket = without_timer(e->last);
		o->socket.since = last_in_state(s, e);
		remove_entry(s, e);
	}
}

void sockets_same_until(struct sockets *s, int host, nsec_t t)
{
	s->per_host[host].same_until = t;
}

struct sockets_silent sockets_silent(const struct sockets *s, int host)
{
	return s->per_host[host].silent;
}

void sockets_mark_polled(struct sockets *s, int host)
{
	record(s, EV_POLLED, host, -1, nsec_monotonic())->socket.since = NSEC_UNSET;
}

int sockets_poll(struct sockets *s, int host, struct err *err)
{
	struct host_sockets *h = &s->per_host[host];
	/*
	 * Taken before the dump: what the dump shows was so at this time or later, and a socket
	 * missing from it went after the dump before and before this one ended.
	 */
	struct poll_context c = {s, host, nsec_monotonic()};

	h->dump++;
	h->searched = false;
	h->unowned = 0;
	/* What was destroyed before the dump must not look as if it had vanished in it. */
	sockets_read_notes(s, host);
	h->silent = (struct sockets_silent){.end = NSEC_NEVER};
	if (sockdiag_dump(s->hosts[host].diag_fd, see, &c, err) < 0)
		return err_wrap(err, "host %s", s->plan->hosts.v[host].name);
	sockets_read_notes(s, host);
	sweep(s, host, nsec_monotonic());
	h->same_until = NSEC_UNSET;
	if (!h->polled)
		sockets_mark_polled(s, host);
	h->polled = true;
	return 0;
}

static bool is_known(const struct host_sockets *h, const struct suspect *one)
{
	/* The ports first: nearly always they tell, and there may be thousands of entries. */
	for (const struct entry *e = h->entries; e; e = e->next_in_host)
		if (e->last.local.port == one->local.port && e->last.peer.port == one->peer.port &&
		    endpoint_same_addr(&e->last.local, &one->local) &&
		    endpoint_same_addr(&e->last.peer, &one->peer))
			return true;
	return false;
}

/* What one answer leaves to be done. */
enum found { FOUND_FAILED = -1, FOUND_DOUBT, FOUND_ALL };

static enum found look_at(struct poll_context *c, struct suspect *one, struct err *err)
{
	const struct host_sockets *h = &c->s->per_host[c->host];
	struct obs_socket shown;
	int rc = sockdiag_find(c->s->hosts[c->host].diag_fd, &one->local, &one->peer, ETH0_IFINDEX,
			       &shown, err);

	if (rc < 0)
		return FOUND_FAILED;
	if (rc > 0) {
		see(&shown, c);
		return FOUND_ALL;
	}
	one->looks = 0;
	sockets_read_notes(c->s, c->host);
	return one->lives || is_known(h, one) ? FOUND_DOUBT : FOUND_ALL;
}

static enum found look_at_unowned(struct poll_context *c, struct err *err)
{
	struct host_sockets *h = &c->s->per_host[c->host];
	enum found found = FOUND_ALL;
	struct entry *next;

	/* A doubt, of which one that is gone is the usual one, takes the entry's neighbour along. */
	for (struct entry *e = h->entries; e && found == FOUND_ALL; e = next) {
		next = e->next_in_host;
		if (e->seen == c->now || !is_unowned(e))
			continue;
		struct suspect one = {.local = e->last.local, .peer = e->last.peer, .lives = true};
		found = look_at(c, &one, err);
	}
	return found;
}

int sockets_look(struct sockets *s, int host, struct suspects *suspects, struct err *err)
{
	struct host_sockets *h = &s->per_host[host];
	struct poll_context c = {s, host, nsec_monotonic()};
	size_t unowned = h->unowned;
	enum found found = FOUND_ALL;

	if (suspects_want_dump(suspects) ||
	    (suspects->n + unowned) * FIND_COSTS > DUMP_COSTS + h->n_entries)
		return sockets_poll(s, host, err);
	h->searched = false;
	h->unowned = 0;
	sockets_read_notes(s, host);
	for (size_t i = 0; i < suspects->n && found == FOUND_ALL; i++)
		found = look_at(&c, &suspects->list[i], err);
	if (found == FOUND_ALL && unowned)
		found = look_at_unowned(&c, err);
	if (found == FOUND_FAILED)
		return err_wrap(err, "host %s", s->plan->hosts.v[host].name);
	if (found == FOUND_DOUBT)
		return sockets_poll(s, host, err);
	h->same_until = NSEC_UNSET;
	return 0;
}

void sockets_hear_destroyed(struct sockets *s, sockets_destroyed_fn fn, void *arg)
{
	s->on_destroyed = fn;
	s->on_destroyed_arg = arg;
}

static void destroyed(struct sockets *s, int host, const struct obs_socket *note)
{
	struct entry *e = find(s, host, note->cookie);
	struct observation *o = record(s, EV_DESTROYED, host, e ? e->app : -1, nsec_monotonic());

	/* The kernel has cleared ports and inode by now; the last dump knows them. */
	o->socket = without_timer(e ? e->last : *note);
	if (!e) {
		o->socket.state = 0;
		return;
	}
	if (s->on_destroyed)
		s->on_destroyed(host, &e->last, s->on_destroyed_arg);
	remove_entry(s, e);
}

void sockets_read_notes(struct sockets *s, int host)
{
	for (;;) {
		struct obs_socket note;

		switch (sockdiag_read_note(s->hosts[host].notify_fd, &note)) {
		case SOCKDIAG_NOTE_NONE:
			return;
		case SOCKDIAG_NOTE_DESTROYED:
			destroyed(s, host, &note);
			break;
		case SOCKDIAG_NOTE_LOST: {
			struct observation *o =
				record(s, EV_NOTIFY_LOST, host, -1, nsec_monotonic());

			o->source = OBS_LAG;
			o->lag = (struct obs_lag){.stage = LAG_INIT};
			break;
		}
		}
	}
}

bool sockets_is_listening(const struct sockets *s, int app, int port)
{
	int host = (int)s->plan->apps.v[app].host;

	for (const struct entry *e = s->per_host[host].entries; e; e = e->next_in_host)
		if (e->app == app && e->last.state == STATE_LISTEN && e->last.local.port == port)
			return true;
	return false;
}

static bool is_address_of(const struct endpoint *e, const struct plan_host *host)
{
	uint8_t addr[16] = {0};

	return inet_pton(e->family, e->family == AF_INET ? host->ip4 : host->ip6, addr) == 1 &&
	       !memcmp(addr, e->addr, sizeof(addr));
}

bool sockets_is_connected(const struct sockets *s, int app, int peer_host, int port)
{
	int host = (int)s->plan->apps.v[app].host;

	for (const struct entry *e = s->per_host[host].entries; e; e = e->next_in_host)
		if (e->app == app && e->last.state == STATE_ESTABLISHED &&
		    e->last.peer.port == port &&
		    is_address_of(&e->last.peer, &s->plan->hosts.v[peer_host]))
			return true;
	return false;
}
