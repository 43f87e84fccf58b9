"""Page 03, sections 2 and 3: HKDF, and the two AEADs in plain Python: slow, and not constant-time."""
import hmac
import struct

from encoding import Refused, need

ZERO_NONCE = bytes(12)


def hmac_sha256(key, message):
    return hmac.digest(key, message, "sha256")


def hkdf(secret, salt, info, length):
    need(1 <= length <= 8160, "length of output")
    key, output, block = hmac_sha256(salt or bytes(32), secret), b"", b""
    for counter in range(1, -(-length // 32) + 1):
        block = hmac_sha256(key, block + info + bytes([counter]))
        output += block
    return output[:length]


def _padded(data):
    return data + bytes(-len(data) % 16)


def _xor(data, stream):
    size = len(data)
    return (int.from_bytes(data, "big") ^ int.from_bytes(stream[:size], "big")).to_bytes(size, "big")


# AES-256-GCM (SP 800-38D)

def _double(value):
    return (value << 1) ^ (0x11B if value & 0x80 else 0)


def _substitution_box():
    box, p, q = [0x63] * 256, 1, 1
    for _ in range(255):
        p ^= _double(p)
        for shift in (1, 2, 4):
            q ^= q << shift & 0xFF
        q ^= 0x09 if q & 0x80 else 0
        box[p] = 0x63 ^ q
        for turn in (1, 2, 3, 4):
            box[p] ^= (q << turn | q >> (8 - turn)) & 0xFF
    return box


_BOX = _substitution_box()
_TABLE = [[], [], [], []]
for _s in _BOX:
    _d = _double(_s)
    _word = _d << 24 | _s << 16 | _s << 8 | (_d ^ _s)
    for _n in range(4):
        _TABLE[_n].append((_word >> 8 * _n | _word << (32 - 8 * _n)) & 0xFFFFFFFF)


def _box_word(word):
    return _BOX[word >> 24] << 24 | _BOX[word >> 16 & 255] << 16 | _BOX[word >> 8 & 255] << 8 | _BOX[word & 255]


def _aes_schedule(key):
    words, constant = list(struct.unpack(">8I", key)), 1
    for i in range(8, 60):
        word = words[i - 1]
        if i % 8 == 0:
            word = _box_word((word << 8 | word >> 24) & 0xFFFFFFFF) ^ constant << 24
            constant = _double(constant)
        elif i % 8 == 4:
            word = _box_word(word)
        words.append(words[i - 8] ^ word)
    return words


def _aes_block(words, block):
    a, b, c, d = (v ^ w for v, w in zip(struct.unpack(">4I", block), words))
    t0, t1, t2, t3 = _TABLE
    for i in range(4, 56, 4):
        a, b, c, d = (
            t0[a >> 24] ^ t1[b >> 16 & 255] ^ t2[c >> 8 & 255] ^ t3[d & 255] ^ words[i],
            t0[b >> 24] ^ t1[c >> 16 & 255] ^ t2[d >> 8 & 255] ^ t3[a & 255] ^ words[i + 1],
            t0[c >> 24] ^ t1[d >> 16 & 255] ^ t2[a >> 8 & 255] ^ t3[b & 255] ^ words[i + 2],
            t0[d >> 24] ^ t1[a >> 16 & 255] ^ t2[b >> 8 & 255] ^ t3[c & 255] ^ words[i + 3],
        )
    rows = ((a, b, c, d), (b, c, d, a), (c, d, a, b), (d, a, b, c))
    out = (
        (_BOX[w >> 24] << 24 | _BOX[x >> 16 & 255] << 16 | _BOX[y >> 8 & 255] << 8 | _BOX[z & 255]) ^ words[56 + i]
        for i, (w, x, y, z) in enumerate(rows)
    )
    return struct.pack(">4I", *out)


def _ghash(key, data):
    table, value = [], key  # table[i] = key * x^i
    for _ in range(128):
        table.append(value)
        value = value >> 1 ^ (0xE1 << 120 if value & 1 else 0)
    total = 0
    for at in range(0, len(data), 16):
        total ^= int.from_bytes(data[at : at + 16], "big")
        product = 0
        while total:
            top = total.bit_length() - 1
            product ^= table[127 - top]
            total ^= 1 << top
        total = product
    return total


class _Gcm:
    def __init__(self, key, nonce):
        self.words = _aes_schedule(key)
        self.nonce = nonce
        self.hash_key = int.from_bytes(_aes_block(self.words, bytes(16)), "big")

    def apply(self, data):
        count = -(-len(data) // 16)
        stream = b"".join(_aes_block(self.words, self.nonce + struct.pack(">I", n + 2)) for n in range(count))
        return _xor(data, stream)

    def tag(self, associated, sealed):
        lengths = struct.pack(">QQ", 8 * len(associated), 8 * len(sealed))
        digest = _ghash(self.hash_key, _padded(associated) + _padded(sealed) + lengths)
        return _xor(digest.to_bytes(16, "big"), _aes_block(self.words, self.nonce + b"\0\0\0\1"))


# ChaCha20-Poly1305 (RFC 8439)

_ROUNDS = ((0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15), (0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14))


def _chacha_block(key, counter, nonce):
    start = struct.unpack("<16I", b"expand 32-byte k" + key + struct.pack("<I", counter) + nonce)
    x = list(start)
    for _ in range(10):
        for a, b, c, d in _ROUNDS:
            for p, q, r, turn in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
                x[p] = (x[p] + x[q]) & 0xFFFFFFFF
                v = x[r] ^ x[p]
                x[r] = (v << turn | v >> (32 - turn)) & 0xFFFFFFFF
    return struct.pack("<16I", *((v + w) & 0xFFFFFFFF for v, w in zip(x, start)))


class _ChaCha:
    def __init__(self, key, nonce):
        self.key, self.nonce = key, nonce

    def apply(self, data):
        count = -(-len(data) // 64)
        return _xor(data, b"".join(_chacha_block(self.key, n + 1, self.nonce) for n in range(count)))

    def tag(self, associated, sealed):
        once = _chacha_block(self.key, 0, self.nonce)
        r = int.from_bytes(once[:16], "little") & 0x0FFFFFFC0FFFFFFC0FFFFFFC0FFFFFFF
        s = int.from_bytes(once[16:32], "little")
        data = _padded(associated) + _padded(sealed) + struct.pack("<QQ", len(associated), len(sealed))
        total = 0
        for at in range(0, len(data), 16):
            total = (total + int.from_bytes(data[at : at + 16] + b"\1", "little")) * r % (2**130 - 5)
        return ((total + s) % 2**128).to_bytes(16, "little")


def _cipher(code, key, nonce):
    need(code in (1, 2), "unknown AEAD")
    return (_Gcm if code == 1 else _ChaCha)(key, nonce)


def seal(code, key, nonce, associated, plaintext):
    cipher = _cipher(code, key, nonce)
    sealed = cipher.apply(plaintext)
    return sealed + cipher.tag(associated, sealed)


def open_sealed(code, key, nonce, associated, data):
    need(len(data) >= 16, "shorter than a tag")
    cipher, sealed, tag = _cipher(code, key, nonce), data[:-16], data[-16:]
    if not hmac.compare_digest(cipher.tag(associated, sealed), tag):
        raise Refused("", "the tag does not hold")
    return cipher.apply(sealed)
