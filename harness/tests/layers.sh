#!/bin/bash
# SPDX-License-Identifier: MIT
# Which folder may include headers of which: the table below is the rule, this checks it.
# A file may always include headers of its own folder.
set -u
cd "$(dirname "$0")/../.." || exit 1

# folder: the folders, or single headers, it may include
rules='
harness/base:
harness/data: harness/base faults/fault.h harness/judge/expect.h
harness/parse: harness/base harness/data faults/fault.h harness/judge/expect.h
harness/build: harness/base harness/data harness/parse/parse.h faults/fault.h faults/netem/params.h harness/judge/expect.h
harness/judge: harness/base harness/data
harness/run: harness/base harness/data faults/fault.h faults/hands.h faults/wire/forwarder.h faults/netem/netem.h harness/judge/expect.h
harness/virtual: harness/base harness/data harness/run/run.h
harness/guest: harness/base harness/data harness/run/run.h harness/run/statetrace.h harness/virtual/archive.h harness/virtual/channel.h
harness/report: harness/base harness/data harness/judge
harness/doctor: harness/base harness/data harness/run/sockdiag.h harness/run/sysctl.h harness/virtual/kernel.h harness/virtual/program.h
harness/attach: harness/base harness/data harness/parse/parse.h harness/parse/text.h faults/netem/params.h faults/netem/attributes.h
harness/cli: harness/base harness/data harness/parse harness/build harness/attach harness/run/run.h harness/report harness/doctor/doctor.h harness/guest/guest.h harness/virtual/supervisor.h harness/virtual/image.h
faults: harness/base harness/data faults/wire faults/netem
faults/wire: harness/base harness/data faults
faults/netem: harness/base harness/data faults faults/wire
reference-app:
scenarios/kernel/programs:
scenarios/faults/programs:
'
bad=0
checked=0
while IFS=: read -r folder allowed; do
	[ -n "$folder" ] || continue
	for f in "$folder"/*.[ch]; do
		[ -e "$f" ] || continue
		checked=$((checked + 1))
		while read -r header; do
			dir=$(dirname "$header")
			[ "$dir" = "$folder" ] && continue
			[ "$folder" = reference-app ] && [ "$dir" = . ] && continue
			ok=
			for a in $allowed; do
				if [ "$a" = "$dir" ] || [ "$a" = "$header" ]; then ok=1; fi
			done
			[ -n "$ok" ] && continue
			echo "$f includes $header: $folder may include only: ${allowed:- itself}"
			bad=$((bad + 1))
		done < <(sed -n 's/^#include "\(.*\)"/\1/p' "$f")
	done
done <<<"$rules"
echo "layers: $checked files checked, $bad violations"
[ "$bad" -eq 0 ] && [ "$checked" -gt 0 ]
