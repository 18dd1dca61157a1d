/* SPDX-License-Identifier: MIT */
/*
 * What can never happen, or never do anything. A run would show it too, by a fault that is void or by
 * an error, but only a run, and without saying why.
 *
 * Only what is certain is refused: whatever some packet, or some program, could make true may stand.
 */
#include "faults/fault.h"
#include "harness/build/builder.h"
#include "harness/parse/parse.h"

/* RFC 1035, section 4.2. */
#define DNS_PORT 53
/* A resolver asks from port 53 or from one of these (RFC 5452, section 9.2). */
#define RESOLVER_PORT_MIN 1024

static struct pos match_pos(struct builder *b, size_t index, const char *key)
{
	const struct fault_spec *spec = &b->s->timeline.v[index].fault;

	return parse_locate(b->s, "timeline.%zu.%s.match.%s", index, spec->ops->name, key);
}

/* How many of the kinds of a match are that of DNS. */
static size_t count_dns(const struct match_spec *match)
{
	size_t n = 0;

	for (size_t i = 0; i < match->kind.n; i++)
		n += field_enum_index(packet_kind_names, match->kind.v[i]) == KIND_DNS;
	return n;
}

static void check_kind(struct builder *b, size_t index, const struct match_spec *match)
{
	bool is_tcp = match->protocol == ENUM_UNSET || match->protocol == MATCH_TCP;
	bool is_udp = match->protocol == MATCH_UDP;
	size_t dns = count_dns(match);

	if (!match->kind.n)
		return;
	if (!is_tcp && !(is_udp && dns))
		diag_add(b->diags, match_pos(b, index, "kind"), "leave out 'kind', or 'protocol'",
			 "only TCP packets have a kind, and those of DNS over UDP");
	else if ((dns == match->kind.n || is_udp) && match->port != COUNT_UNSET &&
		 match->port != DNS_PORT && match->port < RESOLVER_PORT_MIN)
		diag_add(b->diags, match_pos(b, index, "port"), "leave out 'port', or 'kind'",
			 "packets of DNS have port %d, and at the other end none of the lowest "
			 "%d",
			 DNS_PORT, RESOLVER_PORT_MIN);
}

/* Some packet on one of the step's cables may have one of the match's peers as its other end. */
static bool can_meet_peer(const struct plan_step *step)
{
	vec_foreach (cable, &step->cables)
		vec_foreach (peer, &step->match_peers) {
			int side = plan_side_of(step, *peer);

			if (*peer != *cable &&
			    (!step->sides.n ||
			     (side != SIDE_NONE && side != plan_side_of(step, *cable))))
				return true;
		}
	return false;
}

static void check_peer(struct builder *b, size_t index, const struct plan_step *step)
{
	if (!step->match_peers.n || !step->cables.n || can_meet_peer(step))
		return;
	if (step->sides.n)
		diag_add(b->diags, match_pos(b, index, "peer"),
			 "name hosts of the sides, or leave 'peer' out",
			 "no packet between the sides comes from there");
	else
		diag_add(b->diags, match_pos(b, index, "peer"),
			 "'peer' is the host at the other end of the packet: name another one, or "
			 "leave it out",
			 "no packet on the cable of '%s' has '%s' itself as its peer",
			 b->plan->hosts.v[step->cables.v[0]].name,
			 b->plan->hosts.v[step->match_peers.v[0]].name);
}

void check_match(struct builder *b, size_t index)
{
	const struct match_spec *match = &b->s->timeline.v[index].fault.match;

	check_kind(b, index, match);
	if (match->port != COUNT_UNSET && match->protocol == MATCH_ICMP)
		diag_add(b->diags, match_pos(b, index, "port"), "leave out 'port', or 'protocol'",
			 "ICMP packets have no port");
	check_peer(b, index, &b->plan->steps.v[index]);
}

/* ---- windows in which nothing can be done ---- */

