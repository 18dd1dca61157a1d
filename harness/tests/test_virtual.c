/* SPDX-License-Identifier: MIT */
/*
 * Runs on the virtual clock: what they give, which kernel and seed they are of, how one is had again,
 * and that an ordinary user has them too. That their bytes do not change: test_determinism.c; what goes
 * wrong: test_guest_faults.c and test_snapshots.c.
 */
#include <check.h>
#include <glob.h>
#include <grp.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/base/cleanup.h"
#include "harness/tests/guests.h"
#include "harness/tests/netns.h"
#include "harness/tests/suite.h"

/* A guard; a boot of a guest is among what a test may wait for. */
#define TEST_TIMEOUT_S 240
/* "nobody" to the kernel (Documentation/admin-guide/sysctl/fs.rst, overflowuid). */
#define ORDINARY_ID 65534U

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

static void expect_code(const struct cli_result *r, int code)
{
	ck_assert_msg(r->code == code, "exit code %d, not %d\n%s%s", r->code, code, r->out, r->err);
}

/* The result of this slug, borrowed from the run. */
static json_t *result_of(const json_t *run, const char *slug)
{
	size_t i;
	json_t *s;

	json_array_foreach(json_object_get(run, "scenarios"), i, s)
	{
		if (!strcmp(json_string_value(json_object_get(s, "slug")), slug))
			return s;
	}
	ck_abort_msg("there is no result of %s", slug);
}

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	ck_assert_msg(text != NULL, "there is no %s", key);
	return text;
}

static void exists(const char *folder, const char *name)
{
	struct stat st;
	const char *path = arena_printf(&c.arena, "%s/%s/%s", c.dir, folder, name);

	ck_assert_msg(stat(path, &st) == 0 && st.st_size > 0, "%s is not there, or empty", path);
}

/* --- a run --- */

START_TEST(test_a_scenario_and_its_control)
{
	static const char *const files[] = {"scenario.yaml",  "plan.json",      "events.jsonl",
					    "verdict.json",   "packets.pcapng", "logs/client.log",
					    "logs/server.log"};

	if (!can_run)
		return;
	struct cli_result r = RUN("a.yaml");
	expect_code(&r, 0);
	contains(r.out, "killed: detects failed");
	const char *folder = guests_run_folder(&c);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		exists(arena_printf(&c.arena, "%s/a", folder), files[i]);
		exists(arena_printf(&c.arena, "%s/a--no-heartbeat", folder), files[i]);
	}
	_cleanup_json_ json_t *run = cli_json(&c, "results/latest/run.json");
	ck_assert_str_eq(text_of(run, "clock"), "virtual");
	const json_t *a = result_of(run, "a");
	ck_assert_str_eq(text_of(a, "clock"), "virtual");
	ck_assert_str_ne(text_of(a, "kernel"), "");
	contains(text_of(a, "replay"), "--clock virtual");
	/* The saved files give the same verdict again. */
	r = CLI(&c, "judge", "results/latest");
	expect_code(&r, 0);
}
END_TEST

/* Pinned and real-time as root; a kernel that does not let root have it would have to be odd. */
START_TEST(test_exact_where_it_is_allowed)
{
	if (!can_run)
		return;
	if (geteuid() != 0) {
		skip("only root may make a guest's processor a real-time one");
		return;
	}
	struct cli_result r = RUN("--controls", "none", "a.yaml");
	expect_code(&r, 0);
	_cleanup_json_ json_t *run = cli_json(&c, "results/latest/run.json");
	ck_assert_str_eq(text_of(result_of(run, "a"), "determinism"), "exact");
}
END_TEST

/* --- having it again --- */

static void expect_replayed(const char *folder, const json_t *run, const char *slug)
{
	const char *command = text_of(result_of(run, slug), "replay");
	int code = guests_replay(&c, command);
	const char *again = guests_run_folder(&c);

	ck_assert_msg(code == 0, "%s: %d", command, code);
	ck_assert_str_ne(again, folder);
	guests_assert_same(&c, arena_printf(&c.arena, "%s/%s", folder, slug),
			   arena_printf(&c.arena, "%s/%s", again, slug));
}

