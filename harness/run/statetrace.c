/* SPDX-License-Identifier: MIT */
/*
 * The ring of a perf event (perf_event_open(2), "MMAP layout"): a page that says how far the kernel
 * has written and how far we have read, then a power of two of pages with records, which wrap around
 * its end. A record of the tracepoint is a header, a time, a size, and the bytes that the tracepoint's
 * format describes.
 */
#include "harness/run/statetrace.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "harness/base/cleanup.h"
#include "harness/base/io.h"

#define TRACEPOINT "events/sock/inet_sock_set_state"
/* About 500 changes: more than come before the reader, whose priority is above the programs', runs. */
#define RING_BYTES ((size_t)64 * 1024)
/* A record of the tracepoint is about 100 bytes; perf's own are shorter. */
#define RECORD_BYTES_MAX ((size_t)512)
/* The file `format` has about 2 KiB. */
#define TEXT_BYTES ((size_t)8192)
/* NEW_SYN_RECV of the kernel: a request socket, SYN_RECEIVED to everybody else. */
#define KERNEL_NEW_SYN_RECV 12

struct ring {
	struct perf_event_mmap_page *page; /* RING_BYTES behind it */
	const struct statetrace_event *event;
};

struct statetrace {
	size_t n, page_size;
	struct ring ring[];
};

/* --- the format --- */

static const struct {
	const char *name;
	unsigned size_min, size_max;
} members[STATETRACE_N_MEMBERS] = {
	[STATETRACE_SKADDR] = {"skaddr", 8, 8},
	[STATETRACE_OLDSTATE] = {"oldstate", 1, 4},
	[STATETRACE_NEWSTATE] = {"newstate", 1, 4},
	[STATETRACE_SPORT] = {"sport", 2, 2},
	[STATETRACE_DPORT] = {"dport", 2, 2},
	[STATETRACE_FAMILY] = {"family", 1, 4},
	/* A byte until Linux 5.11. */
	[STATETRACE_PROTOCOL] = {"protocol", 1, 4},
	[STATETRACE_SADDR] = {"saddr", 4, 4},
	[STATETRACE_DADDR] = {"daddr", 4, 4},
	[STATETRACE_SADDR_V6] = {"saddr_v6", 16, 16},
	[STATETRACE_DADDR_V6] = {"daddr_v6", 16, 16},
};

/* "field:__u8 saddr[4];\toffset:32;\tsize:4;\tsigned:0;" */
static bool read_field(const char *line, char *name, size_t name_size, struct statetrace_field *at)
{
	const char *field = strstr(line, "field:");
	const char *end = field ? strchr(field, ';') : NULL;
	const char *eol = strchr(line, '\n');

	if (!end || (eol && end > eol) ||
	    sscanf(end, ";\toffset:%u;\tsize:%u;", &at->offset, &at->size) != 2)
		return false;
	const char *start = end;
	while (start > field && start[-1] != ' ' && start[-1] != '*')
		start--;
	snprintf(name, name_size, "%.*s", (int)(end - start), start);
	name[strcspn(name, "[")] = '\0';
	return true;
}

static void take_field(struct statetrace_format *f, const char *name,
		       const struct statetrace_field *at)
{
	for (size_t i = 0; i < STATETRACE_N_MEMBERS; i++)
		if (!strcmp(members[i].name, name))
			f->at[i] = *at;
}

int statetrace_parse_format(const char *text, struct statetrace_format *ret, struct err *err)
{
	struct statetrace_format f = {0};

	for (const char *line = text; line && *line;) {
		struct statetrace_field at;
		char name[32];

		if (read_field(line, name, sizeof(name), &at))
			take_field(&f, name, &at);
		line = strchr(line, '\n');
		line = line ? line + 1 : NULL;
	}
	for (size_t i = 0; i < STATETRACE_N_MEMBERS; i++) {
		if (f.at[i].size < members[i].size_min || f.at[i].size > members[i].size_max)
			return err_set(err,
				       "the tracepoint " TRACEPOINT " has no field %s of %u to %u "
				       "bytes: this kernel is not one that wirecut knows",
				       members[i].name, members[i].size_min, members[i].size_max);
		if (f.at[i].offset > RECORD_BYTES_MAX)
			return err_set(err, "the tracepoint " TRACEPOINT " has its field %s at %u",
				       members[i].name, f.at[i].offset);
	}
	*ret = f;
	return 0;
}

/* --- records --- */

/* A whole number of this machine's byte order, of up to four bytes. */
static uint32_t get_number(const struct statetrace_field *f, const uint8_t *record)
{
	uint32_t wide;
	uint16_t half;

	switch (f->size) {
	case sizeof(wide):
		memcpy(&wide, record + f->offset, sizeof(wide));
		return wide;
	case sizeof(half):
		memcpy(&half, record + f->offset, sizeof(half));
		return half;
	default:
		return record[f->offset];
	}
}

