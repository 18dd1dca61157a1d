/* SPDX-License-Identifier: MIT */
/* Hosts and cables in fresh namespaces, as `ip`, `hostname` and the file system see them. */
#include <check.h>
#include <fcntl.h>
#include <jansson.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/base/cleanup.h"
#include "harness/base/io.h"
#include "harness/run/host.h"
#include "harness/run/sysctl.h"
#include "harness/tests/netns.h"
#include "harness/tests/suite.h"

#define MAX_HOSTS 20

static struct arena arena;
static struct host hosts[MAX_HOSTS];
/* The cable namespace would go, and every cable with it, when a test moves into a host. */
static int cable_ns;

/* Makes the plan's hosts in fresh namespaces; false: skipped. Each test is a process of its own. */
static bool make_hosts(const struct plan *plan, const char *const *keep)
{
	static const char *const none[] = {NULL};
	struct hosts_config config = {.plan = plan, .keep_dirs = keep ? keep : none};
	struct err err = {0};

	if (!fresh_namespaces()) {
		skip("user namespaces are not allowed here");
		return false;
	}
	cable_ns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	ck_assert_int_ge(cable_ns, 0);
	ck_assert_msg(hosts_create(&config, hosts, &err) == 0, "%s", err.msg);
	return true;
}

/* Moves this test's process into a host. */
static void enter(int i)
{
	struct err err = {0};

	ck_assert_msg(host_enter(&hosts[i], &err) == 0, "%s", err.msg);
}

static char *read_text(const char *path)
{
	struct err err = {0};
	char *text = io_read_file(path, NULL, &arena, &err);

	ck_assert_msg(text != NULL, "%s", err.msg);
	return text;
}

START_TEST(test_addresses)
{
	static const char *const ip[] = {"ip", "-br", "addr", "show", "dev", "eth0", NULL};

	if (!make_hosts(plan_of_hosts(2, &arena), NULL))
		return;
	enter(1);
	char *text = output_of(&arena, ip);
	ck_assert_msg(strstr(text, "UP") != NULL, "%s", text);
	ck_assert_msg(strstr(text, "10.0.0.2/16") != NULL, "%s", text);
	if (sysctl_have_ipv6())
		ck_assert_msg(strstr(text, "fd00::2/64") != NULL, "%s", text);
	ck_assert_msg(strstr(text, "10.0.0.1/") == NULL, "%s", text);
}
END_TEST

START_TEST(test_neighbours_are_permanent_and_complete)
{
	static const char *const ip[] = {"ip", "neigh", "show", "nud", "permanent", NULL};
	int lines = 0;

	if (!make_hosts(plan_of_hosts(MAX_HOSTS, &arena), NULL))
		return;
	enter(0);
	char *text = output_of(&arena, ip);
	for (char *p = text; (p = strchr(p, '\n')); p++)
		lines++;
	int expected = (MAX_HOSTS - 1) * (sysctl_have_ipv6() ? 2 : 1);
	ck_assert_int_eq(lines, expected);
	ck_assert_msg(strstr(text, "10.0.0.20 dev eth0 lladdr 02:00:00:00:00:14 PERMANENT"), "%s",
		      text);
}
END_TEST

START_TEST(test_learnt_neighbours_are_not_there_before)
{
	static const char *const ip[] = {"ip", "neigh", "show", NULL};
	struct plan *plan = plan_of_hosts(2, &arena);

	plan->neighbours = NEIGHBOURS_LEARN;
	if (!make_hosts(plan, NULL))
		return;
	enter(0);
	char *text = output_of(&arena, ip);
	ck_assert_msg(!strstr(text, "10.0.0.2"), "%s", text);
	ck_assert_msg(!strstr(text, "fd00::2"), "%s", text);
}
END_TEST

START_TEST(test_port_is_here_and_quiet)
{
	static const char *const ip[] = {"ip", "-br", "addr", NULL};

	if (!make_hosts(plan_of_hosts(2, &arena), NULL))
		return;
	char *text = output_of(&arena, ip);
	ck_assert_msg(strstr(text, "p1@") && strstr(text, "p2@"), "%s", text);
	ck_assert_msg(!strstr(text, "fe80::"), "a port has an address of its own: %s", text);
}
END_TEST

