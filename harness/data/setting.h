/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_DATA_SETTING_H
#define WIRECUT_DATA_SETTING_H

#include <stdbool.h>

/*
 * True if it is the dotted name of a setting of a network namespace, as sysctl(8) writes it
 * (net.ipv4.tcp_retries2): others are the machine's, and stay as they are.
 */
bool setting_is_of_namespace(const char *name);

#endif
