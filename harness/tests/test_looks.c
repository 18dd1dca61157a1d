/* SPDX-License-Identifier: MIT */
/*
 * Looks at a few sockets in place of a dump of all (sockets_look()), against the kernel: what has changed
 * is recorded as a dump would, what has not is left as it is, and a doubt ends in a dump.
 */
#include "harness/run/sockets.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness/base/cleanup.h"
#include "harness/run/sockdiag.h"
#include "harness/tests/netns.h"
#include "harness/tests/suite.h"

/* Enough that asking for one is the lesser work. */
#define CONNECTIONS 200
/* A guard: an acknowledgement is delayed by 200 ms at most. */
#define STATE_DEADLINE (20 * NSEC_PER_SEC)

struct pair {
	int client, server; /* descriptors */
	struct endpoint local, peer;
};

static struct arena arena;
static struct plan *plan;
static struct host host;
static struct procs *procs;
static struct sockets *sockets;
static struct observations obs;
static struct pair pairs[CONNECTIONS];
static int listener;

static void set_loopback_up(void)
{
	struct ifreq r = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	_cleanup_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(ioctl(fd, SIOCSIFFLAGS, &r), 0);
}

static struct endpoint endpoint_of(const struct sockaddr_in6 *a)
{
	struct endpoint e = {.family = AF_INET6, .port = ntohs(a->sin6_port)};

	/* A mapped address is IPv4 on the cable, and so it is recorded. */
	if (IN6_IS_ADDR_V4MAPPED(&a->sin6_addr)) {
		e.family = AF_INET;
		memcpy(e.addr, a->sin6_addr.s6_addr + 12, 4);
	} else {
		memcpy(e.addr, a->sin6_addr.s6_addr, sizeof(e.addr));
	}
	return e;
}

/* The listener takes both families; every other connection is of IPv4. */
static struct pair connect_pair(int i)
{
	static const char *const to[] = {"::1", "::ffff:127.0.0.1"};
	struct sockaddr_in6 at = {.sin6_family = AF_INET6, .sin6_port = htons(8000)}, own = {0};
	socklen_t len = sizeof(own);
	struct pair p = {.client = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0)};

	ck_assert_int_eq(inet_pton(AF_INET6, to[i % 2], &at.sin6_addr), 1);
	ck_assert_int_eq(connect(p.client, (struct sockaddr *)&at, sizeof(at)), 0);
	ck_assert_int_eq(getsockname(p.client, (struct sockaddr *)&own, &len), 0);
	p.local = endpoint_of(&own);
	p.peer = endpoint_of(&at);
	return p;
}

static void accept_pair(struct pair *p)
{
	p->server = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	ck_assert_int_ge(p->server, 0);
}

static void open_listener(void)
{
	struct sockaddr_in6 at = {.sin6_family = AF_INET6, .sin6_port = htons(8000)};

	listener = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(listener, (struct sockaddr *)&at, sizeof(at)), 0);
	ck_assert_int_eq(listen(listener, CONNECTIONS), 0);
}

static void poll_all(void)
{
	struct err err = {0};

	ck_assert_msg(sockets_poll(sockets, 0, &err) == 0, "%s", err.msg);
}

/* This process is the one app of the one host; false: skipped. */
static bool prepare(void)
{
	struct err err = {0};

	if (!fresh_namespaces()) {
		skip("user namespaces are not allowed here");
		return false;
	}
	set_loopback_up();
	plan = plan_of_hosts(1, &arena);
	*vec_push(&arena, &plan->apps) = (struct plan_app){.name = "app", .host = 0};
	host = (struct host){.plan = &plan->hosts.v[0],
			     .diag_fd = sockdiag_open(&err),
			     .notify_fd = sockdiag_open_notifications(&err)};
	ck_assert_msg(host.diag_fd >= 0 && host.notify_fd >= 0, "%s", err.msg);
	obs.arena = &arena;
	procs = procs_new(plan);
	sockets = sockets_new(plan, &host, procs, &obs);
	open_listener();
	for (int i = 0; i < CONNECTIONS; i++) {
		pairs[i] = connect_pair(i);
		accept_pair(&pairs[i]);
	}
	poll_all();
	return true;
}

static void finish(void)
{
	sockets_free(sockets);
	procs_free(procs);
	arena_free(&arena);
}

