/* SPDX-License-Identifier: MIT */
#include "faults/wire/flow.h"

#include <stdlib.h>
#include <string.h>

/*
 * Theory of operation
 *
 * A flow is one TCP connection, or what was seen of it. Its two ends are kept apart, and each end
 * knows two things that the faults between them pull apart:
 *
 *   what it sent      isn, snd_nxt, the FIN: updated when a segment leaves its host. This names the
 *                     segment (first data, retransmission, ...), whatever becomes of it.
 *   what reached it   rcv_nxt: updated when a segment arrives. A segment that a fault dropped was
 *                     sent but never arrived, and a forged reset must not count it. Segments that
 *                     arrive over a gap wait in early[] until the gap is filled. Should there be
 *                     more gaps than places, some are forgotten; the end's own acknowledgments,
 *                     which are always believed when they are later, heal that.
 *
 * A connection whose handshake was not seen is joined where it is: the first segment in each
 * direction sets the numbers. It counts as established.
 *
 * A flow is closed when both ends were reset, or when each has acknowledged the other's FIN. Closed
 * flows stay, so that late retransmissions are still known for what they are, until their place is
 * needed. A SYN with another initial sequence number on a known pair of endpoints is a new
 * connection in the same place; the same number again is a retransmission.
 *
 * Places are found by a hash that is the same for both directions, with chains. Live and closed
 * flows are in two lists, oldest first: by their last packet, and by the time they were closed.
 */

#define NONE (-1)

/* Buckets for each place: short chains. */
#define BUCKETS_PER_FLOW 2

struct flow_list {
	int32_t oldest, youngest;
};

struct flows {
	int32_t capacity;
	int32_t used; /* places that were ever taken */
	uint32_t n_buckets;
	int32_t *buckets;
	struct flow_list live, closed;
	struct flow *v;
};

static void list_remove(struct flows *t, struct flow_list *list, struct flow *f)
{
	if (f->older == NONE)
		list->oldest = f->younger;
	else
		t->v[f->older].younger = f->younger;
	if (f->younger == NONE)
		list->youngest = f->older;
	else
		t->v[f->younger].older = f->older;
}

static void list_append(struct flows *t, struct flow_list *list, struct flow *f)
{
	int32_t i = (int32_t)(f - t->v);

	f->older = list->youngest;
	f->younger = NONE;
	if (list->youngest == NONE)
		list->oldest = i;
	else
		t->v[list->youngest].younger = i;
	list->youngest = i;
}

struct flows *flows_new(int32_t capacity)
{
	struct flows *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->capacity = capacity;
	t->n_buckets = (uint32_t)capacity * BUCKETS_PER_FLOW;
	t->live = t->closed = (struct flow_list){NONE, NONE};
	t->v = calloc((size_t)capacity, sizeof(*t->v));
	t->buckets = malloc(t->n_buckets * sizeof(*t->buckets));
	if (!t->v || !t->buckets) {
		flows_free(t);
		return NULL;
	}
	memset(t->buckets, NONE, t->n_buckets * sizeof(*t->buckets));
	return t;
}

void flows_free(struct flows *t)
{
	if (!t)
		return;
	free(t->buckets);
	free(t->v);
	free(t);
}

/* Odd 64-bit multipliers (the golden ratio, and splitmix64's) that spread the bits of an address. */
#define HASH_MUL_1 0x9e3779b97f4a7c15ULL
#define HASH_MUL_2 0xbf58476d1ce4e5b9ULL

static uint64_t endpoint_hash(const struct endpoint *e)
{
	uint64_t low, high;

	memcpy(&low, e->addr, sizeof(low));
	memcpy(&high, e->addr + sizeof(low), sizeof(high));
	uint64_t h = (low ^ e->port) * HASH_MUL_1;
	h = (h ^ (h >> 32) ^ high) * HASH_MUL_2;
	return h ^ (h >> 29);
}

/* The same for both directions. */
static uint32_t packet_hash(const struct packet *p)
{
	uint64_t h = endpoint_hash(&p->src) + endpoint_hash(&p->dst);

	return (uint32_t)(h >> 32 ^ h);
}

