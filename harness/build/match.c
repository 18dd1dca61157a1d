/* SPDX-License-Identifier: MIT */
#include "harness/build/builder.h"
#include "harness/parse/parse.h"

/* RFC 1035, section 4.2. */
#define DNS_PORT 53
/* A resolver asks from port 53 or from one of these (RFC 5452, section 9.2). */
#define RESOLVER_PORT_MIN 1024

static struct pos match_pos(const struct builder *b, const char *path, const char *key)
{
	return parse_locate(b->s, "%s.%s", path, key);
}

/* How many of the kinds of a match are that of DNS. */
static size_t count_dns(const struct match_spec *match)
{
	size_t n = 0;

	for (size_t i = 0; i < match->kind.n; i++)
		n += field_enum_index(packet_kind_names, match->kind.v[i]) == KIND_DNS;
	return n;
}

static void check_kind(struct builder *b, const char *path, const struct match_spec *match)
{
	bool is_tcp = match->protocol == ENUM_UNSET || match->protocol == MATCH_TCP;
	bool is_udp = match->protocol == MATCH_UDP;
	size_t dns = count_dns(match);

	if (!match->kind.n)
		return;
	if (!is_tcp && !(is_udp && dns))
		diag_add(b->diags, match_pos(b, path, "kind"), "leave out 'kind', or 'protocol'",
			 "only TCP packets have a kind, and those of DNS over UDP");
	else if ((dns == match->kind.n || is_udp) && match->port != COUNT_UNSET &&
		 match->port != DNS_PORT && match->port < RESOLVER_PORT_MIN)
		diag_add(b->diags, match_pos(b, path, "port"), "leave out 'port', or 'kind'",
			 "packets of DNS have port %d, and at the other end none of the lowest "
			 "%d",
			 DNS_PORT, RESOLVER_PORT_MIN);
}

static bool has_sides(const struct match_place *place)
{
	return place->parts && place->parts->sides.n;
}

/* Some packet on one of the cables may have one of the peers as its other end. */
static bool can_meet_peer(const struct match_place *place)
{
	vec_foreach (cable, place->cables)
		vec_foreach (peer, place->peers) {
			int side = has_sides(place) ? plan_side_of(place->parts, *peer) : SIDE_NONE;

			if (*peer == *cable)
				continue;
			if (!has_sides(place) ||
			    (side != SIDE_NONE && side != plan_side_of(place->parts, *cable)))
				return true;
		}
	return false;
}

static void check_peer(struct builder *b, const char *path, const struct match_place *place)
{
	if (!place->peers->n || !place->cables->n || can_meet_peer(place))
		return;
	if (has_sides(place))
		diag_add(b->diags, match_pos(b, path, "peer"),
			 "name hosts of the sides, or leave 'peer' out",
			 "no packet between the sides comes from there");
	else
		diag_add(b->diags, match_pos(b, path, "peer"),
			 "'peer' is the host at the other end of the packet: name another one, or "
			 "leave it out",
			 "no packet on the cable of '%s' has '%s' itself as its peer",
			 b->plan->hosts.v[place->cables->v[0]].name,
			 b->plan->hosts.v[place->peers->v[0]].name);
}

bool build_match(struct builder *b, const char *path, const struct match_spec *match,
		 struct index_list *ret_peers)
{
	bool good = true;

	for (size_t i = 0; i < match->peer.n; i++)
		good &= resolve_hosts(b, match->peer.v[i],
				      parse_locate(b->s, "%s.peer.%zu", path, i), ret_peers);
	return good;
}

void check_match(struct builder *b, const char *path, const struct match_spec *match,
		 const struct match_place *place)
{
	check_kind(b, path, match);
	if (match->port != COUNT_UNSET && match->protocol == MATCH_ICMP)
		diag_add(b->diags, match_pos(b, path, "port"), "leave out 'port', or 'protocol'",
			 "ICMP packets have no port");
	check_peer(b, path, place);
}
