/* SPDX-License-Identifier: MIT */
#include "harness/attach/words.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

#include "harness/base/cleanup.h"
#include "harness/parse/parse.h"
#include "harness/parse/text.h"

/* What tc sets where no limit is said (tc/q_netem.c of iproute2). */
#define TC_LIMIT 1000
/* Nothing is injected for longer. */
#define DELAY_MAX ((nsec_t)24 * 3600 * NSEC_PER_SEC)

struct token {
	char *text;
	struct pos pos;
};

struct reader {
	struct arena *a;
	struct diags *diags;
	VEC(struct token) tokens;
	size_t at;                                        /* the next token */
	const struct token *name;                         /* the word whose values are being read */
	const struct token *distribution, *reorder, *gap; /* where they stand; NULL: they do not */
	struct netem_words *ret;
};

struct word {
	const char *name;
	const char *form, *doc;
	void (*take)(struct reader *r); /* reads what follows the name */
};

static void take_delay(struct reader *r);
static void take_distribution(struct reader *r);
static void take_loss(struct reader *r);
static void take_duplicate(struct reader *r);
static void take_corrupt(struct reader *r);
static void take_reorder(struct reader *r);
static void take_gap(struct reader *r);
static void take_rate(struct reader *r);
static void take_limit(struct reader *r);
static void take_seed(struct reader *r);