/* A host's table of sockets is small, and the kernel would allow few in TIME_WAIT for that. */
START_TEST(test_time_wait_is_not_cut_short)
{
	static const char *const cat[] = {"cat", "/proc/sys/net/ipv4/tcp_max_tw_buckets", NULL};

	if (!make_hosts(plan_of_hosts(1, &arena), NULL))
		return;
	enter(0);
	ck_assert_str_eq(output_of(&arena, cat), "262144\n");
}
END_TEST

START_TEST(test_hostname_and_hosts_file)
{
	char name[64];

	if (!make_hosts(plan_of_hosts(2, &arena), NULL))
		return;
	enter(0);
	ck_assert_int_eq(gethostname(name, sizeof(name)), 0);
	ck_assert_str_eq(name, "h1");
	char *text = read_text("/etc/hosts");
	ck_assert_msg(strstr(text, "10.0.0.2 h2\nfd00::2 h2\n"), "%s", text);
	ck_assert_str_eq(read_text("/etc/hostname"), "h1\n");
}
END_TEST

START_TEST(test_group_name_is_its_first_member)
{
	struct plan *plan = plan_of_hosts(2, &arena);

	plan->hosts.v[0].group = plan->hosts.v[1].group = arena_strdup(&arena, "h");
	if (!make_hosts(plan, NULL))
		return;
	enter(1);
	char *text = read_text("/etc/hosts");
	ck_assert_msg(strstr(text, "10.0.0.1 h1 h\n"), "%s", text);
	ck_assert_msg(strstr(text, "10.0.0.2 h2\n"), "%s", text);
}
END_TEST

START_TEST(test_private_folders)
{
	if (!make_hosts(plan_of_hosts(2, &arena), NULL))
		return;
	char *before = arena_printf(&arena, "/tmp/wirecut-test.%d", getpid());
	ck_assert_int_ge(open(before, O_WRONLY | O_CREAT | O_CLOEXEC, 0600), 0);
	enter(0);
	ck_assert_int_lt(access(before, F_OK), 0);
	ck_assert_int_ge(open("/tmp/only-here", O_WRONLY | O_CREAT | O_CLOEXEC, 0600), 0);
	enter(1);
	ck_assert_int_lt(access("/tmp/only-here", F_OK), 0);
}
END_TEST

/* A kept folder is seen in a host although it lies in /tmp; what lies beside it is not. */
START_TEST(test_kept_folder_under_tmp)
{
	char keep[] = "/tmp/wirecut-keep.XXXXXX";

	ck_assert_ptr_nonnull(mkdtemp(keep));
	const char *const list[] = {keep, NULL};
	char *file = arena_printf(&arena, "%s/program", keep);
	int fd = open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	ck_assert_int_ge(fd, 0);
	close(fd);

	pid_t pid = fork();
	if (pid == 0) {
		if (make_hosts(plan_of_hosts(1, &arena), list)) {
			enter(0);
			_exit(access(file, F_OK) == 0 ? 0 : 1);
		}
		_exit(0);
	}
	int status;
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(unlink(file), 0);
	ck_assert_int_eq(rmdir(keep), 0);
	ck_assert_int_eq(status, 0);
}
END_TEST

static void add_file(struct plan *plan, const char *path, const char *text)
{
	*vec_push(&arena, &plan->files) = (struct plan_file){
		.host = 0, .path = arena_strdup(&arena, path), .text = arena_strdup(&arena, text)};
}

START_TEST(test_private_files)
{
	struct plan *plan = plan_of_hosts(2, &arena);
	struct stat before, after;

	add_file(plan, "/etc/passwd", "private:x:0:0::/:/bin/sh\n");
	add_file(plan, "/etc/wirecut-none/conf.d/app.conf", "port = 8000\n");
	add_file(plan, "/etc/wirecut-none/other.conf", "x\n");
	add_file(plan, "/tmp/a/b", "in tmp\n");
	ck_assert_int_eq(stat("/etc", &before), 0);
	if (!make_hosts(plan, NULL))
		return;
	enter(0);
	ck_assert_str_eq(read_text("/etc/passwd"), "private:x:0:0::/:/bin/sh\n");
	ck_assert_str_eq(read_text("/etc/wirecut-none/conf.d/app.conf"), "port = 8000\n");
	ck_assert_str_eq(read_text("/etc/wirecut-none/other.conf"), "x\n");
	ck_assert_str_eq(read_text("/tmp/a/b"), "in tmp\n");
	/* What else the replaced folder held is still there. */
	ck_assert_int_eq(access("/etc/group", R_OK), 0);
	/* The other host and the machine have none of it. */
	enter(1);
	ck_assert_int_lt(access("/etc/wirecut-none", F_OK), 0);
	ck_assert_ptr_null(strstr(read_text("/etc/passwd"), "private"));
	ck_assert_int_eq(stat("/etc", &after), 0);
	ck_assert_int_eq(before.st_mtim.tv_sec, after.st_mtim.tv_sec);
}
END_TEST

