/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "harness/base/cleanup.h"
#include "harness/tests/obs_builder.h"
#include "harness/tests/suite.h"

static struct world w;
static int server, client, app_server, app_client, cut, rst;

static void setup(void)
{
	world_init(&w, SEC(30));
	server = world_host(&w, "server");
	client = world_host(&w, "client.1");
	app_server = world_app(&w, "server", server);
	app_client = world_app(&w, "client.1", client);
	cut = world_fault(&w, "cut", "blackhole", server, SEC(2), SEC(12));
	rst = world_fault(&w, NULL, "rst", server, SEC(3), SEC(3));
}

static void teardown(void)
{
	world_free(&w);
}

static const struct tuple c = {1, 0, 41000, 8000, 0xfffffff0, false};

static char *line_of(const struct observation *o)
{
	_cleanup_jsontext_ struct jsontext line = {0};

	observation_write(&line, o, &w.plan);
	ck_assert_ptr_null(memchr(line.text, '\n', line.len));
	return arena_strndup(&w.arena, line.text, line.len);
}

static int read_line(struct observation *o, const char *line, struct err *err)
{
	return observation_from_line(o, line, strlen(line), &w.plan, &w.arena, err);
}

static struct observation back(const struct observation *o)
{
	struct observation again;
	struct err err = {0};
	char *line = line_of(o);

	memset(&again, 0xa5, sizeof(again));
	ck_assert_msg(!read_line(&again, line, &err), "%s: %s", err.msg, line);
	ck_assert_str_eq(line_of(&again), line);
	ck_assert_int_eq(again.t, o->t);
	ck_assert_int_eq(again.source, o->source);
	ck_assert_int_eq(again.event, o->event);
	ck_assert_int_eq(again.host, o->host);
	ck_assert_int_eq(again.app, o->app);
	return again;
}

START_TEST(a_packet_line)
{
	struct observation *o =
		see_packet(&w, SEC(1) + 2, EV_SYN_ACK, &c, 1, TCP_FLAG_SYN | TCP_FLAG_ACK);

	o->app = (int16_t)app_server;
	o->packet.retransmit = true;
	o->packet.fault = (int16_t)cut;
	o->packet.arrived = NSEC_NEVER;
	ck_assert_str_eq(line_of(o),
			 "{\"t\":1.000000002,\"source\":\"packet\",\"event\":\"syn-ack\","
			 "\"host\":\"server\",\"app\":\"server\",\"src\":\"10.0.0.1:8000\","
			 "\"dst\":\"10.0.0.2:41000\",\"seq\":7761,\"ack\":0,\"len\":0,"
			 "\"window\":65535,\"flags\":\"S.\",\"retransmit\":true,"
			 "\"fault\":\"cut\",\"arrived\":null}");
}
END_TEST

START_TEST(packets_come_back)
{
	struct tuple six = c;
	struct observation *o, again;

	six.v6 = _i & 1;
	o = see_packet(&w, -SEC(1) - 1, EV_FORGED, &six, 0, (uint8_t)(_i * 37));
	o->packet.ack = UINT32_MAX;
	o->packet.len = 65535;
	o->packet.fault = (int16_t)(_i % 3 - 1); /* none, cut, rst#1 */
	o->packet.arrived = _i % 5 ? _i : NSEC_UNSET;
	again = back(o);
	ck_assert(endpoint_equal(&again.packet.src, &o->packet.src));
	ck_assert(endpoint_equal(&again.packet.dst, &o->packet.dst));
	ck_assert_uint_eq(again.packet.seq, o->packet.seq);
	ck_assert_uint_eq(again.packet.ack, o->packet.ack);
	ck_assert_uint_eq(again.packet.len, o->packet.len);
	ck_assert_uint_eq(again.packet.window, o->packet.window);
	ck_assert_uint_eq(again.packet.flags, o->packet.flags);
	ck_assert_int_eq(again.packet.retransmit, o->packet.retransmit);
	ck_assert_int_eq(again.packet.fault, o->packet.fault);
	ck_assert_int_eq(again.packet.arrived, o->packet.arrived);
}
END_TEST

