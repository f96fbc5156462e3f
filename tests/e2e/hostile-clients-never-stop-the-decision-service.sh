#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Split, pipelined, oversized and smuggled requests, garbage, a byte a second
# and 10,000 idle connections: a good client beside them is served all along,
# and memory stays bounded.
set -eu -o pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
case ${O:=build} in
/*) ;;
*) O=$here/$O ;;
esac
tmp=$(mktemp -d "${TMPDIR:-/tmp}/portcullis-test.XXXXXX")
trap 'rm -rf "$tmp"' EXIT

python3 "$here/tests/e2e/hostile_clients.py" "${BIN:-$O/portcullis}" "$tmp"
