/* SPDX-License-Identifier: MIT */
#include "harness/attach/attachment.h"

#include <errno.h>
#include <linux/pkt_sched.h>
#include <netlink/route/qdisc.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/random.h>

#include "faults/netem/attributes.h"
#include "harness/base/cleanup.h"
#include "harness/base/nlbatch.h"
#include "harness/base/rtnl.h"

/* The first digit tells whoever looks that it is wirecut's; the kernel itself begins at 8001:. */
#define HANDLE_MAJOR_FIRST 0x7000
#define HANDLE_MAJOR_MASK  0xf000

static uint32_t draw_handle(void)
{
	uint16_t random = 0;

	if (getrandom(&random, sizeof(random), 0) != sizeof(random))
		abort(); /* so few bytes never come short (getrandom(2)) */
	return (uint32_t)(HANDLE_MAJOR_FIRST | (random & ~HANDLE_MAJOR_MASK)) << 16;
}

static bool is_of_wirecut(const char *kind, uint32_t handle)
{
	return !strcmp(kind, "netem") &&
	       (TC_H_MAJ(handle) >> 16 & HANDLE_MAJOR_MASK) == HANDLE_MAJOR_FIRST;
}

/* --- what is there --- */

static int find_device(struct attachment *at, const char *dev, struct arena *a, struct err *err)
{
	char *there = NULL;

	at->ifindex = (int)if_nametoindex(dev);
	if (at->ifindex) {
		snprintf(at->dev, sizeof(at->dev), "%s", dev);
		return 0;
	}
	struct if_nameindex *all = if_nameindex();
	for (const struct if_nameindex *i = all; i && i->if_name; i++)
		there = there ? arena_printf(a, "%s, %s", there, i->if_name)
			      : arena_strdup(a, i->if_name);
	if_freenameindex(all);
	return err_set(err, "--dev: no interface is called '%s' there; there are: %s", dev,
		       there ? there : "none");
}

/* The root qdisc that is not the kernel's default; NULL: there is none. The caller gives it back. */
static struct rtnl_qdisc *find_qdisc(const struct attachment *at, struct err *err)
{
	struct nl_cache *all;
	int rc = rtnl_qdisc_alloc_cache(at->sk, &all);

	if (rc < 0) {
		err_set(err, "list the qdiscs of %s: %s", at->dev, rtnl_reason(rc));
		return NULL;
	}
	struct rtnl_qdisc *q = rtnl_qdisc_get_by_parent(all, at->ifindex, TC_H_ROOT);
	nl_cache_free(all);
	if (q && rtnl_tc_get_handle(TC_CAST(q)))
		return q;
	rtnl_qdisc_put(q);
	return NULL;
}

int attachment_check_free(const struct attachment *at, struct err *err)
{
	err->msg[0] = '\0';
	struct rtnl_qdisc *q = find_qdisc(at, err);
	if (!q)
		return err->msg[0] ? -1 : 0;
	const char *kind = rtnl_tc_get_kind(TC_CAST(q));
	uint32_t major = rtnl_tc_get_handle(TC_CAST(q)) >> 16;
	if (is_of_wirecut(kind, rtnl_tc_get_handle(TC_CAST(q))))
		err_set(err,
			"another `wirecut inject` is at work on %s (netem %x:): wait until it "
			"ends; "
			"if none runs, take away what one left there: %s qdisc del dev %s root",
			at->dev, major, at->tc, at->dev);
	else
		err_set(err,
			"%s has a qdisc that wirecut did not set (%s %x:), and it is not replaced; "
			"if it may go: %s qdisc del dev %s root",
			at->dev, kind, major, at->tc, at->dev);
	rtnl_qdisc_put(q);
	return -1;
}

/* --- requests --- */

/* errno is that of the kernel's answer. Takes the message. */
static int ask(const struct attachment *at, struct nl_msg *msg, const char *what, struct err *err)
{
	_cleanup_arena_ struct arena a = {0};
	struct nlbatch batch = {.arena = &a};

	nlbatch_add(&batch, msg, what);
	errno = 0;
	return nlbatch_commit(&batch, at->sk, err);
}

