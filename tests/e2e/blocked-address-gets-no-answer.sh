#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The operator's block list drops an address's packets to the gateway's port and
# nothing else; the allow list wins over it.
#
#   client 10.77.0.66 ::66 (blocked)  ---- veth -----> :8080 and the rest
#          10.77.0.2 .3 ::2 ::3
. "$(dirname "$0")/lib.bash"

direct=http://$gateway:8080/v1/messages
direct6=http://[$gateway6]:8080/v1/messages

unanswered() {
	local what=$1
	shift
	patience_s=0.7 ask good "$@"
	is "$what: no answer at all" "$rc $(answered_by)" "28 nobody"
}

pinged() {
	in_client ping -q -c 1 -W 2 -I "$1" "$2" >/dev/null
}

begin_tests
record good | publish
must "the agent starts" start_agent --force \
	--block 10.77.0.66/32 --block fd77::66 \
	--block 10.77.0.0/30 --allow 10.77.0.2 \
	--block fd77::/126 --allow fd77::2

unanswered "a blocked address" --interface 10.77.0.66 "$direct"
unanswered "a blocked IPv6 address" --interface fd77::66 "$direct6"
unanswered "a blocked prefix" --interface 10.77.0.3 "$direct"
unanswered "a blocked IPv6 prefix" --interface fd77::3 "$direct6"
is_passed "an allowed address in it" good --interface 10.77.0.2 "$direct"
is_passed "an allowed IPv6 address in it" good --interface fd77::2 "$direct6"
is_passed "an address beside it" good --interface 10.77.0.4 "$direct"

check "dropped packets are counted" [ "$(counter block-list)" -ge 4 ]
is_passed "a blocked address on another port" good --interface 10.77.0.66 \
	"http://$gateway/v1/messages"
is_passed "a blocked IPv6 address on another port" good --interface fd77::66 \
	"http://[$gateway6]/v1/messages"
check "a blocked address is still answered to ping" \
	pinged 10.77.0.66 "$gateway"
check "a blocked IPv6 address is still answered to ping" \
	pinged fd77::66 "$gateway6"

end_agent KILL || true
unanswered "with the agent dead" --interface 10.77.0.66 "$direct"
end_tests
