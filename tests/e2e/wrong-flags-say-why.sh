#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# An agent that cannot do what it is told ends at once with the right status,
# names what is wrong, and leaves nothing attached or pinned.
#
#   gate0 only; nothing is sent
. "$(dirname "$0")/lib.bash"

# fails WHAT STATUS NAMED COMMAND...: the error is to name NAMED
fails() {
	local what=$1 want=$2 named=$3 rc=0
	shift 3
	in_gateway timeout 10 "$@" >"$tmp/out" 2>"$tmp/err" </dev/null || rc=$?
	is "$what: exit status" "$rc" "$want"
	check "$what: says '$named'" grep -qF -e "$named" "$tmp/err"
	is "$what: attaches nothing" "$(ip -n "$gateway_ns" link show gate0 |
		grep -o 'prog/xdp id [0-9]*' || true)" "$others"
	check "$what: pins nothing" \
		[ -z "$(find "$pins" -type f 2>/dev/null | head -n 1)" ]
}

run() {
	echo "$bin run --pin-dir $pins --interface gate0 --listen none --snapshot $snapshot"
}

begin_tests
others=
record good | publish
read -ra run <<<"$(run)"

fails "port beyond the last" 2 70000 "${run[@]}" --gateway-port 70000
fails "port that is no number" 2 http "${run[@]}" --gateway-port http
fails "profile" 2 v9 "${run[@]}" --profile v9
fails "address" 2 10.0.0.300 "${run[@]}" --block 10.0.0.300
fails "prefix with host bits" 2 10.0.0.1/8 "${run[@]}" --block 10.0.0.1/8
fails "duration" 2 soon "${run[@]}" --lease soon
fails "action" 2 refuse "${run[@]}" --deny refuse
fails "reason" 2 nosuch "${run[@]}" --deny drop:nosuch
fails "reason that refuses nothing" 2 key-live "${run[@]}" --deny drop:key-live
fails "flag" 2 --colour "${run[@]}" --colour red
fails "flag without its value" 2 --snapshot "$bin" run --interface gate0 --snapshot
fails "no interface" 2 --interface "$bin" run --pin-dir "$pins"
fails "mode of XDP" 2 driver "${run[@]}" --xdp-mode driver
fails "scope of XDP" 2 world "${run[@]}" --xdp-scope world
for file in --block-file --allow-file; do
	fails "$file without a name" 2 "no file is named" \
		"${run[@]}" $file ,max=5
	fails "$file twice" 2 "named before" \
		"${run[@]}" $file "$tmp/list" $file "$tmp/list,max=5"
	fails "$file that is not there" 1 "$tmp/missing" \
		"${run[@]}" $file "$tmp/missing"
	fails "$file that is a directory" 1 "$tmp: " "${run[@]}" $file "$tmp"
	fails "$file, factor" 2 "factor= is 2 to 1000000, or 0" \
		"${run[@]}" $file "$tmp/list,factor=1"
	fails "$file, max" 2 "max= is 1 to 10000000" \
		"${run[@]}" $file "$tmp/list,max=0"
	fails "$file, limit" 2 "max=N or factor=F" \
		"${run[@]}" $file "$tmp/list,most=5"
done
fails "time to confirm in" 2 "--confirm soon: not a duration" \
	"${run[@]}" --confirm soon
fails "automatic bans" 2 "--ban-after 20: not so many in a time" \
	"${run[@]}" --ban-after 20
fails "automatic bans without a length" 2 "--ban-for 0: a ban has a length" \
	"${run[@]}" --ban-after 20/1m --ban-for 0
fails "events a second" 2 many "${run[@]}" --event-rate many
fails "verb" 2 frobnicate "$bin" frobnicate
fails "confirm, argument" 2 "no arguments" "$bin" confirm now
fails "confirm, nothing installed" 1 "nothing is installed there" \
	"$bin" confirm --pin-dir "$pins"
fails "status, nothing installed" 1 "$pins" "$bin" status --pin-dir "$pins"
fails "ban, nobody" 2 "an address or a prefix is needed" "$bin" ban
fails "ban, host bits" 2 "did you mean 10.0.0.0/8?" "$bin" ban 10.0.0.1/8
fails "ban, no time" 2 "--for 0: a ban has a length" \
	"$bin" ban 192.0.2.1 --for 0
