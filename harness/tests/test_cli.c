/* SPDX-License-Identifier: MIT */
/* The program from outside: verdicts, exit codes, errors, files. */
#include <check.h>
#include <glob.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/base/cleanup.h"
#include "harness/base/io.h"
#include "harness/base/nsec.h"
#include "harness/tests/cli.h"
#include "harness/tests/netns.h"
#include "harness/tests/suite.h"

/* A guard. */
#define MATCH_WITHIN   (20 * NSEC_PER_SEC)
#define MATCH_RETRY_MS 5

#define CUT "  - {at: 500ms, id: cut, blackhole: {cable: server}, for: 1500ms}"
/* What holds of the pair: 300 ms heartbeats with two misses see the cut within 900 ms. */
#define DETECTS "  - detects: {app: client, fault: cut, within: 1400ms}"

static struct cli c;

static void setup(void)
{
	cli_start(&c);
}

static void teardown(void)
{
	cli_finish(&c);
}

static void lacks(const char *text, const char *part)
{
	ck_assert_msg(strstr(text, part) == NULL, "'%s' is in:\n%s", part, text);
}

static const char *verdict_of(json_t *run, size_t i)
{
	return json_string_value(
		json_object_get(json_array_get(json_object_get(run, "scenarios"), i), "verdict"));
}

START_TEST(test_pass)
{
	cli_write_pair(&c, "a.yaml", CUT, DETECTS);
	struct cli_result r = CLI(&c, "run", "a.yaml");
	ck_assert_msg(r.code == 0, "%d: %s%s", r.code, r.out, r.err);
	contains(r.out, "1 of 1 scenarios passed");
	_cleanup_json_ json_t *run = cli_json(&c, "results/latest/run.json");
	ck_assert_str_eq(verdict_of(run, 0), "pass");
}
END_TEST

/* The same scenario with a bound that cannot hold must fail, with the place and both figures. */
START_TEST(test_fail)
{
	cli_write_pair(&c, "a.yaml", CUT, "  - detects: {app: client, fault: cut, within: 100ms}");
	struct cli_result r = CLI(&c, "run", "a.yaml");
	ck_assert_msg(r.code == 1, "%d: %s%s", r.code, r.out, r.err);
	contains(r.out, "a.yaml:10: fail detects client");
	contains(r.out, "within 100ms");
	contains(r.out, "around it");
	_cleanup_json_ json_t *run = cli_json(&c, "results/latest/run.json");
	ck_assert_str_eq(verdict_of(run, 0), "fail");
}
END_TEST

/* A fault on a cable that nobody uses touches no packet: the pass is worth nothing. */
START_TEST(test_void)
{
	cli_write(&c, "a.yaml",
		  "version: 1\nname: nobody there\nhosts: {a: {}, b: {}}\n"
		  "apps:\n  a: {host: a, run: \"sleep 100\"}\n"
		  "timeline:\n  - {at: 100ms, id: cut, blackhole: {cable: b}, for: 200ms}\n"
		  "expect:\n  - sockets: {host: a, state: CLOSE_WAIT, at-most: 0, by: end}\n");
	struct cli_result r = CLI(&c, "run", "a.yaml");
	ck_assert_msg(r.code == 1, "%d: %s%s", r.code, r.out, r.err);
	contains(r.out, "touched no packet");
}
END_TEST

START_TEST(test_control_killed_and_survived)
{
	cli_write_pair(&c, "a.yaml", CUT,
		       DETECTS
		       "\ncontrols:\n"
		       "  no-cut:\n"
		       "    replace: {timeline.0: {at: 500ms, id: cut, delay: {cable: server, "
		       "mean: 1ms}, for: 1500ms}}\n"
		       "    fails: [detects]\n"
		       "  other-rate:\n"
		       "    replace: {apps.client.run: \"ref-client --target server:8000 --rate "
		       "10 --heartbeat 300ms/2 --backoff 100ms/2/1s/100%\"}\n"
		       "    fails: [detects]\n");
	struct cli_result r = CLI(&c, "run", "a.yaml");
	ck_assert_msg(r.code == 1, "%d: %s%s", r.code, r.out, r.err);
	contains(r.out, "killed: detects");
	contains(r.out, "survived");
	contains(r.out, "1 of 2 controls killed");
	/* Without controls there is nothing wrong. */
	ck_assert_int_eq(CLI(&c, "run", "--controls", "none", "a.yaml").code, 0);
}
END_TEST

