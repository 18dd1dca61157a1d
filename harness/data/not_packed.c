/* SPDX-License-Identifier: MIT */
#include "harness/data/not_packed.h"

#include <string.h>

void not_packed_read(const char *text, struct arena *a, struct not_packed *ret)
{
	VEC(struct not_packed_file) files = {0};

	while (*text) {
		size_t len = strcspn(text, "\n"), path_len = strcspn(text, "\t\n");

		if (path_len && path_len + 1 < len)
			*vec_push(a, &files) = (struct not_packed_file){
				.path = arena_strndup(a, text, path_len),
				.program =
					arena_strndup(a, text + path_len + 1, len - path_len - 1),
			};
		text += len + (text[len] == '\n');
	}
	*ret = (struct not_packed){files.v, files.n};
}

char *not_packed_write(const struct not_packed *files, struct arena *a)
{
	size_t size = 1;

	for (size_t i = 0; i < files->n; i++)
		size += strlen(files->v[i].path) + strlen(files->v[i].program) + strlen("\t\n");
	char *text = arena_alloc(a, size), *end = text;
	for (size_t i = 0; i < files->n; i++) {
		end = stpcpy(stpcpy(end, files->v[i].path), "\t");
		end = stpcpy(stpcpy(end, files->v[i].program), "\n");
	}
	return text;
}
