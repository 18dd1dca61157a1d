/* SPDX-License-Identifier: MIT */
/*
 * wirecut demo herd: a scenario of the suite and its control, run side by side and drawn.
 *
 * A file laid on top of the scenario's says how many clients and how long an outage. A child process
 * runs both as `wirecut run` does; this one follows the output of the clients, which the run writes to
 * its folder, and draws it. On the virtual clock a guest hands its folder out when it has ended: then
 * it is drawn afterwards, in the time that a person has.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/base/cleanup.h"
#include "harness/base/io.h"
#include "harness/base/nsec.h"
#include "harness/base/rng.h"
#include "harness/cli/commands.h"
#include "harness/cli/load.h"
#include "harness/cli/suite.h"
#include "harness/report/herdview.h"

#define HERD_FILE       "scenarios/backoff/herd-killed-10s.yaml"
#define CLIENTS_DEFAULT 1000
#define OUTAGE_DEFAULT  (10 * NSEC_PER_SEC)
/* When the scenario's outage begins, and what its client waits: 1s/2/64s/100%, deadline 3 s. */
#define OUTAGE_AT       (4 * NSEC_PER_SEC)
#define CAP_S           64.0
#define CONNECT_TIMEOUT (3 * NSEC_PER_SEC)

#define FRAME_MS       100
#define FRAME_INTERVAL (FRAME_MS * NSEC_PER_MSEC)
/* How long a run of the virtual clock is drawn for. */
#define REPLAY_TIME (10 * NSEC_PER_SEC)
/* What a herd of this size may be by chance alone: `bounds_of`. */
#define CHANCE 10

struct demo {
	struct options *opt;
	struct loaded loaded;
	struct herd_view view;
	char *folder;  /* of the run; NULL: not there yet */
	char *results; /* in which it will be */
	FILE *logs[HERD_SIDES];
	bool terminal;
	nsec_t said; /* of plain lines: up to where */
};

/* --- the scenario --- */

/*
 * What the files of scenarios/backoff/ say in words: `most` attempts in 100 ms are 3 * n * 0.1 s / b for the
 * smallest wait b that a client can be in when the outage ends, and more by chance where that is
 * few; all are back within twice the largest one and a connect deadline.
 */
static void bounds_of(int64_t clients, nsec_t outage, int64_t *ret_most, nsec_t *ret_within)
{
	double t = (double)outage / 1e9, smallest = 1, largest = 1;

	/* The waits 1, 2, 4 ... b last 2b - 1 s at the least, and twice that at the most. */
	while (smallest < CAP_S && 2 * (2 * smallest - 1) <= t)
		smallest *= 2;
	while (largest < CAP_S && 2 * largest - 1 <= t)
		largest *= 2;
	double most = ceil(3 * (double)clients * 0.1 / smallest);
	*ret_most = (int64_t)most + (most < 4 * CHANCE ? CHANCE : 0);
	*ret_within = (nsec_t)(2 * largest) * NSEC_PER_SEC + CONNECT_TIMEOUT;
}

/*
 * Writes the file that is laid on top; NULL with a message. A run's replay command names it, so it has a
 * name for each number of clients, outage and scenario: another demonstration leaves it as it is.
 */
