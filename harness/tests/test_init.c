/* SPDX-License-Identifier: MIT */
/* The sandbox's init: its priority, that it leaves no zombie, and that it hears what programs print. */
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/base/cleanup.h"
#include "harness/run/app.h"
#include "harness/run/reaper.h"
#include "harness/tests/netns.h"
#include "harness/tests/planrun.h"
#include "harness/tests/suite.h"

#define WAIT_MS        10000
#define TEST_TIMEOUT_S 60
#define N_CHILDREN     2000 /* more than a socket would hold */

/* The plan begins when the program is as `ready` says, and then goes on for half a second. */
#define ONE_APP(script, ready)                                                                     \
	"version: 1\nname: init\nduration: 500ms\nhosts: {a: {}}\napps:\n"                         \
	"  app:\n    host: a\n    ready-within: 40s\n    ready: {" ready "}\n    run: |\n"         \
	"      sh -c '" script "'\nexpect: [{fds: {app: app, at-most: 99, at: end}}]\n"

static struct planrun r;

/* More than can be read, until it is killed. */
#define FLOOD                                                                                      \
	"version: 1\nname: flood\nduration: 300ms\nhosts: {a: {}}\napps:\n"                        \
	"  app: {host: a, shell: \"yes & yes & yes & yes & yes\", stop: {grace: 100ms}}\n"         \
	"timeline:\n  - {at: 100ms, exec: {host: a, run: \"touch here\"}}\n"                       \
	"expect: [{fds: {app: app, at-most: 99, at: end}}]\n"

/* A shell that waits for two programs, which want the same processor. */
#define STARVED                                                                                    \
	"version: 1\nname: starved\nduration: 2s\nhosts: {a: {}}\napps:\n"                         \
	"  app: {host: a, shell: \"timeout 9 yes > /dev/null & timeout 9 yes > /dev/null & "       \
	"wait\"}\n"                                                                                \
	"expect: [{fds: {app: app, at-most: 99, at: 500ms}}]\n"

/*
 * It is stopped in the midst of a line and leaves a child behind, which prints when its successor has
 * begun.
 */
#define SUCCEEDED                                                                                  \
	"version: 1\nname: init\nduration: 2s\nhosts: {a: {}}\napps:\n"                            \
	"  app:\n    host: a\n    ready: {log: begun}\n    run: |\n"                               \
	"      sh -c 'if [ -e /tmp/before ]\n"                                                     \
	"        then echo \"{\\\"x\\\":1}\"; echo > /tmp/after\n"                                 \
	"        else echo begun; echo > /tmp/before; printf half\n"                               \
	"          (while ! [ -e /tmp/after ]; do sleep 0.05; done; echo \"{\\\"left\\\":1}\") "   \
	"&\n"                                                                                      \
	"        fi; exec sleep 60'\n"                                                             \
	"timeline:\n  - {at: 200ms, stop: app}\n  - {at: 300ms, start: app}\n"                     \
	"expect: [{log: {app: app, match: \"^.\\\"(x|left)\\\":1\", at-least: 2}}]\n"

/* Carries it out on the real clock. What its one program printed. */
static const char *log_of(const char *text)
{
	static char log[4096];

	planrun_init(&r, text, CLOCK_REAL);
	ck_assert_msg(planrun_start(&r, NULL, 0), "%s", r.end.err.msg);
	planrun_finish(&r);
	_cleanup_fclose_ FILE *f = fopen(arena_printf(&r.arena, "%s/logs/app.log", r.dir), "re");
	ck_assert_ptr_nonnull(f);
	log[fread(log, 1, sizeof(log) - 1, f)] = '\0';
	return log;
}

static bool may_be_real_time(void)
{
	struct sched_param fifo = {.sched_priority = 2}, other = {0};

	return sched_setscheduler(0, SCHED_FIFO, &fifo) == 0 &&
	       sched_setscheduler(0, SCHED_OTHER, &other) == 0;
}

/* What chrt(1) says of the n-th thread in the text, from 0; "": there is none. */
static const char *policy(const char *text, int n)
{
	static const char words[] = "policy: ";

	while ((text = strstr(text, words))) {
		text += strlen(words);
		if (n-- == 0)
			return text;
	}
	return "";
}

/*
 * While the plan runs init is real-time and its second thread, the reaper, is not, nor is a program;
 * after the end, when programs are told to stop, nothing of it is.
 */
