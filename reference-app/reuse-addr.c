/* SPDX-License-Identifier: MIT */
#include "reference-app/reuse-addr.h"

#include <sys/socket.h>

/*
 * Practice: reuse-addr.
 *
 * What: SO_REUSEADDR on every listening socket, before bind().
 *
 * Why: the side that closes a connection first keeps it in TIME_WAIT (RFC 9293 section 3.6.1), on Linux
 * for 60 s (TCP_TIMEWAIT_LEN in include/net/tcp.h; no sysctl changes it). A server that is
 * killed, or that closes its clients' connections itself, leaves its own port in TIME_WAIT so. bind()
 * of the new process then fails with EADDRINUSE until the last of them has ended, unless both
 * sockets, that of before and the new one, have SO_REUSEADDR set (socket(7)): accepted connections
 * have inherited it from their listener. A service that is a minute late after each restart is the
 * usual consequence, and a retry loop around bind() the usual wrong cure.
 *
 * What it does not do: two live listeners on one port still clash (that is SO_REUSEPORT), and so does
 * one with the predecessor's connections if the predecessor did not set it: all versions must.
 * It weakens nothing: a segment of an old connection is told from one of a new by its sequence number
 * and its timestamp (RFC 6191; tcp_timewait_state_process() in net/ipv4/tcp_minisocks.c).
 *
 * net.ipv4.tcp_tw_reuse is another thing: it concerns connect() alone, and only local ports that
 * the kernel picks, whose TIME_WAIT is older than a second (ip-sysctl.rst).
 */

int reuse_addr_set(int fd, bool practice)
{
	const int on = 1;

	return practice ? setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) : 0;
}
