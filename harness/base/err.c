/* SPDX-License-Identifier: MIT */
#include "harness/base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int err_set(struct err *err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
	va_end(ap);
	return -1;
}

static const char *mend_of(int error)
{
	switch (error) {
	case EMFILE:
		return "; raise the limit (ulimit -n)";
	case ENFILE:
		return "; raise the sysctl fs.file-max";
	default:
		return "";
	}
}

/* Leaves errno as it is, which is `error`. */
__attribute__((format(printf, 4, 0))) static void
set_errno(struct err *err, int error, const char *mend, const char *fmt, va_list ap)
{
	char text[128];

	vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
	size_t used = strlen(err->msg);
	snprintf(err->msg + used, sizeof(err->msg) - used, ": %s%s",
		 strerror_r(error, text, sizeof(text)), mend);
	errno = error;
}

int err_errno(struct err *err, const char *fmt, ...)
{
	int saved = errno;
	va_list ap;

	va_start(ap, fmt);
	set_errno(err, saved, mend_of(saved), fmt, ap);
	va_end(ap);
	return -1;
}

int err_fork(struct err *err, const char *fmt, ...)
{
	int saved = errno;
	const char *mend = saved == EAGAIN ? "; no more processes are allowed: raise the limit "
					     "(ulimit -u, the cgroup's pids.max) or run fewer at "
					     "once"
					   : mend_of(saved);
	va_list ap;

	va_start(ap, fmt);
	set_errno(err, saved, mend, fmt, ap);
	va_end(ap);
	return -1;
}

int err_wrap(struct err *err, const char *fmt, ...)
{
	struct err inner = *err;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
	va_end(ap);
	size_t used = strlen(err->msg);
	snprintf(err->msg + used, sizeof(err->msg) - used, ": %s", inner.msg);
	return -1;
}
