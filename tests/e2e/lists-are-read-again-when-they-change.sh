#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The files of --block-file and --allow-file hold as they come from Spamhaus,
# FireHOL, fail2ban and people, and a new version of one holds by itself,
# however it is put there.  One that is bad, gone, beyond its limits or that the
# guard objects to stays what it was, and holds up none of the others.
#
#   client 10.77.0.2 .3 .4 .20-.25 .66, fd77::3 ::20 ::66 ---- veth ---> :8080
#   10.77.0.4 is the gateway host's default gateway
. "$(dirname "$0")/lib.bash"

direct=http://$gateway:8080/v1/messages
direct6=http://[$gateway6]:8080/v1/messages
lists=
n_beats=0

# from ADDRESS WHO: who answers a request from there?
from() {
	local url=$direct
	[[ $1 != *:* ]] || url=$direct6
	patience_s=0.5 ask good --interface "$1" "$url"
	[ "$(answered_by)" = "$2" ]
}

blocked() {
	from "$1" nobody
}

open() {
	from "$1" gateway
}

# all_blocked WHAT ADDRESS..., all_open WHAT ADDRESS...
all_blocked() {
	local what=$1 address
	shift
	for address in "$@"; do
		check "$what: no answer to $address" blocked "$address"
	done
}

all_open() {
	local what=$1 address
	shift
	for address in "$@"; do
		check "$what: an answer to $address" open "$address"
	done
}

# put FILE: replaces it by rename with what comes on stdin
put() {
	cat >"$lists/$1.new"
	mv "$lists/$1.new" "$lists/$1"
}

addresses() {
	seq -f "198.51.100.%g" 0 $((($1 < 256 ? $1 : 256) - 1))
	[ "$1" -le 256 ] || seq -f "203.0.113.%g" 0 $(($1 - 257))
}

# Another list changes, in the same burst as what was just done: once it is in
# force, so is whatever else is going to be.
beat() {
	n_beats=$((n_beats + 1))
	echo "192.0.2.$n_beats" | put beat
	eventually 10 beats
}

beats() {
	local rc=0
	in_gateway "$bin" explain --pin-dir "$pins" --ip "192.0.2.$n_beats" \
		>/dev/null || rc=$?
	[ "$rc" -eq 1 ]
}

# list FILE MEMBER
list() {
	status | jq --arg name "$lists/$1" \
		".lists[] | select(.name == \$name) | .$2"
}

# took PART: status says how long a part of what is in force took, in ms
took() {
	status | jq -e ".took_ms.$1 > 0" >/dev/null
}

# refused WHAT FILE ADDRESS...: what was just done to the file is not believed,
# what the file said before holds, and another list changes all the same.
refused() {
	local what=$1 file=$2 before n
	shift 2
	before=$(generation)
	n=$(list "$file" prefixes)
	check "$what: another list changes all the same" beat
	is "$what: in one generation" "$(generation)" $((before + 1))
	is "$what: as many prefixes as before" "$(list "$file" prefixes)" "$n"
	all_blocked "$what: what it said holds" "$@"
}

# ends WHAT NAMED FLAG...: at the start
ends() {
	local what=$1 named=$2 rc=0
	shift 2
	in_gateway timeout 20 "$bin" run --pin-dir "$pins" --interface gate0 \
		--listen none --snapshot "$snapshot" "$@" >"$tmp/out" \
		2>"$tmp/err" </dev/null || rc=$?
	is "$what: exit status" "$rc" 1
	check "$what: says '$named'" grep -qF -e "$named" "$tmp/err"
	check "$what: leaves nothing" nothing_is_left
}

nothing_is_left() {
	[ ! -e "$pins" ] &&
		! ip -n "$gateway_ns" link show gate0 | grep -q prog/xdp
}

