#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The configurations of doc/proxies, as they are but for ports and paths: what
# portcullis refuses gets the gateway's answer to the byte, what passes reaches
# the gateway with the key's identity, questions share connections, and an agent
# that is down ends in what the files say.
#
#   client ---- veth ----> :8081 nginx, :8082 Caddy, :8083 HAProxy ---> :8080
#                              \--- check.sock --- portcullis serve
. "$(dirname "$0")/../decision/lib.bash"

declare -A port=([nginx]=8081 [caddy]=8082 [haproxy]=8083)
declare -A proxy=()

# Says what it was sent.
start_gateway() {
	start_nginx gateway <<-CONF
		log_format id '\$http_x_test_id \$status';
		access_log $tmp/gateway.log id;
		server {
			listen 8080;
			listen unix:$tmp/gateway/sock;
			location / {
				return 200 "\$request_method \$request_uri key \$http_x_portcullis_key_id user \$http_x_portcullis_user_id group \$http_x_portcullis_group_id real \$http_x_real_ip for \$http_x_forwarded_for cf '\$http_cf_connecting_ip'";
			}
		}
	CONF
}

# fit FILE: the file of doc/proxies with this test's ports and paths
fit() {
	sed -e "s#/run/portcullis/check.sock#$tmp/check.sock#" \
		-e "s#/etc/haproxy/#$tmp/#" -e 's#listen 80;#listen 8081;#' \
		-e 's#^:80 {#:8082 {#' -e 's#bind :80$#bind :8083#' \
		"$here/doc/proxies/$1" >"$tmp/$1"
}

# run_proxy NAME COMMAND...
run_proxy() {
	local name=$1
	shift
	nsenter --net="/run/netns/$gateway_ns" env HOME="$tmp/home" \
		XDG_DATA_HOME="$tmp/home" XDG_CONFIG_HOME="$tmp/home" "$@" \
		>"$tmp/$name.out" 2>&1 </dev/null &
	proxy[$name]=$!
	nginx+=("$!")
	eventually 10 listening "${port[$name]}" ||
		{ tail -n 20 "$tmp/$name.out"; return 1; }
}

listening() {
	in_gateway ss -Hltn "sport = :$1" | grep -q .
}

stop_proxy() {
	kill -TERM "${proxy[$1]}" && wait "${proxy[$1]}"
	! listening "${port[$1]}"
} 2>/dev/null

start_nginx_proxy() {
	mkdir -p "$tmp/front"
	cat >"$tmp/front.conf" <<-CONF
		daemon off;
		user www-data;
		worker_processes 1;
		pid $tmp/front/pid;
		error_log $tmp/front/error.log;
		events { }
		http {
		access_log off;
		client_body_temp_path $tmp/front/body;
		proxy_temp_path $tmp/front/proxy;
		fastcgi_temp_path $tmp/front/fastcgi;
		uwsgi_temp_path $tmp/front/uwsgi;
		scgi_temp_path $tmp/front/scgi;
		include $tmp/nginx.conf;
		}
	CONF
	run_proxy nginx nginx -p "$tmp/front" -e "$tmp/front/error.log" \
		-c "$tmp/front.conf"
}

start_caddy_proxy() {
	mkdir -p "$tmp/home"
	chown caddy "$tmp/home"
	run_proxy caddy setpriv --reuid caddy --regid caddy --clear-groups \
		caddy run --config "$tmp/Caddyfile" --adapter caddyfile
}

start_haproxy_proxy() {
	printf 'global\n\tuser haproxy\n\tgroup haproxy\n\tnbthread 2\n' \
		>"$tmp/haproxy-user.cfg"
	run_proxy haproxy haproxy -db -f "$tmp/haproxy-user.cfg" \
		-f "$tmp/haproxy.cfg"
}

# Whatever the client claims to be.
claims=(-H "X-Portcullis-User-Id: 666" -H "X-Portcullis-Key-Id: 666"
	-H "X-Real-IP: 10.66.6.6" -H "X-Forwarded-For: 10.66.6.6"
	-H "CF-Connecting-IP: 10.66.6.6" -H "X-Forwarded-Uri: /health"
	-H "X-Forwarded-Method: OPTIONS" -H "X-Original-URI: /health"
	-H "X-Original-Method: OPTIONS" -H "X-Original-Addr: 10.66.6.6")

