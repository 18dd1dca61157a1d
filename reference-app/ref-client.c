/* SPDX-License-Identifier: MIT */
/* ref-client: the client library with a command line on top. Its clients tell what happens to them in
 * JSON, one event a line. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "reference-app/client.h"
#include "reference-app/connect-timeout.h"
#include "reference-app/json-line.h"
#include "reference-app/latency.h"
#include "reference-app/options.h"
#include "reference-app/process.h"

#define PROGRAM "ref-client"

#define CONNECTIONS_MAX 1000000

/* Of a lower one the first period would be longer than 11 days, of a higher one below what a timer can. */
#define RATE_MIN 1e-6
#define RATE_MAX 1e6

/* The exit status after --attempts failed ones. */
#define EXIT_GAVE_UP 3

struct client_options {
	struct common_options common; /* first */
	const char *target;
	uint64_t connections;
	uint64_t attempts; /* in a row, of one client; 0: no limit */
	uint64_t seed;
	bool seed_given;
	bool verbose;
	uint64_t in_flight;
	struct client_config config;
};

struct fleet {
	const struct client_options *options;
	struct loop loop;
	struct watch termination;
	struct target target;
	struct client *clients;
	unsigned len;
	uint64_t sent; /* in connections that have ended */
	uint64_t answered;
	struct latency latency;
	bool gave_up;
};

static int option_rate(const struct option_row *row, const char *value, void *to, struct why *why)
{
	double rate;

	if (option_number(row, value, &rate, why) < 0 ||
	    (rate != 0 && (rate < RATE_MIN || rate > RATE_MAX)))
		return -1;
	*(double *)to = rate;
	return 0;
}

static int option_seed(const struct option_row *row, const char *value, void *to, struct why *why)
{
	struct client_options *options = to;

	options->seed_given = true;
	return option_count(row, value, &options->seed, why);
}

static const struct option_row rows[] = {
	{.name = "target",
	 .arg = "HOST:PORT",
	 .accepts = "HOST:PORT, such as server:8000 or [fd00::1]:8000",
	 .doc = "the service; each of its addresses is tried, of many the first 16",
	 .parse = option_text,
	 .offset = OPTION(client_options, target)},
	{.name = "connections",
	 .arg = "N",
	 .accepts = "a whole number from 1 to 1000000",
	 .doc = "independent clients in this process; default 1",
	 .parse = option_count,
	 .offset = OPTION(client_options, connections),
	 .min = 1,
	 .max = CONNECTIONS_MAX},
	{.name = "rate",
	 .arg = "R",
	 .accepts = "requests per second, from 0.000001 to 1000000, or 0, which sends none",
	 .doc = "requests per second and connection; default 1, 0: none",
	 .parse = option_rate,
	 .offset = OPTION(client_options, config.rate)},
	{.name = "in-flight",
	 .arg = "N",
	 .accepts = "a whole number from 1 to 256",
	 .doc = "keep N requests in flight on each connection, in place of a rate",
	 .parse = option_count,
	 .offset = OPTION(client_options, in_flight),
	 .min = 1,
	 .max = REQUESTS_IN_FLIGHT_MAX},
	{.name = "heartbeat",
	 .arg = "INTERVAL/K",
	 .accepts = "INTERVAL/K, such as 5s/3: a PING each interval of silence, of at most 24h, "
		    "dead at the K-th miss, 1 to 1000",
	 .doc = "PING each silent interval, dead at the K-th miss; default 5s/3",
	 .parse = option_heartbeat,
	 .offset = OPTION(client_options, config.heartbeat)},
	{.name = "backoff",
	 .arg = "BASE/FACTOR/CAP/JITTER",
	 .accepts = "BASE/FACTOR/CAP/JITTER, such as 1s/2/64s/100%",
	 .doc = "waits between attempts; default 1s/2/64s/100%",
	 .parse = option_backoff,
	 .offset = OPTION(client_options, config.backoff)},
	{.name = "connect-timeout",
	 .arg = "D",
	 .accepts = "a length of time with its unit, such as 3s or 500ms, more than 0 and at most "
		    "24h",
	 .doc = "the deadline of an attempt; default 3s",
	 .parse = option_duration,
	 .offset = OPTION(client_options, config.connect_timeout)},
	{.name = "attempts",
	 .arg = "N",
	 .accepts = "a whole number up to 4294967295; 0 is no limit",
	 .doc = "end with status 3 when N in a row have failed; default 0: never",
	 .parse = option_count,
	 .offset = OPTION(client_options, attempts),
	 .max = UINT32_MAX},
	{.name = "seed",
	 .arg = "N",
	 .accepts = "a whole number",
	 .doc = "of all random draws; default: the kernel's choice",
	 .parse = option_seed,
	 .max = UINT64_MAX},
	{.name = "verbose",
	 .doc = "an event for each response too",
	 .parse = option_flag,
	 .offset = OPTION(client_options, verbose)},
	{0},
};

