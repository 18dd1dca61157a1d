/* SPDX-License-Identifier: MIT */
#include "harness/virtual/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/base/cleanup.h"
#include "harness/base/io.h"
#include "harness/virtual/archive.h"
#include "harness/virtual/canonical.h"
#include "harness/virtual/channel.h"
#include "harness/virtual/console.h"
#include "harness/virtual/lookups.h"
#include "harness/virtual/pack.h"
#include "harness/virtual/qemu.h"
#include "harness/virtual/snapshot.h"

/* Its descriptors: above the standard ones, in this order. */
enum { CONTROL_FD = 3, RESULTS_FD, INITRD_FD };

/* How often the guest's time is passed on, for people to look at. */
#define PROGRESS_MS 250
/* Restoring takes a fraction of a second; a busy machine's may take long. */
#define RESTORE_WITHIN (60 * NSEC_PER_SEC)

/*
 * What a guest's kernel and wirecut take, and a small program with its host. A larger one wants more:
 * an eighth of what is packed is the memory of its own of a server in Python (11 of 76 MB) or Node
 * (10 to 15 of 104 MB); what it is mapped from is in the root's files already.
 */
#define MEMORY_KERNEL_MIB    160
#define MEMORY_APP_MIB       6
#define MEMORY_APP_OF_PACKED 8
/* The link engine's ring is in the kernel's share; it grows with the hosts, and gso has one more. */
#define MEMORY_RING_HOSTS     16
#define MEMORY_MANY_HOSTS_MIB 48
#define MEMORY_GSO_MIB        32

struct supervisor {
	const struct run_config *config;
	const struct virtual_config *v;
	struct guest_image image; /* its descriptor is ours */
	struct arena arena;
	struct canonical canonical; /* of the plan, in the arena */
	struct pack_input in;
	struct fileset packed; /* with the scenario, in the arena */
	struct channel *channel;
	int channel_fd, console_fd;
	struct snapshot snapshot; /* from which the guest goes on */
	struct qemu qemu;
	bool exact;
};

static void tell(enum run_stage stage, nsec_t t, bool exact, const struct err *err)
{
	struct run_msg msg = {.stage = stage, .t = t, .exact = exact, .err = *err};

	(void)TEMP_FAILURE_RETRY(write(CONTROL_FD, &msg, sizeof(msg)));
}

/* --- in --- */

static json_t *config_json(const struct run_config *config, const struct pack_input *in,
			   const struct fileset *set)
{
	const struct strings keep = pack_keep_dirs(in, config->keep_dirs, set);
	json_t *dirs = json_array();

	vec_foreach (dir, &keep)
		json_array_append_new(dirs, json_string(*dir));
	/* No path of the canonical plan counts from a folder. */
	return json_pack("{ss ss so sI sI}", "start_dir", "/", "path", pack_path(config->path, set),
			 "keep_dirs", dirs, "nofile_soft", (json_int_t)config->nofile.rlim_cur,
			 "nofile_hard", (json_int_t)config->nofile.rlim_max);
}

static int add_json(struct fileset *set, const char *path, json_t *json, struct err *err)
{
	_cleanup_json_ json_t *owned = json;
	_cleanup_free_ char *text = owned ? json_dumps(owned, JSON_COMPACT) : NULL;

	if (!text)
		return err_set(err, "out of memory");
	return fileset_add_bytes(set, path, FILESET_FILE_MODE, arena_strdup(set->arena, text),
				 strlen(text), err);
}

static int put_in(struct supervisor *s, struct err *err)
{
	const struct run_config *config = s->config;
	struct fileset *set = &s->packed;

	canonical_make(config->plan, config->start_dir, &s->arena, &s->canonical);
	s->in = (struct pack_input){&s->canonical.plan, config->start_dir, config->path};
	fileset_init(set, CHANNEL_SIZE / 2, &s->arena);
	if (pack_files(&s->in, set, err) < 0 ||
	    add_json(set, GUEST_PLAN, plan_to_json(&s->canonical.in_guest), err) < 0 ||
	    add_json(set, GUEST_CONFIG, config_json(config, &s->in, set), err) < 0 ||
	    lseek(s->channel_fd, CHANNEL_INPUT, SEEK_SET) < 0 ||
	    archive_write(set, s->channel_fd, err) < 0)
		return err_wrap(err, "pack the scenario for the guest");
	s->channel->input_size = (uint64_t)lseek(s->channel_fd, 0, SEEK_CUR) - CHANNEL_INPUT;
	s->channel->seed = s->v->seed;
	s->channel->magic = CHANNEL_MAGIC;
	s->channel->version = CHANNEL_VERSION;
	return 0;
}

