/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_TESTS_FAILING_H
#define WIRECUT_TESTS_FAILING_H

#include <stdatomic.h>
#include <stdint.h>

/*
 * What a test and the preloaded library (failing.c) have between them: a file that both map, named
 * by the environment. All processes of one run of wirecut count in it, so "the nth call" is the nth
 * of the whole process tree. Programs under test are left alone.
 */
#define FAILING_VARIABLE "WIRECUT_TEST_FAILING"

/*
 * The calls. Some are told apart by what they are done to, for an error is to be one that the
 * kernel can give: a disk is full for a file only, and only of a stream can a part be read.
 */
enum failing_call {
	FAILING_OPEN,       /* open, openat, fopen */
	FAILING_SOCKET,     /* socket, socketpair */
	FAILING_DESCRIPTOR, /* pipe2, epoll_create1, memfd_create, timerfd_create, signalfd */
	FAILING_READ,       /* read, pread */
	FAILING_READ_PART,  /* read of a file or a pipe */
	FAILING_WRITE,
	FAILING_WRITE_FILE, /* write into a file that is not one of /proc */
	FAILING_FSYNC,
	FAILING_RENAME,  /* renameat */
	FAILING_MKDIR,   /* mkdir, mkdirat */
	FAILING_SYMLINK, /* symlink, symlinkat */
	FAILING_MMAP,
	FAILING_FORK,  /* fork */
	FAILING_CLONE, /* clone3 by syscall() */
	FAILING_SEND,  /* send, sendmmsg */
	FAILING_RECV,
	FAILING_EPOLL_WAIT,
	FAILING_POLL, /* poll, ppoll */
	FAILING_WAIT, /* waitpid */
	FAILING_N_CALLS,
};

struct failing {
	int call;     /* which is to fail; -1: they are only counted */
	uint32_t nth; /* counted from 1 */
	int error;    /* the errno; 0: it succeeds with a part of what was asked for */
	_Atomic uint32_t counts[FAILING_N_CALLS];
	/* Of the call that failed: its caller, from where the program is mapped (addr2line -e). */
	_Atomic uint64_t caller;
};

#endif
