/* SPDX-License-Identifier: MIT */
/* The manual pages, made from the tables of commands, flags and keys. */
#include <string.h>

#include "harness/attach/words.h"
#include "harness/base/cleanup.h"
#include "harness/base/roff.h"
#include "harness/cli/commands.h"
#include "harness/parse/parse.h"

struct item {
	const char *name, *meaning;
};

static const struct item exit_codes[] = {
	{"0", "all passed; every control failed where it must"},
	{"1", "an expectation failed, a control survived, or a verdict is void; of `matrix`: no "
	      "control kills an expectation"},
	{"2", "a usage error or an invalid scenario: nothing ran"},
	{"3", "the harness or a set-up step failed, or a verdict is inconclusive"},
	{"4", "no scenario was selected"},
	{"5", "everything was skipped"},
	{"130, 143", "interrupted, and cleaned up"},
	{"141", "nobody reads its output any more: ended as if interrupted, without a word"},
};

static const struct item variables[] = {
	{"NO_COLOR", "set and not empty: no colours, unless `--color` asks for them"},
	{"WIRECUT_CACHE",
	 "the folder of the guests' snapshots (default: wirecut in $XDG_CACHE_HOME or ~/.cache). "
	 "The last eight are kept, each as large as its guest's memory: 512 MiB for most "
	 "scenarios. It may be removed at any time"},
	{"WIRECUT_KERNEL", "the image of the guests' kernel, where no `--kernel` names one"},
	{"WIRECUT_MODULES",
	 "the folder of the modules of $WIRECUT_KERNEL (default: those that lie beside it)"},
	{"WIRECUT_QEMU", "the QEMU that guests run in (default: qemu-system-x86_64 on the PATH)"},
	{"GITHUB_ACTIONS", "`true`: in a job of GitHub Actions, as `--github on`"},
	{"GITHUB_STEP_SUMMARY", "the file to which the job's summary is added then"},
	{"GITHUB_WORKSPACE", "the folder from which annotations count the paths of files"},
};

static void print_arguments(FILE *out, const struct command *c)
{
	if (!*c->arguments)
		return;
	fputc(' ', out);
	roff_text(out, c->arguments);
}

static void print_synopsis(FILE *out)
{
	roff_section(out, "SYNOPSIS");
	for (const struct command *c = commands; c->name; c++) {
		if (c != commands)
			fputs(".br\n", out);
		fputs("\\fBwirecut ", out);
		roff_text(out, c->name);
		fputs("\\fR [", out);
		roff_italic(out, "OPTION");
		fputs("...]", out);
		print_arguments(out, c);
		fputc('\n', out);
	}
}

static void print_commands(FILE *out)
{
	roff_section(out, "COMMANDS");
	for (const struct command *c = commands; c->name; c++) {
		roff_item(out);
		roff_bold(out, c->name);
		print_arguments(out, c);
		roff_item_body(out);
		roff_text(out, c->doc);
		fputc('\n', out);
	}
}

static void print_netem_words(FILE *out)
{
	const char *form, *doc;

	for (size_t i = 0; words_info(i, &form, &doc); i++) {
		roff_item(out);
		roff_bold(out, form);
		roff_item_body(out);
		roff_text(out, doc);
		fputc('\n', out);
	}
}

static void print_inject(FILE *out)
{
	roff_section(out, "INJECT");
	roff_paragraph(
		out, "`wirecut inject --netns web --dev eth0 'delay 50ms 10ms loss 1%' --for 30s` "
		     "puts netem on an interface of a network namespace that is there already, "
		     "named by `ip netns` or by a process in it, and takes it away again: when the "
		     "time is up, when it is interrupted, when the process or the name is gone, "
		     "and by a guardian when it is killed itself. Bent are the packets that leave "
		     "the interface. The machine's own namespace is refused, and so is an "
		     "interface with a qdisc of anybody's. It needs CAP_SYS_ADMIN and "
		     "CAP_NET_ADMIN in the user namespace that owns the network namespace, and "
		     "sch_netem in the kernel. It says what it will do, and at the end how many "
		     "packets passed and were dropped. With `--dry-run` it says what it would do, "
		     "as a command of tc(8), and for what it would be refused.");
	roff_paragraph(out, "The words are those of tc-netem(8), each number with its unit:");
	print_netem_words(out);
	roff_paragraph(out,
		       "The exit status is 0 when it has lasted as long as it could, 2 when the "
		       "arguments are wrong, 3 when it could not be set or taken away or somebody "
		       "else has taken it away meanwhile (with `--dry-run`: when it would be "
		       "refused), 130 and 143 when it was interrupted.");
}

