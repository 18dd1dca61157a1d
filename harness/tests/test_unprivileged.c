/* SPDX-License-Identifier: MIT */
/*
 * An ordinary user gets root's verdicts: the same scenario and its control, once as root and once as
 * a user with no rights at all, and what is compared is every expectation's. What needs rights in
 * other tools is among them: forged resets, descriptors of other processes, counters and sockets of
 * other namespaces.
 *
 * A test that runs as root becomes that user half-way, for good: each has a process of its own.
 */
#include <check.h>
#include <ftw.h>
#include <grp.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/base/cleanup.h"
#include "harness/tests/cli.h"
#include "harness/tests/netns.h"
#include "harness/tests/suite.h"

#define TEST_TIMEOUT_S 240
#define FTW_MAX_FDS    16
/* "nobody" to the kernel (Documentation/admin-guide/sysctl/fs.rst, overflowuid). */
#define ORDINARY_ID 65534U

static struct cli c;

/* --- what is compared --- */

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* "slug: verdict; label: verdict; ..." of one run. */
static char *verdicts_of(struct arena *a, const json_t *scenario)
{
	char *text = arena_printf(a, "%s: %s", json_string_value(json_object_get(scenario, "slug")),
				  json_string_value(json_object_get(scenario, "verdict")));
	size_t i;
	json_t *e;

	json_array_foreach(json_object_get(scenario, "expectations"), i, e) text =
		arena_printf(a, "%s; %s: %s", text, json_string_value(json_object_get(e, "label")),
			     json_string_value(json_object_get(e, "verdict")));
	return text;
}

/* Of all runs, a line each, by slug: they end in no certain order. */
static char *all_verdicts(struct arena *a, const json_t *run)
{
	const json_t *scenarios = json_object_get(run, "scenarios");
	size_t n = json_array_size(scenarios), i;
	char **lines = arena_new_array(a, char *, n + 1);
	char *text = arena_strdup(a, "");
	json_t *s;

	json_array_foreach(scenarios, i, s) lines[i] = verdicts_of(a, s);
	qsort(lines, n, sizeof(*lines), by_text);
	for (i = 0; i < n; i++)
		text = arena_printf(a, "%s%s\n", text, lines[i]);
	return text;
}

/* nftw(3) passes nothing on to its callback. */
static uid_t owner;
static gid_t group;
static char foreign[4096];
static size_t files_seen;

static int look_at_owner(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)type;
	(void)ftw;
	files_seen++;
	if (st->st_uid == owner && st->st_gid == group)
		return 0;
	snprintf(foreign, sizeof(foreign), "%s is of %u:%u", path, st->st_uid, st->st_gid);
	return 1;
}

/* The first file below the folder that is not of this user and group; NULL: all are. */
static const char *foreign_file(const char *dir, uid_t uid, gid_t gid)
{
	owner = uid;
	group = gid;
	files_seen = 0;
	int rc = nftw(dir, look_at_owner, FTW_MAX_FDS, FTW_PHYS);
	ck_assert_int_ge(rc, 0);
	return rc > 0 ? foreign : NULL;
}

/* --- what is run --- */

/* Every expectation has seconds to spare, so that no busy machine makes the two runs differ. */
static void write_scenario(void)
{
	cli_write_pair(&c, "a.yaml",
		       "  - {at: 500ms, id: cut, blackhole: {cable: server}, for: 4s}\n"
		       "  - {at: 6s, rst: {cable: server}, for: 500ms}\n"
		       "duration: 8s",
		       "  - detects: {app: client, fault: cut, within: 3800ms}\n"
		       "  - sockets: {host: server, state: CLOSE_WAIT, at-most: 0, by: end}\n"
		       "  - fds: {app: client, at-least: 3, by: 0s}\n"
		       "  - counter: {host: client, name: TcpActiveOpens, at-least: 1, by: end}\n"
		       "controls:\n"
		       "  no-heartbeat:\n"
		       "    replace: {apps.client.run: \"ref-client --target server:8000 "
		       "--rate 20 --without heartbeat\"}\n"
		       "    fails: [detects]");
}

/* The verdicts of one run in a fresh folder, which is left behind in `c`. */
static char *run_once(struct arena *a)
{
	cli_start(&c);
	write_scenario();
	struct cli_result r = CLI(&c, "run", "a.yaml");
	ck_assert_msg(r.code == 0, "as %u: %d: %s%s", geteuid(), r.code, r.out, r.err);
	_cleanup_json_ json_t *run = cli_json(&c, "results/latest/run.json");
	const char *other =
		foreign_file(arena_printf(a, "%s/results", c.dir), geteuid(), getegid());
	ck_assert_msg(!other, "%s", other);
	/* Two runs, of at least plan, events, verdict, packets and logs. */
	ck_assert_uint_gt(files_seen, 10);
	return all_verdicts(a, run);
}

/* For good. The process's own files in /proc stay its own, which namespaces need. */
static void become_ordinary(void)
{
	ck_assert_int_eq(setgroups(0, NULL), 0);
	ck_assert_int_eq(setresgid(ORDINARY_ID, ORDINARY_ID, ORDINARY_ID), 0);
	ck_assert_int_eq(setresuid(ORDINARY_ID, ORDINARY_ID, ORDINARY_ID), 0);
	ck_assert_int_eq(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0), 0);
}

