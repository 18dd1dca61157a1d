/* SPDX-License-Identifier: MIT */
#ifndef REF_UNITS_H
#define REF_UNITS_H

#include <stddef.h>
#include <stdint.h>

#include "reference-app/clock.h"

/* Values as people write them. Each parser takes the whole text [text, text + len) and returns -1 when
 * it is not such a value; the caller says what would have been. */

/* "100ms", "1.5s", "2m": ns, us, ms, s, m, h; a bare number is refused, and so is less than 0 and more
 * than about 292 years. */
int parse_duration(const char *text, size_t len, nsec_t *ret);

/* "100%", "12.5%": a share, 1.0 for 100 %. */
int parse_percent(const char *text, size_t len, double *ret);

/* "2", "1.5": a plain number, not negative. */
int parse_number(const char *text, size_t len, double *ret);

/* "42": a whole number within [min, max]. */
int parse_count(const char *text, size_t len, uint64_t min, uint64_t max, uint64_t *ret);

#endif
