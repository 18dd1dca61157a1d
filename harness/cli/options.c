/* SPDX-License-Identifier: MIT */
#include "harness/cli/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#include "harness/base/cleanup.h"
#include "harness/cli/inject.h"
#include "harness/cli/reports.h"
#include "harness/parse/parse.h"

#define JOBS_MAX       256
#define SHARDS_MAX     10000
#define REPEAT_MAX     1000000
#define RETRIES_MAX    100
#define RETRIES_NORMAL 2
/* So many a server takes without further ado. */
#define CLIENTS_MAX 10000
#define OUTAGE_MIN  (100 * NSEC_PER_MSEC)
#define OUTAGE_MAX  (1800 * NSEC_PER_SEC)

/* One row a flag: what it takes, which commands know it, and what reads it. */
struct option_row {
	const char *name;
	const char *argument; /* NULL: takes none */
	char letter;          /* 0: none */
	unsigned commands;
	int (*take)(struct options *opt, const char *value, struct err *err);
	const char *doc;
};

#define CMD_SELECTS (CMD_RUN | CMD_LIST | CMD_PLAN)
#define CMD_COLORS  (CMD_RUN | CMD_CHECK | CMD_JUDGE | CMD_DOCTOR | CMD_INJECT)
#define CMD_ALL     (~0U)

int take_whole(const char *name, const char *value, uint64_t min, uint64_t max, uint64_t *ret,
	       struct err *err)
{
	char *end;

	errno = 0;
	unsigned long long n = strtoull(value, &end, 10);
	if (errno || end == value || *end || strchr(value, '-') || n < min || n > max)
		return err_set(err, "--%s: '%s' is not a whole number from %llu to %llu", name,
			       value, (unsigned long long)min, (unsigned long long)max);
	*ret = n;
	return 0;
}

static int take_choice(const char *name, const char *value, const char *const *choices, int *ret,
		       struct err *err)
{
	for (int i = 0; choices[i]; i++)
		if (!strcmp(choices[i], value)) {
			*ret = i;
			return 0;
		}
	err_set(err, "--%s: '%s' is none of:", name, value);
	for (int i = 0; choices[i]; i++) {
		size_t used = strlen(err->msg);

		snprintf(err->msg + used, sizeof(err->msg) - used, " %s", choices[i]);
	}
	return -1;
}

static int take_seed(struct options *opt, const char *value, struct err *err)
{
	opt->seed_given = true;
	return take_whole("seed", value, 0, INT64_MAX, &opt->seed, err);
}

static int take_clock(struct options *opt, const char *value, struct err *err)
{
	static const char *const names[] = {"real", "virtual", NULL};
	int i;

	if (take_choice("clock", value, names, &i, err) < 0)
		return -1;
	opt->clock = i == 0 ? CLOCK_REAL : CLOCK_VIRTUAL;
	return 0;
}

static int take_link(struct options *opt, const char *value, struct err *err)
{
	static const char *const names[] = {"auto", "wire", "netem", NULL};
	static const enum link_choice choices[] = {LINK_CHOICE_AUTO, LINK_CHOICE_WIRE,
						   LINK_CHOICE_NETEM};
	int i;

	if (take_choice("link", value, names, &i, err) < 0)
		return -1;
	opt->link = choices[i];
	return 0;
}

static int take_kernel(struct options *opt, const char *value, struct err *err)
{
	if (!*value)
		return err_set(err, "--kernel: the name of a kernel image is needed");
	*vec_push(opt->arena, &opt->kernels) = arena_strdup(opt->arena, value);
	return 0;
}

static int take_modules(struct options *opt, const char *value, struct err *err)
{
	if (!*value)
		return err_set(err, "--modules: the name of a folder is needed");
	opt->modules = arena_strdup(opt->arena, value);
	return 0;
}

static int take_seeds(struct options *opt, const char *value, struct err *err)
{
	uint64_t n = 0;

	if (take_whole("seeds", value, 1, REPEAT_MAX, &n, err) < 0)
		return -1;
	opt->seeds = (int64_t)n;
	return 0;
}

