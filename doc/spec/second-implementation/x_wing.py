"""Page 03, section 6: X-Wing from ML-KEM-768 (FIPS 203) and X25519 (RFC 7748)."""
from hashlib import sha3_256, sha3_512, shake_128, shake_256

from encoding import need

Q, N, K = 3329, 256, 3
LABEL = bytes.fromhex("5c2e2f2f5e5c")


def _reversed7(value):
    return int(f"{value:07b}"[::-1], 2)


ZETAS = [pow(17, _reversed7(i), Q) for i in range(128)]
GAMMAS = [pow(17, 2 * _reversed7(i) + 1, Q) for i in range(128)]


def _ntt(f):
    f, i, length = list(f), 1, 128
    while length >= 2:
        for start in range(0, N, 2 * length):
            for j in range(start, start + length):
                t = ZETAS[i] * f[j + length] % Q
                f[j + length], f[j] = (f[j] - t) % Q, (f[j] + t) % Q
            i += 1
        length //= 2
    return f


def _inverse_ntt(f):
    f, i, length = list(f), 127, 2
    while length <= 128:
        for start in range(0, N, 2 * length):
            for j in range(start, start + length):
                t = f[j]
                f[j] = (t + f[j + length]) % Q
                f[j + length] = ZETAS[i] * (f[j + length] - t) % Q
            i -= 1
        length *= 2
    return [x * 3303 % Q for x in f]


def _product(f, g):
    out = []
    for i in range(128):
        a, b, c, d = f[2 * i], f[2 * i + 1], g[2 * i], g[2 * i + 1]
        out += [(a * c + b * d % Q * GAMMAS[i]) % Q, (a * d + b * c) % Q]
    return out


def _sum(*polynomials):
    return [sum(values) % Q for values in zip(*polynomials)]


def _dot(left, right):
    return _sum(*(_product(a, b) for a, b in zip(left, right)))


def _pack(values, bits):
    return sum(v << bits * i for i, v in enumerate(values)).to_bytes(len(values) * bits // 8, "little")


def _unpack(data, bits):
    number = int.from_bytes(data, "little")
    return [number >> bits * i & (1 << bits) - 1 for i in range(8 * len(data) // bits)]


def _compress(values, bits):
    return [((v << bits + 1) + Q) // (2 * Q) & (1 << bits) - 1 for v in values]


def _decompress(values, bits):
    return [(v * Q * 2 + (1 << bits)) >> bits + 1 for v in values]


def _uniform(rho, i, j):
    stream, out, at = shake_128(rho + bytes([j, i])).digest(1344), [], 0
    while len(out) < N:
        a, b, c = stream[at : at + 3]
        at += 3
        out += [v for v in (a | (b & 15) << 8, b >> 4 | c << 4) if v < Q]
    return out[:N]


def _noise(seed, index):
    bits = _unpack(shake_256(seed + bytes([index])).digest(128), 1)
    return [(bits[4 * i] + bits[4 * i + 1] - bits[4 * i + 2] - bits[4 * i + 3]) % Q for i in range(N)]


def _matrix(rho):
    return [[_uniform(rho, i, j) for j in range(K)] for i in range(K)]


def _kem_keys(d, z):
    seeds = sha3_512(d + bytes([K])).digest()
    rho, sigma = seeds[:32], seeds[32:]
    s = [_ntt(_noise(sigma, i)) for i in range(K)]
    e = [_ntt(_noise(sigma, K + i)) for i in range(K)]
    t = [_sum(_dot(line, s), e[i]) for i, line in enumerate(_matrix(rho))]
    public = b"".join(_pack(p, 12) for p in t) + rho
    return public, (s, public, sha3_256(public).digest(), z)


def _encrypt(public, message, coins):
    t = [_unpack(public[384 * i : 384 * i + 384], 12) for i in range(K)]
    a = _matrix(public[1152:])
    y = [_ntt(_noise(coins, i)) for i in range(K)]
    u = [_sum(_inverse_ntt(_dot([a[j][i] for j in range(K)], y)), _noise(coins, K + i)) for i in range(K)]
    v = _sum(_inverse_ntt(_dot(t, y)), _noise(coins, 2 * K), _decompress(_unpack(message, 1), 1))
    return b"".join(_pack(_compress(p, 10), 10) for p in u) + _pack(_compress(v, 4), 4)


def _kem_encapsulate(public, message):
    need(all(c < Q for i in range(K) for c in _unpack(public[384 * i : 384 * i + 384], 12)), "a coefficient of q or more")
    both = sha3_512(message + sha3_256(public).digest()).digest()
    return both[:32], _encrypt(public, message, both[32:])


def _kem_decapsulate(secret, ciphertext):
    s, public, digest, z = secret
    u = [_ntt(_decompress(_unpack(ciphertext[320 * i : 320 * i + 320], 10), 10)) for i in range(K)]
    v = _decompress(_unpack(ciphertext[960:], 4), 4)
    w = _sum(v, [-x for x in _inverse_ntt(_dot(s, u))])
    message = _pack(_compress(w, 1), 1)
    both = sha3_512(message + digest).digest()
    if _encrypt(public, message, both[32:]) == ciphertext:
        return both[:32]
    return shake_256(z + ciphertext).digest(32)


def x25519(scalar, point):
    p = 2**255 - 19
    k = int.from_bytes(scalar, "little") & (2**254 - 8) | 2**254
    x1 = (int.from_bytes(point, "little") & (2**255 - 1)) % p
    x2, z2, x3, z3, swap = 1, 0, x1, 1, 0
    for t in range(254, -1, -1):
        bit = k >> t & 1
        if swap ^ bit:
            x2, x3, z2, z3 = x3, x2, z3, z2
        swap = bit
        a, b, c, d = x2 + z2, x2 - z2, x3 + z3, x3 - z3
        da, cb, aa, bb = d * a % p, c * b % p, a * a % p, b * b % p
        e = aa - bb
        x3, z3, x2, z2 = (da + cb) ** 2 % p, x1 * (da - cb) ** 2 % p, aa * bb % p, e * (aa + 121665 * e) % p
    if swap:
        x2, z2 = x3, z3
    return (x2 * pow(z2, p - 2, p) % p).to_bytes(32, "little")


NINE = (9).to_bytes(32, "little")


def _expand(seed):
    need(len(seed) == 32, "seed")
    parts = shake_256(seed).digest(96)
    public, secret = _kem_keys(parts[:32], parts[32:64])
    return public, secret, parts[64:]


def public_key(seed):
    public, _, scalar = _expand(seed)
    return public + x25519(scalar, NINE)


def accepts_public_key(public):
    """By the three refusals of section 6. Any clamped scalar shows a point of low order."""
    if len(public) != 1216 or x25519(bytes(32), public[1184:]) == bytes(32):
        return False
    return all(c < Q for i in range(K) for c in _unpack(public[384 * i : 384 * i + 384], 12))


def encapsulate(public, coins):
    need(accepts_public_key(public), "a public key that is refused")
    shared, ciphertext = _kem_encapsulate(public[:1184], coins[:32])
    point = x25519(coins[32:], NINE)
    secret = sha3_256(shared + x25519(coins[32:], public[1184:]) + point + public[1184:] + LABEL).digest()
    return secret, ciphertext + point


def decapsulate(seed, ciphertext):
    need(len(ciphertext) == 1120, "length of a ciphertext")
    _, secret, scalar = _expand(seed)
    shared, point = _kem_decapsulate(secret, ciphertext[:1088]), ciphertext[1088:]
    return sha3_256(shared + x25519(scalar, point) + point + x25519(scalar, NINE) + LABEL).digest()
