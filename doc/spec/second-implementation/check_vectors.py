#!/usr/bin/env python3
"""Runs this implementation over `../vectors/*.json`, or the files named. Exit status 1 when a case fails."""
import json
import sys
import zlib
from pathlib import Path

sys.dont_write_bytecode = True

import acceptance
import access_lines
import aead
import app_interface
import apps
import archive
import argon2id
import bundles
import cluster
import coordinator
import directory_view
import ed25519
import evaluation
import headers
import key_backup
import key_file
import keys
import payload
import records
import rpc
import sandbox_frames
import segments
import sync
import tries
import x_wing
from encoding import Refused, UnknownFormat, decode, encode, identifier_text, parse_identifier
from envelope import decode_envelope, encode_envelope, record_id, sign_input

H = bytes.fromhex


def same(actual, expected, what):
    if actual != expected:
        raise AssertionError(f"{what}: {short(actual)} is not {short(expected)}")


def short(value):
    written = value.hex() if isinstance(value, bytes) else repr(value)
    return written if len(written) < 120 else f"{written[:100]}... ({len(written)})"


def refused(case, run, exact=False):
    """`exact`: the page names the codes. Elsewhere only parked and refused are told apart."""
    try:
        result = run()
    except Refused as error:
        if exact:
            same(error.code, case["error"], "code")
        same(isinstance(error, UnknownFormat), case["error"] == "ERR_RECORD_UNKNOWN_FORMAT", "unknown format")
        return
    raise AssertionError(f"accepted: {short(result)}")


