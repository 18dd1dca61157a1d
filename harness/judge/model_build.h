/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_JUDGE_MODEL_BUILD_H
#define WIRECUT_JUDGE_MODEL_BUILD_H

#include "harness/judge/model.h"

/*
 * What the files that make the model share while they make it. The order of the calls: sockets and
 * packets record by record, then owners, then attempts.
 */
struct model_builder {
	struct model *m;
	struct lookup host_by_addr;
	struct lookup socket_by_cookie;    /* (host, cookie) */
	struct lookup connection_by_tuple; /* the two endpoints in either order: the latest one */
	struct lookup service_by_end;      /* (host or address, port) */
	VEC(uint8_t) state_now;            /* enum tcp_state of each socket, as model.sockets */
	VEC(bool) timer_runs;              /* of each socket */
};

/* The host that has the address; -1: none. */
int builder_host(const struct model_builder *b, const struct endpoint *e);

/* Loopback or DNS, which count nowhere. */
bool builder_ignores(const struct model_builder *b, const struct endpoint *x,
		     const struct endpoint *y);

/* The latest connection between the two endpoints that began at or before t; -1: none. */
int builder_connection(const struct model_builder *b, const struct endpoint *x,
		       const struct endpoint *y, nsec_t t);

/* One record of the source; the records come in the order of their time. */
void builder_add_packet(struct model_builder *b, const struct observation *o);
void builder_add_socket(struct model_builder *b, const struct observation *o);

/* When all records are in: joins sockets with connections, and both with the apps they belong to. */
void builder_find_owners(struct model_builder *b);

/* When the owners are known. */
void builder_make_attempts(struct model_builder *b);

#endif
