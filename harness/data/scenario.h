/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_DATA_SCENARIO_H
#define WIRECUT_DATA_SCENARIO_H

#include "harness/data/spec.h"

/*
 * A scenario file as it is written: what parse makes and build reads. Names are checked for form
 * only; that they lead somewhere is build's to say.
 */

struct scenario_host {
	char *name;
	struct pos pos;
	int64_t count;  /* unset: one host that bears the name; else name.1 .. name.count */
	int64_t nofile; /* RLIMIT_NOFILE of its apps; unset: as wirecut's own */
	VEC(struct string_pair) sysctl;
};

/* A private file of one host group, seen by its apps at this path. */
struct scenario_private_file {
	char *name; /* absolute path */
	struct pos pos;
	char *host;
	char *text; /* contents, or NULL if `from` */
	char *from; /* a path, relative to the scenario file's folder */
};

/* When an app counts as ready: exactly one member is set, or none (ready once started). */
struct ready_spec {
	int64_t listening; /* it has a socket in LISTEN on this TCP port */
	char *connected;   /* "host:port": it has an ESTABLISHED connection to it */
	char *log;         /* an extended regular expression that a line of its output matches */
	int64_t exited;    /* it has ended with this status */
};

struct stop_spec {
	char *signal; /* unset: TERM */
	nsec_t grace; /* then KILL; unset: 2 s */
};

enum start_mode { START_AUTO, START_MANUAL };
extern const char *const start_mode_names[]; /* auto, manual */

struct scenario_app {
	char *name;
	struct pos pos;
	char *host;    /* a host group or one host; with a group, one instance a host */
	char *run;     /* split into words, no shell */
	char *shell;   /* or given to /bin/sh -c */
	int64_t count; /* instances on each host */
	VEC(struct string_pair) env;
	char *cwd;
	int start; /* enum start_mode */
	struct ready_spec ready;
	nsec_t ready_within; /* how long it may take; unset: 10 s */
	struct stop_spec stop;
	int64_t exit; /* the status with which it may end by itself; unset: 0 */
};

enum step_kind {
	STEP_FAULT, /* a fault on cables, with a length */
	STEP_START,
	STEP_STOP,
	STEP_KILL,
	STEP_RESTART,
	STEP_PAUSE,
	STEP_RESUME,
	STEP_EXEC,
};
extern const char *const step_kind_names[]; /* fault, start, stop, ... */

/* exec: a program run once on a host. */
struct exec_spec {
	char *host;
	char *run;
	char *shell;
};

struct scenario_step {
	struct pos pos;
	char *id;      /* or NULL */
	nsec_t at;     /* since t = 0 */
	nsec_t length; /* `for`; unset: until the end */
	nsec_t every;  /* repeats; unset: once */
	int64_t times;
	enum step_kind kind;
	struct strings apps; /* start .. resume */
	struct exec_spec exec;
	struct fault_spec fault;
};

/* A name in a `fails:` list with its place, for the message when it leads nowhere. */
struct fails_name {
	char *name;
	struct pos pos;
};

struct scenario_control {
	char *name;
	struct pos pos;
	VEC(struct fails_name) fails;
	struct scenario *variant; /* the whole scenario again, with `replace` done, no controls */
	bool expect_is_partial;   /* a replacement in `expect` led nowhere, which was said */
};

struct scenario {
	struct pos pos;
	char *text; /* the file's bytes, for results and for the source line of a message */
	size_t text_len;
	VEC(struct diag_source) included; /* the files of which it is made beside that, likewise */
	struct node *root; /* the document, for parse_locate(); NULL: not even YAML */
	char *cell;        /* of its matrix: "loss=1%, rtt=1ms"; NULL: it has none */
	char *cell_slug;   /* the same as a part of a folder's name: "@loss=1pct,rtt=1ms" */
	int64_t version;
	char *name;
	char *practice; /* or NULL */
	struct strings tags;
	int clock;      /* enum clock_kind; unset: any */
	int neighbours; /* enum neighbours; unset: fixed */
	int gso;        /* enum gso; unset: off */
	struct claim_spec claim;
	nsec_t duration;
	nsec_t timeout;
	struct strings needs;
	VEC(struct scenario_host) hosts;
	VEC(struct scenario_private_file) files;
	struct guest_spec guest;
	VEC(struct scenario_app) apps;
	VEC(struct scenario_step) timeline;
	VEC(struct expect_spec) expect;
	VEC(struct scenario_control) controls;
};

/* The tables of the keys of each part, in the order of the reference. */
extern const struct field scenario_fields[], host_fields[], private_file_fields[], app_fields[],
	step_fields[], ready_fields[], stop_fields[], exec_fields[], control_fields[],
	defaults_fields[];

/*
 * No time in a scenario is longer: 10 days, so that every time of a run can be written in seconds
 * without losing a nanosecond (json_seconds).
 */
#define SCENARIO_TIME_MAX (NSEC_PER_SEC * 3600 * 240)

/* Capabilities that `needs` may name: netem, ipvs. */
extern const char *const capability_names[];

/* Signals by their names without SIG, in the order of their numbers. */
extern const char *const signal_names[];

/* The number of the signal of that name (TERM, not SIGTERM) on this machine; 0: no such signal. */
int signal_number(const char *name);

#endif
