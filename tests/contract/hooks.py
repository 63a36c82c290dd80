"""What schemathesis is told beside the document: how bodies that are no JSON are made, what belongs together in a request,
one more thing that every answer has to hold, and the counts that `run.py` prints."""

import atexit
import base64
import collections
import json
import os

import requests
import schemathesis
from hypothesis import strategies as st

from ground import sha256_of

SETTINGS = json.loads(os.environ["BRIGHT_KITCHEN_CONTRACT_RUN"])
COUNTS = {"requests": 0, "statuses": collections.Counter(), "answered": set(), "asked": set(), "allowed": set(), "phase": ""}
PNG = base64.b64decode(SETTINGS["png"])
# A picture, one that is cut off, one whose head lies, and what is none.
PICTURES = st.one_of(st.sampled_from([PNG, PNG[:40], PNG[:16] + b"\xff\xff\xff\xff" + PNG[20:], b""]), st.binary(max_size=200))
# Any text is CSV; these are some that say something.
TABLES = st.one_of(st.sampled_from(["name,kind,organization\r\n", "name,kind\r\n西岸,none\r\n", "\ufeffname;kind\n", ",,,\r\n,,,", "\"", ""]), st.text(max_size=200))
session = requests.Session()
session.trust_env = False

BODIES = {name: PICTURES for name in ("image/png", "image/jpeg", "image/webp", "application/offset+octet-stream")} | {"text/csv": TABLES}

for name, bodies in BODIES.items():
    schemathesis.openapi.media_type(name, bodies)

    @schemathesis.serializer(name)
    def raw(ctx, value):
        return value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")


def is_right(case):
    """Whether nothing in the request is wrong on purpose."""
    return case.meta is not None and not case.meta.generation.mode.is_negative


@schemathesis.hook
def before_call(context, case, kwargs):
    path = case.operation.path
    COUNTS["phase"] = f"{case.meta.phase.name.value if case.meta else '?'}, {case.operation.label}"
    # Who signs out, here or elsewhere, or changes a password is somebody else: the others are asked with the login that lasts.
    token = SETTINGS["ending"].get(path.rsplit("/", 1)[-1], SETTINGS["token"])
    if token:
        case.headers["Authorization"] = f"Bearer {token}"
    if not is_right(case) or not isinstance(case.body, dict):
        return
    if path in ("/api/v1/auth/login", "/api/v1/auth/refresh"):
        case.body.update({name: SETTINGS["login"][name] for name in case.body if name in SETTINGS["login"]})
        case.body.pop("device_id", None)
    if path == "/api/v1/auth/password":
        case.body["current_password"] = SETTINGS["login"]["password"]
    if "version" in case.body and "{id}" in path:
        present = version(case)
        if present is not None:
            case.body["version"] = present
    for holder in (case.body, case.body.get("part")):
        if isinstance(holder, dict) and "content_sha256" in holder:
            of = holder.get("header", holder.get("content"))
            holder["content_sha256"] = sha256_of(of) if of is not None else holder["content_sha256"]


def version(case):
    """The version of what is to be changed as it stands: another one is only ever stale."""
    path = case.operation.path.split("{id}")[0] + str(case.path_parameters.get("id"))
    answer = session.get(SETTINGS["base"] + path, headers={"Authorization": f"Bearer {SETTINGS['root']}"}, timeout=20)
    return answer.json().get("version") if answer.ok else None


@schemathesis.hook
def after_call(context, case, response):
    COUNTS["requests"] += 1
    COUNTS["statuses"][response.status_code] += 1
    COUNTS["asked"].add(case.operation.label)
    if response.status_code < 300:
        COUNTS["answered"].add(case.operation.label)
    if response.status_code not in (401, 403):
        COUNTS["allowed"].add(case.operation.definition.raw["operationId"])
    # A run that is ended from outside leaves what it had counted.
    if COUNTS["requests"] % 20 == 0:
        keep()


@schemathesis.check
def errors_are_problems(ctx, response, case):
    """Every error is application/problem+json with type, title and its own status."""
    if response.status_code < 400 or case.method.upper() == "HEAD" or response.request.method == "HEAD":
        return None
    kind = (response.headers.get("content-type") or ["nothing"])[0]
    assert kind.startswith("application/problem+json"), f"{response.status_code} came with {kind}"
    problem = response.json()
    assert problem["status"] == response.status_code and problem["type"] and problem["title"] and problem["request_id"], problem
    return None


@atexit.register
def keep():
    with open(SETTINGS["counts"], "w", encoding="utf-8") as file:
        json.dump({name: sorted(value) if isinstance(value, set) else value for name, value in COUNTS.items()}, file)
