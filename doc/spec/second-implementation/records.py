"""Page 05: births and the bodies of all records. `decode_record` gives a dictionary of a record's fields."""
from hashlib import sha256

import ed25519
from encoding import (
    Reader, UnknownFormat, array, ascending, binary, boolean, decode_fields, encode, exactly, identifier, need, optional, row,
    text, u8, u32, u53, unsigned,
)
from envelope import decode_envelope, record_id, sign_input

VERSION = unsigned(1, 2**40)
WRITE, CREATE, DELETE, DELEGATE, GRANT, HOST, ADMIN, KEEP = (1 << n for n in range(8))

_extensions = ascending(
    array(row(("code", u53), ("critical", boolean), ("bytes", binary())), 0, 32), lambda extension: extension["code"]
)


def extensions_of(*known_codes):
    def field(value):
        extensions = _extensions(value)
        for extension in extensions:
            if extension["critical"] and extension["code"] not in known_codes:
                raise UnknownFormat(f"critical extension {extension['code']}")
        return extensions
    return field


ext = extensions_of()


def known(*codes):
    """A code of an algorithm: another one is no fault, but of an unknown format."""
    def field(value):
        code = u8(value)
        if code not in codes:
            raise UnknownFormat(f"algorithm {code}")
        return code
    return field


def one_of(*codes):
    def field(value):
        need(u8(value) in codes, f"{value} is none of {codes}")
        return value
    return field


def id_set(least=0, most=2**32 - 1):
    return ascending(array(identifier, least, most))


cuts = ascending(array(row(("zone", identifier), ("checkpoint", identifier)), 0, 1024), lambda cut: cut["zone"])


# Births (section 6)

DIRECTORY, FILE, PACKAGE, NODE, SYMLINK = 1, 2, 3, 4, 5
_birth = row(
    ("tree", identifier), ("zone", optional(identifier)), ("parent", optional(identifier)), ("creator", identifier),
    ("kind", one_of(1, 2, 3, 4, 5)), ("flags", one_of(0, 1, 3)), ("rank", u8), ("nonce", exactly(16)),
)


def decode_birth(data):
    birth = decode_fields(data, _birth)
    flags = birth.pop("flags")
    birth |= {"zoneRoot": bool(flags & 1), "public": bool(flags & 2)}
    need(not birth["zoneRoot"] or birth["kind"] == DIRECTORY, "a zone root that is no directory")
    need((birth["zone"] is None) == (birth["parent"] is None), "zone or parent alone is nil")
    if birth["zone"] is None:
        need(birth["zoneRoot"] and birth["rank"] == 0 and birth["nonce"] == bytes(16), "no root block")
    return birth


def block_id(birth_bytes):
    return sha256(b"blocktree/id/1\0" + birth_bytes).digest()


def home_zone(birth_bytes):
    return decode_birth(birth_bytes)["zone"] or block_id(birth_bytes)


# Bodies that need no page of their own

