/* SPDX-License-Identifier: MIT */
#include "harness/virtual/qemu.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/base/cleanup.h"
#include "harness/virtual/channel.h"
#include "harness/virtual/program.h"

#define QEMU_PROGRAM  "qemu-system-x86_64"
#define VCPU_PRIORITY 1
#define ARGUMENTS_MAX 64
/* The state's file is small and in the page cache: this is how often its load is asked for. */
#define MIGRATION_POLL NSEC_PER_MSEC
#define DYING_MS       100

/* --- starting --- */

char *qemu_find(struct arena *a, struct err *err)
{
	const char *given = getenv("WIRECUT_QEMU"), *path = getenv("PATH");

	if (given && *given) {
		if (access(given, X_OK) == 0)
			return arena_strdup(a, given);
		err_errno(err, "WIRECUT_QEMU: %s", given);
		return NULL;
	}
	char *found = program_find(QEMU_PROGRAM, "/", path ? path : "/usr/bin:/bin", a);
	if (!found)
		err_set(err, QEMU_PROGRAM " is not on the PATH, and the virtual clock needs it: "
					  "apt-get install qemu-system-x86 (or name it by "
					  "WIRECUT_QEMU)");
	return found;
}

/* The arguments, one after the other; those made with printf live in the arena. */
struct arguments {
	struct arena *a;
	const char *v[ARGUMENTS_MAX];
	size_t n;
};

static void add(struct arguments *args, const char *option, const char *value)
{
	args->v[args->n++] = option;
	if (value)
		args->v[args->n++] = value;
}

static void add_machine(struct arguments *args, const struct qemu_config *c)
{
	struct arena *a = args->a;

	add(args, "-machine", "pc,memory-backend=ram");
	/*
	 * Without ERMS and FSRM the kernel copies and clears by eight bytes in place of one: QEMU
	 * counts, and takes its time for, each of them. Unpacking takes half as long. More than half of
	 * QEMU's work is the look-up of pages, anew after each switch of processes: without SMAP the
	 * kernel and its copies to and from programs share one table, and without LA57 a page is found
	 * in four steps and not five.
	 */
	add(args, "-cpu", "max,-erms,-fsrm,-smap,-la57");
	add(args, "-icount", "shift=0,sleep=off");
	/* Its wall clock starts at a fixed time and runs by its own time. */
	add(args, "-rtc", "base=2026-01-01,clock=vm");
	add(args, "-seed", arena_printf(a, "%u", c->seed));
	add(args, "-m", arena_printf(a, "%dM,slots=1,maxmem=8G", c->memory_mib));
	add(args, "-object",
	    arena_printf(a, "memory-backend-file,id=ram,size=%dM,mem-path=%s,share=%s",
			 c->memory_mib, c->ram, c->ram_private ? "off" : "on"));
	add(args, "-object",
	    arena_printf(a,
			 "memory-backend-file,id=channel,size=%llu,mem-path=/proc/self/fd/%d,"
			 "share=on",
			 CHANNEL_SIZE, c->channel_fd));
	add(args, "-device", arena_printf(a, "pc-dimm,memdev=channel,addr=%llu", CHANNEL_ADDRESS));
}

static void add_devices(struct arguments *args, const struct qemu_config *c, int qmp_fd)
{
	struct arena *a = args->a;

	add(args, "-nodefaults", NULL);
	add(args, "-no-user-config", NULL);
	add(args, "-display", "none");
	add(args, "-no-reboot", NULL); /* a panic of the guest ends it */
	add(args, "-device", arena_printf(a, "pvpanic,ioport=%d", CHANNEL_STOP_PORT));
	add(args, "-action", "panic=pause");
	add(args, "-device",
	    arena_printf(a, "isa-debug-exit,iobase=%d,iosize=4", CHANNEL_EXIT_PORT));
	add(args, "-chardev",
	    arena_printf(a, "file,id=console,path=/proc/self/fd/%d,append=on", c->console_fd));
	add(args, "-serial", "chardev:console");
	add(args, "-chardev", arena_printf(a, "socket,id=qmp,fd=%d", qmp_fd));
	add(args, "-mon", "chardev=qmp,mode=control");
}

