#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""reports.py SOCKET KEY-HASH send FILE PID RATE SECONDS
   reports.py SOCKET KEY-HASH ask FILE

send: reports usage RATE times a second, by many clients, singly and in lots,
until SECONDS are over; then kills PID with the reports in flight.  Adds a line
to FILE for every report: its id, its cost, and 1 if it was acknowledged.

ask: sends every report of FILE again.  One that was acknowledged must have been
counted; the others are counted now if they were not.  Prints how many reports
there are, how many were acknowledged, and their cost in nano-USD.
"""
import os
import signal
import sys
import threading
import time

from service import Connection, Gone

CLIENTS = 16
LOT = 20  # reports of every fourth client's lots
COST_NUSD = 1000000


class Client(threading.Thread):
    """Sends its share of the reports, one after the other is acknowledged."""

    def __init__(self, path, key, name, rate, end):
        super().__init__()
        self.path, self.key, self.name, self.end = path, key, name, end
        self.lot = LOT if int(name) % 4 == 0 else 1
        self.pause = self.lot / (rate / CLIENTS)
        self.reports = {}  # id: [cost, acknowledged]
        self.wrong = []

    def run(self):
        run = f"{os.getpid()}-{time.time_ns()}-{self.name}"
        try:
            connection = Connection(self.path)
            due = time.monotonic()
            n = 0
            while time.monotonic() < self.end + 5:
                self.send(connection, [f"{run}-{n + i}"
                                       for i in range(self.lot)])
                n += self.lot
                due += self.pause
                time.sleep(max(0, due - time.monotonic()))
        except Gone:
            pass

    def send(self, connection, ids):
        for name in ids:
            self.reports[name] = [COST_NUSD + len(self.reports) % 3, False]
        status, answer = post(connection, self.key, {
            name: self.reports[name][0] for name in ids})
        if status != 200 or answer != dict.fromkeys(ids, True):
            self.wrong.append((status, answer))
            return
        for name in ids:
            self.reports[name][1] = True


def post(connection, key, costs):
    """Reports costs by id: (status, {id: counted})."""
    items = [{"request_id": name, "key_hash": key, "cost_nusd": cost}
             for name, cost in costs.items()]
    if len(items) == 1:
        status, answer = connection.post("/v1/usage", items[0])
        return status, {items[0]["request_id"]: answer.get("counted")}
    status, answer = connection.post("/v1/usage", {"reports": items})
    return status, {r["request_id"]: r["counted"]
                    for r in answer.get("reports", [])}


def send(path, key, name, pid, rate, seconds):
    end = time.monotonic() + seconds
    clients = [Client(path, key, str(i), rate, end) for i in range(CLIENTS)]
    for c in clients:
        c.start()
    time.sleep(seconds)
    os.kill(pid, signal.SIGKILL)
    for c in clients:
        c.join()
    wrong = [w for c in clients for w in c.wrong]
    if wrong:
        print("refused:", wrong[0], file=sys.stderr)
        return 1
    with open(name, "a", encoding="ascii") as f:
        for c in clients:
            for report, (cost, acknowledged) in c.reports.items():
                print(report, cost, int(acknowledged), file=f)
    return 0


def ask(path, key, name):
    with open(name, encoding="ascii") as f:
        rows = [line.split() for line in f]
    connection = Connection(path)
    lost = 0
    for at in range(0, len(rows), 256):
        lot = rows[at:at + 256]
        status, counted = post(connection, key, {r[0]: int(r[1]) for r in lot})
        if status != 200 or len(counted) != len(lot):
            print("refused:", status, file=sys.stderr)
            return 1
        lost += sum(counted[r[0]] for r in lot if r[2] == "1")
    if lost:
        print(lost, "acknowledged reports were lost", file=sys.stderr)
        return 1
    print(len(rows), sum(r[2] == "1" for r in rows),
          sum(int(r[1]) for r in rows))
    return 0


def main():
    path, key, what, name, *more = sys.argv[1:]
    if what == "ask":
        return ask(path, key, name)
    pid, rate, seconds = int(more[0]), float(more[1]), float(more[2])
    return send(path, key, name, pid, rate, seconds)


if __name__ == "__main__":
    sys.exit(main())