static int take_jobs(struct options *opt, const char *value, struct err *err)
{
	uint64_t n = 0;

	if (take_whole("jobs", value, 1, JOBS_MAX, &n, err) < 0)
		return -1;
	opt->jobs = (int64_t)n;
	return 0;
}

static int take_shard(struct options *opt, const char *value, struct err *err)
{
	const char *slash = strchr(value, '/');
	uint64_t shard = 0, shards = 0;

	if (!slash)
		return err_set(err, "--shard: '%s' is not I/N, such as 1/4", value);
	if (take_whole("shard", slash + 1, 1, SHARDS_MAX, &shards, err) < 0 ||
	    take_whole("shard", arena_strndup(opt->arena, value, (size_t)(slash - value)), 1,
		       shards, &shard, err) < 0)
		return -1;
	opt->shard = (int64_t)shard;
	opt->shards = (int64_t)shards;
	return 0;
}

static int take_repeat(struct options *opt, const char *value, struct err *err)
{
	uint64_t n = 0;

	if (take_whole("repeat", value, 1, REPEAT_MAX, &n, err) < 0)
		return -1;
	opt->repeat = (int64_t)n;
	return 0;
}

static int take_retries(struct options *opt, const char *value, struct err *err)
{
	uint64_t n = 0;

	if (take_whole("retries", value, 0, RETRIES_MAX, &n, err) < 0)
		return -1;
	opt->retries = (int64_t)n;
	return 0;
}

static int take_timeout(struct options *opt, const char *value, struct err *err)
{
	if (!parse_duration(value, &opt->timeout) || opt->timeout <= 0)
		return err_set(err, "--timeout: '%s' is not a duration with a unit, such as 90s",
			       value);
	return 0;
}

static int take_until_fail(struct options *opt, const char *value, struct err *err)
{
	(void)value;
	(void)err;
	opt->until_fail = true;
	return 0;
}

static int take_shuffle(struct options *opt, const char *value, struct err *err)
{
	(void)value;
	(void)err;
	opt->shuffle = true;
	return 0;
}

static int take_fail_fast(struct options *opt, const char *value, struct err *err)
{
	(void)value;
	(void)err;
	opt->fail_fast = true;
	return 0;
}

static int take_strict(struct options *opt, const char *value, struct err *err)
{
	(void)value;
	(void)err;
	opt->strict = true;
	return 0;
}

static int take_filter(struct options *opt, const char *value, struct err *err)
{
	char why[128];

	if (opt->has_filter)
		return err_set(err, "--filter: give it once (a|b matches either)");
	int rc = regcomp(&opt->filter, value, REG_EXTENDED | REG_NOSUB);
	if (rc) {
		regerror(rc, &opt->filter, why, sizeof(why));
		return err_set(err, "--filter: '%s' is not a regular expression: %s", value, why);
	}
	opt->has_filter = true;
	return 0;
}

static int take_tag(struct options *opt, const char *value, struct err *err)
{
	(void)err;
	*vec_push(opt->arena, &opt->tags) = arena_strdup(opt->arena, value);
	return 0;
}

static int take_controls(struct options *opt, const char *value, struct err *err)
{
	static const char *const names[] = {"also", "none", "only", NULL};
	int i;

	if (take_choice("controls", value, names, &i, err) < 0)
		return -1;
	opt->controls = (enum controls)i;
	return 0;
}

static int take_results(struct options *opt, const char *value, struct err *err)
{
	if (!*value)
		return err_set(err, "--results: the name of a folder is needed");
	opt->results = arena_strdup(opt->arena, value);
	return 0;
}

static int take_color(struct options *opt, const char *value, struct err *err)
{
	static const char *const names[] = {"auto", "always", "never", NULL};
	int i;

	if (take_choice("color", value, names, &i, err) < 0)
		return -1;
	opt->color_given = i > 0;
	opt->color = i == 1;
	return 0;
}

static int take_format(struct options *opt, const char *value, struct err *err)
{
	static const char *const names[] = {"auto", "text", "markdown", NULL};
	int i;

	if (take_choice("format", value, names, &i, err) < 0)
		return -1;
	opt->format_given = i > 0;
	opt->format = i == 1 ? TABLE_TEXT : TABLE_MARKDOWN;
	return 0;
}

