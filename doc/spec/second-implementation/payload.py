"""Page 06, sections 4 and 5: reading a payload from its parts."""
from hashlib import sha256

from aead import ZERO_NONCE, open_sealed
from encoding import binary, decode_fields, need, row, unsigned

DOMAIN = b"blocktree/sec/1\0"
HOLE = bytes(32)
_node = row(("level", unsigned(1, 6)), ("hashes", binary(32, 32 * 256)), ("keys", binary(0, 32 * 256 + 16)))


def levels(size, sector_log2):
    level = 0
    while 256**level << sector_log2 < size:
        level += 1
    return level


def _up(size, unit):
    return -(-size // unit)


def read_payload(descriptor, size, root_key, parts):
    """All bytes, as a list of pieces (a hole is a count of zeros); `parts` gives stored bytes by hash."""
    code, log2 = descriptor["aead"], descriptor["sectorLog2"]
    need(descriptor["levels"] == levels(size, log2), "levels do not follow from the size")
    need((root_key is None) == (code == 0), "root key")
    if size == 0:
        return []
    pieces = []

    def visit(level, index, digest, key):
        span = 256**level << log2
        length = min(span, size - index * span)
        if digest == HOLE:
            pieces.append(length)
            return
        stored = parts.get(digest)
        need(stored is not None, "a part that is not held")
        need(sha256(stored).digest() == digest, "bytes of another hash")
        if level == 0:
            padded = length if length == span else _up(length, 256) * 256
            need(len(stored) == padded + (16 if code else 0), "length of a sector")
            plain = open_sealed(code, key, ZERO_NONCE, DOMAIN + b"\0", stored) if code else stored
            pieces.append(plain[:length])
            return
        node = decode_fields(stored, _node)
        below = span // 256
        children = _up(length, below)
        hashes, keys = node["hashes"], node["keys"]
        need(node["level"] == level and len(hashes) == 32 * children, "a node of another level or number of children")
        need(len(keys) == (32 * children + 16 if code else 0), "length of the keys")
        if code:
            keys = open_sealed(code, key, ZERO_NONCE, DOMAIN + bytes([level]) + hashes, keys)
        for n in range(children):
            visit(level - 1, 256 * index + n, hashes[32 * n :][:32], keys[32 * n :][:32] if code else None)

    visit(descriptor["levels"], 0, descriptor["rootHash"], root_key)
    return pieces