static char *write_scenario(struct demo *d, const char *file)
{
	struct arena *a = d->opt->arena;
	char whole[PATH_MAX];
	int64_t most;
	nsec_t within;
	struct err err = {0};

	if (!realpath(file, whole)) {
		fprintf(stderr,
			"wirecut: %s: %s (run it in the folder of the project, or name the "
			"file: wirecut demo herd FILE)\n",
			file, strerror(errno));
		return NULL;
	}
	bounds_of(d->view.clients, d->view.outage, &most, &within);
	char *text = arena_printf(
		a,
		"# Written by `wirecut demo herd`.\nversion: 1\n"
		"name: %lld clients come back to a server that was killed for %lld ms\n"
		"include: %s\nclock: any\npractice: backoff\n"
		"matrix: {clients: [%lld], back: [%lldms], most: [%lld], within: [%lldms]}\n",
		(long long)d->view.clients, (long long)(d->view.outage / NSEC_PER_MSEC), whole,
		(long long)d->view.clients,
		(long long)((OUTAGE_AT + d->view.outage) / NSEC_PER_MSEC), (long long)most,
		(long long)(within / NSEC_PER_MSEC));
	char *name =
		arena_printf(a, "herd-%lld-clients-%lldms-%08llx.yaml", (long long)d->view.clients,
			     (long long)(d->view.outage / NSEC_PER_MSEC),
			     (unsigned long long)(rng_hash(whole) & UINT32_MAX));
	_cleanup_close_ int dir = io_make_dirs(d->results) < 0
					  ? -1
					  : open(d->results, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0 || io_write_file_at(dir, name, text, strlen(text), &err) < 0) {
		fprintf(stderr, "wirecut: %s: %s\n", d->results,
			err.msg[0] ? err.msg : strerror(errno));
		return NULL;
	}
	return arena_printf(a, "%s/%s", d->results, name);
}

/* --- the run --- */

