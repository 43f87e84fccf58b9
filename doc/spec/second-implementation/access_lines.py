"""Page 14: requests for access, answers to them, and links, as lines of text."""
import base64
from hashlib import sha256

import ed25519
import headers
import keys
import x_wing
from acceptance import CAP, DELIVERY, EPOCH, GRANT_RECORD, GRANT_REVOCATION, HEADER, PRINCIPAL, Parked, Tree
from aead import ZERO_NONCE, hkdf, open_sealed
from encoding import (
    Refused, array, binary, boolean, decode_fields, exactly, identifier, need, optional, row, text, u32, u53, unsigned,
)
from evaluation import Evaluation
from records import block_id, decode_birth, decode_record, home_zone

CODE = "ERR_ACCESS_LINE"
REQUEST, ANSWER, LINK = "blocktree-request:", "blocktree-access:", "blocktree-link:"
MOST = {REQUEST: 8 * 1024, ANSWER: 3 * 1024 * 1024, LINK: 69}
DOMAIN = {REQUEST: b"blocktree/request/1\0", ANSWER: b"blocktree/access/1\0"}
WHITE = " \t\r\n\v\f"

_signed = row(("body", binary()), ("signature", exactly(64)))
_request = row(
    ("format", unsigned(1, 1)), ("principal", binary()), ("name", text(255)), ("path", text(4096)), ("read", boolean),
    ("rights", u32), ("note", text(2000)), ("timeMs", u53), ("nonce", exactly(16)),
)
_answer = row(
    ("format", unsigned(1, 1)), ("request", identifier), ("tree", identifier), ("target", identifier), ("path", text(4096)),
    ("read", boolean), ("rights", u32), ("approver", binary()), ("births", array(binary(0, 256))),
    ("records", array(binary(), 0, 20_000)),
)


def refusing(read):
    """Every refusal of a line has the one code."""
    def reader(*arguments, **named):
        try:
            return read(*arguments, **named)
        except (Refused, Parked) as error:
            raise Refused(CODE, str(error)) from error
    return reader


