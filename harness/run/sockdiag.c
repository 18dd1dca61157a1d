/* SPDX-License-Identifier: MIT */
#include "harness/run/sockdiag.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <sys/socket.h>
#include <unistd.h>

#include <netlink/msg.h>

#include "harness/base/cleanup.h"

/* The largest error number of the kernel (include/linux/err.h). */
#define MAX_ERRNO          4095
#define DIAG_RECEIVE_BYTES ((size_t)64 * 1024)
/* Room for a burst of destroyed sockets; the kernel clips it to net.core.rmem_max. */
#define NOTIFY_BUFFER_BYTES (8 * 1024 * 1024)
/*
 * ESTABLISHED to NEW_SYN_RECV, and not one more: from Linux 6.8 the next bit asks for sockets that
 * are bound and nothing else, and the kernel walks another large table for them.
 */
#define ALL_TCP_STATES ((2U << KERNEL_NEW_SYN_RECV) - 2)
/* A request socket: the kernel shows it as SYN_RECV in dumps, but guard against its own number. */
#define KERNEL_NEW_SYN_RECV 12

static const uint8_t families[] = {AF_INET, AF_INET6};

int sockdiag_open(struct err *err)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);

	return fd >= 0 ? fd : err_errno(err, "open NETLINK_SOCK_DIAG (inet_diag in the kernel?)");
}

int sockdiag_open_notifications(struct err *err)
{
	struct sockaddr_nl addr = {
		.nl_family = AF_NETLINK,
		.nl_groups = 1U << (SKNLGRP_INET_TCP_DESTROY - 1) |
			     1U << (SKNLGRP_INET6_TCP_DESTROY - 1),
	};
	int size = NOTIFY_BUFFER_BYTES;
	_cleanup_close_ int fd =
		socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_SOCK_DIAG);

	if (fd < 0)
		return err_errno(err, "open NETLINK_SOCK_DIAG (inet_diag in the kernel?)");
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		return err_errno(err, "subscribe to destroyed sockets");
	return TAKE_FD(fd);
}

static struct endpoint to_endpoint(uint8_t family, const __be32 *addr, __be16 port)
{
	struct endpoint e = {.family = family, .port = ntohs(port)};

	memcpy(e.addr, addr, family == AF_INET ? 4 : 16);
	/* A dual-stack socket shows IPv4 peers as ::ffff:a.b.c.d; on the cable they are IPv4. */
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	if (family == AF_INET6 && !memcmp(e.addr, mapped, sizeof(mapped))) {
		memmove(e.addr, e.addr + 12, 4);
		memset(e.addr + 4, 0, 12);
		e.family = AF_INET;
	}
	return e;
}

static struct obs_socket to_socket(const struct inet_diag_msg *m)
{
	uint8_t state = m->idiag_state == KERNEL_NEW_SYN_RECV ? STATE_SYN_RECEIVED : m->idiag_state;

	return (struct obs_socket){
		.local = to_endpoint(m->idiag_family, m->id.idiag_src, m->id.idiag_sport),
		.peer = to_endpoint(m->idiag_family, m->id.idiag_dst, m->id.idiag_dport),
		.cookie = (uint64_t)m->id.idiag_cookie[1] << 32 | m->id.idiag_cookie[0],
		.inode = m->idiag_inode,
		.state = state,
		.rqueue = m->idiag_rqueue,
		.wqueue = m->idiag_wqueue,
		.since = NSEC_UNSET,
		.timer = m->idiag_timer <= TIMER_PERSIST ? m->idiag_timer : 0,
		.retries = m->idiag_retrans,
		.left = (nsec_t)m->idiag_expires * NSEC_PER_MSEC,
	};
}

struct diag_request {
	struct nlmsghdr header;
	struct inet_diag_req_v2 body;
};

