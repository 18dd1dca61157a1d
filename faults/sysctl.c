/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "faults/fault.h"
#include "faults/hands.h"
#include "harness/data/setting.h"

/* Somebody tunes a machine while it runs. Sockets that are there keep what they copied when made. */

static const struct field fields[] = {
	FIELD(fault_spec, set, "set", FIELD_STRING_MAP, FIELD_REQUIRED,
	      "settings of its network namespace with their values, as sysctl(8) names them"),
	{0},
};

static bool check(const struct fault_spec *spec, struct flaw *flaw)
{
	vec_foreach (setting, &spec->set)
		if (!setting_is_of_namespace(setting->name))
			return flaw_set(flaw, "set",
					"what is set is no setting of a network namespace",
					"such as net.ipv4.tcp_retries2");
	return true;
}

static int act(const struct fault_spec *spec, struct hands *hands, int host, struct receipt *did,
	       struct err *err)
{
	vec_foreach (setting, &spec->set) {
		if (hands->ops->set_sysctl(hands, host, setting->name, setting->value, err) < 0)
			return -1;
		did->matched++;
	}
	return 0;
}

/* Each setting has one value at a time; different ones have nothing to do with each other. */
static bool is_apart(const struct fault_spec *a, const struct fault_spec *b)
{
	vec_foreach (one, &a->set)
		vec_foreach (other, &b->set)
			if (!strcmp(one->name, other->name))
				return false;
	return true;
}

const struct fault_ops fault_sysctl = {
	.name = "sysctl",
	.doc = "settings of a host's kernel change while it runs",
	.fields = fields,
	.target = FAULT_ON_HOSTS,
	.check = check,
	.act = act,
	.is_apart = is_apart,
};
