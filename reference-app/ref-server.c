/* SPDX-License-Identifier: MIT */
/* ref-server: echoes requests, answers PINGs, and says in JSON what happens to it. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "reference-app/json-line.h"
#include "reference-app/listener.h"
#include "reference-app/options.h"
#include "reference-app/port-policy.h"
#include "reference-app/process.h"
#include "reference-app/units.h"
#include "reference-app/worker.h"

#define PROGRAM "ref-server"

#define WORKERS_DEFAULT 2
#define WORKERS_MAX     1024
/* What the kernel's net.core.somaxconn allows by default since Linux 5.4. */
#define BACKLOG_DEFAULT 4096

struct server_options {
	struct common_options common; /* first */
	const char *listen;
	uint64_t workers;
	uint64_t backlog;
	struct server_config config;
};

struct server {
	struct loop loop;
	struct watch termination;
	int listen_fd;
	struct worker *workers;
	unsigned len;
	struct server_counters counters;
};

static const struct option_row rows[] = {
	{.name = "listen",
	 .arg = "[HOST]:PORT",
	 .accepts = "[HOST]:PORT, such as :8000 or 127.0.0.1:8000",
	 .doc = "where to listen; without a host on all addresses; default :8000",
	 .parse = option_text,
	 .offset = OPTION(server_options, listen)},
	{.name = "workers",
	 .arg = "N",
	 .accepts = "a whole number from 1 to 1024",
	 .doc = "threads that serve; default 2",
	 .parse = option_count,
	 .offset = OPTION(server_options, workers),
	 .min = 1,
	 .max = WORKERS_MAX},
	{.name = "backlog",
	 .arg = "N",
	 .accepts = "a whole number from 0 to 2147483647",
	 .doc = "length of the accept queue, which the kernel caps; default 4096",
	 .parse = option_count,
	 .offset = OPTION(server_options, backlog),
	 .max = INT_MAX},
	{.name = "heartbeat",
	 .arg = "INTERVAL/K",
	 .accepts = "INTERVAL/K, such as 5s/3: a connection silent for K + 1 intervals, of at most "
		    "24h, is closed; K is 1 to 1000",
	 .doc = "what the clients' heartbeat is; default 5s/3",
	 .parse = option_heartbeat,
	 .offset = OPTION(server_options, config.heartbeat)},
	{.name = "accept-cost",
	 .arg = "D",
	 .accepts = "a length of time with its unit, such as 5ms, more than 0 and at most 24h",
	 .doc = "hold the worker so long at each accept, as TLS and a login do",
	 .parse = option_duration,
	 .offset = OPTION(server_options, config.accept_cost)},
	{.name = "late-close",
	 .arg = "D",
	 .accepts = "a length of time with its unit, such as 120s, more than 0 and at most 24h",
	 .doc = "close so long after the peer's FIN, as a garbage collector does",
	 .parse = option_duration,
	 .offset = OPTION(server_options, config.late_close)},
	{0},
};

_Static_assert(offsetof(struct server_options, common) == 0, "the rows count from it");

static const struct command command = {
	.name = PROGRAM,
	.what = "Answers the requests of ref-client, or of anybody who speaks its frames.",
	.side = SIDE_SERVER,
	.rows = rows,
};

static void say_listening(const struct address *address)
{
	char text[ADDRESS_TEXT_MAX];
	struct json_line line;

	json_begin(&line, "listening", clock_now());
	json_text(&line, "address", address_text(text, address));
	json_write(&line);
}

static void say_stopped(struct server_counters *counters)
{
	struct json_line line;

	json_begin(&line, "stopped", clock_now());
	json_count(&line, "accepted", atomic_load(&counters->accepted));
	json_count(&line, "requests", atomic_load(&counters->requests));
	json_count(&line, "reaped", atomic_load(&counters->reaped));
	json_count(&line, "bad_frames", atomic_load(&counters->bad_frames));
	json_count(&line, "forgotten", atomic_load(&counters->forgotten));
	json_write(&line);
}

static void termination_ready(struct watch *watch, uint32_t events, nsec_t now)
{
	struct server *server = CONTAINER_OF(watch, struct server, termination);
	struct json_line line;

	(void)events;
	json_begin(&line, "draining", now);
	json_write(&line);
	process_termination_taken(watch->fd);
	loop_stop(&server->loop);
}

