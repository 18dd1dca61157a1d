/* SPDX-License-Identifier: MIT */
/*
 * Structs as JSON, by their tables.
 *
 * A time is written as seconds with at most 15 significant digits. A double carries 15 decimal
 * digits through text and back unchanged (DBL_DIG), and below 10^6 s, that is 11 days, 15 digits
 * reach down to the nanosecond: there the round trip is exact. Beyond it the last digits go first.
 */
#include "harness/base/field.h"

#include <limits.h>
#include <math.h>
#include <regex.h>

#include "harness/base/cleanup.h"

/* Every VEC has this shape, whatever its items are. */
struct any_vec {
	char *v;
	size_t n;
};

#define MEMBER(type, record, f) ((type *)(void *)((char *)(record) + (f)->offset))
#define MEMBER_CONST(type, record, f)                                                              \
	((const type *)(const void *)((const char *)(record) + (f)->offset))

static const double FRACTION_UNSET = -1;

static void unset_one(const struct field *f, void *record)
{
	switch (f->type) {
	case FIELD_STRING:
		*MEMBER(char *, record, f) = NULL;
		break;
	case FIELD_BOOL:
		*MEMBER(bool, record, f) = false;
		break;
	case FIELD_COUNT:
	case FIELD_BITRATE:
	case FIELD_BYTES:
		*MEMBER(int64_t, record, f) = COUNT_UNSET;
		break;
	case FIELD_DURATION:
		*MEMBER(nsec_t, record, f) = NSEC_UNSET;
		break;
	case FIELD_PERCENT:
	case FIELD_FACTOR:
		*MEMBER(double, record, f) = FRACTION_UNSET;
		break;
	case FIELD_ENUM:
		*MEMBER(int, record, f) = ENUM_UNSET;
		break;
	case FIELD_STRINGS:
	case FIELD_COUNTS:
	case FIELD_RECORDS:
	case FIELD_NAMED:
	case FIELD_STRING_MAP:
		*MEMBER(struct any_vec, record, f) = (struct any_vec){0};
		break;
	case FIELD_RECORD:
		field_unset_all(f->of, MEMBER(char, record, f));
		break;
	case FIELD_CUSTOM:
		break;
	}
}

void field_unset_all(const struct field *fields, void *record)
{
	for (const struct field *f = fields; f->name; f++)
		unset_one(f, record);
}

static bool any_is_set(const struct field *fields, const void *record)
{
	for (const struct field *f = fields; f->name; f++)
		if (field_is_set(f, record))
			return true;
	return false;
}

bool field_is_set(const struct field *f, const void *record)
{
	switch (f->type) {
	case FIELD_STRING:
		return *MEMBER_CONST(char *, record, f) != NULL;
	case FIELD_BOOL:
		return *MEMBER_CONST(bool, record, f);
	case FIELD_COUNT:
	case FIELD_BITRATE:
	case FIELD_BYTES:
		return *MEMBER_CONST(int64_t, record, f) != COUNT_UNSET;
	case FIELD_DURATION:
		return *MEMBER_CONST(nsec_t, record, f) != NSEC_UNSET;
	case FIELD_PERCENT:
	case FIELD_FACTOR:
		return *MEMBER_CONST(double, record, f) >= 0;
	case FIELD_ENUM:
		return *MEMBER_CONST(int, record, f) != ENUM_UNSET;
	case FIELD_STRINGS:
	case FIELD_COUNTS:
	case FIELD_RECORDS:
	case FIELD_NAMED:
	case FIELD_STRING_MAP:
		return MEMBER_CONST(struct any_vec, record, f)->n > 0;
	case FIELD_RECORD:
		return any_is_set(f->of, MEMBER_CONST(char, record, f));
	case FIELD_CUSTOM:
		break;
	}
	return false;
}

bool field_pattern_matches(const char *pattern, const char *text)
{
	regex_t regex;

	if (regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB) != 0)
		return false;
	bool matches = regexec(&regex, text, 0, NULL, 0) == 0;
	regfree(&regex);
	return matches;
}

