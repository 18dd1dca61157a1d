/* SPDX-License-Identifier: MIT */
#include "harness/build/builder.h"
#include "harness/parse/parse.h"

/*
 * Hosts are numbered from 1 in the order of the file; the number n is the host part of all its
 * addresses: 10.0.(n / 256).(n % 256) in 10.0.0.0/16, fd00::n (hex) in fd00::/64, and the last two
 * bytes of a locally administered MAC.
 */
static void add_host(struct builder *b, const struct scenario_host *from, char *name)
{
	struct plan_host *host = vec_push(b->a, &b->plan->hosts);
	unsigned n = (unsigned)b->plan->hosts.n;
	unsigned high = n >> 8, low = n & 0xff;

	host->name = name;
	host->group = from->name;
	host->mac = arena_printf(b->a, "02:00:00:00:%02x:%02x", high, low);
	host->ip4 = arena_printf(b->a, "10.0.%u.%u", high, low);
	host->ip6 = arena_printf(b->a, "fd00::%x", n);
	host->nofile = from->nofile;
	vec_foreach (setting, &from->sysctl)
		*vec_push(b->a, &host->sysctl) = *setting;
}

void build_hosts(struct builder *b)
{
	vec_foreach (host, &b->s->hosts) {
		int64_t count = host->count == COUNT_UNSET ? 1 : host->count;

		if ((int64_t)b->plan->hosts.n + count > INDEX_MAX) {
			diag_add(b->diags, host->pos, NULL, "more than %d hosts", INDEX_MAX);
			return;
		}
		if (host->count == COUNT_UNSET)
			add_host(b, host, host->name);
		else
			for (int64_t i = 1; i <= count; i++)
				add_host(b, host,
					 arena_printf(b->a, "%s.%lld", host->name, (long long)i));
	}
}

char *beside_file(struct builder *b, struct pos pos, const char *path)
{
	const char *file = pos.file;
	const char *slash = strrchr(file, '/');

	if (*path == '/' || !slash)
		return arena_strdup(b->a, path);
	return arena_printf(b->a, "%.*s/%s", (int)(slash - file), file, path);
}

static char *file_text(struct builder *b, const struct scenario_private_file *file)
{
	struct pos pos = parse_locate(b->s, "files.%s.from", file->name);
	struct err err = {0};

	if (!file->from)
		return file->text;
	char *text = b->opt->read_file(beside_file(b, pos, file->from), b->a, &err);
	if (!text) {
		diag_add(b->diags, pos, NULL, "%s", err.msg);
	} else if (!parse_is_utf8(text)) {
		diag_add(b->diags, pos, NULL, "'%s' is no UTF-8 text", file->from);
		return NULL;
	}
	/* cppcheck-suppress returnDanglingLifetime ; the text lives in the arena, not in err */
	return text;
}

void build_files(struct builder *b)
{
	vec_foreach (file, &b->s->files) {
		struct index_list hosts = {0};
		struct pos pos = parse_locate(b->s, "files.%s.host", file->name);
		char *text = file_text(b, file);

		if (!file->host || !resolve_hosts(b, file->host, pos, &hosts) || !text)
			continue;
		vec_foreach (host, &hosts)
			*vec_push(b->a, &b->plan->files) =
				(struct plan_file){.host = *host, .path = file->name, .text = text};
	}
}

/* That they are there is for packing to say: on the real clock nothing is packed. */
void build_guest(struct builder *b)
{
	const struct strings *files = &b->s->guest.files;

	for (size_t i = 0; i < files->n; i++)
		*vec_push(b->a, &b->plan->guest.files) =
			beside_file(b, parse_locate(b->s, "guest.files.%zu", i), files->v[i]);
}
