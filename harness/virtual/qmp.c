/* SPDX-License-Identifier: MIT */
#include "harness/virtual/qmp.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness/base/cleanup.h"

/* Waits until QEMU has said something. */
static int wait_readable(const struct qmp *q, nsec_t deadline, struct err *err)
{
	struct pollfd p[] = {{.fd = q->fd, .events = POLLIN},
			     {.fd = q->cancel_fd, .events = POLLIN}};

	for (;;) {
		nsec_t left = deadline - nsec_monotonic();
		struct timespec timeout = nsec_to_timespec(left > 0 ? left : 0);
		int n = ppoll(p, ARRAY_SIZE(p), &timeout, NULL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, "wait for QEMU");
		if (p[1].revents)
			return err_set(err, "cancelled");
		if (n == 0)
			return err_set(err, "QEMU does not answer");
		return 0;
	}
}

/* The next line that QEMU says, as JSON. */
static json_t *read_message(struct qmp *q, nsec_t deadline, struct err *err)
{
	for (;;) {
		char *end = memchr(q->buf, '\n', q->used);

		if (end) {
			size_t line = (size_t)(end - q->buf) + 1;
			json_t *message = json_loadb(q->buf, line, 0, NULL);

			q->used -= line;
			memmove(q->buf, q->buf + line, q->used);
			if (!message)
				err_set(err, "QEMU said what is not JSON");
			return message;
		}
		if (q->used == sizeof(q->buf)) {
			err_set(err, "QEMU's answer is too long");
			return NULL;
		}
		if (wait_readable(q, deadline, err) < 0)
			return NULL;
		ssize_t n = read(q->fd, q->buf + q->used, sizeof(q->buf) - q->used);
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n <= 0) {
			err_set(err, "QEMU ended unexpectedly");
			return NULL;
		}
		q->used += (size_t)n;
	}
}

static int send_message(const struct qmp *q, json_t *message, int send_fd, struct err *err)
{
	_cleanup_free_ char *text = json_dumps(message, JSON_COMPACT);
	char control[CMSG_SPACE(sizeof(int))] = {0};
	struct iovec iov = {.iov_base = text, .iov_len = text ? strlen(text) : 0};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};

	if (!text)
		return err_set(err, "out of memory");
	if (send_fd >= 0) {
		m.msg_control = control;
		m.msg_controllen = sizeof(control);
		struct cmsghdr *c = CMSG_FIRSTHDR(&m);

		*c = (struct cmsghdr){.cmsg_level = SOL_SOCKET,
				      .cmsg_type = SCM_RIGHTS,
				      .cmsg_len = CMSG_LEN(sizeof(int))};
		memcpy(CMSG_DATA(c), &send_fd, sizeof(int));
	}
	/* A command is short: it goes whole or not at all into an empty socket. */
	if (TEMP_FAILURE_RETRY(sendmsg(q->fd, &m, MSG_NOSIGNAL)) != (ssize_t)iov.iov_len)
		return err_errno(err, "talk to QEMU");
	return 0;
}

/* What is wrong with the command, in QEMU's words. */
static int refused(const char *name, json_t *error, struct err *err)
{
	const char *why = json_string_value(json_object_get(error, "desc"));

	return err_set(err, "QEMU: %s: %s", name, why ? why : "refused");
}

int qmp_command(struct qmp *q, const char *name, json_t *arguments, int send_fd, json_t **ret,
		nsec_t deadline, struct err *err)
{
	_cleanup_json_ json_t *command = json_pack("{ss}", "execute", name);

	if (arguments)
		json_object_set_new(command, "arguments", arguments);
	if (send_message(q, command, send_fd, err) < 0)
		return -1;
	for (;;) {
		_cleanup_json_ json_t *m = read_message(q, deadline, err);

		if (!m)
			return -1;
		if (json_object_get(m, "event")) {
			json_array_append(q->events, m);
			continue;
		}
		json_t *error = json_object_get(m, "error");
		if (error)
			return refused(name, error, err);
		if (ret)
			*ret = json_incref(json_object_get(m, "return"));
		return 0;
	}
}

static bool is_event(json_t *message, const char *name)
{
	const char *event = json_string_value(json_object_get(message, "event"));

	return event && !strcmp(event, name);
}

int qmp_wait_event(struct qmp *q, const char *name, nsec_t deadline, struct err *err)
{
	for (size_t i = 0; i < json_array_size(q->events); i++)
		if (is_event(json_array_get(q->events, i), name))
			return json_array_remove(q->events, i);
	for (;;) {
		_cleanup_json_ json_t *m = read_message(q, deadline, err);

		if (!m)
			return -1;
		if (is_event(m, name))
			return 0;
		json_array_append(q->events, m);
	}
}

int qmp_begin(struct qmp *q, int fd, int cancel_fd, nsec_t deadline, struct err *err)
{
	q->fd = fd;
	q->cancel_fd = cancel_fd;
	q->used = 0;
	q->events = json_array();
	_cleanup_json_ json_t *greeting = read_message(q, deadline, err);
	if (!greeting)
		return -1;
	return qmp_command(q, "qmp_capabilities", NULL, -1, NULL, deadline, err);
}

void qmp_end(struct qmp *q)
{
	if (q->fd >= 0)
		close(TAKE_FD(q->fd));
	json_decref(q->events);
	q->events = NULL;
}
