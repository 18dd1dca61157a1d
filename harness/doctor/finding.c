/* SPDX-License-Identifier: MIT */
#include "harness/doctor/probe.h"

#include <stdarg.h>
#include <stdio.h>

static void __attribute__((format(printf, 3, 0)))
set(struct doctor_finding *f, enum doctor_state state, const char *fmt, va_list ap)
{
	f->state = state;
	f->mend[0] = '\0';
	vsnprintf(f->found, sizeof(f->found), fmt, ap);
}

void finding_have(struct doctor_finding *f, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	set(f, DOCTOR_HAVE, fmt, ap);
	va_end(ap);
}

void finding_lack(struct doctor_finding *f, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	set(f, DOCTOR_LACK, fmt, ap);
	va_end(ap);
}

void finding_unknown(struct doctor_finding *f, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	set(f, DOCTOR_UNKNOWN, fmt, ap);
	va_end(ap);
}

void finding_mend(struct doctor_finding *f, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(f->mend, sizeof(f->mend), fmt, ap);
	va_end(ap);
}
