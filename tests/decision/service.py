# SPDX-License-Identifier: GPL-2.0-only
"""A connection to the decision service's Unix socket."""
import json
import socket


class Gone(Exception):
    """The service ended before it answered."""


class Connection:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(20)
        try:
            self.socket.connect(path)
        except OSError as e:
            raise Gone from e
        self.file = self.socket.makefile("rb")

    def post(self, target, value):
        """(status, what its body says)"""
        body = json.dumps(value).encode()
        try:
            self.socket.sendall(
                f"POST {target} HTTP/1.1\r\nHost: x\r\nContent-Length: "
                f"{len(body)}\r\n\r\n".encode() + body)
            return self.read()
        except TimeoutError:
            raise
        except OSError as e:
            raise Gone from e

    def read(self):
        first = self.file.readline().split(b" ")
        if len(first) < 2:
            raise Gone
        size = 0
        while (line := self.file.readline().strip()):
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                size = int(value)
        text = self.file.read(size)
        if len(text) < size:
            raise Gone
        return int(first[1]), json.loads(text)
