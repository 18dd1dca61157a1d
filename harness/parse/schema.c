/* SPDX-License-Identifier: MIT */
/*
 * The form of a scenario as a JSON Schema (draft 2020-12), made from the tables that the parser
 * reads by: editors complete and check a file by it while it is written. It says what a schema can
 * say; that names lead somewhere, and what two keys mean together, only `wirecut check` knows.
 *
 * Wherever a scalar may stand, ${name} of a matrix may: so each type but the texts, which hold
 * anything, is that type or a text with a variable. And a key that is required may stand in an
 * included file or in the defaults: what is missing is only looked for in files without those.
 */
#include <jansson.h>

#include "faults/fault.h"
#include "harness/base/cleanup.h"
#include "harness/judge/expect.h"
#include "harness/parse/document.h"

#define DRAFT "https://json-schema.org/draft/2020-12/schema"

/* As parse_duration() and its kin read them; and a scalar that holds a variable. */
#define PATTERN_DURATION "^[0-9]+(\\.[0-9]+)?(us|ms|s|m|h)$"
#define PATTERN_BITRATE  "^[0-9]+(\\.[0-9]+)?[kmg]?bit$"
#define PATTERN_SIZE     "^[0-9]+(\\.[0-9]+)?[kMG]?B$"
#define PATTERN_PERCENT  "^[0-9]+(\\.[0-9]+)?%$"
#define PATTERN_VARIABLE "\\$\\{"

static json_t *reference(const char *name)
{
	return json_pack("{s:s++}", "$ref", "#/$defs/", name, "");
}

/* {"anyOf": [one, two]}; takes both. */
static json_t *either(json_t *one, json_t *two)
{
	return json_pack("{s:[o,o]}", "anyOf", one, two);
}

/* That, or a text with a variable. */
static json_t *or_variable(json_t *type)
{
	return either(type, reference("variable"));
}

static json_t *names_list(const char *const *names)
{
	json_t *list = json_array();

	for (; *names; names++)
		json_array_append_new(list, json_string(*names));
	return list;
}

static json_t *one_of_names(const char *const *names)
{
	return or_variable(json_pack("{s:o}", "enum", names_list(names)));
}

static json_t *text_or_names(const struct field *f)
{
	if (!f->names)
		return reference("text");
	if (!f->pattern)
		return one_of_names(f->names);
	return either(one_of_names(f->names),
		      json_pack("{s:s, s:s}", "type", "string", "pattern", f->pattern));
}

static json_t *text_or_list(const struct field *f)
{
	return either(text_or_names(f), json_pack("{s:s, s:o, s:i}", "type", "array", "items",
						  text_or_names(f), "minItems", 1));
}

static json_t *whole_number(const struct field *f)
{
	json_t *type = json_pack("{s:s, s:I}", "type", "integer", "minimum", (json_int_t)f->min);

	if (f->max)
		json_object_set_new(type, "maximum", json_integer((json_int_t)f->max));
	return or_variable(type);
}

/* One, or a list of at least one. */
static json_t *number_or_list(const struct field *f)
{
	return either(whole_number(f), json_pack("{s:s, s:o, s:i}", "type", "array", "items",
						 whole_number(f), "minItems", 1));
}

static json_t *closed_object(const struct field *fields);
static json_t *custom_of(const char *key);

static json_t *one_condition(void)
{
	json_t *ready = closed_object(ready_fields);

	json_object_set_new(ready, "minProperties", json_integer(1));
	json_object_set_new(ready, "maxProperties", json_integer(1));
	return ready;
}

