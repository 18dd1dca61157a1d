/* SPDX-License-Identifier: MIT */
#include "harness/data/scenario.h"

#include <assert.h>
#include <signal.h>

#include "harness/base/cleanup.h"
#include "harness/data/needs.h"

/* The format that this program reads. */
#define SCENARIO_VERSION 1
/* Of a host group, and of an app on each host: thousands make a herd, more is a typing error. */
#define COUNT_MAX 1000
/* Below the first a program cannot even open its log; the second is fs.nr_open's default. */
#define NOFILE_MIN 8
#define NOFILE_MAX 1048576
/* A port of 16 bits, 0 excepted; an exit status of 8 bits (wait(2)). */
#define PORT_MAX        65535
#define EXIT_STATUS_MAX 255
/* A duration or a number that must not be zero. */
#define ABOVE_ZERO 1
#define TIMES_MAX  10000

const char *const start_mode_names[] = {"auto", "manual", NULL};
const char *const step_kind_names[] = {"fault", "start",  "stop", "kill", "restart",
				       "pause", "resume", "exec", NULL};
const char *const capability_names[] = {"netem", "ipvs", NULL};

static_assert(ARRAY_SIZE(start_mode_names) == START_MANUAL + 2, "one name a mode");
static_assert(ARRAY_SIZE(step_kind_names) == STEP_EXEC + 2, "one name a kind");

const char *const signal_names[] = {
	"HUP",  "INT",  "QUIT",   "ILL",  "TRAP",  "ABRT", "BUS",  "FPE",  "KILL", "USR1", "SEGV",
	"USR2", "PIPE", "ALRM",   "TERM", "CHLD",  "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG",
	"XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO",   "PWR",  "SYS",  NULL,
};

static const int signal_numbers[] = {
	SIGHUP,  SIGINT,  SIGQUIT, SIGILL,  SIGTRAP,   SIGABRT, SIGBUS,   SIGFPE,  SIGKILL, SIGUSR1,
	SIGSEGV, SIGUSR2, SIGPIPE, SIGALRM, SIGTERM,   SIGCHLD, SIGCONT,  SIGSTOP, SIGTSTP, SIGTTIN,
	SIGTTOU, SIGURG,  SIGXCPU, SIGXFSZ, SIGVTALRM, SIGPROF, SIGWINCH, SIGIO,   SIGPWR,  SIGSYS,
};

static_assert(ARRAY_SIZE(signal_names) == ARRAY_SIZE(signal_numbers) + 1, "one name a number");

int signal_number(const char *name)
{
	int i = field_enum_index(signal_names, name);

	return i == ENUM_UNSET ? 0 : signal_numbers[i];
}

const struct field host_fields[] = {
	FIELD(scenario_host, count, "count", FIELD_COUNT, 0,
	      "how many hosts NAME.1, NAME.2, ... the group has", .min = 1, .max = COUNT_MAX,
	      .default_text = "one host, called NAME"),
	FIELD(scenario_host, nofile, "nofile", FIELD_COUNT, 0,
	      "RLIMIT_NOFILE of the programs on it", .min = NOFILE_MIN, .max = NOFILE_MAX,
	      .default_text = "wirecut's own"),
	FIELD(scenario_host, sysctl, "sysctl", FIELD_STRING_MAP, 0,
	      "settings of its network namespace, as sysctl(8) names them",
	      .default_text = "the documented baseline"),
	{0},
};

const struct field private_file_fields[] = {
	FIELD(scenario_private_file, host, "host", FIELD_STRING, FIELD_REQUIRED,
	      "the host, or group of hosts, that has it"),
	FIELD(scenario_private_file, text, "text", FIELD_STRING, 0, "its contents; or else `from`"),
	FIELD(scenario_private_file, from, "from", FIELD_STRING, 0,
	      "a file with its contents, its path relative to the scenario file"),
	{0},
};

const struct field ready_fields[] = {
	FIELD(ready_spec, listening, "listening", FIELD_COUNT, 0,
	      "it has a listening socket on this TCP port", .min = 1, .max = PORT_MAX),
	FIELD(ready_spec, connected, "connected", FIELD_STRING, 0,
	      "\"host:port\": it has an established connection to this service"),
	FIELD(ready_spec, log, "log", FIELD_STRING, 0,
	      "it has printed a line that this extended regular expression matches"),
	FIELD(ready_spec, exited, "exited", FIELD_COUNT, 0, "it has ended with this status",
	      .max = EXIT_STATUS_MAX),
	{0},
};

