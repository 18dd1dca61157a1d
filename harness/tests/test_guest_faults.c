/* SPDX-License-Identifier: MIT */
/*
 * What can go wrong with a guest: each time an error that says what, with the console's last lines where
 * there is a console, and what mends it; exit code 3; and nothing is left running.
 */
#include <check.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/base/cleanup.h"
#include "harness/base/io.h"
#include "harness/tests/guests.h"
#include "harness/tests/netns.h"
#include "harness/tests/suite.h"
#include "harness/virtual/kernel.h"

/* A guard; a boot of a guest is among what a test may wait for. */
#define TEST_TIMEOUT_S 240

/* The exit codes of the command line (README.md). */
enum {
	EXIT_PASSED = 0,
	EXIT_MISUSED = 2,
	EXIT_HARNESS = 3,
	EXIT_INTERRUPTED = 130,
	EXIT_KILLED = 137
};

/* The real-mode part of a bzImage: its length in sectors, less one (Documentation/arch/x86/boot.rst). */
#define SETUP_SECTORS_OFFSET 0x1F1
#define SECTOR_BYTES         512
/* In place of the kernel behind it: the undefined instruction (ud2), on which the processor resets. */
#define BROKEN_BYTES (1 << 20)

/* SIGKILL comes at moments that are spread over a run's first second. */
#define N_KILLS      20
#define KILL_STEP_MS 50

#define KERNEL   "build/guest-kernel/default/vmlinuz"
#define MODULES  "build/guest-kernel/default/modules"
#define RUN(...) CLI(&c, "run", "--clock", "virtual", __VA_ARGS__)

static struct cli c;
static bool can_run;

static void setup(void)
{
	can_run = guests_start(&c);
	guests_write_scenario(&c, "a.yaml");
}

static void teardown(void)
{
	guests_finish(&c, can_run);
}

static void expect_error(const struct cli_result *r, const char *part, const char *mend)
{
	ck_assert_msg(r->code == EXIT_HARNESS, "exit code %d\n%s%s", r->code, r->out, r->err);
	const char *all = arena_printf(&c.arena, "%s%s", r->out, r->err);
	contains(all, part);
	contains(all, mend);
}

static const char *absolute(const char *path)
{
	char *real = realpath(path, NULL);

	ck_assert_msg(real != NULL, "%s is not there", path);
	const char *copy = arena_strdup(&c.arena, real);
	free(real);
	return copy;
}

/* --- before there is a guest --- */

static const struct {
	const char *variable, *value, *part, *mend;
} surroundings[] = {
	{"WIRECUT_QEMU", "/none", "WIRECUT_QEMU: /none", "No such file"},
	{"PATH", "/none", "qemu-system-x86_64 is not on the PATH", "apt-get install"},
	{"WIRECUT_KERNEL", "/none", "WIRECUT_KERNEL: open the kernel /none", "No such file"},
	{"WIRECUT_KERNEL", "/etc/passwd", "/etc/passwd is no kernel to boot", "bzImage"},
	{"WIRECUT_QEMU", "/bin/false", "QEMU exited with 1", "a QEMU?"},
	{"WIRECUT_CACHE", "/proc/none", "/proc/none for the guests' snapshots cannot be written",
	 "WIRECUT_CACHE"},
};

START_TEST(test_surroundings)
{
	if (!can_run)
		return;
	ck_assert_int_eq(setenv(surroundings[_i].variable, surroundings[_i].value, 1), 0);
	struct cli_result r = RUN("--controls", "none", "a.yaml");
	expect_error(&r, surroundings[_i].part, surroundings[_i].mend);
}
END_TEST