START_TEST(test_sysctls)
{
	struct plan *plan = plan_of_hosts(2, &arena);
	struct string_pair *s = vec_push(&arena, &plan->hosts.v[0].sysctl);

	s->name = arena_strdup(&arena, "net.ipv4.tcp_retries2");
	s->value = arena_strdup(&arena, "8");
	if (!make_hosts(plan, NULL))
		return;
	enter(0);
	int fd = open("/proc/sys/net/ipv4/tcp_retries2", O_RDONLY | O_CLOEXEC);
	char value[16] = "";
	ck_assert_int_gt(read(fd, value, sizeof(value) - 1), 0);
	ck_assert_str_eq(value, "8\n");
}
END_TEST

/* Whatever the machine itself uses: by the sysctl, or by the routes where that is not allowed. */
START_TEST(test_congestion_control_is_cubic)
{
	static const char *const ip[] = {"ip", "route", "get", "10.0.0.2", NULL};
	char value[16] = "";

	if (!make_hosts(plan_of_hosts(2, &arena), NULL))
		return;
	enter(0);
	int fd = open("/proc/sys/net/ipv4/tcp_congestion_control", O_RDONLY | O_CLOEXEC);
	ck_assert_int_gt(read(fd, value, sizeof(value) - 1), 0);
	if (strcmp(value, "cubic\n") != 0)
		ck_assert_ptr_nonnull(strstr(output_of(&arena, ip), "congctl cubic"));
}
END_TEST

START_TEST(test_unknown_sysctl_is_an_error)
{
	static const char *const none[] = {NULL};
	struct plan *plan = plan_of_hosts(1, &arena);
	struct hosts_config config = {.plan = plan, .keep_dirs = none};
	struct string_pair *s = vec_push(&arena, &plan->hosts.v[0].sysctl);
	struct err err = {0};

	s->name = arena_strdup(&arena, "net.ipv4.tcp_nonsense");
	s->value = arena_strdup(&arena, "8");
	if (!fresh_namespaces()) {
		skip("user namespaces are not allowed here");
		return;
	}
	ck_assert_int_lt(hosts_create(&config, hosts, &err), 0);
	ck_assert_str_eq(err.msg, "host h1: sysctl net.ipv4.tcp_nonsense: this kernel has none of "
				  "that name");
}
END_TEST

START_TEST(test_offloads_are_off)
{
	static const unsigned int gets[] = {ETHTOOL_GTSO, ETHTOOL_GGSO, ETHTOOL_GGRO,
					    ETHTOOL_GTXCSUM};

	if (!make_hosts(plan_of_hosts(2, &arena), NULL))
		return;
	enter(0);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	for (size_t i = 0; i < ARRAY_SIZE(gets); i++) {
		struct ethtool_value value = {.cmd = gets[i], .data = 1};
		struct ifreq req = {.ifr_name = "eth0", .ifr_data = (void *)&value};

		ck_assert_int_eq(ioctl(fd, SIOCETHTOOL, &req), 0);
		ck_assert_uint_eq(value.data, 0);
	}
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("hosts");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, test_addresses);
	tcase_add_test(t, test_neighbours_are_permanent_and_complete);
	tcase_add_test(t, test_learnt_neighbours_are_not_there_before);
	tcase_add_test(t, test_port_is_here_and_quiet);
	tcase_add_test(t, test_time_wait_is_not_cut_short);
	tcase_add_test(t, test_hostname_and_hosts_file);
	tcase_add_test(t, test_group_name_is_its_first_member);
	tcase_add_test(t, test_private_folders);
	tcase_add_test(t, test_kept_folder_under_tmp);
	tcase_add_test(t, test_private_files);
	tcase_add_test(t, test_sysctls);
	tcase_add_test(t, test_congestion_control_is_cubic);
	tcase_add_test(t, test_unknown_sysctl_is_an_error);
	tcase_add_test(t, test_offloads_are_off);
	return run_tests("hosts", t);
}
