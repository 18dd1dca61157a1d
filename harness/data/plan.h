/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_DATA_PLAN_H
#define WIRECUT_DATA_PLAN_H

#include <netinet/in.h>

#include "harness/data/scenario.h"

/*
 * One run, with every name resolved to an index and every repetition unrolled: what build makes,
 * run executes and judge judges by. Written as plan.json beside the observations, so that both can
 * be judged again later. Indices are into the arrays of the same plan; -1 means none.
 */

struct plan_host {
	char *name;     /* client.2 */
	char *group;    /* client */
	char *mac;      /* 02:00:00:00:00:02 */
	char *ip4;      /* 10.0.0.2, in 10.0.0.0/16 */
	char *ip6;      /* fd00::2, in fd00::/64 */
	int64_t nofile; /* or COUNT_UNSET */
	VEC(struct string_pair) sysctl;
};

struct plan_file {
	int64_t host;
	char *path;
	char *text;
};

struct plan_ready {
	int64_t listening;
	int64_t connected_host; /* index; the group's first member. unset: COUNT_UNSET */
	int64_t connected_port;
	char *log;
	int64_t exited;
};

struct plan_app {
	char *name;  /* client.2, or client when there is only one */
	char *group; /* client */
	int64_t host;
	struct strings argv;
	VEC(struct string_pair) env;
	char *cwd;   /* or NULL: /tmp */
	bool manual; /* start: manual */
	struct plan_ready ready;
	nsec_t ready_within;
	char *stop_signal; /* "TERM" */
	int64_t stop_signo;
	nsec_t stop_grace;
	int64_t exit; /* or COUNT_UNSET */
};

/* The time window of a fault; an `every` fault has several. off is NSEC_NEVER: until the end. */
struct plan_edge {
	nsec_t on;
	nsec_t off;
};

struct index_list {
	int64_t *v;
	size_t n;
};

static inline bool index_list_has(const struct index_list *list, int64_t index)
{
	for (size_t i = 0; i < list->n; i++)
		if (list->v[i] == index)
			return true;
	return false;
}

/*
 * A step of the timeline. A fault's windows are its edges; every other step has one edge an
 * occurrence, with off == on. Nothing is on before t = 0.
 */
struct plan_step {
	char *id;   /* as written, or the kind's name if it is the only one of its kind, or NULL */
	char *kind; /* blackhole, delay, kill, start, ... : what a receipt calls it */
	struct pos pos;
	int step; /* enum step_kind */
	VEC(struct plan_edge) edges;
	struct index_list apps; /* start .. resume, a fault on apps: instances, in order */
	int64_t exec_host;      /* exec */
	struct strings exec_argv;
	/* STEP_FAULT */
	struct fault_spec fault;       /* its cable and match names, resolved below */
	struct index_list cables;      /* hosts: on whose cables it is, or on which it acts */
	struct index_list match_peers; /* hosts; empty: any */
	struct index_list sides;       /* partition: of each of the cables, the side it is on */
};

/* The side that a host is on in a partition; SIDE_NONE: on none, or the step is none. */
#define SIDE_NONE (-1)
int plan_side_of(const struct plan_step *step, int64_t host);

/* Faults, and what else disturbs a program: kill, restart, pause, resume. They have receipts. */
static inline bool step_has_receipt(int step)
{
	return step == STEP_FAULT || step == STEP_KILL || step == STEP_RESTART ||
	       step == STEP_PAUSE || step == STEP_RESUME;
}

struct plan_expect {
	struct expect_spec spec;       /* as written */
	char *label;                   /* id, or kind: what `fails` and messages call it; unique */
	struct index_list apps;        /* of spec.app */
	struct index_list hosts;       /* of spec.host */
	struct index_list peer_hosts;  /* of spec.peer; empty: any */
	int64_t peer_port;             /* or COUNT_UNSET */
	struct index_list match_peers; /* of spec.packets.peer: hosts; empty: any */
	int64_t step;                  /* of spec.fault or spec.after; -1: none */
};

/* What a slug has before its seed, where there are several, and before the number of another attempt. */
#define SLUG_SEED  "+seed"
#define SLUG_AGAIN "+again"

/* It is judged by packets that the link engine counts for it (EV_COUNTED). */
bool plan_counts_packets(const struct plan_expect *e);

struct plan {
	char *file; /* as the user named it */
	char *name;
	char *slug;     /* a folder name, unique in a run: heartbeat-cut-cable, with --CONTROL */
	char *practice; /* or NULL */
	struct strings tags;
	struct strings needs;            /* as written */
	struct claim_spec claim;         /* says NULL: none */
	struct index_list claim_expects; /* its shown_by, into expects */
	int clock;                       /* enum clock_kind: the clock it runs on */
	int link;                        /* enum link_engine */
	int neighbours;                  /* enum neighbours; unset: fixed */
	int gso;                         /* enum gso; unset: off */
	uint64_t seed;
	char *cell;                  /* of its matrix: "loss=1%, rtt=1ms"; or NULL */
	char *control;               /* the control's name, or NULL */
	struct index_list must_fail; /* a control's `fails:`, into expects */
	nsec_t duration;             /* observations end here */
	nsec_t timeout;              /* of the whole run on the wall clock */
	VEC(struct plan_host) hosts;
	VEC(struct plan_file) files;
	struct guest_spec guest; /* paths that are relative count from wirecut's working folder */
	VEC(struct plan_app) apps;
	VEC(struct plan_step) steps;
	VEC(struct plan_expect) expects;
};

/* JSON form. The loaded plan lives in `a`. plan_load checks every index and enum it reads. */
json_t *plan_to_json(const struct plan *plan);
int plan_from_json(struct plan *plan, json_t *json, struct arena *a, struct err *err);

#endif
