/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "faults/fault.h"
#include "harness/build/build.h"
#include "harness/judge/expect.h"

/* 2s, 250ms, 0.0005s: in the way in which a scenario may say it. */
static void print_duration(FILE *out, nsec_t t)
{
	if (t == NSEC_NEVER)
		fputs("the end", out);
	else if (t && t < NSEC_PER_SEC && !(t % NSEC_PER_MSEC))
		fprintf(out, "%lldms", (long long)(t / NSEC_PER_MSEC));
	else
		fprintf(out, "%.15gs", (double)t / (double)NSEC_PER_SEC);
}

/* A word as a shell would need it. */
static void print_word(FILE *out, const char *word)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				    "-_./:=,+@%";

	if (*word && !word[strspn(word, plain)]) {
		fputs(word, out);
		return;
	}
	fputc('\'', out);
	for (; *word; word++)
		fputs(*word == '\'' ? "'\\''" : (const char[]){*word, '\0'}, out);
	fputc('\'', out);
}

static void print_words(FILE *out, const struct strings *words)
{
	for (size_t i = 0; i < words->n; i++) {
		fputs(i ? " " : "", out);
		print_word(out, words->v[i]);
	}
}

/* 1500kbit, 64kB: in the largest unit of which it is a whole number. */
static void print_in_thousands(FILE *out, int64_t n, const char *const *units)
{
	for (; n && !(n % 1000) && units[1]; units++)
		n /= 1000;
	fprintf(out, "%lld%s", (long long)n, *units);
}

static const char *const bitrate_units[] = {"bit", "kbit", "mbit", "gbit", NULL};
static const char *const size_units[] = {"B", "kB", "MB", "GB", NULL};

static void print_counts(FILE *out, const struct count_list *counts)
{
	for (size_t i = 0; i < counts->n; i++)
		fprintf(out, "%s%lld", i ? " " : "", (long long)counts->v[i]);
}

#define MEMBER(type, record, f) ((const type *)(const void *)((const char *)(record) + (f)->offset))

static void print_fields(FILE *out, const struct field *fields, const void *record,
			 const char *before, const char *separator);

static void print_value(FILE *out, const struct field *f, const void *record)
{
	switch (f->type) {
	case FIELD_STRING:
		fputs(*MEMBER(char *, record, f), out);
		break;
	case FIELD_COUNT:
		fprintf(out, "%lld", (long long)*MEMBER(int64_t, record, f));
		break;
	case FIELD_COUNTS:
		print_counts(out, MEMBER(struct count_list, record, f));
		break;
	case FIELD_BITRATE:
		print_in_thousands(out, *MEMBER(int64_t, record, f), bitrate_units);
		break;
	case FIELD_BYTES:
		print_in_thousands(out, *MEMBER(int64_t, record, f), size_units);
		break;
	case FIELD_DURATION:
		print_duration(out, *MEMBER(nsec_t, record, f));
		break;
	case FIELD_PERCENT:
		fprintf(out, "%.15g%%", *MEMBER(double, record, f) * 100);
		break;
	case FIELD_FACTOR:
		fprintf(out, "%.15g", *MEMBER(double, record, f));
		break;
	case FIELD_ENUM:
		fputs(f->names[*MEMBER(int, record, f)], out);
		break;
	case FIELD_STRINGS:
		print_words(out, MEMBER(struct strings, record, f));
		break;
	case FIELD_RECORD:
		print_fields(out, f->of, MEMBER(char, record, f), "", "; ");
		break;
	default: /* no other type is a parameter of a fault or an expectation */
		break;
	}
}

/* "within 4s, not-before 2s": the keys that are set, `before` in front of the first. */
static void print_fields(FILE *out, const struct field *fields, const void *record,
			 const char *before, const char *separator)
{
	for (const struct field *f = fields; f->name; f++) {
		if (!field_is_set(f, record))
			continue;
		fprintf(out, "%s%s ", before, f->name);
		print_value(out, f, record);
		before = separator;
	}
}