/* One that an expectation counts names it; where it went was not followed. */
START_TEST(a_counted_packet_comes_back)
{
	struct observation *o = see_packet(&w, SEC(1), EV_COUNTED, &c, 0, TCP_FLAG_FIN);

	world_expect(&w, "packets")->label = "first";
	world_expect(&w, "packets")->label = "second";
	o->packet.expect = 1;
	o->packet.arrived = NSEC_UNSET;
	const struct observation again = back(o);
	ck_assert_int_eq(again.packet.expect, 1);
	ck_assert_int_eq(again.packet.arrived, NSEC_UNSET);
	ck_assert_ptr_nonnull(strstr(line_of(o), "\"expect\":\"second\""));
}
END_TEST

/* Times are exact to the nanosecond up to 11 days. */
START_TEST(times_come_back)
{
	static const nsec_t times[] = {0,
				       1,
				       -1,
				       999999999,
				       1000000001,
				       7875123456789,
				       86399999999999,
				       -86399999999999,
				       950399123456789};
	struct observation *o = see_run(&w, times[_i], EV_READY);

	back(o);
}
END_TEST

START_TEST(a_step_without_an_id)
{
	struct observation *o = see_packet(&w, 0, EV_FORGED, &c, 0, TCP_FLAG_RST);

	o->packet.fault = (int16_t)rst;
	ck_assert_ptr_nonnull(strstr(line_of(o), "\"fault\":\"rst#1\""));
	/* An id that looks like it, or that two steps bear, must not lead astray. */
	w.plan.steps.v[cut].id = "rst#1";
	ck_assert_int_eq(back(o).packet.fault, rst);
	o->packet.fault = (int16_t)cut;
	ck_assert_int_eq(back(o).packet.fault, cut);
	w.plan.steps.v[cut].id = w.plan.steps.v[rst].id = "twice";
	o->packet.fault = (int16_t)rst;
	ck_assert_int_eq(back(o).packet.fault, rst);
}
END_TEST

START_TEST(sockets_come_back)
{
	struct observation *o, again;

	o = see_socket(&w, SEC(1), _i ? EV_GONE : EV_STATE, &c, 0, UINT64_MAX - 5, STATE_CLOSE_WAIT,
		       app_client);
	o->socket.rqueue = 17;
	o->socket.since = _i ? SEC(1) - 7 : NSEC_UNSET;
	again = back(o);
	ck_assert(endpoint_equal(&again.socket.local, &o->socket.local));
	ck_assert(endpoint_equal(&again.socket.peer, &o->socket.peer));
	ck_assert_uint_eq(again.socket.cookie, o->socket.cookie);
	ck_assert_uint_eq(again.socket.inode, o->socket.inode);
	ck_assert_uint_eq(again.socket.state, o->socket.state);
	ck_assert_uint_eq(again.socket.rqueue, 17);
	ck_assert_uint_eq(again.socket.wqueue, 0);
	ck_assert_int_eq(again.socket.since, o->socket.since);
}
END_TEST

START_TEST(timers_come_back)
{
	struct observation *o =
		see_socket(&w, SEC(1), EV_STATE, &c, 0, 5, STATE_ESTABLISHED, app_client);
	struct observation again;

	o->socket.timer = (uint8_t)_i;
	o->socket.retries = _i ? 3 : 0;
	o->socket.left = _i ? MS(200) + 1 : 0;
	again = back(o);
	ck_assert_uint_eq(again.socket.timer, o->socket.timer);
	ck_assert_uint_eq(again.socket.retries, o->socket.retries);
	ck_assert_int_eq(again.socket.left, o->socket.left);
	ck_assert_int_eq(strstr(line_of(o), "\"timer\"") != NULL, _i > 0);
}
END_TEST

START_TEST(a_notification_comes_back)
{
	struct observation again;

	see_destroyed(&w, SEC(1), client, 42);
	again = back(&w.obs.list.v[0]);
	ck_assert_uint_eq(again.socket.cookie, 42);
	ck_assert_uint_eq(again.socket.inode, 0);
	ck_assert_uint_eq(again.socket.state, 0);
	ck_assert_uint_eq(again.socket.local.port, 0);
	ck_assert_int_eq(again.socket.since, NSEC_UNSET);
}
END_TEST

