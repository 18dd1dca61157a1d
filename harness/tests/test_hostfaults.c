/* SPDX-License-Identifier: MIT */
/* Faults on hosts and apps against the real kernel: what they do, and that it is taken back. */
#include <check.h>
#include <stdlib.h>

#include "harness/tests/planrun.h"
#include "harness/tests/suite.h"

static struct planrun r;

static void teardown(void)
{
	planrun_free(&r);
}

static void run(const char *text)
{
	planrun_init(&r, text, CLOCK_REAL);
	ck_assert_msg(planrun_start(&r, NULL, 0), "%s", r.end.err.msg);
	planrun_finish(&r);
}

static const struct fault_result *fault(size_t i)
{
	ck_assert_uint_gt(r.result.faults.n, i);
	return &r.result.faults.v[i];
}

/*
 * The server's host has all that could speak when its processes die: connections that are open, one in
 * TIME_WAIT (which the visitor's stop leaves), and a listener. `%s` is the blow.
 */
#define BLOW(step)                                                                                 \
	"version: 1\nname: x\nduration: 3500ms\nhosts: {server: {}, client: {count: 2}}\napps:\n"  \
	"  server: {host: server, run: \"ref-server --listen :8000\", ready: {listening: 8000}}\n" \
	"  other: {host: client.2, run: \"ref-server --listen :9000\","                            \
	" ready: {listening: 9000}}\n"                                                             \
	"  visitor: {host: server, run: \"ref-client --target client.2:9000\","                    \
	" ready: {connected: \"client.2:9000\"}}\n"                                                \
	"  client: {host: client.1, run: \"ref-client --target server:8000 --connections 5"        \
	" --without heartbeat\", ready: {connected: \"server:8000\"}}\n"                           \
	"timeline:\n  - {at: 0s, stop: visitor}\n  - {at: 2s, id: blow, " step "}\n"               \
	"expect:\n  - {connects: {app: client}}\n"                                                 \
	"  - {id: waits, sockets: {host: server, state: TIME_WAIT, at-least: 1, at: 1900ms}}\n"    \
	"  - {id: gone, sockets: {host: server, state: TIME_WAIT, at-most: 0, by: 3s}}\n"          \
	"  - {id: kept, sockets: {host: client.1, state: ESTABLISHED, at-least: 5, by: end}}\n"

#define BLOW_AT (2 * NSEC_PER_SEC)

/* FINs and resets that the server's host sent after the blow and that arrived anywhere. */
static int goodbyes(void)
{
	int n = 0;

	vec_foreach (o, &r.obs.list)
		n += o->source == OBS_PACKET && (o->event == EV_FIN || o->event == EV_RST) &&
		     o->host == 0 && o->t >= BLOW_AT && o->packet.arrived != NSEC_NEVER;
	return n;
}

START_TEST(power_off_sends_no_goodbye)
{
	run(BLOW("power-off: server"));
	ck_assert_int_eq(goodbyes(), 0);
	ck_assert_int_eq(planrun_verdict(&r, "waits"), VERDICT_PASS);
	ck_assert_int_eq(planrun_verdict(&r, "gone"), VERDICT_PASS);
	ck_assert_int_eq(planrun_verdict(&r, "kept"), VERDICT_PASS);
	ck_assert_uint_eq(fault(0)->did.killed, 1);
	ck_assert_uint_ge(fault(0)->did.destroyed, 1); /* TIME_WAIT, and what the FINs left */
	ck_assert_int_ge(fault(0)->on, BLOW_AT);
	ck_assert_int_eq(fault(0)->asked_on, BLOW_AT);
}
END_TEST

/* The same with the processes alone: the test can fail. */
START_TEST(a_kill_does)
{
	run(BLOW("kill: server"));
	ck_assert_int_ge(goodbyes(), 5);
	ck_assert_int_eq(planrun_verdict(&r, "waits"), VERDICT_PASS);
	/* Inconclusive where the machine stalls. */
	ck_assert_int_ne(planrun_verdict(&r, "gone"), VERDICT_PASS);
	ck_assert_int_ne(planrun_verdict(&r, "kept"), VERDICT_PASS);
}
END_TEST

/* A client that waits behind a reconnect, sockets of both families: nothing speaks at power-on. */
START_TEST(nothing_of_before_speaks_at_power_on)
{
	run(BLOW("power-off: server, for: 1s"));
	vec_foreach (o, &r.obs.list)
		ck_assert_msg(o->source != OBS_PACKET || o->host != 0 ||
				      o->t < BLOW_AT + NSEC_PER_SEC ||
				      o->event == EV_RST, /* its kernel's, to whom it knows not */
			      "a packet of the server after power-on");
}
END_TEST

/* `check` refuses such a scenario; the run does not rely on that. */
START_TEST(nothing_starts_in_the_dark)
{
	planrun_init(&r,
		     "version: 1\nname: x\nduration: 1s\nhosts: {h: {}}\n"
		     "apps: {a: {host: h, run: sleep 9}}\ntimeline:\n"
		     "  - {at: 50ms, start: a}\n  - {at: 100ms, power-off: h}\n"
		     "expect: [{exits: {app: a}}]\n",
		     CLOCK_REAL);
	r.plan->steps.v[0].edges.v[0].on = r.plan->steps.v[0].edges.v[0].off = 200 * NSEC_PER_MSEC;
	ck_assert_msg(planrun_start(&r, NULL, 0), "%s", r.end.err.msg);
	planrun_finish(&r);
	ck_assert_int_eq(r.result.verdict, VERDICT_ERROR);
	ck_assert_msg(strstr(r.result.reason, "no power") != NULL, "%s", r.result.reason);
}
END_TEST

