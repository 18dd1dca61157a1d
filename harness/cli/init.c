/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>

#include "harness/base/cleanup.h"
#include "harness/base/io.h"
#include "harness/cli/commands.h"

static const char DEFAULT_FILE[] = "scenario.yaml";

/* It passes as it is, with nothing but python3: what is changed first is changed in what works. */
const char init_skeleton[] =
	"# A scenario: hosts, the programs on them, what happens to the cable between them\n"
	"# and when, and what must hold. Run it as it is, then put your own programs in.\n"
	"#\n"
	"#   wirecut check FILE     says everything that is wrong with it\n"
	"#   wirecut run FILE       runs it; what was seen is then under results/latest/\n"
	"#   man wirecut-scenario   every key (not installed: scenarios/README.md has them)\n"
	"version: 1\n"
	"name: the client gives up a server that does not answer\n"
	"\n"
	"# Each is a network namespace with one cable to a switch; programs find each\n"
	"# other by these names. {count: 3} makes a group of three.\n"
	"hosts:\n"
	"  server: {}\n"
	"  client: {}\n"
	"\n"
	"# Any programs, started in this order, each once the one before is ready. No\n"
	"# shell splits the words of `run` (`shell:` does); a program with a slash\n"
	"# (./server) lies beside this file.\n"
	"apps:\n"
	"  server:\n"
	"    host: server\n"
	"    run: \"python3 -m http.server 8080\"\n"
	"    # Or {connected: \"server:8080\"}, {log: REGEX}, {exited: 0}.\n"
	"    ready: {listening: 8080}\n"
	"  client:\n"
	"    host: client\n"
	"    run: >-\n"
	"      python3 -c\n"
	"      \"import urllib.request as r; r.urlopen('http://server:8080/', timeout=1)\"\n"
	"    start: manual # by a step of the timeline\n"
	"\n"
	"# t = 0 is when every app that starts by itself is ready.\n"
	"timeline:\n"
	"  # Everything on the server's cable vanishes, without a word to anybody. Other\n"
	"  # faults: loss, delay, rst, ...; each takes a direction and a match.\n"
	"  - {at: 500ms, id: cut, blackhole: {cable: server}, for: 8s}\n"
	"  - {at: 1s, start: client}\n"
	"\n"
	"# What must hold, in the figures that you promise: here one second for each of\n"
	"# the server's addresses (IPv6 and IPv4), and what Python takes to start.\n"
	"# Others: detects, reconnects, backoff, connects, sockets, ...\n"
	"expect:\n"
	"  - exits: {app: client, status: 1, within: 6s, not-before: 1900ms}\n"
	"\n"
	"# The same scenario with something switched off must fail, where you say: else\n"
	"# the expectation shows nothing. Each side of a bound needs one of its own:\n"
	"# `wirecut matrix` says, after a run, which has none.\n"
	"controls:\n"
	"  no-cut:\n"
	"    replace:\n"
	"      timeline.0: {at: 500ms, id: cut, delay: {cable: server, mean: 1ms}, for: 8s}\n"
	"    fails: [exits]\n"
	"  patient:\n"
	"    replace:\n"
	"      apps.client.run: >-\n"
	"        python3 -c\n"
	"        \"import urllib.request as r; r.urlopen('http://server:8080/', timeout=9)\"\n"
	"    fails: [exits]\n"
	"  hasty:\n"
	"    replace:\n"
	"      apps.client.run: >-\n"
	"        python3 -c\n"
	"        \"import urllib.request as r; r.urlopen('http://server:8080/', timeout=.1)\"\n"
	"    fails: [exits]\n";

int command_init(struct options *opt)
{
	const char *path = opt->paths.n ? opt->paths.v[0] : DEFAULT_FILE;

	if (opt->paths.n > 1) {
		fprintf(stderr, "wirecut: init writes one file\n");
		return EXIT_USAGE;
	}
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0 && errno == EEXIST) {
		fprintf(stderr, "wirecut: %s is there already: give another name\n", path);
		return EXIT_USAGE;
	}
	if (fd < 0 || io_write_all(fd, init_skeleton, strlen(init_skeleton)) < 0) {
		fprintf(stderr, "wirecut: write %s: %s\n", path, strerror(errno));
		return EXIT_ERROR;
	}
	printf("%s is written; next: wirecut run %s\n", path, path);
	return 0;
}
