/* SPDX-License-Identifier: MIT */
/*
 * Every probe of doctor on a machine that lacks what it probes. The lack is made for a child of the
 * test alone: by a seccomp filter, a limit, a capability given up, a mount in namespaces of its own.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/base/cleanup.h"
#include "harness/base/io.h"
#include "harness/tests/cli.h"
#include "harness/tests/doctor_lacks.h"
#include "harness/tests/fake_root.h"
#include "harness/tests/netns.h"
#include "harness/tests/refuse.h"
#include "harness/tests/suite.h"

#define JOBS            16
#define DESCRIPTORS     192
#define NO_ANSWER_LIMIT (50 * NSEC_PER_MSEC)
#define EXIT_CONFINED   0
#define EXIT_UNCONFINED 1

/* --- making them --- */

static void usual_input(struct doctor_input *in)
{
	*in = (struct doctor_input){
		.machine = {.root = true},
		.root_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC),
		.jobs = JOBS,
		.descriptors = DESCRIPTORS,
		.programs = "/",
		.limit = DOCTOR_LIMIT,
	};
}

/* Examines in a child that has been confined; false where that cannot be done. */
static bool examine_confined(const struct doctor_probe *probe, bool in_place,
			     bool (*confine)(struct doctor_input *), struct doctor_finding *ret)
{
	struct doctor_finding *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
					     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status;

	ck_assert_ptr_ne(shared, MAP_FAILED);
	pid_t pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		struct doctor_probe mine = *probe;
		struct doctor_input in;

		usual_input(&in);
		if (in_place)
			mine.sandboxed = false;
		if (!confine(&in))
			_exit(EXIT_UNCONFINED);
		doctor_examine(&mine, &in, shared);
		_exit(EXIT_CONFINED);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	*ret = *shared;
	munmap(shared, sizeof(*shared));
	return WEXITSTATUS(status) == EXIT_CONFINED;
}

START_TEST(test_lack)
{
	const struct lack *l = &lacks[_i];
	struct doctor_finding f;

	if (!examine_confined(l->probe, l->in_place, l->confine, &f)) {
		skip(l->probe->name);
		return;
	}
	ck_assert_msg(f.state == DOCTOR_LACK, "%s: not lacking but %d: %s", l->probe->name, f.state,
		      f.found);
	ck_assert_msg(strstr(f.found, l->found) != NULL, "%s: '%s' is not in: %s", l->probe->name,
		      l->found, f.found);
	ck_assert_msg(strstr(f.mend, l->mend) != NULL, "%s: '%s' is not in: %s", l->probe->name,
		      l->mend, f.mend);
}
END_TEST

/* Each probe is shown to lack, is named once, and says all that a reader needs. */
START_TEST(test_registry)
{
	for (size_t i = 0; doctor_probes[i]; i++) {
		const struct doctor_probe *p = doctor_probes[i];
		size_t shown = 0;

		ck_assert(*p->name && *p->what && *p->costs);
		for (size_t j = 0; j < n_lacks; j++)
			shown += lacks[j].probe == p;
		ck_assert_msg(shown > 0, "no test shows %s to lack", p->name);
		for (size_t j = 0; j < i; j++)
			ck_assert_str_ne(p->name, doctor_probes[j]->name);
	}
}
END_TEST

static bool as_it_is(struct doctor_input *in)
{
	(void)in;
	return true;
}

static bool where_namespaces_are(struct doctor_input *in)
{
	(void)in;
	return fresh_namespaces();
}

/* Where a test can have namespaces, a run can: nothing that it needs may be said to lack. */
START_TEST(test_have)
{
	static const struct doctor_probe *const in_namespaces[] = {
		&probe_namespaces, &probe_veth,      &probe_nested,  &probe_proc,
		&probe_tmpfs,      &probe_sysctl,    &probe_packet,  &probe_sockdiag,
		&probe_cubic,      &probe_destroyed, &probe_destroy, &probe_apparmor,
		&probe_container,
	};
	struct doctor_finding f;

	for (size_t i = 0; i < ARRAY_SIZE(in_namespaces); i++) {
		if (!examine_confined(in_namespaces[i], false, where_namespaces_are, &f)) {
			skip(in_namespaces[i]->name);
			return;
		}
		ck_assert_msg(f.state == DOCTOR_HAVE, "%s: %s", in_namespaces[i]->name, f.found);
	}
}
END_TEST

START_TEST(test_cubic_by_route)
{
	struct doctor_finding f;

	ck_assert(examine_confined(&probe_cubic, false, cubic_not_allowed, &f));
	ck_assert_msg(f.state == DOCTOR_HAVE, "%s", f.found);
	ck_assert_ptr_nonnull(strstr(f.found, "by route"));
}
END_TEST

static bool loaded_profile(struct doctor_input *in)
{
	apparmor_limit(in);
	snprintf(in->machine.apparmor, sizeof(in->machine.apparmor), "wirecut (unconfined)");
	return true;
}

START_TEST(test_apparmor_profile_is_loaded)
{
	struct doctor_finding f;

	ck_assert(examine_confined(&probe_apparmor, false, loaded_profile, &f));
	ck_assert_msg(f.state == DOCTOR_HAVE, "%s", f.found);
}
END_TEST

/* --- probes that give no answer --- */

static void never_answers(const struct doctor_input *in, struct doctor_finding *f)
{
	(void)in;
	(void)f;
	for (;;)
		pause();
}

