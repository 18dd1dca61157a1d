/* SPDX-License-Identifier: MIT */
/* plan.json: what is written is read back, and what nobody wrote is refused. */
#include <check.h>
#include <glob.h>
#include <stdlib.h>

#include "harness/base/cleanup.h"
#include "harness/base/io.h"
#include "harness/build/build.h"
#include "harness/parse/parse.h"
#include "harness/tests/suite.h"

static struct arena arena;

static void tear_down(void)
{
	arena_free(&arena);
}

static char *read_nothing(const char *path, struct arena *a, struct err *err)
{
	(void)err;
	return arena_printf(a, "contents of %s", path);
}

static char *read_whole(const char *path)
{
	_cleanup_fclose_ FILE *f = fopen(path, "re");
	char *text = NULL;
	size_t size = 0;

	ck_assert_ptr_nonnull(f);
	ck_assert_int_gt(getdelim(&text, &size, '\0', f), 0);
	char *copy = arena_strdup(&arena, text);
	free(text);
	return copy;
}

/* The plans of a scenario file: of each cell its healthy run, then its controls. */
struct plans {
	VEC(struct plan *) list;
};

static struct plans plans_of(const char *path)
{
	const struct build_options options = {.seed = UINT64_MAX, .read_file = read_nothing};
	struct diags diags = {.arena = &arena};
	struct plans plans = {0};
	char *text = read_whole(path);
	struct scenario_list made;

	parse_scenarios(path, text, strlen(text), io_read_file, &arena, &diags, &made);
	vec_foreach (s, &made) {
		*vec_push(&arena, &plans.list) = build_plan(*s, NULL, &options, &arena, &diags);
		vec_foreach (control, &(*s)->controls)
			*vec_push(&arena, &plans.list) =
				build_plan(*s, control, &options, &arena, &diags);
	}
	ck_assert_uint_eq(diags.list.n, 0);
	return plans;
}

static char *text_of(const struct plan *plan)
{
	_cleanup_json_ json_t *j = plan_to_json(plan);
	_cleanup_free_ char *text = json_dumps(j, JSON_FILE_FLAGS);

	return arena_strdup(&arena, text);
}

static char *printed(const struct plan *plan)
{
	char *out = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&out, &len);

	plan_print(f, plan);
	fclose(f);
	char *copy = arena_strdup(&arena, out);
	free(out);
	return copy;
}

START_TEST(a_plan_comes_back_byte_by_byte)
{
	glob_t files;
	size_t n = 0;

	ck_assert_int_eq(glob("harness/tests/good/*.yaml", 0, NULL, &files), 0);
	for (size_t i = 0; i < files.gl_pathc; i++) {
		struct plans plans = plans_of(files.gl_pathv[i]);

		vec_foreach (plan, &plans.list) {
			struct plan back;
			struct err err = {0};
			char *text = text_of(*plan);
			_cleanup_json_ json_t *j = json_loads(text, JSON_REJECT_DUPLICATES, NULL);

			ck_assert_msg(!plan_from_json(&back, j, &arena, &err), "%s", err.msg);
			ck_assert_str_eq(text_of(&back), text);
			ck_assert_str_eq(printed(&back), printed(*plan));
			n++;
		}
	}
	ck_assert_uint_gt(n, files.gl_pathc); /* controls were among them */
	globfree(&files);
}
END_TEST

START_TEST(a_seed_keeps_all_its_bits)
{
	struct plans plans = plans_of("harness/tests/good/minimal.yaml");
	_cleanup_json_ json_t *j = plan_to_json(plans.list.v[0]);
	struct plan back;
	struct err err;

	ck_assert_int_eq(plan_from_json(&back, j, &arena, &err), 0);
	ck_assert_uint_eq(back.seed, UINT64_MAX);
}
END_TEST

static const char heartbeat[] = "harness/tests/good/heartbeat.yaml";

/* The value at a dotted path in a document. */
static json_t *at(json_t *j, const char *path)
{
	char *copy = arena_strdup(&arena, path);

	for (char *key = strtok(copy, "."); key; key = strtok(NULL, "."))
		j = json_is_array(j) ? json_array_get(j, (size_t)atoi(key))
				     : json_object_get(j, key);
	return j;
}

/* Sets (or with NULL removes) a key of the object at the path; the error of loading that. */
static const char *error_with(const char *path, const char *key, const char *value)
{
	struct plans plans = plans_of(heartbeat);
	_cleanup_json_ json_t *j = plan_to_json(plans.list.v[1]);
	json_t *object = at(j, path);
	struct err err = {0};
	struct plan plan;

	ck_assert_msg(json_is_object(object), "%s", path);
	if (value)
		json_object_set_new(object, key, json_loads(value, JSON_DECODE_ANY, NULL));
	else
		ck_assert_int_eq(json_object_del(object, key), 0);
	plan_from_json(&plan, j, &arena, &err);
	return arena_strdup(&arena, err.msg);
}

