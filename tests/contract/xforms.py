"""XForms: what the program gives ODK Collect is what pyxform, the makers' own converter, makes of the program's XLSForm.

Every template in force is compared, and the one with each kind of condition: the instance with its defaults, every bind, every
control in its order with its texts in both languages and its choices. The same can be asked of two files:
`python xforms.py FORM.xml FORM.xlsx`.
"""

import io
import sys
import xml.etree.ElementTree as ElementTree

from pyxform import xls2xform

XF, H, JR = "{http://www.w3.org/2002/xforms}", "{http://www.w3.org/1999/xhtml}", "{http://openrosa.org/javarosa}"

# pyxform straightens quotes, which are right as they are in Chinese; ours stay.
STRAIGHT = str.maketrans({"“": '"', "”": '"', "‘": "'", "’": "'"})


def bare(name):
    return name.rsplit("}", 1)[-1]


def spaced(text):
    return " ".join(text.split())


class Form:
    """A form as far as it means something: what two writers may write differently is put aside."""

    def __init__(self, text):
        root = ElementTree.fromstring(text)
        self.model = root.find(f"{H}head/{XF}model")
        self.title = root.find(f"{H}head/{H}title").text
        self.texts = {}
        for translation in self.model.iterfind(f"{XF}itext/{XF}translation"):
            for one in translation:
                words = one.find(f"{XF}value").text or ""
                self.texts.setdefault(one.get("id"), {})[translation.get("lang")] = words.translate(STRAIGHT)
        self.default = [one.get("lang") for one in self.model.iterfind(f"{XF}itext/{XF}translation") if one.get("default")]
        self.languages = sorted(one.get("lang") for one in self.model.iterfind(f"{XF}itext/{XF}translation"))
        instances = self.model.findall(f"{XF}instance")
        self.data = self.tree(instances[0][0])
        self.head = {name: instances[0][0].get(name) for name in ("id", "version")}
        self.lists = {one.get("id"): self.choices(one) for one in instances[1:]}
        self.binds = {one.get("nodeset"): self.bind(one) for one in self.model.iterfind(f"{XF}bind")}
        self.body = [self.control(one) for one in root.find(f"{H}body")]

    def tree(self, node):
        return bare(node.tag), (node.text or "").strip(), [self.tree(child) for child in node]

    def choices(self, instance):
        if instance.get("src"):
            return instance.get("src")
        items = [{bare(cell.tag): cell.text for cell in item} for item in instance[0]]
        return [(item["name"], self.texts[item["itextId"]]) for item in items]

    def bind(self, node):
        said = {bare(name): spaced(value) for name, value in node.attrib.items() if name != "nodeset"}
        if "constraintMsg" in said:
            said["constraintMsg"] = self.text(said["constraintMsg"])
        return said

    def text(self, ref):
        return self.texts[ref.removeprefix("jr:itext('").removesuffix("')")]

    def control(self, node):
        said = {name: node.get(name) for name in ("ref", "appearance", "mediatype") if node.get(name)}
        inside = []
        for child in node:
            name = bare(child.tag)
            if name in ("label", "hint"):
                said[name] = self.text(child.get("ref"))
            elif name == "itemset":
                instance = child.get("nodeset").split("'")[1]
                said["choices"] = self.lists[instance]
                said["columns"] = [(bare(column.tag), column.get("ref")) for column in child]
            else:
                inside.append(self.control(child))
        return bare(node.tag), said, inside


def differences(ours, theirs, name=""):
    """Places where two forms mean something else, in words."""
    if type(ours) is not type(theirs):
        return [f"{name}: {ours!r} | {theirs!r}"]
    if isinstance(ours, dict):
        keys = sorted({*ours, *theirs}, key=str)
        return [found for key in keys for found in differences(ours.get(key), theirs.get(key), f"{name}/{key}")]
    if isinstance(ours, (list, tuple)):
        if len(ours) != len(theirs):
            return [f"{name}: {len(ours)} | {len(theirs)} parts"]
        return [found for at, pair in enumerate(zip(ours, theirs)) for found in differences(*pair, f"{name}[{at}]")]
    return [] if ours == theirs else [f"{name}: {ours!r} | {theirs!r}"]


def compared(xml, xlsx):
    made = xls2xform.convert(xlsform=io.BytesIO(xlsx), file_type=".xlsx", validate=False).xform
    ours, theirs = Form(xml), Form(made)
    parts = ("title", "head", "default", "languages", "data", "binds", "body")
    return differences({part: getattr(ours, part) for part in parts}, {part: getattr(theirs, part) for part in parts})


def forms_are_equal(root, every_kind):
    draft = root.ok("POST", "/template-drafts", json={"file": every_kind, "based_on": None})
    listed = [one["id"] for audience in ("officer", "canteen") for one in root.ok("GET", f"/templates?limit=200&audience={audience}")["items"]]
    good = True
    for path in [f"/template-drafts/{draft['id']}", *(f"/templates/{one}" for one in listed)]:
        xml = root.call("GET", f"{path}/file.xml").content.decode()
        xlsx = root.call("GET", f"{path}/file.xlsx?made_for=collect").content
        found = compared(xml, xlsx)
        if found:
            print(f"FAULT the XForm of {path} is not what pyxform makes:\n" + "\n".join(found[:10]))
            good = False
    print(f"{len(listed) + 1} templates as XForm: {'as pyxform makes them' if good else 'NOT right'}", flush=True)
    root.ok("DELETE", f"/template-drafts/{draft['id']}")
    return good


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as xml_file, open(sys.argv[2], "rb") as xlsx_file:
        print(compared(xml_file.read(), xlsx_file.read()) or "equal")