_Static_assert(offsetof(struct client_options, common) == 0, "the rows count from it");

static const struct command command = {
	.name = PROGRAM,
	.what = "Keeps connections to a ref-server and sends requests over them.",
	.side = SIDE_CLIENT,
	.rows = rows,
};

static void add_requests(struct json_line *line, uint64_t sent, uint64_t answered)
{
	json_count(line, "requests", sent);
	json_count(line, "responses", answered);
}

static void add_lost(struct json_line *line, const struct client_event *event)
{
	const struct requests *requests = event->requests;

	json_text(line, "why", event->why);
	json_ms(line, "lifetime_ms", event->lifetime);
	add_requests(line, requests->sent, requests->answered);
	if (requests->answered > 0) {
		json_ms(line, "rtt_mean_ms", requests->rtt_sum / (nsec_t)requests->answered);
		json_ms(line, "rtt_max_ms", requests->rtt_max);
	}
}

static void add_details(struct json_line *line, const struct client_event *event)
{
	switch (event->kind) {
	case CLIENT_ATTEMPT:
		json_count(line, "attempt", event->attempt);
		break;
	case CLIENT_CONNECTED:
		json_count(line, "attempt", event->attempt);
		json_text(line, "address", event->address);
		break;
	case CLIENT_WAIT:
		json_count(line, "attempt", event->attempt);
		json_ms(line, "wait_ms", event->wait);
		if (event->why[0])
			json_text(line, "why", event->why);
		break;
	case CLIENT_RESPONSE:
		json_count(line, "id", event->id);
		json_ms(line, "rtt_ms", event->rtt);
		break;
	case CLIENT_HEARTBEAT_MISS:
	case CLIENT_DEAD:
		json_count(line, "misses", event->misses);
		break;
	case CLIENT_LOST:
		add_lost(line, event);
		break;
	}
}

static const char *const event_names[] = {
	[CLIENT_ATTEMPT] = "attempt",
	[CLIENT_WAIT] = "wait",
	[CLIENT_CONNECTED] = "connected",
	[CLIENT_RESPONSE] = "response",
	[CLIENT_HEARTBEAT_MISS] = "heartbeat_miss",
	[CLIENT_DEAD] = "dead",
	[CLIENT_LOST] = "lost",
};

_Static_assert(sizeof(event_names) / sizeof(event_names[0]) == CLIENT_LOST + 1, "one name a kind");

/* Whether the wait's client has failed as often in a row as it may, so that no wait follows. The wait's
 * attempt is the one waited for, so one more than have been made; after a lost connection it is 1. */
static bool is_last_failure(const struct fleet *fleet, const struct client_event *wait)
{
	uint64_t limit = fleet->options->attempts;

	return limit != 0 && wait->attempt > limit;
}

/* Tells why the last attempt failed, which else the wait would, and ends the program. */
static void give_up(struct fleet *fleet, const struct client_event *wait)
{
	struct json_line line;

	json_begin(&line, "gave_up", wait->at);
	json_count(&line, "connection", wait->connection);
	json_count(&line, "attempts", wait->attempt - 1);
	json_text(&line, "why", wait->why);
	json_write(&line);
	fleet->gave_up = true;
	loop_stop(&fleet->loop);
}

static void on_event(void *arg, const struct client_event *event)
{
	struct fleet *fleet = arg;
	struct json_line line;

	if (event->kind == CLIENT_LOST) {
		fleet->sent += event->requests->sent;
		fleet->answered += event->requests->answered;
	}
	if (event->kind == CLIENT_RESPONSE) {
		latency_add(&fleet->latency, event->rtt);
		if (!fleet->options->verbose)
			return;
	}
	if (event->kind == CLIENT_WAIT && is_last_failure(fleet, event)) {
		give_up(fleet, event);
		return;
	}
	json_begin(&line, event_names[event->kind], event->at);
	json_count(&line, "connection", event->connection);
	add_details(&line, event);
	json_write(&line);
}

static void termination_ready(struct watch *watch, uint32_t events, nsec_t now)
{
	struct fleet *fleet = CONTAINER_OF(watch, struct fleet, termination);

	(void)events, (void)now;
	process_termination_taken(watch->fd);
	loop_stop(&fleet->loop);
}

