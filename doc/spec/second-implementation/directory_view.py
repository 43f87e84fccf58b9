"""Page 09: where the blocks of a tree are shown, and under which names."""
import base64
import unicodedata

from encoding import identifier_text, need
from records import DIRECTORY, home_zone


class Block:
    """What the view reads of a block with a winner. `anchored`: directories under which an anchor lists a live version."""

    def __init__(self, identifier, header, name, anchored=frozenset()):
        self.id = identifier
        self.birth = header["birth"]
        self.home = home_zone(header["birthBytes"])
        self.parent = header["parent"]
        self.deleted = header["state"] == 1
        self.name = name
        self.anchored = anchored
        self.is_directory = self.birth["kind"] == DIRECTORY
        self.is_plain = self.is_directory and not self.birth["zoneRoot"]


def base32(identifier):
    return base64.b32encode(identifier).decode().rstrip("=").lower()


def valid_name(name):
    if not name or name in (".", "..") or "/" in name or "\0" in name:
        return False
    try:
        raw = name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return len(raw) <= 255 and unicodedata.is_normalized("NFC", name)


def own_name(block):
    return block.name if block.name is not None and valid_name(block.name) else f"invalid-{base32(block.id)[:8]}"


def conflict_name(name, identifier, digits):
    stem, ext = name, ""
    dot = name.rfind(".")
    if dot > 0 and len(name[dot:].encode()) <= 64:
        stem, ext = name[:dot], name[dot:]
    tail = f" (conflict {base32(identifier)[:digits]}){ext}"
    while len((stem + tail).encode()) > 255:
        stem = stem[:-1]
    return stem + tail


def shown_parents(blocks):
    """Block id → id of the directory under which it is shown; the root block and what is not shown are left out."""
    by_id = {block.id: block for block in blocks}

    def proper(block):
        if block.parent == block.home and block.id != block.home:
            return block.parent
        above = by_id.get(block.parent)
        return block.parent if above is not None and above.is_plain and above.home == block.home else None

    places, flags = {}, {}
    for block in blocks:
        if block.id == block.home:
            continue
        places[block.id] = proper(block)
        if places[block.id] is None:
            places[block.id], flags[block.id] = block.home, "orphan"
    for block in blocks:
        circle = _cycle(block.id, places)
        if circle and min(circle) == block.id:
            flags[block.id] = "cycle"
    for one, flag in flags.items():
        if flag == "cycle":
            places[one] = by_id[one].home
    shown = {block.id for block in blocks if not block.deleted and block.id in places}
    todo = list(shown)
    while todo:
        above = by_id.get(places.get(todo.pop()))
        if above is not None and above.id in places and above.id not in shown:
            shown.add(above.id)
            flags[above.id] = flags.get(above.id) or "revived"
            todo.append(above.id)
    return {one: place for one, place in places.items() if one in shown}, flags


def _cycle(start, places):
    """The members of the cycle that `start` is on, if it is on one."""
    path, one = [], start
    while one in places and one not in path:
        path.append(one)
        one = places[one]
    return path if one == start else []


def shown_names(directory, children):
    """Block id → name, of the blocks shown under one directory."""
    groups = {}
    for block in children:
        groups.setdefault(own_name(block), []).append(block)
    names, losers = {}, []
    for name, group in groups.items():
        group.sort(key=lambda b: (directory not in b.anchored, b.birth["rank"], b.id))
        names[group[0].id] = name
        losers += group[1:]
    taken = set(names.values())
    for block in sorted(losers, key=lambda b: b.id):
        attempts = [conflict_name(own_name(block), block.id, digits) for digits in (8, 16, 52)]
        names[block.id] = next((name for name in attempts if name not in taken), identifier_text(block.id))
        taken.add(names[block.id])
    return names


def paths(blocks):
    """Path → block id of everything that is shown; a directory ends in "/"."""
    places, _ = shown_parents(blocks)
    by_id = {block.id: block for block in blocks}
    below = {}
    for one, place in places.items():
        below.setdefault(place, []).append(by_id[one])
    result = {}

    def walk(directory, prefix):
        for one, name in shown_names(directory, below.get(directory, [])).items():
            path = f"{prefix}{name}"
            result[path + ("/" if by_id[one].is_directory else "")] = one
            walk(one, f"{path}/")

    for block in blocks:
        if block.birth["zone"] is None:
            walk(block.id, "/")
    return result


def parse_path(typed):
    """Page 09, section 5: the components of a path that a person types."""
    typed = unicodedata.normalize("NFC", typed)
    need(typed.startswith("/"), "a path begins with /", "ERR_PATH_INVALID")
    if typed == "/":
        return []
    components = typed[1:].removesuffix("/").split("/")
    need(len(components) <= 256, "more than 256 components", "ERR_PATH_INVALID")
    need(all(map(valid_name, components)), "a component that is no name", "ERR_PATH_INVALID")
    return components
