/* SPDX-License-Identifier: MIT */
/*
 * One of wirecut's own calls fails, anywhere in a whole run: the nth of its kind in all of the
 * run's processes, for an even sample of n.
 *
 * What is promised each time: wirecut ends by itself. What a program has to bear (an interrupted
 * call, a part of what was asked for) it bears. Else it bears it or says what failed, with an exit
 * code of its own. Every file of the results is whole or absent, and no process is left.
 *
 * The sanitizers' library and a preloaded one do not go together: the program is that of the plain
 * build, which `make check` makes for this.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/base/cleanup.h"
#include "harness/base/io.h"
#include "harness/base/nsec.h"
#include "harness/tests/cli.h"
#include "harness/tests/netns.h"
#include "harness/tests/preload/failing.h"
#include "harness/tests/suite.h"

#define PLAIN_BUILD "build"
#define LIBRARY     PLAIN_BUILD "/harness/tests/preload/failing.so"
/* Of one kind of failure; together they are to take a minute and a half on two cores. */
#define SAMPLES          10
#define SAMPLES_VARIABLE "WIRECUT_TEST_SAMPLES" /* more, for a search by hand */
#define AT_ONCE          5
#define COUNTING         (-1)
/* A busy machine's; that a process is left for good is the question. */
#define GONE_WITHIN (10 * NSEC_PER_SEC)
#define RETRY_MS    5

/* The exit codes of the command line that can come of a failed call. */
enum { EXIT_PASSED = 0, EXIT_INVALID = 2, EXIT_HARNESS = 3 };

struct failure {
	const char *name;
	enum failing_call call;
	int error; /* 0: only a part */
	bool is_borne;
};

static const struct failure failures[] = {
	{"open: EMFILE", FAILING_OPEN, EMFILE, false},
	{"socket: EMFILE", FAILING_SOCKET, EMFILE, false},
	{"a descriptor: EMFILE", FAILING_DESCRIPTOR, EMFILE, false},
	{"write: ENOSPC", FAILING_WRITE_FILE, ENOSPC, false},
	{"fsync: ENOSPC", FAILING_FSYNC, ENOSPC, false},
	{"renameat: ENOSPC", FAILING_RENAME, ENOSPC, false},
	{"mkdir: ENOSPC", FAILING_MKDIR, ENOSPC, false},
	{"symlink: ENOSPC", FAILING_SYMLINK, ENOSPC, false},
	{"mmap: ENOMEM", FAILING_MMAP, ENOMEM, false},
	{"fork: EAGAIN", FAILING_FORK, EAGAIN, false},
	{"clone3: ENOMEM", FAILING_CLONE, ENOMEM, false},
	{"send: ENOBUFS", FAILING_SEND, ENOBUFS, false},
	{"read: EINTR", FAILING_READ, EINTR, true},
	{"write: EINTR", FAILING_WRITE, EINTR, true},
	{"send: EINTR", FAILING_SEND, EINTR, true},
	{"recv: EINTR", FAILING_RECV, EINTR, true},
	{"epoll_wait: EINTR", FAILING_EPOLL_WAIT, EINTR, true},
	{"poll: EINTR", FAILING_POLL, EINTR, true},
	{"waitpid: EINTR", FAILING_WAIT, EINTR, true},
	{"read: a part", FAILING_READ_PART, 0, true},
	{"write: a part", FAILING_WRITE_FILE, 0, true},
};

/* How many calls of each kind a run has in which none fails. */
static uint32_t counts[FAILING_N_CALLS];

/* One run. */
struct attempt {
	struct cli c;
	struct failing *shared;
	pid_t pid;
	char *what; /* for messages */
};

static void preload(const char *library, const char *file)
{
	if (library != NULL) {
		ck_assert_int_eq(setenv("LD_PRELOAD", library, 1), 0);
		ck_assert_int_eq(setenv(FAILING_VARIABLE, file, 1), 0);
	} else {
		unsetenv("LD_PRELOAD");
		unsetenv(FAILING_VARIABLE);
	}
}

static struct failing *share(const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ftruncate(fd, sizeof(struct failing)), 0);
	void *p = mmap(NULL, sizeof(struct failing), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ck_assert_ptr_ne(p, MAP_FAILED);
	return p;
}

