/* SPDX-License-Identifier: MIT */
/*
 * Nothing is left behind, and the machine is not touched.
 *
 * The witnesses are independent of the program: orphaned processes come to this test as their
 * subreaper; network namespaces are counted by the kernel itself: in a user namespace of the test's
 * own user.max_net_namespaces is set to what the test itself has and one more, so that a new one
 * can be made only when all of the run's are gone, those too that only a socket in FIN_WAIT held.
 * (A refused attempt makes nothing; the kernel takes namespaces down in the background.) The
 * machine's network is what `ip` and /proc/sys show before and after.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/base/cleanup.h"
#include "harness/base/nsec.h"
#include "harness/tests/cli.h"
#include "harness/tests/netns.h"
#include "harness/tests/suite.h"

/* What is promised: everything is gone within a second of wirecut's death. */
#define GONE_WITHIN  NSEC_PER_SEC
#define RANDOM_KILLS 50
#define KILL_SPAN_MS 2500
#define RETRY_MS     5

static struct cli c;

static void setup(void)
{
	cli_start(&c);
}

static void teardown(void)
{
	cli_finish(&c);
}

/* A client that closes into a cut cable: its sockets stay in FIN_WAIT_1. */
static void write_fin_wait(void)
{
	cli_write_pair(&c, "a.yaml",
		       "  - {at: 300ms, id: cut, blackhole: {cable: server}, for: 60s}\n"
		       "  - {at: 500ms, stop: client}",
		       "  - sockets: {host: client, state: CLOSE_WAIT, at-most: 0, by: end}");
}

static void limit_net_namespaces(int n)
{
	char text[16];
	_cleanup_close_ int fd = open("/proc/sys/user/max_net_namespaces", O_WRONLY | O_CLOEXEC);

	snprintf(text, sizeof(text), "%d", n);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

/* Can one more network namespace be made than the test's own? */
static bool none_is_left(void)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(unshare(CLONE_NEWNET) < 0);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return status == 0;
}

/* Waits until no child, adopted ones included, and no namespace is left; at most GONE_WITHIN. */
static void assert_all_gone(nsec_t since, const char *when)
{
	nsec_t deadline = since + GONE_WITHIN;

	for (;;) {
		pid_t pid = waitpid(-1, NULL, WNOHANG);

		if (pid < 0 && errno == ECHILD)
			break;
		ck_assert_msg(nsec_monotonic() < deadline, "%s: a process is left", when);
		if (pid == 0)
			poll(NULL, 0, RETRY_MS);
	}
	limit_net_namespaces(2);
	while (!none_is_left()) {
		ck_assert_msg(nsec_monotonic() < deadline, "%s: a network namespace is left", when);
		poll(NULL, 0, RETRY_MS);
	}
}

static bool prepare(void)
{
	if (!fresh_namespaces()) {
		skip("user namespaces are not allowed here");
		return false;
	}
	ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 0);
	return true;
}

static pid_t start(void)
{
	static const char *const argv[] = {"run", "a.yaml", NULL};

	return cli_spawn(&c, argv);
}

START_TEST(test_sigkill_at_random_moments)
{
	if (!prepare())
		return;
	write_fin_wait();
	srand48(_i);
	int ms = (int)(drand48() * KILL_SPAN_MS);
	pid_t pid = start();
	poll(NULL, 0, ms);
	nsec_t killed = nsec_monotonic();
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	assert_all_gone(killed, arena_printf(&c.arena, "killed after %d ms", ms));
}
END_TEST

/* The witness works: with a namespace held, it says so. */
START_TEST(test_a_held_namespace_is_noticed)
{
	int ready[2];
	char byte;

	if (!prepare())
		return;
	ck_assert_int_eq(pipe2(ready, O_CLOEXEC), 0);
	pid_t pid = fork();
	if (pid == 0) {
		if (unshare(CLONE_NEWNET) == 0 && write(ready[1], "x", 1) == 1)
			pause();
		_exit(1);
	}
	close(ready[1]);
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	limit_net_namespaces(2);
	ck_assert(!none_is_left());
	kill(pid, SIGKILL);
	assert_all_gone(nsec_monotonic(), "after the holder was killed");
}
END_TEST

