/* SPDX-License-Identifier: MIT */
#include "harness/tests/cable_judge.h"

#include <assert.h>
#include <linux/if_ether.h>
#include <math.h>

#include "faults/tests/statistics.h"
#include "harness/base/cleanup.h"

/*
 * The tolerances are those of faults/tests/statistics.h, and they are all that a promise of chance is
 * granted. What is measured in time is granted, on top, what the machinery of a probe takes: a send, a
 * process that wakes for it, a few hundred instructions of a kernel whose processor was just busy with
 * another host's probe.
 */
#define MACHINERY NSEC_PER_MSEC

/* From the step that starts a sender to its first probe, with three processes to start. */
#define STARTED_WITHIN (100 * NSEC_PER_MSEC)
/* Less than there is from the last sender's start to the window. */
#define STARTED_LATE NSEC_PER_SEC

/* What one case is judged by. */
struct view {
	struct arena *arena;
	const struct cable_case *c;
	const struct cable_stream *sink, *other, *back;
	nsec_t started;
	struct cable_terms terms;
	double *struck; /* of each probe to the sink: 1 or 0 */
	double *delays; /* of those that arrived: behind that of the bare cable, in seconds */
	size_t n_delays;
};

static double seconds(nsec_t t)
{
	return (double)t / (double)NSEC_PER_SEC;
}

static bool is_struck(const struct cable_case *c, const struct cable_stream *s, size_t i)
{
	bool arrived = s->whole[i] + s->bent[i] > 0;

	switch (c->effect) {
	case EFFECT_LOST:
		return !arrived;
	case EFFECT_TWICE:
		return s->whole[i] == 2;
	case EFFECT_BENT: /* one whose header is wrong may not arrive at all */
		return s->whole[i] == 0;
	case EFFECT_SLOW:
		return arrived && s->took[i] >= c->threshold;
	case EFFECT_FAST:
		return arrived && s->took[i] < c->threshold;
	case EFFECT_NONE:
		break;
	}
	return false;
}

static size_t n_struck(const struct view *v)
{
	return (size_t)stat_sum(v->struck, v->sink->n);
}

static struct cable_finding within(double observed, double promised, double tolerance)
{
	return (struct cable_finding){
		.observed = observed, .low = promised - tolerance, .high = promised + tolerance};
}

static struct cable_finding exactly(size_t observed, size_t promised)
{
	return within((double)observed, (double)promised, 0);
}

/* How many probes as independent as these are worth. */
static double worth(const struct view *v)
{
	double n = v->c->effect == EFFECT_NONE ? (double)v->n_delays : (double)v->sink->n;

	return stat_worth(n, v->c->rho);
}

static double frame_bits(const struct view *v)
{
	return 8.0 * (cable_size(v->c) + CABLE_HEADER_BYTES);
}

/* -- delays ---------------------------------------------------------------------------------- */

static const struct delay_law *law(const struct view *v)
{
	return &delay_laws[v->c->delay.distribution];
}

/* A correlation takes spread away (faults/README.md). */
static double spread(const struct view *v)
{
	double rho = v->c->rho;

	return law(v)->spread * seconds(v->c->delay.jitter) * sqrt((1 - rho) / (1 + rho));
}

static struct cable_finding judge_mean(const struct view *v)
{
	double tolerance = SIGMAS_999 * spread(v) / sqrt(worth(v));

	return within(stat_mean(v->delays, v->n_delays), seconds(v->c->delay.mean), tolerance);
}

static struct cable_finding judge_spread(const struct view *v)
{
	double error = spread(v) * sqrt((law(v)->kurtosis - 1) / 4 / worth(v));

	return within(stat_spread(v->delays, v->n_delays), spread(v), SIGMAS_999 * error);
}

static struct cable_finding judge_shape(const struct view *v)
{
	double *x = arena_new_array(v->arena, double, v->n_delays);
	double n = (double)v->n_delays;

	for (size_t i = 0; i < v->n_delays; i++)
		x[i] = (v->delays[i] - seconds(v->c->delay.mean)) / seconds(v->c->delay.jitter);
	return within(stat_distance(x, v->n_delays, law(v)->law), 0, KS_999 / sqrt(n));
}

/* The law's least and most, when a delay without jitter is a law of one value. */
static double bound(const struct view *v, double jitters)
{
	nsec_t jitter = v->c->delay.jitter;

	return seconds(v->c->delay.mean) + (jitter ? jitters * seconds(jitter) : 0);
}

/* From before the send until the arrival: nothing can make that shorter than the delay is. */
static struct cable_finding judge_least(const struct view *v)
{
	nsec_t least = NSEC_NEVER;

