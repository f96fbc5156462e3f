#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A ban that is wrong, would hit whom it must not, cannot be kept or finds no
# room fails with the right status, names what is wrong and what holds.
#
#   gate0 only; nothing is sent
. "$(dirname "$0")/lib.bash"

# fails WHAT STATUS NAMED COMMAND...: the error is to name NAMED
fails() {
	local what=$1 want=$2 named=$3 rc=0
	shift 3
	in_gateway timeout 20 "$@" >"$tmp/out" 2>"$tmp/err" </dev/null || rc=$?
	is "$what: exit status" "$rc" "$want"
	check "$what: says '$named'" grep -qF -e "$named" "$tmp/err"
}

verb() {
	local name=$1
	shift
	echo "$bin $name --pin-dir $pins --ledger $tmp/state/ledger.db"
}

listed() {
	in_gateway "${bans[@]}" -j | jq -r --arg prefix "$1" \
		".[] | select(.prefix == \$prefix) | .$2"
}

# Silently: this is TAP.
quietly() {
	in_gateway "$@" >"$tmp/out" 2>&1
}

length_has_room() {
	[ "$(listed 172.16.0.0/16 enforced)" = true ]
}

begin_tests
service_flags=(--listen none --ledger "$tmp/state/ledger.db")
record good | publish
read -ra ban <<<"$(verb ban)"
read -ra unban <<<"$(verb unban)"
read -ra bans <<<"$(verb bans)"

fails "no address" 2 "is needed" "${ban[@]}"
fails "two addresses" 2 "not several" "${ban[@]}" 198.51.100.1 198.51.100.2
fails "an address that is none" 2 10.0.0.300 "${ban[@]}" 10.0.0.300
fails "host bits" 2 10.0.0.0/8 "${ban[@]}" 10.0.0.1/8
fails "a length that is none" 2 soon "${ban[@]}" 198.51.100.1 --for soon
fails "no length" 2 "--for 0" "${ban[@]}" 198.51.100.1 --for 0
fails "a reason of two lines" 2 "control characters" \
	"${ban[@]}" 198.51.100.1 --reason $'two\nlines'
fails "a long reason" 2 "longer than" \
	"${ban[@]}" 198.51.100.1 --reason "$(printf '%0200d' 0)"
fails "a flag" 2 --colour "${ban[@]}" 198.51.100.1 --colour red
fails "unban: no address" 2 "is needed" "${unban[@]}"
fails "unban: --for" 2 --for "${unban[@]}" 198.51.100.1 --for 1h
fails "bans: an address" 2 "no arguments" "${bans[@]}" 198.51.100.1
check "nothing was kept" [ ! -e "$tmp/state" ]

fails "neither ledger nor filter" 1 nowhere "$bin" ban --ledger none \
	--pin-dir "$pins" 198.51.100.1
fails "without a filter" 0 "no filter is installed" "${ban[@]}" 198.51.100.1
fails "not banned" 1 198.51.100.2/32 "${unban[@]}" 198.51.100.2
fails "more than is banned" 1 198.51.100.0/31 "${unban[@]}" 198.51.100.0/31

must "the agent starts" start_agent --allow 198.51.100.128/25 \
	--trusted-proxy 203.0.113.0/29
fails "loopback" 1 loopback "${ban[@]}" 127.0.0.5
fails "loopback, IPv6" 1 loopback "${ban[@]}" ::/64
fails "this host" 1 "$gateway" "${ban[@]}" 10.77.0.0/24
fails "this host, IPv6" 1 "$gateway6" "${ban[@]}" "$gateway6"
fails "a proxy" 1 "trusted proxy" "${ban[@]}" 203.0.113.1
fails "a net with proxies" 1 203.0.113.0/29 "${ban[@]}" 203.0.113.0/24
fails "nearly everybody" 1 "wider than" "${ban[@]}" 64.0.0.0/7
fails "who is allowed" 1 "allow entry" "${ban[@]}" 198.51.100.129
is "none of them is banned" "$(in_gateway "${bans[@]}" -j | jq length)" 1
fails "a net with some who are allowed" 0 "198.51.100.128/25 stays allowed" \
	"${ban[@]}" 198.51.100.0/24
fails "forced" 0 "trusted proxy" "${ban[@]}" 203.0.113.1 --force
is "it is banned" "$(listed 203.0.113.1/32 enforced)" true
fails "unban in a wider one" 0 "198.51.100.0/24 is banned still" \
	"${unban[@]}" 198.51.100.1
