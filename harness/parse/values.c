/* SPDX-License-Identifier: MIT */
#include "harness/parse/values.h"

#include "harness/base/cleanup.h"
#include "harness/parse/parse.h"

/* Of a wrong value no more than this is quoted: the source line stands below it anyway. */
#define QUOTE_MAX 40

#define UNITS_OF_TIME    "a number and its unit: us, ms, s, m, h"
#define UNIT_OF_PERCENT  "a number and its unit: %"
#define UNITS_OF_BITRATE "a number and its unit, a second: bit, kbit, mbit, gbit"
#define UNITS_OF_SIZE    "a number and its unit: B, kB, MB, GB"

const char *quoted_text(struct reader *r, const char *text)
{
	size_t len = strcspn(text, "\n");

	if (len > QUOTE_MAX || text[len])
		return arena_printf(r->a, "'%.*s...'", (int)(len > QUOTE_MAX ? QUOTE_MAX : len),
				    text);
	return arena_printf(r->a, "'%s'", text);
}

static const char *what_it_is(struct reader *r, const struct node *node)
{
	if (node->type == NODE_LIST)
		return "a list";
	if (node->type == NODE_MAP)
		return "a map";
	return node->empty ? "nothing" : quoted_text(r, node->text);
}

static void add_wrong_type(struct reader *r, const struct node *node, const char *key,
			   const char *expected, const char *hint)
{
	const char *quote = strchr(key, ' ') ? "" : "'"; /* "a step" is no key */

	if (node->type != NODE_BAD)
		diag_add(r->diags, node->pos, hint, "%s%s%s must be %s, not %s", quote, key, quote,
			 expected, what_it_is(r, node));
}

bool expect_type(struct reader *r, const struct node *node, const char *key, enum node_type type)
{
	static const char *const names[] = {
		[NODE_SCALAR] = "a text", [NODE_LIST] = "a list", [NODE_MAP] = "a map"};

	if (node->type == type)
		return true;
	const char *hint = NULL;
	if (type == NODE_MAP && node->empty)
		hint = "of a map with nothing in it, write {}";
	add_wrong_type(r, node, key, names[type], hint);
	return false;
}

/* A text of any look; "8" and "true" are texts where a text is wanted. */
static bool read_text(struct reader *r, const struct node *node, const char *key,
		      const char *expected, char **ret)
{
	if (node->type != NODE_SCALAR || node->empty) {
		add_wrong_type(r, node, key, expected, NULL);
		return false;
	}
	*ret = node->text;
	return true;
}

static bool is_one_of(struct reader *r, const struct node *node, const struct field *f)
{
	if (!f->names || field_enum_index(f->names, node->text) != ENUM_UNSET ||
	    (f->pattern && field_pattern_matches(f->pattern, node->text)))
		return true;
	char *mend = parse_suggest(node->text, f->names, r->a);
	if (f->example && !nearest_name(node->text, f->names))
		mend = arena_printf(r->a, "%s; or such as '%s'", mend, f->example);
	diag_add(r->diags, node->pos, mend, "'%s' cannot be %s", f->name,
		 quoted_text(r, node->text));
	return false;
}

void read_string(struct reader *r, const struct node *node, const struct field *f, char **ret)
{
	char *text;

	if (read_text(r, node, f->name, "a text", &text) && is_one_of(r, node, f))
		*ret = text;
}

void read_bool(struct reader *r, const struct node *node, const struct field *f, bool *ret)
{
	bool is_true = node->type == NODE_SCALAR && !strcmp(node->text, "true");

	if (node->type != NODE_SCALAR || node->quoted ||
	    (!is_true && strcmp(node->text, "false") != 0))
		add_wrong_type(r, node, f->name, "true or false", NULL);
	else
		*ret = is_true;
}

static bool is_whole_number(const char *text)
{
	/* 18 digits fit an int64_t; no count comes near it. */
	return *text && strspn(text, "0123456789") == strlen(text) && strlen(text) <= 18;
}

/* How a value comes into its range; `bound` says it in words: "the least is 8". */
static const char *range_mend(struct reader *r, const struct field *f, const char *bound)
{
	return f->default_text
		       ? arena_printf(r->a, "%s, or leave it out: %s", bound, f->default_text)
		       : bound;
}