static json_t *type_of(const struct field *f)
{
	switch (f->type) {
	case FIELD_STRING:
		return text_or_names(f);
	case FIELD_BOOL:
		return or_variable(json_pack("{s:s}", "type", "boolean"));
	case FIELD_COUNT:
		return whole_number(f);
	case FIELD_COUNTS:
		return number_or_list(f);
	case FIELD_BITRATE:
		return reference("bitrate");
	case FIELD_BYTES:
		return reference("size");
	case FIELD_DURATION:
		return reference("duration");
	case FIELD_PERCENT:
		return reference("percentage");
	case FIELD_FACTOR:
		return or_variable(json_pack("{s:s, s:i}", "type", "number", "minimum", 0));
	case FIELD_ENUM:
		return one_of_names(f->names);
	case FIELD_STRINGS:
		return text_or_list(f);
	case FIELD_RECORD:
		return f->of == ready_fields ? one_condition() : closed_object(f->of);
	case FIELD_RECORDS:
		return json_pack("{s:s, s:o}", "type", "array", "items", closed_object(f->of));
	case FIELD_NAMED:
		return json_pack("{s:s, s:o}", "type", "object", "additionalProperties",
				 closed_object(f->of));
	case FIELD_STRING_MAP:
		return json_pack("{s:s, s:o}", "type", "object", "additionalProperties",
				 reference("text"));
	case FIELD_CUSTOM:
		return custom_of(f->name);
	}
	return json_true();
}

static void add_property(json_t *properties, const char *name, json_t *type, const char *doc,
			 const char *default_text)
{
	if (doc && default_text)
		json_object_set_new(type, "description",
				    json_sprintf("%s (default: %s)", doc, default_text));
	else if (doc)
		json_object_set_new(type, "description", json_string(doc));
	json_object_set_new(properties, name, type);
}

static void add_fields(json_t *properties, const struct field *fields)
{
	for (const struct field *f = fields; f->name; f++)
		if (!(f->flags & FIELD_NO_YAML))
			add_property(properties, f->name, type_of(f), f->doc, f->default_text);
}

static json_t *object_of(json_t *properties)
{
	return json_pack("{s:s, s:o, s:b}", "type", "object", "properties", properties,
			 "additionalProperties", 0);
}

static json_t *closed_object(const struct field *fields)
{
	json_t *properties = json_object();

	add_fields(properties, fields);
	return object_of(properties);
}

static json_t *required_of(const struct field *fields)
{
	json_t *list = json_array();

	for (const struct field *f = fields; f->name; f++)
		if (f->flags & FIELD_REQUIRED)
			json_array_append_new(list, json_string(f->name));
	return list;
}

/* --- steps --- */

static bool is_kind_of_step(const char *key)
{
	return field_enum_index(step_kind_names, key) != ENUM_UNSET;
}

/* A step of one kind: that kind's key with what it takes, and the keys of every step. */
static json_t *step_of(const char *kind, json_t *type, const char *doc, bool has_length)
{
	json_t *properties = json_object();

	for (const struct field *f = step_fields; f->name; f++)
		if (!is_kind_of_step(f->name) && (has_length || strcmp(f->name, "for") != 0))
			add_property(properties, f->name, type_of(f), f->doc, f->default_text);
	add_property(properties, kind, type, doc, NULL);
	json_t *step = object_of(properties);
	json_object_set_new(step, "required", json_pack("[s,s]", "at", kind));
	return step;
}

static json_t *fault_of(const struct fault_ops *ops)
{
	const struct field *target = fault_target_fields(ops);
	json_t *properties = json_object();
	json_t *required = required_of(target);
	json_t *own = required_of(ops->fields);

	add_fields(properties, target);
	add_fields(properties, ops->fields);
	json_array_extend(required, own);
	json_decref(own);
	json_t *fault = object_of(properties);
	json_object_set_new(fault, "required", required);
	return fault_takes_target_alone(ops) ? either(type_of(target), fault) : fault;
}

static json_t *one_command(void)
{
	return json_pack("[{s:[s]}, {s:[s]}]", "required", "run", "required", "shell");
}

