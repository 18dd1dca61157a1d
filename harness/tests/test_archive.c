/* SPDX-License-Identifier: MIT */
/* Archives: written, looked into, unpacked, by this code and by others'. */
#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/base/cleanup.h"
#include "harness/base/io.h"
#include "harness/tests/folder.h"
#include "harness/tests/netns.h"
#include "harness/tests/suite.h"
#include "harness/virtual/archive.h"

#define TEST_TIMEOUT_S 60
#define ROOMY          ((uint64_t)1 << 30)
/* Larger than a block of the archive, and no multiple of one. */
#define LARGE_BYTES (300 * 1024 + 1)
#define MTIME_S     1234567890

static struct folder f, to;
static struct fileset set;
static struct err err;

/* The bytes of an archive. */
struct bytes {
	char *v;
	size_t n;
};

static void setup(void)
{
	folder_make(&f);
	folder_make(&to);
	fileset_init(&set, ROOMY, &f.arena);
	err = (struct err){0};
}

static void teardown(void)
{
	folder_remove(&f);
	folder_remove(&to);
}

static void ok(int rc)
{
	ck_assert_msg(rc == 0, "%s", err.msg);
}

static void expect_error(int rc, const char *text)
{
	ck_assert_int_eq(rc, -1);
	ck_assert_msg(strstr(err.msg, text) != NULL, "'%s' is not in: %s", text, err.msg);
	err = (struct err){0};
}

static struct bytes packed(void)
{
	_cleanup_close_ int fd = memfd_create("archive", MFD_CLOEXEC);
	struct stat st;

	ok(archive_write(&set, fd, &err));
	ck_assert_int_eq(fstat(fd, &st), 0);
	struct bytes b = {.v = arena_alloc(&f.arena, (size_t)st.st_size), .n = (size_t)st.st_size};
	ck_assert_int_eq(pread(fd, b.v, b.n, 0), st.st_size);
	return b;
}

static char *large_file(const char *name)
{
	char *bytes = arena_alloc(&f.arena, LARGE_BYTES);

	for (size_t i = 0; i < LARGE_BYTES; i++)
		bytes[i] = (char)(i * 7 + i / 251);
	return folder_put(&f, name, 0755, bytes, LARGE_BYTES);
}

/* A set with one of everything, at paths that do not depend on where the test's folder is. */
static void fill_set(void)
{
	ok(fileset_add_bytes(&set, "/w/etc/passwd", 0644, "root", 4, &err));
	ok(fileset_add_bytes(&set, "/w/empty", 0644, NULL, 0, &err));
	ok(fileset_add_bytes(&set, "/w/n\xc3\xa4me", 0644, "x", 1, &err));
	ok(fileset_add_copy(&set, "/w/bin/large", large_file("large"), &err));
	ok(fileset_add_link(&set, "/w/lib", "usr/lib", &err));
	ok(fileset_add_folder(&set, "/w/mnt", &err));
}

START_TEST(test_there_and_back)
{
	struct archive_items items;
	struct stat st;
	size_t len;

	fill_set();
	struct bytes b = packed();
	ok(archive_list(b.v, b.n, &f.arena, &items, &err));
	ck_assert_uint_eq(items.n, set.entries.n);
	for (size_t i = 0; i < items.n; i++) {
		ck_assert_str_eq(items.v[i].path, set.entries.v[i]->path + 1);
		ck_assert_int_eq(items.v[i].kind, set.entries.v[i]->kind);
		ck_assert_uint_eq(items.v[i].mode, set.entries.v[i]->mode);
		ck_assert_uint_eq(items.v[i].bytes, set.entries.v[i]->bytes);
		ck_assert_uint_eq(items.v[i].inode, i + 1);
	}
	ok(archive_unpack(b.v, b.n, to.fd, &err));
	ck_assert_str_eq(folder_read(&to, "w/etc/passwd", NULL), "root");
	ck_assert_str_eq(folder_read(&to, "w/n\xc3\xa4me", NULL), "x");
	char *large = folder_read(&to, "w/bin/large", &len);
	ck_assert_uint_eq(len, LARGE_BYTES);
	ck_assert_mem_eq(large, folder_read(&f, "large", NULL), len);
	ck_assert_int_eq(fstatat(to.fd, "w/bin/large", &st, 0), 0);
	ck_assert_uint_eq(st.st_mode & ALLPERMS, 0755);
	ck_assert_int_eq(st.st_mtim.tv_sec, 0);
	ck_assert_int_eq(fstatat(to.fd, "w/lib", &st, AT_SYMLINK_NOFOLLOW), 0);
	ck_assert(S_ISLNK(st.st_mode));
	ck_assert_int_eq(fstatat(to.fd, "w/mnt", &st, 0), 0);
	ck_assert(S_ISDIR(st.st_mode));
}
END_TEST

