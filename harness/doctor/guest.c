/* SPDX-License-Identifier: MIT */
/* What the virtual clock needs: QEMU that can make time jump, and a kernel to boot in it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/base/capture.h"
#include "harness/base/cleanup.h"
#include "harness/base/io.h"
#include "harness/doctor/probe.h"
#include "harness/virtual/kernel.h"
#include "harness/virtual/program.h"

static const char qemu_name[] = "qemu-system-x86_64";

/* --- a machine that only ends itself --- */

/* Its ROM is as small as QEMU takes one; the processor starts 16 bytes before its end. */
#define ROM_BYTES     65536
#define RESET_OFFSET  (ROM_BYTES - 16)
#define EXIT_DEVICE   "isa-debug-exit,iobase=0xf4,iosize=4"
#define EXIT_BY_GUEST 3 /* what QEMU makes of the 1 that is written there: 1 << 1 | 1 */

/* mov $1, %al; out %al, $0xf4; hlt */
static const unsigned char exit_code[] = {0xb0, 0x01, 0xe6, 0xf4, 0xf4};

/* The ROM's path for a child, which inherits the descriptor; -1 with errno. */
static int make_rom(void)
{
	_cleanup_close_ int fd = memfd_create("wirecut-rom", 0);

	if (fd < 0 || ftruncate(fd, ROM_BYTES) < 0 ||
	    pwrite(fd, exit_code, sizeof(exit_code), RESET_OFFSET) != sizeof(exit_code))
		return -1;
	return TAKE_FD(fd);
}

static int boot(const char *qemu, nsec_t limit, struct arena *a, struct captured *ret,
		struct err *err)
{
	static const char *const env[] = {NULL};
	_cleanup_close_ int rom = make_rom();

	if (rom < 0)
		return err_errno(err, "make a file in memory");
	const char *const argv[] = {qemu,
				    "-M",
				    "pc",
				    "-m",
				    "4M",
				    "-accel",
				    "tcg,thread=single",
				    "-icount",
				    "shift=0,sleep=off",
				    "-nodefaults",
				    "-no-user-config",
				    "-display",
				    "none",
				    "-no-reboot",
				    "-device",
				    EXIT_DEVICE,
				    "-bios",
				    arena_printf(a, "/proc/self/fd/%d", rom),
				    NULL};

	return capture_run(argv, env, limit, a, ret, err);
}

static void run_qemu(const struct doctor_input *in, struct doctor_finding *f)
{
	static const char *const env[] = {NULL};
	_cleanup_arena_ struct arena a = {0};
	const char *path = getenv("PATH");
	const char *qemu = program_find(qemu_name, "/", path ? path : "", &a);
	const char *const argv[] = {qemu, "--version", NULL};
	char number[32] = "";
	struct captured version = {.out = number}, booted = {.err = number};
	struct err err = {0};

	if (!qemu) {
		finding_lack(f, "no %s in PATH", qemu_name);
		finding_mend(f, "sudo apt install qemu-system-x86 (make deps-virtual does it)");
		return;
	}
	/* Both must have ended before this probe's own time is over. */
	if (capture_run(argv, env, in->limit / 4, &a, &version, &err) < 0 ||
	    boot(qemu, in->limit / 2, &a, &booted, &err) < 0) {
		finding_lack(f, "%s", err.msg);
	} else if (!WIFEXITED(booted.status) || WEXITSTATUS(booted.status) != EXIT_BY_GUEST) {
		finding_lack(f, "%s does not run a guest with icount: %.*s", qemu,
			     (int)strcspn(booted.err, "\n"), booted.err);
	} else {
		if (sscanf(version.out, "QEMU emulator version %31s", number) != 1)
			snprintf(number, sizeof(number), "of an unknown version");
		finding_have(f, "QEMU %s, with icount", number);
		return;
	}
	finding_mend(f, "install QEMU 7 or later with TCG, as Debian and Ubuntu have it: "
			"sudo apt install qemu-system-x86");
}

const struct doctor_probe probe_qemu = {
	.name = "qemu",
	.what = "a guest whose time jumps over idleness (TCG, icount)",
	.costs = "nothing runs on the virtual clock",
	.need = DOCTOR_NICE,
	.run = run_qemu,
};

static void run_guest_kernel(const struct doctor_input *in, struct doctor_finding *f)
{
	_cleanup_arena_ struct arena a = {0};
	struct guest_kernel kernel;
	struct module_list modules;
	struct err err = {0};

	(void)in;
	if (kernel_find(&(struct kernel_choice){0}, &a, &kernel, &err) < 0 ||
	    kernel_modules(&kernel, kernel_modules_wanted, kernel_n_modules_wanted, &a, &modules,
			   &err) < 0) {
		finding_lack(f, "%s", err.msg);
		finding_mend(
			f,
			"make guest-kernel fetches one (nothing is installed; for a wirecut "
			"that is, link build/guest-kernel to PREFIX/lib/wirecut/guest-kernel); or "
			"WIRECUT_KERNEL=IMAGE WIRECUT_MODULES=DIR");
		return;
	}
	finding_have(f, "%s in %s, %zu modules", kernel.release, kernel.image, modules.paths.n);
}

const struct doctor_probe probe_guest_kernel = {
	.name = "guest-kernel",
	.what = "a kernel for guests, with its modules",
	.costs = "nothing runs on the virtual clock",
	.need = DOCTOR_NICE,
	.run = run_guest_kernel,
};
