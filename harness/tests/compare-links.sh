#!/bin/bash
# SPDX-License-Identifier: MIT
# Runs the suite in guests on both link engines: each scenario and each control that netem can run must
# have the same verdict on wire. Arguments go to both runs (a second --kernel, a folder).
set -euo pipefail
export LC_ALL=C # the order of slugs is one for sort and join

results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT

# "slug verdict" of all that ran on this engine, sorted.
verdicts() {
	local asked=$1 ran=$2
	shift 2
	./wirecut run -q --clock virtual --link "$asked" --seed 1 --results "$results/$asked" "$@" >&2 ||
		echo "not all passed with --link $asked" >&2
	python3 - "$results/$asked/latest/run.json" "$ran" <<-'PYTHON'
		import json, sys
		for s in sorted(json.load(open(sys.argv[1]))["scenarios"], key=lambda s: s["slug"]):
		    if s["verdict"] != "skip" and s["link"] == sys.argv[2]:
		        print(s["slug"], s["verdict"])
	PYTHON
}

[ $# -gt 0 ] || set -- scenarios
verdicts wire wire "$@" >"$results/of-wire"
verdicts auto netem "$@" >"$results/of-netem"
join "$results/of-wire" "$results/of-netem" >"$results/both"
echo "$(wc -l <"$results/of-wire") scenarios and controls ran on wire," \
	"$(wc -l <"$results/both") of them on netem too"
if ! awk '$2 != $3 {print $1 ": " $2 " on wire, " $3 " on netem"; n++} END {exit n > 0}' \
	"$results/both"; then
	exit 1
fi
[ -s "$results/both" ]
