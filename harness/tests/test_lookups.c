/* SPDX-License-Identifier: MIT */
/* What a guest's kernel tells: what was looked for, what of it is worth telling, what it killed. */
#include <check.h>
#include <unistd.h>

#include "harness/guest/lookups.h"
#include "harness/tests/folder.h"
#include "harness/tests/suite.h"
#include "harness/virtual/lookups.h"

#define ROOMY ((uint64_t)1 << 30)

static struct folder f;
static struct plan plan;
static struct pack_input in;
static struct fileset packed;

static void setup(void)
{
	folder_make(&f);
	plan = (struct plan){.file = "a.yaml"};
	in = (struct pack_input){.plan = &plan, .start_dir = f.path, .path = "/usr/bin"};
	fileset_init(&packed, ROOMY, &f.arena);
}

static void teardown(void)
{
	folder_remove(&f);
}

/* --- the trace --- */

#define ENTRY(comm, tid, path)                                                                     \
	"  " comm "-" #tid "   [000]   1.412: open: (do_filp_open+0x0/0x160) path=\"" path "\"\n"
#define FAILED(comm, tid)                                                                          \
	"  " comm "-" #tid                                                                         \
	"   [000]   1.413: opened: (do_sys_openat2+0xa/0x16 <- do_filp_open) error=-2\n"

static void is_told(const char *trace, const char *told)
{
	ck_assert_str_eq(lookups_of_trace(trace, &f.arena), told);
}

START_TEST(test_a_failure_belongs_to_the_threads_last_path)
{
	is_told("# tracer: nop\n#\n" ENTRY("cat", 7, "/there") ENTRY("cat", 7, "/not/there")
			ENTRY("sh", 8, "/other") FAILED("cat", 7),
		"/not/there\tcat\n");
	/* Another thread's paths are not this one's, and one path does not fail twice. */
	is_told(ENTRY("cat", 7, "/a") FAILED("cat", 8), "");
	is_told(ENTRY("cat", 7, "/a") FAILED("cat", 7) FAILED("cat", 7), "/a\tcat\n");
	is_told("", "");
}
END_TEST

START_TEST(test_each_once_and_sorted)
{
	is_told(ENTRY("z", 1, "/b") FAILED("z", 1) ENTRY("a", 2, "/b") FAILED("a", 2)
			ENTRY("z", 1, "/a") FAILED("z", 1) ENTRY("z", 3, "/b") FAILED("z", 3),
		"/a\tz\n/b\ta\n/b\tz\n");
}
END_TEST

START_TEST(test_names_and_paths_of_any_kind)
{
	is_told(ENTRY("a-b [x] y", 12, "/with space/\xc3\xa9") FAILED("a-b [x] y", 12),
		"/with space/\xc3\xa9\ta-b [x] y\n");
	/* A line's end within: what is left of it is no other path. */
	is_told(ENTRY("cat", 7, "/good") ENTRY("cat", 7, "/bad\nend") FAILED("cat", 7), "");
	is_told("no record\n [\n- [\n", "");
}
END_TEST

START_TEST(test_wirecuts_own_are_left_out)
{
	is_told(ENTRY("wirecut-guest", 7, "/a") FAILED("wirecut-guest", 7), "");
	is_told(ENTRY("wirecut-gues", 7, "/a") FAILED("wirecut-gues", 7), "/a\twirecut-gues\n");
}
END_TEST

/* --- what is worth telling --- */

/* Of one path, looked for by a program. */
static bool is_worth_telling(const char *path)
{
	struct not_packed found;
	const char *text = arena_printf(&f.arena, "%s\tprogram\n", path);

	lookups_not_packed(text, &in, &packed, &f.arena, &found);
	if (!found.n)
		return false;
	ck_assert_str_eq(found.v[0].program, "program");
	return true;
}

