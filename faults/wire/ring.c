/* SPDX-License-Identifier: MIT */
#include "faults/wire/ring.h"

#include <assert.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "harness/base/cleanup.h"

/*
 * Theory of operation
 *
 * Frames are received in slots (slots.h), and sent by a second socket that receives nothing (protocol
 * 0): past the qdisc, for a port has no queue of its own.
 *
 * A slot is as large as the largest frame that may come into it. So frames of hosts that segment in
 * "hardware" are received by two rings, each with a filter by length: the few large ones, and the
 * many small ones, of which a storm of connections is made. Together they would need a gigabyte. The
 * two are merged by the frames' stamps. What one processor puts into both it puts there in the order
 * of the stamps; so a look at one ring is good only if the other was looked at after something was
 * found in this one.
 *
 * Nothing is lost silently. The kernel counts what the ring had no place for, and a frame that cannot
 * be sent after some retries is counted too. Only what is sent to an interface that is gone or down is
 * not: nobody is there to miss it. To ask the kernel is a system call, so it is done only with a reason:
 * a frame that comes after a loss is marked, and before a loss the ring was full of frames.
 */

/* A frame of the usual MTU with its headers, in a power of two that divides a block. */
#define SMALL_SLOT_BYTES  2048u
#define SMALL_BLOCK_SLOTS RING_SLOTS_MIN
static_assert(RING_FRAME_MAX + SLOT_HEADER_MAX <= SMALL_SLOT_BYTES, "the largest frame fits");

/*
 * 16 MiB: a ring of the stock 208 KiB loses packets when 1000 connections are made at once. As much
 * again for each further so many hosts, for each may have a receive window of 6 MiB on its way while
 * we are not scheduled; but never more than 64 MiB, which are not for nothing in a small guest.
 */
#define SMALL_SLOTS         8192u
#define HOSTS_PER_RING_SIZE 16u
#define RING_SIZES_MAX      4u

/*
 * 64 KiB with all headers (the kernel's GSO_LEGACY_MAX_SIZE), in whole pages; a block is just under a
 * power of two. 32 MiB: 20 ms of ten Gbit/s.
 */
#define LARGE_SLOT_BYTES  69632u
#define LARGE_BLOCK_SLOTS 15u
#define LARGE_SLOTS       480u

/* One sendmmsg. Larger ones gain nothing measurable, and delay the first frame. */
#define SEND_BATCH 64

/* When the send buffer or the receiver's backlog is full: wait this often, so long. */
#define SEND_RETRIES  20
#define SEND_RETRY_MS 1

/* CLOCK_REALTIME moves against CLOCK_MONOTONIC by reading noise (us), or by being set. */
#define CLOCK_STEP_MIN NSEC_PER_MSEC

enum size { SMALL, LARGE, N_SIZES };

struct ring {
	struct slots slots[N_SIZES];
	int n_sizes;
	enum size peeked; /* the one whose frame was given */
	unsigned n_taken; /* in a row, since losses were asked for or the ring was empty */
	bool losing;
	nsec_t mono_offset; /* CLOCK_REALTIME - CLOCK_MONOTONIC; NSEC_UNSET: not measured yet */
	uint64_t unsent;    /* frames that could not be sent, since they were asked for */

	int tx_fd;
	bool gso;
	unsigned n_out;
	struct mmsghdr out[SEND_BATCH];
	struct iovec out_iov[SEND_BATCH][2]; /* the offload, and the frame */
	struct virtio_net_hdr out_offload[SEND_BATCH];
	struct sockaddr_ll out_to[SEND_BATCH];
};

static unsigned enough_slots(const struct ring_config *config)
{
	unsigned sizes = config->n_interfaces / HOSTS_PER_RING_SIZE + 1;

	return SMALL_SLOTS * (sizes < RING_SIZES_MAX ? sizes : RING_SIZES_MAX);
}

static int open_receivers(struct ring *r, const struct ring_config *config, struct err *err)
{
	const unsigned n_small = config->n_slots ? config->n_slots : enough_slots(config);
	const struct slots_config small = {
		.slot_bytes = SMALL_SLOT_BYTES,
		.block_slots = SMALL_BLOCK_SLOTS,
		.n_slots = n_small - n_small % SMALL_BLOCK_SLOTS,
		.offloads = config->gso,
		.at_most = config->gso ? RING_FRAME_MAX : 0,
		.filter = config->filter,
	};
	const struct slots_config large = {
		.slot_bytes = LARGE_SLOT_BYTES,
		.block_slots = LARGE_BLOCK_SLOTS,
		.n_slots = LARGE_SLOTS,
		.offloads = true,
		.above = RING_FRAME_MAX,
	};

	r->n_sizes = config->gso ? N_SIZES : 1;
	if (slots_open(&r->slots[SMALL], &small, err) ||
	    (config->gso && slots_open(&r->slots[LARGE], &large, err)))
		return -1;
	for (int i = 0; i < r->n_sizes; i++)
		if (slots_bind(&r->slots[i], err))
			return -1;
	return 0;
}

