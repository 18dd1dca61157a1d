/* SPDX-License-Identifier: MIT */
/*
 * What the programs of a plan need: of this machine's shell and Python, and of programs that the test
 * makes up. That it is enough is shown by running them where nothing else is.
 */
#include <check.h>
#include <elf.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/base/cleanup.h"
#include "harness/tests/folder.h"
#include "harness/tests/netns.h"
#include "harness/tests/suite.h"
#include "harness/virtual/archive.h"
#include "harness/virtual/pack.h"
#include "harness/virtual/program.h"

#define TEST_TIMEOUT_S 120
#define ROOMY          ((uint64_t)1 << 30)
#define EXIT_NO_ROOT   77 /* the child could not get a root of its own */

static const char machines_path[] = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin";

static struct folder f;
static struct fileset set;
static struct plan *plan;
static struct pack_input in;
static struct err err;

static void setup(void)
{
	folder_make(&f);
	fileset_init(&set, ROOMY, &f.arena);
	plan = arena_new(&f.arena, struct plan);
	plan->file = arena_strdup(&f.arena, "scenarios/a.yaml");
	folder_put_folder(&f, "bin");
	in = (struct pack_input){
		.plan = plan,
		.start_dir = f.path,
		.path = arena_printf(&f.arena, "%s/bin:%s", f.path, machines_path),
	};
	err = (struct err){0};
}

static void teardown(void)
{
	folder_remove(&f);
}

static struct strings words_of(const char *const *words)
{
	struct strings s = {0};

	for (; *words; words++)
		*vec_push(&f.arena, &s) = arena_strdup(&f.arena, *words);
	return s;
}

static struct plan_app *add_app(const char *group, const char *const *words)
{
	struct plan_app *app = vec_push(&f.arena, &plan->apps);

	app->name = app->group = arena_strdup(&f.arena, group);
	app->argv = words_of(words);
	return app;
}

#define WORDS(...)     ((const char *const[]){__VA_ARGS__, NULL})
#define APP(name, ...) add_app(name, WORDS(__VA_ARGS__))

static void pack(void)
{
	int rc = pack_files(&in, &set, &err);

	ck_assert_msg(rc == 0, "%s", err.msg);
}

static void has(const char *path)
{
	ck_assert_msg(fileset_find(&set, path) != NULL, "%s is not in the set", path);
}

static void has_not(const char *path)
{
	ck_assert_msg(fileset_find(&set, path) == NULL, "%s is in the set", path);
}

/* Something in the set has a path that ends so. */
static bool has_end(const char *end)
{
	vec_foreach (e, &set.entries) {
		size_t n = strlen((*e)->path), m = strlen(end);

		if (n >= m && !strcmp((*e)->path + n - m, end))
			return true;
	}
	return false;
}

/* A program that cannot run, but looks like one: ELF, and static. */
static char *put_program(const char *name)
{
	const Elf64_Ehdr head = {
		.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB},
		.e_type = ET_EXEC,
		.e_machine = EM_X86_64,
		.e_phentsize = sizeof(Elf64_Phdr),
	};

	return folder_put(&f, name, 0755, &head, sizeof(head));
}

static char *put_script(const char *name, const char *text)
{
	return folder_put(&f, name, 0755, text, strlen(text));
}

/* --- programs --- */

START_TEST(test_programs_and_surroundings)
{
	char *own = put_program("bin/own"), *beside = put_program("scenarios/beside");
	struct plan_step *step = vec_push(&f.arena, &plan->steps);
	char *stepped = put_program("bin/stepped");

	APP("server", "own", "--listen", ":80");
	APP("client", "scenarios/beside");
	step->exec_argv = words_of(WORDS("stepped"));
	pack();
	has(own);
	has(beside);
	has(stepped);
	has("/etc/passwd");
	has("/etc/services");
	has("/tmp");
	ck_assert_ptr_null(fileset_find(&set, "/etc/passwd")->source);
	ck_assert_int_eq(fileset_find(&set, folder_path(&f, "scenarios"))->kind, FILESET_FOLDER);
}
END_TEST

