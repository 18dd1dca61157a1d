/* SPDX-License-Identifier: MIT */
#include "reference-app/attempt.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#define LOOKUP_AGAIN (1 * NSEC_PER_SEC)

void attempt_init(struct attempt *attempt, struct target *target)
{
	*attempt = (struct attempt){.target = target, .fd = -1};
}

const char *attempt_address(const struct attempt *attempt, char buffer[ADDRESS_TEXT_MAX])
{
	if (attempt->target->addresses.len == 0)
		snprintf(buffer, ADDRESS_TEXT_MAX, "(unresolved)");
	else
		address_text(buffer, &attempt->target->addresses.list[attempt->at]);
	return buffer;
}

static void drop(struct attempt *attempt)
{
	if (attempt->fd >= 0)
		close(attempt->fd);
	attempt->fd = -1;
}

static void next_address(struct attempt *attempt)
{
	attempt->at = (attempt->at + 1) % attempt->target->addresses.len;
}

/* The address now tried failed with errno. */
static void failed(struct attempt *attempt, struct why *why)
{
	char text[ADDRESS_TEXT_MAX];

	why_errno(why, "connect %s", attempt_address(attempt, text));
	drop(attempt);
	next_address(attempt);
	attempt->tried++;
}

/* Starts a connect to one address after the other until one does not fail at once. */
static enum attempt_status try_addresses(struct attempt *attempt, struct why *why)
{
	const struct addresses *addresses = &attempt->target->addresses;

	while (attempt->tried < addresses->len) {
		const struct address *address = &addresses->list[attempt->at];

		attempt->fd = socket(address->storage.ss_family,
				     SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		if (attempt->fd < 0) {
			failed(attempt, why);
			continue;
		}
		if (connect(attempt->fd, (const struct sockaddr *)&address->storage,
			    address->len) == 0)
			return ATTEMPT_CONNECTED;
		if (errno == EINPROGRESS)
			return ATTEMPT_WAITING;
		failed(attempt, why);
	}
	return ATTEMPT_FAILED;
}

static int look_up(struct target *target, struct why *why)
{
	if (target->addresses.len > 0)
		return 0;
	if (!target->failed_at || clock_now() - target->failed_at >= LOOKUP_AGAIN) {
		if (addresses_resolve(&target->name, false, &target->addresses, &target->failure) ==
		    0)
			return 0;
		target->failed_at = clock_now();
	}
	*why = target->failure;
	return -1;
}

enum attempt_status attempt_begin(struct attempt *attempt, struct why *why)
{
	attempt->tried = 0;
	if (look_up(attempt->target, why) < 0)
		return ATTEMPT_FAILED;
	return try_addresses(attempt, why);
}

enum attempt_status attempt_go_on(struct attempt *attempt, struct why *why)
{
	socklen_t len = sizeof(int);
	int error = 0;

	if (getsockopt(attempt->fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
		error = errno;
	if (error == 0)
		return ATTEMPT_CONNECTED;
	errno = error;
	failed(attempt, why);
	return try_addresses(attempt, why);
}

void attempt_give_up(struct attempt *attempt, struct why *why)
{
	char text[ADDRESS_TEXT_MAX];

	why_set(why, "connect %s: no answer before the connect deadline",
		attempt_address(attempt, text));
	drop(attempt);
	next_address(attempt);
}
