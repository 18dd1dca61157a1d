/* SPDX-License-Identifier: MIT */
#include "faults/wire/outfile.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/* Large enough that a full cable (200,000 packets a second) costs about 150 writes a second. */
#define OUTFILE_BUFFER_BYTES ((size_t)256 * 1024)

int outfile_init(struct outfile *o, int fd)
{
	*o = (struct outfile){.fd = fd, .size = OUTFILE_BUFFER_BYTES};
	o->buffer = malloc(o->size);
	return o->buffer ? 0 : -1;
}

void outfile_free(struct outfile *o)
{
	free(o->buffer);
	o->buffer = NULL;
}

void outfile_flush(struct outfile *o)
{
	for (size_t done = 0; done < o->used && !o->error;) {
		ssize_t n = write(o->fd, o->buffer + done, o->used - done);

		if (n >= 0)
			done += (size_t)n;
		else if (errno != EINTR)
			o->error = errno;
	}
	o->used = 0;
}

void *outfile_reserve(struct outfile *o, size_t n)
{
	if (o->used + n > o->size)
		outfile_flush(o);

	void *p = o->buffer + o->used;
	o->used += n;
	return p;
}

int outfile_check(const struct outfile *o, const char *what, struct err *err)
{
	if (!o->error)
		return 0;
	errno = o->error;
	return err_errno(err, "write %s", what);
}

int outfile_sync(struct outfile *o, const char *what, struct err *err)
{
	outfile_flush(o);
	/* A pipe or a memfd has no disk behind it. */
	if (!o->error && fsync(o->fd) && errno != EINVAL && errno != EROFS)
		o->error = errno;
	return outfile_check(o, what, err);
}
