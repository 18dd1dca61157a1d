/* SPDX-License-Identifier: MIT */
#include "harness/tests/refuse.h"

#include <endian.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "harness/base/cleanup.h"

/* Where the low half of an argument lies in what the filter sees. */
static uint32_t offset_of_argument(int argument)
{
	size_t low_half = __BYTE_ORDER == __BIG_ENDIAN ? sizeof(uint32_t) : 0;

	return (uint32_t)(offsetof(struct seccomp_data, args) +
			  (size_t)argument * sizeof(uint64_t) + low_half);
}

bool refuse(int syscall_number, int argument, uint32_t value, int error)
{
	bool any = argument == ANY_ARGUMENT;
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		/* Jumps count from the next statement: 3 ahead is "allow". */
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)syscall_number, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, any ? (uint32_t)offsetof(struct seccomp_data, nr)
						       : offset_of_argument(argument)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, any ? (uint32_t)syscall_number : value, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (uint32_t)error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog filter = {.len = ARRAY_SIZE(code), .filter = code};

	return prctl(PR_SET_NO_NEW_PRIVS, 1UL, 0UL, 0UL, 0UL) == 0 &&
	       syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter) == 0;
}

bool give_up(int capability)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {0};
	uint32_t bit = CAP_TO_MASK(capability);
	int word = CAP_TO_INDEX(capability);

	if (syscall(SYS_capget, &header, data) < 0)
		return false;
	data[word].effective &= ~bit;
	data[word].permitted &= ~bit;
	data[word].inheritable &= ~bit;
	return syscall(SYS_capset, &header, data) == 0;
}
