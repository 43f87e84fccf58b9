"""Page 07: epochs, grants and deliveries."""
from hashlib import sha256

import x_wing
from aead import ZERO_NONCE, hkdf, hmac_sha256, open_sealed
from encoding import array, binary, encode, exactly, identifier, need, optional, row, u32, u53, unsigned
from records import ext, id_set, known, one_of

epoch = row(
    ("tree", identifier), ("zone", identifier), ("number", unsigned(1, 2**32 - 1)), ("prev", id_set(0, 64)), ("suite", known(1, 2)),
    ("keyCommitment", exactly(32)), ("past", array(exactly(48), 0, 64)),
    ("inherit", optional(row(("parentEpoch", identifier), ("sealed", exactly(48))))), ("cap", optional(identifier)), ("ext", ext),
)
grant = row(
    ("tree", identifier), ("targetType", one_of(0, 1)), ("target", identifier), ("recipientType", one_of(1, 2)),
    ("recipient", identifier), ("notAfter", optional(u53)), ("cap", optional(identifier)), ("nonce", exactly(16)), ("ext", ext),
)


def _encapsulation(value):
    need(len(binary()(value)) in (32, 1120), "neither a salt nor a ciphertext")
    return value


delivery = row(
    ("grant", identifier), ("epoch", identifier), ("keyVersion", optional(u32)), ("suite", known(1, 2)),
    ("encapsulation", _encapsulation), ("wrapped", exactly(48)), ("cap", optional(identifier)), ("ext", ext),
)


def check_epoch(signer, body, raw):
    need((body["number"] == 1) == (not body["prev"]), "number 1 with prev, or a later one without")
    need(len(body["past"]) == len(body["prev"]), "as many sealed keys as prev")


def zone_key_commitment(key):
    return sha256(b"blocktree/zkc/1\0" + key).digest()


def _number(e):
    return e["number"].to_bytes(4, "big")


def _associated(e):
    return e["tree"] + e["zone"] + _number(e) + e["keyCommitment"]


def _checked(key, target):
    need(zone_key_commitment(key) == target["keyCommitment"], "not the key that the epoch commits to")
    return key


def open_past(newer, key, earlier_id, earlier):
    """The zone key of `earlier`; all epochs are bodies."""
    need(earlier_id in newer["prev"], "an epoch that is not among prev")
    sealed = newer["past"][newer["prev"].index(earlier_id)]
    once = hmac_sha256(key, b"blocktree/past/1\0" + earlier_id + b"\1")
    return _checked(open_sealed(newer["suite"], once, ZERO_NONCE, _associated(newer), sealed), earlier)


def open_inherit(inner, outer_id, outer_key):
    need(inner["inherit"] is not None and inner["inherit"]["parentEpoch"] == outer_id, "inherits from another epoch")
    info = b"blocktree/child/1\0" + inner["zone"] + _number(inner) + inner["keyCommitment"] + b"\1"
    once = hmac_sha256(outer_key, info)
    return _checked(open_sealed(inner["suite"], once, ZERO_NONCE, _associated(inner), inner["inherit"]["sealed"]), inner)


def link_recipient(secret):
    return sha256(b"blocktree/link/1\0" + secret).digest()


def open_delivery(grant_record, delivery_record, committing, kem_seed=None, link_secret=None, recipient=None):
    """The delivered key. `committing` is the record of the epoch, or of a header at (epoch, key version)."""
    from headers import key_commitment
    g, d, c = grant_record["body"], delivery_record["body"], committing["body"]
    to_link, to_block = g["recipientType"] == 2, g["targetType"] == 1
    need(d["grant"] == grant_record["id"], "a delivery of another grant")
    need(recipient is None or recipient == g["recipient"], "another recipient")
    need((link_secret is not None) == to_link and (kem_seed is not None) != to_link, "another sort of recipient")
    need((d["keyVersion"] is not None) == to_block, "a key version for a zone, or none for a block")
    need(len(d["encapsulation"]) == (32 if to_link else 1120), "an encapsulation of the other sort")
    if to_block:
        need(committing["type"] == 10 and c["block"] == g["target"], "a header of another block")
        need(c["epoch"] == d["epoch"] and c["keyVersion"] == d["keyVersion"], "a header of another epoch or key version")
    else:
        need(committing["type"] == 6 and committing["id"] == d["epoch"], "another epoch")
        need(c["zone"] == g["target"], "an epoch of another zone")
    if to_link:
        need(link_recipient(link_secret) == g["recipient"], "another link secret")
        secret, salt = link_secret, d["encapsulation"]
    else:
        secret, salt = x_wing.decapsulate(kem_seed, d["encapsulation"]), b""
    fields = ("grant", "epoch", "keyVersion", "suite", "encapsulation")
    h = sha256(g["tree"] + g["recipient"] + b"".join(encode(d[f]) for f in fields)).digest()
    once = hkdf(secret, salt, b"blocktree/seal/1\0" + h, 32)
    key = open_sealed(d["suite"], once, ZERO_NONCE, h, d["wrapped"])
    if not to_block:
        return _checked(key, c)
    need(key_commitment(key) == c["keyCommitment"], "not the key that the header commits to")
    return key