static json_t *steps(void)
{
	json_t *kinds = json_array();

	for (const struct fault_ops *const *ops = fault_registry; *ops; ops++)
		json_array_append_new(kinds,
				      step_of((*ops)->name, fault_of(*ops), (*ops)->doc, true));
	for (const struct field *f = step_fields; f->name; f++) {
		if (!is_kind_of_step(f->name))
			continue;
		json_t *type = type_of(f);
		if (f->type == FIELD_RECORD) { /* exec */
			json_object_set_new(type, "required", required_of(f->of));
			json_object_set_new(type, "oneOf", one_command());
		}
		json_array_append_new(kinds, step_of(f->name, type, f->doc, false));
	}
	return json_pack("{s:s, s:{s:o}}", "type", "array", "items", "oneOf", kinds);
}

/* --- expectations, controls, and what makes documents --- */

static json_t *expectations(void)
{
	json_t *kinds = json_array();

	for (const struct expect_ops *const *ops = expect_registry; *ops; ops++) {
		json_t *properties = json_object();

		add_fields(properties, expect_common_fields);
		add_property(properties, (*ops)->name, closed_object((*ops)->fields), (*ops)->doc,
			     NULL);
		json_t *item = object_of(properties);
		json_object_set_new(item, "required", json_pack("[s]", (*ops)->name));
		json_array_append_new(kinds, item);
	}
	return json_pack("{s:s, s:i, s:{s:o}}", "type", "array", "minItems", 1, "items", "oneOf",
			 kinds);
}

static json_t *controls(void)
{
	return json_pack("{s:s, s:o, s:o}", "type", "object", "propertyNames", reference("name"),
			 "additionalProperties", closed_object(control_fields));
}

static json_t *matrix(void)
{
	return json_pack("{s:s, s:i, s:i, s:o, s:{s:s, s:i, s:b, s:o}}", "type", "object",
			 "minProperties", 1, "maxProperties", MATRIX_KEYS_MAX, "propertyNames",
			 reference("name"), "additionalProperties", "type", "array", "minItems", 1,
			 "uniqueItems", 1, "items", reference("text"));
}

static json_t *expectation_defaults(void)
{
	json_t *properties = json_object();

	for (const struct expect_ops *const *ops = expect_registry; *ops; ops++)
		add_fields(properties, (*ops)->fields);
	return object_of(properties);
}

static json_t *texts(void)
{
	return json_pack("{s:s, s:i, s:o}", "type", "array", "minItems", 1, "items",
			 reference("text"));
}

static json_t *defaults_of(const char *kind)
{
	if (!strcmp(kind, "app"))
		return closed_object(app_fields);
	if (!strcmp(kind, "host"))
		return closed_object(host_fields);
	return expectation_defaults();
}

static json_t *defaults(void)
{
	json_t *properties = json_object();

	for (const struct field *f = defaults_fields; f->name; f++)
		add_property(properties, f->name, defaults_of(f->name), f->doc, NULL);
	return object_of(properties);
}

static json_t *text_or_texts(void)
{
	return either(reference("text"), texts());
}

static json_t *replacements(void)
{
	return json_pack("{s:s, s:i}", "type", "object", "minProperties", 1);
}

