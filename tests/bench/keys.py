#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""keys.py COUNT SNAPSHOT KEYS SAMPLE

Writes a complete snapshot of COUNT live keys, and every (COUNT / SAMPLE)th key,
in no order, to KEYS.  Always the same keys.
"""
import hashlib
import random
import sys

ENTRY = ('{"key_hash":"%s","not_found":false,"snapshot":{"api_key_id":%d,'
         '"user_id":%d,"group_id":3,"status":"active","user":{"id":%d,'
         '"status":"active","role":"user","balance":12.5,"concurrency":5},'
         '"group":{"id":3,"name":"default","platform":"anthropic",'
         '"status":"active","subscription_type":"standard",'
         '"rate_multiplier":1},"quota":100,"quota_used":1.5}}\n')


def main():
    count, sample = int(sys.argv[1]), int(sys.argv[4])
    keys = []
    with open(sys.argv[2], "w", encoding="ascii") as f:
        f.write('{"portcullis":{"format":1,"complete":true}}\n')
        for i in range(count):
            key = "sk-" + hashlib.sha256(b"bench %d" % i).hexdigest()
            digest = hashlib.sha256(key.encode()).hexdigest()
            user = i // 3 + 1
            f.write(ENTRY % (digest, i + 1, user, user))
            if i % (count // sample) == 0:
                keys.append(key)
    random.Random(1).shuffle(keys)
    with open(sys.argv[3], "w", encoding="ascii") as f:
        f.writelines(key + "\n" for key in keys)


if __name__ == "__main__":
    main()
