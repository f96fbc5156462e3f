#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Addresses are filtered on VLAN and bond devices, below them and through them,
# in every mode that is to be had there, with frames of 9,000 bytes.  Needs a
# kernel that has such devices: make check-kernels runs it.
#
#   client0, client0.100, .200.300 ---- veth ----> gate0, gate0.100, .200.300
#   client1 ---- veth ----> gate1 \
#   client2 ---- veth ----> gate2 - gates (bond)             nginx :8080
#   client1 and client2 are a bond, too
. "$(dirname "$0")/../e2e/lib.bash"

make_link() {
	ip link add name client0 mtu 9000 netns "$client_ns" type veth \
		peer name gate0 mtu 9000 netns "$gateway_ns"
}

has_devices() {
	unshare --net sh -e -c '
		ip link add v0 type veth peer name v1
		ip link add link v0 name v0.5 type vlan id 5
		ip link add b0 type bond' 2>/dev/null
}

# vlan PARENT ID PROTOCOL: on both sides
vlan() {
	ip -n "$client_ns" link add link "client$1" name "client$1.$2" \
		type vlan protocol "$3" id "$2"
	ip -n "$gateway_ns" link add link "gate$1" name "gate$1.$2" \
		type vlan protocol "$3" id "$2"
	ip -n "$client_ns" link set "client$1.$2" up
	ip -n "$gateway_ns" link set "gate$1.$2" up
}

# both_ends CLIENT-DEVICE GATEWAY-DEVICE NET: 10.NET.0.0/24 and fdNET::/64
both_ends() {
	give "$client_ns" "$1" "10.$3.0.2/24" "10.$3.0.66/24" "fd$3::66/64" \
		"fd$3::2/64"
	give "$gateway_ns" "$2" "10.$3.0.1/24" "fd$3::1/64"
}

# bond NAMESPACE NAME MODE PORT...: the first port is active, if one is
bond() {
	local ns=$1 name=$2 mode=$3 port
	shift 3
	ip -n "$ns" link add "$name" mtu 9000 type bond mode "$mode" miimon 50
	for port; do
		ip -n "$ns" link set "$port" down
		ip -n "$ns" link set "$port" master "$name"
	done
	[ "$mode" != active-backup ] ||
		ip -n "$ns" link set "$name" type bond primary "$1"
	ip -n "$ns" link set "$name" up
}

# make_bonds MODE: the gateway's; the client's other port is a spare
make_bonds() {
	local n
	for n in 1 2; do
		ip link add name "client$n" mtu 9000 netns "$client_ns" \
			type veth peer name "gate$n" mtu 9000 netns "$gateway_ns"
	done
	bond "$client_ns" clients active-backup client1 client2
	bond "$gateway_ns" gates "$1" gate1 gate2
	both_ends clients gates 79
}

remove_bonds() {
	ip -n "$client_ns" link del clients
	ip -n "$gateway_ns" link del gates
	ip -n "$gateway_ns" link del gate1
	ip -n "$gateway_ns" link del gate2
}

place_of() {
	status | jq -r --arg name "$1" \
		'.interfaces[] | select(.name == $name).xdp'
}

# filters WHAT NET: and whoever is not blocked gets and sends large frames
filters() {
	local what=$1 net=$2 url url6
	url=http://10.$net.0.1:8080/v1
	url6=http://[fd$net::1]:8080/v1
	is_passed "$what: another address" good --interface "10.$net.0.2" \
		"$url/messages"
	is_passed "$what: another IPv6 address" good --interface "fd$net::2" \
		"$url6/messages"
	ask good --interface "10.$net.0.2" -T "$tmp/large" "$url/files/large"
	is "$what: a large body" "$rc $(answered_by)" "0 gateway"
	is "$what: arrives whole" "$(sha256sum <"$tmp/www/v1/files/large")" \
		"$(sha256sum <"$tmp/large")"
	patience_s=1 ask good --interface "10.$net.0.66" "$url/messages"
	is "$what: a blocked address" "$rc $(answered_by)" "28 nobody"
	patience_s=1 ask good --interface "fd$net::66" "$url6/messages"
	is "$what: a blocked IPv6 address" "$rc $(answered_by)" "28 nobody"
}

# start MODE INTERFACE...
start() {
	local mode=$1 name
	shift
	address_interfaces=()
	for name; do
		address_interfaces+=(--interface "$name")
	done
	start_agent --xdp-mode "$mode" --block 10.78.0.66 --block 10.79.0.66 \
		--block 10.80.0.66 --block fd78::66 --block fd79::66 \
		--block fd80::66
}

stop() {
	end_agent TERM || true
	check "detach" detach
}

reaches_bond() {
	eventually 10 in_client ping -q -c 1 -W 1 10.79.0.1 >/dev/null
}

fails_over() {
	ip -n "$client_ns" link set client1 down
	reaches_bond
}

comes_back() {
	ip -n "$client_ns" link set client1 up
	reaches_bond
}

# says INTERFACE PATTERN: why it has no native XDP
says() {
	grep -q "interface $1: no native XDP ($2)" "$tmp/agent.log"
}

has_devices || [ "$(id -u)" != 0 ] ||
	{ echo "1..0 # SKIP no VLAN or bond devices"; exit 77; }
begin_tests
record good | publish
head -c 300000 /dev/urandom >"$tmp/large"
vlan 0 100 802.1Q
vlan 0 200 802.1ad
vlan 0.200 300 802.1Q
both_ends client0.100 gate0.100 78
both_ends client0.200.300 gate0.200.300 80
make_bonds active-backup
must "the bonds are up" reaches_bond

for mode in native generic tc; do
	must "the agent starts below the VLANs, $mode" start $mode gate0
	is "$mode: is what it is" "$(place_of gate0)" $mode
	filters "through one tag, $mode" 78
	filters "through two tags, $mode" 80
	stop
done

# A VLAN device has no XDP of its own.
must "the agent starts on VLANs" start auto gate0.100 gate0.200.300
is "they are generic" "$(place_of gate0.100) $(place_of gate0.200.300)" \
	"generic generic"
check "it says why" says gate0.100 ".*driver.*"
filters "on one tag, generic" 78
filters "on two tags, generic" 80
stop
must "the agent starts on VLANs, tc" start tc gate0.100 gate0.200.300
is "they are at TC" "$(place_of gate0.100) $(place_of gate0.200.300)" "tc tc"
filters "on one tag, tc" 78
filters "on two tags, tc" 80
stop

for mode in native generic tc; do
	must "the agent starts on a bond, $mode" start $mode gates
	is "$mode: is what it is" "$(place_of gates)" $mode
	filters "on a bond, $mode" 79
	must "the other port takes over" fails_over
	filters "on the bond's other port, $mode" 79
	must "the first port is back" comes_back
	stop
done

# Below a bond, as many installations have it.
must "the agent starts on the ports" start auto gate1 gate2
is "both are filtered by the driver" "$(place_of gate1) $(place_of gate2)" \
	"native native"
filters "on a bond's ports" 79
stop

# A bond of this mode has no native XDP (kernel 6.1 to 6.18).
remove_bonds
make_bonds broadcast
must "the bonds are back" reaches_bond
must "the agent starts on broadcast" start auto gates
is "it is generic" "$(place_of gates)" generic
check "it says why" says gates ".*bond.*"
filters "on broadcast, generic" 79
stop
check "native alone is refused there" eval '! start native gates'
check "and says why" says gates ".*bond.*"
check "it leaves nothing" [ ! -e "$pins" ]
end_tests
