/* SPDX-License-Identifier: MIT */
#include "harness/tests/folder.h"

#include <check.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/base/cleanup.h"
#include "harness/base/io.h"

#define FTW_MAX_FDS 16

void folder_make(struct folder *f)
{
	char path[] = "/tmp/wirecut-test.XXXXXX";

	*f = (struct folder){0};
	ck_assert_ptr_nonnull(mkdtemp(path));
	f->path = arena_strdup(&f->arena, path);
	f->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(f->fd, 0);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void folder_remove(struct folder *f)
{
	close(f->fd);
	nftw(f->path, remove_one, FTW_MAX_FDS, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
	arena_free(&f->arena);
}

char *folder_path(struct folder *f, const char *name)
{
	return arena_printf(&f->arena, "%s/%s", f->path, name);
}

static char *make_parents(struct folder *f, const char *name)
{
	for (const char *slash = strchr(name, '/'); slash; slash = strchr(slash + 1, '/'))
		(void)mkdirat(f->fd, arena_strndup(&f->arena, name, (size_t)(slash - name)), 0755);
	return folder_path(f, name);
}

char *folder_put(struct folder *f, const char *name, mode_t mode, const void *bytes, size_t len)
{
	char *path = make_parents(f, name);
	_cleanup_close_ int fd =
		openat(f->fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

	ck_assert_msg(fd >= 0, "%s", path);
	ck_assert_int_eq(io_write_all(fd, bytes, len), 0);
	ck_assert_int_eq(fchmod(fd, mode), 0);
	return path;
}

char *folder_put_text(struct folder *f, const char *name, const char *text)
{
	return folder_put(f, name, 0644, text, strlen(text));
}

char *folder_put_link(struct folder *f, const char *name, const char *target)
{
	char *path = make_parents(f, name);

	ck_assert_int_eq(symlinkat(target, f->fd, name), 0);
	return path;
}

char *folder_put_folder(struct folder *f, const char *name)
{
	char *path = make_parents(f, name);

	ck_assert_int_eq(mkdirat(f->fd, name, 0755), 0);
	return path;
}

char *folder_read(struct folder *f, const char *name, size_t *ret_len)
{
	struct err err = {0};
	char *text = io_read_file_at(f->fd, name, ret_len, &f->arena, &err);

	ck_assert_msg(text != NULL, "%s", err.msg);
	return text;
}

char *folder_put_copy(struct folder *f, const char *name, const char *source, mode_t mode)
{
	struct err err = {0};
	size_t len;
	char *bytes = io_read_file(source, &len, &f->arena, &err);

	ck_assert_msg(bytes != NULL, "%s", err.msg);
	return folder_put(f, name, mode, bytes, len);
}