START_TEST(real_time_while_the_plan_runs)
{
	if (!may_be_real_time()) {
		skip("real-time priority is not allowed here");
		return;
	}
	const char *log = log_of(
		ONE_APP("trap \"echo stopping; chrt -a -p 1; exit 0\" TERM\n"
			"        chrt -p $$; chrt -a -p 1; echo done; while :; do sleep 0.05; done",
			"log: done"));
	char *after = strstr(log, "stopping");

	ck_assert_msg(after != NULL, "%s", log);
	*after++ = '\0';
	ck_assert_msg(!strncmp(policy(log, 0), "SCHED_OTHER", 11), "the program: %s", log);
	ck_assert_msg(!strncmp(policy(log, 1), "SCHED_FIFO", 10), "init: %s", log);
	ck_assert_msg(!strncmp(policy(log, 2), "SCHED_OTHER", 11), "its reaper: %s", log);
	ck_assert_msg(!strstr(after, "FIFO") && strstr(after, "SCHED_OTHER"), "%s", after);
	planrun_free(&r);
}
END_TEST

/* Orphans become init's children; these end together, so that one hides those behind it. */
START_TEST(orphans_are_reaped)
{
	const char *log = log_of(ONE_APP(
		"for i in $(seq 200); do (sleep 60 & echo $! >> /tmp/orphans); done\n"
		"        kill -9 $(cat /tmp/orphans)\n"
		"        while grep -qs \"^State:.Z\" /proc/[0-9]*/status; do sleep 0.1; done\n"
		"        echo done",
		"exited: 0"));

	ck_assert_str_eq(log, "done\n");
	planrun_free(&r);
}
END_TEST

/* Reading what it prints takes longer than printing it: the plan goes on all the same, and ends. */
START_TEST(a_flood_of_output_holds_nothing_up)
{
	planrun_init(&r, FLOOD, CLOCK_REAL);
	ck_assert_msg(planrun_start(&r, NULL, 0), "%s", r.end.err.msg);
	planrun_finish(&r);
	ck_assert_str_eq(r.end.err.msg, "");
	planrun_free(&r);
}
END_TEST

static void count_line(struct app *a, const char *line, size_t len, void *arg)
{
	(void)a;
	(void)line;
	(void)len;
	++*(int *)arg;
}

/* A file that has no end stands for a program that always prints faster than it is read. */
START_TEST(output_without_end_is_read_in_parts)
{
	_cleanup_close_ int out = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	_cleanup_close_ int log = open("/dev/null", O_WRONLY | O_CLOEXEC);
	_cleanup_free_ char *line = malloc(APP_LINE_BYTES + 1);
	struct app a = {.name = "a", .out_fd = out, .log_fd = log, .line = line};
	struct err err = {0};
	int n_lines = 0;

	ck_assert_int_eq(app_read_output(&a, count_line, &n_lines, &err), 0);
	ck_assert_int_eq(n_lines, 0);
	ck_assert_uint_eq(a.line_len, APP_LINE_BYTES);
}
END_TEST

START_TEST(what_a_stopped_program_leaves_is_heard_and_mixes_with_no_line)
{
	const char *log = log_of(SUCCEEDED);

	ck_assert_str_eq(log, "begun\nhalf{\"x\":1}\n{\"left\":1}\n");
	ck_assert_int_eq(planrun_verdict(&r, "log"), VERDICT_PASS);
	planrun_free(&r);
}
END_TEST

#define PRINTS(script, expects)                                                                    \
	"version: 1\nname: lines\nduration: 600ms\nhosts: {a: {}}\napps:\n"                        \
	"  app: {host: a, exit: 0, shell: \"" script "\"}\nexpect:\n" expects

/* What a program prints of a request, in a shell's word. */
#define REQUEST(more)                                                                              \
	"'{\\\"event\\\":\\\"request\\\",\\\"ok\\\":true,\\\"ms\\\":1,\\\"x\\\":" more "}' "

