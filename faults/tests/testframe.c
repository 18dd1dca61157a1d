/* SPDX-License-Identifier: MIT */
#include "faults/tests/testframe.h"

#include <net/ethernet.h>
#include <string.h>

static void add8(struct testframe *f, unsigned v)
{
	f->bytes[f->len++] = (uint8_t)v;
}

static void add16(struct testframe *f, unsigned v)
{
	add8(f, v >> 8);
	add8(f, v & 0xff);
}

static void add32(struct testframe *f, uint32_t v)
{
	add16(f, v >> 16);
	add16(f, v & 0xffff);
}

static void add_zeros(struct testframe *f, size_t n)
{
	memset(f->bytes + f->len, 0, n);
	f->len += n;
}

static void add_mac(struct testframe *f, int host)
{
	add8(f, 0x02);
	add_zeros(f, 4);
	add8(f, (unsigned)host + 1);
}

static void add_ip6_addr(struct testframe *f, int host)
{
	add8(f, 0xfd);
	add_zeros(f, 14);
	add8(f, (unsigned)host + 1);
}

static void add_ip(struct testframe *f, int from, int to, bool ip6, unsigned protocol,
		   unsigned payload)
{
	add_mac(f, to);
	add_mac(f, from);
	if (ip6) {
		add16(f, ETHERTYPE_IPV6);
		add32(f, 6u << 28);
		add16(f, payload);
		add8(f, protocol);
		add8(f, 64);
		add_ip6_addr(f, from);
		add_ip6_addr(f, to);
		return;
	}
	add16(f, ETHERTYPE_IP);
	add16(f, 0x4500);
	add16(f, 20 + payload);
	add32(f, 0);
	add8(f, 64);
	add8(f, protocol);
	add16(f, 0);
	add32(f, 0x0a000001u + (unsigned)from);
	add32(f, 0x0a000001u + (unsigned)to);
}

struct testframe testframe_tcp(struct testsegment s)
{
	struct testframe f = {.len = 0};
	unsigned options = s.window_scale ? 4 : 0;

	add_ip(&f, s.from, s.to, s.ip6, IPPROTO_TCP, 20 + options + s.payload);
	add16(&f, s.sport ? s.sport : s.from == 0 ? 40000 : 8000);
	add16(&f, s.dport ? s.dport : s.from == 0 ? 8000 : 40000);
	add32(&f, s.seq);
	add32(&f, s.ack);
	add8(&f, (20 + options) / 4 << 4);
	add8(&f, s.flags);
	add16(&f, s.closed_window ? 0 : s.window ? s.window : 65535);
	add32(&f, 0);
	if (options) {
		add8(&f, 1); /* no operation */
		add8(&f, 3); /* window scale */
		add8(&f, 3);
		add8(&f, (unsigned)s.window_scale);
	}
	add_zeros(&f, s.payload);
	return f;
}

struct testframe testframe_udp(int from, int to, uint32_t id)
{
	struct testframe f = {.len = 0};

	add_ip(&f, from, to, false, IPPROTO_UDP, 12);
	add16(&f, 5000);
	add16(&f, 5001);
	add16(&f, 12);
	add16(&f, 0);
	add32(&f, id);
	return f;
}

uint32_t testframe_id(const uint8_t *bytes)
{
	return get_be32(bytes + 42);
}
