/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_PARSE_PARSE_H
#define WIRECUT_PARSE_PARSE_H

#include <stdio.h>

#include "harness/data/scenario.h"

/*
 * Reads one scenario file, strictly. Every error is added to `diags` (not only the first); the
 * scenario is whole only if none was added, and NULL if nothing of it could be read. `path` is what
 * messages call the file. What is made lives in `a`.
 */
struct scenario *parse_scenario(const char *path, const char *text, size_t len, struct arena *a,
				struct diags *diags);

/*
 * Reads a file that an `include` names, its path joined to the folder of the file that names it:
 * io_read_file() is one. NULL with *err if it cannot be read. Injected, so that parse stays pure.
 */
typedef char *parse_read_file(const char *path, size_t *ret_len, struct arena *a, struct err *err);

struct scenario_list {
	struct scenario **v;
	size_t n;
};

/*
 * As parse_scenario(), of all that the file makes: one scenario, or one for each cell of its matrix,
 * in the order of the file; none if nothing of it could be read. parse_scenario() gives the first of
 * them, and reads no included file.
 */
void parse_scenarios(const char *path, const char *text, size_t len, parse_read_file *read_file,
		     struct arena *a, struct diags *diags, struct scenario_list *ret);

/*
 * The place of a value by its path from the top: "timeline.0.blackhole.cable". Of what is not there:
 * the place of the innermost part of the path that is.
 */
struct pos parse_locate(const struct scenario *s, const char *path_fmt, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * True if what stands at this path, or a part of it, could not be read as it stands: parsing has
 * added an error about it to `diags`. Of what is not there: if what should hold it has something else
 * that may be meant by it. What depends on it is not known, and nothing is to be said of that.
 */
bool parse_is_spoilt(const struct scenario *s, const struct diags *diags, const char *path_fmt, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * True if the map or list at this path may be without something that is in the file: a name that is
 * not found there may be one of these. Its items may be spoilt all the same.
 */
bool parse_may_lack(const struct scenario *s, const struct diags *diags, const char *path_fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* The known name (of a NULL-terminated list) that a misspelt one probably means; NULL: none. */
const char *nearest_name(const char *name, const char *const *known);

/*
 * "did you mean 'x'?" for the nearest of the known names (NULL-terminated) to a misspelt one: at
 * most two edits away, or a third of its letters. Else the list of them; NULL when there are none.
 */
char *parse_suggest(const char *name, const char *const *known, struct arena *a);

/* Of a name: with ".1000" behind it, it must fit a hostname (64 bytes, sethostname(2)). */
#define PARSE_NAME_MAX 48

/* True of what a host, an app, a control or an id may be called: [a-z0-9][a-z0-9-]*, not longer. */
bool parse_is_name(const char *text);

/* True if all of it is UTF-8 (RFC 3629). */
bool parse_is_utf8(const char *s);

/* Splits "host:port". False if it is not of that form or the port is not from 1 to 65535. */
bool parse_service(const char *text, struct arena *a, char **ret_host, int64_t *ret_port);

/* "250ms", "1.5s", "2m", "1h" to ns; units us, ms, s, m, h. False if it is not one. */
bool parse_duration(const char *text, nsec_t *ret);

/* "1mbit", "1.5kbit" to bits a second; units bit, kbit, mbit, gbit, each 1000 of the one before. */
bool parse_bitrate(const char *text, int64_t *ret);

/*
 * The same two with the units of tc(8) as well, in small letters: "10msec", "1kbps" (bytes),
 * "1mibit" (of 1024). A number without a unit is none of them: to tc it is of microseconds, or of bits.
 */
bool parse_tc_duration(const char *text, nsec_t *ret);
bool parse_tc_bitrate(const char *text, int64_t *ret);

/*
 * "1500b", "64kib" to bytes; units b, kib, mib, gib, each 1024 of the one before. tc's own k and kb, which
 * are of 1024 too, are none: a scenario's kB is of 1000.
 */
bool parse_tc_size(const char *text, int64_t *ret);

/* "1500B", "64kB" to bytes; units B, kB, MB, GB, each 1000 of the one before. */
bool parse_size(const char *text, int64_t *ret);

/* "30%", "0.5%" to a fraction. */
bool parse_percent(const char *text, double *ret);

/* Splits as a POSIX shell splits words: blanks, '..', "..", backslash; no expansion at all. */
int parse_words(const char *text, struct arena *a, struct strings *ret, struct err *err);

/* Prints a diag as `file:line:col: error: ...`, the source line, a caret and the hint. */
void diag_print(FILE *out, const struct diag *d, const char *text, size_t len, bool color);

/* Prints all of them, each with the line of the file that it is in, and with its matrix cell. */
void diags_print(FILE *out, const struct diags *diags, bool color);

/* The JSON Schema (draft 2020-12) of a scenario file; the caller owns it. */
json_t *parse_schema(void);

/* The table of every key, as the Markdown that scenarios/README.md holds. */
void parse_print_reference(FILE *out);

/* The same, as the body of a section of a manual page. */
void parse_print_reference_roff(FILE *out);

#endif
