/* SPDX-License-Identifier: MIT */
/*
 * What the harness itself costs: CPU time and memory of its own processes (wirecut, and of each
 * scenario init, link engine and canary), without those of the apps; how long a set-up takes; and
 * how many scenarios at once pay off.
 *
 * The scenarios mostly sleep, as those of a suite do: clients that say something once a second, and
 * a fault that is on for one second of five. The processes are found by their program and watched in
 * /proc while they live. So what a process does in its last SAMPLE_MS is missed, as is what the
 * kernel does in threads of its own (taking namespaces down). A page that several of the processes
 * share counts in each.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/base/arena.h"
#include "harness/base/cleanup.h"
#include "harness/base/io.h"
#include "harness/base/nsec.h"

#define SAMPLE_MS  5
#define DURATION_S 5
/* What runs at once in the last figure, and what it should take of the sum of durations. */
#define AT_ONCE   16
#define AT_ONCE_S "16"
#define AIM       5.0

/* Below wirecut: the inits, and what each of them starts. */
#define LEVELS      2
#define FTW_MAX_FDS 16

/* In the order in which they are started; what comes after them is the apps'. */
enum role { WIRECUT, INIT, LINK_ENGINE, CANARY, N_ROLES };
static const char *const role_names[] = {"wirecut", "init", "link engine", "canary"};

struct proc {
	pid_t pid;
	bool own; /* it runs wirecut's program; false: an app */
	nsec_t cpu;
	int64_t peak_kib;
};

struct watch {
	struct stat program;
	VEC(struct proc) procs;
	nsec_t first_app; /* CLOCK_MONOTONIC; 0: none yet */
};

struct cost {
	nsec_t wall;
	nsec_t set_up; /* from wirecut's start to the first app's */
	nsec_t ready;  /* from there to t = 0: mostly the apps' own time */
	nsec_t cpu[N_ROLES], cpu_all;
	int64_t peak_kib;
};

static struct arena arena;
static const char *program; /* $BUILD/bin/wirecut */
static char folder[] = "/tmp/wirecut-cost.XXXXXX";

static void __attribute__((noreturn)) die(const char *what)
{
	fprintf(stderr, "bench_cost: %s\n", what);
	exit(1);
}

/* --- watching processes --- */

/* A number of a file in /proc/PID, after `key`; -1: the process is gone. */
static int64_t read_number(pid_t pid, const char *file, const char *key)
{
	char path[64], text[4096];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (n <= 0)
		return -1;
	text[n] = '\0';
	const char *at = strstr(text, key);
	return at ? strtoll(at + strlen(key), NULL, 10) : -1;
}

static struct watch watch_begin(void)
{
	struct watch w = {0};

	if (stat(program, &w.program) < 0)
		die(arena_printf(&arena, "%s: %s", program, strerror(errno)));
	return w;
}

static struct proc *proc_of(struct watch *w, pid_t pid)
{
	vec_foreach (p, &w->procs)
		if (p->pid == pid)
			return p;
	struct proc *p = vec_push(&arena, &w->procs);

	*p = (struct proc){.pid = pid, .own = true};
	return p;
}

/* An app is wirecut's program too, until it executes its own. */
static void look(struct watch *w, struct proc *p)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%d/exe", p->pid);
	if (!p->own || stat(path, &st) < 0)
		return;
	p->own = st.st_dev == w->program.st_dev && st.st_ino == w->program.st_ino;
	if (!p->own) {
		w->first_app = w->first_app ? w->first_app : nsec_monotonic();
		return;
	}
	/* Nanoseconds on a CPU (Documentation/scheduler/sched-stats.rst); ours have one thread. */
	int64_t cpu = read_number(p->pid, "schedstat", "");
	int64_t peak = read_number(p->pid, "status", "VmHWM:");

	p->cpu = cpu > p->cpu ? cpu : p->cpu;
	p->peak_kib = peak > p->peak_kib ? peak : p->peak_kib;
}

