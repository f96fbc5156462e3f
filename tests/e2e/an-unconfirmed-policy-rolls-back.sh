#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# With --confirm a policy that was put into force by hand, at the start or by
# SIGHUP, goes unless portcullis confirm comes in time, and the one before is in
# force again, addresses and keys; the programs see to that by themselves.
#
#   10.77.0.3, which version 1 blocks    key "one", which is dead in version 1
#   10.77.0.4, which version 2 blocks    key "two", which is dead in version 2
. "$(dirname "$0")/lib.bash"

direct=http://$gateway:8080/v1/messages
before=()
gone=0

# write N: the files of that version
write() {
	local dead=one
	[ "$1" = 1 ] || dead=two
	for name in good one two; do
		if [ "$name" = "$dead" ]; then
			record "$name" '.status = "disabled"'
		else
			record "$name"
		fi
	done | publish
	echo "10.77.0.$((2 + $1))" >"$tmp/list.new"
	mv "$tmp/list.new" "$tmp/list"
}

# in_force WHAT VERSION: as packets tell
in_force() {
	local n said=
	for n in 3 4; do
		patience_s=0.4 ask good --interface "10.77.0.$n" "$direct"
		said+="$(answered_by) "
	done
	for n in one two; do
		ask "$n" "$direct"
		said+="$(answered_by) "
	done
	case $2 in
	1) is "$1" "$said" "nobody gateway kernel gateway " ;;
	2) is "$1" "$said" "gateway nobody gateway kernel " ;;
	none) is "$1" "$said" "gateway gateway gateway gateway " ;;
	esac
}

start() {
	start_agent --block-file "$tmp/list" "$@"
}

pending() {
	[ "$(status | jq '.confirm_s > 0')" = true ]
}

over() {
	! pending
}

generation_is() {
	[ "$(generation)" -eq "$1" ]
}

# confirm [--revert]: sets rc and said
confirm() {
	rc=0
	said=$(in_gateway "$bin" confirm "$@" --pin-dir "$pins" 2>&1) || rc=$?
}

# says WHAT RC TEXT
says() {
	is "$1: exit status" "$rc" "$2"
	check "$1: says '$3'" grep -qF "$3" <<<"$said"
}

# It has noticed that it was asked.
waits() {
	grep -q "a change waits" "$tmp/agent.log"
}

nothing_before() {
	local mark
	write 1
	must "first start: starts" start --confirm 3s
	in_force "first start: in force meanwhile" 1
	check "first start: waits" pending
	mark=$(generation)
	check "first start: goes" eventually 10 over
	in_force "first start: nothing was before" none
	is "first start: and no generation" "$(generation)" 0
	gone=$mark
	confirm
	says "first start: too late or gone" 1 ""
	rc=0
	said=$(in_gateway "$bin" ban 192.0.2.1 --for 1m --ledger "$tmp/bans.db" \
		--pin-dir "$pins" 2>&1) || rc=$?
	says "first start: a ban by no policy" 0 "no policy is in force"
	end_agent TERM || true
}

base() {
	write 1
	must "$1: version 1 is in force" start
	check "$1: under a number that none has had" newer_than "$gone"
	end_agent TERM || true
	before=("$(generation)")
	write 2
}

agent_alive() {
	base "agent alive"
	must "agent alive: version 2" start --confirm 3s
	in_force "agent alive: is in force meanwhile" 2
	check "agent alive: goes" eventually 10 generation_is "${before[0]}"
	in_force "agent alive: version 1 is back" 1
	check "agent alive: it is settled" eventually 5 settled
	confirm
	says "agent alive: nothing waits" 1 "no policy waits to be confirmed"
	in_force "agent alive: and stays" 1
	cp "$snapshot" "$tmp/good"
	echo nonsense | publish
	kill -HUP "$agent"
	check "agent alive: it knows what it keeps" eventually 5 \
		grep -q "keeping generation ${before[0]}\$" "$tmp/agent.log"
	publish <"$tmp/good"
}

settled() {
	confirm
	[ "$said" != "${said#*no policy waits}" ]
}

# The same agent: files wait for SIGHUP, which needs a confirmation again.
after_rolling_back() {
	local gone=$1
	write 2
	check "rolled back: a change of the files waits" eventually 10 \
		grep -q "files have changed" "$tmp/agent.log"
	in_force "rolled back: and is not in force" 1
	kill -HUP "$agent"
	check "rolled back: SIGHUP" eventually 10 newer_than "$gone"
	check "rolled back: is on approval again" pending
	in_force "rolled back: version 2" 2
	confirm
	says "rolled back: confirmed" 0 "is in force"
	in_force "rolled back: version 2 stays" 2
	end_agent TERM || true
}

