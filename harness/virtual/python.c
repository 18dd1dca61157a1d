/* SPDX-License-Identifier: MIT */
/*
 * Python. The interpreter is asked where it looks for modules. What is there is taken
 *
 *   whole                 of the standard library, less its tests and development tools, and what
 *                         draws windows (with what that is linked with it is an eighth of the bytes)
 *   where it is imported  of site-packages and dist-packages, which on many machines are larger than
 *                         everything else: the packages whose names stand in an import of what is
 *                         run, and what those import in turn, as their text says
 *   beside the script     modules, and folders that are packages
 *
 * Compiled files are taken only where this interpreter would use them: compiling a library anew
 * would cost the guest seconds.
 */
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/base/capture.h"
#include "harness/base/cleanup.h"
#include "harness/base/io.h"
#include "harness/virtual/packer.h"

/* A wrapper may have to find its way to the interpreter first. */
#define PYTHON_LIMIT (20 * NSEC_PER_SEC)

/* One answer a line: the interpreter, what its compiled files are called, the root, the path. */
static const char question[] =
	"import sys\n"
	"print(sys.executable, sys.implementation.cache_tag, sys.prefix, sep='\\n')\n"
	"print(*filter(None, sys.path), sep='\\n')\n";

/* What one interpreter has said. */
struct python {
	struct packer *p;
	const char *program; /* as it was asked */
	char *executable, *cache_tag, *prefix;
	struct strings libraries; /* taken whole */
	struct strings packages;  /* taken where they are imported */
};

bool python_is_named(const char *name)
{
	static const char python[] = "python";

	if (strncmp(name, python, strlen(python)) != 0)
		return false;
	name += strlen(python);
	return name[strspn(name, "0123456789.")] == '\0';
}

static bool ends_with(const char *text, const char *end)
{
	size_t n = strlen(text), m = strlen(end);

	return n >= m && !strcmp(text + n - m, end);
}

static bool is_below(const char *path, const char *folder)
{
	size_t len = strlen(folder);

	return !strncmp(path, folder, len) && path[len] == '/';
}

