/* SPDX-License-Identifier: MIT */
#include "harness/run/hands.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>

#include "harness/base/cleanup.h"
#include "harness/run/hostfs.h"
#include "harness/run/power.h"
#include "harness/run/sockdiag.h"
#include "harness/run/sysctl.h"

/* The longest value of a namespaced setting is a list of ports, which nobody sets that long. */
#define SETTING_BYTES 1024

/* One thing that was done to a host or an app, and what is needed to take it back. */
struct deed {
	struct deed *before;
	int (*take_back)(struct state *s, const struct deed *deed, struct err *err);
	int index;    /* of the host or of the app */
	char *name;   /* set_sysctl */
	char *value;  /* set_sysctl: the old one */
	rlim_t limit; /* limit_files: the one that was set */
	rlim_t old;   /* limit_files */
	struct tmp_fill fill;
};

static struct init_hands *mine(struct hands *hands)
{
	return (struct init_hands *)(void *)((char *)hands - offsetof(struct init_hands, hands));
}

static struct deed *remember(struct init_hands *h, int index,
			     int (*take_back)(struct state *, const struct deed *, struct err *))
{
	struct deed *d = arena_new(&h->state->arena, struct deed);

	*d = (struct deed){.before = h->last, .take_back = take_back, .index = index};
	h->last = d;
	return d;
}

/* ---- power ---- */

static int give_power(struct state *s, const struct deed *deed, struct err *err)
{
	(void)err;
	s->hosts[deed->index].dark = false;
	return 0;
}

static int cut_power(struct hands *hands, int host, uint64_t *ret_killed, struct err *err)
{
	struct state *s = mine(hands)->state;

	s->hosts[host].dark = true;
	remember(mine(hands), host, give_power);
	/* Their ends are no failures of theirs, and none of them is to be started again. */
	for (size_t i = 0; i < s->n_apps; i++)
		if (s->apps[i].host == host && s->apps[i].pid)
			s->apps[i].intent = APP_STOP;
	return power_kill_all(&s->hosts[host], ret_killed, err);
}

static int destroy_sockets(struct hands *hands, int host, uint64_t *ret_n, struct err *err)
{
	return sockdiag_destroy_every(mine(hands)->state->hosts[host].diag_fd, ret_n, err);
}

/* ---- addresses ---- */

static int restore_addresses(struct state *s, const struct deed *deed, struct err *err)
{
	return host_restore_addresses(s->plan, &s->hosts[deed->index], err);
}

static int remove_addresses(struct hands *hands, int host, uint64_t *ret_n, struct err *err)
{
	if (host_remove_addresses(&mine(hands)->state->hosts[host], ret_n, err) < 0)
		return -1;
	remember(mine(hands), host, restore_addresses);
	return 0;
}

/* ---- settings ---- */

struct setting_change {
	const char *name, *value;
	char *old; /* of SETTING_BYTES; NULL: nobody wants to know */
};

static int change_setting(const struct host *h, void *arg, struct err *err)
{
	const struct setting_change *c = arg;

	(void)h;
	if (c->old && sysctl_read(c->name, c->old, SETTING_BYTES, err) < 0)
		return -1;
	return sysctl_write(c->name, c->value, err);
}

static int restore_setting(struct state *s, const struct deed *deed, struct err *err)
{
	struct setting_change c = {deed->name, deed->value, NULL};

	return host_visit(&s->hosts[deed->index], change_setting, &c, err);
}

static int set_sysctl(struct hands *hands, int host, const char *name, const char *value,
		      struct err *err)
{
	struct state *s = mine(hands)->state;
	char old[SETTING_BYTES];
	struct setting_change c = {name, value, old};

	if (host_visit(&s->hosts[host], change_setting, &c, err) < 0)
		return -1;
	struct deed *d = remember(mine(hands), host, restore_setting);
	d->name = arena_strdup(&s->arena, name);
	d->value = arena_strdup(&s->arena, old);
	return 0;
}

/* ---- descriptors ---- */

/* What is to become of each process of an app. */
struct limiting {
	rlim_t only_if; /* RLIM_INFINITY: whatever its limit is */
	rlim_t limit;
	rlim_t old; /* of the first that was changed */
	uint64_t n;
	struct err *err;
	int rc;
};

/* Only the soft limit: an ordinary user could never raise the hard one again. */
static void limit_process(pid_t pid, void *arg)
{
	struct limiting *l = arg;
	struct rlimit r;

	if (prlimit(pid, RLIMIT_NOFILE, NULL, &r) < 0)
		return; /* it has ended */
	if (l->only_if != RLIM_INFINITY && r.rlim_cur != l->only_if)
		return;
	rlim_t before = r.rlim_cur;
	r.rlim_cur = l->limit;
	if (prlimit(pid, RLIMIT_NOFILE, &r, NULL) < 0) {
		if (errno == ESRCH)
			return;
		l->rc = errno == EINVAL ? err_set(l->err, "the limit is above the hard one, %llu",
						  (unsigned long long)r.rlim_max)
					: err_errno(l->err, "limit process %d", pid);
		return;
	}
	if (!l->n++)
		l->old = before;
}

/* Their children that were born meanwhile have the limit too. */
static int restore_limit(struct state *s, const struct deed *deed, struct err *err)
{
	struct limiting l = {.only_if = deed->limit, .limit = deed->old, .err = err};

	procs_refresh(s->procs);
	procs_each(s->procs, deed->index, limit_process, &l);
	return l.rc;
}

static int limit_files(struct hands *hands, int app, uint64_t limit, uint64_t *ret_processes,
		       struct err *err)
{
	struct state *s = mine(hands)->state;
	struct limiting l = {.only_if = RLIM_INFINITY, .limit = limit, .err = err};

	procs_refresh(s->procs);
	procs_each(s->procs, app, limit_process, &l);
	*ret_processes = l.n;
	if (!l.n)
		return l.rc;
	struct deed *d = remember(mine(hands), app, restore_limit);
	d->limit = limit;
	d->old = l.old;
	return l.rc;
}

/* ---- disk ---- */

static int fill(const struct host *h, void *arg, struct err *err)
{
	(void)h;
	return hostfs_fill_tmp(arg, err);
}

static int empty(const struct host *h, void *arg, struct err *err)
{
	(void)h;
	return hostfs_empty_tmp(arg, err);
}

static int empty_tmp(struct state *s, const struct deed *deed, struct err *err)
{
	struct tmp_fill fill_of_host = deed->fill;

	return host_visit(&s->hosts[deed->index], empty, &fill_of_host, err);
}

static int fill_tmp(struct hands *hands, int host, struct err *err)
{
	struct tmp_fill fill_of_host;

	if (host_visit(&mine(hands)->state->hosts[host], fill, &fill_of_host, err) < 0)
		return -1;
	remember(mine(hands), host, empty_tmp)->fill = fill_of_host;
	return 0;
}

/* ---- */

static const struct hand_ops ops = {
	.cut_power = cut_power,
	.destroy_sockets = destroy_sockets,
	.remove_addresses = remove_addresses,
	.set_sysctl = set_sysctl,
	.limit_files = limit_files,
	.fill_tmp = fill_tmp,
};

void hands_init(struct init_hands *h, struct state *s)
{
	*h = (struct init_hands){.hands = {&ops}, .state = s};
}

int hands_take_back(struct init_hands *h, struct err *err)
{
	struct err first = {0}, later;
	int rc = 0;

	for (; h->last; h->last = h->last->before)
		if (h->last->take_back(h->state, h->last, rc ? &later : &first) < 0)
			rc = -1;
	if (rc < 0)
		*err = first;
	return rc;
}
