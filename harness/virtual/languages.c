/* SPDX-License-Identifier: MIT */
/* Shells, Node and Perl, and which interpreter is which; Python has a file of its own. */
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/base/capture.h"
#include "harness/base/cleanup.h"
#include "harness/base/io.h"
#include "harness/virtual/packer.h"

/* --- shells --- */

/* A letter of a word that may name a program. */
static bool is_word_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c != '\0' && strchr("_./+-", c));
}

/* Adds what a word may mean: a program, or a file that is named by its whole path. */
static int add_word(struct packer *p, const char *word, struct err *err)
{
	struct stat st;

	if (strchr(word, '/') && word[0] != '/')
		return 0; /* counts from wherever the shell then is */
	if (path_is_of_the_kernel(word))
		return 0;
	const char *program = program_find(word, "/", p->closure.path, p->arena);

	if (program)
		return packer_is_new(p, arena_printf(p->arena, "program %s", program))
			       ? packer_optional(p, packer_add_program(p, program, NULL, err))
			       : 0;
	if (word[0] != '/' || stat(word, &st) < 0 || !S_ISREG(st.st_mode))
		return 0;
	return packer_optional(p, fileset_add(p->set, word, NULL, err));
}

/*
 * Every word of a shell's text, whatever place it has there: a program too many costs little, and
 * which words are commands only the shell knows. Comments are left out.
 */
static int add_words(struct packer *p, const char *text, struct err *err)
{
	while (*text) {
		size_t blank = strspn(text, " \t\n");
		bool after_blank = blank > 0;

		text += blank;
		if (*text == '#' && after_blank) {
			text += strcspn(text, "\n");
			continue;
		}
		size_t len = 0;
		while (is_word_letter(text[len]))
			len++;
		if (len && add_word(p, arena_strndup(p->arena, text, len), err) < 0)
			return -1;
		text += len ? len : *text != '\0';
	}
	return 0;
}

static int shell_add(struct packer *p, const struct interpreted *i, struct err *err)
{
	const char *text = command_option(i->command, "-c");

	if (text)
		return add_words(p, text, err);
	if (!i->script || !packer_is_new(p, i->script))
		return 0;
	char *script = io_read_file(i->script, NULL, p->arena, err);
	if (!script)
		return -1;
	return add_words(p, script, err);
}

/* --- Node --- */

static const char node_openssl[] = "/etc/ssl/openssl.cnf";

static bool skip_of_node(const char *path, const char *name, bool is_folder, void *arg)
{
	(void)path;
	(void)arg;
	return is_folder && !strcmp(name, ".git");
}

/* Modules are looked for in node_modules of the script's folder and of all above it. */
static int node_add(struct packer *p, const struct interpreted *i, struct err *err)
{
	struct stat st;

	/* The OpenSSL that is within Node reads it where there is one, and does without. */
	if (access(node_openssl, R_OK) == 0 && fileset_add(p->set, node_openssl, NULL, err) < 0)
		return -1;
	if (!i->script)
		return 0;
	char *folder = arena_strdup(p->arena, i->script);

	*strrchr(folder, '/') = '\0';
	if (!packer_is_new(p, i->script))
		return 0;
	if (fileset_add_tree(p->set, *folder ? folder : "/", skip_of_node, NULL, err) < 0)
		return -1;
	for (char *slash; (slash = strrchr(folder, '/')); *slash = '\0') {
		const char *modules =
			arena_printf(p->arena, "%.*s/node_modules", (int)(slash - folder), folder);

		if (stat(modules, &st) == 0 && S_ISDIR(st.st_mode) &&
		    fileset_add_tree(p->set, modules, skip_of_node, NULL, err) < 0)
			return -1;
	}
	return 0;
}

/* --- Perl --- */

/* It prints some words. */
#define PERL_LIMIT (20 * NSEC_PER_SEC)

/*
 * Of the folders in which Perl looks for modules the one that Debian calls the base: strict, POSIX,
 * sockets, some hundred more in 5 MB. All of them are ten times that. What else a program uses it
 * does not find then, which is told by name.
 */
static int perl_add(struct packer *p, const struct interpreted *i, struct err *err)
{
	static const char base[] = "perl-base";
	const char *const argv[] = {i->interpreter, "-e", "print map { \"$_\\n\" } @INC", NULL};
	const char *const env[] = {NULL};
	struct captured said;

	if (!packer_is_new(p, arena_printf(p->arena, "library of %s", i->interpreter)))
		return 0;
	if (capture_run(argv, env, PERL_LIMIT, p->arena, &said, err) < 0)
		return -1;
	for (char *line = said.out, *next; *line; line = next) {
		next = line + strcspn(line, "\n");
		if (*next)
			*next++ = '\0';
		if (!strcmp(basename(line), base) &&
		    fileset_add_tree(p->set, line, NULL, NULL, err) < 0)
			return -1;
	}
	return 0;
}

/* --- which is which --- */

static const struct {
	const char *name;
	language_fn add;
} languages[] = {
	{"sh", shell_add},    {"dash", shell_add}, {"bash", shell_add},    {"ash", shell_add},
	{"ksh", shell_add},   {"zsh", shell_add},  {"busybox", shell_add}, {"node", node_add},
	{"nodejs", node_add}, {"perl", perl_add},
};

language_fn language_of(const char *interpreter_name)
{
	if (python_is_named(interpreter_name))
		return python_add;
	for (size_t i = 0; i < ARRAY_SIZE(languages); i++)
		if (!strcmp(languages[i].name, interpreter_name))
			return languages[i].add;
	return NULL;
}
