#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# An agent that cannot start leaves the filter of the one before, wherever it
# fails: at the flags' interfaces, at the pins, at the policy.  Where there was
# none it leaves nothing.
#
#   client 10.77.0.2 .66 ---- veth ----> :8080
. "$(dirname "$0")/lib.bash"

direct=http://$gateway:8080/v1/messages

in_force() {
	is_refused "$1: a dead key" dead 401 API_KEY_DISABLED "$direct"
	patience_s=0.5 ask good --interface 10.77.0.66 "$direct"
	is "$1: a blocked address" "$(answered_by)" nobody
	is "$1: the generation" "$(generation)" "${2:-1}"
}

fails() {
	! start_agent "$@" && agent=
}

# A pin that no program can use.
spoil() {
	mv "$pins/$1" "$pins/spare" &&
		bpftool map create "$pins/$1" type array key 4 value 4 \
			entries 1 name "$1"
}

mend() {
	rm "$pins/$1" && mv "$pins/spare" "$pins/$1"
}

begin_tests
{
	record good
	record dead '.status = "disabled"'
} | publish
must "a first start fails" fails --interface none0
check "nothing is left" test ! -e "$pins/pc_active"

must "an agent starts" start_agent --block 10.77.0.66/32
end_agent KILL || true
in_force "killed"
must "no such interface" fails --block 10.77.0.66/32 --interface none0
in_force "no such interface"
must "a pin is spoilt" spoil pc_offenders
must "a pin is of no use" fails --block 10.77.0.66/32
mend pc_offenders
in_force "a pin is of no use"
must "the guard objects" fails --block "$gateway/32"
in_force "the guard objects"
must "the next one starts" start_agent --block 10.77.0.66/32
in_force "next agent" 2
end_tests
