/* SPDX-License-Identifier: MIT */
/* The set of files of a guest, from folders that each test makes. */
#include <check.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/time.h>

#include "harness/base/cleanup.h"
#include "harness/tests/folder.h"
#include "harness/tests/suite.h"
#include "harness/virtual/fileset.h"

#define TEST_TIMEOUT_S 60
#define ROOMY          ((uint64_t)1 << 30)

static struct folder f;
static struct fileset set;
static struct err err;

static void setup(void)
{
	folder_make(&f);
	fileset_init(&set, ROOMY, &f.arena);
	err = (struct err){0};
}

static void teardown(void)
{
	folder_remove(&f);
}

static const struct fileset_entry *entry(const char *name)
{
	return fileset_find(&set, folder_path(&f, name));
}

static const struct fileset_entry *expect_kind(const char *name, enum fileset_kind kind)
{
	const struct fileset_entry *e = entry(name);

	ck_assert_msg(e != NULL, "%s is not in the set", name);
	ck_assert_int_eq(e->kind, kind);
	return e;
}

static void expect_error(int rc, const char *text)
{
	ck_assert_int_eq(rc, -1);
	ck_assert_msg(strstr(err.msg, text) != NULL, "'%s' is not in: %s", text, err.msg);
}

START_TEST(test_a_file_brings_its_folders)
{
	const char *real;
	char *path = folder_put(&f, "a/b/program", 0700, "text", 4);

	ck_assert_int_eq(fileset_add(&set, path, &real, &err), 0);
	ck_assert_str_eq(real, path);
	ck_assert_ptr_nonnull(fileset_find(&set, "/tmp"));
	expect_kind("a", FILESET_FOLDER);
	expect_kind("a/b", FILESET_FOLDER);
	const struct fileset_entry *e = expect_kind("a/b/program", FILESET_FILE);
	ck_assert_uint_eq(e->mode, FILESET_PROGRAM_MODE);
	ck_assert_uint_eq(e->bytes, 4);
	ck_assert_int_eq(e->mtime_s, 0);
	ck_assert_str_eq(e->source, path);
	ck_assert_uint_eq(set.bytes, 4);
	/* Again changes nothing. */
	size_t n = set.entries.n;
	ck_assert_int_eq(fileset_add(&set, path, NULL, &err), 0);
	ck_assert_uint_eq(set.entries.n, n);
	ck_assert_uint_eq(set.bytes, 4);
}
END_TEST

START_TEST(test_links_bring_what_they_name)
{
	const char *real;

	folder_put_text(&f, "usr/lib/libx.so.1.2", "object");
	folder_put_link(&f, "usr/lib/libx.so.1", "libx.so.1.2");
	folder_put_link(&f, "lib", "usr/lib");
	folder_put_link(&f, "absolute", folder_path(&f, "lib/libx.so.1"));
	folder_put_link(&f, "up", "usr/../lib/.//libx.so.1");

	ck_assert_int_eq(fileset_add(&set, folder_path(&f, "absolute"), &real, &err), 0);
	ck_assert_str_eq(real, folder_path(&f, "usr/lib/libx.so.1.2"));
	ck_assert_str_eq(expect_kind("lib", FILESET_LINK)->target, "usr/lib");
	expect_kind("absolute", FILESET_LINK);
	expect_kind("usr/lib/libx.so.1", FILESET_LINK);
	expect_kind("usr/lib/libx.so.1.2", FILESET_FILE);
	/* Nothing lies below a link. */
	ck_assert_ptr_null(entry("lib/libx.so.1"));

	ck_assert_int_eq(fileset_add(&set, folder_path(&f, "up"), &real, &err), 0);
	ck_assert_str_eq(real, folder_path(&f, "usr/lib/libx.so.1.2"));
}
END_TEST

/* As /etc/mtab does. What /proc/self leads to is another thing in the guest. */
START_TEST(test_what_the_kernel_makes_up_is_the_guests_own)
{
	folder_put_link(&f, "mtab", "/proc/self/mounts");
	ck_assert_int_eq(fileset_add(&set, folder_path(&f, "mtab"), NULL, &err), 0);
	ck_assert_int_eq(fileset_add(&set, "/proc/self/ns/net", NULL, &err), 0);
	ck_assert_str_eq(expect_kind("mtab", FILESET_LINK)->target, "/proc/self/mounts");
	ck_assert_int_eq(fileset_find(&set, "/proc")->kind, FILESET_FOLDER);
	ck_assert_ptr_null(fileset_find(&set, "/proc/self"));
}
END_TEST

