#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Every published case, asked as a real request: the kernel refuses nothing that
# the gateway would not refuse with the same words, and leaves to the gateway
# only what cannot be told from head, peer and clock.  The runner itself tells a
# wrong answer from a right one.
#
#   scripts/conformance makes its own topology
set -eu -o pipefail

here=$(cd "$(dirname "$0")/../.." && pwd)
cases=$here/tests/conformance/cases.json
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

[ "$(id -u)" = 0 ] || { echo "1..0 # SKIP needs root"; exit 77; }

n=0
failed=0
check() {
	local what=$1
	shift
	if "$@"; then
		echo "ok $((++n)) - $what"
	else
		echo "not ok $((++n)) - $what"
		sed 's/^/# /' "$tmp/out"
		failed=1
	fi
}

run() {
	rc=0
	"$here/scripts/conformance" "$@" >"$tmp/out" 2>&1 || rc=$?
}

# Escapes in the path are the gateway's to resolve; an address is unsure where a
# header or a proxy may name another.
left_for_good_reasons() {
	! awk -F '\t' '$1 == "left" && $5 != "path-unsure" &&
		$5 != "address-unsure"' "$tmp/out" | grep .
}

run --plane agent "$cases"
check "agent: nothing is wrong" [ "$rc" -eq 0 ]
check "agent: every case was asked" \
	grep -Eq '^agent: 290 cases, .* 0 wrong$' "$tmp/out"

run --plane kernel -v "$cases"
check "kernel: nothing is wrong" [ "$rc" -eq 0 ]
check "kernel: every case was asked" \
	grep -Eq '^kernel: 200 cases, .* 0 wrong$' "$tmp/out"
check "kernel: every denial that can be made was made" left_for_good_reasons

run --plane kernel --split 7 -v "$cases"
check "kernel: the same of heads in segments of 7 bytes" \
	grep -Eq '^kernel: 200 cases, .* 0 wrong$' "$tmp/out"
check "kernel: every denial was made of those, too" left_for_good_reasons

# One case each: a refusal taken for leave, another status, another text.
jq '[.[] | select(.id == "A038") | .expect |= map_values({status: 200,
	code: "ALLOW"})]' "$cases" >"$tmp/allowed.json"
jq '[.[] | select(.id == "A038") | .expect |= map_values(.status = 403)]' \
	"$cases" >"$tmp/status.json"
jq '[.[] | select(.id == "A038") | .expect |= map_values(.message = "x")]' \
	"$cases" >"$tmp/message.json"
run --plane kernel "$tmp/allowed.json" "$tmp/status.json" "$tmp/message.json"
check "kernel: what is wrong is found" [ "$rc" -eq 1 ]
check "kernel: and counted" grep -q ' 6 wrong$' "$tmp/out"
echo "1..$n"
exit $failed
