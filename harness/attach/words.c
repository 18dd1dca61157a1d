/* SPDX-License-Identifier: MIT */
#include "harness/attach/words.h"

#include <ctype.h>

#include "harness/attach/reader.h"
#include "harness/base/cleanup.h"
#include "harness/parse/parse.h"
#include "harness/parse/text.h"

/* What tc sets where no limit is said (tc/q_netem.c of iproute2). */
#define TC_LIMIT 1000
/* Nothing is injected for longer. */
#define DELAY_MAX       ((nsec_t)24 * 3600 * NSEC_PER_SEC)
#define JITTER_MAX_TEXT "netem's jitter can be (1.431s)"
/* Of an ARP, or of an empty UDP datagram, over Ethernet: to netem one of less than no bytes is endless. */
#define LEAST_FRAME 42
/* More than any line's, and little enough for the kernel's 32 bits. */
#define OVERHEAD_MAX 65535
/* Sums of decimal fractions. */
#define ROUNDING 1e-9

struct word {
	const char *name;
	const char *form, *doc;
	void (*take)(struct reader *r); /* reads what follows the name */
};

static void take_delay(struct reader *r);
static void take_distribution(struct reader *r);
static void take_loss(struct reader *r);
static void take_ecn(struct reader *r);
static void take_duplicate(struct reader *r);
static void take_corrupt(struct reader *r);
static void take_reorder(struct reader *r);
static void take_gap(struct reader *r);
static void take_rate(struct reader *r);
static void take_slot(struct reader *r);
static void take_packets(struct reader *r);
static void take_bytes(struct reader *r);
static void take_limit(struct reader *r);
static void take_seed(struct reader *r);

static const struct word words[] = {
	{"delay", "delay TIME [JITTER [CORR]]",
	 "each packet is held back for TIME, more or less by JITTER", take_delay},
	{"distribution", "distribution LAW",
	 "how the jitter lies: uniform (default), normal, pareto, paretonormal", take_distribution},
	{"loss", "loss [random] SHARE [CORR]", "packets are dropped, each by itself", take_loss},
	/* Further forms of the one above: no word has a blank in it, so these are never found. */
	{"loss gemodel", "loss gemodel P [R [1-H [1-K]]]",
	 "dropped in bursts: P from good to bad, R back, lost in bad, lost in good", NULL},
	{"loss state", "loss state P13 [P31 [P32 [P23 [P14]]]]",
	 "dropped in bursts: P13 into one, P31 out of it, P32 and P23 to and from what passes "
	 "within, "
	 "P14 alone",
	 NULL},
	{"ecn", "ecn", "what a loss would drop is marked (CE) in its place, if it takes ECN",
	 take_ecn},
	{"duplicate", "duplicate SHARE [CORR]", "packets come twice", take_duplicate},
	{"corrupt", "corrupt SHARE [CORR]", "a bit of a packet is turned over", take_corrupt},
	{"reorder", "reorder SHARE [CORR]", "packets skip the delay, and so overtake others",
	 take_reorder},
	{"gap", "gap N", "only each N-th may (default: 1)", take_gap},
	{"rate", "rate RATE [PACKETOVERHEAD [CELLSIZE [CELLOVERHEAD]]]",
	 "a line that sends so much, and a queue before it; bytes that it carries beside the "
	 "packet's",
	 take_rate},
	{"slot", "slot MIN [MAX]", "packets leave only in slots, so long after one another",
	 take_slot},
	{"slot distribution", "slot distribution LAW DELAY JITTER",
	 "the same by a law: normal, pareto, paretonormal", NULL},
	{"packets", "packets N", "so many in a slot at most", take_packets},
	{"bytes", "bytes SIZE", "so many in a slot at most, and the packet that reaches it",
	 take_bytes},
	{"limit", "limit N", "so many packets may be held back, others are dropped (default: 1000)",
	 take_limit},
	{"seed", "seed N",
	 "of all that is random (Linux 6.6 and later; default: another each time)", take_seed},
};

static const struct word *find_word(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (!strcmp(words[i].name, name))
			return &words[i];
	return NULL;
}

