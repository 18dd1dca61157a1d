/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_BASE_ROFF_H
#define WIRECUT_BASE_ROFF_H

#include <stdio.h>

/*
 * Writing manual pages with the man macros (man(7)): so much of them as pages made from tables need.
 * Texts are ordinary texts: what is special to roff is escaped, and what stands in `backticks` is
 * bold, as in the same texts in Markdown.
 */

/* .TH: the page's name and section; without a date, so that the same program makes the same page. */
void roff_title(FILE *out, const char *name, int section, const char *version);

/* .SH and .SS */
void roff_section(FILE *out, const char *title);
void roff_subsection(FILE *out, const char *title);

/* A paragraph; newlines in the text are filled. */
void roff_paragraph(FILE *out, const char *text);

/* Begins an item: its tag follows by roff_text(), then roff_item_body(), then its text. */
void roff_item(FILE *out);
void roff_item_body(FILE *out);

/* A text within a line. */
void roff_text(FILE *out, const char *text);
void roff_bold(FILE *out, const char *text);
void roff_italic(FILE *out, const char *text);

/* Lines as they are. */
void roff_example(FILE *out, const char *lines);

#endif