/* `unit`: what stands behind a number of that kind. */
static bool is_in_range(struct reader *r, const struct node *node, const struct field *f, int64_t n,
			const char *unit)
{
	if ((!f->min && !f->max) || (n >= f->min && n <= f->max))
		return true;
	const char *mend = arena_printf(r->a, "the %s is %lld%s", n < f->min ? "least" : "most",
					(long long)(n < f->min ? f->min : f->max), unit);

	if (f->min == f->max)
		diag_add(r->diags, node->pos,
			 arena_printf(r->a, "write %s: %lld%s", f->name, (long long)f->min, unit),
			 "'%s' must be %lld%s, not %lld%s", f->name, (long long)f->min, unit,
			 (long long)n, unit);
	else
		diag_add(r->diags, node->pos, range_mend(r, f, mend),
			 "'%s' must be from %lld%s to %lld%s, not %lld%s", f->name,
			 (long long)f->min, unit, (long long)f->max, unit, (long long)n, unit);
	return false;
}

void read_count(struct reader *r, const struct node *node, const struct field *f, int64_t *ret)
{
	if (node->type != NODE_SCALAR || node->quoted || !is_whole_number(node->text)) {
		bool in_quotes = node->quoted && is_whole_number(node->text);

		add_wrong_type(r, node, f->name, "a whole number",
			       in_quotes ? "leave the quotes out" : NULL);
		return;
	}
	int64_t n = strtoll(node->text, NULL, 10);
	if (is_in_range(r, node, f, n, ""))
		*ret = n;
}

void read_counts(struct reader *r, const struct node *node, const struct field *f,
		 struct count_list *ret)
{
	if (node->type == NODE_MAP) {
		add_wrong_type(r, node, f->name, "a whole number or a list of them", NULL);
		return;
	}
	if (node->type != NODE_LIST) {
		int64_t n = COUNT_UNSET;

		read_count(r, node, f, &n);
		if (n != COUNT_UNSET)
			*vec_push(r->a, ret) = n;
		return;
	}
	if (!node->items.n)
		diag_add(r->diags, node->pos, NULL, "'%s' is an empty list", f->name);
	vec_foreach (item, &node->items) {
		int64_t n = COUNT_UNSET;

		read_count(r, *item, f, &n);
		if (n != COUNT_UNSET)
			*vec_push(r->a, ret) = n;
	}
}

/* How units are written elsewhere, by what they begin with; NULL: none that we know. */
static const char *unit_meant(const char *word)
{
	static const char *const words[][2] = {
		{"sec", "s"},    {"min", "m"},   {"hour", "h"},   {"hr", "h"},
		{"milli", "ms"}, {"msec", "ms"}, {"micro", "us"}, {"usec", "us"},
	};

	word += strspn(word, " ");
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (!strncmp(word, words[i][0], strlen(words[i][0])))
			return words[i][1];
	return NULL;
}

/* So large a number without a unit is hardly one of seconds. */
#define MEANT_AS_MS 100

/* The number is there, and its unit is not or is none that we know (or the number is too large). */
static bool add_unit_diag(struct reader *r, const struct node *node, const char *key,
			  const char *usual, const char *units)
{
	if (node->type != NODE_SCALAR)
		return false;
	size_t digits = strspn(node->text, "0123456789.");
	if (!digits || node->text[digits] == ':')
		return false;
	double number = strtod(node->text, NULL);
	if (!strcmp(usual, "s") && number >= MEANT_AS_MS)
		usual = "ms";
	char *mend = arena_printf(r->a, "did you mean '%s%s'?", node->text, usual);

	if (*usual == '%' && number > 0 && number < 1)
		mend = arena_printf(r->a, "did you mean '%g%%', or '%s%%'?", number * 100,
				    node->text);
	const char *meant = strcmp(units, UNITS_OF_TIME) ? NULL : unit_meant(node->text + digits);

	if (meant)
		mend = arena_printf(r->a, "did you mean '%.*s%s'?", (int)digits, node->text, meant);
	if (!node->text[digits])
		diag_add(r->diags, node->pos, mend, "'%s' needs a unit", key);
	else
		diag_add(r->diags, node->pos, meant ? mend : units,
			 "'%s' cannot be %s: no such unit, or too large", key,
			 quoted_text(r, node->text));
	return true;
}