static void is_killed(const struct doctor_input *in, struct doctor_finding *f)
{
	(void)in;
	(void)f;
	signal(SIGSYS, SIG_DFL);
	raise(SIGSYS);
}

static void exits(const struct doctor_input *in, struct doctor_finding *f)
{
	(void)in;
	(void)f;
	_exit(0);
}

static bool soon(struct doctor_input *in)
{
	in->limit = NO_ANSWER_LIMIT;
	return true;
}

static void check_unknown(const struct doctor_probe *p, bool (*confine)(struct doctor_input *),
			  const char *found)
{
	struct doctor_finding f;

	ck_assert(examine_confined(p, false, confine, &f));
	ck_assert_int_eq(f.state, DOCTOR_UNKNOWN);
	ck_assert_msg(strstr(f.found, found) != NULL, "'%s' is not in: %s", found, f.found);
}

START_TEST(test_no_answer)
{
	check_unknown(&(struct doctor_probe){.run = never_answers}, soon,
		      "no answer within 0.05 s");
	check_unknown(&(struct doctor_probe){.run = is_killed}, as_it_is, "Bad system call");
	check_unknown(&(struct doctor_probe){.run = exits}, as_it_is, "without an answer");
	check_unknown(&probe_veth, no_clone_in_docker, "no sandbox to try it in");
}
END_TEST

/* Each process of an ended probe is gone: the pipe that all of them hold comes to its end. */
START_TEST(test_nothing_is_left)
{
	const struct doctor_probe hangs = {.sandboxed = true, .run = never_answers};
	struct doctor_finding f;
	struct doctor_input in;
	char byte;
	int fds[2];

	usual_input(&in);
	in.limit = NO_ANSWER_LIMIT;
	ck_assert_int_eq(pipe(fds), 0);
	doctor_examine(&hangs, &in, &f);
	close(fds[1]);
	ck_assert_int_eq(read(fds[0], &byte, 1), 0);
	ck_assert_int_eq(f.state, DOCTOR_UNKNOWN);
	close(fds[0]);
	close(in.root_fd);
}
END_TEST

/* --- the command --- */

/* Whatever is lacking, needed or not: "with everything" is said where nothing is. */
static void last_line_names_what_lacks(struct cli *c, const char *out)
{
	const char *last = strstr(out, "\ndoctor: ");
	size_t n = 0;

	ck_assert_ptr_nonnull(last);
	for (const char *line = out; line < last; line = strchr(line, '\n') + 1) {
		const char *name = line + strlen("unknown  ");

		if (strncmp(line, "lack ", 5) != 0 && strncmp(line, "unknown ", 8) != 0)
			continue;
		contains(last, arena_printf(&c->arena, "%.*s", (int)strcspn(name, " "), name));
		n++;
	}
	ck_assert_msg((strstr(last, "with everything") == NULL) == (n > 0), "%s", out);
}

START_TEST(test_command)
{
	struct cli c;

	cli_start(&c);
	struct cli_result r = CLI(&c, "doctor");
	ck_assert_msg(r.code == 0, "%d: %s%s", r.code, r.out, r.err);
	contains(r.out, "have     veth  ");
	contains(r.out, "doctor: `wirecut run` can run here");
	last_line_names_what_lacks(&c, r.out);
	ck_assert_ptr_null(strchr(r.out, '\033'));
	contains(CLI(&c, "doctor", "--color", "always").out, "\033[32mhave");

	r = CLI(&c, "doctor", "scenarios");
	ck_assert_int_eq(r.code, 2);
	contains(r.err, "doctor takes no arguments, not 'scenarios'");
	cli_finish(&c);
}
END_TEST

START_TEST(test_command_where_nothing_can_be_run)
{
	struct doctor_input unused;
	struct cli c;

	cli_start(&c);
	cli_write_pair(&c, "a.yaml",
		       "  - {at: 100ms, id: cut, blackhole: {cable: server}, for: 100ms}",
		       "  - sockets: {host: client, state: CLOSE_WAIT, at-most: 0, by: end}");
	if (no_net_namespace_left(&unused)) {
		struct cli_result r = CLI(&c, "doctor");
		ck_assert_msg(r.code == 3, "%d: %s%s", r.code, r.out, r.err);
		contains(r.out, "lack     namespaces  ");
		contains(r.out, "           mend   sudo sysctl -w user.max_user_namespaces");
		contains(r.out, "cannot run here; needed: namespaces, veth");
		r = CLI(&c, "run", "a.yaml");
		ck_assert_int_eq(r.code, 3);
		contains(arena_printf(&c.arena, "%s%s", r.out, r.err), "wirecut doctor says more");
	} else {
		skip("no namespaces of one's own here");
	}
	cli_finish(&c);
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("all");

	tcase_set_timeout(t, 120);
	tcase_add_loop_test(t, test_lack, 0, (int)n_lacks);
	tcase_add_test(t, test_registry);
	tcase_add_test(t, test_have);
	tcase_add_test(t, test_cubic_by_route);
	tcase_add_test(t, test_apparmor_profile_is_loaded);
	tcase_add_test(t, test_no_answer);
	tcase_add_test(t, test_nothing_is_left);
	tcase_add_test(t, test_command);
	tcase_add_test(t, test_command_where_nothing_can_be_run);
	return run_tests("doctor", t);
}
