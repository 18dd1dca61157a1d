/* SPDX-License-Identifier: MIT */
/*
 * `wirecut inject` as a whole, in guests of the virtual clock on each kernel that was fetched, with tc(8)
 * as the witness: what it sets, and that it is gone afterwards, however the injection ended.
 *
 * Each case is a shell's text on a host, which makes a namespace beside it, and what must be in its
 * output, in that order. What is refused without netem is in test_inject_refusals.c.
 */
#include <check.h>
#include <stdlib.h>

#include "harness/base/cleanup.h"
#include "harness/tests/guests.h"
#include "harness/tests/netns.h"
#include "harness/tests/suite.h"

/* A guard; boots of guests are among what a test may wait for. */
#define TEST_TIMEOUT_S 240
#define PARTS_MAX      32
#define PROBE          "udp-probe"

static struct cli c;
static bool can_run;

static void setup(void)
{
	can_run = guests_start(&c);
	if (can_run)
		guests_copy_program(&c, PROBE);
}

static void teardown(void)
{
	guests_finish(&c, can_run);
}

/*
 * A namespace `web`; `bend`, to be run in a subshell, which wirecut then takes the place of; `look`, which
 * says what qdisc is there; `guard`, which waits for the guardian of $i and gives its number as $g; `gone`,
 * which waits for the end of an interface: the kernel may take 10 s for what it frees when it has the
 * leisure (CONFIG_RCU_LAZY).
 *
 * `line` puts a cable between `web` and the host, on which nothing moves by itself; `try WORDS ...` sends
 * probes of 200 bytes over it from `web`, where those words are injected, and shows the qdisc, the receipt
 * and, of each probe that arrived, its number and how many milliseconds it took; the rest of its arguments
 * is for the sender. `apart MIN MAX` counts the probes that arrived so long after the one before.
 */
static const char prelude[] =
	"ip netns add web && ip -n web link set lo up\n"
	"bend() { exec wirecut inject --netns web --dev lo \"$@\"; }\n"
	"look() { echo \"$1: $(tc -n web qdisc show dev lo)\"; }\n"
	"guard() { g=; until read g < /proc/$i/task/$i/children || test \"$g\"; do sleep 0.01; "
	"done; }\n"
	"gone() { n=0; while ip link show $1 > link 2>&1; do n=$((n + 1)); test $n -lt 150 || "
	"return; sleep 0.1; done; echo \"no $1\"; }\n"
	"line() {\n"
	"ip link add h0 address 02:00:00:00:09:01 type veth peer name v0\n"
	"ip link set v0 netns web\n"
	"ip link set h0 addrgenmode none && ip -n web link set v0 addrgenmode none\n"
	"ip addr add 10.9.0.1/24 dev h0 && ip -n web addr add 10.9.0.2/24 dev v0\n"
	"ip link set h0 up && ip -n web link set v0 up\n"
	"ip -n web neigh replace 10.9.0.1 lladdr 02:00:00:00:09:01 dev v0 nud permanent\n"
	"}\n"
	"try() {\n"
	"words=$1; shift\n"
	"wirecut inject --netns web --dev v0 \"$words\" --for 60s > out 2>&1 & i=$!\n"
	"$probe receive 9000 1 > got & r=$!\n"
	"sleep 0.5\n"
	"ip netns exec web $probe send --size=158 \"$@\" 10.9.0.1:9000\n"
	"sleep 1.5; tc -n web -s qdisc show dev v0; kill -TERM $i $r; wait $i; wait $r; grep -o "
	"'taken away.*' out\n"
	"arrived=; while read kind port number sent received bits; do test $kind != probe || "
	"arrived=\"$arrived $number:$(((received - sent + 500000) / 1000000))\"; done < got\n"
	"echo \"arrived$arrived.\"\n"
	"}\n"
	"apart() {\n"
	"n=0; all=0; last=0; first=; differ=none\n"
	"for a in $arrived; do\n"
	"t=$${a#*:}; d=$((t - last)); last=$t; all=$((all + 1)); first=$${first:-$d}\n"
	"test $d -lt $1 || test $d -gt $2 || n=$((n + 1)); test $d = $first || differ=some\n"
	"done\n"
	"echo \"apart: $n of $all, $differ by another time\"\n"
	"}\n";

