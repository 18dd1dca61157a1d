/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_TESTS_GUESTS_H
#define WIRECUT_TESTS_GUESTS_H

#include <stdbool.h>

#include "harness/tests/cli.h"

/*
 * The virtual clock as a user meets it. A sanitized wirecut is too slow and too large inside a guest,
 * so these run the plain build, which `make check` makes for them; whatever fails fails the test.
 */

/*
 * Whether guests can be started here: the plain build, QEMU and a kernel are there. If not it is
 * said, which is an error under CI=true (skip()). Else the program of `struct cli` is the plain
 * build's from now on, and what it leaves behind comes to this process: each test that calls this
 * must have a process of its own.
 */
bool guests_can_run(void);

/* The kernels that were fetched, other than the default's link; paths of their images. */
struct strings guests_kernels(struct arena *a);

/* The folder of the modules that lie beside a kernel's image. */
char *guests_modules_of(const char *image, struct arena *a);

/*
 * Nothing that this process has started lives any longer, however far down: no guest, no supervisor,
 * no sandbox. Waits for the kernel to take them.
 */
void guests_none_left(void);

/* A fixture of tests of guests: a folder, as cli_start() makes it, and guests_can_run(). */
bool guests_start(struct cli *c);
/* Its end. `could_run`: what guests_start() said; then nothing of the test lives any longer. */
void guests_finish(struct cli *c, bool could_run);

/* A pair whose cable is cut from 0.5 to 4.5 s, which the client detects but in the control. */
void guests_write_scenario(struct cli *c, const char *name);

/* One app on one host, run by a shell; `more` are further lines of the file. */
void guests_write_shell(struct cli *c, const char *name, const char *shell, const char *more);

/*
 * Puts a program of harness/tests/guest-programs, by the plain build, into the working folder, for that is where
 * hosts see it: their /tmp is their own. Gives its path.
 */
char *guests_copy_program(struct cli *c, const char *name);

/* The folder of the last run, below c->dir. */
char *guests_run_folder(struct cli *c);

/* A file of a scenario's folder, "results/<run>/<slug>/<file>"; *ret_len may be NULL. */
char *guests_read(struct cli *c, const char *folder, const char *file, size_t *ret_len);

/* What must be the same in two scenarios' folders is, byte by byte. */
void guests_assert_same(struct cli *c, const char *one, const char *other);

/* The same of two that were asked for in different ways: verdict.json without what names the way. */
void guests_assert_same_run(struct cli *c, const char *one, const char *other);

/* Whether the file of both folders has the same bytes; if not *ret_why tells where. */
bool guests_is_same(struct cli *c, const char *one, const char *other, const char *file,
		    char **ret_why);

/* Carries out a replay command as a shell would, with `wirecut` on the PATH; its exit code. */
int guests_replay(struct cli *c, const char *command);

#endif
