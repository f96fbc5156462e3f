# SPDX-License-Identifier: GPL-2.0-only
"""Clients that mean the decision service no good, and a good one beside them
that must not notice."""
import hashlib
import json
import os
import resource
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

BIN, TMP = sys.argv[1:3]
PATH = os.path.join(TMP, "check.sock")
KEY = "sk-a-good-key-for-the-hostile-test"
HEAD = ("GET /v1/auth/nginx HTTP/1.1\r\nHost: x\r\n"
        "X-Original-Method: POST\r\nX-Original-URI: /v1/messages\r\n"
        "X-Original-Addr: 203.0.113.7\r\n"
        f"x-api-key: {KEY}\r\n").encode()
GOOD = HEAD + b"\r\n"
IDLE = 10000
n_tests = 0
failed = 0


def check(what, good, note=""):
    global n_tests, failed
    n_tests += 1
    failed += not good
    print(f"{'ok' if good else 'not ok'} {n_tests} - {what}"
          f"{f' ({note})' if note else ''}", flush=True)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


PORT = free_port()


def connect(tcp=False):
    if tcp:
        return socket.create_connection(("127.0.0.1", PORT), 10)
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(10)
    s.connect(PATH)
    return s


def read_all(s, seconds=5):
    """What comes until the other end closes, or for so long."""
    data = b""
    s.settimeout(seconds)
    try:
        while True:
            part = s.recv(65536)
            if not part:
                return data
            data += part
    except (TimeoutError, ConnectionError):
        return data


def read_one(s, data=b""):
    """One answer without a body; (it, what follows it)."""
    while b"\r\n\r\n" not in data:
        part = s.recv(65536)
        if not part:
            raise ConnectionError("closed")
        data += part
    head, _, rest = data.partition(b"\r\n\r\n")
    return head, rest


def status_of(data):
    return int(data.split()[1]) if data.startswith(b"HTTP/1.1 ") else 0


def send(data, seconds=2, tcp=False):
    s = connect(tcp)
    try:
        s.sendall(data)
    except ConnectionError:
        pass
    answer = read_all(s, seconds)
    s.close()
    return answer


class Good(threading.Thread):
    """A proxy with one connection, asking all the time."""

    def __init__(self):
        super().__init__(daemon=True)
        self.stop = threading.Event()
        self.n = self.bad = self.reconnects = 0
        self.slowest = 0.0

    def run(self):
        s, rest = connect(), b""
        while not self.stop.is_set():
            begin = time.monotonic()
            try:
                s.sendall(GOOD)
                head, rest = read_one(s, rest)
                self.bad += status_of(head) != 200
            except OSError:
                self.reconnects += 1
                s, rest = connect(), b""
                continue
            self.n += 1
            self.slowest = max(self.slowest, time.monotonic() - begin)
            time.sleep(0.002)


