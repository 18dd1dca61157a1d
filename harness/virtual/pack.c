/* SPDX-License-Identifier: MIT */
#include "harness/virtual/packer.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/base/cleanup.h"

/* As much of a PATH as a message shows. */
#define PATH_SHOWN_BYTES 160
/* Left of an error message for saying that there is more. */
#define MORE_BYTES 64

static const char mend[] =
	"install what is missing on this machine, or take it off the scenario's programs";

/* --- texts of ours --- */

/* What programs look up by the C library; not the machine's, which differ. */
static const struct {
	const char *path, *text;
} texts[] = {
	{"/etc/passwd", "root:x:0:0:root:/root:/bin/sh\n"
			"daemon:x:1:1:daemon:/:/bin/false\n"
			"nobody:x:65534:65534:nobody:/:/bin/false\n"},
	{"/etc/group", "root:x:0:\ndaemon:x:1:\nnogroup:x:65534:\n"},
	{"/etc/nsswitch.conf", "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\n"
			       "services: files\nprotocols: files\n"},
	/* As Debian's: all addresses of a name in /etc/hosts, not the first alone. */
	{"/etc/host.conf", "multi on\n"},
	{"/etc/hosts", "127.0.0.1 localhost\n::1 localhost\n"},
	{"/etc/resolv.conf", ""},
	{"/etc/services", "ftp 21/tcp\nssh 22/tcp\nsmtp 25/tcp\ndomain 53/tcp\ndomain 53/udp\n"
			  "http 80/tcp\nntp 123/udp\nimap2 143/tcp\nhttps 443/tcp\nhttps 443/udp\n"
			  "imaps 993/tcp\nmysql 3306/tcp\npostgresql 5432/tcp\namqp 5672/tcp\n"
			  "redis 6379/tcp\n"},
	{"/etc/protocols", "ip 0 IP\nicmp 1 ICMP\ntcp 6 TCP\nudp 17 UDP\nipv6 41 IPv6\n"
			   "ipv6-icmp 58 IPv6-ICMP\nsctp 132 SCTP\n"},
};

/* What every host has of its own: the run stage mounts over them. */
static const char *const folders[] = {"/tmp", "/var/tmp", "/run", "/root"};

/* system(3) and popen(3) run it, whatever a program is written in. */
static const char shell[] = "/bin/sh";

static const char *folder_of_scenario(const struct pack_input *in, struct arena *a)
{
	const char *file = in->plan->file, *slash = strrchr(file, '/');
	const char *folder = slash ? arena_strndup(a, file, (size_t)(slash - file)) : "";

	if (file[0] != '/')
		return arena_printf(a, "%s/%s", in->start_dir, folder);
	return *folder ? folder : "/";
}

static int add_surroundings(struct packer *p, struct err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		if (fileset_add_bytes(p->set, texts[i].path, FILESET_FILE_MODE, texts[i].text,
				      strlen(texts[i].text), err) < 0)
			return -1;
	for (size_t i = 0; i < ARRAY_SIZE(folders); i++)
		if (fileset_add_folder(p->set, folders[i], err) < 0)
			return -1;
	if (fileset_add_folder(p->set, folder_of_scenario(p->in, p->arena), err) < 0)
		return -1;
	return access(shell, X_OK) < 0 ? 0 : packer_add_program(p, shell, NULL, err);
}

/* --- commands --- */

bool packer_is_new(struct packer *p, const char *name)
{
	for (size_t i = 0; i < p->done.n; i++)
		if (!strcmp(p->done.v[i], name))
			return false;
	*vec_push(p->arena, &p->done) = arena_strdup(p->arena, name);
	return true;
}

int packer_optional(const struct packer *p, int rc)
{
	return p->set->is_too_large ? rc : 0;
}

const char *command_variable(const struct command *c, const char *name)
{
	for (size_t i = 0; c && i < c->n_env; i++)
		if (!strcmp(c->env[i].name, name))
			return c->env[i].value;
	return NULL;
}

const char *command_option(const struct command *c, const char *option)
{
	for (size_t i = 1; c && i + 1 < c->argv->n; i++)
		if (!strcmp(c->argv->v[i], option))
			return c->argv->v[i + 1];
	return NULL;
}

bool path_is_of_the_kernel(const char *path)
{
	return !strncmp(path, "/dev/", strlen("/dev/")) ||
	       !strncmp(path, "/proc/", strlen("/proc/")) ||
	       !strncmp(path, "/sys/", strlen("/sys/"));
}

char *command_file(const struct packer *p, const struct command *c, const char *argument)
{
	char *path = argument[0] == '/' ? arena_strdup(p->arena, argument)
		     : c->cwd           ? arena_printf(p->arena, "%s/%s", c->cwd, argument)
					: NULL;
	struct stat st;

	if (!path || path_is_of_the_kernel(path) || stat(path, &st) < 0 || !S_ISREG(st.st_mode))
		return NULL;
	return path;
}

