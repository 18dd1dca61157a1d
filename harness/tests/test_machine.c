/* SPDX-License-Identifier: MIT */
/* What doctor reads of a machine, from the files of machines that are not this one. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "harness/base/cleanup.h"
#include "harness/doctor/probe.h"
#include "harness/tests/fake_root.h"
#include "harness/tests/netns.h"
#include "harness/tests/refuse.h"
#include "harness/tests/suite.h"

struct file {
	const char *name, *text;
};

/* /proc/self/status of an ordinary user's process, and of Docker's root with its stock rights. */
#define STATUS_USER                                                                                \
	{                                                                                          \
		"proc/self/status", "Name:\twirecut\nCapEff:\t0000000000000000\nSeccomp:\t0\n"     \
	}
#define STATUS_DOCKER                                                                              \
	{                                                                                          \
		"proc/self/status", "Name:\twirecut\nCapEff:\t00000000a80425fb\nSeccomp:\t2\n"     \
	}

#define RESTRICTS                                                                                  \
	{                                                                                          \
		"proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1\n"                     \
	}
#define UNCONFINED                                                                                 \
	{                                                                                          \
		"proc/self/attr/apparmor/current", "unconfined\n"                                  \
	}

/* As Linux shows it: the machine's own mount of binfmt_misc hides nothing. */
#define MOUNTS_PLAIN                                                                               \
	{                                                                                          \
		"proc/self/mountinfo",                                                             \
			"21 26 0:20 / /proc rw,relatime - proc proc rw\n"                          \
			"30 21 0:27 / /proc/sys/fs/binfmt_misc rw - autofs systemd-1 rw\n"         \
			"31 26 0:31 / /processes rw - tmpfs tmpfs rw\n"                            \
	}
#define MOUNTS_MASKED                                                                              \
	{                                                                                          \
		"proc/self/mountinfo", "21 26 0:20 / /proc rw,relatime - proc proc rw\n"           \
				       "40 21 0:6 /null /proc/kcore rw,nosuid - tmpfs tmpfs rw\n"  \
				       "41 21 0:20 /sys /proc/sys ro,nosuid - proc proc rw\n"      \
	}

/* A machine of these files alone; false: skipped. */
static bool read_files(const struct file *files, struct doctor_machine *ret)
{
	_cleanup_close_ int root = fake_root();

	if (root < 0) {
		skip("no namespaces of one's own here");
		return false;
	}
	for (; files->name; files++)
		ck_assert(fake_root_put(root, files->name, files->text));
	machine_read(root, ret);
	return true;
}

#define READ(ret, ...) read_files((const struct file[]){__VA_ARGS__, {0}}, (ret))

START_TEST(test_bare)
{
	struct doctor_machine m;

	if (!READ(&m, STATUS_USER, MOUNTS_PLAIN, {"proc/1/cgroup", "0::/init.scope\n"}))
		return;
	ck_assert_int_eq(m.container, CONTAINER_NONE);
	ck_assert_ptr_null(machine_container_name(&m));
	ck_assert_str_eq(m.proc_masks, "");
	ck_assert(!m.seccomp && !m.userns_by_apparmor && !m.userns_forbidden);
	ck_assert(!machine_has_capability(&m, CAP_SYS_ADMIN));
	ck_assert(!machine_is_confined(&m) && !machine_apparmor_confines(&m));
}
END_TEST

START_TEST(test_docker)
{
	struct doctor_machine m;
	struct doctor_finding f = {0};

	if (!READ(&m, STATUS_DOCKER, MOUNTS_MASKED, {".dockerenv", ""},
		  {"proc/self/attr/apparmor/current", "docker-default (enforce)\n"}))
		return;
	ck_assert_int_eq(m.container, CONTAINER_DOCKER);
	ck_assert_str_eq(m.container_by, "/.dockerenv");
	ck_assert_str_eq(m.proc_masks, "/proc/kcore /proc/sys");
	ck_assert_str_eq(m.apparmor, "docker-default (enforce)");
	ck_assert(m.seccomp && machine_is_confined(&m));
	ck_assert(machine_has_capability(&m, CAP_NET_RAW));
	ck_assert(!machine_has_capability(&m, CAP_NET_ADMIN));

	m.root = true;
	mend_container(&m, &f);
	ck_assert_str_eq(f.mend,
			 "docker run --cap-add SYS_ADMIN --cap-add NET_ADMIN "
			 "--security-opt seccomp=unconfined --security-opt apparmor=unconfined "
			 "--security-opt systempaths=unconfined");
	/* Capabilities are nothing to an ordinary user; the rest is. */
	m.root = false;
	mend_container(&m, &f);
	ck_assert_ptr_null(strstr(f.mend, "cap-add"));
	ck_assert_ptr_nonnull(strstr(f.mend, "seccomp=unconfined"));
}
END_TEST

