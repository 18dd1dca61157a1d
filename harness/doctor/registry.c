/* SPDX-License-Identifier: MIT */
#include "harness/doctor/probe.h"

/* What everything else rests on first, what only explains last. */
const struct doctor_probe *const doctor_probes[] = {
	&probe_namespaces, &probe_veth,
	&probe_nested,     &probe_proc,
	&probe_tmpfs,      &probe_sysctl,
	&probe_packet,     &probe_sockdiag,
	&probe_destroyed,  &probe_cubic,
	&probe_nofile,     &probe_apparmor,
	&probe_programs,   &probe_real_time,
	&probe_destroy,    &probe_ehash,
	&probe_ipv6,       &probe_max_namespaces,
	&probe_cores,      &probe_memory,
	&probe_clock,      &probe_netem,
	&probe_qemu,       &probe_guest_kernel,
	&probe_container,  NULL,
};
