"""What a run stands on: a small district with people of each role, a camera that records, alerts, inspections."""

import base64
import hashlib
import json
from datetime import datetime, timedelta, timezone

from program import GIVEN, PASSWORD, Client, until

ROLES = ["administrator", "supervisor", "officer", "food_safety_officer"]
READY_S = 90
# Nobody answers there: a source may be added or tried without a stream that costs.
NO_CAMERA = "rtsp://127.0.0.1:1/none"
# What is done about an alert, and what was done to it before.
ACTS = {
    "confirm": [],
    "dismiss": [],
    "reopen": ["dismiss"],
    "dispatch": ["confirm"],
    "rectify": ["confirm", "dispatch"],
    "review": ["confirm", "dispatch", "rectify"],
}
EXAMPLE = "01928f6e-0000-7000-8000-0000000000"


def sha256_of(value):
    """Of the canonical JSON (RFC 8785, as far as the examples go)."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def stamp(time):
    return time.strftime("%Y-%m-%dT%H:%M:%S.000Z")


class Ground:
    """Ids by what they name, and the people, signed in. Those who sign in, sign out or change passwords are others."""

    def __init__(self, program, document):
        self.document = document
        self.base = program.base
        self.root = Client(program.base, "root")
        self.ids = {}
        self.people, self.spare, self.changing = {}, {}, {}
        self.tree()
        for role in ROLES:
            node = self.ids[{"food_safety_officer": "premises", "administrator": "city"}.get(role, "office")]
            self.people[role] = self.person(f"the-{role}".replace("_", "-"), role, node)
            self.spare[role] = self.person(f"spare-{role}".replace("_", "-"), role, node)
            self.changing[role] = self.person(f"changing-{role}".replace("_", "-"), role, node)
            self.ids[role] = self.people[role].ok("GET", "/me")["id"]
        self.things()
        self.pictures()

    def example(self, path, method, filetype="application/json"):
        return json.loads(json.dumps(self.document["paths"]["/api/v1" + path][method]["requestBody"]["content"][filetype]["example"]))

    def person(self, username, role, node):
        """Somebody with a role, who has changed the password that was given."""
        grants = [{"role": role, "node_id": node}]
        self.root.made("/users", {"username": username, "display_name": username, "password": GIVEN, "grants": grants})
        client = Client(self.base, username, GIVEN)
        client.take(client.ok("POST", "/auth/password", json={"current_password": GIVEN, "new_password": PASSWORD}))
        return client

    def tree(self):
        root, ids = self.root, self.ids
        ids["city"] = root.ok("GET", "/organizations?level=city")["items"][0]["id"]
        ids["district"] = root.ok("GET", "/organizations?level=district")["items"][0]["id"]
        ids["office"] = root.made("/organizations", {"name": "东岸所", "level": "office", "parent_id": ids["district"]})
        premises = {"name": "东岸小学食堂", "kind": "school_canteen", "organization_id": ids["office"]}
        ids["premises"] = root.made("/premises", premises)
        ids["operator"] = root.made("/operators", {"name": "明湖餐饮有限公司"})
        root.ok("PUT", f"/premises/{ids['premises']}/operators/{ids['operator']}", json={"part": "contractor"})
        ids["template"] = root.ok("GET", "/templates?kind=school_canteen")["items"][0]["id"]
        # Of what is changed or taken away there is another one: what the rest stands on stays.
        ids["other_premises"] = root.made("/premises", {**premises, "name": "西岸小学食堂"})
        # Cameras first: they record while the rest is planted.
        ids["camera"] = self.camera("烹饪区", "test:ball?width=320&height=240&fps=5")
        ids["other_camera"] = self.camera("洗消间", NO_CAMERA)
        self.dark = [self.camera(f"留样区 {act}", "test:black?width=160&height=120&fps=2") for act in ACTS]
        quick = {"black": {"threshold": 25.0, "duration_s": 1.0}}
        root.ok("PUT", f"/settings/diagnosis?scope=premises&id={ids['premises']}", json=quick)

    def camera(self, name, source_url):
        return self.root.made("/cameras", {"name": name, "premises_id": self.ids["premises"], "zone": "cooking", "source_url": source_url})

    def things(self):
        root, ids, officer = self.root, self.ids, self.people["officer"]
        grants = [{"role": "supervisor", "node_id": ids["office"]}]
        ids["user"] = root.made("/users", {"username": "somebody", "display_name": "某人", "password": GIVEN, "grants": grants})
        webhook = {"url": "http://127.0.0.1:9/alerts", "kinds": ["rodent"], "enabled": False}
        ids["webhook"], ids["other_webhook"] = root.made("/webhooks", webhook), root.made("/webhooks", webhook)
        plan = {"premises_id": ids["premises"], "template_id": ids["template"], "kind": "routine", "due_on": "2099-01-01"}
        for name in ("assignment", "other_assignment"):
            ids[name] = root.made("/assignments", {**plan, "officer_ids": [ids["officer"]]})
        ids["retired_template"] = root.ok("GET", "/templates?kind=campus_shop")["items"][0]["id"]
        file = root.ok("GET", f"/templates/{ids['template']}/file.json")
        for name in ("template-draft", "other_template-draft", "published_draft"):
            ids[name] = root.made("/template-drafts", {"file": {**file, "code": name.replace("-", "_")}, "based_on": None})
        ids["notice"] = officer.ok("GET", "/notices")["items"][0]["id"]
        # Inspections have the ids of the examples, so that parts and evidence in them hold.
        for inspection, part in (("10", "11"), ("20", "21")):
            body = self.example("/inspections/{id}", "put")
            body["header"].update(premises_id=ids["premises"], template_id=ids["template"], officers=[ids["officer"]])
            body["part"]["id"] = EXAMPLE + part
            body["content_sha256"] = sha256_of(body["header"])
            officer.ok("PUT", f"/inspections/{EXAMPLE}{inspection}", json=body)
        png = base64.b64decode(self.example("/files", "post", "image/png"))
        ids["file"] = self.people["food_safety_officer"].ok("POST", "/files", data=png, headers={"content-type": "image/png"})["id"]
        ids["upload"], ids["other_upload"] = self.upload("10", "13", png), self.upload("10", "14", png)
        headers = {"Tus-Resumable": "1.0.0", "Upload-Offset": "0", "content-type": "application/offset+octet-stream"}
        officer.ok("PATCH", f"/uploads/{self.upload('20', '22', png)}", data=png, headers=headers)

    def upload(self, inspection, evidence, content):
        """An upload that waits for its bytes."""
        wants = {"inspection_id": EXAMPLE + inspection, "evidence_id": EXAMPLE + evidence, "sha256": hashlib.sha256(content).hexdigest(), "filetype": "image/png"}
        metadata = ",".join(f"{name} {base64.b64encode(value.encode()).decode()}" for name, value in wants.items())
        headers = {"Tus-Resumable": "1.0.0", "Upload-Length": str(len(content)), "Upload-Metadata": metadata}
        return self.people["officer"].call("POST", "/uploads", headers=headers).headers["location"].rsplit("/", 1)[-1]

    def pictures(self):
        """Waits until there is something recorded, something live, a picture, and the dark camera's alert."""
        camera, ids = f"/cameras/{self.ids['camera']}", self.ids
        now = datetime.now(timezone.utc)
        self.start, self.end = stamp(now - timedelta(minutes=10)), stamp(now + timedelta(minutes=20))

        def lines(playlist, part):
            answer = self.root.call("GET", playlist)
            return [line for line in answer.text.splitlines() if part in line] if answer.ok else []

        recorded = until("something recorded", READY_S, lambda: lines(f"{camera}/recording.m3u8?start={self.start}&end={self.end}", ".m4s"))
        ids["segment"], number = recorded[0].split("?")[0].rsplit("/", 2)[-2:]
        ids["number"] = number.removesuffix(".m4s")
        ids["live"] = until("a live stream", READY_S, lambda: lines(f"{camera}/live/index.m3u8", "EXT-X-MAP"))[0].split('"')[1]
        until("a picture", READY_S, lambda: self.root.call("GET", f"{camera}/snapshot.jpg").ok)
        self.alerts()

    def alerts(self):
        """An alert for each act, in the state that the act starts from."""
        supervisor, canteen = self.people["supervisor"], self.people["food_safety_officer"]
        for act, camera in zip(ACTS, self.dark):
            raised = until("an alert", READY_S, lambda: self.root.ok("GET", f"/alerts?camera_id={camera}")["items"])[0]["id"]
            self.ids[act] = raised
            for before in ACTS[act]:
                who = canteen if before == "rectify" else supervisor
                present = who.ok("GET", f"/alerts/{raised}")
                body = {**self.example(f"/alerts/{{id}}/{before}", "post"), "version": present["version"]}
                body.update({"evidence_ids": [self.ids["file"]]} if before == "rectify" else {})
                who.ok("POST", f"/alerts/{raised}/{before}", json=body)
        ready = lambda: self.root.ok("GET", f"/alerts/{self.ids['confirm']}")["clip"]["state"] == "ready"
        until("a clip", READY_S, ready)
