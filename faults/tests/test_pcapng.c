/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "faults/tests/testframe.h"
#include "faults/tests/testplan.h"
#include "faults/wire/pcapng.h"
#include "harness/base/cleanup.h"
#include "harness/tests/suite.h"

/* The capture file, read back by hand, and by tshark as an independent witness. */

#define EPOCH ((nsec_t)1700000000 * NSEC_PER_SEC)

static struct arena arena;
static struct plan *plan;

static void setup(void)
{
	plan = testplan_new(&arena, 3, 1);
}

static void teardown(void)
{
	arena_free(&arena);
}

static void write_captures(int fd, int n)
{
	struct pcapng *p = pcapng_new(fd, plan, EPOCH);
	struct err err;

	for (int i = 0; i < n; i++) {
		struct testframe f = testframe_tcp((struct testsegment){
			.to = 1, .flags = TCP_FLAG_ACK, .seq = (uint32_t)i, .payload = 300});

		pcapng_write(p, &(struct capture){.t = 1000 + i,
						  .host = i % 3,
						  .bytes = f.bytes,
						  .len = CAPTURE_SNAPLEN - (uint32_t)i % 4,
						  .original_len = (uint32_t)f.len,
						  .comment = i % 2 ? "dropped by cut" : NULL});
	}
	ck_assert_msg(!pcapng_close(p, &err), "%s", err.msg);
	pcapng_free(p);
}

static uint32_t get32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static uint16_t get16(const uint8_t *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/* The value of an option in a list of them, or NULL. */
static const uint8_t *option(const uint8_t *p, const uint8_t *end, uint16_t code, size_t *ret_len)
{
	*ret_len = 0;
	while (p + 4 <= end && get16(p)) {
		*ret_len = get16(p + 2);
		if (get16(p) == code)
			return p + 4;
		p += 4 + (*ret_len + 3) / 4 * 4;
	}
	return NULL;
}

static void check_packet(const uint8_t *block, size_t len, int i)
{
	uint64_t t = (uint64_t)get32(block + 12) << 32 | get32(block + 16);
	uint32_t captured = get32(block + 20);
	size_t n = 0;
	const uint8_t *comment =
		option(block + 28 + ((size_t)captured + 3) / 4 * 4, block + len - 4, 1, &n);

	ck_assert_uint_eq(get32(block + 8), (uint32_t)i % 3);
	ck_assert_uint_eq(t, (uint64_t)(EPOCH + 1000 + i));
	ck_assert_uint_eq(captured, CAPTURE_SNAPLEN - (uint32_t)i % 4);
	ck_assert_uint_eq(get32(block + 24), 354);
	ck_assert_uint_eq(get_be32(block + 28 + 38), (uint32_t)i); /* the sequence number */
	if (i % 2) {
		ck_assert_uint_eq(n, strlen("dropped by cut"));
		ck_assert(!memcmp(comment, "dropped by cut", n));
	} else {
		ck_assert_ptr_null(comment);
	}
}

START_TEST(the_bytes_read_back)
{
	enum { N = 3000 }; /* more than one buffer */
	_cleanup_close_ int fd = memfd_create("capture", MFD_CLOEXEC);
	struct stat st;
	size_t n, interfaces = 0;
	int packets = 0;

	write_captures(fd, N);
	ck_assert(!fstat(fd, &st));
	uint8_t *file = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	ck_assert_ptr_ne(file, MAP_FAILED);
	for (size_t at = 0; at < (size_t)st.st_size;) {
		const uint8_t *block = file + at;
		size_t len = get32(block + 4);

		ck_assert_uint_eq(len % 4, 0);
		ck_assert_uint_eq(get32(block + len - 4), len);
		if (get32(block) == 0x0a0d0d0a) {
			ck_assert_uint_eq(at, 0);
			ck_assert_uint_eq(get32(block + 8), 0x1a2b3c4d);
			ck_assert(!memcmp(option(block + 24, block + len, 1, &n), "a test", 6));
		} else if (get32(block) == 1) {
			const uint8_t *name = option(block + 16, block + len, 2, &n);

			ck_assert_uint_eq(n, 2);
			ck_assert_uint_eq(name[1], '0' + interfaces);
			ck_assert_uint_eq(*option(block + 16, block + len, 9, &n), 9);
			interfaces++;
		} else {
			ck_assert_uint_eq(get32(block), 6);
			check_packet(block, len, packets++);
		}
		at += len;
	}
	ck_assert_uint_eq(interfaces, 3);
	ck_assert_int_eq(packets, N);
	munmap(file, (size_t)st.st_size);
}
END_TEST

START_TEST(a_full_disk_is_reported)
{
	_cleanup_close_ int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
	struct pcapng *p = pcapng_new(fd, plan, 0);
	uint8_t frame[60] = {0};
	struct err err;

	ck_assert(!pcapng_check(p, &err)); /* buffered: nothing went wrong yet */
	for (int i = 0; i < 10000; i++)
		pcapng_write(p, &(struct capture){
					.bytes = frame, .len = sizeof(frame), .original_len = 60});
	ck_assert(pcapng_check(p, &err));
	ck_assert(pcapng_close(p, &err));
	ck_assert_ptr_nonnull(strstr(err.msg, "packet capture"));
	ck_assert_ptr_nonnull(strstr(err.msg, strerror(ENOSPC)));
	pcapng_free(p);
}
END_TEST

/* Its output for the file, or NULL if it is not installed. */
static char *run_tshark(const char *path)
{
	char *argv[] = {"tshark",      "-r", (char *)path,           "-T", "fields",        "-E",
			"separator=|", "-e", "frame.interface_name", "-e", "frame.comment", "-e",
			"tcp.seq_raw", "-e", "frame.time_epoch",     NULL};
	char *envp[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/nonexistent", NULL};
	_cleanup_close_ int out = memfd_create("tshark", MFD_CLOEXEC);
	posix_spawn_file_actions_t actions;
	int status;
	pid_t pid;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
	posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	int e = posix_spawnp(&pid, "tshark", &actions, NULL, argv, envp);
	posix_spawn_file_actions_destroy(&actions);
	if (e || waitpid(pid, &status, 0) < 0 || !WIFEXITED(status) || WEXITSTATUS(status) == 127)
		return NULL;
	ck_assert_int_eq(status, 0);
	char *text = calloc(1, 4096);
	ck_assert_int_ge(pread(out, text, 4095, 0), 0);
	return text;
}

START_TEST(tshark_reads_it)
{
	char path[] = "/tmp/test_pcapng.XXXXXX";
	_cleanup_close_ int fd = mkstemp(path);

	write_captures(fd, 2);
	_cleanup_free_ char *text = run_tshark(path);
	unlink(path);
	if (!text) {
		const char *ci = getenv("CI");

		fprintf(stderr, "SKIP: tshark is not installed\n");
		ck_assert_msg(!ci || strcmp(ci, "true") != 0, "tshark is not installed");
		return;
	}
	ck_assert_str_eq(text, "h0||0|1700000000.000001000\n"
			       "h1|dropped by cut|1|1700000000.000001001\n");
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("file");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, the_bytes_read_back);
	tcase_add_test(tc, a_full_disk_is_reported);
	tcase_add_test(tc, tshark_reads_it);
	return run_tests("pcapng", tc);
}
