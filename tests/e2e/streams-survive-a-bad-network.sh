#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Packets lost, doubled and reordered in both directions, with refusals in
# between: no stream is corrupted, stalled or reset.  "make check-loss" asks more
# requests and tries more ways of TCP (WAYS=all).
#
#   16 clients at once ---- veth, wire, veth -----> :8080
# Good chunked bodies are left out (CHUNKED=all has them): one whose segments come
# out of order blinds the filter for the rest of its connection, and what it lets
# pass then would hide what is counted here.
: "${REQUESTS:=150}" "${WAYS:=short}" "${CHUNKED:=dead}"
. "$(dirname "$0")/../loss/lib.bash"

# With a refusal that closes, a client is reset that has sent 1 MiB in vain.
dead_max=900000

begin_tests
echo "# --deny $DENY, $REQUESTS requests, $BODIES bodies, chunked: $CHUNKED, seed $SEED"
start_peers
make_plan mixed --dead-max $dead_max
use_plan mixed
# Where refusals close, one may find the gateway's end gone and reset the client.
[ "$DENY" != reply ] || run_late_syns
case $WAYS in
short)
	run_loss "5 %" 5
	;;
all)
	# Without SACK or timestamps TCP stands still for a minute here by itself:
	# the bed alone, no program attached, had connections of 71 s.
	patience_s=120 limit_s=300
	for percent in 1 5; do
		run_loss "$percent %" $percent
		tcp sack 0
		run_loss "$percent %, no SACK" $percent
		tcp sack 1
		tcp timestamps 0
		run_loss "$percent %, no timestamps" $percent
		tcp timestamps 1
	done
	;;
esac
end_tests
