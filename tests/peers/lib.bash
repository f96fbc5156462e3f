# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Real clients and real proxies against a gateway that tells what it was sent:
# every request of a plan (plan.py) is asked by a peer, and every answer is held
# against the plan (judge.py).  Sourced instead of tests/e2e/lib.bash.
#
#   DENY=MODE       what a refused request gets (--deny)
#   CHUNKED=WHICH   who sends chunked bodies: none, dead, all
#   REQUESTS=COUNT  for each peer
#   BODIES=KIND     small, mixed, large
#   SEED=NUMBER     another plan
. "$(dirname "${BASH_SOURCE[0]}")/../e2e/lib.bash"

peers=$here/tests/peers
: "${DENY:=reply}" "${CHUNKED:=all}" "${REQUESTS:=300}" \
	"${BODIES:=mixed}" "${SEED:=1}"
# What a client waits for one answer, and a peer for all of them.
patience_s=30
limit_s=$((60 + REQUESTS / 50))
servers=()

# --- the gateway ------------------------------------------------------------

# Debian's nginx keeps its modules elsewhere than its prefix.
module() {
	local dir
	dir=$(nginx -V 2>&1 | grep -o 'modules-path=[^ ]*')
	echo "${dir#*=}/ngx_http_$1_module.so"
}

# As the one of lib.bash, and: /v1/echo sends back what it was sent, once it has
# all of it; /v1/blob/NAME is a body of the plan.  Answers name their request.
start_gateway() {
	start_nginx gateway "load_module $(module echo);" <<-CONF
		log_format id '\$http_x_test_id \$status \$request_method \$request_uri \$connection';
		access_log $tmp/gateway.log id;
		client_body_buffer_size 4m;
		keepalive_timeout 600;
		client_header_timeout 600;
		client_body_timeout 600;
		send_timeout 600;
		types { }
		default_type application/octet-stream;
		server {
			listen 8080;
			listen [::]:8080;
			listen unix:$tmp/gateway/sock;
			add_header X-Test-Id \$http_x_test_id;
			location / { return 200 "gateway\n"; }
			location = /accepted { stub_status; }
			location /v1/blob/ { alias $tmp/plan/blobs/; }
			location = /v1/echo {
				echo_read_request_body;
				echo_request_body;
			}
		}
	CONF
}

# Proxies are started by the tests that want them.
start_proxy() {
	:
}

# Connections the gateway has accepted; asking makes one more.
accepted() {
	curl -s --unix-socket "$tmp/gateway/sock" http://localhost/accepted |
		awk 'NR == 3 { print $1 }'
}

# --- proxies on the gateway's host, port 80 ----------------------------------

# serve NAME COMMAND...: until stop_servers
serve() {
	local name=$1
	shift
	nsenter --net="/run/netns/$gateway_ns" env HOME="$tmp" \
		XDG_DATA_HOME="$tmp" XDG_CONFIG_HOME="$tmp" "$@" \
		>"$tmp/$name.out" 2>&1 </dev/null &
	servers+=("$!")
	nginx+=("$!")
	eventually 10 listening 80 || { tail -n 20 "$tmp/$name.out"; return 1; }
}

listening() {
	in_gateway ss -Hltn "sport = :$1" | grep -q .
}

stop_servers() {
	local pid
	for pid in ${servers[@]+"${servers[@]}"}; do
		kill -TERM "$pid" && wait "$pid"
	done
	servers=()
	! listening 80
} 2>/dev/null