START_TEST(test_all_that_is_missing_at_once)
{
	struct plan_step *step = vec_push(&f.arena, &plan->steps);

	APP("server", "none-of-this-name");
	APP("client", "./none");
	APP("client", "./none");
	APP("good", put_program("bin/good"));
	APP("script", put_script("bin/script", "#!/none/interpreter\n"));
	step->pos = (struct pos){.file = arena_strdup(&f.arena, "a.yaml"), .line = 7};
	step->exec_argv = words_of(WORDS("none-either"));
	ck_assert_int_eq(pack_files(&in, &set, &err), -1);
	static const char *const parts[] = {
		"\n  app server: none-of-this-name is not in PATH=/tmp/",
		"\n  app client: ./none is not there",
		"\n  app script: ",
		"/script: its interpreter: /none/interpreter: No such file",
		"\n  step at a.yaml:7: none-either is not in PATH",
		"\ninstall what is missing",
	};
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		ck_assert_msg(strstr(err.msg, parts[i]) != NULL, "'%s' is not in: %s", parts[i],
			      err.msg);
	/* The instances of an app are one. */
	ck_assert_ptr_null(strstr(strstr(err.msg, "app client") + 1, "app client"));
}
END_TEST

START_TEST(test_more_missing_than_a_message_holds)
{
	for (int i = 0; i < 50; i++)
		APP(arena_printf(&f.arena, "app%d", i), "none-of-this-name");
	ck_assert_int_eq(pack_files(&in, &set, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.msg, "\n  app app0: none-of-this-name"));
	ck_assert_ptr_nonnull(strstr(err.msg, "\n  and 4"));
	ck_assert_ptr_nonnull(strstr(err.msg, "programs"));
}
END_TEST

START_TEST(test_too_large)
{
	char *large = folder_put(&f, "bin/large", 0755, err.msg, sizeof(err.msg));

	fileset_init(&set, 100, &f.arena);
	APP("server", large);
	ck_assert_int_eq(pack_files(&in, &set, &err), -1);
	ck_assert_msg(strstr(err.msg, "come to more than") != NULL, "%s", err.msg);
}
END_TEST

START_TEST(test_files_and_folders_that_programs_are_given)
{
	char *config = folder_put_text(&f, "etc/app.conf", "");
	char *option = folder_put_text(&f, "etc/option.conf", "");
	char *relative = folder_put_text(&f, "work/relative.conf", "");
	char *unnamed = folder_put_text(&f, "work/unnamed.conf", "");
	struct plan_app *app = APP("server", put_program("bin/app"), config,
				   arena_printf(&f.arena, "--config=%s", option), "relative.conf",
				   "/none/at/all", "/proc/self/status", "plain");

	app->cwd = folder_path(&f, "work");
	pack();
	has(config);
	has(option);
	has(relative);
	has_not(unnamed);
	has_not("/proc/self/status");
	/* A working folder that is nowhere is none in the guest either. */
	fileset_init(&set, ROOMY, &f.arena);
	app->cwd = folder_path(&f, "none");
	pack();
	has_not(app->cwd);
	has_not(relative);
}
END_TEST

START_TEST(test_the_apps_own_path)
{
	struct string_pair *pair;
	char *elsewhere = put_program("elsewhere/program");
	struct plan_app *app = APP("server", "program");

	put_program("bin/program");
	pair = vec_push(&f.arena, &app->env);
	pair->name = arena_strdup(&f.arena, "PATH");
	pair->value = folder_path(&f, "elsewhere");
	pack();
	has(elsewhere);
	has_not(folder_path(&f, "bin/program"));
}
END_TEST

/* --- shells --- */