int attachment_open(const char *dev, const char *tc, struct arena *a, struct attachment *ret,
		    struct err *err)
{
	struct attachment at = {.handle = draw_handle(), .tc = tc, .sk = rtnl_open(err)};

	if (!at.sk)
		return -1;
	if (find_device(&at, dev, a, err) < 0) {
		attachment_close(&at);
		return -1;
	}
	*ret = at;
	return 0;
}

void attachment_close(struct attachment *at)
{
	nl_socket_free(TAKE_PTR(at->sk));
}

static int explain_set(const struct attachment *at, struct err *err)
{
	const int error = errno;
	struct err there;

	switch (error) {
	case ENOENT:
		return err_set(err, "netem is not in this kernel: load sch_netem (modprobe "
				    "sch_netem; on some distributions it is in a package "
				    "kernel-modules-extra or linux-modules-extra)");
	case EPERM:
		return err_set(err,
			       "set netem on %s: it needs CAP_NET_ADMIN in the user namespace that "
			       "owns its network namespace (run as root)",
			       at->dev);
	case EEXIST:
		/* Whose it is. */
		return attachment_check_free(at, &there) < 0 ? err_set(err, "%s", there.msg) : -1;
	default:
		return -1;
	}
}

int attachment_set(const struct attachment *at, const struct netem_params *params, uint64_t seed,
		   struct arena *a, struct err *err)
{
	int16_t *table = arena_new_array(a, int16_t, NETEM_TABLE_SIZE);
	int16_t *slot_table = arena_new_array(a, int16_t, NETEM_TABLE_SIZE);
	uint8_t *options = arena_alloc(a, NETEM_OPTIONS_BYTES);

	netem_table(params->distribution, table);
	netem_table(params->slots.distribution, slot_table);
	size_t len = netem_options(params, table, slot_table, seed, options);
	struct nl_msg *msg = rtnl_netem_request(at->ifindex, at->handle, NLM_F_CREATE | NLM_F_EXCL,
						options, len);

	return ask(at, msg, "set netem", err) < 0 ? explain_set(at, err) : 0;
}

int attachment_try(const struct attachment *at, const struct netem_params *params, uint64_t seed,
		   struct arena *a, struct err *err)
{
	struct attachment trial = *at;

	if (unshare(CLONE_NEWNET) < 0)
		return err_errno(err, "try netem in a network namespace of its own");
	_cleanup_nl_ struct nl_sock *sk = rtnl_open(err);
	if (!sk)
		return -1;
	trial.sk = sk;
	trial.ifindex = LO_IFINDEX;
	return attachment_set(&trial, params, seed, a, err);
}

bool attachment_receipt(const struct attachment *at, struct attachment_receipt *ret)
{
	struct err ignored = {0};
	struct rtnl_qdisc *q = find_qdisc(at, &ignored);
	bool is_ours = q && rtnl_tc_get_handle(TC_CAST(q)) == at->handle;

	if (is_ours)
		*ret = (struct attachment_receipt){
			.passed = rtnl_tc_get_stat(TC_CAST(q), RTNL_TC_PACKETS),
			.dropped = rtnl_tc_get_stat(TC_CAST(q), RTNL_TC_DROPS),
			.held = rtnl_tc_get_stat(TC_CAST(q), RTNL_TC_QLEN),
		};
	rtnl_qdisc_put(q);
	return is_ours;
}

enum attachment_end attachment_take_away(const struct attachment *at, struct err *err)
{
	struct nl_msg *msg = rtnl_netem_delete_request(at->ifindex, at->handle);

	if (ask(at, msg, "take netem away", err) == 0)
		return ATTACHMENT_TAKEN;
	switch (errno) {
	case ENODEV:
		return ATTACHMENT_NO_DEVICE;
	case EINVAL:
	case ENOENT:
		return ATTACHMENT_REPLACED;
	default:
		err_wrap(err, "netem may still be on %s (%s qdisc del dev %s root)", at->dev,
			 at->tc, at->dev);
		return ATTACHMENT_FAILED;
	}
}