static int take_path(const char *name, const char *value, struct arena *a, const char **ret,
		     struct err *err)
{
	if (!*value)
		return err_set(err, "--%s: the name of a file is needed (-: standard output)",
			       name);
	*ret = arena_strdup(a, value);
	return 0;
}

static int take_junit(struct options *opt, const char *value, struct err *err)
{
	return take_path("junit", value, opt->arena, &opt->reports.junit, err);
}

static int take_tap(struct options *opt, const char *value, struct err *err)
{
	return take_path("tap", value, opt->arena, &opt->reports.tap, err);
}

static int take_json(struct options *opt, const char *value, struct err *err)
{
	return take_path("json", value, opt->arena, &opt->reports.json, err);
}

static int take_github(struct options *opt, const char *value, struct err *err)
{
	static const char *const names[] = {"auto", "on", "off", NULL};
	int i;

	if (take_choice("github", value, names, &i, err) < 0)
		return -1;
	opt->reports.github = i == 0 ? reports_on_github() : i == 1;
	return 0;
}

static int take_clients(struct options *opt, const char *value, struct err *err)
{
	uint64_t n = 0;

	if (take_whole("clients", value, 1, CLIENTS_MAX, &n, err) < 0)
		return -1;
	opt->clients = (int64_t)n;
	return 0;
}

static int take_outage(struct options *opt, const char *value, struct err *err)
{
	if (!parse_duration(value, &opt->outage) || opt->outage < OUTAGE_MIN ||
	    opt->outage > OUTAGE_MAX)
		return err_set(err,
			       "--outage: '%s' is not a duration from 100ms to 30m, such as 10s",
			       value);
	return 0;
}

static int take_quiet(struct options *opt, const char *value, struct err *err)
{
	(void)value;
	(void)err;
	opt->verbosity = REPORT_QUIET;
	return 0;
}

static int take_verbose(struct options *opt, const char *value, struct err *err)
{
	(void)value;
	(void)err;
	opt->verbosity = REPORT_VERBOSE;
	return 0;
}

static int take_help(struct options *opt, const char *value, struct err *err)
{
	(void)value;
	(void)err;
	opt->help = true;
	return 0;
}

