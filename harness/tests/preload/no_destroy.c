/* SPDX-License-Identifier: MIT */
/*
 * A library to preload into wirecut: it makes the kernel's answers to SOCK_DESTROY those of one that was
 * built without CONFIG_INET_DIAG_DESTROY (net/core/sock_diag.c: EOPNOTSUPP).
 */
#include <dlfcn.h>
#include <errno.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <string.h>
#include <sys/socket.h>

ssize_t recv(int fd, void *buf, size_t len, int flags)
{
	static __typeof__(&recv) next;

	if (!next)
		next = (__typeof__(&recv))dlsym(RTLD_NEXT, "recv");
	ssize_t n = next(fd, buf, len, flags);
	struct nlmsghdr h;
	struct nlmsgerr e;
	if (n < (ssize_t)NLMSG_LENGTH(sizeof(e)))
		return n;
	memcpy(&h, buf, sizeof(h));
	memcpy(&e, (char *)buf + NLMSG_HDRLEN, sizeof(e));
	if (h.nlmsg_type != NLMSG_ERROR || e.msg.nlmsg_type != SOCK_DESTROY)
		return n;
	e.error = -EOPNOTSUPP;
	memcpy((char *)buf + NLMSG_HDRLEN, &e, sizeof(e));
	return n;
}
