/* SPDX-License-Identifier: MIT */
#include "harness/report/progress.h"

/* Five times a second: fast enough for the eye, too slow to cost anything. */
#define DRAW_INTERVAL (200 * NSEC_PER_MSEC)
/* When nothing changes, the seconds still do. */
#define IDLE_INTERVAL NSEC_PER_SEC

/*
 * ECMA-48 and DEC private modes: start of line and erase to its end; and no wrapping while the line
 * is drawn, so that on a narrow terminal it is cut off and can still be erased.
 */
#define ERASE    "\r\033[K"
#define WRAP_OFF "\033[?7l"
#define WRAP_ON  "\033[?7h"

void progress_begin(struct progress *p, FILE *line, size_t total, nsec_t now, struct arena *a)
{
	*p = (struct progress){.line = line,
			       .arena = a,
			       .total = total,
			       .started = now,
			       .drawn = now - DRAW_INTERVAL,
			       .stale = true};
}

void progress_started(struct progress *p, const struct plan *plan, nsec_t now)
{
	*vec_push(p->arena, &p->running) = (struct progress_item){plan, now, NSEC_UNSET};
	p->stale = true;
}

void progress_at(struct progress *p, const struct plan *plan, nsec_t t)
{
	vec_foreach (item, &p->running)
		if (item->plan == plan)
			item->at = t;
}

void progress_stopped(struct progress *p, const struct plan *plan)
{
	size_t kept = 0;

	for (size_t i = 0; i < p->running.n; i++)
		if (strcmp(p->running.v[i].plan->slug, plan->slug) != 0)
			p->running.v[kept++] = p->running.v[i];
	p->running.n = kept;
	p->stale = true;
}

void progress_ended(struct progress *p, const struct scenario_result *r)
{
	progress_stopped(p, r->plan);
	p->done++;
	p->bad += r->verdict != VERDICT_PASS && r->verdict != VERDICT_SKIP;
}

void progress_erase(struct progress *p)
{
	if (!p->shown)
		return;
	fputs(ERASE, p->line);
	fflush(p->line);
	p->shown = false;
	p->stale = true;
}

nsec_t progress_next(const struct progress *p)
{
	if (!p->line)
		return NSEC_NEVER;
	return p->drawn + (p->stale ? DRAW_INTERVAL : IDLE_INTERVAL);
}

static void put_state(const struct progress *p, FILE *out, nsec_t now)
{
	fprintf(out, "%zu running, %zu ", p->running.n, p->done);
	if (p->total != SIZE_MAX)
		fprintf(out, "of %zu ", p->total);
	fprintf(out, "done, %zu not passed, %lld s", p->bad,
		(long long)((now - p->started) / NSEC_PER_SEC));
}

void progress_draw(struct progress *p, nsec_t now)
{
	if (now < progress_next(p))
		return;
	fputs(ERASE WRAP_OFF, p->line);
	put_state(p, p->line, now);
	fputs(WRAP_ON, p->line);
	fflush(p->line);
	p->shown = true;
	p->stale = false;
	p->drawn = now;
}

void progress_list(struct progress *p, FILE *out, nsec_t now)
{
	progress_erase(p);
	put_state(p, out, now);
	fputc('\n', out);
	vec_foreach (item, &p->running) {
		const struct plan *plan = item->plan;

		fprintf(out, "  %s: for %.1f s (it lasts %.1f s, ", plan->slug,
			(double)(now - item->since) / 1e9, (double)plan->duration / 1e9);
		if (plan->clock == CLOCK_VIRTUAL)
			fprintf(out, "its clock is at %.1f s)\n",
				item->at == NSEC_UNSET ? 0.0 : (double)item->at / 1e9);
		else
			fprintf(out, "its timeout is %.1f s)\n", (double)plan->timeout / 1e9);
	}
	fflush(out);
}