# A proxy may not hide a failure by asking again.
proxy_nginx() {
	mkdir -p "$tmp/nginx"
	cat >"$tmp/nginx.conf" <<-CONF
		daemon off;
		user root;
		worker_processes 1;
		pid $tmp/nginx/pid;
		error_log $tmp/nginx/error.log;
		events { worker_connections 512; }
		http {
		access_log off;
		client_max_body_size 0;
		client_body_temp_path $tmp/nginx/body;
		proxy_temp_path $tmp/nginx/proxy;
		fastcgi_temp_path $tmp/nginx/fastcgi;
		uwsgi_temp_path $tmp/nginx/uwsgi;
		scgi_temp_path $tmp/nginx/scgi;
		keepalive_requests 100000;
		upstream gateway {
			server 127.0.0.1:8080;
			keepalive 64;
			keepalive_requests 100000;
		}
		server {
			listen 80;
			location / {
				proxy_pass http://gateway;
				proxy_http_version 1.1;
				proxy_set_header Connection "";
				proxy_next_upstream off;
			}
		}
		}
	CONF
	serve nginx nginx -p "$tmp/nginx" -e "$tmp/nginx/error.log" \
		-c "$tmp/nginx.conf"
}

proxy_haproxy() {
	cat >"$tmp/haproxy.cfg" <<-CONF
		global
			nbthread 1
			maxconn 512
		defaults
			mode http
			retries 0
			http-reuse always
			timeout connect 10s
			timeout client 60s
			timeout server 60s
		frontend clients
			bind :80
			default_backend gateway
		backend gateway
			server gateway 127.0.0.1:8080
	CONF
	serve haproxy haproxy -db -f "$tmp/haproxy.cfg"
}

proxy_caddy() {
	cat >"$tmp/Caddyfile" <<-CONF
		{
			admin off
			auto_https off
		}
		:80 {
			# It cuts an answer short that begins before it knows that
			# it has sent all of a request.
			reverse_proxy 127.0.0.1:8080 {
				buffer_requests
				transport http {
					keepalive_idle_conns_per_host 64
				}
			}
		}
	CONF
	serve caddy caddy run --config "$tmp/Caddyfile" --adapter caddyfile
}

# --- clients ----------------------------------------------------------------

# Each asks the whole plan on at most this many connections at once.
n_connections=8

# by_client TIMEOUT_S COMMAND...: in the client's namespace, not for ever.
by_client() {
	in_client timeout -k 5 "$limit_s" "$@"
}

ask_python() {
	by_client python3 "$peers/http_client.py" "$tmp/plan" $n_connections \
		$patience_s "$@"
}

ask_node() {
	by_client node "$peers/fetch.mjs" "$tmp/plan" $n_connections \
		$patience_s "$1"
}

ask_wrk() {
	sha256sum "$tmp/plan/refusal" >"$tmp/plan/refusal.sha256"
	by_client wrk -t 1 -c $n_connections -d $((limit_s - 5)) -T $patience_s \
		-s "$peers/wrk.lua" "$1" -- "$tmp/plan"
}

# One curl, one request after the other.
ask_curl() {
	mkdir -p "$tmp/plan/out"
	curl_config "$1" <"$tmp/plan/requests.tsv" >"$tmp/plan/curl"
	by_client curl -s -S -K "$tmp/plan/curl" >"$tmp/plan/results.tsv"
}

curl_config() {
	local id who method framing blob next=
	while read -r id who method framing _ blob _; do
		printf '%sheader = "@%s"\nheader = "X-Test-Id: %s"\n' "$next" \
			"$tmp/plan/key-$who" "$id"
		next=$'next\n'
		case $method in
		GET) echo "url = \"$1/v1/blob/$blob\"" ;;
		POST)
			echo "url = \"$1/v1/echo\""
			echo "data-binary = \"@$tmp/plan/blobs/$blob\""
			;;
		esac
		[ "$framing" != chunked ] ||
			echo 'header = "Transfer-Encoding: chunked"'
		cat <<-CONFIG
			output = "$tmp/plan/out/$id"
			max-time = $patience_s
			write-out = "$id\t%{http_code}\t%header{x-test-id}\t@\t%{exitcode} %{num_connects}\n"
		CONFIG
	done
}

# --- a run ------------------------------------------------------------------

# What the kernel says to a dead key, word for word.
refusal='{"code":"API_KEY_DISABLED","message":"API key is disabled"}'