const struct field stop_fields[] = {
	FIELD(stop_spec, signal, "signal", FIELD_STRING, 0,
	      "the signal that asks it to end, without SIG", .names = signal_names,
	      .default_text = "TERM"),
	FIELD(stop_spec, grace, "grace", FIELD_DURATION, 0, "how long it may take before KILL",
	      .default_text = "2s"),
	{0},
};

const struct field app_fields[] = {
	FIELD(scenario_app, host, "host", FIELD_STRING, FIELD_REQUIRED,
	      "the host it runs on; of a group, each host"),
	FIELD(scenario_app, run, "run", FIELD_STRING, 0,
	      "its command line, split into words as a shell does, run by no shell; or else "
	      "`shell`"),
	FIELD(scenario_app, shell, "shell", FIELD_STRING, 0, "a command for /bin/sh -c"),
	FIELD(scenario_app, count, "count", FIELD_COUNT, 0,
	      "how many instances NAME.1, NAME.2, ... run on each host", .min = 1, .max = COUNT_MAX,
	      .default_text = "one"),
	FIELD(scenario_app, env, "env", FIELD_STRING_MAP, 0, "environment variables to add"),
	FIELD(scenario_app, cwd, "cwd", FIELD_STRING, 0, "its working folder",
	      .default_text = "the scenario's private /tmp"),
	FIELD(scenario_app, start, "start", FIELD_ENUM, 0,
	      "by itself, or only by a step of the timeline", .names = start_mode_names,
	      .default_text = "auto"),
	FIELD(scenario_app, ready, "ready", FIELD_RECORD, 0, "when it counts as ready",
	      .of = ready_fields, .default_text = "once started"),
	FIELD(scenario_app, ready_within, "ready-within", FIELD_DURATION, 0,
	      "how long it may take to be ready", .min = ABOVE_ZERO, .default_text = "10s"),
	FIELD(scenario_app, stop, "stop", FIELD_RECORD, 0, "how it is ended", .of = stop_fields),
	FIELD(scenario_app, exit, "exit", FIELD_COUNT, 0,
	      "the status with which it may end by itself", .max = EXIT_STATUS_MAX,
	      .default_text = "it must not end"),
	{0},
};

const struct field exec_fields[] = {
	FIELD(exec_spec, host, "host", FIELD_STRING, FIELD_REQUIRED, "the one host it runs on"),
	FIELD(exec_spec, run, "run", FIELD_STRING, 0, "its command line; or else `shell`"),
	FIELD(exec_spec, shell, "shell", FIELD_STRING, 0, "a command for /bin/sh -c"),
	{0},
};

/* The keys from start to exec are kinds of steps: the parser lets only one of them stand. */
const struct field step_fields[] = {
	FIELD(scenario_step, at, "at", FIELD_DURATION, FIELD_REQUIRED,
	      "when, since t = 0: the moment at which every app that starts by itself is ready"),
	FIELD(scenario_step, id, "id", FIELD_STRING, 0,
	      "a name of its own, for `fault` and `after`", .default_text = "its kind"),
	FIELD(scenario_step, length, "for", FIELD_DURATION, 0, "of a fault: how long it lasts",
	      .min = ABOVE_ZERO, .default_text = "until the end"),
	FIELD(scenario_step, every, "every", FIELD_DURATION, 0,
	      "again each time this long has passed since the last time", .min = ABOVE_ZERO,
	      .default_text = "once"),
	FIELD(scenario_step, times, "times", FIELD_COUNT, 0, "with `every`: how often in all",
	      .min = 1, .max = TIMES_MAX, .default_text = "until the end"),
	FIELD(scenario_step, apps, "start", FIELD_STRINGS, 0,
	      "apps to start; one that was stopped or killed, once it has ended"),
	FIELD(scenario_step, apps, "stop", FIELD_STRINGS, 0, "apps to end as their `stop` says"),
	FIELD(scenario_step, apps, "kill", FIELD_STRINGS, 0,
	      "apps to end by KILL, and their children with them"),
	FIELD(scenario_step, apps, "restart", FIELD_STRINGS, 0, "apps to stop and start again"),
	FIELD(scenario_step, apps, "pause", FIELD_STRINGS, 0,
	      "apps to stop where they are (SIGSTOP)"),
	FIELD(scenario_step, apps, "resume", FIELD_STRINGS, 0, "apps to let go on (SIGCONT)"),
	FIELD(scenario_step, exec, "exec", FIELD_RECORD, 0, "a program to run once on a host",
	      .of = exec_fields),
	{0},
};

/* A key that the parser reads by hand. */
#define CUSTOM(key, bits, text)                                                                    \
	{                                                                                          \
		.name = (key), .type = FIELD_CUSTOM, .flags = (bits), .doc = (text)                \
	}