static const struct option_row rows[] = {
	{"jobs", "N", 'j', CMD_RUN, take_jobs,
	 "run N scenarios at once (they mostly sleep; default: 8 a core)"},
	{"seed", "N", 0, CMD_RUN, take_seed,
	 "seed of every random stream (default: a new one, printed at the end)"},
	{"seed", "N", 0, CMD_PLAN, take_seed,
	 "the seed that the plan names, for a run with the same --seed (default: a new one); "
	 "nothing else in the plan depends on it"},
	{"seed", "N", 0, CMD_DEMO, take_seed,
	 "on the virtual clock: the same seed, the same herd (default: a new one, to be found in "
	 "run.json of the results); on the real one clients draw their waits themselves"},
	{"seeds", "N", 0, CMD_RUN, take_seeds,
	 "run each scenario with N seeds, one after the other, and name those that fail; what "
	 "fails in the same way is shown in full once"},
	{"clock", "real|virtual", 0, CMD_SELECTS | CMD_DEMO, take_clock,
	 "virtual: in guests whose time jumps over idleness, the same every time (default: real, "
	 "and virtual where a scenario asks for it)"},
	{"link", "auto|wire|netem", 0, CMD_SELECTS | CMD_DEMO, take_link,
	 "what cables are made of: wire (default), a process of wirecut's; netem, the kernel's "
	 "own; "
	 "auto: netem for what it can do, where the kernel has it"},
	{"kernel", "IMAGE", 0, CMD_RUN | CMD_DEMO, take_kernel,
	 "the guests' kernel (default: $WIRECUT_KERNEL, or what `make guest-kernel` fetched); "
	 "given "
	 "again: run on each of them"},
	{"modules", "DIR", 0, CMD_RUN, take_modules,
	 "its modules (default: those that lie beside it)"},
	{"filter", "REGEX", 'E', CMD_SELECTS, take_filter,
	 "only scenarios and controls whose slug matches (as `wirecut list` shows it)"},
	{"tag", "TAG", 0, CMD_SELECTS, take_tag,
	 "only scenarios with this tag; given again: with any of them"},
	{"controls", "also|none|only", 0, CMD_SELECTS, take_controls,
	 "also (default): scenarios and controls; none: no controls; only: only controls"},
	{"shard", "I/N", 0, CMD_RUN, take_shard,
	 "only the I-th of N parts; a scenario stays with its controls, the same on every machine"},
	{"shuffle", NULL, 0, CMD_RUN, take_shuffle, "in an order drawn by the seed"},
	{"repeat", "N", 0, CMD_RUN, take_repeat, "run everything N times"},
	{"until-fail", NULL, 0, CMD_RUN, take_until_fail,
	 "again and again (with --repeat at most N times) until one does not pass"},
	{"fail-fast", NULL, 0, CMD_RUN, take_fail_fast, "end at the first that does not pass"},
	{"retries", "N", 0, CMD_RUN, take_retries,
	 "run an inconclusive scenario again, up to N times (default: 2)"},
	{"timeout", "TIME", 0, CMD_RUN, take_timeout,
	 "end a scenario that has not ended after TIME of wall time (never before its duration)"},
	{"strict", NULL, 0, CMD_RUN, take_strict, "exit 5 if anything was skipped"},
	{"results", "DIR", 0, CMD_RUN | CMD_DEMO, take_results,
	 "write the results under DIR (default: results)"},
	{"junit", "FILE", 0, CMD_RUN, take_junit,
	 "write JUnit XML there too (it is always in the results); -: standard output"},
	{"tap", "FILE", 0, CMD_RUN, take_tap, "write TAP 14 there; -: standard output"},
	{"json", "FILE", 0, CMD_RUN, take_json,
	 "write what run.json holds there too; -: standard output"},
	{"github", "auto|on|off", 0, CMD_RUN, take_github,
	 "annotations and a step summary: auto (default: in GitHub Actions), on, off"},
	{"color", "auto|always|never", 0, CMD_COLORS, take_color,
	 "auto (default: on a terminal, unless NO_COLOR is set), always, never"},
	{"format", "auto|text|markdown", 0, CMD_CLAIMS | CMD_MATRIX, take_format,
	 "auto (default: text on a terminal, else markdown), text, markdown"},
	{"clients", "N", 0, CMD_DEMO, take_clients, "how many clients (default: 1000)"},
	{"outage", "TIME", 0, CMD_DEMO, take_outage,
	 "how long their server is gone (default: 10s)"},
	{"netns", "NAME", 0, CMD_INJECT, inject_take_netns,
	 "the network namespace of that name (`ip netns list`)"},
	{"pid", "PID", 0, CMD_INJECT, inject_take_pid,
	 "or that of this process, such as a container's"},
	{"dev", "DEV", 0, CMD_INJECT, inject_take_dev,
	 "the interface there whose packets are bent"},
	{"egress", NULL, 0, CMD_INJECT, inject_take_egress,
	 "of the packets that leave DEV (always: netem has no other direction)"},
	{"for", "TIME", 0, CMD_INJECT, inject_take_for,
	 "how long, at most 24h; then it is taken away"},
	{"dry-run", NULL, 0, CMD_INJECT, inject_take_dry_run,
	 "say what would be done, and whether it would be refused; change nothing"},
	{"quiet", NULL, 'q', CMD_RUN | CMD_JUDGE, take_quiet, "only what did not pass"},
	{"verbose", NULL, 'v', CMD_RUN | CMD_JUDGE, take_verbose,
	 "every expectation, also those that passed"},
	{"help", NULL, 'h', CMD_ALL, take_help, "this help"},
};

#define N_ROWS ARRAY_SIZE(rows)
/* getopt_long's value for a row: above every letter. */
#define ROW_VALUE(i) (256 + (int)(i))

static bool color_by_default(FILE *out)
{
	const char *no_color = getenv("NO_COLOR");

	return isatty(fileno(out)) && !(no_color && *no_color);
}