/* When nothing says it, the end follows from all that the file says, which must be known then. */
static bool is_end_known(const struct builder *b)
{
	return b->s->duration != NSEC_UNSET || !b->diags->n_form;
}

/* None of its windows is long enough. One without an end ends with the run. */
static bool is_always_too_short(const struct builder *b, const struct plan_step *step,
				struct flaw *flaw)
{
	const struct fault_ops *ops = step->fault.ops;

	vec_foreach (edge, &step->edges) {
		nsec_t off = edge->off == NSEC_NEVER ? b->plan->duration : edge->off;

		if (edge->off == NSEC_NEVER && !is_end_known(b))
			return false;
		if (!ops->is_too_short(&step->fault, off - edge->on, flaw))
			return false;
	}
	return step->edges.n > 0;
}

void check_lengths(struct builder *b)
{
	for (size_t i = 0; i < b->plan->steps.n; i++) {
		const struct plan_step *step = &b->plan->steps.v[i];
		struct flaw flaw = {0};

		if (step->step != STEP_FAULT || b->unsure[i] || !step->fault.ops->is_too_short ||
		    step->fault.may_miss)
			continue;
		if (is_always_too_short(b, step, &flaw))
			diag_add(b->diags,
				 parse_locate(b->s, "timeline.%zu.%s.%s", i, step->kind, flaw.key),
				 flaw.hint, "%s", flaw.message);
	}
}

/* ---- hosts without power ---- */

/*
 * The step that has taken the host's power by then; NULL: it has power. Steps of one moment are done
 * in the order of the file, but what ends then has ended.
 */
static const struct plan_step *darkened_by(const struct plan *plan, int64_t host,
					   const struct plan_step *step, nsec_t t)
{
	vec_foreach (off, &plan->steps) {
		if (off->step != STEP_FAULT || !off->fault.ops || !off->fault.ops->darkens ||
		    !index_list_has(&off->cables, host))
			continue;
		vec_foreach (edge, &off->edges)
			if (t < edge->off && (edge->on < t || (edge->on == t && off < step)))
				return off;
	}
	return NULL;
}

static bool add_if_dark(struct builder *b, const struct plan_step *step, struct pos pos,
			const char *what, int64_t host)
{
	bool starts =
		step->step == STEP_START || step->step == STEP_EXEC || step->step == STEP_RESTART;

	vec_foreach (edge, &step->edges) {
		const struct plan_step *off = darkened_by(b->plan, host, step, edge->on);

		if (!off)
			continue;
		diag_add(b->diags, pos,
			 starts ? "start it once power is back: after 'for', or after a 'power-on'"
				: "leave it out, or do it before the power goes",
			 "at %.15gs host '%s' has no power (line %d): %s %s",
			 (double)edge->on / (double)NSEC_PER_SEC, b->plan->hosts.v[host].name,
			 off->pos.line, what, starts ? "cannot be started" : "does not run");
		return true;
	}
	return false;
}

/* Some step that takes or gives power was not read: then it is not known who has it. */
static bool is_power_unknown(const struct builder *b)
{
	for (const struct fault_ops *const *ops = fault_registry; *ops; ops++)
		if ((*ops)->darkens && has_unsure(b, *ops))
			return true;
	return false;
}

void check_power(struct builder *b)
{
	if (is_power_unknown(b))
		return;
	for (size_t i = 0; i < b->plan->steps.n; i++) {
		const struct plan_step *step = &b->plan->steps.v[i];

		if (step->step == STEP_FAULT || b->unsure[i])
			continue;
		if (step->step == STEP_EXEC && step->exec_host >= 0)
			add_if_dark(b, step, step->pos, "a program", step->exec_host);
		for (size_t a = 0; a < step->apps.n; a++) {
			const struct plan_app *app = &b->plan->apps.v[step->apps.v[a]];

			if (add_if_dark(b, step,
					parse_locate(b->s, "timeline.%zu.%s", i, step->kind),
					arena_printf(b->a, "'%s'", app->name), app->host))
				break;
		}
	}
}
