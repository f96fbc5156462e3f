#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# An interface that is deleted, renamed, moved away or replaced by another is
# filtered again as soon as it is back, by an agent that has long given up most
# of its privileges; status says what is not filtered meanwhile, and nothing of
# those that are gone stays behind.
#
#   client0 ---- veth, pulled and plugged ----> gate0 -> :8080
. "$(dirname "$0")/lib.bash"

direct=http://$gateway:8080/v1/messages

unplug() {
	ip -n "$gateway_ns" link delete gate0
}

# state [NAME]: of an interface, as status has it.
state() {
	status | jq -r --arg name "${1:-gate0}" \
		'.interfaces[] | select(.name == $name).state'
}

is_state() {
	[ "$(state "${2:-gate0}")" = "$1" ]
}

# becomes WHAT STATE [NAME]
becomes() {
	check "$1: ${3:-gate0} is $2" eventually 5 is_state "$2" "${3:-gate0}"
}

index_of() {
	ip -n "$gateway_ns" -j link show "$1" | jq '.[0].ifindex'
}

is_judged() {
	is "$1: the filter is there" \
		"$(status | jq -r '.interfaces[] | select(.name == "gate0").xdp')" \
		"${mode:-native}"
	is_passed "$1: a good key" good "$direct"
	is_refused "$1: a dead key" dead 401 API_KEY_DISABLED "$direct"
	patience_s=0.7 ask good --interface 10.77.0.66 "$direct"
	is "$1: a blocked address" "$(answered_by)" nobody
}

no_pins_of() {
	[ -z "$(find "$pins" -name "xdp_$1" -o -name "tc_*_$1")" ]
}

comes_back() {
	local was
	was=$(index_of gate0)
	unplug
	becomes "$1: pulled" gone
	check "$1: pulled: no pins of it are left" eventually 5 no_pins_of "$was"
	plug
	becomes "$1: plugged" filtered
	is_judged "$1"
}

# The name of a wire changes, what is filtered does not.
is_renamed() {
	ip -n "$gateway_ns" link set gate0 down
	ip -n "$gateway_ns" link set gate0 name wan0
	ip -n "$gateway_ns" link set wan0 up
	becomes "renamed" gone
	becomes "renamed" filtered wan0
	patience_s=0.7 ask good --interface 10.77.0.66 "$direct"
	is "renamed: a blocked address" "$(answered_by)" nobody
	ip -n "$gateway_ns" link set wan0 down
	ip -n "$gateway_ns" link set wan0 name gate0
	ip -n "$gateway_ns" link set gate0 up
	becomes "renamed back" filtered
	is_judged "renamed back"
}

is_replaced() {
	ip -n "$gateway_ns" link set gate0 down
	ip -n "$gateway_ns" link set gate0 name old0
	becomes "renamed for another" gone
	ip -n "$gateway_ns" link add gate0 type veth peer name gate1
	becomes "replaced" filtered
	becomes "replaced" filtered old0
	ip -n "$gateway_ns" link delete old0
	ip -n "$gateway_ns" link delete gate0
	becomes "replaced and deleted" gone
	plug
	becomes "plugged after that" filtered
	is_judged "plugged after that"
}

moves_away_and_back() {
	ip -n "$gateway_ns" link set gate0 netns "$client_ns"
	becomes "moved away" gone
	ip -n "$client_ns" link set gate0 netns "$gateway_ns"
	becomes "moved back" filtered
	ip -n "$gateway_ns" link delete gate0
	becomes "moved, then deleted" gone
	plug
	becomes "plugged after that" filtered
	is_judged "plugged after having moved"
}

is_of_another_kind() {
	unplug
	becomes "pulled for another kind" gone
	ip -n "$gateway_ns" tuntap add gate0 mode tun
	becomes "one without Ethernet" refused
	ip -n "$gateway_ns" tuntap del gate0 mode tun
	becomes "that one deleted" gone
	plug
	becomes "one with Ethernet again" filtered
	is_judged "one with Ethernet again"
}