START_TEST(test_a_replay_gives_the_same_bytes)
{
	if (!can_run)
		return;
	struct cli_result r = RUN("a.yaml");
	expect_code(&r, 0);
	const char *folder = guests_run_folder(&c);
	_cleanup_json_ json_t *run = cli_json(&c, "results/latest/run.json");
	expect_replayed(folder, run, "a");
	expect_replayed(folder, run, "a--no-heartbeat");
}
END_TEST

/* Of the first connection of a run: its port and its initial sequence number. */
static void first_syn(const char *folder, const char **ret_src, json_int_t *ret_isn)
{
	const char *events = guests_read(&c, folder, "events.jsonl", NULL);
	const char *syn = strstr(events, "\"event\":\"syn\"");

	ck_assert_ptr_nonnull(syn);
	while (syn > events && syn[-1] != '\n')
		syn--;
	_cleanup_json_ json_t *json = json_loadb(syn, strcspn(syn, "\n"), 0, NULL);
	*ret_src = arena_strdup(&c.arena, text_of(json, "src"));
	*ret_isn = json_integer_value(json_object_get(json, "seq"));
}

START_TEST(test_seeds)
{
	const char *src[2];
	json_int_t isn[2];

	if (!can_run)
		return;
	struct cli_result r = RUN("--seed", "7", "--seeds", "2", "--controls", "none", "a.yaml");
	expect_code(&r, 0);
	const char *folder = guests_run_folder(&c);
	_cleanup_json_ json_t *run = cli_json(&c, "results/latest/run.json");
	contains(text_of(result_of(run, "a+seed8"), "replay"), "--seed 8");
	for (size_t i = 0; i < ARRAY_SIZE(src); i++)
		first_syn(arena_printf(&c.arena, "%s/a+seed%zu", folder, 7 + i), &src[i], &isn[i]);
	ck_assert_str_ne(src[0], src[1]);
	ck_assert(isn[0] != isn[1]);
}
END_TEST

/* Each seed that fails is named, and has the command that shows it again; what is the same stands once. */
START_TEST(test_a_seed_that_fails)
{
	if (!can_run)
		return;
	guests_write_shell(&c, "fails.yaml", "exit 1", "");
	struct cli_result r = RUN("--seed", "7", "--seeds", "2", "fails.yaml");
	expect_code(&r, 1);
	contains(r.out, "fails+seed7");
	contains(r.out, "fails+seed8");
	contains(r.out, "replay: wirecut run --clock virtual --seed ");
	contains(r.out, " --controls none fails.yaml\n");
	contains(r.out, ": the same with seed ");
	_cleanup_json_ json_t *run = cli_json(&c, "results/latest/run.json");
	contains(text_of(result_of(run, "fails+seed7"), "replay"), "--seed 7 ");
	contains(text_of(result_of(run, "fails+seed8"), "replay"), "--seed 8 ");
}
END_TEST

/* --- kernels and clocks --- */

START_TEST(test_two_kernels)
{
	if (!can_run)
		return;
	struct strings kernels = guests_kernels(&c.arena);
	if (kernels.n < 2) {
		skip("there is no second kernel: make guest-kernel");
		return;
	}
	struct cli_result r = RUN("--kernel", kernels.v[0], "--kernel", kernels.v[1], "--controls",
				  "none", "a.yaml");
	expect_code(&r, 0);
	_cleanup_json_ json_t *run = cli_json(&c, "results/latest/run.json");
	const json_t *scenarios = json_object_get(run, "scenarios");
	ck_assert_uint_eq(json_array_size(scenarios), 2);
	ck_assert_str_ne(text_of(json_array_get(scenarios, 0), "kernel"),
			 text_of(json_array_get(scenarios, 1), "kernel"));
	for (size_t i = 0; i < 2; i++) {
		const json_t *s = json_array_get(scenarios, i);

		contains(text_of(s, "slug"), text_of(s, "kernel"));
		contains(text_of(s, "replay"), text_of(s, "kernel"));
	}
}
END_TEST

