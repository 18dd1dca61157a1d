/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_DATA_NOT_PACKED_H
#define WIRECUT_DATA_NOT_PACKED_H

#include "harness/base/arena.h"

/*
 * Files of this machine that programs looked for in a guest which does not have them: in there they
 * may have behaved differently. One of a scenario's results, as lines of "PATH\tPROGRAM\n".
 */
#define NOT_PACKED_FILE "not-packed.txt"

struct not_packed_file {
	char *path;
	char *program; /* the name of the process that looked for it, as ps(1) shows it */
};

struct not_packed {
	struct not_packed_file *v;
	size_t n;
};

/* Both live in `a`. Lines that are none of these are passed over. */
void not_packed_read(const char *text, struct arena *a, struct not_packed *ret);
char *not_packed_write(const struct not_packed *files, struct arena *a);

#endif