static void print_host(FILE *out, const struct plan_host *host)
{
	fprintf(out, "  %-12s %-12s %-12s %s", host->name, host->ip4, host->ip6, host->mac);
	if (host->nofile != COUNT_UNSET)
		fprintf(out, "  nofile=%lld", (long long)host->nofile);
	vec_foreach (setting, &host->sysctl)
		fprintf(out, "  %s=%s", setting->name, setting->value);
	fputc('\n', out);
}

static void print_ready(FILE *out, const struct plan *plan, const struct plan_app *app)
{
	const struct plan_ready *ready = &app->ready;

	fputs("      ready when ", out);
	if (ready->listening != COUNT_UNSET)
		fprintf(out, "it listens on %lld", (long long)ready->listening);
	else if (ready->connected_host != COUNT_UNSET)
		fprintf(out, "it is connected to %s:%lld",
			plan->hosts.v[ready->connected_host].group,
			(long long)ready->connected_port);
	else if (ready->log)
		fprintf(out, "it prints a line that matches %s", ready->log);
	else if (ready->exited != COUNT_UNSET)
		fprintf(out, "it has ended with status %lld", (long long)ready->exited);
	else
		fputs("started", out);
	fputs(", within ", out);
	print_duration(out, app->ready_within);
	fprintf(out, "; stopped by %s, after ", app->stop_signal);
	print_duration(out, app->stop_grace);
	fputs(" by KILL\n", out);
}

static void print_app(FILE *out, const struct plan *plan, const struct plan_app *app)
{
	fprintf(out, "  %-12s on %s%s: ", app->name, plan->hosts.v[app->host].name,
		app->manual ? ", started by hand" : "");
	vec_foreach (var, &app->env) {
		fprintf(out, "%s=", var->name);
		print_word(out, var->value);
		fputc(' ', out);
	}
	print_words(out, &app->argv);
	if (app->cwd)
		fprintf(out, "  (in %s)", app->cwd);
	fputc('\n', out);
	print_ready(out, plan, app);
}

/* An edge in the order of time. */
struct moment {
	nsec_t t;
	bool is_off;
	size_t step, edge;
};

static int compare_moments(const void *left, const void *right)
{
	const struct moment *a = left, *b = right;

	if (a->t != b->t)
		return a->t < b->t ? -1 : 1;
	if (a->step != b->step)
		return a->step < b->step ? -1 : 1;
	return a->edge < b->edge ? -1 : a->edge > b->edge;
}

static void print_names(FILE *out, const struct plan *plan, const struct plan_step *step)
{
	vec_foreach (app, &step->apps)
		fprintf(out, " %s", plan->apps.v[*app].name);
	vec_foreach (host, &step->cables)
		fprintf(out, " %s", plan->hosts.v[*host].name);
}

static void print_step(FILE *out, const struct plan *plan, const struct plan_step *step,
		       const struct plan_edge *edge)
{
	fprintf(out, "%s", step->kind);
	if (step->step == STEP_EXEC) {
		fprintf(out, " on %s: ", plan->hosts.v[step->exec_host].name);
		print_words(out, &step->exec_argv);
		return;
	}
	print_names(out, plan, step);
	if (step->step != STEP_FAULT)
		return;
	if (step->fault.ops->target == FAULT_ON_CABLES && !step->fault.ops->where)
		fprintf(out, ", %s", direction_names[step->fault.direction]);
	print_fields(out, step->fault.ops->fields, &step->fault, ", ", ", ");
	print_fields(out, match_fields, &step->fault.match, ", only ", " and ");
	fputs(", until ", out);
	print_duration(out, edge->off);
}

