/* SPDX-License-Identifier: MIT */
/* Finding a guest's kernel and its modules, among images and folders that are made for it. */
#include <check.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "harness/base/cleanup.h"
#include "harness/tests/folder.h"
#include "harness/tests/netns.h"
#include "harness/tests/suite.h"
#include "harness/virtual/kernel.h"

#define TEST_TIMEOUT_S 60

/* The header of a bzImage, see kernel.c. */
#define IMAGE_BYTES     4096
#define SETUP_SECTORS   0x1F1
#define MAGIC           0x202
#define VERSION         0x20E
#define VERSION_IN_FILE 0x400
#define SECTOR          0x200

static const char magic[] = {'H', 'd', 'r', 'S'};

#define RELEASE "6.1.0-56-test"

static struct folder f;
static struct guest_kernel kernel;
static struct err err;

static void setup(void)
{
	folder_make(&f);
	kernel = (struct guest_kernel){0};
	err = (struct err){0};
	unsetenv("WIRECUT_KERNEL");
	unsetenv("WIRECUT_MODULES");
}

static void teardown(void)
{
	folder_remove(&f);
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

static char *put_image(const char *name, const char *version)
{
	char image[IMAGE_BYTES] = {0};

	image[SETUP_SECTORS] = 4;
	memcpy(image + MAGIC, magic, sizeof(magic));
	image[VERSION] = (char)((VERSION_IN_FILE - SECTOR) & 0xff);
	image[VERSION + 1] = (char)((VERSION_IN_FILE - SECTOR) >> 8);
	snprintf(image + VERSION_IN_FILE, sizeof(image) - VERSION_IN_FILE, "%s", version);
	return folder_put(&f, name, 0644, image, sizeof(image));
}

static int find(const char *image, const char *modules)
{
	const struct kernel_choice choice = {.image = image, .modules = modules};

	return kernel_find(&choice, &f.arena, &kernel, &err);
}

/* --- the image --- */

START_TEST(test_the_release_is_the_images_own)
{
	char *image = put_image("boot/vmlinuz-of-another-name",
				RELEASE " (me@here) #1 SMP PREEMPT_DYNAMIC");

	ck_assert_str_eq(kernel_release(image, &f.arena, &err), RELEASE);
	folder_put_text(&f, "lib/modules/" RELEASE "/modules.dep", "");
	ok(find(image, NULL));
	ck_assert_str_eq(kernel.image, image);
	ck_assert_str_eq(kernel.release, RELEASE);
	char real[PATH_MAX];
	ck_assert_ptr_nonnull(realpath(kernel.modules, real));
	ck_assert_str_eq(real, folder_path(&f, "lib/modules/" RELEASE));
	/* As `make guest-kernel` has them, they are preferred. */
	folder_put_text(&f, "boot/modules/modules.dep", "");
	ok(find(image, NULL));
	ck_assert_str_eq(kernel.modules, folder_path(&f, "boot/modules"));
	/* As the user says. */
	folder_put_text(&f, "other/modules.dep", "");
	ok(find(image, folder_path(&f, "other")));
	ck_assert_str_eq(kernel.modules, folder_path(&f, "other"));
}
END_TEST

START_TEST(test_what_is_no_kernel)
{
	char image[IMAGE_BYTES] = {0};

	expect_error(find(folder_path(&f, "none"), NULL), "none: No such file");
	expect_error(find(folder_put_folder(&f, "boot"), NULL),
		     "/boot is a folder: name the image");
	expect_error(find(folder_put_text(&f, "text", "text"), NULL), "no kernel to boot");
	expect_error(find(folder_put(&f, "zeroes", 0644, image, sizeof(image)), NULL),
		     "no kernel to boot");
	/* Cut within its header. */
	char *cut = put_image("cut", RELEASE);
	ck_assert_int_eq(truncate(cut, VERSION + 1), 0);
	expect_error(find(cut, NULL), "no kernel to boot");
	/* The release's text lies behind the file's end, behind the setup sectors, is empty, endless. */
	cut = put_image("no-version", RELEASE);
	ck_assert_int_eq(truncate(cut, VERSION_IN_FILE), 0);
	expect_error(find(cut, NULL), "does not tell its release");
	memcpy(image + MAGIC, magic, sizeof(magic));
	expect_error(find(folder_put(&f, "zero", 0644, image, sizeof(image)), NULL),
		     "does not tell its release");
	image[VERSION + 1] = (char)0xff;
	expect_error(find(folder_put(&f, "behind", 0644, image, sizeof(image)), NULL),
		     "does not tell its release");
	expect_error(find(put_image("empty", " #1 SMP"), NULL), "does not tell its release");
	expect_error(find(put_image("path", "../../etc #1 SMP"), NULL),
		     "does not tell its release");
	char endless[200];
	memset(endless, 'x', sizeof(endless));
	endless[sizeof(endless) - 1] = '\0';
	expect_error(find(put_image("endless", endless), NULL), "does not tell its release");
}
END_TEST

START_TEST(test_without_modules)
{
	char *image = put_image("boot/vmlinuz", RELEASE " #1");

	expect_error(find(image, NULL), "--modules DIR");
	expect_error(find(image, folder_path(&f, "none")), "none: No such file");
	expect_error(find(image, folder_put_folder(&f, "empty")), "has no modules.dep");
	expect_error(find(NULL, folder_path(&f, "empty")), "of no use without --kernel");
}
END_TEST

START_TEST(test_modules_of_another_release)
{
	static const char other[] = "\0license=GPL\0vermagic=6.12.1-other SMP preempt \0";
	static const char same[] = "vermagic=" RELEASE " SMP preempt ";
	char *image = put_image("boot/vmlinuz", RELEASE " #1");
	char *dir = folder_put_folder(&f, "m");

	folder_put_text(&f, "m/modules.dep", "kernel/a.ko:\nkernel/b.ko:\n");
	folder_put(&f, "m/kernel/a.ko", 0644, other, sizeof(other));
	expect_error(find(image, dir), "are for Linux 6.12.1-other, and the kernel");
	expect_error(find(image, dir), "is Linux " RELEASE ": give those of the same release");
	folder_put_text(&f, "m/kernel/a.ko", same);
	ok(find(image, dir));
	/* A longer release is another one, and a text that is cut short none. */
	folder_put_text(&f, "m/kernel/a.ko", "vermagic=" RELEASE "-2 SMP");
	expect_error(find(image, dir), "are for Linux " RELEASE "-2,");
	folder_put_text(&f, "m/kernel/a.ko", "no such text: vermagic");
	ok(find(image, dir));
}
END_TEST

START_TEST(test_the_environment_and_what_was_fetched)
{
	char *image = put_image("env/vmlinuz", RELEASE " #1");
	char *fetched = folder_path(&f, "fetched");
	const struct kernel_choice choice = {.fetched = fetched};

	expect_error(kernel_find(&choice, &f.arena, &kernel, &err), "make guest-kernel");
	put_image("fetched/1.2.3/vmlinuz", "1.2.3 #1");
	folder_put_link(&f, "fetched/default", "1.2.3");
	expect_error(kernel_find(&choice, &f.arena, &kernel, &err), "No such file");
	folder_put_text(&f, "fetched/1.2.3/modules/modules.dep", "");
	ok(kernel_find(&choice, &f.arena, &kernel, &err));
	ck_assert_str_eq(kernel.release, "1.2.3");

	/* The environment goes before it, an image before the environment. */
	ck_assert_int_eq(setenv("WIRECUT_KERNEL", image, 1), 0);
	expect_error(kernel_find(&choice, &f.arena, &kernel, &err), "WIRECUT_KERNEL: no modules");
	ck_assert_int_eq(setenv("WIRECUT_MODULES", folder_path(&f, "fetched/1.2.3/modules"), 1), 0);
	ok(kernel_find(&choice, &f.arena, &kernel, &err));
	ck_assert_str_eq(kernel.release, RELEASE);
	char *other = put_image("other/vmlinuz", "4.5.6 #1");
	folder_put_text(&f, "other/modules/modules.dep", "");
	ok(find(other, NULL));
	ck_assert_str_eq(kernel.release, "4.5.6");

	/* An empty one is none. */
	ck_assert_int_eq(setenv("WIRECUT_KERNEL", "", 1), 0);
	ok(kernel_find(&choice, &f.arena, &kernel, &err));
	ck_assert_str_eq(kernel.release, "1.2.3");
}
END_TEST

/* --- modules --- */

static void put_modules(const char *dep, const char *builtin)
{
	char *text = arena_strdup(&f.arena, dep), *save = NULL;

	kernel.modules = folder_path(&f, "m");
	kernel.release = arena_strdup(&f.arena, RELEASE);
	folder_put_text(&f, "m/modules.dep", dep);
	folder_put_text(&f, "m/modules.builtin", builtin);
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		line[strcspn(line, ":")] = '\0';
		folder_put_text(&f, arena_printf(&f.arena, "m/%s", line), "content");
	}
}

