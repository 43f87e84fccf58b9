"""Page 20: requests and replies of apps, by the layouts that blocktree.wit gives them."""
import re
from pathlib import Path

from encoding import Refused, array, binary, boolean, decode, need, optional, row, text, unsigned

WIT = (Path(__file__).resolve().parent.parent / "blocktree.wit").read_text(encoding="utf-8")
WIDTHS = {"u8": 2**8 - 1, "u16": 2**16 - 1, "u32": 2**32 - 1, "u64": 2**53 - 1}


def variant(*cases):
    """`cases`: a layout for each case that carries a value, else None."""
    def field(value):
        need(isinstance(value, list) and 1 <= len(value) <= 2, "not a variant", "ERR_CODEC_TYPE")
        index = unsigned(0, len(cases) - 1)(value[0])
        need((len(value) == 2) == (cases[index] is not None), "a value too many or too few", "ERR_CODEC_RANGE")
        return [index] if cases[index] is None else [index, cases[index](value[1])]
    return field


def nothing(value):
    raise Refused("ERR_CODEC_TRAILING", "a byte where none belongs")


class Interface:
    def __init__(self, source):
        self.types, self.calls = {}, {}
        comments, scope = [], ""
        for match in re.finditer(r"///([^\n]*)|interface ([a-z-]+) \{|(type|record|variant|enum|flags) ([a-z-]+)([^;{]*;|[^}]*\})|([a-z-]+): func\((.*?)\)(?: -> (.+?))?;", source, re.S):
            comment, interface, kind, type_name, content, function, parameters, result = match.groups()
            if comment is not None:
                comments.append(comment)
                continue
            if interface:
                scope = interface
            elif kind:
                self.types[type_name] = (kind, content, dict(self.notes(comments)))
            elif function:
                self.function(scope, function, parameters, result, dict(self.notes(comments)))
            comments = []

    @staticmethod
    def notes(comments):
        return [tuple(line.strip()[1:].split(None, 1)) for line in comments if re.match(r"\s*@(op|event|max|exact) \d", line)]

    def function(self, scope, name, parameters, result, notes):
        is_event = "event" in notes
        fields = re.findall(r"([a-z-]+): ((?:[^,<]|<[^>]*>)+)", parameters)
        request = (lambda: row(*((name, self.layout(kind.strip())) for name, kind in fields))) if fields else (lambda: nothing)
        reply = result
        if not is_event:
            reply = re.fullmatch(r"result<(.*), failure>", result).group(1)
        layout = (lambda: nothing) if reply in (None, "_") else (lambda: self.layout(reply))
        key = name if is_event else f"{scope}.{name}"
        self.calls[key] = (int(notes["event" if is_event else "op"]), {"request": request, "reply": layout})

    def layout(self, written, notes=None):
        notes = notes or {}
        most = int(notes.get("max", notes.get("exact", 2**53 - 1)))
        if written in WIDTHS:
            return unsigned(0, min(most, WIDTHS[written]))
        if written == "bool":
            return boolean
        if written == "string":
            return text(most)
        if written == "list<u8>":
            return binary(most if "exact" in notes else 0, most)
        generic = re.fullmatch(r"(list|option|result)<(.+)>", written)
        if generic is None:
            return self.named(written)
        kind, inner = generic.groups()
        if kind == "list":
            return array(self.layout(inner), 0, most)
        if kind == "option":
            return optional(self.layout(inner, notes))
        ok, failed = (part.strip() for part in inner.split(","))
        return variant(None if ok == "_" else self.layout(ok), self.layout(failed))

    def named(self, name):
        kind, content, notes = self.types[name]
        if kind == "type":
            return self.layout(content.strip(" =;\n"), notes)
        fields, comments = [], []
        for comment, field, inner in re.findall(r"///([^\n]*)|%?([a-z][a-z-]*)(: [^,\n}]+|\([^)]+\))?", content):
            if comment:
                comments.append(comment)
                continue
            fields.append((field, inner.strip(":() "), dict(self.notes(comments))))
            comments = []
        if kind == "record":
            return row(*((field, self.layout(inner, notes)) for field, inner, notes in fields))
        if kind == "variant":
            return variant(*(self.layout(inner) if inner else None for _, inner, _ in fields))
        return unsigned(0, len(fields) - 1 if kind == "enum" else 2 ** len(fields) - 1)


INTERFACE = Interface(WIT)


def read(name, part, data):
    """The number of the call, and its value by position; an absent one is None."""
    number, layouts = INTERFACE.calls[name]
    layout = layouts[part]()
    if layout is nothing:
        return number, nothing(data) if data else None
    return number, layout(decode(data))