	for (size_t i = 0; i < v->sink->n; i++)
		least = v->sink->took[i] < least ? v->sink->took[i] : least;
	return (struct cable_finding){
		.observed = seconds(least), .low = bound(v, law(v)->least), .high = INFINITY};
}

static nsec_t longest(const struct view *v)
{
	nsec_t most = 0;

	for (size_t i = 0; i < v->sink->n; i++)
		if (v->sink->took[i] != NSEC_NEVER && v->sink->took[i] > most)
			most = v->sink->took[i];
	return most;
}

static struct cable_finding judge_most(const struct view *v)
{
	return (struct cable_finding){.observed = seconds(longest(v)),
				      .low = 0,
				      .high = bound(v, law(v)->most) + seconds(MACHINERY),
				      .doubt = seconds(v->terms.late)};
}

static struct cable_finding judge_order(const struct view *v)
{
	return exactly(v->sink->n_late, 0);
}

/* -- chance ---------------------------------------------------------------------------------- */

/*
 * netem turns a bit anywhere in the frame, and nobody sees it in the address that it comes from, nor in
 * the one that it goes to if that is a group's then: 49 bits of them all (faults/README.md).
 */
static double unnoticed(const struct view *v)
{
	bool is_anywhere = v->c->effect == EFFECT_BENT && v->terms.link == LINK_NETEM;

	return is_anywhere ? (8 * ETH_ALEN + 1) / frame_bits(v) : 0;
}

static struct cable_finding judge_share(const struct view *v)
{
	double promised = v->c->share * (1 - unnoticed(v));
	double share = (double)n_struck(v) / (double)v->sink->n;

	return within(share, promised, stat_share_within(promised, worth(v)));
}

static struct cable_finding judge_correlation(const struct view *v)
{
	double n = (double)v->sink->n, rho = v->c->rho;

	if (v->c->effect == EFFECT_NONE)
		return within(stat_autocorrelation(v->delays, v->n_delays), rho,
			      SIGMAS_999 / sqrt((double)v->n_delays));
	/* What is rare are the changes from one state to the other. */
	return within(stat_autocorrelation(v->struck, v->sink->n), rho,
		      stat_rho_within(v->c->share * (1 - rho), n));
}

/*
 * With the share p and the correlation rho a row ends with the probability (1 - p) (1 - rho), as
 * a chain of two states does: a geometric law.
 */
static struct cable_finding judge_bursts(const struct view *v)
{
	double ends = (1 - v->c->share) * (1 - v->c->rho);
	double bursts = (double)stat_bursts(v->struck, v->sink->n);
	double error = sqrt(1 - ends) / ends / sqrt(bursts);

	return within((double)n_struck(v) / bursts, 1 / ends, SIGMAS_999 * error);
}

/* How many are not as they should be. */
static struct cable_finding judge_nth(const struct view *v)
{
	size_t wrong = 0;

	for (size_t i = 0; i < v->sink->n; i++)
		wrong += (v->struck[i] > 0) != ((i + 1) % v->c->nth == 0);
	return exactly(wrong, 0);
}

static struct cable_finding judge_one_bit(const struct view *v)
{
	return exactly((size_t)v->sink->most_bits, 1);
}

static bool is_once_and_whole(const struct cable_stream *s, size_t i)
{
	return s->whole[i] == 1 && s->bent[i] == 0;
}

/* How many are neither struck nor well; of one that is bent one copy may have arrived, no more. */
static struct cable_finding judge_clean(const struct view *v)
{
	size_t dirty = 0;

	for (size_t i = 0; i < v->sink->n; i++) {
		bool twice_bent = v->c->effect == EFFECT_BENT && v->sink->bent[i] > 1;

		dirty += v->struck[i] > 0 ? twice_bent : !is_once_and_whole(v->sink, i);
	}
	return exactly(dirty, 0);
}

/* -- lines ----------------------------------------------------------------------------------- */

/*
 * Of the second half of the probes, when all senders have long been started and none keeps another from
 * sending: the line is never free then. From the arrival of the first of them to that of the last.
 */
static struct cable_finding judge_rate(const struct view *v)
{
	double promised = v->c->line.bits_per_s, bits = 0;
	nsec_t first = NSEC_UNSET, last = NSEC_UNSET;

	for (size_t i = v->sink->n / 2; i < v->sink->n; i++) {
		if (v->sink->took[i] == NSEC_NEVER)
			continue;
		last = v->sink->sent[i] + v->sink->took[i];
		if (first == NSEC_UNSET)
			first = last;
		else
			bits += frame_bits(v);
	}
	return within(bits / seconds(last - first), promised, promised * RATE_WITHIN);
}

