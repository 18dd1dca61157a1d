/* SPDX-License-Identifier: MIT */
/*
 * A snapshot is made in a folder beside its place, under a lock, and renamed to it when it is whole. The
 * lock's file goes with the lock; so who has got the lock of a file that is no longer there, or another
 * one, tries again. What a killed one has left, the next one that makes any snapshot removes.
 * Whoever uses one holds a shared lock on its `state`; it is removed only by who gets an exclusive
 * one, after the folder has been renamed away, so nobody can find it half removed.
 */
#include "harness/virtual/snapshot.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/base/cleanup.h"
#include "harness/base/io.h"
#include "harness/virtual/channel.h"
#include "harness/virtual/console.h"

/* A boot takes five seconds on an idle machine; this is a guard. */
#define BOOT_WITHIN (300 * NSEC_PER_SEC)
#define PREFIX      "snapshot-"
#define LOCK        ".lock-"
#define MAKING      ".making-"
/* One file's room in a name of ours. */
#define NAME_ROOM 64

void snapshot_configure(const struct guest_image *image, struct qemu_config *c)
{
	c->program = image->qemu;
	c->kernel = image->kernel.image;
	c->initrd_fd = image->initrd_fd;
	c->command_line = image_command_line;
}

/* --- the cache --- */

/* With errno set. */
static int cannot_write(const char *path, struct err *err)
{
	return err_set(
		err,
		"the folder %s for the guests' snapshots cannot be written: %s; name another "
		"by WIRECUT_CACHE",
		path, strerror(errno));
}

static char *cache_dir(struct arena *a, struct err *err)
{
	const char *own = getenv("WIRECUT_CACHE"), *xdg = getenv("XDG_CACHE_HOME"),
		   *home = getenv("HOME");
	char *dir = NULL;

	if (own && *own)
		dir = arena_strdup(a, own);
	else if (xdg && *xdg == '/')
		dir = arena_printf(a, "%s/wirecut", xdg);
	else if (home && *home == '/')
		dir = arena_printf(a, "%s/.cache/wirecut", home);
	else
		err_set(err, "there is no place for the guests' snapshots: name a folder by "
			     "WIRECUT_CACHE");
	if (dir && io_make_dirs(dir) < 0) {
		cannot_write(dir, err);
		return NULL;
	}
	return dir;
}

/* Opens the snapshot of this name and marks it used; -1 with errno ENOENT: there is none. */
static int open_existing(const char *dir, const char *name, struct arena *a, struct snapshot *ret)
{
	char *folder = arena_printf(a, "%s/%s", dir, name);
	_cleanup_close_ int fd = open(arena_printf(a, "%s/state", folder), O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || flock(fd, LOCK_SH) < 0)
		return -1;
	/* It may have been removed between the two. */
	ret->ram = arena_printf(a, "%s/ram", folder);
	if (stat(ret->ram, &st) < 0)
		return -1;
	(void)utimensat(AT_FDCWD, folder, NULL, 0);
	ret->state_fd = TAKE_FD(fd);
	return 0;
}

/* --- removing old ones --- */

static void remove_folder(int dir_fd, const char *name)
{
	static const char *const files[] = {"ram", "state", "console.log"};
	char path[NAME_MAX + NAME_ROOM];

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		snprintf(path, sizeof(path), "%s/%s", name, files[i]);
		unlinkat(dir_fd, path, 0);
	}
	unlinkat(dir_fd, name, AT_REMOVEDIR);
}

/* At once for whoever looks for it. */
static void take_away(int dir_fd, const char *name)
{
	char away[NAME_MAX + NAME_ROOM];

	snprintf(away, sizeof(away), ".removed-%s", name);
	if (renameat(dir_fd, name, dir_fd, away) == 0)
		remove_folder(dir_fd, away);
}

struct candidate {
	char name[NAME_MAX + 1];
	struct timespec used;
};

static int by_use(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	if (x->used.tv_sec != y->used.tv_sec)
		return x->used.tv_sec > y->used.tv_sec ? -1 : 1;
	return x->used.tv_nsec > y->used.tv_nsec ? -1 : x->used.tv_nsec < y->used.tv_nsec;
}

/* Unless somebody uses it. */
static void remove_snapshot(int dir_fd, const char *name)
{
	char path[NAME_MAX + NAME_ROOM];

	snprintf(path, sizeof(path), "%s/state", name);
	_cleanup_close_ int fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0)
		return;
	take_away(dir_fd, name);
}

/* Whether the open file is the one of that name. */
static bool is_in_place(int fd, int dir_fd, const char *name)
{
	struct stat ours, there;

	return fstat(fd, &ours) == 0 && fstatat(dir_fd, name, &there, 0) == 0 &&
	       ours.st_ino == there.st_ino && ours.st_dev == there.st_dev;
}