check "for ever" quietly "${ban[@]}" 198.51.100.9
check "and then for an hour" quietly "${ban[@]}" 198.51.100.9 --for 1h
is "is for ever" "$(listed 198.51.100.9/32 expires_at)" null

# One length more than there is room for; the ledger keeps it.
for len in {17..31}; do
	quietly "${ban[@]}" "172.16.0.0/$len" || true
done
fails "too many lengths" 1 "16 lengths: 1 not enforced" \
	"${ban[@]}" 172.16.0.0/16
is "it is kept" "$(listed 172.16.0.0/16 kept)" true
is "and not enforced" "$(listed 172.16.0.0/16 enforced)" false
check "a length comes free" quietly "${unban[@]}" 172.16.0.0/31
check "the agent gives it to the one that waits" eventually 20 length_has_room

# One ban more than there is room for, and one after it.  The others are put
# where an agent finds them.
end_agent TERM
in_gateway "$bin" detach --pin-dir "$pins" >"$tmp/out"
sqlite3 "$tmp/state/ledger.db" "
	CREATE TABLE spare AS SELECT * FROM ban;
	DELETE FROM ban;
	WITH RECURSIVE n(i) AS (VALUES(0) UNION ALL SELECT i+1 FROM n LIMIT 65536)
	INSERT INTO ban SELECT printf('100.64.%d.%d/32', i >> 8, i & 255),
		$(date +%s)000000000, $((1 << 62)), 0, 0, '', $((1 << 62)) FROM n"
must "an agent starts that has many bans" start_agent
is_full() {
	[ "$(status | jq .bans)" = 65536 ]
}
check "the table is full" eventually 20 is_full
fails "one ban too many" 1 "room for 65536 bans: 1 not enforced" \
	"${ban[@]}" 198.51.100.21
fails "another one" 1 "room for 65536 bans: 2 not enforced" \
	"${ban[@]}" 198.51.100.22 --for 1h
check "one that is there is extended" quietly "${ban[@]}" 100.64.7.7
is "they are kept, not enforced" \
	"$(listed 198.51.100.21/32 kept) $(listed 198.51.100.21/32 enforced)" \
	"true false"
check "two come free" quietly "${unban[@]}" 100.64.0.1
check "the second" quietly "${unban[@]}" 100.64.255.255
have_room() {
	[ "$(listed 198.51.100.21/32 enforced) $(listed 198.51.100.22/32 enforced)" \
		= "true true" ]
}
check "the agent gives it to those that wait" eventually 25 have_room
end_agent TERM
in_gateway "$bin" detach --pin-dir "$pins" >"$tmp/out"
sqlite3 "$tmp/state/ledger.db" "DELETE FROM ban;
	INSERT INTO ban SELECT * FROM spare; DROP TABLE spare"
must "the agent starts as before" start_agent --allow 198.51.100.128/25 \
	--trusted-proxy 203.0.113.0/29

# On a disk that cannot be written.
# shellcheck disable=SC2016 # the inner shell's
read_only=(unshare --mount sh -c 'mount --bind "$0" "$0" &&
	mount -o remount,bind,ro "$0" && exec "$@"' "$tmp/state")
fails "a read-only disk" 1 "in the kernel only" \
	"${read_only[@]}" "${ban[@]}" 198.51.100.77
is "it is enforced" "$(listed 198.51.100.77/32 enforced)" true
is "and not kept" "$(listed 198.51.100.77/32 kept)" false
fails "to take one back from there" 1 "comes back" \
	"${read_only[@]}" "${unban[@]}" 198.51.100.9
fails "without a ledger" 0 "in the kernel only" "$bin" ban --ledger none \
	--pin-dir "$pins" 198.51.100.78

head -c 8192 /dev/zero | tr '\0' x >"$tmp/other.db"
fails "a ledger that is none" 1 "not a database" "$bin" ban \
	--ledger "$tmp/other.db" --pin-dir "$pins" 198.51.100.79
fails "to list one that is none" 1 "not a database" "$bin" bans \
	--ledger "$tmp/other.db" --pin-dir "$pins"

chmod 711 "$tmp"
install -m 755 "$bin" "$tmp/portcullis"
fails "not root" 1 "not banned" setpriv --reuid=65534 --regid=65534 \
	--clear-groups "$tmp/portcullis" ban --pin-dir "$pins" \
	--ledger "$tmp/state/ledger.db" 198.51.100.80
end_tests
