#!/bin/bash
# SPDX-License-Identifier: MIT
# Places the AppArmor profile of an installed wirecut: install-apparmor.sh DESTDIR PREFIX.
# Into /etc/apparmor.d it goes only where it can be meant for this machine (no DESTDIR, as root), and
# where AppArmor knows the rule that it consists of (from version 4 on; an older one would refuse it at
# every boot, and limits nothing that would need it).
set -eu
destdir=$1
prefix=$2
profile=$destdir$prefix/share/wirecut/apparmor/wirecut
system=/etc/apparmor.d

mkdir -p "$(dirname "$profile")"
sed "s|@PREFIX@|$prefix|g" "$(dirname "$0")/apparmor.in" >"$profile"
chmod 644 "$profile"
if [ -z "$destdir" ] && [ "$(id -u)" -eq 0 ] && [ -e "$system/abi/4.0" ]; then
	install -m 644 "$profile" "$system/wirecut"
	echo "AppArmor: load the profile with: apparmor_parser -r $system/wirecut"
fi