/* A line that is not ended, one that is too long and one with a NUL are lines that were printed. */
START_TEST(every_line_counts)
{
	static const char *const texts[] = {
		PRINTS("printf FATAL", "  - log: {app: app, match: FATAL}\n"),
		PRINTS("printf FATAL; sleep 9", "  - log: {app: app, match: '^FATAL$'}\n"),
		PRINTS("echo FATAL $(head -c 70000 /dev/zero | tr '\\\\0' x); echo next",
		       "  - log: {app: app, match: '^FATAL x'}\n  - {id: next, log: {app: app, "
		       "match: "
		       "'^next$'}}\n"),
		PRINTS("printf 'a\\\\0FATAL\\\\n'", "  - log: {app: app, match: 'a FATAL$'}\n"),
		PRINTS("printf '\\\\303\\\\251 \\\\377 one\\\\n'",
		       "  - log: {app: app, match: '^\xc3\xa9 [?] one$'}\n"),
		/* What some readers of JSON refuse. */
		PRINTS("printf '%s\\n' " REQUEST("18446744073709551615") REQUEST(
			       "\\\"a\\\\u0000\\\"") REQUEST("1,\\\"x\\\":2") " '  '" REQUEST("3")
			       REQUEST("\\\"\\\\\\\\u0000\\\""),
		       "  - requests: {app: app, at-least: 5, max: 1ms}\n"),
		PRINTS("printf "
		       "'{\\\"event\\\":\\\"request\\\",\\\"ok\\\":true,\\\"x\\\":\\\"\\\\377"
		       "\\\"}\\n'",
		       "  - requests: {app: app, at-least: 1}\n"),
		PRINTS("echo; echo", "  - log: {app: app, match: '^$', at-least: 2, at-most: 2}\n"),
	};

	planrun_init(&r, texts[_i], CLOCK_REAL);
	ck_assert_msg(planrun_start(&r, NULL, 0), "%s", r.end.err.msg);
	planrun_finish(&r);
	ck_assert_str_eq(r.end.err.msg, "");
	ck_assert_int_eq(r.result.verdict, VERDICT_PASS);
	planrun_free(&r);
}
END_TEST

static void stay_on_one_processor(void)
{
	cpu_set_t all, one;
	int first = 0;

	ck_assert_int_eq(sched_getaffinity(0, sizeof(all), &all), 0);
	while (!CPU_ISSET(first, &all))
		first++;
	CPU_ZERO(&one);
	CPU_SET(first, &one);
	ck_assert_int_eq(sched_setaffinity(0, sizeof(one), &one), 0);
}

/* What the programs behind a shell had to wait for a processor is the app's. */
START_TEST(waits_of_a_shells_programs_count)
{
	nsec_t waited = 0;

	stay_on_one_processor();
	planrun_init(&r, STARVED, CLOCK_REAL);
	ck_assert_msg(planrun_start(&r, NULL, 0), "%s", r.end.err.msg);
	planrun_finish(&r);
	vec_foreach (o, &r.obs.list)
		if (o->source == OBS_LAG && o->lag.stage == LAG_STARVED && o->app == 0)
			waited += o->lag.lag;
	ck_assert_int_gt(waited, 500 * NSEC_PER_MSEC);
	planrun_free(&r);
}
END_TEST

/* All that is handed over comes back, and then is no child any more. */
START_TEST(the_reaper_gives_back_what_it_got)
{
	struct reaper *reaper;
	struct err err;
	pid_t pids[N_CHILDREN];
	size_t n = 0;

	ck_assert_msg(reaper_start(&reaper, &err) == 0, "%s", err.msg);
	ck_assert_int_eq(reaper_next(reaper), 0);
	for (size_t i = 0; i < N_CHILDREN; i++) {
		pids[i] = fork();
		if (pids[i] == 0)
			_exit(0);
		siginfo_t ended;
		ck_assert_int_eq(waitid(P_PID, (id_t)pids[i], &ended, WEXITED | WNOWAIT), 0);
	}
	for (size_t i = 0; i < N_CHILDREN; i++)
		ck_assert_int_eq(reaper_hand(reaper, pids[i], &err), 0);
	while (n < N_CHILDREN) {
		struct pollfd p = {.fd = reaper_fd(reaper), .events = POLLIN};

		ck_assert_int_eq(poll(&p, 1, WAIT_MS), 1);
		for (pid_t pid; (pid = reaper_next(reaper)); n++)
			ck_assert_int_eq(pid, pids[n]);
	}
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("init");

	tcase_set_timeout(t, TEST_TIMEOUT_S);
	tcase_add_test(t, real_time_while_the_plan_runs);
	tcase_add_test(t, orphans_are_reaped);
	tcase_add_test(t, a_flood_of_output_holds_nothing_up);
	tcase_add_test(t, output_without_end_is_read_in_parts);
	tcase_add_loop_test(t, every_line_counts, 0, 8);
	tcase_add_test(t, waits_of_a_shells_programs_count);
	tcase_add_test(t, what_a_stopped_program_leaves_is_heard_and_mixes_with_no_line);
	tcase_add_test(t, the_reaper_gives_back_what_it_got);
	return run_tests("init", t);
}
