/* SPDX-License-Identifier: MIT */
#include "harness/virtual/kernel.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/base/cleanup.h"
#include "harness/base/io.h"

/* The real-mode header of a bzImage (Documentation/arch/x86/boot.rst, "The real-mode kernel header"). */
#define SETUP_SECTORS_OFFSET  0x1F1 /* how many sectors of real-mode code follow the first */
#define MAGIC_OFFSET          0x202 /* "HdrS" */
#define VERSION_OFFSET        0x20E /* of the release's text, less SECTOR_BYTES */
#define HEADER_BYTES          0x210
#define SECTOR_BYTES          0x200
#define SETUP_SECTORS_DEFAULT 4 /* what a 0 there means */

static const char magic[] = "HdrS";

/* As long as utsname(2) lets it be. */
#define RELEASE_BYTES_MAX 64

static const char mend[] = "fetch one with `make guest-kernel`, or name one: --kernel IMAGE";

/* --- the image --- */

static int read_header(int fd, const char *image, uint8_t *header, struct err *err)
{
	ssize_t n = TEMP_FAILURE_RETRY(pread(fd, header, HEADER_BYTES, 0));

	if (n < 0)
		return err_errno(err, "read the kernel %s", image);
	if (n < HEADER_BYTES || memcmp(header + MAGIC_OFFSET, magic, strlen(magic)) != 0)
		return err_set(err,
			       "%s is no kernel to boot: not an x86 bzImage (vmlinux and "
			       "compressed images are not)",
			       image);
	return 0;
}

static bool is_folder(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISDIR(st.st_mode);
}

char *kernel_release(const char *image, struct arena *a, struct err *err)
{
	_cleanup_close_ int fd = open(image, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char text[RELEASE_BYTES_MAX + 1];
	uint8_t header[HEADER_BYTES];
	uint16_t at;

	if (fd < 0) {
		err_errno(err, "open the kernel %s", image);
		return NULL;
	}
	if (is_folder(fd)) {
		err_set(err, "the kernel %s is a folder: name the image in it, as %s/vmlinuz",
			image, image);
		return NULL;
	}
	if (read_header(fd, image, header, err) < 0)
		return NULL;
	memcpy(&at, header + VERSION_OFFSET, sizeof(at));
	at = le16toh(at);
	unsigned int sectors =
		header[SETUP_SECTORS_OFFSET] ? header[SETUP_SECTORS_OFFSET] : SETUP_SECTORS_DEFAULT;
	ssize_t n = -1;
	if (at != 0 && at < sectors * SECTOR_BYTES)
		n = TEMP_FAILURE_RETRY(pread(fd, text, RELEASE_BYTES_MAX, at + SECTOR_BYTES));
	text[n > 0 ? n : 0] = '\0';
	/* "6.1.0-56-cloud-amd64 (debian-kernel@lists.debian.org) #1 SMP ..." */
	size_t len = strcspn(text, " \n");
	if (len == 0 || len == RELEASE_BYTES_MAX || memchr(text, '/', len)) {
		err_set(err, "the kernel %s does not tell its release", image);
		return NULL;
	}
	return arena_strndup(a, text, len);
}

/* --- its modules --- */

static bool has_modules(const char *dir, struct arena *a)
{
	return access(arena_printf(a, "%s/modules.dep", dir), R_OK) == 0;
}

static int check_modules(const char *dir, struct arena *a, struct err *err)
{
	if (access(dir, F_OK) < 0)
		return err_errno(err, "the kernel's modules: %s", dir);
	if (!has_modules(dir, a))
		return err_set(err,
			       "the kernel's modules: %s has no modules.dep: make it with "
			       "depmod(8), as installing a kernel does",
			       dir);
	return 0;
}

static int find_modules(struct guest_kernel *k, struct arena *a, struct err *err)
{
	const char *slash = strrchr(k->image, '/');
	const char *dir = slash ? arena_strndup(a, k->image, (size_t)(slash - k->image)) : ".";
	char *const candidates[] = {
		arena_printf(a, "%s/modules", dir),
		arena_printf(a, "%s/../lib/modules/%s", dir, k->release),
		arena_printf(a, "/lib/modules/%s", k->release),
	};

	for (size_t i = 0; i < ARRAY_SIZE(candidates); i++)
		if (has_modules(candidates[i], a)) {
			k->modules = candidates[i];
			return 0;
		}
	return err_set(
		err,
		"no modules for the kernel %s (%s): looked for modules.dep in %s, %s and %s; "
		"name their folder: --modules DIR",
		k->image, k->release, candidates[0], candidates[1], candidates[2]);
}

static int take(const char *image, const char *modules, struct arena *a, struct guest_kernel *ret,
		struct err *err)
{
	struct guest_kernel k = {.image = arena_strdup(a, image),
				 .modules = arena_strdup(a, modules)};

	k.release = kernel_release(image, a, err);
	if (!k.release)
		return -1;
	if (k.modules ? check_modules(k.modules, a, err) < 0 : find_modules(&k, a, err) < 0)
		return -1;
	if (kernel_check_modules(&k, a, err) < 0)
		return -1;
	*ret = k;
	return 0;
}

/* --- finding --- */

/* An empty variable is as good as none. */
static const char *variable(const char *name)
{
	const char *value = getenv(name);

	return value && *value ? value : NULL;
}

static void drop_last(char *path)
{
	char *slash = strrchr(path, '/');

	if (slash)
		*slash = '\0';
}

/* Where kernels are kept, seen from this program; NULL and an error where nothing is. */
static char *find_fetched(struct arena *a, struct err *err)
{
	/* Of a wirecut where it was built, and of one that is installed. */
	static const char *const places[] = {"guest-kernel", "lib/wirecut/guest-kernel"};
	char self[PATH_MAX], real[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (n < 0) {
		err_errno(err, "find the folder of this program");
		return NULL;
	}
	self[n] = '\0';
	drop_last(self); /* wirecut */
	drop_last(self); /* bin */
	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		if (realpath(arena_printf(a, "%s/%s", self, places[i]), real))
			return arena_strdup(a, real);
	err_set(err,
		"there is no kernel for a guest (neither %s/%s nor %s/%s): fetch one with `make "
		"guest-kernel` and, if wirecut is installed, link build/guest-kernel to the "
		"latter, or name one: --kernel IMAGE",
		self, places[0], self, places[1]);
	return NULL;
}

static int take_fetched(const char *folder, struct arena *a, struct guest_kernel *ret,
			struct err *err)
{
	const char *image = arena_printf(a, "%s/default/vmlinuz", folder);

	if (access(image, F_OK) < 0)
		return err_set(err, "there is no kernel for a guest (%s: %s): %s", image,
			       strerror(errno), mend);
	return take(image, arena_printf(a, "%s/default/modules", folder), a, ret, err);
}

int kernel_find(const struct kernel_choice *choice, struct arena *a, struct guest_kernel *ret,
		struct err *err)
{
	const char *image = choice->image, *modules = choice->modules;

	if (image)
		return take(image, modules, a, ret, err);
	if (modules)
		return err_set(err, "--modules %s is of no use without --kernel IMAGE", modules);
	image = variable("WIRECUT_KERNEL");
	if (image)
		return take(image, variable("WIRECUT_MODULES"), a, ret, err) < 0
			       ? err_wrap(err, "WIRECUT_KERNEL")
			       : 0;
	const char *fetched = choice->fetched ? choice->fetched : find_fetched(a, err);
	return fetched ? take_fetched(fetched, a, ret, err) : -1;
}
