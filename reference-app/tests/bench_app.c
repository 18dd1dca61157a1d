/* SPDX-License-Identifier: MIT */
/*
 * ref-server beside redis-server, in one network namespace and in turn, so that both meet the same
 * machine: requests a second and the 99th percentile at 50 connections, with 1 and with 32 requests in
 * flight on each. Each server has one core and one thread that serves, each load generator another core
 * (where there are two). Then what 10,000 idle connections cost, at both ends.
 *
 * A request of redis-benchmark is a PING of 14 bytes, one of ref-client a frame of some 40 that is echoed.
 * redis comes from `make programs`; without it only ref-server is measured.
 */
#include <dirent.h>
#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "reference-app/clock.h"

#define ROUNDS      3 /* of which the middle one counts */
#define ROUND_TIME  (2 * NSEC_PER_SEC)
#define CONNECTIONS "50"
#define IDLE        10000
#define IDLE_TEXT   "10000"
#define WORDS_MAX   24
#define OUTPUT_MAX  65536
/* Only a guard: until all idle connections are accepted. */
#define ACCEPT_DEADLINE (60 * NSEC_PER_SEC)
#define POLL_INTERVAL   (100 * NSEC_PER_MSEC)

struct figure {
	double per_second;
	double p99_ms;
};

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

/* What the program printed; it is ended after `time`, if that is not 0. */
static char *output_of(const char *line, int cpu, nsec_t time)
{
	static char text[OUTPUT_MAX];
	FILE *file = tmpfile();
	size_t len;
	pid_t pid;

	if (!file)
		die("a temporary file");
	pid = start(line, cpu, fileno(file));
	if (time) {
		sleep_for(time);
		kill(pid, SIGTERM);
	}
	waitpid(pid, NULL, 0);
	/* Of many events only the last ones matter. */
	fseek(file, 0, SEEK_END);
	fseek(file, ftell(file) > (long)sizeof(text) - 1 ? -((long)sizeof(text) - 1) : -ftell(file),
	      SEEK_END);
	len = fread(text, 1, sizeof(text) - 1, file);
	text[len] = '\0';
	fclose(file);
	return text;
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

/* --- the two --- */

static struct figure of_ref(int in_flight)
{
	char line[256];
	const char *text;

	snprintf(line, sizeof(line),
		 "bin/ref-client --target 127.0.0.1:8000 --connections " CONNECTIONS
		 " --in-flight %d",
		 in_flight);
	text = output_of(line, 1, ROUND_TIME);
	text = strstr(text, "\"stopped\"");
	if (!text) {
		errno = ENODATA;
		die("ref-client");
	}
	return (struct figure){
		number_after(text, "\"responses\":") / ((double)ROUND_TIME / (double)NSEC_PER_SEC),
		number_after(text, "\"rtt_p99_ms\":"),
	};
}

/* "PING_MBULK","rps","avg","min","p50","p95","p99","max", in quotes, behind a header. redis-benchmark
 * counts requests, not seconds: so many are about a second's. */
static struct figure of_redis(int in_flight)
{
	enum { PER_SECOND = 1, P99 = 6 };
	double values[P99 + 1];
	char line[256];
	char *text;

	snprintf(line, sizeof(line),
		 "programs/usr/bin/redis-benchmark -p 6379 -c " CONNECTIONS
		 " -n %d -P %d -t ping_mbulk --csv",
		 in_flight == 1 ? 50000 : 1000000, in_flight);
	text = strstr(output_of(line, 1, 0), "\"PING_MBULK\"");
	for (int i = 1; i <= P99; i++) {
		text = text ? strchr(text, ',') : NULL;
		if (!text) {
			errno = ENODATA;
			die("redis-benchmark");
		}
		text += 2; /* the comma and a quote */
		values[i] = strtod(text, NULL);
	}
	return (struct figure){values[PER_SECOND], values[P99]};
}

static int compare(const void *a, const void *b)
{
	const struct figure *x = a;
	const struct figure *y = b;

	return x->per_second < y->per_second ? -1 : x->per_second > y->per_second;
}

static struct figure middle(struct figure *figures)
{
	qsort(figures, ROUNDS, sizeof(*figures), compare);
	return figures[ROUNDS / 2];
}

static void throughput(bool redis, int in_flight)
{
	struct figure ref[ROUNDS];
	struct figure other[ROUNDS];

	for (int i = 0; i < ROUNDS; i++) {
		ref[i] = of_ref(in_flight);
		if (redis)
			other[i] = of_redis(in_flight);
	}
	ref[0] = middle(ref);
	printf("%2d in flight: ref-server %9.0f requests/s, p99 %.3f ms", in_flight,
	       ref[0].per_second, ref[0].p99_ms);
	if (redis) {
		other[0] = middle(other);
		printf("; redis-server PING %9.0f/s, p99 %.3f ms: %.2f times as many",
		       other[0].per_second, other[0].p99_ms,
		       ref[0].per_second / other[0].per_second);
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
	snprintf(redis, sizeof(redis), "%s/programs/usr/bin/redis-benchmark", build);
	if (!sink)
		die("/dev/null");
	enter_namespace();
	server = start("bin/ref-server --workers 1", 0, fileno(sink));
	if (access(redis, X_OK) == 0)
		other = start("programs/usr/bin/redis-server --port 6379 --appendonly no", 0,
			      fileno(sink));
	else
		printf("no redis-benchmark (make programs): ref-server alone\n");
	sleep_for(NSEC_PER_SEC); /* both listen long before */
	memory(server, fileno(sink));
	throughput(other > 0, 1);
	throughput(other > 0, 32);
	if (other > 0)
		end(other);
	end(server);
	fclose(sink);
	return 0;
}