/* The folders of runs are named after the time: the last one. NULL: there is none. */
static char *last_run(const struct demo *d)
{
	struct dirent **entries;
	char *found = NULL;
	int n = scandir(d->results, &entries, NULL, alphasort);

	for (int i = 0; i < n; i++) {
		if (entries[i]->d_name[0] >= '0' && entries[i]->d_name[0] <= '9')
			found = arena_printf(d->opt->arena, "%s/%s", d->results,
					     entries[i]->d_name);
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
	return found;
}

/* Runs the suite, quietly: what it says goes to a file of its own. */
static pid_t start_suite(struct demo *d)
{
	const char *log = arena_printf(d->opt->arena, "%s/run.txt", d->results);
	pid_t parent = getpid();

	fflush(NULL);
	pid_t pid = fork();
	if (pid != 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(EXIT_ERROR);
	int fd = open(log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0 || dup2(fd, STDOUT_FILENO) < 0 || dup2(fd, STDERR_FILENO) < 0)
		_exit(EXIT_ERROR);
	int code = suite_run(d->opt, &d->loaded);
	fflush(NULL);
	_exit(code);
}

/* --- following it --- */

static char *path_of(const struct demo *d, int side, const char *name)
{
	return arena_printf(d->opt->arena, "%s/%s/%s", d->folder,
			    d->loaded.items.v[side].plan->slug, name);
}

/* Takes the lines that are there by now. A line whose end is not there yet is read again later. */
static void follow(struct demo *d, int side)
{
	FILE *log = d->logs[side];
	_cleanup_free_ char *line = NULL;
	size_t size = 0;
	ssize_t n;

	if (!log && d->folder)
		log = d->logs[side] = fopen(path_of(d, side, "logs/client.log"), "re");
	if (!log)
		return;
	long at = ftell(log);
	clearerr(log);
	while ((n = getline(&line, &size, log)) > 0 && line[n - 1] == '\n') {
		herd_view_add(&d->view, side, line, (size_t)n - 1);
		at += n;
	}
	fseek(log, at, SEEK_SET);
}

/* --- drawing --- */

static bool is_terminal(struct winsize *ret)
{
	return isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, ret) == 0 &&
	       ret->ws_col >= HERD_COLUMNS_MIN && ret->ws_row > HERD_ROWS_MIN;
}

static void draw(struct demo *d, nsec_t at, bool whole, const char *footer)
{
	struct winsize size = {0};

	if (d->terminal && is_terminal(&size)) {
		/* One row is for the cursor at the end, or the heading would scroll away. */
		struct herd_frame frame = {at, size.ws_col, size.ws_row - 1, whole, true, footer};

		fputs("\033[H", stdout);
		herd_view_draw(&d->view, &frame, stdout);
		fputs("\033[J", stdout);
	} else {
		for (; d->said + NSEC_PER_SEC <= at; d->said += NSEC_PER_SEC)
			herd_view_line(&d->view, d->said + NSEC_PER_SEC, stdout);
	}
	fflush(stdout);
}

/* The clients' clock is this machine's, unless they run in a guest: then there is nothing to draw yet. */
static nsec_t now_in(const struct demo *d)
{
	nsec_t began = NSEC_NEVER;

	if (d->opt->clock == CLOCK_VIRTUAL)
		return 0;
	for (int i = 0; i < HERD_SIDES; i++)
		if (d->view.sides[i].began != NSEC_UNSET && d->view.sides[i].began < began)
			began = d->view.sides[i].began;
	return began == NSEC_NEVER ? 0 : nsec_monotonic() - began;
}

/* Draws until the child has ended; its exit code. */
static int watch(struct demo *d, pid_t pid, const char *before)
{
	const char *running = d->opt->clock == CLOCK_VIRTUAL
				      ? "running in guests of the virtual clock ..."
				      : "running ...";
	int status;

	while (waitpid(pid, &status, WNOHANG) == 0) {
		char *last = d->folder ? NULL : last_run(d);

		if (last && (!before || strcmp(last, before) != 0))
			d->folder = last;
		for (int i = 0; i < HERD_SIDES; i++)
			follow(d, i);
		draw(d, now_in(d), false, running);
		poll(NULL, 0, FRAME_MS);
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_ERROR;
}

/* Draws what was handed out at once. */
static void replay(struct demo *d)
{
	nsec_t last = herd_view_last(&d->view);
	nsec_t step = last / (REPLAY_TIME / FRAME_INTERVAL);

	step = step < HERD_BIN ? HERD_BIN : step;
	for (nsec_t at = 0; d->terminal && at < last; at += step) {
		draw(d, at, false, "drawn afterwards: it ran on the virtual clock");
		poll(NULL, 0, FRAME_MS);
	}
}

/* --- the end --- */

/* How far the counter of the server grew since it was back. */
static const char *drops_of(const struct demo *d, int side)
{
	_cleanup_fclose_ FILE *f = fopen(path_of(d, side, "events.jsonl"), "re");
	double back_s = (double)(OUTAGE_AT + d->view.outage) / 1e9;
	_cleanup_free_ char *line = NULL;
	long long before = 0, last = 0;
	size_t size = 0;

	while (f && getline(&line, &size, f) > 0) {
		if (!strstr(line, "\"TcpExtListenDrops\""))
			continue;
		_cleanup_json_ json_t *o = json_loads(line, 0, NULL);

		last = json_integer_value(json_object_get(o, "value"));
		if (json_number_value(json_object_get(o, "t")) <= back_s)
			before = last;
	}
	return f ? arena_printf(d->opt->arena, "accept queue: %lld drops", last - before) : NULL;
}

/* What was observed by the expectation that decides: the first, or of a control the one that must fail. */
static const char *observed_of(const json_t *scenario, bool control)
{
	json_t *expectations = json_object_get(scenario, "expectations"), *e;
	size_t i;

	json_array_foreach(
		expectations, i,
		e) if (!control ||
		       json_is_true(json_object_get(
			       e,
			       "must_fail"))) return json_string_value(json_object_get(e,
										       "observed"));
	return NULL;
}

/* A sentence for who knows nothing of controls: one that passes has failed where it must. */
static char *say_verdict(const struct demo *d, const json_t *scenario)
{
	const char *verdict = json_string_value(json_object_get(scenario, "verdict"));
	const char *reason = json_string_value(json_object_get(scenario, "reason"));
	bool control = json_is_string(json_object_get(scenario, "control"));
	const char *observed = observed_of(scenario, control);
	bool passed = verdict && strcmp(verdict, "pass") == 0;

	if (passed && control && observed)
		return arena_printf(d->opt->arena, "as it should, it fails: %s", observed);
	return arena_printf(d->opt->arena, "%s: %s", verdict,
			    reason && *reason ? reason
			    : observed        ? observed
					      : "");
}

static void take_verdict(struct demo *d, int side, const json_t *scenarios)
{
	const char *slug = d->loaded.items.v[side].plan->slug;
	size_t i;
	json_t *s;

	json_array_foreach(scenarios, i, s)
	{
		if (strcmp(json_string_value(json_object_get(s, "slug")), slug) != 0)
			continue;
		d->view.sides[side].verdict = say_verdict(d, s);
		d->view.sides[side].drops = drops_of(d, side);
	}
}

static void finish(struct demo *d)
{
	struct arena *a = d->opt->arena;
	struct err err = {0};
	size_t len;

	if (!d->folder) {
		fprintf(stderr, "wirecut: nothing was run: %s/run.txt says why\n", d->results);
		return;
	}
	char *text = io_read_file(arena_printf(a, "%s/run.json", d->folder), &len, a, &err);
	_cleanup_json_ json_t *run = text ? json_loadb(text, len, 0, NULL) : NULL;
	for (int i = 0; i < HERD_SIDES; i++) {
		follow(d, i);
		take_verdict(d, i, json_object_get(run, "scenarios"));
	}
	if (d->opt->clock == CLOCK_VIRTUAL)
		replay(d);
	const char *footer = arena_printf(a, "results: %s", d->folder);
	draw(d, herd_view_last(&d->view), true, footer);
	for (int i = 0; i < HERD_SIDES && !d->terminal; i++)
		printf("%s: %s; %s\n", d->view.sides[i].title,
		       d->view.sides[i].drops ? d->view.sides[i].drops : "no drops were counted",
		       d->view.sides[i].verdict ? d->view.sides[i].verdict : "no verdict");
	puts(d->terminal ? "" : footer);
}

static bool is_utf8(void)
{
	static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const char *value = getenv(names[i]);

		if (value && *value)
			return strcasestr(value, "utf-8") || strcasestr(value, "utf8");
	}
	return false;
}

/* Loads the pair: the scenario, and its control without jitter. */
static int load_pair(struct demo *d, const char *file)
{
	char *scenario = write_scenario(d, file);

	if (!scenario)
		return EXIT_USAGE;
	d->opt->paths = (struct strings){0};
	*vec_push(d->opt->arena, &d->opt->paths) = scenario;
	d->opt->results = d->results;
	d->opt->controls = CONTROLS_ALSO;
	d->opt->retries = 0;
	int code = load_scenarios(d->opt, &d->loaded);
	if (code)
		return code;
	if (d->loaded.items.n == HERD_SIDES)
		return 0;
	fprintf(stderr, "wirecut: %s: a scenario with one control is needed\n", file);
	return EXIT_USAGE;
}

int command_demo(struct options *opt)
{
	struct demo d = {.opt = opt};
	const char *file = opt->paths.n > 1 ? opt->paths.v[1] : HERD_FILE;
	struct winsize size = {0};

	if (opt->paths.n < 1 || opt->paths.n > 2 || strcmp(opt->paths.v[0], "herd") != 0) {
		fprintf(stderr, "wirecut: demo takes the word herd, and may take a scenario\n");
		return EXIT_USAGE;
	}
	herd_view_begin(&d.view, opt->clients ? opt->clients : CLIENTS_DEFAULT,
			opt->outage ? opt->outage : OUTAGE_DEFAULT, opt->arena);
	d.view.ascii = !is_utf8();
	d.results = arena_printf(opt->arena, "%s/demo", opt->results);
	if (opt->clock == CLOCK_ANY)
		opt->clock = CLOCK_REAL;
	int code = load_pair(&d, file);
	if (code)
		return code;
	d.terminal = is_terminal(&size);
	if (d.terminal)
		fputs("\033[2J", stdout);
	const char *before = last_run(&d);
	pid_t pid = start_suite(&d);
	if (pid < 0) {
		fprintf(stderr, "wirecut: fork: %s\n", strerror(errno));
		return EXIT_ERROR;
	}
	code = watch(&d, pid, before);
	finish(&d);
	for (int i = 0; i < HERD_SIDES; i++)
		if (d.logs[i])
			fclose(d.logs[i]);
	return code;
}