principal = row(
    ("sigAlg", known(1)), ("signingPublicKey", exactly(32)), ("kemAlg", known(1)),
    ("encapsulationPublicKey", exactly(1216)), ("ext", ext),
)
tree = row(
    ("root", identifier), ("recovery", optional(identifier)), ("flags", one_of(0, 1)), ("nonce", exactly(16)), ("ext", ext)
)
succession = row(
    ("tree", identifier), ("generation", unsigned(1, 2**32 - 1)), ("newRoot", identifier),
    ("newRecovery", optional(identifier)), ("keepCaps", id_set(0, 1024)), ("cuts", cuts), ("prev", identifier), ("ext", ext),
)
cap = row(
    ("tree", identifier), ("rootGeneration", u32), ("parentCap", optional(identifier)), ("subject", identifier),
    ("scopeType", one_of(0, 1)), ("scopeBirth", binary(0, 256)), ("rights", u32), ("depth", u8),
    ("notBefore", optional(u53)), ("notAfter", optional(u53)),
    ("quota", optional(row(("bytes", u53), ("blocks", u53), ("recordsPerDay", u53)))), ("nonce", exactly(16)), ("ext", ext),
)
revocation = row(
    ("tree", identifier), ("target", identifier), ("by", optional(identifier)), ("cuts", cuts), ("reason", u8), ("ext", ext)
)
grant_revocation = row(("tree", identifier), ("grant", identifier), ("cap", optional(identifier)), ("ext", ext))
_manifest = row(
    ("aead", known(0, 1, 2)), ("sectorLog2", unsigned(12, 20)), ("levels", unsigned(0, 6)), ("stored", u53),
    ("rootHash", identifier), ("size", u53),
)
checkpoint = row(
    ("tree", identifier), ("zone", identifier), ("sequence", unsigned(1)), ("prev", id_set(0, 64)), ("headsRoot", exactly(32)),
    ("blocks", u53), ("graveRoot", exactly(32)), ("graves", u53), ("authorityRoot", exactly(32)), ("manifest", _manifest),
    ("timeMs", u53), ("cap", optional(identifier)), ("ext", ext),
)
receipt = row(
    ("tree", identifier), ("zone", identifier), ("records", id_set(1, 4096)), ("coverage", one_of(1, 2)),
    ("durability", one_of(0, 1, 2)), ("timeMs", u53), ("keepUntilMs", optional(u53)), ("term", optional(u53)),
    ("fence", optional(u53)), ("challenge", optional(row(("nonce", exactly(16)), ("proof", exactly(32))))),
    ("cap", optional(identifier)), ("ext", ext),
)
endpoint = row(
    ("tree", identifier), ("transportKey", exactly(32)), ("addresses", array(text(256), 0, 32)), ("notAfter", u53),
    ("sequence", u53), ("ext", ext),
)


def _principal(signer, body, raw):
    need(principal_id(raw) == signer, "the signer is not the principal")
    need(ed25519.accepts_key(body["signingPublicKey"]), "a signing key that is refused")
    del body["sigAlg"], body["kemAlg"]


def principal_id(body):
    return sha256(b"blocktree/principal/1\0" + body).digest()


def recovery_commitment(principal_identifier):
    return sha256(b"blocktree/recovery/1\0" + principal_identifier).digest()


def _tree(signer, body, raw):
    need(body["root"] == signer, "not signed by its root")
    body["insecure"] = body.pop("flags") == 1


def _cap(signer, body, raw):
    birth = decode_birth(body["scopeBirth"])
    need(birth["tree"] == body["tree"], "a scope of another tree")
    if body["scopeType"] == 0:
        need(birth["zoneRoot"], "a zone scope that is no zone root")
    else:
        need(body["rights"] & ~(WRITE | DELEGATE) == 0, "rights over a block outside write and delegate")
    if body["notBefore"] is not None and body["notAfter"] is not None:
        need(body["notBefore"] <= body["notAfter"], "an empty interval")


def _checkpoint(signer, body, raw):
    import payload
    need((body["sequence"] == 1) == (not body["prev"]), "sequence 1 with prev, or a later one without")
    need((body["graves"] == 0) == (body["graveRoot"] == bytes(32)), "graves and their root do not fit")
    manifest = body["manifest"]
    need(manifest["aead"] == 0, "a manifest that is not in clear")
    need(manifest["levels"] == payload.levels(manifest["size"], manifest["sectorLog2"]), "levels do not follow from the size")
    manifest["rootKey"] = None


def _layouts():
    import headers
    import keys
    return {
        1: (principal, _principal), 2: (tree, _tree), 3: (succession, None), 4: (cap, _cap), 5: (revocation, None),
        6: (keys.epoch, keys.check_epoch), 7: (keys.grant, None), 8: (keys.delivery, None), 9: (grant_revocation, None),
        10: (headers.body, headers.check_header), 11: (checkpoint, _checkpoint), 12: (receipt, None), 13: (endpoint, None),
    }


