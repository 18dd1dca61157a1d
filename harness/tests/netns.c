/* SPDX-License-Identifier: MIT */
#include "harness/tests/netns.h"

#include <check.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/base/cleanup.h"

static bool write_file(const char *path, const char *text)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);

	return fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
}

bool fresh_namespaces(void)
{
	char uid_map[64], gid_map[64];

	snprintf(uid_map, sizeof(uid_map), "0 %u 1", geteuid());
	snprintf(gid_map, sizeof(gid_map), "0 %u 1", getegid());
	if (unshare(CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC) < 0)
		return false;
	return write_file("/proc/self/setgroups", "deny") &&
	       write_file("/proc/self/uid_map", uid_map) &&
	       write_file("/proc/self/gid_map", gid_map) &&
	       mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

void skip(const char *why)
{
	const char *ci = getenv("CI");

	printf("skipped: %s\n", why);
	if (ci && !strcmp(ci, "true"))
		ck_abort_msg("under CI=true nothing may be skipped: %s", why);
}

struct plan *plan_of_hosts(int n, struct arena *a)
{
	struct plan *plan = arena_new(a, struct plan);

	for (int i = 1; i <= n; i++)
		*vec_push(a, &plan->hosts) = (struct plan_host){
			.name = arena_printf(a, "h%d", i),
			.group = arena_printf(a, "h%d", i),
			.mac = arena_printf(a, "02:00:00:00:%02x:%02x", i >> 8, i & 255),
			.ip4 = arena_printf(a, "10.0.%d.%d", i >> 8, i & 255),
			.ip6 = arena_printf(a, "fd00::%x", i),
			.nofile = COUNT_UNSET,
		};
	return plan;
}

char *output_of(struct arena *a, const char *const argv[])
{
	int fds[2], status;
	char buf[4096];
	char *text = arena_strdup(a, "");
	ssize_t n;

	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	pid_t pid = fork();
	if (pid == 0) {
		dup2(fds[1], STDOUT_FILENO);
		execvp(argv[0], (char *const *)argv);
		_exit(127);
	}
	close(fds[1]);
	while ((n = read(fds[0], buf, sizeof(buf))) > 0)
		text = arena_printf(a, "%s%.*s", text, (int)n, buf);
	close(fds[0]);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%s ended with %#x", argv[0],
		      status);
	return text;
}
