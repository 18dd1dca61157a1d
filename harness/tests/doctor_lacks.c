/* SPDX-License-Identifier: MIT */
/*
 * What a machine can lack, made for one process: by a seccomp filter, a limit, a capability given up,
 * a mount in namespaces of its own.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "harness/base/cleanup.h"
#include "harness/base/io.h"
#include "harness/tests/doctor_lacks.h"
#include "harness/tests/fake_root.h"
#include "harness/tests/netns.h"
#include "harness/tests/refuse.h"

#define JOBS            16
#define FEW_DESCRIPTORS 64

/* --- what can be lacking --- */

static bool write_text(const char *path, const char *text)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);

	return fd >= 0 && io_write_all(fd, text, strlen(text)) == 0;
}

static void in_docker(struct doctor_machine *m)
{
	m->container = CONTAINER_DOCKER;
	m->seccomp = true;
}

bool no_clone_in_docker(struct doctor_input *in)
{
	in_docker(&in->machine);
	/* As Docker's own filter answers. */
	return refuse(SYS_clone3, ANY_ARGUMENT, 0, ENOSYS);
}

static bool no_clone_in_a_service(struct doctor_input *in)
{
	in->machine.seccomp = true;
	return refuse(SYS_clone3, ANY_ARGUMENT, 0, EPERM);
}

static bool no_clone_on_debian(struct doctor_input *in)
{
	in->machine.userns_forbidden = true;
	in->machine.root = false;
	return refuse(SYS_clone3, ANY_ARGUMENT, 0, EPERM);
}

static bool no_clone_in_old_kernel(struct doctor_input *in)
{
	(void)in;
	return refuse(SYS_clone3, ANY_ARGUMENT, 0, ENOSYS);
}

bool no_net_namespace_left(struct doctor_input *in)
{
	(void)in;
	return fresh_namespaces() && write_text("/proc/sys/user/max_net_namespaces", "0");
}

/* The test's own and the sandbox's, and none for a host. */
static bool two_net_namespaces(struct doctor_input *in)
{
	(void)in;
	return fresh_namespaces() && write_text("/proc/sys/user/max_net_namespaces", "2");
}

/* Namespaces can be made, but nothing can be done in them. */
static bool powerless_by_apparmor(struct doctor_input *in)
{
	in->machine.userns_by_apparmor = true;
	in->machine.root = false;
	return refuse(SYS_mount, 3, MS_REC | MS_PRIVATE, EPERM) &&
	       refuse(SYS_sendto, ANY_ARGUMENT, 0, EPERM);
}

static bool powerless_with_profile(struct doctor_input *in)
{
	in->machine.profile_is_installed = true;
	return powerless_by_apparmor(in);
}

static bool no_veth(struct doctor_input *in)
{
	(void)in;
	return refuse(SYS_sendto, ANY_ARGUMENT, 0, EOPNOTSUPP);
}

static bool mask_proc(struct doctor_input *in)
{
	if (!fresh_namespaces() || mount("tmpfs", "/proc/tty", "tmpfs", MS_RDONLY, NULL) < 0)
		return false;
	machine_read(in->root_fd, &in->machine);
	return true;
}

static bool masked_by_docker(struct doctor_input *in)
{
	bool done = mask_proc(in);

	in->machine.container = CONTAINER_DOCKER;
	return done;
}

static bool masked_by_podman(struct doctor_input *in)
{
	bool done = mask_proc(in);

	in->machine.container = CONTAINER_PODMAN;
	return done;
}

static bool read_only_sysctls(struct doctor_input *in)
{
	bool done = fresh_namespaces() &&
		    mount("/proc/sys", "/proc/sys", NULL, MS_BIND | MS_REC, NULL) == 0 &&
		    mount(NULL, "/proc/sys", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL) == 0;

	machine_read(in->root_fd, &in->machine);
	in->machine.container = CONTAINER_DOCKER;
	return done;
}

/* Only the mount that the probe makes: the sandbox makes others before. */
static bool no_tmpfs(struct doctor_input *in)
{
	in->machine.container = CONTAINER_DOCKER;
	snprintf(in->machine.apparmor, sizeof(in->machine.apparmor), "docker-default (enforce)");
	return refuse(SYS_mount, 3, MS_NOSUID | MS_NODEV, EACCES);
}