static void make_arguments(struct arguments *args, const struct qemu_config *c, int qmp_fd)
{
	add(args, c->program, NULL);
	add_machine(args, c);
	add_devices(args, c, qmp_fd);
	add(args, "-kernel", c->kernel);
	add(args, "-initrd", arena_printf(args->a, "/proc/self/fd/%d", c->initrd_fd));
	add(args, "-append", c->command_line);
	if (c->state_fd >= 0) {
		add(args, "-S", NULL);
		add(args, "-incoming", "defer");
	}
	args->v[args->n] = NULL;
}

/* Of the descriptors only these stay open in the program. */
static void keep_open(int fd)
{
	if (fd >= 0)
		fcntl(fd, F_SETFD, 0);
}

static void __attribute__((noreturn))
become_qemu(const struct qemu_config *c, const struct arguments *args, int qmp_fd, pid_t parent)
{
	sigset_t none;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	/* A SIGINT of the terminal is wirecut's to answer. */
	setsid();
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (c->cpu >= 0) {
		cpu_set_t set;

		CPU_ZERO(&set);
		CPU_SET((size_t)c->cpu, &set);
		(void)sched_setaffinity(0, sizeof(set), &set);
	}
	close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);
	keep_open(c->initrd_fd);
	keep_open(c->channel_fd);
	keep_open(c->console_fd);
	keep_open(c->state_fd);
	keep_open(qmp_fd);
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0 ||
	    dup2(c->console_fd, STDERR_FILENO) < 0)
		_exit(1);
	execv(c->program, (char *const *)args->v);
	dprintf(STDERR_FILENO, "%s: %s\n", c->program, strerror(errno));
	_exit(127);
}

/* Adds how it ended, if it has: its socket closes a moment before it is dead. */
static void say_end(struct qemu *q, struct err *err)
{
	struct pollfd ended = {.fd = q->pidfd, .events = POLLIN};
	char how[64];
	size_t used = strlen(err->msg);

	if (q->pidfd >= 0 && poll(&ended, 1, DYING_MS) == 1)
		snprintf(err->msg + used, sizeof(err->msg) - used, " (%s)",
			 qemu_reap(q, how, sizeof(how)));
}

/* How long QEMU may take to come up and say so; only a guard. */
#define QEMU_UP (60 * NSEC_PER_SEC)

int qemu_start(const struct qemu_config *c, struct qemu *ret, struct err *err)
{
	_cleanup_arena_ struct arena a = {0};
	struct arguments args = {.a = &a};
	int pair[2];
	pid_t parent = getpid();

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return err_errno(err, "make a socket pair");
	_cleanup_close_ int ours = pair[0], theirs = pair[1];
	make_arguments(&args, c, theirs);
	fflush(NULL);
	pid_t pid = fork();
	if (pid < 0)
		return err_fork(err, "start QEMU");
	if (pid == 0)
		become_qemu(c, &args, theirs, parent);
	*ret = (struct qemu){.pid = pid, .pidfd = (int)syscall(SYS_pidfd_open, pid, 0)};
	ret->qmp.fd = -1;
	close(TAKE_FD(theirs));
	if (ret->pidfd < 0)
		err_errno(err, "watch QEMU");
	else if (qmp_begin(&ret->qmp, TAKE_FD(ours), c->cancel_fd, nsec_monotonic() + QEMU_UP,
			   err) == 0)
		return 0;
	say_end(ret, err);
	qemu_end(ret);
	return err_wrap(err, "start QEMU");
}

const char *qemu_reap(struct qemu *q, char *buf, size_t size)
{
	siginfo_t info = {0};

	/* It is left to be reaped: qemu_end() does that. */
	if (TEMP_FAILURE_RETRY(waitid(P_PID, (id_t)q->pid, &info, WEXITED | WNOWAIT)) < 0)
		return "QEMU is gone";
	if (info.si_code == CLD_EXITED)
		snprintf(buf, size, "QEMU exited with %d", info.si_status);
	else
		snprintf(buf, size, "QEMU was killed by signal %d, %s", info.si_status,
			 strsignal(info.si_status));
	return buf;
}

