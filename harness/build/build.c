/* SPDX-License-Identifier: MIT */
#include "harness/build/build.h"

#include <ctype.h>

#include "harness/build/builder.h"
#include "harness/judge/expect.h"
#include "harness/parse/parse.h"

/* After the last thing that happens or is decided, for its consequences to be seen. */
#define DURATION_MARGIN NSEC_PER_SEC
/* Over the duration, for setting up and taking down on a busy machine. */
#define TIMEOUT_MARGIN (30 * NSEC_PER_SEC)

static nsec_t last_edge(const struct plan *plan)
{
	nsec_t last = 0;

	vec_foreach (step, &plan->steps)
		vec_foreach (edge, &step->edges)
			last = nsec_later(last, edge->off == NSEC_NEVER ? edge->on : edge->off);
	return last;
}

/* Its names led somewhere, to something that happens: else there is a diag, and no deadline. */
static bool is_resolved(const struct plan *plan, const struct plan_expect *e)
{
	bool needs_step = e->spec.fault || e->spec.after;

	if (!is_complete(e->spec.ops->fields, &e->spec) || (e->spec.app && !e->apps.n))
		return false;
	return !needs_step || (e->step >= 0 && plan->steps.v[e->step].edges.n > 0);
}

static nsec_t last_deadline(const struct plan *plan)
{
	nsec_t last = 0;

	vec_foreach (e, &plan->expects) {
		nsec_t t = NSEC_UNSET;

		if (e->spec.ops->deadline && is_resolved(plan, e))
			t = e->spec.ops->deadline(plan, e);
		if (t != NSEC_NEVER)
			last = nsec_later(last, t);
	}
	return last;
}

/* The longest that starting and stopping may take: groups start one after the other, and stop at once. */
static nsec_t start_and_stop(const struct plan *plan)
{
	nsec_t starts = 0, grace = 0;

	vec_foreach (app, &plan->apps) {
		bool is_first = app == plan->apps.v || strcmp(app->group, app[-1].group) != 0;

		if (is_first && !app->manual)
			starts += app->ready_within;
		grace = nsec_later(grace, app->stop_grace);
	}
	return starts + grace;
}

void build_times(struct builder *b)
{
	struct plan *plan = b->plan;

	plan->duration = b->s->duration;
	if (plan->duration == NSEC_UNSET)
		plan->duration = nsec_later(last_edge(plan), last_deadline(plan)) + DURATION_MARGIN;
	if (plan->duration > SCENARIO_TIME_MAX)
		diag_add(b->diags, b->s->pos, NULL, "the scenario would last longer than 240h");
	plan->timeout = b->s->timeout;
	if (plan->timeout == NSEC_UNSET)
		plan->timeout = plan->duration + TIMEOUT_MARGIN + start_and_stop(plan);
	else if (plan->timeout < plan->duration && !parse_is_spoilt(b->s, b->diags, "duration"))
		diag_add(b->diags, parse_locate(b->s, "timeout"), "leave it out for the default",
			 "the timeout is below the duration, which is %g s",
			 (double)plan->duration / (double)NSEC_PER_SEC);
}

static void build_must_fail(struct builder *b, const struct scenario_control *control)
{
	struct label_list labels = expect_labels(b);

	labels.open = labels.open || control->expect_is_partial;
	vec_foreach (fails, &control->fails) {
		int64_t index;

		if (resolve_label(b, fails->name, fails->pos, &labels, &index))
			*vec_push(b->a, &b->plan->must_fail) = index;
	}
}

/* What is said to show it must be there. */
static void build_claim(struct builder *b)
{
	const struct strings *shown_by = &b->s->claim.shown_by;
	const struct label_list labels = expect_labels(b);

	b->plan->claim = b->s->claim;
	for (size_t i = 0; i < shown_by->n; i++) {
		struct pos pos = parse_locate(b->s, "claim.shown-by.%zu", i);
		int64_t index;

		if (resolve_label(b, shown_by->v[i], pos, &labels, &index))
			*vec_push(b->a, &b->plan->claim_expects) = index;
	}
}

