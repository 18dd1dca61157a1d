/* SPDX-License-Identifier: MIT */
/*
 * ref-server beside redis-server, in one network namespace and in turn, so that both meet the same
 * machine: requests a second and percentiles at 50 connections, with 1 and with 32 requests in flight on
 * each. Each server has one core and one thread that serves. The load comes from this program, which has
 * another core (where there are two) and does the same to both: 16 bytes are sent to be echoed, and as
 * soon as answers are there so many new requests are sent in one write. A time is taken right before each
 * send and right after each receive. Then what 10,000 idle connections cost, at both ends.
 *
 * The rounds are short and many, and of each server the one with the most requests a second counts: it is
 * the one that the machine's other work disturbed least. One time slice of a neighbour on the core is
 * several milliseconds, and the 99th percentile of any round that has a few of them.
 *
 * redis comes from `make programs`; without it only ref-server is measured.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "reference-app/clock.h"

#define ROUNDS      12 /* each server has its turn in each; of them the best one counts */
#define ROUND_TIME  (500 * NSEC_PER_MSEC)
#define CONNECTIONS 50
#define IN_FLIGHT   32 /* at most */
#define IDLE        10000
#define IDLE_TEXT   "10000"
#define WORDS_MAX   24
#define SAMPLES_MAX (1 << 22) /* answers of a round; what is more is not among the percentiles */
/* Only a guard: until all idle connections are accepted. */
#define ACCEPT_DEADLINE (60 * NSEC_PER_SEC)
#define POLL_INTERVAL   (100 * NSEC_PER_MSEC)

struct figure {
	double per_second;
	double p50_ms, p99_ms;
};

/* What is asked, and how long the answer is. */
struct service {
	const char *name;
	uint16_t port;
	const char *request;
	size_t request_bytes, response_bytes;
};

#define PAYLOAD     "0123456789abcdef"
#define REF_REQUEST "\0\0\0\020\001\0\0\0\0\0\0\001" PAYLOAD /* frame.h: 16 bytes, REQUEST */
/* https://redis.io/docs/latest/develop/reference/protocol-spec/ */
#define REDIS_REQUEST  "*2\r\n$4\r\nECHO\r\n$16\r\n" PAYLOAD "\r\n"
#define REDIS_RESPONSE "$16\r\n" PAYLOAD "\r\n"

static const struct service ref_server = {"ref-server", 8000, REF_REQUEST, sizeof(REF_REQUEST) - 1,
					  sizeof(REF_REQUEST) - 1};
static const struct service redis_server = {"redis-server", 6379, REDIS_REQUEST,
					    sizeof(REDIS_REQUEST) - 1, sizeof(REDIS_RESPONSE) - 1};

static const char *build;

static void __attribute__((noreturn)) die(const char *what)
{
	fprintf(stderr, "bench_app: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void sleep_for(nsec_t time)
{
	struct timespec left = {.tv_sec = time / NSEC_PER_SEC, .tv_nsec = time % NSEC_PER_SEC};

	while (nanosleep(&left, &left) < 0 && errno == EINTR)
		;
}

static void enter_namespace(void)
{
	struct ifreq ifr = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
	int fd;

	if (unshare(CLONE_NEWNET) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
		die("a network namespace");
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &ifr) < 0)
		die("bring lo up");
	close(fd);
}

/* --- programs --- */

static void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	/* With one core only both share it: the figures are then of that. */
	sched_setaffinity(0, sizeof(set), &set);
}

