#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Somebody else's XDP program in generic mode, of the kind that takes fragments,
# makes the kernel hand packets to TC with their link header uncounted.  Requests
# are judged all the same; where we are asked to attach XDP there, we say no.
#
#   client0 ---- veth -----> gate0, foreign XDP, requests judged -> :8080
. "$(dirname "$0")/lib.bash"

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
end_tests
