/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_VIRTUAL_QEMU_H
#define WIRECUT_VIRTUAL_QEMU_H

#include <stdbool.h>
#include <sys/types.h>

#include "harness/base/arena.h"
#include "harness/virtual/qmp.h"

/*
 * One QEMU process: a PC of one emulated CPU (TCG: no KVM, no rights needed) that runs one
 * instruction in one nanosecond of its own time, and whose time jumps to the next timer when it
 * idles (-icount shift=0,sleep=off). It has no device but the serial console, two ports and the
 * channel's memory, so nothing in it ever depends on the host.
 */

/* RAM of a guest ends below the channel (CHANNEL_ADDRESS): a PC maps the rest above 4 GiB. */
#define QEMU_MEMORY_MAX_MIB 3072

struct qemu_config {
	const char *program; /* absolute */
	const char *kernel;  /* the image */
	int initrd_fd;
	const char *command_line;
	int memory_mib;
	const char *ram;  /* the file behind the guest's RAM */
	bool ram_private; /* what the guest writes stays in this process */
	int channel_fd;
	int console_fd;     /* takes what the guest's console says, and QEMU's own complaints */
	int state_fd;       /* -1: boots; else: stands still until qemu_restore() */
	uint32_t seed;      /* of what the emulated CPU calls random (rdrand) */
	int cpu;            /* the host's CPU that it is bound to; -1: any */
	int cancel_fd;      /* readable: give up waiting; -1: none */
	const char *append; /* a further word of the command line, or NULL */
};

struct qemu {
	pid_t pid;
	int pidfd; /* readable when it has ended */
	struct qmp qmp;
};

/* The program: $WIRECUT_QEMU, or qemu-system-x86_64 on the PATH. NULL with an error that mends. */
char *qemu_find(struct arena *a, struct err *err);

/* Starts it. It dies with this process. Release with qemu_end(). */
int qemu_start(const struct qemu_config *c, struct qemu *ret, struct err *err);

/* Waits until the guest has stopped itself (CHANNEL_STOP_PORT). */
int qemu_wait_stopped(struct qemu *q, nsec_t deadline, struct err *err);

/*
 * Writes the state of a stopped guest but for its RAM, which is in the shared file c->ram already
 * (QEMU's x-ignore-shared), and ends it.
 */
int qemu_save(struct qemu *q, int state_fd, nsec_t deadline, struct err *err);

/* Loads the state into a guest that was started with it. */
int qemu_restore(struct qemu *q, int state_fd, nsec_t deadline, struct err *err);

/*
 * Lets the guest go on. Its CPU's thread becomes a real-time one where that is allowed, above
 * QEMU's others: then they cannot come between two of its instructions, and every run is the same.
 * (Round robin, for two guests of different wirecuts may be bound to one processor.)
 * *ret_exact: it was allowed.
 */
int qemu_continue(struct qemu *q, nsec_t deadline, bool *ret_exact, struct err *err);

/* How a process that has ended by itself did so, in words, into `buf`. */
const char *qemu_reap(struct qemu *q, char *buf, size_t size);

/* Ends it at once, and frees. May be called of one that was never started (pid 0). */
void qemu_end(struct qemu *q);

#endif
