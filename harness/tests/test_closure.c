/* SPDX-License-Identifier: MIT */
/*
 * What starting a program takes: of programs of this machine, and of ELF files made by the test,
 * whose loader is a script that says what the test wants a loader to say.
 */
#include <check.h>
#include <elf.h>
#include <stdlib.h>
#include <unistd.h>

#include "harness/base/cleanup.h"
#include "harness/tests/folder.h"
#include "harness/tests/suite.h"
#include "harness/virtual/closure.h"

#define TEST_TIMEOUT_S 60
#define ROOMY          ((uint64_t)1 << 30)

static const char usual_path[] = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin";

static struct folder f;
static struct fileset set;
static struct closure closure;
static struct err err;

static void setup(void)
{
	folder_make(&f);
	fileset_init(&set, ROOMY, &f.arena);
	closure = (struct closure){.set = &set, .path = usual_path};
	err = (struct err){0};
}

static void teardown(void)
{
	folder_remove(&f);
}

static void ok(int rc)
{
	ck_assert_msg(rc == 0, "%s", err.msg);
}

static void expect_error(int rc, const char *text)
{
	ck_assert_int_eq(rc, -1);
	ck_assert_msg(strstr(err.msg, text) != NULL, "'%s' is not in: %s", text, err.msg);
	err = (struct err){0};
}

static void has(const char *path)
{
	ck_assert_msg(fileset_find(&set, path) != NULL, "%s is not in the set", path);
}

static void has_not(const char *path)
{
	ck_assert_msg(fileset_find(&set, path) == NULL, "%s is in the set", path);
}

/* An ELF file of one program header, PT_INTERP; without an interpreter it is static. */
struct elf {
	Elf64_Ehdr head;
	Elf64_Phdr interp;
	char loader[256];
};

static struct elf elf_of(const char *loader)
{
	struct elf e = {
		.head = {.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB},
			 .e_type = ET_DYN,
			 .e_machine = EM_X86_64,
			 .e_phoff = offsetof(struct elf, interp),
			 .e_phentsize = sizeof(Elf64_Phdr),
			 .e_phnum = loader ? 1 : 0},
		.interp = {.p_type = PT_INTERP,
			   .p_offset = offsetof(struct elf, loader),
			   .p_filesz = loader ? strlen(loader) + 1 : 0},
	};

	if (loader)
		strncpy(e.loader, loader, sizeof(e.loader) - 1);
	return e;
}

static char *put_elf(const char *name, const char *loader)
{
	struct elf e = elf_of(loader);

	return folder_put(&f, name, 0755, &e, sizeof(e));
}

/* A loader that says this of whatever it is asked about. */
static char *put_loader(const char *says, int status)
{
	const char *text =
		arena_printf(&f.arena, "#!/bin/sh\ncat <<'END'\n%s\nEND\nexit %d\n", says, status);

	return folder_put(&f, "loader", 0755, text, strlen(text));
}

/* --- programs of this machine --- */

START_TEST(test_a_program_of_this_machine)
{
	const char *program = program_find("true", "/", usual_path, &f.arena), *runs;
	struct program_head head;

	ck_assert_ptr_nonnull(program);
	ok(program_head_read(program, &f.arena, &head, &err));
	ck_assert_int_eq(head.kind, PROGRAM_ELF);
	ok(closure_add(&closure, program, &runs, &err));
	ck_assert_str_eq(runs, program);
	/* The loader's path, and what it leads to. */
	const char *real;
	ok(fileset_add(&set, head.interpreter, &real, &err));
	has(real);
	/* The C library, whichever it is. */
	size_t libraries = 0;
	vec_foreach (e, &set.entries)
		libraries += strstr((*e)->path, "libc.") != NULL;
	ck_assert_uint_ge(libraries, 1);
}
END_TEST

START_TEST(test_a_static_program)
{
	char *program = put_elf("static", NULL);
	size_t before;

	ok(fileset_add_folder(&set, f.path, &err));
	before = set.entries.n;
	ok(closure_add(&closure, program, NULL, &err));
	has(program);
	ck_assert_uint_eq(set.entries.n, before + 1);
}
END_TEST

/* --- what loaders say --- */

START_TEST(test_objects_in_folders_of_their_own)
{
	char *object = folder_put_text(&f, "lib/libx.so.1", "");
	char *loader = put_loader(arena_printf(&f.arena,
					       "\tlinux-vdso.so.1 (0x00007ffd1)\n"
					       "\tlibx.so.1 => %s (0x00007f01)\n"
					       "\t%s/loader (0x00007f02)",
					       object, f.path),
				  0);

	ok(closure_add(&closure, put_elf("program", loader), NULL, &err));
	has(object);
	has(loader);
	has_not("/linux-vdso.so.1");
	/* It is not where the loader looks by itself: its cache told it. */
	if (access("/etc/ld.so.cache", R_OK) == 0)
		has("/etc/ld.so.cache");
}
END_TEST