int field_enum_index(const char *const *names, const char *s)
{
	for (int i = 0; names[i]; i++)
		if (!strcmp(names[i], s))
			return i;
	return ENUM_UNSET;
}

json_t *json_seconds(nsec_t t)
{
	if (t == NSEC_NEVER)
		return json_null();
	return json_real((double)t / (double)NSEC_PER_SEC);
}

nsec_t json_to_nsec(const json_t *seconds)
{
	/* The nearest double below 2^63: nothing at or above it fits an nsec_t. */
	const double limit = 9223372036854774784.0;

	if (json_is_null(seconds))
		return NSEC_NEVER;
	if (!json_is_number(seconds))
		return NSEC_UNSET;
	double ns = round(json_number_value(seconds) * (double)NSEC_PER_SEC);
	return ns > -limit && ns < limit ? (nsec_t)ns : NSEC_UNSET;
}

static json_t *strings_to_json(const struct strings *s)
{
	json_t *list = json_array();

	for (size_t i = 0; i < s->n; i++)
		json_array_append_new(list, json_string(s->v[i]));
	return list;
}

static json_t *counts_to_json(const struct count_list *c)
{
	json_t *list = json_array();

	for (size_t i = 0; i < c->n; i++)
		json_array_append_new(list, json_integer(c->v[i]));
	return list;
}

static json_t *string_map_to_json(const struct any_vec *vec)
{
	const struct string_pair *pairs = (const struct string_pair *)(const void *)vec->v;
	json_t *map = json_object();

	for (size_t i = 0; i < vec->n; i++)
		json_object_set_new(map, pairs[i].name, json_string(pairs[i].value));
	return map;
}

static json_t *records_to_json(const struct field *f, const struct any_vec *vec)
{
	json_t *all = f->type == FIELD_NAMED ? json_object() : json_array();

	for (size_t i = 0; i < vec->n; i++) {
		const char *item = vec->v + i * f->of_size;
		json_t *one = field_to_json(f->of, item);

		if (f->type == FIELD_NAMED)
			json_object_set_new(all, *(const char *const *)(const void *)item, one);
		else
			json_array_append_new(all, one);
	}
	return all;
}

static json_t *value_to_json(const struct field *f, const void *record)
{
	switch (f->type) {
	case FIELD_STRING:
		return json_string(*MEMBER_CONST(char *, record, f));
	case FIELD_BOOL:
		return json_boolean(*MEMBER_CONST(bool, record, f));
	case FIELD_COUNT:
	case FIELD_BITRATE:
	case FIELD_BYTES:
		return json_integer(*MEMBER_CONST(int64_t, record, f));
	case FIELD_DURATION:
		return json_seconds(*MEMBER_CONST(nsec_t, record, f));
	case FIELD_PERCENT:
	case FIELD_FACTOR:
		return json_real(*MEMBER_CONST(double, record, f));
	case FIELD_ENUM:
		return json_string(f->names[*MEMBER_CONST(int, record, f)]);
	case FIELD_STRINGS:
		return strings_to_json(MEMBER_CONST(struct strings, record, f));
	case FIELD_COUNTS:
		return counts_to_json(MEMBER_CONST(struct count_list, record, f));
	case FIELD_RECORD:
		return field_to_json(f->of, MEMBER_CONST(char, record, f));
	case FIELD_RECORDS:
	case FIELD_NAMED:
		return records_to_json(f, MEMBER_CONST(struct any_vec, record, f));
	case FIELD_STRING_MAP:
		return string_map_to_json(MEMBER_CONST(struct any_vec, record, f));
	case FIELD_CUSTOM:
		break;
	}
	return NULL;
}

json_t *field_to_json(const struct field *fields, const void *record)
{
	json_t *object = json_object();

	for (const struct field *f = fields; f->name; f++)
		if (field_is_set(f, record))
			json_object_set_new(object, f->name, value_to_json(f, record));
	return object;
}

