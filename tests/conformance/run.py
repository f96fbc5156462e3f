#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Conformance cases against portcullis: see scripts/conformance.

The namespaces and the server of the kernel plane are made by the caller; this
file has the cases, what is expected of them, and the sum.
"""
import argparse
import json
import sys

import agent_plane
import decision_plane
import kernel_plane

PROFILES = ("seed", "v0.1.179")
PLANES = {"agent": agent_plane, "decision": decision_plane,
          "kernel": kernel_plane}


class Tally:
    """What became of the cases; prints a line for whatever is asked for."""

    def __init__(self, plane, verbose):
        self.plane, self.verbose = plane, verbose
        self.n = self.denied = self.passed = self.left = self.wrong = 0

    def say(self, outcome, case, profile, *what):
        if self.verbose or outcome == "wrong":
            print(outcome, case["id"], profile, *what, sep="\t", flush=True)

    def as_denied(self, case, profile, want):
        self.n += 1
        self.denied += 1
        self.say("denied", case, profile, want)

    def as_passed(self, case, profile):
        self.n += 1
        self.passed += 1
        self.say("passed", case, profile)

    def as_left(self, case, profile, want, reason):
        self.n += 1
        self.passed += 1
        self.left += 1
        self.say("left", case, profile, want, reason)

    def as_wrong(self, case, profile, want, got):
        self.n += 1
        self.wrong += 1
        self.say("wrong", case, profile, "wanted " + want, "got " + got)

    def as_unsent(self, case, profile, why):
        """No packet can come from such a peer."""
        print(f"conformance: {case['id']}, {profile}: cannot be sent: {why}",
              file=sys.stderr)

    def sum(self):
        return (f"{self.plane}: {self.n} cases, {self.denied} denied as "
                f"expected, {self.passed} passed ({self.left} of them denies "
                f"left to the gateway), {self.wrong} wrong")


def arguments():
    parser = argparse.ArgumentParser(prog="conformance")
    parser.add_argument("--plane", choices=sorted(PLANES), required=True)
    parser.add_argument("--profile", choices=PROFILES)
    parser.add_argument("-v", "--verbose", action="store_true")
    parser.add_argument("--split", type=int, metavar="BYTES")
    for name in ("bin", "client", "gateway", "pins", "tmp"):
        parser.add_argument("--" + name, help=argparse.SUPPRESS)
    parser.add_argument("file", nargs="+")
    return parser.parse_args()


def main():
    args = arguments()
    profiles = [args.profile] if args.profile else list(PROFILES)
    tally = Tally(args.plane, args.verbose)
    try:
        for name in args.file:
            with open(name, encoding="utf-8") as f:
                PLANES[args.plane].run(args, name, json.load(f), profiles, tally)
    except (OSError, ValueError, KeyError, RuntimeError) as e:
        print(f"conformance: {e!r}", file=sys.stderr)
        return 2
    print(tally.sum())
    return 1 if tally.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
