/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_BUILD_BUILDER_H
#define WIRECUT_BUILD_BUILDER_H

#include "harness/build/build.h"

/*
 * One plan in the making. The stages run in the order in which they stand here: each resolves names
 * of what the earlier ones have made. A name that leads nowhere is a diag, and the work goes on.
 */
struct builder {
	const struct scenario *s;
	const struct build_options *opt;
	struct arena *a;
	struct diags *diags;
	struct plan *plan;
	bool *unsure; /* of each step: it was not read as it stands, or names what is not there */
};

void build_hosts(struct builder *b);
void build_files(struct builder *b);
void build_guest(struct builder *b);
void build_apps(struct builder *b);
void build_timeline(struct builder *b);
void build_expectations(struct builder *b);
void build_times(struct builder *b);

/* windows.c: the windows of the timeline's faults together, once each step is built */

/* A momentary fault that ends the window of another (power-on) gives that its end. */
void build_ends(struct builder *b);
/* Two windows of one kind of fault that get in each other's way are refused. */
void check_overlaps(struct builder *b);

/* A step that is one of this kind, or what ends it, or may have been meant so, is unsure. */
bool has_unsure(const struct builder *b, const struct fault_ops *ops);

/* Both are on at one time, on one cable and in one direction. */
bool windows_meet(const struct plan_step *a, const struct plan_step *b);

/* link.c: the link engine, once the timeline is built */
void choose_link(struct builder *b);

/* never.c: what can never happen, or never do anything; of a match match.c tells it */

/* Faults all of whose windows are too short for them to do anything; once the times are known. */
void check_lengths(struct builder *b);
/* Steps on programs of a host that has no power then; once the ends of windows are known. */
void check_power(struct builder *b);
/* Steps on programs that do not run, a 'pause' of a paused one, a 'resume' of one that is not. */
void check_running(struct builder *b);

/* company.c: each fault that does nothing alone must have another beside it. */
void check_company(struct builder *b);

/*
 * names.c: what a name in the file means. Each adds a diag at `pos` and returns false if nothing; without
 * the diag where it may be the name of what was not read, about which parse has added one.
 */

/* A host group (all of its hosts) or one host; appended to *ret, each host once. */
bool resolve_hosts(struct builder *b, const char *name, struct pos pos, struct index_list *ret);
/* The same for apps and their instances. */
bool resolve_apps(struct builder *b, const char *name, struct pos pos, struct index_list *ret);
/* "host:port". */
bool resolve_service(struct builder *b, const char *text, struct pos pos, struct index_list *ret,
		     int64_t *ret_port);

/* A thing of the file that may be named by its id, or by its kind when that is the only one. */
struct labelled {
	const char *id;   /* or NULL */
	const char *kind; /* NULL: it was not read */
	struct pos pos;
};
/* The steps or the expectations of a scenario. */
struct label_list {
	const char *what; /* "a step" */
	const char *path; /* of the list in the file */
	struct labelled *v;
	size_t n;
	bool open; /* some of it was not read: a name that is not found may be of that */
};
struct label_list step_labels(struct builder *b);
struct label_list expect_labels(struct builder *b);

/* Its index in *ret. */
bool resolve_label(struct builder *b, const char *name, struct pos pos,
		   const struct label_list *list, int64_t *ret);
/* Adds a diag for each id that is there twice. */
void check_ids(struct builder *b, const struct label_list *list);
/* What it is called: its id, or its kind if nothing else can be meant by it; else NULL. */
const char *own_label(const struct label_list *list, size_t i);

/* The words of a command: `run` (at this place) split, or `shell` given to a shell. */
struct strings command_words(struct builder *b, const char *run, struct pos run_pos,
			     const char *shell);
/* A path beside the file that names it at this place; an absolute one stays as it is. */
char *beside_file(struct builder *b, struct pos pos, const char *path);

/*
 * match.c: what a match of a fault or an expectation says. `path` is its place in the file.
 */
/* The hosts that it names as peers. False if a name leads nowhere. */
bool build_match(struct builder *b, const char *path, const struct match_spec *match,
		 struct index_list *ret_peers);
/* Where it is looked for. */
struct match_place {
	const struct index_list *cables; /* of these hosts */
	const struct index_list *peers;  /* that it names, resolved */
	const struct plan_step *parts;   /* a step that may have sides; NULL: there is none */
};
/* One that no packet can satisfy is refused: its fault would be void in every run, its count 0. */
void check_match(struct builder *b, const char *path, const struct match_spec *match,
		 const struct match_place *place);

/*
 * partition.c: the sides of a partition, which is the step of that index in the timeline. False if a name
 * leads nowhere.
 */
bool build_partition(struct builder *b, size_t index, struct plan_step *step);

/* True if all required keys of the table are set: what a kind's own functions may count on. */
bool is_complete(const struct field *fields, const void *record);

/*
 * Observations carry the indices of hosts, apps, steps and edges in 16 bits. Edges are fewer
 * still: ten thousand in a run is a typing error in `every`.
 */
#define INDEX_MAX INT16_MAX
#define EDGES_MAX 10000

#endif
