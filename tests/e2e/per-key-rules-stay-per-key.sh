#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# One key's address rules judge that key's requests and no other's, and only
# where the address is certainly the client's.
#
#   client 10.77.0.2 .3 .4 ::2 ::3 ---- veth -----> :8080
#   client ---- veth ----> :80 proxy -- lo --> :8080
. "$(dirname "$0")/lib.bash"

direct=http://$gateway:8080/v1/messages
direct6=http://[$gateway6]:8080/v1/messages
denied="403 ACCESS_DENIED"

begin_tests
{
	record plain
	record black '.ip_blacklist = ["10.77.0.2", "fd77::2"]'
	record range '.ip_blacklist = ["10.77.0.0/30"]'
	record white '.ip_whitelist = ["10.77.0.3", "fd77::3/128"]'
	record both '.ip_whitelist = ["10.77.0.0/24"] | .ip_blacklist = ["10.77.0.3"]'
	record nobody '.ip_whitelist = ["nonsense"]'
} | publish
must "the agent starts" start_agent

# shellcheck disable=SC2086 # $denied is two arguments
judge() {
	is_refused "black from .2" black $denied "$direct"
	is_passed "black from .3" black --interface 10.77.0.3 "$direct"
	is_refused "black from ::2" black $denied "$direct6"
	is_passed "black from ::3" black --interface fd77::3 "$direct6"
	is_passed "another key from .2" plain "$direct"
	is_passed "another key from ::2" plain "$direct6"
	is_refused "range from .3" range $denied --interface 10.77.0.3 "$direct"
	is_passed "range from .4" range --interface 10.77.0.4 "$direct"
	is_passed "white from .3" white --interface 10.77.0.3 "$direct"
	is_refused "white from .2" white $denied "$direct"
	is_refused "white from ::2" white $denied "$direct6"
	is_passed "white from ::3" white --interface fd77::3 "$direct6"
	is_passed "both from .2" both "$direct"
	is_refused "both from .3" both $denied --interface 10.77.0.3 "$direct"
	is_refused "a whitelist of nonsense" nobody $denied "$direct"
}
judge

ask black "$direct"
is "the answer names the address" "$body" \
	'{"code":"ACCESS_DENIED","message":"Access denied. Your IP is 10.77.0.2"}'
ask white --interface 10.77.0.66 "$direct"
is "whatever its length" "$body" \
	'{"code":"ACCESS_DENIED","message":"Access denied. Your IP is 10.77.0.66"}'
ask black "$direct6"
is "and family" "$body" \
	'{"code":"ACCESS_DENIED","message":"Access denied. Your IP is fd77::2"}'

# Behind a trusted proxy the peer is the proxy: only the gateway can judge.
is_passed "black through the proxy is left to the gateway" black \
	"http://$gateway/v1/messages"
# The gateway believes no header of a stranger here, so neither do we.
is_refused "a header does not help" black 403 ACCESS_DENIED \
	-H "X-Forwarded-For: 10.77.0.3" "$direct"

# A gateway that does believe such headers may see another address.
end_agent TERM || true
must "the agent starts for a gateway that trusts headers" start_agent \
	--trust-forwarded on
is_passed "with a header the gateway judges" black \
	-H "X-Forwarded-For: 10.77.0.3" "$direct"
is_refused "without one the kernel does" black 403 ACCESS_DENIED "$direct"
end_tests