def rss_mib(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        for line in f:
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
    return 0.0


def split():
    s = connect()
    for i in range(0, len(GOOD), 3):
        s.sendall(GOOD[i:i + 3])
        time.sleep(0.001)
    head, _ = read_one(s)
    check("a head in pieces of three bytes is answered",
          status_of(head) == 200)
    s.close()


def pipelined():
    s = connect()
    bad = HEAD.replace(KEY.encode(), b"sk-nobody") + b"\r\n"
    s.sendall((GOOD + bad) * 50)
    rest, got = b"", []
    for _ in range(100):
        head, rest = read_one(s, rest)
        got.append(status_of(head))
    check("a hundred requests in one packet are answered in order",
          got == [200, 401] * 50)
    s.close()


def half_closed():
    for tcp in False, True:
        s = connect(tcp)
        s.sendall(GOOD)
        s.shutdown(socket.SHUT_WR)
        begin = time.monotonic()
        data = read_all(s, 3)
        check("who asks once and says so is answered and let go"
              f" ({'TCP' if tcp else 'Unix'})", status_of(data) == 200 and
              time.monotonic() - begin < 2)
        s.close()


def oversized():
    fill = b"X-Fill: " + b"a" * 8000 + b"\r\n"
    check("60 KiB of fields are answered",
          status_of(send(HEAD + fill * 7 + b"\r\n", 1)) == 200)
    check("a field of 60,000 bytes is answered", status_of(
        send(HEAD + b"X-Fill: " + b"a" * 60000 + b"\r\n\r\n", 1)) == 200)
    check("128 KiB of fields are 431",
          status_of(send(HEAD + fill * 16 + b"\r\n", 1)) == 431)
    few = b"".join(b"X-%d: a\r\n" % i for i in range(195))
    many = b"".join(b"X-%d: a\r\n" % i for i in range(201))
    check("200 fields are answered",
          status_of(send(HEAD + few + b"\r\n", 1)) == 200)
    check("more than 200 fields are 431",
          status_of(send(HEAD + many + b"\r\n", 1)) == 431)
    answer = send(b"GET /" + b"a" * 100000, 1)
    check("an endless request line is refused",
          400 <= status_of(answer) < 500, str(status_of(answer)))
    post = (b"POST /v1/check HTTP/1.1\r\nHost: x\r\n")
    check("a body of 65,537 bytes is 413", status_of(
        send(post + b"Content-Length: 65537\r\n\r\n", 1)) == 413)
    chunk = b"4000\r\n" + b" " * 0x4000 + b"\r\n"
    check("so is one in chunks", status_of(send(
        post + b"Transfer-Encoding: chunked\r\n\r\n" + chunk * 5 +
        b"0\r\n\r\n", 2)) == 413)
    answer = send(post + b"Transfer-Encoding: chunked\r\n\r\n" + chunk * 100,
                  2)
    check("one without end is cut", status_of(answer) in (0, 400, 413))


SMUGGLED = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"


def smuggling():
    """Whatever is done with the first, the second is never answered by itself:
    who frames differently must not find an answer too many."""
    post = b"POST /v1/check HTTP/1.1\r\nHost: x\r\n"
    n = len(SMUGGLED)
    tries = {
        "Content-Length and Transfer-Encoding":
            post + b"Content-Length: %d\r\nTransfer-Encoding: chunked\r\n\r\n"
                   b"0\r\n\r\n" % (n + 5),
        "Transfer-Encoding and Content-Length":
            post + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n"
                   b"0\r\n\r\n",
        "two lengths": post + b"Content-Length: 0\r\nContent-Length: %d\r\n\r\n"
                       % n,
        "a length with a sign": post + b"Content-Length: +0\r\n\r\n",
        "two lengths in one field": post + b"Content-Length: 0, %d\r\n\r\n" % n,
        "a hexadecimal length": post + b"Content-Length: 0x0\r\n\r\n",
        "an endless length": post + b"Content-Length: 1" + b"0" * 40 +
                             b"\r\n\r\n",
        "another coding":
            post + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "a coding with a tab":
            post + b"Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n",
        "a bad chunk size":
            post + b"Transfer-Encoding: chunked\r\n\r\n0x0\r\n\r\n",
        "a negative chunk size":
            post + b"Transfer-Encoding: chunked\r\n\r\n-1\r\n\r\n",
        "a huge chunk size":
            post + b"Transfer-Encoding: chunked\r\n\r\n" + b"f" * 17 + b"\r\n",
        "a body on an auth path": HEAD + b"Content-Length: %d\r\n\r\n" % n,
        "a blank before a coding's colon":
            HEAD + b"Transfer-Encoding : chunked\r\n\r\n",
        "a tab before a length's colon":
            HEAD + b"Content-Length\t: %d\r\n\r\n" % n,
        "a coding behind a carriage return":
            HEAD + b"X-Fill: a\rTransfer-Encoding: chunked\r\n\r\n",
        "chunks on an auth path":
            HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    }
    for what, data in tries.items():
        answer = send(data + SMUGGLED, 1)
        check(f"{what}: nothing is smuggled past it", b"alive" not in answer)
    nul = HEAD + b"X-Fill: a\0b\r\n\r\n"
    answer = send(nul, 1)
    check("a NUL in a field does not harm", status_of(answer) in (0, 200, 400))


def garbage():
    rng = 0x2545f491
    for i in range(200):
        data = b""
        for _ in range(64):
            rng = (rng * 1103515245 + 12345) & 0xffffffff
            data += struct.pack("<I", rng)
        s = connect()
        s.sendall(GOOD[:i] + data)
        s.close()
    check("garbage, and who leaves at once, is survived", True)
    bad = connect()
    bad.sendall(GOOD * 200)
    bad.close()
    check("so is one who does not read", status_of(send(GOOD, 1)) == 200)


def slow(server):
    """A byte a second: MHD's own timeout never ends it."""
    s = connect()
    begin = time.monotonic()
    dripped = threading.Event()

    def drip():
        try:
            for i in range(60):
                if dripped.wait(1):
                    return
                s.sendall(GOOD[i:i + 1])
        except OSError:
            return

    t = threading.Thread(target=drip, daemon=True)
    t.start()
    read_all(s, 20)
    took = time.monotonic() - begin
    dripped.set()
    check("a byte a second is ended after 10 seconds", 9 < took < 14,
          f"{took:.1f} s")
    s.close()


def flood(server):
    """Idle connections by TCP, up to what one process may have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    n = min(IDLE, hard - 500)
    before = rss_mib(server.pid)
    held = []
    for i in range(n):
        s = socket.socket()
        s.setblocking(False)
        s.connect_ex(("127.0.0.1", PORT))
        held.append(s)
        if i % 100 == 99:
            time.sleep(0.005)
    time.sleep(1)
    answer = send(HEAD + b"Connection: close\r\n\r\n", 5, tcp=True)
    check(f"with {n} idle connections a new one is answered at once",
          status_of(answer) == 200)
    for s in held[:2000]:
        try:
            s.send(GOOD)
        except OSError:
            pass
    time.sleep(0.5)
    grown = rss_mib(server.pid) - before
    check("memory stays bounded", grown < 400, f"{grown:.0f} MiB more")
    for s in held:
        s.close()


def crowd(server):
    """Requests that are not plain cost memory, which is kept for few."""
    before = rss_mib(server.pid)
    n = min(4000, resource.getrlimit(resource.RLIMIT_NOFILE)[0] - 500)
    held, good = [], 0
    for _ in range(n):
        s = connect(True)
        s.sendall(HEAD + b"Connection: keep-alive, x\r\n\r\n")
        head, _ = read_one(s)
        good += status_of(head) == 200
        held.append(s)
    grown = rss_mib(server.pid) - before
    check(f"{n} whose requests are not plain are answered", good == n)
    check("and do not keep 80 KiB each", grown < 150,
          f"{grown:.0f} MiB more")
    for s in held:
        s.close()


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as f:
        fields = f.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def shortage(server):
    """No descriptor is left for who waits at the door."""
    limits = resource.prlimit(server.pid, resource.RLIMIT_NOFILE)
    time.sleep(0.5)
    taken = max(map(int, os.listdir(f"/proc/{server.pid}/fd")))
    held = []
    resource.prlimit(server.pid, resource.RLIMIT_NOFILE,
                     (taken + 1, limits[1]))
    for _ in range(300):
        held.append(connect(True))
    time.sleep(0.5)
    before = cpu_seconds(server.pid)
    time.sleep(2)
    spent = cpu_seconds(server.pid) - before
    check("without descriptors it does not spin", spent < 1, f"{spent:.2f} s")
    resource.prlimit(server.pid, resource.RLIMIT_NOFILE, limits)
    check("and with some again it serves",
          status_of(send(HEAD + b"Connection: close\r\n\r\n", 5)) == 200)
    for s in held:
        s.close()


def write_snapshot():
    name = os.path.join(TMP, "keys.ndjson")
    entry = {"api_key_id": 1, "user_id": 1, "group_id": 3, "status": "active",
             "user": {"id": 1, "status": "active", "role": "user",
                      "balance": 1, "concurrency": 1},
             "group": {"id": 3, "name": "g", "platform": "anthropic",
                       "status": "active", "subscription_type": "standard",
                       "rate_multiplier": 1},
             "quota": 0, "quota_used": 0}
    with open(name, "w", encoding="utf-8") as f:
        f.write('{"portcullis":{"format":1,"complete":true}}\n')
        f.write(json.dumps({"key_hash": hashlib.sha256(KEY.encode())
                            .hexdigest(), "not_found": False,
                            "snapshot": entry}) + "\n")
    return name


def start():
    server = subprocess.Popen(
        [BIN, "serve", "--listen", "unix:" + PATH, "--listen",
         f"127.0.0.1:{PORT}", "--ledger", "none", "--trace",
         os.path.join(TMP, "trace"), "--snapshot", write_snapshot(),
         "--unknown-keys", "deny"], stderr=subprocess.PIPE, text=True)
    for line in server.stderr:
        if "ready" in line:
            return server
    raise RuntimeError("the server did not start")


def main():
    signal.alarm(120)
    server = start()
    good = Good()
    good.start()
    try:
        dripper = threading.Thread(target=slow, args=(server,))
        dripper.start()
        split()
        pipelined()
        half_closed()
        oversized()
        smuggling()
        garbage()
        flood(server)
        crowd(server)
        shortage(server)
        dripper.join()
        good.stop.set()
        good.join(10)
        check("the good client was served all along",
              good.n > 500 and not good.bad and not good.reconnects,
              f"{good.n} answers, {good.bad} bad, {good.reconnects} "
              f"reconnects, slowest {good.slowest * 1000:.0f} ms")
        check("and never waited long", good.slowest < 0.5)
        check("the service lives", server.poll() is None)
    finally:
        server.terminate()
        rc = server.wait()
    check("and ends when it is told", rc == 0, f"status {rc}")
    print(f"1..{n_tests}")
    sys.exit(1 if failed else 0)


main()
