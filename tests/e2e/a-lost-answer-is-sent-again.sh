#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The network may lose the answer: whatever the client sends then brings it
# again, and it reads the answer once and whole.
#
#   client0 (loses packets on the way in) ---- veth -----> :8080
. "$(dirname "$0")/lib.bash"

# lose COUNT: the next COUNT packets to the client that carry data.
lose() {
	cat >"$tmp/lose.c" <<-C
		#include <linux/bpf.h>
		#include <linux/pkt_cls.h>
		#include <bpf/bpf_helpers.h>

		int left = $1;

		SEC("tc")
		int lose(struct __sk_buff *skb)
		{
			if (!left || skb->len < 150)
				return TC_ACT_UNSPEC;
			left--;
			return TC_ACT_SHOT;
		}
	C
	clang -O2 -g -target bpf -idirafter "/usr/include/$(cc -dumpmachine)" \
		-c -o "$tmp/lose.o" "$tmp/lose.c"
	tc -n "$client_ns" qdisc replace dev client0 clsact
	tc -n "$client_ns" filter replace dev client0 ingress prio 1 handle 1 \
		bpf da obj "$tmp/lose.o" sec tc
}

# The head, then the body, in segments of their own; what came back.
send() {
	# shellcheck disable=SC2016 # the inner shell's
	in_client timeout 5 bash -c '
		exec 3<>"/dev/tcp/$0/8080"
		for part in "$@"; do
			cat "$part" >&3
			sleep 0.05
		done
		cat <&3' "$gateway" "$@" | tr -d '\r' || true
}

begin_tests
{
	record good
	record dead '.status = "disabled"'
} | publish
must "the agent starts" start_agent
{
	printf 'POST /v1/messages HTTP/1.1\r\nHost: x\r\nContent-Length: 2000\r\n'
	cat "$(credential dead)"
	printf '\r\n'
} | sed 's/\([^\r]\)$/\1\r/' >"$tmp/head"
head -c 1000 /dev/zero >"$tmp/half"

for n in 1 2; do
	lose $n
	is_refused "a request whose answer is lost, $n times" dead 401 \
		API_KEY_DISABLED "http://$gateway:8080/v1/messages"
	lose $n
	is "a request that goes on while its answer is lost, $n times" \
		"$(send "$tmp/head" "$tmp/half" "$tmp/half" |
			grep -ac '^HTTP/1.1 401 ')" 1
done
lose 0
is_passed "a good key" good "http://$gateway:8080/v1/messages"
end_tests