START_TEST(test_judged_again_from_files)
{
	cli_write_pair(&c, "a.yaml", CUT,
		       DETECTS "\n  - id: too-fast\n    detects: {app: client, fault: cut, within: "
			       "1ms}");
	ck_assert_int_eq(CLI(&c, "run", "a.yaml").code, 1);
	_cleanup_json_ json_t *first = cli_json(&c, "results/latest/run.json");
	json_t *scenario = json_array_get(json_object_get(first, "scenarios"), 0);
	ck_assert_uint_eq(json_array_size(json_object_get(scenario, "expectations")), 2);

	struct cli_result again = CLI(&c, "judge", "results/latest", "-v");
	ck_assert_int_eq(again.code, 1);
	contains(again.out, "pass detects.1 client");
	contains(again.out, "fail too-fast client");
	size_t i;
	json_t *e;
	json_array_foreach(json_object_get(scenario, "expectations"), i, e)
	{
		contains(again.out, json_string_value(json_object_get(e, "observed")));
	}
}
END_TEST

/* Each file that the scenario is made of is kept as it was; what is judged is in plan.json alone. */
START_TEST(test_included_files_are_kept)
{
	const char *const files[] = {"scenario.yaml", "included/1-hosts.yaml",
				     "included/2-more.yaml", "included/3-hosts.yaml"};
	const char *const texts[] = {
		("version: 1\nname: parts\ninclude: [hosts.yaml, ../parts/hosts.yaml]\n"
		 "apps: {a: {host: a, run: \"sleep 9\"}}\nduration: 10ms\n"),
		"include: more.yaml\nhosts: {a: {}}\n",
		"expect: [{sockets: {host: b, state: LISTEN, at-most: 0, by: end}}]\n",
		"hosts: {b: {}}\n",
	};

	ck_assert_int_eq(mkdir(arena_printf(&c.arena, "%s/s", c.dir), 0755), 0);
	ck_assert_int_eq(mkdir(arena_printf(&c.arena, "%s/parts", c.dir), 0755), 0);
	cli_write(&c, "s/a.yaml", texts[0]);
	cli_write(&c, "s/hosts.yaml", texts[1]);
	cli_write(&c, "s/more.yaml", texts[2]);
	cli_write(&c, "parts/hosts.yaml", texts[3]);
	struct cli_result r = CLI(&c, "run", "s/a.yaml");
	ck_assert_msg(r.code == 0, "%d: %s%s", r.code, r.out, r.err);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		struct err err = {0};
		char *path = arena_printf(&c.arena, "%s/results/latest/s-a/%s", c.dir, files[i]);
		char *text = io_read_file(path, NULL, &c.arena, &err);

		ck_assert_msg(text != NULL, "%s", err.msg);
		ck_assert_str_eq(text, texts[i]);
		ck_assert_int_eq(unlink(path), 0);
	}
	ck_assert_int_eq(CLI(&c, "judge", "results/latest").code, 0);
}
END_TEST

static void write_app(const char *name, const char *app)
{
	cli_write(
		&c, name,
		arena_printf(&c.arena,
			     "version: 1\nname: one app\nhosts: {a: {}}\napps:\n  a: %s\n"
			     "expect:\n  - sockets: {host: a, state: LISTEN, at-most: 9, by: end}\n"
			     "duration: 500ms\n",
			     app));
}

