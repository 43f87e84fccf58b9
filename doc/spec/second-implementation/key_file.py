"""Page 04: key files and what is typed for a password."""
import hmac
import re
import unicodedata
from hashlib import sha256

from aead import ZERO_NONCE, hkdf, open_sealed
from argon2id import argon2id
from encoding import Refused, need

MAGIC = bytes.fromhex("62746b65790d0a1a")
FORMAT, COST, PASSWORD = "ERR_KEY_FILE_FORMAT", "ERR_KEY_FILE_COST", "ERR_KEY_FILE_PASSWORD"


def open_key_file(data, password=None):
    """The two seeds."""
    need(len(data) >= 108 and data[:8] == MAGIC and data[8] == 1 and data[9] in (0, 1), "prefix", FORMAT)
    need(len(data) == (184 if data[9] else 108), "length", FORMAT)
    need(sha256(data[:-32]).digest() == data[-32:], "checksum", FORMAT)
    need(data[10:12] == b"\0\0", "reserved", FORMAT)
    if data[9] == 0:
        return data[12:44], data[44:76]
    memory, passes, lanes = (int.from_bytes(data[at : at + 4], "big") for at in (12, 16, 20))
    need(1 <= lanes <= 64 and 8 * lanes <= memory <= 2**20, "memory or parallelism", COST)
    need(1 <= passes <= 65535 and memory * passes <= 2**22, "passes", COST)
    need(password is not None, "no password", PASSWORD)
    stretched = argon2id(password, data[24:40], memory, passes, lanes, 32)
    keys = hkdf(stretched, b"", b"blocktree/key-file/1\0" + data[:40], 64)
    need(hmac.compare_digest(keys[32:], data[40:72]), "another password", PASSWORD)
    try:
        seeds = open_sealed(2, keys[:32], ZERO_NONCE, data[:72], data[72:152])
    except Refused as error:
        raise Refused(FORMAT, str(error)) from error
    return seeds[:32], seeds[32:]


FIRST, SECOND, THIRD = "bdfghjkmnprstvwz", "aeou", "bjmnrsvz"


def word(index):
    return FIRST[index >> 7] + SECOND[index >> 5 & 3] + THIRD[index >> 2 & 7] + SECOND[index & 3]


WORDS = {word(index) for index in range(2048)}


def password_bytes(typed):
    bare = re.sub(r"[\s\-_,.]", "", typed.lower())
    words = [bare[at : at + 4] for at in range(0, len(bare), 4)]
    if 12 <= len(words) <= 64 and all(w in WORDS for w in words):
        return " ".join(words).encode()
    return unicodedata.normalize("NFC", typed).encode()
