/* SPDX-License-Identifier: MIT */
#include "harness/judge/model_build.h"

#include <string.h>

/*
 * Connections, from the packets on the cables.
 *
 * A connection begins with a SYN whose 4-tuple and initial sequence number were not seen together
 * before; the same number again is the kernel's retransmission. A 4-tuple may be used again and
 * again: the table holds its latest connection, and each connection knows the one before it. Every
 * other packet belongs to the latest connection of its 4-tuple; where there is none, the connection
 * is older than the observations, and nothing can be said of it.
 *
 * A record bears the name of the first event that fits its packet, so a packet that completes the
 * handshake may carry data or a FIN as well, and one with data may be the first acknowledgement:
 * what a packet means is read from its flags, length and numbers, not from its event alone.
 */

/* The same key whichever way the packet goes. */
static struct lookup_key tuple_key(const struct endpoint *x, const struct endpoint *y)
{
	struct lookup_key forth = {0}, back = {0};

	key_add_endpoint(&forth, x);
	key_add_endpoint(&forth, y);
	key_add_endpoint(&back, y);
	key_add_endpoint(&back, x);
	return memcmp(forth.bytes, back.bytes, forth.len) <= 0 ? forth : back;
}

int builder_connection(const struct model_builder *b, const struct endpoint *x,
		       const struct endpoint *y, nsec_t t)
{
	struct lookup_key key = tuple_key(x, y);
	int i = lookup_get(&b->connection_by_tuple, &key);

	while (i >= 0 && b->m->connections.v[i].first_syn > t)
		i = b->m->connections.v[i].previous;
	return i;
}

static int find_service(struct model_builder *b, const struct endpoint *at)
{
	struct model *m = b->m;
	struct lookup_key key = {0};
	char text[ENDPOINT_TEXT];
	int host = builder_host(b, at);

	key_add_int(&key, host);
	key_add_int(&key, at->port);
	if (host < 0)
		key_add_addr(&key, at);
	int *slot = lookup_at(&b->service_by_end, &key);
	if (*slot < 0) {
		*slot = (int)m->services.n;
		struct model_service *s = vec_push(m->arena, &m->services);
		s->host = host;
		s->port = at->port;
		s->name = host < 0 ? arena_strdup(m->arena, endpoint_text(at, text))
				   : arena_printf(m->arena, "%s:%u", m->plan->hosts.v[host].name,
						  (unsigned)at->port);
	}
	return *slot;
}

static struct model_end new_end(const struct model_builder *b, const struct endpoint *at)
{
	return (struct model_end){
		.at = *at,
		.host = builder_host(b, at),
		.app = -1,
		.socket = -1,
		.fin = NSEC_NEVER,
		.rst = NSEC_NEVER,
		.data = NSEC_NEVER,
		.acked = NSEC_NEVER,
		.forged = NSEC_NEVER,
		.reset = NSEC_NEVER,
	};
}

/* True if the packet is the SYN that opened this connection, sent again or held up on its way. */
static bool is_its_syn(const struct model_connection *c, const struct obs_packet *p)
{
	return c->isn == p->seq && endpoint_equal(&c->end[OPENER].at, &p->src);
}

static void begin_connection(struct model_builder *b, const struct observation *o)
{
	const struct obs_packet *p = &o->packet;
	struct model *m = b->m;
	struct lookup_key key = tuple_key(&p->src, &p->dst);
	int *latest = lookup_at(&b->connection_by_tuple, &key);
	int before = *latest;

	for (int i = before, age = 0; i >= 0 && age < 2; i = m->connections.v[i].previous, age++)
		if (is_its_syn(&m->connections.v[i], p))
			return;
	*latest = (int)m->connections.n;
	struct model_connection *c = vec_push(m->arena, &m->connections);
	c->end[OPENER] = new_end(b, &p->src);
	c->end[ACCEPTOR] = new_end(b, &p->dst);
	c->end[OPENER].app = o->app;
	c->isn = p->seq;
	c->service = find_service(b, &p->dst);
	c->previous = before;
	c->first_syn = o->t;
	c->established = NSEC_NEVER;
	c->refused = NSEC_NEVER;
	/* TCP Fast Open (RFC 7413); the SYN has a number of its own. */
	if (p->len) {
		c->end[OPENER].data = o->t;
		c->end[OPENER].data_seq = p->seq + 1;
	}
}

