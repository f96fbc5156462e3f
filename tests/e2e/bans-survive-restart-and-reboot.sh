#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A ban holds at once, without an agent, with the next one, and after a reboot;
# one that was taken back stays so.  A command that is killed at any moment
# leaves nothing half done for long.
#
#   client 10.77.0.2 .3 .4 .66, ::66 ---- veth -----> :8080
. "$(dirname "$0")/lib.bash"

direct=http://$gateway:8080/v1/messages
direct6=http://[$gateway6]:8080/v1/messages

portcullis() {
	in_gateway "$bin" "$@" --pin-dir "$pins" --ledger "$tmp/state/ledger.db"
}

unanswered() {
	patience_s=0.5 ask good --interface "$2" "${3:-$direct}"
	is "$1: no answer to $2" "$rc $(answered_by)" "28 nobody"
}

passed() {
	is_passed "$1: $2" good --interface "$2" "$direct"
}

# Silently: this is TAP.
change() {
	portcullis "$@" >/dev/null
}

# listed PREFIX MEMBER
listed() {
	portcullis bans -j | jq -r --arg prefix "$1" \
		".[] | select(.prefix == \$prefix) | .$2"
}

all_enforced() {
	portcullis bans -j | jq -e 'all(.enforced)' >/dev/null
}

in_force() {
	unanswered "$1" 10.77.0.66
	unanswered "$1" fd77::66 "$direct6"
	passed "$1" 10.77.0.4
	passed "$1" 10.77.0.2
}

# Is the service content with its ledger?
ready() {
	curl -s -o /dev/null -w '%{http_code}' \
		--unix-socket "$tmp/check.sock" http://localhost/readyz
}

# All that the kernel had is gone.
reboot() {
	local dev
	end_agent KILL || true
	rm -rf "$pins"
	for dev in gate0 lo; do
		tc -n "$gateway_ns" qdisc del dev "$dev" clsact
	done
}

begin_tests
service_flags=(--listen none --ledger "$tmp/state/ledger.db")
record good | publish
must "the agent starts, without a ledger yet" start_agent
check "none is made unasked" [ ! -e "$tmp/state/ledger.db" ]
is "nobody is banned" "$(portcullis bans -j)" "[]"
check "ban" change ban 10.77.0.66 --for 1h --reason 'it "asked" for it'
check "ban a prefix for ever" change ban fd77::60/124
check "ban, and take it back" change ban 10.77.0.4
unanswered "banned" 10.77.0.4
check "taken back" change unban 10.77.0.4
in_force "at once"
is "the reason is kept" "$(listed 10.77.0.66/32 reason)" 'it "asked" for it'
is "and who did it" "$(listed 10.77.0.66/32 by)" operator
is "the end" "$(listed fd77::60/124 expires_at)" null
check "hits are counted" [ "$(listed 10.77.0.66/32 hits.done)" -ge 1 ]
check "as a reason, too" [ "$(counter banned)" -ge 1 ]
is "the ledger is nobody else's" "$(stat -c %a "$tmp/state/ledger.db")" 600

end_agent KILL || true
in_force "agent killed"
check "ban without an agent" change ban 10.77.0.3
unanswered "without an agent" 10.77.0.3
hits=$(listed 10.77.0.66/32 hits.done)
# From here on with the service, which has the ledger open.
service_flags=(--listen "unix:$tmp/check.sock" --trace "$tmp/trace"
	--ledger "$tmp/state/ledger.db")
must "the next agent starts" start_agent
in_force "next agent"
unanswered "next agent" 10.77.0.3
check "hits go on" [ "$(listed 10.77.0.66/32 hits.done)" -gt "$hits" ]
check "unban" change unban 10.77.0.3
passed "unbanned" 10.77.0.3

reboot
passed "after the reboot, without a filter" 10.77.0.66
is "it is listed, and not enforced" "$(listed 10.77.0.66/32 enforced)" false
rc=0
change ban 10.77.0.3 --for 30m || rc=$?
is "a ban without a filter is kept" "$rc $(listed 10.77.0.3/32 enforced)" \
	"0 false"
must "an agent starts after the reboot" start_agent
in_force "after the reboot"
unanswered "after the reboot" 10.77.0.3
is "all are enforced" "$(all_enforced && echo yes)" yes

# Killed at any moment.  Who was told that it is done finds it done.
started_us=${EPOCHREALTIME/[.,]/}
change ban 10.99.0.0
usual_us=$((${EPOCHREALTIME/[.,]/} - started_us))
done=()
for i in {1..40}; do
	# The very process, not a shell around it.
	nsenter --net="/run/netns/$gateway_ns" "$bin" ban "10.99.0.$i" \
		--pin-dir "$pins" --ledger "$tmp/state/ledger.db" --for 1h \
		>/dev/null &
	pid=$!
	sleep "$(printf '0.%06d' $((RANDOM % 100 * usual_us / 60)))"
	kill -KILL "$pid" 2>/dev/null || true
	if wait "$pid" 2>/dev/null; then
		done+=("10.99.0.$i/32")
	fi
done 2>/dev/null
echo "# ${#done[@]} of 40 came to their end"
check "some were killed, some not" [ $((${#done[@]} % 40)) -ne 0 ]
missing=0
for prefix in "${done[@]}"; do
	[ "$(listed "$prefix" enforced)" = true ] || missing=$((missing + 1))
done
is "those that were done are" "$missing" 0
check "the others are whole before long" eventually 20 all_enforced
is "the service goes on" "$(ready)" 200
check "and the ledger is sound" [ "$(sqlite3 "$tmp/state/ledger.db" \
	'PRAGMA integrity_check')" = ok ]

end_agent TERM || true
# As a command that was killed just now leaves it.
mkdir -p "$pins/pc_bans_lock/owing"
check "detach" detach
check "nothing is pinned" [ ! -e "$pins" ]
is "they are kept" "$(listed 10.77.0.66/32 kept)" true
end_tests