static struct suspect client_of(const struct pair *p, bool lives)
{
	return (struct suspect){.sk = 1,
				.local = p->local,
				.peer = p->peer,
				.lives = lives,
				.looks = SUSPECTS_TWICE};
}

/* The records that the look makes begin at obs.list.v[*ret_first]. */
static struct suspects look_at(const struct suspect *one, size_t *ret_first)
{
	struct suspects s = {0};
	struct err err = {0};

	suspects_add(&s, one);
	*ret_first = obs.list.n;
	ck_assert_msg(sockets_look(sockets, 0, &s, &err) == 0, "%s", err.msg);
	return s;
}

/* Of the sockets of this connection's opener. */
static size_t count_records(size_t first, enum obs_event event, int state, const struct pair *p)
{
	size_t n = 0;

	for (size_t i = first; i < obs.list.n; i++) {
		const struct observation *o = &obs.list.v[i];

		n += o->event == event && o->socket.state == state &&
		     endpoint_equal(&o->socket.local, &p->local);
	}
	return n;
}

static void wait_for_state(const struct pair *p, int state)
{
	nsec_t deadline = nsec_monotonic() + STATE_DEADLINE;
	struct obs_socket shown;
	struct err err = {0};
	int found;

	do {
		found = sockdiag_find(host.diag_fd, &p->local, &p->peer, ETH0_IFINDEX, &shown,
				      &err);
		ck_assert_msg(found >= 0, "%s", err.msg);
		ck_assert_int_lt(nsec_monotonic(), deadline);
	} while (!found || shown.state != state);
}

/* The kernel sends them from a thread of its own (net/core/sock_diag.c). */
static void wait_for_note(const struct pair *p)
{
	nsec_t deadline = nsec_monotonic() + STATE_DEADLINE;
	size_t first = obs.list.n;

	while (!count_records(first, EV_DESTROYED, STATE_ESTABLISHED, p)) {
		sockets_read_notes(sockets, 0);
		ck_assert_int_lt(nsec_monotonic(), deadline);
	}
}

static void half_close(struct pair *p)
{
	ck_assert_int_eq(shutdown(p->client, SHUT_WR), 0);
	wait_for_state(p, STATE_FIN_WAIT_2);
}

static void assert_found(const struct pair *p, int expected)
{
	struct obs_socket shown = {0};
	struct err err = {0};

	ck_assert_int_eq(
		sockdiag_find(host.diag_fd, &p->local, &p->peer, ETH0_IFINDEX, &shown, &err),
		expected);
	if (!expected)
		return;
	ck_assert(endpoint_equal(&shown.local, &p->local));
	ck_assert(endpoint_equal(&shown.peer, &p->peer));
	ck_assert_int_eq(shown.state, STATE_ESTABLISHED);
	ck_assert_uint_ne(shown.inode, 0);
}

/* Of both families; and a connection that is none is not its listener, which the kernel answers with. */
START_TEST(one_is_found)
{
	struct pair none;

	if (!prepare())
		return;
	assert_found(&pairs[0], 1);
	assert_found(&pairs[1], 1);
	none = (struct pair){.local = pairs[_i].peer, .peer = pairs[_i].local};
	none.peer.port = 1;
	assert_found(&none, 0);
	finish();
}
END_TEST

/* shutdown(2) sends a FIN: the one end is in FIN_WAIT_2, the other in CLOSE_WAIT. */
START_TEST(only_what_is_asked_for_is_recorded)
{
	size_t first;

	if (!prepare())
		return;
	half_close(&pairs[_i]);
	struct suspect one = client_of(&pairs[_i], true);
	struct suspects s = look_at(&one, &first);
	ck_assert_uint_eq(obs.list.n - first, 1);
	ck_assert_uint_eq(count_records(first, EV_STATE, STATE_FIN_WAIT_2, &pairs[_i]), 1);
	ck_assert_uint_eq(s.list[0].looks, SUSPECTS_TWICE);
	/* The others are as they were: a dump has nothing to add but the other end. */
	first = obs.list.n;
	poll_all();
	ck_assert_uint_eq(obs.list.n - first, 1);
	ck_assert_int_eq(obs.list.v[first].socket.state, STATE_CLOSE_WAIT);
	finish();
}
END_TEST