/* The same content from other files, made later and with other permissions, is the same bytes. */
START_TEST(test_the_same_bytes_twice)
{
	fill_set();
	struct bytes first = packed(), again = packed();

	ck_assert_uint_eq(first.n, again.n);
	ck_assert_mem_eq(first.v, again.v, first.n);

	fileset_init(&set, ROOMY, &f.arena);
	ok(fileset_add_folder(&set, "/w/mnt", &err));
	char *other = large_file("other");
	ck_assert_int_eq(chmod(other, 0711), 0);
	fill_set();
	ok(fileset_add_copy(&set, "/w/bin/large", other, &err));
	again = packed();
	ck_assert_uint_eq(first.n, again.n);
	ck_assert_mem_eq(first.v, again.v, first.n);

	ok(fileset_add_bytes(&set, "/w/etc/passwd", 0644, "toor", 4, &err));
	again = packed();
	ck_assert_uint_eq(first.n, again.n);
	ck_assert_int_ne(memcmp(first.v, again.v, first.n), 0);
}
END_TEST

START_TEST(test_times_of_a_tree_are_kept)
{
	const struct timespec times[] = {{.tv_sec = MTIME_S}, {.tv_sec = MTIME_S}};
	struct stat st;

	char *path = folder_put_text(&f, "tree/module.py", "text");
	ck_assert_int_eq(utimensat(AT_FDCWD, path, times, 0), 0);
	ok(fileset_add_tree(&set, folder_path(&f, "tree"), NULL, NULL, &err));
	struct bytes b = packed();
	ok(archive_unpack(b.v, b.n, to.fd, &err));
	ck_assert_int_eq(fstatat(to.fd, path + 1, &st, 0), 0);
	ck_assert_int_eq(st.st_mtim.tv_sec, MTIME_S);
}
END_TEST

START_TEST(test_replaces_files_and_keeps_folders)
{
	struct stat st;

	folder_put(&to, "w/etc/passwd", 0400, "old and longer", 14);
	folder_put_text(&to, "w/etc/kept", "kept");
	folder_put_link(&to, "w/lib", "elsewhere");
	fill_set();
	struct bytes b = packed();
	ok(archive_unpack(b.v, b.n, to.fd, &err));
	ok(archive_unpack(b.v, b.n, to.fd, &err));
	ck_assert_str_eq(folder_read(&to, "w/etc/passwd", NULL), "root");
	ck_assert_str_eq(folder_read(&to, "w/etc/kept", NULL), "kept");
	ck_assert_int_eq(fstatat(to.fd, "w/etc/passwd", &st, 0), 0);
	ck_assert_uint_eq(st.st_mode & ALLPERMS, 0644);
	char target[16] = {0};
	ck_assert_int_gt(readlinkat(to.fd, "w/lib", target, sizeof(target) - 1), 0);
	ck_assert_str_eq(target, "usr/lib");
}
END_TEST

