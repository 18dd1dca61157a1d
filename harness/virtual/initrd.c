/* SPDX-License-Identifier: MIT */
#include "harness/virtual/initrd.h"

#include "harness/base/cleanup.h"
#include "harness/virtual/channel.h"
#include "harness/virtual/closure.h"

static const char *const mount_points[] = {"/proc", "/sys", "/dev", "/tmp", "/run", "/var/tmp"};

static int add_modules(struct fileset *set, const struct module_list *list, struct err *err)
{
	struct arena *a = set->arena;
	const char *order = "";

	for (size_t i = 0; i < list->paths.n; i++) {
		const char *path = arena_printf(a, GUEST_MODULES_DIR "/%s",
						kernel_module_name(list->paths.v[i], a));
		size_t len;
		const void *bytes = kernel_module_read(list->paths.v[i], &len, a, err);

		if (!bytes || fileset_add_bytes(set, path, FILESET_FILE_MODE, bytes, len, err) < 0)
			return -1;
		order = arena_printf(a, "%s%s\n", order, path);
	}
	return fileset_add_bytes(set, GUEST_MODULES_ORDER, FILESET_FILE_MODE, order, strlen(order),
				 err);
}

int initrd_files(const struct guest_kernel *k, const char *wirecut, struct fileset *set,
		 struct strings *ret_missing, struct err *err)
{
	struct closure closure = {.set = set, .path = ""};
	struct module_list modules;

	if (kernel_modules(k, kernel_modules_wanted, kernel_n_modules_wanted, set->arena, &modules,
			   err) < 0 ||
	    add_modules(set, &modules, err) < 0 || closure_add(&closure, wirecut, NULL, err) < 0)
		return -1;
	/* A link, so that the program lies where it does on this machine, beside what it looks for. */
	if (fileset_add_link(set, GUEST_PROGRAM, wirecut, err) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(mount_points); i++)
		if (fileset_add_folder(set, mount_points[i], err) < 0)
			return -1;
	if (ret_missing)
		*ret_missing = modules.missing;
	return 0;
}