static int make_channel(struct supervisor *s, struct err *err)
{
	s->channel_fd = memfd_create("wirecut-channel", MFD_CLOEXEC);
	s->console_fd = memfd_create("wirecut-console", MFD_CLOEXEC);
	if (s->channel_fd < 0 || s->console_fd < 0 || ftruncate(s->channel_fd, CHANNEL_SIZE) < 0 ||
	    fcntl(s->console_fd, F_SETFL, O_APPEND) < 0)
		return err_errno(err, "make the memory that is shared with the guest");
	void *p = mmap(NULL, CHANNEL_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, s->channel_fd, 0);
	if (p == MAP_FAILED)
		return err_errno(err, "map the memory that is shared with the guest");
	s->channel = p;
	return 0;
}

/* The RAM of a guest for this plan: a few sizes only, for each has a snapshot of its own. */
static int memory_for(const struct supervisor *s)
{
	static const int sizes_mib[] = {512, 1024, 2048, QEMU_MEMORY_MAX_MIB};
	/* The root's files may take half of the memory (tmpfs), and are in the channel too. */
	uint64_t packed_mib = s->channel->input_size >> 20;
	uint64_t app_mib = MEMORY_APP_MIB + packed_mib / MEMORY_APP_OF_PACKED;
	const struct plan *plan = s->config->plan;
	uint64_t wanted = MEMORY_KERNEL_MIB + plan->apps.n * app_mib + 2 * packed_mib;
	size_t i = 0;

	if (plan->hosts.n >= MEMORY_RING_HOSTS)
		wanted += MEMORY_MANY_HOSTS_MIB;
	if (plan->gso == GSO_ON)
		wanted += MEMORY_GSO_MIB;
	while (i + 1 < ARRAY_SIZE(sizes_mib) && (uint64_t)sizes_mib[i] < wanted)
		i++;
	return sizes_mib[i];
}

static void tell_boot(void *arg)
{
	const struct err none = {0};

	(void)arg;
	tell(RUN_BOOTING, 0, false, &none);
}

static int start_guest(struct supervisor *s, struct err *err)
{
	struct qemu_config c = {
		.memory_mib = memory_for(s),
		.ram_private = true,
		.channel_fd = s->channel_fd,
		.console_fd = s->console_fd,
		.seed = (uint32_t)s->v->seed,
		.cpu = s->v->cpu,
		.cancel_fd = CONTROL_FD,
	};

	const struct boot_watch watch = {.begins = tell_boot};
	if (snapshot_open(&s->image, &c, &watch, &s->arena, &s->snapshot, err) < 0)
		return -1;
	nsec_t deadline = nsec_monotonic() + RESTORE_WITHIN;
	snapshot_configure(&s->image, &c);
	c.ram = s->snapshot.ram;
	c.state_fd = s->snapshot.state_fd;
	if (qemu_start(&c, &s->qemu, err) < 0 ||
	    qemu_restore(&s->qemu, c.state_fd, deadline, err) < 0 ||
	    qemu_continue(&s->qemu, deadline, &s->exact, err) < 0)
		return -1;
	return 0;
}

/* --- while it runs --- */

/* Until the guest has ended by itself. */
static int wait_for_guest(struct supervisor *s, struct err *err)
{
	struct pollfd p[] = {{.fd = CONTROL_FD, .events = POLLIN},
			     {.fd = s->qemu.pidfd, .events = POLLIN}};
	nsec_t deadline = nsec_monotonic() + s->v->wall_time;
	struct err none = {0};

	for (;;) {
		if (poll(p, ARRAY_SIZE(p), PROGRESS_MS) < 0 && errno != EINTR)
			return err_errno(err, "wait for the guest");
		if (p[0].revents)
			return err_set(err, "cancelled");
		if (p[1].revents)
			return 0;
		if (nsec_monotonic() > deadline)
			return err_set(
				err,
				"the guest hangs: after %.0f s of wall time it is at %.1f s; "
				"a program that spins keeps its time from jumping; give it more by "
				"--timeout, or run it on the real clock (--clock real)",
				(double)s->v->wall_time / 1e9, (double)s->channel->t / 1e9);
		tell(RUN_PROGRESS, s->channel->t, s->exact, &none);
	}
}

/* --- out --- */

static bool is_in_channel(uint64_t offset, uint64_t size)
{
	return offset <= CHANNEL_SIZE && size <= CHANNEL_SIZE - offset;
}

static int check_ended(struct supervisor *s, struct err *err)
{
	const struct channel *c = s->channel;
	char how[64];

	if (c->stage != CHANNEL_DONE)
		return err_set(err, "the guest ended unexpectedly at %.1f s (%s)",
			       (double)c->t / 1e9, qemu_reap(&s->qemu, how, sizeof(how)));
	if (c->err.msg[0]) {
		*err = c->err;
		return -1;
	}
	if (!is_in_channel(c->output_offset, c->output_size) ||
	    !is_in_channel(c->lookups_offset, c->lookups_size))
		return err_set(err, "the guest's results are not where they can be");
	return 0;
}

