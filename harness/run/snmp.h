/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_RUN_SNMP_H
#define WIRECUT_RUN_SNMP_H

#include <stdbool.h>
#include <stdint.h>

/*
 * The counter of this name in the text of /proc/net/snmp or /proc/net/netstat. Its name is that of
 * nstat(8): the group and the column together, TcpExtListenDrops. False if it is not there.
 *
 * The text is pairs of lines, of names and of values, both beginning with the group and a colon
 * (net/ipv4/proc.c).
 */
bool snmp_find(const char *text, const char *name, int64_t *ret);

#endif