static struct cli_result run_app(const char *app)
{
	write_app("a.yaml", app);
	return CLI(&c, "run", "a.yaml");
}

START_TEST(test_never_ready)
{
	struct cli_result r =
		run_app("{host: a, shell: \"echo waiting for godot; sleep 100\", ready: "
			"{listening: 80}, ready-within: 300ms}");

	ck_assert_int_eq(r.code, 3);
	contains(r.out,
		 "app a was not ready within 0.3 s: it has no socket that listens on port 80");
	contains(r.out, "| waiting for godot");
}
END_TEST

/* A prompt is not ended by a newline; of what a line may go on with its end is not known. */
START_TEST(test_ready_by_a_prompt)
{
	struct cli_result r = run_app("{host: a, shell: \"printf 'ok> '; sleep 100\", "
				      "ready: {log: 'ok> '}}");

	ck_assert_msg(r.code == 0, "%s", r.out);
	r = run_app("{host: a, shell: \"printf 'ok> '; sleep 100\", ready: {log: 'ok> $'}, "
		    "ready-within: 300ms}");
	ck_assert_int_eq(r.code, 3);
	contains(r.out, "no line of its output matches 'ok> $'");
}
END_TEST

/* How it ends is judged by `exits`; that it never was ready is known at once all the same. */
START_TEST(test_ends_before_it_is_ready)
{
	static const char text[] =
		"version: 1\nname: one app\nhosts: {a: {}}\napps:\n  a: {host: a, shell: \"%s\", "
		"ready: {listening: 80}, ready-within: %s}\n"
		"expect:\n  - exits: {app: a, within: 9s, status: 7}\nduration: 500ms\n";

	cli_write(&c, "a.yaml", arena_printf(&c.arena, text, "echo no port; exit 7", "10000s"));
	struct cli_result r = CLI(&c, "run", "a.yaml");
	ck_assert_int_eq(r.code, 3);
	contains(r.out, "app a ended with status 7 before it was ready");
	contains(r.out, "| no port");
	/* Something that it left behind may still become so. */
	cli_write(&c, "a.yaml", arena_printf(&c.arena, text, "sleep 100 & exit 7", "300ms"));
	r = CLI(&c, "run", "a.yaml");
	ck_assert_int_eq(r.code, 3);
	contains(r.out, "app a was not ready within 0.3 s");
}
END_TEST

/* A daemon leaves its first process, which ends with 0, before or after anybody has looked at its socket. */
START_TEST(test_a_daemon_becomes_ready)
{
	struct cli_result r = run_app(
		"{host: a, shell: \"(sleep 0.3; exec tcp-listen --accept=hold 80) & exit 0\", "
		"exit: 0, ready: {listening: 80}}");
	ck_assert_msg(r.code == 0, "%s", r.out);
}
END_TEST

START_TEST(test_crash)
{
	struct cli_result r = run_app("{host: a, shell: \"echo about to fail; kill -SEGV $$\"}");

	ck_assert_int_eq(r.code, 3);
	contains(r.out, "app a was ended by SIGSEGV");
	contains(r.out, "| about to fail");
	r = run_app("{host: a, shell: \"exit 7\"}");
	ck_assert_int_eq(r.code, 3);
	contains(r.out, "app a ended with status 7");
	/* A status that the scenario allows is none. */
	r = run_app("{host: a, shell: \"exit 7\", exit: 7}");
	ck_assert_msg(r.code == 0, "%s", r.out);
}
END_TEST

START_TEST(test_other_scenarios_go_on)
{
	write_app("bad.yaml", "{host: a, run: \"no-such-program\"}");
	write_app("good.yaml", "{host: a, run: \"sleep 100\"}");
	struct cli_result r = CLI(&c, "run", ".");
	ck_assert_int_eq(r.code, 3);
	contains(r.out, "1 of 2 scenarios passed, 1 in error");
}
END_TEST

