/* SPDX-License-Identifier: MIT */
#include "faults/wire/slots.h"

#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "harness/base/cleanup.h"

/*
 * Theory of operation (packet(7), Documentation/networking/packet_mmap.rst)
 *
 * A slot whose status has TP_STATUS_USER is ours to read; storing TP_STATUS_KERNEL gives it back. We
 * read in order: `next` is the slot that is looked at, and the slots [held, next) are taken but not
 * given back, because frames that are forwarded are sent straight from there.
 *
 * One socket receives from all interfaces (sll_ifindex 0): so frames are in one order of time, and
 * a thousand hosts cost no more memory than two. It ignores what goes out, unless there is a filter.
 */

static int set_option(const struct slots *s, int option, const void *value, socklen_t len,
		      const char *what, struct err *err)
{
	if (setsockopt(s->fd, SOL_PACKET, option, value, len))
		return err_errno(err, "packet socket: %s", what);
	return 0;
}

static int attach(const struct slots *s, const struct sock_fprog *filter, struct err *err)
{
	if (setsockopt(s->fd, SOL_SOCKET, SO_ATTACH_FILTER, filter, sizeof(*filter)))
		return err_errno(err, "packet socket: filter");
	return 0;
}

/* A program for the socket (classic BPF) that passes frames of these lengths, whole. */
static int filter_lengths(const struct slots *s, struct err *err)
{
	const unsigned most = s->config.at_most ? s->config.at_most : UINT32_MAX;
	struct sock_filter program[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0),
		BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, s->config.above, 0, 2),
		BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, most, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	const struct sock_fprog filter = {ARRAY_SIZE(program), program};

	if (!s->config.above && !s->config.at_most)
		return 0;
	return attach(s, &filter, err);
}

static int choose_frames(const struct slots *s, struct err *err)
{
	const int on = 1;

	if (s->config.filter)
		return attach(s, s->config.filter, err);
	if (set_option(s, PACKET_IGNORE_OUTGOING, &on, sizeof(on), "ignore outgoing", err))
		return -1;
	return filter_lengths(s, err);
}

static size_t map_bytes(const struct slots_config *c)
{
	return (size_t)c->slot_bytes * c->n_slots;
}

int slots_open(struct slots *s, const struct slots_config *config, struct err *err)
{
	const int version = TPACKET_V2, on = 1;
	const struct tpacket_req req = {
		.tp_block_size = config->slot_bytes * config->block_slots,
		.tp_block_nr = config->n_slots / config->block_slots,
		.tp_frame_size = config->slot_bytes,
		.tp_frame_nr = config->n_slots,
	};

	s->config = *config;
	/* Protocol 0: it receives nothing before it is bound, with everything set up. */
	s->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (s->fd < 0)
		return err_errno(err, "packet socket");
	if (set_option(s, PACKET_VERSION, &version, sizeof(version), "TPACKET_V2", err) ||
	    (config->offloads &&
	     set_option(s, PACKET_VNET_HDR, &on, sizeof(on), "virtio_net_hdr", err)) ||
	    choose_frames(s, err) ||
	    set_option(s, PACKET_RX_RING, &req, sizeof(req), "receive ring", err))
		return -1;

	void *map = mmap(NULL, map_bytes(config), PROT_READ | PROT_WRITE, MAP_SHARED, s->fd, 0);
	if (map == MAP_FAILED)
		return err_errno(err, "packet socket: map the ring");
	s->map = map;
	return 0;
}

int slots_bind(struct slots *s, struct err *err)
{
	const struct sockaddr_ll all = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};

	if (bind(s->fd, (const struct sockaddr *)&all, sizeof(all)))
		return err_errno(err, "packet socket: bind");
	return 0;
}

void slots_close(struct slots *s)
{
	if (s->map)
		munmap(s->map, map_bytes(&s->config));
	s->map = NULL;
	cleanup_close(&s->fd);
	s->fd = -1;
}

static struct tpacket2_hdr *slot(const struct slots *s, unsigned i)
{
	return (struct tpacket2_hdr *)(void *)(s->map + (size_t)i * s->config.slot_bytes);
}

static unsigned after(const struct slots *s, unsigned i)
{
	return i + 1 < s->config.n_slots ? i + 1 : 0;
}

bool slots_peek(const struct slots *s, struct slot_frame *ret)
{
	const struct tpacket2_hdr *h = slot(s, s->next);
	uint32_t status = __atomic_load_n(&h->tp_status, __ATOMIC_ACQUIRE);

	/* A slot that we hold says "user" too: after a whole round nothing new can be there. */
	if (!(status & TP_STATUS_USER) || after(s, s->next) == s->held)
		return false;

	const struct sockaddr_ll *from =
		(const void *)((const uint8_t *)h + TPACKET_ALIGN(sizeof(*h)));
	*ret = (struct slot_frame){
		.bytes = (const uint8_t *)h + h->tp_mac,
		.len = h->tp_snaplen,
		.original_len = h->tp_len,
		.ifindex = from->sll_ifindex,
		.t_real = (nsec_t)h->tp_sec * NSEC_PER_SEC + h->tp_nsec,
		.outgoing = from->sll_pkttype == PACKET_OUTGOING,
		.no_checksum = status & TP_STATUS_CSUMNOTREADY,
		.others_lost = status & TP_STATUS_LOSING,
	};
	if (s->config.offloads)
		memcpy(&ret->offload, ret->bytes - sizeof(ret->offload), sizeof(ret->offload));
	return true;
}

void slots_take(struct slots *s)
{
	s->next = after(s, s->next);
}

void slots_release(struct slots *s)
{
	for (; s->held != s->next; s->held = after(s, s->held))
		__atomic_store_n(&slot(s, s->held)->tp_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
}

uint64_t slots_take_losses(struct slots *s)
{
	struct tpacket_stats stats = {0};
	socklen_t len = sizeof(stats);

	/* Reading resets them. */
	getsockopt(s->fd, SOL_PACKET, PACKET_STATISTICS, &stats, &len);
	return stats.tp_drops;
}
