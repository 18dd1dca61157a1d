/* SPDX-License-Identifier: MIT */
#ifndef REF_REUSE_ADDR_H
#define REF_REUSE_ADDR_H

#include <stdbool.h>

/* Theory and sources: reuse-addr.c. */

/* Readies a socket for bind() as a listener. With `practice` off it leaves the socket as the kernel
 * made it. -1 with errno set. */
int reuse_addr_set(int fd, bool practice);

#endif