write_lists() {
	printf '; Spamhaus DROP List 2026/11/24 - (c) 2026\r\n; Expires: never\r\n10.77.0.66/32 ; SBL270738\r\n\r\n' |
		put spamhaus
	put firehol <<-LIST
		#
		# firehol_level1
		#
		# Category        : attacks
		#
		0.0.0.0/8
		10.77.0.3
		224.0.0.0/3
		fd77::66
	LIST
	put fail2ban <<-LIST
		10.77.0.20-10.77.0.24
		::ffff:10.77.0.25 1764000000 + 600 = 2026-11-24 16:10:00
		fd77::20/128	2026-11-24	sshd
	LIST
	printf '10.77.0.24 # the monitor\n' | put allow
	echo 10.77.0.66 | put in-place
	mkdir "$lists"/v1 "$lists"/v2
	echo 10.77.0.66 >"$lists/v1/list"
	echo 10.77.0.2 >"$lists/v2/list"
	ln -s v1 "$lists/current"
	addresses 200 | put long
	beat_flags
}

beat_flags() {
	echo 192.0.2.0 | put beat
	flags=(--block-file "$lists/spamhaus" --block-file "$lists/firehol"
		--block-file "$lists/fail2ban,max=10"
		--block-file "$lists/in-place" --block-file "$lists/current/list"
		--block-file "$lists/long,factor=2"
		--block-file "$lists/beat" --allow-file "$lists/allow")
}

each_bad_start() {
	echo 10.0.0.0/7 >"$lists/wide"
	ends "a /7" "wide: line 1:" --block-file "$lists/wide"
	printf '10.77.0.66\n10.77.0.300\n' >"$lists/bad"
	ends "a bad line" "bad: line 2:" --block-file "$lists/bad"
	ends "a bad line of the allow file" "bad: line 2:" \
		--allow-file "$lists/bad"
	printf '192.0.2.%s\n' 1 2 3 >"$lists/three"
	ends "more than max=" "three: line 3: more than 2 prefixes" \
		--block-file "$lists/three,max=2"
	ends "no such file" "$lists/none" --block-file "$lists/none"
	echo 10.77.0.4 >"$lists/gateway"
	ends "the guard" "10.77.0.4, the default gateway" \
		--block-file "$lists/gateway"
}

as_they_come() {
	all_blocked "Spamhaus" 10.77.0.66
	all_blocked "FireHOL" 10.77.0.3 fd77::66
	all_blocked "fail2ban" 10.77.0.20 10.77.0.23 10.77.0.25 fd77::20
	all_open "the allow file" 10.77.0.24
	all_open "nobody's" 10.77.0.2 10.77.0.4 fd77::3
}

each_way() {
	local part
	echo '10.77.0.2 ; SBL1' | put spamhaus
	check "renamed: its new address" eventually 10 blocked 10.77.0.2
	for part in read compile put; do
		check "renamed: how long it took to $part it" took $part
	done
	echo | put spamhaus
	check "renamed: blank" eventually 10 open 10.77.0.2
	echo 10.77.0.2 >"$lists/in-place"
	check "rewritten" eventually 10 blocked 10.77.0.2
	ln -s v2 "$lists/current.new"
	echo >"$lists/in-place"
	check "rewritten: blank" eventually 10 open 10.77.0.2
	all_blocked "by the link" 10.77.0.66
	mv -T "$lists/current.new" "$lists/current"
	check "another link" eventually 10 blocked 10.77.0.2
	all_open "another link" 10.77.0.66
	echo 10.77.0.66 >"$lists/v2/list"
	check "rewritten behind the link" eventually 10 blocked 10.77.0.66
	all_open "rewritten behind the link" 10.77.0.2
	echo | put allow
	check "no longer allowed" eventually 10 blocked 10.77.0.24
	echo 10.77.0.24 | put allow
	check "allowed again" eventually 10 open 10.77.0.24
}

