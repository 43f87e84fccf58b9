"""Page 27: hellos, invitation codes, the proofs of joining, messages between nodes."""
import hmac
import re
from hashlib import sha256

import ed25519
from acceptance import PRINCIPAL
from encoding import (
    Refused, array, binary, decode_fields, encode, exactly, identifier, need, optional, row, text, u53, unsigned,
)
from records import decode_record

ENDPOINT = 13
SKEW_MS = 600_000
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def refusing(code, read):
    """Every other refusal inside gets the code; one that has been named already keeps its own."""
    try:
        return read()
    except Refused as error:
        if error.code.startswith(("ERR_HELLO", "ERR_JOIN")):
            raise
        raise Refused(code, str(error)) from error


# Section 2

_hello = row(
    ("version", unsigned(1, 1)), ("principal", binary()), ("endpoint", binary()),
    ("trees", array(row(("tree", identifier), ("caps", array(identifier, 0, 8))), 0, 64)),
    ("features", array(text(64), 0, 32)), ("clockMs", u53), ("purpose", unsigned(0, 1)), ("ext", array(u53, 0, 0)),
)


def read_hello(data, remote_key, now_ms):
    def read():
        need(len(data) <= 24 * 1024, "too long")
        hello = decode_fields(data, _hello)
        for name, kind in (("principal", PRINCIPAL), ("endpoint", ENDPOINT)):
            hello[name] = decode_record(hello[name])
            need(hello[name]["type"] == kind, f"{name}: another record")
        return hello
    hello = refusing("ERR_HELLO_FORMAT", read)
    principal, endpoint = hello["principal"], hello["endpoint"]
    key = principal["body"]["signingPublicKey"]
    for record in (principal, endpoint):
        need(record["signer"] == principal["signer"], "another principal", "ERR_HELLO_PROOF")
        need(ed25519.verify(key, record["signInput"], record["signature"]), "signature", "ERR_HELLO_PROOF")
    need(endpoint["body"]["notAfter"] + SKEW_MS >= now_ms, "ended", "ERR_HELLO_PROOF")
    need(endpoint["body"]["transportKey"] == remote_key, "another transport key", "ERR_HELLO_PROOF")
    return hello


# Section 5: codes

def fingerprint(inviter, tree):
    return sha256(inviter + tree).digest()[:8]


def write_code(secret, transport_key, mark, addresses):
    body = b"\x01" + secret + transport_key + mark + b"".join(map(_address_bytes, addresses))
    data = body + _checksum(body)
    bits = "".join(f"{byte:08b}" for byte in data)
    digits = [ALPHABET[int(bits[at : at + 5].ljust(5, "0"), 2)] for at in range(0, len(bits), 5)]
    return "-".join(["BTJ", *("".join(digits[at : at + 5]) for at in range(0, len(digits), 5))])


def read_code(written):
    return refusing("ERR_INVITATION_CODE", lambda: _read_code(written))


def _read_code(written):
    plain = re.sub(r"[\s-]", "", written).upper()
    need(plain.startswith("BTJ"), "another prefix")
    digits = plain[3:].replace("O", "0").replace("I", "1").replace("L", "1")
    need(all(digit in ALPHABET for digit in digits), "not of the alphabet")
    bits = "".join(f"{ALPHABET.index(digit):05b}" for digit in digits)
    left = len(bits) % 8
    need(left < 5 and "1" not in bits[len(bits) - left :], "left-over bits")
    data = bytes(int(bits[at : at + 8], 2) for at in range(0, len(bits) - left, 8))
    need(len(data) >= 61, "cut off")
    body = data[:-4]
    need(_checksum(body) == data[-4:], "checksum")
    need(body[0] == 1, "another version")
    return {"secret": body[1:17], "transportKey": body[17:49], "fingerprint": body[49:57], "addresses": _addresses(body[57:])}


def _checksum(body):
    return sha256(b"blocktree/invite/code/1\0" + body).digest()[:4]


def _address_bytes(address):
    match = re.fullmatch(r"/ip4/(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})/tcp/(\d{1,5})(/tls)?", address)
    if match:
        *ip, port = map(int, match.groups()[:5])
        return bytes([2 if match[6] else 1, *ip]) + port.to_bytes(2, "big")
    return bytes([15 + len(address.encode())]) + address.encode()


def _addresses(data):
    found = []
    while data:
        kind, data = data[0], data[1:]
        length = kind - 15 if kind > 15 else 6
        need(kind > 15 or kind in (1, 2), "an address of no kind")
        need(len(data) >= length, "an address is cut off")
        part, data = data[:length], data[length:]
        found.append(_text_address(part) if kind > 15 else _ip4_address(part, kind == 2))
    need(len(found) <= 4, "too many addresses")
    return found


def _ip4_address(part, tls):
    return f"/ip4/{'.'.join(map(str, part[:4]))}/tcp/{int.from_bytes(part[4:], 'big')}{'/tls' if tls else ''}"


def _text_address(part):
    try:
        written = part.decode("utf-8", "strict")
    except UnicodeDecodeError as error:
        raise Refused("", str(error)) from error
    need(written.startswith("/"), "no multiaddr")
    return written


# Section 5: proofs

_proven = row(("body", binary()), ("mac", exactly(32)))
_request = row(
    ("format", unsigned(1, 1)), ("invitation", exactly(8)), ("line", text(12 * 1024)), ("name", text(64)),
)
_answer = row(("format", unsigned(1, 1)), ("state", unsigned(0, 2)), ("tree", identifier), ("reason", text(200)))


def invitation_id(secret):
    return _hmac(secret, b"blocktree/invite/id/1\0")[:8]


def _hmac(key, data):
    return hmac.new(key, data, sha256).digest()


def _mac(secret, kind, channel, body):
    said = b"".join(channel[name] for name in ("joinerKey", "inviterKey", "joiner", "inviter"))
    return _hmac(_hmac(secret, b"blocktree/invite/%s/1\0" % kind), said + sha256(body).digest())


def write_request(secret, channel, line, name):
    return _prove(secret, b"request", channel, encode([1, invitation_id(secret), line, name]))


def write_answer(secret, channel, state, tree, reason):
    return _prove(secret, b"answer", channel, encode([1, state, tree, reason]))


def _prove(secret, kind, channel, body):
    return encode([body, _mac(secret, kind, channel, body)])


def read_request(secret, channel, data):
    return _read_proven(secret, b"request", channel, data, _request)


def read_answer(secret, channel, data):
    return _read_proven(secret, b"answer", channel, data, _answer)


def _read_proven(secret, kind, channel, data, layout):
    def read():
        proven = decode_fields(data, _proven)
        return proven, decode_fields(proven["body"], layout)
    proven, fields = refusing("ERR_METHOD_FORMAT", read)
    need(hmac.compare_digest(_mac(secret, kind, channel, proven["body"]), proven["mac"]), "mac", "ERR_JOIN_PROOF")
    return fields


# Section 7

_message = row(
    ("format", unsigned(1, 1)), ("tree", identifier), ("fromApp", optional(text(255))), ("toApp", optional(text(255))),
    ("topic", text(1024)), ("content", binary(0, 1024 * 1024 - 8 * 1024)), ("number", u53),
    ("replyWithinMs", optional(unsigned(0, 86_400_000))), ("inReplyTo", optional(u53)),
)


def write_message(fields):
    names = ("tree", "fromApp", "toApp", "topic", "content", "number", "replyWithinMs", "inReplyTo")
    return encode([1, *(fields[name] for name in names)])


def read_message(data):
    return refusing("ERR_MESSAGE_FORMAT", lambda: decode_fields(data, _message))
