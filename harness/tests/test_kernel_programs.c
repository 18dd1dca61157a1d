/* SPDX-License-Identifier: MIT */
/*
 * The programs of scenarios/kernel/, over the loopback of a network namespace of the test's own: how
 * they end, and with what status. $BUILD/bin has them.
 */
#include <check.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/base/cleanup.h"
#include "harness/base/nsec.h"
#include "harness/tests/netns.h"
#include "harness/tests/suite.h"
#include "scenarios/kernel/programs/service.h"

#define PORT    8000
#define SERVICE "127.0.0.1:8000"
/* A port where nobody listens. */
#define CLOSED "127.0.0.1:8001"

#define RETRY_MS 2
#define GUARD_NS (20 * NSEC_PER_SEC)

static bool allowed;

static void set_up(void)
{
	struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP};

	allowed = fresh_namespaces();
	if (!allowed) {
		skip("user namespaces are not allowed here");
		return;
	}
	_cleanup_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(ioctl(fd, SIOCSIFFLAGS, &lo), 0);
}

static pid_t start(const char *const argv[])
{
	const char *build = getenv("BUILD");
	char path[4096];

	snprintf(path, sizeof(path), "%s/bin/%s", build ? build : "build", argv[0]);
	pid_t pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		execv(path, (char *const *)argv);
		_exit(127);
	}
	return pid;
}

