/* SPDX-License-Identifier: MIT */
#include "harness/virtual/console.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/base/arena.h"
#include "harness/base/io.h"

/* Of a message: what the contexts that callers put in front of it may take. */
#define CONTEXT_BYTES 160
/* Lines before a panic that say what led to it; what follows it is the state of the processor. */
#define LINES_BEFORE_PANIC 3

/* How Linux begins its last words (kernel/panic.c). */
static const char panic_words[] = "Kernel panic - not syncing: ";

/* The whole of it, with a NUL behind. NULL: it cannot be read. */
static char *read_console(int fd, struct arena *a, size_t *ret_len)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return NULL;
	char *text = arena_alloc(a, (size_t)st.st_size + 1);
	ssize_t n = pread(fd, text, (size_t)st.st_size, 0);
	*ret_len = n > 0 ? (size_t)n : 0;
	text[*ret_len] = '\0';
	return text;
}

/* Makes text of it: no NULs, no carriage returns (its lines end with CR LF), nothing empty behind. */
static void tidy(char *text, size_t len)
{
	size_t kept = 0;

	for (size_t i = 0; i < len; i++)
		if (text[i] != '\r' && text[i] != '\0')
			text[kept++] = text[i];
	while (kept && (text[kept - 1] == '\n' || text[kept - 1] == ' '))
		kept--;
	text[kept] = '\0';
}

/* The beginning of the line that is `lines` before the one at `p`. */
static const char *lines_before(const char *text, const char *p, int lines)
{
	for (; p > text; p--)
		if (p[-1] == '\n' && lines-- == 0)
			break;
	return p;
}

/* The last whole lines that fit into the room; of a line that alone is longer, its end. */
static const char *end_within(const char *text, size_t room)
{
	size_t len = strlen(text);

	if (len <= room)
		return text;
	const char *p = text + len - room;
	const char *line = p[-1] == '\n' ? p : strchr(p, '\n');
	return line ? line + (*line == '\n') : p;
}

/* Of a panic what it is: its words, less the kernel's time in front of them. */
static void say_panic(const char *at, char *msg, size_t size)
{
	const char *why = at + strlen(panic_words);
	size_t used = strlen(msg);

	snprintf(msg + used, size - used, ": its kernel panicked: %.*s", (int)strcspn(why, "\n"),
		 why);
}

void console_explain(int console_fd, struct err *err)
{
	_cleanup_arena_ struct arena a = {0};
	const size_t size = sizeof(err->msg) - CONTEXT_BYTES;
	size_t len = 0;
	char *text = read_console(console_fd, &a, &len);

	if (!text)
		return;
	tidy(text, len);
	if (!*text || strlen(err->msg) >= size)
		return;
	const char *panic = strstr(text, panic_words);
	if (panic)
		say_panic(panic, err->msg, size);
	size_t used = strlen(err->msg);
	used += (size_t)snprintf(err->msg + used, size - used,
				 "; the guest's console ended with:\n");
	if (used >= size)
		return;
	snprintf(err->msg + used, size - used, "%s",
		 panic ? lines_before(text, panic, LINES_BEFORE_PANIC)
		       : end_within(text, size - used - 1));
}

int console_save(int console_fd, int dir_fd, struct err *err)
{
	_cleanup_arena_ struct arena a = {0};
	size_t len = 0;
	const char *text = read_console(console_fd, &a, &len);

	return len ? io_write_file_at(dir_fd, "console.log", text, len, err) : 0;
}
