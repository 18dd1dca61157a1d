/* SPDX-License-Identifier: MIT */
#include "harness/tests/guests.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/base/cleanup.h"
#include "harness/base/io.h"
#include "harness/base/nsec.h"
#include "harness/tests/netns.h"
#include "harness/virtual/qemu.h"

#define PLAIN_BUILD "build"
#define KERNELS     PLAIN_BUILD "/guest-kernel"
#define PROGRAMS    PLAIN_BUILD "/harness/tests/guest-programs"
/* A busy machine's; that a process is left for good is the question. */
#define GONE_WITHIN (20 * NSEC_PER_SEC)
#define RETRY_MS    5

bool guests_can_run(void)
{
	_cleanup_arena_ struct arena a = {0};
	struct err err = {0};

	if (access(PLAIN_BUILD "/bin/wirecut", X_OK) < 0)
		skip("the plain build is not there: make failing-calls");
	else if (!qemu_find(&a, &err))
		skip(err.msg);
	else if (access(KERNELS "/default/vmlinuz", R_OK) < 0)
		skip("there is no kernel for a guest: make guest-kernel");
	else
		return setenv("BUILD", PLAIN_BUILD, 1) == 0 &&
		       prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0;
	return false;
}

struct strings guests_kernels(struct arena *a)
{
	struct strings kernels = {0};
	char real[PATH_MAX];
	glob_t found;

	if (glob(KERNELS "/[0-9]*/vmlinuz", 0, NULL, &found) != 0)
		return kernels;
	for (size_t i = 0; i < found.gl_pathc; i++)
		if (realpath(found.gl_pathv[i], real))
			*vec_push(a, &kernels) = arena_strdup(a, real);
	globfree(&found);
	return kernels;
}

char *guests_modules_of(const char *image, struct arena *a)
{
	return arena_printf(a, "%.*s/modules", (int)(strrchr(image, '/') - image), image);
}

void guests_none_left(void)
{
	nsec_t deadline = nsec_monotonic() + GONE_WITHIN;
	pid_t pid;

	while ((pid = waitpid(-1, NULL, WNOHANG)) >= 0) {
		ck_assert_msg(nsec_monotonic() < deadline, "a process is left");
		if (pid == 0)
			poll(NULL, 0, RETRY_MS);
	}
	ck_assert_int_eq(errno, ECHILD);
}

bool guests_start(struct cli *c)
{
	bool can_run = guests_can_run();

	cli_start(c);
	return can_run;
}

void guests_finish(struct cli *c, bool could_run)
{
	if (could_run)
		guests_none_left();
	cli_finish(c);
}

/* --- scenarios --- */

void guests_write_scenario(struct cli *c, const char *name)
{
	cli_write_pair(c, name,
		       "  - {at: 500ms, id: cut, blackhole: {cable: server}, for: 4s}\n"
		       "duration: 6s",
		       "  - detects: {app: client, fault: cut, within: 3800ms}\n"
		       "controls:\n"
		       "  no-heartbeat:\n"
		       "    replace: {apps.client.run: \"ref-client --target server:8000 "
		       "--rate 20 --without heartbeat\"}\n"
		       "    fails: [detects]");
}

void guests_write_shell(struct cli *c, const char *name, const char *shell, const char *more)
{
	cli_write(c, name,
		  arena_printf(&c->arena,
			       "version: 1\nname: one app\nhosts: {host: {}}\napps:\n"
			       "  app:\n    host: host\n    shell: |\n      %s\n"
			       "expect:\n  - exits: {app: app, status: 0, within: 3s}\n"
			       "duration: 4s\n%s",
			       shell, more));
}

char *guests_copy_program(struct cli *c, const char *name)
{
	const char *built = arena_printf(&c->arena, PROGRAMS "/%s", name);
	char *copy = arena_printf(&c->arena, "%s/%s", c->dir, name);
	struct err err = {0};
	size_t len = 0;
	const char *bytes = io_read_file(built, &len, &c->arena, &err);

	ck_assert_msg(bytes != NULL, "%s: make failing-calls", err.msg);
	_cleanup_close_ int fd = open(copy, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, bytes, len), (ssize_t)len);
	return copy;
}

