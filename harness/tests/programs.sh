#!/bin/bash
# SPDX-License-Identifier: MIT
# Unpacks Debian packages into a folder: servers for scenarios, which as installed packages would run as
# services of this machine. The libraries that they need are the caller's to install.
# Usage: programs.sh DIR PACKAGE...
set -eu

dir=$1
shift
if ! command -v apt-get >/dev/null; then
	# Not Debian: a marker says that they are in PATH.
	[ -n "${WIRECUT_DEPS_OK:-}" ] && exit 0
	echo "Some scenarios need what Debian calls: $*" >&2
	echo "Install them with your package manager (they need not run), then set WIRECUT_DEPS_OK=1." >&2
	exit 1
fi
sudo=""
[ "$(id -u)" -eq 0 ] || sudo=sudo
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
# As root apt fetches as a user of its own, who must be able to write there.
if [ "$(id -u)" -eq 0 ] && id -u _apt >/dev/null 2>&1; then chown _apt "$tmp"; fi
cd "$tmp"
echo "Unpacking into $dir: $*"
apt-get download -qq "$@" 2>/dev/null || {
	# The lists of packages are missing or old.
	$sudo apt-get update -qq
	apt-get download -qq "$@"
}
cd "$OLDPWD"
mkdir -p "$dir"
for deb in "$tmp"/*.deb; do
	dpkg -x "$deb" "$dir"
done