/* "[run, list, plan]", of a flag that not every command takes. */
static void print_takers(FILE *out, const struct option_info *flag)
{
	const char *before = " [";
	bool by_all = true;

	for (const struct command *c = commands; c->name; c++)
		by_all = by_all && (flag->commands & c->bit);
	if (by_all)
		return;
	for (const struct command *c = commands; c->name; c++)
		if (flag->commands & c->bit) {
			fputs(before, out);
			roff_text(out, c->name);
			before = ", ";
		}
	fputc(']', out);
}

static void print_options(FILE *out)
{
	struct option_info flag;

	roff_section(out, "OPTIONS");
	roff_paragraph(out,
		       "The commands that take one are named behind it; where none is, all do.");
	for (size_t i = 0; options_info(NULL, i, &flag); i++) {
		roff_item(out);
		if (flag.letter) {
			roff_bold(out, (const char[]){'-', flag.letter, '\0'});
			fputs(", ", out);
		}
		char name[64];
		snprintf(name, sizeof(name), "--%s", flag.name);
		roff_bold(out, name);
		if (flag.argument) {
			fputc(' ', out);
			roff_italic(out, flag.argument);
		}
		roff_item_body(out);
		roff_text(out, flag.doc);
		print_takers(out, &flag);
		fputc('\n', out);
	}
}

static void print_items(FILE *out, const char *section, const struct item *items, size_t n)
{
	roff_section(out, section);
	for (size_t i = 0; i < n; i++) {
		roff_item(out);
		roff_bold(out, items[i].name);
		roff_item_body(out);
		roff_text(out, items[i].meaning);
		fputc('\n', out);
	}
}

static void print_wirecut(FILE *out)
{
	roff_title(out, "WIRECUT", 1, WIRECUT_VERSION);
	roff_section(out, "NAME");
	fputs("wirecut \\- cut the wire between real programs and judge whether they cope\n", out);
	print_synopsis(out);
	roff_section(out, "DESCRIPTION");
	roff_paragraph(out, options_summary);
	roff_paragraph(out,
		       "Without a `PATH`, scenarios are looked for under `scenarios/`. Of a folder "
		       "all files below it whose names end in .yaml or .yml are taken, but for "
		       "files and folders whose names begin with a dot or `_`: those hold the "
		       "parts that scenarios include.");
	print_commands(out);
	print_options(out);
	print_inject(out);
	print_items(out, "EXIT STATUS", exit_codes, ARRAY_SIZE(exit_codes));
	print_items(out, "ENVIRONMENT", variables, ARRAY_SIZE(variables));
	roff_section(out, "SEE ALSO");
	fputs("\\fBwirecut\\-scenario\\fR(5)\n", out);
}

static void print_scenario(FILE *out)
{
	roff_title(out, "WIRECUT-SCENARIO", 5, WIRECUT_VERSION);
	roff_section(out, "NAME");
	fputs("wirecut\\-scenario \\- what a file of \\fBwirecut\\fR(1) may hold\n", out);
	roff_section(out, "DESCRIPTION");
	roff_paragraph(out,
		       "A scenario is one YAML file: hosts, the programs on them, what happens to "
		       "the cables between them and when, and what must hold. `wirecut check` says "
		       "everything that is wrong with a file, `wirecut init` writes one to start "
		       "from, `wirecut schema` prints its form for an editor.");
	roff_section(out, "EXAMPLE");
	roff_example(out, init_skeleton);
	roff_section(out, "KEYS");
	parse_print_reference_roff(out);
	roff_section(out, "SEE ALSO");
	fputs("\\fBwirecut\\fR(1)\n", out);
}

int command_man(struct options *opt)
{
	static const struct {
		const char *page;
		void (*print)(FILE *out);
	} pages[] = {{"wirecut.1", print_wirecut}, {"wirecut-scenario.5", print_scenario}};

	for (size_t i = 0; opt->paths.n == 1 && i < ARRAY_SIZE(pages); i++)
		if (!strcmp(pages[i].page, opt->paths.v[0])) {
			pages[i].print(stdout);
			return 0;
		}
	fprintf(stderr, "wirecut: which page? wirecut.1 or wirecut-scenario.5\n");
	return EXIT_USAGE;
}
