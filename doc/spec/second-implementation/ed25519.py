"""Page 03, sections 4 and 5: Ed25519 signing and the one rule of verification, as equations."""
from hashlib import sha512

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT = pow(2, (P - 1) // 4, P)
IDENTITY = (0, 1, 1, 0)


def _add(a, b):
    s, t = (a[1] - a[0]) * (b[1] - b[0]) % P, (a[1] + a[0]) * (b[1] + b[0]) % P
    c, d = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    e, f, g, h = t - s, d - c, d + c, t + s
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def _multiply(scalar, point):
    total = IDENTITY
    while scalar:
        if scalar & 1:
            total = _add(total, point)
        point = _add(point, point)
        scalar >>= 1
    return total


def _encode(point):
    inverse = pow(point[2], P - 2, P)
    x, y = point[0] * inverse % P, point[1] * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def _decode(data):
    """The point, or None when the bytes are not canonical or not on the curve."""
    number = int.from_bytes(data, "little")
    y, sign = number & (2**255 - 1), number >> 255
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT % P
    if (x * x - square) % P or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = P - x
    return (x, y, 1, x * y % P)


BASE = _decode((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))
SMALL_ORDER = {
    bytes.fromhex(text)
    for text in (
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    )
}
_accepted_keys = {}


def accepts_key(public):
    """Steps 1 and 2; the answer is kept, as a node keeps it for a principal."""
    if public not in _accepted_keys:
        point = _decode(public) if len(public) == 32 else None
        good = point is not None and _encode(point) != _encode(IDENTITY)
        _accepted_keys[public] = good and _encode(_multiply(L, point)) == _encode(IDENTITY)
    return _accepted_keys[public]


def verify(public, message, signature):
    if not accepts_key(public) or len(signature) != 64:
        return False
    r, s = signature[:32], int.from_bytes(signature[32:], "little")
    if s >= L or r[:31] + bytes([r[31] & 0x7F]) in SMALL_ORDER:
        return False
    k = int.from_bytes(sha512(r + public + message).digest(), "little") % L
    negative = _multiply(L - k, _decode(public))
    return _encode(_add(_multiply(s, BASE), negative)) == r


def _expand(seed):
    digest = sha512(seed).digest()
    secret = (int.from_bytes(digest[:32], "little") & (2**254 - 8)) | 2**254
    return secret, digest[32:]


def public_key(seed):
    return _encode(_multiply(_expand(seed)[0], BASE))


def sign(seed, message):
    secret, prefix = _expand(seed)
    public = _encode(_multiply(secret, BASE))
    nonce = int.from_bytes(sha512(prefix + message).digest(), "little") % L
    r = _encode(_multiply(nonce, BASE))
    k = int.from_bytes(sha512(r + public + message).digest(), "little") % L
    return r + ((nonce + k * secret) % L).to_bytes(32, "little")
