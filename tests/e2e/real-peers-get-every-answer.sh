#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Good and dead requests mixed, by clients and through proxies in common use:
# every good one is answered by the gateway, every dead one by the kernel, byte
# for byte, and with --deny reply on the connection it came on, at no cost in
# connections.  "make check-peers" does it with 10,000 requests each.
#
#   curl, wrk, http.client, fetch ---- veth ----> :8080
#   http.client, 8 at once ---- veth ----> :80 nginx, HAProxy, Caddy
#                                               -- lo, pool --> :8080
. "$(dirname "$0")/../peers/lib.bash"

direct=http://$gateway:8080
direct6=http://[$gateway6]:8080

proxied() {
	must "$1 starts" "proxy_$1"
	run_peer "$1" ask_python "http://$gateway"
	check "$1 ends" stop_servers
}

# A few by name, when looking for what is wrong: PEERS="curl caddy"
peer() {
	case $1 in
	curl) run_peer curl ask_curl "$direct" ;;
	python) run_peer python ask_python "$direct" "$direct6" ;;
	node) spare=4 run_peer node ask_node "$direct" ;;
	nginx | haproxy) proxied "$1" ;;
	caddy) spare=2 proxied caddy ;;
	wrk)
		# It forgets what it has still to send when an answer comes
		# before all is out.
		make_plans --dead-max 16000
		run_peer wrk ask_wrk "$direct"
		;;
	*) check "$1 is a peer" false ;;
	esac
}

begin_tests
echo "# --deny $DENY, $REQUESTS requests a peer, chunked: $CHUNKED, seed $SEED"
start_peers
make_plans
for name in ${PEERS:-curl python node nginx haproxy caddy wrk}; do
	peer "$name"
done
end_tests
