/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>
#include <sys/mount.h>

#include "harness/doctor/probe.h"
#include "harness/doctor/sandbox.h"

static void run_proc(const struct doctor_input *in, struct doctor_finding *f)
{
	const char *masks = in->machine.proc_masks;

	if (sandbox_mount_proc() == 0) {
		finding_have(f, "mounted");
		return;
	}
	int error = errno;
	finding_lack(f, "%s%s%s", strerror(error), *masks ? "; masked: " : "", masks);
	if (*masks)
		mend_container(&in->machine, f);
	else
		mend_refused(&in->machine, f);
}

const struct doctor_probe probe_proc = {
	.name = "proc",
	.what = "a /proc of its own, where a run sees only its own processes",
	.costs = "nothing can be run",
	.need = DOCTOR_NEEDED,
	.sandboxed = true,
	.run = run_proc,
};

static void run_tmpfs(const struct doctor_input *in, struct doctor_finding *f)
{
	if (mount("tmpfs", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777") == 0 &&
	    mount("/tmp", "/var/tmp", NULL, MS_BIND, NULL) == 0) {
		finding_have(f, "mounted on /tmp, and bound to /var/tmp");
		return;
	}
	finding_lack(f, "%s", strerror(errno));
	mend_refused(&in->machine, f);
}

const struct doctor_probe probe_tmpfs = {
	.name = "tmpfs",
	.what = "tmpfs and bind mounts, for private /tmp, /run and /etc/hosts",
	.costs = "nothing can be run",
	.need = DOCTOR_NEEDED,
	.sandboxed = true,
	.run = run_tmpfs,
};
