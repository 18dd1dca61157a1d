/* SPDX-License-Identifier: MIT */
#include "harness/run/procs.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "harness/base/cleanup.h"
#include "harness/base/io.h"

/* A process that forks while it is being killed is caught in the next round. */
#define SIGNAL_ROUNDS 8
#define ENVIRON_BYTES ((size_t)128 * 1024)

struct proc {
	pid_t pid;
	int app;
	unsigned long long start; /* field 22 of /proc/PID/stat: tells a reused pid */
	bool alive, zombie;
};

struct socket_owner {
	uint32_t inode;
	int app;
};

struct procs {
	const struct plan *plan;
	struct proc *list;
	size_t n, room;
	bool sockets_known;
	struct socket_owner *owners; /* sorted by inode */
	size_t n_owners, owners_room;
};

struct stat_line {
	char state;
	pid_t parent, session;
	int threads;
	unsigned long long start;
};

struct procs *procs_new(const struct plan *plan)
{
	struct procs *p = calloc(1, sizeof(*p));

	if (!p)
		abort();
	p->plan = plan;
	return p;
}

void procs_free(struct procs *p)
{
	if (!p)
		return;
	free(p->list);
	free(p->owners);
	free(p);
}

/* Doubles an array when it is full. */
static void *make_room(void *items, size_t n, size_t *room, size_t item_size)
{
	if (n < *room)
		return items;
	*room = *room ? *room * 2 : 64;
	items = realloc(items, *room * item_size);
	if (!items)
		abort();
	return items;
}

static bool read_stat(pid_t pid, struct stat_line *ret)
{
	char path[64], buf[1024];

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : io_read_all(fd, buf, sizeof(buf) - 1);
	if (n <= 0)
		return false;
	buf[n] = '\0';
	/* The name in parentheses may hold anything, a ')' too: look from its end. */
	const char *after = strrchr(buf, ')');
	return after &&
	       sscanf(after + 1,
		      " %c %d %*d %d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d "
		      "%d %*d %llu",
		      &ret->state, &ret->parent, &ret->session, &ret->threads, &ret->start) == 5;
}

/* It waits to be reaped. One whose first thread has ended, but not the others, looks alike. */
static bool has_ended(const struct stat_line *line)
{
	return line->state == 'Z' && line->threads <= 1;
}

static struct proc *find(struct procs *p, pid_t pid)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->list[i].pid == pid)
			return &p->list[i];
	return NULL;
}

void procs_add(struct procs *p, pid_t pid, int app)
{
	struct stat_line line = {0};

	(void)read_stat(pid, &line);
	p->list = make_room(p->list, p->n, &p->room, sizeof(*p->list));
	p->list[p->n++] = (struct proc){.pid = pid, .app = app, .start = line.start, .alive = true};
}

/* By the variable that every app is started with; -1 if it is not there. */
static int app_of_environ(const struct procs *p, pid_t pid)
{
	static const char key[] = "WIRECUT_APP=";
	static char buf[ENVIRON_BYTES];
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/environ", pid);
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : io_read_all(fd, buf, sizeof(buf) - 1);
	if (n <= 0)
		return -1;
	buf[n] = '\0';
	for (const char *s = buf; s < buf + n; s += strlen(s) + 1) {
		if (strncmp(s, key, sizeof(key) - 1) != 0)
			continue;
		for (size_t i = 0; i < p->plan->apps.n; i++)
			if (!strcmp(p->plan->apps.v[i].name, s + sizeof(key) - 1))
				return (int)i;
	}
	return -1;
}

static int app_of_new(struct procs *p, pid_t pid, const struct stat_line *line)
{
	const struct proc *kin = find(p, line->session);

	if (!kin || kin->app < 0)
		kin = find(p, line->parent);
	if (kin && kin->app >= 0 && kin->pid != 1)
		return kin->app;
	return app_of_environ(p, pid);
}

