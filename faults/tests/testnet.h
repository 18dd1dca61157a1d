/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_FAULTS_TESTS_TESTNET_H
#define WIRECUT_FAULTS_TESTS_TESTNET_H

#include <stdbool.h>

#include "harness/base/err.h"

#define TESTNET_HOSTS 2

/*
 * Real network namespaces with the addresses of testplan.h: a cable namespace, in which the calling
 * process is afterwards, and hosts whose cables end in it. They go when their descriptors are closed
 * and nobody is in them.
 */
struct testnet {
	int cable_ns;
	int host_ns[TESTNET_HOSTS];
	int port_ifindex[TESTNET_HOSTS];
};

/*
 * Moves the process to a network namespace of its own (as root, or through a user namespace) and
 * builds the hosts there. -1 and *err if it cannot: the test is to be skipped, see testnet_skip().
 */
int testnet_up(struct testnet *net, struct err *err);
void testnet_down(struct testnet *net);

/* The mistake that the forwarder must notice: checksums and segmentation left to the hardware. */
int testnet_offloads_on(const struct testnet *net, int host, struct err *err);

/* A second interface of both hosts, joined by a plain veth: 10.1.0.1 and 10.1.0.2. */
int testnet_join_directly(struct testnet *net, struct err *err);

/* The host's eth0 has a carrier, as its own kernel says. */
bool testnet_carrier(const struct testnet *net, int host);

/*
 * The addresses, routes and neighbours of both families of a host, one a line, without those that its
 * kernel adds by itself. The caller frees it.
 */
char *testnet_settings(const struct testnet *net, int host);

/* Runs in that namespace from now on; aborts if it cannot. */
void testnet_enter(int ns);

/* Prints that a test is skipped and why; true. Under CI=true that is an error: false. */
bool testnet_skip(const struct err *why);

/* A TCP connection from h0 to h1, made; family AF_INET or AF_INET6. Aborts if it cannot be made. */
struct testconnection {
	int client, server;
};
struct testconnection testnet_connect(const struct testnet *net, int family);

/* The same through the direct link of testnet_join_directly(). */
struct testconnection testnet_connect_directly(const struct testnet *net);

/* A UDP socket of a host, bound to its own address (10.0.0.i) and `port`, connected to the other. */
int testnet_udp(const struct testnet *net, int host, int port);

#endif
