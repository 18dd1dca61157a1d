/* SPDX-License-Identifier: MIT */
/*
 * libfyaml says which rule of YAML is broken, and where that showed; here is what the writer has most
 * likely done. A part of the message is looked for, as the rest differs between its versions.
 */
#include "harness/parse/syntax.h"

#include "harness/base/cleanup.h"

#define COLON "behind a key stand a colon and a blank, as in 'key: value'"
#define QUOTE "put all of the text in quotes: \"...\""
#define OPEN                                                                                       \
	"a { or [ is not closed before it, or what stands between them is not indented deeper "    \
	"than their line"

static const struct {
	const char *part;
	const char *hint;
} hints[] = {
	{"could not find expected ':'", COLON},
	{"wrongly indented double-quoted scalar", "close the text with a \" in its line"},
	{"wrongly indented single-quoted scalar", "close the text with a ' in its line"},
	{"double-quoted scalar without closing quote", "close the text with a \""},
	{"single-quoted scalar without closing quote", "close the text with a '"},
	{"trailing content after", QUOTE},
	{"plain scalar cannot start with", QUOTE},
	{"invalid anchor", QUOTE},
	{"invalid escape", "write \\\\ for a backslash, or put the text in single quotes"},
	{"no linebreak found", "a text behind | or > begins in the next line, indented; one that "
			       "begins with such a sign belongs in quotes"},
	{"invalid indentation in mapping", "begin all keys of one map in the same column"},
	{"in sequence while in mapping", "begin the '-' of all items in the same column"},
	{"did not find expected key", "the items of a list begin with '- ', the keys of a map do "
				      "not, and all of them in the same column"},
	{"invalid scalar at the end of block sequence",
	 "the items of a list begin with '- ', the keys of a map do not"},
	{"block sequence on the same line", "begin the list in the next line, or write [a, b]"},
	{"wrongly indented flow", OPEN},
	{"without a closing", "close it with the ] or } that belongs to it"},
	{"extra closing", "leave it out, or open it before"},
	{"mismatched flow", "what begins with { ends with }, what begins with [ ends with ]"},
	{"missing comma in flow", "between { } and [ ] a comma parts what stands there, and the "
				  "last } or ] closes it; a text with such signs, or with ': ', "
				  "belongs in quotes"},
};

/* What stands between the first blanks and the last, up to the column. */
static struct text_line before(const struct text_line *line, int column)
{
	struct text_line part = *line;

	while (part.len && text_columns(part.start, part.len) >= column)
		part.len--;
	while (part.len && *part.start == ' ') {
		part.start++;
		part.len--;
	}
	return part;
}

/* Two lines were read as one key: the first has no colon, or the second is indented too deep. */
static const char *hint_of_key(const struct text_line *line, int column)
{
	struct text_line head = before(line, column);

	return memchr(head.start, ':', head.len)
		       ? "the next line is indented deeper than this key, which has its value "
			 "already: begin it in the column of the key"
		       : COLON ", or 'key:' alone before what is indented deeper";
}

/* A second colon in one line. */
static const char *hint_of_second_colon(const struct text_line *line, int column)
{
	struct text_line head = before(line, column);

	if (head.len > 1 && head.start[0] == '-' && head.start[1] != ' ')
		return "behind the '-' of an item stands a blank";
	return "a text with ': ' in it belongs in quotes: \"...\"";
}

const char *syntax_hint(const char *message, const struct text_line *line, int column)
{
	/* A mistake that is made once by everybody who writes a matrix. */
	if (strstr(message, " in flow ") && memmem(line->start, line->len, "${", strlen("${")))
		return "inside of { } and [ ] put a text with ${...} in quotes";
	if (strstr(message, "invalid multiline plain key"))
		return hint_of_key(line, column);
	if (strstr(message, "nested block mapping on the same line"))
		return hint_of_second_colon(line, column);
	for (size_t i = 0; i < ARRAY_SIZE(hints); i++)
		if (strstr(message, hints[i].part))
			return hints[i].hint;
	return NULL;
}
