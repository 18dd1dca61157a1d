/* SPDX-License-Identifier: MIT */
#include <linux/capability.h>
#include <stdio.h>

#include "harness/base/cleanup.h"
#include "harness/doctor/probe.h"

void mend_container(const struct doctor_machine *m, struct doctor_finding *f)
{
	const struct {
		bool in_the_way;
		const char *flag;
	} flags[] = {
		/* To an ordinary user in it they would give nothing. */
		{m->root && !machine_has_capability(m, CAP_SYS_ADMIN), "--cap-add SYS_ADMIN"},
		{m->root && !machine_has_capability(m, CAP_NET_ADMIN), "--cap-add NET_ADMIN"},
		{m->seccomp, "--security-opt seccomp=unconfined"},
		{machine_is_confined(m), "--security-opt apparmor=unconfined"},
		{m->proc_masks[0] != '\0', m->container == CONTAINER_PODMAN
						   ? "--security-opt unmask=ALL"
						   : "--security-opt systempaths=unconfined"},
	};
	char text[sizeof(f->mend)] = "";
	size_t used = 0;

	for (size_t i = 0; i < ARRAY_SIZE(flags); i++)
		if (flags[i].in_the_way)
			used += (size_t)snprintf(text + used, sizeof(text) - used, " %s",
						 flags[i].flag);
	finding_mend(f, "%s run%s%s", m->container == CONTAINER_PODMAN ? "podman" : "docker",
		     used ? text : " --privileged",
		     m->container == CONTAINER_OTHER ? " (or what does the same where your "
						       "containers are made)"
						     : "");
}

void mend_apparmor(const struct doctor_machine *m, struct doctor_finding *f)
{
	finding_mend(f,
		     "%ssudo apparmor_parser -r /etc/apparmor.d/wirecut, and run the installed "
		     "wirecut; or, for every program until the next boot: sudo sysctl -w "
		     "kernel.apparmor_restrict_unprivileged_userns=0",
		     m->profile_is_installed ? "" : "sudo make install, then ");
}

void mend_refused(const struct doctor_machine *m, struct doctor_finding *f)
{
	if (m->container != CONTAINER_NONE)
		mend_container(m, f);
	else if (machine_apparmor_confines(m))
		mend_apparmor(m, f);
	else if (m->userns_forbidden && !m->root)
		finding_mend(f, "sudo sysctl -w kernel.unprivileged_userns_clone=1");
	else if (m->seccomp)
		finding_mend(f, "run wirecut outside of what has put a seccomp filter on it (a "
				"service with RestrictNamespaces=, a sandboxed shell)");
	else if (machine_is_confined(m))
		finding_mend(f, "allow it in the AppArmor profile %s, or run wirecut outside of it",
			     m->apparmor);
	else if (!m->root)
		finding_mend(f, "run wirecut as root: sudo wirecut run");
	else
		finding_mend(f, "find out which security module forbids it: sudo dmesg | tail");
}

void mend_module(const char *module, struct doctor_finding *f)
{
	finding_mend(f,
		     "sudo modprobe %s (if there is none: install the modules of this kernel, "
		     "or a kernel that has it)",
		     module);
}
