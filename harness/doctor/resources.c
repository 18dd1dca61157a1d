/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "harness/base/cleanup.h"
#include "harness/base/nsec.h"
#include "harness/doctor/probe.h"

/* The link engine's priority in a run. */
#define REAL_TIME_PRIORITY 2

/* One for the programs under test and one for what watches them. */
#define CORES_NICE 2

/* What one running scenario holds: the ring of 16 MiB, and as much for everything else. */
#define MEMORY_PER_JOB_KIB ((uint64_t)32 * 1024)

/* How often each CPU's clock is compared with what the others have shown. */
#define CLOCK_ROUNDS 100

static void run_real_time(const struct doctor_input *in, struct doctor_finding *f)
{
	struct sched_param p = {.sched_priority = REAL_TIME_PRIORITY};

	if (sched_setscheduler(0, SCHED_FIFO, &p) == 0) {
		finding_have(f, "SCHED_FIFO %d set", REAL_TIME_PRIORITY);
		return;
	}
	finding_lack(f, "SCHED_FIFO: %s", strerror(errno));
	if (in->machine.container == CONTAINER_DOCKER || in->machine.container == CONTAINER_PODMAN)
		finding_mend(f, "%s run %s", machine_container_name(&in->machine),
			     in->machine.root ? "--cap-add SYS_NICE" : "--ulimit rtprio=2");
	else
		finding_mend(f,
			     "run as root, or allow it to this shell: sudo prlimit "
			     "--rtprio=%d --pid $$",
			     REAL_TIME_PRIORITY);
}

const struct doctor_probe probe_real_time = {
	.name = "real-time",
	.what = "SCHED_FIFO for the link engine, what stamps times, and guests' processors",
	.costs = "on a busy machine more verdicts are inconclusive; runs on the virtual clock may "
		 "differ by nanoseconds (run.json: best-effort)",
	.need = DOCTOR_NICE,
	.run = run_real_time,
};

static void run_nofile(const struct doctor_input *in, struct doctor_finding *f)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) < 0) {
		finding_unknown(f, "%s", strerror(errno));
		return;
	}
	if (r.rlim_max >= in->descriptors) {
		finding_have(f, "%llu; %llu scenarios at once need %llu",
			     (unsigned long long)r.rlim_max, (unsigned long long)in->jobs,
			     (unsigned long long)in->descriptors);
		return;
	}
	finding_lack(f, "%llu; %llu scenarios at once need %llu", (unsigned long long)r.rlim_max,
		     (unsigned long long)in->jobs, (unsigned long long)in->descriptors);
	finding_mend(f, "sudo prlimit --nofile=%llu --pid $$; or run fewer at once: --jobs",
		     (unsigned long long)in->descriptors);
}

const struct doctor_probe probe_nofile = {
	.name = "open-files",
	.what = "descriptors for as many scenarios as run at once",
	.costs = "`wirecut run` refuses to start without a smaller --jobs",
	.need = DOCTOR_NEEDED,
	.run = run_nofile,
};

/* What the CPU time of this container comes to (cgroups(7), cpu.max); INT_MAX without a limit. */
static int cores_of_quota(int root_fd)
{
	_cleanup_arena_ struct arena a = {0};
	const char *text = machine_text(root_fd, "sys/fs/cgroup/cpu.max", &a);
	int64_t quota_us, period_us;

	if (!text || sscanf(text, "%" SCNd64 " %" SCNd64, &quota_us, &period_us) != 2 ||
	    quota_us < 0 || period_us <= 0 || quota_us / period_us > INT_MAX)
		return INT_MAX;
	return (int)(quota_us / period_us);
}

static void run_cores(const struct doctor_input *in, struct doctor_finding *f)
{
	int quota = cores_of_quota(in->root_fd);
	cpu_set_t cpus;

	if (sched_getaffinity(0, sizeof(cpus), &cpus) < 0) {
		finding_unknown(f, "%s", strerror(errno));
		return;
	}
	int n = CPU_COUNT(&cpus);
	bool by_quota = quota <= n;
	if (by_quota)
		n = quota;
	if (n >= CORES_NICE) {
		finding_have(f, "%d", n);
		return;
	}
	finding_lack(f, "%d%s", n, by_quota ? " whole, by the quota of its cgroup" : "");
	finding_mend(f,
		     "give the machine, or the container (--cpus %d), or wirecut (taskset) a "
		     "second core; or run one scenario at a time: --jobs 1",
		     CORES_NICE);
}

const struct doctor_probe probe_cores = {
	.name = "cores",
	.what = "cores that this process may use",
	.costs = "programs and harness wait for each other: more verdicts are inconclusive",
	.need = DOCTOR_NICE,
	.run = run_cores,
};