START_TEST(processes_come_back)
{
	struct observation again;

	see_exit(&w, SEC(1), app_client, -1, 9, true);
	again = back(&w.obs.list.v[0]);
	ck_assert_int_eq(again.process.pid, 100 + app_client);
	ck_assert_int_eq(again.process.status, -1);
	ck_assert_int_eq(again.process.signal, 9);
	ck_assert(again.process.by_harness);
	see_exit(&w, SEC(1), app_client, 28, 0, false);
	again = back(&w.obs.list.v[1]);
	ck_assert_int_eq(again.process.status, 28);
	ck_assert_int_eq(again.process.signal, 0);
	ck_assert(!again.process.by_harness);
}
END_TEST

START_TEST(samples_come_back)
{
	struct observation again;

	see_sample(&w, SEC(1), app_client, 17, (int64_t)5 << 32);
	ck_assert_str_eq(line_of(&w.obs.list.v[0]),
			 "{\"t\":1.0,\"source\":\"process\",\"event\":\"sample\",\"host\":"
			 "\"client.1\",\"app\":\"client.1\",\"fds\":17,\"rss\":21474836480}");
	again = back(&w.obs.list.v[0]);
	ck_assert_int_eq(again.process.fds, 17);
	ck_assert_int_eq(again.process.rss, (int64_t)5 << 32);
}
END_TEST

START_TEST(counters_come_back)
{
	struct observation again;

	see_count(&w, SEC(1), server, "TcpExtListenDrops", _i ? -3 : 3);
	again = back(&w.obs.list.v[0]);
	ck_assert_str_eq(again.text, "TcpExtListenDrops");
	ck_assert_int_eq(again.counter.value, _i ? -3 : 3);
}
END_TEST

START_TEST(receipts_come_back)
{
	struct observation *o = see_fault(&w, SEC(12), EV_RECEIPT, rst, 0), again;

	o->fault.asked = NSEC_UNSET;
	o->fault.did.dropped = 3;
	o->fault.did.injected = (uint64_t)1 << 40;
	again = back(o);
	ck_assert_int_eq(again.fault.step, rst);
	ck_assert_int_eq(again.fault.edge, 0);
	ck_assert_int_eq(again.fault.asked, NSEC_UNSET);
	ck_assert_uint_eq(again.fault.did.matched, 10);
	ck_assert_uint_eq(again.fault.did.dropped, 3);
	ck_assert_uint_eq(again.fault.did.delayed, 0);
	ck_assert_uint_eq(again.fault.did.injected, (uint64_t)1 << 40);
	o = see_fault(&w, SEC(2), EV_ON, cut, 0);
	ck_assert_str_eq(line_of(o), "{\"t\":2.0,\"source\":\"fault\",\"event\":\"on\",\"step\":0,"
				     "\"id\":\"cut\",\"kind\":\"blackhole\",\"edge\":0,"
				     "\"asked\":2.0}");
	ck_assert_int_eq(back(o).fault.asked, SEC(2));
}
END_TEST

START_TEST(lag_comes_back)
{
	struct observation again;

	see_lag(&w, SEC(1), EV_STALL, MS(17) + 3, 5);
	w.obs.list.v[0].lag.stage = LAG_INIT;
	again = back(&w.obs.list.v[0]);
	ck_assert_int_eq(again.lag.stage, LAG_INIT);
	ck_assert_int_eq(again.lag.lag, MS(17) + 3);
	ck_assert_uint_eq(again.lag.count, 5);
}
END_TEST

START_TEST(an_app_line)
{
	struct observation *o = see_run(&w, SEC(1), EV_READY);

	o->source = OBS_APP;
	o->event = EV_LINE;
	o->app = (int16_t)app_client;
	o->text = "{\"event\":\"dead\",\"rtt_s\":0.25,\"list\":[1,null]}";
	ck_assert_ptr_nonnull(strstr(line_of(o), "\"data\":{\"event\":\"dead\""));
	ck_assert_str_eq(back(o).text, o->text);
	o->event = EV_LOG;
	o->text = "not JSON, \"quoted\"";
	ck_assert_str_eq(back(o).text, o->text);
	o->text = "not UTF-8: \xff!";
	ck_assert_ptr_nonnull(strstr(line_of(o), "\"text\":\"not UTF-8: ?!\""));
}
END_TEST

