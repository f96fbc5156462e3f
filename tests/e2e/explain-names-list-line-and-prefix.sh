#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Asked about an address alone, explain says what the filter does with it, and
# by what: the list, its line, the prefix; the ban and its end; the allow entry.
# The packets that each list and each ban has dropped are counted, every one.
#
#   client 10.77.0.2 .3 .4 .30-.32 .66, fd77::3 ::66 ---- veth -----> :8080
. "$(dirname "$0")/lib.bash"

portcullis() {
	in_gateway "$bin" "$@" --pin-dir "$pins"
}

# explains ADDRESS CODE VERDICT REASON CHECK NOTE, where CHECK decides it
explains() {
	local rc=0 json got
	json=$(portcullis explain -j --ip "$1") || rc=$?
	got=$(jq -r --arg check "$5" '
		"\(.verdict) \(.reason) " +
		(.checks[] | select(.check == $check) | "\(.state): \(.note)")
		' <<<"$json")
	is "explain $1" "$rc $got" "$2 $3 $4 $6"
}

# blocked_by ADDRESS REASON PLACE
blocked_by() {
	explains "$1" 1 refuses "$2" "block lists" "refuses: $3"
}

# says ADDRESS CODE TEXT...: for people
says() {
	local rc=0 text line
	text=$(portcullis explain --ip "$1") || rc=$?
	is "explain $1, for people: exit status" "$rc" "$2"
	shift 2
	for line; do
		check "for people: '$line'" grep -qF -e "$line" <<<"$text"
	done
}

# list NAME MEMBER
list() {
	status | jq --arg name "$1" ".lists[] | select(.name == \$name) | .$2"
}

# Packets that nobody answers: SYNs, and as many as they are.
knock() {
	in_client python3 - "$@" <<-'PY'
		import socket, sys

		for address, n in zip(sys.argv[1::2], map(int, sys.argv[2::2])):
		    v6 = ":" in address
		    family = socket.AF_INET6 if v6 else socket.AF_INET
		    s = socket.socket(family, socket.SOCK_DGRAM)
		    s.bind((address, 0))
		    for _ in range(n):
		        s.sendto(b"x", ("fd77::1" if v6 else "10.77.0.1", 8080))
	PY
}

write_all() {
	{
		jq -cn '{portcullis: {format: 1, complete: false, ip_blacklist:
			["203.0.113.0/24", "192.0.2.5"],
			ip_allowlist: ["203.0.113.77"]}}'
		record good
		record bound '.ip_blacklist = ["198.51.100.9"]'
	} | publish
	printf '# feed\n10.77.0.66 ; SBL1\nfd77::66\n10.77.0.32/30\n10.77.0.30-10.77.0.31\n' \
		>"$tmp/feed"
	printf '; the second\r\n10.77.0.3\r\n10.77.0.66\r\n' >"$tmp/second"
	printf '# ours\n10.77.0.4\n198.18.4.1\n' >"$tmp/ours"
	printf '198.18.4.0/24\n' >"$tmp/theirs"
	long=$tmp/$(printf '%0120d' 0)
	mkdir "$long"
	echo 198.18.9.9 >"$long/far"
	# Latin-1, which JSON cannot hold.
	latin=$tmp/$'caf\xe9'
	echo 198.18.10.1 >"$latin"
}

each_place() {
	blocked_by 10.77.0.66 block-list "$tmp/feed line 2: 10.77.0.66"
	blocked_by ::ffff:10.77.0.66 block-list "$tmp/feed line 2: 10.77.0.66"
	blocked_by fd77::66 block-list "$tmp/feed line 3: fd77::66"
	blocked_by 10.77.0.33 block-list "$tmp/feed line 4: 10.77.0.32/30"
	blocked_by 10.77.0.31 block-list "$tmp/feed line 5: 10.77.0.30/31"
	blocked_by 10.77.0.3 block-list "$tmp/second line 2: 10.77.0.3"
	blocked_by 192.0.2.77 block-list "--block has 192.0.2.0/24"
	blocked_by 2001:db8::1 block-list "--block has 2001:db8::/32"
	blocked_by 203.0.113.7 snapshot-list "the snapshot has 203.0.113.0/24"
	blocked_by 198.51.100.9 snapshot-list "--ip-scope has 198.51.100.9"
	# The snapshot's is longer, and not the one that decides.
	blocked_by 192.0.2.5 block-list "--block has 192.0.2.0/24"
	explains 10.77.0.4 0 passes allow-list "allow list" \
		"ok: $tmp/ours line 2: 10.77.0.4"
	explains 198.18.4.9 0 passes allow-list "allow list" \
		"ok: $tmp/theirs line 1: 198.18.4.0/24"
	explains 198.18.4.1 0 passes allow-list "allow list" \
		"ok: $tmp/ours line 3: 198.18.4.1"
	explains 192.0.2.200 0 passes allow-list "allow list" \
		"ok: --allow has 192.0.2.200"
	explains 203.0.113.77 0 passes allow-list "allow list" \
		"ok: the snapshot has 203.0.113.77"
	# The same of files that no agent has read.
	check "without a filter: the allow file's line" grep -qF \
		"$tmp/theirs line 1: 198.18.4.0/24" <<<"$(cd "$tmp" &&
			"$bin" explain --snapshot "$snapshot" --ip 198.18.4.9 \
				--profile v0.1.179 --allow-file theirs)"
	local rc=0
	"$bin" explain --snapshot "$snapshot" --ip 198.18.4.9 \
		--block-file "$long" 2>"$tmp/err" || rc=$?
	is "a list that cannot be read: status" "$rc" 3
	check "it is named" grep -qF "$long: it is a directory" "$tmp/err"
	is "the snapshot is not blamed" "$(grep -cF "$snapshot" "$tmp/err")" 0
	local far=$long/far
	blocked_by 198.18.9.9 block-list \
		"...${far: -124} (a path of more than 127 characters: its line cannot be told)"
	blocked_by 198.18.10.1 block-list "$tmp/caf? line 1: 198.18.10.1"
	is "status has it, too" "$(list "$tmp/caf?" prefixes)" 1
	explains 10.77.0.2 0 passes address-pass "block lists" "ok: no match"
	explains fd77::3 0 passes address-pass "block lists" "ok: no match"
	says 10.77.0.66 1 "address plane" "$tmp/feed line 2: 10.77.0.66" \
		"verdict: dropped, block-list"
	says 10.77.0.2 0 "no match" "verdict: allowed, address-pass"
	says 10.77.0.4 0 "$tmp/ours line 2: 10.77.0.4" "verdict: allowed, allow-list"
}

