/* SPDX-License-Identifier: MIT */
#include "harness/guest/setup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/random.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "harness/base/cleanup.h"
#include "harness/base/io.h"
#include "harness/base/rng.h"

/* --- mounts --- */

static const struct {
	const char *type, *path;
} mounts[] = {
	{"proc", "/proc"},          {"sysfs", "/sys"},     {"devtmpfs", "/dev"},
	{"tracefs", GUEST_TRACEFS}, {"tmpfs", "/dev/shm"}, {"devpts", "/dev/pts"},
	{"tmpfs", "/tmp"},          {"tmpfs", "/run"},
};

int setup_mounts(struct err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(mounts); i++) {
		if (mkdir(mounts[i].path, 0755) < 0 && errno != EEXIST)
			return err_errno(err, "make the folder %s", mounts[i].path);
		if (mount(mounts[i].type, mounts[i].path, mounts[i].type, 0, NULL) < 0)
			return err_errno(err, "mount %s", mounts[i].path);
	}
	if (chmod("/tmp", 01777) < 0 || (mkdir("/var", 0755) < 0 && errno != EEXIST) ||
	    (mkdir("/var/tmp", 01777) < 0 && errno != EEXIST))
		return err_errno(err, "make the folders of temporary files");
	return 0;
}

/* --- modules --- */

static int load_module(const char *path, struct err *err)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || (syscall(SYS_finit_module, fd, "", 0) < 0 && errno != EEXIST))
		return err_errno(err, "load the module %s", path);
	return 0;
}

int setup_modules(const char *order, struct err *err)
{
	_cleanup_fclose_ FILE *f = fopen(order, "re");
	char path[PATH_MAX];

	if (!f)
		return err_errno(err, "%s", order);
	while (fgets(path, sizeof(path), f)) {
		path[strcspn(path, "\n")] = '\0';
		if (load_module(path, err) < 0)
			return -1;
	}
	return 0;
}

/* --- silence --- */

static const struct {
	const char *file, *value;
} settings[] = {
	/* Timers of the memory management that run whether or not anything happens. */
	{"/proc/sys/vm/compaction_proactiveness", "0"},
	{"/proc/sys/vm/stat_interval", "100000"},
	{"/proc/sys/vm/dirty_writeback_centisecs", "0"},
	{"/proc/sys/kernel/hung_task_timeout_secs", "0"},
	/* Neighbours that drivers want resolved at all times: there are none. */
	{"/proc/sys/net/ipv4/neigh/default/interval_probe_time_ms", "1000000000"},
	{"/proc/sys/net/ipv6/neigh/default/interval_probe_time_ms", "1000000000"},
	/* The trace of sockets is read by the sandbox's init, in a user namespace of its own. */
	{"/proc/sys/kernel/perf_event_paranoid", "-1"},
};

int setup_quiet(struct err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++) {
		_cleanup_close_ int fd = open(settings[i].file, O_WRONLY | O_CLOEXEC);

		if (fd < 0 || io_write_all(fd, settings[i].value, strlen(settings[i].value)) < 0)
			return err_errno(err, "write %s", settings[i].file);
	}
	return 0;
}

/* --- randomness --- */

#define SEED_WORDS 8 /* 512 bits: the generator takes 256 */

int setup_seed(uint64_t seed, struct err *err)
{
	uint64_t words[SEED_WORDS];
	/* struct rand_pool_info, with what its last member has no room for. */
	uint64_t storage[(sizeof(struct rand_pool_info) + sizeof(words)) / sizeof(uint64_t)];
	struct rand_pool_info *pool = (struct rand_pool_info *)storage;
	struct rng rng;
	_cleanup_close_ int fd = open("/dev/urandom", O_RDWR | O_CLOEXEC);

	rng_init(&rng, seed, "guest");
	for (size_t i = 0; i < SEED_WORDS; i++)
		words[i] = rng_u64(&rng);
	pool->entropy_count = (int)sizeof(words) * CHAR_BIT;
	pool->buf_size = sizeof(words);
	memcpy(pool->buf, words, sizeof(words));
	if (fd < 0 || ioctl(fd, RNDADDENTROPY, pool) < 0 || ioctl(fd, RNDRESEEDCRNG) < 0)
		return err_errno(err, "seed the kernel's random generator");
	return 0;
}