static bool same_endpoint(const struct endpoint *a, const struct endpoint *b)
{
	return a->port == b->port && a->family == b->family &&
	       !memcmp(a->addr, b->addr, sizeof(a->addr));
}

/* Which end of the flow sent the packet; NONE: it is not of this flow. */
static int sender_of(const struct flow *f, const struct packet *p)
{
	for (int e = 0; e < 2; e++)
		if (same_endpoint(&f->end[e].at, &p->src) && same_endpoint(&f->end[!e].at, &p->dst))
			return e;
	return NONE;
}

static struct flow *find(struct flows *t, const struct packet *p, uint32_t hash, int *ret_sender)
{
	for (int32_t i = t->buckets[hash % t->n_buckets]; i != NONE; i = t->v[i].hash_next) {
		if (t->v[i].hash != hash)
			continue;
		*ret_sender = sender_of(&t->v[i], p);
		if (*ret_sender != NONE)
			return &t->v[i];
	}
	return NULL;
}

static void unhash(struct flows *t, const struct flow *f)
{
	int32_t *link = &t->buckets[f->hash % t->n_buckets];

	while (&t->v[*link] != f)
		link = &t->v[*link].hash_next;
	*link = f->hash_next;
}

static struct flow *take_place(struct flows *t)
{
	if (t->used < t->capacity)
		return &t->v[t->used++];

	struct flow_list *list = t->closed.oldest != NONE ? &t->closed : &t->live;
	struct flow *f = &t->v[list->oldest];
	list_remove(t, list, f);
	unhash(t, f);
	return f;
}

/* Empties the ends; the sender of p is end 0. */
static void begin(struct flow *f, const struct packet *p)
{
	f->end[0] = (struct flow_end){.at = p->src, .host = NONE, .window_scale = -1};
	f->end[1] = (struct flow_end){.at = p->dst, .host = NONE, .window_scale = -1};
	memcpy(f->end[0].mac, p->src_mac, MAC_BYTES);
	memcpy(f->end[1].mac, p->dst_mac, MAC_BYTES);
	f->opener = p->kind == KIND_SYN ? 0 : p->kind == KIND_SYN_ACK ? 1 : NONE;
	f->established = p->kind == KIND_DATA || p->kind == KIND_ACK || p->kind == KIND_FIN;
	f->closed = false;
}

static struct flow *add(struct flows *t, const struct packet *p, uint32_t hash)
{
	struct flow *f = take_place(t);
	int32_t *bucket = &t->buckets[hash % t->n_buckets];

	begin(f, p);
	f->hash = hash;
	f->hash_next = *bucket;
	*bucket = (int32_t)(f - t->v);
	list_append(t, &t->live, f);
	return f;
}

/* A SYN that opens another connection between the endpoints of a known one. */
static bool opens_anew(const struct flow *f, int sender, const struct packet *p)
{
	const struct flow_end *me = &f->end[sender], *peer = &f->end[!sender];

	if (p->kind != KIND_SYN)
		return false;
	if (me->syn_sent)
		return me->isn != p->seq;
	/* Not this end's first sight of the flow: unless both open at once, the old one is over. */
	return me->sent || !(peer->syn_sent && !f->established) || f->closed;
}

static void close_if_over(struct flows *t, struct flow *f)
{
	const struct flow_end *a = &f->end[0], *b = &f->end[1];
	bool finished = a->fin_sent && b->fin_sent && a->received && b->received &&
			!seq_before(a->rcv_nxt, b->fin_end) && !seq_before(b->rcv_nxt, a->fin_end);

	if (f->closed || !(finished || (a->reset && b->reset)))
		return;
	list_remove(t, &t->live, f);
	f->closed = true;
	list_append(t, &t->closed, f);
}

static void reopen(struct flows *t, struct flow *f, const struct packet *p)
{
	list_remove(t, f->closed ? &t->closed : &t->live, f);
	begin(f, p);
	list_append(t, &t->live, f);
}

