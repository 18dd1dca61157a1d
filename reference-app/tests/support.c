/* SPDX-License-Identifier: MIT */
#include "reference-app/tests/support.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define ARGS_MAX       32
#define WORDS_MAX      512
#define LISTEN_BACKLOG 128

int suite_run(Suite *suite)
{
	SRunner *runner = srunner_create(suite);
	int failed;

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* ---- the namespace ---- */

static int loopback_up(void)
{
	struct ifreq ifr = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int result;

	if (fd < 0)
		return -1;
	result = ioctl(fd, SIOCSIFFLAGS, &ifr);
	close(fd);
	return result;
}

static int netns_enter(void)
{
	if (unshare(CLONE_NEWNET) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
		return -1;
	/* By doing: some kernels grant the namespace and then no power in it. */
	return loopback_up();
}

void netns_setup(void)
{
	ck_assert_msg(netns_enter() == 0, "no network namespace: %s", strerror(errno));
}

static bool netns_possible(void)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(netns_enter() == 0 ? 0 : 1);
	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

int suite_run_in_netns(Suite *suite)
{
	const char *ci = getenv("CI");

	if (netns_possible())
		return suite_run(suite);
	printf("SKIP: this machine allows no network namespace of one's own\n");
	srunner_free(srunner_create(suite));
	return ci && strcmp(ci, "true") == 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* ---- programs ---- */

/* build/reference-app/tests/test_NAME -> build/bin/NAME */
static void program_path(char path[PATH_MAX], const char *name)
{
	ssize_t len = readlink("/proc/self/exe", path, PATH_MAX - 1);

	ck_assert_int_gt(len, 0);
	path[len] = '\0';
	for (int up = 0; up < 3; up++) {
		char *slash = strrchr(path, '/');

		ck_assert_ptr_nonnull(slash);
		*slash = '\0';
	}
	len = (ssize_t)strlen(path);
	snprintf(path + len, PATH_MAX - (size_t)len, "/bin/%s", name);
}

/* In the child: becomes the program. */
static void become(const char *path, char **argv, int out_fd, unsigned nofile)
{
	struct rlimit limit = {.rlim_cur = nofile, .rlim_max = nofile};

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(out_fd, STDOUT_FILENO);
	if (nofile)
		setrlimit(RLIMIT_NOFILE, &limit);
	execv(path, argv);
	perror(path);
	_exit(127);
}

struct program program_start(const char *name, const char *args, unsigned nofile)
{
	struct program program = {.out_fd = memfd_create(name, MFD_CLOEXEC)};
	char path[PATH_MAX];
	char words[WORDS_MAX];
	char *argv[ARGS_MAX] = {(char *)name};
	int argc = 1;

	ck_assert_int_ge(program.out_fd, 0);
	program_path(path, name);
	ck_assert_uint_lt((size_t)snprintf(words, sizeof(words), "%s", args), sizeof(words));
	for (char *word = strtok(words, " "); word && argc < ARGS_MAX - 1; word = strtok(NULL, " "))
		argv[argc++] = word;
	program.pid = fork();
	ck_assert_int_ge(program.pid, 0);
	if (program.pid == 0)
		become(path, argv, program.out_fd, nofile);
	return program;
}

/* All that it has said so far; the caller frees it. */
static char *program_output(const struct program *program)
{
	struct stat st;
	char *out;

	ck_assert_int_eq(fstat(program->out_fd, &st), 0);
	out = calloc(1, (size_t)st.st_size + 1);
	ck_assert_ptr_nonnull(out);
	ck_assert_int_eq(pread(program->out_fd, out, (size_t)st.st_size, 0), st.st_size);
	return out;
}

unsigned program_said(const struct program *program, const char *text)
{
	char *out = program_output(program);
	unsigned times = 0;

	for (const char *at = out; (at = strstr(at, text)); at++)
		times++;
	free(out);
	return times;
}

bool program_member(const struct program *program, const char *key, char value[MEMBER_MAX])
{
	char *out = program_output(program);
	char sign[MEMBER_MAX];
	const char *at;

	snprintf(sign, sizeof(sign), "\"%s\":", key);
	at = strstr(out, sign);
	if (at) {
		at += strlen(sign);
		snprintf(value, MEMBER_MAX, "%.*s", (int)strcspn(at, ",}"), at);
	}
	free(out);
	return at != NULL;
}

int program_wait(struct program *program)
{
	int status = -1;

	WAIT_FOR(waitpid(program->pid, &status, WNOHANG) == program->pid);
	close(program->out_fd);
	return status;
}

void program_end(struct program *program)
{
	int status;

	kill(program->pid, SIGTERM);
	status = program_wait(program);
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "ended with status %#x",
		      (unsigned)status);
}

struct program server_start(const char *args)
{
	struct program server = program_start("ref-server", args, 0);

	WAIT_FOR(program_said(&server, "\"listening\"") == 1);
	return server;
}

/* ---- sockets as the kernel sees them ---- */

static unsigned count_in(const char *path, uint16_t local_port, int state)
{
	FILE *file = fopen(path, "re");
	unsigned count = 0;
	char line[512];

	if (!file) /* tcp6 is not there without IPv6 */
		return 0;
	while (fgets(line, sizeof(line), file)) {
		unsigned port;
		unsigned st;

		/* sl local_address:port rem_address:port st …, all hexadecimal */
		if (sscanf(line, " %*d: %*[0-9A-F]:%x %*[0-9A-F]:%*x %x", &port, &st) == 2)
			count += st == (unsigned)state && (!local_port || port == local_port);
	}
	fclose(file);
	return count;
}

unsigned sockets_in_state(uint16_t local_port, int state)
{
	return count_in("/proc/thread-self/net/tcp", local_port, state) +
	       count_in("/proc/thread-self/net/tcp6", local_port, state);
}

/* ---- raw peers ---- */

static struct sockaddr_in loopback(uint16_t port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
}

static int raw_socket(void)
{
	const struct timeval deadline = {.tv_sec = WAIT_DEADLINE / NSEC_PER_SEC};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_ge(fd, 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &deadline, sizeof(deadline));
	return fd;
}

int raw_connect(uint16_t port)
{
	struct sockaddr_in address = loopback(port);
	int fd = raw_socket();

	ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

int raw_listen(uint16_t port)
{
	struct sockaddr_in address = loopback(port);
	int fd = raw_socket();

	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(listen(fd, LISTEN_BACKLOG), 0);
	return fd;
}

int raw_accept(int listen_fd)
{
	const struct timeval deadline = {.tv_sec = WAIT_DEADLINE / NSEC_PER_SEC};
	int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);

	ck_assert_msg(fd >= 0, "nobody connected: %s", strerror(errno));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &deadline, sizeof(deadline));
	return fd;
}

void raw_send(int fd, const void *bytes, size_t len)
{
	ck_assert_int_eq(send(fd, bytes, len, MSG_NOSIGNAL), (ssize_t)len);
}

void raw_send_frame(int fd, enum frame_type type, uint32_t id, const void *payload, uint32_t len)
{
	uint8_t header[FRAME_HEADER_SIZE];

	frame_encode_header(header, type, id, len);
	raw_send(fd, header, sizeof(header));
	if (len)
		raw_send(fd, payload, len);
}

enum frame_type raw_read_frame(int fd, uint32_t *ret_id, char *text, size_t size)
{
	enum frame_status status = FRAME_MORE;
	struct frame_parser parser;
	enum frame_type type;
	struct frame frame;

	frame_parser_init(&parser, FRAME_MAX_PAYLOAD);
	while (status == FRAME_MORE) {
		const uint8_t *data;
		uint8_t byte;
		size_t len = 1;

		/* One at a time: what follows the frame stays in the socket. */
		ck_assert_int_eq(recv(fd, &byte, 1, 0), 1);
		data = &byte;
		status = frame_parse(&parser, &data, &len, &frame);
	}
	ck_assert_int_eq(status, FRAME_READY);
	*ret_id = frame.id;
	snprintf(text, size, "%.*s", (int)frame.len, frame.len ? (const char *)frame.payload : "");
	type = frame.type;
	frame_parser_free(&parser);
	return type;
}

void raw_expect_end(int fd, bool reset_allowed)
{
	char byte;
	ssize_t n = recv(fd, &byte, 1, 0);

	ck_assert_msg(n == 0 || (n < 0 && errno == ECONNRESET && reset_allowed),
		      "the connection did not end: recv gave %zd, %s", n, strerror(errno));
}
