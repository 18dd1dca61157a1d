/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_VIRTUAL_INITRD_H
#define WIRECUT_VIRTUAL_INITRD_H

#include "harness/virtual/fileset.h"
#include "harness/virtual/kernel.h"

/*
 * Adds what every guest of this kernel boots with: this program (`wirecut`, an absolute path) as
 * GUEST_PROGRAM with its closure, the modules that runs need, decompressed, with the order of their
 * loading in GUEST_MODULES_ORDER, and empty folders to mount on.
 * *ret_missing (may be NULL): the names of the modules that the kernel lacks and that the guest can
 * do without, in the set's arena.
 */
int initrd_files(const struct guest_kernel *k, const char *wirecut, struct fileset *set,
		 struct strings *ret_missing, struct err *err);

#endif
