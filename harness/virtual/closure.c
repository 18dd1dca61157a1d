/* SPDX-License-Identifier: MIT */
#include "harness/virtual/closure.h"

#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "harness/base/capture.h"
#include "harness/base/cleanup.h"

/* The loader only maps files; a slow disk may take its time. */
#define LOADER_LIMIT (20 * NSEC_PER_SEC)
/* A script whose interpreter is a script, and so on: as many as the kernel goes along. */
#define SCRIPT_DEPTH_MAX 5

static const char ld_so_cache[] = "/etc/ld.so.cache";

/* What is opened by name, found beside the object that opens it. One that is not there is not needed. */
static const struct {
	const char *by;
	const char *opens;
} companions[] = {
	/* glibc unwinds the stack with it: pthread_cancel, pthread_exit, backtrace. */
	{"libc.so.6", "libgcc_s.so.1"},
	/* Names by /etc/hosts and /etc/passwd; since glibc 2.34 they are in libc itself. */
	{"libc.so.6", "libnss_files.so.2"},
	{"libc.so.6", "libnss_dns.so.2"},
	/* Before glibc 2.34 the threads' library opened it. */
	{"libpthread.so.0", "libgcc_s.so.1"},
};

/* Files that an object reads whichever program uses it; likewise where they are. */
static const struct {
	const char *by;
	const char *reads;
} data_files[] = {
	/* OpenSSL's OPENSSLDIR as Debian and Ubuntu build it: without it other defaults hold. */
	{"libcrypto.so.3", "/usr/lib/ssl/openssl.cnf"},
	{"libcrypto.so.1.1", "/usr/lib/ssl/openssl.cnf"},
	/* The certificates that OpenSSL's programs are told to trust. */
	{"libssl.so.3", "/etc/ssl/certs/ca-certificates.crt"},
	{"libssl.so.1.1", "/etc/ssl/certs/ca-certificates.crt"},
};

/* Where glibc's and musl's loaders look without being told (ld.so(8)). */
static const char *const default_folders[] = {
	"/lib/x86_64-linux-gnu",
	"/usr/lib/x86_64-linux-gnu",
	"/lib",
	"/usr/lib",
	"/lib64",
	"/usr/lib64",
};

/* Where the loader keeps variants for processors that can do more (ld.so(8), glibc-hwcaps). */
static const char hwcaps_folder[] = "/glibc-hwcaps/";
static const char *const hwcaps_levels[] = {"x86-64-v2", "x86-64-v3", "x86-64-v4"};

static int add_object(struct closure *c, const char *object, const char *loader, struct err *err);

/* True for the first time that it is asked of this path. */
static bool is_new(struct closure *c, const char *path)
{
	for (size_t i = 0; i < c->seen.n; i++)
		if (!strcmp(c->seen.v[i], path))
			return false;
	*vec_push(c->set->arena, &c->seen) = arena_strdup(c->set->arena, path);
	return true;
}

/* --- shared objects --- */

/* The loader was asked about it through an object that it was found for: what it opens itself. */
static int add_companions(struct closure *c, const char *object, const char *loader,
			  struct err *err)
{
	const char *name = basename(object);

	for (size_t i = 0; i < ARRAY_SIZE(companions); i++) {
		if (strcmp(companions[i].by, name) != 0)
			continue;
		const char *path = arena_printf(c->set->arena, "%.*s%s", (int)(name - object),
						object, companions[i].opens);
		if (access(path, R_OK) == 0 && add_object(c, path, loader, err) < 0)
			return -1;
	}
	return 0;
}

static int add_data_files(struct closure *c, const char *object, struct err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(data_files); i++)
		if (!strcmp(data_files[i].by, basename(object)) &&
		    access(data_files[i].reads, R_OK) == 0 &&
		    fileset_add(c->set, data_files[i].reads, NULL, err) < 0)
			return -1;
	return 0;
}

