"""Page 08, sections 1 to 4: what a node does with a record that is offered, as `Tree.offer`."""
from functools import lru_cache
from hashlib import sha256

import ed25519
import payload
from encoding import Refused, UnknownFormat
from envelope import decode_envelope, record_id
from records import (
    ADMIN, CREATE, DELETE, GRANT, HOST, KEEP, WRITE, block_id, check_under_parent, decode_birth, decode_manifest,
    decode_record, home_zone, recovery_commitment,
)

(PRINCIPAL, TREE, SUCCESSION, CAP, REVOCATION, EPOCH, GRANT_RECORD, DELIVERY, GRANT_REVOCATION, HEADER, CHECKPOINT, RECEIPT,
 ENDPOINT) = range(1, 14)


# What was worked out once holds for ever; a refusal is not kept.
_verify = lru_cache(maxsize=None)(ed25519.verify)
_decode = lru_cache(maxsize=None)(decode_record)


class Parked(Exception):
    """Something that the record names is not held, or this release cannot judge it: then there is a code."""

    code = None


def must(condition, code, reason):
    if not condition:
        raise Refused(code, reason)


def wait(condition, reason):
    if not condition:
        raise Parked(reason)


class Births(dict):
    """Births of zone roots by zone. One that came by itself waits, and is held once a record that needs it is accepted."""

    def __init__(self):
        super().__init__()
        self.waiting, self.lent = {}, set()

    def __contains__(self, zone):
        return super().__contains__(zone) or zone in self.waiting

    def __missing__(self, zone):
        self.lent.add(zone)
        return self.waiting[zone]

    def settle(self, accepted):
        if accepted:
            self.update({zone: self.waiting.pop(zone) for zone in self.lent if zone in self.waiting})
        self.lent.clear()