static void get_endpoint(const struct statetrace_format *f, const uint8_t *record, bool peer,
			 struct endpoint *ret)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	const uint8_t *v4 = record + f->at[peer ? STATETRACE_DADDR : STATETRACE_SADDR].offset;
	const uint8_t *v6 = record + f->at[peer ? STATETRACE_DADDR_V6 : STATETRACE_SADDR_V6].offset;
	uint32_t family = get_number(&f->at[STATETRACE_FAMILY], record);

	*ret = (struct endpoint){
		.family = AF_INET6,
		.port = (uint16_t)get_number(&f->at[peer ? STATETRACE_DPORT : STATETRACE_SPORT],
					     record),
	};
	if (family == AF_INET6 && memcmp(v6, mapped, sizeof(mapped)) != 0) {
		memcpy(ret->addr, v6, sizeof(ret->addr));
		return;
	}
	ret->family = AF_INET;
	memcpy(ret->addr, family == AF_INET ? v4 : v6 + sizeof(mapped), sizeof(struct in_addr));
}

static enum tcp_state to_state(uint32_t kernel_state)
{
	return kernel_state == KERNEL_NEW_SYN_RECV ? STATE_SYN_RECEIVED
						   : (enum tcp_state)kernel_state;
}

bool statetrace_decode(const struct statetrace_format *f, const uint8_t *record, size_t len,
		       struct statetrace_change *ret)
{
	for (size_t i = 0; i < STATETRACE_N_MEMBERS; i++)
		if ((size_t)f->at[i].offset + f->at[i].size > len)
			return false;
	uint32_t family = get_number(&f->at[STATETRACE_FAMILY], record);
	uint32_t from = get_number(&f->at[STATETRACE_OLDSTATE], record);
	uint32_t to = get_number(&f->at[STATETRACE_NEWSTATE], record);

	if (get_number(&f->at[STATETRACE_PROTOCOL], record) != IPPROTO_TCP ||
	    (family != AF_INET && family != AF_INET6) || from == to || from > KERNEL_NEW_SYN_RECV ||
	    to > KERNEL_NEW_SYN_RECV)
		return false;
	memcpy(&ret->sk, record + f->at[STATETRACE_SKADDR].offset, sizeof(ret->sk));
	ret->from = to_state(from);
	ret->to = to_state(to);
	get_endpoint(f, record, false, &ret->local);
	get_endpoint(f, record, true, &ret->peer);
	return true;
}

/* --- opening --- */

static int read_text(const char *tracefs, const char *file, char *text, size_t size,
		     struct err *err)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s/%s", tracefs, TRACEPOINT, file);
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : io_read_all(fd, text, size - 1);
	if (n < 0) {
		bool absent = errno == ENOENT;

		err_errno(err, "read %s", path);
		return absent ? err_wrap(err,
					 "is tracefs mounted at %s (mount -t tracefs "
					 "tracefs %s), and has the kernel "
					 "CONFIG_EVENT_TRACING?",
					 tracefs, tracefs)
			      : -1;
	}
	text[n] = '\0';
	return 0;
}

static int explain_open(int cpu, struct err *err)
{
	int saved = errno;

	err_errno(err, "listen to the tracepoint " TRACEPOINT " on processor %d", cpu);
	if (saved == EACCES || saved == EPERM)
		return err_wrap(err, "root is needed (CAP_PERFMON), outside every user namespace");
	if (saved == ENOSYS)
		return err_wrap(err, "the kernel has no perf events (CONFIG_PERF_EVENTS)");
	return -1;
}

int statetrace_open(const char *tracefs, int cpu, struct statetrace_event *ret, struct err *err)
{
	char text[TEXT_BYTES] = "";
	struct statetrace_event event;
	struct perf_event_attr attr = {
		.type = PERF_TYPE_TRACEPOINT,
		.size = sizeof(attr),
		.sample_period = 1,
		.sample_type = PERF_SAMPLE_TIME | PERF_SAMPLE_RAW,
		.disabled = 1,
		.use_clockid = 1,
		.clockid = CLOCK_MONOTONIC,
		.wakeup_events = 1,
	};

	if (read_text(tracefs, "format", text, sizeof(text), err) < 0 ||
	    statetrace_parse_format(text, &event.format, err) < 0 ||
	    read_text(tracefs, "id", text, sizeof(text), err) < 0)
		return -1;
	attr.config = strtoull(text, NULL, 10);
	event.fd = (int)syscall(SYS_perf_event_open, &attr, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);
	if (event.fd < 0)
		return explain_open(cpu, err);
	*ret = event;
	return 0;
}