def _bytes_of(line, prefix):
    line = line.strip(WHITE)
    need(line.startswith(prefix), "another prefix")
    coded = line[len(prefix) :]
    need(len(coded) <= (MOST[prefix] * 4 + 2) // 3, "too long")
    need(all(c.isascii() and (c.isalnum() or c in "-_") for c in coded) and len(coded) % 4 != 1, "not base64url")
    data = base64.urlsafe_b64decode(coded + "=" * (-len(coded) % 4))
    need(base64.urlsafe_b64encode(data).decode().rstrip("=") == coded, "left-over bits")
    return data


def _signed_body(line, prefix, layout, signer_field):
    signed = decode_fields(_bytes_of(line, prefix), _signed)
    body = decode_fields(signed["body"], layout)
    principal = decode_record(body[signer_field])
    need(principal["type"] == PRINCIPAL, "no principal record")
    key = principal["body"]["signingPublicKey"]
    need(ed25519.verify(key, principal["signInput"], principal["signature"]), "principal record: signature")
    need(ed25519.verify(key, DOMAIN[prefix] + signed["body"], signed["signature"]), "signature")
    body["id"] = sha256(DOMAIN[prefix] + signed["body"]).digest()
    body["signer"] = principal["signer"]
    return body


@refusing
def read_request(line):
    return _signed_body(line, REQUEST, _request, "principal")


@refusing
def read_answer(line):
    return _signed_body(line, ANSWER, _answer, "approver")


@refusing
def read_link(line):
    data = _bytes_of(line, LINK)
    need(len(data) == 69 and data[0] == 1, "length or version")
    need(sha256(data[:65]).digest()[:4] == data[65:], "checksum")
    return {"tree": data[1:33], "secret": data[33:65], "recipient": keys.link_recipient(data[33:65])}


@refusing
def judge_answer(answer, recipient, kem_seed, now=0):
    """Section 4: what the recipient has to find in an answer; the key that it gives, None in a public zone or without read."""
    tree = Tree(answer["tree"])
    for birth in answer["births"]:
        tree.take_birth(birth)
    for envelope in answer["records"]:
        outcome, _ = tree.offer(envelope)
        need(outcome == "accepted", f"a record is {outcome}")
        need(decode_record(envelope)["type"] <= HEADER, "a checkpoint, receipt or endpoint")
    need(answer["read"] or answer["rights"], "neither read nor rights")
    if answer["rights"]:
        caps = [cap for cap in _held(tree, CAP) if cap["body"]["subject"] == recipient and _is_unhit(tree, cap["id"], recipient)]
        need(any(_covers(tree, cap, answer) and _is_current(cap["body"], now) for cap in caps), "no cap")
    return _granted_key(tree, answer, recipient, kem_seed, now) if answer["read"] else None


def _is_unhit(tree, cap, signer):
    return not Evaluation(tree).governing({"signer": signer, "body": {"cap": cap}})


def _is_current(cap, now):
    return (cap["notBefore"] is None or cap["notBefore"] <= now) and (cap["notAfter"] is None or now <= cap["notAfter"])


def _held(tree, kind):
    return [record for record in tree.held.values() if record["type"] == kind]


def _target(tree, target):
    """The zones that the target lies in, itself the first when it is one; and whether it is a block."""
    header = next((h for h in _held(tree, HEADER) if h["body"]["block"] == target and not h["body"]["birth"]["zoneRoot"]), None)
    if header is None:
        return tree.zone_chain_of_zone(target), False
    return tree.zone_chain_of_zone(home_zone(header["body"]["birthBytes"])), True


def _covers(tree, cap, answer):
    body = cap["body"]
    zones, is_block = _target(tree, answer["target"])
    scope = block_id(body["scopeBirth"])
    inside = scope in zones if body["scopeType"] == 0 else is_block and scope == answer["target"]
    return cap["signer"] == answer["signer"] and inside and answer["rights"] & ~body["rights"] == 0


def _granted_key(tree, answer, recipient, kem_seed, now):
    revoked = {r["body"]["grant"] for r in _held(tree, GRANT_REVOCATION)}
    zones, is_block = _target(tree, answer["target"])
    for grant in _held(tree, GRANT_RECORD):
        body = grant["body"]
        unhit = _is_unhit(tree, body["cap"], grant["signer"])
        live = unhit and grant["id"] not in revoked and (body["notAfter"] is None or now <= body["notAfter"])
        fits = (body["targetType"] == 1) == is_block and body["target"] == answer["target"] and body["recipientType"] == 1
        if not live or not fits or body["recipient"] != recipient or grant["signer"] != answer["signer"]:
            continue
        if decode_birth(tree.births[zones[0]])["public"]:
            return None
        for delivery in _held(tree, DELIVERY):
            for committing in _held(tree, HEADER if is_block else EPOCH):
                try:
                    return keys.open_delivery(grant, delivery, committing, kem_seed=kem_seed, recipient=recipient)
                except Refused:
                    continue
    raise Refused(CODE, "no grant with a delivery that opens")


def open_link_secret(grant, issuer_seed):
    """Section 6: the secret that a link grant carries for its issuer."""
    body = grant["body"]
    extension = next((e["bytes"] for e in body["ext"] if e["code"] == 1), None)
    need(extension is not None and len(extension) == 1168, "no secret", CODE)
    binding = sha256(body["tree"] + body["target"] + body["recipient"] + grant["signer"]).digest()
    shared = x_wing.decapsulate(issuer_seed, extension[:1120])
    key = hkdf(shared, b"", b"blocktree/link-secret/1\0" + binding, 32)
    secret = open_sealed(1, key, ZERO_NONCE, binding, extension[1120:])
    need(keys.link_recipient(secret) == body["recipient"], "another secret", CODE)
    return secret
