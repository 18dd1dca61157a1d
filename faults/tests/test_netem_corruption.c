/* SPDX-License-Identifier: MIT */
/* Which turned bits of a frame its receiver notices, from the definition of the headers. */
#include <check.h>

#include "faults/netem/corruption.h"
#include "faults/tests/testframe.h"
#include "harness/base/cleanup.h"
#include "harness/tests/suite.h"

START_TEST(which_bits_are_noticed)
{
	static const struct {
		size_t offset;
		bool ip6, noticed;
	} bytes[] = {
		{0, false, true},                     /* destination */
		{6, false, false},                    /* source */
		{12, false, true},                    /* type */
		{14, false, true},                    /* IPv4: its own checksum */
		{33, false, true}, {34, false, true}, /* TCP */
		{15, true, false},                    /* IPv6: traffic class, flow label */
		{18, true, true},                     /* length */
		{21, true, false},                    /* hop limit */
		{22, true, true},                     /* addresses */
		{54, true, true},                     /* TCP */
	};
	for (size_t i = 0; i < ARRAY_SIZE(bytes); i++) {
		struct testframe f =
			testframe_tcp((struct testsegment){.to = 1, .ip6 = bytes[i].ip6});
		struct packet p;

		packet_parse(f.bytes, f.len, &p);
		ck_assert_msg(corruption_is_noticed(&p, bytes[i].offset) == bytes[i].noticed,
			      "row %zu", i);
		ck_assert(!corruption_is_noticed(&p, f.len)); /* padding */
	}
}
END_TEST

int main(void)
{
	TCase *tests = tcase_create("netem-corruption");

	tcase_add_test(tests, which_bits_are_noticed);
	return run_tests("netem-corruption", tests);
}
