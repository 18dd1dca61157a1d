/* SPDX-License-Identifier: MIT */
#include "harness/report/output.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/base/cleanup.h"
#include "harness/base/io.h"

static int open_folder(struct output *o, const char *option, struct arena *a, struct err *err)
{
	const char *slash = strrchr(o->path, '/');
	char *folder = slash ? arena_strndup(a, o->path, (size_t)(slash - o->path) + 1)
			     : arena_strdup(a, ".");

	o->name = slash ? slash + 1 : o->path;
	o->folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (o->folder_fd < 0 && errno == ENOENT)
		return err_set(err, "%s %s: there is no folder %s: make it first", option, o->path,
			       folder);
	if (o->folder_fd < 0 || faccessat(o->folder_fd, ".", W_OK, AT_EACCESS) < 0)
		return err_errno(err, "%s %s: write into %s", option, o->path, folder);
	return 0;
}

int output_open(struct output *ret, const char *option, const char *path, struct arena *a,
		struct err *err)
{
	struct output o = {.path = arena_strdup(a, path), .folder_fd = -1, .fd = -1};
	struct stat st;

	if (!strcmp(path, OUTPUT_STDOUT)) {
		o.path = "standard output";
		o.fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0);
	} else if (stat(path, &st) < 0 || S_ISREG(st.st_mode)) {
		if (open_folder(&o, option, a, err) < 0) {
			output_close(&o);
			return -1;
		}
	} else if (S_ISDIR(st.st_mode)) {
		return err_set(err, "%s %s: it is a folder: give the name of a file", option, path);
	} else {
		o.fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
	}
	if (!o.name && o.fd < 0)
		return err_errno(err, "%s %s", option, path);
	*ret = o;
	return 0;
}

int output_write(const struct output *o, const void *data, size_t len, struct err *err)
{
	if (o->name)
		return io_write_file_at(o->folder_fd, o->name, data, len, err) < 0
			       ? err_wrap(err, "%s", o->path)
			       : 0;
	/* Who reads standard output may have had enough of it, which is no error. */
	if (io_write_all(o->fd, data, len) == 0 ||
	    (errno == EPIPE && io_reader_is_gone(STDOUT_FILENO)))
		return 0;
	return err_errno(err, "write %s", o->path);
}

void output_close(struct output *o)
{
	if (o->folder_fd >= 0)
		close(TAKE_FD(o->folder_fd));
	if (o->fd >= 0)
		close(TAKE_FD(o->fd));
}
