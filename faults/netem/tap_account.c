/* SPDX-License-Identifier: MIT */
#include <stddef.h>

#include "faults/netem/corruption.h"
#include "faults/netem/tap_state.h"

/* One that takes less than this part of the delay has skipped it. */
#define SKIPPED_PART 4

/* Adds 1 to a member of the receipt, in all and by flow. */
static void count(const struct flight_fault *on, const struct packet *p, size_t member)
{
	struct fault_window *w = &on->link->fault->windows[on->window];
	struct receipt *const receipts[] = {&w->did, flow_counts_of_packet(&w->flows, p)};

	for (int i = 0; i < 2; i++)
		++*(uint64_t *)(void *)((char *)receipts[i] + member);
}
#define COUNT(on, p, member) count((on), (p), offsetof(struct receipt, member))

void account_matched(const struct flight *f, const struct flight_fault *last)
{
	for (const struct flight_fault *on = f->on; on < f->on + f->n_on; on++) {
		COUNT(on, &f->packet, matched);
		if (on == last)
			return;
	}
}

void account_passage(struct tap *t, const struct flight *f, nsec_t at)
{
	const struct flight_fault *rate = flight_fault_at(f, FAULT_STAGE_RATE);
	const struct flight_fault *delay = flight_fault_at(f, FAULT_STAGE_DELAY);
	const struct flight_fault *reorder = flight_fault_at(f, FAULT_STAGE_REORDER);
	nsec_t took = at - f->entered;

	if (rate)
		COUNT(rate, &f->packet, delayed);
	if (delay)
		COUNT(delay, &f->packet, delayed);
	if (reorder && delay && took < delay->link->fault->step->fault.mean / SKIPPED_PART) {
		COUNT(reorder, &f->packet, reordered);
		trace_note_by(&t->trace, f->id, "sent ahead", reorder->link->by);
	} else if (rate || delay) {
		trace_note_delayed(&t->trace, f->id, took, (delay ? delay : rate)->link->by);
	}
}

void account_double(struct tap *t, const struct flight *f)
{
	const struct flight_fault *on = flight_fault_at(f, FAULT_STAGE_DUPLICATE);

	if (!on)
		return;
	COUNT(on, &f->packet, duplicated);
	trace_note_by(&t->trace, f->id, "duplicated", on->link->by);
}

void account_corruption(struct tap *t, struct flight *f, size_t offset)
{
	const struct flight_fault *on = flight_fault_at(f, FAULT_STAGE_CORRUPT);

	COUNT(on, &f->packet, corrupted);
	trace_note_by(&t->trace, f->id, "corrupted", on->link->by);
	if (corruption_is_noticed(&f->packet, offset)) {
		f->corrupt = true;
		trace_dropped(&t->trace, f->id, on->link->fault->index);
	}
}

/* The fault that it was lost by; NULL: none explains it. */
static const struct flight_fault *loser_of(const struct flight *f)
{
	const struct flight_fault *block = flight_fault_at(f, FAULT_STAGE_BLOCK);
	const struct flight_fault *loss = flight_fault_at(f, FAULT_STAGE_LOSS);
	const struct flight_fault *rate = flight_fault_at(f, FAULT_STAGE_RATE);

	if (block)
		return block;
	if (rate && (f->overflows || !loss))
		return rate;
	/* One that a switch does not know what to do with: its address, or its type, is another. */
	return loss ? loss : flight_fault_at(f, FAULT_STAGE_CORRUPT);
}

/* Its cable went down while it was on its way to the host. */
static bool is_lost_with_its_cable(struct tap *t, const struct flight *f)
{
	const struct downed *d = &t->downed[f->cable];

	if (f->leg != LEG_TO_HOST || !d->by || d->at < f->entered)
		return false;
	edge_account_lost(d->by, d->window, f->id, t->plan->hosts.v[f->cable].name, &t->trace);
	return true;
}

void account_loss(struct tap *t, struct flight *f)
{
	const struct flight_fault *by = loser_of(f);

	account_matched(f, by);
	if (!by) {
		if (!is_lost_with_its_cable(t, f))
			trace_note(&t->trace, f->id, "lost on %s, by no fault",
				   t->plan->hosts.v[f->cable].name);
		return;
	}
	bool corrupted = by->link->fault->step->fault.ops->stage == FAULT_STAGE_CORRUPT;
	if (corrupted)
		COUNT(by, &f->packet, corrupted);
	else
		COUNT(by, &f->packet, dropped);
	trace_dropped(&t->trace, f->id, by->link->fault->index);
	trace_note_by(&t->trace, f->id, corrupted ? "corrupted" : "dropped", by->link->by);
}

static void write_receipt(struct tap *t, struct running_fault *f, size_t window)
{
	struct tap_window *w = &tap_fault_of(t, f)->windows[window];

	edge_record_receipt(f, window, w->asked, w->off, &t->sinks.wire);
	w->closed = false;
	t->n_closed--;
}

void tap_write_receipts(struct tap *t, nsec_t until)
{
	for (size_t i = 0; t->n_closed && i < t->cables.n_faults; i++) {
		struct running_fault *f = &t->cables.faults[i];

		for (size_t e = 0; t->n_closed && e < f->step->edges.n; e++) {
			const struct tap_window *w = &t->faults[i].windows[e];

			if (w->closed && !w->undecided && w->off < until)
				write_receipt(t, f, e);
		}
	}
}
