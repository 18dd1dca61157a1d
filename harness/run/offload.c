/* SPDX-License-Identifier: MIT */
#include "harness/run/offload.h"

#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "harness/base/cleanup.h"

int offload_disable(const char *ifname, struct err *err)
{
	/* The order matters: TSO and GSO depend on scatter-gather and checksums. */
	static const struct {
		unsigned int command;
		const char *name;
	} offloads[] = {
		{ETHTOOL_STSO, "TSO"},
		{ETHTOOL_SGSO, "GSO"},
		{ETHTOOL_SGRO, "GRO"},
		{ETHTOOL_SSG, "scatter-gather"},
		{ETHTOOL_STXCSUM, "tx checksum"},
	};
	_cleanup_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return err_errno(err, "open a socket for ethtool");
	for (size_t i = 0; i < ARRAY_SIZE(offloads); i++) {
		struct ethtool_value value = {.cmd = offloads[i].command, .data = 0};
		struct ifreq req = {.ifr_data = (void *)&value};

		snprintf(req.ifr_name, sizeof(req.ifr_name), "%s", ifname);
		if (ioctl(fd, SIOCETHTOOL, &req) < 0)
			return err_errno(err, "turn off %s on %s", offloads[i].name, ifname);
	}
	return 0;
}