static const struct word words[] = {
	{"delay", "delay TIME [JITTER [CORR]]",
	 "each packet is held back for TIME, more or less by JITTER", take_delay},
	{"distribution", "distribution LAW",
	 "how the jitter lies: uniform (default), normal, pareto, paretonormal", take_distribution},
	{"loss", "loss [random] SHARE [CORR]", "packets are dropped, each by itself", take_loss},
	/* A second form of the one above: no word has a blank in it, so this is never found. */
	{"loss gemodel", "loss gemodel P [R [1-H [1-K]]]",
	 "dropped in bursts: P from good to bad, R back, lost in bad, lost in good", NULL},
	{"duplicate", "duplicate SHARE [CORR]", "packets come twice", take_duplicate},
	{"corrupt", "corrupt SHARE [CORR]", "a bit of a packet is turned over", take_corrupt},
	{"reorder", "reorder SHARE [CORR]", "packets skip the delay, and so overtake others",
	 take_reorder},
	{"gap", "gap N", "only each N-th may (default: 1)", take_gap},
	{"rate", "rate RATE", "a line that sends so much, and a queue before it", take_rate},
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

bool words_info(size_t i, const char **ret_form, const char **ret_doc)
{
	if (i >= ARRAY_SIZE(words))
		return false;
	*ret_form = words[i].form;
	*ret_doc = words[i].doc;
	return true;
}

/* --- tokens --- */

static void split(struct reader *r, const char *source, const char *text)
{
	for (const char *s = text; *(s += strspn(s, " "));) {
		size_t len = strcspn(s, " ");
		struct token *t = vec_push(r->a, &r->tokens);

		t->text = arena_strndup(r->a, s, len);
		t->pos = (struct pos){.file = arena_strdup(r->a, source),
				      .line = 1,
				      .column = 1 + text_columns(text, (size_t)(s - text)),
				      .width = text_columns(s, len)};
		s += len;
	}
}

static const struct token *peek(const struct reader *r)
{
	return r->at < r->tokens.n ? &r->tokens.v[r->at] : NULL;
}

static bool is_next(const struct reader *r, const char *text)
{
	return peek(r) && !strcmp(peek(r)->text, text);
}

/* What may follow, such as a jitter, is told from the next word by how it begins. */
static bool a_number_is_next(const struct reader *r)
{
	return peek(r) && strchr("+-.0123456789", *peek(r)->text);
}

/* The value that must follow; NULL: it does not, and that is said. */
static const struct token *need_value(struct reader *r, const char *what, const char *example)
{
	if (peek(r) && !find_word(peek(r)->text))
		return &r->tokens.v[r->at++];
	diag_add(r->diags, r->name->pos, arena_printf(r->a, "such as '%s'", example),
		 "'%s' needs %s", r->name->text, what);
	return NULL;
}

/* --- values --- */

static bool is_bare_number(const char *text)
{
	size_t len = strspn(text, "0123456789.");

	return len && !text[len];
}

/* Units are read in small letters, as by tc. */
static char *small(struct reader *r, const char *text)
{
	char *copy = arena_strdup(r->a, text);

	for (char *s = copy; *s; s++)
		*s = (char)tolower((unsigned char)*s);
	return copy;
}

static void take_time(struct reader *r, const char *example, nsec_t max, const char *max_text,
		      nsec_t *ret)
{
	const struct token *t = need_value(r, "a time", example);
	nsec_t time;

	if (!t)
		return;
	if (is_bare_number(t->text))
		diag_add(r->diags, t->pos,
			 arena_printf(r->a, "'%sms'? (tc would read '%sus')", t->text, t->text),
			 "'%s' needs a unit", t->text);
	else if (!parse_tc_duration(small(r, t->text), &time))
		diag_add(r->diags, t->pos, "a time is such as 50ms; units: ns, us, ms, s, m, h",
			 "'%s' is not a time", t->text);
	else if (time > max)
		diag_add(r->diags, t->pos, NULL, "'%s' is longer than %s", t->text, max_text);
	else
		*ret = time;
}

static void take_share(struct reader *r, const char *example, double *ret)
{
	const struct token *t = need_value(r, "a share", example);
	double fraction;

	if (!t)
		return;
	if (is_bare_number(t->text))
		diag_add(r->diags, t->pos, arena_printf(r->a, "'%s%%'?", t->text),
			 "'%s' needs a %%", t->text);
	else if (!parse_percent(t->text, &fraction))
		diag_add(r->diags, t->pos, "a share is such as 1% or 0.5%", "'%s' is not a share",
			 t->text);
	else if (fraction > 1)
		diag_add(r->diags, t->pos, "a share is from 0% to 100%", "'%s' is more than 100%%",
			 t->text);
	else
		*ret = fraction;
}

/* A correlation, or a further parameter of a model. */
static void take_further_share(struct reader *r, double *ret)
{
	if (a_number_is_next(r))
		take_share(r, "", ret);
}

static void take_whole(struct reader *r, const char *example, uint64_t min, uint64_t max,
		       uint64_t *ret)
{
	const struct token *t = need_value(r, "a number", example);

	if (!t)
		return;
	errno = 0;
	uint64_t n = strtoull(t->text, NULL, 10);
	if (t->text[strspn(t->text, "0123456789")] || errno || n < min || n > max)
		diag_add(r->diags, t->pos,
			 arena_printf(r->a, "a whole number from %llu to %llu",
				      (unsigned long long)min, (unsigned long long)max),
			 "'%s' of '%s' is none", t->text, r->name->text);
	else
		*ret = n;
}

/* --- the words --- */

static void take_delay(struct reader *r)
{
	struct netem_params *p = &r->ret->params;

	take_time(r, "delay 50ms", DELAY_MAX, "a day", &p->latency);
	if (!a_number_is_next(r))
		return;
	take_time(r, "", NETEM_JITTER_MAX, "netem's jitter can be (1.431s)", &p->jitter);
	take_further_share(r, &p->correlation.delay);
}

static void take_distribution(struct reader *r)
{
	const struct token *t = need_value(r, "a law", "distribution normal");

	r->distribution = r->name;
	if (!t)
		return;
	int law = field_enum_index(delay_distribution_names, t->text);
	if (law == ENUM_UNSET)
		diag_add(r->diags, t->pos, parse_suggest(t->text, delay_distribution_names, r->a),
			 "'%s' is not a law of jitter", t->text);
	else
		r->ret->params.distribution = (enum delay_distribution)law;
}

/* As tc: without the others the single losses of Bernoulli's model. */
static void take_gemodel(struct reader *r)
{
	struct netem_params *p = &r->ret->params;
	double reception_r = -1;

	p->bursts = true;
	p->gemodel = (struct gemodel_spec){.loss_in_bad = 1, .loss_in_good = 0};
	take_share(r, "loss gemodel 1% 25%", &p->gemodel.p);
	take_further_share(r, &reception_r);
	p->gemodel.r = reception_r < 0 ? 1 - p->gemodel.p : reception_r;
	take_further_share(r, &p->gemodel.loss_in_bad);
	take_further_share(r, &p->gemodel.loss_in_good);
}

static void take_loss(struct reader *r)
{
	struct netem_params *p = &r->ret->params;

	if (is_next(r, "gemodel")) {
		r->at++;
		take_gemodel(r);
		return;
	}
	if (is_next(r, "state")) {
		diag_add(r->diags, peek(r)->pos, "say 'loss gemodel P R', which has its bursts",
			 "the model 'state' is not known here");
		for (r->at++; a_number_is_next(r);)
			r->at++;
		return;
	}
	if (is_next(r, "random"))
		r->at++;
	take_share(r, "loss 1%", &p->loss);
	take_further_share(r, &p->correlation.loss);
}

static void take_duplicate(struct reader *r)
{
	take_share(r, "duplicate 1%", &r->ret->params.duplicate);
	take_further_share(r, &r->ret->params.correlation.duplicate);
}

static void take_corrupt(struct reader *r)
{
	take_share(r, "corrupt 1%", &r->ret->params.corrupt);
	take_further_share(r, &r->ret->params.correlation.corrupt);
}

static void take_reorder(struct reader *r)
{
	struct netem_params *p = &r->ret->params;

	r->reorder = r->name;
	if (!p->gap)
		p->gap = 1; /* netem reorders nothing with a gap of 0 */
	take_share(r, "reorder 25%", &p->reorder);
	take_further_share(r, &p->correlation.reorder);
}

static void take_gap(struct reader *r)
{
	uint64_t gap = 1;

	r->gap = r->name;
	take_whole(r, "gap 5", 1, UINT32_MAX, &gap);
	r->ret->params.gap = (int64_t)gap;
}

static void take_rate(struct reader *r)
{
	const struct token *t = need_value(r, "a rate", "rate 1mbit");
	int64_t bits_per_s;

	if (!t)
		return;
	if (is_bare_number(t->text))
		diag_add(r->diags, t->pos,
			 arena_printf(r->a, "'%smbit'? (tc would read '%sbit')", t->text, t->text),
			 "'%s' needs a unit", t->text);
	else if (!parse_tc_bitrate(small(r, t->text), &bits_per_s))
		diag_add(r->diags, t->pos,
			 "a rate is such as 10mbit; units: bit, kbit, mbit, gbit; bps, kbps, mbps "
			 "(bytes); kibit, mibit (of 1024)",
			 "'%s' is not a rate", t->text);
	else if (bits_per_s < 8 || bits_per_s % 8)
		diag_add(r->diags, t->pos, "a multiple of 8bit",
			 "'%s' is no whole number of bytes a second, which netem counts", t->text);
	else
		r->ret->params.bytes_per_s = bits_per_s / 8;
}

static void take_limit(struct reader *r)
{
	uint64_t limit = TC_LIMIT;

	take_whole(r, "limit 1000", 1, UINT32_MAX, &limit);
	r->ret->params.limit = (int64_t)limit;
	r->ret->params.limit_is_asked = true;
}

static void take_seed(struct reader *r)
{
	take_whole(r, "seed 42", 0, UINT64_MAX, &r->ret->seed);
	r->ret->has_seed = true;
}

/* --- all of it --- */

static bool is_number(const struct token *t)
{
	return strchr("+-.0123456789", *t->text) != NULL;
}

/* The numbers behind it are its own. */
static void unknown_word(struct reader *r, const struct token *t)
{
	const char *names[ARRAY_SIZE(words) + 1] = {0};
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (words[i].take)
			names[n++] = words[i].name;
	diag_add(r->diags, t->pos, parse_suggest(t->text, names, r->a), "%s'%s'",
		 is_number(t) ? "no word takes this " : "unknown word ", t->text);
	while (!is_number(t) && peek(r) && is_number(peek(r)))
		r->at++;
}

/* What needs another word beside it. */
static void check_company(struct reader *r)
{
	const struct netem_params *p = &r->ret->params;

	if (r->distribution && !p->jitter)
		diag_add(r->diags, r->distribution->pos, "such as 'delay 50ms 10ms'",
			 "'distribution' says how a delay varies, and no jitter is said");
	if (r->reorder && !p->latency)
		diag_add(r->diags, r->reorder->pos, "such as 'delay 10ms'",
			 "'reorder' lets packets skip a delay, and no delay is said");
	if (r->gap && !r->reorder)
		diag_add(r->diags, r->gap->pos, "such as 'reorder 25%'",
			 "'gap' says which packets a 'reorder' may take, and there is none");
}

static bool does_nothing(const struct netem_params *p)
{
	return !(p->loss > 0) && !p->bursts && !(p->duplicate > 0) && !(p->corrupt > 0) &&
	       !p->latency && !p->jitter && !p->bytes_per_s;
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
	struct reader r = {.a = diags->arena, .diags = diags, .ret = ret};
	const struct token *said[ARRAY_SIZE(words)] = {0};
	size_t n_before = diags->list.n;

	*vec_push(r.a, &diags->sources) =
		(struct diag_source){arena_strdup(r.a, source), line, strlen(line)};
	*ret = (struct netem_words){.params.limit = TC_LIMIT};
	split(&r, source, line);
	while (peek(&r)) {
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
		check_company(&r);
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
