/* SPDX-License-Identifier: MIT */
#include "harness/doctor/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/base/cleanup.h"
#include "harness/base/io.h"

#define NAMESPACES   (CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWUTS | CLONE_NEWIPC)
#define CHILD_FAILED 1

/*
 * By clone3(2), as a run does it: what a seccomp filter thinks of clone(2) or unshare(2) says nothing
 * of clone3 (Docker's answers it with ENOSYS, because a filter cannot see its flags).
 */
static pid_t clone_into(uint64_t namespaces)
{
	struct clone_args args = {.flags = namespaces, .exit_signal = SIGCHLD};

	return (pid_t)syscall(SYS_clone3, &args, sizeof(args));
}

static int write_proc(pid_t pid, const char *file, const char *text, struct err *err)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || io_write_all(fd, text, strlen(text)) < 0)
		return err_errno(err, "write %s of the new user namespace", file);
	return 0;
}

/* One id is enough for a probe, of root too; it needs the least rights. */
static int write_id_maps(pid_t pid, struct err *err)
{
	char uid_map[64], gid_map[64];

	snprintf(uid_map, sizeof(uid_map), "0 %u 1\n", geteuid());
	snprintf(gid_map, sizeof(gid_map), "0 %u 1\n", getegid());
	if (write_proc(pid, "uid_map", uid_map, err) < 0 ||
	    write_proc(pid, "setgroups", "deny", err) < 0)
		return -1;
	return write_proc(pid, "gid_map", gid_map, err);
}

/* What the child is told. */
struct call {
	void (*fn)(void *);
	void *arg;
	bool with_user;
	int go_fd; /* one byte says that the id maps are written */
};

static void __attribute__((noreturn)) child(const struct call *call)
{
	char byte;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (read(call->go_fd, &byte, 1) != 1)
		_exit(CHILD_FAILED);
	/*
	 * In a powerless namespace this fails, and that is for fn to find out. Its mounts, if it can
	 * make some after all, still do not reach the machine's: those of a new user namespace are
	 * slaves (mount_namespaces(7)). Without a user namespace nothing else would keep them here.
	 */
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 && !call->with_user)
		_exit(CHILD_FAILED);
	call->fn(call->arg);
	_exit(0);
}

/* Lets the child go, which waits for it, and waits until it has ended. */
static int finish(pid_t pid, bool with_user, int go_fd, struct err *err)
{
	int rc = with_user ? write_id_maps(pid, err) : 0, saved = errno, status = 0;

	if (rc == 0 && write(go_fd, "g", 1) != 1) {
		rc = err_errno(err, "start the process in new namespaces");
		saved = errno;
	}
	if (rc < 0)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (rc == 0 && WIFEXITED(status) && WEXITSTATUS(status) == CHILD_FAILED) {
		rc = err_set(err, "make the mounts private: Operation not permitted");
		saved = EPERM;
	}
	errno = saved;
	return rc;
}

int sandbox_call(void (*fn)(void *), void *arg, bool *ret_with_user, struct err *err)
{
	int go[2];

	if (pipe2(go, O_CLOEXEC) < 0)
		return err_errno(err, "make a pipe");
	_cleanup_close_ int go_read = go[0], go_write = go[1];
	struct call call = {fn, arg, true, go_read};

	pid_t pid = clone_into(NAMESPACES | CLONE_NEWUSER);
	if (pid < 0 && geteuid() == 0) {
		call.with_user = false;
		pid = clone_into(NAMESPACES);
	}
	if (pid == 0)
		child(&call);
	if (pid < 0)
		return err_errno(err, "clone3 into new namespaces");
	*ret_with_user = call.with_user;
	return finish(pid, call.with_user, go_write, err);
}

int sandbox_mount_proc(void)
{
	return mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
}
