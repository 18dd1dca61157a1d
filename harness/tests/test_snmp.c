/* SPDX-License-Identifier: MIT */
/* The text of /proc/net/snmp and /proc/net/netstat, by itself and as this kernel writes it. */
#include <check.h>
#include <stdlib.h>

#include "harness/base/cleanup.h"
#include "harness/run/snmp.h"
#include "harness/tests/suite.h"

static const char text[] = "Tcp: RtoMin MaxConn InErrs\n"
			   "Tcp: 200 -1 7\n"
			   "TcpExt: SyncookiesSent ListenOverflows ListenDrops\n"
			   "TcpExt: 0 18446744073 5\n"
			   "IpExt: InOctets\n"
			   "IpExt: 42\n";

START_TEST(what_is_there)
{
	static const struct {
		const char *name;
		int64_t value;
	} all[] = {
		{"TcpRtoMin", 200},       {"TcpMaxConn", -1},
		{"TcpInErrs", 7},         {"TcpExtSyncookiesSent", 0},
		{"TcpExtListenDrops", 5}, {"TcpExtListenOverflows", 18446744073},
		{"IpExtInOctets", 42},
	};
	int64_t value = -7;

	ck_assert(snmp_find(text, all[_i].name, &value));
	ck_assert_int_eq(value, all[_i].value);
}
END_TEST

START_TEST(what_is_not)
{
	static const char *const names[] = {
		"",         "Tcp",          "TcpRto",         "TcpExt",
		"RtoMin",   "TcpExtInErrs", "TcpListenDrops", "TcpExtListenDropsX",
		"UdpInErrs"};
	int64_t value = -7;

	ck_assert(!snmp_find(text, names[_i], &value));
	ck_assert_int_eq(value, -7);
}
END_TEST

/* Cut short anywhere, it is never read beyond its end, and no number is half of one. */
START_TEST(cut_short)
{
	for (size_t len = 0; len < sizeof(text); len++) {
		char *part = malloc(len + 1);
		int64_t value = 0;

		ck_assert_ptr_nonnull(part);
		memcpy(part, text, len);
		part[len] = '\0';
		bool whole = len >= (size_t)(strstr(text, " 5\n") + 3 - text);
		ck_assert_int_eq(snmp_find(part, "TcpExtListenDrops", &value), whole);
		ck_assert_int_eq(value, whole ? 5 : 0);
		free(part);
	}
}
END_TEST

/* A file of /proc says that it is 0 bytes long. */
static void read_proc(const char *path, char *buf, size_t size)
{
	_cleanup_fclose_ FILE *f = fopen(path, "re");

	ck_assert_ptr_nonnull(f);
	size_t n = fread(buf, 1, size - 1, f);
	ck_assert_uint_lt(n, size - 1);
	buf[n] = '\0';
}

START_TEST(as_this_kernel_writes_it)
{
	static char netstat[65536], snmp[65536];
	int64_t value;

	read_proc("/proc/self/net/netstat", netstat, sizeof(netstat));
	read_proc("/proc/self/net/snmp", snmp, sizeof(snmp));
	ck_assert(snmp_find(netstat, "TcpExtListenOverflows", &value));
	ck_assert(snmp_find(netstat, "TcpExtListenDrops", &value));
	ck_assert(snmp_find(snmp, "TcpRetransSegs", &value));
	ck_assert(!snmp_find(snmp, "TcpExtListenDrops", &value));
}
END_TEST

int main(void)
{
	TCase *c = tcase_create("snmp");

	tcase_add_loop_test(c, what_is_there, 0, 7);
	tcase_add_loop_test(c, what_is_not, 0, 9);
	tcase_add_test(c, cut_short);
	tcase_add_test(c, as_this_kernel_writes_it);
	return run_tests("snmp", c);
}
