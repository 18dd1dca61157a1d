/* SPDX-License-Identifier: MIT */
/* What makes a shell complete wirecut's arguments, made from the tables of commands and flags. */
#include <string.h>

#include "harness/base/cleanup.h"
#include "harness/cli/commands.h"

/* What stands where a value is wanted, by the word that help shows there. */
enum value_kind { VALUE_OTHER, VALUE_WORDS, VALUE_PATH, VALUE_FOLDER };

static enum value_kind kind_of(const char *argument)
{
	if (strchr(argument, '|'))
		return VALUE_WORDS;
	if (strstr(argument, "PATH") || strstr(argument, "FILE"))
		return VALUE_PATH;
	return strstr(argument, "DIR") || strstr(argument, "RUN") ? VALUE_FOLDER : VALUE_OTHER;
}

/* "also|none|only" as "also none only". */
static void print_words(FILE *out, const char *argument)
{
	for (; *argument; argument++)
		fputc(*argument == '|' ? ' ' : *argument, out);
}

/* In single quotes of a shell; `escaped` characters get a backslash before them as well. */
static void print_quoted(FILE *out, const char *text, const char *escaped)
{
	fputc('\'', out);
	for (; *text; text++) {
		if (*text == '\'')
			fputs("'\\''", out);
		else
			fprintf(out, "%s%c", strchr(escaped, *text) ? "\\" : "", *text);
	}
	fputc('\'', out);
}

/* --- bash --- */

/* The words that compgen finds, by the lines: a file's name may hold blanks. */
static void print_bash_reply(FILE *out, const char *words)
{
	fprintf(out, "mapfile -t COMPREPLY < <(compgen %s -- \"$cur\")", words);
}

static void print_bash_values(FILE *out, const char *argument)
{
	switch (kind_of(argument)) {
	case VALUE_WORDS:
		fputs("mapfile -t COMPREPLY < <(compgen -W '", out);
		print_words(out, argument);
		fputs("' -- \"$cur\")", out);
		break;
	case VALUE_PATH:
		fputs("compopt -o filenames; ", out);
		print_bash_reply(out, "-f");
		break;
	case VALUE_FOLDER:
		fputs("compopt -o filenames; ", out);
		print_bash_reply(out, "-d");
		break;
	case VALUE_OTHER:
		fputs("COMPREPLY=()", out);
		break;
	}
}

/* After a flag that takes a value: that value. */
static void print_bash_flag_values(FILE *out)
{
	struct option_info flag;
	const char *last = "";

	fputs("\tcase $prev in\n", out);
	for (size_t i = 0; options_info(NULL, i, &flag); i++) {
		bool again = !strcmp(flag.name, last);

		last = flag.name;
		if (!flag.argument || again)
			continue;
		fprintf(out, "\t--%s", flag.name);
		if (flag.letter)
			fprintf(out, "|-%c", flag.letter);
		fputs(") ", out);
		print_bash_values(out, flag.argument);
		fputs("; return ;;\n", out);
	}
	fputs("\tesac\n", out);
}

static void print_bash_command(FILE *out, const struct command *c)
{
	struct option_info flag;

	fprintf(out, "\t%s)\n\t\tif [[ $cur == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '",
		c->name);
	for (size_t i = 0; options_info(c, i, &flag); i++) {
		fprintf(out, "%s--%s", i ? " " : "", flag.name);
		if (flag.letter)
			fprintf(out, " -%c", flag.letter);
	}
	fputs("' -- \"$cur\")\n\t\telse ", out);
	print_bash_values(out, c->arguments);
	fputs("; fi ;;\n", out);
}

static void print_bash(FILE *out)
{
	fputs("# bash completion of wirecut: source <(wirecut completion bash)\n"
	      "_wirecut() {\n"
	      "\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
	      "\tCOMPREPLY=()\n"
	      "\tif ((COMP_CWORD == 1)); then\n\t\tmapfile -t COMPREPLY < <(compgen -W '",
	      out);
	for (const struct command *c = commands; c->name; c++)
		fprintf(out, "%s ", c->name);
	fputs("help' -- \"$cur\")\n\t\treturn\n\tfi\n", out);
	print_bash_flag_values(out);
	fputs("\tcase ${COMP_WORDS[1]} in\n", out);
	for (const struct command *c = commands; c->name; c++)
		print_bash_command(out, c);
	fputs("\tesac\n}\ncomplete -F _wirecut wirecut\n", out);
}

/* --- zsh --- */

static const char zsh_special[] = "[]:\\";

static void print_zsh_values(FILE *out, const char *argument)
{
	switch (kind_of(argument)) {
	case VALUE_WORDS:
		fputs(":value:(", out);
		print_words(out, argument);
		fputc(')', out);
		break;
	case VALUE_PATH:
		fputs(":file:_files", out);
		break;
	case VALUE_FOLDER:
		fputs(":folder:_files -/", out);
		break;
	case VALUE_OTHER:
		fputs(":value: ", out);
		break;
	}
}

