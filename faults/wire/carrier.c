/* SPDX-License-Identifier: MIT */
#include "faults/wire/carrier.h"

#include <stdlib.h>

#include "harness/base/rtnl.h"

struct carrier {
	struct nl_sock *sk;
};

struct carrier *carrier_open(struct err *err)
{
	struct carrier *c = calloc(1, sizeof(*c));

	if (!c) {
		err_set(err, "out of memory");
		return NULL;
	}
	c->sk = rtnl_open(err);
	if (!c->sk) {
		carrier_close(c);
		return NULL;
	}
	return c;
}

void carrier_close(struct carrier *c)
{
	if (!c)
		return;
	nl_socket_free(c->sk);
	free(c);
}

int carrier_set(struct carrier *c, int ifindex, bool up, struct err *err)
{
	struct nl_msg *msg = rtnl_link_request(ifindex, up);
	int rc = msg ? nl_send_sync(c->sk, msg) : -NLE_NOMEM; /* frees the message */

	return rc < 0 ? err_set(err, "take a cable's port %s: %s", up ? "up" : "down",
				rtnl_reason(rc))
		      : 0;
}