/* Takes in whatever of the early ranges is no longer early. */
static void absorb_early(struct flow_end *e)
{
	for (int i = 0; i < e->n_early;) {
		struct seq_range r = e->early[i];

		if (seq_before(e->rcv_nxt, r.begin)) {
			i++;
			continue;
		}
		if (seq_before(e->rcv_nxt, r.end))
			e->rcv_nxt = r.end;
		e->early[i] = e->early[--e->n_early];
		i = 0; /* a range that was passed over may touch now */
	}
}

static void receive_range(struct flow_end *e, uint32_t begin_seq, uint32_t end_seq)
{
	if (!e->received) {
		e->rcv_nxt = end_seq;
		e->received = true;
		return;
	}
	if (!seq_before(e->rcv_nxt, end_seq))
		return;
	if (seq_before(e->rcv_nxt, begin_seq)) {
		if (e->n_early < MAX_EARLY_RANGES)
			e->early[e->n_early++] = (struct seq_range){begin_seq, end_seq};
		return;
	}
	e->rcv_nxt = end_seq;
	absorb_early(e);
}

static void learn_ack(struct flow_end *me, const struct packet *p)
{
	if (!(p->flags & TCP_FLAG_ACK) || (p->flags & TCP_FLAG_RST))
		return;
	if (!me->received || seq_before(me->rcv_nxt, p->ack)) {
		me->rcv_nxt = p->ack;
		me->received = true;
		absorb_early(me);
	}
}

static enum obs_event classify(struct flow *f, int sender, const struct packet *p, bool sent_before)
{
	const struct flow_end *me = &f->end[sender], *peer = &f->end[!sender];
	bool acks = p->flags & TCP_FLAG_ACK;

	if (p->flags & TCP_FLAG_RST)
		return EV_RST;
	if (p->flags & TCP_FLAG_FIN)
		return EV_FIN;
	if (p->flags & TCP_FLAG_SYN)
		return acks ? EV_SYN_ACK : EV_SYN;
	if (!f->established && sender == f->opener && acks && peer->syn_sent &&
	    seq_before(peer->isn, p->ack))
		return EV_ESTABLISHED;
	if (p->payload_len && !me->data_sent)
		return EV_DATA;
	if (acks && !me->acked_data && peer->data_sent && seq_before(peer->first_data, p->ack))
		return EV_ACKED;
	if (p->payload_len && sent_before)
		return EV_RETRANSMIT;
	if (!p->window && !me->window_closed)
		return EV_ZERO_WINDOW;
	return EV_N_EVENTS;
}

/* Whether any of the sequence space of the segment was sent before. */
static bool was_sent_before(const struct flow_end *me, const struct packet *p)
{
	if (p->flags & TCP_FLAG_RST || !packet_seq_len(p))
		return false;
	if (p->flags & TCP_FLAG_SYN)
		return me->syn_sent && me->isn == p->seq;
	return me->sent && seq_before(p->seq, me->snd_nxt);
}

static void remember_sent(struct flow *f, int sender, const struct packet *p)
{
	struct flow_end *me = &f->end[sender];
	const struct flow_end *peer = &f->end[!sender];
	uint32_t end_seq = p->seq + packet_seq_len(p);

	if (p->flags & TCP_FLAG_RST) {
		me->reset = true;
		return;
	}
	if (p->flags & TCP_FLAG_SYN) {
		me->syn_sent = true;
		me->reset = false;
		me->isn = p->seq;
		me->window_scale = p->window_scale;
	} else if (f->opener == sender && peer->syn_sent && p->flags & TCP_FLAG_ACK) {
		f->established = true;
	}
	if (p->payload_len && !me->data_sent) {
		me->data_sent = true;
		me->first_data = p->seq;
	}
	if (p->flags & TCP_FLAG_FIN) {
		me->fin_sent = true;
		me->fin_end = end_seq;
	}
	if (!me->sent || seq_before(me->snd_nxt, end_seq))
		me->snd_nxt = end_seq;
	me->sent = true;
	if (p->flags & TCP_FLAG_ACK && peer->data_sent && seq_before(peer->first_data, p->ack))
		me->acked_data = true;
	me->window = p->window;
	me->window_closed = !p->window;
	learn_ack(me, p);
}

