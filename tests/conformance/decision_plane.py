# SPDX-License-Identifier: GPL-2.0-only
"""Requests put to the decision service, once in each dialect.

A case and a profile get a service of their own, with the case's entries as a
complete snapshot and its flags, and without the kernel.  What it answers is held
against the case: status, code and every byte of the body.
"""
import json
import os
import socket
import subprocess
import time

import kernel_plane

PATIENCE_S = 10
# Envoy's own address, which it adds to what its client claims.
ENVOY = "192.0.2.254"


def snapshot_of(case):
    """As the kernel's, with the row that only some sources know."""
    lines = [json.loads(line) for line in
             kernel_plane.snapshot_of(case).splitlines()]
    lines[0]["portcullis"]["generated_at"] = case["now"]
    for line in lines[1:]:
        line["subscription"] = case["subscription"] or False
    return "".join(json.dumps(line) + "\n" for line in lines)


class Service:
    """portcullis serve, until the end of a with block."""

    def __init__(self, args, case, profile):
        self.path = os.path.join(args.tmp, "check.sock")
        snapshot = os.path.join(args.tmp, "case.ndjson")
        with open(snapshot, "w", encoding="utf-8") as f:
            f.write(snapshot_of(case))
        self.log = open(os.path.join(args.tmp, "serve.log"), "w+b")
        self.process = subprocess.Popen(
            [args.bin, "serve", "--listen", "unix:" + self.path,
             "--snapshot", snapshot, "--unknown-keys", "deny",
             "--ledger", "none", "--trace", os.path.join(args.tmp, "trace"),
             *kernel_plane.flags_of(case, profile)],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=self.log)

    def __enter__(self):
        end = time.monotonic() + PATIENCE_S
        while b"ready" not in self.said():
            if self.process.poll() is not None or time.monotonic() > end:
                self.__exit__()
                raise RuntimeError(f"no service: {self.said()!r}")
            time.sleep(0.005)
        return self

    def said(self):
        return os.pread(self.log.fileno(), 65536, 0)

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def ask(self, request):
        """(status, {name: value}, body)"""
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(PATIENCE_S)
            s.connect(self.path)
            s.sendall(request)
            head, _, body = self.read_head(s).partition(b"\r\n\r\n")
            first, *lines = head.decode("utf-8").split("\r\n")
            fields = {}
            for line in lines:
                name, _, value = line.partition(":")
                fields[name.lower()] = value.strip()
            size = int(fields["content-length"])
            while len(body) < size:
                more = s.recv(65536)
                if not more:
                    raise OSError("the answer was cut short")
                body += more
        return int(first.split(" ")[1]), fields, body

    @staticmethod
    def read_head(s):
        data = b""
        while b"\r\n\r\n" not in data:
            more = s.recv(65536)
            if not more:
                raise OSError("no answer")
            data += more
        return data


# --- questions ---------------------------------------------------------------

def head(method, target, headers):
    lines = [f"{method} {target} HTTP/1.1", "Host: portcullis"]
    lines += [f"{name}: {value}" for name, value in headers
              if name.lower() not in ("host", "content-length")]
    if method == "POST":
        lines.append("Content-Length: 0")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8", "surrogateescape")


def peer(case):
    return case["request"]["peer"].rpartition(":")[0].strip("[]")


def target(case):
    r = case["request"]
    return r["path"] + ("?" + r["query"] if r["query"] else "")


def forwarded(headers, address):
    """With the address behind what the client claims, as proxies append it."""
    at = [i for i, (name, _) in enumerate(headers)
          if name.lower() == "x-forwarded-for"]
    if not at:
        return [*headers, ["X-Forwarded-For", address]]
    name, value = headers[at[-1]]
    out = list(headers)
    out[at[-1]] = [name, f"{value}, {address}"]
    return out


