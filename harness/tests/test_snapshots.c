/* SPDX-License-Identifier: MIT */
/* The cache of snapshots that guests go on from: in a folder of the test's own, so each boot is paid. */
#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/base/cleanup.h"
#include "harness/base/io.h"
#include "harness/base/nsec.h"
#include "harness/tests/guests.h"
#include "harness/tests/suite.h"
#include "harness/virtual/snapshot.h"

/* A guard: each test boots guests, on a machine that may be busy. */
#define TEST_TIMEOUT_S 300
#define PREFIX         "snapshot-"
/* Where the kernel's code and data are: half of a guest's RAM is more than enough to lose. */
#define DAMAGED_BYTES (64 << 20)
#define CHUNK_BYTES   (1 << 16)
#define GUARD         (60 * NSEC_PER_SEC)
#define RETRY_MS      5

static const char *const run_argv[] = {"run",  "--clock", "virtual", "--controls",
				       "none", "a.yaml",  NULL};

static struct cli c, other;
static bool can_run;
static const char *cache;

static void setup(void)
{
	can_run = guests_start(&c);
	cli_start(&other);
	guests_write_scenario(&c, "a.yaml");
	guests_write_scenario(&other, "a.yaml");
	cache = arena_printf(&c.arena, "%s/cache", c.dir);
	ck_assert_int_eq(mkdir(cache, 0755), 0);
	ck_assert_int_eq(setenv("WIRECUT_CACHE", cache, 1), 0);
}

static void teardown(void)
{
	if (can_run)
		guests_none_left();
	cli_finish(&other);
	cli_finish(&c);
}

static void expect_passed(const struct cli_result *r)
{
	ck_assert_msg(r->code == 0, "exit code %d\n%s%s", r->code, r->out, r->err);
}

static void run_passes(void)
{
	struct cli_result r = cli_run(&c, run_argv);

	expect_passed(&r);
}

/* How many names in the cache begin so; one of them (NULL: there is none). */
static size_t count(const char *prefix, const char **ret_one)
{
	size_t n = 0;
	DIR *d = opendir(cache);

	ck_assert_ptr_nonnull(d);
	for (struct dirent *e; (e = readdir(d));)
		if (!strncmp(e->d_name, prefix, strlen(prefix)) && ++n && ret_one)
			*ret_one = arena_strdup(&c.arena, e->d_name);
	closedir(d);
	return n;
}

static char *file_of(const char *snapshot, const char *file)
{
	return arena_printf(&c.arena, "%s/%s/%s", cache, snapshot, file);
}

/* The one snapshot that there is. */
static const char *only_one(void)
{
	const char *name = NULL;

	ck_assert_uint_eq(count(PREFIX, &name), 1);
	ck_assert_uint_eq(count(".making-", NULL), 0);
	ck_assert_uint_eq(count(".removed-", NULL), 0);
	return name;
}

/* When its files were written: an inode's number may come again. */
static nsec_t made_at(const char *snapshot)
{
	struct stat st;

	ck_assert_int_eq(stat(file_of(snapshot, "state"), &st), 0);
	return st.st_mtim.tv_sec * NSEC_PER_SEC + st.st_mtim.tv_nsec;
}

static void damage(const char *path)
{
	static char rubbish[CHUNK_BYTES];
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);

	memset(rubbish, 0xff, sizeof(rubbish));
	for (size_t done = 0; done < DAMAGED_BYTES; done += sizeof(rubbish))
		ck_assert_int_eq(io_write_all(fd, rubbish, sizeof(rubbish)), 0);
}

/*
 * Two that want the same: one boots, the other waits for it. Then what they made is damaged, as after a
 * disk was full or a machine lost its power: first so that QEMU refuses it, then so that it cannot tell,
 * and the guest does not get as far as t = 0.
 */
