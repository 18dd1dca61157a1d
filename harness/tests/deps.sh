#!/bin/bash
# SPDX-License-Identifier: MIT
# Installs the Debian packages named that are missing: with apt, as root or by sudo.
set -eu

missing=()
if command -v dpkg-query >/dev/null; then
	for p in "$@"; do
		[[ $(dpkg-query -W -f '${Status}' "$p" 2>/dev/null) == *" installed" ]] || missing+=("$p")
	done
	[ ${#missing[@]} -eq 0 ] && exit 0
fi
if ! command -v apt-get >/dev/null; then
	# Not Debian: what is there cannot be asked by these names. A marker skips the question.
	[ -n "${WIRECUT_DEPS_OK:-}" ] && exit 0
	echo "wirecut needs the packages that Debian calls: $*" >&2
	echo "Install them with your package manager, then set WIRECUT_DEPS_OK=1." >&2
	exit 1
fi
sudo=""
if [ "$(id -u)" -ne 0 ]; then
	sudo=sudo
	command -v sudo >/dev/null || {
		echo "Missing: ${missing[*]}. Install them as root: apt-get install ${missing[*]}" >&2
		exit 1
	}
fi
echo "Installing with apt: ${missing[*]}"
$sudo apt-get update -qq
DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
