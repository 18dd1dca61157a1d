/* SPDX-License-Identifier: MIT */
#include "harness/attach/target.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <poll.h>
#include <sched.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "harness/base/cleanup.h"
#include "harness/base/io.h"

/* The inode of the first user namespace (PROC_USER_INIT_INO of include/linux/proc_ns.h). */
#define FIRST_USER_NAMESPACE 0xEFFFFFFDU

/* Where ip-netns(8) keeps names; the second is mostly the first. */
static const char *const name_folders[] = {"/run/netns", "/var/run/netns"};

/* As the kernel shows it (proc(5), comm); "?": there is none. */
static char *process_name(pid_t pid, struct arena *a)
{
	_cleanup_close_ int fd = open(arena_printf(a, "/proc/%d/comm", pid), O_RDONLY | O_CLOEXEC);
	char comm[64];
	ssize_t n = fd < 0 ? -1 : io_read_all(fd, comm, sizeof(comm) - 1);

	if (n <= 0)
		return arena_strdup(a, "?");
	comm[n] = '\0';
	return arena_strndup(a, comm, strcspn(comm, "\n"));
}

/* --- whose it is --- */

static bool is_same(const struct target *t, const struct stat *st)
{
	return t->dev == st->st_dev && t->ino == st->st_ino;
}

/* Only a namespace that the first user namespace owns can be the machine's. */
static bool can_be_the_machines(const struct target *t)
{
	_cleanup_close_ int owner = ioctl(t->ns_fd, NS_GET_USERNS);
	struct stat st;

	/* An owner that we may not see is above us: entering will be refused. */
	if (owner < 0 || fstat(owner, &st) < 0)
		return errno != EPERM;
	return st.st_ino == FIRST_USER_NAMESPACE;
}

/*
 * The machine's: that of process 1. Where that may not be looked at, process 2 mostly may: a thread of
 * the kernel, which is in the initial one. In a container 2 is anybody.
 */
static bool find_the_machines(struct arena *a, struct stat *ret)
{
	return stat("/proc/1/ns/net", ret) == 0 ||
	       (!strcmp(process_name(2, a), "kthreadd") && stat("/proc/2/ns/net", ret) == 0);
}

static int refuse_own(const struct target *t, struct arena *a, struct err *err)
{
	struct stat own, first;

	if (stat("/proc/self/ns/net", &own) < 0)
		return err_errno(err, "look at the own network namespace");
	if (is_same(t, &own))
		return err_set(err,
			       "%s is the network namespace that wirecut itself is in, and is left "
			       "alone; name that of a container (--pid) or of `ip netns` (--netns)",
			       t->label);
	bool is_known = find_the_machines(a, &first);
	if (is_known && is_same(t, &first))
		return err_set(err,
			       "%s is the machine's own (that of process 1), and is left alone; "
			       "name that of a container (--pid) or of `ip netns` (--netns)",
			       t->label);
	if (!is_known && can_be_the_machines(t))
		return err_set(err,
			       "%s may be the machine's own, which is left alone: the network "
			       "namespace of process 1 may not be looked at, which would tell (it "
			       "needs CAP_SYS_PTRACE)",
			       t->label);
	return 0;
}

static int identify(struct target *t, struct arena *a, struct err *err)
{
	struct stat st;

	if (ioctl(t->ns_fd, NS_GET_NSTYPE) != CLONE_NEWNET)
		return err_set(err,
			       "%s: %s is no network namespace: what is left of one that is gone "
			       "(`ip netns del` removes it)",
			       t->label, t->path);
	if (fstat(t->ns_fd, &st) < 0)
		return err_errno(err, "%s", t->path);
	t->dev = st.st_dev;
	t->ino = st.st_ino;
	return refuse_own(t, a, err);
}

/* --- by name --- */

/* "a, b", as far as a message has room. */
static char *names_there(struct arena *a)
{
	char *list = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(name_folders) && !list; i++) {
		DIR *dir = opendir(name_folders[i]);
		const struct dirent *e;

		while (dir && (e = readdir(dir)))
			if (e->d_name[0] != '.')
				list = list ? arena_printf(a, "%s, %s", list, e->d_name)
					    : arena_strdup(a, e->d_name);
		if (dir)
			closedir(dir);
	}
	return list ? list : arena_strdup(a, "none");
}

