#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A key the snapshot knows to be dead gets the gateway's status and body, byte
# for byte, on every way in, and the gateway never hears of it.
#
#   client ---- veth, IPv4 and IPv6 -----> :8080
#   client ---- veth ----> :80 proxy -- lo --> :8080
. "$(dirname "$0")/lib.bash"

expect() {
	local name=$1 want=$2 text=$3 way
	shift 3
	printf %s "$text" >"$tmp/wanted"
	for way in "http://$gateway:8080" "http://[$gateway6]:8080" \
		"http://$gateway"; do
		ask "$name" -D "$tmp/head" "$@" "$way${path:-/v1/messages}"
		is "$name via $way${path:-}: answered by the kernel" \
			"$rc $status $(answered_by)" "0 $want kernel"
		check "$name via $way${path:-}: the gateway's body" \
			cmp "$tmp/body" "$tmp/wanted"
	done
}

std() {
	printf '{"code":"%s","message":"%s"}' "$1" "$2"
}

begin_tests
{
	record good
	record disabled '.status = "disabled"'
	record inactive '.status = "inactive"'
	record expired '.expires_at = "2026-01-01T08:00:00+08:00"'
	record marked '.status = "expired"'
	record exhausted '.quota = 20 | .quota_used = 20'
	record overdrawn '.status = "quota_exhausted"'
	record jobless '.user.status = "disabled"'
	record ungrouped 'del(.group)'
	record closed '.group.status = "inactive"'
	record outsider '.group.is_exclusive = true'
	record broke '.user.balance = 0'
} | publish
must "the agent starts" start_agent

expect disabled 401 "$(std API_KEY_DISABLED "API key is disabled")"
expect inactive 401 "$(std API_KEY_DISABLED "API key is disabled")"
expect expired 403 "$(std API_KEY_EXPIRED "API key 已过期")"
expect marked 403 "$(std API_KEY_EXPIRED "API key 已过期")"
expect exhausted 429 "$(std API_KEY_QUOTA_EXHAUSTED "API key 额度已用完")"
expect overdrawn 429 "$(std API_KEY_QUOTA_EXHAUSTED "API key 额度已用完")"
expect jobless 401 "$(std USER_INACTIVE "User account is not active")"
expect ungrouped 403 "$(std GROUP_DELETED "API Key 所属分组已删除")"
expect closed 403 "$(std GROUP_DISABLED "API Key 所属分组已停用")"
expect outsider 403 "$(std GROUP_NOT_ALLOWED \
	"API Key 所属专属分组不再允许当前用户使用")"
expect broke 403 "$(std INSUFFICIENT_BALANCE "Insufficient account balance")"

path=/v1/responses expect exhausted 429 \
	'{"error":{"code":"insufficient_quota","message":"API key 额度已用完","param":null,"type":"insufficient_quota"}}'
path=/v1beta/models expect expired 403 \
	'{"error":{"code":403,"message":"API key 已过期","status":"PERMISSION_DENIED"}}'

# Where the key is carried, and how far into the head.
long=$(printf '%0900d' 0)
for header in x-api-key x-goog-api-key; do
	printf '%s: %s\n' "$header" "$(key disabled)" >"$tmp/header"
	is_refused "key in $header" - 401 API_KEY_DISABLED \
		-H "@$tmp/header" "http://$gateway:8080/v1/messages"
	is_refused "key in $header behind 900 bytes" - 401 API_KEY_DISABLED \
		-H "X-Padding: $long" -H "@$tmp/header" \
		"http://$gateway:8080/v1/messages"
done

# A refused request's body is nobody's: the client still gets its answer.
for size in 1 1000 20000; do
	head -c "$size" /dev/zero >"$tmp/post"
	is_refused "with a body of $size bytes" disabled 401 API_KEY_DISABLED \
		--data-binary "@$tmp/post" -H Expect: \
		"http://$gateway:8080/v1/messages"
done

ask disabled -D "$tmp/head" "http://$gateway:8080/v1/messages"
is "the answer's length is its body's" \
	"$(awk 'tolower($1) == "content-length:" { print $2 + 0 }' "$tmp/head")" \
	"$(stat -c %s "$tmp/body")"
is "the answer's type is the gateway's" \
	"$(awk 'tolower($1) == "content-type:" { $1 = ""; print }' "$tmp/head" |
		tr -d '\r')" " application/json; charset=utf-8"
is_passed "a good key all the while" good "http://$gateway:8080/v1/messages"
end_tests
