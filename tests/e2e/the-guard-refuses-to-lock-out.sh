#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A policy that would drop the way out, the host itself, a trusted proxy or the
# operator's own session does not come into force: not at the start, which then
# leaves nothing attached, and not at a reload, which keeps what is in force.
# --force, an allow entry and monitor mode let it.
#
#   10.77.0.2 fd77::2 fe80::2 ---- veth ----> gate0, whose default gateways
#   they are; the operator's session comes from 203.0.113.9
. "$(dirname "$0")/lib.bash"

operator="203.0.113.9 50022 10.77.0.1 22"
run=()

make_routes() {
	ip -n "$gateway_ns" route add default via 10.77.0.2
	ip -n "$gateway_ns" route add default via 10.77.0.3 table 77
	ip -n "$gateway_ns" route add 192.0.2.0/24 via 10.77.0.4
	ip -n "$gateway_ns" -6 route add default via fd77::2 metric 10
	ip -n "$gateway_ns" -6 route add default via fe80::2 dev gate0 metric 20
}

nothing_is_attached() {
	[ ! -e "$pins" ] && ! ip -n "$gateway_ns" link show gate0 |
		grep -q prog/xdp
}

# refuses WHAT NAMED FLAG...: the objection is to name NAMED
refuses() {
	local what=$1 named=$2 rc=0
	shift 2
	in_gateway timeout 20 "${run[@]}" "$@" >"$tmp/out" 2>"$tmp/err" \
		</dev/null || rc=$?
	is "$what: exit status" "$rc" 1
	check "$what: says '$named'" grep -qF -e "$named" "$tmp/err"
	check "$what: leaves nothing" nothing_is_attached
}

# starts WHAT FLAG...
starts() {
	local what=$1
	shift
	check "$what: starts" start_agent "$@"
	end_agent TERM || true
	check "$what: detach" detach
}

each_kind() {
	refuses "default gateway" "--block would drop 10.77.0.2, the default gateway of gate0; --force overrides" \
		--block 10.77.0.2
	refuses "its network" "10.77.0.2, the default gateway of gate0" \
		--block 10.77.0.0/30
	refuses "gateway of another table" \
		"10.77.0.3, the default gateway of gate0" --block 10.77.0.3
	refuses "IPv6 gateway" "fd77::2, the default gateway of gate0" \
		--block fd77::2
	refuses "link-local gateway" "fe80::2, the default gateway of gate0" \
		--block fe80::/64
	refuses "own address" "10.77.0.1, this host's address" \
		--block 10.77.0.1
	refuses "own IPv6 address" "fd77::1, this host's address" \
		--block fd77::1
	refuses "trusted proxy" \
		"198.51.100.77 of 198.51.100.0/24, a trusted proxy" \
		--trusted-proxy 198.51.100.0/24 --block 198.51.100.77
	refuses "loopback, where it is filtered" "127.0.0.1, this host's address" \
		--interface lo --block 127.0.0.0/8
	refuses "more than half" "more than half of all IPv4 addresses" \
		--block 0.0.0.0/2 --block 64.0.0.0/2 --block 192.0.0.0/3
	refuses "more than half" "more than half of all IPv6 addresses" \
		--block 4000::/2 --block 8000::/2 --block c000::/3
	starts "a router that is no default gateway" --block 10.77.0.4
	starts "loopback, where it is not filtered" --block 127.0.0.0/8
}

# As through sudo, which drops the variable.
with_an_ancestor() {
	# shellcheck disable=SC2016 # the inner shell's
	local run=(sh -c 'env -u SSH_CONNECTION "$@"; exit $?' sh "${run[@]}")
	SSH_CONNECTION=$operator refuses "session of an ancestor" "$1" \
		--block 203.0.113.9
}

each_session() {
	local named="203.0.113.9, the SSH client of this session"
	SSH_CONNECTION=$operator refuses "session" "$named" \
		--block 203.0.113.0/24
	SSH_CONNECTION="::ffff:203.0.113.9 1 ::ffff:10.77.0.1 22" \
		refuses "session, mapped" "$named" --block 203.0.113.9
	SSH_CONNECTION="fe80::99%gate0 1 fe80::1%gate0 22" \
		refuses "session with a zone" "fe80::99, the SSH client" \
		--block fe80::99
	with_an_ancestor "$named"
	starts "no session" --block 203.0.113.0/24
	SSH_CONNECTION="$(printf '%01000d' 1) 1 2 3" \
		starts "nonsense for a session" --block 203.0.113.0/24
}

each_way_out() {
	starts "--force" --block 10.77.0.2 --force
	SSH_CONNECTION=$operator starts "--force, session" \
		--block 203.0.113.9 --force
	starts "--force, more than half" --block 0.0.0.0/2 --block 64.0.0.0/2 \
		--block 192.0.0.0/3 --force
	starts "an allow entry" --block 10.77.0.0/30 --allow 10.77.0.2 \
		--allow 10.77.0.1 --allow 10.77.0.3
	starts "monitor mode" --block 10.77.0.2 --mode monitor
}

header() {
	printf '{"portcullis":{"format":1,"complete":false,"ip_blacklist":[%s]}}\n' \
		"$1"
}

# objects N: a reload has come to its end N times without a new generation.
objects() {
	[ "$(grep -c "keeping generation" "$tmp/agent.log")" -eq "$1" ]
}

is_blocked() {
	patience_s=0.7 ask good --interface "$1" "http://$gateway:8080/v1/messages"
	[ "$(answered_by)" = nobody ]
}

each_reload() {
	local before direct=http://$gateway:8080/v1/messages
	{ header ''; record good; } | publish
	must "the agent starts" start_agent --block 10.77.0.66
	{ header '"10.77.0.2"'; record good '.status = "disabled"'; } | publish
	check "by itself: objected to" eventually 5 objects 1
	kill -HUP "$agent"
	check "reload: objected to" eventually 5 objects 2
	is "reload: the generation stays" "$(generation)" 1
	is_passed "reload: and all that was in it" good "$direct"
	check "reload: and its lists" is_blocked 10.77.0.66

	before=$(generation)
	{ header '"10.77.0.4"'; record good; } | publish
	check "a good one" eventually 5 newer_than "$before"
	check "a good one: is in force" is_blocked 10.77.0.4
	before=$(generation)
	ip -n "$gateway_ns" route replace default via 10.77.0.4
	kill -HUP "$agent"
	check "the way out has moved: objected to" eventually 5 objects 3
	is "the way out has moved: the generation stays" "$(generation)" "$before"
	ip -n "$gateway_ns" route replace default via 10.77.0.2
	check "and back" reload
	end_agent TERM || true
	check "detach" detach
}

unset SSH_CONNECTION
begin_tests
make_routes
record good | publish
run=("$bin" run --pin-dir "$pins" --interface gate0 --request-interface gate0
	--listen none --snapshot "$snapshot")
each_kind
each_session
each_way_out
each_reload
end_tests