static json_t *custom_of(const char *key)
{
	static const struct {
		const char *key;
		json_t *(*make)(void);
	} rows[] = {
		{"timeline", steps},       {"expect", expectations}, {"controls", controls},
		{"replace", replacements}, {"fails", text_or_texts}, {"include", text_or_texts},
		{"matrix", matrix},        {"defaults", defaults},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (!strcmp(rows[i].key, key))
			return rows[i].make();
	return json_object(); /* anything: a test looks for it */
}

/* --- the whole --- */

static json_t *text_like(const char *pattern)
{
	return json_pack("{s:s, s:s}", "type", "string", "pattern", pattern);
}

static json_t *definitions(void)
{
	json_t *defs = json_object();

	json_object_set_new(
		defs, "name",
		json_pack("{s:s, s:o}", "type", "string", "pattern",
			  json_sprintf("^[a-z0-9][a-z0-9-]{0,%d}$", PARSE_NAME_MAX - 1)));
	json_object_set_new(defs, "text",
			    json_pack("{s:[s,s,s]}", "type", "string", "number", "boolean"));
	json_object_set_new(defs, "variable", text_like(PATTERN_VARIABLE));
	json_object_set_new(defs, "duration", text_like(PATTERN_DURATION "|" PATTERN_VARIABLE));
	json_object_set_new(defs, "percentage", text_like(PATTERN_PERCENT "|" PATTERN_VARIABLE));
	json_object_set_new(defs, "bitrate", text_like(PATTERN_BITRATE "|" PATTERN_VARIABLE));
	json_object_set_new(defs, "size", text_like(PATTERN_SIZE "|" PATTERN_VARIABLE));
	return defs;
}

/* The names of a map's items, and that not both of two keys stand in one of them. */
static void restrict_items(json_t *properties, const char *key, json_t *names, const char *first,
			   const char *second)
{
	json_t *map = json_object_get(properties, key);

	json_object_set_new(map, "propertyNames", names);
	json_object_set_new(map, "minProperties", json_integer(1));
	if (first)
		json_object_set_new(json_object_get(map, "additionalProperties"), "not",
				    json_pack("{s:[s,s]}", "required", first, second));
}

/* { "if": none of these keys is there, "then": {...} }; takes `then`. */
static json_t *without(const char *one, const char *other, json_t *then)
{
	return json_pack("{s:{s:{s:[{s:[s]}, {s:[s]}]}}, s:o}", "if", "not", "anyOf", "required",
			 one, "required", other, "then", then);
}

static json_t *items_require(json_t *required)
{
	return json_pack("{s:{s:o}}", "additionalProperties", "required", required);
}

/* What must be in a file that includes none. */
static json_t *whole_file(void)
{
	json_t *files = items_require(required_of(private_file_fields));
	json_t *file = json_object_get(files, "additionalProperties");

	json_object_set_new(
		file, "oneOf",
		json_pack("[{s:[s]}, {s:[s]}]", "required", "text", "required", "from"));
	return json_pack("{s:o, s:{s:o, s:o, s:{s:o}, s:{s:o}}}", "required",
			 required_of(scenario_fields), "properties", "files", files, "controls",
			 items_require(required_of(control_fields)), "claim", "required",
			 required_of(claim_fields), "guest", "required", required_of(guest_fields));
}

/* What must be in an item that nothing fills in. */
static json_t *whole_items(void)
{
	json_t *apps = items_require(required_of(app_fields));
	json_t *kinds = json_object();

	json_object_set_new(json_object_get(apps, "additionalProperties"), "oneOf", one_command());
	for (const struct expect_ops *const *ops = expect_registry; *ops; ops++)
		json_object_set_new(kinds, (*ops)->name,
				    json_pack("{s:o}", "required", required_of((*ops)->fields)));
	return json_pack("{s:{s:o, s:{s:{s:o}}}}", "properties", "apps", apps, "expect", "items",
			 "properties", kinds);
}

json_t *parse_schema(void)
{
	json_t *properties = json_object();

	add_fields(properties, scenario_fields);
	restrict_items(properties, "hosts", reference("name"), NULL, NULL);
	restrict_items(properties, "apps", reference("name"), "run", "shell");
	restrict_items(properties, "files", json_pack("{s:s}", "pattern", "^/"), "text", "from");
	json_object_del(json_object_get(properties, "files"), "minProperties");
	json_t *schema = json_pack("{s:s, s:s}", "$schema", DRAFT, "title", "a wirecut scenario");
	json_t *form = object_of(properties);
	json_object_update(schema, form);
	json_decref(form);
	json_object_set_new(schema, "allOf",
			    json_pack("[o,o]", without("include", "include", whole_file()),
				      without("include", "defaults", whole_items())));
	json_object_set_new(schema, "$defs", definitions());
	return schema;
}
