/* SPDX-License-Identifier: MIT */
/*
 * A host's private files.
 *
 * /tmp, /run and /var/tmp become empty tmpfs mounts; that also hides the sockets of the machine's
 * resolver daemons (nscd, systemd-resolved), so names come from the private /etc/hosts. Folders
 * that the run needs and that lie under one of them are bound back in.
 *
 * A private file at PATH is made in the simplest way that leaves the machine alone:
 *
 *   PATH lies in one of the private folders     it is written there
 *   PATH exists on the machine                  the private text is bound over it
 *   PATH does not exist                         its folder is replaced by a tmpfs "farm": a
 *                                               symlink to each entry of the original, which stays
 *                                               reachable below /run/wirecut; then it is written
 *
 * The farm needs no overlayfs, which is missing in some kernels and refused in some containers.
 */
#include "harness/run/hostfs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "harness/base/cleanup.h"
#include "harness/base/io.h"

#define STAGE_DIR "/run/wirecut"
/* As many as the kernel follows in one path (MAXSYMLINKS). */
#define MAX_SYMLINKS 40

/* What is made for one host, while it is made. */
struct hostfs {
	struct arena arena;
	VEC(char *) farms; /* folders that are a tmpfs of ours already */
	int n_bound;       /* texts that were bound over a file */
};

static const struct {
	const char *path;
	const char *options;
} private_dirs[] = {
	{"/tmp", "mode=1777"},
	{"/var/tmp", "mode=1777"},
	{"/run", "mode=755"},
};

int hostfs_make_dirs(const char *path, struct err *err)
{
	char buf[PATH_MAX];

	if (snprintf(buf, sizeof(buf), "%s", path) >= (int)sizeof(buf))
		return err_set(err, "make folder %s: the path is too long", path);
	return io_make_dirs(buf) < 0 ? err_errno(err, "make folder %s", buf) : 0;
}

static bool is_below(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	return !strncmp(path, dir, n) && (path[n] == '/' || path[n] == '\0');
}

static bool is_private(const struct hostfs *fs, const char *path)
{
	vec_foreach (farm, &fs->farms)
		if (is_below(path, *farm))
			return true;
	for (size_t i = 0; i < ARRAY_SIZE(private_dirs); i++)
		if (is_below(path, private_dirs[i].path))
			return true;
	return false;
}

static int bind_fd(int fd, const char *target, struct err *err)
{
	char source[64];

	snprintf(source, sizeof(source), "/proc/self/fd/%d", fd);
	if (mount(source, target, NULL, MS_BIND | MS_REC, NULL) < 0)
		return err_errno(err, "bind over %s", target);
	return 0;
}

/* The path with every symlink followed, also where the last links lead to nothing. */
static int follow_links(const char *path, char *ret, struct err *err)
{
	char link[PATH_MAX], next[PATH_MAX];

	snprintf(ret, PATH_MAX, "%s", path);
	for (int i = 0; i < MAX_SYMLINKS; i++) {
		ssize_t n = readlink(ret, link, sizeof(link) - 1);

		if (n < 0)
			return 0; /* not a link, or not there */
		link[n] = '\0';
		char *slash = strrchr(ret, '/');
		int dir_len = link[0] == '/' ? 0 : (int)(slash - ret) + 1;

		if (snprintf(next, sizeof(next), "%.*s%s", dir_len, ret, link) >= (int)sizeof(next))
			break;
		/* realpath() cannot name what is missing, but it tidies what is there. */
		if (!realpath(next, ret))
			snprintf(ret, PATH_MAX, "%s", next);
	}
	return err_set(err, "private file %s: too many symbolic links", path);
}

static int farm_entry(const char *name, const char *dir, const char *original, struct err *err)
{
	char from[PATH_MAX], to[PATH_MAX];

	if (!strcmp(name, ".") || !strcmp(name, ".."))
		return 0;
	if (snprintf(from, sizeof(from), "%s/%s", original, name) >= (int)sizeof(from) ||
	    snprintf(to, sizeof(to), "%s/%s", dir, name) >= (int)sizeof(to))
		return err_set(err, "make %s private: a path is too long", dir);
	if (symlink(from, to) < 0)
		return err_errno(err, "make %s private: link %s", dir, name);
	return 0;
}

