/* SPDX-License-Identifier: MIT */
/*
 * The run stage as it is on the virtual clock, on this machine's kernel and in its time: the same
 * verdicts as by polling, from dumps that the kernel's tracepoint asks for, and silence in between.
 */
#include <dirent.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "harness/base/cleanup.h"
#include "harness/tests/obs_builder.h"
#include "harness/tests/planrun.h"
#include "harness/tests/suite.h"
#include "harness/tests/tracepoint.h"

#define PAIR(client, timeline, expect)                                                             \
	"version: 1\nname: traced\nhosts: {server: {}, client: {}}\napps:\n"                       \
	"  server: {host: server, run: \"ref-server --listen :8000\", ready: {listening: 8000}}\n" \
	"  client: {host: client, run: \"ref-client --target server:8000 " client                  \
	"\", ready: {connected: \"server:8000\"}}\n"                                               \
	"timeline:\n" timeline "expect:\n" expect

/* The tracepoint's clock is the kernel's fast one, which may be some microseconds off. */
#define CLOCK_EXACT NSEC_PER_MSEC
/* A guard: each run takes a few seconds. */
#define TEST_TIMEOUT_S 240

static struct planrun r;
static struct statetrace_event *events;
static size_t n_events;

/* On the clock of that policy, to be started; false: skipped. */
static bool prepare(const char *text, enum clock_kind clock)
{
	planrun_init(&r, text, clock);
	events = tracepoint_open(&r.arena, &n_events);
	if (!events)
		planrun_free(&r);
	return events != NULL;
}

static void carry_out_prepared(void)
{
	ck_assert_msg(planrun_start(&r, events, n_events), "%s", r.end.err.msg);
	planrun_finish(&r);
}

/* The plan's expectations are judged. */
static bool carry_out(const char *text, enum clock_kind clock)
{
	if (!prepare(text, clock))
		return false;
	carry_out_prepared();
	return true;
}

/*
 * The kernel tells only of what fits (Documentation/trace/events.rst, "Event filtering"): not of what
 * else happens on this machine.
 */
static void tell_only(const char *filter)
{
	for (size_t i = 0; i < n_events; i++)
		ck_assert_int_eq(ioctl(events[i].fd, PERF_EVENT_IOC_SET_FILTER, filter), 0);
}
#define NOTHING "family == 0"

/* Those whose label begins with "not" must have failed, all others passed. */
static void assert_verdicts(void)
{
	ck_assert_uint_gt(r.result.expects.n, 1);
	vec_foreach (e, &r.result.expects) {
		const char *label = e->expect->label;
		enum verdict wanted =
			strncmp(label, "not", strlen("not")) != 0 ? VERDICT_PASS : VERDICT_FAIL;

		ck_assert_msg(e->verdict == wanted, "%s: %s: expected %s, observed %s", label,
			      verdict_names[e->verdict], e->bound, e->observed);
	}
}

/*
 * One client's heartbeat notices the silence 300 to 600 ms after 500 ms; the other is stopped and closes
 * its socket into the cut cable: its FIN waits behind what is not acknowledged, and no packet tells.
 */
static const char cut_cable[] =
	"version: 1\nname: traced\nhosts: {server: {}, client: {}, other: {}}\napps:\n"
	"  server: {host: server, run: \"ref-server --listen :8000\", ready: {listening: 8000}}\n"
	"  client: {host: client, run: \"ref-client --target server:8000 --rate 20 "
	"--heartbeat 300ms/2 --backoff 5s/1/5s/0%\", ready: {connected: \"server:8000\"}}\n"
	"  other: {host: other, run: \"ref-client --target server:8000 --rate 20 "
	"--without heartbeat\", ready: {connected: \"server:8000\"}}\n"
	"timeline:\n"
	"  - {at: 500ms, id: cut, blackhole: {cable: server}, for: 3s}\n"
	"  - {at: 1500ms, stop: other}\n"
	"expect:\n"
	"  - detects: {app: client, fault: cut, within: 2s, not-before: 250ms}\n    id: in-time\n"
	"  - detects: {app: client, fault: cut, within: 100ms}\n    id: not-at-once\n"
	"  - sockets: {host: other, state: FIN_WAIT_1, at-least: 1, at: 3s}\n    id: closed\n"
	"  - sockets: {host: other, state: FIN_WAIT_1, at-most: 0, during: [2s, 3s]}\n"
	"    id: not-open\n"
	"  - sockets: {host: server, state: ESTABLISHED, at-least: 2, at: 3s}\n    id: never-told\n"
	"  - sockets: {host: server, state: LISTEN, at-least: 1, at: 1s}\n    id: listener\n"
	"  - timer: {host: other, kind: on, retries-at-least: 2, at-least: 1, at: 3s}\n"
	"    id: sends-again\n"
	"  - timer: {host: other, kind: persist, at-least: 1, at: 3s}\n    id: not-persist\n";

