/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>

#include "harness/base/cleanup.h"
#include "harness/base/io.h"
#include "harness/cli/commands.h"

static const char DEFAULT_FILE[] = "scenario.yaml";

/*
 * It passes as it is, with nothing but python3: what is changed first is changed in what works. And it
 * does so however long Python takes to start, S, up to 3 s. The two addresses are tried one after the
 * other, each for `timeout`, so the client ends S + 2 x 2 s after its start: from 4 s (not-before 3.9 s)
 * to 7 s, for S up to 3 s. `hasty` ends after S + 2 x 0.1 s, before 3.9 s for S below 3.7 s; `patient`
 * not before 2 x 9 s. The cut has no end: SYNs go out 0, 1, 3, 7 and 15 s after the first, and the one
 * that comes after a cut, by S sooner or later, would let `patient` through: then it ends with status 0,
 * and its time is not what fails. That it still runs is seen at 12 s, 4 s after its bound (1 s + 7 s): by
 * so much may a busy machine stall, else the control is inconclusive.
 */
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
	"      \"import urllib.request as r; r.urlopen('http://server:8080/', timeout=2)\"\n"
	"    start: manual # by a step of the timeline\n"
	"\n"
	"# t = 0 is when every app that starts by itself is ready.\n"
	"timeline:\n"
	"  # Everything on the server's cable vanishes, without a word to anybody. Other\n"
	"  # faults: loss, delay, rst, ...; each takes a direction and a match. `for: 5s`\n"
	"  # would end it; this one lasts, so that no SYN sent again comes through.\n"
	"  - {at: 500ms, id: cut, blackhole: {cable: server}}\n"
	"  - {at: 1s, start: client}\n"
	"\n"
	"# Until when it is watched: a busy machine is granted what is left after the last\n"
	"# bound (client's start + 7 s). Without this line that is 1 s.\n"
	"duration: 12s\n"
	"\n"
	"# What must hold, in the figures that you promise: here 2 s for each of the\n"
	"# server's addresses (IPv6 and IPv4), and what Python takes to start: up to 3 s.\n"
	"# Others: detects, reconnects, backoff, connects, sockets, ...\n"
	"expect:\n"
	"  - exits: {app: client, status: 1, within: 7s, not-before: 3900ms}\n"
	"\n"
	"# The same scenario with something switched off must fail, where you say: else\n"
	"# the expectation shows nothing. Each side of a bound needs one of its own:\n"
	"# `wirecut matrix` says, after a run, which has none.\n"
	"controls:\n"
	"  no-cut:\n"
	"    replace:\n"
	"      timeline.0: {at: 500ms, id: cut, delay: {cable: server, mean: 1ms}}\n"
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