class Tree:
    """The records of one tree that a node holds, and the parts of manifests."""

    def __init__(self, tree_id):
        self.id = tree_id
        self.held = {}
        self.keys = {}
        self.births = Births()
        self.parts = {}
        self.parked = []

    # What arrives

    def offer(self, data):
        """(outcome, code or None): accepted, known, parked or refused."""
        outcome = self._judge(data)
        if outcome[0] == "parked" and data not in self.parked:
            self.parked.append(data)
        return outcome

    def retry(self):
        """Offers what is parked again until nothing changes: [(bytes, outcome, code)]."""
        settled, changed = [], True
        while changed:
            changed = False
            for data in list(self.parked):
                outcome, code = self._judge(data)
                if outcome != "parked":
                    self.parked.remove(data)
                    settled.append((data, outcome, code))
                    changed = True
        return settled

    def take_birth(self, data):
        """A birth of a zone root that travels by itself."""
        birth = decode_birth(data)
        must(birth["tree"] == self.id, "ERR_TREE_FOREIGN", "a birth of another tree")
        must(birth["zoneRoot"], "ERR_BIRTH_ZONE", "no zone root")
        self.births.waiting[block_id(data)] = data

    def take_part(self, data):
        self.parts[sha256(data).digest()] = data

    def _judge(self, data):
        try:
            envelope = decode_envelope(data)
            identifier = record_id(envelope)
            if identifier in self.held:
                return "known", None
            record = _decode(data)
        except UnknownFormat as error:
            return "parked", error.code
        except Refused:
            return "refused", "ERR_RECORD_FIELD"
        self.births.settle(False)
        try:
            self._check(record)
        except Parked as error:
            return "parked", error.code
        except Refused as error:
            return "refused", error.code
        self.births.settle(True)
        self._keep(record)
        return "accepted", None

    def _keep(self, record):
        self.held[record["id"]] = record
        body = record["body"]
        if record["type"] == PRINCIPAL:
            self.keys[record["signer"]] = body["signingPublicKey"]
        elif record["type"] == CAP and body["scopeType"] == 0:
            self.births[block_id(body["scopeBirth"])] = body["scopeBirth"]
        elif record["type"] == HEADER and body["birth"]["zoneRoot"]:
            self.births[body["block"]] = body["birthBytes"]

    # Static checks (section 3)

    def _check(self, record):
        kind, body = record["type"], record["body"]
        self._check_tree_of(record)
        if kind == PRINCIPAL:
            key = body["signingPublicKey"]
        else:
            key = self.keys.get(record["signer"])
            wait(key is not None, "the principal of the signer")
            CHECKS[kind](self, record, body)
        must(_verify(key, record["signInput"], record["signature"]), "ERR_RECORD_SIGNATURE", "signature")

    def _check_tree_of(self, record):
        body = record["body"]
        if record["type"] in (PRINCIPAL, DELIVERY):
            return
        if record["type"] == TREE:
            tree = record["id"]
        else:
            self._tree_record()
            tree = body["birth" if record["type"] == HEADER else "tree"]
            tree = tree["tree"] if record["type"] == HEADER else tree
        must(tree == self.id, "ERR_TREE_FOREIGN", "a record of another tree")

    def of(self, identifier, *types):
        """A held record of one of these types; parks when there is none."""
        record = self.held.get(identifier)
        wait(record is not None and record["type"] in types, "a record that is named")
        return record

    def _tree_record(self):
        return self.of(self.id, TREE)

    def _succession(self, record, body):
        before = self.of(body["prev"], TREE, SUCCESSION)
        generation = before["body"].get("generation", 0)
        must(body["generation"] == generation + 1, "ERR_SUCCESSION_SIGNER", "generation")
        committed = before["body"]["recovery" if before["type"] == TREE else "newRecovery"]
        must(committed == recovery_commitment(record["signer"]), "ERR_SUCCESSION_SIGNER", "not the recovery principal")

    def _cap(self, record, body):
        self.chain_above(record)

    def _revocation(self, record, body):
        target = self.of(body["target"], CAP)
        if body["by"] is None:
            wait(self.roots_of(record["signer"]), "a succession that makes the signer a root")
            return
        above = self.chain(target["id"])[1:]
        by = next((cap for cap in above if cap["id"] == body["by"]), None)
        must(by is not None, "ERR_REVOCATION_SIGNER", "`by` is no link above the target")
        must(by["body"]["subject"] == record["signer"], "ERR_REVOCATION_SIGNER", "not signed by the subject of `by`")

    def _epoch(self, record, body):
        self.zone_chain_of_zone(body["zone"])
        before = [self.of(one, EPOCH)["body"] for one in body["prev"]]
        must(all(one["zone"] == body["zone"] for one in before), "ERR_RECORD_FIELD", "an epoch of another zone")
        must(not before or body["number"] == 1 + max(one["number"] for one in before), "ERR_RECORD_FIELD", "number")
        self.require(record, body["zone"], GRANT)

    def _grant(self, record, body):
        self.require(record, self._zone_of_target(body), GRANT)

    def _zone_of_target(self, grant):
        if grant["targetType"] == 0:
            return grant["target"]
        header = next((r for r in self.held.values() if r["type"] == HEADER and r["body"]["block"] == grant["target"]), None)
        wait(header is not None, "a header of the block")
        return home_zone(header["body"]["birthBytes"])

    def _delivery(self, record, body):
        grant = self.of(body["grant"], GRANT_RECORD)["body"]
        epoch = self.of(body["epoch"], EPOCH)["body"]
        to_block = grant["targetType"] == 1
        must((body["keyVersion"] is not None) == to_block, "ERR_RECORD_FIELD", "key version")
        block = grant["target"] if to_block else None
        zone = self._zone_of_target(grant)
        must(epoch["zone"] == zone, "ERR_RECORD_FIELD", "a key of another zone")
        self.require(record, zone, *((GRANT, WRITE) if to_block else (GRANT,)), block=block)

    def _grant_revocation(self, record, body):
        grant = self.of(body["grant"], GRANT_RECORD)
        if grant["signer"] != record["signer"]:
            self.require(record, self._zone_of_target(grant["body"]), GRANT)

    def _header(self, record, body):
        birth, home = body["birth"], home_zone(body["birthBytes"])
        if birth["zone"] is None:
            must(birth["creator"] == self._tree_record()["body"]["root"], "ERR_HEADER_CREATOR", "another root block")
            zones = [home]
            home_birth = birth
        else:
            zones = self.zone_chain_of_zone(home)
            home_birth = decode_birth(self.births[home])
        must((body["epoch"] is None) == home_birth["public"], "ERR_HEADER_FIELD", "an epoch in a public zone, or none in a private one")
        if birth["zone"] is not None and body["epoch"] is not None:
            epoch = self.of(body["epoch"], EPOCH)
            must(epoch["body"]["zone"] == home, "ERR_HEADER_FIELD", "an epoch of another zone")
        chain = [] if body["cap"] is None else self.chain(body["cap"])
        if body["version"] == 1:
            must(record["signer"] == birth["creator"], "ERR_HEADER_CREATOR", "not signed by its creator")
            must(birth["rank"] == len(chain), "ERR_HEADER_CREATOR", "rank")
        self._authorised(record, zones, body["block"], [needed_right(body)])

    def _checkpoint(self, record, body):
        self.require(record, body["zone"], ADMIN)

    def _receipt(self, record, body):
        self.require(record, body["zone"], HOST, KEEP)

    # Chains and what they cover (section 4)

    def zone_chain_of_zone(self, zone):
        """The zone and those around it, up to the root block."""
        chain, root = [], self._tree_record()["body"]["root"]
        while zone is not None:
            wait(zone in self.births, "the birth of a zone")
            birth = decode_birth(self.births[zone])
            must(birth["zoneRoot"], "ERR_BIRTH_ZONE", "no zone root")
            chain.append(zone)
            must(len(chain) <= 16, "ERR_CAP_SCOPE", "a zone chain of more than 16")
            must(birth["zone"] is not None or birth["creator"] == root, "ERR_HEADER_CREATOR", "another root block")
            zone = birth["zone"]
        return chain

    def roots_of(self, principal):
        """The records that make this principal a root: the tree record, successions of any generation."""
        tree = self._tree_record()
        made = [tree] if tree["body"]["root"] == principal else []
        return made + [r for r in self.held.values() if r["type"] == SUCCESSION and r["body"]["newRoot"] == principal]

    def chain(self, leaf_id):
        """A held cap and the caps above it, leaf first."""
        leaf = self.of(leaf_id, CAP)
        return [leaf, *self.chain_above(leaf)]

    def chain_above(self, cap):
        """The caps above this one; refused when a link does not hold."""
        body = cap["body"]
        birth = body["scopeBirth"]
        decoded = decode_birth(birth)
        if decoded["zone"] is None:
            must(decoded["creator"] == self._tree_record()["body"]["root"], "ERR_HEADER_CREATOR", "another root block")
        else:
            self.zone_chain_of_zone(decoded["zone"])
        if body["parentCap"] is None:
            self._check_top(cap)
            return []
        parent = self.of(body["parentCap"], CAP)
        above = [parent, *self.chain_above(parent)]
        must(len(above) < 8, "ERR_CAP_CHAIN", "more than 8 links")
        check_under_parent(cap, parent, self.births)
        return above

    def _check_top(self, cap):
        generation = cap["body"]["rootGeneration"]
        if generation == 0:
            must(cap["signer"] == self._tree_record()["body"]["root"], "ERR_CAP_ISSUER", "not issued by the root")
            return
        made = [r for r in self.roots_of(cap["signer"]) if r["type"] == SUCCESSION and r["body"]["generation"] == generation]
        wait(made, "a succession that makes the issuer a root")

    def require(self, record, zone, *rights, block=None):
        """One of these rights over the zone (or the block), by the cap of the record or as root."""
        self._authorised(record, self.zone_chain_of_zone(zone), block, list(rights))

    def _authorised(self, record, zones, block, rights):
        """One of `rights` (each a mask of which all bits are needed)."""
        body = record["body"]
        if body["cap"] is None:
            wait(self.roots_of(record["signer"]), "a succession that makes the signer a root")
            return
        leaf = self.chain(body["cap"])[0]["body"]
        must(leaf["subject"] == record["signer"], "ERR_CAP_ISSUER", "not the subject of the cap")
        scope = block_id(leaf["scopeBirth"])
        inside = scope in zones if leaf["scopeType"] == 0 else scope == block
        code = "ERR_HEADER_RIGHT" if record["type"] == HEADER else "ERR_CAP_RIGHTS"
        must(inside, code, "outside the scope")
        must(any(leaf["rights"] & mask == mask for mask in rights), code, "a right that the cap lacks")

    # Manifests (page 05, section 9)

    def manifest(self, checkpoint):
        """The rows, or None when a part is not held or the rows are malformed."""
        descriptor = checkpoint["body"]["manifest"]
        try:
            pieces = payload.read_payload(descriptor, descriptor["size"], None, self.parts)
            return decode_manifest(b"".join(bytes(piece) for piece in pieces))
        except Refused:
            return None


def needed_right(header):
    """Of a header: a mask of which all bits are needed."""
    birth = header["birth"]
    if birth["zoneRoot"]:
        return ADMIN
    deleting = DELETE if header["state"] == 1 else 0
    return CREATE | deleting if header["version"] == 1 else deleting or WRITE


CHECKS = {
    TREE: lambda tree, record, body: None,
    SUCCESSION: Tree._succession,
    CAP: Tree._cap,
    REVOCATION: Tree._revocation,
    EPOCH: Tree._epoch,
    GRANT_RECORD: Tree._grant,
    DELIVERY: Tree._delivery,
    GRANT_REVOCATION: Tree._grant_revocation,
    HEADER: Tree._header,
    CHECKPOINT: Tree._checkpoint,
    RECEIPT: Tree._receipt,
    ENDPOINT: lambda tree, record, body: None,
}
