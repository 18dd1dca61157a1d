/* SPDX-License-Identifier: MIT */
/*
 * Process 1 of a guest.
 *
 * Before it stops itself nothing may use TCP, or take a random number that matters: what is chosen
 * then is part of the saved state and would be the same for every seed. After it, nothing waits for
 * the host (virtual/channel.h says why).
 *
 * An error goes into the channel and ends the guest; one before the channel is there goes to the
 * console, and the kernel's panic on the end of process 1 ends the guest.
 */
#include "harness/guest/guest.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/io.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/base/cleanup.h"
#include "harness/base/io.h"
#include "harness/guest/lookups.h"
#include "harness/guest/resources.h"
#include "harness/guest/setup.h"
#include "harness/run/run.h"
#include "harness/run/statetrace.h"
#include "harness/virtual/archive.h"
#include "harness/virtual/channel.h"

/* The area of the output begins where a page does. */
#define PAGE     4096ULL
#define IOPL_ALL 3
/* fs.nr_open as the kernel has it by itself (fs/file.c). */
#define NR_OPEN (1024UL * 1024UL)

bool guest_is_here(const char *argv0)
{
	return getpid() == 1 && !strcmp(argv0, GUEST_PROGRAM);
}

static struct channel *map_channel(struct err *err)
{
	_cleanup_close_ int fd = open("/dev/mem", O_RDWR | O_CLOEXEC);

	if (fd < 0) {
		err_errno(err, "open /dev/mem");
		return NULL;
	}
	void *p = mmap(NULL, CHANNEL_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		       (off_t)CHANNEL_ADDRESS);
	if (p == MAP_FAILED) {
		err_errno(err, "map the channel's memory");
		return NULL;
	}
	return p;
}

