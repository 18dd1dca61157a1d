/* SPDX-License-Identifier: MIT */
#include "harness/cli/guests.h"

#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "harness/base/cleanup.h"

static bool any_virtual(const struct loaded *l)
{
	vec_foreach (item, &l->items)
		if (item->plan->clock == CLOCK_VIRTUAL)
			return true;
	return false;
}

static int add_image(const struct options *opt, const char *kernel, struct guests *g,
		     struct err *err)
{
	const struct kernel_choice choice = {.image = kernel, .modules = opt->modules};
	struct guest_image image;

	/* All that image_make() can find wrong behind it is the machine's. */
	if (kernel && kernel_find(&choice, opt->arena, &image.kernel, err) < 0) {
		g->is_misused = true;
		return -1;
	}
	if (image_make(&choice, opt->arena, &image, err) < 0)
		return -1;
	*vec_push(opt->arena, &g->images) = image;
	*vec_push(opt->arena, &g->releases) = image.kernel.release;
	return 0;
}

static int find_cpus(const struct options *opt, struct guests *g, struct err *err)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		return err_errno(err, "find the processors of this machine");
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET((size_t)cpu, &set))
			*vec_push(opt->arena, &g->cpus) = cpu;
	g->is_taken = arena_new_array(opt->arena, bool, g->cpus.n);
	g->claims = arena_new_array(opt->arena, int, g->cpus.n);
	for (size_t i = 0; i < g->cpus.n; i++)
		g->claims[i] = -1;
	return 0;
}

int guests_prepare(const struct options *opt, const struct loaded *l, struct guests *ret,
		   const char **ret_lack, struct err *err)
{
	bool wanted = any_virtual(l);
	int rc = 0;

	*ret_lack = NULL;
	if ((opt->kernels.n || opt->modules) && (!wanted || opt->clock == CLOCK_REAL)) {
		ret->is_misused = true;
		return err_set(
			err,
			"%s: it is of guests, and nothing that was selected runs in one: give "
			"--clock virtual too",
			opt->kernels.n ? "--kernel" : "--modules");
	}
	if (!wanted)
		return 0;
	if (opt->clock == CLOCK_REAL) {
		*ret_lack = "clock: virtual: the real clock was asked for";
		return 0;
	}
	if (opt->modules && opt->kernels.n != 1) {
		ret->is_misused = true;
		return err_set(err,
			       opt->kernels.n
				       ? "--modules: it is for one kernel: give --kernel once, "
					 "or leave --modules out for those beside each kernel"
				       : "--modules: of which kernel? Give --kernel IMAGE too");
	}
	if (find_cpus(opt, ret, err) < 0)
		return -1;
	if (!opt->kernels.n)
		rc = add_image(opt, NULL, ret, err);
	for (size_t i = 0; i < opt->kernels.n && rc == 0; i++)
		rc = add_image(opt, opt->kernels.v[i], ret, err);
	/* Asked for by name it is an error; a scenario that only wants it can be skipped. */
	if (rc == 0 || opt->clock == CLOCK_VIRTUAL || opt->kernels.n)
		return rc;
	*ret_lack = arena_printf(opt->arena, "clock: virtual: %s", err->msg);
	*err = (struct err){0};
	return 0;
}

void guests_release(struct guests *g)
{
	vec_foreach (image, &g->images)
		close(TAKE_FD(image->initrd_fd));
}

/*
 * Tells other wirecuts of this machine that the processor is taken: two guests on one would get half of
 * it each. The name of a socket (unix(7), abstract) is there for all, and goes with who has it. -1:
 * another has it.
 */
static int claim(int cpu)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int n = snprintf(name.sun_path + 1, sizeof(name.sun_path) - 1, "wirecut-processor-%d", cpu);
	socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n);

	if (fd < 0 || bind(fd, (struct sockaddr *)&name, len) < 0)
		return -1;
	return TAKE_FD(fd);
}

int guests_enter(struct guests *g)
{
	size_t any = g->cpus.n;

	for (size_t i = 0; i < g->cpus.n; i++) {
		if (g->is_taken[i])
			continue;
		g->claims[i] = claim(g->cpus.v[i]);
		if (g->claims[i] >= 0) {
			g->is_taken[i] = true;
			return g->cpus.v[i];
		}
		any = any == g->cpus.n ? i : any;
	}
	if (any == g->cpus.n)
		return -1;
	/* All are other wirecuts': one is shared. */
	g->is_taken[any] = true;
	return g->cpus.v[any];
}

void guests_leave(struct guests *g, int cpu)
{
	for (size_t i = 0; i < g->cpus.n; i++) {
		if (g->cpus.v[i] != cpu)
			continue;
		g->is_taken[i] = false;
		if (g->claims[i] >= 0)
			close(TAKE_FD(g->claims[i]));
	}
}
