/* SPDX-License-Identifier: MIT */
/*
 * JUnit's XML, in the form that Jenkins' xUnit plugin defines and that GitLab, GitHub actions and
 * most others read: one suite, a test case for each scenario and each control, its class the
 * practice. It is also written into the run's folder, asked for or not.
 *
 * libxml2's writer escapes what XML must have escaped but writes control characters and broken
 * UTF-8 as they come, which no reader takes: every text goes through clean_text() first.
 */
#include "harness/report/reporter.h"

#include <libxml/xmlwriter.h>

#include "harness/base/cleanup.h"
#include "harness/base/io.h"
#include "harness/report/clean.h"
#include "harness/report/slug.h"

#define FILE_NAME "junit.xml"
/* The class of what names no practice: an empty one would be dropped by some readers. */
#define CLASS_DEFAULT "wirecut"
/* "2026-11-24T11:34:55", as ISO 8601 without a zone: what the form has for a timestamp. */
#define TIMESTAMP_LEN 19

struct junit_case {
	enum outcome outcome;
	const char *class, *name;
	const char *type; /* the verdict's own name */
	char *message, *body, *output;
	nsec_t duration;
};

struct junit {
	VEC(struct junit_case) cases;
	struct strings links; /* the engines that were used, each once */
};

static bool junit_wants(const struct report_options *options, const char **ret_path)
{
	*ret_path = options->junit;
	return true;
}

static int junit_begin(struct reporter *r, struct err *err)
{
	(void)err;
	r->state = arena_new(r->arena, struct junit);
	return 0;
}

/* --- what is kept of a result --- */

/* A line for each expectation that did not pass; of a control for each. */
static char *failure_body(const struct scenario_result *r, struct arena *a)
{
	char *body = arena_printf(a, "%s\n", explain_reason(r, a));

	vec_foreach (e, &r->expects) {
		const struct pos *pos = &e->expect->spec.pos;

		if (e->verdict == VERDICT_PASS && !r->plan->control)
			continue;
		body = arena_printf(a, "%s%s:%d: %s %s\n", body, clean_line(pos->file, a),
				    pos->line, verdict_names[e->verdict], explain_expect(e, a));
	}
	return body;
}

/*
 * The explanation, then the files: as lines that Jenkins' junit-attachments plugin and GitLab turn
 * into links.
 */
static char *case_output(const struct report_result *result, struct arena *a)
{
	static const char *const files[] = {"verdict.json", "events.jsonl", "packets.pcapng"};
	const struct plan *plan = result->result->plan;
	char *text = arena_printf(a, "%s\n%s", clean_line(plan->name, a), result->explanation);
	enum outcome outcome = result_outcome(result->result);

	/* The common schema has no element for it. */
	if (result->result->attempts > 1 && outcome == OUTCOME_PASSED)
		text = arena_printf(a, "FLAKY: passed at attempt %d, inconclusive before\n%s",
				    result->result->attempts, text);
	if (!result->folder || outcome == OUTCOME_PASSED || outcome == OUTCOME_SKIPPED)
		return text;
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		text = arena_printf(a, "%s[[ATTACHMENT|%s/%s]]\n", text,
				    clean_line(result->folder, a), files[i]);
	return text;
}

static void add_link(struct junit *j, const struct plan *plan, struct arena *a)
{
	const char *name = plan->link < 0 ? NULL : link_engine_names[plan->link];

	for (size_t i = 0; name && i < j->links.n; i++)
		if (!strcmp(j->links.v[i], name))
			return;
	if (name)
		*vec_push(a, &j->links) = arena_strdup(a, name);
}

static void junit_result(struct reporter *r, const struct report_result *result)
{
	const struct scenario_result *s = result->result;
	const struct plan *plan = s->plan;
	struct junit *j = r->state;
	_cleanup_arena_ struct arena a = {0}; /* of the steps to the texts that are kept */

	*vec_push(r->arena, &j->cases) = (struct junit_case){
		.outcome = result_outcome(s),
		.class = arena_strdup(
			r->arena, clean_line(plan->practice ? plan->practice : CLASS_DEFAULT, &a)),
		.name = arena_strdup(r->arena,
				     clean_line(slug_without_attempt(plan->slug, &a), &a)),
		.type = verdict_names[s->verdict],
		.message = arena_strdup(r->arena, explain_reason(s, &a)),
		.body = arena_strdup(r->arena, failure_body(s, &a)),
		.output = arena_strdup(r->arena, case_output(result, &a)),
		.duration = s->duration,
	};
	if (s->verdict != VERDICT_SKIP)
		add_link(j, plan, r->arena);
}

/* --- the document --- */

/* The writer's calls can only fail for want of memory: that is asked once, at the end. */
struct xml {
	xmlTextWriterPtr writer;
	bool failed;
};

static void xml_open(struct xml *x, const char *element)
{
	x->failed |= xmlTextWriterStartElement(x->writer, BAD_CAST element) < 0;
}

static void xml_close(struct xml *x)
{
	x->failed |= xmlTextWriterEndElement(x->writer) < 0;
}

