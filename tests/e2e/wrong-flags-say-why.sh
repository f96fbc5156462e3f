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
fails "verb" 2 frobnicate "$bin" frobnicate
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
end_tests