each_refusal() {
	rm "$lists/firehol"
	refused "deleted" firehol 10.77.0.3 fd77::66
	echo 10.77.0.2 | put firehol
	check "there again" eventually 10 blocked 10.77.0.2
	all_open "there again" 10.77.0.3
	printf '10.77.0.3\n10.77.0.3 10.77.0.300\nten\n' | put firehol
	refused "a bad line" firehol 10.77.0.2
	all_open "a bad line: none of it holds" 10.77.0.3
	printf '10.77.0.3\n10.77.0.1/8\n' | put firehol
	refused "host bits" firehol 10.77.0.2
	printf '10.77.0.3\n64.0.0.0/7\n' | put firehol
	refused "a /7" firehol 10.77.0.2
	all_open "none of these holds" 10.77.0.3
	echo 10.77.0.3 | put firehol
	check "good again" eventually 10 blocked 10.77.0.3
	all_open "good again" 10.77.0.2
	seq -f '10.77.0.%g' 20 31 | put fail2ban
	refused "more than max=" fail2ban 10.77.0.20 fd77::20
	echo 10.77.0.66/33 | put allow
	refused "a bad line of the allow file" beat 10.77.0.20
	all_open "a bad line of the allow file" 10.77.0.24
}

each_factor() {
	addresses 99 | put long
	refused "half of it is gone" long
	addresses 401 | put long
	refused "twice as much and one" long
	: | put long
	refused "empty" long
	is "as many as before" "$(list long prefixes)" 200
	addresses 400 | put long
	check "twice as much" beat
	is "twice as much" "$(list long prefixes)" 400
}

# The guard objects to all of a policy; then each file goes by itself.
each_objection() {
	local before
	printf '10.77.0.66\n10.77.0.4\n' | put spamhaus
	refused "the default gateway" spamhaus
	all_open "the default gateway" 10.77.0.4
	echo 10.77.0.2 >"$lists/v2/list"
	check "another list later" eventually 10 blocked 10.77.0.2
	all_open "another list later" 10.77.0.66 10.77.0.4
	before=$(generation)
	{
		record good '.quota = 1'
		record dead '.status = "disabled"'
	} | publish
	check "the snapshot later" eventually 10 newer_than "$before"
	ip -n "$gateway_ns" route del default
	check "another way out: any change lets it in" beat
	all_blocked "another way out" 10.77.0.4 10.77.0.66
	ip -n "$gateway_ns" route add default via 10.77.0.4
	echo 10.77.0.66 | put spamhaus
	check "good again" eventually 10 open 10.77.0.4
}

given_up() {
	[ "$(grep -c "keeping generation" "$tmp/agent.log")" -gt "$1" ]
}

# Lists go by the keys in force, whatever becomes of the snapshot.
with_a_bad_snapshot() {
	local n
	n=$(grep -c "keeping generation" "$tmp/agent.log")
	echo 10.77.0.3 >"$lists/v2/list.new"
	echo '{"half":' | publish
	mv "$lists/v2/list.new" "$lists/v2/list"
	check "with a bad snapshot: it is refused" eventually 10 given_up "$n"
	check "with a bad snapshot: the list changes" \
		eventually 10 blocked 10.77.0.3
	all_open "with a bad snapshot: the list changes" 10.77.0.2
	check "while it is bad: another change" beat
	is_refused "while it is bad: the dead key" dead 401 API_KEY_DISABLED \
		"$direct"
	rm "$snapshot"
	check "while there is none: another change" beat
	n=$(generation)
	record good | publish
	check "a good snapshot" eventually 10 newer_than "$n"
	is_passed "a good snapshot: the dead key is gone" dead "$direct"
	all_open "a good snapshot: the list stays changed" 10.77.0.2
	all_blocked "a good snapshot: the list stays changed" 10.77.0.3
}

unset SSH_CONNECTION
begin_tests
give "$client_ns" client0 10.77.0.{20..25}/24 fd77::20/64
ip -n "$gateway_ns" route add default via 10.77.0.4
lists=$tmp/lists
mkdir "$lists"
record good | publish
each_bad_start
write_lists
must "the agent starts" start_agent "${flags[@]}"
as_they_come
each_way
each_refusal
each_factor
each_objection
with_a_bad_snapshot
kill -0 "$agent" && rc=0 || rc=$?
is "the agent is alive" "$rc" 0
end_agent KILL || true
all_blocked "with the agent dead" 10.77.0.66 10.77.0.20 fd77::20
end_tests
