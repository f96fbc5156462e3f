# SPDX-License-Identifier: GPL-2.0-only
"""
converse.py HOST PORT KEYS ID STEP...

One connection, never a second one, and what each step of it came to:

  NAME            GET with the key in the file KEYS/NAME
  NAME+SIZE       POST with a body of so many bytes, sent whole before reading
  NAME*SIZE       the same, chunked
  NAME/SIZE       GET whose head is sent in parts of so many bytes
  NAME:SIZE       PUT of a file of random bytes, which KEYS/sent is, too
  NAME~SIZE       the same, chunked
  NAME=PATH       GET of a path, read to its end
  @               waits until the other end says something

Prints for each "NAME STATUS CODE" and flushes, "NAME=PATH begun" before the body
of the last kind, and for "@" what was heard: "reset", "end" or "data".
"""
import http.client
import json
import os
import re
import socket
import sys
import time

host, port, keys, test_id, steps = sys.argv[1], int(sys.argv[2]), *sys.argv[3:5], sys.argv[5:]
conn = http.client.HTTPConnection(host, port, timeout=20)
conn.connect()
conn.auto_open = 0
conn.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def say(*words):
    print(*words, flush=True)


def headers(name):
    with open(f"{keys}/{name}") as f:
        field, value = f.read().strip().split(": ", 1)
    return {field: value, "X-Test-Id": f"{test_id}-{name}"}


def code_of(body):
    try:
        return json.loads(body)["code"]
    except (ValueError, KeyError, TypeError):
        return "-"


def finish(step):
    answer = conn.getresponse()
    say(step, answer.status, code_of(answer.read()))


def chunks(size):
    while size > 0:
        yield b"c" * min(size, 10000)
        size -= 10000


def split(name, size):
    fields = headers(name) | {"Host": "x"}
    head = "GET /v1/messages HTTP/1.1\r\n" + "".join(
        f"{k}: {v}\r\n" for k, v in fields.items()) + "\r\n"
    for at in range(0, len(head), size):
        conn.sock.sendall(head[at:at + size].encode())
        time.sleep(0.003)
    answer = http.client.HTTPResponse(conn.sock, method="GET")
    answer.begin()
    say(f"{name}/{size}", answer.status, code_of(answer.read()))


def listen():
    try:
        say("end" if not conn.sock.recv(1) else "data")
    except ConnectionResetError:
        say("reset")
    except TimeoutError:
        say("nothing")


def put(step, name, size, chunked):
    body = os.urandom(size)
    with open(f"{keys}/sent", "wb") as f:
        f.write(body)
    parts = (body[at:at + 9999] for at in range(0, size, 9999))
    conn.request("PUT", f"/v1/files/{test_id}", parts if chunked else body,
                 headers(name), encode_chunked=chunked)
    finish(step)


def read_path(name, path):
    conn.request("GET", path, headers=headers(name))
    answer = conn.getresponse()
    say(f"{name}={path} begun")
    say(f"{name}={path}", answer.status, len(answer.read()))


def run(step):
    name, kind, rest = re.fullmatch(r"(\w+)([+*/:~=]?)(.*)", step).groups()
    if kind == "/":
        split(name, int(rest))
    elif kind and kind in ":~":
        put(step, name, int(rest), kind == "~")
    elif kind == "=":
        read_path(name, rest)
    elif kind:
        size = int(rest)
        body = b"x" * size if kind == "+" else chunks(size)
        conn.request("POST", "/v1/messages", body, headers(name),
                     encode_chunked=kind == "*")
        finish(step)
    else:
        conn.request("GET", "/v1/messages", headers=headers(name))
        finish(step)


for step in steps:
    try:
        if step == "@":
            listen()
        else:
            run(step)
    except (OSError, http.client.HTTPException) as e:
        say(step, type(e).__name__)
        sys.exit(1)
