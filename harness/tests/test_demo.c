/* SPDX-License-Identifier: MIT */
/*
 * `wirecut demo herd` as a person sees it: in a real terminal emulation, tmux, of two sizes; and without
 * a terminal. What the drawing means is test_herdview.c's.
 */
#include <check.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/base/cleanup.h"
#include "harness/base/nsec.h"
#include "harness/tests/cli.h"
#include "harness/tests/netns.h"
#include "harness/tests/suite.h"
#include "harness/virtual/program.h"

#define SCENARIO     "scenarios/backoff/herd-killed-10s.yaml"
#define TEST_TIMEOUT 180
/* A run of 13 s of its own, on a machine that does other things too. */
#define DEADLINE (120 * NSEC_PER_SEC)
#define POLL_MS  200

static struct cli c;
static char *socket_name; /* of a tmux server of the test's own */
static char scenario[PATH_MAX];

static void setup(void)
{
	cli_start(&c);
	socket_name = arena_printf(&c.arena, "wirecut-test-%d", getpid());
	ck_assert_ptr_nonnull(realpath(SCENARIO, scenario));
}

static void teardown(void)
{
	cli_finish(&c);
}

static bool has_tmux(void)
{
	const char *path = getenv("PATH");
	const char *ci = getenv("CI");

	if (program_find("tmux", "/", path ? path : "", &c.arena))
		return true;
	ck_assert_msg(!ci || strcmp(ci, "true") != 0, "there is no tmux here");
	skip("there is no tmux here");
	return false;
}

static char *tmux(const char *command, const char *a, const char *b)
{
	const char *argv[] = {"tmux", "-L", socket_name, command, a, b, NULL};

	return output_of(&c.arena, argv);
}

static char *screen(void)
{
	return tmux("capture-pane", "-p", NULL);
}

/* The screen once the demonstration has ended. */
static char *last_screen(void)
{
	nsec_t deadline = nsec_monotonic() + DEADLINE;

	for (;;) {
		char *text = screen();

		if (strstr(text, "results: results/demo/"))
			return text;
		ck_assert_msg(nsec_monotonic() < deadline, "it does not end:\n%s", text);
		poll(NULL, 0, POLL_MS);
	}
}

static const struct {
	int columns, rows;
} sizes[] = {{80, 24}, {200, 50}};

/* What stands in one side of the screen, its lines joined by blanks. */
static char *side_of(const char *text, int side, int columns)
{
	size_t width = (size_t)(columns - (int)strlen(" | ")) / 2;
	char *joined = arena_strdup(&c.arena, "");

	while (*text) {
		size_t len = strcspn(text, "\n");
		size_t from = side ? width + strlen(" | ") : 0;
		size_t end = side || len < width ? len : width;

		while (end > from && text[end - 1] == ' ')
			end--;
		if (end > from)
			joined = arena_printf(&c.arena, "%s %.*s", joined, (int)(end - from),
					      text + from);
		text += len + (text[len] == '\n');
	}
	return joined;
}

/* Lines are broken at blanks, and behind hyphens. */
static char *without_blanks(const char *text)
{
	char *copy = arena_strdup(&c.arena, text), *to = copy;

	for (; *text; text++)
		if (*text != ' ')
			*to++ = *text;
	*to = '\0';
	return copy;
}

/* Under each side stands, whole, what run.json has of it. */
static void has_verdicts(const char *text, int columns)
{
	_cleanup_json_ json_t *run = cli_json(&c, "results/demo/latest/run.json");
	size_t i;
	json_t *s;

	json_array_foreach(json_object_get(run, "scenarios"), i, s)
	{
		bool control = json_is_string(json_object_get(s, "control"));
		const char *verdict = json_string_value(json_object_get(s, "verdict"));
		const char *reason = json_string_value(json_object_get(s, "reason"));
		json_t *herd = json_array_get(json_object_get(s, "expectations"), 0);
		const char *observed = json_string_value(json_object_get(herd, "observed"));
		const char *says =
			strcmp(verdict, "pass") != 0
				? arena_printf(&c.arena, "%s: %s", verdict, reason)
				: arena_printf(&c.arena, "%s: %s",
					       control ? "as it should, it fails" : "pass",
					       observed);

		contains(without_blanks(side_of(text, control, columns)), without_blanks(says));
	}
}