/* May the user that this process is now make namespaces? */
static bool namespaces_are_allowed(void)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(!fresh_namespaces());
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return status == 0;
}

/* A checkout below /root, say, is out of the user's reach. */
static bool programs_are_reachable(struct arena *a)
{
	const char *build = getenv("BUILD");
	_cleanup_free_ char *real =
		realpath(arena_printf(a, "%s/bin/wirecut", build ? build : "build"), NULL);

	return real && access(real, X_OK) == 0;
}

/* Says why not. */
static bool can_run(struct arena *a)
{
	if (!namespaces_are_allowed())
		skip("user namespaces are not allowed to an ordinary user here");
	else if (!programs_are_reachable(a))
		skip("an ordinary user may not enter the folder of the programs: build elsewhere");
	else
		return true;
	return false;
}

/* --- the tests --- */

START_TEST(test_an_ordinary_user_gets_the_same_verdicts)
{
	_cleanup_arena_ struct arena a = {0};
	char *by_root = NULL;

	if (geteuid() == 0) {
		by_root = run_once(&a);
		cli_finish(&c);
		become_ordinary();
	} else {
		printf("not run by root: an ordinary user's run alone, compared with nothing\n");
	}
	if (!can_run(&a))
		return;
	char *by_user = run_once(&a);
	cli_finish(&c);
	ck_assert_msg(strstr(by_user, "detects: fail") && strstr(by_user, "detects: pass"), "%s",
		      by_user);
	if (by_root)
		ck_assert_str_eq(by_user, by_root);
}
END_TEST

/* More programs than the user may have, or than there may be descriptors for: the limit is named. */
START_TEST(test_a_limit_is_named)
{
	static const struct {
		int resource;
		rlim_t limit;
		const char *mend;
	} cases[] = {
		{RLIMIT_NPROC, 64, "; no more processes are allowed: raise the limit (ulimit -u"},
		{RLIMIT_NOFILE, 200, "; raise the limit (ulimit -n)"},
	};
	struct rlimit few = {cases[_i].limit, cases[_i].limit};
	_cleanup_arena_ struct arena a = {0};

	if (geteuid() == 0) /* whom no number of processes limits */
		become_ordinary();
	if (!can_run(&a))
		return;
	cli_start(&c);
	cli_write(&c, "a.yaml",
		  "version: 1\nname: many\nduration: 100ms\nhosts: {a: {}}\n"
		  "apps: {many: {host: a, run: \"sleep 9\", count: 150}}\n"
		  "expect: [{fds: {app: many, at-most: 99, at: end}}]\n");
	ck_assert_int_eq(setrlimit(cases[_i].resource, &few), 0);
	struct cli_result r = CLI(&c, "run", "--jobs", "1", "a.yaml");
	ck_assert_int_eq(r.code, 3);
	contains(r.out, cases[_i].mend);
	cli_finish(&c);
}
END_TEST

/* The witnesses can fail: another verdict, and a file of somebody else's, are noticed. */
START_TEST(test_a_difference_is_noticed)
{
	static const char format[] =
		"{\"scenarios\": [{\"slug\": \"b\", \"verdict\": \"pass\", \"expectations\": []}, "
		"{\"slug\": \"a\", \"verdict\": \"fail\", \"expectations\": "
		"[{\"label\": \"one\", \"verdict\": \"%s\"}]}]}";
	_cleanup_arena_ struct arena a = {0};
	_cleanup_json_ json_t *one =
		json_loads(arena_printf(&a, format, "pass"), JSON_REJECT_DUPLICATES, NULL);
	_cleanup_json_ json_t *other =
		json_loads(arena_printf(&a, format, "void"), JSON_REJECT_DUPLICATES, NULL);

	ck_assert_str_eq(all_verdicts(&a, one), "a: fail; one: pass\nb: pass\n");
	ck_assert_str_eq(all_verdicts(&a, other), "a: fail; one: void\nb: pass\n");
}
END_TEST

START_TEST(test_a_file_of_somebody_else_is_noticed)
{
	cli_start(&c);
	cli_write(&c, "mine", "");
	ck_assert_ptr_null(foreign_file(c.dir, geteuid(), getegid()));
	ck_assert_ptr_nonnull(foreign_file(c.dir, geteuid() + 1, getegid()));
	ck_assert_ptr_nonnull(foreign_file(c.dir, geteuid(), getegid() + 1));
	cli_finish(&c);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("unprivileged");
	TCase *t = tcase_create("unprivileged");

	tcase_set_timeout(t, TEST_TIMEOUT_S);
	tcase_add_test(t, test_a_difference_is_noticed);
	tcase_add_test(t, test_a_file_of_somebody_else_is_noticed);
	tcase_add_loop_test(t, test_a_limit_is_named, 0, 2);
	tcase_add_test(t, test_an_ordinary_user_gets_the_same_verdicts);
	suite_add_tcase(s, t);

	SRunner *runner = srunner_create(s);
	srunner_set_fork_status(runner, CK_FORK);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
