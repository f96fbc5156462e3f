#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""prefixes.py COUNT SEED [addresses]

Prints so many different IPv4 addresses and prefixes, one a line, in no order,
none within another: one in ten is a prefix, /24 to /31, in a /24 of its own.
Only addresses, where that is asked for.  Always the same for a seed.
"""
import random
import sys


def usable(net24):
    first = net24 >> 16
    return 1 <= first <= 223 and first not in (10, 127)


def main():
    count, rand = int(sys.argv[1]), random.Random(int(sys.argv[2]))
    n_prefixes = 0 if sys.argv[3:] == ["addresses"] else count // 10
    prefixes = {}
    while len(prefixes) < n_prefixes:
        net24 = rand.getrandbits(24)
        if usable(net24):
            length = rand.randint(24, 31)
            prefixes[net24] = (rand.getrandbits(8) >> 32 - length << 32 - length, length)
    addresses = set()
    while len(addresses) < count - n_prefixes:
        address = rand.getrandbits(32)
        if usable(address >> 8) and address >> 8 not in prefixes:
            addresses.add(address)
    out = [(a, 32) for a in addresses]
    out += [(net << 8 | low, length) for net, (low, length) in prefixes.items()]
    rand.shuffle(out)
    for a, length in out:
        text = f"{a >> 24}.{a >> 16 & 255}.{a >> 8 & 255}.{a & 255}"
        print(text if length == 32 else f"{text}/{length}")


if __name__ == "__main__":
    main()
