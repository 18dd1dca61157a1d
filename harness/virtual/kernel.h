/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_VIRTUAL_KERNEL_H
#define WIRECUT_VIRTUAL_KERNEL_H

#include <stdbool.h>
#include <stddef.h>

#include "harness/base/arena.h"
#include "harness/base/err.h"

/* The kernel that a guest boots. Texts are the arena's. */
struct guest_kernel {
	char *image;   /* an x86 bzImage */
	char *modules; /* the folder with its modules.dep */
	char *release; /* "6.1.0-56-cloud-amd64": as the image itself says it (uname -r) */
};

/* What the user has said of it; all NULL: nothing. */
struct kernel_choice {
	const char *image;
	const char *modules; /* only with an image */
	const char *
		fetched; /* where `make guest-kernel` keeps kernels; NULL: found from this program */
};

/*
 * Finds the kernel: the image chosen, else that of $WIRECUT_KERNEL (with $WIRECUT_MODULES), else
 * the default one of those fetched: FETCHED/default/{vmlinuz,modules}. That folder is ../guest-kernel
 * from the folder of this program, or where it is installed ../lib/wirecut/guest-kernel.
 *
 * Where nobody says it, the modules of an image are looked for beside it (modules, and
 * ../lib/modules/RELEASE as packages have it), then in /lib/modules/RELEASE.
 *
 * Errors: there is none; it is no bzImage that tells its release; no modules, or those of another
 * release; each with the mend.
 */
int kernel_find(const struct kernel_choice *choice, struct arena *a, struct guest_kernel *ret,
		struct err *err);

/*
 * The release of a bzImage, from its real-mode header: the text at the offset that the field
 * kernel_version (0x20E) gives less 0x200 (Documentation/arch/x86/boot.rst). NULL: see err.
 */
char *kernel_release(const char *image, struct arena *a, struct err *err);

/* --- modules --- */

/* A module that a guest is to load, by its name: dashes and underscores are the same. */
struct module_wanted {
	const char *name;
	const char *why;
	bool required; /* else the guest can do without it */
};

/* Those that runs need, and those that scenarios may. */
extern const struct module_wanted kernel_modules_wanted[];
extern const size_t kernel_n_modules_wanted;

struct module_list {
	struct strings paths;   /* of this machine, in the order in which they are to be loaded */
	struct strings missing; /* names of those that are not required and that the kernel lacks */
};

/*
 * The files of the modules wanted and of all that they depend on (modules.dep(5)). Those that are
 * built into the kernel (modules.builtin) need no file. All that are required and missing are one
 * error.
 */
int kernel_modules(const struct guest_kernel *k, const struct module_wanted *wanted, size_t n,
		   struct arena *a, struct module_list *ret, struct err *err);

/*
 * Whether the folder's modules are of the kernel's release: a guest would panic on others. The first of
 * modules.dep tells it for all (vermagic in its .modinfo: include/linux/vermagic.h); where it does not,
 * nothing is said.
 */
int kernel_check_modules(const struct guest_kernel *k, struct arena *a, struct err *err);

/* The name of a module's file in a guest: without what says how it is compressed. */
char *kernel_module_name(const char *path, struct arena *a);

/* A module's content, decompressed if its name ends with .xz, .zst or .gz. NULL: see err. */
void *kernel_module_read(const char *path, size_t *ret_len, struct arena *a, struct err *err);

#endif