static bool is_word(const char *text)
{
	return find_word(text) != NULL;
}

bool words_info(size_t i, const char **ret_form, const char **ret_doc)
{
	if (i >= ARRAY_SIZE(words))
		return false;
	*ret_form = words[i].form;
	*ret_doc = words[i].doc;
	return true;
}

/* --- the words --- */

static void take_delay(struct reader *r)
{
	struct netem_params *p = &r->ret->params;

	reader_time(r, "delay 50ms", DELAY_MAX, "a day", &p->latency);
	if (!reader_number_is_next(r))
		return;
	reader_time(r, "", NETEM_JITTER_MAX, JITTER_MAX_TEXT, &p->jitter);
	reader_further_share(r, &p->correlation.delay);
}

static void take_distribution(struct reader *r)
{
	reader_law(r, "distribution normal", &r->ret->params.distribution);
}

/* As tc: without the others the single losses of Bernoulli's model. */
static void take_gemodel(struct reader *r)
{
	struct netem_params *p = &r->ret->params;
	double reception_r = -1;

	p->bursts = true;
	p->gemodel = (struct gemodel_spec){.loss_in_bad = 1, .loss_in_good = 0};
	reader_share(r, "loss gemodel 1% 25%", &p->gemodel.p);
	reader_further_share(r, &reception_r);
	p->gemodel.r = reception_r < 0 ? 1 - p->gemodel.p : reception_r;
	reader_further_share(r, &p->gemodel.loss_in_bad);
	reader_further_share(r, &p->gemodel.loss_in_good);
}

/* One of the two ways out of a state; `other` is the other's. */
static void take_share_beside(struct reader *r, const char *other_name, double other, double *ret)
{
	const struct token *t = reader_peek(r);

	reader_further_share(r, ret);
	if (other + *ret > 1 + ROUNDING)
		diag_add(
			r->diags, t->pos, arena_printf(r->a, "at most %g%%", 100 * (1 - other)),
			"'%s' and %s (%g%%) leave the same state, and are more than 100%% together",
			t->text, other_name, 100 * other);
}

/* As tc: without the others, too, the single losses of Bernoulli's model. */
static void take_state(struct reader *r)
{
	struct netem_state_model *m = &r->ret->params.state_model;
	double p31 = -1;

	r->ret->params.by_state = true;
	m->p23 = 1;
	reader_share(r, "loss state 1% 25%", &m->p13);
	reader_further_share(r, &p31);
	m->p31 = p31 < 0 ? 1 - m->p13 : p31;
	take_share_beside(r, "P31", m->p31, &m->p32);
	reader_further_share(r, &m->p23);
	take_share_beside(r, "P13", m->p13, &m->p14);
}

static void take_ecn(struct reader *r)
{
	r->ret->params.ecn = true;
}

static void take_loss(struct reader *r)
{
	struct netem_params *p = &r->ret->params;

	if (reader_takes(r, "gemodel")) {
		take_gemodel(r);
		return;
	}
	if (reader_takes(r, "state")) {
		take_state(r);
		return;
	}
	reader_takes(r, "random");
	reader_share(r, "loss 1%", &p->loss);
	reader_further_share(r, &p->correlation.loss);
}

static void take_duplicate(struct reader *r)
{
	reader_share(r, "duplicate 1%", &r->ret->params.duplicate);
	reader_further_share(r, &r->ret->params.correlation.duplicate);
}

static void take_corrupt(struct reader *r)
{
	reader_share(r, "corrupt 1%", &r->ret->params.corrupt);
	reader_further_share(r, &r->ret->params.correlation.corrupt);
}

static void take_reorder(struct reader *r)
{
	struct netem_params *p = &r->ret->params;

	if (!p->gap)
		p->gap = 1; /* netem reorders nothing with a gap of 0 */
	reader_share(r, "reorder 25%", &p->reorder);
	reader_further_share(r, &p->correlation.reorder);
}

static void take_gap(struct reader *r)
{
	uint64_t gap = 1;

	reader_whole(r, "gap 5", 1, UINT32_MAX, &gap);
	r->ret->params.gap = (int64_t)gap;
}