/* --- results --- */

char *guests_run_folder(struct cli *c)
{
	char target[NAME_MAX + 1];
	const char *latest = arena_printf(&c->arena, "%s/results/latest", c->dir);
	ssize_t n = readlink(latest, target, sizeof(target) - 1);

	ck_assert_msg(n > 0, "%s is no link", latest);
	target[n] = '\0';
	return arena_printf(&c->arena, "results/%s", target);
}

char *guests_read(struct cli *c, const char *folder, const char *file, size_t *ret_len)
{
	struct err err = {0};
	char *text = io_read_file(arena_printf(&c->arena, "%s/%s/%s", c->dir, folder, file),
				  ret_len, &c->arena, &err);

	ck_assert_msg(text != NULL, "%s", err.msg);
	return text;
}

/* The line of a text that this byte is in. */
static char *line_at(struct cli *c, const char *text, size_t at)
{
	const char *begin = text + at;

	while (begin > text && begin[-1] != '\n')
		begin--;
	return arena_strndup(&c->arena, begin, strcspn(begin, "\n"));
}

bool guests_is_same(struct cli *c, const char *one, const char *other, const char *file,
		    char **ret_why)
{
	size_t n[2], at = 0;
	const char *text[] = {guests_read(c, one, file, &n[0]), guests_read(c, other, file, &n[1])};

	while (at < n[0] && at < n[1] && text[0][at] == text[1][at])
		at++;
	if (at == n[0] && at == n[1])
		return true;
	*ret_why = arena_printf(&c->arena, "%s of %s and %s differ at byte %zu (of %zu and %zu)",
				file, one, other, at, n[0], n[1]);
	if (!strstr(file, ".pcapng"))
		*ret_why = arena_printf(&c->arena, "%s:\n%s\n%s", *ret_why, line_at(c, text[0], at),
					line_at(c, text[1], at));
	return false;
}

void guests_assert_same(struct cli *c, const char *one, const char *other)
{
	static const char *const files[] = {"events.jsonl", "packets.pcapng", "verdict.json"};

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		char *why = NULL;

		ck_assert_msg(guests_is_same(c, one, other, files[i], &why), "%s", why);
	}
}

/* As a text: without its slug, the file as it was typed, and the command that replays it. */
static char *verdict_part(struct cli *c, const char *folder)
{
	static const char *const ways[] = {"slug", "file", "replay"};
	_cleanup_json_ json_t *verdict =
		cli_json(c, arena_printf(&c->arena, "%s/verdict.json", folder));
	size_t i;
	json_t *e;

	for (size_t k = 0; k < ARRAY_SIZE(ways); k++)
		ck_assert_int_eq(json_object_del(verdict, ways[k]), 0);
	json_array_foreach(json_object_get(verdict, "expectations"), i, e)
	{
		ck_assert_int_eq(json_object_del(e, "file"), 0);
	}
	_cleanup_free_ char *text = json_dumps(verdict, JSON_INDENT(1) | JSON_SORT_KEYS);
	return arena_strdup(&c->arena, text);
}

void guests_assert_same_run(struct cli *c, const char *one, const char *other)
{
	static const char *const files[] = {"events.jsonl", "packets.pcapng"};

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		char *why = NULL;

		ck_assert_msg(guests_is_same(c, one, other, files[i], &why), "%s", why);
	}
	ck_assert_str_eq(verdict_part(c, one), verdict_part(c, other));
}

int guests_replay(struct cli *c, const char *command)
{
	char *bin = realpath(PLAIN_BUILD "/bin", NULL);
	int status;

	ck_assert_ptr_nonnull(bin);
	const char *script =
		arena_printf(&c->arena, "cd %s && PATH=%s:$PATH && { %s; } >replayed 2>&1", c->dir,
			     bin, command);
	free(bin);
	pid_t pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		execl("/bin/sh", "sh", "-c", script, NULL);
		_exit(127);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
