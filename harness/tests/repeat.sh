#!/bin/bash
# SPDX-License-Identifier: MIT
# Runs the core scenarios and their controls N times while every core is kept busy. A verdict that
# changes under load is a defect.
set -u

n=${1:?how often}
command -v stress-ng >/dev/null || {
	echo "stress-ng is missing (apt-get install stress-ng)" >&2
	exit 1
}
stress-ng --quiet --cpu "$(nproc)" --timeout 3600 &
load=$!
trap 'kill $load 2>/dev/null' EXIT
bad=0
for i in $(seq "$n"); do
	echo "== $i of $n"
	./wirecut run --tag core -q scenarios || bad=$((bad + 1))
done
echo "$((n - bad)) passed, $bad failed"
[ "$bad" -eq 0 ]
