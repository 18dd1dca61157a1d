/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "harness/judge/expect.h"

/* One line a kind; the order is that of the reference. */
extern const struct expect_ops expect_connects;
extern const struct expect_ops expect_gives_up;
extern const struct expect_ops expect_detects;
extern const struct expect_ops expect_reconnects;
extern const struct expect_ops expect_backoff;
extern const struct expect_ops expect_sockets;
extern const struct expect_ops expect_exits;
extern const struct expect_ops expect_stays_connected;
extern const struct expect_ops expect_listens;
extern const struct expect_ops expect_log;
extern const struct expect_ops expect_requests;
extern const struct expect_ops expect_fds;
extern const struct expect_ops expect_counter;
extern const struct expect_ops expect_packets;
extern const struct expect_ops expect_timer;
extern const struct expect_ops expect_herd;

/* clang-format would put them into columns. */
/* clang-format off */
const struct expect_ops *const expect_registry[] = {
	&expect_connects,
	&expect_gives_up,
	&expect_detects,
	&expect_reconnects,
	&expect_backoff,
	&expect_sockets,
	&expect_exits,
	&expect_stays_connected,
	&expect_listens,
	&expect_log,
	&expect_requests,
	&expect_fds,
	&expect_counter,
	&expect_packets,
	&expect_timer,
	&expect_herd,
	NULL,
};
/* clang-format on */

const struct expect_ops *expect_find(const char *name)
{
	for (const struct expect_ops *const *ops = expect_registry; *ops; ops++)
		if (!strcmp((*ops)->name, name))
			return *ops;
	return NULL;
}