static bool is_folder(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* --- asking --- */

static bool is_for_packages(const char *library)
{
	const char *name = basename(library);

	return !strcmp(name, "site-packages") || !strcmp(name, "dist-packages");
}

/* The next line of the text, which goes on behind it; NULL at its end. */
static char *next_line(char **text)
{
	char *line = *text;

	if (!*line)
		return NULL;
	*text += strcspn(line, "\n");
	if (**text)
		*(*text)++ = '\0';
	return line;
}

static int read_answer(struct python *py, char *text, struct err *err)
{
	struct arena *a = py->p->arena;

	py->executable = next_line(&text);
	py->cache_tag = next_line(&text);
	py->prefix = next_line(&text);
	if (!py->executable || !py->cache_tag || !py->prefix || py->executable[0] != '/')
		return err_set(err, "%s does not tell where its library is", py->program);
	for (char *line; (line = next_line(&text));) {
		struct strings *to = is_for_packages(line) ? &py->packages : &py->libraries;

		*vec_push(a, to) = line;
	}
	return 0;
}

/* Asks with nothing of this process's environment but what a wrapper needs to find its way. */
static int ask(struct python *py, const struct command *c, struct err *err)
{
	static const char *const passed[] = {"PYTHONPATH", "PYTHONHOME"};
	struct arena *a = py->p->arena;
	const char *const argv[] = {py->program, "-s", "-c", question, NULL};
	const char *home = getenv("HOME");
	const char *env[ARRAY_SIZE(passed) + 3] = {arena_printf(a, "PATH=%s", py->p->closure.path),
						   arena_printf(a, "HOME=%s", home ? home : "/")};
	size_t n = 2;
	struct captured said;

	for (size_t i = 0; i < ARRAY_SIZE(passed); i++) {
		const char *value = command_variable(c, passed[i]);

		if (value)
			env[n++] = arena_printf(a, "%s=%s", passed[i], value);
	}
	if (capture_run(argv, env, PYTHON_LIMIT, a, &said, err) < 0)
		return -1;
	if (!captured_success(&said))
		return err_set(err, "%s does not run: %.*s", py->program,
			       (int)strcspn(said.err, "\n"), said.err);
	return read_answer(py, said.out, err);
}

const char *python_interpreter(struct packer *p, const char *program, struct err *err)
{
	struct python py = {.p = p, .program = program};
	struct program_head head;

	if (program_head_read(program, p->arena, &head, err) < 0)
		return NULL;
	if (head.kind != PROGRAM_SCRIPT)
		return program;
	return ask(&py, NULL, err) < 0 ? NULL : py.executable;
}

/* --- trees --- */

static bool skip_common(const char *name, bool folder, const struct python *py)
{
	if (folder)
		return !strcmp(name, ".git");
	/* "os.cpython-311.pyc"; those of other versions, and optimised ones, have more or else. */
	if (ends_with(name, ".pyc"))
		return !ends_with(name, arena_printf(py->p->arena, ".%s.pyc", py->cache_tag));
	return ends_with(name, ".a");
}

/* True if the path is that of a library's folder, with the name behind it. */
static bool is_in_library(const struct python *py, const char *path, const char *name)
{
	size_t len = (size_t)(name - path) - 1;

	vec_foreach (library, &py->libraries)
		if (strlen(*library) == len && !strncmp(path, *library, len))
			return true;
	return false;
}

/* Extensions that only what is left out imports, and those that show how to write one. */
static bool is_unwanted_extension(const char *name)
{
	static const char *const starts[] = {"_tkinter.", "_test", "_ctypes_test.", "_xxtestfuzz.",
					     "xxlimited"};

	for (size_t i = 0; i < ARRAY_SIZE(starts); i++)
		if (!strncmp(name, starts[i], strlen(starts[i])))
			return true;
	return false;
}

static bool skip_of_library(const char *path, const char *name, bool folder, void *arg)
{
	static const char *const unwanted[] = {"test",      "idlelib", "turtledemo",
					       "ensurepip", "lib2to3", "tkinter"};
	const struct python *py = arg;

	if (skip_common(name, folder, py))
		return true;
	if (!folder)
		return is_unwanted_extension(name);
	if (is_for_packages(path) || !strncmp(name, "config-", strlen("config-")))
		return true;
	/* Only directly in the library: elsewhere it may be somebody's module. */
	for (size_t i = 0; i < ARRAY_SIZE(unwanted) && is_in_library(py, path, name); i++)
		if (!strcmp(name, unwanted[i]))
			return true;
	return false;
}

static bool skip_of_package(const char *path, const char *name, bool folder, void *arg)
{
	(void)path;
	return skip_common(name, folder, arg);
}

/* The extensions below a folder that is in the set, with what they are linked with. */
static int add_extensions(struct python *py, const char *folder, struct err *err)
{
	struct packer *p = py->p;
	struct strings extensions = {0};

	vec_foreach (e, &p->set->entries)
		if (is_below((*e)->path, folder) && (*e)->kind == FILESET_FILE &&
		    strstr(basename((*e)->path), ".so"))
			*vec_push(p->arena, &extensions) = arena_strdup(p->arena, (*e)->path);
	/* One whose library is not installed does not load here either. */
	for (size_t i = 0; i < extensions.n; i++)
		if (packer_optional(p, closure_add_object(&p->closure, extensions.v[i],
							  py->executable, err)) < 0)
			return -1;
	return 0;
}

static int add_tree(struct python *py, const char *folder, fileset_skip_fn skip, struct err *err)
{
	const char *real;

	if (fileset_add(py->p->set, folder, &real, err) < 0 ||
	    fileset_add_tree(py->p->set, real, skip, py, err) < 0)
		return -1;
	return add_extensions(py, real, err);
}

/* --- imports --- */

static int add_imports_of_text(struct python *py, const char *text, struct err *err);

static int add_imports_of_file(struct python *py, const char *path, struct err *err)
{
	_cleanup_arena_ struct arena a = {0};
	const char *text = io_read_file(path, NULL, &a, err);

	return text ? add_imports_of_text(py, text, err) : -1;
}

/* Those of all sources of the set below a folder; the set grows meanwhile. */
static int add_imports_below(struct python *py, const char *folder, struct err *err)
{
	struct packer *p = py->p;
	struct strings sources = {0};

	vec_foreach (e, &p->set->entries)
		if (is_below((*e)->path, folder) && (*e)->kind == FILESET_FILE && (*e)->source &&
		    ends_with((*e)->path, ".py"))
			*vec_push(p->arena, &sources) = arena_strdup(p->arena, (*e)->path);
	for (size_t i = 0; i < sources.n; i++)
		if (packer_is_new(p, sources.v[i]) &&
		    add_imports_of_file(py, sources.v[i], err) < 0)
			return -1;
	return 0;
}

static int add_package_folder(struct python *py, const char *path, struct err *err)
{
	struct packer *p = py->p;
	/* Where wheels have the objects that their extensions are linked with. */
	const char *objects = arena_printf(p->arena, "%s.libs", path), *real;

	if (is_folder(objects) && fileset_add_tree(p->set, objects, NULL, NULL, err) < 0)
		return -1;
	if (add_tree(py, path, skip_of_package, err) < 0 ||
	    fileset_add(p->set, path, &real, err) < 0)
		return -1;
	return add_imports_below(py, real, err);
}

/* An extension of one file: NAME.cpython-311-x86_64-linux-gnu.so. */
static int add_extension(struct python *py, const char *path, struct err *err)
{
	struct packer *p = py->p;
	glob_t found = {0};
	int rc = 0;

	if (glob(arena_printf(p->arena, "%s.*.so", path), 0, NULL, &found) == 0)
		for (size_t i = 0; i < found.gl_pathc && rc == 0; i++)
			rc = packer_optional(p, closure_add_object(&p->closure, found.gl_pathv[i],
								   py->executable, err));
	globfree(&found);
	return rc;
}

/* A package, a module of one file, or an extension, where they are installed; if they are. */
static int add_package(struct python *py, const char *name, struct err *err)
{
	struct packer *p = py->p;

	vec_foreach (folder, &py->packages) {
		const char *path = arena_printf(p->arena, "%s/%s", *folder, name);
		const char *module = arena_printf(p->arena, "%s.py", path);

		if (!packer_is_new(p, path))
			continue;
		if (is_folder(path))
			return add_package_folder(py, path, err);
		if (access(module, R_OK) == 0)
			return fileset_add(p->set, module, NULL, err) < 0
				       ? -1
				       : add_imports_of_file(py, module, err);
		if (add_extension(py, path, err) < 0)
			return -1;
	}
	return 0;
}

static bool is_name_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_';
}

