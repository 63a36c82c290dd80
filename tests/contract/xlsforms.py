"""Templates as XLSForm: what the program writes is accepted by pyxform, the makers' own converter, and comes back as it was.

Every template in force is tried, and one of each kind of condition; a form that pyxform refuses, or warns about for more than
its languages, fails the run. The same can be asked of one file: `python xlsforms.py FILE.xlsx`.
"""

import io
import sys

from pyxform import xls2xform

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def words(text):
    return {"zh": text, "en": text}


def item(code, **more):
    return {"code": code, "key": False, "text": words(code), "basis": "x", "min_photos": 0, "photo_on_fail": False, **more}


def every_kind():
    """A template with each kind of field, comparison and condition."""
    choices = [{"code": code, "label": words(code)} for code in ("a", "b.c")]
    kinds = {"n": {"type": "number", "unit": "°C", "min": -5, "max": 8.5}, "t": {"type": "text", "long": True}, "s": {"type": "signature"}}
    kinds |= {"o": {"type": "one", "choices": choices}, "m": {"type": "many", "choices": choices}}
    fields = [{"code": code, "label": words(code), "kind": kind} for code, kind in kinds.items()]
    compared = [("n", "equals", 1), ("n", "not_equals", 1), ("n", "less", -0.5), ("n", "at_most", 1), ("n", "more", 1), ("n", "at_least", 1)]
    compared += [("t", "equals", "it's \"both\""), ("o", "not_equals", "a"), ("m", "includes", "b.c")]
    values = [{"value": {"item": "1.1", "field": field, "is": how, "to": to}} for field, how, to in compared]
    values += [{"value": {"item": "1.1", "field": field, "is": "given"}} for field in kinds] + [{"value": {"item": "1.1", "is": "given"}}]
    result = {"result": {"item": "1.1", "one_of": ["conforms", "fails"]}}
    number = {"unit": "g", "min": 1, "label": words("重")}
    items = [item("1.1", key=True, photo_on_fail=True, min_photos=2, number=number, fields=fields, remarks=[words("脏"), words("\"引号\"")])]
    items += [item(f"c{at}", show_when=value) for at, value in enumerate(values)]
    items.append(item("all", show_when={"all": [{"any": values[:3]}, {"not": result}, {"all": [result]}]}, require_when=values[0]))
    late = {"code": "late", "label": words("晚"), "kind": {"type": "text"}, "show_when": values[4], "require_when": result}
    items.append(item("q-1", question=True, basis="", required=True, min_photos=1, fields=[late, {**late, "code": "both", "required": True}]))
    rule = {"general_limit": 8, "points_key": 3, "points_general": 1, "grades": [{"min": 90, "grade": "excellent"}]}
    body = {"rule": rule, "sections": [{"code": "1", "name": words("一"), "items": items}]}
    return {"code": "every_kind", "name": words("各种条件"), "premises_kinds": ["school_canteen"], "audience": "officer", "source": words("测试"), "body": body}


def converted(content):
    """Warnings of pyxform; it raises where it does not take the form. Its advice to shrink photos is not for evidence."""
    warnings = xls2xform.convert(xlsform=io.BytesIO(content), file_type=".xlsx", validate=False).warnings
    return [warning for warning in warnings if "max-pixels" not in warning]


def forms_are_accepted(root):
    draft = root.ok("POST", "/template-drafts", json={"file": every_kind(), "based_on": None})
    if draft["faults"]:
        print(f"FAULT the template with every kind is not right: {draft['faults']}")
        return False
    listed = [one["id"] for audience in ("officer", "canteen") for one in root.ok("GET", f"/templates?limit=200&audience={audience}")["items"]]
    good = True
    for path in [f"/template-drafts/{draft['id']}", *(f"/templates/{one}" for one in listed)]:
        file = root.ok("GET", f"{path}/file.json")
        content = root.call("GET", f"{path}/file.xlsx").content
        try:
            warnings = converted(content)
        except Exception as error:  # pylint: disable=broad-except
            print(f"FAULT pyxform refuses {file['code']}: {error}")
            good = False
            continue
        back = root.ok("POST", "/template-imports", data=content, headers={"content-type": XLSX})
        if warnings or back["left_out"] or back["faults"] or back["file"] != file:
            print(f"FAULT {file['code']}: warnings {warnings}, left out {back['left_out']}, faults {back['faults']}, same {back['file'] == file}")
            good = False
    print(f"{len(listed) + 1} templates as XLSForm: {'accepted by pyxform and read back as they were' if good else 'NOT right'}", flush=True)
    root.ok("DELETE", f"/template-drafts/{draft['id']}")
    return good


if __name__ == "__main__":
    for name in sys.argv[1:]:
        with open(name, "rb") as opened:
            print(name, converted(opened.read()) or "accepted")
