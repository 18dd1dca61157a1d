/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_VIRTUAL_CHANNEL_H
#define WIRECUT_VIRTUAL_CHANNEL_H

#include <stdint.h>

#include "harness/base/err.h"
#include "harness/base/nsec.h"

/*
 * The memory that a guest and its supervisor share: the only way in and out of a guest.
 *
 * A guest that waits for its host while it has nothing else to do jumps over all of that time to
 * its next timer, so it must never wait. With memory it need not: what goes in is written before
 * the guest goes on from its snapshot, what comes out is read after it has ended, and what is read
 * meanwhile (the progress) is only looked at.
 *
 * It is a device of RAM at a fixed address of the guest, backed by a memory file on the host, which
 * holds this header and then the areas whose offsets it names.
 */
#define CHANNEL_ADDRESS 0x100000000ULL /* above all RAM of a guest (GUEST_MEMORY_MAX) */
#define CHANNEL_SIZE    (512ULL << 20) /* sparse: only what is used takes memory */
#define CHANNEL_INPUT   4096ULL        /* offset of the first area */
#define CHANNEL_MAGIC   0x77697265637574ULL
#define CHANNEL_VERSION 2

/* A port: writing to it stops the guest on that very instruction (pvpanic: "panicked"). */
#define CHANNEL_STOP_PORT  0x505
#define CHANNEL_STOP_VALUE 1
/* A port: writing to it ends the guest (isa-debug-exit). */
#define CHANNEL_EXIT_PORT 0xf4

enum channel_stage {
	CHANNEL_BOOTING,
	CHANNEL_STARTED, /* it goes on from its snapshot */
	CHANNEL_RUNNING, /* t = 0 has come */
	CHANNEL_DONE,    /* .err, and, when it is empty, the output */
};

struct channel {
	uint64_t magic, version;
	/* From the host. */
	uint64_t input_size; /* a newc archive at CHANNEL_INPUT, unpacked over the guest's root */
	uint64_t seed;       /* of the guest's own randomness */
	/* From the guest. */
	uint32_t stage; /* enum channel_stage */
	nsec_t t;       /* the guest's time since t = 0, when it last had something to say */
	uint64_t output_offset; /* a newc archive: the results folder */
	uint64_t output_size;
	uint64_t
		lookups_offset; /* text: what programs looked for and did not find (guest/lookups.h) */
	uint64_t lookups_size;
	struct err err;
};

/* Paths in the guest. GUEST_PROGRAM is wirecut as its process 1. */
#define GUEST_PROGRAM       "/wirecut-guest"
#define GUEST_DIR           "/wirecut" /* what is only for wirecut in there */
#define GUEST_MODULES_DIR   GUEST_DIR "/modules"
#define GUEST_MODULES_ORDER GUEST_DIR "/modules.order" /* their paths, a line each */
#define GUEST_CONFIG        GUEST_DIR "/config.json"
#define GUEST_PLAN          GUEST_DIR "/plan.json"
#define GUEST_RESULTS_DIR   GUEST_DIR "/results"

#endif
