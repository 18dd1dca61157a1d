#!/bin/bash
# SPDX-License-Identifier: MIT
# Runs the suite on the real and on the virtual clock: each scenario and each control that runs on both
# must have the same verdict.
set -euo pipefail
export LC_ALL=C # the order of slugs is one for sort and join

results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT

# "slug verdict" of all that were not skipped, sorted.
verdicts() {
	./wirecut run -q --clock "$1" --seed 1 --results "$results/$1" scenarios >&2 ||
		echo "not all passed on the $1 clock" >&2
	python3 - "$results/$1/latest/run.json" <<-'PYTHON'
		import json, sys
		for s in sorted(json.load(open(sys.argv[1]))["scenarios"], key=lambda s: s["slug"]):
		    if s["verdict"] != "skip":
		        print(s["slug"], s["verdict"])
	PYTHON
}

verdicts real >"$results/of-real"
verdicts virtual >"$results/of-virtual"
join "$results/of-real" "$results/of-virtual" >"$results/both"
echo "$(wc -l <"$results/both") scenarios and controls ran on both clocks"
if ! awk '$2 != $3 {print $1 ": " $2 " on the real clock, " $3 " on the virtual"; n++} END {exit n > 0}' \
	"$results/both"; then
	exit 1
fi
[ -s "$results/both" ]
