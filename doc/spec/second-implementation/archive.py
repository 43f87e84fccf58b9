"""Page 12: an archive is a header, sealed chunks, and items in their plaintext."""
from hashlib import sha256

from aead import hkdf, open_sealed
from encoding import Refused, need

FORMAT, DAMAGED, TRUNCATED = "ERR_ARCHIVE_FORMAT", "ERR_ARCHIVE_DAMAGED", "ERR_ARCHIVE_TRUNCATED"
CHUNK = 262_144
PREFIX = bytes.fromhex("62746172636800010100000000040000")
MAX_ITEM = 8_388_608
SECTOR, RECORD, NOTE = 1, 2, 3


def _plaintext(data, given_key):
    need(len(data) >= 48, "the stream ends within the header", TRUNCATED)
    need(data[:16] == PREFIX, "header", FORMAT)
    key = hkdf(given_key, data[16:48], b"blocktree/archive/1\0" + data[:16], 32)
    need(len(data) > 48, "no last chunk", TRUNCATED)
    plaintext, at, number = b"", 48, 0
    while at < len(data):
        sealed = data[at : at + CHUNK + 16]
        at += len(sealed)
        opened = _open_chunk(key, number, sealed, at == len(data))
        need(opened or number == 0, "an empty chunk after others", DAMAGED)
        plaintext += opened
        number += 1
    return plaintext


def _open_chunk(key, number, sealed, last):
    def attempt(mark):
        return open_sealed(1, key, number.to_bytes(11, "big") + bytes([mark]), b"", sealed)

    try:
        return attempt(1 if last else 0)
    except Refused as error:
        if last:
            try:
                attempt(0)
            except Refused:
                raise Refused(DAMAGED, str(error)) from error
            raise Refused(TRUNCATED, "the stream ends without a last chunk") from error
        raise Refused(DAMAGED, str(error)) from error


def read_archive(data, given_key):
    """[(kind, record type, reference, bytes, inline bytes or None)]"""
    plaintext, at, items = _plaintext(data, given_key), 0, []
    while at < len(plaintext):
        need(len(plaintext) - at >= 43, "an item cut short", DAMAGED)
        head = plaintext[at : at + 43]
        kind, record_type = head[0], int.from_bytes(head[1:3], "big")
        count, inline = int.from_bytes(head[3:7], "big"), int.from_bytes(head[7:11], "big")
        reference, at = head[11:], at + 43
        need(kind in (SECTOR, RECORD, NOTE), "another kind of item", DAMAGED)
        need(count + max(inline - 1, 0) <= MAX_ITEM, "an item too long", DAMAGED)
        need(count + max(inline - 1, 0) <= len(plaintext) - at, "an item cut short", DAMAGED)
        body = plaintext[at : at + count]
        at += count
        beside = plaintext[at : at + inline - 1] if inline else None
        at += max(inline - 1, 0)
        need(kind != SECTOR or sha256(body).digest() == reference, "a sector that is not its reference", DAMAGED)
        items.append((kind, record_type, reference, body, beside))
    return items