exhausted='API key 额度已用完'
expired='API key 已过期'

# The gateway's refusals, from its own tables: key, methods, path, status, body.
# What has no key is refused only where there is a route.
refusals() {
	cat <<-TABLE
		disabled	GET,POST	/v1/messages	401	{"code":"API_KEY_DISABLED","message":"API key is disabled"}
		expired	GET,POST	/v1/messages	403	{"code":"API_KEY_EXPIRED","message":"$expired"}
		exhausted	GET,POST	/v1/messages?beta=true	429	{"code":"API_KEY_QUOTA_EXHAUSTED","message":"$exhausted"}
		nobody	POST	/v1/messages	401	{"code":"INVALID_API_KEY","message":"Invalid API key"}
		good	POST	/v1/messages?key=x	400	{"code":"api_key_in_query_deprecated","message":"API key in query parameter is deprecated. Please use Authorization header instead."}
		elsewhere	GET,POST	/v1/messages	403	{"code":"ACCESS_DENIED","message":"Access denied. Your IP is 10.77.0.2"}
		exhausted	POST	/v1/responses	429	{"error":{"code":"insufficient_quota","message":"$exhausted","param":null,"type":"insufficient_quota"}}
		disabled	GET,POST	/v1beta/models/x:y	401	{"error":{"code":401,"message":"API key is disabled","status":"UNAUTHENTICATED"}}
		expired	GET,POST	/v1beta/models/x:y	403	{"error":{"code":403,"message":"$expired","status":"PERMISSION_DENIED"}}
		exhausted	GET,POST	/v1beta/models/x:y	429	{"error":{"code":429,"message":"$exhausted","status":"RESOURCE_EXHAUSTED"}}
	TABLE
}

# answers PROXY: every refusal of the table, POST with a body
answers() {
	local name methods method path want text sent
	while IFS=$'\t' read -r name methods path want text; do
		for method in ${methods//,/ }; do
			sent=()
			[ "$method" = GET ] || sent=(-d '{"model":"x"}')
			ask "$name" "${claims[@]}" -D "$tmp/head" "${sent[@]}" \
				"http://$gateway:${port[$1]}$path"
			is "$1: $method $path by $name" \
				"$rc $status $(type_of) $body" \
				"0 $want application/json; charset=utf-8 $text"
			check "$1: and nothing of the agent's own" \
				[ -z "$(grep -i '^x-portcullis-' "$tmp/head")" ]
		done
	done < <(refusals)
	settle_log
	is "$1: none of those reached the gateway" \
		"$(grep -cv '^mark-' "$tmp/gateway.log" || true)" 0
}

type_of() {
	tr -d '\r' <"$tmp/head" | sed -n 's/^content-type: //Ip'
}

passes() {
	ask good "${claims[@]}" "http://$gateway:${port[$1]}/v1/a%20b?c=d%2fe"
	is "$1: a good key passes, and is named" "$status $body" \
		"200 GET /v1/a%20b?c=d%2fe key $id_of_good user 7 group 3 real 10.77.0.2 for 10.77.0.2 cf ''"
	ask good -d '{"model":"x"}' "http://$gateway:${port[$1]}/v1/messages"
	is "$1: so does a body's" "$status ${body%% key*}" "200 POST /v1/messages"
	ask - "${claims[@]}" "http://$gateway:${port[$1]}/health"
	is "$1: nobody's key is nobody's" "$status $body" \
		"200 GET /health key  user  group  real 10.77.0.2 for 10.77.0.2 cf ''"
	settle_log
	: >"$tmp/gateway.log"
}

# One that has used up its window, of five hours and begun just now.
comes_back() {
	local retry
	ask window -D "$tmp/head" -d '{}' "http://$gateway:${port[$1]}/v1/messages"
	retry=$(tr -d '\r' <"$tmp/head" | sed -n 's/^retry-after: //Ip')
	is "$1: a limit is refused" "$status $(jq -r .error.type <<<"$body")" \
		"429 rate_limit_exceeded"
	check "$1: and says when it ends, in $retry s" \
		test "${retry:-0}" -gt 17000 -a "${retry:-0}" -le 18000
}

# Requests one after the other; a proxy's threads may each have a connection.
# Reading the counters takes requests and connections itself, two in between.
shares() {
	local connections requests i
	connections=$(metric connections_total)
	requests=$(metric requests_total)
	for ((i = 0; i < 100; i++)); do
		[ $i -eq 0 ] || echo next
		cat <<-CONFIG
			url = "http://$gateway:${port[$1]}/v1/messages"
			header = "@$(credential "$([ $((i % 3)) -eq 0 ] && echo exhausted || echo good)")"
			output = /dev/null
			write-out = "%{http_code}\n"
		CONFIG
	done >"$tmp/requests"
	is "$1: 100 requests" "$(in_client curl -s -K "$tmp/requests" |
		sort | uniq -c | xargs)" "66 200 34 429"
	connections=$(($(metric connections_total) - connections - 2))
	requests=$(($(metric requests_total) - requests - 2))
	is "$1: were 100 questions" "$requests" 100
	check "$1: on $connections connections, which are kept" \
		[ "$connections" -le 4 ]
	settle_log
	: >"$tmp/gateway.log"
}

