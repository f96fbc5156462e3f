#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The address filter sees through up to two VLAN tags, and does the same where
# the driver has no XDP of its own, and at TC.  Tagged frames are made by hand, so that no
# VLAN device is needed: what became of them is read from the counters.
#
#   client0 ---- veth, frames with 0, 1 or 2 tags -----> gate0
. "$(dirname "$0")/lib.bash"

direct=http://$gateway:8080/v1/messages

# frames ADDRESS TAGS COUNT: SYNs for the gateway's port
frames() {
	in_client python3 - "$@" "$(cat_mac "$client_ns" client0)" \
		"$(cat_mac "$gateway_ns" gate0)" <<'PYTHON'
import socket
import struct
import sys

source, tags, count, smac, dmac = sys.argv[1:]
mac = lambda text: bytes.fromhex(text.replace(":", ""))
v6 = ":" in source
tcp = struct.pack("!HHIIBBHHH", 40000, 8080, 1, 0, 5 << 4, 2, 64240, 0, 0)
if v6:
    ip = struct.pack("!IHBB", 6 << 28, len(tcp), 6, 64)
    ip += socket.inet_pton(socket.AF_INET6, source)
    ip += socket.inet_pton(socket.AF_INET6, "fd77::1")
else:
    ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(tcp), 1, 0, 64, 6, 0)
    ip += socket.inet_aton(source) + socket.inet_aton("10.77.0.1")
frame = mac(dmac) + mac(smac)
for i in range(int(tags), 0, -1):
    frame += struct.pack("!HH", 0x88a8 if i > 1 else 0x8100, 100 + i)
frame += struct.pack("!H", 0x86dd if v6 else 0x0800) + ip + tcp
wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
wire.bind(("client0", 0))
for _ in range(int(count)):
    wire.send(frame)
PYTHON
}

cat_mac() {
	ip -n "$1" -j link show "$2" | jq -r '.[0].address'
}

counted() {
	[ "$(counter "$1")" -ge "$2" ]
}

# moves WHAT COUNTER ADDRESS TAGS
moves() {
	local before
	before=$(counter "$2")
	frames "$3" "$4" 5
	check "$1" eventually 2 counted "$2" $((before + 5))
	is "$1, each once" "$(($(counter "$2") - before))" 5
}

all_tags() {
	local n
	for n in 0 1 2; do
		moves "$1: blocked address under $n tags" block-list 10.77.0.66 "$n"
		moves "$1: blocked IPv6 address under $n tags" block-list fd77::66 "$n"
		moves "$1: other address under $n tags" address-pass 10.77.0.2 "$n"
	done
}

served() {
	is "$1: status says so" \
		"$(status | jq -r '.interfaces[] | select(.name == "gate0").xdp')" "$1"
	is_passed "$1: a good key" good "$direct"
	is_refused "$1: a dead key" dead 401 API_KEY_DISABLED "$direct"
	patience_s=0.7 ask good --interface 10.77.0.66 "$direct"
	is "$1: a blocked address" "$(answered_by)" nobody
}

begin_tests
# The tag stays in the frame instead of beside it, as from a NIC that cannot
# take it out.
in_client ethtool -K client0 txvlan off >/dev/null 2>&1 || true
{
	record good
	record dead '.status = "disabled"'
} | publish
declare -A third=([native]=not-ip [generic]=not-ip [tc]=block-list)
for mode in native generic tc; do
	must "the agent starts in $mode mode" start_agent --xdp-mode $mode \
		--block 10.77.0.66/32 --block fd77::66
	served $mode
	all_tags $mode
	# The stack takes the outer one out before TC.
	moves "$mode: blocked address under 3 tags" "${third[$mode]}" \
		10.77.0.66 3
	end_agent TERM || true
	check "detach" detach
done
end_tests