/* The kernel of this image again, below the working folder, without its module sch_netem. */
static void write_kernel_without_netem(const char *image)
{
	const char *modules = guests_modules_of(image, &c.arena);
	const char *command = arena_printf(
		&c.arena,
		"cd '%s' && mkdir lame lame/modules && ln -s '%s' lame/vmlinuz && "
		"ln -s '%s'/* lame/modules && rm lame/modules/modules.dep && "
		"grep -v 'sch_netem[.]ko[a-z.]*:' '%s/modules.dep' > lame/modules/modules.dep",
		c.dir, image, modules, modules);

	ck_assert_int_eq(system(command), 0); /* NOLINT(cert-env33-c) */
}

START_TEST(test_a_need_of_netem_is_the_guests)
{
	if (!can_run)
		return;
	struct strings kernels = guests_kernels(&c.arena);
	if (kernels.n < 2) {
		skip("there is no second kernel: make guest-kernel");
		return;
	}
	guests_write_shell(&c, "n.yaml", "true", "needs: [netem]\nclock: virtual\n");
	write_kernel_without_netem(kernels.v[1]);
	struct cli_result r =
		CLI(&c, "run", "--kernel", kernels.v[0], "--kernel", "lame/vmlinuz", "n.yaml");
	expect_code(&r, 0);
	contains(r.out, "1 of 2 scenarios passed");
	contains(r.out, "needs netem: the guest's kernel lacks the module sch_netem or bridge; "
			"give another by --kernel");
	_cleanup_json_ json_t *run = cli_json(&c, "results/latest/run.json");
	size_t i;
	json_t *s;
	json_array_foreach(json_object_get(run, "scenarios"), i, s)
	{
		bool whole = strstr(kernels.v[0], text_of(s, "kernel")) != NULL;

		if (!strcmp(text_of(s, "verdict"), "pass"))
			ck_assert_msg(whole, "%s has netem", text_of(s, "kernel"));
	}
	r = CLI(&c, "run", "n.yaml");
	expect_code(&r, 0);
}
END_TEST

START_TEST(test_a_scenario_of_the_other_clock_is_skipped)
{
	static const char app[] = "version: 1\nname: one\nhosts: {h: {}}\n"
				  "apps: {app: {host: h, run: \"true\"}}\n"
				  "expect:\n  - exits: {app: app, status: 0, within: 1s}\n"
				  "clock: ";

	if (!can_run)
		return;
	cli_write(&c, "real.yaml", arena_printf(&c.arena, "%sreal\n", app));
	cli_write(&c, "virtual.yaml", arena_printf(&c.arena, "%svirtual\n", app));
	struct cli_result r = RUN("real.yaml", "virtual.yaml");
	expect_code(&r, 0);
	contains(r.out, "clock: real: it cannot run on the virtual clock; without --clock virtual");
	contains(r.out, "1 skipped");
	r = CLI(&c, "run", "--clock", "real", "real.yaml", "virtual.yaml");
	expect_code(&r, 0);
	contains(r.out, "clock: virtual: it cannot run on the real clock; without --clock real");
	/* Left to the scenarios each has its own. */
	r = CLI(&c, "run", "real.yaml", "virtual.yaml");
	expect_code(&r, 0);
	_cleanup_json_ json_t *run = cli_json(&c, "results/latest/run.json");
	ck_assert_str_eq(text_of(result_of(run, "real"), "clock"), "real");
	ck_assert_str_eq(text_of(result_of(run, "virtual"), "clock"), "virtual");
	ck_assert_str_eq(text_of(run, "clock"), "mixed");
	/* All of them chose it. */
	r = CLI(&c, "run", "virtual.yaml");
	expect_code(&r, 0);
	_cleanup_json_ json_t *alone = cli_json(&c, "results/latest/run.json");
	ck_assert_str_eq(text_of(alone, "clock"), "virtual");
	r = CLI(&c, "run", "real.yaml");
	expect_code(&r, 0);
	_cleanup_json_ json_t *real = cli_json(&c, "results/latest/run.json");
	ck_assert_str_eq(text_of(real, "clock"), "real");
}
END_TEST

