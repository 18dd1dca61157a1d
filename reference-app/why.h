/* SPDX-License-Identifier: MIT */
#ifndef REF_WHY_H
#define REF_WHY_H

/* Why something failed, in words for the person who has to mend it. It needs no allocation, so it can
 * be filled in when memory or file descriptors have run out. */
struct why {
	char text[256];
};

/* Sets the text. Always returns -1, so that `return why_set(...)` reads well. */
int why_set(struct why *why, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* As why_set, with ": " and the text of errno at the end. */
int why_errno(struct why *why, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
