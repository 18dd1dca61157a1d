/* SPDX-License-Identifier: MIT */
#include "reference-app/close-on-eof.h"

#include <sys/socket.h>
#include <unistd.h>

/*
 * Practice: close-on-eof.
 *
 * What: every path closes its socket: end of file, error, and the end by one's own wish. One function
 * ends them all, so that no path can forget.
 *
 * Why: after the peer's FIN a TCP connection is in CLOSE_WAIT and stays there until the program
 * closes it (RFC 9293 section 3.6: "TCP will signal a user, whether or not a RECEIVE is outstanding,
 * that the other side has closed"; only the user's CLOSE leads on). No timer of the kernel ends
 * CLOSE_WAIT, so each forgotten descriptor is lost until the process ends, and at RLIMIT_NOFILE the
 * program can accept nothing, open no file and write no log. The usual culprit is a handler that
 * returns on recv() == 0 and leaves the descriptor behind.
 *
 * Late is hardly better than never: a runtime that closes what it collects does so minutes after the
 * last use (ref-server's --late-close). Then the peer has often gone, its FIN_WAIT_2 has ended (60 s,
 * net.ipv4.tcp_fin_timeout) or its address is another's, and our FIN is answered by a reset, or by
 * nobody: it is sent again until net.ipv4.tcp_orphan_retries ends that, for up to two minutes.
 *
 * A silent peer (SOCKET_END_DEAD) is aborted, not closed: SO_LINGER with a time of 0 makes close()
 * send a RST and drop what is queued (socket(7), RFC 9293 section 3.10.5, ABORT). An ordinary close
 * would leave an orphan in FIN_WAIT_1 whose FIN stands behind unacknowledged data, in a congestion
 * window that has shrunk to one segment: it leaves late, and it is sent again for up to two minutes.
 * The RST leaves at once, and a peer that was only stopped learns it from its kernel as soon as it
 * runs. What is lost with it, queued data, is data that nobody could have acknowledged.
 */

bool socket_end(int *fd, enum socket_end end, bool practice)
{
	const struct linger abort_at_once = {.l_onoff = 1, .l_linger = 0};
	int mine = *fd;

	*fd = -1;
	if (end == SOCKET_END_EOF && !practice)
		return false;
	if (end == SOCKET_END_DEAD)
		setsockopt(mine, SOL_SOCKET, SO_LINGER, &abort_at_once, sizeof(abort_at_once));
	close(mine);
	return true;
}