/* --- listening --- */

int statetrace_start(const struct statetrace_event *events, size_t n, struct statetrace **ret,
		     struct err *err)
{
	struct statetrace *st = calloc(1, sizeof(*st) + n * sizeof(st->ring[0]));

	if (!st)
		abort();
	st->page_size = (size_t)sysconf(_SC_PAGESIZE);
	for (; st->n < n; st->n++) {
		const struct statetrace_event *event = &events[st->n];
		void *p = mmap(NULL, st->page_size + RING_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED,
			       event->fd, 0);

		if (p == MAP_FAILED) {
			err_errno(err, "make the ring of a tracepoint (EPERM: raise the sysctl "
				       "kernel.perf_event_mlock_kb or `ulimit -l`)");
			statetrace_free(st);
			return -1;
		}
		st->ring[st->n] = (struct ring){p, event};
	}
	for (size_t i = 0; i < n; i++)
		if (ioctl(events[i].fd, PERF_EVENT_IOC_ENABLE, 0) < 0) {
			err_errno(err, "switch a tracepoint on");
			statetrace_free(st);
			return -1;
		}
	*ret = st;
	return 0;
}

void statetrace_free(struct statetrace *st)
{
	if (!st)
		return;
	for (size_t i = 0; i < st->n; i++)
		munmap(st->ring[i].page, st->page_size + RING_BYTES);
	free(st);
}

/* `len` bytes from place `at` of the endless stream that the ring is a window of. */
static void copy_out(const uint8_t *data, uint64_t at, void *to, size_t len)
{
	size_t from = (size_t)(at % RING_BYTES);
	size_t first = len < RING_BYTES - from ? len : RING_BYTES - from;

	memcpy(to, data + from, first);
	memcpy((uint8_t *)to + first, data, len - first);
}

/* What PERF_SAMPLE_TIME | PERF_SAMPLE_RAW puts behind the header; then .size bytes. */
struct sample {
	uint64_t time;
	uint32_t size;
};
#define SAMPLE_HEAD_BYTES (offsetof(struct sample, size) + sizeof(uint32_t))

static void take_sample(const struct ring *r, const uint8_t *body, size_t len, statetrace_fn fn,
			void *arg)
{
	struct statetrace_change change;
	struct sample s = {0};

	if (len < SAMPLE_HEAD_BYTES)
		return;
	memcpy(&s, body, SAMPLE_HEAD_BYTES);
	if (s.size > len - SAMPLE_HEAD_BYTES ||
	    !statetrace_decode(&r->event->format, body + SAMPLE_HEAD_BYTES, s.size, &change))
		return;
	change.t = (nsec_t)s.time;
	fn(&change, arg);
}

/* PERF_RECORD_LOST: an id, then how many. */
static uint64_t lost_records(const uint8_t *body, size_t len)
{
	uint64_t fields[2];

	if (len < sizeof(fields))
		return 1;
	memcpy(fields, body, sizeof(fields));
	return fields[1];
}

static uint64_t read_ring(const struct ring *r, const uint8_t *data, statetrace_fn fn, void *arg)
{
	uint64_t tail = r->page->data_tail, lost = 0;
	/* Pairs with the kernel's: what it wrote before this head is there (perf_event_open(2)). */
	uint64_t head = __atomic_load_n(&r->page->data_head, __ATOMIC_ACQUIRE);

	/* The kernel reports a loss with the next record, and none may follow. */
	if (head - tail > RING_BYTES - RECORD_BYTES_MAX)
		lost++;
	while (head - tail >= sizeof(struct perf_event_header)) {
		struct perf_event_header h;
		uint8_t body[RECORD_BYTES_MAX];

		copy_out(data, tail, &h, sizeof(h));
		if (h.size < sizeof(h) || h.size > head - tail) {
			tail = head; /* not a record: the kernel never writes such */
			lost++;
			break;
		}
		size_t len = h.size - sizeof(h);
		if (len <= sizeof(body)) {
			copy_out(data, tail + sizeof(h), body, len);
			if (h.type == PERF_RECORD_SAMPLE)
				take_sample(r, body, len, fn, arg);
			else if (h.type == PERF_RECORD_LOST)
				lost += lost_records(body, len);
		}
		tail += h.size;
	}
	__atomic_store_n(&r->page->data_tail, tail, __ATOMIC_RELEASE);
	return lost;
}

uint64_t statetrace_read(struct statetrace *st, statetrace_fn fn, void *arg)
{
	uint64_t lost = 0;

	for (size_t i = 0; i < st->n; i++) {
		const struct ring *r = &st->ring[i];

		lost += read_ring(r, (const uint8_t *)r->page + st->page_size, fn, arg);
	}
	return lost;
}
