#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""
http_client.py DIR CONNECTIONS TIMEOUT_S URL...

Asks what DIR/requests.tsv says with Python's http.client, on CONNECTIONS
connections at once that are kept alive, spread over the URLs.  Writes
DIR/results.tsv (see judge.py) and prints how many connections it made and how
long the slowest request took.
"""
import hashlib
import http.client
import os
import sys
import threading
import time
import urllib.parse

PART = 7000  # bytes a chunk


class Connection(http.client.HTTPConnection):
    """Counts its connections, and can hold back what is sent to send it in
    one."""

    n_made = 0
    held = None

    def connect(self):
        super().connect()
        self.n_made += 1

    def send(self, data):
        if self.held is None:
            super().send(data)
        else:
            self.held.append(data)

    def flush(self):
        held, self.held = self.held, None
        if held:
            super().send(b"".join(held))


class Plan:
    def __init__(self, directory):
        with open(os.path.join(directory, "requests.tsv")) as f:
            self.requests = [line.rstrip("\n").split("\t") for line in f]
        self.blobs = {}
        for name in os.listdir(os.path.join(directory, "blobs")):
            with open(os.path.join(directory, "blobs", name), "rb") as f:
                self.blobs[name] = f.read()
        self.keys = {}
        for who in ("good", "dead"):
            with open(os.path.join(directory, "key-" + who)) as f:
                self.keys[who] = f.read().strip().split(": ", 1)


def parts(data):
    return (data[i:i + PART] for i in range(0, len(data), PART))


def send_request(conn, plan, request):
    ident, who, method, framing, join, blob, _ = request
    body = plan.blobs[blob]
    path = "/v1/blob/" + blob if method == "GET" else "/v1/echo"
    if join == "joined":
        conn.held = []
    conn.putrequest(method, path, skip_accept_encoding=True)
    conn.putheader(*plan.keys[who])
    conn.putheader("X-Test-Id", ident)
    if framing == "length":
        conn.putheader("Content-Length", str(len(body)))
        conn.endheaders(body)
    elif framing == "chunked":
        conn.putheader("Transfer-Encoding", "chunked")
        conn.endheaders(parts(body), encode_chunked=True)
    else:
        conn.endheaders()
    conn.flush()


def ask(conn, plan, request):
    try:
        send_request(conn, plan, request)
        response = conn.getresponse()
        body = response.read()
    except (OSError, http.client.HTTPException) as e:
        conn.held = None
        conn.close()
        return "-", "-", f"{type(e).__name__}: {e}".replace("\t", " ")
    return (response.status, response.getheader("X-Test-Id", "-"),
            hashlib.sha256(body).hexdigest())


class Worker(threading.Thread):
    def __init__(self, plan, share, url, timeout_s):
        super().__init__()
        self.plan = plan
        self.share = share
        where = urllib.parse.urlsplit(url)
        self.conn = Connection(where.hostname, where.port or 80,
                               timeout=timeout_s)
        self.results = []
        self.slowest_s = 0

    def run(self):
        for request in self.share:
            start = time.monotonic()
            answer = ask(self.conn, self.plan, request)
            self.slowest_s = max(self.slowest_s, time.monotonic() - start)
            self.results.append((request[0], *answer))
        self.conn.close()


def main():
    directory, n, timeout_s = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    urls = sys.argv[4:]
    plan = Plan(directory)
    workers = [Worker(plan, plan.requests[i::n], urls[i % len(urls)],
                      timeout_s) for i in range(n)]
    for worker in workers:
        worker.start()
    with open(os.path.join(directory, "results.tsv"), "w") as out:
        for worker in workers:
            worker.join()
            for result in worker.results:
                print(*result, sep="\t", file=out)
    print(f"connections {sum(w.conn.n_made for w in workers)} "
          f"slowest {max(w.slowest_s for w in workers):.3f} s")


main()
