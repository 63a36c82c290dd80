"""The contract, tried with schemathesis on the real program, signed in as each role and as nobody.

Fails on an answer of 500 or above, an error that is not a problem, an answer or a status that the document does not have, a
request that breaks the document and is accepted all the same, no answer within 20 s, a run that does not end in its time, and
when fewer than half of the operations were answered 2xx by somebody. Seeded: two runs ask the same.
"""

import json
import os
import subprocess
import sys
import time

import requests

from fitting import fitted
from ground import ROLES, Ground
from program import PASSWORD, Program
from xforms import forms_are_equal
from xlsforms import every_kind, forms_are_accepted

HERE = os.path.dirname(os.path.abspath(__file__))
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,negative_data_rejection,unsupported_method,errors_are_problems"
# Events and the wall's line never end: that they begin is looked at here; what they bring, the server's own tests look at.
STREAM = "/api/v1/events"
LINE = "/api/v1/wall"
UPGRADE = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "AQIDBAUGBwgJCgsMDQ4PEA=="}
# Each role asks every operation by its examples and by chance; every case that the document's bounds make (the coverage phase,
# thousands) is asked by the first role that an operation is open to.
BY_CHANCE, BOUNDS = "examples,fuzzing", "coverage"
# A draft that is saved again has the body of a new one, the largest of all: its two thousand bounds are tried once.
BOUNDED_ELSEWHERE = {"put_template_drafts_id"}
PART_S = int(os.environ.get("BRIGHT_KITCHEN_CONTRACT_PART_S", "900"))
LEAST_ANSWERED = 0.5


class Tried:
    """What a run of schemathesis counted, and whether it found nothing."""

    def __init__(self, program, ground, path, role, phases, operations):
        self.role, self.phases, self.started = role, phases, time.monotonic()
        self.counts = os.path.join(program.folder, f"{role}.json")
        self.log = os.path.join(program.folder, f"{role}.txt")
        for left in (self.counts, self.log):
            if os.path.exists(left):
                os.remove(left)
        command = [os.path.join(os.path.dirname(sys.executable), "schemathesis"), "--config-file", os.path.join(HERE, "schemathesis.toml")]
        command += ["run", path, "--url", program.base, "--phases", phases, "--checks", CHECKS, "--no-color", "--exclude-path", STREAM, "--exclude-path", LINE]
        for operation in operations:
            command += ["--include-operation-id", operation]
        environment = {**os.environ, "SCHEMATHESIS_HOOKS": "hooks", "PYTHONPATH": HERE, "PYTHONDONTWRITEBYTECODE": "1"}
        environment["BRIGHT_KITCHEN_CONTRACT_RUN"] = json.dumps(self.settings(program, ground))
        with open(self.log, "wb") as output:
            self.child = subprocess.Popen(command, env=environment, cwd=program.folder, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
            self.good = self.ended() == 0
        self.found = {"requests": 0, "statuses": {}, "answered": [], "asked": [], "allowed": [], "phase": "none"}
        if os.path.exists(self.counts):
            with open(self.counts, encoding="utf-8") as file:
                self.found = json.load(file)
        self.told()

    def settings(self, program, ground):
        person, spare = ground.people.get(self.role), ground.spare.get(self.role)
        login = {"username": person.username, "password": PASSWORD, "refresh_token": spare.refresh_token} if person else {}
        return {
            "base": program.base,
            "counts": self.counts,
            "png": ground.example("/files", "post", "image/png"),
            "root": ground.root.token,
            "token": person.token if person else "",
            "ending": {"logout": spare.token, "password": ground.changing[self.role].token, "sessions": ground.changing[self.role].token} if spare else {},
            "login": login or {"username": "nobody", "password": PASSWORD, "refresh_token": "none"},
        }

    def ended(self):
        try:
            return self.child.wait(PART_S)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
            print(f"FAULT {self.phases} as {self.role} did not end in {PART_S} s")
            return None

    def told(self):
        found, seconds = self.found, time.monotonic() - self.started
        statuses = " ".join(f"{status}:{count}" for status, count in sorted(found["statuses"].items()))
        figures = f"{len(found['asked'])} operations, {found['requests']} requests, {len(found['answered'])} operations 2xx"
        print(f"{self.role:20} {self.phases:18} {figures}, {seconds:.0f} s  {statuses}", flush=True)
        if not self.good:
            with open(self.log, encoding="utf-8", errors="replace") as file:
                print(f"last: {found['phase']}\n" + file.read()[:60_000])


def stream_begins(program, client):
    """The stream of events answers at once, with its type, and sends its first bytes."""
    with client.http.get(program.base + STREAM, stream=True, timeout=20) as answer:
        kind = answer.headers.get("content-type", "")
        first = next(answer.iter_content(64), b"")
        if answer.status_code != 200 or not kind.startswith("text/event-stream") or not first:
            print(f"FAULT {STREAM}: {answer.status_code} {kind} {first!r}")
            return False
    return True


def line_opens(program, client):
    """The wall's line is a WebSocket: it opens for who may see pictures, and is a problem for who asks otherwise."""
    with client.http.get(program.base + LINE, headers=UPGRADE, stream=True, timeout=20) as opened, client.http.get(program.base + LINE, timeout=20) as plain:
        if opened.status_code != 101 or plain.status_code != 400:
            print(f"FAULT {LINE}: {opened.status_code} with an upgrade, {plain.status_code} without")
            return False
    return True


def main():
    started = time.monotonic()
    with Program() as program:
        document = requests.get(f"{program.base}/api/v1/openapi.json", timeout=20).json()
        ground = Ground(program, document)
        path = os.path.join(program.folder, "openapi.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(fitted(document, ground), file, ensure_ascii=False)
        print(f"planted in {time.monotonic() - started:.0f} s", flush=True)
        operations = sum(len(item) for item in document["paths"].values())
        good = stream_begins(program, ground.root) & line_opens(program, ground.root) & forms_are_accepted(ground.root)
        good &= forms_are_equal(ground.root, every_kind())
        answered, bounded = {f"GET {STREAM}"}, set(BOUNDED_ELSEWHERE)
        for role in os.environ.get("BRIGHT_KITCHEN_CONTRACT_ROLES", ",".join([*ROLES, "nobody"])).split(","):
            chance = Tried(program, ground, path, role, BY_CHANCE, [])
            new = sorted(set(chance.found["allowed"]) - bounded)
            parts = [chance, *([Tried(program, ground, path, role, BOUNDS, new)] if new else [])]
            bounded |= set(new)
            good &= all(part.good for part in parts)
            answered |= {operation for part in parts for operation in part.found["answered"]}
        print(f"{len(answered)} of {operations} operations answered 2xx ({len(answered) / operations:.0%}), {time.monotonic() - started:.0f} s")
        missing = sorted(f"{method.upper()} {path}" for path, item in document["paths"].items() for method in item if f"{method.upper()} {path}" not in answered)
        print("never 2xx: " + (", ".join(missing) or "none"))
        if len(answered) < LEAST_ANSWERED * operations:
            print(f"FAULT fewer than {LEAST_ANSWERED:.0%} of the operations were answered 2xx")
            good = False
        panicked = [line for line in program.log().splitlines() if "panicked" in line]
        if panicked or program.child.poll() is not None:
            print("FAULT the program panicked or ended:\n" + "\n".join(panicked[:10]))
            good = False
        if not good:
            print(program.log()[-4_000:])
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
