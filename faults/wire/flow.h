/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_WIRE_FLOW_H
#define WIRECUT_WIRE_FLOW_H

#include "faults/wire/packet.h"

/*
 * The TCP connections that are seen on the cables: a bounded table, fed with each segment twice,
 * when it leaves its sender and when it arrives. Pure: no clock, no kernel. Theory in flow.c.
 */

/* A piece of sequence space [begin, end) that arrived before what comes in front of it. */
struct seq_range {
	uint32_t begin, end;
};

#define MAX_EARLY_RANGES 8

/* One end of a connection: what it sent, and what reached it. */
struct flow_end {
	struct endpoint at;
	uint8_t mac[MAC_BYTES];
	int host; /* plan index of the host it is on; -1: not known yet */

	bool syn_sent;   /* isn is valid */
	bool sent;       /* snd_nxt is valid */
	bool received;   /* rcv_nxt is valid */
	bool data_sent;  /* first_data is valid */
	bool acked_data; /* it has acknowledged data of the other end */
	bool fin_sent;   /* fin_end is valid */
	bool window_closed;
	bool reset; /* it sent a RST, or one reached it: it has no connection any more */

	int8_t window_scale; /* of its SYN; -1: no option, or SYN not seen */
	uint16_t window;     /* the last one it offered, unscaled */
	uint32_t isn;
	uint32_t snd_nxt;    /* after the highest sequence number it sent */
	uint32_t rcv_nxt;    /* the next one it waits for: what arrived without a gap, or what it
				acknowledged if that is later */
	uint32_t first_data; /* sequence number of its first data */
	uint32_t fin_end;    /* after its FIN */
	uint32_t snd_una;    /* what it was told is acknowledged; valid if ack_seen */
	bool ack_seen;

	struct seq_range early[MAX_EARLY_RANGES];
	int n_early;
};

struct flow {
	struct flow_end end[2];
	int opener;       /* index of the end that sent the first SYN; -1: handshake not seen */
	bool established; /* the handshake was completed, or data flows that we saw no SYN of */
	bool closed;      /* both ends are through with it */

	uint32_t hash;
	int32_t hash_next;      /* chain of the bucket */
	int32_t older, younger; /* neighbours in the list of live or of closed flows */
};

struct flows;

/* What a segment meant to its connection. */
struct flow_event {
	enum obs_event event; /* EV_RST .. EV_ZERO_WINDOW; EV_N_EVENTS: not worth a record */
	bool retransmit;
	bool keepalive; /* a keepalive probe (RFC 9293, section 3.8.4) */
};

/*
 * A table of at most `capacity` connections. When it is full the one that was closed first makes
 * room, else the live one that was silent for longest. NULL: out of memory. flows_free frees it.
 */
struct flows *flows_new(int32_t capacity);
void flows_free(struct flows *flows);

/* A TCP segment leaves host `host` (packet_is_tcp() is true). */
struct flow_event flows_sent(struct flows *flows, const struct packet *p, int host);

/* The flow of a segment that was sent, and which end sent it; NULL: it is not known (any more). */
struct flow *flows_find(struct flows *flows, const struct packet *p, int *ret_sender);

/* The same segment reaches host `host`. */
void flows_arrived(struct flows *flows, const struct packet *p, int host);

/*
 * Iterates over the flows that are established and not closed, in the order of their places in the
 * table: start with NULL; NULL: no more. What is done to the flow it gave does not disturb it.
 */
struct flow *flows_next_live(struct flows *flows, const struct flow *previous);

/*
 * The sequence and acknowledgment numbers of a reset that end `victim` of the flow must accept.
 * False: it has no connection, or what it waits for is not known.
 *
 * RFC 5961, section 3.2: a reset is obeyed only if its sequence number is exactly RCV.NXT, so it
 * is that and not merely one in the window.
 */
bool flow_reset_numbers(const struct flow *flow, int victim, uint32_t *ret_seq, uint32_t *ret_ack);

#endif