/* As it was printed, to the blank: a pattern must match the same text again. */
START_TEST(a_line_that_was_asked_for)
{
	see_log(&w, SEC(1), app_client, "{\"event\": \"dead\",  \"x\":1}");
	ck_assert_str_eq(back(&w.obs.list.v[0]).text, "{\"event\": \"dead\",  \"x\":1}");
}
END_TEST

START_TEST(an_error)
{
	struct observation *o = see_run(&w, SEC(1), EV_ERROR);

	o->text = "server: cannot\nstart";
	ck_assert_str_eq(back(o).text, o->text);
}
END_TEST

/* Nothing of a line is trusted. Each of these is refused, in words that name what is wrong. */
static const struct {
	const char *line, *says;
} refused[] = {
	{"", "not a line of JSON"},
	{"[]", "not a JSON object"},
	{"{\"t\":1.0,\"source\":\"counter\",\"event\":\"count\",\"value\":1}", "\"name\""},
	{"{\"t\":1.0,\"source\":\"counter\",\"event\":\"line\"}", "not an event of source"},
	{"{\"t\":1.0,\"source\":\"socket\",\"event\":\"state\",\"timer\":\"off\"}",
	 "there is no timer 'off'"},
	{"{\"t\":1.0,\"source\":\"process\",\"event\":\"sample\",\"fds\":-1}", "\"fds\""},
	{"{\"t\":1.0", "not a line of JSON"},
	{"{}", "\"t\""},
	{"{\"t\":1.0,\"t\":2.0,\"source\":\"run\",\"event\":\"end\"}", "not a line of JSON"},
	{"{\"t\":null,\"source\":\"run\",\"event\":\"end\"}", "\"t\""},
	{"{\"t\":\"1\",\"source\":\"run\",\"event\":\"end\"}", "\"t\" must be a number"},
	{"{\"t\":1e300,\"source\":\"run\",\"event\":\"end\"}", "\"t\" must be a number"},
	{"{\"t\":1,\"source\":\"run\"}", "no \"event\""},
	{"{\"t\":1,\"source\":\"walk\",\"event\":\"end\"}", "no source 'walk'"},
	{"{\"t\":1,\"source\":\"run\",\"event\":\"stop\"}", "no event 'stop'"},
	{"{\"t\":1,\"source\":\"run\",\"event\":\"syn\"}", "not an event of source 'run'"},
	{"{\"t\":1,\"source\":\"run\",\"event\":\"end\",\"host\":\"mars\"}", "no host 'mars'"},
	{"{\"t\":1,\"source\":\"run\",\"event\":\"end\",\"app\":\"x\"}", "no app 'x'"},
	{"{\"t\":1,\"source\":\"run\",\"event\":\"end\",\"app\":3}", "\"app\" must be a string"},
	{"{\"t\":1,\"source\":\"packet\",\"event\":\"syn\",\"src\":\"10.0.0.1\"}", "\"src\""},
	{"{\"t\":1,\"source\":\"packet\",\"event\":\"syn\",\"src\":\"10.0.0.1:70000\"}", "\"src\""},
	{"{\"t\":1,\"source\":\"packet\",\"event\":\"syn\",\"seq\":-1}", "\"seq\" must be from 0"},
	{"{\"t\":1,\"source\":\"packet\",\"event\":\"syn\",\"seq\":4294967296}", "\"seq\" must be"},
	{"{\"t\":1,\"source\":\"packet\",\"event\":\"syn\",\"len\":1.5}", "whole number"},
	{"{\"t\":1,\"source\":\"packet\",\"event\":\"syn\",\"flags\":\"SX\"}", "\"flags\""},
	{"{\"t\":1,\"source\":\"packet\",\"event\":\"syn\",\"fault\":\"rst#9\"}",
	 "no step 'rst#9'"},
	{"{\"t\":1,\"source\":\"packet\",\"event\":\"syn\",\"fault\":\"rst#0\"}",
	 "no step 'rst#0'"},
	{"{\"t\":1,\"source\":\"packet\",\"event\":\"syn\",\"retransmit\":1}", "true or false"},
	{"{\"t\":1,\"source\":\"packet\",\"event\":\"counted\"}", "no \"expect\""},
	{"{\"t\":1,\"source\":\"packet\",\"event\":\"counted\",\"expect\":\"x\"}",
	 "no expectation 'x'"},
	{"{\"t\":1,\"source\":\"socket\",\"event\":\"state\",\"state\":\"OPEN\"}",
	 "no state 'OPEN'"},
	{"{\"t\":1,\"source\":\"process\",\"event\":\"exit\",\"status\":256}",
	 "\"status\" must be"},
	{"{\"t\":1,\"source\":\"fault\",\"event\":\"on\"}", "\"step\""},
	{"{\"t\":1,\"source\":\"fault\",\"event\":\"on\",\"step\":2}",
	 "\"step\" must be from 0 to 1"},
	{"{\"t\":1,\"source\":\"fault\",\"event\":\"on\",\"step\":0,\"edge\":1}", "\"edge\""},
	{"{\"t\":1,\"source\":\"fault\",\"event\":\"on\",\"step\":0,\"kind\":\"rst\"}",
	 "is a blackhole"},
	{"{\"t\":1,\"source\":\"lag\",\"event\":\"stall\",\"stage\":\"x\"}", "no stage 'x'"},
	{"{\"t\":1,\"source\":\"lag\",\"event\":\"stall\",\"count\":-1}", "\"count\""},
	{"{\"t\":1,\"source\":\"lag\",\"event\":\"stall\",\"lag\":-0.001}", "\"lag\" must be"},
	{"{\"t\":1,\"source\":\"lag\",\"event\":\"stall\",\"lag\":null}", "not null"},
	{"{\"t\":1,\"source\":\"lag\",\"event\":\"stall\",\"lag\":1000001}", "\"lag\" must be"},
	{"{\"t\":1,\"source\":\"socket\",\"event\":\"state\",\"since\":null}", "not null"},
};

