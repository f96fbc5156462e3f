#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Whenever an agent that is putting one policy after the other into force is
# killed, what is in force is one of them, all of it: its image is what its
# header says, each address is as in one of the two lists, packets agree, and
# the next agent goes on from there.
#
#   list of even generations: 10.77.0.3, 192.0.2.1, 2001:db8:a::1 and few others
#   list of odd ones:         10.77.0.4, 192.0.2.2, 2001:db8:b::1 and many others
. "$(dirname "$0")/lib.bash"

rounds=${ROUNDS:-4}
direct=http://$gateway:8080/v1/messages
list=
reloader=

make_lists() {
	{
		printf '%s\n' 10.77.0.3 192.0.2.1 2001:db8:a::1
		seq 0 199 | awk '{ printf "10.99.%d.0/24\n", $1 }'
	} >"$list.0"
	{
		printf '%s\n' 10.77.0.4 192.0.2.2 2001:db8:b::1
		seq 0 59999 | awk '{
			printf "20.%d.%d.%d\n", $1 / 241, $1 % 241, $1 % 251 }'
		seq 0 4999 | awk '{ printf "2400:%x::/%d\n", $1, 32 + $1 % 97 }'
	} >"$list.1"
	cp "$list.0" "$list"
}

# Until the agent is gone; as fast as it can.
keep_reloading() {
	local turn=0
	while kill -HUP "$agent"; do
		turn=$((1 - turn))
		ln "$list.$turn" "$list.next"
		mv "$list.next" "$list"
		sleep 0.04
	done 2>/dev/null
}

# verdict ADDRESS: dropped or allowed
verdict() {
	in_gateway "$bin" explain --ip "$1" -j --pin-dir "$pins" |
		jq -r .reason
}

# Which list is in force, or what is not as in one of them.
version() {
	local address said=
	for address in 192.0.2.1 2001:db8:a::1 10.99.0.9 \
		192.0.2.2 2001:db8:b::1 20.248.231.10 2400:1387::; do
		case $(verdict "$address") in
		block-list) said+=x ;;
		address-pass) said+=. ;;
		*) said+='?' ;;
		esac
	done
	echo "$said"
}

# Sets passed: from which addresses packets come through.
try_packets() {
	local n
	passed=
	for n in 3 4; do
		patience_s=0.3 ask good --interface "10.77.0.$n" "$direct"
		[ "$(answered_by)" = nobody ] || passed+=$n
	done
}

# look ROUND: at what a killed agent has left
look() {
	local state wanted
	state=$(status | jq -c '[.image.intact, .generation > 0]')
	is "round $1: a generation, its image intact" "$state" "[true,true]"
	try_packets
	case $passed in
	4) wanted=xxx.... ;;
	3) wanted=...xxxx ;;
	*) wanted="packets of one version only" ;;
	esac
	is "round $1: one list and nothing else" "$(version)" "$wanted"
}

round() {
	local first before
	must "round $1: the agent starts" \
		start_agent --block-file "$list,factor=100000"
	first=$(generation)
	keep_reloading &
	reloader=$!
	check "round $1: it flips" eventually 10 newer_than "$first"
	sleep "0.$((RANDOM % 300 + 100))" # anywhere in a flip
	end_agent KILL || true
	wait "$reloader" || true
	before=$(generation)
	look "$1"
	numbers+=("$before")
	check "round $1: numbers only grow" [ "$before" -gt "$first" ]
}

begin_tests
list=$tmp/list
numbers=()
make_lists
record good | publish
for ((i = 1; i <= rounds; i++)); do
	round "$i"
done
echo "# generations left: ${numbers[*]}"
before=$(generation)
must "the next agent starts" start_agent --block-file "$list,factor=100000"
is "it goes on from there" "$(generation)" $((before + 1))
end_agent TERM || true
check "detach" detach
end_tests