START_TEST(it_fills_a_terminal_of_this_size)
{
	const char *build = getenv("BUILD");
	char program[PATH_MAX];

	if (!has_tmux())
		return;
	ck_assert_ptr_nonnull(realpath(
		arena_printf(&c.arena, "%s/bin/wirecut", build ? build : "build"), program));
	const char *argv[] = {
		"tmux",
		"-L",
		socket_name,
		"-f",
		"/dev/null",
		"new-session",
		"-d",
		"-x",
		arena_printf(&c.arena, "%d", sizes[_i].columns),
		"-y",
		arena_printf(&c.arena, "%d", sizes[_i].rows),
		arena_printf(
			&c.arena,
			"cd %s && LC_ALL=C %s demo herd --clients 20 --outage 1s %s; sleep 600",
			c.dir, program, scenario),
		NULL};
	output_of(&c.arena, argv);
	char *text = last_screen();
	int rows = 0;

	tmux("kill-server", NULL, NULL);
	for (char *line = text; *line; rows++) {
		size_t len = strcspn(line, "\n");

		ck_assert_uint_le(len, (size_t)sizes[_i].columns);
		line += len + (line[len] == '\n');
	}
	ck_assert_int_le(rows, sizes[_i].rows);
	contains(text, "20 clients, and their server is gone for 1.0 s");
	contains(text, "| without jitter");
	contains(text, "connected: 20 of 20");
	contains(text, "accept queue: ");
	ck_assert_ptr_nonnull(strchr(text, '#'));
	ck_assert_msg(!strstr(text, "at the end"), "no verdict:\n%s", text);
	contains(text, "full height: ");
	contains(text, "| attempts in each 100 ms");
	has_verdicts(text, sizes[_i].columns);
}
END_TEST

START_TEST(without_a_terminal_there_are_lines)
{
	struct cli_result r =
		CLI(&c, "demo", "herd", "--clients", "20", "--outage", "1s", scenario);

	/* Where the machine is busy the herd is spread by that: the verdicts are no matter here. */
	ck_assert_msg(r.code == 0 || r.code == 1 || r.code == 3, "exit code %d: %s", r.code, r.err);
	contains(r.out, "    1.0 s  with jitter: at most ");
	contains(r.out, "20 connected;  without jitter: ");
	contains(r.out, "results: results/demo/");
	ck_assert_ptr_null(strchr(r.out, '\033'));
	_cleanup_json_ json_t *run = cli_json(&c, "results/demo/latest/run.json");
	ck_assert_uint_eq(json_array_size(json_object_get(run, "scenarios")), 2);
}
END_TEST

/* The command that replays the scenario, not its control. */
static char *replay_of(const char *run_json)
{
	_cleanup_json_ json_t *run = cli_json(&c, run_json);
	size_t i;
	json_t *s;

	json_array_foreach(json_object_get(run, "scenarios"), i, s) if (
		!json_is_string(json_object_get(
			s, "control"))) return arena_strdup(&c.arena,
							    json_string_value(
								    json_object_get(s, "replay")));
	ck_abort_msg("no scenario in %s", run_json);
}

/* Others with another number of clients, another outage, another scenario come between. */
START_TEST(an_earlier_one_can_be_replayed)
{
	static const char *const others[][3] = {
		{"30", "1s", NULL},
		{"20", "2s", NULL},
		{"20", "1s", "other.yaml"},
	};

	cli_write_pair(&c, "other.yaml", "  []", "  - {reconnects: {app: client}}");
	CLI(&c, "demo", "herd", "--clients", "20", "--outage", "1s", scenario);
	char *replay = replay_of("results/demo/latest/run.json");
	/* Each is written; without a kernel, or as it has no herd, none is run. */
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		struct cli_result other =
			CLI(&c, "demo", "herd", "--clients", others[i][0], "--outage", others[i][1],
			    "--clock", "virtual", "--kernel", "no-kernel",
			    others[i][2] ? others[i][2] : scenario);

		ck_assert_msg(other.code != 0, "%s", other.out);
	}
	char *list = arena_strdup(&c.arena, replay);
	const char *argv[16] = {NULL};
	size_t n = 0;

	for (char *word = strtok(list, " '"); word && n < 15; word = strtok(NULL, " '"))
		argv[n++] = word;
	ck_assert_str_eq(argv[0], "wirecut");
	struct cli_result r = cli_run(&c, argv + 1);
	ck_assert_msg(r.code == 0 || r.code == 1 || r.code == 3, "%s: exit code %d: %s", replay,
		      r.code, r.err);
	contains(r.out, "20 clients come back to a server that was killed for 1000 ms");
}
END_TEST

static const struct {
	const char *argv[6];
	const char *says;
} refused[] = {
	{{"demo"}, "takes the word herd"},
	{{"demo", "flock"}, "takes the word herd"},
	{{"demo", "herd"}, "name the file"},
	{{"demo", "herd", "--clients", "0"}, "whole number from 1 to 10000"},
	{{"demo", "herd", "--outage", "1h"}, "from 100ms to 30m"},
};

START_TEST(what_it_cannot_do_is_said)
{
	struct cli_result r = cli_run(&c, refused[_i].argv);

	ck_assert_int_eq(r.code, 2);
	contains(r.err, refused[_i].says);
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("demo");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, TEST_TIMEOUT);
	tcase_add_loop_test(t, it_fills_a_terminal_of_this_size, 0, ARRAY_SIZE(sizes));
	tcase_add_test(t, without_a_terminal_there_are_lines);
	tcase_add_test(t, an_earlier_one_can_be_replayed);
	tcase_add_loop_test(t, what_it_cannot_do_is_said, 0, ARRAY_SIZE(refused));
	return run_tests("demo", t);
}