/* --- inside --- */

/* Processes that have lost their parent come to process 1 of the sandbox, which reaps them. */
START_TEST(test_orphans_are_reaped)
{
	if (!can_run)
		return;
	guests_write_shell(
		&c, "a.yaml",
		"for i in 1 2 3; do sh -c 'sleep 0.1 & exit'; (sleep 100 &); done\n"
		"      sleep 1\n"
		"      echo \"zombies: $(grep -l '^State:.Z' /proc/[0-9]*/status | wc -l)\"",
		"");
	struct cli_result r = RUN("a.yaml");
	expect_code(&r, 0);
	ck_assert_str_eq(guests_read(&c, "results/latest/a", "logs/app.log", NULL), "zombies: 0\n");
}
END_TEST

/* It would be seen: a shell that never waits for its children has them as zombies. */
START_TEST(test_a_zombie_is_noticed)
{
	if (!can_run)
		return;
	guests_write_shell(
		&c, "a.yaml",
		"sh -c 'sleep 0.1 & exec sleep 3' &\n"
		"      sleep 1\n"
		"      echo \"zombies: $(grep -l '^State:.Z' /proc/[0-9]*/status | wc -l)\"",
		"");
	struct cli_result r = RUN("a.yaml");
	expect_code(&r, 0);
	ck_assert_str_eq(guests_read(&c, "results/latest/a", "logs/app.log", NULL), "zombies: 1\n");
}
END_TEST

/* --- an ordinary user --- */

/* For good. */
static void become_ordinary(void)
{
	ck_assert_int_eq(chown(c.dir, ORDINARY_ID, ORDINARY_ID), 0);
	ck_assert_int_eq(setgroups(0, NULL), 0);
	ck_assert_int_eq(setresgid(ORDINARY_ID, ORDINARY_ID, ORDINARY_ID), 0);
	ck_assert_int_eq(setresuid(ORDINARY_ID, ORDINARY_ID, ORDINARY_ID), 0);
}

/* With a cache of its own: root's is out of its reach. */
START_TEST(test_an_ordinary_user)
{
	if (!can_run)
		return;
	if (geteuid() == 0)
		become_ordinary();
	if (!guests_can_run()) /* a checkout below /root, say, is out of reach */
		return;
	const char *cache = arena_printf(&c.arena, "%s/cache", c.dir);
	ck_assert_int_eq(setenv("WIRECUT_CACHE", cache, 1), 0);
	struct cli_result r = RUN("a.yaml");
	expect_code(&r, 0);
	contains(r.out, "killed: detects failed");
	_cleanup_json_ json_t *run = cli_json(&c, "results/latest/run.json");
	const char *determinism = text_of(result_of(run, "a"), "determinism");
	if (getenv("CI") == NULL) /* a runner may give its user RLIMIT_RTPRIO */
		ck_assert_str_eq(determinism, "best-effort");
}
END_TEST

int main(void)
{
	TCase *tests = tcase_create("virtual");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_set_timeout(tests, TEST_TIMEOUT_S);
	tcase_add_test(tests, test_a_scenario_and_its_control);
	tcase_add_test(tests, test_exact_where_it_is_allowed);
	tcase_add_test(tests, test_a_replay_gives_the_same_bytes);
	tcase_add_test(tests, test_seeds);
	tcase_add_test(tests, test_a_seed_that_fails);
	tcase_add_test(tests, test_two_kernels);
	tcase_add_test(tests, test_a_need_of_netem_is_the_guests);
	tcase_add_test(tests, test_a_scenario_of_the_other_clock_is_skipped);
	tcase_add_test(tests, test_orphans_are_reaped);
	tcase_add_test(tests, test_a_zombie_is_noticed);
	tcase_add_test(tests, test_an_ordinary_user);
	return run_tests("virtual", tests);
}
