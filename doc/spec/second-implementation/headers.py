"""Page 06, sections 1 to 3: headers, block keys, the private part."""
from hashlib import sha256

import payload as shape
from aead import hmac_sha256, open_sealed
from encoding import array, ascending, binary, decode_fields, exactly, identifier, need, optional, row, text, then, u32, u53, unsigned
from records import DIRECTORY, VERSION, block_id, decode_birth, ext, extensions_of, id_set, known, one_of

body = row(("publicBytes", binary()), ("sealed", binary(0, 12 + 7168 + 16)))
_payload = row(
    ("aead", known(0, 1, 2)), ("sectorLog2", unsigned(12, 20)), ("levels", unsigned(0, 6)), ("stored", u53), ("rootHash", identifier)
)


def _with_birth(birth_bytes):
    decode_birth(birth_bytes)
    return birth_bytes


_public = row(
    ("birthBytes", then(binary(0, 256), _with_birth)), ("version", VERSION), ("prev", id_set(0, 8)), ("state", one_of(0, 1)),
    ("parent", optional(identifier)), ("epoch", optional(identifier)), ("keyVersion", u32), ("keyCommitment", optional(exactly(32))),
    ("payload", optional(_payload)), ("cap", optional(identifier)), ("ext", ext),
)


def decode_public(data):
    h = decode_fields(data, _public)
    h["birth"] = birth = decode_birth(h["birthBytes"])
    h["block"] = block_id(h["birthBytes"])
    is_root = birth["parent"] is None
    need((h["version"] == 1) == (not h["prev"]), "version 1 with prev, or a later one without")
    need(h["version"] != 1 or h["parent"] == birth["parent"], "version 1 with another parent")
    need((h["parent"] is None) == is_root, "parent nil in another block, or present in the root block")
    need(not (is_root and h["state"] == 1), "a deleted root block")
    need((h["epoch"] is None) == (h["keyCommitment"] is None), "epoch without commitment, or the reverse")
    need(h["epoch"] is not None or h["keyVersion"] == 0, "a key version without an epoch")
    if h["payload"] is not None:
        need(birth["kind"] != DIRECTORY and h["state"] == 0, "a payload on a directory or a deleted block")
        need((h["payload"]["aead"] == 0) == (h["epoch"] is None), "aead 0 with an epoch, or another without")
    return h


def check_header(signer, fields, raw):
    fields |= decode_public(fields["publicBytes"])


def block_key(zone_key, block, key_version):
    return hmac_sha256(zone_key, b"blocktree/blk/1\0" + block + key_version.to_bytes(4, "big") + b"\1")


def key_commitment(key):
    return sha256(b"blocktree/kc/1\0" + key).digest()


_metadata = row(
    ("modifiedMs", optional(u53)), ("mode", optional(unsigned(0, 0o7777))), ("mediaType", optional(text(255))),
    ("attributes", ascending(array(row((0, text(255)), (1, binary())), 0, 64), lambda attribute: attribute[0].encode())),
)
_private = row(
    ("name", text(4096)), ("metadata", _metadata), ("size", u53), ("rootKey", optional(exactly(32))), ("pad", binary(0, 63)),
    ("ext", extensions_of(1, 2)),
)


def open_private(public_bytes, sealed, key):
    header = decode_public(public_bytes)
    plaintext = sealed
    if header["epoch"] is not None:
        need(key is not None and key_commitment(key) == header["keyCommitment"], "a key that the header does not commit to")
        need(len(sealed) >= 28, "shorter than nonce and tag")
        plaintext = open_sealed(2, key, sealed[:12], b"blocktree/hdr/1\0" + public_bytes, sealed[12:])
    need(len(plaintext) % 64 == 0 and len(plaintext) <= 7168, "length of the plaintext")
    private = decode_fields(plaintext, _private)
    need(private["pad"] == bytes(len(private.pop("pad"))), "padding that is not zero")
    if header["payload"] is None:
        need(private["size"] == 0 and private["rootKey"] is None, "a size or root key without a payload")
    else:
        need((private["rootKey"] is None) == (header["payload"]["aead"] == 0), "root key and AEAD")
        need(header["payload"]["levels"] == shape.levels(private["size"], header["payload"]["sectorLog2"]), "levels")
    return private
