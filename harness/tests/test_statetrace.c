/* SPDX-License-Identifier: MIT */
/* Changes of state as the kernel's tracepoint tells them: its format, and real connections. */
#include "harness/run/statetrace.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness/base/cleanup.h"
#include "harness/tests/netns.h"
#include "harness/tests/suite.h"
#include "harness/tests/tracepoint.h"

/* A guard: what is waited for has happened before the wait begins. */
#define CHANGE_WAIT_MS 20000
/* More listeners, each with two changes, than a ring has room for. */
#define TOO_MANY 2000
/* The tracepoint's clock is the kernel's fast one, which may be some microseconds off. */
#define CLOCK_EXACT NSEC_PER_MSEC

/* Linux 6.18's, x86-64. */
static const char format_618[] =
	"name: inet_sock_set_state\nID: 2287\nformat:\n"
	"\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n"
	"\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n\n"
	"\tfield:const void * skaddr;\toffset:8;\tsize:8;\tsigned:0;\n"
	"\tfield:int oldstate;\toffset:16;\tsize:4;\tsigned:1;\n"
	"\tfield:int newstate;\toffset:20;\tsize:4;\tsigned:1;\n"
	"\tfield:__u16 sport;\toffset:24;\tsize:2;\tsigned:0;\n"
	"\tfield:__u16 dport;\toffset:26;\tsize:2;\tsigned:0;\n"
	"\tfield:__u16 family;\toffset:28;\tsize:2;\tsigned:0;\n"
	"\tfield:__u16 protocol;\toffset:30;\tsize:2;\tsigned:0;\n"
	"\tfield:__u8 saddr[4];\toffset:32;\tsize:4;\tsigned:0;\n"
	"\tfield:__u8 daddr[4];\toffset:36;\tsize:4;\tsigned:0;\n"
	"\tfield:__u8 saddr_v6[16];\toffset:40;\tsize:16;\tsigned:0;\n"
	"\tfield:__u8 daddr_v6[16];\toffset:56;\tsize:16;\tsigned:0;\n"
	"\nprint fmt: \"family=%s protocol=%s\", REC->family, REC->protocol\n";

static struct statetrace_format format;
static uint8_t record[72]; /* as format_618 has it */

static void setup(void)
{
	struct err err = {0};

	ck_assert_msg(statetrace_parse_format(format_618, &format, &err) == 0, "%s", err.msg);
}

/* --- the format --- */

START_TEST(offsets_are_the_kernels)
{
	static const struct statetrace_field expected[STATETRACE_N_MEMBERS] = {
		{8, 8},  {16, 4}, {20, 4}, {24, 2},  {26, 2},  {28, 2},
		{30, 2}, {32, 4}, {36, 4}, {40, 16}, {56, 16},
	};

	for (size_t i = 0; i < STATETRACE_N_MEMBERS; i++) {
		ck_assert_uint_eq(format.at[i].offset, expected[i].offset);
		ck_assert_uint_eq(format.at[i].size, expected[i].size);
	}
}
END_TEST

static char *without(const char *text, const char *part, const char *instead, struct arena *a)
{
	const char *at = strstr(text, part);

	ck_assert_ptr_nonnull(at);
	return arena_printf(a, "%.*s%s%s", (int)(at - text), text, instead, at + strlen(part));
}

static const struct {
	const char *part, *instead, *complaint;
} unknown_formats[] = {
	{"skaddr", "socket", "no field skaddr of 8 to 8"},
	{"oldstate", "formerstate", "no field oldstate"},
	{"saddr_v6[16]", "saddr_six[16]", "no field saddr_v6"},
	{"\toffset:56;\tsize:16;", "\toffset:56;\tsize:12;", "no field daddr_v6 of 16 to 16"},
	{"\toffset:56;", "\toffset:5600;", "daddr_v6 at 5600"},
	{"\tfield:__u16 family;\toffset:28;\tsize:2;", "\tfield:__u16 family;", "no field family"},
};

START_TEST(an_unknown_format_is_an_error)
{
	_cleanup_arena_ struct arena a = {0};
	struct statetrace_format f;
	struct err err = {0};
	char *text = without(format_618, unknown_formats[_i].part, unknown_formats[_i].instead, &a);

	ck_assert_int_eq(statetrace_parse_format(text, &f, &err), -1);
	ck_assert_msg(strstr(err.msg, unknown_formats[_i].complaint) != NULL, "%s", err.msg);
}
END_TEST

START_TEST(no_tracefs_is_named)
{
	struct statetrace_event event;
	struct err err = {0};

	ck_assert_int_eq(statetrace_open("/proc/self", 0, &event, &err), -1);
	ck_assert_msg(strstr(err.msg, "mount -t tracefs tracefs /proc/self") != NULL, "%s",
		      err.msg);
}
END_TEST

/* --- records --- */

static void put(enum statetrace_member member, const void *value)
{
	memcpy(record + format.at[member].offset, value, format.at[member].size);
}

static void put_number(enum statetrace_member member, uint32_t value)
{
	uint16_t half = (uint16_t)value;

	if (format.at[member].size == sizeof(half))
		put(member, &half);
	else
		put(member, &value);
}

