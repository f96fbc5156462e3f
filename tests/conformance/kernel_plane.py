# SPDX-License-Identifier: GPL-2.0-only
"""Requests through the real programs.

Cases that need the same flags share an agent, which reloads the snapshot of
each.  The client's namespace gets every peer's address, so that the packet's
source is the case's; a peer on the loopback asks through lo of the gateway's.
"""
import ctypes
import hashlib
import ipaddress
import json
import os
import select
import socket
import subprocess
import time

PORT = 8080
GATEWAY = {4: "10.77.0.1", 6: "fd77::1"}
LOOPBACK = {4: "127.0.0.1", 6: "::1"}
PATIENCE_S = 3
CLONE_NEWNET = 0x40000000
# A snapshot of no keys is not taken for complete.
OTHER_KEY = "sk-portcullis-conformance-other"
OTHER_ENTRY = {"snapshot": {
    "api_key_id": 1, "user_id": 1, "status": "active",
    "user": {"id": 1, "status": "active", "balance": 1}}}


def flags_of(case, profile):
    """What an agent must be told for the case; cases alike share one."""
    cfg = case["cfg"]
    flags = ["--profile", profile, "--run-mode", cfg.get("run_mode", "standard"),
             "--trust-forwarded", "on" if cfg.get("trust_forwarded_ip") else "off",
             "--clock", case["now"]]
    for proxy in cfg.get("trusted_proxies") or []:
        flags += ["--trusted-proxy", str(ipaddress.ip_network(proxy, False))]
    for name in cfg.get("forwarded_client_ip_headers") or []:
        flags += ["--client-ip-header", name]
    return tuple(flags)


def snapshot_of(case):
    lines = [{"portcullis": {"format": 1, "complete": True}}]
    for key, entry in [*case["store"].items(), (OTHER_KEY, OTHER_ENTRY)]:
        digest = hashlib.sha256(key.encode()).hexdigest()
        lines.append({**entry, "key_hash": digest})
    return "".join(json.dumps(line) + "\n" for line in lines)