/* Files on the command line: whole words, and what follows a '='. */
static int add_named_files(struct packer *p, const struct command *c, struct err *err)
{
	for (size_t i = 1; i < c->argv->n; i++) {
		const char *word = c->argv->v[i], *equals = strchr(word, '=');
		char *file = command_file(p, c, word);

		if (!file && equals)
			file = command_file(p, c, equals + 1);
		if (file && fileset_add(p->set, file, NULL, err) < 0)
			return -1;
	}
	return 0;
}

/* --- programs --- */

/* The first argument that is a file, for an interpreter that was not started by a #! line. */
static const char *script_argument(const struct packer *p, const struct command *c)
{
	for (size_t i = 1; c && i < c->argv->n; i++) {
		const char *file = command_file(p, c, c->argv->v[i]);

		if (file)
			return file;
	}
	return NULL;
}

int packer_add_program(struct packer *p, const char *program, const struct command *c,
		       struct err *err)
{
	const char *starts = program, *runs;

	if (python_is_named(basename(program)) && !(starts = python_interpreter(p, program, err)))
		return -1;
	if (starts != program && fileset_add_link(p->set, program, starts, err) < 0)
		return -1;
	if (closure_add(&p->closure, starts, &runs, err) < 0)
		return -1;
	language_fn add = language_of(basename(runs));
	if (!add)
		return 0;
	/* The file name in place of the link's: /bin/sh is dash, which is a shell as well. */
	return add(p,
		   &(struct interpreted){
			   .command = c,
			   .interpreter = runs,
			   .script = runs != starts ? starts : script_argument(p, c),
		   },
		   err);
}

/* Adds what a command takes. */
static int add_command(struct packer *p, const struct command *c, struct err *err)
{
	const char *own_path = command_variable(c, "PATH");
	const char *path = own_path ? own_path : p->in->path, *name = c->argv->v[0];
	const char *program = program_find(name, p->in->start_dir, path, p->arena);
	struct stat st;

	if (!program && strchr(name, '/'))
		return err_set(err, "%s is not there, or no file that may be executed", name);
	if (!program)
		return err_set(err, "%s is not in PATH=%.*s%s", name, PATH_SHOWN_BYTES, path,
			       strlen(path) > PATH_SHOWN_BYTES ? "..." : "");
	p->closure.path = path;
	p->closure.library_path = command_variable(c, "LD_LIBRARY_PATH");
	if (packer_add_program(p, program, c, err) < 0 || add_named_files(p, c, err) < 0)
		return -1;
	/* One that is not there the program does not get on the real clock either. */
	if (c->cwd && stat(c->cwd, &st) == 0 && S_ISDIR(st.st_mode))
		return fileset_add(p->set, c->cwd, NULL, err);
	return 0;
}

/* --- all of them --- */

/* What is missing, a line each. */
struct missing {
	char text[sizeof(((struct err *)NULL)->msg)];
	size_t len;
	size_t left_out;
};

static void note(struct missing *m, const char *who, const struct err *what)
{
	char line[sizeof(m->text)];
	int n = snprintf(line, sizeof(line), "\n  %s: %s", who, what->msg);

	if (n < 0 || (size_t)n >= sizeof(line) ||
	    m->len + (size_t)n + sizeof(mend) + MORE_BYTES >= sizeof(m->text)) {
		/* The first is said, shortened if it must be. */
		if (m->len == 0)
			m->len = (size_t)snprintf(m->text, sizeof(m->text) / 2, "%s", line);
		else
			m->left_out++;
		return;
	}
	memcpy(m->text + m->len, line, (size_t)n + 1);
	m->len += (size_t)n;
}

static int add_or_note(struct packer *p, const struct command *c, struct missing *m,
		       struct err *err)
{
	struct err what = {0};

	if (add_command(p, c, &what) == 0)
		return 0;
	if (p->set->is_too_large) {
		*err = what;
		return err_wrap(err, "%s", c->who);
	}
	note(m, c->who, &what);
	return 0;
}

/* The instances of an app follow one another and differ in nothing that is packed. */
static bool is_first_of_group(const struct plan *plan, const struct plan_app *app)
{
	return app == plan->apps.v || strcmp(app[-1].group, app->group) != 0;
}

static int add_commands(struct packer *p, struct missing *m, struct err *err)
{
	const struct plan *plan = p->in->plan;

	vec_foreach (app, &plan->apps) {
		const struct command c = {
			.who = arena_printf(p->arena, "app %s", app->group),
			.argv = &app->argv,
			.env = app->env.v,
			.n_env = app->env.n,
			.cwd = app->cwd,
		};

		if (is_first_of_group(plan, app) && add_or_note(p, &c, m, err) < 0)
			return -1;
	}
	vec_foreach (step, &plan->steps) {
		const struct command c = {
			.who = arena_printf(p->arena, "step at %s:%d", step->pos.file,
					    step->pos.line),
			.argv = &step->exec_argv,
		};

		if (step->exec_argv.n && add_or_note(p, &c, m, err) < 0)
			return -1;
	}
	return 0;
}