/* From 10.0.0.1:8000 to 10.0.0.2:40000, ESTABLISHED to CLOSE_WAIT. */
static void put_all(int family)
{
	static const uint8_t v4[] = {10, 0, 0, 1, 10, 0, 0, 2};
	uint8_t v6[16] = {[10] = 0xff, [11] = 0xff, [12] = 10, [15] = 1};

	put_number(STATETRACE_OLDSTATE, STATE_ESTABLISHED);
	put_number(STATETRACE_NEWSTATE, STATE_CLOSE_WAIT);
	put_number(STATETRACE_SPORT, 8000);
	put_number(STATETRACE_DPORT, 40000);
	put_number(STATETRACE_FAMILY, (uint32_t)family);
	put_number(STATETRACE_PROTOCOL, IPPROTO_TCP);
	put(STATETRACE_SADDR, v4);
	put(STATETRACE_DADDR, v4 + 4);
	put(STATETRACE_SADDR_V6, v6);
	v6[15] = 2;
	put(STATETRACE_DADDR_V6, v6);
}

static void assert_endpoint(const struct endpoint *e, const char *expected)
{
	char text[ENDPOINT_TEXT];

	ck_assert_str_eq(endpoint_text(e, text), expected);
}

START_TEST(a_record)
{
	struct statetrace_change c;

	/* A socket of IPv6 that talks IPv4 shows mapped addresses: on the cable they are IPv4. */
	put_all(_i ? AF_INET6 : AF_INET);
	ck_assert(statetrace_decode(&format, record, sizeof(record), &c));
	ck_assert_int_eq(c.from, STATE_ESTABLISHED);
	ck_assert_int_eq(c.to, STATE_CLOSE_WAIT);
	assert_endpoint(&c.local, "10.0.0.1:8000");
	assert_endpoint(&c.peer, "10.0.0.2:40000");
}
END_TEST

START_TEST(a_record_of_ipv6)
{
	static const uint8_t addr[16] = {0xfd, [15] = 9};
	struct statetrace_change c;

	put_all(AF_INET6);
	put(STATETRACE_SADDR_V6, addr);
	ck_assert(statetrace_decode(&format, record, sizeof(record), &c));
	assert_endpoint(&c.local, "[fd00::9]:8000");
}
END_TEST

static const struct {
	enum statetrace_member member;
	uint32_t value;
} ignored[] = {
	{STATETRACE_PROTOCOL, IPPROTO_SCTP},      {STATETRACE_FAMILY, AF_UNIX},
	{STATETRACE_NEWSTATE, STATE_ESTABLISHED}, {STATETRACE_NEWSTATE, 13},
	{STATETRACE_OLDSTATE, UINT32_MAX},
};

START_TEST(what_does_not_matter_is_ignored)
{
	struct statetrace_change c;

	put_all(AF_INET);
	put_number(ignored[_i].member, ignored[_i].value);
	ck_assert(!statetrace_decode(&format, record, sizeof(record), &c));
}
END_TEST

START_TEST(a_short_record_is_ignored)
{
	struct statetrace_change c;

	put_all(AF_INET);
	for (size_t len = 0; len < sizeof(record); len++)
		ck_assert(!statetrace_decode(&format, record, len, &c));
}
END_TEST

/* --- the kernel --- */

static struct arena arena;
static struct statetrace *trace;
static struct statetrace_event *events;
static size_t n_events;

struct heard {
	VEC(struct statetrace_change) list;
};
static struct heard heard;

static void hear(const struct statetrace_change *c, void *arg)
{
	(void)arg;
	*vec_push(&arena, &heard.list) = *c;
}

static void set_loopback_up(void)
{
	struct ifreq r = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	_cleanup_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(ioctl(fd, SIOCSIFFLAGS, &r), 0);
}

/* Opened outside, listened to inside a user namespace, as a run does; false: skipped. */
static bool listen_to_kernel(void)
{
	struct err err = {0};

	events = tracepoint_open(&arena, &n_events);
	if (!events)
		return false;
	if (!fresh_namespaces()) {
		skip("user namespaces are not allowed here");
		return false;
	}
	set_loopback_up();
	ck_assert_msg(statetrace_start(events, n_events, &trace, &err) == 0, "%s", err.msg);
	return true;
}

/* Reads until a change of that kind, of a socket with that local port, is there. */
static const struct statetrace_change *await(int from, int to, uint16_t local, uint16_t peer)
{
	struct pollfd *p = arena_new_array(&arena, struct pollfd, n_events);
	size_t seen = 0;

	for (size_t i = 0; i < n_events; i++)
		p[i] = (struct pollfd){.fd = events[i].fd, .events = POLLIN};
	for (;;) {
		for (; seen < heard.list.n; seen++) {
			const struct statetrace_change *c = &heard.list.v[seen];

			if ((int)c->from == from && (int)c->to == to && c->local.port == local &&
			    c->peer.port == peer)
				return c;
		}
		ck_assert_msg(poll(p, n_events, CHANGE_WAIT_MS) > 0,
			      "no change from %s to %s of port %d", tcp_state_names[from],
			      tcp_state_names[to], local);
		ck_assert_uint_eq(statetrace_read(trace, hear, NULL), 0);
	}
}

