#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Where no BPF file system is mounted the agent mounts it, and warns when that is
# in a mount namespace that will take the pins along when it ends.
#
#   gate0 only; nothing is sent
. "$(dirname "$0")/lib.bash"

# In a process and mount namespace of its own; its first process stands for the
# host's init, the agent runs one namespace further in when asked to.
run_without_bpffs() {
	# shellcheck disable=SC2016 # the inner shell's
	in_gateway unshare --pid --fork --mount-proc sh -c '
		umount -l /sys/fs/bpf
		"$@"
		exit $?' sh "$@" >"$tmp/out" 2>"$tmp/err" </dev/null
}

begin_tests
record good | publish
start=(timeout --preserve-status 2 "$bin" run --pin-dir "$pins"
	--request-interface gate0 --listen none --snapshot "$snapshot")

check "without one it starts" run_without_bpffs "${start[@]}"
check "it says that it mounted it" grep -q "mounted the BPF" "$tmp/err"
check "on the host it does not warn" eval '! grep -q warning: "$tmp/err"'
tc -n "$gateway_ns" qdisc del dev gate0 clsact
check "in a mount namespace it starts" \
	run_without_bpffs unshare --mount "${start[@]}"
check "and warns" grep -q "mount namespace of its own" "$tmp/err"
tc -n "$gateway_ns" qdisc del dev gate0 clsact
check "the host's file system has nothing of it" [ ! -e "$pins" ]
end_tests
