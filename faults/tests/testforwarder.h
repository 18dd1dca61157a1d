/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_FAULTS_TESTS_TESTFORWARDER_H
#define WIRECUT_FAULTS_TESTS_TESTFORWARDER_H

#include "faults/tests/testnet.h"
#include "faults/wire/engine.h"
#include "faults/wire/forwarder.h"

/* A forwarder in a child process, and what it wrote. */
struct testforwarder {
	const struct testnet *net;
	const struct engine_ops *engine; /* NULL: wire */
	struct forwarder_config config;
	int control;
	pid_t pid;
	size_t shared_size;
	nsec_t t0; /* after testforwarder_start() */
};

/* Makes its files; the test may put others into f->config before it starts. */
void testforwarder_init(struct testforwarder *f, const struct testnet *net,
			const struct plan *plan);

/* Starts it. Returns when packets are being moved. Aborts on failure, with its message. */
void testforwarder_up(struct testforwarder *f);

/* The scenario's t = 0 is now. */
void testforwarder_start(struct testforwarder *f);

/* Ends it; *err is empty if all was well. The files of f->config can be read afterwards. */
void testforwarder_end(struct testforwarder *f, struct err *err);

/* Closes the control socket, as if its parent had died; gives its exit status. */
int testforwarder_abandon(struct testforwarder *f);

/* The observations it wrote; the caller frees them. */
struct observation *testforwarder_observations(const struct testforwarder *f, size_t *ret_n);

void testforwarder_free(struct testforwarder *f);

#endif
