#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Somebody who knows a connection's addresses and ports, but neither of its
# sequence numbers, makes up a SYN and a dead key's request in its name: on a
# connection the filter knows, and on one that is older than the filter.  Both go
# on, nothing is refused that was not asked, and it is said why.
#
#   client0, a connection, and made-up frames beside it ---- veth -----> :8080
. "$(dirname "$0")/lib.bash"

mac_of() {
	ip -n "$1" -j link show "$2" | jq -r '.[0].address'
}

# On two connections, the first of them open before the agent is told to start by
# a file: a good request, the made-up segments, another good request and a dead
# one.  All statuses.
requests_and_forgeries() {
	in_client python3 - "$gateway" "$(key good)" "$(key dead)" \
		"$(mac_of "$client_ns" client0)" \
		"$(mac_of "$gateway_ns" gate0)" "$tmp" <<'PYTHON'
import os
import socket
import struct
import sys
import time

gateway, good, dead, smac, dmac, tmp = sys.argv[1:]


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


def ask(connection, key):
    connection.sendall(head(key))
    return connection.recv(65536).split(b" ")[1].decode()


def suffer(victim):
    statuses = [ask(victim, good)]
    wire.send(frame(victim.getsockname(), 2, 12345, 0, b""))
    wire.send(frame(victim.getsockname(), 0x18, 12346, 999, head(dead)))
    return statuses + [ask(victim, good), ask(victim, dead)]


wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
wire.bind(("client0", 0))
old = socket.create_connection((gateway, 8080), 5)
ask(old, good)
open(f"{tmp}/open", "w").close()
while not os.path.exists(f"{tmp}/started"):
    time.sleep(0.02)
print(*suffer(old), *suffer(socket.create_connection((gateway, 8080), 5)))
PYTHON
}

begin_tests
{
	record good
	record dead '.status = "disabled"'
} | publish
requests_and_forgeries >"$tmp/statuses" &
asking=$!
must "a connection is open" eventually 5 [ -e "$tmp/open" ]
must "the agent starts" start_agent
touch "$tmp/started"
check "all is asked" wait "$asking"
# The old one is not judged, what is in its own name least of all.
is "the gateway answers all but a dead key on a connection that is known" \
	"$(cat "$tmp/statuses")" "200 200 200 200 200 401"
is "nothing else was refused" "$(counter key-disabled)" 1
is "the forgery was seen for what it is" "$(counter unconfirmed)" 1
is_refused "a dead key on a connection of its own" dead 401 \
	API_KEY_DISABLED "http://$gateway:8080/v1/messages"
end_tests
