#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Somebody who knows a connection's addresses and ports, but neither of its
# sequence numbers, makes up a SYN and a dead key's request in its name.  The
# connection goes on, nothing is refused, and it is said why.
#
#   client0, a connection, and made-up frames beside it ---- veth -----> :8080
. "$(dirname "$0")/lib.bash"

mac_of() {
	ip -n "$1" -j link show "$2" | jq -r '.[0].address'
}

# A good request, the made-up segments, another good request: both statuses.
two_requests_and_a_forgery() {
	in_client python3 - "$gateway" "$(key good)" "$(key dead)" \
		"$(mac_of "$client_ns" client0)" \
		"$(mac_of "$gateway_ns" gate0)" <<'PYTHON'
import socket
import struct
import sys

gateway, good, dead, smac, dmac = sys.argv[1:]


def head(key):
    return (f"POST /v1/messages HTTP/1.1\r\nHost: gateway\r\n"
            f"x-api-key: {key}\r\nContent-Length: 0\r\n\r\n").encode()


def total(data):
    if len(data) % 2:
        data += b"\0"
    n = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while n >> 16:
        n = (n & 0xffff) + (n >> 16)
    return n


def frame(source, flags, seq, ack, payload):
    ips = socket.inet_aton(source[0]) + socket.inet_aton(gateway)
    tcp = struct.pack("!HHIIBBHHH", source[1], 8080, seq, ack, 5 << 4, flags,
                      64240, 0, 0) + payload
    check = ~total(ips + struct.pack("!HH", 6, len(tcp)) + tcp) & 0xffff
    tcp = tcp[:16] + struct.pack("!H", check) + tcp[18:]
    ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(tcp), 1, 0, 64, 6, 0) + ips
    ip = ip[:10] + struct.pack("!H", ~total(ip) & 0xffff) + ip[12:]
    macs = bytes.fromhex(dmac.replace(":", "") + smac.replace(":", ""))
    return macs + b"\x08\x00" + ip + tcp


def ask(connection):
    connection.sendall(head(good))
    return connection.recv(65536).split(b" ")[1].decode()


victim = socket.create_connection((gateway, 8080), 5)
statuses = [ask(victim)]
wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
wire.bind(("client0", 0))
wire.send(frame(victim.getsockname(), 2, 12345, 0, b""))
wire.send(frame(victim.getsockname(), 0x18, 12346, 999, head(dead)))
statuses.append(ask(victim))
print(*statuses)
PYTHON
}

begin_tests
{
	record good
	record dead '.status = "disabled"'
} | publish
must "the agent starts" start_agent
is "both requests are answered by the gateway" \
	"$(two_requests_and_a_forgery)" "200 200"
is "nothing was refused" "$(counter key-disabled)" 0
is "the forgery was seen for what it is" "$(counter unconfirmed)" 1
is_refused "a dead key on a connection of its own" dead 401 \
	API_KEY_DISABLED "http://$gateway:8080/v1/messages"
end_tests