START_TEST(a_cut_cable)
{
	if (!carry_out(cut_cable, _i))
		return;
	assert_verdicts();
	planrun_free(&r);
}
END_TEST

static const struct observation *find_state(const char *host, int state, nsec_t after)
{
	vec_foreach (o, &r.obs.list)
		if (o->source == OBS_SOCKET && o->event == EV_STATE && o->t >= after &&
		    o->socket.state == state && !strcmp(r.plan->hosts.v[o->host].name, host))
			return o;
	ck_abort_msg("%s: no socket in %s after %g s", host, tcp_state_names[state],
		     (double)after / 1e9);
}

/* That a program has accepted a connection changes no state; that it was seen nevertheless. */
static void assert_owned(const char *host, int state)
{
	vec_foreach (o, &r.obs.list)
		if (o->source == OBS_SOCKET && o->event == EV_STATE && o->socket.state == state &&
		    o->app >= 0 && !strcmp(r.plan->hosts.v[o->host].name, host))
			return;
	ck_abort_msg("%s: nobody owns a socket in %s", host, tcp_state_names[state]);
}

/*
 * Nobody polls in between, and yet it is known that the socket was open until just before it was
 * closed: long after the last dump.
 */
START_TEST(the_time_of_a_close_is_known)
{
	if (!carry_out(
		    PAIR("--rate 20 --without heartbeat",
			 "  - {at: 500ms, blackhole: {cable: server}, for: 4s}\n"
			 "  - {at: 1s, stop: client}\n",
			 "  - sockets: {host: client, state: FIN_WAIT_1, at-least: 1, at: 4s}\n"),
		    CLOCK_VIRTUAL))
		return;
	const struct observation *o = find_state("client", STATE_FIN_WAIT_1, 0);

	ck_assert_int_ge(o->socket.since, SEC(1) - CLOCK_EXACT);
	ck_assert_int_le(o->socket.since, o->t);
	ck_assert_int_lt(o->t, SEC(4)); /* no moment of the plan's, but the kernel's word */
	planrun_free(&r);
}
END_TEST

/* Retransmissions change no state: the packets themselves must wake init, between the moments. */
START_TEST(timers_are_seen_between_moments)
{
	unsigned seen = 0;

	if (!carry_out(PAIR("--rate 20 --without heartbeat",
			    "  - {at: 300ms, blackhole: {cable: server}, for: 3s}\n",
			    "  - timer: {host: client, kind: on, at-least: 1, at: 2s}\n"
			    "duration: 3500ms\n"),
		       CLOCK_VIRTUAL))
		return;
	vec_foreach (o, &r.obs.list)
		if (o->source == OBS_SOCKET && o->t > MS(300) && o->t < SEC(2) &&
		    o->socket.timer == TIMER_ON)
			seen |= 1U << o->socket.retries;
	/* After 200, 600 and 1400 ms. */
	ck_assert_uint_eq(seen & 6, 6);
	planrun_free(&r);
}
END_TEST

