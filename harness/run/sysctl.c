/* SPDX-License-Identifier: MIT */
#include "harness/run/sysctl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "harness/base/cleanup.h"
#include "harness/base/io.h"

#define CONGESTION_CONTROL "net.ipv4.tcp_congestion_control"

/*
 * A dump of the sockets walks the whole table, be it empty, once for each family; while a fault is
 * on that is each 20 ms on every host. Of 10,000 sockets this makes ten a bucket. The kernel derives
 * limits from the size of the table (tcp_set_hashinfo() in net/ipv4/tcp_ipv4.c): see the baseline.
 */
#define HOST_EHASH_ENTRIES "1024"

/*
 * A new network namespace starts from the machine's own values for some settings (the congestion
 * control, the TCP buffers, everything under ipv4/conf) and from the kernel's defaults for the
 * rest. These make a host the same on every machine. The buffers are the kernel's own defaults on
 * a machine with enough memory (tcp_init() in net/ipv4/tcp.c).
 */
struct setting {
	const char *name, *value;
	bool ipv6;
};

static const struct setting baseline[] = {
	{"net.ipv4.tcp_rmem", "4096 131072 6291456", false},
	{"net.ipv4.tcp_wmem", "4096 16384 4194304", false},
	/* As with the largest table that the kernel makes by itself; a host's small one gives 512. */
	{"net.ipv4.tcp_max_tw_buckets", "262144", false},
	{"net.ipv4.conf.all.rp_filter", "0", false},
	{"net.ipv4.conf.default.rp_filter", "0", false},
	{"net.ipv4.conf.all.arp_ignore", "0", false},
	{"net.ipv4.conf.all.arp_announce", "0", false},
	/* An address with DAD can be bound only after 1.5 to 1.8 s; nobody else can have it here. */
	{"net.ipv6.conf.default.accept_dad", "0", true},
	{"net.ipv6.conf.default.dad_transmits", "0", true},
	{"net.ipv6.conf.default.accept_ra", "0", true},
	{"net.ipv6.conf.default.router_solicitations", "0", true},
	{"net.ipv6.conf.default.disable_ipv6", "0", true},
	/*
	 * What a new interface has to say of its multicast groups is said at once, not in the first
	 * second of the scenario, where a fault would count it.
	 */
	{"net.ipv6.conf.default.mldv1_unsolicited_report_interval", "1", true},
	{"net.ipv6.conf.default.mldv2_unsolicited_report_interval", "1", true},
};

bool sysctl_have_ipv6(void)
{
	return access("/proc/sys/net/ipv6", F_OK) == 0;
}

static int explain(const char *name, const char *value, struct err *err)
{
	int saved = errno; /* err_errno() keeps it for the caller too */

	err_errno(err, "sysctl %s = %s", name, value);
	if (saved == ENOENT)
		return err_set(err, "sysctl %s: this kernel has none of that name", name);
	if (saved == EPERM && !strcmp(name, CONGESTION_CONTROL))
		return err_set(
			err,
			"sysctl %s: this machine lets nobody choose %s: allow it with sysctl -w "
			"net.ipv4.tcp_allowed_congestion_control=\"... %s\"",
			name, value, value);
	if (saved == EROFS)
		return err_set(err,
			       "sysctl %s: /proc/sys is read-only here (a container?): run it with "
			       "--security-opt systempaths=unconfined or --privileged",
			       name);
	return -1;
}

#define SETTING_PATH_BYTES 256

static int setting_path(const char *name, char *path, struct err *err)
{
	if (snprintf(path, SETTING_PATH_BYTES, "/proc/sys/%s", name) >= SETTING_PATH_BYTES)
		return err_set(err, "sysctl %s: the name is too long", name);
	/* As sysctl(8): dots separate, a slash stands for a dot inside a component. */
	for (char *p = path + strlen("/proc/sys/"); *p; p++) {
		if (*p == '.')
			*p = '/';
		else if (*p == '/')
			*p = '.';
	}
	return 0;
}

int sysctl_read(const char *name, char *value, size_t size, struct err *err)
{
	char path[SETTING_PATH_BYTES];

	if (setting_path(name, path, err) < 0)
		return -1;
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : io_read_all(fd, value, size);
	if (n < 0)
		return explain(name, "(read)", err);
	if ((size_t)n == size)
		return err_set(err, "sysctl %s: its value is too long", name);
	value[n] = '\0';
	value[strcspn(value, "\n")] = '\0';
	return 0;
}

int sysctl_write(const char *name, const char *value, struct err *err)
{
	char path[SETTING_PATH_BYTES];

	if (setting_path(name, path, err) < 0)
		return -1;
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || TEMP_FAILURE_RETRY(write(fd, value, strlen(value))) < 0)
		return explain(name, value, err);
	return 0;
}

int sysctl_write_baseline(bool *ret_by_route, struct err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(baseline); i++) {
		if (baseline[i].ipv6 && !sysctl_have_ipv6())
			continue;
		if (sysctl_write(baseline[i].name, baseline[i].value, err) < 0)
			return -1;
	}
	struct err refused;

	*ret_by_route = false;
	if (sysctl_write(CONGESTION_CONTROL, BASELINE_CONGESTION_CONTROL, &refused) == 0)
		return 0;
	if (errno != EPERM) {
		*err = refused;
		return -1;
	}
	*ret_by_route = true;
	return 0;
}

int sysctl_prepare_cable_namespace(struct err *err)
{
	struct err older_kernel;

	(void)sysctl_write("net.ipv4.tcp_child_ehash_entries", HOST_EHASH_ENTRIES, &older_kernel);
	if (!sysctl_have_ipv6())
		return 0;
	return sysctl_write("net.ipv6.conf.default.disable_ipv6", "1", err);
}