static const struct inject_case {
	const char *name, *script;
	const char *parts[PARTS_MAX]; /* of its output, in this order */
} cases[] = {
	{.name = "time-is-up",
	 .script = "bend 'delay 50ms 10ms 5%' --for 5s > out 2>&1 & i=$!\n"
		   "sleep 1; look during\n"
		   "ip netns exec web bash -c 'echo x >/dev/udp/127.0.0.1/9'\n"
		   "sleep 3.9; look still\n"
		   "wait $i; echo \"code $?\"; cat out; look after\n",
	 .parts = {"during: qdisc netem 7", "limit 1000 delay 50ms", "10ms 5%",
		   "still: qdisc netem 7", "code 0",
		   "leave lo in the network namespace web meet netem limit 1000 delay 50ms ",
		   "10ms 5% for 5 s",
		   /* The packet, and the answer that nobody listens there. */
		   "taken away after 5.0", "s: 2 packets passed, 0 were dropped\n",
		   "after: qdisc noqueue 0:"}},
	{.name = "signals",
	 .script = "for s in TERM INT HUP; do\n"
		   /* A shell lets what it starts in the background ignore SIGINT. */
		   "env --default-signal=INT wirecut inject --netns web --dev lo 'loss 100%' "
		   "--for 60s > out 2>&1 & i=$!\n"
		   "sleep 1; look \"before $s\"\n"
		   "ip netns exec web bash -c 'echo x >/dev/udp/127.0.0.1/9'\n"
		   "kill -$s $i; wait $i; echo \"code $?\"; cat out; look \"after $s\"\n"
		   "done\n",
	 .parts = {"before TERM: qdisc netem", "code 143", "interrupted: taken away after",
		   "0 packets passed, 1 were dropped", "after TERM: qdisc noqueue",
		   "before INT: qdisc netem", "code 130", "interrupted: taken away after",
		   "after INT: qdisc noqueue", "before HUP: qdisc netem", "code 129",
		   "interrupted: taken away after", "after HUP: qdisc noqueue"}},
	{.name = "killed",
	 .script = "bend 'delay 50ms' --for 60s > out 2>&1 & i=$!\n"
		   "sleep 1; guard; look before; read n < /proc/$g/comm; echo \"guard $n\"\n"
		   "kill -TERM $g; kill -INT $g; kill -HUP $g; sleep 0.1; look unmoved\n"
		   "kill -KILL $i; wait $i; echo \"code $?\"; sleep 0.2; look after\n"
		   "test -e /proc/$g || echo no guardian\n",
	 .parts = {"before: qdisc netem", "guard wirecut-guard", "unmoved: qdisc netem", "code 137",
		   "after: qdisc noqueue", "no guardian"}},
	/* The guardian comes a second after the time, for one who is in time goes first. */
	{.name = "stopped",
	 .script = "bend 'delay 50ms' --for 2s > out 2>&1 & i=$!\n"
		   "sleep 1; guard; kill -STOP $i; sleep 1.5; look before; sleep 1; look after\n"
		   "kill -CONT $i; wait $i; echo \"code $?\"; cat out\n"
		   "test -e /proc/$g || echo no guardian\n",
	 .parts = {"before: qdisc netem", "after: qdisc noqueue", "code 0",
		   "the guardian took it away", "no guardian"}},
	{.name = "guardian-killed",
	 .script = "bend 'delay 50ms' --for 60s > out 2>&1 & i=$!\n"
		   "sleep 1; guard; look before; kill -KILL $g\n"
		   "wait $i; echo \"code $?\"; cat out; look after\n",
	 .parts = {"before: qdisc netem", "code 3", "taken away after", "the guardian was killed",
		   "after: qdisc noqueue"}},
	{.name = "of-somebody",
	 .script = "tc -n web qdisc add dev lo root netem delay 1ms\n"
		   "(bend 'delay 50ms' --for 1s) 2>&1; echo \"code $?\"; look after\n"
		   "(bend 'delay 50ms' --for 1s --dry-run) 2>&1; echo \"code $?\"; look after\n"
		   "tc -n web qdisc del dev lo root\n"
		   "for by in pfifo 'netem delay 1ms'; do for end in time KILL; do\n"
		   "bend 'delay 50ms' --for 3s > out 2>&1 & i=$!\n"
		   "sleep 1; look before; guard\n"
		   "tc -n web qdisc replace dev lo root handle 5: $by\n"
		   "test $end = time || kill -KILL $i\n"
		   "wait $i; echo \"code $?\"; cat out; sleep 0.2; look after\n"
		   "test -e /proc/$g || echo no guardian\n"
		   "tc -n web qdisc del dev lo root\n"
		   "done; done\n",
	 .parts = {"wirecut: lo has a qdisc that wirecut did not set (netem 800",
		   "code 3",
		   "after: qdisc netem 800",
		   "nothing was changed",
		   "it would be refused: lo has a qdisc that wirecut did not set (netem 800",
		   "code 3",
		   "after: qdisc netem 800",
		   "before: qdisc netem 7",
		   "code 3",
		   "netem is no longer on lo: somebody has taken it away or replaced it",
		   "after: qdisc pfifo 5:",
		   "no guardian",
		   "before: qdisc netem 7",
		   "code 137",
		   "after: qdisc pfifo 5:",
		   "no guardian",
		   "before: qdisc netem 7",
		   "code 3",
		   "somebody has taken it away",
		   "after: qdisc netem 5:",
		   "no guardian",
		   "before: qdisc netem 7",
		   "code 137",
		   "after: qdisc netem 5:",
		   "no guardian"}},
	{.name = "second",
	 .script = "bend 'delay 50ms' --for 5s > out 2>&1 & i=$!\n"
		   "sleep 1; (bend 'loss 1%' --for 1s) 2>&1; echo \"code $?\"; look between\n"
		   "wait $i; echo \"code $?\"; (bend 'loss 1%' --for 1s); echo \"code $?\"\n",
	 .parts = {"another `wirecut inject` is at work on lo (netem 7", "code 3",
		   "between: qdisc netem 7", "delay 50ms", "code 0", "taken away after 1.0",
		   "code 0"}},
	/* Process 1 of the sandbox is in the namespace of its cables, and stands for the machine's. */
	{.name = "own",
	 .script = "touch /run/netns/first /run/netns/own; p=1\n"
		   "mount --bind /proc/$p/ns/net /run/netns/first\n"
		   "mount --bind /proc/$$/ns/net /run/netns/own\n"
		   "before=$(nsenter --net=/run/netns/first tc qdisc show; tc qdisc show)\n"
		   "for t in '--pid 1' '--netns first' \"--pid $$\" '--netns own'; do\n"
		   "wirecut inject $t --dev eth0 'delay 5ms' --for 1s 2>&1; echo \"code $?\"\n"
		   "done\n"
		   "after=$(nsenter --net=/run/netns/first tc qdisc show; tc qdisc show)\n"
		   "test \"$before\" = \"$after\" && echo unchanged\n",
	 .parts = {"the machine's own (that of process 1)", "code 3",
		   "network namespace first is the machine's own", "code 3",
		   "that wirecut itself is in", "code 3",
		   "network namespace own is the network namespace that wirecut itself is in",
		   "code 3", "unchanged"}},
	/* A veth pair ends with the namespace of either end: that is how its end is seen. */
	{.name = "process-ends",
	 .script = "unshare -n sleep 100 & p=$!\n"
		   "sleep 0.5; ip link add h0 type veth peer name v0 && ip link set v0 netns $p\n"
		   "wirecut inject --pid $p --dev v0 'loss gemodel 1% 5% 90% 1%' --for 60s > out "
		   "2>&1 & i=$!\n"
		   "sleep 1; nsenter -t $p -n tc qdisc show dev v0; kill -KILL $p\n"
		   "wait $i; echo \"code $?\"; cat out; gone h0\n",
	 .parts = {"qdisc netem 7", "gemodel p 1% r 5% 1-h 90% 1-k 1%", "code 0",
		   "the target is gone: taken away after", "no h0"}},
	{.name = "name-removed",
	 .script = "ip link add h0 type veth peer name v0 && ip link set v0 netns web\n"
		   "wirecut inject --netns web --dev v0 'delay 5ms' --for 60s > out 2>&1 & i=$!\n"
		   "sleep 1; ip netns add other; ip netns del other\n"
		   "sleep 1; tc -n web qdisc show dev v0; ip netns del web\n"
		   "wait $i; echo \"code $?\"; cat out; gone h0\n",
	 .parts = {"qdisc netem 7", "code 0", "the target is gone: taken away after", "no h0"}},
	{.name = "interface-gone",
	 .script = "ip link add h0 type veth peer name v0 && ip link set v0 netns web\n"
		   "wirecut inject --netns web --dev v0 'delay 5ms' --for 2s > out 2>&1 & i=$!\n"
		   "sleep 1; tc -n web qdisc show dev v0; ip link del h0\n"
		   "wait $i; echo \"code $?\"; cat out\n",
	 .parts = {"qdisc netem 7", "code 0", "v0 is gone, and netem with it"}},
	/* What a dry run shows is what is done: tc, told so, sets the same. */
	{.name = "as-tc",
	 .script =
		 "echo 0 1 2 > normal.dist\n" /* which tables tc has is another question */
		 "for w in 'delay 50ms 10ms 25%' 'delay 1.5s loss 0.3% 25%' 'rate 1.5mbit limit "
		 "7' 'loss gemodel 10%' 'loss gemodel 1% 5% 90% 1%' 'duplicate 3% 5% corrupt 2% "
		 "3%' 'delay 10ms reorder 25% 50% gap 5' 'delay 7us rate 8bit' 'loss state 10%' "
		 "'loss "
		 "state 1% 80% 5% 90% 2% ecn' 'loss 5% 3% ecn' 'rate 1mbit -14' 'rate 10gbit 20 48 "
		 "5' 'rate 40gbit' 'slot 5ms' 'slot 800us 1ms packets 4 bytes 2kib' 'slot "
		 "distribution "
		 "normal 5ms 1ms packets 3'; do\n"
		 "(bend \"$w\" --for 1s --dry-run) > plan 2>&1; look \"dry $?\"\n"
		 "grep ' qdisc add ' plan > add; TC_LIB_DIR=. sh add\n"
		 "tc -n web -j qdisc show dev lo | sed 's/\"handle\":\"[^\"]*\"//' > by-tc\n"
		 "tc -n web qdisc del dev lo root\n"
		 "bend \"$w\" --for 1s > out 2>&1 & i=$!\n"
		 "sleep 0.5; tc -n web -j qdisc show dev lo | sed 's/\"handle\":\"[^\"]*\"//' > "
		 "by-inject; wait $i\n"
		 "grep -q netem by-tc && cmp by-tc by-inject && echo \"same: $w\"\n"
		 "done\n",
	 .parts = {"dry 0: qdisc noqueue", "same: delay 50ms 10ms 25%",
		   "same: delay 1.5s loss 0.3%", "same: rate 1.5mbit limit 7",
		   "same: loss gemodel 10%", "same: loss gemodel 1% 5% 90% 1%", "same: duplicate",
		   "same: delay 10ms reorder", "same: delay 7us rate 8bit", "same: loss state 10%",
		   "same: loss state 1% 80%", "same: loss 5% 3% ecn", "same: rate 1mbit -14",
		   "same: rate 10gbit 20 48 5", "same: rate 40gbit", "same: slot 5ms",
		   "same: slot 800us", "same: slot distribution"}},
	/*
	 * Of the model of four states only chains without a choice: then each fate is known. (With 32 bits
	 * that run over two halves are no whole, and two of three are lost.)
	 */
	{.name = "states",
	 .script = "line\n"
		   "try 'loss state 100%' 40\n"
		   "try 'loss state 100% 50% 50%' 8\n"
		   "try 'loss state 100% 0% 100% 0%' 8\n"
		   "try 'loss state 0% 100% 0% 100% 100%' 8\n",
	 .parts = {"loss state p13 100% p31 0% p32 0% p23 100% p14 0%", " 0 pkt (dropped 40,",
		   ": 0 packets passed, 40 were dropped\n", "arrived.",
		   "loss state p13 100% p31 50% p32 50% p23 100% p14 0%",
		   "arrived 1:0 3:0 5:0 7:0.", "loss state p13 100% p31 0% p32 100% p23 0% p14 0%",
		   "arrived 1:0 2:0 3:0 4:0 5:0 6:0 7:0.",
		   "loss state p13 0% p31 100% p32 0% p23 100% p14 100%",
		   "arrived 1:0 3:0 5:0 7:0."}},
	/* A probe that takes ECN is marked, and counted as both. */
	{.name = "ecn",
	 .script = "line\n"
		   "try 'loss 100% ecn' 3\n"
		   "try 'loss 100% ecn' --ecn 3\n"
		   "try 'loss 100%' --ecn 3\n",
	 .parts = {"loss 100% ecn", " 0 pkt (dropped 3,",
		   ": 0 packets passed, 3 were dropped or marked\n", "arrived.", "loss 100% ecn",
		   " 3 pkt (dropped 3,", ": 3 packets passed, 3 were dropped or marked\n",
		   "arrived 0:0 1:0 2:0.", "loss 100%", " 0 pkt (dropped 3,",
		   ": 0 packets passed, 3 were dropped\n", "arrived."}},
	/* 1000 bytes at 10000 a second; 186; 5 cells of 48 bytes, and 5 more each, at 10600. */
	{.name = "overheads",
	 .script = "line\n"
		   "try 'rate 80kbit 800' 3\n"
		   "try 'rate 74400bit -14' 3\n"
		   "try 'rate 84800bit 8 48 5' 3\n",
	 .parts = {"rate 80Kbit packetoverhead 800", "arrived 0:100 1:200 2:300.",
		   "rate 74400bit packetoverhead -14", "arrived 0:20 1:40 2:60.",
		   "rate 84800bit packetoverhead 8 cellsize 48 celloverhead 5",
		   "arrived 0:25 1:50 2:75."}},
	/* 500 bytes are reached by the third probe. */
	{.name = "slots",
	 .script = "line\n"
		   "try 'slot 100ms packets 2' 6\n"
		   "try 'slot 100ms bytes 500b' 6\n"
		   "try 'slot 100ms' 6\n"
		   "try 'slot 100ms 150ms packets 1' 5\n"
		   "apart 100 150\n"
		   "try 'slot distribution normal 100ms 5ms packets 1' 5\n"
		   "apart 80 120\n",
	 .parts = {"slot 100ms 100ms packets 2", "arrived 0:100 1:100 2:200 3:200 4:300 5:300.",
		   "slot 100ms 100ms bytes 500", "arrived 0:100 1:100 2:100 3:200 4:200 5:200.",
		   "slot 100ms 100ms", "arrived 0:100 1:100 2:100 3:100 4:100 5:100.",
		   "slot 100ms 150ms packets 1", "apart: 5 of 5, some by another time",
		   "slot distribution 100ms 5ms packets 1", "apart: 5 of 5, some by another time"}},
	/* Kernels before 6.6 pass the seed over. */
	{.name = "seeds",
	 .script = "line\n"
		   "for s in 7 7 8; do try \"loss 50% seed $s\" 64; echo \"$arrived\" >> fates; "
		   "done\n"
		   "n=$(sort -u fates | wc -l)\n"
		   "case $(uname -r) in\n"
		   "[0-5].*|6.[0-5].*) test $n = 3 ;;\n"
		   "*) test $n = 2 && test \"$(sed -n 1p fates)\" = \"$(sed -n 2p fates)\" ;;\n"
		   "esac && echo \"as they must be\"\n",
	 .parts = {"as they must be"}},
	/* An ordinary user, in the user namespace that is theirs. */
	{.name = "rootless",
	 .script =
		 "setpriv --reuid 1000 --clear-groups unshare -Urn sleep 100 & p=$!\n"
		 "sleep 0.5\n"
		 "setpriv --reuid 1000 --clear-groups wirecut inject --pid $p --dev lo 'loss 10%' "
		 "--for 2s > out 2>&1 & i=$!\n"
		 "sleep 1; nsenter -t $p -n tc qdisc show dev lo\n"
		 "setpriv --reuid 1000 --clear-groups wirecut inject --netns web --dev lo 'loss "
		 "10%' --for 2s 2>&1; echo \"code $?\"; look other\n"
		 "wait $i; echo \"code $?\"; cat out; echo \"after: [$(nsenter -t $p -n tc qdisc "
		 "show dev lo)]\"\n",
	 .parts = {"qdisc netem 7", "enter the network namespace web: it needs CAP_SYS_ADMIN",
		   "code 3", "other: qdisc noqueue", "code 0", "taken away after 2.0",
		   "after: []"}},
};

