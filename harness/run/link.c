/* SPDX-License-Identifier: MIT */
#include "harness/run/link.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "faults/netem/netem.h"
#include "faults/wire/forwarder.h"
#include "harness/base/cleanup.h"

/* Only a guard: the engine answers in milliseconds, and writes its files within seconds. */
#define LINK_ANSWER_MS 30000

struct link {
	pid_t pid;
	int control_fd;
	int observations_fd;
	int alarm_fd;
	struct forwarder_shared *shared;
	size_t shared_size;
};

void link_free(struct link *l)
{
	if (!l)
		return;
	if (l->control_fd >= 0)
		close(l->control_fd);
	if (l->observations_fd >= 0)
		close(l->observations_fd);
	if (l->alarm_fd >= 0)
		close(l->alarm_fd);
	if (l->shared)
		munmap(l->shared, l->shared_size);
	free(l);
}

int link_fd(const struct link *l)
{
	return l->control_fd;
}

pid_t link_pid(const struct link *l)
{
	return l->pid;
}

nsec_t link_last_packet(const struct link *l, int host)
{
	return atomic_load_explicit(&l->shared->host[host].last_packet, memory_order_relaxed);
}

int link_alarm_fd(const struct link *l)
{
	return l->alarm_fd;
}

void link_set_alarm(struct link *l, int host)
{
	atomic_store(&l->shared->host[host].alarm, FORWARDER_ALARM_SET);
}

void link_quiet_alarms(struct link *l)
{
	uint64_t times;

	(void)TEMP_FAILURE_RETRY(read(l->alarm_fd, &times, sizeof(times)));
}

bool link_alarm_rang(const struct link *l, int host)
{
	return atomic_load(&l->shared->host[host].alarm) == FORWARDER_ALARM_RUNG;
}

/* Waits for a message; anything but the wanted one is an error. */
static int expect_answer(struct link *l, enum forwarder_command wanted, struct err *err)
{
	struct forwarder_msg msg;
	struct pollfd p = {.fd = l->control_fd, .events = POLLIN};

	if (TEMP_FAILURE_RETRY(poll(&p, 1, LINK_ANSWER_MS)) == 0)
		return err_set(err, "the link engine did not answer within %d s",
			       LINK_ANSWER_MS / 1000);
	ssize_t n = TEMP_FAILURE_RETRY(recv(l->control_fd, &msg, sizeof(msg), 0));
	if (n < 0)
		return err_errno(err, "hear from the link engine");
	if (n != sizeof(msg))
		return err_set(err, "the link engine ended unexpectedly");
	if (msg.err.msg[0] || msg.command != wanted) {
		*err = msg.err;
		return err_wrap(err, "link engine");
	}
	return 0;
}

void link_failure(struct link *l, struct err *err)
{
	if (expect_answer(l, FORWARDER_FAILED, err) == 0)
		err_set(err, "the link engine failed");
}

static int tell(struct link *l, enum forwarder_command command, nsec_t t0, struct err *err)
{
	struct forwarder_msg msg = {.command = command, .t0 = t0};

	atomic_fetch_add(&l->shared->n_commands, 1);
	if (TEMP_FAILURE_RETRY(send(l->control_fd, &msg, sizeof(msg), MSG_NOSIGNAL)) < 0)
		return err_errno(err, "talk to the link engine");
	return 0;
}

static int make_shared(struct link *l, const struct plan *plan, struct err *err)
{
	l->shared_size = forwarder_shared_size(plan);
	void *p = mmap(NULL, l->shared_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		       0);
	if (p == MAP_FAILED)
		return err_errno(err, "share memory with the link engine");
	l->shared = p;
	l->observations_fd = memfd_create("wirecut-packets", MFD_CLOEXEC);
	if (l->observations_fd < 0)
		return err_errno(err, "make a file for the link engine's records");
	l->alarm_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (l->alarm_fd < 0)
		return err_errno(err, "make an eventfd");
	return 0;
}

static int fork_forwarder(struct link *l, const struct plan *plan, const struct host *hosts,
			  int pcapng_fd, struct err *err)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_errno(err, "make a socket pair");
	l->control_fd = pair[0];
	_cleanup_close_ int theirs = pair[1];

	l->pid = fork();
	if (l->pid < 0)
		return err_fork(err, "start the link engine");
	if (l->pid > 0)
		return 0;

	/* The engine must not hold init's end, or it would never see end of file. */
	close(l->control_fd);
	int *ports = calloc(plan->hosts.n + 1, sizeof(*ports));
	int *inner = calloc(plan->hosts.n + 1, sizeof(*inner));
	if (!ports || !inner)
		_exit(1);
	for (size_t i = 0; i < plan->hosts.n; i++) {
		ports[i] = hosts[i].port_ifindex;
		inner[i] = hosts[i].inner_ifindex;
	}
	bool by_netem = plan->link == LINK_NETEM;
	struct forwarder_config config = {
		.plan = plan,
		.port_ifindex = ports,
		.inner_ifindex = by_netem ? inner : NULL,
		.control_fd = theirs,
		.pcapng_fd = pcapng_fd,
		.observations_fd = l->observations_fd,
		.shared = l->shared,
		.alarm_fd = l->alarm_fd,
	};
	_exit(by_netem ? netem_run(&config) : forwarder_run(&config));
}

int link_start(const struct plan *plan, const struct host *hosts, int results_fd, struct link **ret,
	       struct err *err)
{
	struct link *l = calloc(1, sizeof(*l));

	if (!l)
		abort();
	*l = (struct link){.pid = -1, .control_fd = -1, .observations_fd = -1, .alarm_fd = -1};
	_cleanup_close_ int pcapng_fd = openat(results_fd, "packets.pcapng",
					       O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (pcapng_fd < 0) {
		err_errno(err, "write packets.pcapng");
		goto fail;
	}
	if (make_shared(l, plan, err) < 0 || fork_forwarder(l, plan, hosts, pcapng_fd, err) < 0 ||
	    expect_answer(l, FORWARDER_UP, err) < 0)
		goto fail;
	*ret = l;
	return 0;
fail:
	link_free(l);
	return -1;
}

int link_begin(struct link *l, nsec_t t0, struct err *err)
{
	return tell(l, FORWARDER_START, t0, err);
}

static int collect(struct link *l, struct observations *obs, struct err *err)
{
	struct stat st;

	if (fstat(l->observations_fd, &st) < 0)
		return err_errno(err, "read the link engine's records");
	size_t n = (size_t)st.st_size / sizeof(struct observation);

	for (size_t i = 0; i < n; i++) {
		struct observation o;

		if (TEMP_FAILURE_RETRY(pread(l->observations_fd, &o, sizeof(o),
					     (off_t)(i * sizeof(o)))) != sizeof(o))
			return err_errno(err, "read the link engine's records");
		o.text = NULL;
		*vec_push(obs->arena, &obs->list) = o;
	}
	return 0;
}

int link_end(struct link *l, struct observations *obs, struct err *err)
{
	if (tell(l, FORWARDER_END, 0, err) < 0 || expect_answer(l, FORWARDER_DONE, err) < 0)
		return -1;
	return collect(l, obs, err);
}