static int list(const char *const *names, bool required, struct module_list *ret)
{
	struct module_wanted wanted[8] = {0};
	size_t n = 0;

	for (; names[n]; n++)
		wanted[n] = (struct module_wanted){names[n], "for the test", required};
	return kernel_modules(&kernel, wanted, n, &f.arena, ret, &err);
}

#define LIST(required, ret, ...) list((const char *const[]){__VA_ARGS__, NULL}, required, ret)

static void expect_order(const struct module_list *l, const char *names)
{
	const char *got = "";

	for (size_t i = 0; i < l->paths.n; i++)
		got = arena_printf(&f.arena, "%s%s%s", got, i ? " " : "",
				   kernel_module_name(l->paths.v[i], &f.arena));
	ck_assert_str_eq(got, names);
}

START_TEST(test_modules_in_the_order_of_loading)
{
	struct module_list l;

	put_modules("kernel/net/a.ko.xz:\n"
		    "kernel/net/b.ko: kernel/net/a.ko.xz\n"
		    "kernel/net/d.ko: kernel/net/c-c.ko kernel/net/b.ko kernel/net/a.ko.xz\n"
		    "kernel/net/c-c.ko: kernel/net/b.ko kernel/net/a.ko.xz\n"
		    "kernel/net/aa.ko:\n",
		    "kernel/net/built-in.ko\n");
	ok(LIST(true, &l, "d", "built_in", "a"));
	expect_order(&l, "a.ko b.ko c-c.ko d.ko");
	ck_assert_uint_eq(l.missing.n, 0);
	ck_assert_str_eq(l.paths.v[0], folder_path(&f, "m/kernel/net/a.ko.xz"));
	ok(LIST(true, &l, "c_c", "aa"));
	expect_order(&l, "a.ko b.ko c-c.ko aa.ko");
}
END_TEST

