#!/bin/bash
# SPDX-License-Identifier: MIT
# Runs libFuzzer programs side by side, SECONDS each: run-fuzz.sh SECONDS PROGRAM...
# Each begins with the corpus that fits it, taken from files that are in the project. With a seed in
# FUZZ_SEED each runs a fixed number of inputs instead, and the same ones every time: what fails once
# fails for everybody. It takes a minute or two.
set -u

seconds=${1:?how long}
shift
seed=${FUZZ_SEED:-}
# What a minute is good for on a slow machine.
declare -A inputs=([fuzz_scenario]=100000 [fuzz_events]=100000 [fuzz_sockdiag]=4000000
	[fuzz_packet]=10000000 [fuzz_forge]=4000000 [fuzz_frame]=300000)
failed=()
declare -A pids
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for program in "$@"; do
	name=$(basename "$program")
	mkdir -p "$work/$name"
	case $name in
	fuzz_scenario) find scenarios harness/tests/good harness/tests/bad -name '*.yaml' \
		-exec cp --backup=numbered -t "$work/$name" {} + ;;
	fuzz_events)
		cp -t "$work/$name" harness/tests/events/*.events
		[ -n "$seed" ] || for run in results/latest/*/; do
			[ -e "$run/events.jsonl" ] || continue
			{ tr -d '\n' <"$run/plan.json"; echo; head -n 60 "$run/events.jsonl"; } \
				>"$work/$name/$(basename "$run")"
		done
		;;
	esac
	limit=(-max_total_time="$seconds")
	[ -n "$seed" ] && limit=(-seed="$seed" -runs="${inputs[$name]:?how many inputs of $name}")
	"$program" "${limit[@]}" -max_len=65536 -timeout=10 -rss_limit_mb=2048 \
		-print_final_stats=1 -artifact_prefix="$work/$name-" "$work/$name" \
		>"$work/$name.log" 2>&1 &
	pids[$name]=$!
done
for name in "${!pids[@]}"; do
	if wait "${pids[$name]}"; then
		echo "$name: $(sed -n 's/stat::number_of_executed_units: *//p' "$work/$name.log") inputs"
	else
		failed+=("$name")
		tail -n 40 "$work/$name.log"
		for f in "$work/$name"-*; do
			[ -e "$f" ] && echo "$name: the input, in base64:" && base64 "$f"
		done
	fi
done
echo "$(($# - ${#failed[@]})) passed, ${#failed[@]} failed"
[ ${#failed[@]} -eq 0 ]
