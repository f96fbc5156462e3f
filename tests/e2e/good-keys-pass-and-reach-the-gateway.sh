#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What the gateway would serve is never refused, however it is sent, and its
# bytes arrive as they were sent.
#
#   client ---- veth -----> :8080                 (XDP, TC)
#   client ---- veth ----> :80 proxy -- lo --> :8080  (TC on lo)
. "$(dirname "$0")/lib.bash"

direct=http://$gateway:8080

# request METHOD KEY BODY-SIZE: the head as bytes, for bash's own TCP.
request() {
	printf '%s /v1/messages HTTP/1.1\r\nHost: x\r\n' "$1"
	printf 'Authorization: Bearer %s\r\n' "$(key "$2")"
	printf 'Content-Length: %s\r\n\r\n' "$3"
}

# Sends the files named in segments of their own, prints the status lines.
send() {
	# shellcheck disable=SC2016 # the inner shell's
	in_client timeout 5 bash -c '
		exec 3<>"/dev/tcp/$0/8080"
		for part in "$@"; do
			cat "$part" >&3
			sleep 0.05
		done
		timeout 0.3 cat <&3' "$gateway" "$@" | tr -d '\r' | grep -a '^HTTP/' |
		cut -d ' ' -f 2 | xargs || true
}

many() {
	in_client curl -s -o /dev/null --max-time 20 \
		-w '%{http_code} %{num_connects}\n' -H "@$(credential good)" "$@" |
		awk '{ n[$1]++; connects += $2 }
			END { for (s in n) printf "%s x %d, ", s, n[s]; print connects }'
}

begin_tests
{
	record good
	record dead '.status = "disabled"'
} | publish
must "the agent starts" start_agent

is "300 requests on one connection" \
	"$(many "$direct/v1/messages?n=[1-300]")" "200 x 300, 1"
is "300 requests on one connection, IPv6" \
	"$(many "http://[$gateway6]:8080/v1/messages?n=[1-300]")" "200 x 300, 1"
is "300 requests through the proxy" \
	"$(many "http://$gateway/v1/messages?n=[1-300]")" "200 x 300, 1"

is_passed "an unknown key" unknown "$direct/v1/messages"
is_passed "no key" - "$direct/v1/messages"
is_passed "a dead key on a path the gateway does not guard" dead "$direct/health"
is_passed "a dead key in the panel" dead "$direct/api/v1/admin/users"
is_passed "OPTIONS with a dead key" dead -X OPTIONS "$direct/v1/messages"

# Bodies of every size, and bodies that look like a dead key's request.
for size in 0 1 100 1400 1460 8192 65536 1048576; do
	head -c "$size" /dev/urandom >"$tmp/sent"
	ask good -T "$tmp/sent" "$direct/v1/files/$size"
	check "a body of $size bytes arrives whole (status $status)" \
		cmp "$tmp/sent" "$tmp/www/v1/files/$size"
done
for ((i = 0; i < 400; i++)); do
	request POST dead 0
done >"$tmp/trap"
for how in Content-Length Transfer-Encoding Expect; do
	case $how in
	Content-Length) set -- -H Expect: ;;
	Transfer-Encoding) set -- -H Expect: -H "Transfer-Encoding: chunked" ;;
	Expect) set -- -H "Expect: 100-continue" ;;
	esac
	for way in "$direct" "http://$gateway"; do
		rm -rf "$tmp/www/v1"
		ask good "$@" -T "$tmp/trap" "$way/v1/files/trap"
		check "requests in a body ($how, $way) are its bytes (status $status)" \
			cmp "$tmp/trap" "$tmp/www/v1/files/trap"
	done
done

# By hand: a body in a segment of its own that is, byte for byte, a request.
request POST dead 0 >"$tmp/body-head"
request POST good "$(stat -c %s "$tmp/body-head")" >"$tmp/good-head"
request GET good 0 >"$tmp/next-head"
is "a segment of body that is a dead key's request" \
	"$(send "$tmp/good-head" "$tmp/body-head")" 200
is "and the next request on that connection" \
	"$(send "$tmp/good-head" "$tmp/body-head" "$tmp/next-head")" "200 200"
cat "$tmp/next-head" "$tmp/next-head" >"$tmp/pipelined"
is "two requests in one segment" "$(send "$tmp/pipelined")" "200 200"
head -c 40 "$tmp/next-head" >"$tmp/first"
tail -c +41 "$tmp/next-head" >"$tmp/second"
is "a head in two segments" "$(send "$tmp/first" "$tmp/second")" 200

is "no refusal was counted but those meant" "$(counter key-disabled)" 0
end_tests
