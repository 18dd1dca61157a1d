/* SPDX-License-Identifier: MIT */
/*
 * A library to preload into wirecut: it makes one call of the C library fail, the nth of its kind
 * in all of the run's processes (failing.h).
 *
 * Where the file is not named, or in another program than wirecut, it only passes calls on. It does
 * so by the system call where there is one to one, else by the next library's function.
 */
#include "harness/tests/preload/failing.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <linux/magic.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROGRAM_NAME "/wirecut"

static struct failing *shared;
static uintptr_t program_base;

/* The function that this library stands before. */
#define NEXT(function) ((__typeof__(&(function)))dlsym(RTLD_NEXT, #function))
#define RAW(...)       (NEXT(syscall)(__VA_ARGS__))
#define CALLER()       ((uintptr_t)__builtin_return_address(0))

static bool is_wirecut(void)
{
	char path[4096];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

	if (n < (ssize_t)strlen(PROGRAM_NAME))
		return false;
	path[n] = '\0';
	return strcmp(path + n - strlen(PROGRAM_NAME), PROGRAM_NAME) == 0;
}

static int first_object(struct dl_phdr_info *info, size_t size, void *arg)
{
	(void)size;
	(void)arg;
	program_base = info->dlpi_addr;
	return 1;
}

static void __attribute__((constructor)) attach(void)
{
	const char *file = getenv(FAILING_VARIABLE);

	if (file == NULL || !is_wirecut())
		return;
	int fd = (int)RAW(SYS_openat, AT_FDCWD, file, O_RDWR | O_CLOEXEC);
	void *map = NEXT(mmap)(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (fd < 0 || map == MAP_FAILED)
		abort(); /* else a test would pass for want of failures */
	close(fd);
	dl_iterate_phdr(first_object, NULL);
	shared = map;
}

/* Counts a call; true: it is the one that must fail, and errno is set. */
static bool fails(enum failing_call call, uintptr_t caller)
{
	if (shared == NULL)
		return false;
	uint32_t n = atomic_fetch_add(&shared->counts[call], 1) + 1;
	if (shared->call != (int)call || shared->nth != n)
		return false;
	atomic_store(&shared->caller, caller - program_base);
	errno = shared->error;
	return true;
}

/* --- calls that give a descriptor --- */

static mode_t mode_argument(int flags, va_list args)
{
	return (flags & (O_CREAT | __O_TMPFILE)) != 0 ? va_arg(args, mode_t) : 0;
}

int open(const char *path, int flags, ...)
{
	va_list args;

	va_start(args, flags);
	mode_t mode = mode_argument(flags, args);
	va_end(args);
	if (fails(FAILING_OPEN, CALLER()))
		return -1;
	return (int)RAW(SYS_openat, AT_FDCWD, path, flags, mode);
}

int openat(int dir_fd, const char *path, int flags, ...)
{
	va_list args;

	va_start(args, flags);
	mode_t mode = mode_argument(flags, args);
	va_end(args);
	if (fails(FAILING_OPEN, CALLER()))
		return -1;
	return (int)RAW(SYS_openat, dir_fd, path, flags, mode);
}

FILE *fopen(const char *path, const char *mode)
{
	return fails(FAILING_OPEN, CALLER()) ? NULL : NEXT(fopen)(path, mode);
}

int socket(int family, int type, int protocol)
{
	if (fails(FAILING_SOCKET, CALLER()))
		return -1;
	return (int)RAW(SYS_socket, family, type, protocol);
}

int socketpair(int family, int type, int protocol, int pair[2])
{
	if (fails(FAILING_SOCKET, CALLER()))
		return -1;
	return (int)RAW(SYS_socketpair, family, type, protocol, pair);
}

int pipe2(int pair[2], int flags)
{
	return fails(FAILING_DESCRIPTOR, CALLER()) ? -1 : (int)RAW(SYS_pipe2, pair, flags);
}

int epoll_create1(int flags)
{
	return fails(FAILING_DESCRIPTOR, CALLER()) ? -1 : (int)RAW(SYS_epoll_create1, flags);
}

int memfd_create(const char *name, unsigned int flags)
{
	return fails(FAILING_DESCRIPTOR, CALLER()) ? -1 : (int)RAW(SYS_memfd_create, name, flags);
}

int timerfd_create(clockid_t clock, int flags)
{
	return fails(FAILING_DESCRIPTOR, CALLER()) ? -1
						   : (int)RAW(SYS_timerfd_create, clock, flags);
}

int signalfd(int fd, const sigset_t *mask, int flags)
{
	return fails(FAILING_DESCRIPTOR, CALLER()) ? -1 : NEXT(signalfd)(fd, mask, flags);
}

/* --- reading and writing --- */

/* A file, or a pipe: what may give or take a part. A part of what is written to /proc is not. */
static bool is_stream(int fd, bool *ret_is_file)
{
	struct stat st;
	struct statfs fs;

	*ret_is_file = false;
	if (fstat(fd, &st) < 0)
		return false;
	*ret_is_file =
		S_ISREG(st.st_mode) && fstatfs(fd, &fs) == 0 && fs.f_type != PROC_SUPER_MAGIC;
	return S_ISREG(st.st_mode) || S_ISFIFO(st.st_mode);
}

static size_t part_of(size_t len)
{
	return len > 1 ? len / 2 : len;
}

ssize_t read(int fd, void *buf, size_t len)
{
	bool is_file;

	if (fails(FAILING_READ, CALLER()))
		return -1;
	if (shared != NULL && is_stream(fd, &is_file) && fails(FAILING_READ_PART, CALLER()))
		len = part_of(len);
	return RAW(SYS_read, fd, buf, len);
}

ssize_t pread(int fd, void *buf, size_t len, off_t offset)
{
	return fails(FAILING_READ, CALLER()) ? -1 : RAW(SYS_pread64, fd, buf, len, offset);
}

ssize_t write(int fd, const void *buf, size_t len)
{
	bool is_file = false;

	if (fails(FAILING_WRITE, CALLER()))
		return -1;
	if (shared != NULL && is_stream(fd, &is_file) && is_file &&
	    fails(FAILING_WRITE_FILE, CALLER())) {
		if (shared->error != 0)
			return -1;
		len = part_of(len);
	}
	return RAW(SYS_write, fd, buf, len);
}

ssize_t recv(int fd, void *buf, size_t len, int flags)
{
	if (fails(FAILING_RECV, CALLER()))
		return -1;
	return RAW(SYS_recvfrom, fd, buf, len, flags, NULL, NULL);
}

ssize_t send(int fd, const void *buf, size_t len, int flags)
{
	if (fails(FAILING_SEND, CALLER()))
		return -1;
	return RAW(SYS_sendto, fd, buf, len, flags, NULL, 0);
}

int sendmmsg(int fd, struct mmsghdr *messages, unsigned int n, int flags)
{
	return fails(FAILING_SEND, CALLER()) ? -1 : (int)RAW(SYS_sendmmsg, fd, messages, n, flags);
}

/* --- the file system --- */

int fsync(int fd)
{
	return fails(FAILING_FSYNC, CALLER()) ? -1 : (int)RAW(SYS_fsync, fd);
}

int renameat(int from_fd, const char *from, int to_fd, const char *to)
{
	if (fails(FAILING_RENAME, CALLER()))
		return -1;
	return (int)RAW(SYS_renameat2, from_fd, from, to_fd, to, 0);
}

int mkdir(const char *path, mode_t mode)
{
	return fails(FAILING_MKDIR, CALLER()) ? -1 : (int)RAW(SYS_mkdirat, AT_FDCWD, path, mode);
}

int mkdirat(int fd, const char *path, mode_t mode)
{
	return fails(FAILING_MKDIR, CALLER()) ? -1 : (int)RAW(SYS_mkdirat, fd, path, mode);
}

int symlink(const char *target, const char *path)
{
	return fails(FAILING_SYMLINK, CALLER()) ? -1
						: (int)RAW(SYS_symlinkat, target, AT_FDCWD, path);
}

int symlinkat(const char *target, int fd, const char *path)
{
	return fails(FAILING_SYMLINK, CALLER()) ? -1 : (int)RAW(SYS_symlinkat, target, fd, path);
}

/* --- memory and processes --- */

void *mmap(void *addr, size_t len, int protection, int flags, int fd, off_t offset)
{
	if (fails(FAILING_MMAP, CALLER()))
		return MAP_FAILED;
	return NEXT(mmap)(addr, len, protection, flags, fd, offset);
}

pid_t fork(void)
{
	return fails(FAILING_FORK, CALLER()) ? -1 : NEXT(fork)();
}

long syscall(long number, ...)
{
	long arg[6];
	va_list args;

	/* As the C library's own: how many a call has is not known, so all that there can be. */
	va_start(args, number);
	for (int i = 0; i < 6; i++)
		arg[i] = va_arg(args, long);
	va_end(args);
	if (number == SYS_clone3 && fails(FAILING_CLONE, CALLER()))
		return -1;
	return RAW(number, arg[0], arg[1], arg[2], arg[3], arg[4], arg[5]);
}

/* --- waiting --- */

int epoll_wait(int fd, struct epoll_event *events, int n, int timeout_ms)
{
	if (fails(FAILING_EPOLL_WAIT, CALLER()))
		return -1;
	return (int)RAW(SYS_epoll_pwait, fd, events, n, timeout_ms, NULL, _NSIG / 8);
}

int poll(struct pollfd *fds, nfds_t n, int timeout_ms)
{
	return fails(FAILING_POLL, CALLER()) ? -1 : NEXT(poll)(fds, n, timeout_ms);
}

int ppoll(struct pollfd *fds, nfds_t n, const struct timespec *timeout, const sigset_t *mask)
{
	return fails(FAILING_POLL, CALLER()) ? -1 : NEXT(ppoll)(fds, n, timeout, mask);
}

pid_t waitpid(pid_t pid, int *status, int options)
{
	return fails(FAILING_WAIT, CALLER()) ? -1
					     : (pid_t)RAW(SYS_wait4, pid, status, options, NULL);
}