agent_killed() {
	base "agent killed"
	must "agent killed: version 2" start --confirm 4s
	end_agent KILL || true
	in_force "agent killed: is in force meanwhile" 2
	check "agent killed: goes" eventually 10 generation_is "${before[0]}"
	in_force "agent killed: version 1 is back" 1
	confirm
	says "agent killed: too late" 1 "too late"
	confirm --revert
	says "agent killed: too late to revert" 1 "too late"
	in_force "agent killed: and stays" 1
}

# The numbers of the programs.
attached() {
	ip -n "$gateway_ns" -d link show gate0 | grep -o 'prog/xdp id [0-9]*' &&
		tc -n "$gateway_ns" filter show dev gate0 ingress |
		grep -o ' id [0-9]*'
}

refused_while_pending() {
	local mark programs
	must "second run: version 2" start --confirm 100s
	end_agent KILL || true
	mark=$(generation)
	write 1
	programs=$(attached)
	# As often as whoever starts it again will try.
	for _ in 1 2 3; do
		rc=0
		said=$(in_gateway timeout 20 "$bin" run --pin-dir "$pins" \
			--interface gate0 --listen none --snapshot "$snapshot" \
			--block-file "$tmp/list" 2>&1 </dev/null) || rc=$?
	done
	check "second run: there are programs" [ -n "$programs" ]
	is "second run: the same programs stay" "$(attached)" "$programs"
	says "second run: refused" 1 "or confirm --revert"
	says "second run: refused" 1 "waits for portcullis confirm"
	gone=$mark
	is "second run: the generation stays" "$(generation)" "$mark"
	check "second run: and waits as before" pending
	in_force "second run: and all that is in it" 2
	confirm --revert
	says "second run: taken back without an agent" 0 "is in force"
	in_force "second run: version 1 is back" 1
	confirm
	says "second run: nothing waits any more" 1 "no policy waits"
}

confirmed_without_an_agent() {
	write 2
	must "no agent: version 2" start --confirm 5s
	check "no agent: under a number that none has had" newer_than "$gone"
	end_agent KILL || true
	confirm
	says "no agent: confirmed" 0 "is in force"
	sleep 5.5 # the time it had: nothing is to happen
	in_force "no agent: version 2 stays" 2
	must "no agent: the next one starts" start
	end_agent TERM || true
}

waits_its_turn() {
	base "change"
	must "change: version 2" start --confirm 100s
	before=("$(generation)")
	write 1
	check "change: it waits" eventually 10 waits
	in_force "change: version 2 is in force" 2
	check "change: on approval" pending
	confirm
	says "change: confirmed" 0 "is in force"
	check "change: then it has its turn" eventually 10 \
		newer_than "${before[0]}"
	in_force "change: version 1" 1
	check "change: of a file needs no confirmation" over
}

sighup_waits_its_turn() {
	before=("$(generation)")
	write 2
	check "SIGHUP: a file" eventually 10 newer_than "${before[0]}"
	# Said once, also where an event of the file comes in between.
	: >"$tmp/agent.log"
	kill -HUP "$agent"
	check "SIGHUP: on approval" eventually 10 pending
	before=("$(generation)")
	kill -HUP "$agent"
	check "SIGHUP: another one waits" eventually 10 waits
	is "SIGHUP: the generation stays" "$(generation)" "${before[0]}"
	confirm
	check "SIGHUP: then it has its turn" eventually 10 \
		newer_than "${before[0]}"
	check "SIGHUP: and is to be confirmed itself" pending
	: >"$tmp/agent.log"
	kill -HUP "$agent"
	check "taken back: a change waits" eventually 10 waits
	confirm --revert
	says "taken back" 0 "generation ${before[0]} is in force"
	check "taken back: the agent knows" eventually 5 \
		grep -q "was not confirmed" "$tmp/agent.log"
	is "taken back: what waited is not put into force" \
		"$(generation)" "${before[0]}"
	in_force "taken back: version 2" 2
	end_agent TERM || true
}

begin_tests
nothing_before
agent_alive
after_rolling_back $((before[0] + 1))
agent_killed
refused_while_pending
confirmed_without_an_agent
waits_its_turn
sighup_waits_its_turn
check "detach" detach
rc=0
confirm
says "detached" 1 "nothing is installed there"
end_tests
