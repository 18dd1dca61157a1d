/* SPDX-License-Identifier: MIT */
/* junit.xml as its readers meet it: parsed by libxml2, held against the schema, asked by XPath. */
#include <check.h>
#include <libxml/parser.h>
#include <libxml/xmlschemas.h>
#include <libxml/xpath.h>
#include <stdlib.h>

#include "harness/tests/reporting.h"
#include "harness/tests/suite.h"

#define SCHEMA "harness/tests/junit.xsd"

static struct reporting r;
static xmlDocPtr doc;

static void setup(void)
{
	reporting_start(&r);
	doc = NULL;
}

static void teardown(void)
{
	xmlFreeDoc(doc);
	reporting_finish(&r);
	xmlCleanupParser();
}

static void quiet(void *context, const char *fmt, ...)
{
	(void)context;
	(void)fmt;
}

/* 0: valid; else libxml2's error code. */
static int validate(xmlDocPtr d)
{
	xmlSchemaParserCtxtPtr parser = xmlSchemaNewParserCtxt(SCHEMA);
	xmlSchemaPtr schema = xmlSchemaParse(parser);

	ck_assert_msg(schema != NULL, SCHEMA " is no schema");
	xmlSchemaValidCtxtPtr valid = xmlSchemaNewValidCtxt(schema);
	xmlSchemaSetValidErrors(valid, quiet, quiet, NULL);
	int rc = xmlSchemaValidateDoc(valid, d);
	xmlSchemaFreeValidCtxt(valid);
	xmlSchemaFree(schema);
	xmlSchemaFreeParserCtxt(parser);
	return rc;
}

static void end_and_parse(const char *file)
{
	reporting_end(&r);
	const char *text = reporting_text(&r, file);
	doc = xmlReadMemory(text, (int)strlen(text), file, NULL, XML_PARSE_NONET);
	ck_assert_msg(doc != NULL, "it is no XML:\n%s", text);
	ck_assert_msg(validate(doc) == 0, "it is not valid:\n%s", text);
}

/* The string value of an XPath expression, in the fixture's arena. */
static char *ask(const char *expression)
{
	xmlXPathContextPtr context = xmlXPathNewContext(doc);
	xmlXPathObjectPtr object = xmlXPathEvalExpression(BAD_CAST expression, context);

	ck_assert_msg(object != NULL, "%s: no XPath", expression);
	xmlChar *value = xmlXPathCastToString(object);
	char *copy = arena_strdup(&r.files.arena, (char *)value);
	xmlFree(value);
	xmlXPathFreeObject(object);
	xmlXPathFreeContext(context);
	return copy;
}

START_TEST(each_verdict_has_its_element)
{
	static const struct {
		const char *slug, *element, *type;
	} cases[] = {
		{"fails", "failure", "fail"},
		{"is-void", "failure", "void"},
		{"is-inconclusive", "error", "inconclusive"},
		{"errs", "error", "error"},
		{"is-skipped", "skipped", "skip"},
		{"a--survived", "failure", "fail"},
		{"a--errs", "error", "error"},
	};

	reporting_see_all_kinds(&r);
	end_and_parse("junit.xml");
	ck_assert_str_eq(ask("count(//testcase)"), "9");
	ck_assert_str_eq(ask("count(//failure | //error | //skipped)"), "7");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		ck_assert_str_eq(ask(arena_printf(&r.files.arena, "//testcase[@name='%s']/%s/@type",
						  cases[i].slug, cases[i].element)),
				 cases[i].type);
	ck_assert_str_eq(ask("//testsuite/@tests"), "9");
	ck_assert_str_eq(ask("//testsuite/@failures"), "3");
	ck_assert_str_eq(ask("//testsuite/@errors"), "3");
	ck_assert_str_eq(ask("//testsuite/@skipped"), "1");
}
END_TEST

START_TEST(a_case_says_what_it_is)
{
	reporting_see_all_kinds(&r);
	end_and_parse("junit.xml");
	ck_assert_str_eq(ask("//testcase[@name='fails']/@classname"), "heartbeat");
	ck_assert_str_eq(ask("//testcase[@name='errs']/@classname"), "wirecut");
	ck_assert_str_eq(ask("//testcase[@name='fails']/@time"), "2.500");
	ck_assert_str_eq(ask("//testcase[@name='fails']/failure/@message"), "too slow");
	contains(ask("//testcase[@name='fails']/failure"),
		 "test.yaml:7: fail detects client: expected within 1s of cut, observed 3 s");
	contains(ask("//testcase[@name='fails']/system-out"), "expected  within 1s of cut");
	contains(ask("//testcase[@name='fails']/system-out"), "files: results/run/fails/");
	contains(ask("//testcase[@name='fails']/system-out"),
		 "[[ATTACHMENT|results/run/fails/events.jsonl]]");
	ck_assert_str_eq(ask("contains(//testcase[@name='passes']/system-out, 'ATTACHMENT')"),
			 "false");
}
END_TEST

START_TEST(what_was_run_again_is_flaky)
{
	reporting_see(
		&r, &(struct seen){.slug = "shaky+again1", .verdict = VERDICT_PASS, .attempts = 2});
	reporting_see(&r, &(struct seen){.slug = "steady", .verdict = VERDICT_PASS, .attempts = 1});
	end_and_parse("junit.xml");
	contains(ask("//testcase[@name='shaky']/system-out"),
		 "FLAKY: passed at attempt 2, inconclusive before\n");
	ck_assert_str_eq(ask("contains(//testcase[@name='steady']/system-out, 'FLAKY')"), "false");
}
END_TEST

