#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Every published auth case, put to portcullis serve in each dialect over a real
# socket: status, code and every byte of the body are the gateway's.  The runner
# itself tells a wrong answer from a right one.
#
#   scripts/conformance starts a service for each case; needs no root
set -eu -o pipefail

here=$(cd "$(dirname "$0")/../.." && pwd)
cases=$here/tests/conformance/cases.json
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

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
	"$here/scripts/conformance" --plane decision "$@" >"$tmp/out" 2>&1 ||
		rc=$?
}

run "$cases"
check "nothing is wrong" [ "$rc" -eq 0 ]
check "every case was asked, in four dialects" \
	grep -Eq '^decision: 848 cases, 516 denied .* 332 passed .* 0 wrong$' \
	"$tmp/out"

# One case each: a refusal taken for leave, another status, another text, and a
# row of subscription that is not there.
jq '[.[] | select(.id == "A038") | .expect |= map_values({status: 200,
	code: "ALLOW"})]' "$cases" >"$tmp/allowed.json"
jq '[.[] | select(.id == "A038") | .expect |= map_values(.status = 403)]' \
	"$cases" >"$tmp/status.json"
jq '[.[] | select(.id == "A038") | .expect |= map_values(.message = "x")]' \
	"$cases" >"$tmp/message.json"
jq '[.[] | select(.id == "A106") | .subscription = null]' \
	"$cases" >"$tmp/row.json"
run "$tmp/allowed.json" "$tmp/status.json" "$tmp/message.json" "$tmp/row.json"
check "what is wrong is found" [ "$rc" -eq 1 ]
check "and counted" grep -q ' 32 wrong$' "$tmp/out"
echo "1..$n"
exit $failed