/* Nothing is seen to be in the way: then everything is lifted. */
START_TEST(test_container_with_nothing_in_the_way)
{
	struct doctor_machine m = {.container = CONTAINER_DOCKER};
	struct doctor_finding f = {0};

	mend_container(&m, &f);
	ck_assert_str_eq(f.mend, "docker run --privileged");
}
END_TEST

START_TEST(test_podman)
{
	struct doctor_machine m;
	struct doctor_finding f = {0};

	if (!READ(&m, STATUS_USER, MOUNTS_MASKED, {"run/.containerenv", "engine=\"podman-5\"\n"}))
		return;
	ck_assert_int_eq(m.container, CONTAINER_PODMAN);
	m.root = false;
	mend_refused(&m, &f);
	ck_assert_str_eq(f.mend, "podman run --security-opt unmask=ALL");
}
END_TEST

START_TEST(test_container_by_cgroup)
{
	struct doctor_machine m;

	if (!READ(&m, STATUS_USER, {"proc/1/cgroup", "0::/kubepods.slice/kubepods-pod1.slice\n"}))
		return;
	ck_assert_int_eq(m.container, CONTAINER_OTHER);
	ck_assert_str_eq(m.container_by, "/proc/1/cgroup");
	ck_assert_str_eq(machine_container_name(&m), "container");
}
END_TEST

/* No file tells of a container, but who else hides parts of /proc? */
START_TEST(test_container_by_masks)
{
	struct doctor_machine m;

	if (!READ(&m, STATUS_USER, MOUNTS_MASKED))
		return;
	ck_assert_int_eq(m.container, CONTAINER_OTHER);
	ck_assert_str_eq(m.container_by, "/proc is masked");
}
END_TEST

START_TEST(test_apparmor_limit)
{
	struct doctor_machine m;
	struct doctor_finding f = {0};

	if (!READ(&m, STATUS_USER, RESTRICTS, UNCONFINED, {"etc/apparmor.d/wirecut", "profile"}))
		return;
	ck_assert(m.userns_by_apparmor && m.profile_is_installed);
	ck_assert(!machine_is_confined(&m) && machine_apparmor_confines(&m));
	mend_refused(&m, &f);
	ck_assert_ptr_eq(strstr(f.mend, "sudo apparmor_parser -r /etc/apparmor.d/wirecut"), f.mend);

	/* It does not hold for who has CAP_SYS_ADMIN, nor under a profile that is loaded. */
	m.capabilities = 1ULL << CAP_SYS_ADMIN;
	ck_assert(!machine_apparmor_confines(&m));
	m.capabilities = 0;
	snprintf(m.apparmor, sizeof(m.apparmor), "wirecut (unconfined)");
	ck_assert(!machine_apparmor_confines(&m) && !machine_is_confined(&m));
}
END_TEST

START_TEST(test_apparmor_limit_off)
{
	struct doctor_machine m;

	if (!READ(&m, STATUS_USER, UNCONFINED,
		  {"proc/sys/kernel/apparmor_restrict_unprivileged_userns", "0\n"},
		  {"proc/sys/kernel/unprivileged_userns_clone", "0\n"}))
		return;
	ck_assert(!m.userns_by_apparmor && !machine_apparmor_confines(&m));
	ck_assert(m.userns_forbidden);
}
END_TEST

/* Of this very process, which is under a filter from now on. */
START_TEST(test_real_filter)
{
	_cleanup_close_ int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct doctor_machine m;

	ck_assert(refuse(SYS_sethostname, ANY_ARGUMENT, 0, EPERM));
	machine_read(root, &m);
	ck_assert(m.seccomp);
	ck_assert_int_eq(m.root, geteuid() == 0);
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("all");

	tcase_add_test(t, test_bare);
	tcase_add_test(t, test_docker);
	tcase_add_test(t, test_container_with_nothing_in_the_way);
	tcase_add_test(t, test_podman);
	tcase_add_test(t, test_container_by_cgroup);
	tcase_add_test(t, test_container_by_masks);
	tcase_add_test(t, test_apparmor_limit);
	tcase_add_test(t, test_apparmor_limit_off);
	tcase_add_test(t, test_real_filter);
	return run_tests("machine", t);
}