static const struct {
	const char *path, *key, *value, *error;
} corruptions[] = {
	{"", "name", NULL, "plan: missing key 'name'"},
	{"", "nam", "1", "plan: unknown key 'nam'"},
	{"", "seed", "1", "plan: 'seed' must be a whole number, as a text"},
	{"", "seed", "\"-1\"", "plan: 'seed' must be a whole number, as a text"},
	{"", "seed", "\"18446744073709551616\"", "plan: 'seed' must be a whole number, as a text"},
	{"", "clock", "\"reel\"", "plan: 'clock' cannot be 'reel'"},
	{"", "duration", "null", "plan: 'duration' or 'timeout' is out of range"},
	{"", "duration", "-1", "plan: 'duration' or 'timeout' is out of range"},
	{"", "timeout", "1", "plan: 'duration' or 'timeout' is out of range"},
	{"", "hosts", "[]", "plan: there must be a host, and 32767 at most"},
	{"", "steps", NULL, "plan: 'steps' must be a list, of 32767 at most"},
	{"", "expects", "{}", "plan: 'expects' must be a list"},
	{"", "must_fail", "[5]", "plan: must_fail.0: an index must be a whole number below 5"},
	{"", "must_fail", "{}", "plan: 'must_fail' must be a list"},
	{"", "claim_expects", "[5]",
	 "plan: claim_expects.0: an index must be a whole number below 5"},
	{"", "claim", "{\"arithmetic\": \"\"}", "plan: claim: missing key 'says'"},
	{"", "neighbours", "\"guess\"", "plan: 'neighbours' cannot be 'guess'"},
	{"", "gso", "\"maybe\"", "plan: 'gso' cannot be 'maybe'"},
	{"hosts.1", "ip4", "\"10.0.0.256\"", "plan: host 'client.1': an address is malformed"},
	{"hosts.1", "ip6", "\"::g\"", "plan: host 'client.1': an address is malformed"},
	{"hosts.1", "mac", "\"02:00:00:00:00:0\"",
	 "plan: host 'client.1': an address is malformed"},
	{"files.0", "host", "4", "plan: file '/etc/app.conf': there is no host of that index"},
	{"apps.1", "host", "4", "plan: app 'client.1': 'host' is no host's index"},
	{"apps.1", "argv", "[]", "plan: app 'client.1': 'argv' is empty"},
	{"apps.1", "stop_signo", "65", "plan: apps.1: 'stop_signo' is out of range: 65"},
	{"apps.1", "stop_grace", "-1",
	 "plan: app 'client.1': 'ready_within' or 'stop_grace' is out of range"},
	{"apps.1.ready", "connected_host", "9", "plan: app 'client.1': 'ready' names no service"},
	{"apps.1.ready", "connected_port", NULL, "plan: app 'client.1': 'ready' names no service"},
	{"steps.0", "kind", "\"flood\"",
	 "plan: steps.0: 'kind' is no fault that this program knows"},
	{"steps.0", "cables", "[0, 4]",
	 "plan: steps.0: cables.1: an index must be a whole number below 4"},
	{"steps.0", "cables", NULL, "plan: steps.0: missing key 'cables'"},
	{"steps.0", "target", NULL, "plan: steps.0: missing key 'target'"},
	{"steps.0", "parameters", NULL, "plan: steps.0: missing key 'parameters'"},
	{"steps.0", "step", "\"kill\"", "plan: steps.0: unknown key 'target'"},
	{"steps.0", "pos", "[1, 2]", "plan: steps.0: 'pos' must be [line, column, width]"},
	{"steps.0", "pos", "[1, 2, -1]", "plan: steps.0: 'pos' must be [line, column, width]"},
	{"steps.0.edges.0", "off", "1", "plan: steps.0: an edge's times are out of range"},
	{"steps.0.edges.0", "on", "-1", "plan: steps.0: an edge's times are out of range"},
	{"steps.1", "apps", "[7]",
	 "plan: steps.1: apps.0: an index must be a whole number below 7"},
	{"steps.1", "kind", "\"stop\"", "plan: steps.1: 'kind' and 'step' contradict each other"},
	{"steps.2.parameters", "rate", "1.5",
	 "plan: steps.2: parameters: 'rate' is out of range: 1.5"},
	{"steps.2.target", "direction", NULL, "plan: steps.2: missing key 'direction'"},
	{"steps.2.target.match", "kind", "[\"psh\"]",
	 "plan: steps.2: target: match: 'kind' cannot be 'psh'"},
	{"expects.0", "kind", "\"hopes\"",
	 "plan: expects.0: 'kind' is no expectation that this program knows"},
	{"expects.0", "parameters", NULL, "plan: expects.0: missing key 'parameters'"},
	{"expects.0", "apps", NULL, "plan: expects.0: missing key 'apps'"},
	{"expects.0", "apps", "[-1]",
	 "plan: expects.0: apps.0: an index must be a whole number below 7"},
	{"expects.0", "on_step", "4",
	 "plan: expects.0: on_step: an index must be a whole number below 4"},
	{"expects.0", "on_step", NULL, "plan: expects.0: missing key 'on_step'"},
	{"expects.0", "peer_port", "0", "plan: expects.0: 'peer_port' is out of range: 0"},
	{"expects.0", "peer_hosts", NULL,
	 "plan: expects.0: missing key 'peer_hosts' or 'peer_port'"},
	{"expects.0.parameters", "within", "null",
	 "plan: expects.0: parameters: 'within' is out of range"},
	{"expects.0.parameters", "not-before", "-1",
	 "plan: expects.0: parameters: 'not-before' is out of range"},
	{"expects.3", "hosts", NULL, "plan: expects.3: missing key 'hosts'"},
	{"expects.3", "by_time", NULL, "plan: expects.3: 'by_time' is missing or out of range"},
};

