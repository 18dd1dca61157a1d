/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <string.h>
#include <unistd.h>

#include "harness/base/cleanup.h"
#include "harness/doctor/probe.h"

static void run_container(const struct doctor_input *in, struct doctor_finding *f)
{
	const struct doctor_machine *m = &in->machine;
	const char *kind = machine_container_name(m);
	bool no_sys_admin = m->root && !machine_has_capability(m, CAP_SYS_ADMIN);
	bool no_net_admin = m->root && !machine_has_capability(m, CAP_NET_ADMIN);
	bool confined = machine_is_confined(m);

	if (!kind) {
		finding_have(f, "no container");
		return;
	}
	if (!no_sys_admin && !no_net_admin && !m->seccomp && !confined && !m->proc_masks[0]) {
		finding_have(f, "%s (%s), with nothing in the way", kind, m->container_by);
		return;
	}
	finding_lack(
		f, "%s (%s); limits:%s%s%s%s%s%s%s", kind, m->container_by,
		no_sys_admin ? " no CAP_SYS_ADMIN;" : "", no_net_admin ? " no CAP_NET_ADMIN;" : "",
		m->seccomp ? " a seccomp filter;" : "", confined ? " AppArmor's " : "",
		confined ? m->apparmor : "", m->proc_masks[0] ? " masked: " : "", m->proc_masks);
	mend_container(m, f);
}

const struct doctor_probe probe_container = {
	.name = "container",
	.what = "whether a container confines wirecut",
	.costs = "nothing, where the probes above succeed",
	.need = DOCTOR_NOT_NEEDED,
	.run = run_container,
};

static void run_apparmor(const struct doctor_input *in, struct doctor_finding *f)
{
	const struct doctor_machine *m = &in->machine;

	if (!m->userns_by_apparmor) {
		finding_have(f, "not limited");
	} else if (!machine_apparmor_confines(m)) {
		finding_have(f, "limited, but not for %s",
			     machine_has_capability(m, CAP_SYS_ADMIN) ? "root" : m->apparmor);
	} else {
		finding_lack(f, "kernel.apparmor_restrict_unprivileged_userns is 1, and no profile "
				"allows this program to");
		mend_apparmor(m, f);
	}
}

const struct doctor_probe probe_apparmor = {
	.name = "apparmor",
	.what = "user namespaces with rights, under AppArmor's limit",
	.costs = "namespaces have no rights: nothing can be run",
	.need = DOCTOR_NEEDED,
	.run = run_apparmor,
};

static void run_programs(const struct doctor_input *in, struct doctor_finding *f)
{
	static const char *const names[] = {"ref-server", "ref-client"};
	_cleanup_close_ int dir = open(in->programs, O_PATH | O_DIRECTORY | O_CLOEXEC);

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (dir >= 0 && faccessat(dir, names[i], X_OK, 0) == 0)
			continue;
		finding_lack(f, "%s/%s: %s", in->programs, names[i], strerror(errno));
		finding_mend(f, "make, or make install: they belong beside wirecut, or into "
				"../libexec/wirecut from there");
		return;
	}
	finding_have(f, "in %s", in->programs);
}

const struct doctor_probe probe_programs = {
	.name = "programs",
	.what = "ref-server and ref-client, which the suite's scenarios run",
	.costs = "scenarios can run only your own programs",
	.need = DOCTOR_NICE,
	.run = run_programs,
};