/* As outb() of sys/io.h; but the host reads and writes the channel at that instruction. */
static void write_port(uint16_t port, uint8_t value)
{
	__asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

static void __attribute__((noreturn)) end_guest(struct channel *c)
{
	c->stage = CHANNEL_DONE;
	for (;;)
		write_port(CHANNEL_EXIT_PORT, 0);
}

/* Stands still here; each scenario begins when this returns. */
static int stop_here(struct channel *c, struct err *err)
{
	write_port(CHANNEL_STOP_PORT, CHANNEL_STOP_VALUE);
	if (c->magic != CHANNEL_MAGIC || c->version != CHANNEL_VERSION)
		return err_set(err, "the snapshot is of another version of wirecut");
	c->stage = CHANNEL_STARTED;
	return 0;
}

/* --- the input --- */

static json_t *read_json(const char *path, struct arena *a, struct err *err)
{
	size_t len;
	char *text = io_read_file(path, &len, a, err);
	json_error_t error;

	if (!text)
		return NULL;
	json_t *json = json_loadb(text, len, 0, &error);
	if (!json)
		err_set(err, "%s: %s", path, error.text);
	return json;
}

static int read_config(struct run_config *config, struct arena *a, struct err *err)
{
	_cleanup_json_ json_t *json = read_json(GUEST_CONFIG, a, err);
	const char *start_dir, *path;
	json_t *keep_dirs;
	json_int_t soft, hard;

	if (!json)
		return -1;
	if (json_unpack(json, "{ss ss so sI sI}", "start_dir", &start_dir, "path", &path,
			"keep_dirs", &keep_dirs, "nofile_soft", &soft, "nofile_hard", &hard) < 0)
		return err_set(err, GUEST_CONFIG ": not as it should be");
	size_t n = json_array_size(keep_dirs);
	const char **dirs = arena_new_array(a, const char *, n + 1);
	for (size_t i = 0; i < n; i++)
		dirs[i] = arena_strdup(a, json_string_value(json_array_get(keep_dirs, i)));
	config->start_dir = arena_strdup(a, start_dir);
	config->path = arena_strdup(a, path);
	config->keep_dirs = dirs;
	config->nofile = (struct rlimit){(rlim_t)soft, (rlim_t)hard};
	return 0;
}

static struct plan *read_plan(struct arena *a, struct err *err)
{
	_cleanup_json_ json_t *json = read_json(GUEST_PLAN, a, err);
	struct plan *plan = arena_new(a, struct plan);

	return json && plan_from_json(plan, json, a, err) == 0 ? plan : NULL;
}

/* --- the run --- */

/* Until the sandbox has ended; .err of its last message is what the run came to. */
static int wait_for_end(struct run *run, struct channel *c, struct err *err)
{
	struct pollfd p[] = {{.fd = run->control_fd, .events = POLLIN},
			     {.fd = run->pidfd, .events = POLLIN}};
	bool done = false;

	while (!p[1].revents) {
		struct run_msg msg;

		(void)TEMP_FAILURE_RETRY(poll(p, ARRAY_SIZE(p), -1));
		while (run_read(run, &msg)) {
			if (msg.stage == RUN_READY)
				c->stage = CHANNEL_RUNNING;
			done = done || msg.stage == RUN_DONE;
			*err = msg.err;
		}
		/* Its end of the pair closes when it ends; the pidfd says the rest. */
		if (p[0].revents & POLLHUP)
			p[0].fd = -1;
	}
	run_finish(run);
	if (!done)
		return err_set(err, "the sandbox ended unexpectedly (out of memory?)");
	return err->msg[0] ? -1 : 0;
}

/*
 * The sandbox cannot raise its own limit. One higher than the kernel has at all (fs.nr_open) can only
 * have come from a machine that was set up so.
 */
static int raise_limit(const struct rlimit *wanted, struct err *err)
{
	struct rlimit r = {wanted->rlim_max, wanted->rlim_max};

	if (r.rlim_max > NR_OPEN)
		r.rlim_cur = r.rlim_max = NR_OPEN;
	if (setrlimit(RLIMIT_NOFILE, &r) < 0)
		return err_errno(err, "raise the limit of descriptors to %llu",
				 (unsigned long long)r.rlim_max);
	return 0;
}

/* `trace` is filled in, and what the configuration then points to. */
static int carry_out(struct run_config *config, struct statetrace_event *trace, struct channel *c,
		     struct err *err)
{
	struct run run;

	if (mkdir(GUEST_RESULTS_DIR, 0755) < 0)
		return err_errno(err, "make the folder of the results");
	config->results_fd = open(GUEST_RESULTS_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (config->results_fd < 0)
		return err_errno(err, "open the folder of the results");
	if (statetrace_open(GUEST_TRACEFS, 0, trace, err) < 0)
		return -1;
	config->trace = trace;
	config->n_trace = 1;
	config->now = &c->t;
	if (raise_limit(&config->nofile, err) < 0)
		return -1;
	if (run_start(config, &run, err) < 0)
		return -1;
	return wait_for_end(&run, c, err);
}

/* Behind the results. What is not known, or has no room there, is not told. */
static void put_out_lookups(struct channel *c)
{
	_cleanup_arena_ struct arena a = {0};
	struct err ignored;
	const char *text = lookups_failed(GUEST_TRACEFS, &a, &ignored);
	size_t size = text ? strlen(text) : 0;
	uint64_t offset = c->output_offset + c->output_size;

	if (!text || size > CHANNEL_SIZE - offset)
		return;
	memcpy((char *)c + offset, text, size);
	c->lookups_offset = offset;
	c->lookups_size = size;
}

static int put_out(struct channel *c, struct err *err)
{
	uint64_t offset = (CHANNEL_INPUT + c->input_size + PAGE - 1) / PAGE * PAGE;
	size_t size;

	_cleanup_close_ int dir = open(GUEST_RESULTS_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0)
		return err_errno(err, "open the folder of the results");
	if (archive_write_folder(dir, (char *)c + offset, CHANNEL_SIZE - offset, &size, err) < 0)
		return err_wrap(err, "hand out the results");
	c->output_offset = offset;
	c->output_size = size;
	put_out_lookups(c);
	return 0;
}

static int run_scenario(struct channel *c, struct err *err)
{
	_cleanup_arena_ struct arena a = {0};
	struct run_config config = {0};
	struct statetrace_event trace;

	_cleanup_close_ int root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (root < 0)
		return err_errno(err, "open the root folder");
	if (archive_unpack((char *)c + CHANNEL_INPUT, c->input_size, root, err) < 0)
		return err_wrap(err, "unpack the scenario");
	if (setup_seed(c->seed, err) < 0 || read_config(&config, &a, err) < 0)
		return -1;
	config.plan = read_plan(&a, err);
	if (!config.plan || resources_judge(carry_out(&config, &trace, c, err), err) < 0)
		return -1;
	return put_out(c, err);
}

void guest_main(void)
{
	struct err err = {0}, unwatched;
	struct channel *c = NULL;

	if (setup_mounts(&err) == 0 && setup_modules(GUEST_MODULES_ORDER, &err) == 0 &&
	    setup_quiet(&err) == 0 && iopl(IOPL_ALL) == 0)
		c = map_channel(&err);
	if (!c) {
		fprintf(stderr, "wirecut: the guest cannot be set up: %s\n", err.msg);
		_exit(1);
	}
	if (lookups_watch(GUEST_TRACEFS, &unwatched) < 0)
		fprintf(stderr, "wirecut: %s\n", unwatched.msg);
	if (stop_here(c, &err) < 0 || run_scenario(c, &err) < 0)
		c->err = err;
	end_guest(c);
}