static int fleet_init(struct fleet *fleet, const struct client_options *options, struct why *why)
{
	*fleet = (struct fleet){.options = options, .termination.fd = -1};
	fleet->loop.epoll_fd = -1;
	host_port_parse(options->target, &fleet->target.name);
	if (loop_init(&fleet->loop, why) < 0)
		return -1;
	fleet->termination.fd = process_termination_fd(why);
	if (fleet->termination.fd < 0)
		return -1;
	fleet->termination.ready = termination_ready;
	if (loop_watch(&fleet->loop, &fleet->termination, EPOLLIN) < 0)
		return why_errno(why, "epoll_ctl");
	fleet->clients = calloc(options->connections, sizeof(*fleet->clients));
	if (!fleet->clients)
		return why_set(why, "no memory for %llu connections; give fewer",
			       (unsigned long long)options->connections);
	for (; fleet->len < options->connections; fleet->len++) {
		struct client *client = &fleet->clients[fleet->len];

		if (client_init(client, &fleet->loop, &options->config, &fleet->target,
				fleet->len) < 0)
			return why_set(why, "no memory for %llu connections; give fewer",
				       (unsigned long long)options->connections);
		client_listen(client, on_event, fleet);
	}
	return 0;
}

static void fleet_stop(struct fleet *fleet)
{
	for (unsigned i = 0; i < fleet->len; i++) {
		struct client *client = &fleet->clients[i];

		if (client->state == CLIENT_STATE_ESTABLISHED) {
			fleet->sent += client->requests.sent;
			fleet->answered += client->requests.answered;
		}
		client_stop(client);
	}
}

static void say_stopped(const struct fleet *fleet)
{
	struct json_line line;

	json_begin(&line, "stopped", clock_now());
	add_requests(&line, fleet->sent, fleet->answered);
	if (fleet->latency.total > 0) {
		json_ms(&line, "rtt_p50_ms", latency_percentile(&fleet->latency, 50));
		json_ms(&line, "rtt_p99_ms", latency_percentile(&fleet->latency, 99));
		json_ms(&line, "rtt_max_ms", fleet->latency.max);
	}
	json_write(&line);
}

static void fleet_free(struct fleet *fleet)
{
	free(fleet->clients);
	if (fleet->termination.fd >= 0)
		close(fleet->termination.fd);
	loop_free(&fleet->loop);
}

/* The exit status, or -1. */
static int run(const struct client_options *options, struct why *why)
{
	static struct fleet fleet; /* its histogram is large */
	int result;

	process_raise_nofile();
	result = fleet_init(&fleet, options, why);
	if (result == 0) {
		for (unsigned i = 0; i < fleet.len && !fleet.loop.stopping; i++)
			client_start(&fleet.clients[i]);
		result = loop_run(&fleet.loop, why);
		fleet_stop(&fleet);
		say_stopped(&fleet);
	}
	fleet_free(&fleet);
	if (result < 0)
		return -1;
	return fleet.gave_up ? EXIT_GAVE_UP : EXIT_SUCCESS;
}

static int check_options(const struct client_options *options, struct why *why)
{
	struct host_port name;

	if (!options->target)
		return why_set(why, "--target HOST:PORT is missing: which server?");
	if (host_port_parse(options->target, &name) < 0 || !name.host[0])
		return why_set(why,
			       "--target: \"%.100s\" is not accepted; it takes HOST:PORT, such as "
			       "server:8000 or [fd00::1]:8000",
			       options->target);
	return 0;
}

int main(int argc, char **argv)
{
	struct client_options options = {
		.connections = 1,
		.config = {.heartbeat = heartbeat_default,
			   .backoff = backoff_default,
			   .connect_timeout = connect_timeout_default,
			   .rate = 1},
	};
	struct why why;
	int status;

	if (options_parse(&command, argc, argv, &options.common, &why) < 0) {
		fprintf(stderr, PROGRAM ": %s\n", why.text);
		return EXIT_USAGE;
	}
	if (options_answer(&command, &options.common))
		return EXIT_SUCCESS;
	if (check_options(&options, &why) < 0) {
		fprintf(stderr, PROGRAM ": %s\n", why.text);
		return EXIT_USAGE;
	}
	options.config.off = options.common.off;
	options.config.in_flight = (unsigned)options.in_flight;
	options.config.seed = options.seed_given ? options.seed : rng_fresh_seed();
	status = run(&options, &why);
	if (status < 0) {
		fprintf(stderr, PROGRAM ": %s\n", why.text);
		return EXIT_FAILURE;
	}
	return status;
}