undecided='{"code":"API_KEY_AUTH_OVERLOADED","message":"API key authentication is temporarily unavailable"}'

fails_closed() {
	ask good "http://$gateway:${port[$1]}/v1/messages"
	is "$1: without the agent it fails closed" "$status $body" \
		"503 $undecided"
}

fails_open() {
	ask good "${claims[@]}" -d '{}' "http://$gateway:${port[$1]}/v1/messages"
	is "$1: or open, and nobody is named" "$status $body" \
		"200 POST /v1/messages key  user  group  real 10.77.0.2 for 10.77.0.2 cf ''"
}

recovers() {
	ask good "http://$gateway:${port[$1]}/v1/messages"
	is "$1: and asks again once it is back" "$status ${body%% user*}" \
		"200 GET /v1/messages key $id_of_good"
}

# The change that README.md names.
open_up() {
	sed -i 's/error_page 500 = @undecided;/error_page 500 = @gateway;/' \
		"$tmp/nginx.conf"
	sed -i '/handle @undecided {/,/}$/{/handle/!{/}$/!d}}' "$tmp/Caddyfile"
	sed -i 's#handle @undecided {#&\nreverse_proxy 127.0.0.1:8080#' \
		"$tmp/Caddyfile"
	sed -i 's/lua.portcullis closed/lua.portcullis open/' "$tmp/haproxy.cfg"
}

begin_tests
id_of_good=$((16#$(digest good | cut -c 1-6)))
{
	record good
	record disabled '.status = "disabled"'
	record expired '.expires_at = "2026-01-01T00:00:00Z"'
	record exhausted '.quota = 1 | .quota_used = 1'
	record window '.rate_limit_5h = 1'
	record elsewhere '.ip_whitelist = ["192.0.2.0/24"]'
} | publish_complete
must "the service starts" start_service --socket-peer www-data \
	--socket-peer caddy --socket-peer haproxy
for file in nginx.conf Caddyfile haproxy.cfg portcullis.lua; do
	fit "$file"
done
sed -i '1i {\n\tadmin off\n\tauto_https off\n}\n' "$tmp/Caddyfile"
for name in nginx caddy haproxy; do
	must "$name starts" "start_${name}_proxy"
done
: >"$tmp/gateway.log"
put /v1/usage \
	'{"request_id":"window","key_hash":"'"$(digest window)"'","cost_nusd":1000000000}'
is "what uses a window up is counted" "$status" 200
for name in nginx caddy haproxy; do
	answers "$name"
	comes_back "$name"
	passes "$name"
	shares "$name"
done

end_service TERM
for name in nginx caddy haproxy; do
	fails_closed "$name"
done
must "the service starts again" start_service --socket-peer www-data \
	--socket-peer caddy --socket-peer haproxy
for name in nginx caddy haproxy; do
	recovers "$name"
	check "$name ends" stop_proxy "$name"
done

end_service KILL
open_up
for name in nginx caddy haproxy; do
	must "$name starts, to fail open" "start_${name}_proxy"
	fails_open "$name"
done
end_tests
