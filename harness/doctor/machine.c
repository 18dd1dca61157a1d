/* SPDX-License-Identifier: MIT */
#include "harness/doctor/machine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/base/cleanup.h"

#define TEXT_BYTES_MAX ((size_t)64 * 1024)

char *machine_text(int root_fd, const char *name, struct arena *a)
{
	_cleanup_close_ int fd = openat(root_fd, name, O_RDONLY | O_CLOEXEC);
	char *text = fd < 0 ? NULL : arena_alloc(a, TEXT_BYTES_MAX + 1);
	size_t len = 0;
	ssize_t n = 1;

	while (text && n > 0 && len < TEXT_BYTES_MAX) {
		n = read(fd, text + len, TEXT_BYTES_MAX - len);
		if (n < 0 && errno == EINTR)
			n = 1;
		else if (n < 0)
			return NULL;
		else
			len += (size_t)n;
	}
	return text;
}

static bool exists(int root_fd, const char *name)
{
	return faccessat(root_fd, name, F_OK, 0) == 0;
}

static bool is_number(int root_fd, const char *name, char digit, struct arena *a)
{
	const char *text = machine_text(root_fd, name, a);

	return text && text[0] == digit;
}

/*
 * Masks of /proc: a kernel mounts no new proc inside a namespace while parts of the old one are
 * hidden (mount_too_revealing() in fs/namespace.c). Mounts on folders that exist only to be mounted
 * on hide nothing.
 */
static bool is_mask(const char *mount_point)
{
	return !strncmp(mount_point, "/proc/", strlen("/proc/")) &&
	       strcmp(mount_point, "/proc/sys/fs/binfmt_misc") != 0 &&
	       strcmp(mount_point, "/proc/fs/nfsd") != 0;
}

static void read_masks(int root_fd, struct doctor_machine *m, struct arena *a)
{
	char *save = NULL, *text = machine_text(root_fd, "proc/self/mountinfo", a);
	size_t used = 0;

	for (char *line = text ? strtok_r(text, "\n", &save) : NULL; line;
	     line = strtok_r(NULL, "\n", &save)) {
		char point[256];

		/* proc_pid_mountinfo(5): id, parent, device, root, mount point. */
		if (sscanf(line, "%*s %*s %*s %*s %255s", point) != 1 || !is_mask(point))
			continue;
		size_t len = strlen(point);
		if (used + len + 2 > sizeof(m->proc_masks))
			return; /* enough of them to see what they are */
		used += (size_t)snprintf(m->proc_masks + used, sizeof(m->proc_masks) - used, "%s%s",
					 used ? " " : "", point);
	}
}

static void read_container(int root_fd, struct doctor_machine *m, struct arena *a)
{
	static const struct {
		const char *file, *word;
		enum container_kind kind;
	} signs[] = {
		{"run/.containerenv", NULL, CONTAINER_PODMAN},
		{".dockerenv", NULL, CONTAINER_DOCKER},
		{"proc/1/cgroup", "libpod", CONTAINER_PODMAN},
		{"proc/1/cgroup", "kubepods", CONTAINER_OTHER},
		{"proc/1/cgroup", "docker", CONTAINER_DOCKER},
		{"proc/1/cgroup", "containerd", CONTAINER_OTHER},
		{"proc/1/cgroup", "lxc", CONTAINER_OTHER},
	};

	for (size_t i = 0; i < ARRAY_SIZE(signs); i++) {
		const char *text = signs[i].word ? machine_text(root_fd, signs[i].file, a) : NULL;

		if (signs[i].word ? !text || !strstr(text, signs[i].word)
				  : !exists(root_fd, signs[i].file))
			continue;
		m->container = signs[i].kind;
		snprintf(m->container_by, sizeof(m->container_by), "/%s", signs[i].file);
		return;
	}
	if (m->proc_masks[0]) {
		m->container = CONTAINER_OTHER;
		snprintf(m->container_by, sizeof(m->container_by), "/proc is masked");
	}
}

static void read_status(int root_fd, struct doctor_machine *m, struct arena *a)
{
	static const char caps[] = "\nCapEff:", seccomp[] = "\nSeccomp:";
	const char *text = machine_text(root_fd, "proc/self/status", a);
	const char *at;

	if (text && (at = strstr(text, caps)))
		m->capabilities = strtoull(at + strlen(caps), NULL, 16);
	if (text && (at = strstr(text, seccomp)))
		m->seccomp = strtol(at + strlen(seccomp), NULL, 10) != 0;
}

static void read_apparmor(int root_fd, struct doctor_machine *m, struct arena *a)
{
	const char *label = machine_text(root_fd, "proc/self/attr/apparmor/current", a);

	if (label)
		snprintf(m->apparmor, sizeof(m->apparmor), "%.*s", (int)strcspn(label, "\n"),
			 label);
	m->userns_by_apparmor =
		is_number(root_fd, "proc/sys/kernel/apparmor_restrict_unprivileged_userns", '1', a);
	m->profile_is_installed = exists(root_fd, "etc/apparmor.d/wirecut");
}

void machine_read(int root_fd, struct doctor_machine *ret)
{
	_cleanup_arena_ struct arena a = {0};

	*ret = (struct doctor_machine){.root = geteuid() == 0};
	read_status(root_fd, ret, &a);
	read_apparmor(root_fd, ret, &a);
	ret->userns_forbidden =
		is_number(root_fd, "proc/sys/kernel/unprivileged_userns_clone", '0', &a);
	read_masks(root_fd, ret, &a);
	read_container(root_fd, ret, &a);
}

bool machine_has_capability(const struct doctor_machine *m, int capability)
{
	return (m->capabilities >> capability & 1) != 0;
}

bool machine_is_confined(const struct doctor_machine *m)
{
	/* "unconfined", or a profile that only names: "wirecut (unconfined)". */
	return m->apparmor[0] && !strstr(m->apparmor, "unconfined");
}

bool machine_apparmor_confines(const struct doctor_machine *m)
{
	bool no_profile = !m->apparmor[0] || !strcmp(m->apparmor, "unconfined");

	return m->userns_by_apparmor && no_profile && !machine_has_capability(m, CAP_SYS_ADMIN);
}

const char *machine_container_name(const struct doctor_machine *m)
{
	static const char *const names[] = {
		[CONTAINER_NONE] = NULL,
		[CONTAINER_DOCKER] = "docker",
		[CONTAINER_PODMAN] = "podman",
		[CONTAINER_OTHER] = "container",
	};

	return names[m->container];
}
