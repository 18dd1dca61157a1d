/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_VIRTUAL_IMAGE_H
#define WIRECUT_VIRTUAL_IMAGE_H

#include <stdint.h>

#include "harness/virtual/kernel.h"

/*
 * What every guest of one kernel boots from: the kernel, and an initial file system that holds
 * nothing but wirecut itself as process 1, its libraries, and the kernel's modules.
 */
struct guest_image {
	struct guest_kernel kernel;
	char *qemu;    /* the program */
	int initrd_fd; /* a memory file */
	uint64_t key;  /* of all the bytes that a boot depends on */
};

/*
 * The kernel's command line. Its clock is the emulated CPU's, whose rate it need not measure; it
 * watches nothing, tests nothing, accounts for nothing and moves nothing about at random; its console is the serial port;
 * a panic ends it. The channel's memory is not memory for it to use.
 */
extern const char image_command_line[];

/*
 * Finds the kernel (as kernel_find() does) and QEMU, and packs the initial file system. Lives in
 * `a`; initrd_fd is the caller's to close.
 */
int image_make(const struct kernel_choice *choice, struct arena *a, struct guest_image *ret,
	       struct err *err);

#endif
