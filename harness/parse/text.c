/* SPDX-License-Identifier: MIT */
#include "harness/parse/text.h"

#include "harness/parse/parse.h"

#define DEL 0x7f
/* A file that is not text at all is not told so once a line. */
#define FAULTS_MAX 20

bool parse_is_utf8(const char *s)
{
	size_t len = strlen(s), n;

	for (size_t i = 0; i < len; i += n) {
		n = utf8_sequence(s + i, len - i);
		if (!n)
			return false;
	}
	return true;
}

struct text_line text_line_at(const char *text, size_t len, int line)
{
	const char *end = text + len;

	for (int at = 1; at < line && text < end; at++) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));

		text = newline ? newline + 1 : end;
	}
	const char *newline = text < end ? memchr(text, '\n', (size_t)(end - text)) : NULL;
	return (struct text_line){text, (size_t)((newline ? newline : end) - text)};
}

int text_columns(const char *s, size_t len)
{
	int columns = 0;

	for (size_t i = 0; i < len; columns++) {
		size_t n = utf8_sequence(s + i, len - i);

		i += n ? n : 1;
	}
	return columns;
}

/* What is wrong with the character at s, and the mend; NULL: nothing. */
static const char *character_fault(const char *s, size_t len, const char **mend)
{
	static const char nel[] = "\xc2\x85", ls[] = "\xe2\x80\xa8", ps[] = "\xe2\x80\xa9";
	static const char bom[] = "\xef\xbb\xbf";
	size_t n = utf8_sequence(s, len);

	*mend = NULL;
	if (!n) {
		*mend = "save the file as UTF-8";
		return "this byte is not UTF-8";
	}
	if (*s == '\t') {
		*mend = "use spaces";
		return "a tab";
	}
	if (*s == '\r') {
		*mend = "save the file with Unix line ends";
		return "a carriage return";
	}
	if ((n == 1 && (unsigned char)*s < ' ') || *s == DEL) {
		*mend = "in a double-quoted text, write it as an escape such as \"\\e\"";
		return "a control character";
	}
	if (n == 3 && !memcmp(s, bom, n)) {
		*mend = "save the file without it";
		return "a byte order mark";
	}
	if ((n == 2 && !memcmp(s, nel, n)) ||
	    (n == 3 && (!memcmp(s, ls, n) || !memcmp(s, ps, n)))) {
		*mend = "use an ordinary newline";
		return "a Unicode line break";
	}
	return NULL;
}

static bool line_check(struct pos pos, const struct text_line *line, struct diags *diags)
{
	if (line->len && *line->start == '%') {
		pos.width = text_columns(line->start, line->len);
		diag_add(diags, pos, "leave it out: the format is YAML 1.2 without tags",
			 "a YAML directive");
		return false;
	}
	for (size_t i = 0; i < line->len; pos.column++) {
		const char *mend;
		const char *fault = character_fault(line->start + i, line->len - i, &mend);

		if (fault) {
			diag_add(diags, pos, mend, "%s", fault);
			return false;
		}
		i += utf8_sequence(line->start + i, line->len - i);
	}
	return true;
}

/* Where in the text it is, in *pos, whose line is 1. */
static void find_pos(const char *text, const char *at, struct pos *pos)
{
	const char *start = text;

	for (const char *newline; (newline = memchr(start, '\n', (size_t)(at - start)));) {
		start = newline + 1;
		pos->line++;
	}
	pos->column = 1 + text_columns(start, (size_t)(at - start));
}

/* A program, or a text in UTF-16, is wrong nearly everywhere, and that is one mistake. */
static bool has_nul(struct pos pos, const char *text, size_t len, struct diags *diags)
{
	const char *nul = memchr(text, '\0', len);

	if (!nul)
		return false;
	find_pos(text, nul, &pos);
	diag_add(diags, pos, "is it a program? a scenario is a text file, saved as UTF-8",
		 "a NUL byte");
	return true;
}

/* A file from Windows is wrong in every line, and that is one mistake. */
static bool has_windows_ends(struct pos pos, const char *text, size_t len, struct diags *diags)
{
	const char *end = memmem(text, len, "\r\n", 2);

	if (!end)
		return false;
	find_pos(text, end, &pos);
	diag_add(diags, pos, "save the file with Unix line ends",
		 "a carriage return ends the line, as Windows has it");
	return true;
}

bool text_check(const char *path, const char *text, size_t len, struct diags *diags)
{
	struct pos pos = {.file = arena_strdup(diags->arena, path), .line = 1, .width = 1};
	int faults = 0;

	if (has_nul(pos, text, len, diags) || has_windows_ends(pos, text, len, diags))
		return false;
	for (size_t at = 0; at < len && faults < FAULTS_MAX; pos.line++) {
		struct text_line line = text_line_at(text + at, len - at, 1);

		pos.column = 1;
		faults += !line_check(pos, &line, diags);
		at += line.len + 1;
	}
	return !faults;
}
