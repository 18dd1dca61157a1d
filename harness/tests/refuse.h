/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_TESTS_REFUSE_H
#define WIRECUT_TESTS_REFUSE_H

#include <stdbool.h>
#include <stdint.h>

/* For refuse(): whatever the arguments are. */
#define ANY_ARGUMENT (-1)

/*
 * Makes a system call fail with `error` from now on, in this process and all that it forks, by a
 * seccomp filter: always, or where the low half of one argument has this value. It cannot be undone.
 */
bool refuse(int syscall_number, int argument, uint32_t value, int error);

/* Gives up a capability for good. */
bool give_up(int capability);

#endif
