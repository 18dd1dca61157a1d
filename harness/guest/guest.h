/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_GUEST_GUEST_H
#define WIRECUT_GUEST_GUEST_H

#include <stdbool.h>

/*
 * Whether this process is process 1 of a guest of the virtual clock (GUEST_PROGRAM): it must then do
 * nothing but guest_main().
 */
bool guest_is_here(const char *argv0);

/*
 * The life of process 1. It makes the guest ready, stops it, which is where its state is saved and
 * from where each scenario goes on; then it unpacks its input, carries out the plan in a sandbox as
 * on the real clock, puts the results into the channel and ends the guest. Never returns.
 */
void guest_main(void) __attribute__((noreturn));

#endif
