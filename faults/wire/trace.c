/* SPDX-License-Identifier: MIT */
#include "faults/wire/trace.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Kept for the next packet in its place: a fault that is on comments on each. */
struct text {
	char *v; /* NUL-terminated unless n is 0 */
	size_t n, capacity;
};

struct passage {
	nsec_t due;         /* when its last held copy is to arrive */
	nsec_t entered;     /* when it left its sender */
	uint32_t undecided; /* copies whose fate is open */
	int16_t host;
	bool observed; /* `o` is to be recorded */
	uint32_t len, original_len;
	struct text comment;
	struct observation o; /* .packet.arrived and .fault are kept for each packet */
	uint8_t bytes[CAPTURE_SNAPLEN];
};

#define TRACE_FIRST_CAPACITY 1024

/*
 * So many packets may wait for the fate of the oldest (about 200 MB): five seconds of a full cable.
 * Beyond that the oldest is written as if it will arrive when it is due.
 */
#define TRACE_MAX_PENDING ((size_t)1 << 19)

/* A packet that is flooded through many faults is not worth a longer comment. */
#define TRACE_COMMENT_MAX 512
/* One fault's note of a packet. */
#define TEXT_FIRST_CAPACITY 128

static struct passage *passage_of(struct trace *t, uint64_t id)
{
	return id < t->first ? NULL : &t->v[id & (t->capacity - 1)];
}

static void write_first(struct trace *t)
{
	struct passage *p = passage_of(t, t->first);

	t->sinks.capture(t->sinks.ctx, &(struct capture){
					       .t = p->entered,
					       .host = p->host,
					       .bytes = p->bytes,
					       .len = p->len,
					       .original_len = p->original_len,
					       .comment = p->comment.n ? p->comment.v : NULL,
				       });
	if (p->observed)
		t->sinks.record(t->sinks.ctx, &p->o);
	t->first++;
}

static void write_first_undecided(struct trace *t)
{
	struct passage *p = passage_of(t, t->first);

	trace_note(t, t->first, "its fate was still open when this was written");
	if (p->o.packet.arrived == NSEC_NEVER)
		p->o.packet.arrived = p->due;
	write_first(t);
}

static void grow(struct trace *t)
{
	size_t capacity = t->capacity ? t->capacity * 2 : TRACE_FIRST_CAPACITY;
	struct passage *v = malloc(capacity * sizeof(*v));

	if (!v)
		abort();
	/* All places are taken when it grows; the other half of the new ones is empty. */
	for (uint64_t id = t->first; id < t->first + t->capacity; id++)
		v[id & (capacity - 1)] = *passage_of(t, id);
	for (uint64_t id = t->first + t->capacity; id < t->first + capacity; id++)
		v[id & (capacity - 1)].comment = (struct text){0};
	free(t->v);
	t->v = v;
	t->capacity = capacity;
}

static void make_room(struct trace *t)
{
	if (t->next - t->first < t->capacity)
		return;
	if (t->capacity < TRACE_MAX_PENDING)
		grow(t);
	else
		write_first_undecided(t);
}

uint64_t trace_enter(struct trace *t, int host, nsec_t now, const uint8_t *bytes, size_t len,
		     size_t original_len)
{
	make_room(t);

	struct passage *p = &t->v[t->next & (t->capacity - 1)];
	p->due = NSEC_NEVER;
	p->entered = now;
	p->undecided = 1;
	p->host = (int16_t)host;
	p->observed = false;
	p->len = (uint32_t)(len < CAPTURE_SNAPLEN ? len : CAPTURE_SNAPLEN);
	p->original_len = (uint32_t)original_len;
	p->comment.n = 0;
	p->o.packet.arrived = NSEC_NEVER;
	p->o.packet.fault = -1;
	memcpy(p->bytes, bytes, p->len);
	return t->next++;
}

void trace_observe(struct trace *t, uint64_t id, struct flow_event event, const struct packet *p)
{
	struct passage *passage = passage_of(t, id);

	if (!passage)
		return;
	passage->observed = true;
	const struct obs_packet so_far = passage->o.packet;

	passage->o = packet_observed(p, event.event, passage->host, passage->entered);
	passage->o.packet.retransmit = event.retransmit;
	passage->o.packet.fault = so_far.fault;
	passage->o.packet.arrived = so_far.arrived;
}

