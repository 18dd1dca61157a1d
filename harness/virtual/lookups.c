/* SPDX-License-Identifier: MIT */
#include "harness/virtual/lookups.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "harness/base/cleanup.h"

/* What the guest, or a host in it, has of its own: this machine's is never seen by a program. */
static const char *const own_folders[] = {
	"/proc", "/sys", "/dev", "/tmp", "/run", "/var/run", "/var/tmp", "/var/lock",
};

/*
 * What the C library looks for in every program, and does well without. Each is here because a
 * program that only prints a line, resolves a name or starts another one was seen to look for it.
 */
static const struct {
	const char *start; /* of the path */
	const char *why;
} harmless[] = {
	{"/etc/ld.so.preload", "objects that this machine puts into every program"},
	{"/etc/ld.so.cache", "is packed where the loader finds something by it alone"},
	{"/usr/lib/locale/", "messages and sorting: those of the C locale in their stead"},
	{"/usr/share/locale/", "likewise"},
	{"/usr/share/locale-langpack/", "likewise"},
	{"/etc/locale.alias", "likewise"},
	{"/usr/share/zoneinfo/", "the time is shown in UTC, as everything of a guest's clock"},
	{"/etc/localtime", "likewise"},
	{"/etc/timezone", "likewise"},
	{"/etc/gai.conf", "which of a name's addresses goes first: by RFC 6724, as documented"},
	{"/etc/mtab", "a link into /proc"},
	{"/etc/nscd.conf", "of a daemon that no guest has"},
	{"/etc/shadow", "passwords: nobody logs in"},
	{"/etc/gshadow", "likewise"},
	{"/etc/machine-id", "a guest is no machine with a name of its own"},
	{"/etc/selinux/", "policies of this machine"},
	{"/usr/lib/x86_64-linux-gnu/gconv/gconv-modules.cache", "UTF-8 needs no module"},
};

/* Wherever it stands in the path: variants of objects for better processors (ld.so(8)). */
static const char hwcaps[] = "/glibc-hwcaps";

static bool is_within(const char *path, const char *folder)
{
	size_t len = strlen(folder);

	return !strncmp(path, folder, len) && (path[len] == '/' || path[len] == '\0');
}

/* True of wirecut's working folder and that of the scenario: hosts see them wherever they are. */
static bool is_kept(const char *path, const struct pack_input *in, struct arena *a)
{
	const char *file = in->plan->file, *slash = strrchr(file, '/');
	const char *folder =
		file[0] == '/' ? arena_strndup(a, file, (size_t)(slash - file))
		: slash ? arena_printf(a, "%s/%.*s", in->start_dir, (int)(slash - file), file)
			: in->start_dir;

	return is_within(path, in->start_dir) || is_within(path, folder);
}

static bool is_own(const char *path, const struct pack_input *in, struct arena *a)
{
	if (is_kept(path, in, a))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(own_folders); i++)
		if (is_within(path, own_folders[i]))
			return true;
	return false;
}

/* True of what the run stage makes for the hosts, and the folders above it. */
static bool is_of_the_scenario(const char *path, const struct plan *plan)
{
	vec_foreach (file, &plan->files)
		if (is_within(file->path, path))
			return true;
	return false;
}

static bool is_harmless(const char *path)
{
	if (strstr(path, hwcaps))
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(harmless); i++)
		if (!strncmp(path, harmless[i].start, strlen(harmless[i].start)))
			return true;
	return false;
}

/* True if this machine has it, and the guest could not. */
static bool is_not_packed(const char *path, const struct pack_input *in,
			  const struct fileset *packed, struct arena *a)
{
	char real[PATH_MAX];
	struct stat st;

	if (is_own(path, in, a) || is_of_the_scenario(path, in->plan) || is_harmless(path) ||
	    stat(path, &st) < 0 || (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)) ||
	    !realpath(path, real))
		return false;
	/* What was packed and then not there has been removed by a program. */
	return !is_own(real, in, a) && !fileset_find(packed, real);
}

/*
 * A relative path counts from the folder in which its program was then. Which one that was nobody
 * told: it is tried with those in which programs are started.
 */
static const char *find(const char *path, const struct pack_input *in, const struct fileset *packed,
			struct arena *a)
{
	if (path[0] == '/')
		return is_not_packed(path, in, packed, a) ? path : NULL;
	vec_foreach (app, &in->plan->apps) {
		const char *absolute = app->cwd ? arena_printf(a, "%s/%s", app->cwd, path) : NULL;

		if (absolute && is_not_packed(absolute, in, packed, a))
			return absolute;
	}
	return NULL;
}

void lookups_not_packed(const char *text, const struct pack_input *in, const struct fileset *packed,
			struct arena *a, struct not_packed *ret)
{
	VEC(struct not_packed_file) found = {0};
	struct not_packed all;

	not_packed_read(text, a, &all);
	for (size_t i = 0; i < all.n; i++) {
		const char *path = find(all.v[i].path, in, packed, a);

		if (path)
			*vec_push(a, &found) =
				(struct not_packed_file){arena_strdup(a, path), all.v[i].program};
	}
	*ret = (struct not_packed){found.v, found.n};
}
