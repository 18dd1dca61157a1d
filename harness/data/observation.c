/* SPDX-License-Identifier: MIT */
#include "harness/data/observation.h"

#include <arpa/inet.h>
#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/cleanup.h"

const char *const obs_source_names[] = {
	[OBS_RUN] = "run",         [OBS_PACKET] = "packet",   [OBS_SOCKET] = "socket",
	[OBS_PROCESS] = "process", [OBS_APP] = "app",         [OBS_FAULT] = "fault",
	[OBS_LAG] = "lag",         [OBS_COUNTER] = "counter", [OBS_N_SOURCES] = NULL,
};
static_assert(ARRAY_SIZE(obs_source_names) == OBS_N_SOURCES + 1, "a name for each source");

#define COUNTS(member)                                                                             \
	{                                                                                          \
#member, offsetof(struct receipt, member)                                          \
	}

const struct receipt_count receipt_counts[] = {
	COUNTS(matched),   COUNTS(dropped),  COUNTS(delayed), COUNTS(duplicated), COUNTS(corrupted),
	COUNTS(reordered), COUNTS(injected), COUNTS(killed),  COUNTS(destroyed),  {0},
};

/* Written out, for it is done for each packet that a fault touches. */
void receipt_add_growth(struct receipt *to, const struct receipt *before,
			const struct receipt *after)
{
	to->matched += after->matched - before->matched;
	to->dropped += after->dropped - before->dropped;
	to->delayed += after->delayed - before->delayed;
	to->duplicated += after->duplicated - before->duplicated;
	to->corrupted += after->corrupted - before->corrupted;
	to->reordered += after->reordered - before->reordered;
	to->injected += after->injected - before->injected;
	to->killed += after->killed - before->killed;
	to->destroyed += after->destroyed - before->destroyed;
}
static_assert(ARRAY_SIZE(receipt_counts) == 9 + 1, "each count is added above");

const char *const flow_protocol_names[] = {"tcp", "udp", "icmp", "other", NULL};
static_assert(ARRAY_SIZE(flow_protocol_names) == FLOW_OTHER + 2, "a name for each protocol");

const char *const obs_event_names[] = {
	[EV_READY] = "ready",
	[EV_END] = "end",
	[EV_ERROR] = "error",
	[EV_FORGED] = "forged",
	[EV_RST] = "rst",
	[EV_FIN] = "fin",
	[EV_SYN] = "syn",
	[EV_SYN_ACK] = "syn-ack",
	[EV_ESTABLISHED] = "established",
	[EV_DATA] = "data",
	[EV_ACKED] = "acked",
	[EV_RETRANSMIT] = "retransmit",
	[EV_ZERO_WINDOW] = "zero-window",
	[EV_COUNTED] = "counted",
	[EV_STATE] = "state",
	[EV_DESTROYED] = "destroyed",
	[EV_GONE] = "gone",
	[EV_POLLED] = "polled",
	[EV_START] = "start",
	[EV_EXIT] = "exit",
	[EV_SAMPLE] = "sample",
	[EV_LINE] = "line",
	[EV_LOG] = "log",
	[EV_ON] = "on",
	[EV_OFF] = "off",
	[EV_RECEIPT] = "receipt",
	[EV_FLOW] = "flow",
	[EV_STALL] = "stall",
	[EV_RING_DROP] = "ring-drop",
	[EV_NOTIFY_LOST] = "notify-lost",
	[EV_CLOCK_STEP] = "clock-step",
	[EV_COUNT] = "count",
	[EV_N_EVENTS] = NULL,
};
static_assert(ARRAY_SIZE(obs_event_names) == EV_N_EVENTS + 1, "a name for each event");

const char *const lag_stage_names[] = {
	[LAG_FORWARDER] = "forwarder", [LAG_INIT] = "init",   [LAG_CANARY] = "canary",
	[LAG_STARVED] = "starved",     [LAG_N_STAGES] = NULL,
};
static_assert(ARRAY_SIZE(lag_stage_names) == LAG_N_STAGES + 1, "a name for each stage");

const char *const tcp_timer_names[] = {
	[TIMER_ON - 1] = "on",
	[TIMER_KEEPALIVE - 1] = "keepalive",
	[TIMER_TIMEWAIT - 1] = "timewait",
	[TIMER_PERSIST - 1] = "persist",
	[TIMER_PERSIST] = NULL,
};

/* The kernel's numbers begin at 1; 0 is "no state seen". */
const char *const tcp_state_names[] = {
	[0] = "NONE",
	[STATE_ESTABLISHED] = "ESTABLISHED",
	[STATE_SYN_SENT] = "SYN_SENT",
	[STATE_SYN_RECEIVED] = "SYN_RECEIVED",
	[STATE_FIN_WAIT_1] = "FIN_WAIT_1",
	[STATE_FIN_WAIT_2] = "FIN_WAIT_2",
	[STATE_TIME_WAIT] = "TIME_WAIT",
	[STATE_CLOSED] = "CLOSED",
	[STATE_CLOSE_WAIT] = "CLOSE_WAIT",
	[STATE_LAST_ACK] = "LAST_ACK",
	[STATE_LISTEN] = "LISTEN",
	[STATE_CLOSING] = "CLOSING",
	[STATE_CLOSING + 1] = NULL,
};