START_TEST(test_sigterm_leaves_nothing)
{
	if (!prepare())
		return;
	write_fin_wait();
	pid_t pid = start();
	cli_wait_for_file(&c, "results");
	ck_assert_int_eq(kill(pid, SIGTERM), 0);
	struct cli_result r = cli_wait(&c, pid);
	ck_assert_int_eq(r.code, 143);
	assert_all_gone(nsec_monotonic(), "after SIGTERM");
}
END_TEST

/* A run that ends by itself, its sockets in FIN_WAIT. */
START_TEST(test_a_finished_run_leaves_nothing)
{
	if (!prepare())
		return;
	cli_write_pair(&c, "a.yaml",
		       "  - {at: 300ms, id: cut, blackhole: {cable: server}, for: 500ms}\n"
		       "  - {at: 500ms, stop: client}",
		       "  - sockets: {host: client, state: CLOSE_WAIT, at-most: 0, by: end}\n"
		       "duration: 1s");
	struct cli_result r = CLI(&c, "run", "a.yaml");
	ck_assert_msg(r.code == 0, "%s%s", r.out, r.err);
	assert_all_gone(nsec_monotonic(), "after the end");
}
END_TEST

/* Everything of the machine's own network that a run could have changed, as text. */
static char *machine_state(void)
{
	static const char script[] =
		"set -e; for w in addr link route 'route show table all' '-6 route' rule '-6 "
		"rule'; "
		"do echo \"== $w\"; ip -o $w | sed 's/ expires [^ ]*//; s/valid_lft.*//'; "
		"done;"
		"command -v nft >/dev/null && nft list ruleset || true;"
		"ls /sys/class/net; ls /run /tmp -d; ls -A /run | grep -i wirecut || true;"
		"grep -c . /proc/self/mountinfo;"
		"cat /proc/sys/kernel/hostname;"
		"grep -rs '' /proc/sys/net | grep -v -e _key: -e nf_conntrack_count: | sort";
	const char *const argv[] = {"sh", "-c", script, NULL};

	return output_of(&c.arena, argv);
}

START_TEST(test_machine_is_untouched)
{
	char *before = machine_state();

	ck_assert_msg(strstr(before, "/proc/sys/net/ipv4/tcp_retries2") != NULL, "%s", before);
	cli_write(&c, "a.yaml",
		  "version: 1\nname: everything\n"
		  "hosts: {server: {sysctl: {net.ipv4.tcp_retries2: 8}}, client: {count: 3}}\n"
		  "files: {/etc/wirecut-test.conf: {host: server, text: \"x\"}}\n"
		  "apps:\n"
		  "  server: {host: server, run: \"ref-server\", ready: {listening: 8000}}\n"
		  "  client: {host: client, run: \"ref-client --target server:8000 --rate 50\", "
		  "ready: {connected: \"server:8000\"}}\n"
		  "timeline:\n"
		  "  - {at: 100ms, delay: {cable: server, mean: 10ms}, for: 200ms}\n"
		  "  - {at: 300ms, rst: {cable: server}, for: 100ms}\n"
		  "expect:\n  - sockets: {host: client, state: CLOSE_WAIT, at-most: 0, by: end}\n");
	struct cli_result r = CLI(&c, "run", "a.yaml");
	ck_assert_msg(r.code == 0, "%s%s", r.out, r.err);
	ck_assert_str_eq(machine_state(), before);
	ck_assert_int_lt(access("/etc/wirecut-test.conf", F_OK), 0);
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("leftovers");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 120);
	tcase_add_test(t, test_a_held_namespace_is_noticed);
	tcase_add_loop_test(t, test_sigkill_at_random_moments, 0, RANDOM_KILLS);
	tcase_add_test(t, test_sigterm_leaves_nothing);
	tcase_add_test(t, test_a_finished_run_leaves_nothing);
	tcase_add_test(t, test_machine_is_untouched);
	return run_tests("leftovers", t);
}
