/* SPDX-License-Identifier: MIT */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "harness/base/cleanup.h"
#include "harness/base/io.h"
#include "harness/virtual/archive.h"

static void free_reader(struct archive **in)
{
	if (*in)
		archive_read_free(*in);
}

#define _cleanup_reader_ __attribute__((cleanup(free_reader)))

static int set_failure(struct archive *in, struct err *err)
{
	const char *why = archive_error_string(in);

	return err_set(err, "read the archive: %s", why ? why : "no reason given");
}

static struct archive *open_reader(const void *bytes, size_t len, struct err *err)
{
	struct archive *in = archive_read_new();

	if (!in)
		abort();
	if (archive_read_support_format_cpio(in) != ARCHIVE_OK ||
	    archive_read_open_memory(in, bytes, len) != ARCHIVE_OK) {
		set_failure(in, err);
		archive_read_free(in);
		return NULL;
	}
	return in;
}

/* True if the path leads nowhere but down. */
static bool goes_down(const char *path)
{
	if (!*path)
		return false;
	while (*path) {
		size_t len = strcspn(path, "/");

		if (len == 2 && !strncmp(path, "..", len))
			return false;
		path += len;
		path += strspn(path, "/");
	}
	return true;
}

/* Reads the next entry's head: 1, or 0 at the archive's end. Its path starts with no slash. */
static int next_item(struct archive *in, struct archive_item *ret, struct err *err)
{
	struct archive_entry *e;
	int rc = archive_read_next_header(in, &e);

	if (rc == ARCHIVE_EOF)
		return 0;
	if (rc != ARCHIVE_OK)
		return set_failure(in, err);
	const char *path = archive_entry_pathname(e);
	if (!path) {
		err_set(err, "read the archive: an entry without a path");
		return -1;
	}
	if (!goes_down(path))
		return err_set(err, "read the archive: '%s' leads out of its folder", path);
	*ret = (struct archive_item){
		.path = path + strspn(path, "/"),
		.mode = archive_entry_perm(e),
		.mtime_s = archive_entry_mtime(e),
		.inode = (uint64_t)archive_entry_ino64(e),
	};
	if (!*ret->path)
		return err_set(err, "read the archive: '%s' is no path of an entry", path);
	if (archive_entry_hardlink(e))
		return err_set(err, "read the archive: %s is a hard link", ret->path);
	switch (archive_entry_filetype(e)) {
	case AE_IFDIR:
		ret->kind = FILESET_FOLDER;
		return 1;
	case AE_IFREG:
		ret->kind = FILESET_FILE;
		ret->bytes = (uint64_t)archive_entry_size(e);
		return 1;
	case AE_IFLNK:
		ret->kind = FILESET_LINK;
		ret->target = archive_entry_symlink(e);
		return 1;
	default:
		return err_set(err,
			       "read the archive: %s is neither a file nor a folder nor a link",
			       ret->path);
	}
}

/* --- looking into one --- */

static int read_text(struct archive *in, struct archive_item *item, size_t len, struct arena *a,
		     struct err *err)
{
	/* Before so much is allocated as a broken archive claims to hold. */
	if (item->bytes > len)
		return err_set(err, "read the archive: %s is truncated", item->path);
	char *text = arena_alloc(a, (size_t)item->bytes + 1);
	la_ssize_t n = archive_read_data(in, text, (size_t)item->bytes);
	if (n < 0)
		return set_failure(in, err);
	if ((uint64_t)n < item->bytes)
		return err_set(err, "read the archive: %s is truncated", item->path);
	item->text = text;
	return 0;
}

int archive_list(const void *bytes, size_t len, struct arena *a, struct archive_items *ret,
		 struct err *err)
{
	_cleanup_reader_ struct archive *in = open_reader(bytes, len, err);
	struct archive_items items = {0};
	struct archive_item item;
	int rc = 0;

	if (!in)
		return -1;
	while ((rc = next_item(in, &item, err)) > 0) {
		item.path = arena_strdup(a, item.path);
		item.target = arena_strdup(a, item.target);
		if (item.kind == FILESET_FILE && read_text(in, &item, len, a, err) < 0)
			return -1;
		*vec_push(a, &items) = item;
	}
	if (rc == 0)
		*ret = items;
	return rc;
}

/* --- unpacking --- */

/* Where entries are made. The folder above the last one is kept open: most entries share it. */
struct unpacker {
	int root_fd;
	int parent_fd; /* -1: none is open */
	char parent[PATH_MAX];
};