static int request_dump(int fd, uint8_t family)
{
	struct diag_request req = {
		.header = {.nlmsg_len = sizeof(req),
			   .nlmsg_type = SOCK_DIAG_BY_FAMILY,
			   .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
		.body = {.sdiag_family = family,
			 .sdiag_protocol = IPPROTO_TCP,
			 .idiag_states = ALL_TCP_STATES},
	};

	return TEMP_FAILURE_RETRY(send(fd, &req, sizeof(req), 0)) < 0 ? -1 : 0;
}

typedef void (*message_fn)(const struct inet_diag_msg *m, void *arg);

/* Of an answer that is an error: its number, or EPROTO if it is none. */
static int error_number(const struct nlmsghdr *h)
{
	const struct nlmsgerr *e = NLMSG_DATA(h);
	bool sane =
		h->nlmsg_len >= NLMSG_LENGTH(sizeof(*e)) && e->error < 0 && e->error >= -MAX_ERRNO;

	return sane ? -e->error : EPROTO;
}

/* As nlmsg_next() of libnl, for what may not be written to. */
static const struct nlmsghdr *next_message(const struct nlmsghdr *h, int *left)
{
	size_t len = NLMSG_ALIGN(h->nlmsg_len);

	*left -= (int)len;
	return (const void *)((const char *)h + len);
}

/* As sockdiag_parse(), but for the kernel's own messages. */
static int parse_messages(const void *data, size_t len, message_fn fn, void *arg, struct err *err)
{
	int left = (int)len;

	for (const struct nlmsghdr *h = data; nlmsg_ok(h, left); h = next_message(h, &left)) {
		if (h->nlmsg_type == NLMSG_DONE)
			return 1;
		if (h->nlmsg_type == NLMSG_ERROR) {
			errno = error_number(h);
			return err_errno(err, "dump the sockets");
		}
		if (h->nlmsg_type == SOCK_DIAG_BY_FAMILY &&
		    h->nlmsg_len >= NLMSG_LENGTH(sizeof(struct inet_diag_msg)))
			fn(NLMSG_DATA(h), arg);
	}
	return 0;
}

/* Calls fn for each message until the end of the dump. */
static int read_dump(int fd, message_fn fn, void *arg, struct err *err)
{
	static _Alignas(struct nlmsghdr) char buf[DIAG_RECEIVE_BYTES];

	for (;;) {
		ssize_t n = recv(fd, buf, sizeof(buf), 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, "dump the sockets");
		int rc = parse_messages(buf, (size_t)n, fn, arg, err);
		if (rc != 0)
			return rc < 0 ? -1 : 0;
	}
}

struct dump_context {
	sockdiag_fn fn;
	void *arg;
};

static void dump_one(const struct inet_diag_msg *m, void *arg)
{
	const struct dump_context *c = arg;
	struct obs_socket s = to_socket(m);

	c->fn(&s, c->arg);
}

int sockdiag_parse(const void *data, size_t len, sockdiag_fn fn, void *arg, struct err *err)
{
	struct dump_context c = {fn, arg};

	return parse_messages(data, len, dump_one, &c, err);
}

int sockdiag_dump(int fd, sockdiag_fn fn, void *arg, struct err *err)
{
	struct dump_context c = {fn, arg};

	for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
		if (request_dump(fd, families[i]) < 0)
			return err_errno(err, "ask for the sockets");
		if (read_dump(fd, dump_one, &c, err) < 0)
			return -1;
	}
	return 0;
}

static void put_endpoint(const struct endpoint *e, __be32 *addr, __be16 *port)
{
	memcpy(addr, e->addr, sizeof(e->addr));
	*port = htons(e->port);
}

static int request_one(int fd, const struct endpoint *local, const struct endpoint *peer,
		       int ifindex)
{
	struct diag_request req = {
		.header = {.nlmsg_len = sizeof(req),
			   .nlmsg_type = SOCK_DIAG_BY_FAMILY,
			   .nlmsg_flags = NLM_F_REQUEST},
		.body = {.sdiag_family = local->family,
			 .sdiag_protocol = IPPROTO_TCP,
			 .idiag_states = ALL_TCP_STATES,
			 .id = {.idiag_if = (uint32_t)ifindex,
				.idiag_cookie = {INET_DIAG_NOCOOKIE, INET_DIAG_NOCOOKIE}}},
	};

	put_endpoint(local, req.body.id.idiag_src, &req.body.id.idiag_sport);
	put_endpoint(peer, req.body.id.idiag_dst, &req.body.id.idiag_dport);
	return TEMP_FAILURE_RETRY(send(fd, &req, sizeof(req), 0)) < 0 ? -1 : 0;
}

int sockdiag_find(int fd, const struct endpoint *local, const struct endpoint *peer, int ifindex,
		  struct obs_socket *ret, struct err *err)
{
	_Alignas(struct nlmsghdr) char answer[1024];

	if (request_one(fd, local, peer, ifindex) < 0)
		return err_errno(err, "ask for a socket");
	ssize_t n = TEMP_FAILURE_RETRY(recv(fd, answer, sizeof(answer), 0));
	if (n < 0)
		return err_errno(err, "ask for a socket");
	const struct nlmsghdr *h = (const void *)answer;
	bool whole = NLMSG_OK(h, (size_t)n);
	if (whole && h->nlmsg_type == SOCK_DIAG_BY_FAMILY &&
	    h->nlmsg_len >= NLMSG_LENGTH(sizeof(struct inet_diag_msg))) {
		*ret = to_socket(NLMSG_DATA(h));
		return ret->state != STATE_LISTEN;
	}
	errno = whole && h->nlmsg_type == NLMSG_ERROR ? error_number(h) : EPROTO;
	return errno == ENOENT ? 0 : err_errno(err, "ask for a socket");
}

