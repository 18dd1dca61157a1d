#!/bin/bash
# SPDX-License-Identifier: MIT
# Runs test programs one after the other, each under $WRAP if that is set, and tells how many there
# were. Their output (Check's totals) is shown as it comes; what the failed ones said last is shown
# again at the end, where a log that was cut short still has it.
set -uo pipefail

lines_again=30
failed=()
said=$(mktemp -d)
trap 'rm -rf "$said"' EXIT

for t in "$@"; do
	echo "== ${t#"${BUILD:-build}"/}"
	${WRAP:-} "$t" 2>&1 | tee "$said/last" && continue
	mv "$said/last" "$said/${#failed[@]}"
	failed+=("$t")
done
for i in "${!failed[@]}"; do
	printf '\n== failed: %s\n' "${failed[i]}"
	tail -n "$lines_again" "$said/$i"
done
echo
echo "$(($# - ${#failed[@]})) passed, ${#failed[@]} failed"
[ ${#failed[@]} -eq 0 ] && [ $# -gt 0 ] && exit 0
printf 'failed: %s\n' "${failed[@]}"
exit 1
