"""Page 15: a stream of records, births and sectors of one tree."""
from hashlib import sha256

import payload
import tries
from acceptance import CHECKPOINT, HEADER, RECEIPT, Tree
from encoding import Refused, binary, decode, decode_fields, exactly, identifier, need, optional, row, text, u53, unsigned
from evaluation import Evaluation
from records import decode_record, home_zone

CODE = "ERR_BUNDLE_FORMAT"
MAX_FRAME = 2**20 + 320
START, BIRTH, RECORD, SECTOR, END = range(5)

_layouts = {
    START: row(("kind", unsigned(0, 0)), ("magic", text()), ("format", unsigned(1, 1)), ("tree", identifier)),
    BIRTH: row(("kind", unsigned(1, 1)), ("birth", binary(1, 256))),
    RECORD: row(("kind", unsigned(2, 2)), ("envelope", binary(1, 262_144)), ("inline", optional(binary(1, 4112)))),
    SECTOR: row(("kind", unsigned(3, 3)), ("hash", exactly(32)), ("bytes", binary(1, 2**20 + 64))),
    END: row(("kind", unsigned(4, 4)), ("records", u53), ("sectors", u53), ("digest", exactly(32))),
}


def read_frames(data):
    """Frames as dictionaries; refused when the stream breaks section 1."""
    try:
        return list(_frames(data))
    except Refused as error:
        raise Refused(CODE, str(error)) from error


def _frames(data):
    at, digest, counts, first, ended = 0, bytes(32), {RECORD: 0, SECTOR: 0}, True, False
    while at < len(data):
        need(not ended, "something behind the end")
        need(len(data) - at >= 4, "a frame cut short")
        length = int.from_bytes(data[at : at + 4], "big")
        need(1 <= length <= MAX_FRAME, "length of a frame")
        body = data[at + 4 : at + 4 + length]
        need(len(body) == length, "a frame cut short")
        at += 4 + length
        value = decode(body)
        need(isinstance(value, list) and value and isinstance(value[0], int) and value[0] in _layouts, "kind of a frame")
        frame = decode_fields(body, _layouts[value[0]])
        kind = frame["kind"]
        need((kind == START) == first, "the start is the first frame, and no other")
        first = False
        if kind == START:
            need(frame["magic"] == "blocktree-bundle", "no bundle")
        if kind in counts:
            counts[kind] += 1
        if kind == END:
            need((frame["records"], frame["sectors"]) == (counts[RECORD], counts[SECTOR]), "counts")
            need(frame["digest"] == digest, "digest")
            ended = True
        digest = sha256(digest + body).digest()
        yield frame
    need(ended, "no end")


def take_in(data, tree):
    """(sectors by hash, outcomes of the records in their order); the records go into `tree`."""
    sectors, outcomes, wanted = {}, [], {}
    for frame in read_frames(data):
        if frame["kind"] == START:
            need(frame["tree"] == tree.id, "another tree", "ERR_PATH_OTHER_TREE")
        elif frame["kind"] == BIRTH:
            try:
                tree.take_birth(frame["birth"])
            except Refused:
                continue
            tree.retry()
        elif frame["kind"] == RECORD:
            outcome = tree.offer(frame["envelope"])
            outcomes.append(outcome[0])
            tree.retry()
            if outcome[0] in ("accepted", "known"):
                _want(decode_record(frame["envelope"]), wanted)
                inline = frame["inline"]
                if inline is not None and sha256(inline).digest() in wanted:
                    sectors[sha256(inline).digest()] = inline
        elif frame["kind"] == SECTOR:
            if frame["hash"] not in wanted or sha256(frame["bytes"]).digest() != frame["hash"]:
                continue
            sectors[frame["hash"]] = frame["bytes"]
            tree.take_part(frame["bytes"])
            level = wanted[frame["hash"]]
            if level > 0:
                hashes = decode(frame["bytes"])[1]
                for n in range(0, len(hashes), 32):
                    wanted.setdefault(hashes[n : n + 32], level - 1)
    return sectors, outcomes


def _want(record, wanted):
    descriptor = record["body"].get("manifest" if record["type"] == CHECKPOINT else "payload")
    if record["type"] in (HEADER, CHECKPOINT) and descriptor and descriptor["rootHash"] != payload.HOLE:
        wanted[descriptor["rootHash"]] = descriptor["levels"]


def summary(tree):
    """Section 4: the digest over all that a tree holds."""
    now, zones = Evaluation(tree), []
    for zone in tree.births:
        rows, chain = [], bytes(32)
        for block, headers in now.blocks.items():
            heads = now.judge(block)["heads"] if home_zone(headers[0]["body"]["birthBytes"]) == zone else []
            if heads:
                winner = tree.held[heads[0][0]]["body"]
                ids = [{"id": one, "version": version} for one, version in sorted(heads)]
                rows.append(({"directory": winner["parent"] or bytes(32), "block": block, "heads": ids}, winner["payload"]))
        rows.sort(key=lambda row: (row[0]["directory"], row[0]["block"]))
        for row, descriptor in rows:
            if descriptor:
                chain = sha256(chain + row["block"] + descriptor["rootHash"]).digest()
        zones.append(zone + tries.heads_root([row for row, _ in rows]) + chain)
    authority = tries.id_set_root([r["id"] for r in tree.held.values() if r["type"] not in (HEADER, RECEIPT)])
    return sha256(tree.id + authority + b"".join(sorted(zones))).digest()