def ask_nginx(case):
    r = case["request"]
    return head("GET", "/v1/auth/nginx", [
        ["X-Original-Method", r["method"]], ["X-Original-URI", target(case)],
        ["X-Original-Addr", peer(case)], *r["headers"]])


def ask_forward(case):
    r = case["request"]
    return head("GET", "/v1/auth/forward", [
        *forwarded(r["headers"], peer(case)),
        ["X-Forwarded-Method", r["method"]],
        ["X-Forwarded-Uri", target(case)]])


def ask_envoy(case):
    r = case["request"]
    return head(r["method"], "/v1/auth/envoy" + target(case), [
        *forwarded(r["headers"], ENVOY), ["x-original-addr", peer(case)]])


def ask_check(case):
    r = case["request"]
    body = json.dumps({"method": r["method"], "path": r["path"],
                       "query": r["query"], "client": r["peer"],
                       "headers": r["headers"]}).encode()
    return (f"POST /v1/check HTTP/1.1\r\nHost: portcullis\r\nContent-Length: "
            f"{len(body)}\r\n\r\n").encode() + body


# --- answers -----------------------------------------------------------------

def go_json(text):
    """A string as the gateway's encoder writes it."""
    out = json.dumps(text, ensure_ascii=False)
    for c in "<>&\u2028\u2029":
        out = out.replace(c, f"\\u{ord(c):04x}")
    return out


def body_of(expect):
    if expect["code"] == "ALLOW":
        return ""
    code, message = go_json(expect["code"]), go_json(expect["message"])
    return {
        "std": f'{{"code":{code},"message":{message}}}',
        "google": f'{{"error":{{"code":{expect["status"]},'
                  f'"message":{message},"status":{code}}}}}',
        "openai": f'{{"error":{{"code":{code},"message":{message},'
                  f'"param":null,"type":{code}}}}}',
    }[expect["format"]]


def carried(fields):
    """What is in the fields that nginx can read."""
    return (int(fields["x-portcullis-status"]), fields["x-portcullis-code"],
            fields["x-portcullis-body"])


def read_nginx(status, fields, body):
    if body:
        return "a body"
    got = carried(fields)
    if status != (got[0] if got[0] in (200, 401) else 403):
        return f"{status} for {got[0]}"
    return got


def read_honest(status, fields, body):
    got = (status, fields["x-portcullis-code"], body.decode())
    if carried(fields) != got:
        return f"{carried(fields)} in its fields, and {got}"
    kind = fields.get("content-type")
    if body and kind != "application/json; charset=utf-8":
        return f"a body of {kind}"
    return got


def read_check(status, _fields, body):
    answer = json.loads(body)
    if status != 200 or answer["allow"] != (answer["status"] == 200):
        return f"{status}, allow {answer['allow']}, {answer['status']}"
    return answer["status"], answer["code"], answer["body"] or ""


DIALECTS = {
    "nginx": (ask_nginx, read_nginx),
    "forward": (ask_forward, read_honest),
    "envoy": (ask_envoy, read_honest),
    "check": (ask_check, read_check),
}


def judge(service, case, profile, tally):
    expect = case["expect"][profile]
    want = (expect["status"], expect["code"], body_of(expect))
    for name, (ask, read) in DIALECTS.items():
        try:
            got = read(*service.ask(ask(case)))
        except (OSError, KeyError, ValueError) as e:
            got = repr(e)
        what = f"{name} {want[0]} {want[1]}"
        if got != want:
            tally.as_wrong(case, profile, f"{name} {want}", str(got))
        elif want[1] == "ALLOW":
            tally.as_passed(case, profile)
        else:
            tally.as_denied(case, profile, what)


def run(args, _name, cases, profiles, tally):
    """Every auth case the profile has a route for, decidable from a snapshot or
    not: the service knows what a gateway knows."""
    for case in cases:
        for profile in profiles:
            if case["kind"] != "auth" or not case["expect"].get(profile):
                continue
            with Service(args, case, profile) as service:
                judge(service, case, profile, tally)
