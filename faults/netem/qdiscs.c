/* SPDX-License-Identifier: MIT */
#include "faults/netem/qdiscs.h"

#include <stdlib.h>

#include "faults/netem/attributes.h"
#include "harness/base/cleanup.h"
#include "harness/base/nlbatch.h"
#include "harness/base/rtnl.h"

struct qdiscs {
	struct nl_sock *sk;
	struct arena arena; /* of the batch */
	struct nlbatch batch;
	/* Of one request; aligned for what is written there. */
	uint8_t options[NETEM_OPTIONS_BYTES] __attribute__((aligned));
	int16_t *tables[DISTRIBUTION_PARETONORMAL +
			1]; /* of each distribution; NULL: not made yet */
};

struct qdiscs *qdiscs_open(struct err *err)
{
	struct qdiscs *q = calloc(1, sizeof(*q));

	if (!q) {
		err_set(err, "out of memory");
		return NULL;
	}
	q->batch.arena = &q->arena;
	q->sk = rtnl_open(err);
	if (!q->sk) {
		qdiscs_close(q);
		return NULL;
	}
	return q;
}

void qdiscs_close(struct qdiscs *q)
{
	if (!q)
		return;
	nl_socket_free(q->sk);
	arena_free(&q->arena);
	for (size_t i = 0; i < ARRAY_SIZE(q->tables); i++)
		free(q->tables[i]);
	free(q);
}

/* NULL: out of memory. */
static struct nl_msg *request(struct qdiscs *q, int ifindex, int flags,
			      const struct netem_params *params, uint64_t seed)
{
	size_t len = netem_options(params, q->tables[params->distribution], NULL, seed, q->options);

	return rtnl_netem_request(ifindex, 0, flags, q->options, len);
}

void qdiscs_prepare(struct qdiscs *q, const struct netem_params *params)
{
	int16_t **table = &q->tables[params->distribution];

	if (!params->jitter || *table)
		return;
	*table = calloc(NETEM_TABLE_SIZE, sizeof(**table));
	if (!*table)
		abort();
	netem_table(params->distribution, *table);
}

void qdiscs_add(struct qdiscs *q, int ifindex)
{
	static const struct netem_params nothing;

	nlbatch_add(&q->batch, request(q, ifindex, NLM_F_CREATE | NLM_F_EXCL, &nothing, 0),
		    "put netem on a cable");
}

void qdiscs_change(struct qdiscs *q, int ifindex, const struct netem_params *params, uint64_t seed)
{
	qdiscs_prepare(q, params);
	nlbatch_add(&q->batch, request(q, ifindex, 0, params, seed), "change netem on a cable");
}

int qdiscs_commit(struct qdiscs *q, struct err *err)
{
	int rc = nlbatch_commit(&q->batch, q->sk, err);

	arena_free(&q->arena);
	q->batch = (struct nlbatch){.arena = &q->arena};
	return rc;
}