static bool no_packet_sockets(struct doctor_input *in)
{
	(void)in;
	return refuse(SYS_socket, 0, AF_PACKET, EAFNOSUPPORT);
}

static bool packet_sockets_refused(struct doctor_input *in)
{
	in_docker(&in->machine);
	return refuse(SYS_socket, 0, AF_PACKET, EPERM);
}

static bool no_sock_diag(struct doctor_input *in)
{
	(void)in;
	return refuse(SYS_socket, 2, NETLINK_SOCK_DIAG, EPROTONOSUPPORT);
}

static bool no_notifications(struct doctor_input *in)
{
	in_docker(&in->machine);
	return refuse(SYS_bind, 2, sizeof(struct sockaddr_nl), EPERM);
}

/* Destroying is refused, but not what else needs rights (told by the length of the request). */
static bool no_destroying(struct doctor_input *in)
{
	(void)in;
	return fresh_namespaces() && give_up(CAP_NET_ADMIN) &&
	       refuse(SYS_sendto, 2, NLMSG_LENGTH(sizeof(struct ifinfomsg)), ENOENT);
}

static bool no_net_admin(struct doctor_input *in)
{
	(void)in;
	return fresh_namespaces() && give_up(CAP_NET_ADMIN);
}

/* Found by its length, for a filter sees no text. */
static bool no_cubic(struct doctor_input *in)
{
	(void)in;
	return refuse(SYS_write, 2, strlen("cubic"), ENOENT);
}

bool cubic_not_allowed(struct doctor_input *in)
{
	(void)in;
	return refuse(SYS_write, 2, strlen("cubic"), EPERM);
}

static bool cubic_not_even_by_route(struct doctor_input *in)
{
	return cubic_not_allowed(in) && refuse(SYS_sendto, ANY_ARGUMENT, 0, EINVAL);
}

static bool cubic_powerless(struct doctor_input *in)
{
	return cubic_not_allowed(in) && powerless_by_apparmor(in);
}

static bool no_small_tables(struct doctor_input *in)
{
	(void)in;
	return fresh_namespaces() && refuse(SYS_write, 2, strlen("4096"), ENOENT);
}

static bool no_netem(struct doctor_input *in)
{
	(void)in;
	return refuse(SYS_sendto, ANY_ARGUMENT, 0, ENOENT);
}

static bool no_bridge(struct doctor_input *in)
{
	(void)in;
	return refuse(SYS_sendto, ANY_ARGUMENT, 0, EOPNOTSUPP);
}

static bool no_ipv6(struct doctor_input *in)
{
	(void)in;
	return refuse(SYS_socket, 0, AF_INET6, EAFNOSUPPORT);
}

static bool few_descriptors(struct doctor_input *in)
{
	(void)in;
	return setrlimit(RLIMIT_NOFILE, &(struct rlimit){FEW_DESCRIPTORS, FEW_DESCRIPTORS}) == 0;
}

static bool no_real_time(struct doctor_input *in)
{
	(void)in;
	return give_up(CAP_SYS_NICE) && setrlimit(RLIMIT_RTPRIO, &(struct rlimit){0, 0}) == 0;
}

static bool no_real_time_in_docker(struct doctor_input *in)
{
	in_docker(&in->machine);
	return no_real_time(in);
}

static bool no_real_time_for_user_in_docker(struct doctor_input *in)
{
	in->machine.root = false;
	return no_real_time_in_docker(in);
}

static bool one_core(struct doctor_input *in)
{
	cpu_set_t all, one;
	int cpu = 0;

	(void)in;
	if (sched_getaffinity(0, sizeof(all), &all) < 0)
		return false;
	while (!CPU_ISSET(cpu, &all))
		cpu++;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	return sched_setaffinity(0, sizeof(one), &one) == 0;
}

/* A machine of one file. */
static bool only_file(struct doctor_input *in, const char *name, const char *text)
{
	close(in->root_fd);
	in->root_fd = fake_root();
	return in->root_fd >= 0 && fake_root_put(in->root_fd, name, text);
}

