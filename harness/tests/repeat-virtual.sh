#!/bin/bash
# SPDX-License-Identifier: MIT
# Runs one scenario on the virtual clock N times on a machine left alone, the hard case (a busy one hides
# what its own timers do to a guest), and a fifth as often while every core is kept busy. All must give
# the same bytes.
set -euo pipefail

n=${1:?how often}
scenario=harness/tests/virtual/heartbeats.yaml
results=$(mktemp -d)
hogs=()
end() {
	[ ${#hogs[@]} -eq 0 ] || kill "${hogs[@]}" 2>/dev/null || true
	rm -rf "$results"
}
trap end EXIT

# One line: the hash of all that must not change.
run_once() {
	./wirecut run -q --clock virtual --seed 1 --results "$results" "$scenario" >"$results/said" || {
		cat "$results/said"
		return 1
	}
	(cd "$results/latest/virtual-heartbeats" &&
		cat events.jsonl packets.pcapng verdict.json | sha256sum | cut -d' ' -f1)
	rm -rf "$results"/2*
}

# How often, and in which surroundings.
repeat() {
	for _ in $(seq "$1"); do
		run_once
	done | sort | uniq -c | while read -r times hash; do
		echo "$2: $times x $hash"
	done
}

repeat "$n" alone | tee "$results/hashes"
for _ in $(seq "$(nproc)"); do
	while :; do :; done &
	hogs+=($!)
done
repeat $(((n + 4) / 5)) "under load" | tee -a "$results/hashes"
different=$(awk '{print $NF}' "$results/hashes" | sort -u | wc -l)
echo "$different different of $((n + (n + 4) / 5))"
[ "$different" -eq 1 ]
