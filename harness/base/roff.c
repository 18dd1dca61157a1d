/* SPDX-License-Identifier: MIT */
#include "harness/base/roff.h"

#include <stdbool.h>

/* `at_start`: of a line, where a dot or a quote would begin a request. */
static void put_char(FILE *out, char c, bool at_start)
{
	if (c == '\\')
		fputs("\\e", out);
	else if (c == '-') /* a bare one becomes a hyphen, and cannot be copied to a shell */
		fputs("\\-", out);
	else if (c == '\'')
		fputs("\\(aq", out);
	else if (c == '~' || c == '^')
		fputs(c == '~' ? "\\(ti" : "\\(ha", out);
	else
		fprintf(out, "%s%c", at_start && c == '.' ? "\\&" : "", c);
}

void roff_text(FILE *out, const char *text)
{
	bool at_start = true, is_bold = false;

	for (; *text; text++) {
		if (*text == '`') {
			is_bold = !is_bold;
			fputs(is_bold ? "\\fB" : "\\fR", out);
			at_start = false;
		} else {
			put_char(out, *text, at_start);
			at_start = *text == '\n';
		}
	}
}

static void put_in_font(FILE *out, char font, const char *text)
{
	fprintf(out, "\\f%c", font);
	for (; *text; text++)
		put_char(out, *text, false);
	fputs("\\fR", out);
}

void roff_bold(FILE *out, const char *text)
{
	put_in_font(out, 'B', text);
}

void roff_italic(FILE *out, const char *text)
{
	put_in_font(out, 'I', text);
}

void roff_title(FILE *out, const char *name, int section, const char *version)
{
	fprintf(out, ".\\\" Made by wirecut from its own tables.\n");
	fprintf(out, ".TH \"%s\" %d \"\" \"wirecut %s\" \"wirecut manual\"\n", name, section,
		version);
}

static void put_heading(FILE *out, const char *macro, const char *title)
{
	fprintf(out, "%s \"", macro);
	for (; *title; title++)
		if (*title == '"')
			fputs("\\(dq", out);
		else
			put_char(out, *title, false);
	fputs("\"\n", out);
}

void roff_section(FILE *out, const char *title)
{
	put_heading(out, ".SH", title);
}

void roff_subsection(FILE *out, const char *title)
{
	put_heading(out, ".SS", title);
}

void roff_paragraph(FILE *out, const char *text)
{
	fputs(".PP\n", out);
	roff_text(out, text);
	fputc('\n', out);
}

void roff_item(FILE *out)
{
	fputs(".TP\n", out);
}

void roff_item_body(FILE *out)
{
	fputc('\n', out);
}

void roff_example(FILE *out, const char *lines)
{
	bool at_start = true;

	fputs(".PP\n.RS 4\n.nf\n", out);
	for (; *lines; lines++) {
		put_char(out, *lines, at_start);
		at_start = *lines == '\n';
	}
	fputs(".fi\n.RE\n", out);
}