/* Only if it is still the one that is in its place. */
void snapshot_discard(const struct snapshot *s)
{
	_cleanup_arena_ struct arena a = {0};
	char *folder = arena_strndup(&a, s->ram, (size_t)(strrchr(s->ram, '/') - s->ram));
	char *name = strrchr(folder, '/');
	char path[NAME_MAX + NAME_ROOM];

	if (!name)
		return;
	*name++ = '\0';
	_cleanup_close_ int dir_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	snprintf(path, sizeof(path), "%s/state", name);
	if (dir_fd < 0 || !is_in_place(s->state_fd, dir_fd, path))
		return;
	take_away(dir_fd, name);
}

static void remove_old(const char *dir, struct arena *a)
{
	VEC(struct candidate) found = {0};
	DIR *d = opendir(dir);
	struct stat st;

	if (!d)
		return;
	for (struct dirent *e; (e = readdir(d));) {
		if (strncmp(e->d_name, PREFIX, strlen(PREFIX)) != 0 ||
		    fstatat(dirfd(d), e->d_name, &st, 0) < 0 || !S_ISDIR(st.st_mode))
			continue;
		struct candidate *c = vec_push(a, &found);
		snprintf(c->name, sizeof(c->name), "%s", e->d_name);
		c->used = st.st_mtim;
	}
	if (found.n > SNAPSHOTS_KEPT) {
		qsort(found.v, found.n, sizeof(*found.v), by_use);
		for (size_t i = SNAPSHOTS_KEPT; i < found.n; i++)
			remove_snapshot(dirfd(d), found.v[i].name);
	}
	closedir(d);
}

/* --- the lock --- */

/* Waits for who has it. `name` is that of its file. */
static int take_lock(int dir_fd, const char *dir, const char *name, struct err *err)
{
	for (;;) {
		_cleanup_close_ int fd = openat(dir_fd, name, O_RDWR | O_CREAT | O_CLOEXEC, 0644);

		if (fd < 0)
			return cannot_write(dir, err);
		if (TEMP_FAILURE_RETRY(flock(fd, LOCK_EX)) < 0)
			return err_errno(err, "lock the snapshots in %s", dir);
		if (is_in_place(fd, dir_fd, name))
			return TAKE_FD(fd);
	}
}

/* What was in the making under a lock that nobody has any more. */
static void remove_abandoned(int dir_fd, const char *lock)
{
	char making[NAME_MAX + NAME_ROOM];
	_cleanup_close_ int fd = openat(dir_fd, lock, O_RDWR | O_CLOEXEC);

	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0 || !is_in_place(fd, dir_fd, lock))
		return;
	snprintf(making, sizeof(making), MAKING "%s", lock + strlen(LOCK));
	remove_folder(dir_fd, making);
	unlinkat(dir_fd, lock, 0);
}

static void remove_all_abandoned(const char *dir)
{
	DIR *d = opendir(dir);

	if (!d)
		return;
	for (struct dirent *e; (e = readdir(d));)
		if (!strncmp(e->d_name, LOCK, strlen(LOCK)))
			remove_abandoned(dirfd(d), e->d_name);
	closedir(d);
}

/* --- making one --- */

/* The files of a snapshot in the making. */
struct making {
	char *folder, *ram;
	int ram_fd, state_fd, console_fd, channel_fd;
};

static void close_making(struct making *m)
{
	int *fds[] = {&m->ram_fd, &m->state_fd, &m->console_fd, &m->channel_fd};

	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		if (*fds[i] >= 0)
			close(TAKE_FD(*fds[i]));
}

static int open_making(struct making *m, struct arena *a, struct err *err)
{
	const int flags = O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC;

	if (mkdir(m->folder, 0755) < 0 && errno != EEXIST)
		return err_errno(err, "make the folder %s", m->folder);
	m->ram = arena_printf(a, "%s/ram", m->folder);
	m->ram_fd = open(m->ram, flags, 0644);
	m->state_fd = open(arena_printf(a, "%s/state", m->folder), flags, 0644);
	m->console_fd = open(arena_printf(a, "%s/console.log", m->folder), flags | O_APPEND, 0644);
	m->channel_fd = memfd_create("wirecut-channel", MFD_CLOEXEC);
	if (m->ram_fd < 0 || m->state_fd < 0 || m->console_fd < 0 || m->channel_fd < 0 ||
	    ftruncate(m->channel_fd, CHANNEL_SIZE) < 0)
		return err_errno(err, "make the files of a snapshot in %s", m->folder);
	return 0;
}

