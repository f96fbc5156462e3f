#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Policies are replaced FLIPS times under a flood, and every packet is judged by
# the one or by the next.  What a filter let pass is counted behind it, on gate0.
#
#   blocked  in both versions of the list, by prefixes of different lengths
#   free     in neither
#   turns    in every other one
. "$(dirname "$0")/lib.bash"

flips=${FLIPS:-30}
list=
declare -A sent
addresses=(198.51.100.7 203.0.113.9 192.0.2.33
	2001:db8:a::7 2001:db8:b::9 2001:db8:c::33)
names=(blocked free turns blocked6 free6 turns6)

# One of many lines and one of few, so that nothing is where it was.
make_lists() {
	{
		printf '%s\n' 198.51.100.0/24 2001:db8:a::/48
		seq 0 199 | awk '{ printf "10.99.%d.0/24\n", $1 }'
	} >"$list.0"
	{
		printf '%s\n' 198.51.100.7 2001:db8:a::7 192.0.2.0/25 \
			2001:db8:c::/64
		seq 0 59999 | awk '{
			printf "20.%d.%d.%d\n", $1 / 241, $1 % 241, $1 % 251 }'
		seq 0 4999 | awk '{ printf "2400:%x::/%d\n", $1, 32 + $1 % 97 }'
	} >"$list.1"
	cp "$list.0" "$list"
}

# Behind XDP and TC; the host need not answer.
count_arrivals() {
	local i
	{
		echo "table netdev arrivals {"
		for i in "${!names[@]}"; do
			echo "counter ${names[i]} { }"
		done
		echo "chain in {"
		echo "type filter hook ingress device gate0 priority 0;"
		for i in "${!names[@]}"; do
			case ${addresses[i]} in
			*:*) printf 'ip6' ;;
			*) printf 'ip' ;;
			esac
			echo " saddr ${addresses[i]} counter name ${names[i]} drop"
		done
		printf '}\n}\n'
	} | in_gateway nft -f -
}

# arrived NAME
arrived() {
	in_gateway nft -j list counter netdev arrivals "$1" |
		jq '.nftables[] | .counter // empty | .packets'
}

all_arrived() {
	[ "$(arrived "$1")" -eq "${sent[$1]}" ]
}

flood() {
	local i=0 address n
	in_client "$O/flips/flips" "$pins" client0 "$agent" "$list" "$flips" \
		"${addresses[@]}" >"$tmp/sent" || return 1
	while read -r address n; do
		[ "$address" = "${addresses[i]}" ] || return 1
		sent[${names[i++]}]=$n
	done <"$tmp/sent"
	[ "$i" -eq ${#names[@]} ]
}

between() {
	[ "$2" -gt "$1" ] && [ "$2" -lt "$3" ]
}

outcome() {
	local v
	for v in "" 6; do
		is "blocked$v in both: none passes" "$(arrived "blocked$v")" 0
		check "free$v in neither: none is dropped" \
			eventually 5 all_arrived "free$v"
		check "turns$v: some pass, some do not" \
			between 0 "$(arrived "turns$v")" "${sent[turns$v]}"
	done
}

begin_tests
list=$tmp/list
make_lists
record good | publish
count_arrivals
must "the agent starts" start_agent --block-file "$list,factor=100000"
first=$(generation)
no_policy=$(counter no-policy)
must "$flips flips under a flood" flood
outcome
check "each flip was one" [ "$(generation)" -ge $((first + flips)) ]
is "no packet found no policy" "$(counter no-policy)" "$no_policy"
is "none found half an image" "$(counter image-damaged)" 0
echo "# ${sent[*]} packets sent"
is "the image in force is whole" "$(status | jq .image.intact)" true
end_agent TERM || true
check "detach" detach
end_tests
