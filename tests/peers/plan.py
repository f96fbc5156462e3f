#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""
plan.py DIR COUNT SEED [--dead PERCENT] [--bodies KIND] [--chunked WHICH]

Writes what the clients of a run ask and must be told: DIR/requests.tsv, and
DIR/blobs/, the bodies that travel either way.  The same arguments give the same
plan.  No two blobs share bytes, so a stream that is shifted cannot look right.

A line of requests.tsv:

    id  good|dead  GET|POST  none|length|chunked  joined|apart  blob  sha256

A GET asks for the blob, a POST sends it and gets it back.  "joined" wants head
and body in one write, "apart" in writes of their own.  The digest is that of the
body a good answer has.
"""
import argparse
import hashlib
import os
import random

# Sizes around what a segment, a socket buffer and a proxy's buffer hold.
BODIES = {
    "mixed": [0, 1, 17, 100, 700, 1000, 1400, 1448, 1449, 2000, 2896, 4000,
              8192, 16000, 30000, 65535, 100000, 204800, 300000],
    "small": [0, 1, 17, 100, 700, 1000, 1400, 1448, 1449, 2000, 2896, 4000,
              8192],
    "large": [0, 100, 1400, 3000, 16000, 65535, 300000, 1000000, 3000000],
}
# Most requests are small ones.
SMALL = 4096
SMALL_WEIGHT = 8


def write_blobs(path, sizes, rng):
    os.makedirs(path, exist_ok=True)
    blobs = []
    for n, size in enumerate(sizes + sizes):
        data = rng.randbytes(size)
        name = f"{n}-{size}"
        with open(os.path.join(path, name), "wb") as out:
            out.write(data)
        blobs.append((name, size, hashlib.sha256(data).hexdigest()))
    return blobs


def framing(who, chunked, rng):
    if chunked == "all" or chunked == who:
        return rng.choice(["length", "length", "chunked"])
    return "length"


def requests(args, blobs, rng):
    weights = [SMALL_WEIGHT if size < SMALL else 1 for _, size, _ in blobs]
    # What a refused request may send, apart from the rest, with --dead-max.
    refused = [b for b in blobs if b[1] <= args.dead_max]
    for n in range(args.count):
        who = "dead" if rng.randrange(100) < args.dead else "good"
        method = rng.choice(["GET", "POST"])
        name, size, digest = rng.choices(blobs, weights)[0]
        if method == "GET":
            frame, join = "none", "joined"
        else:
            if who == "dead" and size > args.dead_max:
                name, size, digest = rng.choice(refused)
            frame = framing(who, args.chunked, rng)
            join = rng.choice(["joined", "apart"])
        yield f"{args.seed}-{n}", who, method, frame, join, name, digest


def main():
    p = argparse.ArgumentParser()
    p.add_argument("dir")
    p.add_argument("count", type=int)
    p.add_argument("seed", type=int)
    p.add_argument("--dead", type=int, default=50, help="percent")
    p.add_argument("--bodies", choices=BODIES, default="mixed")
    p.add_argument("--chunked", choices=["none", "dead", "all"],
                   default="all")
    p.add_argument("--dead-max", type=int, default=1 << 30,
                   help="bytes a refused request's body may have")
    args = p.parse_args()
    rng = random.Random(args.seed)
    blobs = write_blobs(os.path.join(args.dir, "blobs"), BODIES[args.bodies],
                        rng)
    with open(os.path.join(args.dir, "requests.tsv"), "w") as out:
        for line in requests(args, blobs, rng):
            print(*line, sep="\t", file=out)


main()