/* The process and those below it, so many levels: an app's own children are the app's. */
static void look_at_tree(struct watch *w, pid_t pid, int levels)
{
	char path[64];
	int child;

	look(w, proc_of(w, pid));
	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pid, pid);
	_cleanup_fclose_ FILE *f = levels ? fopen(path, "re") : NULL;
	while (f && fscanf(f, "%d", &child) == 1)
		look_at_tree(w, child, levels - 1);
}

/* Until wirecut ends, which must be well. */
static nsec_t watch_to_the_end(struct watch *w, pid_t pid)
{
	int status;

	while (waitpid(pid, &status, WNOHANG) == 0) {
		look_at_tree(w, pid, LEVELS);
		poll(NULL, 0, SAMPLE_MS);
	}
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		struct err err = {0};
		const char *said = io_read_file("output", NULL, &arena, &err);

		die(arena_printf(&arena, "wirecut ended with %#x: %s", status,
				 said ? said : err.msg));
	}
	return nsec_monotonic();
}

/* --- what is run --- */

/* Into a folder of our own, which becomes the working folder. */
static void begin(void)
{
	const char *build = getenv("BUILD");

	program = realpath(arena_printf(&arena, "%s/bin/wirecut", build ? build : "build"), NULL);
	if (!program)
		die("wirecut is not built (BUILD=...)");
	if (!mkdtemp(folder) || chdir(folder) < 0)
		die(strerror(errno));
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

/* Returns once it runs the program: a pipe that execv(2) closes tells. */
static pid_t spawn(char *const argv[])
{
	int fds[2];
	char none;

	if (pipe2(fds, O_CLOEXEC) < 0)
		die(strerror(errno));
	_cleanup_close_ int executed = fds[0];
	pid_t pid = fork();
	if (pid < 0)
		die(strerror(errno));
	if (pid == 0) {
		int out = open("output", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

		if (dup2(out, STDOUT_FILENO) < 0 || dup2(out, STDERR_FILENO) < 0)
			_exit(126);
		execv(program, argv);
		_exit(127);
	}
	close(fds[1]);
	if (read(executed, &none, 1) < 0)
		die(strerror(errno));
	return pid;
}

static void write_scenario(const char *name, int hosts)
{
	static const char format[] =
		"version: 1\nname: %d hosts that mostly sleep\n"
		"hosts: {server: {}, client: {count: %d}}\n"
		"apps:\n"
		"  server: {host: server, run: \"ref-server --listen :8000\", "
		"ready: {listening: 8000}, stop: {signal: KILL}}\n"
		"  client: {host: client, run: \"ref-client --target server:8000 --rate 1\", "
		"ready: {connected: \"server:8000\"}, stop: {signal: KILL}}\n"
		"timeline:\n  - {at: 1s, id: slow, delay: {cable: server, mean: 10ms}, for: 1s}\n"
		"duration: %ds\n"
		"expect:\n  - stays-connected: {app: client, fault: slow}\n";
	FILE *f = fopen(name, "we");
	if (!f)
		die(arena_printf(&arena, "%s: %s", name, strerror(errno)));
	fprintf(f, format, hosts, hosts - 1, DURATION_S);
	if (fclose(f) != 0)
		die(arena_printf(&arena, "%s: %s", name, strerror(errno)));
}

/* How long before t = 0 the first record is: that an app was started. */
static nsec_t first_record(const char *slug)
{
	struct err err = {0};
	char *path = arena_printf(&arena, "results/latest/%s/events.jsonl", slug);
	const char *text = io_read_file(path, NULL, &arena, &err);
	double t;

	if (!text || sscanf(text, "{\"t\":%lf", &t) != 1)
		die(text ? "events.jsonl does not begin with a time" : err.msg);
	return (nsec_t)(-t * (double)NSEC_PER_SEC);
}

static struct cost measure(int hosts)
{
	char *argv[] = {"wirecut", "run", "scenario.yaml", NULL};
	struct watch w = watch_begin();
	struct cost cost = {0};
	size_t role = 0;

	write_scenario("scenario.yaml", hosts);
	nsec_t start = nsec_monotonic();
	cost.wall = watch_to_the_end(&w, spawn(argv)) - start;
	cost.set_up = w.first_app - start;
	cost.ready = first_record("scenario");
	vec_foreach (p, &w.procs) {
		if (!p->own)
			continue;
		cost.peak_kib += p->peak_kib;
		cost.cpu_all += p->cpu;
		if (role < N_ROLES)
			cost.cpu[role++] = p->cpu;
	}
	if (role < N_ROLES || !cost.cpu[INIT])
		die("not all of the harness's processes were seen (kernel without SCHED_INFO?)");
	return cost;
}

/* --- the figures --- */

static double ms(nsec_t t)
{
	return (double)t / (double)NSEC_PER_MSEC;
}

static void print_cost(int hosts, const struct cost *k)
{
	printf("%3d hosts for %d s: CPU %7.1f ms (%5.2f ms a host:", hosts, DURATION_S,
	       ms(k->cpu_all), ms(k->cpu_all) / hosts);
	for (int role = 0; role < N_ROLES; role++)
		printf(" %s %.1f%s", role_names[role], ms(k->cpu[role]),
		       role + 1 < N_ROLES ? "," : ")\n");
	printf("                   memory %6.1f MiB at most (%5.2f MiB a host)\n",
	       (double)k->peak_kib / 1024, (double)k->peak_kib / 1024 / hosts);
	printf("                   set-up %6.1f ms, t = 0 %.1f ms later; all but the %d s %.1f "
	       "ms\n",
	       ms(k->set_up), ms(k->ready), DURATION_S, ms(k->wall) - DURATION_S * 1e3);
}

static void print_costs(void)
{
	static const int hosts[] = {2, 20, 100};
	enum { N = ARRAY_SIZE(hosts) };
	struct cost costs[N];

	for (int i = 0; i < N; i++) {
		costs[i] = measure(hosts[i]);
		print_cost(hosts[i], &costs[i]);
	}
	const struct cost *few = &costs[0], *many = &costs[N - 1];
	int more = hosts[N - 1] - hosts[0];
	printf("each further host: CPU %.2f ms, memory %.0f KiB, set-up %.2f ms\n",
	       ms(many->cpu_all - few->cpu_all) / more,
	       (double)(many->peak_kib - few->peak_kib) / more,
	       ms(many->set_up - few->set_up) / more);
}

static void print_at_once(void)
{
	char *argv[] = {"wirecut", "run", "many", "--jobs", AT_ONCE_S, NULL};
	struct watch w = watch_begin();
	nsec_t cpu = 0;

	if (mkdir("many", 0755) < 0)
		die(strerror(errno));
	for (int i = 1; i <= AT_ONCE; i++)
		write_scenario(arena_printf(&arena, "many/%d.yaml", i), 2);
	nsec_t start = nsec_monotonic();
	double wall_ms = ms(watch_to_the_end(&w, spawn(argv)) - start);
	double sum_ms = AT_ONCE * DURATION_S * 1e3;
	vec_foreach (p, &w.procs)
		cpu += p->own ? p->cpu : 0;
	printf("%d scenarios of 2 hosts at once: wall %.1f s, durations %.1f s: 1/%.1f (aim: under "
	       "1/%.0f); CPU %.1f ms a scenario\n",
	       AT_ONCE, wall_ms / 1e3, sum_ms / 1e3, sum_ms / wall_ms, AIM, ms(cpu) / AT_ONCE);
}

int main(void)
{
	begin();
	print_costs();
	print_at_once();
	nftw(folder, remove_one, FTW_MAX_FDS, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
	arena_free(&arena);
	return 0;
}