START_TEST(test_made_once_and_anew)
{
	if (!can_run)
		return;
	pid_t one = cli_spawn(&c, run_argv), two = cli_spawn(&other, run_argv);
	struct cli_result r = cli_wait(&c, one);
	expect_passed(&r);
	const char *said = r.err;
	r = cli_wait(&other, two);
	expect_passed(&r);
	/* Only the one that boots says so. */
	ck_assert(!strstr(said, "booting Linux") != !strstr(r.err, "booting Linux"));
	nsec_t first = made_at(only_one());
	ck_assert_uint_eq(count(".lock-", NULL), 0);
	r = CLI(&c, "run", "--clock", "virtual", "--controls", "none", "a.yaml");
	expect_passed(&r);
	ck_assert_ptr_null(strstr(r.err, "booting Linux"));
	ck_assert_int_eq(made_at(only_one()), first);

	ck_assert_int_eq(truncate(file_of(only_one(), "state"), CHUNK_BYTES), 0);
	run_passes();
	nsec_t second = made_at(only_one());
	damage(file_of(only_one(), "ram"));
	run_passes();
	ck_assert_int_ne(made_at(only_one()), second);
}
END_TEST

static void wait_for_making(void)
{
	nsec_t deadline = nsec_monotonic() + GUARD;

	while (!count(".making-", NULL)) {
		ck_assert_msg(nsec_monotonic() < deadline, "no snapshot is being made");
		poll(NULL, 0, RETRY_MS);
	}
}

/* --- removing old ones --- */

/* A folder such as that of a snapshot, used n seconds after the first. */
static void put_old(int n)
{
	const struct timespec times[] = {{.tv_sec = n}, {.tv_sec = n}};
	char *name = arena_printf(&c.arena, PREFIX "%d", n);
	char *folder = arena_printf(&c.arena, "%s/%s", cache, name);

	ck_assert_int_eq(mkdir(folder, 0755), 0);
	_cleanup_close_ int fd = open(file_of(name, "state"), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(utimensat(AT_FDCWD, folder, times, 0), 0);
}

static bool is_there(int n)
{
	return access(file_of(arena_printf(&c.arena, PREFIX "%d", n), "state"), F_OK) == 0;
}

/*
 * What one that was killed while it booted has left is taken by the next one. And when that has made its
 * snapshot the least recently used go, but what is in use stays.
 */
START_TEST(test_what_is_left_over)
{
	if (!can_run)
		return;
	for (int n = 1; n <= SNAPSHOTS_KEPT + 2; n++)
		put_old(n);
	_cleanup_close_ int used = open(file_of(PREFIX "1", "state"), O_RDONLY | O_CLOEXEC);
	ck_assert_int_eq(flock(used, LOCK_SH), 0);
	pid_t pid = cli_spawn(&c, run_argv);
	wait_for_making();
	kill(pid, SIGKILL);
	cli_wait(&c, pid);
	guests_none_left();

	/* Of another wirecut, which was killed: an empty lock, and what it was making. */
	cli_write(&c, "cache/.lock-snapshot-of-another", "");
	ck_assert_int_eq(
		mkdir(arena_printf(&c.arena, "%s/.making-snapshot-of-another", cache), 0755), 0);
	cli_write(&c, "cache/.making-snapshot-of-another/ram", "");
	/* And one that somebody is at. */
	cli_write(&c, "cache/.lock-snapshot-held", "");
	_cleanup_close_ int held =
		open(arena_printf(&c.arena, "%s/.lock-snapshot-held", cache), O_RDWR | O_CLOEXEC);
	ck_assert_int_eq(flock(held, LOCK_EX), 0);
	run_passes();
	ck_assert(is_there(1));
	for (int n = 2; n <= 3; n++)
		ck_assert_msg(!is_there(n), "number %d is still there", n);
	for (int n = 4; n <= SNAPSHOTS_KEPT + 2; n++)
		ck_assert_msg(is_there(n), "number %d is gone", n);
	ck_assert_uint_eq(count(".making-", NULL), 0);
	ck_assert_uint_eq(count(".lock-", NULL), 1);
	ck_assert_int_eq(access(arena_printf(&c.arena, "%s/.lock-snapshot-held", cache), F_OK), 0);
	ck_assert_uint_eq(count(".removed-", NULL), 0);
}
END_TEST

int main(void)
{
	TCase *tests = tcase_create("snapshots");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_set_timeout(tests, TEST_TIMEOUT_S);
	tcase_add_test(tests, test_made_once_and_anew);
	tcase_add_test(tests, test_what_is_left_over);
	return run_tests("snapshots", tests);
}
