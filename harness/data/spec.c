/* SPDX-License-Identifier: MIT */
#include "harness/data/spec.h"

#include <assert.h>

#include "faults/fault.h"
#include "harness/base/cleanup.h"
#include "harness/judge/expect.h"

const char *const link_engine_names[] = {"wire", "netem", NULL};
const char *const clock_kind_names[] = {"any", "real", "virtual", NULL};
const char *const neighbours_names[] = {"fixed", "learn", NULL};
const char *const gso_names[] = {"off", "on", NULL};
const char *const direction_names[] = {"both", "to-host", "from-host", NULL};
const char *const match_protocol_names[] = {"tcp", "udp", "icmp", NULL};
const char *const packets_where_names[] = {"sent", "delivered", NULL};
const char *const delay_distribution_names[] = {"uniform", "normal", "pareto", "paretonormal",
						NULL};
const char *const packet_kind_names[] = {"syn", "syn-ack",   "ack", "data", "fin",
					 "rst", "keepalive", "dns", NULL};

static_assert(ARRAY_SIZE(link_engine_names) == LINK_NETEM + 2, "one name an engine");
static_assert(ARRAY_SIZE(clock_kind_names) == CLOCK_VIRTUAL + 2, "one name a clock");
static_assert(ARRAY_SIZE(neighbours_names) == NEIGHBOURS_LEARN + 2, "one name a way");
static_assert(ARRAY_SIZE(gso_names) == GSO_ON + 2, "one name a way");
static_assert(ARRAY_SIZE(direction_names) == DIRECTION_FROM_HOST + 2, "one name a direction");
static_assert(ARRAY_SIZE(match_protocol_names) == MATCH_ICMP + 2, "one name a protocol");
static_assert(ARRAY_SIZE(packets_where_names) == PACKETS_DELIVERED + 2, "one name an end");
static_assert(ARRAY_SIZE(delay_distribution_names) == DISTRIBUTION_PARETONORMAL + 2,
	      "one name a distribution");
static_assert(ARRAY_SIZE(packet_kind_names) == KIND_DNS + 2, "one name a kind");

const struct field match_fields[] = {
	FIELD(match_spec, peer, "peer", FIELD_STRINGS, 0,
	      "hosts or groups: only packets whose other end is one of them"),
	FIELD(match_spec, port, "port", FIELD_COUNT, 0,
	      "only packets with this source or destination port", .min = 1, .max = 65535),
	FIELD(match_spec, protocol, "protocol", FIELD_ENUM, 0, "only packets of this protocol",
	      .names = match_protocol_names),
	FIELD(match_spec, kind, "kind", FIELD_STRINGS, 0,
	      "only TCP packets of these kinds; one with SYN is never data, one with FIN is fin, a "
	      "keepalive probe is neither ack nor data; dns: of UDP or TCP, port 53",
	      .names = packet_kind_names),
	{0},
};

const struct field fault_common_fields[] = {
	FIELD(fault_spec, cable, "cable", FIELD_STRINGS, FIELD_REQUIRED,
	      "the hosts, or groups of hosts, on whose cables it acts"),
	FIELD(fault_spec, direction, "direction", FIELD_ENUM, 0,
	      "which way the packets go that it touches, seen from the host at the cable's end",
	      .names = direction_names, .default_text = "both"),
	FIELD(fault_spec, match, "match", FIELD_RECORD, 0, "which packets it touches",
	      .of = match_fields, .default_text = "all of them"),
	FIELD_MAY_MISS,
	{0},
};

const struct field fault_host_fields[] = {
	FIELD(fault_spec, host, "host", FIELD_STRINGS, FIELD_REQUIRED,
	      "the hosts, or groups of hosts, on which it acts"),
	FIELD_MAY_MISS,
	{0},
};

const struct field fault_app_fields[] = {
	FIELD(fault_spec, app, "app", FIELD_STRINGS, FIELD_REQUIRED,
	      "the apps, or instances of apps, on which it acts"),
	FIELD_MAY_MISS,
	{0},
};

const struct field claim_fields[] = {
	FIELD(claim_spec, says, "says", FIELD_STRING, FIELD_REQUIRED,
	      "what is claimed, in a few words"),
	FIELD(claim_spec, arithmetic, "arithmetic", FIELD_STRING, 0, "how the figure comes about"),
	FIELD(claim_spec, shown_by, "shown-by", FIELD_STRINGS, FIELD_REQUIRED,
	      "the expectations, by id or by kind, whose bounds say what is allowed and whose "
	      "observations are what was measured"),
	{0},
};

const struct field guest_fields[] = {
	FIELD(guest_spec, files, "files", FIELD_STRINGS, FIELD_REQUIRED,
	      "files and folders of this machine that the guest has too, at the same place: what "
	      "programs open by a name of their own (absolute, or relative to the scenario's "
	      "folder)"),
	{0},
};

const struct field expect_common_fields[] = {
	FIELD(expect_spec, id, "id", FIELD_STRING, 0,
	      "a name of its own, for `fails` and for messages", .default_text = "its kind"),
	{0},
};

bool flaw_set(struct flaw *flaw, const char *key, const char *message, const char *hint)
{
	*flaw = (struct flaw){key, message, hint};
	return false;
}

void fault_spec_unset(struct fault_spec *spec)
{
	*spec = (struct fault_spec){0};
	field_unset_all(fault_common_fields, spec);
	field_unset_all(fault_host_fields, spec);
	field_unset_all(fault_app_fields, spec);
	for (const struct fault_ops *const *ops = fault_registry; *ops; ops++)
		field_unset_all((*ops)->fields, spec);
}

void expect_spec_unset(struct expect_spec *spec)
{
	*spec = (struct expect_spec){
		.at_time = NSEC_UNSET,
		.by_time = NSEC_UNSET,
		.during_from = NSEC_UNSET,
		.during_to = NSEC_UNSET,
	};
	field_unset_all(expect_common_fields, spec);
	for (const struct expect_ops *const *ops = expect_registry; *ops; ops++)
		field_unset_all((*ops)->fields, spec);
}