START_TEST(test_what_this_machine_has_and_the_guest_has_not)
{
	struct err err;
	char *file = folder_put_text(&f, "a.conf", "");
	char *folder = folder_put_folder(&f, "d");
	char *link = folder_put_link(&f, "link.conf", "a.conf");

	ck_assert(is_worth_telling(file));
	ck_assert(is_worth_telling(folder));
	ck_assert(is_worth_telling(link));
	ck_assert(!is_worth_telling(folder_path(&f, "none.conf")));
	ck_assert(is_worth_telling("/etc/fstab") == (access("/etc/fstab", F_OK) == 0));
	ck_assert_int_eq(fileset_add(&packed, file, NULL, &err), 0);
	ck_assert(!is_worth_telling(file));
	ck_assert(!is_worth_telling(link));
}
END_TEST

START_TEST(test_what_hosts_have_of_their_own)
{
	ck_assert(!is_worth_telling("/proc/self/status"));
	ck_assert(!is_worth_telling("/dev/null"));
	ck_assert(!is_worth_telling("/tmp"));
	/* Hosts see wirecut's working folder in spite of where it is; not what is beside it. */
	char *file = folder_put_text(&f, "work/a.conf", "");

	in.start_dir = folder_put_folder(&f, "elsewhere");
	ck_assert(!is_worth_telling(file));
	plan.file = folder_path(&f, "work/a.yaml");
	ck_assert(is_worth_telling(file));
	plan.file = "../work/a.yaml";
	ck_assert(!is_worth_telling(file));
	in.start_dir = folder_path(&f, "work");
	ck_assert(is_worth_telling(file));
	/* What the scenario itself gives to a host. */
	*vec_push(&f.arena, &plan.files) = (struct plan_file){.path = file, .text = ""};
	ck_assert(!is_worth_telling(file));
	ck_assert(!is_worth_telling(folder_path(&f, "work")));
}
END_TEST

/* Each of them is on most machines, and every program of the C library may ask for it. */
START_TEST(test_what_is_harmless)
{
	ck_assert(!is_worth_telling("/etc/gai.conf"));
	ck_assert(!is_worth_telling("/etc/ld.so.cache"));
	ck_assert(!is_worth_telling("/etc/localtime"));
	ck_assert(!is_worth_telling("/usr/lib/locale/C.utf8"));
	folder_put_text(&f, "glibc-hwcaps/x86-64-v3/libc.so.6", "");
	ck_assert(!is_worth_telling(folder_path(&f, "glibc-hwcaps/x86-64-v3/libc.so.6")));
}
END_TEST

START_TEST(test_relative_paths_count_from_where_programs_start)
{
	folder_put_text(&f, "work/a.conf", "");
	ck_assert(!is_worth_telling("a.conf"));
	*vec_push(&f.arena, &plan.apps) = (struct plan_app){.group = "a"};
	ck_assert(!is_worth_telling("a.conf"));
	plan.apps.v[0].cwd = folder_path(&f, "work");
	ck_assert(is_worth_telling("a.conf"));
	ck_assert(is_worth_telling("../work/a.conf"));
}
END_TEST

START_TEST(test_the_text_of_the_results)
{
	static const char text[] = "/a b\tcat\n/c\tsh\n";
	struct not_packed files;

	not_packed_read(text, &f.arena, &files);
	ck_assert_uint_eq(files.n, 2);
	ck_assert_str_eq(files.v[0].path, "/a b");
	ck_assert_str_eq(files.v[1].program, "sh");
	ck_assert_str_eq(not_packed_write(&files, &f.arena), text);
	not_packed_read("no tab\n\tno path\nno program\t\n\n/x\ty", &f.arena, &files);
	ck_assert_str_eq(not_packed_write(&files, &f.arena), "/x\ty\n");
}
END_TEST

int main(void)
{
	TCase *c = tcase_create("lookups");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, test_a_failure_belongs_to_the_threads_last_path);
	tcase_add_test(c, test_each_once_and_sorted);
	tcase_add_test(c, test_names_and_paths_of_any_kind);
	tcase_add_test(c, test_wirecuts_own_are_left_out);
	tcase_add_test(c, test_what_this_machine_has_and_the_guest_has_not);
	tcase_add_test(c, test_what_hosts_have_of_their_own);
	tcase_add_test(c, test_what_is_harmless);
	tcase_add_test(c, test_relative_paths_count_from_where_programs_start);
	tcase_add_test(c, test_the_text_of_the_results);
	return run_tests("lookups", c);
}
