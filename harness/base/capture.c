/* SPDX-License-Identifier: MIT */
/*
 * The program writes into two files in memory and is waited for through a pidfd: with no pipe to be
 * read there is nothing that could block, and no event loop is needed.
 */
#include "harness/base/capture.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/base/cleanup.h"
#include "harness/base/io.h"

/* With no signal blocked and SIGPIPE as a program expects it: the harness has both otherwise. */
static int spawn(const char *const argv[], const char *const env[], int out_fd, int err_fd,
		 pid_t *ret)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none, defaults;

	sigemptyset(&none);
	sigemptyset(&defaults);
	sigaddset(&defaults, SIGPIPE);
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attributes);
	int error =
		posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	if (error == 0)
		error = posix_spawn_file_actions_adddup2(&actions, out_fd, STDOUT_FILENO);
	if (error == 0)
		error = posix_spawn_file_actions_adddup2(&actions, err_fd, STDERR_FILENO);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &defaults);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	if (error == 0)
		error = posix_spawn(ret, argv[0], &actions, &attributes, (char *const *)argv,
				    (char *const *)env);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	return error;
}

/* Waits until the process has ended, or kills it when the limit is over. */
static int wait_for(pid_t pid, const char *program, nsec_t limit, int *ret_status, struct err *err)
{
	_cleanup_close_ int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct pollfd ended = {.fd = pidfd, .events = POLLIN};
	nsec_t deadline = nsec_monotonic() + limit;
	int n = 0;

	if (pidfd < 0) {
		err_errno(err, "%s: watch it", program);
	} else {
		do {
			nsec_t left = deadline - nsec_monotonic();
			struct timespec ts = nsec_to_timespec(left > 0 ? left : 0);

			n = ppoll(&ended, 1, &ts, NULL);
		} while (n < 0 && errno == EINTR);
		if (n <= 0)
			err_set(err, "%s did not end within %.3g s", program,
				(double)limit / (double)NSEC_PER_SEC);
	}
	if (n <= 0)
		kill(pid, SIGKILL);
	(void)TEMP_FAILURE_RETRY(waitpid(pid, ret_status, 0));
	return n > 0 ? 0 : -1;
}

static char *read_back(int fd, const char *program, struct arena *a, struct err *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0 || lseek(fd, 0, SEEK_SET) < 0) {
		err_errno(err, "read what %s printed", program);
		return NULL;
	}
	char *text = arena_alloc(a, (size_t)st.st_size + 1);
	if (io_read_all(fd, text, (size_t)st.st_size) < 0) {
		err_errno(err, "read what %s printed", program);
		return NULL;
	}
	return text;
}

int capture_run(const char *const argv[], const char *const env[], nsec_t limit, struct arena *a,
		struct captured *ret, struct err *err)
{
	_cleanup_close_ int out = memfd_create("wirecut-out", MFD_CLOEXEC);
	_cleanup_close_ int errors = memfd_create("wirecut-err", MFD_CLOEXEC);
	struct captured c = {0};
	pid_t pid = -1;

	if (out < 0 || errors < 0)
		return err_errno(err, "run %s", argv[0]);
	errno = spawn(argv, env, out, errors, &pid);
	if (errno != 0)
		return err_errno(err, "run %s", argv[0]);
	if (wait_for(pid, argv[0], limit, &c.status, err) < 0)
		return -1;
	c.out = read_back(out, argv[0], a, err);
	c.err = read_back(errors, argv[0], a, err);
	if (!c.out || !c.err)
		return -1;
	*ret = c;
	return 0;
}

bool captured_success(const struct captured *c)
{
	return WIFEXITED(c->status) && WEXITSTATUS(c->status) == 0;
}
