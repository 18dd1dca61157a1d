/* SPDX-License-Identifier: MIT */
/*
 * What a run sees of sockets and does to them, tried on a listening socket of the probe's own network
 * namespace: it needs no interface to be up.
 */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "harness/base/cleanup.h"
#include "harness/doctor/netlink.h"
#include "harness/doctor/probe.h"
#include "harness/run/sockdiag.h"

/* The kernel tells from a work queue, so not at once; below DOCTOR_LIMIT. */
#define NOTE_LIMIT_MS 5000

static int listening_socket(struct err *err)
{
	const struct sockaddr_in any = {.sin_family = AF_INET};
	_cleanup_close_ int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (const struct sockaddr *)&any, sizeof(any)) < 0 || listen(fd, 1) < 0)
		return err_errno(err, "listen on a port");
	return TAKE_FD(fd);
}

static void count_one(const struct obs_socket *s, void *arg)
{
	int *n = arg;

	(void)s;
	(*n)++;
}

/* How many TCP sockets this network namespace has; -1 with an error. */
static int count_sockets(int diag_fd, struct err *err)
{
	int n = 0;

	return sockdiag_dump(diag_fd, count_one, &n, err) < 0 ? -1 : n;
}

static void lacks_diag(const struct doctor_input *in, const struct err *err, int error,
		       struct doctor_finding *f)
{
	finding_lack(f, "%s", err->msg);
	if (error == EPERM || error == EACCES)
		mend_refused(&in->machine, f);
	else
		mend_module("tcp_diag", f);
}

static void run_sockdiag(const struct doctor_input *in, struct doctor_finding *f)
{
	struct err err = {0};
	_cleanup_close_ int listener = listening_socket(&err);
	_cleanup_close_ int diag = listener < 0 ? -1 : sockdiag_open(&err);
	int n = diag < 0 ? -1 : count_sockets(diag, &err);

	if (n < 0) {
		lacks_diag(in, &err, errno, f);
	} else if (n == 0) {
		finding_lack(f, "a dump does not show a socket that listens");
		mend_module("tcp_diag", f);
	} else {
		finding_have(f, "a dump shows a socket that listens");
	}
}

const struct doctor_probe probe_sockdiag = {
	.name = "sock-diag",
	.what = "dumps of a host's TCP sockets",
	.costs = "nothing can be run",
	.need = DOCTOR_NEEDED,
	.sandboxed = true,
	.run = run_sockdiag,
};

static void run_destroyed(const struct doctor_input *in, struct doctor_finding *f)
{
	struct err err = {0};
	_cleanup_close_ int listener = listening_socket(&err);
	_cleanup_close_ int notes = listener < 0 ? -1 : sockdiag_open_notifications(&err);
	struct pollfd p = {.fd = notes, .events = POLLIN};
	struct obs_socket s;

	if (notes < 0) {
		lacks_diag(in, &err, errno, f);
		return;
	}
	close(TAKE_FD(listener));
	if (poll(&p, 1, NOTE_LIMIT_MS) == 1 &&
	    sockdiag_read_note(notes, &s) == SOCKDIAG_NOTE_DESTROYED) {
		finding_have(f, "told of a socket that was closed");
		return;
	}
	finding_lack(f, "not told of a socket that was closed");
	mend_module("tcp_diag", f);
}

const struct doctor_probe probe_destroyed = {
	.name = "destroy-notes",
	.what = "the kernel's word of each socket that it destroys",
	.costs = "nothing can be run",
	.need = DOCTOR_NEEDED,
	.sandboxed = true,
	.run = run_destroyed,
};

/* Who has no rights over this namespace at all may not destroy either; who has, lacks the kernel. */
static bool has_rights(void)
{
	_cleanup_arena_ struct arena arena = {0};
	struct nlbatch batch = {.arena = &arena};
	struct err refused;

	nlbatch_add(&batch, rtnl_link_request(LO_IFINDEX, true), "set up lo");
	return netlink_commit(&batch, &refused) == 0 || errno != EPERM;
}

static void explain_destroy(const struct doctor_input *in, struct doctor_finding *f)
{
	finding_lack(f, "the socket is still there");
	if (has_rights())
		finding_mend(f, "a kernel with CONFIG_INET_DIAG_DESTROY");
	else
		mend_refused(&in->machine, f);
}

static void run_destroy(const struct doctor_input *in, struct doctor_finding *f)
{
	struct err err = {0};
	_cleanup_close_ int listener = listening_socket(&err);
	_cleanup_close_ int diag = listener < 0 ? -1 : sockdiag_open(&err);

	if (diag < 0) {
		lacks_diag(in, &err, errno, f);
		return;
	}
	sockdiag_destroy_all(diag);
	int left = count_sockets(diag, &err);
	if (left < 0) {
		lacks_diag(in, &err, errno, f);
	} else if (left == 0) {
		finding_have(f, "destroyed a socket that listened");
	} else {
		explain_destroy(in, f);
	}
}

const struct doctor_probe probe_destroy = {
	.name = "sock-destroy",
	.what = "SOCK_DESTROY, for the sockets that outlive a run",
	.costs = "the namespaces of a run stay for up to two minutes after it",
	.need = DOCTOR_NICE,
	.sandboxed = true,
	.run = run_destroy,
};