START_TEST(test_files_and_folders_in_each_others_place)
{
	fill_set();
	struct bytes b = packed();
	folder_put_folder(&to, "w/etc/passwd");
	expect_error(archive_unpack(b.v, b.n, to.fd, &err),
		     "w/etc/passwd: a folder is in its place");
	folder_put_text(&f, "below/w", "a file");
	_cleanup_close_ int below = openat(f.fd, "below", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	expect_error(archive_unpack(b.v, b.n, below, &err), "w: a file is in the place");
}
END_TEST

/* An archive of one file, made by the functions that a set is not needed for. */
static struct bytes archive_of(const char *path)
{
	struct bytes b = {.v = arena_alloc(&f.arena, 4096)};
	_cleanup_archive_out_ struct archive_out *out = archive_out_memory(b.v, 4096, &err);

	ck_assert_msg(out != NULL, "%s", err.msg);
	ok(archive_out_add_bytes(out, path, 0644, "text", 4, &err));
	ok(archive_out_finish(out, &b.n, &err));
	return b;
}

START_TEST(test_nothing_leads_out)
{
	static const char *const paths[] = {"../out", "a/../../out", "a/..", ".."};
	struct stat st;

	folder_put_folder(&to, "a");
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		struct bytes b = archive_of(paths[i]);

		expect_error(archive_unpack(b.v, b.n, to.fd, &err), "leads out of its folder");
	}
	/* A link in the folder is followed as if the folder were the root. */
	folder_put_link(&to, "link", "/inside");
	folder_put_folder(&to, "inside");
	struct bytes b = archive_of("link/file");
	ok(archive_unpack(b.v, b.n, to.fd, &err));
	ck_assert_str_eq(folder_read(&to, "inside/file", NULL), "text");
	/* What only looks like it is a name like others. */
	b = archive_of("a/..b");
	ok(archive_unpack(b.v, b.n, to.fd, &err));
	ck_assert_int_eq(fstatat(to.fd, "a/..b", &st, 0), 0);
	b = archive_of("none/file");
	expect_error(archive_unpack(b.v, b.n, to.fd, &err), "none/file: No such file");
}
END_TEST

START_TEST(test_broken_archives)
{
	struct archive_items items;

	fill_set();
	struct bytes b = packed();
	expect_error(archive_unpack("no archive at all, but text", 27, to.fd, &err),
		     "read the archive");
	expect_error(archive_unpack("", 0, to.fd, &err), "read the archive");
	/* Cut anywhere before the entry that ends it: said, by unpacking and by looking. */
	for (size_t len = 1; len + 512 < b.n; len += len < 2048 ? 61 : 9973) {
		expect_error(archive_unpack(b.v, len, to.fd, &err), "read the archive");
		expect_error(archive_list(b.v, len, &f.arena, &items, &err), "read the archive");
	}
}
END_TEST

/* The guest's memory for it is larger than the archive. */
START_TEST(test_what_follows_is_not_looked_at)
{
	fill_set();
	struct bytes b = packed();
	char *larger = arena_alloc(&f.arena, b.n + 4096);

	memcpy(larger, b.v, b.n);
	memset(larger + b.n, 'x', 4096);
	ok(archive_unpack(larger, b.n + 4096, to.fd, &err));
	ck_assert_str_eq(folder_read(&to, "w/etc/passwd", NULL), "root");
}
END_TEST