static int string_from_json(const struct field *f, json_t *j, struct arena *a, char **ret,
			    struct err *err)
{
	if (!json_is_string(j))
		return err_set(err, "'%s' must be a text", f->name);
	const char *s = json_string_value(j);
	if (strlen(s) != json_string_length(j))
		return err_set(err, "'%s' must not hold a NUL", f->name);
	if (f->names && field_enum_index(f->names, s) == ENUM_UNSET)
		return err_set(err, "'%s' cannot be '%s'", f->name, s);
	*ret = arena_strdup(a, s);
	return 0;
}

static int strings_from_json(const struct field *f, json_t *j, struct arena *a, struct strings *ret,
			     struct err *err)
{
	if (!json_is_array(j))
		return err_set(err, "'%s' must be a list of texts", f->name);
	struct strings s = {.v = arena_new_array(a, char *, json_array_size(j))};
	for (; s.n < json_array_size(j); s.n++)
		if (string_from_json(f, json_array_get(j, s.n), a, &s.v[s.n], err))
			return -1;
	*ret = s;
	return 0;
}

static int count_from_json(const struct field *f, json_t *j, int64_t *ret, struct err *err)
{
	if (!json_is_integer(j))
		return err_set(err, "'%s' must be a whole number", f->name);
	int64_t n = json_integer_value(j);
	int64_t max = f->min || f->max ? f->max : INT64_MAX;
	if (n < f->min || n > max)
		return err_set(err, "'%s' is out of range: %lld", f->name, (long long)n);
	*ret = n;
	return 0;
}

static int counts_from_json(const struct field *f, json_t *j, struct arena *a,
			    struct count_list *ret, struct err *err)
{
	if (!json_is_array(j))
		return err_set(err, "'%s' must be a list of whole numbers", f->name);
	struct count_list c = {.v = arena_new_array(a, int64_t, json_array_size(j))};
	for (; c.n < json_array_size(j); c.n++)
		if (count_from_json(f, json_array_get(j, c.n), &c.v[c.n], err))
			return -1;
	*ret = c;
	return 0;
}

static int duration_from_json(const struct field *f, json_t *j, nsec_t *ret, struct err *err)
{
	nsec_t t = json_to_nsec(j);

	if (t == NSEC_UNSET)
		return err_set(err, "'%s' must be a number of seconds, or null for never", f->name);
	*ret = t;
	return 0;
}

static int real_from_json(const struct field *f, json_t *j, double *ret, struct err *err)
{
	double most = f->type == FIELD_PERCENT ? 1 : HUGE_VAL;

	if (!json_is_number(j))
		return err_set(err, "'%s' must be a number", f->name);
	double x = json_number_value(j);
	if (!(x >= 0 && x <= most))
		return err_set(err, "'%s' is out of range: %g", f->name, x);
	*ret = x;
	return 0;
}

static int enum_from_json(const struct field *f, json_t *j, int *ret, struct err *err)
{
	const char *s = json_string_value(j);
	int i = s ? field_enum_index(f->names, s) : ENUM_UNSET;

	if (i == ENUM_UNSET)
		return err_set(err, "'%s' cannot be '%s'", f->name, s ? s : "no text");
	*ret = i;
	return 0;
}

static int string_map_from_json(const struct field *f, json_t *j, struct arena *a,
				struct any_vec *ret, struct err *err)
{
	VEC(struct string_pair) pairs = {0};
	const char *key;
	json_t *value;

	if (!json_is_object(j))
		return err_set(err, "'%s' must be a map", f->name);
	json_object_foreach(j, key, value)
	{
		struct string_pair *pair = vec_push(a, &pairs);

		pair->name = arena_strdup(a, key);
		if (string_from_json(f, value, a, &pair->value, err))
			return err_wrap(err, "%s", key);
	}
	*ret = (struct any_vec){.v = (char *)pairs.v, .n = pairs.n};
	return 0;
}

static int record_list_from_json(const struct field *f, json_t *j, struct arena *a,
				 struct any_vec *ret, struct err *err)
{
	struct any_vec vec = {0};
	size_t i;
	json_t *item;