/* Two specifications, of the long and of the short form. */
static void print_zsh_flag(FILE *out, const struct option_info *flag)
{
	const char *value_mark = flag->argument ? "=" : "";
	int forms = flag->letter ? 2 : 1;

	for (int form = 0; form < forms; form++) {
		if (form == 1)
			fprintf(out, " \\\n\t\t'*-%c%s'", flag->letter, flag->argument ? "+" : "");
		else
			fprintf(out, " \\\n\t\t'*--%s%s'", flag->name, value_mark);
		fputs("'['", out);
		print_quoted(out, flag->doc, zsh_special);
		fputs("']'", out);
		if (!flag->argument)
			continue;
		fputc('\'', out);
		print_zsh_values(out, flag->argument);
		fputc('\'', out);
	}
}

static void print_zsh_command(FILE *out, const struct command *c)
{
	struct option_info flag;

	fprintf(out, "\t%s) _arguments", c->name);
	for (size_t i = 0; options_info(c, i, &flag); i++)
		print_zsh_flag(out, &flag);
	if (*c->arguments) {
		fputs(" \\\n\t\t'*", out);
		print_zsh_values(out, c->arguments);
		fputc('\'', out);
	}
	fputs(" ;;\n", out);
}

static void print_zsh(FILE *out)
{
	fputs("#compdef wirecut\n"
	      "# zsh completion of wirecut: a file _wirecut in a folder of $fpath\n"
	      "_wirecut() {\n\tlocal -a commands=(\n",
	      out);
	for (const struct command *c = commands; c->name; c++) {
		fprintf(out, "\t\t%s:", c->name);
		print_quoted(out, c->doc, "");
		fputc('\n', out);
	}
	fputs("\t)\n\tif ((CURRENT == 2)); then\n\t\t_describe command commands\n\t\treturn\n\tfi\n"
	      "\tlocal command=$words[2]\n\tshift words\n\t((CURRENT--))\n\tcase $command in\n",
	      out);
	for (const struct command *c = commands; c->name; c++)
		print_zsh_command(out, c);
	fputs("\tesac\n}\n"
	      "if [[ $funcstack[1] == _wirecut ]]; then _wirecut \"$@\"; "
	      "else compdef _wirecut wirecut; fi\n",
	      out);
}

/* --- fish --- */

static void print_fish_value(FILE *out, const char *argument)
{
	enum value_kind kind = kind_of(argument);

	if (kind == VALUE_WORDS) {
		fputs(" -x -a '", out);
		print_words(out, argument);
		fputc('\'', out);
	} else {
		fputs(kind == VALUE_OTHER    ? " -x"
		      : kind == VALUE_FOLDER ? " -x -a '(__fish_complete_directories)'"
					     : " -r -F",
		      out);
	}
}

static void print_fish_command(FILE *out, const struct command *c)
{
	struct option_info flag;

	fprintf(out, "complete -c wirecut -n __fish_use_subcommand -a %s -d ", c->name);
	print_quoted(out, c->doc, "\\");
	fputc('\n', out);
	if (*c->arguments && kind_of(c->arguments) != VALUE_OTHER) {
		fprintf(out, "complete -c wirecut -n '__fish_seen_subcommand_from %s'", c->name);
		print_fish_value(out, c->arguments);
		fputc('\n', out);
	}
	for (size_t i = 0; options_info(c, i, &flag); i++) {
		fprintf(out, "complete -c wirecut -n '__fish_seen_subcommand_from %s' -l %s",
			c->name, flag.name);
		if (flag.letter)
			fprintf(out, " -s %c", flag.letter);
		if (flag.argument)
			print_fish_value(out, flag.argument);
		fputs(" -d ", out);
		print_quoted(out, flag.doc, "\\");
		fputc('\n', out);
	}
}

static void print_fish(FILE *out)
{
	fputs("# fish completion of wirecut: wirecut completion fish | source\n"
	      "complete -c wirecut -f\n",
	      out);
	for (const struct command *c = commands; c->name; c++)
		print_fish_command(out, c);
}

int command_completion(struct options *opt)
{
	static const struct {
		const char *shell;
		void (*print)(FILE *out);
	} shells[] = {{"bash", print_bash}, {"zsh", print_zsh}, {"fish", print_fish}};

	for (size_t i = 0; opt->paths.n == 1 && i < ARRAY_SIZE(shells); i++)
		if (!strcmp(shells[i].shell, opt->paths.v[0])) {
			shells[i].print(stdout);
			return 0;
		}
	fprintf(stderr, "wirecut: completion for which shell? bash, zsh or fish\n");
	return EXIT_USAGE;
}
