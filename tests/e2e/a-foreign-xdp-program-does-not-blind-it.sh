#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Somebody else's XDP program in generic mode, of the kind that takes fragments,
# makes the kernel hand packets to TC with their link header uncounted.  Requests
# are judged all the same, and so are addresses with --xdp-mode tc; the other
# program stays where it is.
#
#   client0 ---- veth -----> gate0, foreign XDP, requests judged -> :8080
. "$(dirname "$0")/lib.bash"

direct=http://$gateway:8080/v1/messages
direct6=http://[$gateway6]:8080/v1/messages

attach_foreign() {
	cat >"$tmp/foreign.c" <<-C
		#include <linux/bpf.h>
		#include <bpf/bpf_helpers.h>

		SEC("xdp.frags")
		int foreign(struct xdp_md *ctx)
		{
			return XDP_PASS;
		}
	C
	clang -O2 -g -target bpf -idirafter "/usr/include/$(cc -dumpmachine)" \
		-c -o "$tmp/foreign.o" "$tmp/foreign.c"
	bpftool prog load "$tmp/foreign.o" "$pins-foreign" &&
		in_gateway bpftool net attach xdpgeneric pinned "$pins-foreign" \
			dev gate0
	rm -f "$pins-foreign"
}

foreign_id() {
	ip -n "$gateway_ns" link show gate0 | grep -o 'prog/xdp id [0-9]*'
}

unanswered() {
	local what=$1
	shift
	patience_s=0.7 ask good "$@"
	is "$what: no answer at all" "$rc $(answered_by)" "28 nobody"
}

begin_tests
{
	record good
	record dead '.status = "disabled"'
} | publish
check "a foreign program is attached" attach_foreign
address_interfaces=()
must "the agent starts without XDP" start_agent
for host in "$gateway" "[$gateway6]"; do
	is_passed "$host: a good key" good "http://$host:8080/v1/messages"
	is_refused "$host: a dead key" dead 401 API_KEY_DISABLED \
		"http://$host:8080/v1/messages"
done
end_agent TERM || true
check "detach" detach

foreign=$(foreign_id)
address_interfaces=(--interface gate0)
must "the agent starts beside it" start_agent --force --xdp-mode tc \
	--block 10.77.0.66/32 --block fd77::66 \
	--block 10.77.0.0/30 --allow 10.77.0.2
is "status says where" "$(status | jq -r \
	'.interfaces[] | select(.name == "gate0").xdp')" tc
is_passed "an allowed address" good --interface 10.77.0.2 "$direct"
is_passed "an address beside the blocked ones" good --interface 10.77.0.4 \
	"$direct"
is_passed "an IPv6 address beside it" good --interface fd77::3 "$direct6"
is_refused "a dead key" dead 401 API_KEY_DISABLED "$direct"
unanswered "a blocked address" --interface 10.77.0.66 "$direct"
unanswered "a blocked prefix" --interface 10.77.0.3 "$direct"
unanswered "a blocked IPv6 address" --interface fd77::66 "$direct6"
is_passed "a blocked address on another port" good --interface 10.77.0.66 \
	"http://$gateway/v1/messages"
end_agent KILL || true
unanswered "a blocked address, the agent dead" --interface 10.77.0.66 "$direct"
is "the other program is where it was" "$(foreign_id)" "$foreign"
check "detach" detach
is "and is still" "$(foreign_id)" "$foreign"
is_passed "the address that was blocked" good --interface 10.77.0.66 "$direct"
end_tests