/* Starts "build/NAME ARGUMENT ...", its output to the descriptor; on that core, or on any (-1). */
static pid_t start(const char *line, int cpu, int out_fd)
{
	char words[1024];
	char *argv[WORDS_MAX] = {NULL};
	int argc = 0;
	pid_t pid;

	snprintf(words, sizeof(words), "%s/%s", build, line);
	for (char *w = strtok(words, " "); w && argc < WORDS_MAX - 1; w = strtok(NULL, " "))
		argv[argc++] = w;
	pid = fork();
	if (pid < 0)
		die("fork");
	if (pid > 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (cpu >= 0)
		pin(cpu);
	dup2(out_fd, STDOUT_FILENO);
	if (argv[0])
		execv(argv[0], argv);
	_exit(127);
}

static void end(pid_t pid)
{
	kill(pid, SIGTERM);
	waitpid(pid, NULL, 0);
}

/* The number behind the text; -1: there is none. */
static double number_after(const char *text, const char *key)
{
	const char *at = strstr(text, key);

	return at ? strtod(at + strlen(key), NULL) : -1;
}

/* --- the load --- */

struct connection {
	int fd;
	size_t bytes;              /* of an answer that is not whole yet */
	nsec_t sent_at[IN_FLIGHT]; /* a ring: answers come in the order of their requests */
	unsigned sent, answered;
};

static struct connection connections[CONNECTIONS];
static uint32_t samples[SAMPLES_MAX]; /* ns */
static size_t answers;

static void send_requests(struct connection *c, const struct service *to, unsigned n)
{
	char bytes[IN_FLIGHT * sizeof(REDIS_REQUEST)];
	size_t len = n * to->request_bytes;

	for (unsigned i = 0; i < n; i++)
		memcpy(bytes + i * to->request_bytes, to->request, to->request_bytes);
	nsec_t now = clock_now();
	for (unsigned i = 0; i < n; i++)
		c->sent_at[c->sent++ % IN_FLIGHT] = now;
	/* A socket's buffer has room for all that is ever in flight. */
	if (send(c->fd, bytes, len, MSG_NOSIGNAL) != (ssize_t)len)
		die(to->name);
}

static void open_connection(struct connection *c, const struct service *to, int epoll_fd)
{
	struct sockaddr_in at = {.sin_family = AF_INET,
				 .sin_port = htons(to->port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct epoll_event e = {.events = EPOLLIN, .data.ptr = c};
	int one = 1;

	*c = (struct connection){.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
	if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&at, sizeof(at)) < 0 ||
	    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) < 0 ||
	    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, c->fd, &e) < 0)
		die(to->name);
}

/* Takes what has come and asks for as much again. */
static void receive_answers(struct connection *c, const struct service *from)
{
	char bytes[IN_FLIGHT * sizeof(REDIS_REQUEST)];
	ssize_t n = recv(c->fd, bytes, sizeof(bytes), 0);
	nsec_t now = clock_now();
	unsigned whole = 0;

	if (n <= 0)
		die(from->name);
	for (c->bytes += (size_t)n; c->bytes >= from->response_bytes; whole++) {
		c->bytes -= from->response_bytes;
		nsec_t took = now - c->sent_at[c->answered++ % IN_FLIGHT];
		if (answers < SAMPLES_MAX)
			samples[answers] = took < UINT32_MAX ? (uint32_t)took : UINT32_MAX;
		answers++;
	}
	if (whole)
		send_requests(c, from, whole);
}

static int by_size(const void *a, const void *b)
{
	const uint32_t *x = a;
	const uint32_t *y = b;

	return *x < *y ? -1 : *x > *y;
}

static size_t sampled(void)
{
	return answers < SAMPLES_MAX ? answers : SAMPLES_MAX;
}

/* Of the samples in their order. */
static double percentile_ms(size_t percent)
{
	size_t at = sampled() * percent / 100;

	return samples[at] / (double)NSEC_PER_MSEC;
}

static struct figure one_round(const struct service *of, unsigned in_flight)
{
	struct epoll_event events[CONNECTIONS];
	int epoll_fd = epoll_create1(EPOLL_CLOEXEC);