/* Replaces a folder of the machine by a tmpfs with a symlink to each of its entries. */
static int farm_create(struct hostfs *fs, const char *dir, struct err *err)
{
	char original[64];

	snprintf(original, sizeof(original), STAGE_DIR "/dirs/%zu", fs->farms.n);
	if (hostfs_make_dirs(original, err) < 0)
		return -1;
	/* NOLINTNEXTLINE(readability-suspicious-call-argument): what is at `dir` also at `original` */
	if (mount(dir, original, NULL, MS_BIND | MS_REC, NULL) < 0 ||
	    mount("wirecut", dir, "tmpfs", MS_NOSUID | MS_NODEV, "mode=755") < 0)
		return err_errno(err, "make %s private", dir);
	DIR *d = opendir(original);
	if (!d)
		return err_errno(err, "read %s", dir);
	int rc = 0;
	for (struct dirent *e; rc == 0 && (e = readdir(d));)
		rc = farm_entry(e->d_name, dir, original, err);
	closedir(d);
	*vec_push(&fs->arena, &fs->farms) = arena_strdup(&fs->arena, dir);
	return rc;
}

static int write_text(const char *path, const char *text, struct err *err)
{
	_cleanup_close_ int fd =
		open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);

	if (fd < 0 || io_write_all(fd, text, strlen(text)) < 0)
		return err_errno(err, "private file %s", path);
	return 0;
}

static int bind_text(struct hostfs *fs, const char *target, const char *text, struct err *err)
{
	char staged[64];

	snprintf(staged, sizeof(staged), STAGE_DIR "/files/%d", fs->n_bound++);
	if (hostfs_make_dirs(STAGE_DIR "/files", err) < 0 || write_text(staged, text, err) < 0)
		return -1;
	if (mount(staged, target, NULL, MS_BIND, NULL) < 0)
		return err_errno(err, "bind a private file over %s", target);
	return 0;
}

/* The nearest folder above `path` that exists, into `dir`. */
static void nearest_dir(const char *path, char *dir)
{
	struct stat st;

	snprintf(dir, PATH_MAX, "%s", path);
	do
		*strrchr(dir, '/') = '\0';
	while (dir[0] && (stat(dir, &st) < 0 || !S_ISDIR(st.st_mode)));
}

static int make_private_file(struct hostfs *fs, const char *path, const char *text, struct err *err)
{
	char target[PATH_MAX], dir[PATH_MAX], parent[PATH_MAX];

	if (follow_links(path, target, err) < 0)
		return -1;
	if (!is_private(fs, target) && access(target, F_OK) == 0)
		return bind_text(fs, target, text, err);
	nearest_dir(target, dir);
	if (!dir[0])
		return err_set(err,
			       "private file %s: put it into a folder that exists, or into /tmp",
			       path);
	if (!is_private(fs, dir) && farm_create(fs, dir, err) < 0)
		return -1;
	snprintf(parent, sizeof(parent), "%s", target);
	*strrchr(parent, '/') = '\0';
	if (hostfs_make_dirs(parent, err) < 0)
		return -1;
	return write_text(target, text, err);
}

/* /etc/hosts: every host of the run by name; a group's name means its first member. */
static int make_hosts_file(struct hostfs *fs, const struct plan *plan, struct err *err)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);
	const char *group = "";

	if (!f)
		return err_errno(err, "make /etc/hosts");
	fputs("127.0.0.1 localhost\n::1 localhost ip6-localhost\n", f);
	vec_foreach (h, &plan->hosts) {
		bool first = strcmp(h->group, group) != 0 && strcmp(h->group, h->name) != 0;

		fprintf(f, "%s %s%s%s\n", h->ip4, h->name, first ? " " : "", first ? h->group : "");
		fprintf(f, "%s %s%s%s\n", h->ip6, h->name, first ? " " : "", first ? h->group : "");
		group = h->group;
	}
	fclose(f);
	int rc = make_private_file(fs, "/etc/hosts", text, err);
	free(text);
	return rc;
}

static int make_resolver_files(struct hostfs *fs, const struct plan *plan, const struct host *h,
			       struct err *err)
{
	char name[128];

	snprintf(name, sizeof(name), "%s\n", h->plan->name);
	if (make_hosts_file(fs, plan, err) < 0 ||
	    make_private_file(fs, "/etc/resolv.conf", "# no name server on this host\n", err) < 0 ||
	    make_private_file(fs, "/etc/nsswitch.conf",
			      "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\n"
			      "services: files\nprotocols: files\n",
			      err) < 0)
		return -1;
	return make_private_file(fs, "/etc/hostname", name, err);
}