START_TEST(test_what_cannot_be_added)
{
	expect_error(fileset_add(&set, folder_path(&f, "none"), NULL, &err), "No such file");
	expect_error(fileset_add(&set, "relative", NULL, &err), "not an absolute path");
	folder_put_link(&f, "loop", "loop");
	expect_error(fileset_add(&set, folder_path(&f, "loop"), NULL, &err),
		     "too many symbolic links");
	folder_put_link(&f, "dangling", "nowhere");
	expect_error(fileset_add(&set, folder_path(&f, "dangling"), NULL, &err), "nowhere");
	folder_put_text(&f, "file", "");
	expect_error(fileset_add(&set, folder_path(&f, "file/below"), NULL, &err),
		     "is not a folder");
	ck_assert_int_eq(mkfifo(folder_path(&f, "fifo"), 0600), 0);
	expect_error(fileset_add(&set, folder_path(&f, "fifo"), NULL, &err),
		     "neither a file nor a folder");
}
END_TEST

static bool skip_name(const char *path, const char *name, bool is_folder, void *arg)
{
	(void)path;
	(void)is_folder;
	return !strcmp(name, arg);
}

START_TEST(test_a_tree)
{
	const struct timeval times[2] = {{.tv_sec = 1234567890}, {.tv_sec = 1234567890}};

	folder_put_text(&f, "elsewhere/linked", "x");
	folder_put_text(&f, "elsewhere/unlinked", "x");
	ck_assert_int_eq(utimes(folder_put_text(&f, "tree/deep/er/module.py", "text"), times), 0);
	folder_put_text(&f, "tree/test/module.py", "not wanted");
	folder_put_link(&f, "tree/link", "../elsewhere/linked");
	folder_put_link(&f, "tree/dangling", "nowhere");
	folder_put_link(&f, "tree/folder", "..");
	ck_assert_int_eq(mkfifo(folder_path(&f, "tree/fifo"), 0600), 0);

	ck_assert_int_eq(fileset_add_tree(&set, folder_path(&f, "tree"), skip_name, "test", &err),
			 0);
	const struct fileset_entry *e = expect_kind("tree/deep/er/module.py", FILESET_FILE);
	ck_assert_int_eq(e->mtime_s, 1234567890);
	expect_kind("tree/link", FILESET_LINK);
	expect_kind("tree/folder", FILESET_LINK);
	expect_kind("elsewhere/linked", FILESET_FILE);
	ck_assert_ptr_null(entry("elsewhere/unlinked"));
	ck_assert_ptr_null(entry("tree/test"));
	ck_assert_ptr_null(entry("tree/dangling"));
	ck_assert_ptr_null(entry("tree/fifo"));
	expect_error(fileset_add_tree(&set, folder_path(&f, "tree/link"), NULL, NULL, &err),
		     "Not a directory");
}
END_TEST

START_TEST(test_what_is_made)
{
	static const char text[] = "root:x:0:0::/:/bin/sh\n";

	folder_put_folder(&f, "real");
	folder_put_link(&f, "etc", "real");
	char *path = folder_path(&f, "etc/new/passwd");
	ck_assert_int_eq(fileset_add_bytes(&set, path, 0600, text, strlen(text), &err), 0);
	/* It goes where the machine's link leads. */
	const struct fileset_entry *e = expect_kind("real/new/passwd", FILESET_FILE);
	ck_assert_ptr_eq(e->text, text);
	ck_assert_ptr_null(e->source);
	ck_assert_uint_eq(e->mode, FILESET_FILE_MODE);
	expect_kind("real/new", FILESET_FOLDER);
	/* Another text replaces it, and the sum follows. */
	ck_assert_int_eq(fileset_add_bytes(&set, path, 0600, text, 5, &err), 0);
	ck_assert_uint_eq(set.bytes, 5);

	char *source = folder_put(&f, "source", 0755, "1234", 4);
	ck_assert_int_eq(fileset_add_copy(&set, "/init", source, &err), 0);
	e = fileset_find(&set, "/init");
	ck_assert_ptr_nonnull(e);
	ck_assert_str_eq(e->source, source);
	ck_assert_uint_eq(e->mode, FILESET_PROGRAM_MODE);

	ck_assert_int_eq(fileset_add_link(&set, "/bin-of-ours/sh", "dash", &err), 0);
	ck_assert_str_eq(fileset_find(&set, "/bin-of-ours/sh")->target, "dash");
	ck_assert_int_eq(fileset_add_folder(&set, "/mount/point/", &err), 0);
	ck_assert_int_eq(fileset_find(&set, "/mount/point")->kind, FILESET_FOLDER);
	ck_assert_int_eq(fileset_add_folder(&set, "/", &err), 0);
}
END_TEST