/* A program that is installed by itself, without kernels beside it. */
START_TEST(test_no_kernel)
{
	if (!can_run)
		return;
	ck_assert_int_eq(mkdir(arena_printf(&c.arena, "%s/bin", c.dir), 0755), 0);
	const char *copy = arena_printf(&c.arena, "%s/bin/wirecut", c.dir);
	char kernels[PATH_MAX];
	_cleanup_close_ int from = open("build/bin/wirecut", O_RDONLY | O_CLOEXEC);
	_cleanup_close_ int to = open(copy, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
	struct stat st;
	ck_assert(from >= 0 && to >= 0 && fstat(from, &st) == 0);
	for (off_t left = st.st_size; left > 0;) {
		ssize_t n = copy_file_range(from, NULL, to, NULL, (size_t)left, 0);

		ck_assert_int_gt(n, 0);
		left -= n;
	}
	close(TAKE_FD(to)); /* a file that is open for writing cannot be executed */
	ck_assert_int_eq(setenv("BUILD", c.dir, 1), 0);
	struct cli_result r = RUN("--controls", "none", "a.yaml");
	expect_error(&r, "there is no kernel for a guest", "make guest-kernel");
	/* As the mend of one that is installed says. */
	contains(arena_printf(&c.arena, "%s%s", r.out, r.err),
		 arena_printf(&c.arena, " nor %s/lib/wirecut/guest-kernel): ", c.dir));
	ck_assert_int_eq(mkdir(arena_printf(&c.arena, "%s/lib", c.dir), 0755), 0);
	ck_assert_int_eq(mkdir(arena_printf(&c.arena, "%s/lib/wirecut", c.dir), 0755), 0);
	ck_assert_ptr_nonnull(realpath("build/guest-kernel", kernels));
	ck_assert_int_eq(
		symlink(kernels, arena_printf(&c.arena, "%s/lib/wirecut/guest-kernel", c.dir)), 0);
	contains(CLI(&c, "doctor").out, "\nhave     guest-kernel ");
}
END_TEST

START_TEST(test_a_program_that_is_not_there)
{
	if (!can_run)
		return;
	cli_write(&c, "a.yaml",
		  "version: 1\nname: one\nhosts: {h: {}}\n"
		  "apps: {app: {host: h, run: \"/none/program\"}}\n"
		  "expect:\n  - exits: {app: app, status: 0, within: 1s}\n");
	struct cli_result r = RUN("a.yaml");
	expect_error(&r, "/none/program", "install what is missing");
}
END_TEST

/* --- kernels that do not come up --- */

START_TEST(test_a_broken_kernel)
{
	static const uint8_t ud2[] = {0x0f, 0x0b}; /* no instruction of any kernel */
	char bytes[SECTOR_BYTES];

	if (!can_run)
		return;
	_cleanup_close_ int kernel = open(KERNEL, O_RDONLY | O_CLOEXEC);
	ck_assert_int_eq(pread(kernel, bytes, sizeof(bytes), 0), sizeof(bytes));
	size_t setup_bytes = ((uint8_t)bytes[SETUP_SECTORS_OFFSET] + 1UL) * SECTOR_BYTES;
	char *image = arena_alloc(&c.arena, setup_bytes + BROKEN_BYTES);
	ck_assert_int_eq(pread(kernel, image, setup_bytes, 0), (ssize_t)setup_bytes);
	for (size_t i = 0; i < BROKEN_BYTES; i += 2)
		memcpy(image + setup_bytes + i, ud2, sizeof(ud2));
	const char *path = arena_printf(&c.arena, "%s/broken", c.dir);
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	ck_assert_int_eq(io_write_all(fd, image, setup_bytes + BROKEN_BYTES), 0);

	struct cli_result r = RUN("--kernel", path, "--modules", absolute(MODULES), "--controls",
				  "none", "a.yaml");
	expect_error(&r, "boot Linux", "/broken a whole kernel");
}
END_TEST

/* A panic while it boots: modules that the kernel refuses bring it about. */
START_TEST(test_modules_that_cannot_be_loaded)
{
	const char *dep = "";

	if (!can_run)
		return;
	ck_assert_int_eq(mkdir(arena_printf(&c.arena, "%s/modules", c.dir), 0755), 0);
	for (size_t i = 0; i < kernel_n_modules_wanted; i++) {
		const char *name = arena_printf(&c.arena, "%s.ko", kernel_modules_wanted[i].name);

		dep = arena_printf(&c.arena, "%s%s:\n", dep, name);
		cli_write(&c, arena_printf(&c.arena, "modules/%s", name), "no module");
	}
	cli_write(&c, "modules/modules.dep", dep);
	cli_write(&c, "modules/modules.builtin", "");
	struct cli_result r = RUN("--kernel", absolute(KERNEL), "--modules", "modules",
				  "--controls", "none", "a.yaml");
	expect_error(&r, "its kernel panicked: Attempted to kill init!",
		     "wirecut: the guest cannot be set up: load the module");
}
END_TEST

/* --- what the command line says of kernels --- */

static void expect_usage_error(const struct cli_result *r, const char *part)
{
	ck_assert_msg(r->code == EXIT_MISUSED, "exit code %d\n%s%s", r->code, r->out, r->err);
	contains(r->err, part);
	/* Nothing ran. */
	ck_assert_int_lt(access(arena_printf(&c.arena, "%s/results", c.dir), F_OK), 0);
}

START_TEST(test_modules_of_another_kernel)
{
	if (!can_run)
		return;
	struct strings kernels = guests_kernels(&c.arena);
	if (kernels.n < 2) {
		skip("there is no second kernel: make guest-kernel");
		return;
	}
	const char *modules = guests_modules_of(kernels.v[1], &c.arena);
	struct cli_result r = RUN("--kernel", kernels.v[0], "--modules", modules, "a.yaml");
	expect_usage_error(&r, "give those of the same release");
}
END_TEST

START_TEST(test_kernels_that_are_none)
{
	if (!can_run)
		return;
	struct cli_result r = RUN("--kernel", "/none", "a.yaml");
	expect_usage_error(&r, "open the kernel /none: No such file");
	r = RUN("--kernel", "/etc", "a.yaml");
	expect_usage_error(&r, "name the image in it, as /etc/vmlinuz");
	r = RUN("--modules", absolute(MODULES), "a.yaml");
	expect_usage_error(&r, "Give --kernel IMAGE too");
	r = RUN("--kernel", absolute(KERNEL), "--kernel", absolute(KERNEL), "--modules",
		absolute(MODULES), "a.yaml");
	expect_usage_error(&r, "give --kernel once");
	r = CLI(&c, "run", "--clock", "real", "--kernel", absolute(KERNEL), "a.yaml");
	expect_usage_error(&r, "--kernel: it is of guests, and nothing that was selected runs");
	r = CLI(&c, "run", "--clock", "real", "--modules", absolute(MODULES), "a.yaml");
	expect_usage_error(&r, "--modules: it is of guests, and nothing that was selected runs");
}
END_TEST

/* --- while a scenario runs --- */

static const struct {
	const char *name, *shell, *part, *mend;
} scenarios[] = {
	{"panic", "echo c >/proc/sysrq-trigger", "its kernel panicked: sysrq triggered crash",
	 "sysrq: Trigger a crash"},
	{"memory", "tail /dev/zero", "the guest ran out of memory", "(tail)"},
	{"disk", "dd if=/dev/zero bs=1M", "the guest's disk, which is in its memory, is full",
	 "--clock real"},
};

/* All in one suite: one does not disturb the others. */
START_TEST(test_inside)
{
	if (!can_run)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(scenarios); i++)
		guests_write_shell(&c, arena_printf(&c.arena, "%s.yaml", scenarios[i].name),
				   scenarios[i].shell, "");
	struct cli_result r = RUN("-j", "2", "--controls", "none", "panic.yaml", "memory.yaml",
				  "disk.yaml", "a.yaml");
	for (size_t i = 0; i < ARRAY_SIZE(scenarios); i++)
		expect_error(&r, scenarios[i].part, scenarios[i].mend);
	contains(r.out, "1 of 4 scenarios passed, 3 in error");
	contains(guests_read(&c, "results/latest/panic", "console.log", NULL), "Call Trace");
}
END_TEST