START_TEST(test_the_cache_only_where_it_is_needed)
{
	ok(closure_add(&closure, put_elf("program", put_loader("\tstatically linked", 0)), NULL,
		       &err));
	has_not("/etc/ld.so.cache");
}
END_TEST

START_TEST(test_variants_for_other_processors)
{
	char *chosen = folder_put_text(&f, "lib/glibc-hwcaps/x86-64-v3/libx.so.1", "");
	char *plain = folder_put_text(&f, "lib/libx.so.1", "");
	char *other = folder_put_text(&f, "lib/glibc-hwcaps/x86-64-v2/libx.so.1", "");

	ok(closure_add(&closure,
		       put_elf("program",
			       put_loader(arena_printf(&f.arena, "\tx => %s (0x1)", chosen), 0)),
		       NULL, &err));
	has(chosen);
	has(plain);
	has(other);
	has_not(folder_path(&f, "lib/glibc-hwcaps/x86-64-v4/libx.so.1"));
}
END_TEST

START_TEST(test_what_the_c_library_opens_by_itself)
{
	char *libc = folder_put_text(&f, "lib/libc.so.6", "");
	char *unwinder = folder_put_text(&f, "lib/libgcc_s.so.1", "");

	ok(closure_add(
		&closure,
		put_elf("program", put_loader(arena_printf(&f.arena, "\tc => %s (0x1)", libc), 0)),
		NULL, &err));
	has(unwinder);
	has_not(folder_path(&f, "lib/libnss_files.so.2"));
}
END_TEST

START_TEST(test_the_programs_own_library_path)
{
	char *object = folder_put_text(&f, "own/libx.so", "");
	static const char script[] =
		"#!/bin/sh\necho \"	x => $LD_LIBRARY_PATH/libx.so (0x1)\"\n";
	char *loader = folder_put(&f, "loader", 0755, script, strlen(script));

	closure.library_path = folder_path(&f, "own");
	ok(closure_add(&closure, put_elf("program", loader), NULL, &err));
	has(object);
	/* Not that of this process. */
	ck_assert_int_eq(setenv("LD_LIBRARY_PATH", folder_path(&f, "own"), 1), 0);
	closure.library_path = NULL;
	expect_error(closure_add(&closure, put_elf("another", loader), NULL, &err), "/libx.so");
}
END_TEST

START_TEST(test_objects_that_are_not_found)
{
	char *program = put_elf("program", put_loader("\tliba.so.1 => not found\n"
						      "\tlibb.so.2 => not found",
						      1));

	expect_error(closure_add(&closure, program, NULL, &err),
		     "/program needs liba.so.1, libb.so.2, which its loader does not find");
}
END_TEST

START_TEST(test_loaders_that_fail)
{
	expect_error(closure_add(&closure, put_elf("a", folder_path(&f, "none")), NULL, &err),
		     "its loader");
	expect_error(
		closure_add(&closure, put_elf("b", put_loader("cannot open it", 127)), NULL, &err),
		"cannot load it: cannot open it");
	expect_error(closure_add(&closure, put_elf("c", put_loader("\tx => /none.so (0x1)", 0)),
				 NULL, &err),
		     "/none.so: No such file");
}
END_TEST

/* --- what is no program --- */

START_TEST(test_foreign_and_broken_files)
{
	struct elf e = elf_of(NULL);

	e.head.e_machine = EM_AARCH64;
	expect_error(closure_add(&closure, folder_put(&f, "arm", 0755, &e, sizeof(e)), NULL, &err),
		     "not for the guest");
	e = elf_of(NULL);
	e.head.e_ident[EI_CLASS] = ELFCLASS32;
	expect_error(closure_add(&closure, folder_put(&f, "old", 0755, &e, sizeof(e)), NULL, &err),
		     "not of 64 bits");
	e = elf_of(NULL);
	expect_error(closure_add(&closure, folder_put(&f, "cut", 0755, &e, 20), NULL, &err),
		     "truncated");
	e.head.e_phnum = 0xffff;
	expect_error(closure_add(&closure, folder_put(&f, "many", 0755, &e, sizeof(e)), NULL, &err),
		     "no usable program headers");
	e = elf_of("/lib/loader");
	e.interp.p_filesz = 1 << 20;
	expect_error(closure_add(&closure, folder_put(&f, "long", 0755, &e, sizeof(e)), NULL, &err),
		     "PT_INTERP is broken");
	e = elf_of("/lib/loader");
	e.interp.p_offset = 1 << 20;
	expect_error(closure_add(&closure, folder_put(&f, "far", 0755, &e, sizeof(e)), NULL, &err),
		     "truncated");
	expect_error(closure_add(&closure, folder_put_text(&f, "text", "text"), NULL, &err),
		     "neither ELF nor with a #! line");
	expect_error(closure_add(&closure, folder_put_text(&f, "empty", ""), NULL, &err),
		     "neither ELF nor with a #! line");
	expect_error(closure_add(&closure, folder_path(&f, "none"), NULL, &err), "No such file");
}
END_TEST

