#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# detach takes away every program and pin of ours and nothing else: not files in
# a directory that is no BPF file system, not other people's pins, and not our
# own pins while a filter that needs them is attached out of sight.  An interface
# is ours by whichever of its names it was given, and one that is gone is no
# obstacle.
#
#   client0 ---- veth -----> gate0 (altname front0) -> :8080
. "$(dirname "$0")/lib.bash"

direct=http://$gateway:8080/v1/messages

files_survive() {
	mkdir "$tmp/files"
	touch "$tmp/files/pc_counts" "$tmp/files/xdp_1"
	! in_gateway "$bin" detach --pin-dir "$tmp/files" &&
		[ -e "$tmp/files/pc_counts" ] && [ -e "$tmp/files/xdp_1" ]
}

# A map that somebody else keeps beside ours.
pin_foreign() {
	bpftool map create "$pins/pc_others" type array key 4 value 4 \
		entries 1 name others
}

begin_tests
{
	record good
	record dead '.status = "disabled"'
} | publish
check "files that are no pins stay" files_survive
ip -n "$gateway_ns" link property add dev gate0 altname front0
address_interfaces=(--interface front0)
ip -n "$gateway_ns" link add gone0 type veth peer name gone1
must "the agent starts on an altname" start_agent --request-interface gone0
is "XDP stays attached" \
	"$(status | jq -r '.interfaces[] | select(.name == "gate0").xdp')" native
is_refused "a dead key" dead 401 API_KEY_DISABLED "$direct"
end_agent TERM || true

ip -n "$gateway_ns" link delete gone0
check "detach from elsewhere says no" \
	eval '! nsenter --net="/run/netns/$client_ns" "$bin" detach --pin-dir "$pins"'
is_refused "a dead key, still" dead 401 API_KEY_DISABLED "$direct"
check "status still knows" eval '[ "$(status | jq .installed)" = true ]'
check "somebody else pins a map there" pin_foreign
check "detach" detach
check "the other's pin is left" [ -e "$pins/pc_others" ]
check "ours are gone" eval '[ "$(ls "$pins")" = pc_others ]'
check "no filter is left" \
	eval '[ -z "$(tc -n "$gateway_ns" filter show dev gate0 ingress)" ]'
is_passed "a dead key reaches the gateway" dead "$direct"
rm -f "$pins/pc_others"
end_tests