void qemu_end(struct qemu *q)
{
	if (q->pid <= 0)
		return;
	kill(q->pid, SIGKILL);
	while (waitpid(q->pid, NULL, 0) < 0 && errno == EINTR)
		;
	if (q->pidfd >= 0)
		close(TAKE_FD(q->pidfd));
	qmp_end(&q->qmp);
	q->pid = 0;
}

/* --- stopping, saving, restoring --- */

int qemu_wait_stopped(struct qemu *q, nsec_t deadline, struct err *err)
{
	if (qmp_wait_event(&q->qmp, "GUEST_PANICKED", deadline, err) == 0)
		return 0;
	say_end(q, err);
	return err_wrap(err, "wait until the guest has booted");
}

static int set_capabilities(struct qemu *q, nsec_t deadline, struct err *err)
{
	return qmp_command(&q->qmp, "migrate-set-capabilities",
			   json_pack("{s[{ss sb}]}", "capabilities", "capability",
				     "x-ignore-shared", "state", 1),
			   -1, NULL, deadline, err);
}

/*
 * No announcing of the guest's network cards after a restore: it has none, and those timers of the
 * real clock would wait for QEMU's main thread, which a real-time guest does not let run.
 */
static int set_parameters(struct qemu *q, nsec_t deadline, struct err *err)
{
	return qmp_command(&q->qmp, "migrate-set-parameters",
			   json_pack("{si}", "announce-rounds", 0), -1, NULL, deadline, err);
}

/* Until the migration has come to its end. */
static int wait_migrated(struct qemu *q, nsec_t deadline, struct err *err)
{
	for (;;) {
		_cleanup_json_ json_t *info = NULL;
		struct timespec pause = nsec_to_timespec(MIGRATION_POLL);

		if (qmp_command(&q->qmp, "query-migrate", NULL, -1, &info, deadline, err) < 0)
			return -1;
		const char *status = json_string_value(json_object_get(info, "status"));
		if (status && !strcmp(status, "completed"))
			return 0;
		if (status && !strcmp(status, "failed"))
			return err_set(err, "QEMU could not move the guest's state");
		clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
	}
}

int qemu_save(struct qemu *q, int state_fd, nsec_t deadline, struct err *err)
{
	if (set_capabilities(q, deadline, err) < 0 ||
	    qmp_command(&q->qmp, "getfd", json_pack("{ss}", "fdname", "state"), state_fd, NULL,
			deadline, err) < 0 ||
	    qmp_command(&q->qmp, "migrate", json_pack("{ss}", "uri", "fd:state"), -1, NULL,
			deadline, err) < 0 ||
	    wait_migrated(q, deadline, err) < 0)
		return err_wrap(err, "save the guest");
	return 0;
}

int qemu_restore(struct qemu *q, int state_fd, nsec_t deadline, struct err *err)
{
	char uri[32];

	snprintf(uri, sizeof(uri), "fd:%d", state_fd);
	if (set_capabilities(q, deadline, err) < 0 || set_parameters(q, deadline, err) < 0 ||
	    qmp_command(&q->qmp, "migrate-incoming", json_pack("{ss}", "uri", uri), -1, NULL,
			deadline, err) < 0 ||
	    wait_migrated(q, deadline, err) < 0)
		return err_wrap(err, "restore the guest");
	return 0;
}

int qemu_continue(struct qemu *q, nsec_t deadline, bool *ret_exact, struct err *err)
{
	struct sched_param real_time = {.sched_priority = VCPU_PRIORITY};
	_cleanup_json_ json_t *cpus = NULL;

	if (qmp_command(&q->qmp, "query-cpus-fast", NULL, -1, &cpus, deadline, err) < 0)
		return -1;
	pid_t thread =
		(pid_t)json_integer_value(json_object_get(json_array_get(cpus, 0), "thread-id"));
	*ret_exact = thread > 0 && sched_setscheduler(thread, SCHED_RR, &real_time) == 0;
	return qmp_command(&q->qmp, "cont", NULL, -1, NULL, deadline, err);
}