/* Who comes last into a full queue waits for nearly all of it. */
static struct cable_finding judge_wait(const struct view *v)
{
	double on_line = frame_bits(v) / v->c->line.bits_per_s;

	return (struct cable_finding){.observed = seconds(longest(v)),
				      .low = on_line * (v->c->line.packets - 1),
				      .high = on_line * v->c->line.packets + seconds(MACHINERY)};
}

static struct cable_finding judge_queue(const struct view *v)
{
	return exactly(v->sink->arrived, (size_t)v->c->line.packets);
}

/* -- what is not meant ------------------------------------------------------------------------- */

/* The last probe before the first that is struck, and the first after the last. */
static bool find_edges(const struct view *v, size_t *before, size_t *after)
{
	size_t n = v->sink->n, i = 0;

	while (i < n && v->struck[i] <= 0)
		i++;
	*before = i - 1;
	*after = n;
	while (*after > 0 && v->struck[*after - 1] <= 0)
		(*after)--;
	return i > 0 && i < n && *after < n;
}

/* On the real clock a sender may have been started so late that it sent nothing before the window. */
static double doubt_of_edges(const struct view *v, bool has_edges, double otherwise)
{
	return !has_edges && v->terms.late > STARTED_LATE ? INFINITY : otherwise;
}

/*
 * By how much an edge may seem to lie within the window: the probe next to it may be struck and nobody
 * sees it. Two such in a row are one case in 20,000.
 */
static nsec_t blurred(const struct view *v)
{
	return unnoticed(v) > 0 ? v->c->probes.interval_us * NSEC_PER_USEC : 0;
}

/* From the last probe that got through before the window to the first that did behind it. */
static struct cable_finding judge_window(const struct view *v)
{
	nsec_t window = CABLE_WINDOW_OFF - CABLE_WINDOW_ON;
	nsec_t interval = v->c->probes.interval_us * NSEC_PER_USEC;
	size_t before, after;
	bool has_edges = find_edges(v, &before, &after);
	const nsec_t *sent = v->sink->sent;

	return (struct cable_finding){
		.observed = has_edges ? seconds(sent[after] - sent[before]) : NAN,
		.low = seconds(window - blurred(v) - MACHINERY),
		.high = seconds(window + 2 * interval + MACHINERY),
		.doubt = doubt_of_edges(v, has_edges, seconds(v->terms.late))};
}

/* Since the first probe, which its sender needed some time to send. */
static struct cable_finding judge_place(const struct view *v)
{
	nsec_t interval = v->c->probes.interval_us * NSEC_PER_USEC;
	size_t before, after;
	bool has_edges = find_edges(v, &before, &after);
	const nsec_t *sent = v->sink->sent;

	return (struct cable_finding){
		.observed = has_edges ? seconds(sent[before] - sent[0]) : NAN,
		.low = seconds(CABLE_WINDOW_ON - v->started - interval - STARTED_WITHIN),
		.high = seconds(CABLE_WINDOW_ON - v->started + blurred(v))};
}

/* Between the edges all must be struck, and around them all must be well. */
static struct cable_finding judge_exact(const struct view *v)
{
	size_t before, after, wrong = 0;
	bool has_edges = find_edges(v, &before, &after);
	double share = unnoticed(v), n = has_edges ? (double)(after - before - 1) : 0;

	for (size_t i = 0; i < v->sink->n; i++) {
		bool is_meant = has_edges && i > before && i < after;

		wrong += is_meant ? v->struck[i] <= 0
				  : !is_once_and_whole(v->sink, i) || v->struck[i] > 0;
	}
	struct cable_finding f = exactly(wrong, 0);
	if (n > 0 && share > 0)
		f.high = n * (share + stat_share_within(share, n));
	f.drawn = share > 0;
	f.doubt = doubt_of_edges(v, has_edges, 0);
	return f;
}

static struct cable_finding judge_untouched(const struct view *v, const struct cable_stream *s)
{
	size_t touched = 0;

	for (size_t i = 0; i < s->n; i++)
		touched += is_struck(v->c, s, i) || !is_once_and_whole(s, i);
	return exactly(touched, 0);
}

static struct cable_finding judge_port(const struct view *v)
{
	return judge_untouched(v, v->other);
}

static struct cable_finding judge_direction(const struct view *v)
{
	return judge_untouched(v, v->back);
}

/* -------------------------------------------------------------------------------------------- */

