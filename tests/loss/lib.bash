# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# A network between client and gateway that can be made to lose, double and
# reorder packets in both directions.  Sourced instead of tests/peers/lib.bash.
#
#   namespace "client"     namespace "wire"                  namespace "gateway"
#  +----------+           +--------------------------+           +----------+
#  |  client0 +-----------+ wire0  <- forward -> wire1 +---------+ gate0    |
#  +----------+   veth    |        hold0 = hold1     |   veth    +----------+
#                         +--------------------------+
#
# Where there is netem it may do it instead: IMPAIR=netem.
. "$(dirname "${BASH_SOURCE[0]}")/../peers/lib.bash"

: "${IMPAIR:=bpf}"
wire_ns=pc$$-wire
namespaces+=("$wire_ns")
n_connections=16

in_wire() {
	nsenter --net="/run/netns/$wire_ns" "$@"
}

make_link() {
	ip netns add "$wire_ns"
	ip -n "$wire_ns" link add wire0 index 100 type veth \
		peer name client0 netns "$client_ns"
	ip -n "$wire_ns" link add wire1 index 101 type veth \
		peer name gate0 netns "$gateway_ns"
	ip -n "$wire_ns" link add hold0 index 102 type veth peer name hold1
	own_packets "$client_ns" client0
	own_packets "$gateway_ns" gate0
	slow_hold
	# Each connection as the first one: what an earlier one learned of
	# reordering lets TCP send a segment for each of its timeouts.
	tcp no_metrics_save 1
	for dev in wire0 wire1 hold0 hold1; do
		ip -n "$wire_ns" link set "$dev" addrgenmode none up
	done
	tc -n "$wire_ns" qdisc add dev hold1 clsact
	forward hold1 release
	tc -n "$wire_ns" qdisc add dev wire0 clsact
	tc -n "$wire_ns" qdisc add dev wire1 clsact
	impair 0
}

# One packet is one segment, and its checksum is real.
own_packets() {
	nsenter --net="/run/netns/$1" ethtool -K "$2" tx off tso off gso off \
		>/dev/null
}

# About 2 ms a packet, small or large.
slow_hold() {
	tc -n "$wire_ns" qdisc add dev hold0 root handle 1: htb default 1
	tc -n "$wire_ns" class add dev hold0 parent 1: classid 1:1 \
		htb rate 40mbit burst 1 overhead 10000 quantum 10000
}

# forward INTERFACE PROGRAM: at its ingress
forward() {
	tc -n "$wire_ns" filter replace dev "$1" ingress prio 1 handle 1 \
		bpf da obj "$O/loss/impair.bpf.o" sec "tc/$2"
}

# impair PERCENT: 0, 1 or 5; of each lost, doubled, delayed, in both directions
impair() {
	local dev
	for dev in wire0 wire1; do
		if [ "$IMPAIR" = netem ]; then
			forward "$dev" percent0
			impair_netem "$dev" "$1"
		else
			forward "$dev" "percent$1"
		fi
	done
}

# netem's reordering sends a packet before those that are delayed.
impair_netem() {
	local dev=$1 percent=$2
	tc -n "$wire_ns" qdisc del dev "$dev" root 2>/dev/null || true
	[ "$percent" -gt 0 ] || return 0
	tc -n "$wire_ns" qdisc add dev "$dev" root netem limit 10000 \
		delay 2ms reorder "$((100 - percent))%" \
		loss "$percent%" duplicate "$percent%"
}

# tcp NAME VALUE: net.ipv4.tcp_NAME on both hosts
tcp() {
	in_client sysctl -q "net.ipv4.tcp_$1=$2"
	in_gateway sysctl -q "net.ipv4.tcp_$1=$2"
}

# "resent, out of order, seen twice" at both hosts
troubles() {
	local ns
	for ns in "$client_ns" "$gateway_ns"; do
		netstat "$ns" snmp Tcp RetransSegs
		netstat "$ns" netstat TcpExt TCPOFOQueue
		netstat "$ns" netstat TcpExt TCPDSACKOldSent
	done | xargs
}

# ask_through WHAT PASSED-MAX: asks the plan through the network as it is.  A head
# that comes out of order is not judged, so the gateway may answer some of the
# dead ones; what is asked of every stream is that nothing is lost, shifted or
# late.
ask_through() {
	local what=$1 start resets
	resets=$(resets "$client_ns")
	: >"$tmp/gateway.log"
	start=$(now_ms)
	check "$what: asked everything" asked "$what" \
		ask_python "http://$gateway:8080" "http://[$gateway6]:8080"
	echo "# $what: $(($(now_ms) - start)) ms"
	say_counters "$what"
	is "$what: every answer is right and whole" \
		"$(judge --passed-dead "$2")" \
		"good $(planned good) dead $(planned dead) passed 0 wrong 0"
	is "$what: no client saw a reset" "$(resets "$client_ns")" "$resets"
}

# run_loss WHAT PERCENT
run_loss() {
	local what=$1 percent=$2 before
	before=$(troubles)
	impair "$percent"
	ask_through "$what" $(($(planned dead) * percent * 8 / 100))
	impair 0
	echo "# $what: at client and gateway resent, out of order, seen twice:" \
		"$before -> $(troubles)"
	check "$what: both hosts had to send again" more "$before" "$(troubles)"
}

# Every SYN comes a second time, late: a filter that takes it for the beginning of
# a new connection forgets the one it belongs to.
run_late_syns() {
	forward wire0 late_syns
	ask_through "late SYNs" 0
	impair 0
}

# more BEFORE AFTER: did both resend, and get what was out of order?
more() {
	local b a
	read -ra b <<<"$1"
	read -ra a <<<"$2"
	[ "${a[0]}" -gt "${b[0]}" ] && [ "${a[1]}" -gt "${b[1]}" ] &&
		[ "${a[3]}" -gt "${b[3]}" ] && [ "${a[4]}" -gt "${b[4]}" ]
}