fails "ban, several" 2 "not several" "$bin" ban 192.0.2.1 192.0.2.2
fails "unban, nobody" 2 "an address or a prefix is needed" "$bin" unban
fails "bans, argument" 2 "no arguments" "$bin" bans 192.0.2.1
fails "capture, no file" 2 "a file is needed" "$bin" capture
fails "capture, no number" 2 "--count some" "$bin" capture --count some -
fails "capture, nothing installed" 1 "$pins" \
	"$bin" capture --pin-dir "$pins" "$tmp/drops"
fails "events, no agent" 1 "$tmp/none" "$bin" events --events "$tmp/none"
fails "explain, nobody" 2 "--ip is needed" "$bin" explain
fails "explain, no address" 2 "10.0.0.0/8" "$bin" explain --ip 10.0.0.0/8
fails "explain, the policy's flags" 2 "--block-file goes with --snapshot" \
	"$bin" explain --ip 192.0.2.1 --block-file "$tmp/list"
fails "explain, nothing installed" 3 "nothing is pinned there" \
	"$bin" explain --ip 192.0.2.1 --pin-dir "$pins"
fails "interface that is not there" 1 nosuch0 "${run[@]}" --interface nosuch0
fails "snapshot that is not there" 1 "$tmp/missing" "${run[@]}" \
	--snapshot "$tmp/missing"
echo '{"half":' >"$tmp/bad.ndjson"
fails "snapshot that is none" 1 "$tmp/bad.ndjson" "${run[@]}" \
	--snapshot "$tmp/bad.ndjson"
fails "pins outside a BPF file system" 1 "$tmp/pins" \
	"${run[@]}" --pin-dir "$tmp/pins"

fails "a kernel that is too old" 1 "6.1 or newer" \
	setarch "$(uname -m)" --uname-2.6 "${run[@]}"
# shellcheck disable=SC2016 # the inner shell's
fails "a kernel without BTF" 1 /sys/kernel/btf/vmlinux unshare --mount \
	sh -c 'mount -t tmpfs none /sys/kernel/btf && exec "$@"' sh "${run[@]}"

# A stranger who may read the program and the snapshot, and nothing more.
chmod 711 "$tmp"
install -m 755 "$bin" "$tmp/portcullis"
chmod 644 "$snapshot"
fails "not root" 1 root setpriv --reuid=65534 --regid=65534 --clear-groups \
	"$tmp/portcullis" run --pin-dir "$pins" --interface gate0 \
	--listen none --snapshot "$snapshot"

# Another's XDP program has the interface.
cat >"$tmp/other.c" <<'C'
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("xdp")
int other_filter(struct xdp_md *ctx)
{
	return XDP_PASS;
}

SEC("tc")
int other_tc(struct __sk_buff *skb)
{
	return -1;
}

char name_of_license[] SEC("license") = "GPL";
C
clang -O2 -g -target bpf -idirafter "/usr/include/$(cc -dumpmachine)" -c -o "$tmp/other.o" "$tmp/other.c"
ip -n "$gateway_ns" link set gate0 xdp obj "$tmp/other.o" sec xdp
others=$(ip -n "$gateway_ns" link show gate0 | grep -o 'prog/xdp id [0-9]*')
for mode in auto native generic; do
	fails "another program, mode $mode" 1 \
		"other_filter (bpftool prog show id ${others##* }); remove it, or filter beside it with --xdp-mode tc" \
		"${run[@]}" --xdp-mode $mode
done

# And another's filter our place at TC.
tc -n "$gateway_ns" qdisc add dev gate0 clsact
tc -n "$gateway_ns" filter add dev gate0 ingress pref 112 handle 0x7061 \
	bpf direct-action obj "$tmp/other.o" sec tc
fails "another filter in our place" 1 other_tc "${run[@]}" --xdp-mode tc

tc -n "$gateway_ns" qdisc del dev gate0 clsact
ip -n "$gateway_ns" link set gate0 xdp off
others=
start_agent
fails_beside() {
	local what=$1 want=$2 named=$3 rc=0
	shift 3
	in_gateway timeout 10 "$bin" "$@" --pin-dir "$pins" >"$tmp/out" \
		2>"$tmp/err" </dev/null || rc=$?
	is "$what: exit status" "$rc" "$want"
	check "$what: says '$named'" grep -qF -e "$named" "$tmp/err"
}
fails_beside "confirm, nothing waits" 1 "no policy waits to be confirmed" confirm
fails_beside "revert, nothing waits" 1 "no policy waits to be confirmed" \
	confirm --revert
end_tests