void trace_forged(struct trace *t, uint64_t id, int step)
{
	struct passage *p = passage_of(t, id);

	if (p)
		p->o.packet.fault = (int16_t)step;
}

void trace_hold(struct trace *t, uint64_t id, nsec_t due)
{
	struct passage *p = passage_of(t, id);

	if (!p)
		return;
	p->undecided++;
	p->due = due;
}

void trace_arrived(struct trace *t, uint64_t id, nsec_t now)
{
	struct passage *p = passage_of(t, id);

	if (!p || p->o.packet.arrived != NSEC_NEVER)
		return;
	p->o.packet.arrived = now;
	if (!p->observed || p->o.event != EV_FORGED)
		p->o.packet.fault = -1; /* of a flooded packet another copy was dropped */
}

void trace_dropped(struct trace *t, uint64_t id, int step)
{
	struct passage *p = passage_of(t, id);

	if (p && p->o.packet.arrived == NSEC_NEVER)
		p->o.packet.fault = (int16_t)step;
}

static void append(struct text *text, const char *s, size_t n)
{
	if (text->n + n + 1 > text->capacity) {
		size_t capacity = text->capacity ? text->capacity : TEXT_FIRST_CAPACITY;

		while (capacity < text->n + n + 1)
			capacity *= 2;
		char *v = realloc(text->v, capacity);
		if (!v)
			abort();
		text->v = v;
		text->capacity = capacity;
	}
	memcpy(text->v + text->n, s, n);
	text->n += n;
	text->v[text->n] = '\0';
}

/* Where to add one more note, begun; NULL: the packet is written already, or has enough of them. */
static struct text *begin_note(struct trace *t, uint64_t id)
{
	struct passage *p = passage_of(t, id);

	if (!p || p->comment.n >= TRACE_COMMENT_MAX)
		return NULL;
	if (p->comment.n)
		append(&p->comment, "; ", 2);
	return &p->comment;
}

void trace_note(struct trace *t, uint64_t id, const char *fmt, ...)
{
	struct text *comment = begin_note(t, id);
	char text[TRACE_COMMENT_MAX];
	va_list ap;

	if (!comment)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	append(comment, text, strlen(text));
}

void trace_note_by(struct trace *t, uint64_t id, const char *what, const char *by)
{
	struct text *comment = begin_note(t, id);

	if (!comment)
		return;
	append(comment, what, strlen(what));
	append(comment, by, strnlen(by, TRACE_COMMENT_MAX));
}

/* "delayed 12.345 ms", by hand: this is done for each packet of a fault that is on for long. */
static const char *delayed_text(char *end, nsec_t delay)
{
	static const char head[] = "delayed ", tail[] = " ms";
	uint64_t usec = (uint64_t)((delay + NSEC_PER_USEC / 2) / NSEC_PER_USEC);
	int digits = 0;

	end -= sizeof(tail);
	memcpy(end, tail, sizeof(tail));
	for (; usec || digits <= 3; usec /= 10, digits++) {
		if (digits == 3)
			*--end = '.';
		*--end = (char)('0' + usec % 10);
	}
	end -= sizeof(head) - 1;
	memcpy(end, head, sizeof(head) - 1);
	return end;
}

void trace_note_delayed(struct trace *t, uint64_t id, nsec_t delay, const char *by)
{
	char what[64];

	trace_note_by(t, id, delayed_text(what + sizeof(what), delay), by);
}

void trace_done(struct trace *t, uint64_t id)
{
	struct passage *p = passage_of(t, id);

	if (p)
		p->undecided--;
	while (t->first < t->next && !passage_of(t, t->first)->undecided)
		write_first(t);
}

void trace_free(struct trace *t)
{
	for (size_t i = 0; i < t->capacity; i++)
		free(t->v[i].comment.v);
	free(t->v);
	t->v = NULL;
	t->capacity = 0;
}
