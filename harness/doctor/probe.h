/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_DOCTOR_PROBE_H
#define WIRECUT_DOCTOR_PROBE_H

#include "harness/doctor/doctor.h"

/* For the probes: saying what was found. The last call counts. */

void finding_have(struct doctor_finding *f, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void finding_lack(struct doctor_finding *f, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void finding_unknown(struct doctor_finding *f, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* How to mend what is lacking. */
void finding_mend(struct doctor_finding *f, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * The mend of what was refused (EPERM, EACCES, EROFS) that a run may do on a common machine: by
 * what confines this process, its container before all else.
 */
void mend_refused(const struct doctor_machine *m, struct doctor_finding *f);

/*
 * The flags with which this container would have to be run, from what is seen to be in the way:
 * "docker run --cap-add ...".
 */
void mend_container(const struct doctor_machine *m, struct doctor_finding *f);

/* The mend of AppArmor's limit on user namespaces. */
void mend_apparmor(const struct doctor_machine *m, struct doctor_finding *f);

/* Where a kernel module lacks. */
void mend_module(const char *module, struct doctor_finding *f);

extern const struct doctor_probe probe_apparmor, probe_clock, probe_container, probe_cores,
	probe_cubic, probe_destroy, probe_destroyed, probe_ehash, probe_guest_kernel, probe_ipv6,
	probe_max_namespaces, probe_memory, probe_namespaces, probe_nested, probe_netem,
	probe_nofile, probe_packet, probe_proc, probe_programs, probe_qemu, probe_real_time,
	probe_sockdiag, probe_sysctl, probe_tmpfs, probe_veth;

#endif