/* The tables that getopt_long wants, made from the rows that this command takes. */
static void getopt_tables(const struct command *command, struct option *longs, char *shorts)
{
	size_t n = 0;

	*shorts++ = ':'; /* a missing value is told apart from an unknown option */
	for (size_t i = 0; i < N_ROWS; i++) {
		if (!(rows[i].commands & command->bit))
			continue;
		longs[n++] = (struct option){.name = rows[i].name,
					     .has_arg = rows[i].argument ? required_argument
									 : no_argument,
					     .val = ROW_VALUE(i)};
		if (!rows[i].letter)
			continue;
		*shorts++ = rows[i].letter;
		if (rows[i].argument)
			*shorts++ = ':';
	}
	longs[n] = (struct option){0};
	*shorts = '\0';
}

static const struct option_row *row_of(int value)
{
	if (value >= ROW_VALUE(0))
		return &rows[value - ROW_VALUE(0)];
	for (size_t i = 0; i < N_ROWS; i++)
		if (rows[i].letter == value)
			return &rows[i];
	return NULL;
}

/* Of the word's part before a '='; NULL: none is near. */
static const char *nearest_option(const struct command *command, const char *word)
{
	const char *names[N_ROWS + 1];
	char name[64];
	size_t n = 0;

	for (size_t i = 0; i < N_ROWS; i++)
		if (rows[i].commands & command->bit)
			names[n++] = rows[i].name;
	names[n] = NULL;
	word += strspn(word, "-");
	snprintf(name, sizeof(name), "%.*s", (int)strcspn(word, "="), word);
	return nearest_name(name, names);
}

static int usage_error(const struct command *command, int c, char **argv, struct err *err)
{
	const char *word = argv[optind - 1];

	if (c == ':')
		return err_set(err, "%s: it needs a value (wirecut %s --help)", word,
			       command->name);
	if (optopt && optopt < ROW_VALUE(0))
		return err_set(err, "-%c: 'wirecut %s' has no such option (wirecut %s --help)",
			       optopt, command->name, command->name);
	const char *meant = nearest_option(command, word);
	return err_set(err, "%s: 'wirecut %s' has no such option%s%s%s (wirecut %s --help)", word,
		       command->name, meant ? "; did you mean '--" : "", meant ? meant : "",
		       meant ? "'?" : "", command->name);
}

int options_parse(struct options *opt, const struct command *command, int argc, char **argv,
		  struct err *err)
{
	struct option longs[N_ROWS + 1];
	char shorts[N_ROWS * 2 + 2];
	int c;

	opt->results = "results";
	opt->retries = RETRIES_NORMAL;
	opt->timeout = NSEC_UNSET;
	reports_from_environment(opt);
	if (getrandom(&opt->seed, sizeof(opt->seed), 0) != sizeof(opt->seed))
		return err_errno(err, "get random bytes");
	opt->seed &= UINT32_MAX; /* short enough to be typed again */

	getopt_tables(command, longs, shorts);
	opterr = 0;
	optind = 1;
	while ((c = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		const struct option_row *row = c == '?' || c == ':' ? NULL : row_of(c);

		if (!row)
			return usage_error(command, c, argv, err);
		if (row->take(opt, optarg, err) < 0)
			return -1;
	}
	for (; optind < argc; optind++)
		*vec_push(opt->arena, &opt->paths) = arena_strdup(opt->arena, argv[optind]);
	if (reports_choose_terminal(&opt->reports, err) < 0)
		return -1;
	if (!opt->color_given)
		opt->color = color_by_default(opt->reports.terminal);
	return 0;
}

void options_release(struct options *opt)
{
	if (opt->has_filter)
		regfree(&opt->filter);
}

bool options_info(const struct command *command, size_t i, struct option_info *ret)
{
	for (size_t row = 0; row < N_ROWS; row++) {
		const struct option_row *r = &rows[row];

		if ((command && !(r->commands & command->bit)) || i-- > 0)
			continue;
		*ret = (struct option_info){r->name, r->letter, r->argument, r->doc, r->commands};
		return true;
	}
	return false;
}
