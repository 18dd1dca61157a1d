/* SPDX-License-Identifier: MIT */
#include "harness/run/runqueue.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "harness/base/cleanup.h"

static nsec_t wait_of_thread(int task_fd, const char *tid)
{
	char path[300], text[128];
	long long wait = 0;

	snprintf(path, sizeof(path), "%s/schedstat", tid);
	_cleanup_close_ int fd = openat(task_fd, path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (n <= 0)
		return 0;
	text[n] = '\0';
	return sscanf(text, "%*d %lld", &wait) == 1 ? wait : 0;
}

nsec_t runqueue_wait(pid_t pid)
{
	char path[64];
	nsec_t sum = 0;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	DIR *d = opendir(path);
	if (!d)
		return 0;
	for (struct dirent *e; (e = readdir(d));)
		if (isdigit((unsigned char)e->d_name[0]))
			sum += wait_of_thread(dirfd(d), e->d_name);
	closedir(d);
	return sum;
}
