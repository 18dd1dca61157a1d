/* SPDX-License-Identifier: MIT */
#include "harness/run/counters.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

#include "harness/base/cleanup.h"
#include "harness/judge/expect.h"
#include "harness/run/snmp.h"

/* Both files are some kilobytes long: about 150 counters, their names and their values. */
#define FILE_BYTES 65536

enum { FILE_SNMP, FILE_NETSTAT, N_FILES };
static const char *const file_paths[N_FILES] = {"/proc/thread-self/net/snmp",
						"/proc/thread-self/net/netstat"};

struct counter {
	int host;
	const char *name;
	const struct pos *pos; /* of the expectation that asks for it */
	int64_t base;          /* its value at the first sample */
	int64_t recorded;      /* its growth as of the last record */
	bool is_recorded;
};

/* The files of one host; -1: nobody asks for its counters. */
struct host_files {
	int fd[N_FILES];
};

struct counters {
	struct arena arena;
	const struct plan *plan;
	struct observations *obs;
	struct host_files *files;       /* of each host */
	VEC(struct counter) list;       /* by host */
	char text[N_FILES][FILE_BYTES]; /* of the host being read */
};

static void want(struct counters *c, int host, const char *name, const struct pos *pos)
{
	vec_foreach (known, &c->list)
		if (known->host == host && !strcmp(known->name, name))
			return;
	*vec_push(&c->arena, &c->list) = (struct counter){.host = host, .name = name, .pos = pos};
}

static void want_on_host(struct counters *c, int host)
{
	vec_foreach (e, &c->plan->expects) {
		const struct expect_spec *spec = &e->spec;

		if (!(spec->ops->observes & OBSERVES_COUNTERS))
			continue;
		if (spec->counter && index_list_has(&e->hosts, host))
			want(c, host, spec->counter, &spec->pos);
		/* A herd's service may be on any host, unless it says on which. */
		if (spec->drops_at_most == COUNT_UNSET ||
		    (e->peer_hosts.n && !index_list_has(&e->peer_hosts, host)))
			continue;
		want(c, host, COUNTER_LISTEN_DROPS, &spec->pos);
		want(c, host, COUNTER_LISTEN_OVERFLOWS, &spec->pos);
	}
}

/* In the host's namespace. */
static int open_files(struct host_files *files, struct err *err)
{
	for (int i = 0; i < N_FILES; i++) {
		files->fd[i] = open(file_paths[i], O_RDONLY | O_CLOEXEC);
		if (files->fd[i] < 0)
			return err_errno(err, "open %s", file_paths[i]);
	}
	return 0;
}

static int open_all(struct counters *c, const struct host *hosts, struct err *err)
{
	_cleanup_close_ int home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	int rc = 0;

	if (home < 0)
		return err_errno(err, "open the sandbox's own network namespace");
	vec_foreach (counter, &c->list) {
		struct host_files *files = &c->files[counter->host];

		if (files->fd[0] >= 0 || rc < 0)
			continue;
		if (setns(hosts[counter->host].net_fd, CLONE_NEWNET) < 0)
			rc = err_errno(err, "enter host %s", hosts[counter->host].plan->name);
		else
			rc = open_files(files, err);
	}
	if (setns(home, CLONE_NEWNET) < 0)
		return err_errno(err, "go back to the sandbox's own network namespace");
	return rc;
}

static int read_text(int fd, char *text, struct err *err)
{
	size_t len = 0;
	ssize_t n;

	while ((n = TEMP_FAILURE_RETRY(pread(fd, text + len, FILE_BYTES - 1 - len, (off_t)len))) >
	       0)
		len += (size_t)n;
	text[len] = '\0';
	return n < 0 ? err_errno(err, "read the counters of the network stack") : 0;
}

/* The value of a counter of the host whose files were read last. */
static bool find(const struct counters *c, const char *name, int64_t *ret)
{
	return snmp_find(c->text[FILE_SNMP], name, ret) ||
	       snmp_find(c->text[FILE_NETSTAT], name, ret);
}

/* Calls fn for each counter with its value. */
static int read_all(struct counters *c, nsec_t t,
		    int (*fn)(struct counters *, struct counter *, int64_t, nsec_t, struct err *),
		    struct err *err)
{
	int host = -1;

	vec_foreach (counter, &c->list) {
		int64_t value = 0;

		for (int i = 0; i < N_FILES && counter->host != host; i++)
			if (read_text(c->files[counter->host].fd[i], c->text[i], err) < 0)
				return -1;
		host = counter->host;
		if (!find(c, counter->name, &value))
			return err_set(err,
				       "%s:%d: this kernel has no counter '%s': `nstat -az` lists "
				       "those it has",
				       counter->pos->file, counter->pos->line, counter->name);
		if (fn && fn(c, counter, value, t, err) < 0)
			return -1;
	}
	return 0;
}

static int record(struct counters *c, struct counter *counter, int64_t value, nsec_t t,
		  struct err *err)
{
	(void)err;
	if (!counter->is_recorded)
		counter->base = value;
	int64_t growth = value - counter->base;
	if (counter->is_recorded && growth == counter->recorded)
		return 0;
	counter->is_recorded = true;
	counter->recorded = growth;
	struct observation *o = vec_push(c->obs->arena, &c->obs->list);
	*o = (struct observation){.t = t,
				  .source = OBS_COUNTER,
				  .event = EV_COUNT,
				  .host = (int16_t)counter->host,
				  .app = -1,
				  .counter = {.value = growth},
				  .text = arena_strdup(c->obs->arena, counter->name)};
	return 0;
}

int counters_new(const struct plan *plan, const struct host *hosts, struct observations *obs,
		 struct counters **ret, struct err *err)
{
	struct counters *c = calloc(1, sizeof(*c));

	if (!c)
		abort();
	c->plan = plan;
	c->obs = obs;
	c->files = arena_new_array(&c->arena, struct host_files, plan->hosts.n);
	for (size_t i = 0; i < plan->hosts.n; i++) {
		for (int f = 0; f < N_FILES; f++)
			c->files[i].fd[f] = -1;
		want_on_host(c, (int)i);
	}
	if (!c->list.n) {
		counters_free(c);
		*ret = NULL;
		return 0;
	}
	if (open_all(c, hosts, err) < 0 || read_all(c, 0, NULL, err) < 0) {
		counters_free(c);
		return -1;
	}
	*ret = c;
	return 0;
}

void counters_free(struct counters *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->plan->hosts.n; i++)
		for (int f = 0; f < N_FILES; f++)
			if (c->files[i].fd[f] >= 0)
				close(c->files[i].fd[f]);
	arena_free(&c->arena);
	free(c);
}

int counters_sample(struct counters *c, nsec_t t, struct err *err)
{
	return read_all(c, t, record, err);
}
