#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The questions of proxies that are not run here, field by field as their sources
# write them with the configurations of doc/proxies: Traefik's forwardAuth (Go's
# client, fields in alphabetical order, GET) and Envoy's ext_authz by HTTP (the
# client's method, its path behind path_prefix, content-length 0, Envoy's own
# address appended to x-forwarded-for).
#
#   replay.py ---- TCP, Unix socket ----> portcullis serve
. "$(dirname "$0")/../decision/lib.bash"

# Asked by nobody here.
start_gateway() {
	:
}

# bearer KEY: its field, if there is one
bearer() {
	[ "$1" = - ] || sed 's/^Authorization/'"$2"'/' "$(credential "$1")"
}

# traefik KEY METHOD URI [ADDRESS]: what it asks for such a request
traefik() {
	cat <<-REQUEST
		GET /v1/auth/forward HTTP/1.1
		Host: 127.0.0.1:9180
		User-Agent: claude-cli/2.0.14 (external, cli)
		Accept: application/json
		Anthropic-Version: 2023-06-01
		$(bearer "$1" Authorization)
		Content-Type: application/json
		X-Forwarded-For: ${4:-192.0.2.7}
		X-Forwarded-Host: gateway.example
		X-Forwarded-Method: $2
		X-Forwarded-Port: 80
		X-Forwarded-Proto: http
		X-Forwarded-Server: edge
		X-Forwarded-Uri: $3
		X-Original-Addr: 10.66.6.6
		X-Original-Method: OPTIONS
		X-Original-Uri: /health
		X-Portcullis-User-Id: 666
		X-Real-Ip: ${4:-192.0.2.7}
		Accept-Encoding: gzip
	REQUEST
}

# envoy KEY METHOD URI [ADDRESS]
envoy() {
	cat <<-REQUEST
		$2 /v1/auth/envoy$3 HTTP/1.1
		content-length: 0
		host: gateway.example
		user-agent: claude-cli/2.0.14 (external, cli)
		accept: application/json
		anthropic-version: 2023-06-01
		$(bearer "$1" authorization)
		content-type: application/json
		x-forwarded-for: 10.66.6.6,${4:-192.0.2.7},10.0.0.5
		x-forwarded-method: OPTIONS
		x-forwarded-uri: /health
		x-forwarded-proto: http
		x-portcullis-user-id: 666
		x-request-id: 0b3e5c1e-9a0f-4a36-8a53-7d5cf2a5b7aa
		x-envoy-internal: true
		x-envoy-expected-rq-timeout-ms: 2000
		x-real-ip: ${4:-192.0.2.7}
		x-original-addr: ${4:-192.0.2.7}
	REQUEST
}

# A request without what is empty, and its end.
ended() {
	"$@" | sed '/^$/d'
	echo
}

# replay WHERE [FROM] < REQUESTS: sets said
replay() {
	local enter=in_gateway
	[ -z "${2-}" ] || enter=in_client
	said=$("$enter" python3 "$here/tests/decision/replay.py" "$@") ||
		said="no answer"
}

where_traefik=127.0.0.1:9180
where_envoy() {
	echo "unix:$tmp/check.sock"
}

# passes PROXY WHERE
passes() {
	local proxy=$1 where=$2
	replay "$where" < <(ended "$proxy" good POST '/v1/messages?beta=true')
	is "$proxy: a good key passes, and is named" "$said" "$(
		cat <<-ANSWER
			200
			x-portcullis-key-id: $id_of_good
			x-portcullis-user-id: 7
			x-portcullis-group-id: 3
			x-portcullis-client: 192.0.2.7
			--
		ANSWER
	)"
	replay "$where" < <(ended "$proxy" - GET /health)
	is "$proxy: nobody is nobody, whatever the client says" "$said" "$(
		cat <<-ANSWER
			200
			x-portcullis-key-id:$nothing
			x-portcullis-user-id:$nothing
			x-portcullis-group-id:$nothing
			x-portcullis-client:$nothing
			--
		ANSWER
	)"
	replay "$where" < <(ended "$proxy" here POST /v1/messages)
	is "$proxy: the client's address is the one it names" "${said%%$'\n'*}" 200
	replay "$where" < <(ended "$proxy" here POST /v1/messages 192.0.2.8)
	is "$proxy: and no other's" "$(sed -n '1p;$p' <<<"$said")" \
		'403
{"code":"ACCESS_DENIED","message":"Access denied. Your IP is 192.0.2.8"}'
}
nothing=' '

