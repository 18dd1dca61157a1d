/* SPDX-License-Identifier: MIT */
/*
 * Modules are read from the text files that depmod(8) leaves: modules.dep has a line a module,
 *
 *   kernel/net/ipv4/tcp_diag.ko: kernel/net/ipv4/inet_diag.ko
 *
 * with what it depends on behind the colon, what must be loaded first last. That list is whole, but
 * it is followed as if it were not: then the order holds whoever wrote it.
 */
#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <unistd.h>

#include "harness/base/cleanup.h"
#include "harness/base/io.h"
#include "harness/virtual/kernel.h"

/* More than a module has; a compressed one may claim anything. */
#define MODULE_BYTES_MAX ((size_t)64 * 1024 * 1024)
/* How much more room a module is given at a time while it is decompressed. */
#define MODULE_BYTES_FIRST ((size_t)256 * 1024)

const struct module_wanted kernel_modules_wanted[] = {
	{"veth", "cables", true},
	{"inet_diag", "sockets: NETLINK_SOCK_DIAG", true},
	{"tcp_diag", "sockets of TCP, and SOCK_DESTROY", true},
	{"af_packet", "the link engine wire", true},
	{"ipv6", "IPv6 on every host", true},
	{"tcp_cubic", "the congestion control of the baseline", true},
	{"sch_netem", "the link engine netem", false},
	{"bridge", "the link engine netem", false},
	{"sch_fq", "pacing", false},
	{"sch_fq_codel", "a usual default of a host's queue", false},
	{"tcp_bbr", "scenarios that choose it", false},
	{"udp_diag", "programs that list sockets", false},
	{"unix_diag", "programs that list sockets", false},
	{"af_packet_diag", "programs that list sockets", false},
	{"netlink_diag", "programs that list sockets", false},
	{"dummy", "scenarios with addresses of their own", false},
	{"tun", "programs that make a device", false},
	/*
	 * Not here: ip_vs and nf_conntrack, whose timers wake each network namespace every two seconds
	 * whether it uses them or not.
	 */
};
const size_t kernel_n_modules_wanted = ARRAY_SIZE(kernel_modules_wanted);

/* --- names --- */

/* True if the path is that of the module's file, compressed or not. */
static bool is_of(const char *path, const char *name)
{
	static const char *const endings[] = {".ko", ".ko.xz", ".ko.zst", ".ko.gz"};
	const char *p = basename(path);

	for (; *name; p++, name++)
		if ((*p == '-' ? '_' : *p) != (*name == '-' ? '_' : *name))
			return false;
	for (size_t i = 0; i < ARRAY_SIZE(endings); i++)
		if (!strcmp(p, endings[i]))
			return true;
	return false;
}

char *kernel_module_name(const char *path, struct arena *a)
{
	static const char ending[] = ".ko";
	const char *name = basename(path), *end = strstr(name, ending);

	return end ? arena_strndup(a, name, (size_t)(end - name) + strlen(ending))
		   : arena_strdup(a, name);
}

/* --- modules.dep --- */

/* A line of it. */
struct module {
	char *path; /* below the folder of modules */
	struct strings needs;
	bool listed;
};

struct dependencies {
	struct arena *arena;
	const char *dir;
	VEC(struct module) modules;
};

static void read_line(struct dependencies *d, char *line)
{
	char *colon = strchr(line, ':');

	if (!colon)
		return;
	*colon = '\0';
	struct module *m = vec_push(d->arena, &d->modules);
	m->path = line;
	for (char *save = NULL, *word = strtok_r(colon + 1, " \t", &save); word;
	     word = strtok_r(NULL, " \t", &save))
		*vec_push(d->arena, &m->needs) = word;
}

static int read_dependencies(struct dependencies *d, struct err *err)
{
	char *text =
		io_read_file(arena_printf(d->arena, "%s/modules.dep", d->dir), NULL, d->arena, err);
	char *save = NULL;

	if (!text)
		return -1;
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		read_line(d, line);
	return 0;
}

static struct module *find_by_path(const struct dependencies *d, const char *path)
{
	vec_foreach (m, &d->modules)
		if (!strcmp(m->path, path))
			return m;
	return NULL;
}

static struct module *find_by_name(const struct dependencies *d, const char *name)
{
	vec_foreach (m, &d->modules)
		if (is_of(m->path, name))
			return m;
	return NULL;
}

/* Puts it behind all that it needs. */
static int list_module(struct dependencies *d, struct module *m, struct strings *paths,
		       struct err *err)
{
	if (m->listed)
		return 0;
	m->listed = true;
	for (size_t i = m->needs.n; i-- > 0;) {
		struct module *needed = find_by_path(d, m->needs.v[i]);

		if (!needed)
			return err_set(err,
				       "%s/modules.dep: %s needs %s, which has no line there: "
				       "make it anew with depmod(8)",
				       d->dir, m->path, m->needs.v[i]);
		if (list_module(d, needed, paths, err) < 0)
			return -1;
	}
	char *path = arena_printf(d->arena, "%s/%s", d->dir, m->path);
	if (access(path, R_OK) < 0)
		return err_errno(err, "the module %s", path);
	*vec_push(d->arena, paths) = path;
	return 0;
}

/* --- the list --- */

static bool is_built_in(const char *builtin, const char *name, struct arena *a)
{
	char *text = arena_strdup(a, builtin), *save = NULL;

	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		if (is_of(line, name))
			return true;
	return false;
}