	answers = 0;
	for (int i = 0; i < CONNECTIONS; i++)
		open_connection(&connections[i], of, epoll_fd);
	nsec_t start = clock_now();
	for (int i = 0; i < CONNECTIONS; i++)
		send_requests(&connections[i], of, in_flight);
	while (clock_now() - start < ROUND_TIME) {
		int n = epoll_wait(epoll_fd, events, CONNECTIONS, -1);

		for (int i = 0; i < n; i++)
			receive_answers(events[i].data.ptr, of);
	}
	double took = (double)(clock_now() - start) / (double)NSEC_PER_SEC;
	for (int i = 0; i < CONNECTIONS; i++)
		close(connections[i].fd);
	close(epoll_fd);
	qsort(samples, sampled(), sizeof(*samples), by_size);
	return (struct figure){(double)answers / took, percentile_ms(50), percentile_ms(99)};
}

static void keep_best(struct figure *best, struct figure round)
{
	if (round.per_second > best->per_second)
		*best = round;
}

static void print_figure(const struct service *of, const struct figure *f)
{
	printf("%s %8.0f requests/s, p50 %.3f ms, p99 %.3f ms", of->name, f->per_second, f->p50_ms,
	       f->p99_ms);
}

static void throughput(bool redis, unsigned in_flight)
{
	struct figure ref = {0};
	struct figure other = {0};

	for (int i = 0; i < ROUNDS; i++) {
		keep_best(&ref, one_round(&ref_server, in_flight));
		if (redis)
			keep_best(&other, one_round(&redis_server, in_flight));
	}
	printf("%2u in flight: ", in_flight);
	print_figure(&ref_server, &ref);
	if (redis) {
		printf("; ");
		print_figure(&redis_server, &other);
		printf(": %.2f times as many, %.2f times the p99",
		       ref.per_second / other.per_second, ref.p99_ms / other.p99_ms);
	}
	putchar('\n');
	fflush(stdout);
}

/* --- memory --- */

static double rss_kib(pid_t pid)
{
	char path[64];
	char text[8192];
	FILE *file;
	size_t len;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	file = fopen(path, "re");
	if (!file)
		die(path);
	len = fread(text, 1, sizeof(text) - 1, file);
	text[len] = '\0';
	fclose(file);
	return number_after(text, "VmRSS:");
}

static unsigned fds_of(pid_t pid)
{
	char path[64];
	unsigned n = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	dir = opendir(path);
	if (!dir)
		die(path);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static void memory(pid_t server, int out_fd)
{
	struct rlimit limit;
	double before = rss_kib(server);
	pid_t client;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_max < IDLE + 100) {
		printf("the limit of open files is below %d: idle connections not measured\n",
		       IDLE);
		return;
	}
	client = start("bin/ref-client --target 127.0.0.1:8000 --rate 0 --connections " IDLE_TEXT,
		       1, out_fd);
	for (nsec_t deadline = clock_now() + ACCEPT_DEADLINE; fds_of(server) < IDLE;) {
		errno = ETIMEDOUT;
		if (clock_now() > deadline)
			die("the idle connections");
		sleep_for(POLL_INTERVAL);
	}
	printf("%d idle connections: ref-server %.2f KiB each, ref-client %.2f KiB each (RSS)\n",
	       IDLE, (rss_kib(server) - before) / IDLE, rss_kib(client) / IDLE);
	end(client);
}

int main(void)
{
	char redis[1024];
	pid_t server;
	pid_t other = -1;
	FILE *sink = fopen("/dev/null", "we");

	build = getenv("BUILD") ? getenv("BUILD") : "build";
	snprintf(redis, sizeof(redis), "%s/programs/usr/bin/redis-server", build);
	if (!sink)
		die("/dev/null");
	enter_namespace();
	server = start("bin/ref-server --workers 1", 0, fileno(sink));
	if (access(redis, X_OK) == 0)
		other = start("programs/usr/bin/redis-server --port 6379 --appendonly no --save", 0,
			      fileno(sink));
	else
		printf("no redis-server (make programs): ref-server alone\n");
	sleep_for(NSEC_PER_SEC); /* both listen long before */
	memory(server, fileno(sink));
	pin(1);
	throughput(other > 0, 1);
	throughput(other > 0, IN_FLIGHT);
	if (other > 0)
		end(other);
	end(server);
	fclose(sink);
	return 0;
}