/* The other variants of an object from .../glibc-hwcaps/LEVEL/NAME, and the plain one. */
static int add_variants(struct closure *c, const char *object, const char *loader, struct err *err)
{
	struct arena *a = c->set->arena;
	const char *at = strstr(object, hwcaps_folder), *name = basename(object);

	if (!at)
		return 0;
	int folder_len = (int)(at - object);
	const char *plain = arena_printf(a, "%.*s/%s", folder_len, object, name);
	if (access(plain, R_OK) == 0 && add_object(c, plain, loader, err) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(hwcaps_levels); i++) {
		const char *variant = arena_printf(a, "%.*s%s%s/%s", folder_len, object,
						   hwcaps_folder, hwcaps_levels[i], name);

		if (access(variant, R_OK) == 0 && add_object(c, variant, loader, err) < 0)
			return -1;
	}
	return 0;
}

static bool is_in_default_folder(const char *object)
{
	const char *hwcaps = strstr(object, hwcaps_folder);
	size_t len = (size_t)((hwcaps ? hwcaps : strrchr(object, '/')) - object);

	for (size_t i = 0; i < ARRAY_SIZE(default_folders); i++)
		if (strlen(default_folders[i]) == len && !strncmp(default_folders[i], object, len))
			return true;
	return false;
}

static int add_found(struct closure *c, const char *object, const char *loader, struct err *err)
{
	if (!is_new(c, object))
		return 0;
	if (fileset_add(c->set, object, NULL, err) < 0)
		return -1;
	if (!is_in_default_folder(object) && access(ld_so_cache, R_OK) == 0 &&
	    fileset_add(c->set, ld_so_cache, NULL, err) < 0)
		return -1;
	if (add_variants(c, object, loader, err) < 0)
		return -1;
	if (add_data_files(c, object, err) < 0)
		return -1;
	return add_companions(c, object, loader, err);
}

/*
 * One line of what the loader prints:
 *   "\tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f...)", "\t/lib64/ld-... (0x...)",
 *   "\tlinux-vdso.so.1 (0x...)", "\tlibx.so => not found", "\tstatically linked"
 */
static int add_line(struct closure *c, const char *line, const char *loader, const char **missing,
		    struct err *err)
{
	static const char arrow[] = " => ", not_found[] = "not found";
	struct arena *a = c->set->arena;
	const char *at = strstr(line, arrow);
	const char *found = at ? at + strlen(arrow) : line;
	const char *end = strstr(found, " (0x");

	if (at && !strncmp(found, not_found, strlen(not_found)))
		*missing = arena_printf(a, "%s%s%.*s", *missing ? *missing : "",
					*missing ? ", " : "", (int)(at - line), line);
	/* Without a slash it is the kernel's own (vdso). */
	if (!end || found[0] != '/')
		return 0;
	return add_found(c, arena_strndup(a, found, (size_t)(end - found)), loader, err);
}

static int explain_loader(const char *object, const char *loader, const struct captured *said,
			  struct err *err)
{
	const char *why = said->err[0] ? said->err : said->out;

	return err_set(err, "%s: its loader %s cannot load it: %.*s", object, loader,
		       (int)strcspn(why, "\n"), why);
}

/* Asks the loader what it would load for the object, and adds it. */
static int add_loaded(struct closure *c, const char *object, const char *loader, struct err *err)
{
	struct arena *a = c->set->arena;
	const char *const argv[] = {loader, "--list", object, NULL};
	const char *const env[] = {
		c->library_path ? arena_printf(a, "LD_LIBRARY_PATH=%s", c->library_path) : NULL,
		NULL};
	const char *missing = NULL;
	struct captured said;

	if (capture_run(argv, env, LOADER_LIMIT, a, &said, err) < 0)
		return err_wrap(err, "%s: ask its loader", object);
	for (char *line = said.out, *next; *line; line = next) {
		next = line + strcspn(line, "\n");
		if (*next)
			*next++ = '\0';
		if (add_line(c, line + strspn(line, "\t "), loader, &missing, err) < 0)
			return err_wrap(err, "%s", object);
	}
	if (missing)
		return err_set(err, "%s needs %s, which its loader does not find", object, missing);
	if (!captured_success(&said))
		return explain_loader(object, loader, &said, err);
	return 0;
}

