/* SPDX-License-Identifier: MIT */
/*
 * A name server of one name, over UDP (RFC 1035).
 *
 *	dns-answer NAME ADDRESS
 *
 * Says "ready" when it listens on port 53, and goes on until it is killed. Asked for an IPv4 address of
 * NAME it answers with ADDRESS, asked for anything else of it with nothing, and of any other name it says
 * that there is none. What is no question of one name it does not answer.
 *
 * Status 2 for a wrong argument, 3 when the kernel refuses something.
 */
#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

enum ending { ENDING_USAGE = 2, ENDING_REFUSED = 3 };

/* Without EDNS (section 2.3.4). */
#define MESSAGE_MAX NS_PACKETSZ

/* A name that is where the question has it: a pointer to there (section 4.1.4). */
#define POINTER_TO_QUESTION (0xc000 | NS_HFIXEDSZ)
#define TTL_SECONDS         60

/* Bits of the header's third and fourth byte (section 4.1.1). */
#define IS_ANSWER        0x80
#define IS_AUTHORITATIVE 0x04
#define OPCODE           0x78
#define WANTS_RECURSION  0x01

struct question {
	char name[NS_MAXDNAME]; /* with dots, without the last one */
	unsigned type, class;
	size_t end; /* of it, in the message */
};

static unsigned get16(const uint8_t *bytes)
{
	return (unsigned)bytes[0] << 8 | bytes[1];
}

static uint8_t *put16(uint8_t *at, unsigned value)
{
	*at++ = (uint8_t)(value >> 8);
	*at++ = (uint8_t)value;
	return at;
}

/* The labels of a name, one behind the other, up to the empty one; 0: there is no such name. */
static size_t read_name(const uint8_t *message, size_t len, char *name)
{
	size_t at = NS_HFIXEDSZ, used = 0;

	while (at < len && message[at]) {
		size_t label = message[at++];

		if (label > NS_MAXLABEL || label > len - at || used + label + 2 > NS_MAXDNAME)
			return 0;
		if (used)
			name[used++] = '.';
		memcpy(name + used, message + at, label);
		used += label;
		at += label;
	}
	name[used] = '\0';
	return at < len ? at + 1 : 0;
}

static bool read_question(const uint8_t *message, size_t len, struct question *ret)
{
	if (len < NS_HFIXEDSZ || message[2] & (IS_ANSWER | OPCODE) || get16(message + 4) != 1)
		return false;
	size_t at = read_name(message, len, ret->name);
	if (!at || len - at < NS_QFIXEDSZ)
		return false;
	ret->type = get16(message + at);
	ret->class = get16(message + at + 2);
	ret->end = at + NS_QFIXEDSZ;
	return true;
}

static uint8_t *put_address(uint8_t *at, const struct in_addr *address)
{
	at = put16(at, POINTER_TO_QUESTION);
	at = put16(at, ns_t_a);
	at = put16(at, ns_c_in);
	at = put16(at, 0); /* of the time to live the upper half */
	at = put16(at, TTL_SECONDS);
	at = put16(at, sizeof(*address));
	memcpy(at, address, sizeof(*address));
	return at + sizeof(*address);
}

/* Makes the answer in place of the question; its length. There is room for one address behind it. */
static size_t answer(uint8_t *message, const struct question *q, const char *name,
		     const struct in_addr *address)
{
	bool is_known = strcasecmp(q->name, name) == 0;
	bool has_one = is_known && q->type == ns_t_a && q->class == ns_c_in;
	uint8_t *end = message + q->end;

	message[2] = (uint8_t)(IS_ANSWER | IS_AUTHORITATIVE | (message[2] & WANTS_RECURSION));
	message[3] = is_known ? ns_r_noerror : ns_r_nxdomain;
	put16(message + 6, has_one);
	put16(message + 8, 0);
	put16(message + 10, 0); /* what it may say of EDNS goes unanswered */
	if (has_one)
		end = put_address(end, address);
	return (size_t)(end - message);
}

static int listen_on_port_53(void)
{
	const struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(NS_DEFAULTPORT)};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (const struct sockaddr *)&any, sizeof(any)) < 0)
		err(ENDING_REFUSED, "listen on UDP port %d", NS_DEFAULTPORT);
	return fd;
}

int main(int argc, char **argv)
{
	uint8_t message[MESSAGE_MAX + NS_RRFIXEDSZ + sizeof(struct in_addr) + sizeof(uint16_t)];
	struct in_addr address;

	if (argc != 3 || inet_pton(AF_INET, argv[2], &address) != 1)
		errx(ENDING_USAGE, "usage: dns-answer NAME ADDRESS");
	int fd = listen_on_port_53();

	puts("ready");
	fflush(stdout);
	for (;;) {
		struct sockaddr_in from;
		socklen_t from_len = sizeof(from);
		struct question q;
		ssize_t len =
			recvfrom(fd, message, MESSAGE_MAX, 0, (struct sockaddr *)&from, &from_len);

		if (len < 0 && errno != EINTR)
			err(ENDING_REFUSED, "receive");
		if (len < 0 || !read_question(message, (size_t)len, &q))
			continue;
		size_t answered = answer(message, &q, argv[1], &address);

		/* Who asked will ask again. */
		(void)sendto(fd, message, answered, 0, (struct sockaddr *)&from, from_len);
	}
}
