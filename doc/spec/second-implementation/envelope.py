"""Page 02: the envelope, what is signed, and the record identifier."""
from hashlib import sha256

from encoding import binary, decode_fields, encode, exactly, need, row, text, u8

MAX_RECORD = 262_144
MAX_HEADER = 8_192
HEADER = 10
DOMAIN = b"blocktree/1\0"



def magic(value):
    need(text(3)(value) == "bt1", "another magic", "ERR_CODEC_ENVELOPE")
    return value


_layout = row(
    ("magic", magic), ("type", u8), ("format", u8), ("signer", exactly(32)), ("body", binary()), ("signature", exactly(64))
)


def decode_envelope(data):
    need(len(data) <= MAX_RECORD, "longer than a record", "ERR_CODEC_RANGE")
    fields = decode_fields(data, _layout)
    is_header = fields["type"] == HEADER and fields["format"] == 1
    need(not is_header or len(data) <= MAX_HEADER, "longer than a header", "ERR_CODEC_RANGE")
    return fields


def encode_envelope(fields):
    names = ("type", "format", "signer", "body", "signature")
    return encode(["bt1", *(fields[name] for name in names)])


def sign_input(fields):
    return DOMAIN + bytes([fields["type"], fields["format"]]) + fields["signer"] + fields["body"]


def record_id(fields):
    return sha256(sign_input(fields)).digest()
