#!/bin/bash
# SPDX-License-Identifier: MIT
# Fetches kernels for the guest of the virtual clock: the distribution's own packages, unpacked, not
# installed. Leaves DIR/RELEASE/{vmlinuz,modules/} of each, and DIR/default, a link to the stable one.
# What is there already is not fetched again: remove DIR for newer ones.
# Usage: guest-kernel.sh DIR
set -euo pipefail
shopt -s inherit_errexit

dir=$1
mkdir -p "$dir"
[ -e "$dir/default/vmlinuz" ] && [ -e "$dir/.complete" ] && exit 0
if ! command -v apt-get >/dev/null || ! command -v dpkg-deb >/dev/null; then
	echo "Kernels are fetched with apt. Elsewhere name one: --kernel IMAGE --modules DIR" >&2
	exit 1
fi
sudo=""
[ "$(id -u)" -eq 0 ] || sudo=sudo
# depmod lies where the PATH of an ordinary user does not lead.
PATH=$PATH:/usr/sbin:/sbin
command -v depmod >/dev/null || {
	echo "depmod is missing (the package kmod)" >&2
	exit 1
}

# Packages that stand for the current kernel of a kind. The first is the stable one; the second, a
# later kernel beside it, is where it differs, and is taken only if there is one.
# shellcheck source=/dev/null
. /etc/os-release
case "$ID" in
ubuntu) stands_for=(linux-image-virtual linux-image-virtual-hwe-"$VERSION_ID") ;;
*) stands_for=(linux-image-cloud-amd64 linux-image-6.12-cloud-amd64) ;;
esac

# The first package that $1 depends on and whose name starts with $2; nothing if there is none.
dependency() {
	apt-cache depends --important "$1" 2>/dev/null |
		sed -n "s/^ *|\?Depends: \($2[^ ]*\)$/\1/p" | head -n 1
}

# The package with the image that $1 stands for; nothing if apt does not know it.
image_of() {
	dependency "$1" 'linux-image-[0-9]'
}

# Where packages are fetched to and unpacked: beside the result, so that a rename places it.
tmp=$(mktemp -d "$dir/.fetch.XXXXXX")
trap 'rm -rf "$tmp"' EXIT

# Downloads packages into a folder, with newer lists of packages if the present ones are too old.
download() {
	local to=$1
	shift
	mkdir -p "$to"
	# As root apt fetches as a user of its own, who must be able to write there.
	if [ "$(id -u)" -eq 0 ] && id -u _apt >/dev/null 2>&1; then chown _apt "$tmp" "$to"; fi
	(cd "$to" && apt-get download -qq "$@" 2>/dev/null) || {
		$sudo apt-get update -qq
		(cd "$to" && apt-get download -qq "$@")
	}
}

# Fetches the image package $1 and lays it out; prints its release.
fetch() {
	local image=$1 release=${1#linux-image-} modules root
	if [ ! -e "$dir/$release/vmlinuz" ]; then
		echo "Fetching the kernel $release for the guest into $dir" >&2
		# Ubuntu has the modules in a package of their own.
		modules=$(dependency "$image" 'linux-modules-[0-9]')
		download "$tmp/$release" "$image" ${modules:+"$modules"} >&2
		root=$tmp/$release/root
		for deb in "$tmp/$release"/*.deb; do
			dpkg-deb -x "$deb" "$root"
		done
		# Where /lib is a link, packages may have their files below /usr.
		[ -d "$root/lib/modules" ] || { mkdir -p "$root/lib" && mv "$root/usr/lib/modules" "$root/lib/"; }
		depmod -b "$root" "$release"
		mkdir "$tmp/new"
		mv "$root/lib/modules/$release" "$tmp/new/modules"
		mv "$root/boot/vmlinuz-$release" "$tmp/new/vmlinuz"
		chmod -R u+rwX,go+rX "$tmp/new"
		mv -T "$tmp/new" "$dir/$release"
	fi
	echo "$release"
}

stable=$(image_of "${stands_for[0]}")
if [ -z "$stable" ]; then
	$sudo apt-get update -qq
	stable=$(image_of "${stands_for[0]}")
fi
[ -n "$stable" ] || {
	echo "apt knows no ${stands_for[0]}. Name a kernel: --kernel IMAGE --modules DIR" >&2
	exit 1
}
release=$(fetch "$stable")
ln -sfn "$release" "$tmp/default"
mv -T "$tmp/default" "$dir/default"
later=$(image_of "${stands_for[1]}")
[ -z "$later" ] || fetch "$later" >/dev/null
touch "$dir/.complete"
