#!/bin/bash
# SPDX-License-Identifier: MIT
# HOST PORT: one line there and back, and through another program of the shell's.
exec 3<>"/dev/tcp/$1/$2" || exit 3
echo hello >&3
read -r -t 5 line <&3 || exit 2
[ "$(tr a-z A-Z <<<"$line")" = HELLO ]