const struct field control_fields[] = {
	CUSTOM("replace", FIELD_REQUIRED,
	       "a map from the path of a value, such as apps.client.run, to what stands there "
	       "instead"),
	CUSTOM("fails", FIELD_REQUIRED,
	       "the expectations, by id or by kind, that must fail in this control"),
	{0},
};

const struct field defaults_fields[] = {
	CUSTOM("app", 0, "keys of each app that does not set them"),
	CUSTOM("host", 0, "keys of each host that does not set them"),
	CUSTOM("expect", 0,
	       "keys of each expectation whose kind takes them and that does not set them"),
	{0},
};

const struct field scenario_fields[] = {
	FIELD(scenario, version, "version", FIELD_COUNT, FIELD_REQUIRED, "the format's version: 1",
	      .min = SCENARIO_VERSION, .max = SCENARIO_VERSION),
	FIELD(scenario, name, "name", FIELD_STRING, FIELD_REQUIRED,
	      "what is shown, in one sentence"),
	FIELD(scenario, practice, "practice", FIELD_STRING, 0, "the practice that it proves",
	      .default_text = "the file's folder, if it is another than that wirecut is run in"),
	FIELD(scenario, tags, "tags", FIELD_STRINGS, 0, "words to select it by"),
	FIELD(scenario, claim, "claim", FIELD_RECORD, 0,
	      "the figure that it finds again: a row of `wirecut claims`", .of = claim_fields,
	      .default_text = "none"),
	FIELD(scenario, clock, "clock", FIELD_ENUM, 0, "the clock it can run on",
	      .names = clock_kind_names, .default_text = "any"),
	FIELD(scenario, duration, "duration", FIELD_DURATION, 0, "when it ends, since t = 0",
	      .min = ABOVE_ZERO, .default_text = "1 s after the last edge and the latest `within`"),
	FIELD(scenario, timeout, "timeout", FIELD_DURATION, 0,
	      "a guard on the whole run: reaching it is an error", .min = ABOVE_ZERO,
	      .default_text = "duration + 30 s + the `ready-within` of each app + the longest "
			      "`stop.grace`"),
	FIELD(scenario, needs, "needs", FIELD_STRINGS, 0,
	      "capabilities without which it is skipped; or a version of the kernel that runs it: "
	      "`" NEEDS_KERNEL_EXAMPLE "` (<, <=, =, >=, >)",
	      .names = capability_names, .pattern = NEEDS_KERNEL_PATTERN,
	      .example = NEEDS_KERNEL_EXAMPLE),
	FIELD(scenario, neighbours, "neighbours", FIELD_ENUM, 0,
	      "how hosts know each other's link addresses: permanent entries, as behind a router; "
	      "or by ARP and ND, which faults on a cable touch too",
	      .names = neighbours_names, .default_text = "fixed"),
	FIELD(scenario, gso, "gso", FIELD_ENUM, 0,
	      "on: hosts leave the segmentation and the checksums of TCP to their interfaces, as "
	      "real "
	      "ones do, and frames of up to 64 KiB cross the cables whole: for throughput, without "
	      "the faults that need single packets",
	      .names = gso_names, .default_text = "off"),
	CUSTOM("include", 0,
	       "a file, or a list of them, with parts of the scenario: this file is laid on top"),
	CUSTOM("matrix", 0,
	       "names with lists of values: one scenario for each combination, in which ${name} is "
	       "the value"),
	CUSTOM("defaults", 0, "what apps, hosts and expectations hold that do not say otherwise"),
	FIELD(scenario, hosts, "hosts", FIELD_NAMED, FIELD_REQUIRED, "the hosts, by name",
	      .of = host_fields, .of_size = sizeof(struct scenario_host)),
	FIELD(scenario, files, "files", FIELD_NAMED, 0,
	      "private files of the hosts, by absolute path", .of = private_file_fields,
	      .of_size = sizeof(struct scenario_private_file)),
	FIELD(scenario, guest, "guest", FIELD_RECORD, 0,
	      "what a guest of the virtual clock is to have beside the programs; the real clock "
	      "passes it over",
	      .of = guest_fields, .default_text = "nothing"),
	FIELD(scenario, apps, "apps", FIELD_NAMED, FIELD_REQUIRED, "the programs, by name",
	      .of = app_fields, .of_size = sizeof(struct scenario_app)),
	CUSTOM("timeline", 0, "what happens when: a list of steps"),
	CUSTOM("expect", FIELD_REQUIRED, "what must hold: a list of expectations"),
	CUSTOM("controls", 0,
	       "variants that must fail, by name: they prove that the expectations can fail"),
	{0},
};
