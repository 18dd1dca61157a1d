/* SPDX-License-Identifier: MIT */
/*
 * Fuzzing of the frame parser: `make fuzz` builds and runs it with libFuzzer. Otherwise it has a main()
 * of its own: it feeds the files it is given, or else bytes of a fixed seed.
 *
 * What must hold for any bytes: parsing them in one piece and in pieces of any size gives the same
 * frames and the same end; a frame that was parsed encodes to the bytes it came from; and the parser
 * never holds much more than it was fed.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reference-app/frame.h"

/* Small, so that random lengths are often valid. */
#define MAX_PAYLOAD 600u
/* The parser's first buffer, and room for its doubling. */
#define SLACK 512u

static void demand(int condition, const char *what)
{
	if (condition)
		return;
	fprintf(stderr, "fuzz_frame: %s\n", what);
	abort();
}

/* What a parse came to, reduced to what can be compared. */
struct outcome {
	enum frame_status status;
	unsigned frames;
	uint64_t hash;
};

static void add_frame(struct outcome *outcome, const struct frame *frame)
{
	outcome->frames++;
	outcome->hash = outcome->hash * 31 + frame->type;
	outcome->hash = outcome->hash * 31 + frame->id;
	for (uint32_t i = 0; i < frame->len; i++)
		outcome->hash = outcome->hash * 31 + frame->payload[i];
}

static struct outcome parse_in_pieces(const uint8_t *bytes, size_t size, size_t piece)
{
	struct outcome outcome = {.status = FRAME_MORE};
	struct frame_parser parser;
	struct frame frame;

	frame_parser_init(&parser, MAX_PAYLOAD);
	for (size_t at = 0; at < size && outcome.status != FRAME_BAD; at += piece) {
		const uint8_t *data = bytes + at;
		size_t len = size - at < piece ? size - at : piece;

		while ((outcome.status = frame_parse(&parser, &data, &len, &frame)) == FRAME_READY)
			add_frame(&outcome, &frame);
		demand(outcome.status == FRAME_BAD || len == 0, "bytes were left behind");
		demand(parser.payload_cap <= 2 * size + SLACK, "a promise was believed");
	}
	frame_parser_free(&parser);
	return outcome;
}

static void check_reencoding(const uint8_t *bytes, size_t size)
{
	const uint8_t *data = bytes;
	struct frame_parser parser;
	size_t len = size;
	struct frame frame;

	frame_parser_init(&parser, MAX_PAYLOAD);
	while (frame_parse(&parser, &data, &len, &frame) == FRAME_READY) {
		const uint8_t *start = data - frame.len - FRAME_HEADER_SIZE;
		uint8_t header[FRAME_HEADER_SIZE];

		frame_encode_header(header, frame.type, frame.id, frame.len);
		demand(memcmp(start, header, sizeof(header)) == 0, "the header differs");
		demand(frame.len == 0 ||
			       memcmp(start + FRAME_HEADER_SIZE, frame.payload, frame.len) == 0,
		       "the payload differs");
	}
	frame_parser_free(&parser);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	const size_t pieces[] = {1, 2, 5, 11, 13, 64, 1000};
	struct outcome whole;

	if (size == 0)
		return 0;
	whole = parse_in_pieces(bytes, size, size);
	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		struct outcome parts = parse_in_pieces(bytes, size, pieces[i]);

		demand(parts.status == whole.status, "the pieces change the end");
		demand(parts.frames == whole.frames && parts.hash == whole.hash,
		       "the pieces change the frames");
	}
	check_reencoding(bytes, size);
	return 0;
}

#ifndef FUZZ_WITH_LIBFUZZER

#define INPUTS     20000
#define INPUT_MAX  4096
#define FIXED_SEED 1

/* Mostly valid frames, some of them spoilt in one byte: purely random bytes would all end at the first
 * header. */
static size_t make_input(unsigned *seed, uint8_t bytes[INPUT_MAX])
{
	unsigned frames = (unsigned)rand_r(seed) % 6;
	size_t size = 0;

	for (unsigned i = 0; i < frames; i++) {
		uint32_t len = (uint32_t)rand_r(seed) % (MAX_PAYLOAD + 1);
		enum frame_type type = FRAME_REQUEST + (unsigned)rand_r(seed) % FRAME_ERROR;

		frame_encode_header(bytes + size, type, (uint32_t)rand_r(seed), len);
		size += FRAME_HEADER_SIZE;
		for (uint32_t j = 0; j < len; j++)
			bytes[size++] = (uint8_t)rand_r(seed);
	}
	if (size > 0 && rand_r(seed) % 2)
		bytes[(unsigned)rand_r(seed) % size] = (uint8_t)rand_r(seed);
	if (size > 0 && rand_r(seed) % 2)
		size = (unsigned)rand_r(seed) % size;
	return size;
}

static int feed_file(const char *path)
{
	static uint8_t bytes[1 << 20];
	FILE *file = fopen(path, "rb");
	size_t size;

	if (!file) {
		perror(path);
		return -1;
	}
	size = fread(bytes, 1, sizeof(bytes), file);
	fclose(file);
	return LLVMFuzzerTestOneInput(bytes, size);
}

int main(int argc, char **argv)
{
	static uint8_t bytes[INPUT_MAX];
	unsigned seed = FIXED_SEED;

	for (int i = 1; i < argc; i++)
		if (feed_file(argv[i]) < 0)
			return EXIT_FAILURE;
	if (argc > 1)
		return EXIT_SUCCESS;
	for (int i = 0; i < INPUTS; i++)
		LLVMFuzzerTestOneInput(bytes, make_input(&seed, bytes));
	printf("fuzz_frame: %d inputs of seed %d\n", INPUTS, FIXED_SEED);
	return EXIT_SUCCESS;
}

#endif
