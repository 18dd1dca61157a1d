/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_TESTS_CLI_H
#define WIRECUT_TESTS_CLI_H

#include <sys/types.h>

#include <jansson.h>

#include "harness/base/arena.h"

/*
 * The program as a user meets it: started with arguments, in a folder of the test's own, its exit
 * code and what it printed looked at. The program is $BUILD/bin/wirecut.
 */
struct cli {
	struct arena arena;
	char *dir; /* a fresh folder, the program's working folder; removed by cli_finish() */
};

struct cli_result {
	int code; /* exit code, or 128 + the signal that ended it */
	char *out, *err;
};

void cli_start(struct cli *c);
void cli_finish(struct cli *c);

/* Writes a scenario file into the folder. */
void cli_write(struct cli *c, const char *name, const char *text);

/* A scenario with a server and a client that fails nothing, with `timeline` and `expect` put in. */
void cli_write_pair(struct cli *c, const char *name, const char *timeline, const char *expect);

/* Starts the program; arguments end with NULL. Its output goes to `out` and `err` in the folder. */
pid_t cli_spawn(struct cli *c, const char *const argv[]);

/* The same with the terminal `tty_fd` in place of both; what it prints is the caller's to read. */
pid_t cli_spawn_on(struct cli *c, const char *const argv[], int tty_fd);

/* Waits for it, at most three minutes (then the test fails), and reads what it printed. */
struct cli_result cli_wait(struct cli *c, pid_t pid);

/* Both at once. */
struct cli_result cli_run(struct cli *c, const char *const argv[]);

/* Waits until the file is there or contains the text; fails the test after 20 s. */
void cli_wait_for_file(struct cli *c, const char *path);

/* results/latest/run.json, or any JSON file below the folder; the caller gives it back. */
json_t *cli_json(struct cli *c, const char *path);

#define CLI(c, ...) cli_run((c), (const char *const[]){__VA_ARGS__, NULL})

#endif