static void start(struct attempt *a, int call, int error, uint32_t nth)
{
	static const char *const argv[] = {"run", "a.yaml", NULL};
	char library[PATH_MAX];

	ck_assert_int_eq(setenv("BUILD", PLAIN_BUILD, 1), 0);
	ck_assert_ptr_nonnull(realpath(LIBRARY, library));
	cli_start(&a->c);
	cli_write_pair(&a->c, "a.yaml",
		       "  - {at: 100ms, delay: {cable: server, mean: 5ms}, for: 200ms}",
		       "  - sockets: {host: client, state: CLOSE_WAIT, at-most: 0, by: end}\n"
		       "duration: 500ms");
	const char *file = arena_printf(&a->c.arena, "%s/failing", a->c.dir);
	a->shared = share(file);
	a->shared->call = call;
	a->shared->error = error;
	a->shared->nth = nth;
	preload(library, file);
	a->pid = cli_spawn(&a->c, argv);
	preload(NULL, NULL);
}

static void free_attempt(struct attempt *a)
{
	munmap(a->shared, sizeof(*a->shared));
	cli_finish(&a->c);
}

/* --- what a run leaves --- */

static void no_file(const struct attempt *a, const char *pattern)
{
	char path[PATH_MAX];
	glob_t found;

	snprintf(path, sizeof(path), "%s/%s", a->c.dir, pattern);
	int rc = glob(path, 0, NULL, &found);
	ck_assert_msg(rc == GLOB_NOMATCH, "%s: %s is left", a->what,
		      rc == 0 ? found.gl_pathv[0] : pattern);
}

static bool is_json(const char *text, size_t len)
{
	_cleanup_json_ json_t *json = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);

	return json != NULL;
}

/* Each line by itself, the last one ended too, and among them the one that says how it ended. */
static bool is_events(const char *text, size_t len)
{
	bool has_end = false;

	for (const char *line = text, *end; line < text + len; line = end + 1) {
		end = memchr(line, '\n', (size_t)(text + len - line));
		_cleanup_json_ json_t *json =
			end != NULL ? json_loadb(line, (size_t)(end - line), 0, NULL) : NULL;

		if (json == NULL)
			return false;
		const char *source = json_string_value(json_object_get(json, "source"));
		const char *event = json_string_value(json_object_get(json, "event"));
		has_end = has_end || (source != NULL && event != NULL && !strcmp(source, "run") &&
				      (!strcmp(event, "end") || !strcmp(event, "error")));
	}
	return has_end;
}

/* The files that match are whole; how many there are. */
static size_t assert_whole(struct attempt *a, const char *pattern,
			   bool (*is_whole)(const char *text, size_t len))
{
	char path[PATH_MAX];
	glob_t found;
	struct err err = {0};
	size_t n = 0;

	snprintf(path, sizeof(path), "%s/results/2*/%s", a->c.dir, pattern);
	if (glob(path, 0, NULL, &found) != 0)
		return 0;
	for (; n < found.gl_pathc; n++) {
		size_t len;
		char *text = io_read_file(found.gl_pathv[n], &len, &a->c.arena, &err);

		ck_assert_msg(text != NULL, "%s: %s", a->what, err.msg);
		ck_assert_msg(is_whole(text, len), "%s: %s is not whole:\n%s", a->what,
			      found.gl_pathv[n], text);
	}
	globfree(&found);
	return n;
}

static void assert_results(struct attempt *a, int code)
{
	size_t run = assert_whole(a, "run.json", is_json);
	size_t plan = assert_whole(a, "*/plan.json", is_json);
	size_t verdict = assert_whole(a, "*/verdict.json", is_json);
	size_t events = assert_whole(a, "*/events.jsonl", is_events);

	no_file(a, "results/2*/.*.tmp");
	no_file(a, "results/2*/*/.*.tmp");
	if (code == EXIT_PASSED)
		ck_assert_msg(run && plan && verdict && events, "%s: passed without its results",
			      a->what);
	if (code == EXIT_INVALID)
		ck_assert_msg(!run && !plan && !verdict && !events, "%s: something ran", a->what);
}

static void assert_said(const struct attempt *a, const struct failure *f,
			const struct cli_result *r)
{
	const char *reason = strerror(f->error);

	if (r->code == EXIT_PASSED)
		return;
	ck_assert_msg(!f->is_borne && (r->code == EXIT_HARNESS || r->code == EXIT_INVALID),
		      "%s: exit code %d\n%s%s", a->what, r->code, r->out, r->err);
	ck_assert_msg(strstr(r->out, reason) != NULL || strstr(r->err, reason) != NULL,
		      "%s: it does not say what failed:\n%s%s", a->what, r->out, r->err);
}