static void print_moment(FILE *out, const struct plan *plan, const struct moment *m)
{
	const struct plan_step *step = &plan->steps.v[m->step];
	char t[32];

	snprintf(t, sizeof(t), "%.15g", (double)m->t / (double)NSEC_PER_SEC);
	fprintf(out, "  %10ss  ", t);
	if (m->is_off)
		fprintf(out, "%s ends", step->kind);
	else
		print_step(out, plan, step, &step->edges.v[m->edge]);
	if (step->id && strcmp(step->id, step->kind) != 0)
		fprintf(out, "  (%s)", step->id);
	fputc('\n', out);
}

static void print_timeline(FILE *out, const struct plan *plan)
{
	struct arena a = {0};
	VEC(struct moment) all = {0};

	for (size_t i = 0; i < plan->steps.n; i++)
		for (size_t j = 0; j < plan->steps.v[i].edges.n; j++) {
			const struct plan_edge *edge = &plan->steps.v[i].edges.v[j];

			*vec_push(&a, &all) = (struct moment){edge->on, false, i, j};
			if (edge->off != edge->on && edge->off != NSEC_NEVER)
				*vec_push(&a, &all) = (struct moment){edge->off, true, i, j};
		}
	if (all.n)
		qsort(all.v, all.n, sizeof(*all.v), compare_moments);
	fputs("\ntimeline\n", out);
	vec_foreach (m, &all)
		print_moment(out, plan, m);
	arena_free(&a);
}

static void print_expect(FILE *out, const struct plan_expect *e)
{
	fprintf(out, "  %s: ", e->spec.ops->name);
	print_fields(out, e->spec.ops->fields, &e->spec, "", ", ");
	if (strcmp(e->label, e->spec.ops->name) != 0)
		fprintf(out, "  (%s)", e->label);
	fputc('\n', out);
}

static void print_head(FILE *out, const struct plan *plan)
{
	fprintf(out, "%s\n  %s\n", plan->slug, plan->name);
	if (plan->control)
		fprintf(out, "  control %s\n", plan->control);
	fprintf(out, "  %s, clock %s, link %s, seed %llu, duration ", plan->file,
		clock_kind_names[plan->clock], link_engine_names[plan->link],
		(unsigned long long)plan->seed);
	print_duration(out, plan->duration);
	fputs(", timeout ", out);
	print_duration(out, plan->timeout);
	if (plan->neighbours == NEIGHBOURS_LEARN)
		fputs(", neighbours learnt", out);
	if (plan->gso == GSO_ON)
		fputs(", gso on", out);
	fputc('\n', out);
	vec_foreach (need, &plan->needs)
		fprintf(out, "  needs %s\n", *need);
	if (plan->claim.says)
		fprintf(out, "  claims %s%s%s\n", plan->claim.says,
			plan->claim.arithmetic ? ": " : "",
			plan->claim.arithmetic ? plan->claim.arithmetic : "");
}

void plan_print(FILE *out, const struct plan *plan)
{
	print_head(out, plan);
	fputs("\nhosts\n", out);
	vec_foreach (host, &plan->hosts)
		print_host(out, host);
	if (plan->files.n)
		fputs("\nfiles\n", out);
	vec_foreach (file, &plan->files)
		fprintf(out, "  %s on %s, %zu bytes\n", file->path, plan->hosts.v[file->host].name,
			strlen(file->text));
	for (size_t i = 0; i < plan->guest.files.n; i++)
		fprintf(out, "%s  %s\n", i ? "" : "\nin a guest too\n", plan->guest.files.v[i]);
	fputs("\napps\n", out);
	vec_foreach (app, &plan->apps)
		print_app(out, plan, app);
	print_timeline(out, plan);
	fputs("\nexpect\n", out);
	vec_foreach (e, &plan->expects)
		print_expect(out, e);
	if (plan->must_fail.n)
		fputs("\nmust fail, or the control survives\n", out);
	vec_foreach (index, &plan->must_fail)
		fprintf(out, "  %s\n", plan->expects.v[*index].label);
}