START_TEST(test_invalid_scenario_runs_nothing)
{
	cli_write_pair(&c, "good.yaml", CUT, DETECTS);
	cli_write_pair(&c, "bad.yaml", CUT, "  - detects: {app: client, fault: cut, withn: 1s}");
	struct cli_result r = CLI(&c, "run", ".");
	ck_assert_int_eq(r.code, 2);
	contains(r.err, "./bad.yaml:10:40: error: unknown key 'withn'");
	contains(r.err, "did you mean 'within'?");
	ck_assert_str_eq(r.out, "");
	ck_assert_int_lt(access(arena_printf(&c.arena, "%s/results", c.dir), F_OK), 0);
}
END_TEST

/* The plan in this folder calls itself by another slug. */
static void rename_slug(const char *folder, const char *slug)
{
	json_error_t why;
	char *path = arena_printf(&c.arena, "%s/plan.json", folder);
	_cleanup_json_ json_t *plan = json_load_file(path, 0, &why);

	ck_assert_msg(plan != NULL, "%s: %s", path, why.text);
	json_object_set_new(plan, "slug", json_string(slug));
	ck_assert_int_eq(json_dump_file(plan, path, JSON_INDENT(2)), 0);
}

/* Of a scenario that was run again only the last attempt is judged. */
START_TEST(test_only_the_last_attempt_is_judged)
{
	cli_write_pair(&c, "a.yaml", CUT, DETECTS);
	ck_assert_int_eq(CLI(&c, "run", "--retries", "0", "--controls", "none", "a.yaml").code, 0);
	char *first = arena_printf(&c.arena, "%s/results/latest/a", c.dir);
	char *last = arena_printf(&c.arena, "%s+again1", first);
	ck_assert_int_eq(rename(first, last), 0);
	/* A first attempt that cannot even be read. */
	ck_assert_int_eq(mkdir(first, 0755), 0);
	struct cli_result r = CLI(&c, "judge", "results/latest");
	ck_assert_msg(r.code == 0, "%d: %s%s", r.code, r.out, r.err);
	contains(r.out, "1 of 1 scenarios passed");
	ck_assert_ptr_null(strstr(r.out, "FLAKY"));
	/* As it is where wirecut has run it again by itself. */
	rename_slug(last, "a+again1");
	r = CLI(&c, "judge", "results/latest");
	contains(r.out, "FLAKY: inconclusive before");
	contains(r.out, "1 flaky");
	/* By itself it is judged. */
	ck_assert_int_eq(rename(last, arena_printf(&c.arena, "%s+other", first)), 0);
	ck_assert_int_eq(CLI(&c, "judge", "results/latest").code, 3);
}
END_TEST

START_TEST(test_usage_errors)
{
	cli_write_pair(&c, "a.yaml", CUT, DETECTS);
	contains(CLI(&c, "run", "--jobs", "0", "a.yaml").err, "--jobs: '0' is not a whole number");
	contains(CLI(&c, "run", "--nonsense", "a.yaml").err, "no such option");
	contains(CLI(&c, "run", "--seed").err, "needs a value");
	contains(CLI(&c, "run", "-E", "(", "a.yaml").err, "not a regular expression");
	contains(CLI(&c, "dance").err, "'dance' is not a command");
	ck_assert_int_eq(CLI(&c, "run", "--jobs", "0", "a.yaml").code, 2);
	ck_assert_int_eq(CLI(&c, "dance").code, 2);
	ck_assert_int_eq(CLI(&c, "run", "not-there.yaml").code, 2);
	ck_assert_int_eq(CLI(&c, "run", "--tag", "none-such", "a.yaml").code, 4);
	ck_assert_int_eq(CLI(&c, "run", "--help").code, 0);
}
END_TEST

START_TEST(test_skipped_for_its_clock)
{
	cli_write_pair(&c, "a.yaml", CUT, DETECTS "\nclock: virtual\n");
	struct cli_result r = CLI(&c, "run", "--clock", "real", "--controls", "none", "a.yaml");
	ck_assert_int_eq(r.code, 5);
	contains(r.out, "skip");
	contains(r.out, "clock: virtual: it cannot run on the real clock");
}
END_TEST

