/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_BASE_UTF8_H
#define WIRECUT_BASE_UTF8_H

#include <stddef.h>

/* The bytes of the UTF-8 sequence (RFC 3629) that s begins with; 0: it begins with none. */
size_t utf8_sequence(const char *s, size_t len);

#endif