static int open_socket(int family, struct sockaddr_storage *addr, socklen_t *len, bool listening)
{
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_ge(fd, 0);
	if (!listening) {
		ck_assert_int_eq(connect(fd, (struct sockaddr *)addr, *len), 0);
		*len = sizeof(*addr);
	} else {
		ck_assert_int_eq(bind(fd, (struct sockaddr *)addr, *len), 0);
		ck_assert_int_eq(listen(fd, 1), 0);
	}
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)addr, len), 0);
	return fd;
}

static uint16_t port_of(const struct sockaddr_storage *addr)
{
	return ntohs(addr->ss_family == AF_INET ? ((const struct sockaddr_in *)addr)->sin_port
						: ((const struct sockaddr_in6 *)addr)->sin6_port);
}

static struct sockaddr_storage loopback(int family, socklen_t *ret_len)
{
	struct sockaddr_storage addr = {.ss_family = (sa_family_t)family};

	if (family == AF_INET) {
		((struct sockaddr_in *)&addr)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		*ret_len = sizeof(struct sockaddr_in);
	} else {
		((struct sockaddr_in6 *)&addr)->sin6_addr = in6addr_loopback;
		*ret_len = sizeof(struct sockaddr_in6);
	}
	return addr;
}

/* A listener, a connection, the client's close and then the server's. */
START_TEST(a_life_of_a_connection)
{
	int family = _i ? AF_INET6 : AF_INET;
	socklen_t len;
	struct sockaddr_storage addr = loopback(family, &len);
	const char *address = _i ? "[::1]" : "127.0.0.1";
	nsec_t before = nsec_monotonic();

	if (!listen_to_kernel())
		return;
	int listener = open_socket(family, &addr, &len, true);
	uint16_t service = port_of(&addr);
	await(STATE_CLOSED, STATE_LISTEN, service, 0);
	int client = open_socket(family, &addr, &len, false);
	uint16_t port = port_of(&addr);
	int server = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	ck_assert_int_ge(server, 0);
	await(STATE_CLOSED, STATE_SYN_SENT, 0, service); /* the port is chosen after it */
	const struct statetrace_change *c = await(STATE_SYN_SENT, STATE_ESTABLISHED, port, service);
	assert_endpoint(&c->local, arena_printf(&arena, "%s:%d", address, port));
	assert_endpoint(&c->peer, arena_printf(&arena, "%s:%d", address, service));
	ck_assert_int_ge(c->t, before - CLOCK_EXACT);
	ck_assert_int_le(c->t, nsec_monotonic() + CLOCK_EXACT);
	await(STATE_SYN_RECEIVED, STATE_ESTABLISHED, service, port);
	close(client);
	await(STATE_ESTABLISHED, STATE_FIN_WAIT_1, port, service);
	await(STATE_ESTABLISHED, STATE_CLOSE_WAIT, service, port);
	close(server);
	await(STATE_CLOSE_WAIT, STATE_LAST_ACK, service, port);
	close(listener);
	await(STATE_LISTEN, STATE_CLOSED, service, 0);
	statetrace_free(trace);
}
END_TEST

/* What nobody reads in time is lost, and that is told: at once, and then how many. */
START_TEST(a_full_ring)
{
	cpu_set_t one;
	socklen_t len;

	if (!listen_to_kernel())
		return;
	CPU_ZERO(&one);
	CPU_SET(0, &one);
	ck_assert_int_eq(sched_setaffinity(0, sizeof(one), &one), 0);
	for (int i = 0; i < TOO_MANY; i++) {
		struct sockaddr_storage addr = loopback(AF_INET, &len);

		close(open_socket(AF_INET, &addr, &len, true));
	}
	ck_assert_uint_gt(statetrace_read(trace, hear, NULL), 0);
	ck_assert_uint_gt(heard.list.n, 0);
	struct sockaddr_storage addr = loopback(AF_INET, &len);
	close(open_socket(AF_INET, &addr, &len, true));
	ck_assert_uint_gt(statetrace_read(trace, hear, NULL), TOO_MANY / 2);
	statetrace_free(trace);
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("statetrace");

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_set_timeout(t, 120); /* a guard */
	tcase_add_test(t, offsets_are_the_kernels);
	tcase_add_loop_test(t, an_unknown_format_is_an_error, 0, ARRAY_SIZE(unknown_formats));
	tcase_add_test(t, no_tracefs_is_named);
	tcase_add_loop_test(t, a_record, 0, 2);
	tcase_add_test(t, a_record_of_ipv6);
	tcase_add_loop_test(t, what_does_not_matter_is_ignored, 0, ARRAY_SIZE(ignored));
	tcase_add_test(t, a_short_record_is_ignored);
	tcase_add_loop_test(t, a_life_of_a_connection, 0, 2);
	tcase_add_test(t, a_full_ring);
	return run_tests("statetrace", t);
}
