/* SPDX-License-Identifier: MIT */
/* What every guest boots with, from a kernel's folder of modules made by the test. */
#include <check.h>
#include <stdlib.h>
#include <unistd.h>

#include "harness/base/cleanup.h"
#include "harness/tests/folder.h"
#include "harness/tests/suite.h"
#include "harness/virtual/channel.h"
#include "harness/virtual/initrd.h"

#define TEST_TIMEOUT_S 60
#define ROOMY          ((uint64_t)1 << 30)

static struct folder f;
static struct fileset set;
static struct guest_kernel kernel;
static struct err err;

static void setup(void)
{
	folder_make(&f);
	fileset_init(&set, ROOMY, &f.arena);
	err = (struct err){0};
	kernel = (struct guest_kernel){.image = folder_path(&f, "vmlinuz"),
				       .modules = folder_path(&f, "modules"),
				       .release = arena_strdup(&f.arena, "1.2.3")};
	folder_put_text(&f, "modules/modules.dep",
			"veth.ko:\ntcp_diag.ko: inet_diag.ko\n"
			"inet_diag.ko:\n");
	folder_put_text(&f, "modules/modules.builtin", "af_packet.ko\nipv6.ko\ntcp_cubic.ko\n");
	folder_put_text(&f, "modules/veth.ko", "veth");
	folder_put_text(&f, "modules/tcp_diag.ko", "tcp_diag");
	folder_put_text(&f, "modules/inet_diag.ko", "inet_diag");
}

static void teardown(void)
{
	folder_remove(&f);
}

START_TEST(test_an_image)
{
	static const char *const paths[] = {"/proc", "/sys", "/dev", "/tmp"};
	struct strings missing;
	char self[4096] = {0};

	/* This test is a program like wirecut. */
	ck_assert_int_gt(readlink("/proc/self/exe", self, sizeof(self) - 1), 0);
	int rc = initrd_files(&kernel, self, &set, &missing, &err);
	ck_assert_msg(rc == 0, "%s", err.msg);
	const struct fileset_entry *e = fileset_find(&set, GUEST_PROGRAM);
	ck_assert_ptr_nonnull(e);
	ck_assert_str_eq(e->target, self);
	ck_assert_ptr_nonnull(fileset_find(&set, self));
	e = fileset_find(&set, GUEST_MODULES_ORDER);
	ck_assert_ptr_nonnull(e);
	ck_assert_str_eq(e->text,
			 GUEST_MODULES_DIR "/veth.ko\n" GUEST_MODULES_DIR
					   "/inet_diag.ko\n" GUEST_MODULES_DIR "/tcp_diag.ko\n");
	e = fileset_find(&set, GUEST_MODULES_DIR "/veth.ko");
	ck_assert_ptr_nonnull(e);
	ck_assert_str_eq(e->text, "veth");
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		ck_assert_ptr_nonnull(fileset_find(&set, paths[i]));
	ck_assert_uint_gt(missing.n, 0);
	ck_assert_str_eq(missing.v[0], "sch_netem");
}
END_TEST

START_TEST(test_images_that_cannot_be)
{
	ck_assert_int_eq(initrd_files(&kernel, "/none/wirecut", &set, NULL, &err), -1);
	ck_assert_msg(strstr(err.msg, "/none/wirecut: No such file") != NULL, "%s", err.msg);
	folder_put_text(&f, "modules/modules.builtin", "ipv6.ko\ntcp_cubic.ko\n");
	ck_assert_int_eq(initrd_files(&kernel, "/none/wirecut", &set, NULL, &err), -1);
	ck_assert_msg(strstr(err.msg, "lacks modules that every run needs: af_packet") != NULL,
		      "%s", err.msg);
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("initrd");

	tcase_set_timeout(t, TEST_TIMEOUT_S);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, test_an_image);
	tcase_add_test(t, test_images_that_cannot_be);
	return run_tests("initrd", t);
}