START_TEST(test_what_cannot_be_made)
{
	ck_assert_int_eq(fileset_add_folder(&set, "/x/y", &err), 0);
	expect_error(fileset_add_bytes(&set, "/x", 0644, "", 0, &err), "both a folder and a file");
	ck_assert_int_eq(fileset_add_bytes(&set, "/x/file", 0644, "", 0, &err), 0);
	expect_error(fileset_add_folder(&set, "/x/file", &err), "both a folder and a file");
	expect_error(fileset_add_bytes(&set, "/x/file/z", 0644, "", 0, &err), "is not a folder");
	expect_error(fileset_add_bytes(&set, "/x/", 0644, "", 0, &err), "not an absolute path");
	expect_error(fileset_add_bytes(&set, "x", 0644, "", 0, &err), "not an absolute path");
	expect_error(fileset_add_copy(&set, "/y", folder_path(&f, "none"), &err), "No such file");
	expect_error(fileset_add_copy(&set, "/y", f.path, &err), "is not a file");
}
END_TEST

/* What was made goes before the machine's, in whatever order they are added. */
START_TEST(test_what_is_made_is_kept)
{
	char *path = folder_put_text(&f, "passwd", "the machine's");

	ck_assert_int_eq(fileset_add_bytes(&set, path, 0644, "ours", 4, &err), 0);
	ck_assert_int_eq(fileset_add(&set, path, NULL, &err), 0);
	ck_assert_int_eq(fileset_add_tree(&set, f.path, NULL, NULL, &err), 0);
	ck_assert_str_eq((const char *)fileset_find(&set, path)->text, "ours");
}
END_TEST

START_TEST(test_sorted_in_whatever_order_they_come)
{
	static const char *const names[] = {"c", "a/z", "a", "b-c", "b", "b/c", "a/b", "0"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		ck_assert_int_eq(
			fileset_add_folder(&set, arena_printf(&f.arena, "/%s", names[i]), &err), 0);
	ck_assert_uint_eq(set.entries.n, ARRAY_SIZE(names));
	for (size_t i = 1; i < set.entries.n; i++)
		ck_assert_str_lt(set.entries.v[i - 1]->path, set.entries.v[i]->path);
}
END_TEST

START_TEST(test_too_large)
{
	char bytes[1000] = {0};

	fileset_init(&set, 2000, &f.arena);
	ck_assert_int_eq(fileset_add_bytes(&set, "/small", 0644, bytes, 300, &err), 0);
	ck_assert_int_eq(fileset_add_bytes(&set, "/smaller", 0644, bytes, 200, &err), 0);
	ck_assert_int_eq(fileset_add_bytes(&set, "/large", 0644, bytes, 900, &err), 0);
	/* In the place of another only the difference counts. */
	ck_assert_int_eq(fileset_add_bytes(&set, "/large", 0644, bytes, 1000, &err), 0);
	expect_error(fileset_add_bytes(&set, "/last", 0644, bytes, 501, &err),
		     "the largest: /large (0.0 MiB), /last (0.0 MiB), /small (0.0 MiB)");
	ck_assert_int_eq(fileset_add_bytes(&set, "/last", 0644, bytes, 500, &err), 0);
	ck_assert_uint_eq(set.bytes, 2000);
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("fileset");

	tcase_set_timeout(t, TEST_TIMEOUT_S);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, test_a_file_brings_its_folders);
	tcase_add_test(t, test_links_bring_what_they_name);
	tcase_add_test(t, test_what_the_kernel_makes_up_is_the_guests_own);
	tcase_add_test(t, test_what_cannot_be_added);
	tcase_add_test(t, test_a_tree);
	tcase_add_test(t, test_what_is_made);
	tcase_add_test(t, test_what_cannot_be_made);
	tcase_add_test(t, test_what_is_made_is_kept);
	tcase_add_test(t, test_sorted_in_whatever_order_they_come);
	tcase_add_test(t, test_too_large);
	return run_tests("fileset", t);
}