static int status_of(pid_t pid)
{
	int status;

	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

#define START(...)     start((const char *const[]){__VA_ARGS__, NULL})
#define STATUS_OF(...) status_of(START(__VA_ARGS__))

static int connect_here(void)
{
	const struct sockaddr_in addr = {.sin_family = AF_INET,
					 .sin_port = htons(PORT),
					 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_ge(fd, 0);
	if (connect(fd, (const struct sockaddr *)&addr, sizeof(addr)) == 0)
		return fd;
	close(fd);
	return -1;
}

/* A listener, once it can be connected to; *ret is a connection to it. */
static pid_t start_listener(const char *accept, int *ret)
{
	pid_t pid = START("tcp-listen", "--backlog=5", accept, "8000");
	nsec_t deadline = nsec_monotonic() + GUARD_NS;

	while ((*ret = connect_here()) < 0) {
		ck_assert_msg(nsec_monotonic() < deadline, "it does not listen");
		poll(NULL, 0, RETRY_MS);
	}
	return pid;
}

/* The state of a socket as the kernel numbers it. */
static int state_of(int fd)
{
	struct tcp_info info;
	socklen_t len = sizeof(info);

	ck_assert_int_eq(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len), 0);
	return info.tcpi_state;
}

static void wait_for_state(int fd, int state)
{
	nsec_t deadline = nsec_monotonic() + GUARD_NS;

	while (state_of(fd) != state) {
		ck_assert_msg(nsec_monotonic() < deadline, "it is in state %d", state_of(fd));
		poll(NULL, 0, RETRY_MS);
	}
}

START_TEST(an_ending_is_as_expected_or_another)
{
	if (!allowed)
		return;
	ck_assert_int_eq(STATUS_OF("tcp-wait", CLOSED, "ECONNREFUSED"), ENDING_EXPECTED);
	ck_assert_int_eq(STATUS_OF("tcp-wait", CLOSED, "ETIMEDOUT"), ENDING_OTHER);
	ck_assert_int_eq(STATUS_OF("tcp-wait", "192.0.2.1:80", "ENETUNREACH"), ENDING_EXPECTED);
	ck_assert_int_eq(STATUS_OF("tcp-close", CLOSED), ENDING_NOT_TRIED);
}
END_TEST

START_TEST(what_cannot_be_tried_is_told_apart)
{
	if (!allowed)
		return;
	ck_assert_int_eq(STATUS_OF("tcp-wait", "no-such-host.invalid:80", "EOF"), ENDING_NOT_TRIED);
	ck_assert_int_eq(STATUS_OF("tcp-wait", "server", "EOF"), ENDING_USAGE);
	ck_assert_int_eq(STATUS_OF("tcp-wait", "server:", "EOF"), ENDING_USAGE);
	ck_assert_int_eq(STATUS_OF("tcp-wait", "[]:80", "EOF"), ENDING_USAGE);
	ck_assert_int_eq(STATUS_OF("tcp-wait", CLOSED), ENDING_USAGE);
	ck_assert_int_eq(STATUS_OF("tcp-wait", "--keepalive=10/10", CLOSED, "EOF"), ENDING_USAGE);
	ck_assert_int_eq(STATUS_OF("tcp-wait", "--keepalive=10/0/3", CLOSED, "EOF"), ENDING_USAGE);
	ck_assert_int_eq(STATUS_OF("tcp-wait", "--user-timeout=1h", CLOSED, "EOF"), ENDING_USAGE);
	ck_assert_int_eq(STATUS_OF("tcp-wait", "--user-timeout", "0", CLOSED, "EOF"), ENDING_USAGE);
	ck_assert_int_eq(STATUS_OF("tcp-wait", "--send=0", CLOSED, "EOF"), ENDING_USAGE);
	ck_assert_int_eq(STATUS_OF("tcp-wait", "--local-port=0", CLOSED, "EOF"), ENDING_USAGE);
	ck_assert_int_eq(STATUS_OF("tcp-wait", "--no-such-option", CLOSED, "EOF"), ENDING_USAGE);
	ck_assert_int_eq(STATUS_OF("tcp-close"), ENDING_USAGE);
	ck_assert_int_eq(STATUS_OF("tcp-listen"), ENDING_USAGE);
	ck_assert_int_eq(STATUS_OF("tcp-listen", "65536"), ENDING_USAGE);
	ck_assert_int_eq(STATUS_OF("tcp-listen", "--accept=most", "8000"), ENDING_USAGE);
	ck_assert_int_eq(STATUS_OF("tcp-listen", "--backlog=-1", "8000"), ENDING_USAGE);
}
END_TEST

START_TEST(a_listener_that_closes_waits_for_its_peer)
{
	char byte;
	int fd;

	if (!allowed)
		return;
	pid_t listener = start_listener("--accept=close", &fd);
	ck_assert_int_eq(state_of(fd), TCP_ESTABLISHED);
	ck_assert_int_eq(shutdown(fd, SHUT_WR), 0);
	ck_assert_int_eq(read(fd, &byte, sizeof(byte)), 0);
	close(fd);
	ck_assert_int_eq(STATUS_OF("tcp-close", SERVICE), ENDING_EXPECTED);
	ck_assert_int_eq(STATUS_OF("tcp-wait", "--send=1000000", "--shutdown", SERVICE, "EOF"),
			 ENDING_EXPECTED);
	ck_assert_int_eq(STATUS_OF("tcp-listen", "8000"), ENDING_NOT_TRIED); /* the port is taken */
	end(listener);
}
END_TEST

/* It never closes, whatever its peer does. */
START_TEST(a_listener_that_holds_goes_on)
{
	char byte;
	int fd;

	if (!allowed)
		return;
	pid_t listener = start_listener("--accept=hold", &fd);
	ck_assert_int_eq(shutdown(fd, SHUT_WR), 0);
	wait_for_state(fd, TCP_FIN_WAIT2);
	ck_assert_int_eq(recv(fd, &byte, sizeof(byte), MSG_DONTWAIT), -1);
	ck_assert_int_eq(errno, EAGAIN);
	end(listener);
	close(fd);
}
END_TEST

/* A peer that is gone with unread data resets: what tcp-wait waited for. */
START_TEST(the_end_of_a_connection_is_told)
{
	const struct sockaddr_in addr = {.sin_family = AF_INET,
					 .sin_port = htons(PORT),
					 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	_cleanup_close_ int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char byte;

	if (!allowed)
		return;
	ck_assert_int_eq(bind(listener, (const struct sockaddr *)&addr, sizeof(addr)), 0);
	ck_assert_int_eq(listen(listener, 1), 0);
	pid_t pid = START("tcp-wait", "--send", "--keepalive=9/8/7", "--user-timeout=6", SERVICE,
			  "ECONNRESET");
	int fd = accept(listener, NULL, NULL);
	ck_assert_int_eq(recv(fd, &byte, sizeof(byte), MSG_PEEK), 1);
	close(fd); /* unread: RST */
	ck_assert_int_eq(status_of(pid), ENDING_EXPECTED);

	struct sockaddr_in peer = {0};
	socklen_t len = sizeof(peer);
	pid = START("tcp-wait", "--keepalive", "--local-port=40001", SERVICE, "EOF");
	close(accept(listener, (struct sockaddr *)&peer, &len)); /* nothing unread: FIN */
	ck_assert_int_eq(ntohs(peer.sin_port), 40001);
	ck_assert_int_eq(status_of(pid), ENDING_EXPECTED);
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("kernel_programs");

	tcase_add_checked_fixture(t, set_up, NULL);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, an_ending_is_as_expected_or_another);
	tcase_add_test(t, what_cannot_be_tried_is_told_apart);
	tcase_add_test(t, a_listener_that_closes_waits_for_its_peer);
	tcase_add_test(t, a_listener_that_holds_goes_on);
	tcase_add_test(t, the_end_of_a_connection_is_told);
	return run_tests("kernel_programs", t);
}
