/* SPDX-License-Identifier: MIT */
#ifndef REF_TESTS_SUPPORT_H
#define REF_TESTS_SUPPORT_H

#include <check.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "reference-app/clock.h"
#include "reference-app/frame.h"

/* What the reference app's tests share. The functions fail the running test themselves. */

/* Runs the suite and prints Check's totals; returns main()'s exit status. */
int suite_run(Suite *suite);

/* As suite_run for tests that need a network namespace of their own. Where the machine allows none it
 * says so and skips, which is an error under CI=true. */
int suite_run_in_netns(Suite *suite);

/* A checked fixture: moves the test into a fresh network namespace with its loopback up. */
void netns_setup(void);

/* Generous: only a state that never comes is a failure, however busy the machine. */
#define WAIT_DEADLINE  (20 * NSEC_PER_SEC)
#define WAIT_POLL_MS   5
#define TEST_TIMEOUT_S 60

/* Waits until the expression is true. */
#define WAIT_FOR(expr)                                                                             \
	do {                                                                                       \
		nsec_t wait_end = clock_now() + WAIT_DEADLINE;                                     \
		while (!(expr)) {                                                                  \
			ck_assert_msg(clock_now() < wait_end, "it never came to: %s", #expr);      \
			poll(NULL, 0, WAIT_POLL_MS);                                               \
		}                                                                                  \
	} while (0)

/* A program of the reference app, with its standard output kept in a memory file. It dies with the
 * test. */
struct program {
	pid_t pid;
	int out_fd;
};

/* Starts build/bin/NAME with the words of `args`, which are split at spaces. nofile, if not 0, is its
 * limit of open files. */
struct program program_start(const char *name, const char *args, unsigned nofile);

/* How many times `text` stands in its output. */
unsigned program_said(const struct program *program, const char *text);

/* Copies the value of the first member `key` in its output. false: there is none yet. */
#define MEMBER_MAX 64
bool program_member(const struct program *program, const char *key, char value[MEMBER_MAX]);

/* Waits for its end; returns the wait status. */
int program_wait(struct program *program);

/* SIGTERM, and demands the exit status 0. */
void program_end(struct program *program);

/* A server on :8000 that listens already. */
#define SERVER_PORT 8000
struct program server_start(const char *args);

/* Counts the TCP sockets of this namespace with the local port, in the state (TCP_… of
 * <netinet/tcp.h>); port 0: any. */
unsigned sockets_in_state(uint16_t local_port, int state);

/* A peer without manners: a plain blocking socket on the loopback. */
int raw_connect(uint16_t port);
int raw_listen(uint16_t port);
int raw_accept(int listen_fd);
void raw_send(int fd, const void *bytes, size_t len);
void raw_send_frame(int fd, enum frame_type type, uint32_t id, const void *payload, uint32_t len);

/* Reads one frame and returns its type; its payload is cut into text[size] as a string. */
enum frame_type raw_read_frame(int fd, uint32_t *ret_id, char *text, size_t size);

/* Demands that nothing comes any more: EOF, or a reset if that is allowed. */
void raw_expect_end(int fd, bool reset_allowed);

#endif