/* "a.b as c, d": the first part of each name. */
static int add_names(struct python *py, const char *list, bool only_first, struct err *err)
{
	for (;;) {
		size_t len = 0;

		list += strspn(list, " \t(");
		while (is_name_letter(list[len]))
			len++;
		if (len && add_package(py, arena_strndup(py->p->arena, list, len), err) < 0)
			return -1;
		list += strcspn(list, ",;\n");
		if (*list != ',' || only_first)
			return 0;
		list++;
	}
}

/* Wherever a statement may begin: at a line's start, behind a semicolon, indented or not. */
static int add_imports_of_text(struct python *py, const char *text, struct err *err)
{
	static const char import[] = "import ", from[] = "from ";

	for (;;) {
		int rc = 0;

		text += strspn(text, " \t;");
		if (!strncmp(text, import, strlen(import)))
			rc = add_names(py, text + strlen(import), false, err);
		else if (!strncmp(text, from, strlen(from)))
			rc = add_names(py, text + strlen(from), true, err);
		if (rc < 0)
			return -1;
		text += strcspn(text, ";\n");
		if (!*text)
			return 0;
		text++;
	}
}

/* --- what is run --- */

static bool skip_beside_script(const char *path, const char *name, bool folder, void *arg)
{
	const struct python *py = arg;
	const char *parent = arena_strndup(py->p->arena, path, (size_t)(name - path) - 1);

	if (skip_common(name, folder, py))
		return true;
	/* Within a package everything is its own. */
	if (access(arena_printf(py->p->arena, "%s/__init__.py", parent), F_OK) == 0)
		return false;
	if (folder)
		return strcmp(name, "__pycache__") != 0 &&
		       access(arena_printf(py->p->arena, "%s/__init__.py", path), F_OK) < 0;
	return !ends_with(name, ".py") && !ends_with(name, ".pyc") && !ends_with(name, ".so");
}

static int add_script(struct python *py, const char *script, struct err *err)
{
	struct packer *p = py->p;
	const char *folder = arena_strndup(p->arena, script, (size_t)(basename(script) - script));
	const char *real;

	if (!packer_is_new(p, script))
		return 0;
	if (fileset_add(p->set, script, NULL, err) < 0 || add_imports_of_file(py, script, err) < 0)
		return -1;
	/* Without its slash, but for the root's. */
	folder = folder[1] ? arena_strndup(p->arena, folder, strlen(folder) - 1) : folder;
	/* What lies in a folder of PATH are programs, not modules of one. */
	if (program_is_in_path(folder, p->closure.path))
		return 0;
	if (add_tree(py, folder, skip_beside_script, err) < 0 ||
	    fileset_add(p->set, folder, &real, err) < 0)
		return -1;
	return add_imports_below(py, real, err);
}

/* A folder, or an archive of modules; one that is on the path need not be there. */
static int add_library(struct python *py, const char *library, struct err *err)
{
	if (access(library, R_OK) < 0)
		return 0;
	if (is_folder(library))
		return add_tree(py, library, skip_of_library, err);
	return fileset_add(py->p->set, library, NULL, err);
}

static int add_libraries(struct python *py, struct err *err)
{
	struct packer *p = py->p;
	const char *marker = arena_printf(p->arena, "%s/pyvenv.cfg", py->prefix);

	/* What makes a virtual environment one. */
	if (access(marker, R_OK) == 0 && fileset_add(p->set, marker, NULL, err) < 0)
		return -1;
	vec_foreach (library, &py->libraries)
		if (add_library(py, *library, err) < 0)
			return -1;
	/* Their folders, so that the path is what it is on this machine. */
	vec_foreach (folder, &py->packages)
		if (is_folder(*folder) && fileset_add(p->set, *folder, NULL, err) < 0)
			return -1;
	return 0;
}

int python_add(struct packer *p, const struct interpreted *i, struct err *err)
{
	struct python py = {.p = p, .program = i->interpreter};
	const char *module = command_option(i->command, "-m");
	const char *code = command_option(i->command, "-c");

	if (ask(&py, i->command, err) < 0)
		return -1;
	if (packer_is_new(p, arena_printf(p->arena, "library of %s", py.executable)) &&
	    add_libraries(&py, err) < 0)
		return -1;
	if (module && add_names(&py, module, true, err) < 0)
		return -1;
	if (code && add_imports_of_text(&py, code, err) < 0)
		return -1;
	return i->script ? add_script(&py, i->script, err) : 0;
}