/* --- scripts --- */

static char *put_script(const char *name, const char *text)
{
	return folder_put(&f, name, 0755, text, strlen(text));
}

START_TEST(test_scripts)
{
	char *program = put_elf("bin/interpreter", NULL);
	const char *runs;
	char *script = put_script("a", arena_printf(&f.arena, "#! %s -x \nrest", program));

	ok(closure_add(&closure, script, &runs, &err));
	has(script);
	has(program);
	ck_assert_str_eq(runs, program);
	/* A script that runs a script. */
	script = put_script("b", arena_printf(&f.arena, "#!%s", script));
	ok(closure_add(&closure, script, &runs, &err));
	ck_assert_str_eq(runs, program);
}
END_TEST

START_TEST(test_what_env_runs)
{
	static const char *const lines[] = {"interpreter", "-S interpreter -u",
					    "-S A=b interpreter", "-Sinterpreter -u"};
	char *program = put_elf("bin/interpreter", NULL);
	const char *env = program_find("env", "/", usual_path, &f.arena), *runs;

	ck_assert_ptr_nonnull(env);
	closure.path = arena_printf(&f.arena, "%s:%s", folder_path(&f, "bin"), usual_path);
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		char *name = arena_printf(&f.arena, "script%zu", i);

		ok(closure_add(&closure,
			       put_script(name, arena_printf(&f.arena, "#!%s %s\n", env, lines[i])),
			       &runs, &err));
		ck_assert_str_eq(runs, program);
	}
	has(env);
	has(program);
}
END_TEST

START_TEST(test_scripts_that_cannot_run)
{
	expect_error(closure_add(&closure, put_script("a", "#!/none/sh\n"), NULL, &err),
		     "/a: its interpreter: /none/sh: No such file");
	expect_error(closure_add(&closure, put_script("b", "#!  \n"), NULL, &err),
		     "names no interpreter");
	expect_error(closure_add(&closure, put_script("c", "#!sh\n"), NULL, &err),
		     "no absolute path");
	expect_error(closure_add(&closure, put_script("d", "#!/usr/bin/env nothing-of-this-name\n"),
				 NULL, &err),
		     "runs 'nothing-of-this-name', which is not in PATH=/usr/local/bin");
	expect_error(closure_add(&closure,
				 put_script("e", arena_printf(&f.arena, "#!%s/e\n", f.path)), NULL,
				 &err),
		     "scripts run by scripts");
}
END_TEST

/* --- finding --- */

START_TEST(test_programs_are_found_as_execvp_does)
{
	char *first = put_elf("1/program", NULL), *second = put_elf("2/program", NULL);
	char *only = put_elf("2/only", NULL);
	const char *path =
		arena_printf(&f.arena, "relative::%s/none:%s/1:%s/2:", f.path, f.path, f.path);

	folder_put_text(&f, "1/only", "not executable");
	folder_put_folder(&f, "1/folder");
	ck_assert_str_eq(program_find("program", "/", path, &f.arena), first);
	ck_assert_str_eq(program_find("only", "/", path, &f.arena), only);
	ck_assert_ptr_null(program_find("folder", "/", path, &f.arena));
	ck_assert_ptr_null(program_find("none", "/", path, &f.arena));
	ck_assert_ptr_null(program_find("", "/", path, &f.arena));
	ck_assert_str_eq(program_find("2/program", f.path, path, &f.arena), second);
	ck_assert_str_eq(program_find(second, "/none", "", &f.arena), second);
	ck_assert_ptr_null(program_find("./program", f.path, path, &f.arena));
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("closure");

	tcase_set_timeout(t, TEST_TIMEOUT_S);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, test_a_program_of_this_machine);
	tcase_add_test(t, test_a_static_program);
	tcase_add_test(t, test_objects_in_folders_of_their_own);
	tcase_add_test(t, test_the_cache_only_where_it_is_needed);
	tcase_add_test(t, test_variants_for_other_processors);
	tcase_add_test(t, test_what_the_c_library_opens_by_itself);
	tcase_add_test(t, test_the_programs_own_library_path);
	tcase_add_test(t, test_objects_that_are_not_found);
	tcase_add_test(t, test_loaders_that_fail);
	tcase_add_test(t, test_foreign_and_broken_files);
	tcase_add_test(t, test_scripts);
	tcase_add_test(t, test_what_env_runs);
	tcase_add_test(t, test_scripts_that_cannot_run);
	tcase_add_test(t, test_programs_are_found_as_execvp_does);
	return run_tests("closure", t);
}