# refuses PROXY WHERE
refuses() {
	local name uri want text
	while IFS=$'\t' read -r name uri want text; do
		replay "$2" < <(ended "$1" "$name" POST "$uri")
		is "$1: $uri by $name" "$(grep -v '^x-\|^www-' <<<"$said")" \
			"$want
content-type: application/json; charset=utf-8
--
$text"
	done <<-TABLE
		disabled	/v1/messages	401	{"code":"API_KEY_DISABLED","message":"API key is disabled"}
		expired	/v1/messages	403	{"code":"API_KEY_EXPIRED","message":"API key 已过期"}
		exhausted	/v1/messages?a=b%20c	429	{"code":"API_KEY_QUOTA_EXHAUSTED","message":"API key 额度已用完"}
		exhausted	/v1/responses	429	{"error":{"code":"insufficient_quota","message":"API key 额度已用完","param":null,"type":"insufficient_quota"}}
		exhausted	/v1beta/models/x:y	429	{"error":{"code":429,"message":"API key 额度已用完","status":"RESOURCE_EXHAUSTED"}}
		-	/v1/messages	401	{"code":"API_KEY_REQUIRED","message":"API key is required in Authorization header (Bearer scheme), x-api-key header, or x-goog-api-key header"}
		good	/v1/messages?key=x	400	{"code":"api_key_in_query_deprecated","message":"API key in query parameter is deprecated. Please use Authorization header instead."}
	TABLE
}

# Every method, and a refusal between two that pass.
keeps() {
	local i names=(good exhausted good disabled good)
	local methods=(POST GET DELETE HEAD PUT)
	for i in 0 1 2 3 4; do
		[ $i -eq 0 ] || echo %%
		ended "$1" "${names[i]}" "${methods[i]}" /v1/messages
	done >"$tmp/requests"
	replay "$2" <"$tmp/requests"
	is "$1: keeps its connection" "$(grep -E '^[0-9]{3}$|^connection' \
		<<<"$said" | xargs)" "200 429 200 401 200"
}

begin_tests
id_of_good=$((16#$(digest good | cut -c 1-6)))
{
	record good
	record disabled '.status = "disabled"'
	record expired '.expires_at = "2026-01-01T00:00:00Z"'
	record exhausted '.quota = 1 | .quota_used = 1'
	record here '.ip_whitelist = ["192.0.2.7"]'
} | publish_complete
must "the service starts" start_service --trust-forwarded off \
	--listen 127.0.0.1:9180 --listen "$gateway:9180" \
	--trusted-proxy 127.0.0.1/32

passes traefik $where_traefik
refuses traefik $where_traefik
keeps traefik $where_traefik
passes envoy "$(where_envoy)"
refuses envoy "$(where_envoy)"
keeps envoy "$(where_envoy)"

# Nothing is guessed from another dialect's fields.
replay "$(where_envoy)" < <(ended envoy good POST /v1/messages |
	sed '/^x-original-addr/d')
is "envoy: without the client's address it is no question" \
	"${said%%$'\n'*}" 400
replay $where_traefik < <(ended traefik good POST /v1/messages |
	sed '/^X-Forwarded-Method/d')
is "traefik: nor without the method" "${said%%$'\n'*}" 400

# Anybody may connect; nobody but a proxy is believed.
replay "$gateway:9180" 10.77.0.66 < <(ended traefik here POST /v1/messages)
is "a stranger's word on his address is not taken" "$(sed -n '1p;$p' <<<"$said")" \
	'403
{"code":"ACCESS_DENIED","message":"Access denied. Your IP is 10.77.0.66"}'
end_tests
