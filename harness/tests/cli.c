/* SPDX-License-Identifier: MIT */
#include "harness/tests/cli.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/base/cleanup.h"
#include "harness/base/io.h"
#include "harness/base/nsec.h"

/* Guards only: a run takes a few seconds, a guest's first one boots it, and a machine may crawl. */
#define CLI_WAIT_MS   180000
#define FILE_WAIT_NS  (20 * NSEC_PER_SEC)
#define FILE_RETRY_MS 5
#define FTW_MAX_FDS   16

static char *program(struct cli *c)
{
	const char *build = getenv("BUILD");
	char path[PATH_MAX], real[PATH_MAX];

	snprintf(path, sizeof(path), "%s/bin/wirecut", build ? build : "build");
	ck_assert_msg(realpath(path, real) != NULL, "%s is not built (BUILD=...)", path);
	return arena_strdup(&c->arena, real);
}

void cli_start(struct cli *c)
{
	char dir[] = "/tmp/wirecut-cli.XXXXXX";

	*c = (struct cli){0};
	/* In a job of GitHub's the programs under test must not write into its log and summary. */
	unsetenv("GITHUB_ACTIONS");
	unsetenv("GITHUB_STEP_SUMMARY");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(chmod(dir, 0755), 0);
	c->dir = arena_strdup(&c->arena, dir);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void cli_finish(struct cli *c)
{
	nftw(c->dir, remove_one, FTW_MAX_FDS, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
	arena_free(&c->arena);
}

static char *in_dir(struct cli *c, const char *name)
{
	return arena_printf(&c->arena, "%s/%s", c->dir, name);
}

void cli_write(struct cli *c, const char *name, const char *text)
{
	_cleanup_close_ int fd =
		open(in_dir(c, name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(io_write_all(fd, text, strlen(text)), 0);
}

void cli_write_pair(struct cli *c, const char *name, const char *timeline, const char *expect)
{
	cli_write(c, name,
		  arena_printf(&c->arena,
			       "version: 1\nname: a pair\nhosts: {server: {}, client: {}}\napps:\n"
			       "  server: {host: server, run: \"ref-server --listen :8000\", "
			       "ready: {listening: 8000}}\n"
			       "  client: {host: client, run: \"ref-client --target server:8000 "
			       "--rate 20 --heartbeat 300ms/2 --backoff 100ms/2/1s/100%%\", "
			       "ready: {connected: \"server:8000\"}}\n"
			       "timeline:\n%s\nexpect:\n%s\n",
			       timeline, expect));
}

/* tty_fd -1: the output goes to the two files. */
static pid_t spawn(struct cli *c, const char *const argv[], int tty_fd)
{
	char *args[32] = {program(c)};
	size_t n = 1;

	for (size_t i = 0; argv[i] && n < ARRAY_SIZE(args) - 1; i++)
		args[n++] = (char *)argv[i];
	pid_t pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		int out = open(in_dir(c, "out"), O_WRONLY | O_CREAT | O_TRUNC, 0644);
		int err = open(in_dir(c, "err"), O_WRONLY | O_CREAT | O_TRUNC, 0644);

		if (chdir(c->dir) < 0 || dup2(tty_fd < 0 ? out : tty_fd, STDOUT_FILENO) < 0 ||
		    dup2(tty_fd < 0 ? err : tty_fd, STDERR_FILENO) < 0)
			_exit(126);
		execv(args[0], args);
		_exit(127);
	}
	return pid;
}

pid_t cli_spawn(struct cli *c, const char *const argv[])
{
	return spawn(c, argv, -1);
}

pid_t cli_spawn_on(struct cli *c, const char *const argv[], int tty_fd)
{
	return spawn(c, argv, tty_fd);
}

struct cli_result cli_wait(struct cli *c, pid_t pid)
{
	struct err err = {0};
	_cleanup_close_ int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct pollfd p = {.fd = fd, .events = POLLIN};
	int status = 0;

	ck_assert_int_ge(fd, 0);
	if (poll(&p, 1, CLI_WAIT_MS) != 1) {
		kill(pid, SIGKILL);
		ck_abort_msg("wirecut did not end within three minutes");
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return (struct cli_result){
		.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
		.out = io_read_file(in_dir(c, "out"), NULL, &c->arena, &err),
		.err = io_read_file(in_dir(c, "err"), NULL, &c->arena, &err),
	};
}

struct cli_result cli_run(struct cli *c, const char *const argv[])
{
	return cli_wait(c, cli_spawn(c, argv));
}

void cli_wait_for_file(struct cli *c, const char *path)
{
	nsec_t deadline = nsec_monotonic() + FILE_WAIT_NS;

	while (access(in_dir(c, path), F_OK) < 0) {
		ck_assert_msg(nsec_monotonic() < deadline, "%s never appeared", path);
		poll(NULL, 0, FILE_RETRY_MS);
	}
}

json_t *cli_json(struct cli *c, const char *path)
{
	json_error_t where;
	json_t *json = json_load_file(in_dir(c, path), JSON_REJECT_DUPLICATES, &where);

	ck_assert_msg(json != NULL, "%s:%d: %s", path, where.line, where.text);
	return json;
}