START_TEST(the_suite_says_what_it_ran_on)
{
	reporting_see_all_kinds(&r);
	end_and_parse("junit.xml");
	ck_assert_str_eq(ask("//property[@name='seed']/@value"), "42");
	ck_assert_str_eq(ask("//property[@name='clock']/@value"), "real");
	ck_assert_str_eq(ask("//property[@name='kernel']/@value"), "6.1.0-test");
	ck_assert_str_eq(ask("//property[@name='link']/@value"), "wire");
	ck_assert_str_eq(ask("//testsuite/@timestamp"), "2026-11-24T11:34:55");
	ck_assert_str_eq(ask("//testsuite/@time"), "1.500");
}
END_TEST

/* Of guests it is theirs, each once; what was skipped ran on none. */
START_TEST(the_kernels_of_guests_are_named)
{
	static const struct seen guests[] = {
		{"a+linux-6.1", VERDICT_PASS, .guest_kernel = "6.1.0-guest"},
		{"a+linux-6.12", VERDICT_FAIL, .guest_kernel = "6.12.9-guest"},
		{"b+linux-6.1", VERDICT_PASS, .guest_kernel = "6.1.0-guest"},
		{.slug = "skipped", .verdict = VERDICT_SKIP},
		{.slug = "real", .verdict = VERDICT_PASS},
	};
	static const char *const kernels[] = {"6.1.0-guest, 6.12.9-guest",
					      "6.1.0-test, 6.1.0-guest, 6.12.9-guest"};

	/* First without the last. */
	for (size_t i = 0; i < sizeof(guests) / sizeof(guests[0]) - 1 + (size_t)_i; i++)
		reporting_see(&r, &guests[i]);
	end_and_parse("junit.xml");
	ck_assert_str_eq(ask("//property[@name='kernel']/@value"), kernels[_i]);
}
END_TEST

/* Nothing else is known then. */
START_TEST(of_what_was_skipped_the_host_is_named)
{
	reporting_see(&r, &(struct seen){.slug = "skipped", .verdict = VERDICT_SKIP});
	end_and_parse("junit.xml");
	ck_assert_str_eq(ask("//property[@name='kernel']/@value"), "6.1.0-test");
}
END_TEST

/* What a program prints may be anything; the report holds it, and stays XML. */
START_TEST(texts_that_xml_cannot_hold)
{
	reporting_see(&r, &(struct seen){"odd\x1b", VERDICT_FAIL, .practice = "<&\">",
					 .name = "ends ]]> here",
					 .reason = "a\x01"
						   "b\xff"
						   "c\ndone",
					 .subject = "\xed\xa0\x80 ]]> <!-- & \xef\xbf\xbf",
					 .observed = "\x7f\xc2\x85 \xe2\x82\xac",
					 .expect_verdict = VERDICT_FAIL});
	end_and_parse("junit.xml");
	ck_assert_str_eq(ask("//testcase/@name"), "odd\xef\xbf\xbd");
	ck_assert_str_eq(ask("//testcase/@classname"), "<&\">");
	ck_assert_str_eq(ask("//failure/@message"), "a\xef\xbf\xbd"
						    "b\xef\xbf\xbd"
						    "c done");
	contains(ask("//system-out"), "ends ]]> here");
	contains(ask("//failure"), " ]]> <!-- & ");
	contains(ask("//failure"), "\xe2\x82\xac");
}
END_TEST

START_TEST(nothing_ended)
{
	r.info.interrupted = true;
	end_and_parse("junit.xml");
	ck_assert_str_eq(ask("//testsuite/@tests"), "0");
	ck_assert_str_eq(ask("//property[@name='interrupted']/@value"), "true");
}
END_TEST

START_TEST(also_where_it_is_asked_for)
{
	r.options.junit = reporting_path(&r, "other.xml");
	reporting_see_all_kinds(&r);
	end_and_parse("other.xml");
	ck_assert_str_eq(reporting_text(&r, "other.xml"), reporting_text(&r, "junit.xml"));
}
END_TEST

/* The schema is worth something: it refuses what readers would. */
START_TEST(the_schema_refuses)
{
	static const char *const bad[] = {
		"<testsuites><testsuite name='a' tests='1' failures='0'/></testsuites>",
		"<testsuites><testsuite name='a' tests='x' failures='0' errors='0'/></testsuites>",
		"<testsuites><testsuite name='a' tests='1' failures='0' errors='0'>"
		"<testcase classname='b'/></testsuite></testsuites>",
		"<testsuites><testsuite name='a' tests='1' failures='0' errors='0'>"
		"<testcase name='b' time='1,5'/></testsuite></testsuites>",
		"<testsuites><testsuite name='a' tests='1' failures='0' errors='0'>"
		"<testcase name='b'><inconclusive/></testcase></testsuite></testsuites>",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		xmlDocPtr d = xmlReadMemory(bad[i], (int)strlen(bad[i]), "bad", NULL, 0);

		ck_assert_ptr_nonnull(d);
		ck_assert_msg(validate(d) > 0, "it is valid: %s", bad[i]);
		xmlFreeDoc(d);
	}
}
END_TEST

int main(void)
{
	TCase *tests = tcase_create("junit");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, each_verdict_has_its_element);
	tcase_add_test(tests, a_case_says_what_it_is);
	tcase_add_test(tests, what_was_run_again_is_flaky);
	tcase_add_test(tests, the_suite_says_what_it_ran_on);
	tcase_add_loop_test(tests, the_kernels_of_guests_are_named, 0, 2);
	tcase_add_test(tests, of_what_was_skipped_the_host_is_named);
	tcase_add_test(tests, texts_that_xml_cannot_hold);
	tcase_add_test(tests, nothing_ended);
	tcase_add_test(tests, also_where_it_is_asked_for);
	tcase_add_test(tests, the_schema_refuses);
	return run_tests("junit", tests);
}
