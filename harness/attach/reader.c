/* SPDX-License-Identifier: MIT */
#include "harness/attach/reader.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

#include "harness/base/cleanup.h"
#include "harness/parse/parse.h"
#include "harness/parse/text.h"

/* --- tokens --- */

void reader_split(struct reader *r, const char *source, const char *line)
{
	for (const char *s = line; *(s += strspn(s, " "));) {
		size_t len = strcspn(s, " ");
		struct token *t = vec_push(r->a, &r->tokens);

		t->text = arena_strndup(r->a, s, len);
		t->pos = (struct pos){.file = arena_strdup(r->a, source),
				      .line = 1,
				      .column = 1 + text_columns(line, (size_t)(s - line)),
				      .width = text_columns(s, len)};
		s += len;
	}
}

const struct token *reader_peek(const struct reader *r)
{
	return r->at < r->tokens.n ? &r->tokens.v[r->at] : NULL;
}

bool reader_takes(struct reader *r, const char *text)
{
	if (!reader_peek(r) || strcmp(reader_peek(r)->text, text) != 0)
		return false;
	r->at++;
	return true;
}

bool token_is_number(const struct token *t)
{
	return strchr("+-.0123456789", *t->text) != NULL;
}

bool reader_number_is_next(const struct reader *r)
{
	return reader_peek(r) && token_is_number(reader_peek(r));
}

/* The value that must follow; NULL: it does not, and that is said. */
static const struct token *need_value(struct reader *r, const char *what, const char *example)
{
	if (reader_peek(r) && !r->is_word(reader_peek(r)->text))
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

void reader_time(struct reader *r, const char *example, nsec_t max, const char *max_text,
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

void reader_share(struct reader *r, const char *example, double *ret)
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

void reader_further_share(struct reader *r, double *ret)
{
	if (reader_number_is_next(r))
		reader_share(r, "", ret);
}

void reader_rate(struct reader *r, const char *example, int64_t *ret_bytes_per_s)
{
	const struct token *t = need_value(r, "a rate", example);
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
		*ret_bytes_per_s = bits_per_s / 8;
}

/* tc's k and kb are 1024, a scenario's kB is 1000: who reads either here would be wrong half the time. */
void reader_size(struct reader *r, const char *example, int64_t max, int64_t *ret)
{
	const struct token *t = need_value(r, "a size", example);
	int64_t size;

	if (!t)
		return;
	if (is_bare_number(t->text))
		diag_add(r->diags, t->pos, arena_printf(r->a, "'%sb'?", t->text),
			 "'%s' needs a unit", t->text);
	else if (!parse_tc_size(small(r, t->text), &size))
		diag_add(r->diags, t->pos,
			 "a size is such as 1500b or 64kib; units: b (bytes), kib, mib (of 1024: "
			 "tc's k and kb)",
			 "'%s' is not a size", t->text);
	else if (size < 1 || size > max)
		diag_add(r->diags, t->pos, arena_printf(r->a, "from 1b to %lldb", (long long)max),
			 "'%s' of '%s' is none", t->text, r->name->text);
	else
		*ret = size;
}

void reader_law(struct reader *r, const char *example, enum delay_distribution *ret)
{
	const struct token *t = need_value(r, "a law", example);

	if (!t)
		return;
	int law = field_enum_index(delay_distribution_names, t->text);
	if (law == ENUM_UNSET)
		diag_add(r->diags, t->pos, parse_suggest(t->text, delay_distribution_names, r->a),
			 "'%s' is not a law of jitter", t->text);
	else
		*ret = (enum delay_distribution)law;
}

void reader_whole(struct reader *r, const char *example, uint64_t min, uint64_t max, uint64_t *ret)
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

void reader_further_bytes(struct reader *r, const char *what, int64_t min, int64_t max,
			  int64_t *ret)
{
	if (!reader_number_is_next(r))
		return;
	const struct token *t = &r->tokens.v[r->at++];
	const char *digits = t->text + (*t->text == '-');
	errno = 0;
	int64_t n = strtoll(t->text, NULL, 10);
	if (!*digits || digits[strspn(digits, "0123456789")] || errno || n < min || n > max)
		diag_add(r->diags, t->pos,
			 arena_printf(r->a, "bytes, a whole number from %lld to %lld",
				      (long long)min, (long long)max),
			 "'%s' is no %s", t->text, what);
	else
		*ret = n;
}
