#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""replay.py unix:PATH|ADDR:PORT [FROM] < REQUEST

Sends the bytes of standard input, from the address FROM where there is one, and
prints the answer: its status, then what is in the fields that proxies copy, as
lines "name: value", then "--" and the body.  With several requests on standard
input, parted by lines of "%%", all go over one connection.
"""
import socket
import sys

SHOWN = ("content-type", "www-authenticate", "retry-after", "connection",
         "x-portcullis-key-id", "x-portcullis-user-id",
         "x-portcullis-group-id", "x-portcullis-client")


def connect(where, source):
    if where.startswith("unix:"):
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(5)
        s.connect(where[5:])
        return s
    address, _, port = where.rpartition(":")
    return socket.create_connection((address, int(port)), 5,
                                    (source, 0) if source else None)


def read_answer(f, is_head):
    status = f.readline().split(b" ")[1].decode()
    fields = {}
    while (line := f.readline().rstrip(b"\r\n")):
        name, _, value = line.decode("utf-8").partition(":")
        fields[name.lower()] = value.strip()
    size = 0 if is_head else int(fields.get("content-length", 0))
    return status, fields, f.read(size).decode("utf-8")


def main():
    where, source = (sys.argv[1:] + [None])[:2]
    text = sys.stdin.buffer.read()
    requests = text.split(b"%%\n")
    with connect(where, source) as s, s.makefile("rb") as f:
        for request in requests:
            s.sendall(request.replace(b"\n", b"\r\n"))
            status, fields, body = read_answer(f, request.startswith(b"HEAD "))
            print(status)
            for name in SHOWN:
                if name in fields:
                    print(f"{name}: {fields[name]}")
            print("--")
            print(body)


if __name__ == "__main__":
    main()