static const struct judge {
	const char *what;
	struct cable_finding (*judge)(const struct view *v);
	enum cable_promise promise;
	enum {
		ON_REAL = 1, /* a busy machine cannot break it, or its doubt says how far */
		DRAWN = 2,   /* by chance */
	} is;
} judges[] = {
	{"mean delay, s", judge_mean, PROMISE_MEAN, DRAWN},
	{"standard deviation of the delays, s", judge_spread, PROMISE_SPREAD, DRAWN},
	{"distance from the law (Kolmogorov-Smirnov)", judge_shape, PROMISE_SHAPE, DRAWN},
	{"shortest delay, s", judge_least, PROMISE_LEAST, ON_REAL},
	{"longest delay, s", judge_most, PROMISE_MOST, ON_REAL},
	{"probes out of order", judge_order, PROMISE_ORDER, ON_REAL},
	{"share of those struck", judge_share, PROMISE_SHARE, ON_REAL | DRAWN},
	{"autocorrelation", judge_correlation, PROMISE_CORRELATION, ON_REAL | DRAWN},
	{"mean length of a burst", judge_bursts, PROMISE_BURSTS, ON_REAL | DRAWN},
	{"probes struck or spared against the count", judge_nth, PROMISE_NTH, ON_REAL},
	{"bits wrong in one probe, at most", judge_one_bit, PROMISE_ONE_BIT, ON_REAL},
	{"probes neither struck nor well", judge_clean, PROMISE_CLEAN, ON_REAL},
	{"bits a second", judge_rate, PROMISE_RATE, 0},
	{"longest wait in a full queue, s", judge_wait, PROMISE_WAIT, 0},
	{"probes that found room", judge_queue, PROMISE_QUEUE, 0},
	{"length of the window, to the next probes, s", judge_window, PROMISE_WINDOW, ON_REAL},
	{"last probe before the window, since the first, s", judge_place, PROMISE_PLACE, 0},
	{"probes struck outside the window, or spared in it", judge_exact, PROMISE_EXACT, ON_REAL},
	{"probes of another port that were touched", judge_port, PROMISE_PORT, ON_REAL},
	{"probes of the other direction that were touched", judge_direction, PROMISE_DIRECTION,
	 ON_REAL},
};
static_assert(ARRAY_SIZE(judges) == CABLE_FINDINGS_MAX, "one finding a promise");

/* Of two probes, one of which a lag may have made slow, it cannot be said which the fault has struck. */
static double doubt_of(const struct view *v, double doubt)
{
	bool by_time = v->c->effect == EFFECT_SLOW || v->c->effect == EFFECT_FAST;

	return by_time && v->terms.late >= v->c->threshold ? INFINITY : doubt;
}

static bool is_told(const struct judge *j, const struct view *v)
{
	bool of_delays = j->promise == PROMISE_CORRELATION && v->c->effect == EFFECT_NONE;

	return v->terms.promises & j->promise &&
	       (!v->terms.is_real || (j->is & ON_REAL && !of_delays));
}

static struct view view_of(struct arena *a, const struct cable_case *c,
			   const struct cable_streams *s, struct cable_terms terms)
{
	struct view v = {.arena = a,
			 .c = c,
			 .sink = &s->sink,
			 .other = &s->other,
			 .back = &s->back,
			 .started = s->started,
			 .terms = terms,
			 .struck = arena_new_array(a, double, s->sink.n),
			 .delays = arena_new_array(a, double, s->sink.n)};

	for (size_t i = 0; i < s->sink.n; i++) {
		v.struck[i] = is_struck(c, &s->sink, i);
		if (s->sink.took[i] != NSEC_NEVER)
			v.delays[v.n_delays++] = seconds(s->sink.took[i] - s->bare);
	}
	return v;
}

size_t cable_judge(struct arena *a, const struct cable_case *c, const struct cable_streams *s,
		   struct cable_terms terms, struct cable_finding ret[CABLE_FINDINGS_MAX])
{
	struct view v = view_of(a, c, s, terms);
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(judges); i++) {
		const struct judge *j = &judges[i];

		if (!is_told(j, &v))
			continue;
		ret[n] = j->judge(&v);
		ret[n].doubt = doubt_of(&v, ret[n].doubt);
		ret[n].drawn |= j->is & DRAWN;
		ret[n].promise = j->promise;
		ret[n++].what = j->what;
	}
	return n;
}

enum cable_verdict cable_verdict_of(const struct cable_finding *f)
{
	if (f->observed >= f->low && f->observed <= f->high)
		return CABLE_HOLDS;
	if (isinf(f->doubt))
		return CABLE_INCONCLUSIVE;
	if (f->observed >= f->low - f->doubt && f->observed <= f->high + f->doubt)
		return CABLE_INCONCLUSIVE;
	return CABLE_BROKEN;
}

char *cable_finding_text(struct arena *a, const struct cable_case *c, const struct cable_finding *f)
{
	return arena_printf(a, "%s: %s: %.6g, of %.6g to %.6g", c->name, f->what, f->observed,
			    f->low, f->high);
}