/* Says in an event what there is to say about the port. -1: it must not be used. */
static int check_port(const struct host_port *name, struct why *why)
{
	struct json_line line;
	enum port_verdict verdict;
	uint64_t port;

	if (parse_count(name->port, strlen(name->port), 1, UINT16_MAX, &port) < 0)
		return why_set(why, "port %s is none", name->port);
	verdict = port_policy_check((uint16_t)port, why);
	if (verdict == PORT_EPHEMERAL)
		return -1;
	if (!why->text[0])
		return 0;
	json_begin(&line, "port_warning", clock_now());
	json_count(&line, "port", port);
	json_text(&line, "why", why->text);
	json_write(&line);
	return 0;
}

static int server_init(struct server *server, const struct server_options *options, struct why *why)
{
	struct host_port name;
	struct address address;

	*server = (struct server){.listen_fd = -1, .termination.fd = -1};
	server->loop.epoll_fd = -1;
	if (host_port_parse(options->listen, &name) < 0)
		return why_set(why, "--listen: \"%.100s\" is no address", options->listen);
	if (practice_on(options->common.off, PRACTICE_PORT_POLICY) && check_port(&name, why) < 0)
		return -1;
	if (loop_init(&server->loop, why) < 0)
		return -1;
	server->termination.fd = process_termination_fd(why);
	if (server->termination.fd < 0)
		return -1;
	server->termination.ready = termination_ready;
	if (loop_watch(&server->loop, &server->termination, EPOLLIN) < 0)
		return why_errno(why, "epoll_ctl");
	server->workers = calloc(options->workers, sizeof(*server->workers));
	if (!server->workers)
		return why_set(why, "no memory for %u workers", (unsigned)options->workers);
	server->listen_fd =
		listener_open(&name, (int)options->backlog,
			      practice_on(options->common.off, PRACTICE_REUSE_ADDR), &address, why);
	if (server->listen_fd < 0)
		return -1;
	for (; server->len < options->workers; server->len++)
		if (worker_start(&server->workers[server->len], &options->config, &server->counters,
				 server->listen_fd, why) < 0)
			return -1;
	say_listening(&address);
	return 0;
}

/* Stops listening, lets the workers drain, and frees everything. -1: a worker had failed. */
static int server_end(struct server *server, struct why *why)
{
	int result = 0;

	/* shutdown() and not close(): a worker that is just in accept4() must not find the number in
	 * other hands. It refuses new connections from now on. */
	if (server->listen_fd >= 0)
		shutdown(server->listen_fd, SHUT_RD);
	for (unsigned i = 0; i < server->len; i++)
		worker_drain(&server->workers[i]);
	for (unsigned i = 0; i < server->len; i++) {
		if (worker_join(&server->workers[i]) == 0)
			continue;
		*why = server->workers[i].why;
		result = -1;
	}
	free(server->workers);
	if (server->listen_fd >= 0)
		close(server->listen_fd);
	if (server->termination.fd >= 0)
		close(server->termination.fd);
	loop_free(&server->loop);
	return result;
}

static int run(const struct server_options *options, struct why *why)
{
	struct server server;
	int result;

	process_raise_nofile();
	if (server_init(&server, options, why) < 0) {
		server_end(&server, &(struct why){.text = ""});
		return -1;
	}
	result = loop_run(&server.loop, why);
	if (server_end(&server, why) < 0)
		result = -1;
	say_stopped(&server.counters);
	return result;
}

static int check_options(const struct server_options *options, struct why *why)
{
	struct host_port name;

	if (host_port_parse(options->listen, &name) == 0)
		return 0;
	return why_set(
		why,
		"--listen: \"%.100s\" is not accepted; it takes [HOST]:PORT, such as :8000 or "
		"127.0.0.1:8000",
		options->listen);
}

int main(int argc, char **argv)
{
	char listen_default[sizeof(":65535")];
	struct server_options options = {
		.listen = listen_default,
		.workers = WORKERS_DEFAULT,
		.backlog = BACKLOG_DEFAULT,
		.config.heartbeat = heartbeat_default,
	};
	struct why why;

	snprintf(listen_default, sizeof(listen_default), ":%d", PORT_SERVICE);
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
	if (run(&options, &why) < 0) {
		fprintf(stderr, PROGRAM ": %s\n", why.text);
		return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}