/* Appends what may stand in a slug; a run of anything else becomes one dash. */
static void append_slug(char *slug, size_t *len, const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char c = (char)tolower((unsigned char)text[i]);

		if (isalnum((unsigned char)c) && (unsigned char)c < 0x80)
			slug[(*len)++] = c;
		else if (*len && slug[*len - 1] != '-')
			slug[(*len)++] = '-';
	}
}

/* The file's name without folder and extension, and the last folder it is in. */
static void split_path(const char *file, struct strings *ret_folder_and_stem, struct arena *a)
{
	const char *slash = strrchr(file, '/');
	const char *stem = slash ? slash + 1 : file;
	const char *dot = strrchr(stem, '.');
	const char *folder = slash ? slash : file;

	while (folder > file && folder[-1] != '/')
		folder--;
	*vec_push(a, ret_folder_and_stem) =
		arena_strndup(a, folder, slash ? (size_t)(slash - folder) : 0);
	*vec_push(a, ret_folder_and_stem) =
		arena_strndup(a, stem, dot && dot != stem ? (size_t)(dot - stem) : strlen(stem));
}

static char *make_slug(struct builder *b, const char *control)
{
	struct strings parts = {0};
	size_t len = 0;

	split_path(b->s->pos.file, &parts, b->a);
	const char *folder = b->opt->folder ? b->opt->folder : parts.v[0];
	const char *practice = b->s->practice ? b->s->practice : folder;
	const char *stem = parts.v[1];
	char *slug = arena_alloc(b->a, strlen(practice) + 1 + strlen(stem) + 1);
	append_slug(slug, &len, practice, strlen(practice));
	append_slug(slug, &len, "-", 1);
	append_slug(slug, &len, stem, strlen(stem));
	while (len && slug[len - 1] == '-')
		slug[--len] = '\0';
	return arena_printf(b->a, "%s%s%s%s", slug, b->s->cell_slug ? b->s->cell_slug : "",
			    control ? "--" : "", control ? control : "");
}

static int choose_clock(int of_scenario, int asked)
{
	if (of_scenario == CLOCK_VIRTUAL)
		return CLOCK_VIRTUAL;
	return of_scenario != CLOCK_REAL && asked == CLOCK_VIRTUAL ? CLOCK_VIRTUAL : CLOCK_REAL;
}

struct plan *build_plan(const struct scenario *s, const struct scenario_control *control,
			const struct build_options *opt, struct arena *a, struct diags *diags)
{
	struct plan *plan = arena_new(a, struct plan);
	struct builder b = {.s = s, .opt = opt, .a = a, .diags = diags, .plan = plan};
	size_t first = diags->list.n;

	if (control && control->variant)
		b.s = control->variant;
	plan->file = s->pos.file;
	plan->name = b.s->name;
	plan->slug = make_slug(&b, control ? control->name : NULL);
	plan->practice = b.s->practice;
	plan->tags = b.s->tags;
	plan->needs = b.s->needs;
	plan->clock = choose_clock(b.s->clock, opt->clock);
	plan->neighbours =
		b.s->neighbours == NEIGHBOURS_LEARN ? NEIGHBOURS_LEARN : NEIGHBOURS_FIXED;
	plan->gso = b.s->gso == GSO_ON ? GSO_ON : GSO_OFF;
	plan->seed = opt->seed;
	plan->cell = s->cell;
	plan->control = control ? control->name : NULL;
	diags->cell = s->cell;
	diags->control = plan->control;
	build_hosts(&b);
	build_files(&b);
	build_guest(&b);
	build_apps(&b);
	build_timeline(&b);
	build_expectations(&b);
	build_claim(&b);
	build_times(&b);
	check_lengths(&b);
	choose_link(&b);
	if (control)
		build_must_fail(&b, control);
	diags->cell = diags->control = NULL;
	diags_sort(diags, first);
	return plan;
}
