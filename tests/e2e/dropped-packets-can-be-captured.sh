#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What the filter drops comes whole into a file that tcpdump reads, also when
# the agent is dead; a capture that is killed leaves a file that can be read and
# costs nothing a few seconds later; there is one at a time.
#
#   client 10.77.0.66 ::66 (blocked)  ---- UDP, veth ----> :8080
. "$(dirname "$0")/lib.bash"

capture=

# capture FILE [FLAG...]: in the background, until it takes packets
capture() {
	local file=$1
	shift
	rm -f "$file"
	nsenter --net="/run/netns/$gateway_ns" "$bin" capture \
		--pin-dir "$pins" "$@" "$file" \
		>"$tmp/capture.out" 2>"$tmp/capture.err" </dev/null &
	capture=$!
	# So that it ends with us.
	nginx+=("$capture")
	eventually 10 [ -s "$file" ]
}

# end_capture [SIGNAL]: and its exit status
end_capture() {
	local rc=0
	[ $# -eq 0 ] || kill -"$1" "$capture"
	wait "$capture" || rc=$?
	return $rc
} 2>/dev/null

# send FROM TO SIZE COUNT: datagrams that begin with "portcullis N"
send() {
	in_client python3 - "$@" <<-'PYTHON'
		import socket, sys
		source, to, size, count = sys.argv[1:]
		family = socket.AF_INET6 if ":" in to else socket.AF_INET
		s = socket.socket(family, socket.SOCK_DGRAM)
		s.bind((source, 40000))
		for n in range(int(count)):
		    s.sendto((b"portcullis %d " % n).ljust(int(size), b"x"), (to, 8080))
	PYTHON
}

# told FILE: a line a packet
told() {
	tcpdump -tt -ne -r "$1" 2>/dev/null
}

n_told() {
	told "$1" | wc -l
}

# has FILE N: are there so many by now?
has() {
	[ "$(n_told "$1")" -ge "$2" ]
}

begin_tests
record good | publish
must "the agent starts" start_agent --block 10.77.0.66 --block fd77::66

must "a capture begins" capture "$tmp/a.pcap" --count 4
is "the file is its owner's alone" "$(stat -c %a "$tmp/a.pcap")" 600
send 10.77.0.66 "$gateway" 100 2
send 10.77.0.66 "$gateway" 1200 1
send 10.77.0.3 "$gateway" 100 1
send fd77::66 "$gateway6" 100 2
check "it ends by itself" end_capture
is "it has as many packets as were asked for" "$(n_told "$tmp/a.pcap")" 4
is "all are of those that were dropped" \
	"$(told "$tmp/a.pcap" | grep -cE '(10.77.0.66|fd77::66).40000 >')" 4
is "with their whole length" \
	"$(told "$tmp/a.pcap" | grep -o 'length [0-9]*:' | tr -d '\n')" \
	"length 142:length 142:length 1242:length 162:"
is "with their bytes" \
	"$(grep -aoE 'portcullis [01] x' "$tmp/a.pcap" | tr '\n' ',')" \
	"portcullis 0 x,portcullis 1 x,portcullis 0 x,portcullis 0 x,"
now=$(($(now_ms) / 1000))
check "with their time" \
	[ $((now - $(told "$tmp/a.pcap" | head -n 1 | cut -d . -f 1))) -le 5 ]

# To a reader at once.
in_gateway "$bin" capture --pin-dir "$pins" --count 2 - 2>/dev/null |
	tcpdump -n -r - >"$tmp/piped" 2>/dev/null &
piped=$!
sends_until_over() {
	send 10.77.0.66 "$gateway" 100 1
	! kill -0 $piped 2>/dev/null
}
check "a capture can be piped" eventually 10 sends_until_over
is "tcpdump reads it" "$(wc -l <"$tmp/piped")" 2

must "one more begins" capture "$tmp/b.pcap"
rc=0
in_gateway "$bin" capture --pin-dir "$pins" "$tmp/second.pcap" \
	2>"$tmp/second.err" </dev/null || rc=$?
is "a second one beside it ends with an error" "$rc" 1
check "which says so" grep -q "another capture is running" "$tmp/second.err"
check "and makes no file" [ ! -e "$tmp/second.pcap" ]
send 10.77.0.66 "$gateway" 100 3
check "the first one goes on" eventually 5 has "$tmp/b.pcap" 3
end_capture KILL || true
is "killed, its file can be read" "$(n_told "$tmp/b.pcap")" 3
must "another one can begin" capture "$tmp/c.pcap"
send 10.77.0.66 "$gateway" 100 1
check "and has what is dropped from then on" eventually 5 has "$tmp/c.pcap" 1
check "SIGINT ends it well" end_capture INT
is "with what was dropped" "$(n_told "$tmp/c.pcap")" 1

end_agent KILL || true
must "with the agent dead, one begins" capture "$tmp/d.pcap" --count 1
send 10.77.0.66 "$gateway" 100 1
check "and ends by itself" end_capture
is "with what was dropped then" "$(n_told "$tmp/d.pcap")" 1
check "one that has nothing to tell ends in time" \
	in_gateway timeout 10 "$bin" capture --pin-dir "$pins" --for 1s \
	"$tmp/e.pcap"
is "and has no packets" "$(n_told "$tmp/e.pcap")" 0

rc=0
in_gateway "$bin" capture --pin-dir "$pins" "$tmp/no/such.pcap" \
	2>"$tmp/err" </dev/null || rc=$?
is "a file that cannot be written is an error" "$rc" 1
check "which names it" grep -qF "$tmp/no/such.pcap" "$tmp/err"
# refuses WHAT FILE: soon, though it is not ended by SIGTERM while it opens
refuses() {
	rc=0
	in_gateway timeout -s KILL 10 "$bin" capture "$2" --pin-dir "$pins" \
		--for 1s 2>"$tmp/err" || rc=$?
	is "$1 is refused" "$rc" 1
	check "by its name" grep -qF "$2" "$tmp/err"
}
echo precious >"$tmp/target"
ln -s "$tmp/target" "$tmp/link.pcap"
refuses "a link" "$tmp/link.pcap"
is "what it leads to stays" "$(cat "$tmp/target")" precious
mkfifo "$tmp/pipe.pcap"
refuses "a pipe that nobody reads" "$tmp/pipe.pcap"
: >"$tmp/theirs.pcap"
chown 65534 "$tmp/theirs.pcap"
refuses "a file of somebody else" "$tmp/theirs.pcap"
check "and holds nobody up" in_gateway timeout 2 "$bin" capture \
	--pin-dir "$pins" --for 1s "$tmp/f.pcap"
# On a disk of two pages, in a mount namespace of its own.
mkdir "$tmp/small"
unshare --mount sh -c 'mount -t tmpfs -o size=8k none "$0" && exec sleep 60' \
	"$tmp/small" &
holder=$!
nginx+=("$holder")
small=/proc/$holder/root$tmp/small
is_small() {
	[ "$(stat -f -c %b "$small" 2>/dev/null)" = 2 ]
}
must "there is a small disk" eventually 5 is_small
nsenter --mount="/proc/$holder/ns/mnt" --net="/run/netns/$gateway_ns" \
	"$bin" capture "$tmp/small/full.pcap" --pin-dir "$pins" \
	2>"$tmp/err" </dev/null &
capture=$!
nginx+=("$capture")
must "a capture to it begins" eventually 10 [ -s "$small/full.pcap" ]
# All at once, so that each is in its ring when the disk is full.
kill -STOP "$capture"
send 10.77.0.66 "$gateway" 100 100
kill -CONT "$capture"
rc=0
end_capture || rc=$?
is "a full disk is an error" "$rc" 1
check "by its name" grep -qF "full.pcap: No space left on device" "$tmp/err"
is "the file has what found room" \
	"$(n_told "$small/full.pcap") $(stat -c %s "$small/full.pcap")" \
	"51 $((24 + 51 * (16 + 142)))"
check "the others are counted as lost" \
	grep -qF "51 packets, 49 lost" "$tmp/err"
kill "$holder"

rc=0
in_gateway "$bin" capture --pin-dir "$pins-none" "$tmp/g.pcap" \
	2>"$tmp/err" </dev/null || rc=$?
is "without a filter there is nothing to capture" "$rc" 1
check "which is said" grep -q "no filter is installed" "$tmp/err"
end_tests