START_TEST(test_a_folder_into_memory)
{
	static char buf[2 * LARGE_BYTES];
	struct archive_items items;
	size_t len;

	folder_put_text(&f, "events.jsonl", "{}\n");
	folder_put_text(&f, "logs/b.log", "b");
	folder_put_text(&f, "logs/a.log", "a");
	folder_put_link(&f, "logs/last", "b.log");
	large_file("packets.pcapng");
	ok(archive_write_folder(f.fd, buf, sizeof(buf), &len, &err));
	ok(archive_list(buf, len, &f.arena, &items, &err));
	static const char *const order[] = {"events.jsonl", "logs",      "logs/a.log",
					    "logs/b.log",   "logs/last", "packets.pcapng"};
	ck_assert_uint_eq(items.n, ARRAY_SIZE(order));
	for (size_t i = 0; i < items.n; i++)
		ck_assert_str_eq(items.v[i].path, order[i]);
	ck_assert_str_eq(items.v[3].text, "b");
	ck_assert_str_eq(items.v[4].target, "b.log");
	ok(archive_unpack(buf, len, to.fd, &err));
	ck_assert_str_eq(folder_read(&to, "logs/a.log", NULL), "a");

	/* Just enough room is enough, and one byte less is too little. */
	size_t again;
	ok(archive_write_folder(f.fd, buf, len, &again, &err));
	ck_assert_uint_eq(again, len);
	expect_error(archive_write_folder(f.fd, buf, len - 1, &again, &err), "no room for");
	expect_error(archive_write_folder(f.fd, buf, LARGE_BYTES / 2, &again, &err),
		     "no room for packets.pcapng: the archive may take 153600 bytes");
	ck_assert_int_eq(mkfifo(folder_path(&f, "fifo"), 0600), 0);
	expect_error(archive_write_folder(f.fd, buf, sizeof(buf), &again, &err),
		     "fifo is neither a file nor a folder nor a link");
}
END_TEST

START_TEST(test_what_changes_while_it_is_packed)
{
	_cleanup_close_ int fd = memfd_create("archive", MFD_CLOEXEC);
	char *path = large_file("shrinks");

	ok(fileset_add(&set, path, NULL, &err));
	ck_assert_int_eq(truncate(path, 10), 0);
	expect_error(archive_write(&set, fd, &err), "shrinks became shorter");
	ck_assert_int_eq(unlink(path), 0);
	expect_error(archive_write(&set, fd, &err), "shrinks: No such file");
	_cleanup_close_ int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
	fileset_init(&set, ROOMY, &f.arena);
	ok(fileset_add_bytes(&set, "/file", 0644, "x", 1, &err));
	expect_error(archive_write(&set, full, &err), "No space left");
}
END_TEST

/* cpio(1) as the independent witness, in both directions. */
START_TEST(test_cpio_agrees)
{
	if (access("/usr/bin/cpio", X_OK) < 0 && access("/bin/cpio", X_OK) < 0) {
		skip("no cpio here");
		return;
	}
	fill_set();
	struct bytes b = packed();
	char *archive = folder_put(&f, "archive", 0644, b.v, b.n);
	const char *const list[] = {"sh", "-c",
				    arena_printf(&f.arena, "cpio --quiet -tv <%s", archive), NULL};
	char *said = output_of(&f.arena, list);
	ck_assert_msg(strstr(said, "w/lib -> usr/lib") != NULL, "%s", said);
	ck_assert_msg(strstr(said, "-rwxr-xr-x   1 root     root       307201") != NULL, "%s",
		      said);

	folder_put_text(&f, "tree/by/cpio", "text");
	folder_put_link(&f, "tree/link", "by/cpio");
	const char *const make[] = {
		"sh", "-c",
		arena_printf(&f.arena, "cd %s/tree && find . | cpio --quiet -o -H newc >../made",
			     f.path),
		NULL};
	output_of(&f.arena, make);
	b.v = folder_read(&f, "made", &b.n);
	ok(archive_unpack(b.v, b.n, to.fd, &err));
	ck_assert_str_eq(folder_read(&to, "link", NULL), "text");
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("archive");

	tcase_set_timeout(t, TEST_TIMEOUT_S);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, test_there_and_back);
	tcase_add_test(t, test_the_same_bytes_twice);
	tcase_add_test(t, test_times_of_a_tree_are_kept);
	tcase_add_test(t, test_replaces_files_and_keeps_folders);
	tcase_add_test(t, test_files_and_folders_in_each_others_place);
	tcase_add_test(t, test_nothing_leads_out);
	tcase_add_test(t, test_broken_archives);
	tcase_add_test(t, test_what_follows_is_not_looked_at);
	tcase_add_test(t, test_a_folder_into_memory);
	tcase_add_test(t, test_what_changes_while_it_is_packed);
	tcase_add_test(t, test_cpio_agrees);
	return run_tests("archive", t);
}