void read_duration(struct reader *r, const struct node *node, const struct field *f, nsec_t *ret)
{
	const char *unit = f->unit ? f->unit : "s";
	nsec_t t;

	if (node->type != NODE_SCALAR || !parse_duration(node->text, &t)) {
		if (!add_unit_diag(r, node, f->name, unit, UNITS_OF_TIME))
			add_wrong_type(r, node, f->name, "a duration such as 250ms", UNITS_OF_TIME);
	} else if (t < f->min) {
		diag_add(r->diags, node->pos,
			 range_mend(r, f, arena_printf(r->a, "such as %s: 5%s", f->name, unit)),
			 "'%s' must be longer than 0", f->name);
	} else if (t > SCENARIO_TIME_MAX) {
		diag_add(r->diags, node->pos, range_mend(r, f, "the most is 240h"),
			 "'%s' must not be longer than 240h", f->name);
	} else {
		*ret = t;
	}
}

void read_bitrate(struct reader *r, const struct node *node, const struct field *f, int64_t *ret)
{
	int64_t bits_per_s;

	if (node->type != NODE_SCALAR || !parse_bitrate(node->text, &bits_per_s)) {
		if (!add_unit_diag(r, node, f->name, "mbit", UNITS_OF_BITRATE))
			add_wrong_type(r, node, f->name, "a rate such as 10mbit", UNITS_OF_BITRATE);
	} else if (is_in_range(r, node, f, bits_per_s, "bit")) {
		*ret = bits_per_s;
	}
}

void read_bytes(struct reader *r, const struct node *node, const struct field *f, int64_t *ret)
{
	int64_t bytes;

	if (node->type != NODE_SCALAR || !parse_size(node->text, &bytes)) {
		if (!add_unit_diag(r, node, f->name, "B", UNITS_OF_SIZE))
			add_wrong_type(r, node, f->name, "a size such as 64kB", UNITS_OF_SIZE);
	} else if (is_in_range(r, node, f, bytes, "B")) {
		*ret = bytes;
	}
}

void read_percent(struct reader *r, const struct node *node, const struct field *f, double *ret)
{
	double fraction;

	if (node->type != NODE_SCALAR || !parse_percent(node->text, &fraction)) {
		if (!add_unit_diag(r, node, f->name, "%", UNIT_OF_PERCENT))
			add_wrong_type(r, node, f->name, "a percentage such as 5%",
				       UNIT_OF_PERCENT);
	} else if (fraction > 1) {
		diag_add(r->diags, node->pos, range_mend(r, f, "the most is 100%"),
			 "'%s' must be from 0%% to 100%%, not %s", f->name, node->text);
	} else {
		*ret = fraction;
	}
}

void read_factor(struct reader *r, const struct node *node, const struct field *f, double *ret)
{
	size_t whole = node->type == NODE_SCALAR ? strspn(node->text, "0123456789") : 0;
	size_t end = whole;

	if (whole && node->text[whole] == '.')
		end = whole + 1 + strspn(node->text + whole + 1, "0123456789");
	if (node->type != NODE_SCALAR || node->quoted || !whole || node->text[end])
		add_wrong_type(r, node, f->name, "a number such as 2 or 1.5", NULL);
	else
		*ret = strtod(node->text, NULL);
}

void read_enum(struct reader *r, const struct node *node, const struct field *f, int *ret)
{
	char *text;

	if (read_text(r, node, f->name, "a word", &text) && is_one_of(r, node, f))
		*ret = field_enum_index(f->names, text);
}

void read_strings(struct reader *r, const struct node *node, const struct field *f,
		  struct strings *ret)
{
	char *text = NULL;

	if (node->type == NODE_MAP) {
		add_wrong_type(r, node, f->name, "a text or a list of texts", NULL);
		return;
	}
	if (node->type != NODE_LIST) {
		read_string(r, node, f, &text);
		if (text)
			*vec_push(r->a, ret) = text;
		return;
	}
	if (!node->items.n)
		diag_add(r->diags, node->pos, NULL, "'%s' is an empty list", f->name);
	vec_foreach (item, &node->items) {
		text = NULL;
		read_string(r, *item, f, &text);
		if (text)
			*vec_push(r->a, ret) = text;
	}
}

void read_string_map(struct reader *r, const struct node *node, const struct field *f,
		     struct any_vec *ret)
{
	VEC(struct string_pair) pairs = {0};

	if (!expect_type(r, node, f->name, NODE_MAP))
		return;
	vec_foreach (pair, &node->pairs) {
		char *value;

		if (read_text(r, pair->value, pair->key->text, "a text", &value))
			*vec_push(r->a, &pairs) = (struct string_pair){pair->key->text, value};
	}
	*ret = (struct any_vec){(char *)pairs.v, pairs.n};
}
