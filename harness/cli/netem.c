/* SPDX-License-Identifier: MIT */
#include "harness/cli/netem.h"

#include "harness/base/cleanup.h"
#include "harness/data/needs.h"
#include "harness/run/run.h"
#include "harness/virtual/image.h"

static const struct module_wanted modules[] = {
	{"sch_netem", "the link engine netem", false},
	{"bridge", "the link engine netem", false},
};

static bool guest_has_it(const struct options *opt, const char *image)
{
	_cleanup_arena_ struct arena a = {0};
	const struct kernel_choice choice = {.image = image, .modules = opt->modules};
	struct guest_kernel kernel;
	struct module_list list;
	struct err err;

	/* What is wrong with the kernel itself is said where guests are made. */
	return kernel_find(&choice, &a, &kernel, &err) == 0 &&
	       kernel_modules(&kernel, modules, ARRAY_SIZE(modules), &a, &list, &err) == 0 &&
	       !list.missing.n;
}

static bool guests_have_it(const struct options *opt)
{
	for (size_t i = 0; i < opt->kernels.n; i++)
		if (!guest_has_it(opt, opt->kernels.v[i]))
			return false;
	return opt->kernels.n || guest_has_it(opt, NULL);
}

bool netem_is_there(struct options *opt, int clock)
{
	enum netem_presence *known =
		clock == CLOCK_VIRTUAL ? &opt->netem_of_guests : &opt->netem_here;

	if (*known == NETEM_UNKNOWN)
		*known = (clock == CLOCK_VIRTUAL ? guests_have_it(opt) : run_has_netem())
				 ? NETEM_THERE
				 : NETEM_LACKING;
	return *known == NETEM_THERE;
}

static const char *why_not(int clock)
{
	return clock == CLOCK_VIRTUAL
		       ? "the guest's kernel lacks the module sch_netem or bridge; give another by "
			 "--kernel"
		       : "this kernel has no netem or no bridge (modprobe sch_netem bridge); "
			 "--clock virtual brings a kernel that has";
}

char *netem_lack(struct options *opt, int clock)
{
	return arena_printf(opt->arena, "--link netem: %s", why_not(clock));
}

/* The kernel that a plan runs on. */
struct kernel_of_plan {
	struct options *opt;
	int clock;
	size_t n;
};

/* Of guests this very one: what another --kernel has does not help. */
static const char *lack_of(void *ctx)
{
	const struct kernel_of_plan *k = ctx;
	const struct strings *images = &k->opt->kernels;
	const char *image = images->n ? images->v[k->n] : NULL;
	bool has = k->clock == CLOCK_VIRTUAL ? guest_has_it(k->opt, image)
					     : netem_is_there(k->opt, k->clock);

	return has ? NULL : why_not(k->clock);
}

char *kernel_lack(struct options *opt, const struct plan *plan, size_t n, const char *release)
{
	struct kernel_of_plan kernel = {opt, plan->clock, n};
	const struct needs_target target = {release, lack_of, &kernel};

	return needs_lacking(&plan->needs, &target, opt->arena);
}
