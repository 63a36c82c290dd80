"""The document with what is really there: ids that are seeded take the place of those that the examples name."""

import copy

from ground import ACTS, EXAMPLE, NO_CAMERA

# What a property of a body names, by the property's name.
NAMED = {
    "premises_id": "premises", "organization_id": "office", "parent_id": "district", "node_id": "office", "template_id": "template",
    "camera_id": "camera", "officer_id": "officer", "operator_id": "operator", "actor_id": "officer", "assignment_id": "assignment",
    "officers": "officer", "officer_ids": "officer", "evidence_ids": "file",
}


def fitted(document, ground):
    """A copy whose path parameters are what is there, and whose examples hold."""
    document = copy.deepcopy(document)
    for path, item in document["paths"].items():
        for method, operation in item.items():
            for parameter in operation.get("parameters", []):
                fit_parameter(path, method, parameter, ground)
            for filetype, content in operation.get("requestBody", {}).get("content", {}).items():
                if filetype == "application/json":
                    content["example"] = fit(content["example"], ground)
                elif filetype == "text/csv":
                    # Tables are made by hooks.py; schemathesis cannot send an example of them.
                    content.pop("example", None)
    ours = asked_for(document) - answered_with(document)
    for name in ours:
        schema = document["components"]["schemas"][name]
        # Two examples would be two requests.
        schema.pop("example", None)
        for property_name, of in schema.get("properties", {}).items():
            narrow(property_name, of, ground)
    return document


def fit_parameter(path, method, parameter, ground):
    name = parameter["name"]
    if parameter["in"] == "path":
        real = path_value(path, method, name, ground.ids)
        if real is not None:
            parameter["example"] = real
            # A number in a path is the same address as the text of it: nothing would be wrong with it.
            if not real.isdigit():
                parameter["schema"] = {"type": "string", "enum": [real]}
    elif name in ("start", "end"):
        parameter["example"] = getattr(ground, name)
    elif name == "hide_faces":
        # Seconds of pictures are looked at before the first byte; the end-to-end tests wait for that.
        parameter["schema"] = {"type": "boolean", "enum": [False]}
    elif name in NAMED:
        parameter["example"] = ground.ids[NAMED[name]]


def path_value(path, method, name, ids):
    """What a parameter of a path names; `None` where the document already says what may stand there."""
    kind = path.removeprefix("/api/v1/").split("/")[0]
    if kind == "inspections":
        known = {"id": EXAMPLE + "10" if method == "put" else EXAMPLE + "20", "part_id": EXAMPLE + "11", "evidence_id": EXAMPLE + "22"}
        return known.get(name)
    if kind == "alerts":
        act = "review" if "/evidence/" in path else path.rsplit("/", 1)[-1]
        return ids[act if act in ACTS else "confirm"] if name == "id" else ids["file"]
    if kind in ("templates", "template-drafts") and name == "id" and path.endswith(("/retire", "/publish")):
        # What is taken out of force or becomes a version is nothing else's.
        return ids["retired_template" if kind == "templates" else "published_draft"]
    own = {"organizations": "office", "premises": "premises"}.get(kind, kind.removesuffix("s"))
    if name == "id" and (method in ("patch", "delete") or path.endswith("/operators/{operator_id}")):
        return ids.get(f"other_{own}", ids.get(own))
    known = {"id": own, "operator_id": "operator", "segment": "segment", "number": "number", "name": "live"}
    return ids.get(known.get(name))


def fit(value, ground, name=None):
    """An example with the ids that are there."""
    if isinstance(value, dict):
        return {key: fit(one, ground, key) for key, one in value.items()}
    if isinstance(value, list):
        return [fit(one, ground, name) for one in value]
    if name == "source_url":
        return NO_CAMERA
    return ground.ids[NAMED[name]] if name in NAMED and isinstance(value, str) else value


def narrow(name, schema, ground):
    """Lets a property that names something name what is there; made-up ids would only ever be refused."""
    if name in ("officers", "officer_ids", "evidence_ids"):
        schema["items"] = {"type": "string", "enum": [ground.ids[NAMED[name]]]}
    elif name == "source_url" or name in NAMED:
        real = NO_CAMERA if name == "source_url" else ground.ids[NAMED[name]]
        schema["enum"] = [real, None] if "null" in schema.get("type", "") else [real]


def references(value):
    if isinstance(value, dict):
        if "$ref" in value:
            yield value["$ref"].rsplit("/", 1)[-1]
        for one in value.values():
            yield from references(one)
    elif isinstance(value, list):
        for one in value:
            yield from references(one)


def closure(document, roots):
    found, waiting = set(), list(roots)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting.extend(references(document["components"]["schemas"].get(name, {})))
    return found


def asked_for(document):
    bodies = [operation.get("requestBody", {}) for item in document["paths"].values() for operation in item.values()]
    return closure(document, references(bodies))


def answered_with(document):
    answers = [operation["responses"] for item in document["paths"].values() for operation in item.values()]
    return closure(document, references(answers))