	if (!json_is_array(j))
		return err_set(err, "'%s' must be a list", f->name);
	vec.v = arena_alloc(a, json_array_size(j) * f->of_size);
	json_array_foreach(
		j, i, item) if (field_from_json(f->of, vec.v + vec.n++ * f->of_size, item, a,
						err)) return err_wrap(err, "%s.%zu", f->name, i);
	*ret = vec;
	return 0;
}

static int named_from_json(const struct field *f, json_t *j, struct arena *a, struct any_vec *ret,
			   struct err *err)
{
	struct any_vec vec = {0};
	const char *key;
	json_t *item;

	if (!json_is_object(j))
		return err_set(err, "'%s' must be a map", f->name);
	vec.v = arena_alloc(a, json_object_size(j) * f->of_size);
	json_object_foreach(j, key, item)
	{
		void *record = vec.v + vec.n++ * f->of_size;

		if (field_from_json(f->of, record, item, a, err))
			return err_wrap(err, "%s.%s", f->name, key);
		*(char **)record = arena_strdup(a, key);
	}
	*ret = vec;
	return 0;
}

static int value_from_json(const struct field *f, void *record, json_t *j, struct arena *a,
			   struct err *err)
{
	switch (f->type) {
	case FIELD_STRING:
		return string_from_json(f, j, a, MEMBER(char *, record, f), err);
	case FIELD_BOOL:
		if (!json_is_boolean(j))
			return err_set(err, "'%s' must be true or false", f->name);
		*MEMBER(bool, record, f) = json_is_true(j);
		return 0;
	case FIELD_COUNT:
	case FIELD_BITRATE:
	case FIELD_BYTES:
		return count_from_json(f, j, MEMBER(int64_t, record, f), err);
	case FIELD_DURATION:
		return duration_from_json(f, j, MEMBER(nsec_t, record, f), err);
	case FIELD_PERCENT:
	case FIELD_FACTOR:
		return real_from_json(f, j, MEMBER(double, record, f), err);
	case FIELD_ENUM:
		return enum_from_json(f, j, MEMBER(int, record, f), err);
	case FIELD_STRINGS:
		return strings_from_json(f, j, a, MEMBER(struct strings, record, f), err);
	case FIELD_COUNTS:
		return counts_from_json(f, j, a, MEMBER(struct count_list, record, f), err);
	case FIELD_RECORD:
		if (field_from_json(f->of, MEMBER(char, record, f), j, a, err))
			return err_wrap(err, "%s", f->name);
		return 0;
	case FIELD_RECORDS:
		return record_list_from_json(f, j, a, MEMBER(struct any_vec, record, f), err);
	case FIELD_NAMED:
		return named_from_json(f, j, a, MEMBER(struct any_vec, record, f), err);
	case FIELD_STRING_MAP:
		return string_map_from_json(f, j, a, MEMBER(struct any_vec, record, f), err);
	case FIELD_CUSTOM:
		break;
	}
	return err_set(err, "unknown key '%s'", f->name);
}

static const struct field *find_field(const struct field *fields, const char *name)
{
	for (const struct field *f = fields; f->name; f++)
		if (!strcmp(f->name, name))
			return f;
	return NULL;
}

int field_from_json(const struct field *fields, void *record, json_t *object, struct arena *a,
		    struct err *err)
{
	const char *key;
	json_t *value;

	field_unset_all(fields, record);
	if (!json_is_object(object))
		return err_set(err, "a map is needed");
	json_object_foreach(object, key, value)
	{
		const struct field *f = find_field(fields, key);

		if (!f)
			return err_set(err, "unknown key '%s'", key);
		if (value_from_json(f, record, value, a, err))
			return -1;
	}
	for (const struct field *f = fields; f->name; f++)
		if (f->flags & FIELD_REQUIRED && !json_object_get(object, f->name))
			return err_set(err, "missing key '%s'", f->name);
	return 0;
}
