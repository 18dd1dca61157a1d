/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "harness/base/cleanup.h"
#include "harness/cli/commands.h"
#include "harness/cli/programs.h"
#include "harness/doctor/doctor.h"

#define EXIT_USAGE 2
#define EXIT_LACKS 3

#define NAME_WIDTH 14

#define RED    "\033[31m"
#define GREEN  "\033[32m"
#define YELLOW "\033[33m"
#define RESET  "\033[0m"

/* What the last line is made of: names of probes that did not succeed. */
struct doctor_summary {
	struct arena *arena;
	const char *needed, *nice, *rest;
};

static const char *add_name(struct arena *a, const char *list, const char *name)
{
	return list ? arena_printf(a, "%s, %s", list, name) : name;
}

static const char *state_color(const struct doctor_probe *p, enum doctor_state state)
{
	if (state == DOCTOR_HAVE)
		return GREEN;
	return p->need == DOCTOR_NEEDED ? RED : YELLOW;
}

static void print_finding(const struct options *opt, const struct doctor_probe *p,
			  const struct doctor_finding *f)
{
	static const char *const states[] = {"have", "lack", "unknown"};
	static const char *const needs[] = {"needed", "nice to have", "not needed"};

	printf("%s%-7s%s  %-*s  %s: %s", opt->color ? state_color(p, f->state) : "",
	       states[f->state], opt->color ? RESET : "", NAME_WIDTH, p->name, p->what, f->found);
	if (f->state == DOCTOR_HAVE) {
		putchar('\n');
		return;
	}
	printf(" (%s)\n", needs[p->need]);
	if (f->state == DOCTOR_LACK)
		printf("           costs  %s\n           mend   %s\n", p->costs, f->mend);
}

static void count(struct doctor_summary *s, const struct doctor_probe *p,
		  const struct doctor_finding *f)
{
	if (f->state == DOCTOR_HAVE)
		return;
	if (p->need == DOCTOR_NEEDED)
		s->needed = add_name(s->arena, s->needed, p->name);
	else if (p->need == DOCTOR_NICE)
		s->nice = add_name(s->arena, s->nice, p->name);
	else
		s->rest = add_name(s->arena, s->rest, p->name);
}

static void print_summary(const struct doctor_summary *s)
{
	if (s->needed) {
		printf("doctor: `wirecut run` cannot run here; needed: %s\n", s->needed);
		return;
	}
	if (!s->nice && !s->rest) {
		puts("doctor: `wirecut run` can run here, with everything");
		return;
	}
	fputs("doctor: `wirecut run` can run here", stdout);
	if (s->nice)
		printf("; better with: %s", s->nice);
	if (s->rest)
		printf("; lacking, but not needed: %s", s->rest);
	putchar('\n');
}

int command_doctor(struct options *opt)
{
	_cleanup_close_ int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct doctor_summary summary = {.arena = opt->arena};
	struct err err = {0};
	struct programs programs = {0};
	bool found = programs_find(opt->arena, &programs, &err) == 0;

	if (opt->paths.n) {
		fprintf(stderr, "wirecut: doctor takes no arguments, not '%s'\n", opt->paths.v[0]);
		return EXIT_USAGE;
	}
	if (root < 0 || !found) {
		fprintf(stderr, "wirecut: %s\n", found ? "cannot open /" : err.msg);
		return EXIT_LACKS;
	}
	int64_t jobs = suite_default_jobs();
	struct doctor_input in = {
		.root_fd = root,
		.jobs = (uint64_t)jobs,
		.descriptors = suite_descriptors(jobs),
		.programs = programs.own,
		.limit = DOCTOR_LIMIT,
	};

	machine_read(root, &in.machine);
	for (size_t i = 0; doctor_probes[i]; i++) {
		struct doctor_finding finding;

		doctor_examine(doctor_probes[i], &in, &finding);
		print_finding(opt, doctor_probes[i], &finding);
		count(&summary, doctor_probes[i], &finding);
	}
	print_summary(&summary);
	return summary.needed ? EXIT_LACKS : 0;
}