/* A program on each host looks again and again: of the window it must have seen something. */
#define LOOK(fault, look)                                                                          \
	"version: 1\nname: x\nduration: 4s\nhosts: {server: {}, client: {}}\napps:\n"              \
	"  server: {host: server, run: sleep 60}\n"                                                \
	"  looks: {host: server, ready: {log: AS BEFORE}, shell: \"" REPEAT(                       \
		look) "\"}\n"                                                                      \
		      "  apart: {host: client, ready: {log: AS BEFORE}, shell: \"" REPEAT(         \
			      look) "\"}\n"                                                        \
				    "timeline:\n  - {at: 500ms, id: it, " fault                    \
				    ", for: 1500ms}\nexpect:\n"                                    \
				    "  - {id: before, log: {app: looks, match: CHANGED, at-most: " \
				    "0, during: [0s, 400ms]}}\n"                                   \
				    "  - {id: inside, log: {app: looks, match: CHANGED, fault: "   \
				    "it, within: 1500ms}}\n"                                       \
				    "  - {id: after, log: {app: looks, match: AS BEFORE, after: "  \
				    "it}}\n"                                                       \
				    "  - {id: apart, log: {app: apart, match: CHANGED, at-most: "  \
				    "0}}\n"
#define REPEAT(look)                                                                               \
	"while sleep 0.05; do if " look "; then echo CHANGED; else echo AS BEFORE; fi; done"

static const char *const looks[] = {
	LOOK("fill-disk: server", "! head -c 9000 /dev/zero >>/tmp/x"),
	LOOK("sysctl: {host: server, set: {net.ipv4.tcp_fin_timeout: 7}}",
	     "grep -qx 7 /proc/sys/net/ipv4/tcp_fin_timeout"),
	LOOK("remove-host: server", "! grep -q ^eth0.0000000A /proc/net/route"),
	LOOK("nofile: {app: server, limit: 17}", "grep -q 'open files *17 ' /proc/[0-9]*/limits"),
};

START_TEST(each_is_taken_back)
{
	run(looks[_i]);
	ck_assert_int_eq(planrun_verdict(&r, "before"), VERDICT_PASS);
	ck_assert_int_eq(planrun_verdict(&r, "inside"), VERDICT_PASS);
	ck_assert_int_eq(planrun_verdict(&r, "after"), VERDICT_PASS);
	ck_assert_uint_ge(fault(0)->did.matched, 1);
	ck_assert_int_ge(fault(0)->off, fault(0)->asked_off);
	/* Limits are seen in the /proc of all hosts; the rest is the host's own. */
	if (!strstr(looks[_i], "limits"))
		ck_assert_int_eq(planrun_verdict(&r, "apart"), VERDICT_PASS);
}
END_TEST

START_TEST(a_failure_names_its_step)
{
	run("version: 1\nname: x\nduration: 1s\nhosts: {h: {}}\n"
	    "apps: {a: {host: h, run: sleep 9}}\ntimeline:\n"
	    "  - {at: 100ms, sysctl: {host: h, set: {net.ipv4.no_such: 1}}}\n"
	    "expect: [{exits: {app: a}}]\n");
	ck_assert_int_eq(r.result.verdict, VERDICT_ERROR);
	ck_assert_ptr_nonnull(strstr(r.result.reason, ":7: sysctl h: "));
	ck_assert_ptr_nonnull(strstr(r.result.reason, "net.ipv4.no_such"));
}
END_TEST

/* No process runs: it matched nothing, so the scenario is void. */
START_TEST(of_nobody_it_is_void)
{
	run("version: 1\nname: x\nduration: 300ms\nhosts: {h: {}}\n"
	    "apps: {a: {host: h, run: sleep 9}, b: {host: h, run: sleep 9, start: manual}}\n"
	    "timeline:\n  - {at: 100ms, nofile: {app: b, limit: 9}}\n"
	    "expect: [{sockets: {host: h, state: ESTABLISHED, at-most: 0, by: end}}]\n");
	ck_assert_int_eq(r.result.verdict, VERDICT_VOID);
	ck_assert_ptr_nonnull(strstr(r.result.reason, "touched no process"));
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("host faults");

	tcase_add_checked_fixture(t, NULL, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, power_off_sends_no_goodbye);
	tcase_add_test(t, a_kill_does);
	tcase_add_test(t, nothing_of_before_speaks_at_power_on);
	tcase_add_test(t, nothing_starts_in_the_dark);
	tcase_add_loop_test(t, each_is_taken_back, 0, sizeof(looks) / sizeof(*looks));
	tcase_add_test(t, a_failure_names_its_step);
	tcase_add_test(t, of_nobody_it_is_void);
	return run_tests("host faults", t);
}
