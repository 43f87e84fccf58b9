"""Page 11: the file `format` and the frames of one segment."""
import re
from zlib import crc32

from encoding import need

VERSION = "ERR_STORE_VERSION"
DAMAGE = "ERR_STORE_CORRUPT"
FIRST, LAST, COPIED, REMOVED, INLINE = 1, 2, 4, 8, 16
SEGMENT, GROUP, SECTOR, RECORD, ROW, SUPERSEDED, CLOSE, DERIVED = range(1, 9)
ALLOWED_FLAGS = {SEGMENT: 0, GROUP: 0, CLOSE: 0, SECTOR: 7, RECORD: 23, ROW: 15, SUPERSEDED: 7, DERIVED: 7}


def read_format(data):
    """The store id."""
    match = re.fullmatch(rb"(blocktree store\nversion (\d+)\nid ([0-9a-f]{32})\n)checksum ([0-9a-f]{8})\n", data)
    need(match and int(match[4], 16) == crc32(match[1]), "damaged", DAMAGE)
    need(match[2] == b"1", "a later version", VERSION)
    return bytes.fromhex(match[3].decode())


def _u32(data, at):
    return int.from_bytes(data[at : at + 4], "big")


def read_segment(data, store_id, number):
    """All frames of an intact segment: (offset, type, flags, record type, part, reference, payload)."""
    frames, at, open_batch = [], 0, False
    while at < len(data):
        frame = read_frame(data, at, store_id)
        offset, kind, flags, _, _, _, payload = frame
        need((kind == SEGMENT) == (at == 0), "the first frame", DAMAGE)
        if kind == SEGMENT:
            need(payload == b"\0\0\0\1" + number.to_bytes(4, "big") + store_id, "of another segment or store", DAMAGE)
        in_batch = kind in (SECTOR, RECORD, ROW, SUPERSEDED, DERIVED)
        need(open_batch != bool(flags & FIRST) if in_batch else not open_batch, "batches", DAMAGE)
        open_batch = in_batch and not flags & LAST
        frames.append(frame)
        at += 56 + len(payload)
    need(not open_batch, "a batch cut short", DAMAGE)
    return frames


def read_frame(data, at, store_id):
    header = data[at : at + 56]
    need(len(header) == 56 and header[:4] == b"btf1", "magic", DAMAGE)
    kind, flags, record_type = header[4], header[5], int.from_bytes(header[6:8], "big")
    length, part, reference = _u32(header, 8), _u32(header, 12), header[16:48]
    salt = 0 if kind == SEGMENT else _u32(store_id, 0)
    need(crc32(header[:52], salt) == _u32(header, 52), "checksum of the header", DAMAGE)
    need(kind in ALLOWED_FLAGS and flags & ~ALLOWED_FLAGS[kind] == 0, "type or flags", DAMAGE)
    need(length <= 8_388_608, "length", DAMAGE)
    payload = data[at + 56 : at + 56 + length]
    need(len(payload) == length and crc32(payload, salt) == _u32(header, 48), "payload", DAMAGE)
    need(kind == RECORD or record_type == 0, "a record type", DAMAGE)
    if kind in (RECORD, ROW):
        need(part <= length, "part", DAMAGE)
    if kind == RECORD:
        need(bool(flags & INLINE) or part == length, "an inline sector without its flag", DAMAGE)
    if kind == DERIVED:
        derived_rows(payload)
    return at, kind, flags, record_type, part, reference, payload


def derived_rows(payload):
    rows, at = [], 0
    while at < len(payload):
        need(len(payload) - at >= 7, "a row cut short", DAMAGE)
        key_length, value_length = int.from_bytes(payload[at + 1 : at + 3], "big"), _u32(payload, at + 3)
        end = at + 7 + key_length + value_length
        need(end <= len(payload), "a row cut short", DAMAGE)
        key = payload[at + 7 : at + 7 + key_length]
        rows.append((payload[at] == 1, key, payload[at + 7 + key_length : end]))
        at = end
    return rows
