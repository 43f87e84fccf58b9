"""Page 05, section 9: the trie, its proofs, and headsRoot."""
from hashlib import sha256

from encoding import need

EMPTY = bytes(32)


def _nibble(key, depth):
    return key[depth // 2] >> 4 if depth % 2 == 0 else key[depth // 2] & 15


def _leaf(key, value):
    return sha256(b"\0" + key + value).digest()


def _inner(children):
    """children: nibble -> hash."""
    bitmap = sum(1 << nibble for nibble in children)
    return sha256(b"\1" + bitmap.to_bytes(2, "big") + b"".join(children[n] for n in sorted(children))).digest()


def root(rows, depth=0):
    """rows: (key, value) with different keys."""
    if not rows:
        return EMPTY
    if len(rows) == 1:
        return _leaf(*rows[0])
    groups = {}
    for item in rows:
        groups.setdefault(_nibble(item[0], depth), []).append(item)
    return _inner({nibble: root(group, depth + 1) for nibble, group in groups.items()})


def check_proof(expected, key, steps, leaf):
    """The value that the proof shows for `key`, None for absence; refused when it shows nothing."""
    need(len(steps) <= 64, "more steps than nibbles")
    if leaf is not None:
        need(len(leaf[0]) == 32 and all(_nibble(leaf[0], d) == _nibble(key, d) for d in range(len(steps))), "leaf of another path")
    digest = EMPTY if leaf is None else _leaf(*leaf)
    for depth in range(len(steps) - 1, -1, -1):
        bitmap, siblings = steps[depth]
        mine = _nibble(key, depth)
        others = [n for n in range(16) if bitmap >> n & 1 and n != mine]
        empty_place = leaf is None and depth == len(steps) - 1
        need((bitmap >> mine & 1) == (0 if empty_place else 1), "the bitmap denies the path")
        need(bitmap < 1 << 16 and len(others) == len(siblings), "number of siblings")
        children = dict(zip(others, siblings))
        if not empty_place:
            children[mine] = digest
        digest = _inner(children)
    need(digest == expected, "another root")
    return leaf[1] if leaf is not None and leaf[0] == key else None


def heads_root(rows):
    directories = {}
    for fields in rows:
        value = sha256(b"".join(head["id"] for head in fields["heads"])).digest()
        directories.setdefault(fields["directory"], []).append((fields["block"], value))
    return root([(directory, root(blocks)) for directory, blocks in directories.items()])


def id_set_root(ids):
    return root([(one, b"") for one in ids])
