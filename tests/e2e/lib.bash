# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What the end-to-end tests and scripts/demo share: a client and a gateway host
# in namespaces of their own, keys and snapshots, requests, and who answered
# them.  A script sources this, calls setup, and leaves nothing behind however
# it ends.
#
#   namespace "client"                       namespace "gateway"
#  +-----------------------+                +----------------------------------+
#  | 10.77.0.2 .3 .4 .66   | client0  gate0 | 10.77.0.1       nginx :80, proxy |
#  | fd77::2  ::3  ::66    +----------------+ fd77::1            | pooled, lo  |
#  |            curl, ping |      veth      |                    v             |
#  +-----------------------+                | nginx :8080, stands for the      |
#                                           | gateway: 200 to all it is asked  |
#                                           +----------------------------------+
set -eu -o pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
case ${O:=build} in
/*) ;;
*) O=$here/$O ;;
esac
bin=${BIN:-$O/portcullis}
PATH=$PATH:/usr/sbin:/sbin

gateway=10.77.0.1
gateway6=fd77::1
bpffs=/sys/fs/bpf
client_ns=pc$$-client
gateway_ns=pc$$-gateway
namespaces=("$client_ns" "$gateway_ns")
pins=$bpffs/portcullis-test-$$
tmp=
snapshot=
agent=
nginx=()
bpffs_was_mounted=1

# --- life and death ---------------------------------------------------------

setup() {
	trap cleanup EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
	tmp=$(mktemp -d "${TMPDIR:-/tmp}/portcullis-test.XXXXXX")
	snapshot=$tmp/keys.ndjson
	mkdir "$tmp/keys" "$tmp/www"
	mountpoint -q "$bpffs" || bpffs_was_mounted=0
	make_topology
	start_gateway
	start_proxy
}

cleanup() {
	local rc=$? pid
	trap '' INT TERM HUP
	set +e
	case $rc in
	0 | 130 | 143) ;;
	*) sed 's/^/# agent: /' "$tmp/agent.log" | tail -n 20 ;;
	esac
	end_agent KILL
	rm -rf "$pins"
	for pid in "${nginx[@]}"; do
		kill "$pid" && wait "$pid"
	done
	for pid in "${namespaces[@]}"; do
		[ ! -e "/run/netns/$pid" ] || ip netns del "$pid"
	done
	[ "$bpffs_was_mounted" = 1 ] || [ -n "$(ls -A "$bpffs")" ] ||
		umount "$bpffs"
	rm -rf "$tmp"
	tap_cleanup "$rc"
	exit "$rc"
} 2>/dev/null

# eventually SECONDS COMMAND...: does it come to succeed in that time?
eventually() {
	local end=$(($(now_ms) + $1 * 1000))
	shift
	until "$@"; do
		[ "$(now_ms)" -lt "$end" ] || return 1
		sleep 0.05
	done
}

now_ms() {
	local us=${EPOCHREALTIME/[.,]/}
	echo $((us / 1000))
}

# --- namespaces -------------------------------------------------------------

in_client() {
	nsenter --net="/run/netns/$client_ns" "$@"
}

# Not "ip netns exec", which mounts a /sys of its own and hides the pins.
in_gateway() {
	nsenter --net="/run/netns/$gateway_ns" "$@"
}

# give NAMESPACE INTERFACE ADDRESS/LEN...
give() {
	local ns=$1 dev=$2 address
	shift 2
	for address in "$@"; do
		case $address in
		*:*) ip -n "$ns" addr add "$address" dev "$dev" nodad ;;
		*) ip -n "$ns" addr add "$address" dev "$dev" ;;
		esac
	done
}

# Between the two hosts; a test may put more there.
make_link() {
	ip link add name client0 netns "$client_ns" type veth \
		peer name gate0 netns "$gateway_ns"
}

# The cable, and the addresses at both of its ends.
plug() {
	make_link
	ip -n "$client_ns" link set client0 addrgenmode none
	ip -n "$gateway_ns" link set gate0 addrgenmode none
	give "$client_ns" client0 10.77.0.{2,3,4,66}/24 fe80::2/64 fd77::{3,66}/64 \
		fd77::2/64
	give "$gateway_ns" gate0 "$gateway/24" fe80::1/64 "$gateway6/64"
	ip -n "$client_ns" link set client0 up
	ip -n "$gateway_ns" link set gate0 up
	eventually 5 in_client ping -q -c 1 -W 1 "$gateway" >/dev/null
	eventually 5 in_client ping -q -c 1 -W 1 "$gateway6" >/dev/null
}

make_topology() {
	local ns
	for ns in "$client_ns" "$gateway_ns"; do
		ip netns add "$ns"
		ip -n "$ns" link set lo up
	done
	plug
}

# --- the two nginxes --------------------------------------------------------

# start_nginx NAME [DIRECTIVE]: runs $tmp/NAME.conf, whose http block comes on
# stdin, in the namespace nginx_ns or the gateway's.
start_nginx() {
	local name=$1 ns=${nginx_ns:-$gateway_ns} dir=$tmp/$1
	mkdir "$dir"
	{
		cat <<-CONF
			${2-}
			daemon off;
			user root;
			worker_processes 1;
			pid $dir/pid;
			error_log $dir/error.log;
			events { ${nginx_events:-worker_connections 512;} }
			http {
			client_max_body_size 0;
			client_body_temp_path $dir/body;
			proxy_temp_path $dir/proxy;
			fastcgi_temp_path $dir/fastcgi;
			uwsgi_temp_path $dir/uwsgi;
			scgi_temp_path $dir/scgi;
			keepalive_requests 100000;
		CONF
		cat
		echo "}"
	} >"$dir.conf"
	nsenter --net="/run/netns/$ns" nginx -p "$dir" \
		-e "$dir/error.log" -c "$dir.conf" >"$dir/out" 2>&1 </dev/null &
	nginx+=("$!")
	eventually 5 curl -s -o "$dir/hello" --unix-socket "$dir/sock" \
		http://localhost/hello
}

# Answers everything itself; PUT keeps the body, to compare what arrived.
start_gateway() {
	start_nginx gateway <<-CONF
		log_format id '\$http_x_test_id \$status \$request_method \$request_uri \$connection';
		access_log $tmp/gateway.log id;
		server {
			listen 8080;
			listen [::]:8080;
			listen unix:$tmp/gateway/sock;
			location / { return 200 "gateway\n"; }
			location /v1/files/ {
				root $tmp/www;
				dav_methods PUT;
				create_full_put_path on;
			}
			location /v1/slow/ {
				alias $tmp/www/;
				limit_rate 100k;
			}
		}
	CONF
}

start_proxy() {
	start_nginx proxy <<-CONF
		log_format id '\$http_x_test_id \$status \$upstream_status';
		access_log $tmp/proxy.log id;
		upstream gateway {
			server 127.0.0.1:8080;
			keepalive 16;
		}
		server {
			listen 80;
			listen [::]:80;
			listen unix:$tmp/proxy/sock;
			# Says that it is up without a connection upstream.
			location = /hello { return 204; }
			location / {
				proxy_pass http://gateway;
				proxy_http_version 1.1;
				proxy_set_header Connection "";
				proxy_set_header X-Forwarded-For \$remote_addr;
			}
		}
	CONF
}

# --- keys and snapshots -----------------------------------------------------

# The raw key of a name: always the same, never in an argument list.
key() {
	printf 'sk-%s' "$(printf 'portcullis test key %s' "$1" | sha256sum |
		cut -d ' ' -f 1)"
}

digest() {
	key "$1" | sha256sum | cut -d ' ' -f 1
}

# The file curl reads a key's header from.
credential() {
	local file=$tmp/keys/$1
	[ -e "$file" ] || printf 'Authorization: Bearer %s\n' "$(key "$1")" >"$file"
	echo "$file"
}

# record NAME [CHANGE]: a line of snapshot for a live key, changed by jq's
# CHANGE of the gateway's own entry.
record() {
	local hash
	hash=$(digest "$1")
	jq -cn --arg hash "$hash" --argjson id $((16#${hash:0:6})) '
		{
			key_hash: $hash,
			not_found: false,
			snapshot: {
				api_key_id: $id, user_id: 7, group_id: 3,
				status: "active",
				user: {
					id: 7, status: "active", role: "user",
					balance: 12.5, concurrency: 5
				},
				group: {
					id: 3, name: "default",
					platform: "anthropic", status: "active",
					subscription_type: "standard",
					rate_multiplier: 1
				},
				quota: 0, quota_used: 0
			}
		} | .snapshot |= ('"${2:-.}"')'
}

# publish: replaces the snapshot at once with what comes on stdin.
publish() {
	cat >"$snapshot.new"
	mv "$snapshot.new" "$snapshot"
}

# A moment of now_ms's, as the gateway writes times.
time_text() {
	printf '%s.%03dZ' "$(date -u -d "@$(($1 / 1000))" +%FT%T)" $(($1 % 1000))
}

# --- the agent --------------------------------------------------------------

# Where addresses are filtered, as flags; a test may want it nowhere.
address_interfaces=(--interface gate0)
# The decision service: none, or a test's own.
service_flags=(--listen none)

# start_agent [FLAG...]: returns when it is ready, which takes the verifier of a
# kernel under qemu 20 s.
start_agent() {
	: >"$tmp/agent.log"
	nsenter --net="/run/netns/$gateway_ns" "$bin" run --pin-dir "$pins" \
		"${address_interfaces[@]}" "${service_flags[@]}" \
		--request-interface gate0 \
		--request-interface lo --gateway-port 8080 --events "$tmp/events" \
		--snapshot "$snapshot" --profile v0.1.179 \
		--trust-forwarded off --trusted-proxy 127.0.0.1/32 "$@" \
		>>"$tmp/agent.log" 2>&1 </dev/null &
	agent=$!
	eventually 60 agent_settled && agent_ready
}

agent_ready() {
	grep -q '^portcullis: ready' "$tmp/agent.log"
}

agent_settled() {
	agent_ready || ! kill -0 "$agent" 2>/dev/null
}

# end_agent SIGNAL: and its exit status.
end_agent() {
	local pid=$agent rc=0
	[ -n "$pid" ] || return 0
	agent=
	kill -"$1" "$pid"
	wait "$pid" || rc=$?
	return $rc
} 2>/dev/null

# reload: and wait until a newer generation is in force.
reload() {
	local before
	before=$(generation)
	kill -HUP "$agent"
	eventually 5 newer_than "$before"
}

newer_than() {
	[ "$(generation)" -gt "$1" ]
}

status() {
	in_gateway "$bin" status -j --pin-dir "$pins"
}

generation() {
	status | jq .generation
}

# counter REASON [done|would]
counter() {
	status | jq ".counters.\"$1\".${2:-done} // 0"
}

detach() {
	in_gateway "$bin" detach --pin-dir "$pins" >/dev/null
}

# --- requests ---------------------------------------------------------------

n_asked=0
id=
rc=0
status=
body=
said=

# ask KEY CURL-ARGUMENT...: one request of the client.  Sets id, rc (curl's),
# status and body.  KEY "-" sends none.
ask() {
	local name=$1
	shift
	[ "$name" = - ] || set -- -H "@$(credential "$name")" "$@"
	id=$$-$((++n_asked))
	rc=0
	rm -f "$tmp/body"
	status=$(in_client curl -s --max-time "${patience_s:-5}" -o "$tmp/body" \
		-w '%{http_code}' -H "X-Test-Id: $id" "$@") || rc=$?
	body=
	[ ! -e "$tmp/body" ] || body=$(tr -d '\0' <"$tmp/body")
}

# speak ENTER HOST PORT STEP...: one connection from a namespace, entered by
# in_client or the like; see converse.py.
speak() {
	local enter=$1 host=$2 port=$3
	shift 3
	credential good >/dev/null
	credential dead >/dev/null
	"$enter" python3 "$here/tests/e2e/converse.py" "$host" "$port" \
		"$tmp/keys" "$id" "$@" || true
}

# converse: the same; sets id, and "said" to what it printed.
converse() {
	id=$$-$((++n_asked))
	# shellcheck disable=SC2034 # for the scripts
	said=$(speak "$@")
}

# Who answered the last request: its id is in the gateway's access log or not.
answered_by() {
	settle_log
	if grep -q "^$id " "$tmp/gateway.log"; then
		echo gateway
	elif [ "$rc" -eq 0 ]; then
		echo kernel
	else
		echo nobody
	fi
}

# The gateway's one worker writes its log in order, so once a later request is
# in the log every earlier one is.  This one takes a Unix socket, past the filter.
settle_log() {
	local mark=mark-$EPOCHREALTIME
	curl -s -o /dev/null --unix-socket "$tmp/gateway/sock" \
		-H "X-Test-Id: $mark" http://localhost/
	eventually 5 grep -q "^$mark " "$tmp/gateway.log"
}

# The "code" of the last answer's body, in any dialect.
answer_code() {
	jq -r '.code // .error.status // .error.code // empty' <<<"$body" 2>/dev/null ||
		true
}

# --- TAP --------------------------------------------------------------------

n_tests=0
tap=

# check WHAT COMMAND...
check() {
	local what=$1
	shift
	if "$@"; then
		echo "ok $((++n_tests)) - $what"
	else
		echo "not ok $((++n_tests)) - $what"
		failed=1
	fi
}

# is WHAT GOT WANTED
# As check, where nothing that follows makes sense without it.
must() {
	local before=$failed
	failed=0
	check "$@"
	[ "$failed" -eq 0 ] || exit 1
	failed=$before
}

is() {
	check "$1" [ "$2" = "$3" ]
	[ "$2" = "$3" ] || printf '#   got:    %s\n#   wanted: %s\n' "$2" "$3"
}

# A request of KEY that the kernel must answer: is_refused WHAT KEY STATUS CODE
# CURL-ARGUMENT...
is_refused() {
	local what=$1 name=$2 want=$3 code=$4
	shift 4
	ask "$name" "$@"
	is "$what: refused by the kernel" \
		"$rc $status $(answer_code) $(answered_by)" "0 $want $code kernel"
}

# is_passed WHAT KEY CURL-ARGUMENT...
is_passed() {
	local what=$1 name=$2
	shift 2
	ask "$name" "$@"
	is "$what: answered by the gateway" \
		"$rc $status $(answered_by)" "0 200 gateway"
}

failed=0

begin_tests() {
	[ "$(id -u)" = 0 ] || { echo "1..0 # SKIP needs root"; exit 77; }
	[ -x "$bin" ] || { echo "# no $bin: run make first"; exit 1; }
	tap=1
	setup
}

end_tests() {
	tap=
	echo "1..$n_tests"
	exit $failed
}

tap_cleanup() {
	[ -z "$tap" ] || [ "$1" -eq 77 ] ||
		echo "not ok $((++n_tests)) - ran to its end (status $1)"
}