def plain(value):
    """As the vectors write it: bytes as hexadecimal, numbered fields as an array."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, list):
        return [plain(element) for element in value]
    if isinstance(value, dict):
        return list(map(plain, value.values())) if 0 in value else {k: plain(v) for k, v in value.items()}
    return value


# encoding.json

def _value(written):
    if isinstance(written, list):
        return [_value(element) for element in written]
    if not isinstance(written, dict):
        return written
    if "bin" in written:
        return H(written["bin"])
    count = written["count"]
    return {"text": "a" * count, "byte": bytes(count), "nil": [None] * count}[written["repeat"]]


def encoding_accept(case):
    value = _value(case["value"])
    data = encode(value)
    if "head" in case:
        same((data[: len(case["head"]) // 2].hex(), len(data)), (case["head"], case["length"]), "head")
    else:
        same(data.hex(), case["bytes"], "bytes")
    same(decode(data), value, "value")


def encoding_identifier(case):
    same(identifier_text(H(case["id"])), case["text"], "text")
    same(parse_identifier(case["text"]), H(case["id"]), "id")


# envelope.json

def envelope_accept(case):
    fields = decode_envelope(H(case["bytes"]))
    for name in ("type", "format", "signer", "body", "signature"):
        same(plain(fields[name]), case[name], name)
    same(encode_envelope(fields).hex(), case["bytes"], "bytes")
    same(sign_input(fields).hex(), case["signInput"], "signInput")
    same(record_id(fields).hex(), case["recordId"], "recordId")


def _refused_envelope(case):
    return decode_envelope(H(case["bytes"]) if "bytes" in case else bytes(case["length"]))


# cryptography.json

def crypto_hkdf(case):
    same(aead.hkdf(H(case["secret"]), H(case["salt"]), H(case["info"]), case["length"]).hex(), case["output"], "output")


def crypto_aead(case):
    key, nonce, associated = H(case["key"]), H(case["nonce"]), H(case["associated"])
    same(aead.seal(case["code"], key, nonce, associated, H(case["plaintext"])).hex(), case["sealed"], "sealed")
    same(aead.open_sealed(case["code"], key, nonce, associated, H(case["sealed"])).hex(), case["plaintext"], "plaintext")


def crypto_aead_refuse(case):
    return aead.open_sealed(case["code"], H(case["key"]), H(case["nonce"]), H(case["associated"]), H(case["sealed"]))


def crypto_signing(case):
    same(ed25519.public_key(H(case["seed"])).hex(), case["publicKey"], "publicKey")
    same(ed25519.sign(H(case["seed"]), H(case["message"])).hex(), case["signature"], "signature")
    same(ed25519.verify(H(case["publicKey"]), H(case["message"]), H(case["signature"])), True, "accepted")


def crypto_rule(case):
    public = H(case["publicKey"])
    same(ed25519.accepts_key(public), case["keyAccepted"], "keyAccepted")
    same(ed25519.verify(public, H(case["message"]), H(case["signature"])), case["accepted"], "accepted")


def crypto_x_wing(case):
    seed, ciphertext = H(case["seed"]), H(case["ciphertext"])
    same(x_wing.public_key(seed).hex(), case["publicKey"], "publicKey")
    shared, made = x_wing.encapsulate(H(case["publicKey"]), H(case["randomness"]))
    same((shared.hex(), made.hex()), (case["sharedSecret"], case["ciphertext"]), "encapsulation")
    same(x_wing.decapsulate(seed, ciphertext).hex(), case["sharedSecret"], "sharedSecret")
    changed = bytes([ciphertext[0] ^ 1]) + ciphertext[1:]
    same(x_wing.decapsulate(seed, changed).hex(), case["changedSecret"], "changedSecret")


def crypto_x_wing_key(case):
    same(x_wing.accepts_public_key(H(case["publicKey"])), case["accepted"], "accepted")


def crypto_x_wing_opens(case):
    same(x_wing.decapsulate(H(case["seed"]), H(case["ciphertext"])).hex(), case["sharedSecret"], "sharedSecret")


def crypto_argon2id(case):
    cost = case["memoryKib"], case["passes"], case["parallelism"]
    output = argon2id.argon2id(H(case["password"]), H(case["salt"]), *cost, len(case["output"]) // 2)
    same(output.hex(), case["output"], "output")


# key-files.json

def _open_key_file(case):
    return key_file.open_key_file(H(case["file"]), H(case["password"]) if "password" in case else None)


def key_file_accept(case):
    same([seed.hex() for seed in _open_key_file(case)], [case["signSeed"], case["kemSeed"]], "seeds")


# records.json

def records_principal(case):
    same(ed25519.public_key(H(case["signSeed"])).hex(), case["signingPublicKey"], "signingPublicKey")
    public = x_wing.public_key(H(case["kemSeed"]))
    body = encode([1, H(case["signingPublicKey"]), 1, public, []])
    same(body.hex(), case["body"], "body")
    same(records.principal_id(body).hex(), case["id"], "id")
    envelope = {"type": 1, "format": 1, "signer": H(case["id"]), "body": body}
    same(record_id(envelope).hex(), case["recordId"], "recordId")


def records_birth(case):
    data = H(case["bytes"])
    same(plain(records.decode_birth(data)), case["fields"], "fields")
    same(records.block_id(data).hex(), case["id"], "id")


def records_record(case):
    record = records.decode_record(H(case["bytes"]))
    same(record["type"], case["type"], "type")
    same(record["id"].hex(), case["id"], "id")
    same(record["signer"].hex(), case["signer"], "signer")
    same(encode(decode(record["raw"])), record["raw"], "encoded again")
    same(ed25519.verify(H(case["publicKey"]), record["signInput"], record["signature"]), True, "signature")
    if "body" in case:
        same(plain(record["body"]), case["body"], "body")


def records_trie(case):
    rows = [(H(key), H(value)) for key, value in case["rows"]]
    root = tries.root(rows)
    same(root.hex(), case["root"], "root")
    for proof in case["proofs"]:
        value = tries.check_proof(root, *_proof(proof))
        same(plain(value), proof["value"], "value")


def _proof(proof):
    steps = [(step["bitmap"], [H(one) for one in step["siblings"]]) for step in proof["steps"]]
    leaf = proof["leaf"] and (H(proof["leaf"]["key"]), H(proof["leaf"]["value"]))
    return H(proof["key"]), steps, leaf


def records_manifest(case):
    data = H(case["bytes"])
    rows = records.decode_manifest(data)
    same(plain(rows), case["rows"], "rows")
    same(b"".join(map(records.encode_manifest_row, rows)), data, "bytes")
    same(tries.heads_root(rows).hex(), case["headsRoot"], "headsRoot")


def _decode_record(case):
    return records.decode_record(H(case["bytes"]) if "bytes" in case else zlib.decompress(H(case["zlib"])))


def _under_parent(case):
    child, parent = (records.decode_record(H(case[name])) for name in ("child", "parent"))
    zones = {records.block_id(H(birth)): H(birth) for birth in case["zones"]}
    return records.check_under_parent(child, parent, zones)


# payload.json

def payload_block_key(case):
    key = headers.block_key(H(case["zoneKey"]), H(case["block"]), case["keyVersion"])
    same(key.hex(), case["key"], "key")
    same(headers.key_commitment(key).hex(), case["commitment"], "commitment")


def _key(case):
    return case["blockKey"] and H(case["blockKey"])


def payload_header(case):
    record = records.decode_record(H(case["bytes"]))
    for name in ("block", "publicBytes", "sealed"):
        same(record["body"][name].hex(), case[name], name)
    private = headers.open_private(record["body"]["publicBytes"], record["body"]["sealed"], _key(case))
    same(plain(private), case["private"], "private")


def payload_refuse_header(case):
    return headers.open_private(H(case["publicBytes"]), H(case["sealed"]), _key(case))


def _private_part(case):
    return headers.open_private(H(case["publicBytes"]), H(case["plaintext"]), None)


def _read(case):
    descriptor = {**case["payload"], "rootHash": H(case["payload"]["rootHash"])}
    parts = {H(digest): H(stored) for digest, stored in case["parts"].items()}
    root_key = case["rootKey"] and H(case["rootKey"])
    return payload.read_payload(descriptor, case["size"], root_key, parts), parts


def payload_accept(case):
    pieces, parts = _read(case)
    data = b"".join(bytes(piece) for piece in pieces)
    content = bytes((7 * i + i // 256) % 256 for i in range(case["contentBytes"]))
    same(data, content + bytes(case["zerosAfter"]), "content")
    same(len(data), case["size"], "size")
    same(sum(map(len, parts.values())), case["payload"]["stored"], "stored")


# keys.json

def keys_epoch(case):
    record = records.decode_record(H(case["bytes"]))
    same(record["id"].hex(), case["id"], "id")
    same(record["body"]["number"], case["number"], "number")
    same(record["body"]["keyCommitment"].hex(), case["keyCommitment"], "keyCommitment")
    same(keys.zone_key_commitment(H(case["key"])).hex(), case["keyCommitment"], "key")


def keys_open(case, page):
    epochs = {e["id"]: (records.decode_record(H(e["bytes"]))["body"], H(e["key"])) for e in page["epochs"]}
    (source, source_key), (target, _) = epochs[case["from"]], epochs[case["to"]]
    if case["way"] == "past":
        key = keys.open_past(source, source_key, H(case["to"]), target)
    else:
        key = keys.open_inherit(target, H(case["from"]), source_key)
    same(key.hex(), case["key"], "key")


def _refused_open(case):
    source, target = (records.decode_record(H(case[name])) for name in ("from", "to"))
    if case["way"] == "past":
        return keys.open_past(source["body"], H(case["fromKey"]), target["id"], target["body"])
    return keys.open_inherit(target["body"], source["id"], H(case["fromKey"]))


def _deliver(case):
    grant, delivery, committing = (records.decode_record(H(case[name])) for name in ("grant", "delivery", "committing"))
    secrets = {"kem_seed": case.get("kemSeed"), "link_secret": case.get("linkSecret"), "recipient": case.get("recipient")}
    given = {name: H(value) for name, value in secrets.items() if value}
    return keys.open_delivery(grant, delivery, committing, **given)


def keys_delivery(case):
    same(_deliver(case).hex(), case["key"], "key")


# acceptance.json

class Story:
    """A node that is offered the records of a story, and what it shows."""

    def __init__(self, case, page):
        people = {person["comment"]: person["bytes"] for person in page["people"]}
        self.items = {name: H(data) for name, data in {**people, **case["items"]}.items()}
        self.names = {data: name for name, data in self.items.items()}
        self.block_names = {H(block): name for name, block in case["blocks"].items()}
        self.tree = acceptance.Tree(H(case["tree"]))
        self.shown, self.paths = {}, {}

    def take(self, step):
        outcome, settled = self.offer(step)
        self.judge()
        data = self.items[step["offer"]]
        return outcome and self.described(data, *outcome), [{"offer": self.names[one], **self.described(one, *o)} for one, *o in settled]

    def offer(self, step):
        data, kind = self.items[step["offer"]], step.get("as", "record")
        if kind == "birth":
            self.tree.take_birth(data)
        if kind == "part":
            self.tree.take_part(data)
        outcome = self.tree.offer(data) if kind == "record" else None
        return outcome, self.tree.retry()

    def described(self, data, outcome, code):
        if outcome == "accepted" and self.is_quarantined(data):
            outcome = "quarantined"
        return {"outcome": outcome, **({"error": code} if code else {})}

    def is_quarantined(self, data):
        record = records.decode_record(data)
        judged = self.judged.get(record["body"].get("block"))
        return judged is not None and record["id"] in judged["quarantine"]

    def judge(self):
        now = evaluation.Evaluation(self.tree)
        self.judged = {block: now.judge(block) for block in now.blocks}
        self.now = now

    def blocks(self):
        return {self.block_names[block]: self.state(judged) for block, judged in self.judged.items() if block in self.block_names}

    def state(self, judged):
        def name(identifier):
            return next(n for n, data in reversed(self.items.items()) if identifier in self.id_of(data))
        state = {"heads": [[name(one), version] for one, version in judged["heads"]]}
        for label in ("quarantine", "adopted", "late", "pending", "uncounted"):
            if judged[label]:
                state[label] = sorted(map(name, judged[label]))
        return {**state, **{flag: True for flag in ("lostToRevocation", "selfFork") if judged[flag]}}

    ids = {}

    def id_of(self, data):
        if data not in self.ids:
            try:
                self.ids[data] = (record_id(decode_envelope(data)),)
            except Refused:
                self.ids[data] = ()
        return self.ids[data]

    def view(self):
        blocks = []
        for block, judged in self.judged.items():
            if judged["winner"] is None:
                continue
            header = self.tree.held[judged["winner"]]["body"]
            name = None if header["epoch"] else headers.open_private(header["publicBytes"], header["sealed"], None)["name"]
            blocks.append(directory_view.Block(block, header, name, self.now.anchored_directories(block)))
        return {path: self.block_names[block] for path, block in directory_view.paths(blocks).items()}


def acceptance_story(case, page):
    story, blocks, view = Story(case, page), {}, {}
    for step in case["steps"]:
        outcome, settled = story.take(step)
        where = f"after {step['offer']}"
        same(outcome, {k: step[k] for k in ("outcome", "error") if k in step} or None, f"outcome {where}")
        same(sorted(map(repr, settled)), sorted(map(repr, step.get("released", []))), f"released {where}")
        blocks |= step.get("blocks", {})
        same(story.blocks(), blocks, f"blocks {where}")
        view = {path: block for path, block in {**view, **step.get("view", {})}.items() if block is not None}
        same(story.view(), view, f"view {where}")
    for order in (case["steps"][::-1], case["steps"][1::2] + case["steps"][::2]):
        again = Story(case, page)
        for step in order:
            again.offer(step)
        again.judge()
        same(again.blocks(), blocks, "blocks in another order")
        same(again.view(), view, "view in another order")


# key-backups.json

def _key_backup(case):
    return key_backup.open_key_backup(H(case["backup"]), case["passphrase"])


# rpc.json

def rpc_exchange(case):
    answers, closed = rpc.serve(H(case["input"]))
    same(answers, case["answers"], "answers")
    same(closed, case["closed"], "closed")


# paths.json

def path_conflict(case):
    block = H(case["block"])
    same(directory_view.conflict_name(case["name"], block, case["digits"]), case["shown"], "shown")
    same(f"invalid-{directory_view.base32(block)[:8]}", case["invalid"], "invalid")


# access-lines.json

def access_request(case):
    request = access_lines.read_request(case["line"])
    same(request["signer"].hex(), case["principal"], "principal")
    for name in ("name", "path", "read", "rights", "note", "timeMs", "id"):
        same(plain(request[name]), case[name], name)


def _answer(case):
    answer = access_lines.read_answer(case["line"])
    return answer, access_lines.judge_answer(answer, H(case["recipient"]), H(case["kemSeed"]), case["now"])


def access_answer(case):
    answer, key = _answer(case)
    same(answer["signer"].hex(), case["approver"], "approver")
    for name in ("request", "tree", "target", "path", "read", "rights"):
        same(plain(answer[name]), case[name], name)
    same(plain(key), case["key"], "key")


def access_link(case):
    same(plain(access_lines.read_link(case["line"])), {name: case[name] for name in ("tree", "secret", "recipient")}, "link")


def access_link_secret(case):
    grant = records.decode_record(H(case["grant"]))
    same(access_lines.open_link_secret(grant, H(case["kemSeed"])).hex(), case["secret"], "secret")


def refused_line(run):
    def check(case):
        try:
            result = run(case)
        except Refused as error:
            return same(error.code, "ERR_ACCESS_LINE", "code")
        raise AssertionError(f"accepted: {short(result)}")
    return check


# bundles.json

def bundle(case):
    tree = acceptance.Tree(H(case["tree"]))
    for held in case["holds"]:
        same(tree.offer(H(held))[0], "accepted", "held before")
    sectors, outcomes = bundles.take_in(H(case["bundle"]), tree)
    same(outcomes, case["outcomes"], "outcomes")
    same(sorted(one.hex() for one in sectors), case["sectors"], "sectors")
    same(bundles.summary(tree).hex(), case["summary"], "summary")


# archive.json, segments.json

def _archive(case):
    return archive.read_archive(H(case["archive"]), H(case["key"]))


def archive_accept(case):
    same(len(_archive(case)), case["items"], "items")


def segments_file(case):
    store_id = segments.read_format(H(case["format"]))
    same(store_id.hex(), bytes(range(1, 17)).hex(), "store id")
    segments.read_segment(H(case["segment"]), store_id, 1)


# app-package.json, app-grants.json, app-interface.json

_owner = {}


def app_package(case):
    manifest, author, release, contents = apps.read_package(H(case["bytes"]))
    same(author.hex(), case["author"], "author")
    same(apps.app_id(author, manifest["name"]).hex(), case["appId"], "app id")
    same(release.hex(), case["releaseId"], "release id")
    same([apps.sha256(content).hexdigest() for content in contents], case["contents"], "contents")


def app_grant_owner(case):
    _owner.update(apps.verify_principal(H(case["bytes"])))


def _app_grant(written):
    return apps.read_grant(H(written), _owner)


def app_grant(case):
    grant = _app_grant(case["bytes"])
    same(grant["id"].hex(), case["recordId"], "record id")
    same([grant["installedAs"], grant["sequence"]], [case["body"][2], case["body"][9]], "fields")


def app_call(case):
    number, value = app_interface.read(case["name"], case["part"], H(case["bytes"]))
    same(number, case["number"], "number")
    written = case["value"]
    if isinstance(value, dict) and all(isinstance(one, (int, str)) for one in written.values()):
        same(list(value.values()), list(written.values()), "value")


def segments_damaged(case):
    found = segments.recover_last(H(case["segment"]), segments.read_format(H(case["format"])), 1)
    same((found["truncatedTo"], found["damage"]), (case["truncatedTo"], case["damage"]), "truncatedTo, damage")
    kinds = [frame[1] for frame in found["frames"]]
    counts = {name: kinds.count(kind) for name, kind in (("sectors", segments.SECTOR), ("records", segments.RECORD), ("rows", segments.ROW))}
    same(counts, case["kept"], "kept")


# sandbox-frames.json

def sandbox_frame(sender):
    def check(case):
        frame = sandbox_frames.read_frame(sender, H(case["body"]), 2**20)
        same(plain(frame), case["frame"], "frame")
        same(sandbox_frames.write_frame(frame).hex(), case["body"], "body")

    return check


# cluster.json

def _hello(case):
    return cluster.read_hello(H(case["bytes"]), H(case["remoteKey"]), case["nowMs"])


def cluster_hello(case):
    hello = _hello(case)
    said = {
        "principal": hello["principal"]["signer"], "sequence": hello["endpoint"]["body"]["sequence"],
        "trees": [[tree["tree"], tree["caps"]] for tree in hello["trees"]],
        **{name: hello[name] for name in ("clockMs", "features", "purpose")},
    }
    for name, value in said.items():
        same(plain(value), case[name], name)


def cluster_code(case):
    same(cluster.fingerprint(H(case["inviter"]), H(case["tree"])).hex(), case["fingerprint"], "fingerprint")
    keys_of = [H(case[name]) for name in ("secret", "transportKey", "fingerprint")]
    same(cluster.write_code(*keys_of, case["addresses"]), case["text"], "text")
    for name, value in cluster.read_code(case.get("typed", case["text"])).items():
        same(plain(value), case[name], name)


def _between(case):
    return H(case["secret"]), {name: H(case[name]) for name in ("joinerKey", "inviterKey", "joiner", "inviter")}


def cluster_request(case):
    same(cluster.write_request(*_between(case), case["line"], case["name"]).hex(), case["bytes"], "bytes")
    for name, value in cluster.read_request(*_between(case), H(case["bytes"])).items():
        same(plain(value), case.get(name, 1), name)


def cluster_answer(case):
    made = cluster.write_answer(*_between(case), case["state"], H(case["tree"]), case["reason"])
    same(made.hex(), case["bytes"], "bytes")
    for name, value in cluster.read_answer(*_between(case), H(case["bytes"])).items():
        same(plain(value), case.get(name, 1), name)


def cluster_message(case):
    read = cluster.read_message(H(case["bytes"]))
    same(cluster.write_message(read).hex(), case["bytes"], "bytes")
    for name, value in read.items():
        same(plain(value), case.get(name, 1), name)


# coordinator.json

def _unwritten(value):
    if isinstance(value, dict):
        return H(value["bin"])
    return [_unwritten(one) for one in value] if isinstance(value, list) else value


def coordinator_value(read):
    def check(case):
        value = _unwritten(case["value"])
        same(encode(value).hex(), case["bytes"], "bytes")
        read(H(case["bytes"]))
    return check


def coordinator_story(case):
    state = coordinator.State()
    for step in case["steps"]:
        answer = state.apply(step["index"], coordinator.read_command(H(step["command"])))
        same(answer, step["answer"], f"answer to {step['index']}")
    same(state.written().hex(), case["state"], "state")
    coordinator.read_state(H(case["state"]))


# sync.json

def sync_message(case):
    same(encode(_unwritten(case["value"])).hex(), case["bytes"], "bytes")
    sync.read(case["kind"], H(case["bytes"]))


def sync_refused(case):
    data = H(case["bytes"]) if "bytes" in case else zlib.decompress(H(case["zlib"]))
    refused({"error": ""}, lambda: sync.read(case["kind"], data))


def sync_summary(case):
    rows = []
    for key, *rest in case["rows"]:
        value = sync.header_value(*([H(one) for one in ids] for ids in rest)) if rest else b""
        rows.append((H(key), value))
    root, node = sync.summary(rows)
    same(plain(root), case["root"], "root")
    if "node" in case:
        same(node.hex(), case["node"], "node")


def sync_challenge(case):
    same(sync.proof(H(case["nonce"]), map(H, case["parts"])).hex(), case["answer"], "answer")


def malformed(read):
    """The page names no codes for these."""
    return lambda case: refused({"error": ""}, lambda: read(H(case["bytes"])))


def refuses(run, exact=False):
    return lambda case: refused(case, lambda: run(case), exact)


def decoded(field, run):
    return lambda case: run(H(case[field]))


CHECKS = {
    "acceptance": {
        "people": _decode_record,
        **dict.fromkeys(("arrival", "caps", "versions", "checkpoints", "revocations", "keys", "view"), acceptance_story),
    },
    "encoding": {
        "accept": encoding_accept,
        "refuse": refuses(decoded("bytes", decode), exact=True),
        "identifiers": encoding_identifier,
        "refusedIdentifiers": refuses(lambda case: parse_identifier(case["text"]), exact=True),
    },
    "envelope": {"accept": envelope_accept, "refuse": refuses(_refused_envelope, exact=True)},
    "cryptography": {
        "hkdf": crypto_hkdf,
        "aead": crypto_aead,
        "aeadRefuse": refuses(crypto_aead_refuse),
        "signing": crypto_signing,
        "signatureRule": crypto_rule,
        "xWing": crypto_x_wing,
        "xWingPublicKeys": crypto_x_wing_key,
        "xWingDecapsulation": crypto_x_wing_opens,
        "argon2id": crypto_argon2id,
    },
    "key-files": {
        "accept": key_file_accept,
        "refuse": refuses(_open_key_file, exact=True),
        "words": lambda case: same(key_file.word(case["index"]), case["word"], "word"),
        "passwords": lambda case: same(key_file.password_bytes(case["typed"]).hex(), case["bytes"], "bytes"),
    },
    "records": {
        "principals": records_principal,
        "births": records_birth,
        "records": records_record,
        "tries": records_trie,
        "refuseProofs": refuses(lambda case: tries.check_proof(H(case["root"]), *_proof(case))),
        "manifests": records_manifest,
        "refuseManifests": refuses(decoded("bytes", records.decode_manifest)),
        "refuse": refuses(decoded("bytes", records.decode_record)),
    },
    "record-rules": {
        "accept": _decode_record,
        "refuse": refuses(_decode_record),
        "refuseBirths": refuses(decoded("bytes", records.decode_birth)),
        "capsUnderParent": _under_parent,
        "refuseCapsUnderParent": refuses(_under_parent),
    },
    "payload": {
        "blockKeys": payload_block_key,
        "headers": payload_header,
        "refuseHeaders": refuses(payload_refuse_header),
        "privateParts": _private_part,
        "refusePrivateParts": refuses(_private_part),
        "payloads": payload_accept,
        "refusePayloads": refuses(_read),
    },
    "key-backups": {
        "accept": lambda case: same(plain(_key_backup(case)), case["files"], "files"),
        "refuse": refuses(_key_backup, exact=True),
    },
    "rpc": {
        "lines": rpc_exchange,
        "frames": rpc_exchange,
        "numbers": lambda case: same(rpc.number_of(case["code"]), case["number"], "number"),
    },
    "paths": {
        "names": lambda case: same(directory_view.valid_name(case["name"]), case["valid"], "valid"),
        "conflictNames": path_conflict,
        "paths": lambda case: same(directory_view.parse_path(case["path"]), case["components"], "components"),
        "refusePaths": refuses(lambda case: directory_view.parse_path(case["path"]), exact=True),
    },
    "access-lines": {
        "requests": access_request,
        "refuseRequests": refused_line(lambda case: access_lines.read_request(case["line"])),
        "answers": access_answer,
        "refuseAnswers": refused_line(_answer),
        "links": access_link,
        "refuseLinks": refused_line(lambda case: access_lines.read_link(case["line"])),
        "linkSecrets": access_link_secret,
    },
    "app-package": {
        "accept": app_package,
        "refuse": refuses(decoded("bytes", apps.read_package)),
        "origins": lambda case: same(apps.origin_match(case["pattern"], case["origin"]), case["match"], "match"),
    },
    "app-grants": {
        "owner": app_grant_owner,
        "accept": app_grant,
        "refuse": refuses(lambda case: _app_grant(case["bytes"])),
        "current": lambda case: same(apps.current(list(map(_app_grant, case["records"]))), case["counts"], "counts"),
        "within": lambda case: same(apps.within(case["inner"], case["outer"]), case["within"], "within"),
    },
    "app-interface": {
        "operations": app_call,
        "events": app_call,
        "refuse": refuses(lambda case: app_interface.read(case["name"], "request", H(case["bytes"]))),
    },
    "sandbox-frames": {
        "fromNode": sandbox_frame("node"),
        "fromChild": sandbox_frame("child"),
        "refused": refuses(lambda case: sandbox_frames.read_frame("child", H(case["body"]), 1024)),
    },
    "cluster": {
        "hellos": cluster_hello,
        "refuseHellos": refuses(_hello, exact=True),
        "codes": cluster_code,
        "refuseCodes": lambda case: refused({"error": "ERR_INVITATION_CODE"}, lambda: cluster.read_code(case["text"]), True),
        "joinRequests": cluster_request,
        "refuseJoinRequests": refuses(lambda case: cluster.read_request(*_between(case), H(case["bytes"])), exact=True),
        "joinAnswers": cluster_answer,
        "refuseJoinAnswers": refuses(lambda case: cluster.read_answer(*_between(case), H(case["bytes"])), exact=True),
        "messages": cluster_message,
        "refuseMessages": refuses(decoded("bytes", cluster.read_message), exact=True),
    },
    "sync": {"messages": sync_message, "refuse": sync_refused, "summaries": sync_summary, "challenges": sync_challenge},
    "coordinator": {
        "commands": coordinator_value(coordinator.read_command),
        "refuseCommands": malformed(coordinator.read_command),
        "messages": coordinator_value(coordinator.read_message),
        "refuseMessages": malformed(coordinator.read_message),
        "questions": coordinator_value(coordinator.read_question),
        "refuseQuestions": malformed(coordinator.read_question),
        "answers": coordinator_value(coordinator.read_answer),
        "refuseAnswers": malformed(coordinator.read_answer),
        "stories": coordinator_story,
        "refuseStates": malformed(coordinator.read_state),
    },
    "bundles": {"accept": bundle, "refuse": refuses(bundle, exact=True)},
    "archive": {"accept": archive_accept, "refuse": refuses(_archive, exact=True)},
    "segments": {
        "files": segments_file,
        "refuseFormats": refuses(decoded("format", segments.read_format), exact=True),
        "damaged": segments_damaged,
    },
    "keys": {"epochs": keys_epoch, "opens": keys_open, "refuseOpens": refuses(_refused_open), "deliveries": keys_delivery, "refuse": refuses(_deliver)},
}


def run_file(path):
    if path.stem not in CHECKS:
        print(f"{path.name}: of a page that is not implemented here")
        return True
    groups = json.loads(path.read_text(encoding="utf-8"))["groups"]
    passed, failures = 0, []
    for group, cases in groups.items():
        check = CHECKS.get(path.stem, {}).get(group)
        for case in cases:
            try:
                if check is None:
                    raise AssertionError("no check for this group")
                check(case, groups) if check in (keys_open, acceptance_story) else check(case)
                passed += 1
            except Exception as error:  # every failure is reported, a crash as well
                failures.append(f"  {group}: {case['comment']}: {type(error).__name__}: {error}")
    print(f"{path.name}: {passed} passed, {len(failures)} failed")
    print(*failures, sep="\n", end="\n" if failures else "")
    return not failures


def main():
    directory = Path(__file__).resolve().parent.parent / "vectors"
    paths = [Path(name) for name in sys.argv[1:]] or sorted(directory.glob("*.json"))
    return 0 if all([run_file(path) for path in paths]) else 1


if __name__ == "__main__":
    sys.exit(main())
