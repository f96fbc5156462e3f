#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A run with another --xdp-mode takes over from the one before, killed or not,
# and at no moment does a blocked address get a packet through.  Afterwards one
# program of ours judges addresses, and not two.
#
#   client 10.77.0.66 (blocked) ---- veth, datagrams all the time ----> :8080
#          10.77.0.2
. "$(dirname "$0")/lib.bash"

flood=
sink=

# Datagrams from both addresses, until killed.
start_flood() {
	nsenter --net="/run/netns/$client_ns" python3 - <<-'PYTHON' &
		import socket
		import time

		wires = []
		for source in ("10.77.0.66", "10.77.0.2"):
		    wire = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		    wire.bind((source, 0))
		    wire.connect(("10.77.0.1", 8080))
		    wires.append((wire, source.encode()))
		while True:
		    for wire, text in wires:
		        try:
		            wire.send(text)
		        except OSError:
		            pass
		    time.sleep(0.0001)
	PYTHON
	flood=$!
}

# Writes how many came from each address, a file each, several times a second.
start_sink() {
	nsenter --net="/run/netns/$gateway_ns" python3 - "$tmp" <<-'PYTHON' &
		import os
		import socket
		import sys
		import time

		wire = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 24)
		wire.bind(("10.77.0.1", 8080))
		wire.settimeout(0.05)
		counts = {b"10.77.0.66": 0, b"10.77.0.2": 0}
		due = 0
		while True:
		    try:
		        counts[wire.recv(64)] += 1
		    except socket.timeout:
		        pass
		    if time.monotonic() < due:
		        continue
		    due = time.monotonic() + 0.05
		    for source, n in counts.items():
		        path = os.path.join(sys.argv[1], source.decode())
		        with open(path + ".new", "w") as f:
		            print(n, file=f)
		        os.rename(path + ".new", path)
	PYTHON
	sink=$!
}

arrived() {
	cat "$tmp/$1" 2>/dev/null || echo 0
}

more_arrived() {
	[ "$(arrived "$1")" -gt "$2" ]
}

# What the kernel has of ours, not what the agent says.
programs() {
	local xdp tc
	xdp=$(ip -n "$gateway_ns" -d link show gate0 |
		grep -oE 'mtu [0-9]+ xdp[a-z]*' | cut -d ' ' -f 3 || true)
	tc=$(tc -n "$gateway_ns" filter show dev gate0 ingress |
		grep -o 'pc_address' | head -n 1 || true)
	echo "${xdp:--} ${tc:--}"
}

is_in() {
	local mode=$1 want
	case $mode in
	native) want="xdp -" ;;
	generic) want="xdpgeneric -" ;;
	tc) want="- pc_address" ;;
	esac
	is "$mode: that one and no other" "$(programs)" "$want"
	is "$mode: status says so" "$(status | jq -r \
		'.interfaces[] | select(.name == "gate0").xdp')" "$mode"
}

end_flood() {
	kill "$flood" "$sink" 2>/dev/null || true
	wait "$flood" "$sink" || true
} 2>/dev/null

run_in() {
	start_agent --xdp-mode "$1" --block 10.77.0.66/32
}

begin_tests
trap 'end_flood; cleanup' EXIT
record good | publish
must "the agent starts" run_in native
start_sink
start_flood
check "the other address gets through" eventually 5 more_arrived 10.77.0.2 0
# Every change there is.
for mode in generic native tc generic tc native; do
	end_agent KILL || true
	must "it goes on in mode $mode" run_in $mode
	is_in $mode
	check "$mode: the other address gets through" \
		eventually 5 more_arrived 10.77.0.2 "$(arrived 10.77.0.2)"
done
is "blocked datagrams that got through" "$(arrived 10.77.0.66)" 0
check "and many were stopped" [ "$(counter block-list)" -gt 1000 ]

end_agent TERM || true
must "detach" detach
is "nothing is left" "$(programs)" "- -"
check "then they get through" eventually 5 more_arrived 10.77.0.66 0
end_flood
end_tests
