/* SPDX-License-Identifier: MIT */
#include "harness/tests/fake_root.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "harness/base/cleanup.h"
#include "harness/base/io.h"
#include "harness/tests/netns.h"

int fake_root(void)
{
	if (!fresh_namespaces() || mount("tmpfs", "/tmp", "tmpfs", 0, NULL) < 0)
		return -1;
	return open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

bool fake_root_put(int root_fd, const char *name, const char *text)
{
	for (const char *slash = strchr(name, '/'); slash; slash = strchr(slash + 1, '/')) {
		char folder[128];

		snprintf(folder, sizeof(folder), "%.*s", (int)(slash - name), name);
		(void)mkdirat(root_fd, folder, 0755);
	}
	_cleanup_close_ int fd =
		openat(root_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	return fd >= 0 && io_write_all(fd, text, strlen(text)) == 0;
}
