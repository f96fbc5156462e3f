#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""race.py SOCKET KEY-HASH reserve N COST-NUSD TTL-S END
   race.py SOCKET KEY-HASH report TIMES ID COST-NUSD

reserve: N processes ask for a hold at the same moment, each by a connection of
its own, and then settle at COST-NUSD (END is "settle"), or are killed while they
hold (END is "kill").  Prints how many were admitted, how many were refused, and
what the admitted ones hold together.

report: sends one report TIMES times at once; prints how many of them counted.
"""
import multiprocessing
import os
import signal
import sys

from service import Connection


def hold(path, key, name, cost, ttl, end, start, answers):
    connection = Connection(path)
    start.wait()
    status, answer = connection.post("/v1/reserve", {
        "request_id": name, "key_hash": key, "cost_nusd": cost, "ttl_s": ttl})
    answers.put((status, answer.get("held_nusd", 0)))
    if end == "kill":
        signal.pause()
    if status == 200:
        connection.post("/v1/settle", {"request_id": name, "cost_nusd": cost})


def report(path, key, name, cost, start, answers):
    connection = Connection(path)
    start.wait()
    status, answer = connection.post("/v1/usage", {
        "request_id": name, "key_hash": key, "cost_nusd": cost})
    answers.put((status, answer.get("counted")))


def at_once(n, what, *args):
    """What n processes say, which are then still there."""
    start = multiprocessing.Barrier(n)
    answers = multiprocessing.Queue()
    all_of_them = [multiprocessing.Process(
        target=what, args=(*(a(i) if callable(a) else a for a in args),
                           start, answers)) for i in range(n)]
    for p in all_of_them:
        p.start()
    return [answers.get(timeout=30) for _ in range(n)], all_of_them


def main():
    path, key, what, n, *more = sys.argv[1:]
    if what == "report":
        said, clients = at_once(int(n), report, path, key, more[0],
                                int(more[1]))
        print(sum(counted is True for _, counted in said),
              sum(status != 200 for status, _ in said))
    else:
        cost, ttl, end = int(more[0]), int(more[1]), more[2]
        run = f"race-{os.getpid()}"
        said, clients = at_once(int(n), hold, path, key,
                                lambda i: f"{run}-{i}", cost, ttl, end)
        print(sum(status == 200 for status, _ in said),
              sum(status in (403, 429) for status, _ in said),
              sum(held for _, held in said))
        if end == "kill":
            for p in clients:
                p.kill()
    for p in clients:
        p.join()
    return 0


if __name__ == "__main__":
    sys.exit(main())
