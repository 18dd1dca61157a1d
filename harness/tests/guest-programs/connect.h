/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_TESTS_GUEST_PROGRAMS_CONNECT_H
#define WIRECUT_TESTS_GUEST_PROGRAMS_CONNECT_H

/* What udp-probe and tcp-bulk have in common. They share no code with the harness that runs them. */

/* The status with which they end before their work is done. */
enum ending { ENDING_USAGE = 2, ENDING_REFUSED = 3 };

/* A new IPv4 socket of this type (SOCK_STREAM, SOCK_DGRAM); ends the program if there is none. */
int ip4_socket(int type);

/* One that is connected to "host:port"; ends the program with a message if it cannot be. */
int connect_to(const char *service, int type);

#endif