START_TEST(test_words_of_a_shell)
{
	char *first = put_program("bin/first"), *second = put_program("bin/second.x");
	char *third = put_program("elsewhere/third"), *data = folder_put_text(&f, "data", "");
	char *commented = put_program("bin/commented");

	APP("server", "/bin/sh", "-c",
	    arena_printf(&f.arena,
			 "if first|second.x; then\n\"%s\" <%s # commented\nfi; first; none $(none) "
			 "/proc/self/exe </proc/self/ns/net",
			 third, data));
	pack();
	has(first);
	has(second);
	has(third);
	has(data);
	has_not(commented);
	has_not("/proc/self");
}
END_TEST

START_TEST(test_scripts_of_a_shell)
{
	char *inner = put_program("bin/inner-program");
	char *data = folder_put_text(&f, "data", "");

	/* One calls the other, and that the first again. */
	char *one = put_script("bin/one-script", "#!/bin/sh\nexec two-script\n");
	char *two = put_script(
		"bin/two-script",
		arena_printf(&f.arena, "#!/bin/sh\none-script; inner-program <%s\n", data));
	APP("server", "one-script");
	pack();
	has(one);
	has(two);
	has(inner);
	has(data);
	/* The same by the shell's argument. */
	fileset_init(&set, ROOMY, &f.arena);
	plan->apps.n = 0;
	APP("server", "/bin/sh", two);
	pack();
	has(inner);
}
END_TEST

/* A word that happens to name what cannot run is no error: nobody has said that it is run. */
START_TEST(test_words_that_name_broken_programs)
{
	put_script("bin/broken", "#!/none/interpreter\n");
	APP("server", "/bin/sh", "-c", "echo broken");
	pack();
}
END_TEST

/* --- Node --- */

START_TEST(test_node)
{
	char *node = put_program("bin/node");

	put_script("project/src/server.js", "#!/usr/bin/env node\n");
	folder_put_text(&f, "project/src/beside.js", "");
	folder_put_text(&f, "project/src/.git/objects", "");
	folder_put_text(&f, "project/node_modules/x/index.js", "");
	folder_put_text(&f, "project/other/not.js", "");
	APP("server", "project/src/server.js");
	pack();
	has(node);
	has(folder_path(&f, "project/src/server.js"));
	has(folder_path(&f, "project/src/beside.js"));
	has(folder_path(&f, "project/node_modules/x/index.js"));
	has_not(folder_path(&f, "project/src/.git"));
	has_not(folder_path(&f, "project/other/not.js"));

	fileset_init(&set, ROOMY, &f.arena);
	plan->apps.n = 0;
	APP("server", "node", folder_path(&f, "project/src/server.js"));
	pack();
	has(folder_path(&f, "project/node_modules/x/index.js"));
}
END_TEST

/* --- Python --- */

static bool lacks_python(void)
{
	if (program_find("python3", "/", machines_path, &f.arena))
		return false;
	skip("no python3 here");
	return true;
}

START_TEST(test_python_library)
{
	if (lacks_python())
		return;
	APP("server", "python3", "-m", "http.server", "8080");
	pack();
	ck_assert(has_end("/http/server.py"));
	ck_assert(has_end("/encodings/__init__.py"));
	vec_foreach (e, &set.entries) {
		const char *path = (*e)->path;

		ck_assert_msg(!strstr(path, "/idlelib") && !strstr(path, ".opt-1.pyc") &&
				      !strstr(path, "/config-"),
			      "%s", path);
		/* Else what was compiled of it would be taken for stale. */
		if ((*e)->kind == FILESET_FILE && strstr(path, "/http/server.py"))
			ck_assert_int_gt((*e)->mtime_s, 0);
	}
}
END_TEST

