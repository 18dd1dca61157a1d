/* SPDX-License-Identifier: MIT */
#ifndef REF_OPTIONS_H
#define REF_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "reference-app/practices.h"
#include "reference-app/why.h"

/* Command lines by a table: the parser, --help and the messages all come from the same rows. */

#define EXIT_USAGE 2

struct option_row {
	const char *name;    /* without the dashes */
	const char *arg;     /* how the help calls the value; NULL for a flag */
	const char *accepts; /* for the message: "a length of time with its unit, such as 3s" */
	const char *doc;     /* for the help, the default included */
	/* Fills `to` from the value (NULL for a flag). -1: not accepted; it may say why itself, else
	 * the message comes from `accepts`. */
	int (*parse)(const struct option_row *row, const char *value, void *to, struct why *why);
	size_t offset; /* of `to` in the program's options */
	uint64_t min;  /* for counts */
	uint64_t max;
};

#define OPTION(type, member) offsetof(struct type, member)

/* One program's command line. */
struct command {
	const char *name;
	const char *what; /* it does, in one sentence */
	enum practice_side side;
	const struct option_row *rows; /* the last one has no name */
};

/* What every program knows besides its rows: --without, --list-practices, --help, --version. It is the
 * first member of the program's own options. */
struct common_options {
	enum practice_side side;
	practices_off_t off;
	bool help;
	bool version;
	bool list_practices;
};

/* Parses argv[1] and on: --name VALUE, --name=VALUE, --flag. The rows' offsets count from `common`.
 * -1 with the message for the user. */
int options_parse(const struct command *command, int argc, char **argv,
		  struct common_options *common, struct why *why);

void options_help(FILE *out, const struct command *command);

/* Answers --help, --version and --list-practices. Returns whether one of them was asked for. */
bool options_answer(const struct command *command, const struct common_options *common);

/* Parsers for the rows, each with the type it fills. */
int option_flag(const struct option_row *row, const char *value, void *to, struct why *why);
/* const char *: the argument itself, not a copy. */
int option_text(const struct option_row *row, const char *value, void *to, struct why *why);
/* uint64_t within [row->min, row->max]. */
int option_count(const struct option_row *row, const char *value, void *to, struct why *why);
/* double, not negative. */
int option_number(const struct option_row *row, const char *value, void *to, struct why *why);
/* nsec_t, more than 0. */
int option_duration(const struct option_row *row, const char *value, void *to, struct why *why);
/* struct heartbeat_policy from INTERVAL/K. */
int option_heartbeat(const struct option_row *row, const char *value, void *to, struct why *why);
/* struct backoff_policy from BASE/FACTOR/CAP/JITTER. */
int option_backoff(const struct option_row *row, const char *value, void *to, struct why *why);
/* struct common_options: --without KEY. */
int option_without(const struct option_row *row, const char *value, void *to, struct why *why);

#endif