enum sockdiag_note sockdiag_read_note(int fd, struct obs_socket *ret)
{
	_Alignas(struct nlmsghdr) char buf[1024];
	ssize_t n;

	do
		n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == ENOBUFS ? SOCKDIAG_NOTE_LOST : SOCKDIAG_NOTE_NONE;
	const struct nlmsghdr *h = (void *)buf;
	if (!NLMSG_OK(h, (size_t)n) || h->nlmsg_len < NLMSG_LENGTH(sizeof(struct inet_diag_msg)))
		return SOCKDIAG_NOTE_NONE;
	*ret = to_socket(NLMSG_DATA(h));
	return SOCKDIAG_NOTE_DESTROYED;
}

struct victims {
	struct arena arena;
	VEC(struct inet_diag_msg) list;
};

static void collect_victim(const struct inet_diag_msg *m, void *arg)
{
	struct victims *v = arg;

	*vec_push(&v->arena, &v->list) = *m;
}

/* All there are of both families; of one when it fails for the other. */
static int collect_victims(int fd, struct victims *ret, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; i < ARRAY_SIZE(families); i++)
		if (request_dump(fd, families[i]) < 0)
			rc = err_errno(err, "ask for the sockets");
		else if (read_dump(fd, collect_victim, ret, err) < 0)
			rc = -1;
	return rc;
}

/* 0 or the kernel's error number. */
static int destroy_one(int fd, const struct inet_diag_msg *m)
{
	struct diag_request req = {
		.header = {.nlmsg_len = sizeof(req),
			   .nlmsg_type = SOCK_DESTROY,
			   .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK},
		.body = {.sdiag_family = m->idiag_family,
			 .sdiag_protocol = IPPROTO_TCP,
			 .idiag_states = ALL_TCP_STATES,
			 .id = m->id},
	};
	_Alignas(struct nlmsghdr) char answer[256];

	if (TEMP_FAILURE_RETRY(send(fd, &req, sizeof(req), 0)) < 0)
		return errno;
	ssize_t n = TEMP_FAILURE_RETRY(recv(fd, answer, sizeof(answer), 0));
	if (n < 0)
		return errno;
	const struct nlmsghdr *h = (const void *)answer;
	const struct nlmsgerr *e = NLMSG_DATA(h);
	if ((size_t)n < NLMSG_LENGTH(sizeof(*e)) || h->nlmsg_type != NLMSG_ERROR)
		return EPROTO;
	return -e->error;
}

void sockdiag_destroy_all(int fd)
{
	struct err ignored = {0};
	struct victims v = {0};

	(void)collect_victims(fd, &v, &ignored);
	vec_foreach (m, &v.list)
		(void)destroy_one(fd, m);
	arena_free(&v.arena);
}

/* A socket that is destroyed may leave another for a moment: a listener its half-open connections. */
#define DESTROY_ROUNDS 4

static int explain_destroy(const struct inet_diag_msg *m, int error, struct err *err)
{
	errno = error;
	if (error == EOPNOTSUPP && m->idiag_state == STATE_TIME_WAIT)
		return err_set(err, "destroy a socket in TIME_WAIT: this kernel does not: run one "
				    "from 5.19 on, or let the host have none");
	if (error == EOPNOTSUPP)
		return err_set(err, "destroy a socket: this kernel was built without "
				    "CONFIG_INET_DIAG_DESTROY: run one that has it, as those of "
				    "Debian and Ubuntu do, or --clock virtual with such a one");
	return err_errno(err, "destroy a socket in %s",
			 m->idiag_state <= STATE_CLOSING ? tcp_state_names[m->idiag_state] : "?");
}

/* Destroys what one dump shows; *ret_found is how many that was. */
static int destroy_round(int fd, size_t *ret_found, uint64_t *destroyed, struct err *err)
{
	struct victims v = {0};
	int rc = collect_victims(fd, &v, err);

	*ret_found = v.list.n;
	for (size_t i = 0; i < v.list.n && rc == 0; i++) {
		int error = destroy_one(fd, &v.list.v[i]);

		if (error == 0)
			(*destroyed)++;
		else if (error != ENOENT) /* else it went by itself */
			rc = explain_destroy(&v.list.v[i], error, err);
	}
	arena_free(&v.arena);
	return rc;
}

int sockdiag_destroy_every(int fd, uint64_t *ret_n, struct err *err)
{
	size_t found = 1;

	*ret_n = 0;
	for (int round = 0; found && round < DESTROY_ROUNDS; round++)
		if (destroy_round(fd, &found, ret_n, err) < 0)
			return -1;
	return found ? err_set(err, "destroy all sockets: %zu were there again each time", found)
		     : 0;
}
