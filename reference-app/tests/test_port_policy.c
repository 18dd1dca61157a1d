/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "reference-app/port-policy.h"
#include "reference-app/tests/support.h"

static const struct port_range stock = {32768, 60999};

static const struct {
	const char *reserved;
	uint16_t port;
	enum port_verdict verdict;
} ports[] = {
	{"", PORT_SERVICE, PORT_GOOD},
	{"", 1, PORT_GOOD},
	{"", 29999, PORT_GOOD},
	{"", 30000, PORT_NODEPORT},
	{"", 32767, PORT_NODEPORT},
	{"", 32768, PORT_EPHEMERAL},
	{"", 60999, PORT_EPHEMERAL},
	{"", 61000, PORT_GOOD},
	{"", 65535, PORT_GOOD},
	/* The list as proc(5) has it, with and without its newline. */
	{"40000\n", 40000, PORT_RESERVED},
	{"8080,40000-40010", 40000, PORT_RESERVED},
	{"8080,40000-40010\n", 40010, PORT_RESERVED},
	{"8080,40000-40010\n", 40011, PORT_EPHEMERAL},
	{"4000,400000,39999,40001-40002\n", 40000, PORT_EPHEMERAL},
	{"\n", 40000, PORT_EPHEMERAL},
	/* Reserving a port outside of the range changes nothing. */
	{"8000\n", 8000, PORT_GOOD},
	{"30000\n", 30000, PORT_NODEPORT},
	/* A kernel that writes something else reserves nothing. */
	{"none", 40000, PORT_EPHEMERAL},
	{"8080 x 40000", 40000, PORT_EPHEMERAL},
};

START_TEST(each_port_has_its_verdict)
{
	ck_assert_msg(port_judge(ports[_i].port, stock, ports[_i].reserved) == ports[_i].verdict,
		      "%u with \"%s\"", ports[_i].port, ports[_i].reserved);
}
END_TEST

START_TEST(another_range_is_respected)
{
	const struct port_range low = {1024, 9999};

	ck_assert_int_eq(port_judge(PORT_SERVICE, low, ""), PORT_EPHEMERAL);
	ck_assert_int_eq(port_judge(40000, low, ""), PORT_GOOD);
	/* A range that reaches into NodePort's: worse than a warning. */
	ck_assert_int_eq(port_judge(31000, (struct port_range){20000, 60999}, ""), PORT_EPHEMERAL);
}
END_TEST

static void write_sysctl(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");

	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	ck_assert_int_eq(fclose(file), 0);
}

START_TEST(the_namespace_s_own_figures_are_in_the_message)
{
	struct why why;

	write_sysctl("/proc/sys/net/ipv4/ip_local_port_range", "41000 41099");
	ck_assert_int_eq(port_policy_check(41050, &why), PORT_EPHEMERAL);
	ck_assert_msg(strstr(why.text, "41050") && strstr(why.text, "41000 to 41099") &&
			      strstr(why.text, "ip_local_reserved_ports") &&
			      strstr(why.text, "below 9000"),
		      "%s", why.text);
	write_sysctl("/proc/sys/net/ipv4/ip_local_reserved_ports", "41050");
	ck_assert_int_eq(port_policy_check(41050, &why), PORT_RESERVED);
	ck_assert_msg(strstr(why.text, "only while"), "%s", why.text);
	ck_assert_int_eq(port_policy_check(41051, &why), PORT_EPHEMERAL);
	ck_assert_int_eq(port_policy_check(PORT_SERVICE, &why), PORT_GOOD);
	ck_assert_str_eq(why.text, "");
	ck_assert_int_eq(port_policy_check(30000, &why), PORT_NODEPORT);
	ck_assert_msg(strstr(why.text, "30000 to 32767"), "%s", why.text);
	/* Below the service's own ports, where the range begins there. */
	write_sysctl("/proc/sys/net/ipv4/ip_local_port_range", "1024 65535");
	ck_assert_int_eq(port_policy_check(PORT_SERVICE, &why), PORT_EPHEMERAL);
	ck_assert_msg(strstr(why.text, "Listen below 1024,"), "%s", why.text);
}
END_TEST

/* The program: refuses, warns, or takes it as it is told. */
START_TEST(the_server_obeys_it)
{
	struct program server;
	int status;

	write_sysctl("/proc/sys/net/ipv4/ip_local_port_range", "41000 41099");
	server = program_start("ref-server", "--listen :41050", 0);
	status = program_wait(&server);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == EXIT_FAILURE);
	server = server_start("--listen :41050 --without port-policy");
	ck_assert_uint_eq(program_said(&server, "\"port_warning\""), 0);
	program_end(&server);
	write_sysctl("/proc/sys/net/ipv4/ip_local_reserved_ports", "41050");
	server = server_start("--listen :41050");
	ck_assert_uint_eq(program_said(&server, "\"port_warning\""), 1);
	program_end(&server);
	server = server_start("--listen :31000");
	ck_assert_uint_eq(program_said(&server, "\"port_warning\""), 1);
	program_end(&server);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("port-policy");
	TCase *pure = tcase_create("judge");
	TCase *tc = tcase_create("in a namespace");

	tcase_add_loop_test(pure, each_port_has_its_verdict, 0, sizeof(ports) / sizeof(ports[0]));
	tcase_add_test(pure, another_range_is_respected);
	suite_add_tcase(suite, pure);
	tcase_set_timeout(tc, TEST_TIMEOUT_S);
	tcase_add_checked_fixture(tc, netns_setup, NULL);
	tcase_add_test(tc, the_namespace_s_own_figures_are_in_the_message);
	tcase_add_test(tc, the_server_obeys_it);
	suite_add_tcase(suite, tc);
	return suite_run_in_netns(suite);
}
