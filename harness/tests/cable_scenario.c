/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "harness/tests/cable_trial.h"

/*
 * So far apart do the senders start, so that they do not all send at the same moment; and those of which
 * it counts when they did, so that one program's start does not hold up the next one's.
 */
#define STAGGER_US       700
#define STAGGER_AIMED_US 150000
#define START_US         1000000
/* From the last probe until the receivers are asked: what waits on a line has arrived. */
#define SETTLE_US      2000000
#define SETTLE_REAL_US 5000000
/* Until they have printed what they know. */
#define PRINT_US 1000000

/* What udp-probe sends at least. */
#define SIZE_NORMAL 72

#define FIRST_PORT 7000

const struct cable_case cable_bare = {.name = "bare",
				      .probes = {.count = 200, .interval_us = 5000}};

size_t cable_count(const struct cable_trial *t, const struct cable_case *c)
{
	return c->probes.count ? c->probes.count : t->n_probes;
}

int cable_size(const struct cable_case *c)
{
	return c->probes.size ? c->probes.size : SIZE_NORMAL;
}

int cable_port(const struct cable_case *c)
{
	return c == &cable_bare ? FIRST_PORT : FIRST_PORT + 2 * ((int)(c - cable_cases) + 1);
}

/* The file that is being written. */
struct script {
	const struct cable_trial *trial;
	FILE *f;
};

/* The cases of the scenario, from NULL on; NULL: that was the last. */
static const struct cable_case *next_case(const struct cable_trial *t, const struct cable_case *c)
{
	if (!c)
		return &cable_bare;
	for (c = c == &cable_bare ? cable_cases : c + 1; c < cable_cases + n_cable_cases; c++)
		if (cable_is_in(t, c))
			return c;
	return NULL;
}

static void print_hosts(const struct script *s)
{
	fputs("hosts:\n  sink: {}\n", s->f);
	for (const struct cable_case *c = NULL; (c = next_case(s->trial, c));)
		fprintf(s->f, "  %s: {}\n", c->name);
}

static void print_receiver(const struct script *s, const char *host, int port, size_t ports)
{
	fprintf(s->f,
		"  at-%s: {host: %s, run: \"%s receive %d %zu\", ready: {log: ready}, "
		"stop: {grace: 20s}}\n",
		host, host, s->trial->probe, port, ports);
}

struct route {
	const char *app; /* behind the case's name */
	const char *from, *to;
	int port;
};

static void print_sender(const struct script *s, const struct cable_case *c, struct route r)
{
	fprintf(s->f,
		"  %s%s: {host: %s, start: manual, run: \"%s send --interval=%d --size=%d%s %zu "
		"%s:%d\"}\n",
		c->name, r.app, r.from, s->trial->probe, c->probes.interval_us, cable_size(c),
		c->probes.no_checksum ? " --no-checksum" : "", cable_count(s->trial, c), r.to,
		r.port);
}

static void print_apps(const struct script *s)
{
	fputs("apps:\n", s->f);
	print_receiver(s, "sink", FIRST_PORT, 2 * (n_cable_cases + 1));
	for (const struct cable_case *c = NULL; (c = next_case(s->trial, c));) {
		int port = cable_port(c);

		print_sender(s, c, (struct route){"", c->name, "sink", port});
		if (!(c->promises & CABLE_AIMED))
			continue;
		print_receiver(s, c->name, port, 1);
		print_sender(s, c, (struct route){"-other", c->name, "sink", port + 1});
		print_sender(s, c, (struct route){"-back", "sink", c->name, port});
	}
}

static void print_stream(const struct script *s, const struct cable_case *c)
{
	fprintf(s->f, "cable: %s, direction: from-host", c->name);
	if (s->trial->link == LINK_WIRE)
		fprintf(s->f, ", match: {port: %d}", cable_port(c));
}

/* A fault's text with names put in. */
static void print_fault(const struct script *s, const struct cable_case *c, const char *text)
{
	fputs("  - {", s->f);
	for (; *text; text++) {
		if (*text == '@')
			print_stream(s, c);
		else if (*text == '#')
			fputs(c->name, s->f);
		else
			fputc(*text, s->f);
	}
	fputs("}\n", s->f);
}

int64_t cable_start_us(const struct cable_trial *t, const struct cable_case *of)
{
	int64_t at = START_US;

	for (const struct cable_case *c = NULL; (c = next_case(t, c)) && c != of;)
		at += c->promises & CABLE_AIMED ? STAGGER_AIMED_US : STAGGER_US;
	return at;
}

static void print_case(const struct script *s, const struct cable_case *c)
{
	const char *const *faults = s->trial->counter ? c->instead : c->faults;

	for (size_t i = 0; i < CABLE_FAULTS_MAX && faults[i]; i++)
		print_fault(s, c, faults[i]);
	fprintf(s->f, "  - {at: %" PRId64 "us, start: [%s", cable_start_us(s->trial, c), c->name);
	if (c->promises & CABLE_AIMED)
		fprintf(s->f, ", %s-other, %s-back", c->name, c->name);
	fputs("]}\n", s->f);
}

static void print_timeline(const struct script *s)
{
	int64_t end = 0, settle = s->trial->real ? SETTLE_REAL_US : SETTLE_US;

	fputs("timeline:\n", s->f);
	for (const struct cable_case *c = NULL; (c = next_case(s->trial, c));) {
		int64_t over = cable_start_us(s->trial, c) +
			       (int64_t)cable_count(s->trial, c) * c->probes.interval_us;

		end = over > end ? over : end;
		print_case(s, c);
	}
	fprintf(s->f, "  - {at: %" PRId64 "us, stop: [at-sink", end + settle);
	for (const struct cable_case *c = NULL; (c = next_case(s->trial, c));)
		if (c->promises & CABLE_AIMED)
			fprintf(s->f, ", at-%s", c->name);
	fprintf(s->f, "]}\nduration: %" PRId64 "us\n", end + settle + PRINT_US);
}

static void print_expectations(const struct script *s)
{
	fputs("expect:\n", s->f);
	for (const struct cable_case *c = NULL; (c = next_case(s->trial, c));) {
		fprintf(s->f, "  - {id: %s, exits: {app: %s}}\n", c->name, c->name);
		if (c->promises & CABLE_AIMED)
			fprintf(s->f,
				"  - {id: %s-other, exits: {app: %s-other}}\n"
				"  - {id: %s-back, exits: {app: %s-back}}\n",
				c->name, c->name, c->name, c->name);
	}
}

char *cable_scenario(struct arena *a, const struct cable_trial *t)
{
	char *text;
	size_t len;
	struct script s = {.trial = t, .f = open_memstream(&text, &len)};

	if (!s.f)
		abort();
	fprintf(s.f, "version: 1\nname: probes through cables, %s\n", t->group);
	print_hosts(&s);
	print_apps(&s);
	print_timeline(&s);
	print_expectations(&s);
	fclose(s.f);
	char *copy = arena_strdup(a, text);
	free(text);
	return copy;
}
