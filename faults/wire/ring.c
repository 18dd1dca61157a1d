/* SPDX-License-Identifier: MIT */
#include "faults/wire/ring.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "harness/base/cleanup.h"

/*
 * Theory of operation
 *
 * The ring is an array of slots of RING_SLOT_BYTES in memory shared with the kernel. A slot whose
 * status has TP_STATUS_USER is ours to read; storing TP_STATUS_KERNEL gives it back. We read in
 * order: `next` is the slot that is looked at, and the slots [held, next) are taken but not given
 * back, because frames that are forwarded are sent straight from there.
 *
 * One socket receives from all interfaces (sll_ifindex 0): so frames are in one order of time, and
 * a thousand hosts cost no more memory than two. It ignores what goes out, unless there is a filter. A
 * second socket, which
 * receives nothing (protocol 0), sends: past the qdisc, for a port has no queue of its own.
 *
 * Nothing is lost silently. The kernel counts what the ring had no place for, and a frame that cannot
 * be sent after some retries is counted too. Only what is sent to an interface that is gone or down is
 * not: nobody is there to miss it.
 */

/* 16 MiB: a ring of the stock 208 KiB loses packets when 1000 connections are made at once. */
#define RING_BYTES       ((unsigned)16 << 20)
#define RING_BLOCK_BYTES ((unsigned)64 << 10)
/* A frame of the usual MTU with its headers, in a power of two that divides a block. */
#define RING_SLOT_BYTES 2048u
#define RING_SLOTS      (RING_BYTES / RING_SLOT_BYTES)

/* One sendmmsg. Larger ones gain nothing measurable, and delay the first frame. */
#define SEND_BATCH 64

/* When the send buffer or the receiver's backlog is full: wait this often, so long. */
#define SEND_RETRIES  20
#define SEND_RETRY_MS 1

/* CLOCK_REALTIME moves against CLOCK_MONOTONIC by reading noise (us), or by being set. */
#define CLOCK_STEP_MIN NSEC_PER_MSEC

struct ring {
	int rx_fd, tx_fd;
	uint8_t *map;
	unsigned next;      /* the slot that is looked at */
	unsigned held;      /* the first slot that is not given back */
	nsec_t mono_offset; /* CLOCK_REALTIME - CLOCK_MONOTONIC; NSEC_UNSET: not measured yet */
	uint64_t unsent;    /* frames that could not be sent, since they were asked for */

	unsigned n_out;
	struct mmsghdr out[SEND_BATCH];
	struct iovec out_iov[SEND_BATCH];
	struct sockaddr_ll out_to[SEND_BATCH];
};

static int set_option(int fd, int option, const void *value, socklen_t len, const char *what,
		      struct err *err)
{
	if (setsockopt(fd, SOL_PACKET, option, value, len))
		return err_errno(err, "packet socket: %s", what);
	return 0;
}

/* What goes out is ignored, or else what the filter refuses. */
static int choose_frames(int fd, const struct sock_fprog *filter, struct err *err)
{
	const int on = 1;

	if (!filter)
		return set_option(fd, PACKET_IGNORE_OUTGOING, &on, sizeof(on), "ignore outgoing",
				  err);
	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, filter, sizeof(*filter)))
		return err_errno(err, "packet socket: filter");
	return 0;
}

static int open_receiver(struct ring *r, const struct sock_fprog *filter, struct err *err)
{
	const int version = TPACKET_V2;
	const struct tpacket_req req = {
		.tp_block_size = RING_BLOCK_BYTES,
		.tp_block_nr = RING_BYTES / RING_BLOCK_BYTES,
		.tp_frame_size = RING_SLOT_BYTES,
		.tp_frame_nr = RING_SLOTS,
	};

	/* Protocol 0: it receives nothing before it is bound, with everything set up. */
	r->rx_fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (r->rx_fd < 0)
		return err_errno(err, "packet socket");
	if (set_option(r->rx_fd, PACKET_VERSION, &version, sizeof(version), "TPACKET_V2", err) ||
	    choose_frames(r->rx_fd, filter, err) ||
	    set_option(r->rx_fd, PACKET_RX_RING, &req, sizeof(req), "16 MiB ring", err))
		return -1;

	void *map = mmap(NULL, RING_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, r->rx_fd, 0);
	if (map == MAP_FAILED)
		return err_errno(err, "packet socket: map the ring");
	r->map = map;

	const struct sockaddr_ll all = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
	if (bind(r->rx_fd, (const struct sockaddr *)&all, sizeof(all)))
		return err_errno(err, "packet socket: bind");
	return 0;
}

static int open_sender(struct ring *r, struct err *err)
{
	const int on = 1;

	r->tx_fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (r->tx_fd < 0)
		return err_errno(err, "packet socket");
	if (set_option(r->tx_fd, PACKET_QDISC_BYPASS, &on, sizeof(on), "bypass the qdisc", err))
		return -1;
	for (unsigned i = 0; i < SEND_BATCH; i++) {
		r->out_to[i] = (struct sockaddr_ll){.sll_family = AF_PACKET};
		r->out[i].msg_hdr = (struct msghdr){
			.msg_name = &r->out_to[i],
			.msg_namelen = sizeof(r->out_to[i]),
			.msg_iov = &r->out_iov[i],
			.msg_iovlen = 1,
		};
	}
	return 0;
}

