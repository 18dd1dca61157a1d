/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <stdlib.h>

#include "faults/hands.h"
#include "faults/tests/testwire.h"
#include "harness/tests/suite.h"

/* The faults on hosts and apps: what each asks of its hands, and `power-off` on the cable. */

static struct arena arena;

/* Hands that write down what they are asked for. */
struct test_hands {
	struct hands hands;
	char log[512];
	bool fails;
};

static void teardown(void)
{
	arena_free(&arena);
}

static int done(struct hands *hands, struct err *err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
static int done(struct hands *hands, struct err *err, const char *fmt, ...)
{
	struct test_hands *t = (void *)hands;
	size_t used = strlen(t->log);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(t->log + used, sizeof(t->log) - used, fmt, ap);
	va_end(ap);
	return t->fails ? err_set(err, "it cannot be done") : 0;
}

static int cut_power(struct hands *h, int host, uint64_t *ret, struct err *err)
{
	*ret = 3;
	return done(h, err, "kill %d;", host);
}

static int destroy_sockets(struct hands *h, int host, uint64_t *ret, struct err *err)
{
	*ret = 4;
	return done(h, err, "destroy %d;", host);
}

static int remove_addresses(struct hands *h, int host, uint64_t *ret, struct err *err)
{
	*ret = 2;
	return done(h, err, "addresses %d;", host);
}

static int set_sysctl(struct hands *h, int host, const char *name, const char *value,
		      struct err *err)
{
	return done(h, err, "%d %s=%s;", host, name, value);
}

static int limit_files(struct hands *h, int app, uint64_t limit, uint64_t *ret, struct err *err)
{
	*ret = 5;
	return done(h, err, "limit %d %d;", app, (int)limit);
}

static int fill_tmp(struct hands *h, int host, struct err *err)
{
	return done(h, err, "fill %d;", host);
}

static const struct hand_ops ops = {cut_power,  destroy_sockets, remove_addresses,
				    set_sysctl, limit_files,     fill_tmp};

static struct string_pair settings[] = {{"net.ipv4.a", "1"}, {"net.ipv4.b", "2"}};

START_TEST(what_each_asks_for)
{
	static const struct {
		const char *kind, *log;
		uint64_t matched, killed, destroyed;
	} rows[] = {
		{"power-off", "kill 1;destroy 1;", 7, 3, 4}, /* in this order */
		{"power-on", "", 1, 0, 0},
		{"remove-host", "addresses 1;", 2, 0, 0},
		{"sysctl", "1 net.ipv4.a=1;1 net.ipv4.b=2;", 2, 0, 0},
		{"nofile", "limit 1 64;", 5, 0, 0},
		{"fill-disk", "fill 1;", 1, 0, 0},
	};
	struct test_hands t = {.hands = {&ops}};
	struct fault_spec spec;
	struct receipt did = {0};
	struct err err = {0};

	fault_spec_unset(&spec);
	spec.ops = fault_find(rows[_i].kind);
	spec.descriptors = 64;
	spec.set.v = settings;
	spec.set.n = 2;
	ck_assert_int_eq(spec.ops->act(&spec, &t.hands, 1, &did, &err), 0);
	ck_assert_str_eq(t.log, rows[_i].log);
	ck_assert_uint_eq(did.matched, rows[_i].matched);
	ck_assert_uint_eq(did.killed, rows[_i].killed);
	ck_assert_uint_eq(did.destroyed, rows[_i].destroyed);
	if (!*rows[_i].log)
		return;
	t.fails = true;
	ck_assert_int_lt(spec.ops->act(&spec, &t.hands, 1, &did, &err), 0);
	ck_assert_str_eq(err.msg, "it cannot be done");
	ck_assert_uint_eq(did.matched, rows[_i].matched); /* what failed did nothing */
}
END_TEST

/* Silent both ways from the edge to the end of the window; other cables are not. */
START_TEST(power_off_is_silent_from_the_very_edge)
{
	struct plan *plan = testplan_new(&arena, 3, 1);

	testplan_fault(plan, &arena, "dark", "power-off", 1, MSEC(10), MSEC(20));
	struct testwire *tw = testwire_new(&arena, plan);
	testwire_input(tw, MSEC(10) - 1, 1, testframe_udp(1, 0, 1));
	testwire_input(tw, MSEC(10), 1, testframe_udp(1, 0, 2));
	testwire_input(tw, MSEC(15), 0, testframe_udp(0, 1, 3));
	testwire_input(tw, MSEC(15), 0, testframe_udp(0, 2, 4));
	testwire_input(tw, MSEC(20), 1, testframe_udp(1, 0, 5));
	testwire_end(tw, MSEC(30));
	ck_assert_uint_eq(tw->emitted.n, 3);
	ck_assert_uint_eq(testframe_id(tw->emitted.v[0].bytes), 1);
	ck_assert_uint_eq(testframe_id(tw->emitted.v[1].bytes), 4);
	ck_assert_uint_eq(testframe_id(tw->emitted.v[2].bytes), 5);
	ck_assert_uint_eq(testwire_receipt(tw, 0, 0)->dropped, 2);
}
END_TEST

/* What init does alone is not the engine's: no record of it, or it would be there twice. */
START_TEST(others_are_not_the_engines)
{
	struct plan *plan = testplan_new(&arena, 2, 1);

	testplan_fault(plan, &arena, NULL, "remove-host", 1, MSEC(10), MSEC(20));
	struct testwire *tw = testwire_new(&arena, plan);
	testwire_input(tw, MSEC(15), 0, testframe_udp(0, 1, 1));
	testwire_end(tw, MSEC(30));
	ck_assert_uint_eq(tw->emitted.n, 1);
	ck_assert_ptr_null(testwire_event(tw, EV_ON, 0));
	ck_assert_ptr_null(testwire_event(tw, EV_RECEIPT, 0));
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("hosts");

	tcase_add_checked_fixture(t, NULL, teardown);
	tcase_add_loop_test(t, what_each_asks_for, 0, 6);
	tcase_add_test(t, power_off_is_silent_from_the_very_edge);
	tcase_add_test(t, others_are_not_the_engines);
	return run_tests("faults on hosts", t);
}
