/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_CLI_COMMANDS_H
#define WIRECUT_CLI_COMMANDS_H

#include "harness/cli/options.h"

/* Exit codes of a command that came to no verdicts; the others are summary_exit_code()'s. */
enum command_exit {
	EXIT_UNKILLED = 1, /* an expectation that no control kills */
	EXIT_USAGE = 2,    /* or an invalid scenario */
	EXIT_ERROR = 3,
	EXIT_NOTHING = 4, /* no scenario selected */
	EXIT_SKIPPED = 5, /* everything was skipped */
};

/* The commands: each does its work with the options given and returns the program's exit code. */
int command_run(struct options *opt);
int command_check(struct options *opt);
int command_list(struct options *opt);
int command_plan(struct options *opt);
int command_judge(struct options *opt);
int command_claims(struct options *opt);
int command_matrix(struct options *opt);
int command_doctor(struct options *opt);
int command_demo(struct options *opt);
int command_version(struct options *opt);
int command_schema(struct options *opt);
int command_init(struct options *opt);
/* What `wirecut init` writes. */
extern const char init_skeleton[];
int command_completion(struct options *opt);
int command_man(struct options *opt);
int command_inject(struct options *opt);

#endif