# make_plan NAME FLAG...
make_plan() {
	local dir=$tmp/$1
	shift
	rm -rf "$dir"
	mkdir "$dir"
	python3 "$peers/plan.py" "$dir" "$REQUESTS" "$SEED" \
		--chunked "$CHUNKED" --bodies "$BODIES" "$@"
	cp "$(credential good)" "$dir/key-good"
	cp "$(credential dead)" "$dir/key-dead"
	printf '%s' "$refusal" >"$dir/refusal"
}

# make_plans FLAG...: good and dead keys mixed, and the same with good ones only
make_plans() {
	make_plan mixed --dead 50 "$@"
	make_plan good --dead 0 "$@"
	use_plan mixed
}

use_plan() {
	ln -sfn "$tmp/$1" "$tmp/plan"
}

planned() {
	grep -cP "^\S+\t$1\t" "$tmp/plan/requests.tsv" || true
}

# netstat NAMESPACE FILE GROUP FIELD: a counter of the kernel's
netstat() {
	nsenter --net="/run/netns/$1" awk -v group="$3:" -v field="$4" '
		$1 == group && !n++ { for (i = 1; i <= NF; i++) at[$i] = i; next }
		$1 == group { print $at[field] }' "/proc/net/$2"
}

# Connections that were ended by a reset, of all in a namespace.
resets() {
	netstat "$1" snmp Tcp EstabResets
}

all_resets() {
	echo "client $(resets "$client_ns") gateway $(resets "$gateway_ns")"
}

start_peers() {
	{
		record good
		record dead '.status = "disabled"'
	} | publish
	must "the agent starts" start_agent --deny "$DENY"
}

# judge [FLAG...]
# shellcheck disable=SC2120 # the loss tests have some
judge() {
	settle_log
	python3 "$peers/judge.py" "$tmp/plan" "$tmp/gateway.log" "$@"
}

# asked WHAT COMMAND...: did it end well?  What it says becomes a comment.
asked() {
	local what=$1
	shift
	"$@" </dev/null 2>&1 | sed "s/^/# $what: /"
}

# What became of the segments so far, to read when something is wrong.
say_counters() {
	echo "# $1: counters: $(status | jq -r '
		[.counters | to_entries[] | select(.value.done > 0) |
			"\(.key) \(.value.done)"] | join(", ")')"
}

# ask_plan WHAT COMMAND...: asks the plan in use and checks every answer.  Sets
# n_accepted, the connections the gateway has seen.
ask_plan() {
	local what=$1 start before refused
	shift
	: >"$tmp/gateway.log"
	refused=$(counter key-disabled)
	before=$(accepted)
	start=$(now_ms)
	check "$what: asked everything" asked "$what" "$@"
	n_accepted=$(($(accepted) - before - 1))
	echo "# $what: $(($(now_ms) - start)) ms, $n_accepted connections accepted"
	say_counters "$what"
	is "$what: every answer is right and whole" "$(judge)" \
		"good $(planned good) dead $(planned dead) passed 0 wrong 0"
	is "$what: as many refused as asked with a dead key" \
		"$(($(counter key-disabled) - refused))" "$(planned dead)"
}

# run_peer WHAT COMMAND...: the mixed plan.  Refusals that leave a connection
# alone cost none, so the gateway must then accept no more than when the same
# peer asks with good keys only, or $spare more where a peer opens connections
# as it happens.  Where refusals close there is nothing to be said of that.
run_peer() {
	local what=$1 needed resets
	shift
	if [ "$DENY" != reply ]; then
		ask_plan "$what" "$@"
		return
	fi
	use_plan good
	ask_plan "$what, good keys only" "$@"
	needed=$((n_accepted + ${spare:-0}))
	use_plan mixed
	resets=$(all_resets)
	ask_plan "$what" "$@"
	check "$what: $n_accepted connections, good requests alone need $needed" \
		[ "$n_accepted" -le "$needed" ]
	is "$what: not one connection reset" "$(all_resets)" "$resets"
}
