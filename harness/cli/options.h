/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_CLI_OPTIONS_H
#define WIRECUT_CLI_OPTIONS_H

#include <regex.h>
#include <stdio.h>
#include <sys/types.h>

#include "harness/base/arena.h"
#include "harness/base/err.h"
#include "harness/build/build.h"
#include "harness/report/reporter.h"
#include "harness/report/table.h"

enum controls { CONTROLS_ALSO, CONTROLS_NONE, CONTROLS_ONLY };

enum netem_presence { NETEM_UNKNOWN, NETEM_THERE, NETEM_LACKING };

/* What the command line says, for every command. */
struct options {
	struct arena *arena;
	struct strings paths; /* scenarios/ if none was given */
	struct strings tags;
	const char *results;
	uint64_t seed;
	int64_t jobs;          /* 0: not given */
	int64_t shard, shards; /* 1 <= shard <= shards; 0: not given */
	int64_t repeat;        /* 0: not given */
	int64_t retries;       /* of an inconclusive verdict */
	int64_t seeds;         /* that each scenario is run with, from `seed` on; 0: not given */
	int clock;             /* enum clock_kind; CLOCK_ANY: not given */
	enum link_choice link;
	enum netem_presence netem_here, netem_of_guests; /* netem.h */
	struct strings kernels; /* images, of guests; none: the one that is there */
	const char *modules;    /* of a single image; NULL: those beside it */
	nsec_t timeout;         /* of each run, on the wall clock; NSEC_UNSET: the scenario's own */
	regex_t filter;
	struct report_options reports;
	enum controls controls;
	enum verbosity verbosity;
	bool paths_by_default, seed_given, has_filter, color_given;
	bool until_fail, shuffle, fail_fast, strict;
	enum table_format format; /* of a table */
	bool format_given;        /* else by whether standard output is a terminal */
	bool color;               /* of the lines for people */
	int64_t clients;          /* of a demonstration; 0: not given */
	nsec_t outage;            /* likewise */
	const char *netns, *dev;  /* of an injection; NULL: not given */
	pid_t pid;                /* likewise; 0: not given */
	nsec_t length;            /* likewise */
	bool dry_run;
	bool help;
};

/* A command of the program. */
struct command {
	const char *name;
	const char *arguments; /* "[PATH...]" */
	const char *doc;       /* one line */
	unsigned bit;          /* which options it takes */
	int (*run)(struct options *opt);
};

enum command_bits {
	CMD_RUN = 1 << 0,
	CMD_CHECK = 1 << 1,
	CMD_LIST = 1 << 2,
	CMD_PLAN = 1 << 3,
	CMD_JUDGE = 1 << 4,
	CMD_VERSION = 1 << 5,
	CMD_SCHEMA = 1 << 6,
	CMD_INIT = 1 << 7,
	CMD_COMPLETION = 1 << 8,
	CMD_MAN = 1 << 9,
	CMD_DOCTOR = 1 << 10,
	CMD_CLAIMS = 1 << 11,
	CMD_DEMO = 1 << 12,
	CMD_INJECT = 1 << 13,
	CMD_MATRIX = 1 << 14,
};

extern const struct command commands[]; /* ends with a NULL name */

/* A flag, as help, completion and manual page show it. */
struct option_info {
	const char *name;
	char letter;          /* 0: none */
	const char *argument; /* "DIR", or the words that it can be: "also|none|only"; NULL: none */
	const char *doc;
	unsigned commands; /* the bits of those that take it */
};

/*
 * The i-th flag that a command takes (NULL: that any does); false: it has not so many. One that means another
 * thing to each command is there once for each, one behind the other.
 */
bool options_info(const struct command *command, size_t i, struct option_info *ret);

/* For readers of values: a whole number within bounds; else the error names the option. */
int take_whole(const char *name, const char *value, uint64_t min, uint64_t max, uint64_t *ret,
	       struct err *err);

/*
 * Reads argv[2..] for a command. An error names the option and what it takes. Release with
 * options_release().
 */
int options_parse(struct options *opt, const struct command *command, int argc, char **argv,
		  struct err *err);
void options_release(struct options *opt);

/* What the program is, in one sentence of several lines. */
extern const char options_summary[];

/* `wirecut help`, `wirecut COMMAND --help`. */
void options_print_commands(FILE *out);
void options_print_help(FILE *out, const struct command *command);

#endif
