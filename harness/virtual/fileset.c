/* SPDX-License-Identifier: MIT */
/*
 * A path is walked component by component, as the kernel does it, with every link and folder on the
 * way put into the set. What the set has goes before what the machine has: a file that was made for
 * the guest is not overwritten by one of the machine's.
 *
 * The entries are one sorted array. Putting one in moves the pointers behind it, which for the few
 * thousand files of a guest costs less than sorting at the end would, and there is no state in
 * which the set is not sorted.
 */
#include "harness/virtual/fileset.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/base/cleanup.h"

/* As many as the kernel follows in one path (MAXSYMLINKS). */
#define MAX_LINKS 40
/* How many of the largest files a set that is too large names. */
#define LARGEST_NAMED 3
#define BYTES_PER_MIB (1024.0 * 1024.0)

void fileset_init(struct fileset *set, uint64_t max_bytes, struct arena *a)
{
	*set = (struct fileset){.arena = a, .max_bytes = max_bytes};
}

/* Where the path is, or where it would have to be put in. */
static size_t position(const struct fileset *set, const char *path)
{
	size_t low = 0, high = set->entries.n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(set->entries.v[middle]->path, path) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct fileset_entry *find(const struct fileset *set, const char *path)
{
	size_t at = position(set, path);

	if (at == set->entries.n || strcmp(set->entries.v[at]->path, path) != 0)
		return NULL;
	return set->entries.v[at];
}

const struct fileset_entry *fileset_find(const struct fileset *set, const char *path)
{
	return find(set, path);
}

/* The set as it would be with `added`: the error names the largest files of all. */
static int too_large(struct fileset *set, const struct fileset_entry *added, struct err *err)
{
	const struct fileset_entry *largest[LARGEST_NAMED + 1] = {added};
	char names[sizeof(err->msg) / 2] = "";
	size_t len = 0;

	for (size_t i = 0; i < set->entries.n; i++) {
		const struct fileset_entry *e = set->entries.v[i];
		size_t at = LARGEST_NAMED;

		for (; at > 0 && (!largest[at - 1] || largest[at - 1]->bytes < e->bytes); at--)
			largest[at] = largest[at - 1];
		largest[at] = e;
	}
	for (size_t i = 0; i < LARGEST_NAMED && largest[i] && len < sizeof(names); i++)
		len += (size_t)snprintf(names + len, sizeof(names) - len, "%s%s (%.1f MiB)",
					i ? ", " : "", largest[i]->path,
					(double)largest[i]->bytes / BYTES_PER_MIB);
	set->is_too_large = true;
	return err_set(err, "the guest's files come to more than %.1f MiB; the largest: %s",
		       (double)set->max_bytes / BYTES_PER_MIB, names);
}

/* Puts an entry in, or in the place of what has its path. */
static int put(struct fileset *set, const struct fileset_entry *e, struct err *err)
{
	size_t at = position(set, e->path);
	struct fileset_entry *old = find(set, e->path);
	uint64_t others = set->bytes - (old ? old->bytes : 0);

	if (old && (old->kind == FILESET_FOLDER) != (e->kind == FILESET_FOLDER))
		return err_set(err, "%s is both a folder and a file", e->path);
	if (e->bytes > set->max_bytes || others > set->max_bytes - e->bytes)
		return too_large(set, e, err);
	set->bytes = others + e->bytes;
	if (old) {
		*old = *e;
		return 0;
	}
	struct fileset_entry *copy = arena_new(set->arena, struct fileset_entry);
	*copy = *e;
	(void)vec_push(set->arena, &set->entries);
	memmove(&set->entries.v[at + 1], &set->entries.v[at],
		(set->entries.n - 1 - at) * sizeof(struct fileset_entry *));
	set->entries.v[at] = copy;
	return 0;
}

static int put_folder(struct fileset *set, const char *path, struct err *err)
{
	return put(set,
		   &(struct fileset_entry){.path = arena_strdup(set->arena, path),
					   .kind = FILESET_FOLDER,
					   .mode = FILESET_FOLDER_MODE},
		   err);
}

static int put_file(struct fileset *set, const char *path, const char *source,
		    const struct stat *st, int64_t mtime_s, struct err *err)
{
	char *copy = arena_strdup(set->arena, path);
	struct fileset_entry e = {
		.path = copy,
		.kind = FILESET_FILE,
		.mode = st->st_mode & S_IXUSR ? FILESET_PROGRAM_MODE : FILESET_FILE_MODE,
		.mtime_s = mtime_s,
		.bytes = (uint64_t)st->st_size,
		.source = source ? arena_strdup(set->arena, source) : copy,
	};

	return put(set, &e, err);
}

static int put_link(struct fileset *set, const char *path, const char *target, struct err *err)
{
	return put(set,
		   &(struct fileset_entry){.path = arena_strdup(set->arena, path),
					   .kind = FILESET_LINK,
					   .mode = 0777,
					   .target = arena_strdup(set->arena, target)},
		   err);
}

/* --- walking --- */

struct walk {
	struct fileset *set;
	const char *path;    /* as it was given */
	char done[PATH_MAX]; /* what was walked, with its links followed; "" is the root */
	char rest[PATH_MAX]; /* what is left to walk: nothing, or from a slash on */
	int links;           /* followed so far */
	bool make;           /* folders that are nowhere are made */
	bool keep_mtime;
};

/* Goes on with the target of the link at `at`, in the folder `done`, before the rest. */
static int follow(struct walk *w, const char *at, const char *target, struct err *err)
{
	char rest[PATH_MAX];

	if (++w->links > MAX_LINKS)
		return err_set(err, "%s: too many symbolic links (at %s)", w->path, at);
	if (snprintf(rest, sizeof(rest), "%s%s", target, w->rest) >= (int)sizeof(rest))
		return err_set(err, "%s: too long with its links followed", w->path);
	memcpy(w->rest, rest, sizeof(rest));
	if (target[0] == '/')
		w->done[0] = '\0';
	return 0;
}

static int follow_machines(struct walk *w, const char *at, struct err *err)
{
	char target[PATH_MAX];
	ssize_t n = readlink(at, target, sizeof(target) - 1);

	if (n < 0)
		return err_errno(err, "%s: read the link %s", w->path, at);
	target[n] = '\0';
	if (put_link(w->set, at, target, err) < 0)
		return -1;
	return follow(w, at, target, err);
}

/* Takes the last component of what is done away. */
static void go_up(struct walk *w)
{
	char *slash = strrchr(w->done, '/');

	if (slash)
		*slash = '\0';
}

/* Enters `at`, which is not in the set: from the machine, or made. */
static int enter_machines(struct walk *w, const char *at, bool is_last, struct err *err)
{
	struct stat st;

	if (lstat(at, &st) < 0) {
		if (errno != ENOENT || !w->make)
			return err_errno(err, "%s%s%s", w->path, strcmp(at, w->path) ? ": " : "",
					 strcmp(at, w->path) ? at : "");
		st.st_mode = S_IFDIR;
	}
	if (S_ISLNK(st.st_mode))
		return follow_machines(w, at, err);
	memcpy(w->done, at, strlen(at) + 1);
	if (S_ISDIR(st.st_mode))
		return put_folder(w->set, at, err);
	if (!is_last)
		return err_set(err, "%s: %s is not a folder", w->path, at);
	if (!S_ISREG(st.st_mode))
		return err_set(err, "%s is neither a file nor a folder", w->path);
	return put_file(w->set, at, NULL, &st, w->keep_mtime ? st.st_mtim.tv_sec : 0, err);
}

static int enter(struct walk *w, const char *name, struct err *err)
{
	const struct fileset_entry *known;
	char at[PATH_MAX];
	bool is_last = w->rest[0] == '\0';

	if (snprintf(at, sizeof(at), "%s/%s", w->done, name) >= (int)sizeof(at))
		return err_set(err, "%s: too long with its links followed", w->path);
	known = find(w->set, at);
	if (!known)
		return enter_machines(w, at, is_last, err);
	if (known->kind == FILESET_LINK)
		return follow(w, at, known->target, err);
	if (known->kind == FILESET_FILE && !is_last)
		return err_set(err, "%s: %s is not a folder", w->path, at);
	memcpy(w->done, at, strlen(at) + 1);
	return 0;
}

/* What is in there the guest's kernel makes up for itself; the rest of the way is not walked. */
static bool is_of_the_kernel(const char *folder)
{
	return !strcmp(folder, "/dev") || !strcmp(folder, "/proc") || !strcmp(folder, "/sys");
}

/* Walks all of w->path; then w->done is where it leads. */
static int walk(struct walk *w, struct err *err)
{
	if (w->path[0] != '/')
		return err_set(err, "%s is not an absolute path", w->path);
	if (snprintf(w->rest, sizeof(w->rest), "%s", w->path) >= (int)sizeof(w->rest))
		return err_set(err, "%s: too long", w->path);
	w->done[0] = '\0';
	for (;;) {
		char name[NAME_MAX + 1];
		size_t start = strspn(w->rest, "/"), len = strcspn(w->rest + start, "/");

		if (len == 0 || (!w->make && is_of_the_kernel(w->done)))
			return 0;
		if (len > NAME_MAX)
			return err_set(err, "%s: a name in it is too long", w->path);
		memcpy(name, w->rest + start, len);
		name[len] = '\0';
		memmove(w->rest, w->rest + start + len, strlen(w->rest + start + len) + 1);
		if (!strcmp(name, ".."))
			go_up(w);
		else if (strcmp(name, ".") != 0 && enter(w, name, err) < 0)
			return -1;
	}
}

static int add(struct fileset *set, const char *path, bool keep_mtime, const char **ret_real,
	       struct err *err)
{
	struct walk w = {.set = set, .path = path, .keep_mtime = keep_mtime};

	if (walk(&w, err) < 0)
		return -1;
	if (ret_real)
		*ret_real = arena_strdup(set->arena, w.done[0] ? w.done : "/");
	return 0;
}

int fileset_add(struct fileset *set, const char *path, const char **ret_real, struct err *err)
{
	return add(set, path, false, ret_real, err);
}

/* --- trees --- */

struct tree {
	struct fileset *set;
	fileset_skip_fn skip;
	void *arg;
};

static int add_folder_content(const struct tree *t, const char *path, struct err *err);

static int add_tree_entry(const struct tree *t, int dir_fd, const char *dir, const char *name,
			  struct err *err)
{
	const char *path = arena_printf(t->set->arena, "%s/%s", strcmp(dir, "/") ? dir : "", name);
	struct stat st;

	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_errno(err, "%s", path);
	if (t->skip && t->skip(path, strrchr(path, '/') + 1, S_ISDIR(st.st_mode), t->arg))
		return 0;
	if (S_ISDIR(st.st_mode))
		return put_folder(t->set, path, err) < 0 ? -1 : add_folder_content(t, path, err);
	/* A link that leads nowhere does so on this machine too: nobody can need it. */
	if (S_ISLNK(st.st_mode))
		return faccessat(dir_fd, name, F_OK, 0) < 0 ? 0
							    : add(t->set, path, true, NULL, err);
	if (!S_ISREG(st.st_mode) || find(t->set, path))
		return 0;
	return put_file(t->set, path, NULL, &st, st.st_mtim.tv_sec, err);
}

static void close_folder(DIR **d)
{
	if (*d)
		closedir(*d);
}

static int add_folder_content(const struct tree *t, const char *path, struct err *err)
{
	__attribute__((cleanup(close_folder))) DIR *d = opendir(path);
	int rc = 0;

	if (!d)
		return err_errno(err, "%s", path);
	for (struct dirent *e; rc == 0 && (e = readdir(d));)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			rc = add_tree_entry(t, dirfd(d), path, e->d_name, err);
	return rc;
}

int fileset_add_tree(struct fileset *set, const char *path, fileset_skip_fn skip, void *arg,
		     struct err *err)
{
	const struct tree t = {.set = set, .skip = skip, .arg = arg};
	const char *real;

	if (fileset_add(set, path, &real, err) < 0)
		return -1;
	return add_folder_content(&t, real, err);
}

/* --- what is made --- */

/* Where the file of this path is to be put: the folder above it, walked and made, and its name. */
static const char *place(struct fileset *set, const char *path, struct err *err)
{
	const char *name = strrchr(path, '/');
	struct walk w = {.set = set, .make = true};

	if (!name || !name[1] || !strcmp(name, "/.") || !strcmp(name, "/..")) {
		err_set(err, "%s: not an absolute path of a file", path);
		return NULL;
	}
	w.path = arena_strndup(set->arena, path, (size_t)(name - path) + 1);
	if (walk(&w, err) < 0)
		return NULL;
	return arena_printf(set->arena, "%s%s", w.done, name);
}

int fileset_add_folder(struct fileset *set, const char *path, struct err *err)
{
	struct walk w = {.set = set, .path = path, .make = true};

	if (walk(&w, err) < 0)
		return -1;
	return w.done[0] ? put_folder(set, w.done, err) : 0;
}

int fileset_add_bytes(struct fileset *set, const char *path, mode_t mode, const void *bytes,
		      size_t len, struct err *err)
{
	struct fileset_entry e = {
		.path = place(set, path, err),
		.kind = FILESET_FILE,
		.mode = mode & S_IXUSR ? FILESET_PROGRAM_MODE : FILESET_FILE_MODE,
		.bytes = len,
		.text = bytes,
	};

	return e.path ? put(set, &e, err) : -1;
}

int fileset_add_copy(struct fileset *set, const char *path, const char *source, struct err *err)
{
	const char *to = place(set, path, err);
	struct stat st;

	if (!to)
		return -1;
	if (stat(source, &st) < 0)
		return err_errno(err, "%s", source);
	if (!S_ISREG(st.st_mode))
		return err_set(err, "%s is not a file", source);
	return put_file(set, to, source, &st, 0, err);
}

int fileset_add_link(struct fileset *set, const char *path, const char *target, struct err *err)
{
	const char *at = place(set, path, err);

	return at ? put_link(set, at, target, err) : -1;
}
