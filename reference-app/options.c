/* SPDX-License-Identifier: MIT */
#include "reference-app/options.h"

#include <string.h>

#define VERSION "0.1.0"

/* The width of the help's left column. */
#define HELP_COLUMN 36

static const struct option_row common_rows[] = {
	{.name = "without",
	 .arg = "KEY",
	 .accepts = "the key of a practice",
	 .doc = "switch a practice off; may be given again",
	 .parse = option_without},
	{.name = "list-practices",
	 .doc = "say which practices there are, and end",
	 .parse = option_flag,
	 .offset = OPTION(common_options, list_practices)},
	{.name = "help",
	 .doc = "say this, and end",
	 .parse = option_flag,
	 .offset = OPTION(common_options, help)},
	{.name = "version",
	 .doc = "say the version, and end",
	 .parse = option_flag,
	 .offset = OPTION(common_options, version)},
	{0},
};

/* What the one program has and the other has not: whoever gives it to the wrong one is told of the right. */
static const struct {
	const char *name;
	enum practice_side side;
} of_one_side[] = {
	{"target", SIDE_CLIENT},      {"connections", SIDE_CLIENT},
	{"rate", SIDE_CLIENT},        {"in-flight", SIDE_CLIENT},
	{"backoff", SIDE_CLIENT},     {"connect-timeout", SIDE_CLIENT},
	{"attempts", SIDE_CLIENT},    {"seed", SIDE_CLIENT},
	{"verbose", SIDE_CLIENT},     {"listen", SIDE_SERVER},
	{"workers", SIDE_SERVER},     {"backlog", SIDE_SERVER},
	{"accept-cost", SIDE_SERVER}, {"late-close", SIDE_SERVER},
};

static const struct option_row *find_in(const struct option_row *rows, const char *name, size_t len)
{
	for (; rows->name; rows++)
		if (strlen(rows->name) == len && memcmp(rows->name, name, len) == 0)
			return rows;
	return NULL;
}

/* Finds the row of "name" or "name=value"; *ret_value is the value behind the sign, or NULL. */
static const struct option_row *find(const struct command *command, const char *word,
				     const char **ret_value)
{
	size_t len = strcspn(word, "=");
	const struct option_row *row = find_in(command->rows, word, len);

	*ret_value = word[len] == '=' ? word + len + 1 : NULL;
	return row ? row : find_in(common_rows, word, len);
}

/* How many characters two names share at their start. */
static size_t shared_prefix(const char *a, const char *b)
{
	size_t n = 0;

	while (a[n] && a[n] == b[n])
		n++;
	return n;
}

/* Puts the row whose name shares most with the word into *nearest, if that is more than *most. */
static void look_for_nearest(const struct option_row *rows, const char *word, size_t *most,
			     const struct option_row **nearest)
{
	for (; rows->name; rows++) {
		size_t shared = shared_prefix(rows->name, word);

		if (shared > *most) {
			*most = shared;
			*nearest = rows;
		}
	}
}

/* The program that the word is an option of, if that is the other one; else NULL. */
static const char *other_program(const struct command *command, const char *word)
{
	size_t len = strcspn(word, "=");

	for (size_t i = 0; i < sizeof(of_one_side) / sizeof(of_one_side[0]); i++)
		if (of_one_side[i].side != command->side && strlen(of_one_side[i].name) == len &&
		    memcmp(of_one_side[i].name, word, len) == 0)
			return of_one_side[i].side == SIDE_CLIENT ? "ref-client" : "ref-server";
	return NULL;
}

static int unknown(const struct command *command, const char *word, struct why *why)
{
	const char *other = other_program(command, word);
	const struct option_row *nearest = NULL;
	size_t most = 0;

	if (other)
		return why_set(why, "--%.*s is an option of %s, not of %s", (int)strcspn(word, "="),
			       word, other, command->name);
	look_for_nearest(command->rows, word, &most, &nearest);
	look_for_nearest(common_rows, word, &most, &nearest);
	if (nearest)
		return why_set(
			why, "--%.40s: no such option; did you mean --%s? (--help lists them all)",
			word, nearest->name);
	return why_set(why, "--%.40s: no such option (--help lists them)", word);
}

/* Parses the option at argv[*at], moving *at on when it takes the next word as its value. */
static int parse_one(const struct command *command, int argc, char **argv, int *at,
		     struct common_options *common, struct why *why)
{
	const char *word = argv[*at];
	const struct option_row *row;
	const char *value;

	if (strncmp(word, "--", 2) != 0 || !word[2])
		return why_set(why,
			       "\"%.40s\": options begin with --, and there are no other words",
			       word);
	row = find(command, word + 2, &value);
	if (!row)
		return unknown(command, word + 2, why);
	if (!row->arg && value)
		return why_set(why, "--%s takes no value", row->name);
	if (row->arg && !value) {
		if (++*at >= argc)
			return why_set(why, "--%s needs a value: %s", row->name, row->accepts);
		value = argv[*at];
	}
	why->text[0] = '\0';
	if (row->parse(row, value, (char *)common + row->offset, why) == 0)
		return 0;
	if (why->text[0])
		return -1;
	return why_set(why, "--%s: \"%.40s\" is not accepted; it takes %s", row->name, value,
		       row->accepts);
}

int options_parse(const struct command *command, int argc, char **argv,
		  struct common_options *common, struct why *why)
{
	common->side = command->side;
	for (int at = 1; at < argc; at++)
		if (parse_one(command, argc, argv, &at, common, why) < 0)
			return -1;
	return 0;
}

static void help_rows(FILE *out, const struct option_row *rows)
{
	for (; rows->name; rows++) {
		int width = fprintf(out, "  --%s%s%s", rows->name, rows->arg ? " " : "",
				    rows->arg ? rows->arg : "");

		fprintf(out, "%*s%s\n", width < HELP_COLUMN ? HELP_COLUMN - width : 1, "",
			rows->doc);
	}
}

void options_help(FILE *out, const struct command *command)
{
	fprintf(out, "Usage: %s [OPTION]...\n%s\n\n", command->name, command->what);
	help_rows(out, command->rows);
	help_rows(out, common_rows);
}

bool options_answer(const struct command *command, const struct common_options *common)
{
	if (common->help)
		options_help(stdout, command);
	else if (common->version)
		printf("%s %s\n", command->name, VERSION);
	else if (common->list_practices)
		practice_list(stdout, command->side);
	else
		return false;
	return true;
}
