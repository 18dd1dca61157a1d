/* SPDX-License-Identifier: MIT */
#include "harness/build/builder.h"
#include "harness/parse/parse.h"

static bool asks_for_dns(const struct match_spec *match)
{
	for (size_t i = 0; i < match->kind.n; i++)
		if (field_enum_index(packet_kind_names, match->kind.v[i]) == KIND_DNS)
			return true;
	return false;
}

/* A match that no packet can satisfy: its fault would be void in every run, its count always 0. */
static void check_match(const struct builder *b, const char *path, const struct match_spec *match)
{
	bool is_tcp = match->protocol == ENUM_UNSET || match->protocol == MATCH_TCP;
	bool is_udp = match->protocol == MATCH_UDP;

	if (match->kind.n && !is_tcp && !(is_udp && asks_for_dns(match)))
		diag_add(b->diags, parse_locate(b->s, "%s.kind", path),
			 "leave out 'kind', or 'protocol'",
			 "only TCP packets have a kind, and those of DNS over UDP");
	if (match->port != COUNT_UNSET && match->protocol == MATCH_ICMP)
		diag_add(b->diags, parse_locate(b->s, "%s.port", path),
			 "leave out 'port', or 'protocol'", "ICMP packets have no port");
}

void build_match(struct builder *b, const char *path, const struct match_spec *match,
		 struct index_list *ret_peers)
{
	for (size_t i = 0; i < match->peer.n; i++)
		resolve_hosts(b, match->peer.v[i], parse_locate(b->s, "%s.peer.%zu", path, i),
			      ret_peers);
	check_match(b, path, match);
}
