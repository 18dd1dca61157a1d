/* SPDX-License-Identifier: MIT */
#include "reference-app/json-line.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Kept free for what closes a text and the object: `"}` and the newline. */
#define TAIL_RESERVE 4
/* The longest escape: \u00ff. */
#define ESCAPE_MAX 6

static size_t room(const struct json_line *line)
{
	return sizeof(line->text) - TAIL_RESERVE - line->len;
}

/* Appends all of it or, where the line is full, nothing. */
static int append(struct json_line *line, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static int append(struct json_line *line, const char *fmt, ...)
{
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(line->text + line->len, room(line), fmt, args);
	va_end(args);
	if (n < 0 || (size_t)n >= room(line))
		return -1;
	line->len += (size_t)n;
	return 0;
}

void json_begin(struct json_line *line, const char *event, nsec_t at)
{
	line->len = 0;
	append(line, "{\"event\":\"%s\",\"monotonic_s\":%lld.%09lld", event,
	       (long long)(at / NSEC_PER_SEC), (long long)(at % NSEC_PER_SEC));
}

void json_text(struct json_line *line, const char *key, const char *text)
{
	if (append(line, ",\"%s\":\"", key) < 0)
		return;
	for (const unsigned char *c = (const unsigned char *)text; *c && room(line) > ESCAPE_MAX;
	     c++) {
		if (*c == '"' || *c == '\\')
			append(line, "\\%c", *c);
		else if (*c < ' ' || *c > '~')
			append(line, "\\u%04x", *c);
		else
			append(line, "%c", *c);
	}
	line->text[line->len++] = '"';
}

void json_count(struct json_line *line, const char *key, uint64_t count)
{
	append(line, ",\"%s\":%llu", key, (unsigned long long)count);
}

void json_ms(struct json_line *line, const char *key, nsec_t duration)
{
	append(line, ",\"%s\":%.3f", key, (double)duration / NSEC_PER_MSEC);
}

void json_write(struct json_line *line)
{
	const char *at = line->text;

	line->text[line->len++] = '}';
	line->text[line->len++] = '\n';
	while (line->len > 0) {
		ssize_t n = write(STDOUT_FILENO, at, line->len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		at += n;
		line->len -= (size_t)n;
	}
}