START_TEST(test_python_modules)
{
	struct string_pair *pair;
	struct plan_app *app;

	if (lacks_python())
		return;
	folder_put_text(&f, "site-packages/wanted/__init__.py",
			"try:\n    import json, nested.deep as n\nexcept E: pass\n");
	folder_put_text(&f, "site-packages/wanted/data.txt", "");
	folder_put_text(&f, "site-packages/nested/deep.py", "from single import (a,\n b)\n");
	folder_put_text(&f, "site-packages/single.py", "import wanted\nimport compiled\n");
	put_program("site-packages/compiled.cpython-39-x86_64-linux-gnu.so");
	folder_put_text(&f, "site-packages/wanted.libs/object.so", "");
	folder_put_text(&f, "site-packages/unwanted/__init__.py", "");
	folder_put_text(&f, "app/beside.py", "x = 1; import wanted\n");
	folder_put_text(&f, "app/package/__init__.py", "");
	folder_put_text(&f, "app/package/data.txt", "");
	folder_put_text(&f, "app/other/data.txt", "");
	folder_put_text(&f, "app/README", "");
	app = APP("server", put_script("app/app", "#!/usr/bin/env python3\nimport beside\n"));
	pair = vec_push(&f.arena, &app->env);
	pair->name = arena_strdup(&f.arena, "PYTHONPATH");
	pair->value = folder_path(&f, "site-packages");
	pack();
	static const char *const wanted[] = {
		"app/app",
		"app/beside.py",
		"app/package/data.txt",
		"site-packages/wanted/data.txt",
		"site-packages/nested/deep.py",
		"site-packages/single.py",
		"site-packages/wanted.libs/object.so",
		"site-packages/compiled.cpython-39-x86_64-linux-gnu.so",
	};
	static const char *const unwanted[] = {"app/README", "app/other/data.txt",
					       "site-packages/unwanted"};
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
		has(folder_path(&f, wanted[i]));
	for (size_t i = 0; i < ARRAY_SIZE(unwanted); i++)
		has_not(folder_path(&f, unwanted[i]));
}
END_TEST

/* A wrapper, as version managers place one: the guest gets the interpreter that it leads to. */
START_TEST(test_python_wrappers)
{
	if (lacks_python())
		return;
	char *real = program_find("python3", "/", machines_path, &f.arena);
	char *wrapper = put_script("bin/python3",
				   arena_printf(&f.arena, "#!/bin/sh\nexec %s \"$@\"\n", real));
	APP("server", "python3", "-c", "pass");
	pack();
	const struct fileset_entry *e = fileset_find(&set, wrapper);
	ck_assert_ptr_nonnull(e);
	ck_assert_int_eq(e->kind, FILESET_LINK);
	ck_assert(has_end("/os.py"));
}
END_TEST

START_TEST(test_python_that_does_not_run)
{
	put_script("bin/python3", "#!/bin/sh\necho no library >&2; exit 1\n");
	APP("server", "python3", "-c", "pass");
	ck_assert_int_eq(pack_files(&in, &set, &err), -1);
	ck_assert_msg(strstr(err.msg, "python3 does not run: no library") != NULL, "%s", err.msg);
}
END_TEST

/* --- enough, and the same each time --- */

static int packed_set(void)
{
	int fd = memfd_create("archive", MFD_CLOEXEC);
	int rc = archive_write(&set, fd, &err);

	ck_assert_msg(rc == 0, "%s", err.msg);
	return fd;
}

