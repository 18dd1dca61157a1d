/* SPDX-License-Identifier: MIT */
#include "harness/judge/model_build.h"

#include <string.h>

#include "harness/judge/tolerance.h"

/*
 * Sockets, from the dumps and the destroy notifications of each host.
 *
 * A socket is known by its host and cookie. Its state is 0 before it is seen and when it is gone.
 * Facts of the kernel that shape this file:
 *  - a destroy notification has inode 0, and port 0 where the port was given back before: only the
 *    cookie says which socket it was. One whose cookie was never seen tells nothing.
 *  - TIME_WAIT (and an orphan's FIN_WAIT_2) is a small socket that takes over the cookie of the one
 *    that the app had: the notification means the app's, and the small one may be seen before or
 *    after it. It ends at the poll that no longer finds it. So the app's socket ends once, and
 *    the state may live on.
 *  - a reset unhashes a socket at once, but the notification comes when the app closes it: then the
 *    poll's "gone" comes first, and counts.
 *  - a socket may be used again: connect(2) to nowhere (AF_UNSPEC) or shutdown(2) of a listener, and then
 *    connect or listen. It keeps its cookie, and is another one here from then on.
 */

static struct lookup_key cookie_key(int host, uint64_t cookie)
{
	struct lookup_key key = {0};

	key_add_int(&key, host);
	key_add_u64(&key, cookie);
	return key;
}

static void change_state(struct model_builder *b, int socket, nsec_t t, uint8_t to)
{
	uint8_t *now = &b->state_now.v[socket];
	struct model_host *h = &b->m->hosts[b->m->sockets.v[socket].host];

	if (*now == to)
		return;
	*vec_push(b->m->arena, &h->changes) =
		(struct model_change){.t = t, .socket = socket, .from = *now, .to = to};
	*now = to;
}

static void stop_timer(struct model_builder *b, int socket, nsec_t t)
{
	struct model_host *h = &b->m->hosts[b->m->sockets.v[socket].host];

	if (b->timer_runs.v[socket])
		*vec_push(b->m->arena, &h->timers) = (struct model_timer){.t = t, .socket = socket};
	b->timer_runs.v[socket] = false;
}

static bool is_used_again(const struct model_socket *s, const struct observation *o)
{
	const struct obs_socket *shown = &o->socket;
	/* What the kernel keeps of a socket that has ended, under its cookie. */
	bool small = shown->state == STATE_TIME_WAIT ||
		     (shown->state == STATE_FIN_WAIT_2 && !shown->inode);

	if (o->event != EV_STATE || small)
		return false;
	return s->end != NSEC_NEVER || !endpoint_equal(&s->local, &shown->local) ||
	       !endpoint_equal(&s->peer, &shown->peer);
}

/* What it was until now has ended; returns the index of what it is now, which is none yet. */
static int end_use(struct model_builder *b, int socket, const struct observation *o)
{
	struct model_socket *s = &b->m->sockets.v[socket];

	if (s->end == NSEC_NEVER) {
		s->end = o->t;
		s->end_since = o->socket.since == NSEC_UNSET ? o->t : o->socket.since;
	}
	change_state(b, socket, o->t, 0);
	stop_timer(b, socket, o->t);
	return -1;
}

static int find_socket(struct model_builder *b, const struct observation *o)
{
	const struct obs_socket *s = &o->socket;
	struct model *m = b->m;
	struct lookup_key key = cookie_key(o->host, s->cookie);
	int known = lookup_get(&b->socket_by_cookie, &key);

	if (known >= 0 && is_used_again(&m->sockets.v[known], o))
		known = end_use(b, known, o);
	if (known >= 0 || builder_ignores(b, &s->local, &s->peer))
		return known;
	if (o->event != EV_STATE && !(s->local.port && s->peer.port))
		return -1;
	int i = (int)m->sockets.n;
	*lookup_at(&b->socket_by_cookie, &key) = i;
	*vec_push(m->arena, &m->sockets) = (struct model_socket){
		.cookie = s->cookie,
		.host = o->host,
		.app = -1,
		.local = s->local,
		.peer = s->peer,
		.peer_host = builder_host(b, &s->peer),
		.seen = o->t,
		.end_since = NSEC_NEVER,
		.end = NSEC_NEVER,
		.closed_since = NSEC_NEVER,
		.closed = NSEC_NEVER,
		.destroyed = NSEC_NEVER,
	};
	*vec_push(m->arena, &b->state_now) = 0;
	*vec_push(m->arena, &b->timer_runs) = false;
	return i;
}

/* The app closed it if it is in a state that only a close leads to, or lost its file. */
static void note_closed(struct model_socket *s, const struct observation *o)
{
	int state = o->socket.state;
	bool closing = state == STATE_FIN_WAIT_1 || state == STATE_FIN_WAIT_2 ||
		       state == STATE_LAST_ACK || state == STATE_CLOSING;
	bool orphan = s->had_inode && !o->socket.inode && state != STATE_TIME_WAIT;

	s->had_inode = s->had_inode || o->socket.inode;
	if (s->closed != NSEC_NEVER || !(closing || orphan))
		return;
	s->closed = o->t;
	s->closed_since = o->socket.since == NSEC_UNSET ? o->t : o->socket.since;
}

static void change_timer(struct model_builder *b, int socket, const struct observation *o)
{
	struct model_host *h = &b->m->hosts[b->m->sockets.v[socket].host];
	const struct obs_socket *s = &o->socket;

	if (o->event != EV_STATE || !s->timer) {
		stop_timer(b, socket, o->t);
		return;
	}
	*vec_push(b->m->arena, &h->timers) = (struct model_timer){.t = o->t,
								  .socket = socket,
								  .kind = s->timer,
								  .retries = s->retries,
								  .expires = o->t + s->left};
	b->timer_runs.v[socket] = true;
}

void builder_add_socket(struct model_builder *b, const struct observation *o)
{
	if (o->host < 0 || (size_t)o->host >= b->m->plan->hosts.n)
		return;
	if (o->event == EV_POLLED) {
		b->m->hosts[o->host].polled = true;
		return;
	}
	int i = find_socket(b, o);
	if (i < 0)
		return;
	struct model_socket *s = &b->m->sockets.v[i];
	if (s->app < 0)
		s->app = o->app;

	if (o->event == EV_STATE) {
		note_closed(s, o);
		change_state(b, i, o->t, o->socket.state);
		change_timer(b, i, o);
		return;
	}
	bool small = b->state_now.v[i] == STATE_TIME_WAIT;
	bool notified = o->event == EV_DESTROYED;
	if (notified)
		s->destroyed = nsec_earlier(s->destroyed, o->t);
	if (s->end == NSEC_NEVER && (notified || !small)) {
		s->end = o->t;
		s->end_since = notified || o->socket.since == NSEC_UNSET ? o->t : o->socket.since;
	}
	if (!notified || !small) {
		change_state(b, i, o->t, 0);
		change_timer(b, i, o);
	}
}
