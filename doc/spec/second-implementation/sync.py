"""Page 28: messages of replication, summaries, proofs of possession."""
from hashlib import sha256

import tries
from encoding import array, binary, decode_fields, encode, exactly, identifier, need, optional, row, then, u53, unsigned

INLINE_MOST = 4096 + 64


def packed(most):
    """Ids in one byte string."""
    def check(value):
        need(len(value) % 32 == 0, "no multiple of 32 bytes")
        return [value[at : at + 32] for at in range(0, len(value), 32)]
    return then(binary(0, most * 32), check)


def _nibbles(value):
    need(all(nibble < 16 for nibble in value), "a nibble above 15")
    return value


place = then(binary(0, 64), _nibbles)


def different(values, what):
    need(len(set(values)) == len(values), f"a {what} twice")
    return values


def _apart(places):
    for at, one in enumerate(places):
        need(not any(other.startswith(one) for k, other in enumerate(places) if k != at), "a place in another one")
    return places


def _blocks(blocks):
    different([one["block"] for one in blocks], "block")
    return blocks


def _sectors(owners):
    need(sum(len(one["references"]) for one in owners) <= 8192, "too many sectors")
    return owners


def _children(node):
    need(len(node["counts"]) == len(node["hashes"]) == bin(node["bitmap"]).count("1"), "not as the bitmap says")
    return node


def _node(value):
    rows = row(("place", place), ("rows", array(row(("key", identifier), ("tips", packed(1024))))))
    inner = row(
        ("place", place), ("bitmap", unsigned(0, 0xFFFF)), ("counts", array(u53, 0, 16)), ("hashes", packed(16)),
    )
    need(isinstance(value, list), "no node")
    return rows(value) if len(value) == 2 else _children(inner(value))


def _frame(value):
    need(isinstance(value, list), "no frame")
    if len(value) == 1:
        return row(("birth", binary(0, 256)))(value)
    return _record(value)


places = array(place, 0, 1024)
_root = row(("count", u53), ("hash", identifier))
_record = row(("record", binary()), ("inline", optional(binary(0, INLINE_MOST))))
_version = ("version", unsigned(1, 1))
_tree = (_version, ("tree", identifier))
_ask = (*_tree, ("scope", array(identifier, 0, 64)))
_set = ("set", unsigned(1, 3))
_change = row(("block", identifier), ("zone", identifier), ("record", identifier))

LAYOUTS = {
    "open": row(*_ask),
    "open answer": row(_version, ("scope", array(identifier, 0, 64)), ("authority", _root), ("receipts", _root), ("headers", _root)),
    "nodes": row(*_ask, _set, ("levels", unsigned(1, 2)), ("places", then(places, lambda p: different(p, "place")))),
    "nodes answer": row(_version, ("nodes", array(_node))),
    "records": row(*_ask, _set, ("ids", packed(8192)), ("places", then(places, _apart))),
    "headers": row(
        *_ask, ("places", then(places, _apart)),
        ("blocks", then(
            array(row(("block", identifier), ("have", packed(1024))), 0, 2048),
            _blocks,
        )),
    ),
    "sectors": row(*_ask, ("owners", then(array(row(("owner", identifier), ("references", packed(8192))), 0, 1024), _sectors))),
    "receipt": row(*_ask, ("zone", identifier), ("coverage", unsigned(1, 3)), ("records", packed(4096))),
    "receipt answer": row(_version, ("receipt", optional(binary())), ("missing", packed(4096))),
    "challenge": row(*_ask, ("nonce", exactly(16)), ("owner", identifier), ("references", packed(4))),
    "watch": row(*_ask, ("token", optional(binary(0, 32)))),
    "watch frame": row(("token", binary(0, 32)), ("change", optional(_change))),
    "push": row(*_tree, ("births", array(binary(0, 256), 0, 256)), ("records", array(_record, 0, 4096))),
    "have": row(*_tree, ("ids", packed(4096))),
    "behind": row(*_tree),
    "doubt": row(*_tree, ("holder", identifier), ("ids", packed(4096))),
    "record frame": _frame,
}


def read(kind, data):
    return decode_fields(data, LAYOUTS[kind])


# Section 28.4

def header_value(tips, missing):
    gap = b"\0" + b"".join(sorted(missing)) if missing else b""
    return sha256(b"".join(sorted(tips)) + gap).digest()


def summary(rows):
    """rows: (key, value). The root, and the node of the root as it is told with more than 48 rows."""
    groups = {}
    for key, value in rows:
        groups.setdefault(key[0] >> 4, []).append((key, value))
    bitmap = sum(1 << nibble for nibble in groups)
    below = [groups[nibble] for nibble in sorted(groups)]
    hashes = b"".join(tries.root(group, 1) for group in below)
    return [len(rows), tries.root(rows)], encode([b"", bitmap, [len(group) for group in below], hashes])


# Section 28.9

def proof(nonce, parts):
    return sha256(nonce + b"".join(parts)).digest()
