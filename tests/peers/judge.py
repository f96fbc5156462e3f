#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""
judge.py DIR LOG [--passed-dead MAX]

Holds what the clients were told, DIR/results*.tsv, and what the gateway was
asked, its access log, against DIR/requests.tsv.  Prints one line, and the first
few things that are wrong as comments on stderr.

A line of results: id  status  x-test-id|-  sha256|@|what went wrong; "@" stands
for the file DIR/out/ID.  Every request must have exactly one.  A good one must
have been answered by the gateway, which saw it once, with every byte in place;
a dead one by the kernel, with DIR/refusal, and the gateway must not have seen
it.  Where packets are lost --passed-dead allows the gateway to have answered up
to MAX dead ones: a head that comes out of order is not judged.
"""
import argparse
import collections
import glob
import hashlib
import os
import sys

SHOWN = 8


def read_lines(path):
    with open(path, errors="replace") as f:
        return [line.rstrip("\n").split("\t") for line in f]


def digest_of(path):
    try:
        with open(path, "rb") as f:
            return hashlib.sha256(f.read()).hexdigest()
    except FileNotFoundError:
        return hashlib.sha256(b"").hexdigest()


def read_results(directory):
    results = collections.defaultdict(list)
    for path in glob.glob(os.path.join(directory, "results*.tsv")):
        for line in read_lines(path):
            ident, status, echoed, digest = (line + ["", "", ""])[:4]
            if digest == "@":
                digest = digest_of(os.path.join(directory, "out", ident))
            results[ident].append((status, echoed or "-", digest))
    return results


def read_log(path):
    """What the gateway answered, by request."""
    log = collections.defaultdict(list)
    with open(path) as f:
        for line in f:
            ident, status = line.split(" ", 2)[:2]
            log[ident].append(status)
    return log


def verdict(request, answers, seen, refusal):
    """"good", "dead", "passed" (a dead one the gateway answered) or what is
    wrong."""
    ident, who, digest = request[0], request[1], request[6]
    by_gateway = [("200", ident, digest)]
    if answers == by_gateway and seen == ["200"]:
        return "good" if who == "good" else "passed"
    if who == "dead" and answers == [("401", "-", refusal)] and not seen:
        return "dead"
    want = by_gateway if who == "good" else [("401", "-", refusal)]
    return f"{' '.join(request[1:6])}: got {answers}, wanted {want}; " \
           f"the gateway answered {seen}"


def main():
    p = argparse.ArgumentParser()
    p.add_argument("dir")
    p.add_argument("log")
    p.add_argument("--passed-dead", type=int, default=0)
    args = p.parse_args()
    requests = read_lines(os.path.join(args.dir, "requests.tsv"))
    results = read_results(args.dir)
    log = read_log(args.log)
    refusal = digest_of(os.path.join(args.dir, "refusal"))
    count = collections.Counter()
    for request in requests:
        ident = request[0]
        v = verdict(request, results.pop(ident, []), log.get(ident, []),
                    refusal)
        if v in ("good", "dead", "passed"):
            count[v] += 1
        else:
            count["wrong"] += 1
            if count["wrong"] <= SHOWN:
                print(f"# {ident}: {v}", file=sys.stderr)
    count["wrong"] += len(results)
    if 0 < count["passed"] <= args.passed_dead:
        print(f"# {count['passed']} dead requests passed to the gateway",
              file=sys.stderr)
        count["dead"] += count.pop("passed", 0)
    print(f"good {count['good']} dead {count['dead']} "
          f"passed {count['passed']} wrong {count['wrong']}")


main()
