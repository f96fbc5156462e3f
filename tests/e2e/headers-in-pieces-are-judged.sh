#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Wherever the kernel keeps the headers of a packet, and however little of one
# there is, the address filter does the same.  Frames are made by hand, with
# nothing but an Ethernet header in their first piece: what became of them is
# read from the counters.
#
#   client0 ---- veth, frames of several pieces -----> gate0
. "$(dirname "$0")/lib.bash"

make_link() {
	ip link add name client0 mtu 9000 netns "$client_ns" type veth \
		peer name gate0 mtu 9000 netns "$gateway_ns"
}

# frames ADDRESS EXTENSIONS PAYLOAD SIZE COUNT: SYNs for the gateway's port,
# behind so many extension headers of 2,048 bytes; cut to SIZE bytes, 0: whole
frames() {
	in_client python3 - "$@" "$(mac_of "$client_ns" client0)" \
		"$(mac_of "$gateway_ns" gate0)" <<'PYTHON'
import socket
import struct
import sys

SOL_PACKET, PACKET_VNET_HDR = 263, 15
source, extensions, payload, size, count, smac, dmac = sys.argv[1:]
mac = lambda text: bytes.fromhex(text.replace(":", ""))
v6 = ":" in source
tcp = struct.pack("!HHIIBBHHH", 40000, 8080, 1, 0, 5 << 4, 2, 64240, 0, 0)
tcp += bytes(int(payload))
if v6:
    chain = b""
    for i in range(int(extensions)):
        last = i == int(extensions) - 1
        chain += bytes([6 if last else 60, 255]) + bytes(2046)
    first = 60 if chain else 6
    ip = struct.pack("!IHBB", 6 << 28, len(chain) + len(tcp), first, 64)
    ip += socket.inet_pton(socket.AF_INET6, source)
    ip += socket.inet_pton(socket.AF_INET6, "fd77::1") + chain
else:
    ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(tcp), 1, 0, 64, 6, 0)
    ip += socket.inet_aton(source) + socket.inet_aton("10.77.0.1")
frame = mac(dmac) + mac(smac) + struct.pack("!H", 0x86dd if v6 else 0x0800)
frame += ip + tcp
frame = frame[:int(size)] if int(size) else frame
wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
wire.bind(("client0", 0))
# With such a header in front, empty here, the kernel puts what it says into the
# first piece of a frame, that is the link header, and pages behind it.
wire.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
for _ in range(int(count)):
    wire.send(bytes(10) + frame)
PYTHON
}

mac_of() {
	ip -n "$1" -j link show "$2" | jq -r '.[0].address'
}

counted() {
	[ "$(counter "$1")" -ge "$2" ]
}

# moves WHAT COUNTER ADDRESS EXTENSIONS PAYLOAD SIZE
moves() {
	local before n=5
	# The request plane has no use for such a packet either.
	[ "$2" != truncated ] || n=10
	before=$(counter "$2")
	frames "$3" "$4" "$5" "$6" 5
	check "$1" eventually 2 counted "$2" $((before + n))
	is "$1, each once" "$(($(counter "$2") - before))" $n
}

begin_tests
record good | publish
for mode in native generic tc; do
	must "the agent starts in $mode mode" start_agent --xdp-mode $mode \
		--block 10.77.0.66/32 --block fd77::66
	moves "$mode: a blocked address" block-list 10.77.0.66 0 8000 0
	moves "$mode: a blocked IPv6 address" block-list fd77::66 0 8000 0
	moves "$mode: ports behind two pages" block-list fd77::66 4 0 0
	moves "$mode: another address" address-pass 10.77.0.4 0 8000 0
	moves "$mode: ports behind two pages, passed" address-pass fd77::3 4 0 0
	moves "$mode: cut in the addresses" truncated 10.77.0.66 0 0 30
	moves "$mode: cut in the IPv6 addresses" truncated fd77::66 0 0 50
	moves "$mode: cut in the ports" truncated 10.77.0.66 0 0 37
	moves "$mode: cut in a long header" truncated fd77::66 4 0 8000
	moves "$mode: an Ethernet header and a byte" truncated 10.77.0.66 0 0 15
	end_agent TERM || true
	check "detach" detach
done

must "the agent starts for the whole host" start_agent --xdp-mode tc \
	--xdp-scope host --block 10.77.0.66/32 --block fd77::66
moves "host: cut in a long header" block-list fd77::66 4 0 8000
moves "host: cut in the addresses" truncated fd77::66 0 0 50
end_tests