/* The text as the block of a YAML file: each line further in. */
static char *indented(const char *text)
{
	char *block = arena_strdup(&c.arena, "");

	for (const char *s = text; *s;) {
		int len = (int)strcspn(s, "\n");

		block = arena_printf(&c.arena, "%s      %.*s\n", block, len, s);
		s += len + (s[len] == '\n');
	}
	return block;
}

static void write_case(const struct inject_case *k)
{
	cli_write(&c, arena_printf(&c.arena, "%s.yaml", k->name),
		  arena_printf(&c.arena,
			       "version: 1\nname: an injection\nhosts: {host: {}}\napps:\n"
			       "  app:\n    host: host\n    shell: |\n      probe=%s/" PROBE
			       "\n%s%s"
			       "expect:\n  - exits: {app: app, status: 0, within: 40s}\n"
			       "duration: 41s\n",
			       c.dir, indented(prelude), indented(k->script)));
}

static void check_case(const struct inject_case *k)
{
	const char *folder = arena_printf(&c.arena, "%s/%s", guests_run_folder(&c), k->name);
	const char *log = guests_read(&c, folder, "logs/app.log", NULL), *at = log;

	for (size_t i = 0; i < PARTS_MAX && k->parts[i]; i++) {
		const char *found = strstr(at, k->parts[i]);

		ck_assert_msg(found != NULL, "%s: '%s' is not where it belongs in:\n%s", k->name,
			      k->parts[i], log);
		at = found + strlen(k->parts[i]);
	}
}

START_TEST(test_each_end)
{
	if (!can_run)
		return;
	struct strings kernels = guests_kernels(&c.arena);
	if ((size_t)_i >= kernels.n) {
		skip("there is no second kernel: make guest-kernel");
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		write_case(&cases[i]);
	struct cli_result r =
		CLI(&c, "run", "--clock", "virtual", "--seed", "1", "--kernel", kernels.v[_i], ".");
	ck_assert_msg(r.code == 0, "exit code %d\n%s%s", r.code, r.out, r.err);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		check_case(&cases[i]);
}
END_TEST

int main(void)
{
	TCase *tests = tcase_create("inject");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_set_timeout(tests, TEST_TIMEOUT_S);
	tcase_add_loop_test(tests, test_each_end, 0, 2);
	return run_tests("inject", tests);
}
