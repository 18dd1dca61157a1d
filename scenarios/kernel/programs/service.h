/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_KERNEL_PROGRAMS_SERVICE_H
#define WIRECUT_KERNEL_PROGRAMS_SERVICE_H

#include <netinet/in.h>
#include <sys/socket.h>

/*
 * What the programs of scenarios/kernel/ have in common. They share no code with the harness that
 * judges them, nor with the reference app.
 */

/* The status with which each of them ends. */
enum ending {
	ENDING_EXPECTED = 0,
	ENDING_OTHER = 1,     /* it was tried, and ended in another way */
	ENDING_USAGE = 2,     /* a wrong argument */
	ENDING_NOT_TRIED = 3, /* what was to be shown did not come about: no socket, no such name */
};

/* The first address of a service; one only, for each further one would be tried as long again. */
struct service {
	struct sockaddr_storage addr;
	socklen_t len;
};

/*
 * Resolves "host:port" or "[address]:port". Ends the program with a message: ENDING_USAGE if it is
 * neither, ENDING_NOT_TRIED if the name leads nowhere.
 */
struct service service_find(const char *text);

/* A new TCP socket of that family; ends the program with ENDING_NOT_TRIED if there is none. */
int tcp_socket(int family);

/* A whole number from min to max; ends the program with ENDING_USAGE if it is none. */
long whole_number(const char *name, const char *text, long min, long max);

/* Sets an option of type int; ends the program with ENDING_NOT_TRIED if the kernel refuses it. */
void set_option(int fd, int level, int option, int value);

/* Ends the program with ENDING_NOT_TRIED and "what: the error of errno". */
_Noreturn void not_tried(const char *what);

/* CLOCK_MONOTONIC in seconds. */
double now_s(void);

#endif
