/* SPDX-License-Identifier: MIT */
/*
 * All that `wirecut inject` refuses before the kernel is asked for netem, which need not be there: each
 * in a user namespace of its own, as root of it. The machine's own namespaces are never touched.
 */
#include <check.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/attach/attachment.h"
#include "harness/base/cleanup.h"
#include "harness/run/run.h"
#include "harness/tests/cli.h"
#include "harness/tests/netns.h"
#include "harness/tests/suite.h"

/* A guard. */
#define TEST_TIMEOUT_S 60
#define NO_NETEM       "wirecut: it would be refused: netem is not in this kernel: load sch_netem"

static struct cli c;
static bool can_run;

/* With a /run that has the folder of names, and nothing in it. */
static void setup(void)
{
	can_run = fresh_namespaces();
	if (!can_run)
		skip("this kernel forbids user namespaces");
	cli_start(&c);
	if (!can_run)
		return;
	ck_assert_int_eq(mount("none", "/run", "tmpfs", 0, NULL), 0);
	ck_assert_int_eq(mkdir("/run/netns", 0755), 0);
	ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 0);
}

static void teardown(void)
{
	cli_finish(&c);
}

/* --- namespaces to aim at --- */

static const char *name_path(const char *name)
{
	return arena_printf(&c.arena, "/run/netns/%s", name);
}

static void touch(const char *path)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	ck_assert_int_ge(fd, 0);
}

/* As `ip netns add` does; `from` is the link of a process in it. */
static void give_name(const char *name, const char *from)
{
	touch(name_path(name));
	ck_assert_int_eq(mount(from, name_path(name), NULL, MS_BIND, NULL), 0);
}