/* Asked for by a scenario it is skipped, asked for on the command line it is an error. */
START_TEST(test_no_guests)
{
	cli_write_pair(&c, "a.yaml", CUT, DETECTS "\nclock: virtual\n");
	ck_assert_int_eq(setenv("WIRECUT_QEMU", "/none/qemu", 1), 0);
	struct cli_result r = CLI(&c, "run", "--controls", "none", "a.yaml");
	ck_assert_int_eq(r.code, 5);
	contains(r.out, "clock: virtual: WIRECUT_QEMU: /none/qemu: No such file");
	r = CLI(&c, "run", "--clock", "virtual", "--controls", "none", "a.yaml");
	ck_assert_int_eq(r.code, 3);
	contains(r.err, "WIRECUT_QEMU: /none/qemu: No such file");
	unsetenv("WIRECUT_QEMU");
}
END_TEST

/* The kernel of every machine that this runs on is newer than 3.0. */
START_TEST(test_needs_of_the_kernel)
{
	cli_write_pair(&c, "a.yaml", CUT, DETECTS "\nneeds: kernel < 3.0\n");
	struct cli_result r = CLI(&c, "run", "--controls", "none", "a.yaml");
	ck_assert_int_eq(r.code, 5);
	contains(r.out, "needs kernel < 3.0, and this one is ");
	cli_write_pair(&c, "a.yaml", CUT, DETECTS "\nneeds: kernel >= 3.0\n");
	r = CLI(&c, "run", "--controls", "none", "a.yaml");
	ck_assert_msg(r.code == 0, "%d: %s%s", r.code, r.out, r.err);
}
END_TEST

static void interrupted_by(int signo, int code)
{
	cli_write_pair(&c, "a.yaml", "  - {at: 30s, id: cut, blackhole: {cable: server}, for: 1s}",
		       DETECTS);
	const char *const argv[] = {"run", "a.yaml", NULL};
	pid_t pid = cli_spawn(&c, argv);
	cli_wait_for_file(&c, "results");
	ck_assert_int_eq(kill(pid, signo), 0);
	struct cli_result r = cli_wait(&c, pid);
	ck_assert_msg(r.code == code, "%d: %s%s", r.code, r.out, r.err);
	contains(r.out, "interrupted: 0 of 0 scenarios passed, 1 not finished");
}

START_TEST(test_sigint)
{
	interrupted_by(SIGINT, 130);
}
END_TEST

START_TEST(test_sigterm)
{
	interrupted_by(SIGTERM, 143);
}
END_TEST

/* Of a pattern below the test's folder; waits until there is one. */
static char *wait_for_match(const char *pattern)
{
	nsec_t deadline = nsec_monotonic() + MATCH_WITHIN;
	char *whole = arena_printf(&c.arena, "%s/%s", c.dir, pattern);
	glob_t found;

	while (glob(whole, 0, NULL, &found) != 0) {
		ck_assert_msg(nsec_monotonic() < deadline, "%s never appeared", pattern);
		poll(NULL, 0, MATCH_RETRY_MS);
	}
	char *path = arena_strdup(&c.arena, found.gl_pathv[0]);
	globfree(&found);
	return path;
}

/* Killed at the worst moment it leaves copies of scenarios, and they are not taken for scenarios. */
START_TEST(test_a_killed_runs_copies_are_no_scenarios)
{
	cli_write_pair(&c, "a.yaml", "  - {at: 30s, id: cut, blackhole: {cable: server}, for: 1s}",
		       DETECTS);
	const char *const argv[] = {"run", "--controls", "none", "a.yaml", NULL};
	pid_t pid = cli_spawn(&c, argv);
	wait_for_match("results/*/a/plan.json");
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	cli_wait(&c, pid);
	struct cli_result r = CLI(&c, "check", ".");
	contains(r.out, "1 scenario and 0 controls");
	/* It is the marker that does it: without it the copy is one more. */
	ck_assert_int_eq(unlink(wait_for_match("results/*/.wirecut-run")), 0);
	r = CLI(&c, "check", ".");
	contains(r.out, "2 scenarios and 0 controls");
}
END_TEST