static bool little_memory(struct doctor_input *in)
{
	return only_file(in, "proc/meminfo",
			 "MemTotal:  8000000 kB\nMemFree: 9999999 kB\nMemAvailable:  131072 kB\n");
}

static bool little_memory_in_cgroup(struct doctor_input *in)
{
	return only_file(in, "proc/meminfo", "MemAvailable: 99999999 kB\n") &&
	       fake_root_put(in->root_fd, "sys/fs/cgroup/memory.max", "104857600\n") &&
	       fake_root_put(in->root_fd, "sys/fs/cgroup/memory.current", "94371840\n");
}

static bool one_core_and_a_half(struct doctor_input *in)
{
	return only_file(in, "sys/fs/cgroup/cpu.max", "150000 100000\n");
}

static bool slow_clock(struct doctor_input *in)
{
	return only_file(in, "sys/devices/system/clocksource/clocksource0/current_clocksource",
			 "hpet\n");
}

static bool few_namespaces(struct doctor_input *in)
{
	return fresh_namespaces() && write_text("/proc/sys/user/max_uts_namespaces", "3") &&
	       write_text("/proc/sys/user/max_net_namespaces", "79") && in->jobs == JOBS;
}

static bool no_programs(struct doctor_input *in)
{
	in->programs = "/proc/self/fdinfo";
	return true;
}

static bool no_qemu(struct doctor_input *in)
{
	(void)in;
	return setenv("PATH", "/proc/self/fdinfo", 1) == 0;
}