/* Runs the app in a root with nothing in it but what was packed; its exit status. */
static int run_in_root(const struct strings *argv, const char *root)
{
	int status;
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		const char *args[8] = {0};

		for (size_t i = 0; i < argv->n && i < ARRAY_SIZE(args) - 1; i++)
			args[i] = argv->v[i];
		if (!fresh_namespaces() || chroot(root) < 0 || chdir("/") < 0)
			_exit(EXIT_NO_ROOT);
		setenv("PATH", in.path, 1);
		execvp(args[0], (char *const *)args);
		_exit(126);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void expect_runs(const struct plan_app *app, int status)
{
	struct folder root;
	struct stat st;

	pack();
	_cleanup_close_ int fd = packed_set();
	ck_assert_int_eq(fstat(fd, &st), 0);
	void *bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	ck_assert_ptr_ne(bytes, MAP_FAILED);
	folder_make(&root);
	int rc = archive_unpack(bytes, (size_t)st.st_size, root.fd, &err);
	ck_assert_msg(rc == 0, "%s", err.msg);
	munmap(bytes, (size_t)st.st_size);
	rc = run_in_root(&app->argv, root.path);
	folder_remove(&root);
	if (rc == EXIT_NO_ROOT)
		skip("no root of one's own here");
	else
		ck_assert_int_eq(rc, status);
}

START_TEST(test_what_is_packed_is_enough_for_a_shell)
{
	expect_runs(
		APP("server", "/bin/sh", "-c",
		    "test \"$(cat /etc/nsswitch.conf | head -n 1)\" = 'passwd: files' && exit 3"),
		3);
}
END_TEST

START_TEST(test_what_is_packed_is_enough_for_python)
{
	if (lacks_python())
		return;
	expect_runs(APP("server", "python3", "-c",
			"import asyncio, ctypes, hashlib, http.server, json, pwd, socket, sys\n"
			"sys.exit(4 if pwd.getpwuid(0).pw_name == 'root' else 5)"),
		    4);
}
END_TEST

START_TEST(test_the_same_bytes_each_time)
{
	_cleanup_arena_ struct arena a = {0};
	struct stat first, again;

	APP("server", "/bin/sh", "-c", "cat /etc/passwd");
	pack();
	_cleanup_close_ int one = packed_set();
	fileset_init(&set, ROOMY, &a);
	pack();
	_cleanup_close_ int two = packed_set();
	ck_assert_int_eq(fstat(one, &first), 0);
	ck_assert_int_eq(fstat(two, &again), 0);
	ck_assert_int_eq(first.st_size, again.st_size);
	size_t len = (size_t)first.st_size;
	char *bytes = arena_alloc(&a, len), *others = arena_alloc(&a, len);
	ck_assert_int_eq(pread(one, bytes, len, 0), first.st_size);
	ck_assert_int_eq(pread(two, others, len, 0), first.st_size);
	ck_assert_mem_eq(bytes, others, len);
}
END_TEST

START_TEST(test_the_guests_path)
{
	ck_assert_int_eq(fileset_add_folder(&set, "/a/b", &err), 0);
	ck_assert_int_eq(fileset_add_folder(&set, "/c", &err), 0);
	ck_assert_str_eq(pack_path("/a/b:/c", &set), "/a/b:/c");
	ck_assert_str_eq(pack_path("/c:/none::/a/b:/c:/a/b/none", &set), "/c:/a/b");
	ck_assert_str_eq(pack_path("/none", &set), "");
	ck_assert_str_eq(pack_path("", &set), "");
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("pack");

	tcase_set_timeout(t, TEST_TIMEOUT_S);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, test_programs_and_surroundings);
	tcase_add_test(t, test_all_that_is_missing_at_once);
	tcase_add_test(t, test_more_missing_than_a_message_holds);
	tcase_add_test(t, test_too_large);
	tcase_add_test(t, test_files_and_folders_that_programs_are_given);
	tcase_add_test(t, test_the_apps_own_path);
	tcase_add_test(t, test_words_of_a_shell);
	tcase_add_test(t, test_scripts_of_a_shell);
	tcase_add_test(t, test_words_that_name_broken_programs);
	tcase_add_test(t, test_node);
	tcase_add_test(t, test_python_library);
	tcase_add_test(t, test_python_modules);
	tcase_add_test(t, test_python_wrappers);
	tcase_add_test(t, test_python_that_does_not_run);
	tcase_add_test(t, test_what_is_packed_is_enough_for_a_shell);
	tcase_add_test(t, test_what_is_packed_is_enough_for_python);
	tcase_add_test(t, test_the_same_bytes_each_time);
	tcase_add_test(t, test_the_guests_path);
	return run_tests("pack", t);
}