/* Orphans of the run come to this process, their subreaper. */
static void assert_nothing_lives(const char *what)
{
	nsec_t deadline = nsec_monotonic() + GONE_WITHIN;
	pid_t pid;

	while ((pid = waitpid(-1, NULL, WNOHANG)) >= 0) {
		ck_assert_msg(nsec_monotonic() < deadline, "%s: a process is left", what);
		if (pid == 0)
			poll(NULL, 0, RETRY_MS);
	}
	ck_assert_int_eq(errno, ECHILD);
}

/* --- the sweep --- */

static uint32_t samples_at_most(void)
{
	const char *given = getenv(SAMPLES_VARIABLE);

	return given != NULL ? (uint32_t)strtoul(given, NULL, 10) : SAMPLES;
}

static bool can_run(void)
{
	if (access(LIBRARY, R_OK) == 0 && access(PLAIN_BUILD "/bin/wirecut", X_OK) == 0)
		return true;
	skip("the plain build is not there: make failing-calls");
	return false;
}

/* Before all tests: how many calls there are. */
static void count(void)
{
	struct attempt a = {0};

	if (!can_run())
		return;
	start(&a, COUNTING, 0, 0);
	struct cli_result r = cli_wait(&a.c, a.pid);
	ck_assert_msg(r.code == EXIT_PASSED, "%s%s", r.out, r.err);
	for (size_t i = 0; i < ARRAY_SIZE(counts); i++)
		counts[i] = a.shared->counts[i];
	free_attempt(&a);
}

/* Whether the call came to pass: of some kinds one run has fewer than another. */
static bool judge(struct attempt *a, const struct failure *f)
{
	struct cli_result r = cli_wait(&a->c, a->pid);

	a->what =
		arena_printf(&a->c.arena, "%s, call %u (of %s at 0x%llx)", f->name, a->shared->nth,
			     PLAIN_BUILD "/bin/wirecut", (unsigned long long)a->shared->caller);
	assert_said(a, f, &r);
	assert_results(a, r.code);
	return a->shared->caller != 0;
}

/* The witnesses can tell. */
START_TEST(test_half_a_file_is_noticed)
{
	static const char end[] = "{\"t\":1,\"source\":\"run\",\"event\":\"end\"}\n";

	ck_assert(is_json("{}", 2));
	ck_assert(!is_json("{", 1));
	ck_assert(is_events(end, strlen(end)));
	ck_assert(!is_events(end, strlen(end) - 1));
	ck_assert(!is_events("{}\n", 3));
	ck_assert(!is_events("", 0));
}
END_TEST

START_TEST(test_one_call_fails)
{
	const struct failure *f = &failures[_i];
	uint32_t n = counts[f->call], most = samples_at_most(), samples = n < most ? n : most;
	struct attempt running[AT_ONCE];
	bool has_failed = false;

	if (!can_run())
		return;
	ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 0);
	ck_assert_msg(n > 0, "%s: a run has no such call", f->name);
	for (uint32_t done = 0; done < samples; done += AT_ONCE) {
		uint32_t at_once = samples - done < AT_ONCE ? samples - done : AT_ONCE;

		for (uint32_t i = 0; i < at_once; i++) {
			uint64_t sample = done + i;

			running[i] = (struct attempt){0};
			start(&running[i], f->call, f->error, (uint32_t)(sample * n / samples) + 1);
		}
		for (uint32_t i = 0; i < at_once; i++)
			has_failed |= judge(&running[i], f);
		assert_nothing_lives(f->name);
		for (uint32_t i = 0; i < at_once; i++)
			free_attempt(&running[i]);
	}
	ck_assert_msg(has_failed, "%s: no call was made to fail", f->name);
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("failing calls");

	tcase_add_unchecked_fixture(t, count, NULL);
	tcase_set_timeout(t, 1200); /* a guard; each run has its own */
	tcase_add_test(t, test_half_a_file_is_noticed);
	tcase_add_loop_test(t, test_one_call_fails, 0, ARRAY_SIZE(failures));
	return run_tests("failing calls", t);
}