attach_foreign() {
	cat >"$tmp/foreign.c" <<-C
		#include <linux/bpf.h>
		#include <bpf/bpf_helpers.h>

		SEC("xdp")
		int foreign(struct xdp_md *ctx)
		{
			return XDP_PASS;
		}
	C
	clang -O2 -g -target bpf \
		-idirafter "/usr/include/$(cc -dumpmachine)" -c \
		-o "$tmp/foreign.o" "$tmp/foreign.c"
	ip -n "$gateway_ns" link set "$1" xdp obj "$tmp/foreign.o" sec xdp
}

xdp_id() {
	ip -n "$gateway_ns" -j -d link show "$1" | jq '.[0].xdp.prog.id'
}

# What it has stays; requests are judged meanwhile.
has_a_foreign_program() {
	local id
	unplug
	becomes "pulled for a foreign program" gone
	ip -n "$gateway_ns" link add new0 type veth peer name new1
	check "a foreign program is attached" attach_foreign new0
	id=$(xdp_id new0)
	ip -n "$gateway_ns" link set new0 name gate0
	becomes "with a foreign program" refused
	is "the foreign program stays" "$(xdp_id gate0)" "$id"
	check "requests are judged beside it" eval \
		'[ "$(status | jq ".interfaces[] | select(.name == \"gate0\").request")" = true ]'
	ip -n "$gateway_ns" link set gate0 xdp off
	becomes "without it" filtered
	ip -n "$gateway_ns" link delete gate0
	becomes "pulled again" gone
	plug
	becomes "plugged again" filtered
	is_judged "plugged again"
}

# One of two filters: the other is in its place, and known to be ours.
strip() {
	tc -n "$gateway_ns" filter del dev gate0 ingress
	# An event, to be noticed by.
	ip -n "$gateway_ns" link set gate0 alias stripped
}

# More events than a socket holds, while nobody takes them; the last ones count.
flood() {
	local i
	for ((i = 0; i < 3000; i++)); do
		echo "link set lo alias flood-$i"
	done | ip -n "$gateway_ns" -batch -
}

misses_events() {
	local was
	was=$(index_of gate0)
	kill -STOP "$agent"
	flood
	unplug
	plug
	kill -CONT "$agent"
	check "events lost: filtered" eventually 5 eval \
		'is_state filtered && is_judging'
	check "events lost: no pins of the old one are left" \
		eventually 5 no_pins_of "$was"
	is_judged "events lost"
}

requests_are_judged() {
	is_refused "stripped: a dead key" dead 401 API_KEY_DISABLED "$direct"
}

is_judging() {
	[ "$(status | jq '.interfaces[] | select(.name == "gate0") |
		.request and .reply')" = true ]
}

begin_tests
{
	record good
	record dead '.status = "disabled"'
} | publish
must "the agent starts" start_agent --block 10.77.0.66/32
is_judged "at first"
for round in 1 2 3; do
	comes_back "round $round"
done
is_renamed
is_replaced
moves_away_and_back
is_of_another_kind
has_a_foreign_program
strip
check "a filter that was taken away is put back" eventually 5 is_judging
requests_are_judged
misses_events

unplug
becomes "pulled at the end" gone
end_agent TERM || true
becomes "without an agent" gone
plug
becomes "plugged without an agent" refused
must "the agent starts again" start_agent --block 10.77.0.66/32
becomes "at the second start" filtered
is_judged "at the second start"
end_agent TERM || true
mode=tc
must "the agent starts once more" start_agent --xdp-mode tc \
	--block 10.77.0.66/32
comes_back "at TC"
end_agent TERM || true
check "detach" detach
check "no pins are left" [ ! -e "$pins" ]
check "no filter is left" \
	eval '[ -z "$(tc -n "$gateway_ns" filter show dev gate0 ingress)" ]'
is "no XDP is left" "$(xdp_id gate0)" null
end_tests