/* A process that is in new namespaces of these kinds, and only waits. It dies with the test. */
static pid_t process_in(int namespaces)
{
	int pair[2];
	char byte;

	ck_assert_int_eq(pipe2(pair, O_CLOEXEC), 0);
	pid_t pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (unshare(namespaces) < 0 || write(pair[1], "", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(pair[1]);
	ck_assert_int_eq(read(pair[0], &byte, 1), 1);
	close(pair[0]);
	return pid;
}

static const char *pid_text(pid_t pid)
{
	return arena_printf(&c.arena, "%d", pid);
}

/* A network namespace called `web`, with lo in it. */
static void make_web(void)
{
	pid_t pid = process_in(CLONE_NEWNET);

	give_name("web", arena_printf(&c.arena, "/proc/%d/ns/net", pid));
	kill(pid, SIGKILL);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}

static char *qdiscs_of_web(void)
{
	static const char *const argv[] = {"tc", "-n", "web", "qdisc", "show", NULL};

	return output_of(&c.arena, argv);
}

/* Nobody is left: a guardian would come to this process. */
static void check_none_left(void)
{
	ck_assert_int_eq(waitpid(-1, NULL, 0), -1);
}

static void refused(const struct cli_result *r, int code, const char *message)
{
	ck_assert_msg(r->code == code, "exit code %d\n%s%s", r->code, r->out, r->err);
	contains(r->err, message);
	ck_assert_str_eq(r->out, "");
}

/* --- arguments --- */

#define ARGS_MAX 10

static const struct usage_row {
	const char *args[ARGS_MAX];
	const char *message;
} usage[] = {
	{{"delay 5ms", "--dev", "lo", "--for", "1s"}, "one of --netns NAME and --pid PID"},
	{{"delay 5ms", "--netns", "web", "--pid", "7", "--dev", "lo", "--for", "1s"},
	 "one of --netns NAME and --pid PID"},
	{{"delay 5ms", "--netns", "web", "--for", "1s"}, "--dev DEV"},
	{{"delay 5ms", "--netns", "web", "--dev", "lo"}, "--for TIME"},
	{{"--netns", "web", "--dev", "lo", "--for", "1s"}, "Such as 'delay 50ms"},
	{{"delay 5ms", "--for", "5"}, "--for: '5' is not a duration longer than 0 and up to 24h"},
	{{"delay 5ms", "--for", "0s"}, "--for: '0s' is not a duration longer than 0"},
	{{"delay 5ms", "--for", "25h"}, "--for: '25h'"},
	{{"delay 5ms", "--pid", "0"}, "--pid: '0' is not a whole number from 1"},
	{{"delay 5ms", "--pid", "web"}, "--pid: 'web'"},
	{{"delay 5ms", "--netns", "../web"}, "--netns: '../web' is no name"},
	{{"delay 5ms", "--netns", ""}, "--netns: '' is no name"},
	{{"delay 5ms", "--ingress"},
	 "--ingress: 'wirecut inject' has no such option; did you mean '--egress'? (wirecut"},
	{{"delay 5ms", "--nets=web"}, "no such option; did you mean '--netns'?"},
	{{"delay 5ms", "--nonsense"}, "--nonsense: 'wirecut inject' has no such option (wirecut"},
	{{"loss 101%", "--netns", "web", "--dev", "lo", "--for", "1s"},
	 "inject:1:6: error: '101%' is more than 100%\n"
	 "    1 | loss 101%\n"
	 "      |      ^~~~\n"},
	/* Words that a shell has split are one text. */
	{{"delay", "50ms", "los", "--netns", "web", "--dev", "lo", "--for", "1s"},
	 "    1 | delay 50ms los\n"
	 "      |            ^~~\n"
	 "      = did you mean 'loss'?\n"},
};

START_TEST(what_is_wrong_with_the_arguments)
{
	const char *argv[ARGS_MAX + 2] = {"inject"};

	for (size_t i = 0; i < ARGS_MAX && usage[_i].args[i]; i++)
		argv[i + 1] = usage[_i].args[i];
	struct cli_result r = cli_run(&c, argv);
	refused(&r, 2, usage[_i].message);
}
END_TEST

/* --- targets --- */

#define INJECT(...) CLI(&c, "inject", "delay 5ms", "--for", "1s", __VA_ARGS__)

START_TEST(no_such_namespace)
{
	if (!can_run)
		return;
	make_web();
	struct cli_result r = INJECT("--netns", "wbe", "--dev", "lo");
	refused(&r, 3,
		"no network namespace is called 'wbe': looked in /run/netns and /var/run/netns, "
		"where there are: web");
}
END_TEST

START_TEST(what_is_left_of_a_namespace)
{
	if (!can_run)
		return;
	touch(name_path("web"));
	struct cli_result r = INJECT("--netns", "web", "--dev", "lo");
	refused(&r, 3, "/run/netns/web is no network namespace");
	/* Nor is a namespace of another kind. */
	give_name("uts", "/proc/self/ns/uts");
	r = INJECT("--netns", "uts", "--dev", "lo");
	refused(&r, 3, "/run/netns/uts is no network namespace");
}
END_TEST

START_TEST(our_own_namespace)
{
	if (!can_run)
		return;
	pid_t beside = process_in(CLONE_NEWUTS);
	struct cli_result r = INJECT("--pid", pid_text(getpid()), "--dev", "lo");

	refused(&r, 3, "that wirecut itself is in, and is left alone");
	r = INJECT("--pid", pid_text(beside), "--dev", "lo");
	refused(&r, 3, "that wirecut itself is in, and is left alone");
	give_name("own", "/proc/self/ns/net");
	r = INJECT("--netns", "own", "--dev", "lo");
	refused(&r, 3, "that wirecut itself is in, and is left alone");
	/* To look at it is not to touch it, but what would be done is told of no one's own. */
	r = INJECT("--netns", "own", "--dev", "lo", "--dry-run");
	refused(&r, 3, "that wirecut itself is in, and is left alone");
}
END_TEST

START_TEST(no_such_process)
{
	if (!can_run)
		return;
	pid_t pid = process_in(CLONE_NEWNET);

	kill(pid, SIGKILL);
	siginfo_t info;
	ck_assert_int_eq(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	struct cli_result r = INJECT("--pid", pid_text(pid), "--dev", "lo");
	refused(&r, 3, arena_printf(&c.arena, "process %d has ended", pid));
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	r = INJECT("--pid", pid_text(pid), "--dev", "lo");
	refused(&r, 3, arena_printf(&c.arena, "--pid: process %d: No such process", pid));
}
END_TEST

/* The runner of this test is outside its user namespace. */
START_TEST(a_process_that_is_not_ours_to_look_at)
{
	if (!can_run)
		return;
	struct cli_result r = INJECT("--pid", pid_text(getppid()), "--dev", "lo");

	refused(&r, 3, "run as the machine's root, or as the user who started it");
}
END_TEST

START_TEST(no_such_interface)
{
	if (!can_run)
		return;
	make_web();
	struct cli_result r = INJECT("--netns", "web", "--dev", "eth0");
	refused(&r, 3, "no interface is called 'eth0' there; there are: lo");
}
END_TEST

/* --- rights --- */

/* Programs that are started from now on are without it; the test itself keeps it. */
static void deny(int capability)
{
	ck_assert_int_eq(prctl(PR_CAPBSET_DROP, capability, 0, 0, 0), 0);
}

START_TEST(no_right_to_enter)
{
	if (!can_run)
		return;
	make_web();
	deny(CAP_SYS_ADMIN);
	struct cli_result r = INJECT("--netns", "web", "--dev", "lo");
	refused(&r, 3, "enter the network namespace web: it needs CAP_SYS_ADMIN");
}
END_TEST

START_TEST(no_right_to_set)
{
	if (!can_run)
		return;
	make_web();
	char *before = qdiscs_of_web();
	deny(CAP_NET_ADMIN);
	struct cli_result r = INJECT("--netns", "web", "--dev", "lo");
	refused(&r, 3, "set netem on lo: it needs CAP_NET_ADMIN");
	/* The guardian knows that it has nothing to take away, which it could not, either. */
	ck_assert_msg(!strstr(r.err, "may still be"), "%s", r.err);
	check_none_left();
	ck_assert_str_eq(qdiscs_of_web(), before);
}
END_TEST

/* All that a dry run may have against it is the lack of netem. */
static void check_dry_run(const struct cli_result *r)
{
	bool is_there = run_has_netem();

	ck_assert_msg(r->code == (is_there ? 0 : 3), "exit code %d\n%s", r->code, r->err);
	if (is_there)
		ck_assert_str_eq(r->err, "");
	else
		ck_assert_int_eq(strncmp(r->err, NO_NETEM, strlen(NO_NETEM)), 0);
}

/* As an ordinary user's container: who owns its user namespace may enter both, and only both. */
START_TEST(by_way_of_the_owner)
{
	if (!can_run)
		return;
	pid_t pid = process_in(CLONE_NEWUSER | CLONE_NEWNET);

	deny(CAP_SYS_ADMIN);
	struct cli_result r = INJECT("--pid", pid_text(pid), "--dev", "lo", "--dry-run");
	check_dry_run(&r);
	contains(r.out, arena_printf(&c.arena, "nsenter -t %d -n tc qdisc add dev lo root", pid));
}
END_TEST

/* --- qdiscs --- */

START_TEST(a_qdisc_of_somebody)
{
	static const char *const add[] = {"tc", "-n",   "web",    "qdisc", "add",   "dev",
					  "lo", "root", "handle", "5:",    "pfifo", NULL};

	if (!can_run)
		return;
	make_web();
	output_of(&c.arena, add);
	char *before = qdiscs_of_web();
	contains(before, "pfifo 5:");
	struct cli_result r = INJECT("--netns", "web", "--dev", "lo");
	refused(&r, 3,
		"wirecut: lo has a qdisc that wirecut did not set (pfifo 5:), and it is not "
		"replaced; if it may go: tc -n web qdisc del dev lo root");
	ck_assert_str_eq(qdiscs_of_web(), before);
	/* A dry run says it beside what it would have done, and what else is in the way. */
	r = INJECT("--netns", "web", "--dev", "lo", "--dry-run");
	ck_assert_int_eq(r.code, 3);
	contains(r.out, "qdisc add dev lo root netem limit 1000 delay 5ms\n");
	contains(r.err, "wirecut: it would be refused: lo has a qdisc that wirecut did not set "
			"(pfifo 5:)");
	ck_assert_int_eq(!strstr(r.err, NO_NETEM), run_has_netem());
	ck_assert_str_eq(qdiscs_of_web(), before);
}
END_TEST

/*
 * One that came after the look, with a handle of its own or, by a chance in 4096, with ours: which is
 * where the kernel would go on to change it, but for NLM_F_EXCL.
 */
START_TEST(a_qdisc_that_came_meanwhile)
{
	static const char *const show[] = {"tc", "qdisc", "show", "dev", "lo", NULL};
	const struct netem_params params = {.latency = NSEC_PER_MSEC};
	struct attachment at;
	struct err err;

	if (!can_run)
		return;
	ck_assert_int_eq(attachment_open("lo", "tc", &c.arena, &at, &err), 0);
	ck_assert_int_eq(attachment_check_free(&at, &err), 0);
	const char *handle = _i ? arena_printf(&c.arena, "%x:", at.handle >> 16) : "5:";
	const char *const add[] = {"tc",   "qdisc",  "add",  "dev",   "lo",
				   "root", "handle", handle, "pfifo", NULL};
	output_of(&c.arena, add);
	char *before = output_of(&c.arena, show);
	ck_assert_int_eq(attachment_set(&at, &params, 0, &c.arena, &err), -1);
	contains(err.msg,
		 arena_printf(&c.arena, "lo has a qdisc that wirecut did not set (pfifo %s)",
			      handle));
	ck_assert_str_eq(output_of(&c.arena, show), before);
	attachment_close(&at);
}
END_TEST

START_TEST(a_dry_run_changes_nothing)
{
	if (!can_run)
		return;
	make_web();
	char *before = qdiscs_of_web();
	struct cli_result r = INJECT("--netns", "web", "--dev", "lo", "--dry-run");
	check_dry_run(&r);
	contains(r.out,
		 "on packets that leave lo in the network namespace web, for 1 s, as if by:\n"
		 "  tc -n web qdisc add dev lo root netem limit 1000 delay 5ms\n"
		 "and then taken away, as if by:\n"
		 "  tc -n web qdisc del dev lo root\n");
	ck_assert_str_eq(qdiscs_of_web(), before);
	check_none_left();
}
END_TEST

/* With or without netem, nothing is left behind; without it the mend is told. */
START_TEST(a_kernel_without_netem)
{
	if (!can_run)
		return;
	bool is_there = run_has_netem();
	make_web();
	char *before = qdiscs_of_web();
	struct cli_result r = INJECT("--netns", "web", "--dev", "lo");
	if (is_there)
		ck_assert_msg(r.code == 0, "exit code %d\n%s", r.code, r.err);
	else
		refused(&r, 3, "netem is not in this kernel: load sch_netem");
	check_none_left();
	ck_assert_str_eq(qdiscs_of_web(), before);
}
END_TEST

int main(void)
{
	TCase *tests = tcase_create("inject-refusals");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_set_timeout(tests, TEST_TIMEOUT_S);
	tcase_add_loop_test(tests, what_is_wrong_with_the_arguments, 0, ARRAY_SIZE(usage));
	tcase_add_test(tests, no_such_namespace);
	tcase_add_test(tests, what_is_left_of_a_namespace);
	tcase_add_test(tests, our_own_namespace);
	tcase_add_test(tests, no_such_process);
	tcase_add_test(tests, a_process_that_is_not_ours_to_look_at);
	tcase_add_test(tests, no_such_interface);
	tcase_add_test(tests, no_right_to_enter);
	tcase_add_test(tests, no_right_to_set);
	tcase_add_test(tests, by_way_of_the_owner);
	tcase_add_test(tests, a_qdisc_of_somebody);
	tcase_add_loop_test(tests, a_qdisc_that_came_meanwhile, 0, 2);
	tcase_add_test(tests, a_dry_run_changes_nothing);
	tcase_add_test(tests, a_kernel_without_netem);
	return run_tests("inject-refusals", tests);
}