static int add_object(struct closure *c, const char *object, const char *loader, struct err *err)
{
	/* A static program has no loader, and what it opens is not ours to know. */
	if (!is_new(c, object))
		return 0;
	if (fileset_add(c->set, object, NULL, err) < 0)
		return -1;
	return loader ? add_loaded(c, object, loader, err) : 0;
}

int closure_add_object(struct closure *c, const char *object, const char *loaded_by,
		       struct err *err)
{
	struct program_head head;

	if (program_head_read(loaded_by, c->set->arena, &head, err) < 0)
		return -1;
	return add_object(c, object, head.kind == PROGRAM_ELF ? head.interpreter : NULL, err);
}

/* --- programs --- */

/* The word of "env [-S] [NAME=VALUE...] PROGRAM ..." that names the program; NULL: there is none. */
static char *env_program(const char *argument, struct arena *a)
{
	static const char blank[] = " \t";

	for (const char *p = argument; p && *p;) {
		size_t len = strcspn(p, blank);
		char *word = arena_strndup(a, p, len);

		if (word[0] != '-' && !strchr(word, '='))
			return word;
		/* -S may have its words behind it without a blank. */
		if (!strncmp(word, "-S", 2) && word[2])
			return word + 2;
		p += len;
		p += strspn(p, blank);
	}
	return NULL;
}

static int add_program(struct closure *c, const char *program, int depth, const char **ret_runs,
		       struct err *err);

static int add_script(struct closure *c, const char *script, const struct program_head *head,
		      int depth, const char **ret_runs, struct err *err)
{
	struct arena *a = c->set->arena;
	const char *interpreter = head->interpreter;

	if (interpreter[0] != '/')
		return err_set(err, "%s: the interpreter '%s' of its #! line is no absolute path",
			       script, interpreter);
	if (depth >= SCRIPT_DEPTH_MAX)
		return err_set(err, "%s: scripts run by scripts, %d deep", script, depth);
	if (add_program(c, interpreter, depth + 1, ret_runs, err) < 0)
		return err_wrap(err, "%s: its interpreter", script);
	if (strcmp(basename(interpreter), "env") != 0)
		return 0;
	const char *name = env_program(head->argument, a);
	if (!name)
		return 0;
	const char *found = program_find(name, "/", c->path, a);
	if (!found)
		return err_set(err, "%s: its #! line runs '%s', which is not in PATH=%.400s",
			       script, name, c->path);
	if (add_program(c, found, depth + 1, ret_runs, err) < 0)
		return err_wrap(err, "%s: its interpreter", script);
	return 0;
}

static int add_program(struct closure *c, const char *program, int depth, const char **ret_runs,
		       struct err *err)
{
	struct program_head head;

	if (program_head_read(program, c->set->arena, &head, err) < 0)
		return -1;
	switch (head.kind) {
	case PROGRAM_SCRIPT:
		if (fileset_add(c->set, program, NULL, err) < 0)
			return -1;
		return add_script(c, program, &head, depth, ret_runs, err);
	case PROGRAM_ELF:
		*ret_runs = program;
		if (head.interpreter && fileset_add(c->set, head.interpreter, NULL, err) < 0)
			return err_wrap(err, "%s: its loader", program);
		return add_object(c, program, head.interpreter, err);
	case PROGRAM_OTHER:
		break;
	}
	return err_set(err, "%s is no program: neither ELF nor with a #! line", program);
}

int closure_add(struct closure *c, const char *program, const char **ret_runs, struct err *err)
{
	const char *runs = program;

	if (add_program(c, program, 0, &runs, err) < 0)
		return -1;
	if (ret_runs)
		*ret_runs = runs;
	return 0;
}
