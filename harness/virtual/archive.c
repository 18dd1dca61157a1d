/* SPDX-License-Identifier: MIT */
#include "harness/virtual/archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/base/cleanup.h"
#include "harness/base/io.h"

/* How much is collected before it is written, and read from a file at a time. */
#define BLOCK_BYTES ((size_t)128 * 1024)

struct archive_out {
	struct archive *libarchive;
	struct archive_entry *entry; /* used again for each */
	char *block;
	int fd;    /* -1: into memory */
	char *buf; /* of the caller */
	size_t room, len;
	int64_t inode; /* of the last entry; 0 would be taken for none */
	int error; /* errno of the sink; ENOSPC also for a full buffer; then nothing more is kept */
};

/* --- the sink --- */

/*
 * Always succeeds, as far as libarchive knows: after a failure it would not free all of its buffers
 * (3.6). Whoever called libarchive looks at out->error.
 */
static la_ssize_t write_block(struct archive *libarchive, void *arg, const void *data, size_t len)
{
	struct archive_out *out = arg;

	(void)libarchive;
	if (out->error != 0)
		return (la_ssize_t)len;
	if (out->fd >= 0 && io_write_all(out->fd, data, len) < 0)
		out->error = errno;
	else if (out->fd < 0 && len > out->room - out->len)
		out->error = ENOSPC;
	if (out->error != 0)
		return (la_ssize_t)len;
	if (out->fd < 0)
		memcpy(out->buf + out->len, data, len);
	out->len += len;
	return (la_ssize_t)len;
}

/* What came of a call of libarchive that was writing `path`. */
static int result(const struct archive_out *out, bool success, const char *path, struct err *err)
{
	const char *why = archive_error_string(out->libarchive);

	if (out->error != 0 && out->fd < 0)
		return err_set(err, "no room for %s: the archive may take %zu bytes", path,
			       out->room);
	if (out->error != 0) {
		errno = out->error;
		return err_errno(err, "write %s into the archive", path);
	}
	if (!success)
		return err_set(err, "write %s into the archive: %s", path,
			       why ? why : "no reason given");
	return 0;
}

/* Takes the descriptor or the buffer of `from`. */
static struct archive_out *open_out(struct archive_out from, struct err *err)
{
	struct archive_out *out = malloc(sizeof(*out));

	if (!out)
		abort();
	*out = from;
	out->libarchive = archive_write_new();
	out->entry = archive_entry_new();
	out->block = malloc(BLOCK_BYTES);
	if (!out->libarchive || !out->entry || !out->block)
		abort();
	/* Unpadded at its end: nothing reads it from a tape. */
	if (archive_write_set_format_cpio_newc(out->libarchive) != ARCHIVE_OK ||
	    archive_write_set_bytes_per_block(out->libarchive, BLOCK_BYTES) != ARCHIVE_OK ||
	    archive_write_set_bytes_in_last_block(out->libarchive, 1) != ARCHIVE_OK ||
	    archive_write_open2(out->libarchive, out, NULL, write_block, NULL, NULL) !=
		    ARCHIVE_OK) {
		result(out, false, "its head", err);
		archive_out_free(&out);
	}
	return out;
}

struct archive_out *archive_out_fd(int fd, struct err *err)
{
	return open_out((struct archive_out){.fd = fd}, err);
}

struct archive_out *archive_out_memory(void *buf, size_t room, struct err *err)
{
	return open_out((struct archive_out){.fd = -1, .buf = buf, .room = room}, err);
}

void archive_out_free(struct archive_out **out)
{
	if (!*out)
		return;
	/* Not finished is given up: what libarchive still holds must not be written. */
	(*out)->error = ECANCELED;
	(void)archive_write_free((*out)->libarchive);
	archive_entry_free((*out)->entry);
	free((*out)->block);
	free(TAKE_PTR(*out));
}

int archive_out_finish(struct archive_out *out, size_t *ret_len, struct err *err)
{
	bool success = archive_write_close(out->libarchive) == ARCHIVE_OK;

	if (result(out, success, "its end", err) < 0)
		return -1;
	if (ret_len)
		*ret_len = out->len;
	return 0;
}

/* --- entries --- */

/* What an entry is, but for its content. */
struct head {
	const char *path;
	mode_t mode; /* with its file type */
	int64_t mtime_s;
	uint64_t bytes;
	const char *target;
};

static int put_head(struct archive_out *out, const struct head *h, struct err *err)
{
	const char *path = h->path + strspn(h->path, "/");
	struct archive_entry *e = archive_entry_clear(out->entry);

	/* The field of newc has eight hexadecimal digits. */
	if (h->bytes > UINT32_MAX)
		return err_set(err, "%s: larger than an archive can hold", h->path);
	archive_entry_copy_pathname(e, path);
	archive_entry_set_mode(e, h->mode);
	archive_entry_set_mtime(e, h->mtime_s, 0);
	archive_entry_set_nlink(e, S_ISDIR(h->mode) ? 2 : 1);
	archive_entry_set_ino64(e, ++out->inode);
	archive_entry_set_size(e, (la_int64_t)h->bytes);
	if (h->target)
		archive_entry_copy_symlink(e, h->target);
	return result(out, archive_write_header(out->libarchive, e) == ARCHIVE_OK, h->path, err);
}

static int put_data(struct archive_out *out, const char *path, const void *data, size_t len,
		    struct err *err)
{
	la_ssize_t n = archive_write_data(out->libarchive, data, len);

	return result(out, n == (la_ssize_t)len, path, err);
}

