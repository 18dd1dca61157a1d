/* SPDX-License-Identifier: MIT */
#ifndef REF_CLOSE_ON_EOF_H
#define REF_CLOSE_ON_EOF_H

#include <stdbool.h>

/* Theory and sources: close-on-eof.c. */

/* How a connection ended. */
enum socket_end {
	SOCKET_END_EOF,   /* the peer's FIN was read */
	SOCKET_END_ERROR, /* a reset, or any other error of the socket */
	SOCKET_END_DONE,  /* this side has nothing more to say */
	SOCKET_END_DEAD,  /* this side gave a silent peer up */
};

/* Ends the socket *fd and sets it to -1. Every path that ends a connection goes through here: that is
 * the practice. With `practice` off, SOCKET_END_EOF forgets the descriptor and leaves the socket open,
 * as a handler that returns without closing does. The caller has taken it out of its epoll set.
 * Returns whether the socket was closed. */
bool socket_end(int *fd, enum socket_end end, bool practice);

#endif