/*
 * A keepalive probe carries SND.NXT - 1, which its peer must answer, and at most one byte. Linux's
 * carry none; a last byte that is sent again looks like one that does, until all is acknowledged. A
 * probe of a closed window, which Linux sends in the same way, is taken for one too.
 */
static bool is_keepalive(const struct flow_end *me, const struct packet *p)
{
	if (p->flags & (TCP_FLAG_SYN | TCP_FLAG_FIN | TCP_FLAG_RST) || p->payload_len > 1 ||
	    !me->sent || p->seq + 1 != me->snd_nxt)
		return false;
	return !p->payload_len || (me->ack_seen && me->snd_una == me->snd_nxt);
}

struct flow_event flows_sent(struct flows *t, const struct packet *p, int host)
{
	uint32_t hash = packet_hash(p);
	int sender = 0;
	struct flow *f = find(t, p, hash, &sender);

	if (!f) {
		f = add(t, p, hash);
	} else if (opens_anew(f, sender, p)) {
		reopen(t, f, p);
		sender = 0;
	} else if (!f->closed) {
		list_remove(t, &t->live, f);
		list_append(t, &t->live, f);
	}
	memcpy(f->end[sender].mac, p->src_mac, MAC_BYTES);
	f->end[sender].host = host;

	bool keepalive = is_keepalive(&f->end[sender], p);
	bool sent_before = !keepalive && was_sent_before(&f->end[sender], p);
	struct flow_event ret = {classify(f, sender, p, sent_before), sent_before, keepalive};
	remember_sent(f, sender, p);
	close_if_over(t, f);
	return ret;
}

struct flow *flows_find(struct flows *t, const struct packet *p, int *ret_sender)
{
	return find(t, p, packet_hash(p), ret_sender);
}

/* What this end learns of what it sent. */
static void hear_ack(struct flow_end *me, const struct packet *p)
{
	if (!(p->flags & TCP_FLAG_ACK) || (p->flags & TCP_FLAG_RST))
		return;
	if (!me->ack_seen || seq_before(me->snd_una, p->ack))
		me->snd_una = p->ack;
	me->ack_seen = true;
}

void flows_arrived(struct flows *t, const struct packet *p, int host)
{
	int sender;
	struct flow *f = find(t, p, packet_hash(p), &sender);

	if (!f)
		return;
	struct flow_end *me = &f->end[!sender];
	if (me->host == NONE)
		me->host = host;
	hear_ack(me, p);

	if (p->flags & TCP_FLAG_RST) {
		/* One from before what it waits for is not obeyed. */
		if (!me->received || !seq_before(p->seq, me->rcv_nxt))
			me->reset = true;
	} else if (p->flags & TCP_FLAG_SYN) {
		/* Data of a SYN may be refused (RFC 7413): its acknowledgment will tell. */
		receive_range(me, p->seq, p->seq + 1);
	} else if (packet_seq_len(p) || !me->received) {
		receive_range(me, p->seq, p->seq + packet_seq_len(p));
	}
	close_if_over(t, f);
}

struct flow *flows_next_live(struct flows *t, const struct flow *previous)
{
	for (int32_t i = previous ? (int32_t)(previous - t->v) + 1 : 0; i < t->used; i++)
		if (t->v[i].established && !t->v[i].closed)
			return &t->v[i];
	return NULL;
}

bool flow_reset_numbers(const struct flow *f, int victim, uint32_t *ret_seq, uint32_t *ret_ack)
{
	const struct flow_end *v = &f->end[victim], *peer = &f->end[!victim];

	if (v->reset || !v->received)
		return false;
	*ret_seq = v->rcv_nxt;
	*ret_ack = peer->received ? peer->rcv_nxt : v->snd_nxt;
	return true;
}
