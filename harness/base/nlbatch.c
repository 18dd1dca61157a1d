/* SPDX-License-Identifier: MIT */
#include "harness/base/nlbatch.h"

#include <errno.h>
#include <linux/netlink.h>
#include <stdbool.h>
#include <sys/socket.h>

/* libnl gives each of its sockets a send buffer of 32 KiB, of which the kernel makes 64 (socket(7)). */
#define NLBATCH_SEND_BYTES   ((size_t)32 * 1024)
#define NLBATCH_ANSWER_BYTES ((size_t)32 * 1024)

void nlbatch_add(struct nlbatch *b, struct nl_msg *msg, const char *what)
{
	struct nlbatch_item *item = vec_push(b->arena, &b->items);

	item->what = what;
	if (!msg)
		return;
	struct nlmsghdr *h = nlmsg_hdr(msg);

	item->msg = arena_alloc(b->arena, NLMSG_ALIGN(h->nlmsg_len));
	memcpy(item->msg, h, h->nlmsg_len);
	nlmsg_free(msg);
}

/* Reads answers until the one for sequence number `last`. */
static int read_answers(struct nlbatch *b, int fd, uint32_t first, uint32_t last, struct err *err)
{
	char *buf = arena_alloc(b->arena, NLBATCH_ANSWER_BYTES);

	for (;;) {
		ssize_t n = recv(fd, buf, NLBATCH_ANSWER_BYTES, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, "read the kernel's answer");
		int left = (int)n;
		for (struct nlmsghdr *h = (void *)buf; nlmsg_ok(h, left);
		     h = nlmsg_next(h, &left)) {
			const struct nlmsgerr *e = NLMSG_DATA(h);

			if (h->nlmsg_type != NLMSG_ERROR || h->nlmsg_seq < first ||
			    h->nlmsg_seq > last)
				continue;
			if (e->error) {
				errno = -e->error;
				return err_errno(err, "%s", b->items.v[h->nlmsg_seq - first].what);
			}
			if (h->nlmsg_seq == last)
				return 0;
		}
	}
}

static int send_some(int fd, const char *buf, size_t len, struct err *err)
{
	while (send(fd, buf, len, 0) < 0)
		if (errno != EINTR)
			return err_errno(err, "send to the kernel");
	return 0;
}

int nlbatch_commit(struct nlbatch *b, struct nl_sock *sk, struct err *err)
{
	int fd = nl_socket_get_fd(sk);
	char *buf = arena_alloc(b->arena, NLBATCH_SEND_BYTES);
	size_t used = 0;
	uint32_t first = 1, seq = first;

	if (!b->items.n)
		return 0;
	vec_foreach (item, &b->items) {
		struct nlmsghdr *h = item->msg;
		bool is_last = item == &b->items.v[b->items.n - 1];

		if (!h)
			return err_set(err, "%s: libnl cannot make the request", item->what);
		h->nlmsg_seq = seq++;
		h->nlmsg_pid = 0;
		h->nlmsg_flags = (uint16_t)((h->nlmsg_flags & ~NLM_F_ACK) | NLM_F_REQUEST |
					    (is_last ? NLM_F_ACK : 0));
		if (used + NLMSG_ALIGN(h->nlmsg_len) > NLBATCH_SEND_BYTES) {
			if (send_some(fd, buf, used, err) < 0)
				return -1;
			used = 0;
		}
		memcpy(buf + used, h, h->nlmsg_len);
		used += NLMSG_ALIGN(h->nlmsg_len);
	}
	if (send_some(fd, buf, used, err) < 0)
		return -1;
	return read_answers(b, fd, first, seq - 1, err);
}