static const char *add_word(struct arena *a, const char *list, const struct module_wanted *w)
{
	return arena_printf(a, "%s%s%s (%s)", list ? list : "", list ? ", " : "", w->name, w->why);
}

int kernel_modules(const struct guest_kernel *k, const struct module_wanted *wanted, size_t n,
		   struct arena *a, struct module_list *ret, struct err *err)
{
	struct dependencies d = {.arena = a, .dir = k->modules};
	struct module_list list = {0};
	const char *lacking = NULL;

	if (read_dependencies(&d, err) < 0)
		return err_wrap(err, "modules of the kernel %s", k->release);
	const char *builtin =
		io_read_file(arena_printf(a, "%s/modules.builtin", d.dir), NULL, a, err);
	if (!builtin)
		return err_wrap(err, "modules of the kernel %s", k->release);
	for (size_t i = 0; i < n; i++) {
		struct module *m = find_by_name(&d, wanted[i].name);

		if (m) {
			if (list_module(&d, m, &list.paths, err) < 0)
				return -1;
		} else if (is_built_in(builtin, wanted[i].name, a)) {
			continue;
		} else if (wanted[i].required) {
			lacking = add_word(a, lacking, &wanted[i]);
		} else {
			*vec_push(a, &list.missing) = arena_strdup(a, wanted[i].name);
		}
	}
	if (lacking)
		return err_set(err,
			       "the kernel %s lacks modules that every run needs: %s; neither in "
			       "modules.dep nor in modules.builtin of %s",
			       k->release, lacking, d.dir);
	*ret = list;
	return 0;
}

/* --- their release --- */

/* "vermagic=6.1.0-56-cloud-amd64 SMP preempt mod_unload": NULL if it says none. */
static char *release_of(const char *bytes, size_t len, struct arena *a)
{
	static const char key[] = "vermagic=";
	const char *at = memmem(bytes, len, key, strlen(key));
	size_t n = 0;

	if (!at)
		return NULL;
	at += strlen(key);
	for (size_t left = len - (size_t)(at - bytes); n < left && at[n] && at[n] != ' ';)
		n++;
	return arena_strndup(a, at, n);
}

int kernel_check_modules(const struct guest_kernel *k, struct arena *a, struct err *err)
{
	struct dependencies d = {.arena = a, .dir = k->modules};
	_cleanup_arena_ struct arena content = {0};
	struct err unread;
	size_t len;

	if (read_dependencies(&d, err) < 0)
		return -1;
	if (!d.modules.n)
		return 0;
	const char *path = arena_printf(a, "%s/%s", d.dir, d.modules.v[0].path);
	/* One that is not there is an error when it is needed. */
	const char *bytes = kernel_module_read(path, &len, &content, &unread);
	const char *release = bytes ? release_of(bytes, len, a) : NULL;
	if (!release || !strcmp(release, k->release))
		return 0;
	return err_set(err,
		       "the modules in %s are for Linux %s, and the kernel %s is Linux %s: give "
		       "those of the same release",
		       k->modules, release, k->image, k->release);
}

/* --- content --- */

static void free_reader(struct archive **in)
{
	if (*in)
		archive_read_free(*in);
}

static void *refuse(struct archive *in, const char *path, struct err *err)
{
	const char *why = archive_error_string(in);

	err_set(err, "decompress %s: %s", path, why ? why : "no reason given");
	return NULL;
}

/* Reads the only entry of a "raw" archive: what is left when the compression is taken away. */
static void *read_raw(struct archive *in, const char *path, size_t *ret_len, struct arena *a,
		      struct err *err)
{
	struct archive_entry *entry;
	_cleanup_free_ char *buf = NULL;
	size_t len = 0, room = 0;

	if (archive_read_next_header(in, &entry) != ARCHIVE_OK)
		return refuse(in, path, err);
	for (;;) {
		if (len == room) {
			room = room ? room * 2 : MODULE_BYTES_FIRST;
			char *bigger = realloc(buf, room);

			if (!bigger)
				abort();
			buf = bigger;
		}
		la_ssize_t n = archive_read_data(in, buf + len, room - len);
		if (n < 0)
			return refuse(in, path, err);
		if (n == 0)
			break;
		len += (size_t)n;
		if (len > MODULE_BYTES_MAX) {
			err_set(err, "%s: no module is so large", path);
			return NULL;
		}
	}
	char *copy = arena_alloc(a, len + 1);
	memcpy(copy, buf, len);
	*ret_len = len;
	return copy;
}

void *kernel_module_read(const char *path, size_t *ret_len, struct arena *a, struct err *err)
{
	__attribute__((cleanup(free_reader))) struct archive *in = NULL;
	_cleanup_arena_ struct arena compressed = {0};
	size_t len;

	if (!strcmp(basename(path), kernel_module_name(path, a)))
		return io_read_file(path, ret_len, a, err);
	char *bytes = io_read_file(path, &len, &compressed, err);
	if (!bytes)
		return NULL;
	in = archive_read_new();
	if (!in)
		abort();
	if (archive_read_support_format_raw(in) != ARCHIVE_OK ||
	    archive_read_support_filter_xz(in) != ARCHIVE_OK ||
	    archive_read_support_filter_gzip(in) != ARCHIVE_OK ||
	    archive_read_support_filter_zstd(in) != ARCHIVE_OK ||
	    archive_read_open_memory(in, bytes, len) != ARCHIVE_OK)
		return refuse(in, path, err);
	return read_raw(in, path, ret_len, a, err);
}
