/* SPDX-License-Identifier: MIT */
/*
 * Two functions of the kernel are watched, both at their entry, where the path is known, and at their
 * return, where the outcome is: do_filp_open() (open, execve and the interpreters of scripts) and
 * filename_lookup() (stat, access, readlink, chdir). Neither is reached within the other, and both
 * take a copy of the path in the kernel's memory: that of the program may not be there yet when it is
 * read from outside. So of each thread a failure belongs to the last path that it came with.
 *
 * Watched by the tracepoints of system calls in their stead, every system call of every program
 * would take the slow way; these probes cost nothing but where they are.
 *
 * The buffer is not overwritten when it is full: what programs look for they look for when they start.
 */
#include "harness/guest/lookups.h"

#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/base/cleanup.h"
#include "harness/base/io.h"
#include "harness/virtual/channel.h"

/* Some 15,000 records, as many as fifty starts of a Python program. */
#define BUFFER_KIB "1024"
/* Of the text of a full buffer: a record of it is about twice as long. */
#define TEXT_BYTES_MAX ((size_t)4 << 20)
/* As far as what failed is told. */
#define FAILED_MAX 4096

/* `struct filename` begins with the pointer to its text (include/linux/fs.h). */
static const char probes[] = "p:wirecut/open do_filp_open path=+0(+0($arg2)):string\n"
			     "r:wirecut/opened do_filp_open error=$retval:s64\n"
			     "p:wirecut/find filename_lookup path=+0(+0($arg2)):string\n"
			     "r:wirecut/found filename_lookup error=$retval:s32\n";

/* In this order. -2 is ENOENT: what else goes wrong would on the real clock too. Process 1 unpacks. */
static const struct {
	const char *file, *value;
} settings[] = {
	{"kprobe_events", probes},
	{"events/wirecut/filter", "common_pid != 1"},
	{"events/wirecut/opened/filter", "common_pid != 1 && error == -2"},
	{"events/wirecut/found/filter", "common_pid != 1 && error == -2"},
	{"options/overwrite", "0"},
	/* Less text for each record. */
	{"options/irq-info", "0"},
	{"buffer_size_kb", BUFFER_KIB},
	{"events/wirecut/enable", "1"},
};

static int write_setting(const char *tracefs, const char *file, const char *value, struct err *err)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", tracefs, file);
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || io_write_all(fd, value, strlen(value)) < 0)
		return err_errno(err, "write %s", path);
	return 0;
}

int lookups_watch(const char *tracefs, struct err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++)
		if (write_setting(tracefs, settings[i].file, settings[i].value, err) < 0)
			return err_wrap(err, "watch what programs look for");
	return 0;
}

/* --- reading the trace --- */

/* What a thread looked for last. */
struct thread {
	int tid;
	const char *path; /* NULL: nothing that can be told */
};

struct failed {
	const char *path, *program;
};

struct reader {
	struct arena *arena;
	VEC(struct thread) threads;
	VEC(struct failed) failed;
};

/* "  comm-123   [000]   1.234567: open: (do_filp_open+0x4/0x110) path=\"/etc/x\"" */
struct record {
	const char *comm;
	size_t comm_len;
	int tid;
	const char *path; /* NULL: it tells of a failure */
	size_t path_len;
};

/* Behind the mark, which is looked for in the line; NULL: it is not there. */
static const char *behind(const char *line, size_t len, const char *mark)
{
	const char *at = memmem(line, len, mark, strlen(mark));

	return at ? at + strlen(mark) : NULL;
}

/* "  comm-123   [000] ...": a comm may hold all of these characters, what follows it none. */
static bool read_process(const char *line, size_t len, struct record *ret)
{
	const char *cpu = memrchr(line, '[', len);
	const char *dash = cpu ? memrchr(line, '-', (size_t)(cpu - line)) : NULL;

	if (!dash)
		return false;
	ret->comm = line + strspn(line, " ");
	if (ret->comm >= dash)
		return false;
	ret->comm_len = (size_t)(dash - ret->comm);
	ret->tid = atoi(dash + 1);
	return true;
}

static bool read_record(const char *line, size_t len, struct record *ret)
{
	const char *path = behind(line, len, " path=\"");
	const char *failed = path ? NULL : behind(line, len, " error=-2");

	if (line[0] == '#' || (!path && !failed))
		return false;
	ret->path = path;
	/* One with a line's end in it has no quote at the end of its first line: it is not told. */
	ret->path_len = path && line[len - 1] == '"' ? (size_t)(line + len - 1 - path) : 0;
	return read_process(line, (size_t)((path ? path : failed) - line), ret);
}

static struct thread *thread_of(struct reader *r, int tid)
{
	vec_foreach (t, &r->threads)
		if (t->tid == tid)
			return t;
	struct thread *t = vec_push(r->arena, &r->threads);
	t->tid = tid;
	return t;
}

static void take_record(struct reader *r, const struct record *record)
{
	static const char own[] = GUEST_PROGRAM;
	struct thread *t;

	/* The name of a process is its program's, without the folder. */
	if (record->comm_len == strlen(own) - 1 &&
	    !strncmp(record->comm, own + 1, record->comm_len))
		return;
	t = thread_of(r, record->tid);
	if (record->path) {
		t->path = record->path_len ? arena_strndup(r->arena, record->path, record->path_len)
					   : NULL;
		return;
	}
	if (t->path && r->failed.n < FAILED_MAX)
		*vec_push(r->arena, &r->failed) = (struct failed){
			t->path, arena_strndup(r->arena, record->comm, record->comm_len)};
	t->path = NULL;
}

static int compare_failed(const void *x, const void *y)
{
	const struct failed *a = x, *b = y;
	int path = strcmp(a->path, b->path);

	return path ? path : strcmp(a->program, b->program);
}

static char *say_failed(struct reader *r)
{
	size_t size = 1;

	if (r->failed.n)
		qsort(r->failed.v, r->failed.n, sizeof(*r->failed.v), compare_failed);
	vec_foreach (f, &r->failed)
		size += strlen(f->path) + strlen(f->program) + strlen("\t\n");
	char *text = arena_alloc(r->arena, size), *end = text;
	vec_foreach (f, &r->failed) {
		if (f > r->failed.v && !compare_failed(f, f - 1))
			continue;
		end = stpcpy(stpcpy(stpcpy(stpcpy(end, f->path), "\t"), f->program), "\n");
	}
	return text;
}

char *lookups_of_trace(const char *text, struct arena *a)
{
	struct reader r = {.arena = a};

	while (*text) {
		size_t len = strcspn(text, "\n");
		struct record record;

		if (len && read_record(text, len, &record))
			take_record(&r, &record);
		text += len + (text[len] == '\n');
	}
	return say_failed(&r);
}

char *lookups_failed(const char *tracefs, struct arena *a, struct err *err)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/trace", tracefs);
	if (write_setting(tracefs, "tracing_on", "0", err) < 0)
		return NULL;
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *text = arena_alloc(a, TEXT_BYTES_MAX + 1);
	ssize_t n = fd < 0 ? -1 : io_read_all(fd, text, TEXT_BYTES_MAX);
	if (n < 0) {
		err_errno(err, "read %s", path);
		return NULL;
	}
	text[n] = '\0';
	return lookups_of_trace(text, a);
}
