# SPDX-License-Identifier: GPL-2.0-only
"""The agent's decisions: portcullis judge, line by line."""
import subprocess


def wanted(case, profile):
    """What judge is to print behind id and profile; None: nothing is known."""
    expect = case.get("expect") or {}
    mine = expect.get(profile)
    kind = case["kind"]
    if kind == "auth":
        return f"{mine['status']}\t{mine['code']}" if mine else None
    if kind == "invalid_auth_abuse":
        statuses = ",".join(str(e["status"]) for e in case["events"])
        return statuses + "\t-"
    if kind == "key_format":
        return case["sha256_hex"] + "\t-"
    if kind == "cache_entry":
        return expect["decoded"] + "\t-"
    if kind == "ip_rule":
        return ("true" if mine else "false") + "\t-"
    return f"{mine}\t-"


def run(args, name, cases, profiles, tally):
    command = [args.bin, "judge"]
    if len(profiles) == 1:
        command += ["--profile", profiles[0]]
    out = subprocess.run(command + ["--", name], stdout=subprocess.PIPE,
                         check=False)
    if out.returncode:
        raise RuntimeError(f"judge {name}: status {out.returncode}")
    lines = iter(out.stdout.decode().splitlines())
    for case in cases:
        for profile in profiles:
            got = next(lines, "").split("\t", 2)
            want = wanted(case, profile)
            if want is None:
                continue
            answer = got[2] if got[:2] == [case["id"], profile] else str(got)
            if answer != want:
                tally.as_wrong(case, profile, want.replace("\t", " "),
                               answer.replace("\t", " "))
            elif case["kind"] == "auth" and not want.startswith("200\t"):
                tally.as_denied(case, profile, want.replace("\t", " "))
            else:
                tally.as_passed(case, profile)
