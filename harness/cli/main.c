/* SPDX-License-Identifier: MIT */
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "harness/base/cleanup.h"
#include "harness/base/io.h"
#include "harness/cli/commands.h"
#include "harness/guest/guest.h"
#include "harness/parse/parse.h"

const struct command commands[] = {
	{"run", "[PATH...]", "run scenarios and judge them (default: all under scenarios/)",
	 CMD_RUN, command_run},
	{"check", "[PATH...]", "say everything that is wrong with scenario files; run nothing",
	 CMD_CHECK, command_check},
	{"list", "[PATH...]", "list scenarios and controls", CMD_LIST, command_list},
	{"plan", "[PATH...]", "show what would be done: hosts, apps, timeline, expectations",
	 CMD_PLAN, command_plan},
	{"judge", "[RUN]", "judge a run again from its files (default: results/latest)", CMD_JUDGE,
	 command_judge},
	{"claims", "[RUN]",
	 "print the table of the figures that a run found again (default: results/latest)",
	 CMD_CLAIMS, command_claims},
	{"matrix", "[RUN]",
	 "print in which controls each expectation of a run failed, and those that none kills "
	 "(default: results/latest)",
	 CMD_MATRIX, command_matrix},
	{"doctor", "", "say what this machine lacks for running, what that costs and what mends it",
	 CMD_DOCTOR, command_doctor},
	{"schema", "", "print the JSON Schema of scenario files, for editors", CMD_SCHEMA,
	 command_schema},
	{"init", "[FILE]",
	 "write a commented scenario to start from, for a program of your own (default: "
	 "scenario.yaml)",
	 CMD_INIT, command_init},
	{"completion", "bash|zsh|fish", "print what makes a shell complete wirecut's arguments",
	 CMD_COMPLETION, command_completion},
	{"man", "wirecut.1|wirecut-scenario.5", "print a manual page, for `man -l -`", CMD_MAN,
	 command_man},
	{"demo", "herd [FILE]",
	 "show what jitter is for: an outage with and without it, side by side in the terminal",
	 CMD_DEMO, command_demo},
	{"inject", "'NETEM'",
	 "bend packets of a namespace or container that runs already, for a time (--netns or "
	 "--pid, --dev, --for)",
	 CMD_INJECT, command_inject},
	{"version", "", "print the version", CMD_VERSION, command_version},
	{0},
};

static const struct command *find_command(const char *name)
{
	for (const struct command *c = commands; c->name; c++)
		if (!strcmp(c->name, name))
			return c;
	return NULL;
}

static void unknown_command(const char *name)
{
	_cleanup_arena_ struct arena arena = {0};
	const char *names[ARRAY_SIZE(commands)] = {0};

	for (size_t i = 0; commands[i].name; i++)
		names[i] = commands[i].name;
	fprintf(stderr, "wirecut: '%s' is not a command; %s\n", name,
		parse_suggest(name, names, &arena));
}

static int run_command(const struct command *command, int argc, char **argv)
{
	_cleanup_arena_ struct arena arena = {0};
	struct options opt = {.arena = &arena};
	struct err err = {0};
	int code = EXIT_USAGE;

	if (options_parse(&opt, command, argc, argv, &err) < 0) {
		fprintf(stderr, "wirecut: %s\n", err.msg);
	} else if (opt.help) {
		options_print_help(stdout, command);
		code = 0;
	} else {
		code = command->run(&opt);
	}
	options_release(&opt);
	return code;
}

int main(int argc, char **argv)
{
	if (argc > 0 && guest_is_here(argv[0]))
		guest_main();
	if (argc < 2) {
		options_print_commands(stderr);
		return EXIT_USAGE;
	}
	if (!strcmp(argv[1], "help") || !strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
		const struct command *about = argc > 2 ? find_command(argv[2]) : NULL;

		if (about)
			options_print_help(stdout, about);
		else
			options_print_commands(stdout);
		return 0;
	}
	const struct command *command =
		find_command(strcmp(argv[1], "--version") ? argv[1] : "version");
	if (!command) {
		unknown_command(argv[1]);
		return EXIT_USAGE;
	}
	int code = run_command(command, argc - 1, argv + 1);
	if (fflush(stdout) == 0 && !ferror(stdout))
		return code;
	if (io_reader_is_gone(STDOUT_FILENO))
		return 128 +
		       SIGPIPE; /* as if killed by it, which SIGPIPE is ignored for in a run */
	fprintf(stderr, "wirecut: cannot write to standard output\n");
	return 3;
}
