/* SPDX-License-Identifier: MIT */
#include "faults/tests/testforwarder.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void die(const char *what)
{
	perror(what);
	abort();
}

static struct forwarder_msg receive(const struct testforwarder *f)
{
	struct forwarder_msg msg;

	if (recv(f->control, &msg, sizeof(msg), 0) != sizeof(msg))
		die("the forwarder is gone");
	return msg;
}

static void tell(const struct testforwarder *f, struct forwarder_msg msg)
{
	atomic_fetch_add(&f->config.shared->n_commands, 1);
	if (send(f->control, &msg, sizeof(msg), MSG_NOSIGNAL) != sizeof(msg))
		die("the forwarder does not listen");
}

void testforwarder_init(struct testforwarder *f, const struct testnet *net, const struct plan *plan)
{
	int pair[2];

	*f = (struct testforwarder){.net = net, .shared_size = forwarder_shared_size(plan)};
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		die("socketpair");
	f->control = pair[0];
	f->config = (struct forwarder_config){
		.plan = plan,
		.port_ifindex = net->port_ifindex,
		.control_fd = pair[1],
		.pcapng_fd = memfd_create("packets", MFD_CLOEXEC),
		.observations_fd = memfd_create("observations", MFD_CLOEXEC),
		.shared = mmap(NULL, f->shared_size, PROT_READ | PROT_WRITE,
			       MAP_SHARED | MAP_ANONYMOUS, -1, 0),
		.alarm_fd = -1,
	};
}

void testforwarder_up(struct testforwarder *f)
{
	f->pid = fork();
	if (f->pid < 0)
		die("fork");
	if (!f->pid) {
		close(f->control);
		testnet_enter(f->net->cable_ns);
		_exit(f->engine ? forwarder_run_engine(&f->config, f->engine)
				: forwarder_run(&f->config));
	}
	close(f->config.control_fd);
	struct forwarder_msg msg = receive(f);
	if (msg.command != FORWARDER_UP) {
		fprintf(stderr, "%s\n", msg.err.msg);
		abort();
	}
}

void testforwarder_start(struct testforwarder *f)
{
	f->t0 = nsec_monotonic();
	tell(f, (struct forwarder_msg){.command = FORWARDER_START, .t0 = f->t0});
}

static int wait_for_exit(const struct testforwarder *f)
{
	int status;

	if (waitpid(f->pid, &status, 0) != f->pid || !WIFEXITED(status))
		die("the forwarder did not exit");
	return WEXITSTATUS(status);
}

void testforwarder_end(struct testforwarder *f, struct err *err)
{
	tell(f, (struct forwarder_msg){.command = FORWARDER_END});
	struct forwarder_msg msg = receive(f);
	int status = wait_for_exit(f);

	*err = msg.err;
	if ((status != EXIT_SUCCESS) != (msg.command == FORWARDER_FAILED))
		err_set(err, "answer %d, but exit status %d", (int)msg.command, status);
}

int testforwarder_abandon(struct testforwarder *f)
{
	close(f->control);
	f->control = -1;
	return wait_for_exit(f);
}

struct observation *testforwarder_observations(const struct testforwarder *f, size_t *ret_n)
{
	struct stat st;

	if (fstat(f->config.observations_fd, &st))
		die("fstat");
	struct observation *o = malloc((size_t)st.st_size + 1);
	if (!o || pread(f->config.observations_fd, o, (size_t)st.st_size, 0) != st.st_size)
		die("read the observations");
	*ret_n = (size_t)st.st_size / sizeof(*o);
	return o;
}

void testforwarder_free(struct testforwarder *f)
{
	close(f->control);
	close(f->config.pcapng_fd);
	close(f->config.observations_fd);
	munmap(f->config.shared, f->shared_size);
}
