/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_VIRTUAL_SNAPSHOT_H
#define WIRECUT_VIRTUAL_SNAPSHOT_H

#include "harness/virtual/image.h"
#include "harness/virtual/qemu.h"

/*
 * The saved state of a guest that has booted and stopped itself, from which every scenario goes on.
 *
 * A snapshot is a folder of the cache ($WIRECUT_CACHE, $XDG_CACHE_HOME/wirecut or ~/.cache/wirecut),
 * named by the key of the image and the guest's memory: it is made once, and a new build of wirecut
 * makes a new one. It appears whole or not at all, and holds
 *
 *   ram          the guest's RAM; guests map it privately, so any number of them share its pages
 *   state        what else QEMU saves
 *   console.log  what the kernel said while it booted
 *
 * The least recently used of more than SNAPSHOTS_KEPT are removed.
 */
#define SNAPSHOTS_KEPT 8

struct snapshot {
	char *ram;     /* its path */
	int state_fd;  /* at its beginning; while it is open the snapshot is not removed */
	bool is_fresh; /* it was made just now */
};

/* Who wants to know that a guest is about to boot, which takes seconds. */
struct boot_watch {
	void (*begins)(void *arg);
	void *arg;
};

/*
 * Finds the snapshot or makes it, which `watch` is told; while another process makes it, waits. `config`
 * is that of the guest to be restored: of it the boot takes what must be the same (the CPU it is bound
 * to, and who may cancel). Strings live in `a`; state_fd is the caller's to close. An error of the boot has the
 * console's last lines.
 */
int snapshot_open(const struct guest_image *image, const struct qemu_config *config,
		  const struct boot_watch *watch, struct arena *a, struct snapshot *ret,
		  struct err *err);

/*
 * Takes a snapshot out of the cache from which no guest can go on (a disk that lost something), so that
 * the next one is made anew. Guests that use it keep its files.
 */
void snapshot_discard(const struct snapshot *s);

/* Of a guest, booted or restored, what its image says. */
void snapshot_configure(const struct guest_image *image, struct qemu_config *c);

#endif
