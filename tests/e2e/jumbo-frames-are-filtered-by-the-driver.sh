#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Frames that fill several pages are judged by the driver's own XDP, whole and
# unharmed; an interface whose driver has none is filtered all the same, and the
# agent says what the kernel said of it.
#
#   client0 ---- veth, 9,000 bytes ----> gate0 -> :8080 <-- lo, without a driver
. "$(dirname "$0")/lib.bash"

direct=http://$gateway:8080/v1/messages

make_link() {
	ip link add name client0 mtu 9000 netns "$client_ns" type veth \
		peer name gate0 mtu 9000 netns "$gateway_ns"
}

mode_of() {
	status | jq -r --arg name "$1" \
		'.interfaces[] | select(.name == $name).xdp'
}

received_bytes_a_frame() {
	ip -n "$gateway_ns" -s -j link show gate0 |
		jq '.[0].stats64.rx | .bytes / .packets | floor'
}

upload() {
	local sum
	head -c 4000000 /dev/urandom >"$tmp/large"
	ask good -T "$tmp/large" "http://$gateway:8080/v1/files/large"
	is "$1: a large body is taken" "$rc $(answered_by)" "0 gateway"
	sum=$(sha256sum <"$tmp/www/v1/files/large")
	is "$1: and arrives whole" "$sum" "$(sha256sum <"$tmp/large")"
	rm -f "$tmp/www/v1/files/large"
}

is_unanswered() {
	patience_s=0.7 ask good --interface 10.77.0.66 "$direct"
	is "$1: a blocked address" "$(answered_by)" nobody
}

# Frames as long as the wire takes, without the offloads that make them longer.
in_frames() {
	in_client ethtool -K client0 tso "$1" gso "$1" >/dev/null 2>&1 || true
	in_gateway ethtool -K gate0 gro "$1" >/dev/null 2>&1 || true
}

begin_tests
{
	record good
	record dead '.status = "disabled"'
} | publish
for mode in native generic; do
	must "the agent starts, $mode" start_agent --xdp-mode $mode \
		--block 10.77.0.66/32
	is "$mode: is what it is" "$(mode_of gate0)" $mode
	for offload in on off; do
		in_frames $offload
		upload "$mode, offloads $offload"
		is_refused "$mode: a dead key" dead 401 API_KEY_DISABLED "$direct"
		is_unanswered "$mode, offloads $offload"
	done
	end_agent TERM || true
	check "detach" detach
done
check "jumbo frames were there" [ "$(received_bytes_a_frame)" -gt 4096 ]

must "the agent starts on lo" start_agent --interface lo --block 10.77.0.66/32
is "lo is filtered" "$(mode_of lo)" generic
is "gate0 is, by the driver" "$(mode_of gate0)" native
check "it says why" grep -qi "interface lo: .*native.*driver" "$tmp/agent.log"
end_agent TERM || true
check "detach" detach
check "native alone is refused there" \
	eval '! start_agent --interface lo --xdp-mode native'
check "and says why" grep -qi "interface lo: .*native.*driver" "$tmp/agent.log"
check "it leaves nothing" [ ! -e "$pins" ]
end_tests
