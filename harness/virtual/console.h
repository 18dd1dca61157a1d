/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_VIRTUAL_CONSOLE_H
#define WIRECUT_VIRTUAL_CONSOLE_H

#include "harness/base/err.h"

/* What a guest's console said, in a memory file. */

/*
 * Adds to the message why a guest ended: the reason of a panic of its kernel, and the console's last
 * lines, or, of a panic, the lines around its beginning. As many as the message has room for, and
 * some room is left for contexts (err_wrap()). Nothing if the console is empty.
 */
void console_explain(int console_fd, struct err *err);

/* Writes it as console.log into the folder; nothing if it is empty. */
int console_save(int console_fd, int dir_fd, struct err *err);

#endif