class Agent:
    """portcullis run in the gateway's namespace."""

    def __init__(self, args, flags):
        self.args = args
        self.snapshot = os.path.join(args.tmp, "case.ndjson")
        self.flags = flags
        self.loaded = None
        self.process = None
        self.buffer = b""

    def start(self):
        self.buffer = b""
        self.process = subprocess.Popen(
            ["nsenter", f"--net=/run/netns/{self.args.gateway}", self.args.bin,
             "run", "--pin-dir", self.args.pins, "--snapshot", self.snapshot,
             "--request-interface", "gate0", "--request-interface", "lo",
             "--gateway-port", str(PORT), "--listen", "none", "--unknown-keys", "deny", *self.flags],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE)
        self.wait(b"ready: ", 60)

    def wait(self, mark, seconds=5):
        """Until a line with the mark; a refused snapshot is an error."""
        end = time.monotonic() + seconds
        last = b""
        fd = self.process.stderr.fileno()
        while time.monotonic() < end:
            line, newline, rest = self.buffer.partition(b"\n")
            if newline:
                self.buffer = rest
                if mark in line:
                    return
                if b"keeping generation" in line or b"not started" in line:
                    break
                last = line
                continue
            if not select.select([fd], [], [], 0.2)[0]:
                continue
            data = os.read(fd, 65536)
            if not data:
                break
            self.buffer += data
        raise RuntimeError(f"the agent did not say {mark!r}: {last!r}")

    def take(self, case):
        """The case's snapshot in force."""
        text = snapshot_of(case)
        if text == self.loaded:
            return
        self.loaded = text
        with open(self.snapshot + ".new", "w", encoding="utf-8") as f:
            f.write(text)
        os.replace(self.snapshot + ".new", self.snapshot)
        if not self.process:
            self.start()
            return
        # It is noticed; SIGHUP as well would at times make two generations.
        self.wait(b" in force: ")

    def counts(self):
        out = subprocess.run(
            ["nsenter", f"--net=/run/netns/{self.args.gateway}", self.args.bin,
             "status", "-j", "--pin-dir", self.args.pins],
            stdout=subprocess.PIPE, check=True)
        return json.loads(out.stdout)["counters"]

    def stop(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process.stderr.close()
            self.process = None


class Unsendable(Exception):
    """No packet can come from such a peer."""


class Client:
    """Sends requests as the peers of the cases."""

    def __init__(self, args):
        self.args = args
        self.given = set()
        self.libc = ctypes.CDLL(None, use_errno=True)
        for family in ("-4", "-6"):
            self.ip(args.gateway, family, "route", "replace", "default", "dev",
                    "gate0")

    def ip(self, namespace, *what):
        subprocess.run(["ip", "-n", namespace, *what], check=True)

    def enter(self, namespace):
        fd = os.open(f"/run/netns/{namespace}", os.O_RDONLY)
        rc = self.libc.setns(fd, CLONE_NEWNET)
        os.close(fd)
        if rc:
            raise OSError(ctypes.get_errno(), "setns")

    def give(self, address):
        if address in self.given:
            return
        self.given.add(address)
        extra = ["nodad"] if address.version == 6 else []
        self.ip(self.args.client, "addr", "replace",
                f"{address}/{address.max_prefixlen}", "dev", "client0", *extra)

    def connect(self, address):
        local = address.is_loopback
        family = socket.AF_INET if address.version == 4 else socket.AF_INET6
        try:
            if not local:
                self.give(address)
            self.enter(self.args.gateway if local else self.args.client)
            s = socket.socket(family, socket.SOCK_STREAM)
            s.bind((str(address), 0))
        except (OSError, subprocess.CalledProcessError) as e:
            raise Unsendable(e) from e
        s.settimeout(PATIENCE_S)
        s.connect(((LOOPBACK if local else GATEWAY)[address.version], PORT))
        return s

    def send(self, s, request):
        """In one piece, or in segments of --split bytes."""
        size = self.args.split or len(request)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for at in range(0, len(request), size):
            s.sendall(request[at:at + size])

    def ask(self, case):
        """(answered by the kernel, status, body), or None without an answer."""
        try:
            with self.connect(peer_of(case)) as s:
                self.send(s, request_of(case))
                return read_response(s)
        except OSError:
            return None


def peer_of(case):
    host = case["request"]["peer"].rpartition(":")[0].strip("[]")
    try:
        address = ipaddress.ip_address(host)
    except ValueError as e:
        raise Unsendable(e) from e
    return getattr(address, "ipv4_mapped", None) or address


def request_of(case):
    """The head as one piece, its headers raw and in their order."""
    r = case["request"]
    target = r["path"] + ("?" + r["query"] if r["query"] else "")
    names = {name.lower() for name, _ in r["headers"]}
    lines = [f"{r['method']} {target} HTTP/1.1"]
    if "host" not in names:
        lines.append("Host: gateway.example")
    lines += [f"{name}: {value}" for name, value in r["headers"]]
    if r["method"] == "POST" and "content-length" not in names:
        lines.append("Content-Length: 0")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8", "surrogateescape")


def read_response(s):
    data = b""
    length = None
    while length is None or len(data) < length:
        try:
            more = s.recv(65536)
        except (TimeoutError, ConnectionError):
            return None
        if not more:
            break
        data += more
        head, end, _ = data.partition(b"\r\n\r\n")
        if end and length is None:
            length = len(head) + 4 + content_length(head)
    head, end, body = data.partition(b"\r\n\r\n")
    if not end:
        return None
    # The server that stands for the gateway says who it is.
    return b"\r\nServer: " not in head, int(head.split(b" ", 2)[1]), body


def content_length(head):
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0


def read_body(status, body):
    """(code, message, format) as the cases write them."""
    try:
        text = json.loads(body)
    except ValueError:
        return "?", repr(body), "?"
    error = text.get("error")
    if not error:
        return text.get("code"), text.get("message"), "std"
    if "status" in error:
        code = error["status"] if error.get("code") == status else "?"
        return code, error.get("message"), "google"
    return error.get("code"), error.get("message"), "openai"


def differences(expect, status, body):
    """What of a refusal is not as expected; "" when all is."""
    code, message, form = read_body(status, body)
    got = {"status": status, "code": code, "message": message, "format": form}
    return ", ".join(f"{name} {got[name]}" for name in got
                     if name in expect and expect[name] != got[name])


def reason_left(agent, client, case):
    """Why the kernel passes it: asked once more, between two readings."""
    before = agent.counts()
    client.ask(case)
    after = agent.counts()
    plumbing = ("no-payload", "other-port", "not-tcp", "not-tcp-udp", "not-ip",
                "head-split")
    rose = [name for name in after if name not in plumbing and
            after[name]["done"] > before[name]["done"]]
    return ",".join(rose) or "?"


def judge(agent, client, case, profile, tally):
    expect = case["expect"][profile]
    want = f"{expect['status']} {expect['code']}"
    must_count = case.get("edge_decidable", True)
    try:
        agent.take(case)
        got = client.ask(case)
    except Unsendable as e:
        tally.as_unsent(case, profile, str(e))
        return
    if not got:
        tally.as_wrong(case, profile, want, "no answer")
        return
    by_kernel, status, body = got
    if by_kernel:
        wrong = "a deny" if expect["code"] == "ALLOW" else \
            differences(expect, status, body)
        if wrong:
            tally.as_wrong(case, profile, want, f"{wrong} ({status})")
        elif must_count:
            tally.as_denied(case, profile, want)
    elif must_count and expect["code"] == "ALLOW":
        tally.as_passed(case, profile)
    elif must_count:
        tally.as_left(case, profile, want,
                      reason_left(agent, client, case) if tally.verbose else "")


def run(args, _name, cases, profiles, tally):
    """Every auth case the profile has a route for.  Those that are not
    edge-decidable are sent as well, and counted only when they are wrong."""
    groups = {}
    for profile in profiles:
        for case in cases:
            if case["kind"] == "auth" and case["expect"].get(profile):
                flags = flags_of(case, profile)
                groups.setdefault(flags, []).append((profile, case))
    client = Client(args)
    for flags, members in groups.items():
        agent = Agent(args, flags)
        try:
            # Those of one snapshot behind each other: a reload is what takes
            # the time.
            for profile, case in sorted(members, key=lambda m: snapshot_of(m[1])):
                judge(agent, client, case, profile, tally)
        finally:
            agent.stop()