static void take_rate(struct reader *r)
{
	struct netem_overhead *o = &r->ret->params.overhead;

	reader_rate(r, "rate 1mbit", &r->ret->params.bytes_per_s);
	reader_further_bytes(r, "PACKETOVERHEAD", -LEAST_FRAME, OVERHEAD_MAX, &o->packet_bytes);
	reader_further_bytes(r, "CELLSIZE (0: no cells)", 0, OVERHEAD_MAX, &o->cell_bytes);
	if (o->cell_bytes)
		reader_further_bytes(r, "CELLOVERHEAD", 1 - o->cell_bytes, OVERHEAD_MAX,
				     &o->per_cell_bytes);
	else
		reader_further_bytes(r, "CELLOVERHEAD, for there are no cells", 0, 0,
				     &o->per_cell_bytes);
}

/* MAX is MIN unless it is said. */
static void take_slot_times(struct reader *r)
{
	struct netem_slots *s = &r->ret->params.slots;
	const struct token *min = reader_peek(r), *max;
	size_t n_before = r->diags->list.n;

	reader_time(r, "slot 5ms", DELAY_MAX, "a day", &s->min);
	max = reader_peek(r);
	s->max = s->min;
	if (reader_number_is_next(r))
		reader_time(r, "", DELAY_MAX, "a day", &s->max);
	if (r->diags->list.n != n_before)
		return;
	if (s->max < s->min)
		diag_add(r->diags, max->pos, "'slot MIN MAX'", "'%s' is shorter than '%s'",
			 max->text, min->text);
	else if (!s->max)
		diag_add(r->diags, min->pos, "such as 'slot 5ms'",
			 "slots that come all the time are none");
}

static void take_slot_law(struct reader *r)
{
	static const char example[] = "slot distribution normal 5ms 1ms";
	struct netem_slots *s = &r->ret->params.slots;
	const struct token *law = reader_peek(r), *jitter;
	size_t n_before = r->diags->list.n;

	reader_law(r, example, &s->distribution);
	if (r->diags->list.n == n_before && s->distribution == DISTRIBUTION_UNIFORM)
		diag_add(r->diags, law->pos, "such as 'slot 4ms 6ms'",
			 "'uniform' is what 'slot MIN MAX' is, and tc has no table of it");
	if (r->diags->list.n == n_before || reader_number_is_next(r))
		reader_time(r, example, DELAY_MAX, "a day", &s->mean);
	jitter = reader_peek(r);
	if (r->diags->list.n == n_before || reader_number_is_next(r))
		reader_time(r, example, NETEM_JITTER_MAX, JITTER_MAX_TEXT, &s->jitter);
	if (r->diags->list.n == n_before && !s->jitter)
		diag_add(r->diags, jitter->pos, "such as 'slot 5ms'",
			 "slots without a jitter have no distribution");
}

static void take_slot(struct reader *r)
{
	if (reader_takes(r, "distribution"))
		take_slot_law(r);
	else
		take_slot_times(r);
}

static void take_packets(struct reader *r)
{
	uint64_t n = 0;

	reader_whole(r, "slot 5ms packets 4", 1, INT32_MAX, &n);
	r->ret->params.slots.packets = (int64_t)n;
}

static void take_bytes(struct reader *r)
{
	reader_size(r, "slot 5ms bytes 1500b", INT32_MAX, &r->ret->params.slots.bytes);
}

static void take_limit(struct reader *r)
{
	uint64_t limit = TC_LIMIT;

	reader_whole(r, "limit 1000", 1, UINT32_MAX, &limit);
	r->ret->params.limit = (int64_t)limit;
	r->ret->params.limit_is_asked = true;
}

static void take_seed(struct reader *r)
{
	reader_whole(r, "seed 42", 0, UINT64_MAX, &r->ret->seed);
	r->ret->has_seed = true;
}

/* --- all of it --- */