each_ban() {
	local end
	portcullis ban 10.77.0.2 --for 1h --ledger none >/dev/null
	end=$(portcullis bans -j --ledger none |
		jq -r '.[] | select(.prefix == "10.77.0.2/32") | .expires_at')
	explains 10.77.0.2 1 refuses banned bans \
		"refuses: has 10.77.0.2, until $end"
	says 10.77.0.2 1 "has 10.77.0.2, until $end" "verdict: dropped, banned"
	portcullis ban fd77::60/124 --ledger none --force >/dev/null
	explains fd77::66 1 refuses banned bans \
		"refuses: has fd77::60/124, for ever"
	portcullis unban fd77::60/124 --ledger none >/dev/null
	blocked_by fd77::66 block-list "$tmp/feed line 3: fd77::66"
}

# Each has what was dropped for it; what two lists have is the first one's.
each_count() {
	local feed second own hits
	knock 10.77.0.66 1 # what finds the neighbour
	feed=$(list "$tmp/feed" "done")
	second=$(list "$tmp/second" "done")
	own=$(list "--block" "done")
	hits=$(ban_hits)
	knock 10.77.0.66 7 fd77::66 4 10.77.0.31 2 10.77.0.3 5 10.77.0.2 6 \
		10.77.0.4 3
	is "counted: the first file" "$(list "$tmp/feed" "done")" $((feed + 13))
	is "counted: the second file" "$(list "$tmp/second" "done")" \
		$((second + 5))
	is "counted: nothing for --block" "$(list "--block" "done")" "$own"
	is "counted: the ban" "$(ban_hits)" $((hits + 6))
	is "counted: prefixes" "$(list "$tmp/feed" prefixes) $(list "$tmp/second" prefixes)" \
		"4 2"
}

ban_hits() {
	portcullis bans -j --ledger none |
		jq '.[] | select(.prefix == "10.77.0.2/32") | .hits.done'
}

# What is in force was read before; nobody reads it again by now.
each_change() {
	end_agent KILL || true
	sed -i 1d "$tmp/feed"
	blocked_by 10.77.0.66 block-list \
		"$tmp/feed line 1: 10.77.0.66 (the file has changed since it was loaded)"
	echo >"$tmp/feed"
	blocked_by 10.77.0.66 block-list \
		"$tmp/feed (as it was loaded; the file has changed)"
	rm "$tmp/feed"
	local rc=0
	portcullis explain --ip 10.77.0.66 >"$tmp/out" || rc=$?
	is "the file is gone: still dropped" "$rc" 1
	check "the file is gone: is named" \
		grep -qF "$tmp/feed (as it was loaded; " "$tmp/out"
}

cannot_tell() {
	local rc=0
	detach
	portcullis explain --ip 10.77.0.66 >"$tmp/out" 2>&1 || rc=$?
	is "nothing installed: cannot tell" "$rc" 3
	rc=0
	portcullis explain --ip 10.77.0.300 >"$tmp/out" 2>&1 || rc=$?
	is "no address: usage" "$rc" 2
}

unset SSH_CONNECTION
begin_tests
give "$client_ns" client0 10.77.0.{30..32}/24
write_all
# Two of them are named from where the agent starts; explain is elsewhere.
cd "$tmp"
must "the agent starts" start_agent --ip-scope global \
	--block 192.0.2.0/24 --block 2001:db8::/32 --allow 192.0.2.200 \
	--block-file "$tmp/feed" --block-file second --block-file "$long/far" \
	--block-file "$latin" --allow-file "$tmp/ours" --allow-file theirs
cd /
each_place
each_ban
each_count
each_change
cannot_tell
end_tests
