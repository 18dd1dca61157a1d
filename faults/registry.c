/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "faults/fault.h"
#include "faults/netem/params.h"

/* One line a kind; the order is that of the reference. */
extern const struct fault_ops fault_delay;
extern const struct fault_ops fault_loss;
extern const struct fault_ops fault_duplicate;
extern const struct fault_ops fault_corrupt;
extern const struct fault_ops fault_reorder;
extern const struct fault_ops fault_rate;
extern const struct fault_ops fault_blackhole;
extern const struct fault_ops fault_partition;
extern const struct fault_ops fault_link_down;
extern const struct fault_ops fault_mtu;
extern const struct fault_ops fault_reject;
extern const struct fault_ops fault_rst;
extern const struct fault_ops fault_idle_drop;
extern const struct fault_ops fault_power_off;
extern const struct fault_ops fault_power_on;
extern const struct fault_ops fault_remove_host;
extern const struct fault_ops fault_sysctl;
extern const struct fault_ops fault_nofile;
extern const struct fault_ops fault_fill_disk;

const struct fault_ops *const fault_registry[] = {
	&fault_delay,       &fault_loss,      &fault_duplicate, &fault_corrupt,   &fault_reorder,
	&fault_rate,        &fault_blackhole, &fault_partition, &fault_link_down, &fault_mtu,
	&fault_reject,      &fault_rst,       &fault_idle_drop, &fault_power_off, &fault_power_on,
	&fault_remove_host, &fault_sysctl,    &fault_nofile,    &fault_fill_disk, NULL,
};

const struct field *fault_target_fields(const struct fault_ops *ops)
{
	if (ops->where)
		return ops->where;
	switch (ops->target) {
	case FAULT_ON_HOSTS:
		return fault_host_fields;
	case FAULT_ON_APPS:
		return fault_app_fields;
	case FAULT_ON_CABLES:
		break;
	}
	return fault_common_fields;
}

bool fault_takes_target_alone(const struct fault_ops *ops)
{
	for (const struct field *f = ops->fields; f->name; f++)
		if (f->flags & FIELD_REQUIRED)
			return false;
	return ops->target != FAULT_ON_CABLES;
}

void fault_drop(const struct fault_call *call, struct fate *fate)
{
	(void)call;
	fate->drop = true;
}

bool fault_needs_packets(const struct fault_spec *spec, struct flaw *flaw)
{
	flaw_set(flaw, NULL, spec->ops->name, FAULT_LEAVE_OUT_GSO);
	return true;
}

const char *fault_drop_by_netem(const struct fault_spec *spec, struct netem_params *params)
{
	params->block = true;
	return netem_refuses_match(spec);
}

const struct fault_ops *fault_find(const char *name)
{
	for (const struct fault_ops *const *ops = fault_registry; *ops; ops++)
		if (!strcmp((*ops)->name, name))
			return *ops;
	return NULL;
}
