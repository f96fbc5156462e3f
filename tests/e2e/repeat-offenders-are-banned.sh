#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# With --ban-after, a client that goes on with requests that are refused is
# banned, and nobody else: no allowed one, no proxy, no client of good requests.
# Behind a trusted proxy the client is counted that the proxy names.  Monitor
# mode only says whom.
#
#   client 10.77.0.2 .3 .4 (allowed) .66  ---- veth ----> :8080
#                                         ---- veth ----> :80 proxy -> lo :8080
#                       proxies' questions  --- Unix ---> decision service
. "$(dirname "$0")/lib.bash"

direct=http://$gateway:8080/v1/messages
direct6=http://[$gateway6]:8080/v1/messages
proxied=http://$gateway/v1/messages

# refused N CURL-ARGUMENT...: so many requests of a dead key
refused() {
	local n=$1
	shift
	while [ $((n--)) -gt 0 ]; do
		ask dead "$@"
		[ "$status" = 401 ] || return 1
	done
}

# banned PREFIX [FILTER]
banned() {
	in_gateway "$bin" bans -j --pin-dir "$pins" --ledger "$tmp/ledger.db" |
		jq -es "[.. | objects | select(.prefix? == \"$1\")] | length > 0" \
			>/dev/null
}

n_banned() {
	in_gateway "$bin" bans -j --pin-dir "$pins" --ledger "$tmp/ledger.db" |
		jq -s '[.. | objects | select(.prefix?)] | length'
}

# said FILTER: how many records of bans are so
said() {
	in_gateway "$bin" events -j --pin-dir "$pins" --events "$tmp/events" |
		jq -s "map(select(.verdict | IN(\"ban\", \"would-ban\", \"spared\")
			// false)) | map(select($1)) | length"
}

has_said() {
	[ "$(said "$1")" -ge 1 ]
}

unanswered() {
	local what=$1
	shift
	patience_s=0.7 ask good "$@"
	is "$what: no answer at all" "$rc $(answered_by)" "28 nobody"
}

# question ADDRESS [FIELD]: as nginx asks for a client, of the decision service
question() {
	curl -s -o /dev/null --unix-socket "$tmp/check.sock" \
		-H "@$(credential dead)" -H "X-Original-Method: POST" \
		-H "X-Original-URI: /v1/messages" -H "X-Original-Addr: $1" \
		${2:+-H "$2"} http://localhost/v1/auth/nginx
}

begin_tests
service_flags=(--listen "unix:$tmp/check.sock" --ledger "$tmp/ledger.db"
	--trace "$tmp/decisions")
{
	record good
	record dead '.status = "disabled"'
} | publish
must "the agent starts" start_agent --ban-after 5/1m --allow 10.77.0.4

check "a few refusals" refused 4 --interface 10.77.0.2 "$direct"
is_passed "are no ban" good --interface 10.77.0.2 "$direct"
for _ in 1 2 3 4 5 6; do
	ask good --interface 10.77.0.3 "$direct"
done
check "one more" refused 1 --interface 10.77.0.2 "$direct"
check "is a ban" eventually 5 banned 10.77.0.2/32
unanswered "the banned client" --interface 10.77.0.2 "$direct"
is_passed "the one that asked well" good --interface 10.77.0.3 "$direct"
check "it is told of" has_said '.verdict == "ban" and .source == "10.77.0.2"
	and .count == 5 and .reason == "key-disabled"'

check "an allowed client is refused often" \
	refused 12 --interface 10.77.0.4 "$direct"
check "that is told of" eventually 5 has_said \
	'.verdict == "spared" and .source == "10.77.0.4"'
is_passed "and it is not banned" good --interface 10.77.0.4 "$direct"

check "requests of a proxy are refused often" \
	refused 12 --interface 10.77.0.3 "$proxied"
is_passed "nobody is banned for them" good --interface 10.77.0.3 "$proxied"

# Another network than the gateway's, which is never banned.
for host in 66 67; do
	ip -n "$client_ns" addr add "fd79::$host/128" dev client0 nodad
done
ip -n "$gateway_ns" route add fd79::/64 via fd77::2 dev gate0
check "an IPv6 client is refused often" \
	refused 5 --interface fd79::66 "$direct6"
check "its /64 is banned" eventually 5 banned fd79::/64
unanswered "a neighbour in it" --interface fd79::67 "$direct6"
check "a client of the gateway's own /64 is refused often" \
	refused 5 --interface fd77::66 "$direct6"
is_passed "and that is not banned" good --interface fd77::3 "$direct6"
is "nobody else is banned" "$(n_banned)" 2

# What the client wrote itself, .3, is not believed.
for _ in 1 2 3 4 5; do
	question 10.77.0.66 "X-Forwarded-For: 10.77.0.3"
done
check "whom a proxy asks about so often is banned" \
	eventually 5 banned 10.77.0.66/32
unanswered "that client" --interface 10.77.0.66 "$direct"
for _ in 1 2 3 4 5; do
	question 127.0.0.1
done
is_passed "the proxy is not" good --interface 10.77.0.3 "$proxied"
is "nobody else is banned" "$(n_banned)" 3

end_agent TERM
detach
rm -f "$tmp"/ledger.db*
must "an agent starts in monitor mode" start_agent --ban-after 5/1m \
	--mode monitor
before=$(n_banned)
for _ in 1 2 3 4 5; do
	ask dead --interface 10.77.0.3 "$direct"
done
check "it says whom it would ban" eventually 5 has_said \
	'.verdict == "would-ban" and .source == "10.77.0.3"'
is_passed "and does not" good --interface 10.77.0.3 "$direct"
is "nobody is banned" "$(n_banned)" "$before"

end_agent TERM
must "an agent starts without --ban-after" start_agent
check "requests are refused often" refused 12 --interface 10.77.0.3 "$direct"
is_passed "nobody is banned" good --interface 10.77.0.3 "$direct"
end_tests