/* With a tracepoint that says nothing a connection is seen at the next edge of a fault. */
START_TEST(edges_of_faults_are_moments)
{
	if (!prepare("version: 1\nname: edges\nhosts: {server: {}, client: {}}\napps:\n"
		     "  server: {host: server, run: \"ref-server --listen :8000\", "
		     "ready: {listening: 8000}}\n"
		     "  client: {host: client, start: manual, run: \"ref-client --target "
		     "server:8000 --rate 5\"}\n"
		     "timeline:\n"
		     "  - {at: 100ms, start: client}\n"
		     "  - {at: 3s, delay: {cable: client, mean: 10ms}, for: 500ms}\n"
		     "expect:\n"
		     "  - sockets: {host: server, state: ESTABLISHED, at-least: 1, by: end}\n"
		     "duration: 5s\n",
		     CLOCK_VIRTUAL))
		return;
	tell_only(NOTHING);
	carry_out_prepared();
	ck_assert_int_eq(find_state("server", STATE_ESTABLISHED, 0)->t, SEC(3));
	planrun_free(&r);
}
END_TEST

/* A second in FIN_WAIT_2 (tcp_fin_timeout), whose end nobody tells: seen if it is asked for. */
#define FIN_WAIT_2_FOR_A_SECOND(state)                                                             \
	"version: 1\nname: silent\nhosts:\n"                                                       \
	"  server: {}\n  client: {sysctl: {net.ipv4.tcp_fin_timeout: 1}}\napps:\n"                 \
	"  server: {host: server, run: \"ref-server --listen :17321\", ready: {listening: "        \
	"17321}}\n"                                                                                \
	"  client: {host: client, run: \"ref-client --target server:17321 --without heartbeat\", " \
	"ready: {connected: \"server:17321\"}}\n"                                                  \
	"timeline:\n  - {at: 100ms, pause: server}\n  - {at: 200ms, stop: client}\n"               \
	"expect:\n  - sockets: {host: client, state: " state ", at-most: 0, at: 5s}\n"             \
	"duration: 6s\n"

static const char *const silent_end[] = {FIN_WAIT_2_FOR_A_SECOND("FIN_WAIT_2"),
					 FIN_WAIT_2_FOR_A_SECOND("CLOSE_WAIT")};

START_TEST(a_silent_end_is_seen_where_it_is_asked_for)
{
	nsec_t gone = NSEC_NEVER;

	if (!prepare(silent_end[_i], CLOCK_VIRTUAL))
		return;
	tell_only("sport == 17321 || dport == 17321");
	carry_out_prepared();
	find_state("client", STATE_FIN_WAIT_2, 0);
	vec_foreach (o, &r.obs.list)
		if (o->source == OBS_SOCKET && o->event == EV_GONE &&
		    o->socket.state == STATE_FIN_WAIT_2 && o->t < gone)
			gone = o->t;
	if (_i == 0)
		ck_assert_int_lt(gone, SEC(5));
	else
		ck_assert_int_eq(gone, SEC(5));
	planrun_free(&r);
}
END_TEST

START_TEST(a_restarted_server_listens)
{
	if (!carry_out(PAIR("--rate 20 --backoff 100ms/2/1s/100%",
			    "  - {at: 300ms, id: again, restart: server}\n",
			    "  - listens: {app: server, port: 8000, after: again, within: 5s}\n"
			    "    id: there\n"
			    "  - listens: {host: client, port: 8000, after: again, within: 1s}\n"
			    "    id: not-there\n"
			    "  - sockets: {host: server, state: ESTABLISHED, app: server, "
			    "at-least: 1, by: end}\n    id: accepted\n"
			    "  - reconnects: {app: client, after: again, within: 5s}\n"
			    "    id: back\n"),
		       _i))
		return;
	assert_verdicts();
	assert_owned("server", STATE_ESTABLISHED);
	planrun_free(&r);
}
END_TEST

START_TEST(without_the_tracepoint_it_is_an_error)
{
	planrun_init(&r, cut_cable, CLOCK_VIRTUAL);
	ck_assert(!planrun_start(&r, NULL, 0));
	ck_assert_msg(strstr(r.end.err.msg, "sock:inet_sock_set_state") != NULL, "%s",
		      r.end.err.msg);
	planrun_free(&r);
}
END_TEST

/* --- silence --- */

