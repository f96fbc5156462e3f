#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A refusal ends nothing: good requests before and after it, and bodies of any
# size, share one connection with it, however the client reaches the gateway.
#
#   client0 ---- veth ---- gate0 --> :8080
#                            |        ^ lo
#                            | :8081, translated
#                            v
#                          host0 ---- veth ---- eth0 (namespace "container")
#                       172.30.0.1              172.30.0.2:8080, another nginx
. "$(dirname "$0")/lib.bash"

container_ns=pc$$-container
# Good bodies are PUT: what nginx answers by itself it answers before it has read
# the body, and while it still does nothing is refused on lo.
steps=(good dead good dead dead good dead+200 good dead+500000 dead*300000 good
	good:3000000 dead good~700000 dead dead good)

wanted() {
	local step
	for step in "${steps[@]}"; do
		case $step in
		dead*) echo "$step 401 API_KEY_DISABLED" ;;
		good:*) echo "$step 201 -" ;;
		good~*) echo "$step 204 -" ;;
		*) echo "$step 200 -" ;;
		esac
	done
}

# As Docker publishes a port.
start_container() {
	ip netns add "$container_ns"
	ip link add name host0 netns "$gateway_ns" type veth \
		peer name eth0 netns "$container_ns"
	give "$gateway_ns" host0 172.30.0.1/24
	give "$container_ns" eth0 172.30.0.2/24
	ip -n "$gateway_ns" link set host0 up
	ip -n "$container_ns" link set eth0 up
	ip -n "$container_ns" link set lo up
	ip -n "$container_ns" route add default via 172.30.0.1
	in_gateway sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'
	in_gateway nft -f - <<-NFT
		table ip docker {
			chain prerouting {
				type nat hook prerouting priority dstnat
				ip daddr $gateway tcp dport 8081 dnat to 172.30.0.2:8080
			}
			chain forward {
				type filter hook forward priority filter
				ct state invalid drop
			}
		}
	NFT
	nginx_ns=$container_ns start_nginx container <<-CONF
		log_format id '\$http_x_test_id \$status \$connection';
		access_log $tmp/container.log id;
		server {
			listen 8080;
			listen unix:$tmp/container/sock;
			location / { return 200 "container\n"; }
			location /v1/files/ {
				root $tmp/www;
				dav_methods PUT;
				create_full_put_path on;
			}
		}
	CONF
}

stop_container() {
	ip netns del "$container_ns"
} 2>/dev/null

# lives WHAT ENTER HOST PORT LOG
lives() {
	local what=$1 log=$tmp/$5.log n_good
	n_good=$(wanted | grep -vc ' 401 ')
	converse "$2" "$3" "$4" "${steps[@]}"
	is "$what: every step" "$said" "$(wanted)"
	check "$what: the last body arrived whole" \
		cmp "$tmp/keys/sent" "$tmp/www/v1/files/$id"
	eventually 5 eval '[ "$(grep -c "^$id-good " "$log")" = "$n_good" ]' ||
		true
	is "$what: the gateway saw the good ones" \
		"$(grep -c "^$id-good " "$log")" "$n_good"
	is "$what: and no dead one" "$(grep -c "^$id-dead " "$log" || true)" 0
	is "$what: on one connection" "$(grep "^$id-" "$log" |
		awk '{ print $NF }' | sort -u | wc -l)" 1
}

reused() {
	local i
	for i in good dead good dead dead good; do
		[ ! -s "$tmp/reused" ] || echo next
		cat <<-CONFIG | tee "$tmp/reused"
			url = "http://$gateway:8080/v1/messages"
			header = "@$(credential "$i")"
			output = /dev/null
			write-out = "%{http_code} %{num_connects}\n"
		CONFIG
	done
}

begin_tests
trap 'stop_container; cleanup' EXIT
start_container
{
	record good
	record dead '.status = "disabled"'
} | publish
must "the agent starts" start_agent --gateway-port 8081

lives "IPv4" in_client "$gateway" 8080 gateway
lives "IPv6" in_client "$gateway6" 8080 gateway
lives "lo" in_gateway 127.0.0.1 8080 gateway
lives "lo, IPv6" in_gateway ::1 8080 gateway
lives "a translated port" in_client "$gateway" 8081 container

reused >"$tmp/reuse"
is "curl connects once" \
	"$(in_client curl -s --max-time 10 -K "$tmp/reuse" | xargs)" \
	"200 1 401 0 200 0 401 0 401 0 200 0"
is "nothing could not be answered" "$(counter answer-failed)" 0
end_tests