static int open_name(struct target *t, const char *name, struct arena *a, struct err *err)
{
	t->label = arena_printf(a, "network namespace %s", name);
	t->tc = arena_printf(a, "tc -n %s", name);
	t->gone_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (t->gone_fd < 0)
		return err_errno(err, "watch for the end of %s", t->label);
	for (size_t i = 0; i < ARRAY_SIZE(name_folders); i++) {
		/* The watch first: then no end comes between. */
		if (inotify_add_watch(t->gone_fd, name_folders[i],
				      IN_DELETE | IN_MOVED_FROM | IN_ONLYDIR) < 0)
			continue;
		t->path = arena_printf(a, "%s/%s", name_folders[i], name);
		t->ns_fd = open(t->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
		if (t->ns_fd >= 0)
			return 0;
		if (errno != ENOENT)
			return err_errno(err, "open %s", t->path);
	}
	return err_set(err,
		       "no network namespace is called '%s': looked in %s and %s, where there are: "
		       "%s; of Docker's and Podman's containers give a process: --pid $(podman "
		       "inspect -f '{{.State.Pid}}' NAME)",
		       name, name_folders[0], name_folders[1], names_there(a));
}

/* --- by process --- */

static int open_process(struct target *t, pid_t pid, struct arena *a, struct err *err)
{
	t->is_of_process = true;
	t->gone_fd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (t->gone_fd < 0 && errno == EINVAL)
		return err_set(err, "--pid: %d is a thread; give the number of its process", pid);
	if (t->gone_fd < 0)
		return err_errno(err, "--pid: process %d", pid);
	t->label =
		arena_printf(a, "network namespace of process %d (%s)", pid, process_name(pid, a));
	t->tc = arena_printf(a, "nsenter -t %d -n tc", pid);
	t->path = arena_printf(a, "/proc/%d/ns/net", pid);
	t->ns_fd = open(t->path, O_RDONLY | O_CLOEXEC);
	if (t->ns_fd < 0 && (errno == EACCES || errno == EPERM))
		return err_errno(err,
				 "look at the %s (run as the machine's root, or as the user who "
				 "started it)",
				 t->label);
	/* While its pidfd does not say that it has ended, the number is still this process's. */
	if (t->ns_fd < 0 || target_is_gone(t))
		return err_set(err, "--pid: process %d has ended", pid);
	return 0;
}

/* --- all of it --- */

int target_open(const char *name, pid_t pid, struct arena *a, struct target *ret, struct err *err)
{
	struct target t = {.ns_fd = -1, .gone_fd = -1};

	if ((name ? open_name(&t, name, a, err) : open_process(&t, pid, a, err)) < 0 ||
	    identify(&t, a, err) < 0) {
		target_close(&t);
		return -1;
	}
	*ret = t;
	return 0;
}

void target_close(struct target *t)
{
	if (t->ns_fd >= 0)
		close(TAKE_FD(t->ns_fd));
	if (t->gone_fd >= 0)
		close(TAKE_FD(t->gone_fd));
}

int target_enter(struct target *t, struct err *err)
{
	int rc = setns(t->ns_fd, CLONE_NEWNET);

	if (rc < 0 && errno == EPERM) {
		_cleanup_close_ int owner = ioctl(t->ns_fd, NS_GET_USERNS);

		if (owner >= 0 && setns(owner, CLONE_NEWUSER) == 0)
			rc = setns(t->ns_fd, CLONE_NEWNET);
		else
			errno = EPERM;
	}
	if (rc < 0)
		return err_errno(err,
				 "enter the %s: it needs CAP_SYS_ADMIN, and CAP_NET_ADMIN, in the "
				 "user namespace that owns it (run as root, or as the user who "
				 "started it)",
				 t->label);
	close(TAKE_FD(t->ns_fd));
	return 0;
}

bool target_is_gone(const struct target *t)
{
	struct pollfd p = {.fd = t->gone_fd, .events = POLLIN};
	char events[4096]; /* of many names; which they are is found out below */
	struct stat st;

	if (t->is_of_process)
		return poll(&p, 1, 0) == 1;
	while (read(t->gone_fd, events, sizeof(events)) > 0)
		;
	return stat(t->path, &st) < 0 || !is_same(t, &st);
}