/* --- what the scenario names --- */

/* Of ELF files that name no loader (shared objects) a shell's is asked. */
static int add_elf(struct packer *p, const char *path, const struct program_head *head,
		   struct err *err)
{
	return head->interpreter ? packer_add_program(p, path, NULL, err)
				 : closure_add_object(&p->closure, path, shell, err);
}

/* One of `guest: files`; `path` is absolute. */
static int add_guest_file(struct packer *p, const char *path, struct err *err)
{
	struct program_head head;
	struct stat st;

	if (stat(path, &st) < 0)
		return err_errno(err, "%s", path);
	if (fileset_add(p->set, path, NULL, err) < 0)
		return -1;
	if (S_ISDIR(st.st_mode))
		return fileset_add_tree(p->set, path, NULL, NULL, err);
	if (program_head_read(path, p->arena, &head, err) < 0)
		return -1;
	if (head.kind == PROGRAM_ELF)
		return add_elf(p, path, &head, err);
	return head.kind == PROGRAM_SCRIPT && access(path, X_OK) == 0
		       ? packer_add_program(p, path, NULL, err)
		       : 0;
}

static int add_guest_files(struct packer *p, struct missing *m, struct err *err)
{
	const struct strings *files = &p->in->plan->guest.files;

	for (size_t i = 0; i < files->n; i++) {
		const char *path = files->v[i];
		char real[PATH_MAX];
		struct err what = {0};

		p->closure.path = p->in->path;
		p->closure.library_path = NULL;
		if (path[0] != '/') {
			path = arena_printf(p->arena, "%s/%s", p->in->start_dir, path);
			path = realpath(path, real) ? arena_strdup(p->arena, real) : path;
		}
		if (add_guest_file(p, path, &what) == 0)
			continue;
		if (p->set->is_too_large) {
			*err = what;
			return err_wrap(err, "guest: files");
		}
		note(m, "guest: files", &what);
	}
	return 0;
}

int pack_files(const struct pack_input *in, struct fileset *set, struct err *err)
{
	struct packer p = {
		.in = in,
		.set = set,
		.arena = set->arena,
		.closure = {.set = set, .path = in->path},
	};
	struct missing missing = {0};

	if (add_surroundings(&p, err) < 0 || add_commands(&p, &missing, err) < 0 ||
	    add_guest_files(&p, &missing, err) < 0)
		return -1;
	if (missing.left_out)
		return err_set(err,
			       "the guest would lack what programs need:%s\n  and %zu more\n%s",
			       missing.text, missing.left_out, mend);
	if (missing.len)
		return err_set(err, "the guest would lack what programs need:%s\n%s", missing.text,
			       mend);
	return 0;
}

char *pack_path(const char *path, const struct fileset *set)
{
	char *kept = arena_strdup(set->arena, "");

	for (const char *p = path, *end; *p; p = end + (*end == ':')) {
		end = strchrnul(p, ':');
		const char *folder = arena_strndup(set->arena, p, (size_t)(end - p));

		if (fileset_find(set, folder) && !program_is_in_path(folder, kept))
			kept = arena_printf(set->arena, "%s%s%s", kept, *kept ? ":" : "", folder);
	}
	return kept;
}

static bool is_within(const char *path, const char *folder)
{
	size_t len = strlen(folder);

	return !strncmp(path, folder, len) && (path[len] == '/' || path[len] == '\0');
}

/* True if the set has something there that is in none of the other folders, nor one above them. */
static bool has_of_its_own(const char *dir, const char *const *others, const struct fileset *set)
{
	vec_foreach (entry, &set->entries) {
		const char *path = (*entry)->path;
		bool is_others = !is_within(path, dir);

		for (const char *const *other = others; *other && !is_others; other++)
			is_others = strcmp(*other, dir) != 0 &&
				    (is_within(path, *other) || is_within(*other, path));
		if (!is_others)
			return true;
	}
	return false;
}

/* Where hosts would not see it if it were not kept. */
static bool is_hidden(const char *dir)
{
	for (size_t i = 0; i < ARRAY_SIZE(folders); i++)
		if (is_within(dir, folders[i]))
			return true;
	return false;
}

struct strings pack_keep_dirs(const struct pack_input *in, const char *const *dirs,
			      const struct fileset *set)
{
	const char *scenario = folder_of_scenario(in, set->arena);
	struct strings kept = {0};

	for (const char *const *dir = dirs; *dir; dir++) {
		bool is_known = false;

		vec_foreach (before, &kept)
			is_known = is_known || !strcmp(*before, *dir);
		if (is_known)
			continue;
		if (strcmp(*dir, in->start_dir) != 0 || !strcmp(*dir, scenario) ||
		    (is_hidden(*dir) && has_of_its_own(*dir, dirs, set)))
			*vec_push(set->arena, &kept) = arena_strdup(set->arena, *dir);
	}
	return kept;
}