START_TEST(test_unwritable_results)
{
	cli_write_pair(&c, "a.yaml", CUT, DETECTS);
	struct cli_result r = CLI(&c, "run", "--results", "/proc/nowhere", "a.yaml");
	ck_assert_int_eq(r.code, 3);
	contains(r.err, "make the results folder /proc/nowhere");
}
END_TEST

/* The folder is full in the middle of a run: an error that says so, and no half of a file. */
START_TEST(test_full_disk)
{
	cli_write_pair(&c, "a.yaml", CUT, DETECTS);
	char *results = arena_printf(&c.arena, "%s/results", c.dir);
	ck_assert_int_eq(mkdir(results, 0755), 0);
	if (!fresh_namespaces()) {
		skip("user namespaces are not allowed here");
		return;
	}
	ck_assert_int_eq(mount("small", results, "tmpfs", 0, "size=20k"), 0);
	struct cli_result r = CLI(&c, "run", "a.yaml");
	ck_assert_msg(r.code == 3, "%d: %s%s", r.code, r.out, r.err);
	contains(arena_printf(&c.arena, "%s%s", r.out, r.err), "No space left on device");
	char *run_json = arena_printf(&c.arena, "%s/latest/run.json", results);
	if (access(run_json, F_OK) == 0) {
		_cleanup_json_ json_t *run = cli_json(&c, "results/latest/run.json");
		ck_assert_str_eq(verdict_of(run, 0), "error");
	}
	ck_assert_int_eq(umount(results), 0);
}
END_TEST

/* What a control takes away is missed in a line of the scenario, which is right without it. */
START_TEST(test_a_controls_mistake_names_it)
{
	cli_write_pair(&c, "a.yaml", CUT,
		       DETECTS "\ncontrols:\n"
			       "  paused:\n"
			       "    replace: {timeline.0: {at: 500ms, pause: server}}\n"
			       "    fails: [detects]\n");
	struct cli_result r = CLI(&c, "check", "a.yaml");
	ck_assert_int_eq(r.code, 2);
	contains(r.err, "'cut' is neither the id nor the kind of a step");
	contains(r.err, "= in the control paused\n");
	cli_write_pair(&c, "a.yaml", "  - {at: 500ms, pause: server}", DETECTS);
	r = CLI(&c, "check", "a.yaml");
	contains(r.err, "'cut' is neither");
	lacks(r.err, "in the control");
}
END_TEST

START_TEST(test_too_few_descriptors)
{
	struct rlimit few = {.rlim_cur = 40, .rlim_max = 40};

	cli_write_pair(&c, "a.yaml", CUT, DETECTS);
	cli_write_pair(&c, "b.yaml", CUT, DETECTS);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
	struct cli_result r = CLI(&c, "run", "--jobs", "4", "a.yaml", "b.yaml");
	ck_assert_int_eq(r.code, 3);
	contains(r.err,
		 "40 descriptors are too few for 2 scenarios at once: raise the limit (ulimit "
		 "-n 80) or run fewer (--jobs)");
	r = CLI(&c, "run", "a.yaml");
	contains(r.err,
		 "40 descriptors are too few for a scenario: raise the limit (ulimit -n 72)");
}
END_TEST

START_TEST(test_version_takes_no_arguments)
{
	struct cli_result r = CLI(&c, "version");
	ck_assert_int_eq(r.code, 0);
	contains(r.out, "wirecut ");
	r = CLI(&c, "version", "x");
	ck_assert_int_eq(r.code, 2);
	ck_assert_str_eq(r.out, "");
	contains(r.err, "version takes no arguments, not 'x'");
}
END_TEST