START_TEST(bad_lines)
{
	struct observation o = {.t = 12345};
	struct err err = {0};

	ck_assert_int_eq(read_line(&o, refused[_i].line, &err), -1);
	ck_assert_msg(strstr(err.msg, refused[_i].says) != NULL, "'%s' does not say '%s'", err.msg,
		      refused[_i].says);
	ck_assert_int_eq(o.t, 12345); /* untouched */
}
END_TEST

/* Every prefix of a good line, and every line with one byte changed, does no harm. */
START_TEST(damaged_lines)
{
	struct observation *o = see_packet(&w, SEC(1), EV_DATA, &c, 0, TCP_FLAG_ACK), made;
	char *line = line_of(o);
	size_t len = strlen(line);
	struct err err;

	for (size_t n = 0; n < len; n++)
		ck_assert_int_eq(observation_from_line(&made, line, n, &w.plan, &w.arena, &err),
				 -1);
	for (size_t at = 0; at < len; at++) {
		for (int byte = 0; byte < 256; byte += 5) {
			char kept = line[at];

			line[at] = (char)byte;
			if (!observation_from_line(&made, line, len, &w.plan, &w.arena, &err))
				ck_assert_int_lt(made.event, EV_N_EVENTS);
			line[at] = kept;
		}
	}
}
END_TEST

START_TEST(unknown_keys_are_passed_over)
{
	struct observation o;
	struct err err;

	ck_assert_int_eq(
		read_line(&o, "{\"t\":1,\"source\":\"run\",\"event\":\"end\",\"new\":[]}", &err),
		0);
	ck_assert_int_eq(o.t, SEC(1));
	ck_assert_int_eq(o.host, -1);
}
END_TEST

/* By time, then by source, then as they stood. */
START_TEST(sorting)
{
	static const int order[] = {4, 1, 3, 0, 2};

	see_lag(&w, SEC(2), EV_STALL, 0, 0);     /* 0 */
	see_run(&w, SEC(1), EV_READY);           /* 1 */
	see_lag(&w, SEC(2), EV_RING_DROP, 0, 2); /* 2 */
	see_run(&w, SEC(2), EV_END);             /* 3 */
	see_run(&w, -SEC(1), EV_READY);          /* 4 */
	for (size_t i = 0; i < w.obs.list.n; i++)
		w.obs.list.v[i].host = (int16_t)i;
	observations_sort(&w.obs);
	for (size_t i = 0; i < w.obs.list.n; i++)
		ck_assert_int_eq(w.obs.list.v[i].host, order[i]);
}
END_TEST