/* It closed, both ends, and its notification told so: there is nothing to look at any more. */
START_TEST(what_was_destroyed_is_no_doubt)
{
	size_t first;

	if (!prepare())
		return;
	/* The end that closes last leaves nothing behind. */
	close(pairs[0].server);
	wait_for_state(&pairs[0], STATE_CLOSE_WAIT);
	close(pairs[0].client);
	wait_for_note(&pairs[0]);
	struct suspect one = client_of(&pairs[0], false);
	struct suspects s = look_at(&one, &first);
	ck_assert_uint_eq(s.list[0].looks, 0);
	/* No dump was made: it would have shown TIME_WAIT at the other end. */
	for (size_t i = first; i < obs.list.n; i++)
		ck_assert_int_eq(obs.list.v[i].event, EV_DESTROYED);
	finish();
}
END_TEST

/* A reset takes it from the tables, and no notification comes until its descriptor is closed. */
START_TEST(one_that_is_gone_unheard_is_found_by_a_dump)
{
	struct linger reset = {.l_onoff = 1};
	size_t first;

	if (!prepare())
		return;
	ck_assert_int_eq(setsockopt(pairs[0].server, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)),
			 0);
	close(pairs[0].server);
	struct suspect one = client_of(&pairs[0], false);
	look_at(&one, &first);
	ck_assert_uint_eq(count_records(first, EV_GONE, STATE_ESTABLISHED, &pairs[0]), 1);
	finish();
}
END_TEST

/* The kernel said that it is there, and it is not found: whatever the reason, all are looked at. */
START_TEST(one_that_should_be_there_is_looked_for_in_a_dump)
{
	struct suspect one;
	size_t first;

	if (!prepare())
		return;
	half_close(&pairs[0]);
	one = client_of(&pairs[1], _i);
	one.local.port = 1;
	look_at(&one, &first);
	ck_assert_uint_eq(count_records(first, EV_STATE, STATE_FIN_WAIT_2, &pairs[0]), _i);
	finish();
}
END_TEST

/* The kernel tells nobody of an accept: whoever is not accepted yet is asked for in each look. */
START_TEST(an_accept_is_seen)
{
	struct pair late;
	size_t first;

	if (!prepare())
		return;
	late = connect_pair(_i);
	poll_all();
	accept_pair(&late);
	struct suspect one = client_of(&pairs[0], true);
	look_at(&one, &first);
	ck_assert_uint_eq(obs.list.n - first, 1);
	const struct observation *o = &obs.list.v[first];
	ck_assert(endpoint_equal(&o->socket.peer, &late.local));
	ck_assert_uint_ne(o->socket.inode, 0);
	ck_assert_int_eq(o->app, 0);
	finish();
}
END_TEST

/*
 * One descriptor that is disconnected (AF_UNSPEC) and connected again between two dumps keeps its cookie, its
 * file and its state: only its ports tell that it is another connection.
 */
START_TEST(a_socket_that_is_used_again)
{
	struct sockaddr nowhere = {.sa_family = AF_UNSPEC};
	struct sockaddr_in6 at = {.sin6_family = AF_INET6, .sin6_port = htons(8000)}, own = {0};
	socklen_t len = sizeof(own);

	if (!prepare())
		return;
	struct pair *p = &pairs[0];
	size_t first = obs.list.n;
	at.sin6_addr = in6addr_loopback;
	ck_assert_int_eq(connect(p->client, &nowhere, sizeof(nowhere)), 0);
	ck_assert_int_eq(connect(p->client, (struct sockaddr *)&at, sizeof(at)), 0);
	ck_assert_int_eq(getsockname(p->client, (struct sockaddr *)&own, &len), 0);
	p->local = endpoint_of(&own);
	poll_all();
	ck_assert_uint_eq(count_records(first, EV_STATE, STATE_ESTABLISHED, p), 1);
	finish();
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("looks");

	tcase_add_loop_test(t, one_is_found, 0, 2);
	tcase_add_loop_test(t, only_what_is_asked_for_is_recorded, 0, 2);
	tcase_add_test(t, what_was_destroyed_is_no_doubt);
	tcase_add_test(t, one_that_is_gone_unheard_is_found_by_a_dump);
	tcase_add_loop_test(t, one_that_should_be_there_is_looked_for_in_a_dump, 0, 2);
	tcase_add_loop_test(t, an_accept_is_seen, 0, 2);
	tcase_add_test(t, a_socket_that_is_used_again);
	return run_tests("looks", t);
}