static void close_parent(struct unpacker *u)
{
	if (u->parent_fd >= 0)
		close(TAKE_FD(u->parent_fd));
}

/* Opens the folder above the path, found as if root_fd were "/": links lead no further than that. */
static int open_parent(struct unpacker *u, const char *path, struct err *err)
{
	const char *slash = strrchr(path, '/');
	size_t len = slash ? (size_t)(slash - path) : 0;
	struct open_how how = {.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
			       .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};

	if (len >= sizeof(u->parent))
		return err_set(err, "unpack %.100s...: the path is too long", path);
	if (u->parent_fd >= 0 && strlen(u->parent) == len && !strncmp(u->parent, path, len))
		return 0;
	close_parent(u);
	memcpy(u->parent, path, len);
	u->parent[len] = '\0';
	u->parent_fd =
		(int)syscall(SYS_openat2, u->root_fd, len ? u->parent : ".", &how, sizeof(how));
	return u->parent_fd < 0 ? err_errno(err, "unpack %s", path) : 0;
}

static int make_folder(const struct unpacker *u, const char *name, const struct archive_item *item,
		       struct err *err)
{
	struct stat st;

	if (mkdirat(u->parent_fd, name, item->mode) == 0) {
		/* Whatever the umask is. */
		if (fchmodat(u->parent_fd, name, item->mode, 0) < 0)
			return err_errno(err, "unpack %s", item->path);
		return 0;
	}
	if (errno != EEXIST || fstatat(u->parent_fd, name, &st, 0) < 0)
		return err_errno(err, "unpack %s", item->path);
	if (!S_ISDIR(st.st_mode))
		return err_set(err, "unpack %s: a file is in the place of this folder", item->path);
	return 0;
}

static int write_content(struct archive *in, int fd, const struct archive_item *item,
			 struct err *err)
{
	const void *block;
	uint64_t written = 0;
	la_int64_t offset;
	size_t len;
	int rc;

	while ((rc = archive_read_data_block(in, &block, &len, &offset)) == ARCHIVE_OK) {
		if (io_write_all(fd, block, len) < 0)
			return err_errno(err, "unpack %s", item->path);
		written += len;
	}
	if (rc != ARCHIVE_EOF)
		return set_failure(in, err);
	if (written != item->bytes)
		return err_set(err, "read the archive: %s is truncated", item->path);
	return 0;
}

static int make_file(const struct unpacker *u, struct archive *in, const char *name,
		     const struct archive_item *item, struct err *err)
{
	const struct timespec times[] = {{.tv_sec = item->mtime_s}, {.tv_sec = item->mtime_s}};
	_cleanup_close_ int fd =
		openat(u->parent_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, item->mode);

	if (fd < 0)
		return err_errno(err, "unpack %s", item->path);
	if (write_content(in, fd, item, err) < 0)
		return -1;
	if (fchmod(fd, item->mode) < 0 || futimens(fd, times) < 0)
		return err_errno(err, "unpack %s", item->path);
	return 0;
}

static int unpack_item(struct unpacker *u, struct archive *in, const struct archive_item *item,
		       struct err *err)
{
	const char *slash = strrchr(item->path, '/');
	const char *name = slash ? slash + 1 : item->path;

	if (open_parent(u, item->path, err) < 0)
		return -1;
	if (item->kind == FILESET_FOLDER)
		return make_folder(u, name, item, err);
	/* In a new file: the old one may be a program that runs. */
	if (unlinkat(u->parent_fd, name, 0) < 0 && errno != ENOENT)
		return errno == EISDIR
			       ? err_set(err, "unpack %s: a folder is in its place", item->path)
			       : err_errno(err, "unpack %s: take away the old one", item->path);
	if (item->kind == FILESET_FILE)
		return make_file(u, in, name, item, err);
	if (symlinkat(item->target, u->parent_fd, name) < 0)
		return err_errno(err, "unpack %s", item->path);
	return 0;
}

int archive_unpack(const void *bytes, size_t len, int dir_fd, struct err *err)
{
	_cleanup_reader_ struct archive *in = open_reader(bytes, len, err);
	__attribute__((cleanup(close_parent))) struct unpacker u = {.root_fd = dir_fd,
								    .parent_fd = -1};
	struct archive_item item = {.path = ""};
	int rc;

	if (!in)
		return -1;
	while ((rc = next_item(in, &item, err)) > 0)
		if (unpack_item(&u, in, &item, err) < 0)
			return -1;
	return rc;
}