def decode_record(data):
    """{type, signer, id, body, signInput, signature}; the signature is not verified."""
    envelope = decode_envelope(data)
    if envelope["format"] != 1 or envelope["type"] not in (layouts := _layouts()):
        raise UnknownFormat(f"type {envelope['type']}, format {envelope['format']}")
    layout, check = layouts[envelope["type"]]
    body = decode_fields(envelope["body"], layout)
    if check:
        check(envelope["signer"], body, envelope["body"])
    return {
        "type": envelope["type"], "signer": envelope["signer"], "id": record_id(envelope), "body": body,
        "raw": envelope["body"], "signInput": sign_input(envelope), "signature": envelope["signature"],
    }


# A cap under its parent (section 7); `zones` maps the id of a zone root to its birth bytes.

def zone_chain(birth_bytes, zones):
    """From the home zone outwards; of the root block, the root zone alone."""
    chain, zone = [], home_zone(birth_bytes)
    while zone is not None:
        chain.append(zone)
        need(len(chain) <= 16, "a zone chain of more than 16", "ERR_CAP_SCOPE")
        outer = birth_bytes if zone == block_id(birth_bytes) else zones[zone]
        zone = decode_birth(outer)["zone"]
    return chain


def check_under_parent(child_record, parent_record, zones):
    child, parent = child_record["body"], parent_record["body"]
    need(child["parentCap"] == parent_record["id"], "another cap above it", "ERR_CAP_ISSUER")
    need(child_record["signer"] == parent["subject"], "not signed by the subject of its parent", "ERR_CAP_ISSUER")
    need(parent["rights"] & DELEGATE, "the parent may not delegate", "ERR_CAP_ISSUER")
    need(all(child[f] == parent[f] for f in ("tree", "rootGeneration")), "another tree or generation", "ERR_CAP_ISSUER")
    need(child["rights"] & ~parent["rights"] == 0, "a right that the parent lacks", "ERR_CAP_WIDER")
    need(child["depth"] < parent["depth"], "depth", "ERR_CAP_WIDER")
    for field, wider in (("notBefore", lambda c, p: c < p), ("notAfter", lambda c, p: c > p)):
        if parent[field] is not None:
            need(child[field] is not None and not wider(child[field], parent[field]), f"{field} is wider", "ERR_CAP_WIDER")
    if parent["quota"] is not None:
        need(child["quota"] is not None, "no quota under a quota", "ERR_CAP_WIDER")
        need(all(child["quota"][k] <= parent["quota"][k] for k in parent["quota"]), "a wider quota", "ERR_CAP_WIDER")
    scope = block_id(parent["scopeBirth"])
    if (child["scopeType"], block_id(child["scopeBirth"])) != (parent["scopeType"], scope):
        need(parent["scopeType"] == 0, "another scope under a block", "ERR_CAP_SCOPE")
        own = [block_id(child["scopeBirth"])] if child["scopeType"] == 0 else []
        need(scope in own + zone_chain(child["scopeBirth"], zones), "a scope outside", "ERR_CAP_SCOPE")


# Manifests (section 9)

manifest_row = row(
    ("directory", exactly(32)), ("block", identifier),
    ("heads", ascending(array(row(("id", identifier), ("version", VERSION)), 0, 64), lambda head: head["id"])),
)


def decode_manifest(data):
    reader, rows = Reader(data), []
    while not reader.done():
        rows.append(manifest_row(reader.value()))
    order = [(r["directory"], r["block"]) for r in rows]
    need(order == sorted(set(order)), "rows out of order")
    need(all(r["heads"] or r["directory"] == bytes(32) for r in rows), "a grave in a directory")
    need(len({r["block"] for r in rows}) == len(rows), "a block in two rows")
    return rows


def encode_manifest_row(fields):
    heads = [[head["id"], head["version"]] for head in fields["heads"]]
    return encode([fields["directory"], fields["block"], heads])
