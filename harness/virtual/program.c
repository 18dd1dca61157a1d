/* SPDX-License-Identifier: MIT */
#include "harness/virtual/program.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/base/cleanup.h"

/* As much of a script's first line as the kernel looks at (BINPRM_BUF_SIZE). */
#define SCRIPT_LINE_BYTES 256
/* More program headers than this no linker writes; a broken file may claim 65535. */
#define PROGRAM_HEADERS_MAX 256

static int read_at(int fd, void *buf, size_t len, off_t at, const char *path, struct err *err)
{
	ssize_t n = TEMP_FAILURE_RETRY(pread(fd, buf, len, at));

	if (n < 0)
		return err_errno(err, "read %s", path);
	if ((size_t)n < len)
		return err_set(err, "%s is a truncated ELF file", path);
	return 0;
}

/* --- ELF --- */

static int read_interpreter(int fd, const Elf64_Phdr *p, const char *path, struct arena *a,
			    char **ret, struct err *err)
{
	if (p->p_filesz == 0 || p->p_filesz > PATH_MAX || p->p_offset > INT64_MAX)
		return err_set(err, "%s: the ELF file's PT_INTERP is broken", path);
	char *text = arena_alloc(a, p->p_filesz + 1);
	if (read_at(fd, text, p->p_filesz, (off_t)p->p_offset, path, err) < 0)
		return -1;
	*ret = text;
	return 0;
}

static int read_elf(int fd, const char *path, struct arena *a, struct program_head *ret,
		    struct err *err)
{
	Elf64_Ehdr h;

	if (read_at(fd, &h, sizeof(h), 0, path, err) < 0)
		return -1;
	if (h.e_ident[EI_CLASS] != ELFCLASS64 || h.e_ident[EI_DATA] != ELFDATA2LSB ||
	    h.e_machine != EM_X86_64)
		return err_set(err,
			       "%s is not for the guest: an ELF file of another machine than "
			       "x86-64 (machine %u, %s)",
			       path, h.e_machine,
			       h.e_ident[EI_CLASS] == ELFCLASS64 ? "64 bits" : "not of 64 bits");
	if (h.e_phentsize != sizeof(Elf64_Phdr) || h.e_phnum > PROGRAM_HEADERS_MAX ||
	    h.e_phoff > INT64_MAX / 2)
		return err_set(err, "%s: the ELF file has no usable program headers", path);
	ret->kind = PROGRAM_ELF;
	for (unsigned int i = 0; i < h.e_phnum; i++) {
		Elf64_Phdr p;

		if (read_at(fd, &p, sizeof(p), (off_t)(h.e_phoff + i * sizeof(p)), path, err) < 0)
			return -1;
		if (p.p_type == PT_INTERP)
			return read_interpreter(fd, &p, path, a, &ret->interpreter, err);
	}
	return 0;
}

/* --- scripts --- */

/* "#! /usr/bin/env python3 -u": the first word, and the rest without spaces around it. */
static int read_script(char *line, const char *path, struct arena *a, struct program_head *ret,
		       struct err *err)
{
	static const char blank[] = " \t";
	char *word = line + strlen("#!");

	line[strcspn(line, "\n")] = '\0';
	word += strspn(word, blank);
	size_t len = strcspn(word, blank);
	if (len == 0)
		return err_set(err, "%s: its #! line names no interpreter", path);
	ret->kind = PROGRAM_SCRIPT;
	ret->interpreter = arena_strndup(a, word, len);
	char *rest = word + len + strspn(word + len, blank);
	size_t rest_len = strlen(rest);
	while (rest_len && strchr(blank, rest[rest_len - 1]))
		rest_len--;
	if (rest_len)
		ret->argument = arena_strndup(a, rest, rest_len);
	return 0;
}

int program_head_read(const char *path, struct arena *a, struct program_head *ret, struct err *err)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char line[SCRIPT_LINE_BYTES + 1];
	struct program_head head = {.kind = PROGRAM_OTHER};

	if (fd < 0)
		return err_errno(err, "%s", path);
	ssize_t n = TEMP_FAILURE_RETRY(pread(fd, line, SCRIPT_LINE_BYTES, 0));
	if (n < 0)
		return err_errno(err, "read %s", path);
	line[n] = '\0';
	if (n >= SELFMAG && !memcmp(line, ELFMAG, SELFMAG)) {
		if (read_elf(fd, path, a, &head, err) < 0)
			return -1;
	} else if (!strncmp(line, "#!", strlen("#!"))) {
		if (read_script(line, path, a, &head, err) < 0)
			return -1;
	}
	*ret = head;
	return 0;
}

/* --- finding --- */

static bool is_program(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

char *program_find(const char *name, const char *start_dir, const char *path, struct arena *a)
{
	if (strchr(name, '/')) {
		char *whole = name[0] == '/' ? arena_strdup(a, name)
					     : arena_printf(a, "%s/%s", start_dir, name);

		return is_program(whole) ? whole : NULL;
	}
	for (const char *p = *name ? path : NULL; p;) {
		size_t len = strcspn(p, ":");
		char whole[PATH_MAX];

		/* A relative folder would depend on where the program is started. */
		if (p[0] == '/' && len + 1 + strlen(name) < sizeof(whole)) {
			memcpy(whole, p, len);
			whole[len] = '/';
			memcpy(whole + len + 1, name, strlen(name) + 1);
			if (is_program(whole))
				return arena_strdup(a, whole);
		}
		p = p[len] ? p + len + 1 : NULL;
	}
	return NULL;
}

bool program_is_in_path(const char *folder, const char *path)
{
	size_t len = strlen(folder);

	for (const char *p = path; p; p = strchr(p, ':') ? strchr(p, ':') + 1 : NULL)
		if (!strncmp(p, folder, len) && (p[len] == ':' || p[len] == '\0'))
			return true;
	return false;
}
