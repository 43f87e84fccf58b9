"""Page 13, section 6: key files under a passphrase."""
import base64
import json
import re
from hashlib import sha256

from aead import ZERO_NONCE, open_sealed
from argon2id import argon2id
from encoding import Refused, need
from key_file import password_bytes

CODE = "ERR_KEY_BACKUP"
MAGIC = b"btkeys\r\n"


def open_key_backup(data, passphrase):
    """Key file bytes by name."""
    head = data[:64]
    need(len(head) == 64 and head[:8] == MAGIC and head[8] == 1, "no key backup of version 1", CODE)
    memory, passes, lanes = (int.from_bytes(head[a:b], "big") for a, b in ((9, 13), (13, 15), (15, 16)))
    need(1 <= lanes <= 64 and 8 * lanes <= memory <= 2**20 and 1 <= passes and memory * passes <= 2**22, "cost", CODE)
    derived = argon2id(password_bytes(passphrase), sha256(head[:32]).digest(), memory, passes, lanes, 64)
    need(derived[32:] == head[32:], "another passphrase", CODE)
    try:
        content = json.loads(open_sealed(2, derived[:32], ZERO_NONCE, head, data[64:]).decode())
        need(all(re.fullmatch("[a-z0-9][a-z0-9_-]{0,63}", name) for name in content), "name of a key")
        return {name: base64.b64decode(text, validate=True) for name, text in content.items()}
    except (Refused, ValueError, AttributeError, TypeError) as error:
        raise Refused(CODE, str(error)) from error