/* A full disk would only show when a guest that uses the file's pages is killed by it. */
static int reserve_ram(const struct making *m, int memory_mib, struct err *err)
{
	int rc = posix_fallocate(m->ram_fd, 0, (off_t)memory_mib << 20);

	if (rc == 0)
		return 0;
	return err_set(err,
		       "make room for a guest's RAM (%d MiB) in %s: %s; make room there, or name "
		       "another folder by WIRECUT_CACHE",
		       memory_mib, m->ram, strerror(rc));
}

/* A kernel that cannot even say that it panics may be none. */
static void explain(const struct guest_image *image, int console_fd, struct err *err)
{
	struct stat st;
	size_t used = strlen(err->msg);

	console_explain(console_fd, err);
	if (fstat(console_fd, &st) == 0 && st.st_size == 0)
		snprintf(err->msg + used, sizeof(err->msg) - used,
			 "; the guest said nothing: is %s a whole kernel, and %s a QEMU?",
			 image->kernel.image, image->qemu);
}

static int boot(const struct guest_image *image, const struct qemu_config *like, struct making *m,
		struct err *err)
{
	nsec_t deadline = nsec_monotonic() + BOOT_WITHIN;
	bool exact;
	struct qemu q = {0};
	struct qemu_config c = {
		.memory_mib = like->memory_mib,
		.ram = m->ram,
		.channel_fd = m->channel_fd,
		.console_fd = m->console_fd,
		.state_fd = -1,
		.seed = 1, /* the same for all: each restore has its own */
		.cpu = like->cpu,
		.cancel_fd = like->cancel_fd,
	};

	snapshot_configure(image, &c);
	int rc = qemu_start(&c, &q, err);
	if (rc == 0)
		rc = qemu_continue(&q, deadline, &exact, err);
	if (rc == 0)
		rc = qemu_wait_stopped(&q, deadline, err);
	if (rc == 0)
		rc = qemu_save(&q, m->state_fd, deadline, err);
	qemu_end(&q);
	if (rc < 0)
		explain(image, m->console_fd, err);
	if (rc == 0 && (fsync(m->ram_fd) < 0 || fsync(m->state_fd) < 0))
		return err_errno(err, "write a snapshot to %s", m->folder);
	return rc;
}

static int make(const char *dir, const char *name, const struct guest_image *image,
		const struct qemu_config *like, struct arena *a, struct err *err)
{
	struct making m = {.folder = arena_printf(a, "%s/" MAKING "%s", dir, name),
			   .ram_fd = -1,
			   .state_fd = -1,
			   .console_fd = -1,
			   .channel_fd = -1};
	_cleanup_close_ int dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dir_fd < 0)
		return err_errno(err, "%s", dir);
	int rc = open_making(&m, a, err);
	if (rc == 0)
		rc = reserve_ram(&m, like->memory_mib, err);
	if (rc == 0)
		rc = boot(image, like, &m, err);
	close_making(&m);
	if (rc == 0 && rename(m.folder, arena_printf(a, "%s/%s", dir, name)) < 0)
		rc = err_errno(err, "put a snapshot in its place in %s", dir);
	if (rc < 0)
		remove_folder(dir_fd, strrchr(m.folder, '/') + 1);
	remove_old(dir, a);
	remove_all_abandoned(dir);
	return rc < 0 ? err_wrap(err, "boot Linux %s", image->kernel.release) : 0;
}

/* Under the lock: unless another has made it meanwhile. */
static int open_or_make(const char *dir, const char *name, const struct guest_image *image,
			const struct qemu_config *config, const struct boot_watch *watch,
			struct arena *a, struct snapshot *ret, struct err *err)
{
	if (open_existing(dir, name, a, ret) == 0)
		return 0;
	watch->begins(watch->arg);
	if (make(dir, name, image, config, a, err) < 0)
		return -1;
	if (open_existing(dir, name, a, ret) < 0)
		return err_errno(err, "open the snapshot %s/%s", dir, name);
	ret->is_fresh = true;
	return 0;
}

int snapshot_open(const struct guest_image *image, const struct qemu_config *config,
		  const struct boot_watch *watch, struct arena *a, struct snapshot *ret,
		  struct err *err)
{
	char *dir = cache_dir(a, err);
	char *name = arena_printf(a, PREFIX "%016llx-%d", (unsigned long long)image->key,
				  config->memory_mib);
	char *lock_name = arena_printf(a, LOCK "%s", name);

	*ret = (struct snapshot){.state_fd = -1};
	if (!dir)
		return -1;
	if (open_existing(dir, name, a, ret) == 0)
		return 0;
	/* One makes it, the others wait, and then find it. */
	_cleanup_close_ int dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir_fd < 0)
		return cannot_write(dir, err);
	_cleanup_close_ int lock = take_lock(dir_fd, dir, lock_name, err);
	if (lock < 0)
		return -1;
	int rc = open_or_make(dir, name, image, config, watch, a, ret, err);
	unlinkat(dir_fd, lock_name, 0);
	return rc;
}
