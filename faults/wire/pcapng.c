/* SPDX-License-Identifier: MIT */
#include "faults/wire/pcapng.h"

#include <stdlib.h>
#include <string.h>

#include "faults/wire/outfile.h"

/*
 * Layout, draft-ietf-opsawg-pcapng: a block is its type, its length, its body padded to 32 bits and
 * its length again; options are a code, a length and a value padded to 32 bits, closed by an
 * all-zero one. Numbers are in the byte order of the writer, which the magic tells.
 */
#define BLOCK_SECTION_HEADER  0x0a0d0d0au
#define BLOCK_INTERFACE       0x00000001u
#define BLOCK_ENHANCED_PACKET 0x00000006u
#define BYTE_ORDER_MAGIC      0x1a2b3c4du
#define VERSION_MAJOR         1
#define VERSION_MINOR         0
#define LINKTYPE_ETHERNET     1

#define OPTION_END        0
#define OPTION_COMMENT    1
#define OPTION_IF_NAME    2
#define OPTION_IF_TSRESOL 9
#define TSRESOL_NSEC      9 /* 10^-9 s */

/* What messages call it. */
#define CAPTURE_FILE "the packet capture"

/* Longer texts are cut: with everything else a block must fit OUTFILE_MAX_RECORD. */
#define TEXT_MAX 1024

struct pcapng {
	struct outfile out;
	nsec_t epoch;
};

/* A block while it is composed. */
struct block {
	uint8_t bytes[OUTFILE_MAX_RECORD];
	size_t len;
};

static size_t padded(size_t n)
{
	return (n + 3) & ~(size_t)3;
}

static void put32(struct block *b, uint32_t v)
{
	memcpy(b->bytes + b->len, &v, sizeof(v));
	b->len += sizeof(v);
}

static void put16(struct block *b, uint16_t v)
{
	memcpy(b->bytes + b->len, &v, sizeof(v));
	b->len += sizeof(v);
}

static void put_padded(struct block *b, const void *bytes, size_t n)
{
	if (n)
		memcpy(b->bytes + b->len, bytes, n);
	memset(b->bytes + b->len + n, 0, padded(n) - n);
	b->len += padded(n);
}

static void put_option(struct block *b, uint16_t code, const void *value, size_t n)
{
	put16(b, code);
	put16(b, (uint16_t)n);
	put_padded(b, value, n);
}

static void put_text(struct block *b, uint16_t code, const char *text)
{
	put_option(b, code, text, strnlen(text, TEXT_MAX));
}

static void begin(struct block *b, uint32_t type)
{
	b->len = 0;
	put32(b, type);
	put32(b, 0); /* the length, known at the end */
}

static void end(struct pcapng *p, struct block *b)
{
	uint32_t total = (uint32_t)(b->len + sizeof(total));

	put32(b, total);
	memcpy(b->bytes + sizeof(total), &total, sizeof(total));
	memcpy(outfile_reserve(&p->out, b->len), b->bytes, b->len);
}

static void write_section_header(struct pcapng *p, const char *scenario)
{
	struct block b;

	begin(&b, BLOCK_SECTION_HEADER);
	put32(&b, BYTE_ORDER_MAGIC);
	put16(&b, VERSION_MAJOR);
	put16(&b, VERSION_MINOR);
	put32(&b, UINT32_MAX); /* the section's length, 64 bits: not told */
	put32(&b, UINT32_MAX);
	if (scenario) {
		put_text(&b, OPTION_COMMENT, scenario);
		put_option(&b, OPTION_END, NULL, 0);
	}
	end(p, &b);
}

static void write_interface(struct pcapng *p, const char *name)
{
	const uint8_t resolution = TSRESOL_NSEC;
	struct block b;

	begin(&b, BLOCK_INTERFACE);
	put16(&b, LINKTYPE_ETHERNET);
	put16(&b, 0);
	put32(&b, CAPTURE_SNAPLEN);
	put_text(&b, OPTION_IF_NAME, name);
	put_option(&b, OPTION_IF_TSRESOL, &resolution, sizeof(resolution));
	put_option(&b, OPTION_END, NULL, 0);
	end(p, &b);
}

struct pcapng *pcapng_new(int fd, const struct plan *plan, nsec_t epoch)
{
	struct pcapng *p = calloc(1, sizeof(*p));

	if (!p || outfile_init(&p->out, fd)) {
		free(p);
		return NULL;
	}
	p->epoch = epoch;
	write_section_header(p, plan->name);
	for (size_t i = 0; i < plan->hosts.n; i++)
		write_interface(p, plan->hosts.v[i].name);
	return p;
}

void pcapng_free(struct pcapng *p)
{
	if (!p)
		return;
	outfile_free(&p->out);
	free(p);
}

void pcapng_write(struct pcapng *p, const struct capture *c)
{
	uint64_t t = (uint64_t)(c->t + p->epoch);
	struct block b;

	begin(&b, BLOCK_ENHANCED_PACKET);
	put32(&b, (uint32_t)c->host);
	put32(&b, (uint32_t)(t >> 32));
	put32(&b, (uint32_t)t);
	put32(&b, c->len);
	put32(&b, c->original_len);
	put_padded(&b, c->bytes, c->len);
	if (c->comment) {
		put_text(&b, OPTION_COMMENT, c->comment);
		put_option(&b, OPTION_END, NULL, 0);
	}
	end(p, &b);
}

int pcapng_check(const struct pcapng *p, struct err *err)
{
	return outfile_check(&p->out, CAPTURE_FILE, err);
}

int pcapng_close(struct pcapng *p, struct err *err)
{
	return outfile_sync(&p->out, CAPTURE_FILE, err);
}