/* Its last line and its end are heard of together, in either order. */
START_TEST(test_ready_and_gone)
{
	cli_write(&c, "a.yaml",
		  "version: 1\nname: gone\nduration: 50ms\nhosts: {a: {}}\n"
		  "apps: {a: {host: a, run: \"echo done\", count: 20, ready: {log: '^done$'}}}\n"
		  "expect:\n  - sockets: {host: a, state: LISTEN, at-most: 0, by: end}\n");
	struct cli_result r = CLI(&c, "run", "a.yaml");
	ck_assert_msg(r.code == 0, "%d: %s%s", r.code, r.out, r.err);
}
END_TEST

/* The environment that an app sees. */
START_TEST(test_app_environment)
{
	ck_assert_int_eq(setenv("http_proxy", "http://127.0.0.1:1/", 1), 0);
	cli_write(&c, "a.yaml",
		  "version: 1\nname: environment\nhosts: {a: {nofile: 123}, b: {}}\n"
		  "files: {/etc/app.conf: {host: a, text: \"port = 8000\\n\"}}\n"
		  "apps:\n"
		  "  a: {host: a, shell: \"pwd; hostname; ulimit -n; cat /etc/app.conf; getent "
		  "ahostsv4 b; env; echo done\", env: {MINE: '1'}, ready: {log: '^done$'}, "
		  "cwd: /var/tmp}\n"
		  "expect:\n  - sockets: {host: a, state: LISTEN, at-most: 0, by: end}\n"
		  "duration: 100ms\n");
	struct cli_result r = CLI(&c, "run", "a.yaml");
	ck_assert_msg(r.code == 0, "%d: %s%s", r.code, r.out, r.err);
	char *show = arena_printf(&c.arena, "cat %s/results/latest/*/logs/a.log", c.dir);
	char *log = output_of(&c.arena, (const char *const[]){"sh", "-c", show, NULL});
	contains(log, "/var/tmp\na\n123\nport = 8000\n");
	contains(log, "10.0.0.2");
	contains(log, "MINE=1\n");
	contains(log, "WIRECUT_APP=a\n");
	lacks(log, "http_proxy");
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("cli");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 120);
	tcase_add_test(t, test_pass);
	tcase_add_test(t, test_fail);
	tcase_add_test(t, test_void);
	tcase_add_test(t, test_control_killed_and_survived);
	tcase_add_test(t, test_judged_again_from_files);
	tcase_add_test(t, test_included_files_are_kept);
	tcase_add_test(t, test_never_ready);
	tcase_add_test(t, test_ready_by_a_prompt);
	tcase_add_test(t, test_ends_before_it_is_ready);
	tcase_add_test(t, test_a_daemon_becomes_ready);
	tcase_add_test(t, test_crash);
	tcase_add_test(t, test_other_scenarios_go_on);
	tcase_add_test(t, test_invalid_scenario_runs_nothing);
	tcase_add_test(t, test_only_the_last_attempt_is_judged);
	tcase_add_test(t, test_usage_errors);
	tcase_add_test(t, test_skipped_for_its_clock);
	tcase_add_test(t, test_no_guests);
	tcase_add_test(t, test_needs_of_the_kernel);
	tcase_add_test(t, test_sigint);
	tcase_add_test(t, test_sigterm);
	tcase_add_test(t, test_a_killed_runs_copies_are_no_scenarios);
	tcase_add_test(t, test_unwritable_results);
	tcase_add_test(t, test_full_disk);
	tcase_add_test(t, test_a_controls_mistake_names_it);
	tcase_add_test(t, test_too_few_descriptors);
	tcase_add_test(t, test_version_takes_no_arguments);
	tcase_add_test(t, test_ready_and_gone);
	tcase_add_test(t, test_app_environment);
	return run_tests("cli", t);
}
