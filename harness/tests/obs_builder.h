/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_TESTS_OBS_BUILDER_H
#define WIRECUT_TESTS_OBS_BUILDER_H

#include <check.h>

#include "harness/data/verdict.h"

/*
 * A plan and its observations, written down by hand. Whatever is added later is later in the lists;
 * times may come in any order, for judging sorts them.
 */
struct world {
	struct arena arena;
	struct plan plan;
	struct observations obs;
	bool no_ready, no_end; /* leave out what a whole run has */
};

#define MS(n)  ((nsec_t)(n)*NSEC_PER_MSEC)
#define SEC(n) ((nsec_t)((n)*1e9))

/* A plan without hosts, `duration` long. */
void world_init(struct world *w, nsec_t duration);
void world_free(struct world *w);

/* Host number i (from 0) has the addresses 10.0.0.(i + 1) and fd00::(i + 1). */
int world_host(struct world *w, const char *name);
int world_app(struct world *w, const char *name, int host);

/* A fault on a cable, or a step that acts on an app; `id` may be NULL. off NSEC_NEVER: to the end. */
int world_fault(struct world *w, const char *id, const char *kind, int cable, nsec_t on,
		nsec_t off);
int world_step(struct world *w, enum step_kind step, int app, nsec_t at);
void world_edge(struct world *w, int step, nsec_t on, nsec_t off);

/* Of that kind, nothing set. Valid until the next one is added. */
struct plan_expect *world_expect(struct world *w, const char *kind);
void world_list(struct world *w, struct index_list *l, int64_t value);

/* One connection as it is on the wire. */
struct tuple {
	int from, to; /* hosts */
	uint16_t from_port, to_port;
	uint32_t isn;
	bool v6;
};

/* `end`: 0 the opener, 1 the acceptor. Valid until the next record. */
struct endpoint tuple_end(const struct tuple *c, int end);
struct observation *see_packet(struct world *w, nsec_t t, enum obs_event event,
			       const struct tuple *c, int end, uint8_t flags);
void see_syn(struct world *w, nsec_t t, const struct tuple *c);
/* The acceptor's reset in answer to the SYN, here 1 ms on its way. */
void see_refusal(struct world *w, nsec_t t, const struct tuple *c);
/* SYN at t, established 2 ms later. */
void see_connect(struct world *w, nsec_t t, const struct tuple *c);
/* Data of the end, acknowledged 1 ms later. */
void see_data(struct world *w, nsec_t t, const struct tuple *c, int end);
void see_fin(struct world *w, nsec_t t, const struct tuple *c, int end);
/* A forged reset that reaches `end` at t. */
void see_forged(struct world *w, nsec_t t, const struct tuple *c, int end, int step);

struct observation *see_socket(struct world *w, nsec_t t, enum obs_event event,
			       const struct tuple *c, int end, uint64_t cookie, int state, int app);
/* The notification as the kernel makes it: nothing but the cookie. */
void see_destroyed(struct world *w, nsec_t t, int host, uint64_t cookie);
void see_gone(struct world *w, nsec_t since, nsec_t t, const struct tuple *c, int end,
	      uint64_t cookie, int app);
void see_polled(struct world *w, nsec_t t, int host);

void see_start(struct world *w, nsec_t t, int app);
void see_exit(struct world *w, nsec_t t, int app, int status, int signal, bool by_harness);
/* Start or exit of a program of an `exec` step on the host. */
void see_exec(struct world *w, nsec_t t, enum obs_event event, int host);
/* What all processes of an instance use together. */
void see_sample(struct world *w, nsec_t t, int app, int64_t fds, int64_t rss);
/* A line that it printed: JSON, or as a `log` expectation asked for it. */
void see_line(struct world *w, nsec_t t, int app, const char *json);
void see_log(struct world *w, nsec_t t, int app, const char *line);
/* A counter's growth since t = 0. */
void see_count(struct world *w, nsec_t t, int host, const char *name, int64_t value);
struct observation *see_fault(struct world *w, nsec_t t, enum obs_event event, int step, int edge);
/* on, off and the receipt of each edge of the step as planned; packets matched: 10. */
void see_step(struct world *w, int step);
struct observation *see_run(struct world *w, nsec_t t, enum obs_event event);
void see_lag(struct world *w, nsec_t t, enum obs_event event, nsec_t lag, uint64_t count);

/*
 * Judges. Asserts that it is judged the same after all records have gone through their lines.
 */
void world_judge(struct world *w, struct scenario_result *ret);

/* The same, and asserts the verdict of the first expectation and words in what was observed. */
void world_expect_verdict(struct world *w, enum verdict verdict, const char *observed);

/* Judges, and asserts what the first expectation says it was held against. */
void world_expect_bound(struct world *w, const char *bound);

#endif