struct ring *ring_open(const struct sock_fprog *filter, struct err *err)
{
	struct ring *r = calloc(1, sizeof(*r));

	if (!r) {
		err_set(err, "out of memory for the packet ring");
		return NULL;
	}
	r->rx_fd = r->tx_fd = -1;
	r->mono_offset = NSEC_UNSET;
	if (open_receiver(r, filter, err) || open_sender(r, err)) {
		ring_close(r);
		return NULL;
	}
	ring_sync_clock(r);
	return r;
}

void ring_close(struct ring *r)
{
	if (!r)
		return;
	if (r->map)
		munmap(r->map, RING_BYTES);
	cleanup_close(&r->rx_fd);
	cleanup_close(&r->tx_fd);
	free(r);
}

int ring_fd(const struct ring *r)
{
	return r->rx_fd;
}

nsec_t ring_sync_clock(struct ring *r)
{
	/* Read between two readings of the other, so that a preemption costs half of itself. */
	nsec_t before = nsec_monotonic();
	nsec_t real = nsec_clock(CLOCK_REALTIME);
	nsec_t after = nsec_monotonic();
	nsec_t offset = real - (before + (after - before) / 2);
	nsec_t step = r->mono_offset == NSEC_UNSET ? 0 : offset - r->mono_offset;

	/* A long gap between the readings says more about us than about the clock. */
	if (r->mono_offset != NSEC_UNSET && after - before > CLOCK_STEP_MIN)
		return 0;
	r->mono_offset = offset;
	return llabs(step) > CLOCK_STEP_MIN ? step : 0;
}

static struct tpacket2_hdr *slot(const struct ring *r, unsigned i)
{
	return (struct tpacket2_hdr *)(void *)(r->map + (size_t)i * RING_SLOT_BYTES);
}

bool ring_peek(struct ring *r, struct ring_frame *ret)
{
	const struct tpacket2_hdr *h = slot(r, r->next);
	uint32_t status = __atomic_load_n(&h->tp_status, __ATOMIC_ACQUIRE);

	/* A slot that we hold says "user" too: after a whole round nothing new can be there. */
	if (!(status & TP_STATUS_USER) || (r->next + 1) % RING_SLOTS == r->held)
		return false;

	const struct sockaddr_ll *from =
		(const void *)((const uint8_t *)h + TPACKET_ALIGN(sizeof(*h)));
	*ret = (struct ring_frame){
		.bytes = (const uint8_t *)h + h->tp_mac,
		.len = h->tp_snaplen,
		.original_len = h->tp_len,
		.ifindex = from->sll_ifindex,
		.t = (nsec_t)h->tp_sec * NSEC_PER_SEC + h->tp_nsec - r->mono_offset,
		.no_checksum = status & TP_STATUS_CSUMNOTREADY,
		.outgoing = from->sll_pkttype == PACKET_OUTGOING,
	};
	return true;
}

void ring_take(struct ring *r)
{
	r->next = (r->next + 1) % RING_SLOTS;
}

void ring_release(struct ring *r)
{
	for (; r->held != r->next; r->held = (r->held + 1) % RING_SLOTS)
		__atomic_store_n(&slot(r, r->held)->tp_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
}

void ring_send(struct ring *r, int ifindex, const void *bytes, size_t len)
{
	if (r->n_out == SEND_BATCH)
		ring_flush(r);
	r->out_to[r->n_out].sll_ifindex = ifindex;
	r->out_iov[r->n_out] = (struct iovec){(void *)bytes, len};
	r->n_out++;
}

static bool is_worth_a_retry(int error)
{
	return error == EAGAIN || error == ENOBUFS || error == ENOMEM;
}

static bool is_unplugged(int error)
{
	return error == ENETDOWN || error == ENXIO || error == ENODEV;
}

void ring_flush(struct ring *r)
{
	unsigned sent = 0;

	for (int retries = 0; sent < r->n_out;) {
		int n = sendmmsg(r->tx_fd, r->out + sent, r->n_out - sent, MSG_DONTWAIT);

		if (n > 0) {
			sent += (unsigned)n;
			retries = 0;
			continue;
		}
		if (errno == EINTR)
			continue;
		if (is_worth_a_retry(errno) && retries++ < SEND_RETRIES) {
			poll(NULL, 0, SEND_RETRY_MS);
			continue;
		}
		if (!is_unplugged(errno))
			r->unsent++;
		sent++; /* this frame cannot go; the next ones may */
		retries = 0;
	}
	r->n_out = 0;
}

uint64_t ring_take_losses(struct ring *r)
{
	struct tpacket_stats stats = {0};
	socklen_t len = sizeof(stats);
	uint64_t unsent = r->unsent;

	r->unsent = 0;
	/* Reading resets them. */
	getsockopt(r->rx_fd, SOL_PACKET, PACKET_STATISTICS, &stats, &len);
	return unsent + stats.tp_drops;
}