/* The numbers behind it are its own. */
static void unknown_word(struct reader *r, const struct token *t)
{
	const char *names[ARRAY_SIZE(words) + 1] = {0};
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (words[i].take)
			names[n++] = words[i].name;
	diag_add(r->diags, t->pos, parse_suggest(t->text, names, r->a), "%s'%s'",
		 token_is_number(t) ? "no word takes this " : "unknown word ", t->text);
	while (!token_is_number(t) && reader_peek(r) && token_is_number(reader_peek(r)))
		r->at++;
}

static bool has_jitter(const struct netem_params *p)
{
	return p->jitter > 0;
}

static bool has_latency(const struct netem_params *p)
{
	return p->latency > 0;
}

static bool has_reorder(const struct netem_params *p)
{
	return p->reorder > 0;
}

static bool has_slots(const struct netem_params *p)
{
	return p->slots.max > 0 || p->slots.jitter > 0;
}

/* What needs another word beside it. */
static const struct company {
	const char *word;
	bool (*is_there)(const struct netem_params *p);
	const char *message, *hint;
} companies[] = {
	{"distribution", has_jitter,
	 "'distribution' says how a delay varies, and no jitter is said",
	 "such as 'delay 50ms 10ms'"},
	{"reorder", has_latency, "'reorder' lets packets skip a delay, and no delay is said",
	 "such as 'delay 10ms'"},
	{"gap", has_reorder, "'gap' says which packets a 'reorder' may take, and there is none",
	 "such as 'reorder 25%'"},
	{"ecn", netem_loses, "'ecn' marks what a 'loss' would drop, and there is none",
	 "such as 'loss 1%'"},
	{"packets", has_slots, "'packets' says how many a 'slot' takes, and there is none",
	 "such as 'slot 5ms'"},
	{"bytes", has_slots, "'bytes' says how many a 'slot' takes, and there is none",
	 "such as 'slot 5ms'"},
};

static void check_company(struct reader *r, const struct token *const *said)
{
	for (size_t i = 0; i < ARRAY_SIZE(companies); i++) {
		const struct company *c = &companies[i];
		const struct token *t = said[find_word(c->word) - words];

		if (t && !c->is_there(&r->ret->params))
			diag_add(r->diags, t->pos, c->hint, "%s", c->message);
	}
}

static bool does_nothing(const struct netem_params *p)
{
	return !netem_loses(p) && !(p->duplicate > 0) && !(p->corrupt > 0) && !p->latency &&
	       !p->jitter && !p->bytes_per_s && !has_slots(p);
}

/* One line, whatever blanks it came with. */
static char *one_line(struct arena *a, const char *text)
{
	char *line = arena_strdup(a, text);

	for (char *s = line; *s; s++)
		if (isspace((unsigned char)*s))
			*s = ' ';
	return line;
}

bool words_read(const char *source, const char *text, struct diags *diags, struct netem_words *ret)
{
	char *line = one_line(diags->arena, text);
	struct reader r = {.a = diags->arena, .diags = diags, .is_word = is_word, .ret = ret};
	const struct token *said[ARRAY_SIZE(words)] = {0};
	size_t n_before = diags->list.n;

	*vec_push(r.a, &diags->sources) =
		(struct diag_source){arena_strdup(r.a, source), line, strlen(line)};
	*ret = (struct netem_words){.params.limit = TC_LIMIT};
	reader_split(&r, source, line);
	while (reader_peek(&r)) {
		r.name = &r.tokens.v[r.at++];
		const struct word *w = find_word(r.name->text);
		if (!w) {
			unknown_word(&r, r.name);
			continue;
		}
		if (said[w - words])
			diag_add(diags, r.name->pos, "say it once", "'%s' is said twice", w->name);
		said[w - words] = r.name;
		w->take(&r);
	}
	if (diags->list.n == n_before)
		check_company(&r, said);
	if (diags->list.n == n_before && does_nothing(&ret->params))
		diag_add(diags,
			 (struct pos){.file = arena_strdup(r.a, source),
				      .line = 1,
				      .column = 1,
				      .width = *line ? text_columns(line, strlen(line)) : 1},
			 "such as 'delay 50ms 10ms loss 1%'; --help lists the words",
			 "nothing in it does anything to a packet");
	diags_sort(diags, n_before);
	return diags->list.n == n_before;
}
