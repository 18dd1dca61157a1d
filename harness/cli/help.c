/* SPDX-License-Identifier: MIT */
/* What `wirecut help` and `wirecut COMMAND --help` print. */
#include "harness/cli/options.h"

#include <string.h>

#include "harness/attach/words.h"

const char options_summary[] =
	"wirecut runs real programs on hosts of its own, cuts and bends the cable between\n"
	"them as a scenario file says, and judges whether they coped.";

void options_print_commands(FILE *out)
{
	fprintf(out, "usage: wirecut COMMAND [OPTION...] [PATH...]\n\n%s\n\n", options_summary);
	for (const struct command *c = commands; c->name; c++)
		fprintf(out, "  %-10s %s\n", c->name, c->doc);
	fputs("\n'wirecut COMMAND --help' says more. Exit codes: 0 all passed; 1 an expectation\n"
	      "failed, a control survived or a verdict is void; 2 a usage error or an invalid\n"
	      "scenario; 3 an error of the harness or an inconclusive verdict; 4 nothing was\n"
	      "selected; 5 everything was skipped; 130, 143 interrupted; 141\n"
	      "nobody reads its output.\n",
	      out);
}

/* What is beside a form; below it where that is long. */
#define FORM_WIDTH 30

static void print_netem_words(FILE *out)
{
	const char *form, *doc;

	fputs("\nNETEM is made of these words, as by tc-netem(8); each number has its unit:\n",
	      out);
	for (size_t i = 0; words_info(i, &form, &doc); i++)
		if (strlen(form) > FORM_WIDTH)
			fprintf(out, "  %s\n  %*s %s\n", form, FORM_WIDTH, "", doc);
		else
			fprintf(out, "  %-*s %s\n", FORM_WIDTH, form, doc);
}

void options_print_help(FILE *out, const struct command *command)
{
	struct option_info o;

	fprintf(out, "usage: wirecut %s [OPTION...] %s\n\n%s\n\n", command->name,
		command->arguments, command->doc);
	for (size_t i = 0; options_info(command, i, &o); i++) {
		char left[64];
		int used = o.letter ? snprintf(left, sizeof(left), "-%c, ", o.letter)
				    : snprintf(left, sizeof(left), "    ");

		snprintf(left + used, sizeof(left) - (size_t)used, "--%s%s%s", o.name,
			 o.argument ? " " : "", o.argument ? o.argument : "");
		fprintf(out, "  %-30s %s\n", left, o.doc);
	}
	if (command->bit == CMD_INJECT)
		print_netem_words(out);
}