/* A program of its name that starts, and refuses what it is given. */
static bool qemu_without_icount(struct doctor_input *in)
{
	static const char script[] = "#!/bin/sh\necho no icount here >&2; exit 1\n";

	(void)in;
	if (!fresh_namespaces() || mount("tmpfs", "/tmp", "tmpfs", 0, NULL) < 0)
		return false;
	_cleanup_close_ int fd =
		open("/tmp/qemu-system-x86_64", O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
	return fd >= 0 && io_write_all(fd, script, strlen(script)) == 0 &&
	       setenv("PATH", "/tmp", 1) == 0;
}

static bool no_guest_kernel(struct doctor_input *in)
{
	(void)in;
	return setenv("WIRECUT_KERNEL", "/proc/self/fdinfo/none", 1) == 0;
}

bool apparmor_limit(struct doctor_input *in)
{
	in->machine.userns_by_apparmor = true;
	in->machine.root = false;
	snprintf(in->machine.apparmor, sizeof(in->machine.apparmor), "unconfined");
	return true;
}

static bool docker_as_it_comes(struct doctor_input *in)
{
	in_docker(&in->machine);
	in->machine.root = true;
	snprintf(in->machine.apparmor, sizeof(in->machine.apparmor), "docker-default (enforce)");
	snprintf(in->machine.proc_masks, sizeof(in->machine.proc_masks), "/proc/kcore");
	return true;
}

/* --- the table --- */

#define DOCKER_FLAGS                                                                               \
	"docker run --cap-add SYS_ADMIN --cap-add NET_ADMIN --security-opt seccomp=unconfined "    \
	"--security-opt apparmor=unconfined --security-opt systempaths=unconfined"

const struct lack lacks[] = {
	{&probe_namespaces, no_clone_in_docker, "Function not implemented",
	 "--security-opt seccomp=unconfined", false},
	{&probe_namespaces, no_clone_in_a_service, "Operation not permitted",
	 "outside of what has put a seccomp filter", false},
	{&probe_namespaces, no_clone_on_debian, "Operation not permitted",
	 "sudo sysctl -w kernel.unprivileged_userns_clone=1", false},
	{&probe_namespaces, no_clone_in_old_kernel, "Function not implemented", "Linux 5.5", false},
	{&probe_namespaces, no_net_namespace_left, "No space left", "user.max_net_namespaces=15000",
	 false},
	{&probe_nested, two_net_namespaces, "No space left", "user.max_net_namespaces=15000",
	 false},
	{&probe_veth, powerless_by_apparmor, "Operation not permitted",
	 "sudo make install, then sudo apparmor_parser -r /etc/apparmor.d/wirecut", false},
	{&probe_veth, powerless_with_profile, "Operation not permitted",
	 "sudo apparmor_parser -r /etc/apparmor.d/wirecut", false},
	{&probe_veth, no_veth, "not supported", "sudo modprobe veth", false},
	{&probe_proc, masked_by_docker, "masked: /proc/tty", "systempaths=unconfined", false},
	{&probe_proc, masked_by_podman, "masked: /proc/tty", "podman run --security-opt unmask=ALL",
	 false},
	{&probe_tmpfs, no_tmpfs, "Permission denied", "--security-opt apparmor=unconfined", false},
	{&probe_sysctl, read_only_sysctls, "read-only", "systempaths=unconfined", false},
	{&probe_packet, no_packet_sockets, "Address family", "sudo modprobe af_packet", false},
	{&probe_packet, packet_sockets_refused, "Operation not permitted",
	 "--security-opt seccomp=unconfined", false},
	{&probe_sockdiag, no_sock_diag, "Protocol not supported", "sudo modprobe tcp_diag", false},
	{&probe_destroyed, no_sock_diag, "Protocol not supported", "sudo modprobe tcp_diag", false},
	{&probe_destroyed, no_notifications, "subscribe", "docker run", false},
	{&probe_destroy, no_destroying, "still there", "CONFIG_INET_DIAG_DESTROY", true},
	{&probe_destroy, no_net_admin, "still there", "security module", true},
	{&probe_cubic, no_cubic, "none of that name", "sudo modprobe tcp_cubic", false},
	{&probe_cubic, cubic_not_even_by_route, "Invalid argument", "sudo modprobe tcp_cubic",
	 false},
	{&probe_cubic, cubic_powerless, "Operation not permitted", "sudo apparmor_parser -r",
	 false},
	{&probe_ehash, no_small_tables, "none of that name", "Linux 6.1", true},
	{&probe_netem, no_netem, "netem: send to the kernel: No such file",
	 "sudo modprobe sch_netem", false},
	{&probe_netem, no_bridge, "bridge: send to the kernel: Operation not supported",
	 "sudo modprobe bridge", false},
	{&probe_ipv6, no_ipv6, "Address family", "ipv6.disable=1", false},
	{&probe_nofile, few_descriptors, "64; 16 scenarios at once need 192",
	 "sudo prlimit --nofile=192 --pid $$", false},
	{&probe_real_time, no_real_time, "Operation not permitted",
	 "sudo prlimit --rtprio=2 --pid $$", false},
	{&probe_real_time, no_real_time_in_docker, "", "docker run --cap-add SYS_NICE", false},
	{&probe_real_time, no_real_time_for_user_in_docker, "", "docker run --ulimit rtprio=2",
	 false},
	{&probe_cores, one_core, "1", "--jobs 1", false},
	{&probe_cores, one_core_and_a_half, "1 whole, by the quota", "--cpus 2", false},
	{&probe_memory, little_memory_in_cgroup, "10 MiB", "--jobs 1", false},
	{&probe_memory, little_memory, "128 MiB", "--jobs 4", false},
	{&probe_clock, slow_clock, "hpet: slow to read", "clocksource=tsc", false},
	{&probe_max_namespaces, few_namespaces, "net 79, uts 3: too few for 16",
	 "user.max_net_namespaces=15000 user.max_uts_namespaces=15000", false},
	{&probe_programs, no_programs, "ref-server: No such file", "make install", false},
	{&probe_apparmor, apparmor_limit, "apparmor_restrict_unprivileged_userns is 1",
	 "sudo make install", false},
	{&probe_qemu, no_qemu, "no qemu-system-x86_64 in PATH", "qemu-system-x86", false},
	{&probe_qemu, qemu_without_icount, "no icount here", "TCG", false},
	{&probe_guest_kernel, no_guest_kernel, "No such file", "make guest-kernel", false},
	{&probe_container, docker_as_it_comes, "no CAP_SYS_ADMIN; no CAP_NET_ADMIN; a seccomp",
	 DOCKER_FLAGS, false},
};

const size_t n_lacks = ARRAY_SIZE(lacks);