static int make_private_dirs(const struct hostfs *fs, const char *const *keep_dirs, struct err *err)
{
	int fds[16];
	size_t n = 0;
	int rc = 0;

	while (n < ARRAY_SIZE(fds) && keep_dirs[n]) {
		fds[n] = open(keep_dirs[n], O_PATH | O_DIRECTORY | O_CLOEXEC);
		n++;
	}
	for (size_t i = 0; i < ARRAY_SIZE(private_dirs) && rc == 0; i++) {
		char real[PATH_MAX];

		/* A machine without it, or with /var/tmp -> /tmp, has nothing to hide there. */
		if (!realpath(private_dirs[i].path, real) ||
		    strcmp(real, private_dirs[i].path) != 0)
			continue;
		if (mount("wirecut", real, "tmpfs", MS_NOSUID | MS_NODEV, private_dirs[i].options) <
		    0)
			rc = err_errno(err, "mount a private %s", real);
	}
	for (size_t i = 0; i < n && rc == 0; i++)
		if (fds[i] >= 0 && is_private(fs, keep_dirs[i]))
			rc = hostfs_make_dirs(keep_dirs[i], err) < 0
				     ? -1
				     : bind_fd(fds[i], keep_dirs[i], err);
	for (size_t i = 0; i < n; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	return rc;
}

int hostfs_create(const struct hosts_config *config, const struct host *h, struct err *err)
{
	struct hostfs fs = {0};
	int rc = 0;

	if (make_private_dirs(&fs, config->keep_dirs, err) < 0 ||
	    make_resolver_files(&fs, config->plan, h, err) < 0)
		rc = -1;
	vec_foreach (f, &config->plan->files) {
		if (rc == 0 && f->host == h->index)
			rc = make_private_file(&fs, f->path, f->text, err);
	}
	arena_free(&fs.arena);
	return rc;
}

/* --- a full /tmp --- */

/* A program that writes between the look and the change makes the new limit too small (EINVAL). */
#define FILL_ROUNDS 16

static int limit_tmp(uint64_t bytes, struct err *err)
{
	char options[64];

	snprintf(options, sizeof(options), "size=%llu", (unsigned long long)bytes);
	if (mount("wirecut", "/tmp", "tmpfs", MS_REMOUNT | MS_NOSUID | MS_NODEV, options) < 0)
		return err_errno(err, "limit the private /tmp to %llu bytes",
				 (unsigned long long)bytes);
	return 0;
}

static int look_at_tmp(struct statvfs *ret, struct err *err)
{
	struct statfs fs;
	struct stat link;

	if (lstat("/tmp", &link) < 0 || statfs("/tmp", &fs) < 0 || statvfs("/tmp", ret) < 0)
		return err_errno(err, "look at /tmp");
	if (!S_ISDIR(link.st_mode) || fs.f_type != TMPFS_MAGIC)
		return err_set(err, "/tmp is not private: on this machine it leads elsewhere");
	return 0;
}

/* Writes until there is no room. */
static int write_filler(int *ret_fd, struct err *err)
{
	static const char zeros[4096];
	_cleanup_close_ int fd = open("/tmp", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);

	if (fd < 0)
		return err_errno(err, "fill /tmp");
	while (TEMP_FAILURE_RETRY(write(fd, zeros, sizeof(zeros))) > 0)
		;
	if (errno != ENOSPC)
		return err_errno(err, "fill /tmp");
	*ret_fd = TAKE_FD(fd);
	return 0;
}

int hostfs_fill_tmp(struct tmp_fill *ret, struct err *err)
{
	struct statvfs fs = {0};

	*ret = (struct tmp_fill){.filler_fd = -1};
	for (int round = 0; round < FILL_ROUNDS; round++) {
		if (look_at_tmp(&fs, err) < 0)
			return -1;
		if (!round)
			ret->size_bytes = (uint64_t)fs.f_blocks * fs.f_frsize;
		uint64_t used = (uint64_t)(fs.f_blocks - fs.f_bfree) * fs.f_frsize;
		/* A limit of 0 would be none at all. */
		if (limit_tmp(used ? used : fs.f_frsize, err) == 0)
			return write_filler(&ret->filler_fd, err);
		if (errno != EINVAL)
			return -1;
	}
	return -1;
}

int hostfs_empty_tmp(struct tmp_fill *fill, struct err *err)
{
	if (fill->filler_fd >= 0)
		close(TAKE_FD(fill->filler_fd));
	return limit_tmp(fill->size_bytes, err);
}
