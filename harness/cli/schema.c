/* SPDX-License-Identifier: MIT */
#include "harness/base/cleanup.h"
#include "harness/base/field.h"
#include "harness/cli/commands.h"
#include "harness/parse/parse.h"

int command_schema(struct options *opt)
{
	_cleanup_json_ json_t *schema = parse_schema();

	if (opt->paths.n) {
		fprintf(stderr, "wirecut: schema takes no argument\n");
		return EXIT_USAGE;
	}
	json_dumpf(schema, stdout, JSON_FILE_FLAGS);
	putchar('\n');
	return 0;
}