START_TEST(test_the_order_holds_where_the_list_is_not_whole)
{
	struct module_list l;

	put_modules("d.ko: c.ko\nc.ko: b.ko\nb.ko: a.ko\na.ko: d.ko\n", "");
	ok(LIST(true, &l, "d"));
	expect_order(&l, "a.ko b.ko c.ko d.ko");
}
END_TEST

START_TEST(test_missing_modules)
{
	struct module_list l;

	put_modules("a.ko:\nb.ko: gone.ko\nno-file.ko:\n", "built.ko\n");
	ok(LIST(false, &l, "x", "a", "y"));
	expect_order(&l, "a.ko");
	ck_assert_uint_eq(l.missing.n, 2);
	ck_assert_str_eq(l.missing.v[1], "y");
	/* All at once. */
	expect_error(LIST(true, &l, "x", "a", "y", "built"), "x (for the test), y (for the test)");
	expect_error(LIST(true, &l, "b"), "b.ko needs gone.ko");
	ck_assert_int_eq(unlink(folder_path(&f, "m/no-file.ko")), 0);
	expect_error(LIST(true, &l, "no-file"), "no-file.ko: No such file");
	ck_assert_int_eq(unlink(folder_path(&f, "m/modules.builtin")), 0);
	expect_error(LIST(true, &l, "a"), "modules.builtin: No such file");
}
END_TEST

START_TEST(test_names)
{
	ck_assert_str_eq(kernel_module_name("/m/kernel/veth.ko", &f.arena), "veth.ko");
	ck_assert_str_eq(kernel_module_name("/m/kernel/veth.ko.zst", &f.arena), "veth.ko");
	/* The table names each module once, and those that a run cannot do without. */
	for (size_t i = 0; i < kernel_n_modules_wanted; i++)
		for (size_t j = 0; j < i; j++)
			ck_assert_str_ne(kernel_modules_wanted[i].name,
					 kernel_modules_wanted[j].name);
}
END_TEST

START_TEST(test_compressed_modules)
{
	static const char *const tools[][2] = {{"xz", "m.ko.xz"}, {"gzip", "m.ko.gz"}};
	char content[100000];
	size_t len;

	for (size_t i = 0; i < sizeof(content); i++)
		content[i] = (char)(i / 3);
	char *plain = folder_put(&f, "m.ko", 0644, content, sizeof(content));
	char *got = kernel_module_read(plain, &len, &f.arena, &err);
	ck_assert_msg(got != NULL && len == sizeof(content), "%s", err.msg);
	for (size_t i = 0; i < ARRAY_SIZE(tools); i++) {
		char *path = folder_path(&f, tools[i][1]);
		const char *const argv[] = {
			"sh", "-c",
			arena_printf(&f.arena, "%s -c %s >%s", tools[i][0], plain, path), NULL};

		output_of(&f.arena, argv);
		got = kernel_module_read(path, &len, &f.arena, &err);
		ck_assert_msg(got != NULL, "%s", err.msg);
		ck_assert_uint_eq(len, sizeof(content));
		ck_assert_mem_eq(got, content, len);
		ck_assert_int_eq(truncate(path, 60), 0);
		ck_assert_ptr_null(kernel_module_read(path, &len, &f.arena, &err));
		ck_assert_ptr_nonnull(strstr(err.msg, tools[i][1]));
	}
	ck_assert_ptr_null(kernel_module_read(folder_path(&f, "none.ko.xz"), &len, &f.arena, &err));
	ck_assert_ptr_null(kernel_module_read(folder_path(&f, "none.ko"), &len, &f.arena, &err));
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("kernel");

	tcase_set_timeout(t, TEST_TIMEOUT_S);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, test_the_release_is_the_images_own);
	tcase_add_test(t, test_what_is_no_kernel);
	tcase_add_test(t, test_without_modules);
	tcase_add_test(t, test_modules_of_another_release);
	tcase_add_test(t, test_the_environment_and_what_was_fetched);
	tcase_add_test(t, test_modules_in_the_order_of_loading);
	tcase_add_test(t, test_the_order_holds_where_the_list_is_not_whole);
	tcase_add_test(t, test_missing_modules);
	tcase_add_test(t, test_names);
	tcase_add_test(t, test_compressed_modules);
	return run_tests("kernel", t);
}