START_TEST(test_a_hang)
{
	if (!can_run)
		return;
	guests_write_shell(&c, "a.yaml", "while :; do :; done", "");
	struct cli_result r = RUN("--timeout", "5s", "a.yaml");
	expect_error(&r, "the guest hangs: after 5 s of wall time", "--timeout");
}
END_TEST

/* --- being ended --- */

START_TEST(test_killed)
{
	if (!can_run)
		return;
	for (int i = 0; i < N_KILLS; i++) {
		static const char *const argv[] = {"run", "--clock", "virtual", "-j",
						   "2",   "a.yaml",  NULL};
		pid_t pid = cli_spawn(&c, argv);

		poll(NULL, 0, i * KILL_STEP_MS); /* the moment is what is tried */
		kill(pid, SIGKILL);
		struct cli_result r = cli_wait(&c, pid);
		ck_assert_msg(r.code == EXIT_KILLED || r.code == EXIT_PASSED, "%d: %s%s", r.code,
			      r.out, r.err);
		guests_none_left();
	}
	struct cli_result r = RUN("--controls", "none", "a.yaml");
	ck_assert_msg(r.code == EXIT_PASSED, "afterwards: %s%s", r.out, r.err);
}
END_TEST

START_TEST(test_interrupted)
{
	static const char *const argv[] = {"run", "--clock", "virtual", "a.yaml", NULL};

	if (!can_run)
		return;
	guests_write_shell(&c, "a.yaml", "while :; do :; done", "");
	pid_t pid = cli_spawn(&c, argv);
	cli_wait_for_file(&c, "results");
	kill(pid, SIGINT);
	struct cli_result r = cli_wait(&c, pid);
	ck_assert_msg(r.code == EXIT_INTERRUPTED, "%d: %s%s", r.code, r.out, r.err);
	contains(r.out, "1 not finished");
}
END_TEST

int main(void)
{
	TCase *tests = tcase_create("guest faults");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_set_timeout(tests, TEST_TIMEOUT_S);
	tcase_add_loop_test(tests, test_surroundings, 0, ARRAY_SIZE(surroundings));
	tcase_add_test(tests, test_no_kernel);
	tcase_add_test(tests, test_a_program_that_is_not_there);
	tcase_add_test(tests, test_a_broken_kernel);
	tcase_add_test(tests, test_modules_that_cannot_be_loaded);
	tcase_add_test(tests, test_modules_of_another_kernel);
	tcase_add_test(tests, test_kernels_that_are_none);
	tcase_add_test(tests, test_inside);
	tcase_add_test(tests, test_a_hang);
	tcase_add_test(tests, test_killed);
	tcase_add_test(tests, test_interrupted);
	return run_tests("guest faults", tests);
}