/* What `ss` and the kernel's own names call them where RFC 9293 says something else. */
static const struct {
	const char *name;
	enum tcp_state state;
} tcp_state_aliases[] = {
	{"ESTAB", STATE_ESTABLISHED},    {"SYN_RECV", STATE_SYN_RECEIVED},
	{"FIN_WAIT1", STATE_FIN_WAIT_1}, {"FIN_WAIT2", STATE_FIN_WAIT_2},
	{"CLOSE", STATE_CLOSED},         {"UNCONN", STATE_CLOSED},
};

/* CLOSE_WAIT and close-wait are the same name. */
static bool same_state_name(const char *a, const char *b)
{
	for (; *a && *b; a++, b++) {
		int x = *a == '-' ? '_' : toupper((unsigned char)*a);
		int y = *b == '-' ? '_' : toupper((unsigned char)*b);

		if (x != y)
			return false;
	}
	return *a == *b;
}

int tcp_state_parse(const char *name)
{
	for (int s = STATE_ESTABLISHED; s <= STATE_CLOSING; s++) {
		const char *known = tcp_state_names[s];

		if (known && same_state_name(known, name))
			return s;
	}
	for (size_t i = 0; i < ARRAY_SIZE(tcp_state_aliases); i++)
		if (same_state_name(tcp_state_aliases[i].name, name))
			return (int)tcp_state_aliases[i].state;
	return 0;
}

static char *add_number(char *at, unsigned value)
{
	if (value >= 10)
		at = add_number(at, value / 10);
	*at = (char)('0' + value % 10);
	return at + 1;
}

/* By hand: a run writes a hundred thousand, and printf() takes ten times as long. */
static const char *ip4_text(const struct endpoint *e, char *buf)
{
	char *at = buf;

	for (size_t i = 0; i < sizeof(struct in_addr); i++) {
		at = add_number(at, e->addr[i]);
		*at++ = i + 1 < sizeof(struct in_addr) ? '.' : ':';
	}
	*add_number(at, e->port) = '\0';
	return buf;
}

const char *endpoint_text(const struct endpoint *e, char *buf)
{
	char addr[INET6_ADDRSTRLEN] = "";

	if (e->family == AF_INET)
		return ip4_text(e, buf);
	if (e->family == AF_INET6)
		inet_ntop(AF_INET6, e->addr, addr, sizeof(addr));
	snprintf(buf, ENDPOINT_TEXT, e->family == AF_INET6 ? "[%s]:%u" : "%s:%u", addr,
		 (unsigned)e->port);
	return buf;
}

/* A port in decimal, nothing before or after it. */
static int parse_port(const char *text, uint16_t *ret)
{
	char *end;

	if (!isdigit((unsigned char)*text))
		return -1;
	unsigned long port = strtoul(text, &end, 10);
	if (*end || port > UINT16_MAX)
		return -1;
	*ret = (uint16_t)port;
	return 0;
}

int endpoint_parse(struct endpoint *e, const char *text)
{
	struct endpoint made = {.family = AF_INET};
	char addr[INET6_ADDRSTRLEN];
	const char *begin = text;
	const char *end = strrchr(text, ':');

	if (!end)
		return -1;
	const char *port = end + 1;
	if (*text == '[') {
		if (end < text + 2 || end[-1] != ']')
			return -1;
		made.family = AF_INET6;
		begin++;
		end--;
	}
	size_t len = (size_t)(end - begin);
	if (len >= sizeof(addr))
		return -1;
	memcpy(addr, begin, len);
	addr[len] = '\0';
	if (inet_pton(made.family, addr, made.addr) != 1 || parse_port(port, &made.port) < 0)
		return -1;
	*e = made;
	return 0;
}

bool endpoint_same_addr(const struct endpoint *a, const struct endpoint *b)
{
	size_t len = a->family == AF_INET ? sizeof(struct in_addr) : sizeof(struct in6_addr);

	return a->family == b->family && !memcmp(a->addr, b->addr, len);
}

bool endpoint_equal(const struct endpoint *a, const struct endpoint *b)
{
	return endpoint_same_addr(a, b) && a->port == b->port;
}

/* What the order is by; the place makes it total, so that any sort is stable. */
struct sort_key {
	nsec_t t;
	size_t place;
	uint8_t source;
};

static int compare_keys(const void *a, const void *b)
{
	const struct sort_key *x = a, *y = b;

	if (x->t != y->t)
		return x->t < y->t ? -1 : 1;
	if (x->source != y->source)
		return x->source < y->source ? -1 : 1;
	return x->place < y->place ? -1 : x->place > y->place;
}

void observations_sort(struct observations *obs)
{
	_cleanup_arena_ struct arena scratch = {0};
	size_t n = obs->list.n;

	if (!n)
		return;
	struct sort_key *keys = arena_new_array(&scratch, struct sort_key, n);
	struct observation *old = arena_new_array(&scratch, struct observation, n);
	for (size_t i = 0; i < n; i++)
		keys[i] = (struct sort_key){obs->list.v[i].t, i, obs->list.v[i].source};
	memcpy(old, obs->list.v, n * sizeof(*old));
	qsort(keys, n, sizeof(*keys), compare_keys);
	for (size_t i = 0; i < n; i++)
		obs->list.v[i] = old[keys[i].place];
}