/* A file of the results, if there is anything to tell. */
static int write_not_packed(struct supervisor *s, struct err *err)
{
	const struct channel *c = s->channel;
	struct arena *a = &s->arena;
	struct not_packed files;
	const char *text = arena_strndup(a, (const char *)c + c->lookups_offset, c->lookups_size);

	lookups_not_packed(text, &s->in, &s->packed, a, &files);
	if (!files.n)
		return 0;
	text = not_packed_write(&files, a);
	return io_write_file_at(RESULTS_FD, NOT_PACKED_FILE, text, strlen(text), err);
}

/* An error that the guest has recorded tells its place. */
static int restore_events(const struct supervisor *s, struct err *err)
{
	_cleanup_arena_ struct arena a = {0};
	size_t len;
	const char *text = io_read_file_at(RESULTS_FD, "events.jsonl", &len, &a, err);

	if (!text)
		return -1;
	const char *restored = canonical_restore_json(&s->canonical, text, &a);
	return restored == text ? 0
				: io_write_file_at(RESULTS_FD, "events.jsonl", restored,
						   strlen(restored), err);
}

static int take_out(struct supervisor *s, struct err *err)
{
	if (archive_unpack((char *)s->channel + s->channel->output_offset, s->channel->output_size,
			   RESULTS_FD, err) < 0 ||
	    restore_events(s, err) < 0)
		return err_wrap(err, "unpack the guest's results");
	return write_not_packed(s, err);
}

static int run_guest(struct supervisor *s, struct err *err)
{
	if (start_guest(s, err) < 0 || wait_for_guest(s, err) < 0)
		return -1;
	return check_ended(s, err);
}

/*
 * A guest that ended before t = 0 and did not say why: what the cache had may be damaged. If it was
 * not, the one that is made in its place ends in the same way.
 */
static bool is_snapshot_bad(const struct supervisor *s)
{
	struct pollfd cancelled = {.fd = CONTROL_FD, .events = POLLIN};

	return s->snapshot.state_fd >= 0 && !s->snapshot.is_fresh &&
	       s->channel->stage < CHANNEL_RUNNING && poll(&cancelled, 1, 0) == 0;
}

static int carry_out(struct supervisor *s, struct err *err)
{
	if (make_channel(s, err) < 0 || put_in(s, err) < 0)
		return -1;
	int rc = run_guest(s, err);
	if (rc < 0 && is_snapshot_bad(s)) {
		qemu_end(&s->qemu);
		snapshot_discard(&s->snapshot);
		close(TAKE_FD(s->snapshot.state_fd));
		*err = (struct err){0};
		s->channel->stage = CHANNEL_BOOTING;
		rc = run_guest(s, err);
	}
	return rc < 0 ? -1 : take_out(s, err);
}

static void restore_error(struct supervisor *s, struct err *err)
{
	const char *text = canonical_restore(&s->canonical, err->msg, &s->arena);

	if (text != err->msg)
		snprintf(err->msg, sizeof(err->msg), "%s", text);
}

static void __attribute__((noreturn))
supervise(const struct run_config *config, const struct virtual_config *v)
{
	struct supervisor s = {
		.config = config,
		.v = v,
		.image = *v->image,
		.channel_fd = -1,
		.console_fd = -1,
		.snapshot = {.state_fd = -1},
	};
	struct err err = {0}, ignored;
	sigset_t all;

	s.image.initrd_fd = INITRD_FD;
	/* Signals of the terminal are the caller's to answer. */
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	setsid();
	int rc = carry_out(&s, &err);
	if (rc < 0)
		restore_error(&s, &err);
	qemu_end(&s.qemu);
	if (s.console_fd >= 0) {
		if (rc < 0)
			console_explain(s.console_fd, &err);
		(void)console_save(s.console_fd, RESULTS_FD, &ignored);
	}
	tell(RUN_DONE, s.channel ? s.channel->t : 0, s.exact, &err);
	_exit(0);
}

int virtual_start(const struct run_config *config, const struct virtual_config *v, struct run *ret,
		  struct err *err)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_errno(err, "make a socket pair");
	_cleanup_close_ int ours = pair[0], theirs = pair[1];
	fflush(NULL);
	pid_t pid = fork();
	if (pid < 0)
		return err_fork(err, "start the guest's supervisor");
	if (pid == 0) {
		int fds[] = {theirs, config->results_fd, v->image->initrd_fd};

		if (io_keep_only(fds, ARRAY_SIZE(fds)) < 0)
			_exit(1);
		supervise(config, v);
	}
	*ret = (struct run){.pid = pid, .pidfd = (int)syscall(SYS_pidfd_open, pid, 0)};
	if (ret->pidfd < 0) {
		err_errno(err, "watch the guest's supervisor");
		close(TAKE_FD(ours));
		(void)waitpid(pid, NULL, 0);
		return -1;
	}
	ret->control_fd = TAKE_FD(ours);
	return 0;
}
