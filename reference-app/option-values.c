/* SPDX-License-Identifier: MIT */
/* The parsers of single option values; the table's mechanism is options.c. */
#include <string.h>

#include "reference-app/backoff.h"
#include "reference-app/heartbeat.h"
#include "reference-app/options.h"
#include "reference-app/units.h"

/* Far above what makes sense, and far below where sums of times overflow. */
#define INTERVAL_MAX (NSEC_PER_SEC * 3600 * 24)
#define MISSES_MAX   1000
#define FACTOR_MAX   1000.0
#define JITTER_MAX   10.0

int option_flag(const struct option_row *row, const char *value, void *to, struct why *why)
{
	(void)row, (void)value, (void)why;
	*(bool *)to = true;
	return 0;
}

int option_text(const struct option_row *row, const char *value, void *to, struct why *why)
{
	(void)row, (void)why;
	*(const char **)to = value;
	return 0;
}

int option_count(const struct option_row *row, const char *value, void *to, struct why *why)
{
	(void)why;
	return parse_count(value, strlen(value), row->min, row->max, to);
}

int option_number(const struct option_row *row, const char *value, void *to, struct why *why)
{
	(void)row, (void)why;
	return parse_number(value, strlen(value), to);
}

static int positive_duration(const char *text, size_t len, nsec_t *ret)
{
	nsec_t duration;

	if (parse_duration(text, len, &duration) < 0 || duration <= 0 || duration > INTERVAL_MAX)
		return -1;
	*ret = duration;
	return 0;
}

int option_duration(const struct option_row *row, const char *value, void *to, struct why *why)
{
	(void)row, (void)why;
	return positive_duration(value, strlen(value), to);
}

/* The next part of a value like 1s/2/64s, moving *rest behind it; *ret_len is its length. NULL when
 * there is none. */
static const char *next_part(const char **rest, size_t *ret_len)
{
	const char *part = *rest;

	if (!part)
		return NULL;
	*ret_len = strcspn(part, "/");
	*rest = part[*ret_len] ? part + *ret_len + 1 : NULL;
	return part;
}

int option_heartbeat(const struct option_row *row, const char *value, void *to, struct why *why)
{
	struct heartbeat_policy policy;
	const char *part;
	uint64_t misses;
	size_t len;

	(void)row, (void)why;
	part = next_part(&value, &len);
	if (!part || positive_duration(part, len, &policy.interval) < 0)
		return -1;
	part = next_part(&value, &len);
	if (!part || parse_count(part, len, 1, MISSES_MAX, &misses) < 0 || value)
		return -1;
	policy.max_misses = (unsigned)misses;
	*(struct heartbeat_policy *)to = policy;
	return 0;
}

int option_backoff(const struct option_row *row, const char *value, void *to, struct why *why)
{
	struct backoff_policy policy;
	const char *part;
	size_t len;

	(void)row;
	part = next_part(&value, &len);
	if (!part || positive_duration(part, len, &policy.base) < 0)
		return -1;
	part = next_part(&value, &len);
	if (!part || parse_number(part, len, &policy.factor) < 0)
		return -1;
	if (policy.factor < 1 || policy.factor > FACTOR_MAX)
		return why_set(why, "--%s: the factor lies in 1 to %g", row->name, FACTOR_MAX);
	part = next_part(&value, &len);
	if (!part || positive_duration(part, len, &policy.cap) < 0)
		return -1;
	if (policy.cap < policy.base)
		return why_set(why, "--%s: the cap is below the base", row->name);
	part = next_part(&value, &len);
	if (!part || parse_percent(part, len, &policy.jitter) < 0 || value)
		return -1;
	if (policy.jitter > JITTER_MAX)
		return why_set(why, "--%s: the jitter lies in 0%% to %g%%", row->name,
			       JITTER_MAX * 100);
	policy.healthy = backoff_healthy_for(policy.cap);
	*(struct backoff_policy *)to = policy;
	return 0;
}

int option_without(const struct option_row *row, const char *value, void *to, struct why *why)
{
	struct common_options *common = to;
	char keys[PRACTICE_KEYS_MAX];

	(void)row;
	if (practice_switch_off(&common->off, common->side, value) == 0)
		return 0;
	return why_set(why, "--without: no practice \"%.40s\" here; there are: %s", value,
		       practice_keys(keys, common->side));
}