/* Many of one time stay as they were: a sort that is not stable does not pass. */
START_TEST(sorting_is_stable)
{
	enum { MANY = 5000 };

	for (uint64_t i = 0; i < MANY; i++)
		see_lag(&w, SEC((int)(i % 2)), EV_STALL, 0, i);
	observations_sort(&w.obs);
	for (size_t i = 1; i < MANY; i++)
		if (w.obs.list.v[i - 1].t == w.obs.list.v[i].t)
			ck_assert_uint_lt(w.obs.list.v[i - 1].lag.count, w.obs.list.v[i].lag.count);
	ck_assert_int_eq(w.obs.list.v[0].t, 0);
	ck_assert_int_eq(w.obs.list.v[MANY - 1].t, SEC(1));
}
END_TEST

START_TEST(endpoints)
{
	struct endpoint e, f;
	char buf[ENDPOINT_TEXT];
	static const char *const bad[] = {
		"",         "10.0.0.1",    "10.0.0.1:",    "10.0.0.1:65536", "10.0.0.1:-1",
		"10.0.0:1", ":80",         "fd00::1:80",   "[fd00::1]",      "[fd00::1]80",
		"[]:80",    "[fd00::1:80", "10.0.0.1:80x", "10.0.0.1: 80"};

	ck_assert_int_eq(endpoint_parse(&e, "10.0.0.2:8000"), 0);
	ck_assert_str_eq(endpoint_text(&e, buf), "10.0.0.2:8000");
	ck_assert_int_eq(endpoint_parse(&f, "10.0.0.2:8001"), 0);
	ck_assert(endpoint_same_addr(&e, &f));
	ck_assert(!endpoint_equal(&e, &f));
	ck_assert_int_eq(endpoint_parse(&f, "[fd00::2]:8000"), 0);
	ck_assert_str_eq(endpoint_text(&f, buf), "[fd00::2]:8000");
	ck_assert(!endpoint_same_addr(&e, &f));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		ck_assert_msg(endpoint_parse(&e, bad[i]) == -1, "'%s' was taken", bad[i]);
}
END_TEST

START_TEST(tcp_states)
{
	for (int s = STATE_ESTABLISHED; s <= STATE_CLOSING; s++)
		ck_assert_int_eq(tcp_state_parse(tcp_state_names[s]), s);
	ck_assert_int_eq(tcp_state_parse("close-wait"), STATE_CLOSE_WAIT);
	ck_assert_int_eq(tcp_state_parse("SYN-RECV"), STATE_SYN_RECEIVED);
	ck_assert_int_eq(tcp_state_parse("estab"), STATE_ESTABLISHED);
	ck_assert_int_eq(tcp_state_parse("FIN-WAIT-2"), STATE_FIN_WAIT_2);
	ck_assert_int_eq(tcp_state_parse("NONE"), 0);
	ck_assert_int_eq(tcp_state_parse("CLOSE_WAITING"), 0);
	ck_assert_int_eq(tcp_state_parse(""), 0);
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("observation");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, a_packet_line);
	tcase_add_loop_test(t, packets_come_back, 0, 30);
	tcase_add_test(t, a_counted_packet_comes_back);
	tcase_add_loop_test(t, times_come_back, 0, 9);
	tcase_add_test(t, a_step_without_an_id);
	tcase_add_loop_test(t, sockets_come_back, 0, 2);
	tcase_add_loop_test(t, timers_come_back, 0, TIMER_PERSIST + 1);
	tcase_add_test(t, a_notification_comes_back);
	tcase_add_test(t, processes_come_back);
	tcase_add_test(t, samples_come_back);
	tcase_add_loop_test(t, counters_come_back, 0, 2);
	tcase_add_test(t, receipts_come_back);
	tcase_add_test(t, lag_comes_back);
	tcase_add_test(t, an_app_line);
	tcase_add_test(t, a_line_that_was_asked_for);
	tcase_add_test(t, an_error);
	tcase_add_loop_test(t, bad_lines, 0, (int)ARRAY_SIZE(refused));
	tcase_add_test(t, damaged_lines);
	tcase_add_test(t, unknown_keys_are_passed_over);
	tcase_add_test(t, sorting);
	tcase_add_test(t, sorting_is_stable);
	tcase_add_test(t, endpoints);
	tcase_add_test(t, tcp_states);
	return run_tests("observation", t);
}