/* What this container may still take (cgroups(7)); UINT64_MAX without a limit. */
static uint64_t cgroup_memory_kib(int root_fd)
{
	_cleanup_arena_ struct arena a = {0};
	const char *max = machine_text(root_fd, "sys/fs/cgroup/memory.max", &a);
	const char *current = machine_text(root_fd, "sys/fs/cgroup/memory.current", &a);
	uint64_t max_bytes, used_bytes;

	if (!max || !current || sscanf(max, "%" SCNu64, &max_bytes) != 1 ||
	    sscanf(current, "%" SCNu64, &used_bytes) != 1)
		return UINT64_MAX;
	return max_bytes > used_bytes ? (max_bytes - used_bytes) / 1024 : 0;
}

static void run_memory(const struct doctor_input *in, struct doctor_finding *f)
{
	static const char key[] = "MemAvailable:";
	_cleanup_arena_ struct arena a = {0};
	const char *text = machine_text(in->root_fd, "proc/meminfo", &a);
	const char *at = text ? strstr(text, key) : NULL;
	uint64_t kib, wanted = in->jobs * MEMORY_PER_JOB_KIB;

	if (!at || sscanf(at + strlen(key), "%" SCNu64, &kib) != 1) {
		finding_unknown(f, "/proc/meminfo tells no MemAvailable");
		return;
	}
	uint64_t cgroup_kib = cgroup_memory_kib(in->root_fd);
	if (cgroup_kib < kib)
		kib = cgroup_kib;
	if (kib >= wanted) {
		finding_have(f,
			     "%" PRIu64 " MiB; %" PRIu64 " scenarios at once take about %" PRIu64,
			     kib / 1024, in->jobs, wanted / 1024);
		return;
	}
	finding_lack(f, "%" PRIu64 " MiB; %" PRIu64 " scenarios at once take about %" PRIu64,
		     kib / 1024, in->jobs, wanted / 1024);
	finding_mend(f, "free some, or run fewer at once: --jobs %" PRIu64,
		     kib > MEMORY_PER_JOB_KIB ? kib / MEMORY_PER_JOB_KIB : 1);
}

const struct doctor_probe probe_memory = {
	.name = "memory",
	.what = "free memory, most of it for the rings of the link engines",
	.costs = "runs end in an error when many are under way at once",
	.need = DOCTOR_NICE,
	.run = run_memory,
};

/* True if no CPU's clock is ever behind what another has shown before. */
static bool clock_never_goes_back(const cpu_set_t *cpus)
{
	nsec_t last = 0;

	for (int round = 0; round < CLOCK_ROUNDS; round++)
		for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
			cpu_set_t one;

			if (!CPU_ISSET(cpu, cpus))
				continue;
			CPU_ZERO(&one);
			CPU_SET(cpu, &one);
			/* A CPU that has gone in between shows nothing. */
			(void)sched_setaffinity(0, sizeof(one), &one);
			nsec_t now = nsec_monotonic();
			if (now < last)
				return false;
			last = now;
		}
	return true;
}

/* Read through a device or by counting ticks: microseconds each time, or coarse. */
static bool is_slow_clock(const char *source)
{
	static const char *const slow[] = {"hpet", "acpi_pm", "jiffies", "refined-jiffies", "pit"};

	for (size_t i = 0; i < ARRAY_SIZE(slow); i++)
		if (!strcmp(source, slow[i]))
			return true;
	return false;
}

static void run_clock(const struct doctor_input *in, struct doctor_finding *f)
{
	static const char file[] =
		"sys/devices/system/clocksource/clocksource0/current_clocksource";
	_cleanup_arena_ struct arena a = {0};
	char *source = machine_text(in->root_fd, file, &a);
	struct timespec resolution = {0};
	cpu_set_t cpus;

	if (source)
		source[strcspn(source, "\n")] = '\0';
	if (sched_getaffinity(0, sizeof(cpus), &cpus) < 0) {
		finding_unknown(f, "%s", strerror(errno));
		return;
	}
	clock_getres(CLOCK_MONOTONIC, &resolution);
	const char *name = source ? source : "clock source not told";

	if (!clock_never_goes_back(&cpus))
		finding_lack(f, "%s: goes back from one CPU to the next", name);
	else if (resolution.tv_nsec != 1)
		finding_lack(f, "%s: ticks of %ld ns", name, resolution.tv_nsec);
	else if (is_slow_clock(name))
		finding_lack(f, "%s: slow to read", name);
	else
		finding_have(f, "%s: nanoseconds, and the same on every CPU", name);
	if (f->state == DOCTOR_LACK)
		finding_mend(f, "boot with another clock source (clocksource=tsc; "
				"/sys/devices/system/clocksource/clocksource0/"
				"available_clocksource lists them)");
}

const struct doctor_probe probe_clock = {
	.name = "clock",
	.what = "a steady clock, with high-resolution timers",
	.costs = "times of faults and packets are less exact",
	.need = DOCTOR_NICE,
	.run = run_clock,
};
