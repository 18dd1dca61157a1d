/* SPDX-License-Identifier: MIT */
#include "harness/base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/base/cleanup.h"

/* Enough for any text that wirecut reads; a larger one is refused, not truncated. */
#define IO_FILE_BYTES_MAX ((off_t)1 << 30)
#define DIR_MODE          0755

int io_write_all(int fd, const void *data, size_t len)
{
	const char *p = data;

	while (len) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

ssize_t io_read_all(int fd, void *buf, size_t room)
{
	char *p = buf;
	size_t len = 0;

	while (len < room) {
		ssize_t n = read(fd, p + len, room - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		len += (size_t)n;
	}
	return (ssize_t)len;
}

static char *read_fd(int fd, const char *name, size_t *ret_len, struct arena *a, struct err *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0) {
		err_errno(err, "%s", name);
		return NULL;
	}
	if (!S_ISREG(st.st_mode) || st.st_size > IO_FILE_BYTES_MAX) {
		err_set(err, "%s: not a regular file of at most 1 GiB", name);
		return NULL;
	}
	char *text = arena_alloc(a, (size_t)st.st_size + 1);
	ssize_t len = io_read_all(fd, text, (size_t)st.st_size);

	if (len < 0) {
		err_errno(err, "read %s", name);
		return NULL;
	}
	text[len] = '\0';
	if (ret_len)
		*ret_len = (size_t)len;
	return text;
}

char *io_read_file_at(int dir_fd, const char *name, size_t *ret_len, struct arena *a,
		      struct err *err)
{
	_cleanup_close_ int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0) {
		err_errno(err, "%s", name);
		return NULL;
	}
	return read_fd(fd, name, ret_len, a, err);
}

char *io_read_file(const char *path, size_t *ret_len, struct arena *a, struct err *err)
{
	return io_read_file_at(AT_FDCWD, path, ret_len, a, err);
}

int io_write_file_at(int dir_fd, const char *name, const void *data, size_t len, struct err *err)
{
	char temporary[256];

	if (snprintf(temporary, sizeof(temporary), ".%s.tmp", name) >= (int)sizeof(temporary))
		return err_set(err, "write %s: the name is too long", name);
	_cleanup_close_ int fd =
		openat(dir_fd, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		return err_errno(err, "write %s", name);
	if (io_write_all(fd, data, len) < 0 || fsync(fd) < 0 ||
	    renameat(dir_fd, temporary, dir_fd, name) < 0) {
		err_errno(err, "write %s", name);
		unlinkat(dir_fd, temporary, 0);
		return -1;
	}
	if (fsync(dir_fd) < 0)
		return err_errno(err, "write %s: sync its folder", name);
	return 0;
}

int io_set_nonblocking(int fd, struct err *err)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return err_errno(err, "make a descriptor non-blocking");
	return 0;
}

int io_make_dirs(char *path)
{
	for (char *p = path + 1; *path; p++) {
		char c = *p;

		if (c != '/' && c != '\0')
			continue;
		*p = '\0';
		if (mkdir(path, DIR_MODE) < 0 && errno != EEXIST)
			return -1;
		*p = c;
		if (!c)
			break;
	}
	return 0;
}

int io_keep_only(int *fds, size_t n)
{
	int first = STDERR_FILENO + 1, first_free = first + (int)n;

	/* Out of each other's way first. */
	for (size_t i = 0; i < n; i++)
		if ((fds[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, first_free)) < 0)
			return -1;
	for (size_t i = 0; i < n; i++)
		if ((fds[i] = dup3(fds[i], first + (int)i, O_CLOEXEC)) < 0)
			return -1;
	return close_range((unsigned)first_free, ~0U, 0);
}

bool io_reader_is_gone(int fd)
{
	struct pollfd p = {.fd = fd};

	return poll(&p, 1, 0) > 0 && p.revents & (POLLERR | POLLHUP);
}