int archive_out_add_folder(struct archive_out *out, const char *path, struct err *err)
{
	return put_head(out, &(struct head){.path = path, .mode = S_IFDIR | FILESET_FOLDER_MODE},
			err);
}

int archive_out_add_bytes(struct archive_out *out, const char *path, mode_t mode, const void *bytes,
			  size_t len, struct err *err)
{
	const struct head h = {.path = path, .mode = S_IFREG | mode, .bytes = len};

	return put_head(out, &h, err) < 0 ? -1 : put_data(out, path, bytes, len, err);
}

static int add_file(struct archive_out *out, const struct head *h, int fd, struct err *err)
{
	if (put_head(out, h, err) < 0)
		return -1;
	for (uint64_t left = h->bytes; left;) {
		size_t want = left < BLOCK_BYTES ? (size_t)left : BLOCK_BYTES;
		ssize_t n = io_read_all(fd, out->block, want);

		if (n < 0)
			return err_errno(err, "read %s", h->path);
		if ((size_t)n < want)
			return err_set(err, "%s became shorter while it was packed", h->path);
		if (put_data(out, h->path, out->block, want, err) < 0)
			return -1;
		left -= want;
	}
	return 0;
}

int archive_out_add_file(struct archive_out *out, const char *path, mode_t mode, int fd,
			 struct err *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_errno(err, "%s", path);
	return add_file(
		out,
		&(struct head){.path = path, .mode = S_IFREG | mode, .bytes = (uint64_t)st.st_size},
		fd, err);
}

/* --- a set --- */

static int add_entry(struct archive_out *out, const struct fileset_entry *e, struct err *err)
{
	static const mode_t types[] = {
		[FILESET_FOLDER] = S_IFDIR, [FILESET_FILE] = S_IFREG, [FILESET_LINK] = S_IFLNK};
	const struct head h = {
		.path = e->path,
		.mode = types[e->kind] | e->mode,
		.mtime_s = e->mtime_s,
		.bytes = e->bytes,
		.target = e->target,
	};

	if (!e->source)
		return put_head(out, &h, err) < 0
			       ? -1
			       : put_data(out, e->path, e->text, (size_t)e->bytes, err);
	_cleanup_close_ int fd = open(e->source, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return err_errno(err, "read %s", e->source);
	return add_file(out, &h, fd, err);
}

int archive_write(const struct fileset *set, int fd, struct err *err)
{
	_cleanup_archive_out_ struct archive_out *out = archive_out_fd(fd, err);

	if (!out)
		return -1;
	vec_foreach (e, &set->entries)
		if (add_entry(out, *e, err) < 0)
			return -1;
	return archive_out_finish(out, NULL, err);
}

/* --- a folder --- */

/* A folder whose content is added, and its path in the archive: "" or "logs/". */
struct folder {
	struct archive_out *out;
	struct arena *arena;
	int fd;
	const char *prefix;
};

static int add_folder_content(const struct folder *f, struct err *err);

static int add_subfolder(const struct folder *f, const char *name, const char *path,
			 struct err *err)
{
	_cleanup_close_ int fd =
		openat(f->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return err_errno(err, "%s", path);
	if (archive_out_add_folder(f->out, path, err) < 0)
		return -1;
	return add_folder_content(&(struct folder){.out = f->out,
						   .arena = f->arena,
						   .fd = fd,
						   .prefix = arena_printf(f->arena, "%s/", path)},
				  err);
}

static int add_name(const struct folder *f, const char *name, struct err *err)
{
	const char *path = arena_printf(f->arena, "%s%s", f->prefix, name);
	char target[PATH_MAX];
	struct stat st;

	if (fstatat(f->fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_errno(err, "%s", path);
	if (S_ISDIR(st.st_mode))
		return add_subfolder(f, name, path, err);
	if (S_ISLNK(st.st_mode)) {
		ssize_t n = readlinkat(f->fd, name, target, sizeof(target) - 1);

		if (n < 0)
			return err_errno(err, "%s", path);
		target[n] = '\0';
		return put_head(f->out,
				&(struct head){.path = path, .mode = st.st_mode, .target = target},
				err);
	}
	if (!S_ISREG(st.st_mode))
		return err_set(err, "%s is neither a file nor a folder nor a link", path);
	_cleanup_close_ int fd = openat(f->fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return err_errno(err, "%s", path);
	return archive_out_add_file(f->out, path, st.st_mode & ACCESSPERMS, fd, err);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_entry(const struct dirent *e)
{
	return strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
}

static int add_folder_content(const struct folder *f, struct err *err)
{
	struct dirent **names;
	int n = scandirat(f->fd, ".", &names, is_entry, by_name), rc = 0;

	if (n < 0)
		return err_errno(err, "read the folder %s",
				 *f->prefix ? f->prefix : "to be packed");
	for (int i = 0; i < n; i++) {
		if (rc == 0)
			rc = add_name(f, names[i]->d_name, err);
		free(names[i]);
	}
	free(names);
	return rc;
}

int archive_out_add_content(struct archive_out *out, int dir_fd, struct err *err)
{
	_cleanup_arena_ struct arena a = {0};

	return add_folder_content(
		&(struct folder){.out = out, .arena = &a, .fd = dir_fd, .prefix = ""}, err);
}

int archive_write_folder(int dir_fd, void *buf, size_t room, size_t *ret_len, struct err *err)
{
	_cleanup_archive_out_ struct archive_out *out = archive_out_memory(buf, room, err);

	if (!out || archive_out_add_content(out, dir_fd, err) < 0)
		return -1;
	return archive_out_finish(out, ret_len, err);
}
