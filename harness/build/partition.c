/* SPDX-License-Identifier: MIT */
#include "harness/build/builder.h"
#include "harness/parse/parse.h"

/*
 * The sides of a partition. Each is a text with names of hosts or groups; what they resolve to are
 * the step's cables, and beside each the side it is on.
 */

static const char *const spaces = " ";

/* The hosts that the names of one side stand for. False if one of them leads nowhere. */
static bool resolve_side(struct builder *b, const char *text, struct pos pos,
			 struct index_list *ret)
{
	const char *p = text + strspn(text, spaces);
	bool good = *p;

	if (!*p)
		diag_add(b->diags, pos, "name a host or a group", "a side without hosts");
	while (*p) {
		size_t len = strcspn(p, spaces);

		good &= resolve_hosts(b, arena_printf(b->a, "%.*s", (int)len, p), pos, ret);
		p += len;
		p += strspn(p, spaces);
	}
	return good;
}

static void add_host(struct builder *b, struct plan_step *step, int64_t host, size_t side,
		     struct pos pos)
{
	int earlier = plan_side_of(step, host);

	if (earlier == (int)side)
		return; /* named alone and by its group */
	if (earlier != SIDE_NONE) {
		diag_add(b->diags, pos, "take it out of one of them",
			 "host '%s' is on two sides: this one and the one before, number %d",
			 b->plan->hosts.v[host].name, earlier + 1);
		return;
	}
	*vec_push(b->a, &step->cables) = host;
	*vec_push(b->a, &step->sides) = (int64_t)side;
}

bool build_partition(struct builder *b, size_t index, struct plan_step *step)
{
	const struct fault_spec *spec = &b->s->timeline.v[index].fault;
	bool good = true;

	for (size_t i = 0; i < spec->sides.n; i++) {
		struct pos pos = parse_locate(b->s, "timeline.%zu.partition.sides.%zu", index, i);
		struct index_list hosts = {0};

		good &= resolve_side(b, spec->sides.v[i], pos, &hosts);
		vec_foreach (host, &hosts)
			add_host(b, step, *host, i, pos);
	}
	return good;
}