static void xml_attribute(struct xml *x, const char *name, const char *value)
{
	x->failed |= xmlTextWriterWriteAttribute(x->writer, BAD_CAST name, BAD_CAST value) < 0;
}

static void xml_count(struct xml *x, const char *name, size_t n)
{
	char text[32];

	snprintf(text, sizeof(text), "%zu", n);
	xml_attribute(x, name, text);
}

static void xml_seconds(struct xml *x, const char *name, nsec_t t)
{
	char text[32];

	snprintf(text, sizeof(text), "%.3f", (double)t / 1e9);
	xml_attribute(x, name, text);
}

static void xml_text(struct xml *x, const char *text)
{
	x->failed |= xmlTextWriterWriteString(x->writer, BAD_CAST text) < 0;
}

static void write_property(struct xml *x, const char *name, const char *value)
{
	xml_open(x, "property");
	xml_attribute(x, "name", name);
	xml_attribute(x, "value", value);
	xml_close(x);
}

static void write_properties(struct xml *x, const struct junit *j, const struct suite_info *info,
			     const struct suite_summary *summary, struct arena *a)
{
	char *links = arena_strdup(a, "");

	for (size_t i = 0; i < j->links.n; i++)
		links = arena_printf(a, "%s%s%s", links, i ? " " : "", j->links.v[i]);
	xml_open(x, "properties");
	write_property(x, "wirecut", WIRECUT_VERSION);
	write_property(x, "run", info->run_id);
	write_property(x, "seed", arena_printf(a, "%llu", (unsigned long long)info->seed));
	write_property(x, "link", links);
	write_property(x, "clock", info->clock);
	write_property(x, "kernel", clean_line(summary_kernels(summary, info, a), a));
	write_property(x, "interrupted", info->interrupted ? "true" : "false");
	xml_close(x);
}

static void write_case(struct xml *x, const struct junit_case *c)
{
	static const char *const elements[] = {
		[OUTCOME_FAILED] = "failure",
		[OUTCOME_ERROR] = "error",
		[OUTCOME_SKIPPED] = "skipped",
	};

	xml_open(x, "testcase");
	xml_attribute(x, "classname", c->class);
	xml_attribute(x, "name", c->name);
	xml_seconds(x, "time", c->duration);
	if (c->outcome != OUTCOME_PASSED) {
		xml_open(x, elements[c->outcome]);
		xml_attribute(x, "type", c->type);
		xml_attribute(x, "message", c->message);
		if (c->outcome != OUTCOME_SKIPPED)
			xml_text(x, c->body);
		xml_close(x);
	}
	xml_open(x, "system-out");
	xml_text(x, c->output);
	xml_close(x);
	xml_close(x);
}

static void write_totals(struct xml *x, const struct junit *j, const struct suite_info *info)
{
	size_t count[] = {[OUTCOME_SKIPPED] = 0};

	vec_foreach (c, &j->cases)
		count[c->outcome]++;
	xml_attribute(x, "name", "wirecut");
	xml_count(x, "tests", j->cases.n);
	xml_count(x, "failures", count[OUTCOME_FAILED]);
	xml_count(x, "errors", count[OUTCOME_ERROR]);
	xml_count(x, "skipped", count[OUTCOME_SKIPPED]);
	xml_seconds(x, "time", info->wall);
}

static void write_document(struct xml *x, const struct junit *j, const struct suite_info *info,
			   const struct suite_summary *summary, struct arena *a)
{
	x->failed |= xmlTextWriterSetIndent(x->writer, 1) < 0 ||
		     xmlTextWriterStartDocument(x->writer, NULL, "UTF-8", NULL) < 0;
	xml_open(x, "testsuites");
	xml_open(x, "testsuite");
	write_totals(x, j, info);
	xml_attribute(x, "timestamp", arena_strndup(a, info->started, TIMESTAMP_LEN));
	write_properties(x, j, info, summary, a);
	vec_foreach (c, &j->cases)
		write_case(x, c);
	xml_close(x);
	xml_close(x);
	x->failed |= xmlTextWriterEndDocument(x->writer) < 0;
}

static int junit_end(struct reporter *r, const struct report_end *end, struct err *err)
{
	xmlBufferPtr buffer = xmlBufferCreate();
	struct xml x = {.writer = buffer ? xmlNewTextWriterMemory(buffer, 0) : NULL};
	int rc = 0;

	if (x.writer) {
		write_document(&x, r->state, r->info, end->summary, r->arena);
		xmlFreeTextWriter(x.writer); /* flushes into the buffer */
	}
	if (!x.writer || x.failed) {
		rc = err_set(err, "write " FILE_NAME ": out of memory");
	} else {
		const xmlChar *text = xmlBufferContent(buffer);
		size_t len = (size_t)xmlBufferLength(buffer);

		rc = io_write_file_at(end->run_fd, FILE_NAME, text, len, err);
		if (rc == 0 && r->options->junit)
			rc = output_write(&r->out, text, len, err);
	}
	if (buffer)
		xmlBufferFree(buffer);
	return rc;
}

const struct reporter_ops junit_ops = {
	.name = "junit",
	.wants = junit_wants,
	.begin = junit_begin,
	.result = junit_result,
	.end = junit_end,
};
