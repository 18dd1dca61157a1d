/* SPDX-License-Identifier: MIT */
#include "harness/run/suspects.h"

bool suspect_is_nameless(const struct suspect *one)
{
	return !one->local.port || !one->peer.port;
}

/*
 * By the name that both have. By `sk` only where one had none: the kernel gives the memory of a socket
 * that is gone to the next, and what the first left behind (TIME_WAIT) is still to be looked at.
 */
static bool is_same(const struct suspect *known, const struct suspect *one)
{
	if (suspect_is_nameless(known))
		return known->sk && known->sk == one->sk;
	return endpoint_equal(&known->local, &one->local) &&
	       endpoint_equal(&known->peer, &one->peer);
}

static uint8_t more(uint8_t a, uint8_t b)
{
	return a > b ? a : b;
}

void suspects_add(struct suspects *s, const struct suspect *one)
{
	for (size_t i = 0; i < s->n; i++) {
		struct suspect *known = &s->list[i];

		if (!is_same(known, one))
			continue;
		uint8_t looks = more(known->looks, one->looks);
		if (one->sk)
			*known = *one;
		known->looks = looks;
		return;
	}
	if (s->n < SUSPECTS_MAX)
		s->list[s->n++] = *one;
	else
		suspects_add_all(s, one->looks);
}

void suspects_add_all(struct suspects *s, uint8_t looks)
{
	s->all = more(s->all, looks);
}

bool suspects_want_dump(const struct suspects *s)
{
	if (s->all)
		return true;
	for (size_t i = 0; i < s->n; i++)
		if (suspect_is_nameless(&s->list[i]))
			return true;
	return false;
}

bool suspects_keep(struct suspects *s, const struct suspects *looked)
{
	bool any = looked->all > 1;

	if (any)
		suspects_add_all(s, (uint8_t)(looked->all - 1));
	for (size_t i = 0; i < looked->n; i++) {
		struct suspect again = looked->list[i];

		/* The dump has shown it, with its name. */
		if (again.looks <= 1 || suspect_is_nameless(&again))
			continue;
		again.looks--;
		suspects_add(s, &again);
		any = true;
	}
	return any;
}