START_TEST(errors_say_where)
{
	ck_assert_str_eq(error_with("", "practice", "\"x\""), "");
	for (size_t i = 0; i < ARRAY_SIZE(corruptions); i++)
		ck_assert_str_eq(
			error_with(corruptions[i].path, corruptions[i].key, corruptions[i].value),
			corruptions[i].error);
}
END_TEST

/* Loads it; what loads must also be writable and printable. */
static void try_to_load(json_t *whole, size_t *loaded, size_t *refused)
{
	struct arena a = {0};
	struct err err = {0};
	struct plan plan;

	if (plan_from_json(&plan, whole, &a, &err)) {
		ck_assert(err.msg[0]);
		++*refused;
	} else {
		text_of(&plan);
		printed(&plan);
		++*loaded;
	}
	arena_free(&a);
}

/* Puts each of the wrong values in the place of each value of the document, one at a time. */
static void corrupt(json_t *whole, json_t *part, size_t *loaded, size_t *refused)
{
	static const char *const wrong[] = {"null",  "-1",   "0",      "99999",
					    "1e300", "true", "\"x\"",  "[]",
					    "{}",    "[-1]", "[null]", "9223372036854775807"};
	bool is_list = json_is_array(part);
	size_t n = is_list ? json_array_size(part) : json_object_size(part);
	void *iter = json_object_iter(part);

	for (size_t i = 0; i < n; i++) {
		const char *key = is_list ? NULL : json_object_iter_key(iter);
		json_t *child = is_list ? json_array_get(part, i) : json_object_get(part, key);
		_cleanup_json_ json_t *kept = json_incref(child);

		for (size_t w = 0; w < ARRAY_SIZE(wrong); w++) {
			json_t *value = json_loads(wrong[w], JSON_DECODE_ANY, NULL);

			if (is_list)
				json_array_set_new(part, i, value);
			else
				json_object_set_new(part, key, value);
			try_to_load(whole, loaded, refused);
		}
		if (is_list)
			json_array_set(part, i, kept);
		else
			json_object_set(part, key, kept);
		corrupt(whole, kept, loaded, refused);
		iter = is_list ? NULL : json_object_iter_next(part, iter);
	}
}

START_TEST(a_corrupt_plan_is_an_error_and_never_a_crash)
{
	static const char *const files[] = {heartbeat, "harness/tests/good/timeline.yaml",
					    "harness/tests/good/expectations.yaml"};

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		struct plans plans = plans_of(files[i]);

		ck_assert_uint_gt(plans.list.n, 0);
		struct plan *const *last = &plans.list.v[plans.list.n - 1];
		_cleanup_json_ json_t *j = plan_to_json(*last);
		size_t loaded = 0, refused = 0;

		corrupt(j, j, &loaded, &refused);
		ck_assert_uint_gt(refused, 10 * loaded / 3);
		ck_assert_uint_gt(loaded, 0); /* a name may be "x" */
		try_to_load(j, &loaded, &refused);
	}
}
END_TEST

START_TEST(what_is_no_object_is_refused)
{
	static const char *const texts[] = {"null", "[]", "1", "\"x\"", "{}"};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		_cleanup_json_ json_t *j = json_loads(texts[i], JSON_DECODE_ANY, NULL);
		struct err err = {0};
		struct plan plan;

		ck_assert_int_eq(plan_from_json(&plan, j, &arena, &err), -1);
	}
}
END_TEST

int main(void)
{
	TCase *c = tcase_create("plan");

	tcase_add_checked_fixture(c, NULL, tear_down);
	tcase_set_timeout(c, 120);
	tcase_add_test(c, a_plan_comes_back_byte_by_byte);
	tcase_add_test(c, a_seed_keeps_all_its_bits);
	tcase_add_test(c, errors_say_where);
	tcase_add_test(c, a_corrupt_plan_is_an_error_and_never_a_crash);
	tcase_add_test(c, what_is_no_object_is_refused);
	return run_tests("plan", c);
}
