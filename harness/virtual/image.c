/* SPDX-License-Identifier: MIT */
#include "harness/virtual/image.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/base/cleanup.h"
#include "harness/virtual/archive.h"
#include "harness/virtual/channel.h"
#include "harness/virtual/initrd.h"
#include "harness/virtual/qemu.h"

/* Wirecut, its libraries and some modules: an order of magnitude more than they are. */
#define INITRD_MAX (256ULL << 20)

const char image_command_line[] =
	"console=ttyS0 quiet loglevel=4 panic=-1 rdinit=" GUEST_PROGRAM " "
	"tsc=reliable lpj=4000000 nowatchdog mitigations=off cryptomgr.notests "
	"cgroup_disable=memory psi=0 rcu_nocbs=0 "
	"nokaslr norandmaps random.trust_cpu=off acpi_no_memhotplug";

static int make_initrd(const struct guest_kernel *kernel, struct arena *a, struct err *err)
{
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	struct fileset set;

	if (n < 0)
		return err_errno(err, "find this program");
	self[n] = '\0';
	fileset_init(&set, INITRD_MAX, a);
	if (initrd_files(kernel, self, &set, NULL, err) < 0)
		return err_wrap(err, "pack the guest's initial file system");
	_cleanup_close_ int fd = memfd_create("wirecut-initrd", MFD_CLOEXEC);
	if (fd < 0)
		return err_errno(err, "make the guest's initial file system");
	if (archive_write(&set, fd, err) < 0)
		return err_wrap(err, "pack the guest's initial file system");
	return TAKE_FD(fd);
}

/* --- its key --- */

/* FNV-1a (http://www.isthe.com/chongo/tech/comp/fnv/), eight bytes at a time: megabytes are hashed. */
#define FNV_OFFSET 0xcbf29ce484222325ULL
#define FNV_PRIME  0x100000001b3ULL

static void mix(uint64_t *key, const void *bytes, size_t len)
{
	const uint8_t *p = bytes;

	for (; len >= sizeof(uint64_t); p += sizeof(uint64_t), len -= sizeof(uint64_t)) {
		uint64_t word;

		memcpy(&word, p, sizeof(word));
		*key = (*key ^ word) * FNV_PRIME;
		*key ^= *key >> 32; /* the product carries upwards only */
	}
	for (; len; p++, len--)
		*key = (*key ^ *p) * FNV_PRIME;
}

static int mix_file(uint64_t *key, int fd, const char *what, struct err *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_errno(err, "%s", what);
	if (!st.st_size)
		return 0;
	void *p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		return err_errno(err, "read %s", what);
	mix(key, p, (size_t)st.st_size);
	munmap(p, (size_t)st.st_size);
	return 0;
}

/* QEMU loads data of its own from elsewhere: it is known by its file's size and time. */
static int mix_qemu(uint64_t *key, const char *program, struct err *err)
{
	struct stat st;

	if (stat(program, &st) < 0)
		return err_errno(err, "%s", program);
	mix(key, program, strlen(program));
	mix(key, &st.st_size, sizeof(st.st_size));
	mix(key, &st.st_mtim, sizeof(st.st_mtim));
	return 0;
}

/* Wirecut is in the file system: with it, all that it starts QEMU with. */
static int make_key(struct guest_image *image, struct err *err)
{
	_cleanup_close_ int kernel = open(image->kernel.image, O_RDONLY | O_CLOEXEC);
	uint64_t key = FNV_OFFSET;

	if (kernel < 0)
		return err_errno(err, "%s", image->kernel.image);
	if (mix_file(&key, kernel, image->kernel.image, err) < 0 ||
	    mix_file(&key, image->initrd_fd, "the guest's initial file system", err) < 0 ||
	    mix_qemu(&key, image->qemu, err) < 0)
		return -1;
	image->key = key;
	return 0;
}

int image_make(const struct kernel_choice *choice, struct arena *a, struct guest_image *ret,
	       struct err *err)
{
	struct guest_image image = {.qemu = qemu_find(a, err)};

	if (!image.qemu || kernel_find(choice, a, &image.kernel, err) < 0)
		return -1;
	_cleanup_close_ int initrd = make_initrd(&image.kernel, a, err);
	if (initrd < 0)
		return -1;
	image.initrd_fd = initrd;
	if (make_key(&image, err) < 0)
		return -1;
	*ret = image;
	(void)TAKE_FD(initrd);
	return 0;
}