static int open_sender(struct ring *r, struct err *err)
{
	const int on = 1;

	r->tx_fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (r->tx_fd < 0)
		return err_errno(err, "packet socket");
	if (setsockopt(r->tx_fd, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof(on)))
		return err_errno(err, "packet socket: bypass the qdisc");
	if (r->gso && setsockopt(r->tx_fd, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof(on)))
		return err_errno(err, "packet socket: virtio_net_hdr");
	for (unsigned i = 0; i < SEND_BATCH; i++) {
		r->out_to[i] = (struct sockaddr_ll){.sll_family = AF_PACKET};
		r->out[i].msg_hdr = (struct msghdr){
			.msg_name = &r->out_to[i],
			.msg_namelen = sizeof(r->out_to[i]),
			.msg_iov = r->gso ? r->out_iov[i] : r->out_iov[i] + 1,
			.msg_iovlen = r->gso ? 2 : 1,
		};
		r->out_iov[i][0] = (struct iovec){&r->out_offload[i], sizeof(r->out_offload[i])};
	}
	return 0;
}

struct ring *ring_open(const struct ring_config *config, struct err *err)
{
	struct ring *r = calloc(1, sizeof(*r));

	if (!r) {
		err_set(err, "out of memory for the packet ring");
		return NULL;
	}
	r->tx_fd = r->slots[SMALL].fd = r->slots[LARGE].fd = -1;
	r->gso = config->gso;
	r->mono_offset = NSEC_UNSET;
	if (open_receivers(r, config, err) || open_sender(r, err)) {
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
	slots_close(&r->slots[SMALL]);
	slots_close(&r->slots[LARGE]);
	cleanup_close(&r->tx_fd);
	free(r);
}

int ring_fd(const struct ring *r, int n)
{
	return n < r->n_sizes ? r->slots[n].fd : -1;
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

/* The earlier of the frames that are first in the two rings. */
static bool peek_both(struct ring *r, struct slot_frame *ret)
{
	struct slot_frame small, large;
	bool any_small = slots_peek(&r->slots[SMALL], &small);
	bool any_large = slots_peek(&r->slots[LARGE], &large);

	/* One may have come, before the large one, since we looked. */
	if (any_large && !any_small)
		any_small = slots_peek(&r->slots[SMALL], &small);
	if (!any_small && !any_large)
		return false;
	r->peeked = any_small && (!any_large || small.t_real <= large.t_real) ? SMALL : LARGE;
	*ret = r->peeked == SMALL ? small : large;
	return true;
}

bool ring_peek(struct ring *r, struct ring_frame *ret)
{
	if (!(r->gso ? peek_both(r, &ret->slot) : slots_peek(&r->slots[SMALL], &ret->slot))) {
		if (!ring_may_have_lost(r))
			r->n_taken = 0;
		return false;
	}
	ret->t = ret->slot.t_real - r->mono_offset;
	r->losing |= ret->slot.others_lost;
	return true;
}

void ring_take(struct ring *r)
{
	slots_take(&r->slots[r->peeked]);
	r->n_taken++;
}

void ring_release(struct ring *r)
{
	for (int i = 0; i < r->n_sizes; i++)
		slots_release(&r->slots[i]);
}

void ring_send(struct ring *r, int ifindex, const void *bytes, size_t len,
	       const struct virtio_net_hdr *offload)
{
	if (r->n_out == SEND_BATCH)
		ring_flush(r);
	r->out_to[r->n_out].sll_ifindex = ifindex;
	r->out_iov[r->n_out][1] = (struct iovec){(void *)bytes, len};
	if (r->gso)
		r->out_offload[r->n_out] = offload ? *offload : (struct virtio_net_hdr){0};
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

/* A ring that was full has given as many frames in a row; half of them say that it may have been. */
static unsigned nearly_full(const struct ring *r)
{
	return (r->gso ? LARGE_SLOTS : r->slots[SMALL].config.n_slots) / 2;
}

bool ring_may_have_lost(const struct ring *r)
{
	return r->unsent || r->losing || r->n_taken >= nearly_full(r);
}

uint64_t ring_take_losses(struct ring *r)
{
	uint64_t lost = r->unsent;

	r->unsent = 0;
	r->losing = false;
	r->n_taken = 0;
	for (int i = 0; i < r->n_sizes; i++)
		lost += slots_take_losses(&r->slots[i]);
	return lost;
}