/* Long enough that nothing ends while it is watched. */
static const char idle[] = "version: 1\nname: idle\nhosts: {server: {}, client: {}}\napps:\n"
			   "  a: {host: server, run: \"sleep 1000\"}\n"
			   "  b: {host: client, run: \"sleep 1000\"}\n"
			   "duration: 500s\n"
			   "expect:\n"
			   "  - sockets: {host: client, state: CLOSE_WAIT, at-most: 0, by: end}\n"
			   "  - fds: {app: a, at-most: 10, by: end}\n"
			   "  - timer: {host: client, kind: on, at-most: 0, by: end}\n";

#define IDLE_MS 2000
/* What follows t = 0: the dumps and samples of that moment, and the last tick of the start. */
#define SETTLED_MS 200
/* A sample a second; each may cost two switches. */
#define WAKES_TRACED_MAX 10
#define WAKES_POLLED_MIN 50

static int64_t number_of(pid_t pid, const char *key)
{
	char path[64], text[4096];

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (n <= 0)
		return -1;
	text[n] = '\0';
	const char *at = strstr(text, key);
	return at ? strtoll(at + strlen(key), NULL, 10) : -1;
}

/* How often the process and its children have slept: init, the forwarder, the canary, the apps. */
static int64_t sleeps_of_tree(pid_t init)
{
	int64_t sum = 0;
	DIR *d = opendir("/proc");

	ck_assert_ptr_nonnull(d);
	for (struct dirent *e; (e = readdir(d));) {
		pid_t pid = (pid_t)strtol(e->d_name, NULL, 10);

		if (pid > 0 && (pid == init || number_of(pid, "\nPPid:") == init))
			sum += number_of(pid, "\nvoluntary_ctxt_switches:");
	}
	closedir(d);
	return sum;
}

/* The run says nothing meanwhile. */
static void let_pass(int ms)
{
	struct pollfd p = {.fd = r.run.control_fd, .events = POLLIN};

	ck_assert_int_eq(poll(&p, 1, ms), 0);
}

static bool start_idle(enum clock_kind clock)
{
	if (!prepare(idle, clock))
		return false;
	tell_only(NOTHING);
	ck_assert_msg(planrun_start(&r, events, n_events), "%s", r.end.err.msg);
	return true;
}

/* The span is what is measured; if it becomes longer, more is asked of the silence, not less. */
START_TEST(idleness_is_silent)
{
	if (!start_idle(CLOCK_VIRTUAL))
		return;
	let_pass(SETTLED_MS);
	int64_t before = sleeps_of_tree(r.run.pid);
	ck_assert_int_gt(before, 0);
	let_pass(IDLE_MS);
	int64_t wakes = sleeps_of_tree(r.run.pid) - before;
	ck_assert_int_le(wakes, WAKES_TRACED_MAX);
	planrun_abort(&r);
	planrun_free(&r);
}
END_TEST

/* The measure works: polling is noticed. */
START_TEST(idleness_is_not_silent_on_the_real_clock)
{
	if (!start_idle(CLOCK_REAL))
		return;
	int64_t before = sleeps_of_tree(r.run.pid);
	while (sleeps_of_tree(r.run.pid) - before < WAKES_POLLED_MIN)
		let_pass(SETTLED_MS);
	planrun_abort(&r);
	planrun_free(&r);
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("traced");

	tcase_set_timeout(t, TEST_TIMEOUT_S);
	tcase_add_loop_test(t, a_cut_cable, CLOCK_REAL, CLOCK_VIRTUAL + 1);
	tcase_add_test(t, the_time_of_a_close_is_known);
	tcase_add_test(t, timers_are_seen_between_moments);
	tcase_add_test(t, edges_of_faults_are_moments);
	tcase_add_loop_test(t, a_silent_end_is_seen_where_it_is_asked_for, 0,
			    ARRAY_SIZE(silent_end));
	tcase_add_loop_test(t, a_restarted_server_listens, CLOCK_REAL, CLOCK_VIRTUAL + 1);
	tcase_add_test(t, without_the_tracepoint_it_is_an_error);
	tcase_add_test(t, idleness_is_silent);
	tcase_add_test(t, idleness_is_not_silent_on_the_real_clock);
	return run_tests("traced", t);
}
