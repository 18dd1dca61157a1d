/* SPDX-License-Identifier: MIT */
#include "harness/report/clean.h"

#include <stdbool.h>

#include "harness/base/utf8.h"

#define REPLACEMENT     "\xef\xbf\xbd" /* U+FFFD */
#define REPLACEMENT_LEN (sizeof(REPLACEMENT) - 1)
#define SPACE           0x20
#define DEL             0x7f

/* A valid sequence that is nevertheless no text: a control character, or a noncharacter. */
static bool is_no_text(const char *s, size_t len)
{
	const unsigned char *b = (const unsigned char *)s;

	if (len == 1)
		return (b[0] < SPACE && b[0] != '\n' && b[0] != '\t') || b[0] == DEL;
	if (len == 2) /* U+0080 to U+009F */
		return b[0] == 0xc2 && b[1] < 0xa0;
	/* U+FFFE and U+FFFF */
	return len == 3 && b[0] == 0xef && b[1] == 0xbf && b[2] >= 0xbe;
}

char *clean_text(const char *s, struct arena *a)
{
	size_t len = s ? strlen(s) : 0, n;
	char *clean = arena_alloc(a, len * REPLACEMENT_LEN + 1), *to = clean;

	for (size_t i = 0; i < len; i += n) {
		size_t sequence = utf8_sequence(s + i, len - i);

		n = sequence ? sequence : 1;
		if (s[i] == '\r' && i + 1 < len && s[i + 1] == '\n')
			continue;
		if (sequence && !is_no_text(s + i, n))
			to = mempcpy(to, s + i, n);
		else
			to = mempcpy(to, REPLACEMENT, REPLACEMENT_LEN);
	}
	*to = '\0';
	return clean;
}

char *clean_line(const char *s, struct arena *a)
{
	char *clean = clean_text(s, a);

	for (char *c = clean; *c; c++)
		if (*c == '\n' || *c == '\t')
			*c = ' ';
	return clean;
}
