/* SPDX-License-Identifier: MIT */
/*
 * What wirecut writes for its users: the skeleton, completions, manual pages, the schema; each read
 * by who it is meant for, where that program is there (a skip is printed, and an error under CI).
 * And which files it takes of a folder, and which cells of a matrix.
 */
#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/base/cleanup.h"
#include "harness/base/io.h"
#include "harness/cli/commands.h"
#include "harness/tests/cli.h"
#include "harness/tests/suite.h"

#define NOT_THERE 127

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

/* Writes what the program prints into a file of the folder; returns the text. */
static const char *print_to(const char *name, const char *command, const char *argument)
{
	struct cli_result r = CLI(&c, command, argument);

	ck_assert_msg(r.code == 0, "%d: %s", r.code, r.err);
	cli_write(&c, name, r.out);
	return r.out;
}

/* Runs any program in the folder; what it printed goes to *ret_said. Returns its status. */
static int run_program(const char *const argv[], char **ret_said)
{
	struct err err = {0};
	char *said = arena_printf(&c.arena, "%s/said", c.dir);
	int status;
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		int fd = open(said, O_WRONLY | O_CREAT | O_TRUNC, 0644);

		if (chdir(c.dir) < 0 || dup2(fd, STDOUT_FILENO) < 0 || dup2(fd, STDERR_FILENO) < 0)
			_exit(126);
		execvp(argv[0], (char *const *)argv);
		_exit(NOT_THERE);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	*ret_said = io_read_file(said, NULL, &c.arena, &err);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

#define PROGRAM(said, ...) run_program((const char *const[]){__VA_ARGS__, NULL}, said)

/* True, and says so, if the program is not there; `always`: every CI machine has it. */
static bool skip_without(const char *program, int status, bool always)
{
	if (status != NOT_THERE)
		return false;
	ck_assert_msg(!always || !getenv("CI"), "%s is not installed", program);
	printf("skipped: no %s\n", program);
	return true;
}

/* --- init --- */

START_TEST(test_skeleton_passes_as_it_is)
{
	ck_assert_int_eq(CLI(&c, "init").code, 0);
	struct cli_result r = CLI(&c, "check", "scenario.yaml");
	ck_assert_msg(r.code == 0, "%s", r.err);
	contains(r.out, "1 scenario and 3 controls");

	char *said;
	if (skip_without("python3", PROGRAM(&said, "python3", "-c", ""), true))
		return;
	r = CLI(&c, "run", "scenario.yaml");
	ck_assert_msg(r.code == 0, "%d: %s%s", r.code, r.out, r.err);
	contains(r.out, "3 of 3 controls killed");
	r = CLI(&c, "matrix");
	ck_assert_msg(r.code == 0, "%s", r.out);
}
END_TEST

/* Python takes two seconds on a busy machine: no control may pass or die of that. */
START_TEST(test_skeleton_holds_where_python_starts_slowly)
{
	static const char import[] = "import urllib";
	char *said, *slow = arena_strdup(&c.arena, "");
	const char *rest = init_skeleton;

	if (skip_without("python3", PROGRAM(&said, "python3", "-c", ""), true))
		return;
	for (const char *at; (at = strstr(rest, import)); rest = at + strlen(import))
		slow = arena_printf(&c.arena, "%s%.*simport time; time.sleep(2); %s", slow,
				    (int)(at - rest), rest, import);
	cli_write(&c, "slow.yaml", arena_printf(&c.arena, "%s%s", slow, rest));
	struct cli_result r = CLI(&c, "run", "slow.yaml");
	ck_assert_msg(r.code == 0, "%d: %s%s", r.code, r.out, r.err);
	contains(r.out, "3 of 3 controls killed");
	r = CLI(&c, "matrix");
	contains(r.out, "2 of 2 expectations are killed");
}
END_TEST

START_TEST(test_init_overwrites_nothing)
{
	cli_write(&c, "mine.yaml", "mine\n");
	struct cli_result r = CLI(&c, "init", "mine.yaml");
	ck_assert_int_eq(r.code, 2);
	contains(r.err, "mine.yaml is there already");
	char *said;
	ck_assert_int_eq(PROGRAM(&said, "cat", "mine.yaml"), 0);
	ck_assert_str_eq(said, "mine\n");
	/* Nor does it follow a link that leads nowhere yet. */
	ck_assert_int_eq(symlink("elsewhere", arena_printf(&c.arena, "%s/link.yaml", c.dir)), 0);
	ck_assert_int_eq(CLI(&c, "init", "link.yaml").code, 2);
	r = CLI(&c, "init", "no/such/folder.yaml");
	ck_assert_int_eq(r.code, 3);
	contains(r.err, "No such file or directory");
	ck_assert_int_eq(CLI(&c, "init", "a.yaml", "b.yaml").code, 2);
}
END_TEST

/* --- help --- */

/* A flag that means another thing to each command is told by each in its own words. */
START_TEST(test_a_seed_is_told_by_each)
{
	static const struct {
		const char *command, *says;
	} seeds[] = {
		{"run", "seed of every random stream"},
		{"plan", "the seed that the plan names"},
		{"demo", "the same seed, the same herd"},
	};
	const char *page = print_to("page", "man", "wirecut.1");
	const char *bash = print_to("bash", "completion", "bash");

	for (size_t i = 0; i < ARRAY_SIZE(seeds); i++) {
		struct cli_result r = CLI(&c, seeds[i].command, "--help");

		contains(r.out, seeds[i].says);
		for (size_t k = 0; k < ARRAY_SIZE(seeds); k++)
			ck_assert(k == i || !strstr(r.out, seeds[k].says));
		const char *at = strstr(page, seeds[i].says);
		ck_assert_ptr_nonnull(at);
		ck_assert_ptr_nonnull(at = strchr(at, '['));
		ck_assert_int_eq(strncmp(at + 1, seeds[i].command, strcspn(at + 1, "]")), 0);
	}
	const char *values = strstr(bash, "\t--seed) ");
	ck_assert_ptr_nonnull(values);
	ck_assert_ptr_null(strstr(values + 1, "\t--seed) "));
}
END_TEST

/* --- completion --- */

START_TEST(test_completion_knows_every_command_and_flag)
{
	static const char *const shells[] = {"bash", "zsh", "fish"};

	for (size_t i = 0; i < ARRAY_SIZE(shells); i++) {
		const char *text = print_to(shells[i], "completion", shells[i]);

		contains(text, "completion");
		contains(text, i == 2 ? "-l results" : "--results");
		contains(text, i == 2 ? "from inject' -l dry-run" : "--dry-run");
		contains(text, "also none only");
	}
	struct cli_result r = CLI(&c, "completion", "csh");
	ck_assert_int_eq(r.code, 2);
	contains(r.err, "bash, zsh or fish");
	ck_assert_int_eq(CLI(&c, "completion").code, 2);
}
END_TEST

START_TEST(test_shells_read_their_completion)
{
	static const char *const shells[] = {"bash", "zsh", "fish"};

	for (size_t i = 0; i < ARRAY_SIZE(shells); i++) {
		char *said;

		print_to(shells[i], "completion", shells[i]);
		int status = PROGRAM(&said, shells[i], "-n", shells[i]);
		if (!skip_without(shells[i], status, i == 0))
			ck_assert_msg(status == 0 && !*said, "%s: %s", shells[i], said);
	}
}
END_TEST

/* What bash offers behind these words. */
static const char *offered(const char *words)
{
	char *said;

	cli_write(&c, "try",
		  arena_printf(&c.arena,
			       "source ./bash\nCOMP_WORDS=(%s)\nCOMP_CWORD=$((${#COMP_WORDS[@]} - "
			       "1))\n_wirecut 2>/dev/null\nprintf '%%s\\n' \"${COMPREPLY[@]}\"\n",
			       words));
	ck_assert_msg(PROGRAM(&said, "bash", "try") == 0, "%s", said);
	return said;
}

START_TEST(test_bash_completes)
{
	print_to("bash", "completion", "bash");
	cli_write(&c, "a file.yaml", "");
	contains(offered("wirecut ''"), "judge\n");
	ck_assert_str_eq(offered("wirecut ru"), "run\n");
	ck_assert_str_eq(offered("wirecut run --con"), "--controls\n");
	ck_assert_str_eq(offered("wirecut list --res"), "\n"); /* no flag of list */
	ck_assert_str_eq(offered("wirecut run --controls ''"), "also\nnone\nonly\n");
	ck_assert_str_eq(offered("wirecut run a"), "a file.yaml\n");
	ck_assert_str_eq(offered("wirecut completion f"), "fish\n");
}
END_TEST

/* --- manual pages --- */

static void check_page(const char *page)
{
	const char *text = print_to(page, "man", page);
	char *said;

	contains(text, ".TH \"WIRECUT");
	int status = PROGRAM(&said, "groff", "-man", "-Tutf8", "-ww", "-z", page);
	if (!skip_without("groff", status, true))
		ck_assert_msg(status == 0 && !*said, "%s: %s", page, said);
	status = PROGRAM(&said, "mandoc", "-T", "lint", "-W", "error", page);
	if (!skip_without("mandoc", status, false))
		ck_assert_msg(status == 0, "%s: %s", page, said);
}

START_TEST(test_pages_are_good_roff)
{
	check_page("wirecut.1");
	check_page("wirecut-scenario.5");
	ck_assert_int_eq(CLI(&c, "man", "wirecut.2").code, 2);
}
END_TEST

START_TEST(test_pages_have_every_command_and_key)
{
	static const char *const variables[] = {
		"NO_COLOR",     "WIRECUT_CACHE",  "WIRECUT_KERNEL",      "WIRECUT_MODULES",
		"WIRECUT_QEMU", "GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "GITHUB_WORKSPACE"};
	const char *text = print_to("1", "man", "wirecut.1");

	contains(text, "\\fBcompletion\\fR");
	contains(text, "\\fB\\-E\\fR, \\fB\\-\\-filter\\fR \\fIREGEX\\fR\n");
	contains(text, "\n.SH \"EXIT STATUS\"\n");
	contains(text, "of \\fBmatrix\\fR: no control kills an expectation");
	contains(text, "\n.SH \"INJECT\"\n");
	contains(text, "\n.SH \"ENVIRONMENT\"\n");
	for (size_t i = 0; i < ARRAY_SIZE(variables); i++)
		contains(text, arena_printf(&c.arena, "\n\\fB%s\\fR\n", variables[i]));
	contains(text, "512 MiB");
	contains(text, "\\fBloss gemodel P [R [1\\-H [1\\-K]]]\\fR\n");
	text = print_to("5", "man", "wirecut-scenario.5");
	contains(text, "\\fBready\\-within\\fR");
	contains(text, ".SS \"timeline[].blackhole\"");
	contains(text, ".SS \"matrix\"");
	lacks(text, "(null)");
}
END_TEST

/* --- schema --- */

START_TEST(test_schema_is_printed)
{
	json_error_t where;
	struct cli_result r = CLI(&c, "schema");
	_cleanup_json_ json_t *schema = json_loads(r.out, JSON_REJECT_DUPLICATES, &where);

	ck_assert_int_eq(r.code, 0);
	ck_assert_msg(schema != NULL, "%d: %s", where.line, where.text);
	ck_assert_int_eq(CLI(&c, "schema", "x").code, 2);
}
END_TEST

/* --- folders and cells --- */

static void make_folder(const char *name)
{
	ck_assert_int_eq(mkdir(arena_printf(&c.arena, "%s/%s", c.dir, name), 0755), 0);
}

#define EXPECT "  - sockets: {host: server, state: CLOSE_WAIT, at-most: 0, by: 1s}"

START_TEST(test_parts_are_no_scenarios)
{
	make_folder("suite");
	make_folder("suite/_parts");
	cli_write(&c, "suite/_part.yaml", "tags: [${}\n");
	cli_write(&c, "suite/_parts/hosts.yaml", "tags: [shared]\n");
	cli_write_pair(&c, "suite/a.yaml", "include: _parts/hosts.yaml\ntimeline:", EXPECT);
	struct cli_result r = CLI(&c, "list", "suite");
	ck_assert_msg(r.code == 2, "%s", r.err); /* `timeline:` with nothing in it */
	cli_write_pair(&c, "suite/a.yaml",
		       "  - {at: 1s, start: client}\ninclude: _parts/hosts.yaml", EXPECT);
	r = CLI(&c, "list", "--tag", "shared", "suite");
	ck_assert_msg(r.code == 0, "%s", r.err);
	contains(r.out, "suite-a ");
	/* Asked for by its name it is taken for what it is not. */
	r = CLI(&c, "check", "suite/_parts/hosts.yaml");
	ck_assert_int_eq(r.code, 2);
	contains(r.err, "missing key 'hosts'");
}
END_TEST

/* The slug names folders of results and is what -E selects by: it must not hang on the spelling. */
START_TEST(test_a_scenario_has_one_slug_by_any_path)
{
	static const char *const folders[] = {"", "./", ".//suite/../", "link/", NULL};

	make_folder("suite");
	ck_assert_int_eq(symlink(".", arena_printf(&c.arena, "%s/link", c.dir)), 0);
	cli_write_pair(&c, "a.yaml", "  - {at: 1s, start: client}", EXPECT);
	cli_write_pair(&c, "suite/a.yaml", "  - {at: 1s, start: client}", EXPECT);
	for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
		const char *folder = folders[i] ? folders[i] : arena_printf(&c.arena, "%s/", c.dir);
		struct cli_result r = CLI(&c, "list", arena_printf(&c.arena, "%sa.yaml", folder));

		ck_assert_msg(!strncmp(r.out, "a ", 2), "%s: %s%s", folder, r.out, r.err);
		r = CLI(&c, "list", arena_printf(&c.arena, "%ssuite/a.yaml", folder));
		ck_assert_msg(!strncmp(r.out, "suite-a ", 8), "%s: %s%s", folder, r.out, r.err);
	}
}
END_TEST

START_TEST(test_errors_show_the_line_of_the_part)
{
	cli_write(&c, "_part.yaml", "# a part\ntagz: [x]\n");
	cli_write_pair(&c, "a.yaml", "  - {at: 1s, start: client}\ninclude: _part.yaml", EXPECT);
	struct cli_result r = CLI(&c, "check", "a.yaml");
	ck_assert_int_eq(r.code, 2);
	contains(r.err, "_part.yaml:2:1: error: unknown key 'tagz'\n    2 | tagz: [x]\n");
}
END_TEST

START_TEST(test_cells_are_run_and_selected)
{
	cli_write_pair(&c, "a.yaml",
		       "  - {at: 100ms, id: slow, delay: {cable: server, mean: \"${rtt}\"}, for: "
		       "500ms}\nmatrix: {rtt: [1ms, 2.5ms]}",
		       EXPECT);
	struct cli_result r = CLI(&c, "run", "-E", "@rtt=2[.]5ms$", "a.yaml");
	ck_assert_msg(r.code == 0, "%d: %s%s", r.code, r.out, r.err);
	contains(r.out, "a pair [rtt=2.5ms]");
	lacks(r.out, "rtt=1ms");
	_cleanup_json_ json_t *run = cli_json(&c, "results/latest/run.json");
	json_t *scenario = json_array_get(json_object_get(run, "scenarios"), 0);
	const char *slug = json_string_value(json_object_get(scenario, "slug"));
	const char *replay = json_string_value(json_object_get(scenario, "replay"));
	ck_assert_msg(!strcmp(slug + strlen(slug) - strlen("@rtt=2.5ms"), "@rtt=2.5ms"), "%s",
		      slug);
	contains(replay, "@rtt=2[.]5ms$'");
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("documents");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 120); /* a guard: a run takes ten seconds */
	tcase_add_test(t, test_skeleton_passes_as_it_is);
	tcase_add_test(t, test_skeleton_holds_where_python_starts_slowly);
	tcase_add_test(t, test_init_overwrites_nothing);
	tcase_add_test(t, test_a_seed_is_told_by_each);
	tcase_add_test(t, test_completion_knows_every_command_and_flag);
	tcase_add_test(t, test_shells_read_their_completion);
	tcase_add_test(t, test_bash_completes);
	tcase_add_test(t, test_pages_are_good_roff);
	tcase_add_test(t, test_pages_have_every_command_and_key);
	tcase_add_test(t, test_schema_is_printed);
	tcase_add_test(t, test_parts_are_no_scenarios);
	tcase_add_test(t, test_a_scenario_has_one_slug_by_any_path);
	tcase_add_test(t, test_errors_show_the_line_of_the_part);
	tcase_add_test(t, test_cells_are_run_and_selected);
	return run_tests("documents", t);
}
