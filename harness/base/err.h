/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_BASE_ERR_H
#define WIRECUT_BASE_ERR_H

/*
 * One error object. The function that meets the error says what failed and, where it knows one, the
 * mend; each caller on the way up may put its own context in front. Only main() prints and exits.
 *
 * The message lives inside the object: no allocation, so an error can be made when memory or file
 * descriptors have run out, and it can be sent through a socket as it is.
 */
struct err {
	char msg[1024]; /* empty: no error */
};

/* Sets the message. Always returns -1, so that `return err_set(...)` reads well. */
int err_set(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* As err_set, with ": " and the text of errno at the end; of a limit on descriptors, with its mend. */
int err_errno(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/*
 * As err_errno(), where a process or a thread could not be made. EAGAIN is a limit then (fork(2),
 * pthread_create(3)), and the message names those that it may be.
 */
int err_fork(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Puts "context: " in front of the message that is there. Always returns -1. */
int err_wrap(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
