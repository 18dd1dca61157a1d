/* SPDX-License-Identifier: MIT */
/* The canary tells of what held it up, also while it is still held up. */
#include <check.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/run/canary.h"
#include "harness/tests/suite.h"

/* The only child of this process. */
static pid_t child(void)
{
	char path[64];
	int pid = 0;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", getpid());
	FILE *f = fopen(path, "re");
	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(fscanf(f, "%d", &pid), 1);
	fclose(f);
	return pid;
}

START_TEST(held_up)
{
	struct canary *canary;
	struct err err = {0};
	int status;

	ck_assert_int_eq(canary_start(&canary, &err), 0);
	pid_t pid = child();
	ck_assert_int_eq(kill(pid, SIGSTOP), 0);
	ck_assert_int_eq(waitpid(pid, &status, WUNTRACED), pid);
	canary_worst(canary); /* what came before the stop */
	poll(NULL, 0, 100);
	nsec_t while_stopped = canary_worst(canary);
	ck_assert_int_ge(while_stopped, 80 * NSEC_PER_MSEC);
	ck_assert_int_eq(kill(pid, SIGCONT), 0);
	nsec_t afterwards = 0;
	for (int i = 0; i < 1000 && afterwards <= while_stopped; i++) {
		poll(NULL, 0, 5);
		afterwards = nsec_later(afterwards, canary_worst(canary));
	}
	ck_assert_int_gt(afterwards, while_stopped);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("canary");

	tcase_add_test(t, held_up);
	return run_tests("canary", t);
}
