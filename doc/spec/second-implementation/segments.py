"""Page 11: the file `format` and the frames of one segment."""
import re
from zlib import crc32

from encoding import Refused, need

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


IN_BATCH = (SECTOR, RECORD, ROW, SUPERSEDED, DERIVED)


def read_segment(data, store_id, number):
    """All frames of an intact segment: (offset, type, flags, record type, part, reference, payload)."""
    found = recover_last(data, store_id, number)
    need(not found["damage"] and found["truncatedTo"] == len(data), "damage", DAMAGE)
    return found["frames"]


def recover_last(data, store_id, number):
    """Section 4, for the last segment: its frames, offsets of the damage that is reported, and the length that is left of
    the file: 0 when it is removed."""
    damage, frames = [], []
    try:
        first = read_frame(data, 0, store_id)
        need(first[1] == SEGMENT and first[6] == b"\0\0\0\1" + number.to_bytes(4, "big") + store_id, "header", DAMAGE)
    except Refused:
        if len(data) <= 80:
            return {"frames": [], "damage": [], "truncatedTo": 0}
        damage.append(0)
    batch, at = None, 80
    while at < len(data):
        try:
            frame = read_frame(data, at, store_id)
            need(frame[1] != SEGMENT, "a second first frame", DAMAGE)
        except Refused:
            frame = None
        cut = batch is not None and (frame is None or frame[1] not in IN_BATCH or frame[2] & FIRST)
        for place in ([batch] if cut else []) + ([at] if frame is None else []):
            if not _claimed(data, store_id, number, place):
                kept = [one for one in frames if one[0] < place]
                return {"frames": kept, "damage": damage, "truncatedTo": place}
            damage.append(place)
        if cut:
            batch = None
        if frame is None:
            at = _next_intact(data, store_id, at + 1)
            continue
        frames.append(frame)
        if frame[1] in IN_BATCH:
            batch = batch if batch is not None or not frame[2] & FIRST else at
            batch = None if frame[2] & LAST else batch
        at += 56 + len(frame[6])
    if batch is not None:
        if not _claimed(data, store_id, number, batch):
            return {"frames": [one for one in frames if one[0] < batch], "damage": damage, "truncatedTo": batch}
        damage.append(batch)
    return {"frames": frames, "damage": damage, "truncatedTo": len(data)}


def _next_intact(data, store_id, at):
    while (at := data.find(b"btf1", at)) >= 0:
        try:
            read_frame(data, at, store_id)
            return at
        except Refused:
            at += 1
    return len(data)


def _claimed(data, store_id, number, place):
    """An intact mark behind the place names a durable place behind it."""
    at = _next_intact(data, store_id, place)
    while at < len(data):
        _, kind, _, _, _, _, content = read_frame(data, at, store_id)
        if kind in (GROUP, CLOSE) and (_u32(content, 0), _u32(content, 4)) > (number, place):
            return True
        at = _next_intact(data, store_id, at + 56 + len(content))
    return False


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
    need(kind not in (GROUP, CLOSE) or length == 8, "a mark of another length", DAMAGE)
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
