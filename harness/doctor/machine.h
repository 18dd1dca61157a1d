/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_DOCTOR_MACHINE_H
#define WIRECUT_DOCTOR_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/base/arena.h"

enum container_kind { CONTAINER_NONE, CONTAINER_DOCKER, CONTAINER_PODMAN, CONTAINER_OTHER };

/*
 * Where this process runs and what confines it: what the machine says of itself, from files. It
 * explains what a probe finds, and chooses the mend; whether something works, only a probe tells.
 */
struct doctor_machine {
	bool root;
	enum container_kind container;
	char container_by[32];   /* the file that tells; "" without one */
	uint64_t capabilities;   /* effective (capabilities(7)), bit by bit */
	bool seccomp;            /* a seccomp filter is on (seccomp(2)) */
	char apparmor[64];       /* the profile that this process runs under; "" without AppArmor */
	bool userns_by_apparmor; /* AppArmor gives user namespaces to listed programs only */
	bool userns_forbidden;   /* Debian's kernel.unprivileged_userns_clone is 0 */
	bool profile_is_installed; /* our AppArmor profile lies in /etc/apparmor.d */
	char proc_masks[160]; /* what is mounted over parts of /proc: "/proc/kcore /proc/keys" */
};

/* Reads it below root_fd, an open "/". What cannot be read is taken as absent. */
void machine_read(int root_fd, struct doctor_machine *ret);

/*
 * The text of a file below root_fd, into `a`; NULL with errno. For files of /proc and /sys, whose size
 * nobody knows before they are read; at most 64 KiB of them, which no file read here has.
 */
char *machine_text(int root_fd, const char *name, struct arena *a);

bool machine_has_capability(const struct doctor_machine *m, int capability);

/* A profile of AppArmor limits this process ("docker-default (enforce)"). */
bool machine_is_confined(const struct doctor_machine *m);

/* AppArmor takes the power from every user namespace that this process makes. */
bool machine_apparmor_confines(const struct doctor_machine *m);

/* "docker", "podman", "container"; NULL outside of one. */
const char *machine_container_name(const struct doctor_machine *m);

#endif