/* When the packet reached its receiver; where the engine did not follow it, when it was sent. */
static nsec_t arrival(const struct observation *o)
{
	return o->packet.arrived == NSEC_UNSET ? o->t : o->packet.arrived;
}

/* A sequence number at or after another, modulo 2^32 (RFC 9293, 3.4). */
static bool seq_at_or_after(uint32_t x, uint32_t y)
{
	return (int32_t)(x - y) >= 0;
}

static void note_data(struct model_end *from, struct model_end *to, const struct observation *o)
{
	const struct obs_packet *p = &o->packet;

	if (p->len && from->data == NSEC_NEVER) {
		from->data = o->t;
		from->data_seq = p->seq;
	}
	if (to->data == NSEC_NEVER || to->acked != NSEC_NEVER || arrival(o) == NSEC_NEVER)
		return;
	bool covers = (p->flags & TCP_FLAG_ACK) && seq_at_or_after(p->ack, to->data_seq + 1);
	if (covers || o->event == EV_ACKED)
		to->acked = o->t;
}

/*
 * A SYN that meets its 4-tuple in TIME_WAIT may bring an acknowledgement of what was before. The opener
 * answers that by a reset with the number that was acknowledged, and its attempt goes on (RFC 9293,
 * section 3.10.7.3).
 */
static bool answers_an_old_ack(const struct model_connection *c, int from,
			       const struct obs_packet *p)
{
	return from == OPENER && c->established == NSEC_NEVER && p->seq != c->isn + 1;
}

static void note_reset(struct model_connection *c, int from, const struct observation *o)
{
	if (answers_an_old_ack(c, from, &o->packet))
		return;
	c->end[from].rst = nsec_earlier(c->end[from].rst, o->t);
	c->end[!from].reset = nsec_earlier(c->end[!from].reset, arrival(o));
	if (from == ACCEPTOR && c->established == NSEC_NEVER)
		c->refused = nsec_earlier(c->refused, arrival(o));
}

static void note_packet(struct model_connection *c, int from, const struct observation *o)
{
	struct model_end *sender = &c->end[from];
	bool fin = o->event == EV_FIN || (o->packet.flags & TCP_FLAG_FIN);

	/* In SYN_SENT the opener sends neither data nor a FIN: with these the handshake is over. */
	if (from == OPENER && c->established == NSEC_NEVER &&
	    (o->event == EV_ESTABLISHED || fin || o->packet.len))
		c->established = o->t;
	if (fin)
		sender->fin = nsec_earlier(sender->fin, o->t);
	note_data(sender, &c->end[!from], o);
}

void builder_add_packet(struct model_builder *b, const struct observation *o)
{
	const struct obs_packet *p = &o->packet;

	if (builder_ignores(b, &p->src, &p->dst))
		return;
	if (o->event == EV_SYN) {
		begin_connection(b, o);
		return;
	}
	int i = builder_connection(b, &p->src, &p->dst, o->t);
	if (i < 0)
		return;
	struct model_connection *c = &b->m->connections.v[i];
	int from = endpoint_equal(&c->end[OPENER].at, &p->src) ? OPENER : ACCEPTOR;
	if (o->event == EV_FORGED) {
		struct model_end *target = &c->end[!from];

		target->forged = nsec_earlier(target->forged, arrival(o));
		if (from == ACCEPTOR && c->established == NSEC_NEVER)
			c->refused = nsec_earlier(c->refused, arrival(o));
		return;
	}
	if (o->app >= 0 && c->end[from].app < 0)
		c->end[from].app = o->app;
	if (o->event == EV_RST)
		note_reset(c, from, o);
	else if (o->event == EV_SYN_ACK)
		note_data(&c->end[from], &c->end[!from], o);
	else
		note_packet(c, from, o);
}