static void see(struct procs *p, pid_t pid)
{
	struct stat_line line;

	if (!read_stat(pid, &line))
		return;
	struct proc *known = find(p, pid);
	if (known && known->start == line.start) {
		known->alive = true;
		known->zombie = has_ended(&line);
		return;
	}
	int app = app_of_new(p, pid, &line);
	if (!known) {
		p->list = make_room(p->list, p->n, &p->room, sizeof(*p->list));
		known = &p->list[p->n++];
	}
	*known = (struct proc){.pid = pid,
			       .app = app,
			       .start = line.start,
			       .alive = true,
			       .zombie = has_ended(&line)};
}

void procs_refresh(struct procs *p)
{
	DIR *d = opendir("/proc");

	if (!d)
		return;
	for (size_t i = 0; i < p->n; i++)
		p->list[i].alive = false;
	for (struct dirent *e; (e = readdir(d));)
		if (isdigit((unsigned char)e->d_name[0]))
			see(p, atoi(e->d_name));
	closedir(d);

	/*
	 * The ended ones go, but not before everything was seen: a session or a parent that has just
	 * ended still tells whose its children are.
	 */
	size_t kept = 0;
	for (size_t i = 0; i < p->n; i++)
		if (p->list[i].alive)
			p->list[kept++] = p->list[i];
	p->n = kept;
}

void procs_each(const struct procs *p, int app, procs_fn fn, void *arg)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->list[i].app == app)
			fn(p->list[i].pid, arg);
}

void procs_all(const struct procs *p, procs_all_fn fn, void *arg)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->list[i].app >= 0)
			fn(p->list[i].pid, p->list[i].app, arg);
}

size_t procs_signal(struct procs *p, int app, int signo)
{
	size_t most = 0;

	for (int round = 0; round < SIGNAL_ROUNDS; round++) {
		size_t before = p->n, n = 0;

		procs_refresh(p);
		for (size_t i = 0; i < p->n; i++)
			if (p->list[i].app == app && !p->list[i].zombie)
				n += kill(p->list[i].pid, signo) == 0;
		/* Those of an earlier round may be there still: they are counted once. */
		if (n > most)
			most = n;
		if (signo != SIGKILL || (round > 0 && p->n <= before))
			break;
	}
	return most;
}

static void add_sockets_of(struct procs *p, const struct proc *proc)
{
	char path[64], target[64];

	snprintf(path, sizeof(path), "/proc/%d/fd", proc->pid);
	DIR *d = opendir(path);
	if (!d)
		return;
	for (struct dirent *e; (e = readdir(d));) {
		ssize_t n = readlinkat(dirfd(d), e->d_name, target, sizeof(target) - 1);
		unsigned int inode;

		if (n <= 0)
			continue;
		target[n] = '\0';
		if (sscanf(target, "socket:[%u]", &inode) != 1)
			continue;
		p->owners = make_room(p->owners, p->n_owners, &p->owners_room, sizeof(*p->owners));
		p->owners[p->n_owners++] = (struct socket_owner){inode, proc->app};
	}
	closedir(d);
}

static int by_inode(const void *a, const void *b)
{
	const struct socket_owner *x = a, *y = b;

	return (x->inode > y->inode) - (x->inode < y->inode);
}

void procs_forget_sockets(struct procs *p)
{
	p->sockets_known = false;
}

int procs_socket_owner(struct procs *p, uint32_t inode)
{
	if (!p->sockets_known) {
		procs_refresh(p);
		p->n_owners = 0;
		for (size_t i = 0; i < p->n; i++)
			if (p->list[i].app >= 0)
				add_sockets_of(p, &p->list[i]);
		if (p->n_owners)
			qsort(p->owners, p->n_owners, sizeof(*p->owners), by_inode);
		p->sockets_known = true;
	}
	if (!p->n_owners)
		return -1;
	struct socket_owner key = {.inode = inode};
	const struct socket_owner *found =
		bsearch(&key, p->owners, p->n_owners, sizeof(key), by_inode);
	return found ? found->app : -1;
}
