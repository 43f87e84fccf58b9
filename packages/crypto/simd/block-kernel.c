/*
 * The block kernel in WebAssembly with 128-bit vectors: key, encrypt and reference of ERIS blocks (BLAKE2b-256, RFC 7693;
 * ChaCha20, RFC 8439). Two blocks are hashed at once, one in each 64-bit lane; four blocks of key stream are made at once.
 * tools/build-block-kernel.ts compiles this into packages/crypto/src/simd-block-module.ts, which is checked against it.
 * Nothing is allocated: the caller lays out memory, lengths are checked in JavaScript before a call.
 */
#include <stdint.h>
#include <wasm_simd128.h>

#define EXPORT(name) __attribute__((export_name(#name))) name
#define INLINE static inline __attribute__((always_inline))

enum { REFERENCE = 32, KEY = 32, PAIR = 64, UNIT = 128 };

/* ---- BLAKE2b, two messages at a time ---- */

static const uint64_t initial[8] = {
    0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
    0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179};

/* Rotations by whole bytes are one shuffle; by 63 it is a shift and an addition. */
INLINE v128_t rotate32(v128_t x) { return wasm_i32x4_shuffle(x, x, 1, 0, 3, 2); }
INLINE v128_t rotate24(v128_t x) {
  return wasm_i8x16_shuffle(x, x, 3, 4, 5, 6, 7, 0, 1, 2, 11, 12, 13, 14, 15, 8, 9, 10);
}
INLINE v128_t rotate16(v128_t x) {
  return wasm_i8x16_shuffle(x, x, 2, 3, 4, 5, 6, 7, 0, 1, 10, 11, 12, 13, 14, 15, 8, 9);
}
INLINE v128_t rotate63(v128_t x) { return wasm_v128_or(wasm_u64x2_shr(x, 63), wasm_i64x2_add(x, x)); }

#define MIX(a, b, c, d, x, y)                                  \
  a = wasm_i64x2_add(wasm_i64x2_add(a, b), m[x]);              \
  d = rotate32(wasm_v128_xor(d, a));                           \
  c = wasm_i64x2_add(c, d);                                    \
  b = rotate24(wasm_v128_xor(b, c));                           \
  a = wasm_i64x2_add(wasm_i64x2_add(a, b), m[y]);              \
  d = rotate16(wasm_v128_xor(d, a));                           \
  c = wasm_i64x2_add(c, d);                                    \
  b = rotate63(wasm_v128_xor(b, c));

#define ROUND(s0, s1, s2, s3, s4, s5, s6, s7, s8, s9, s10, s11, s12, s13, s14, s15) \
  MIX(v0, v4, v8, v12, s0, s1)                                 \
  MIX(v1, v5, v9, v13, s2, s3)                                 \
  MIX(v2, v6, v10, v14, s4, s5)                                \
  MIX(v3, v7, v11, v15, s6, s7)                                \
  MIX(v0, v5, v10, v15, s8, s9)                                \
  MIX(v1, v6, v11, v12, s10, s11)                              \
  MIX(v2, v7, v8, v13, s12, s13)                               \
  MIX(v3, v4, v9, v14, s14, s15)

INLINE void load(v128_t m[16], const uint8_t *left, const uint8_t *right) {
  for (int i = 0; i < 8; i++) {
    v128_t l = wasm_v128_load(left + 16 * i), r = wasm_v128_load(right + 16 * i);
    m[2 * i] = wasm_i64x2_shuffle(l, r, 0, 2);
    m[2 * i + 1] = wasm_i64x2_shuffle(l, r, 1, 3);
  }
}

static __attribute__((noinline)) void compress(v128_t h[8], const uint8_t *left, const uint8_t *right, uint64_t counter,
                                               uint64_t last) {
  v128_t m[16];
  load(m, left, right);
  v128_t v0 = h[0], v1 = h[1], v2 = h[2], v3 = h[3], v4 = h[4], v5 = h[5], v6 = h[6], v7 = h[7];
  v128_t v8 = wasm_i64x2_splat(initial[0]), v9 = wasm_i64x2_splat(initial[1]);
  v128_t v10 = wasm_i64x2_splat(initial[2]), v11 = wasm_i64x2_splat(initial[3]);
  v128_t v12 = wasm_i64x2_splat(initial[4] ^ counter), v13 = wasm_i64x2_splat(initial[5]);
  v128_t v14 = wasm_i64x2_splat(initial[6] ^ last), v15 = wasm_i64x2_splat(initial[7]);
  ROUND(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)
  ROUND(14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3)
  ROUND(11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4)
  ROUND(7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8)
  ROUND(9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13)
  ROUND(2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9)
  ROUND(12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11)
  ROUND(13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10)
  ROUND(6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5)
  ROUND(10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0)
  ROUND(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)
  ROUND(14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3)
  h[0] = wasm_v128_xor(h[0], wasm_v128_xor(v0, v8));
  h[1] = wasm_v128_xor(h[1], wasm_v128_xor(v1, v9));
  h[2] = wasm_v128_xor(h[2], wasm_v128_xor(v2, v10));
  h[3] = wasm_v128_xor(h[3], wasm_v128_xor(v3, v11));
  h[4] = wasm_v128_xor(h[4], wasm_v128_xor(v4, v12));
  h[5] = wasm_v128_xor(h[5], wasm_v128_xor(v5, v13));
  h[6] = wasm_v128_xor(h[6], wasm_v128_xor(v6, v14));
  h[7] = wasm_v128_xor(h[7], wasm_v128_xor(v7, v15));
}

/* The state after the key block, equal for every block under one secret. Without a secret: the initial state. */
static void begin(v128_t h[8], const uint8_t *secret) {
  for (int i = 0; i < 8; i++) h[i] = wasm_i64x2_splat(initial[i]);
  h[0] = wasm_v128_xor(h[0], wasm_i64x2_splat(0x01010000 ^ (secret ? 32 << 8 : 0) ^ 32));
  if (!secret) return;
  uint8_t block[UNIT] __attribute__((aligned(16))) = {0};
  for (int i = 0; i < 32; i++) block[i] = secret[i];
  compress(h, block, block, UNIT, 0);
}

/* `length` is a positive multiple of 128; digests of 32 bytes. */
static void hash_pair(const v128_t start[8], uint64_t before, const uint8_t *left, const uint8_t *right, uint32_t length,
                      uint8_t *left_digest, uint8_t *right_digest) {
  v128_t h[8];
  for (int i = 0; i < 8; i++) h[i] = start[i];
  for (uint32_t at = 0; at < length; at += UNIT)
    compress(h, left + at, right + at, before + at + UNIT, at + UNIT == length ? ~0ull : 0);
  for (int i = 0; i < 4; i += 2) {
    wasm_v128_store(left_digest + 8 * i, wasm_i64x2_shuffle(h[i], h[i + 1], 0, 2));
    wasm_v128_store(right_digest + 8 * i, wasm_i64x2_shuffle(h[i], h[i + 1], 1, 3));
  }
}

/* ---- ChaCha20, four blocks of key stream at a time ---- */

INLINE v128_t turn16(v128_t x) {
  return wasm_i8x16_shuffle(x, x, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13);
}
INLINE v128_t turn8(v128_t x) {
  return wasm_i8x16_shuffle(x, x, 3, 0, 1, 2, 7, 4, 5, 6, 11, 8, 9, 10, 15, 12, 13, 14);
}
INLINE v128_t turn12(v128_t x) { return wasm_v128_or(wasm_i32x4_shl(x, 12), wasm_u32x4_shr(x, 20)); }
INLINE v128_t turn7(v128_t x) { return wasm_v128_or(wasm_i32x4_shl(x, 7), wasm_u32x4_shr(x, 25)); }

#define QUARTER(a, b, c, d)                                                     \
  a = wasm_i32x4_add(a, b); d = turn16(wasm_v128_xor(d, a));                    \
  c = wasm_i32x4_add(c, d); b = turn12(wasm_v128_xor(b, c));                    \
  a = wasm_i32x4_add(a, b); d = turn8(wasm_v128_xor(d, a));                     \
  c = wasm_i32x4_add(c, d); b = turn7(wasm_v128_xor(b, c));

#define FOUR(w0, w1, w2, w3, k0, k1, k2, k3, offset)                            \
  {                                                                             \
    v128_t a = wasm_i32x4_add(w0, k0), b = wasm_i32x4_add(w1, k1);              \
    v128_t c = wasm_i32x4_add(w2, k2), d = wasm_i32x4_add(w3, k3);              \
    v128_t ab = wasm_i32x4_shuffle(a, b, 0, 4, 1, 5), cd = wasm_i32x4_shuffle(c, d, 0, 4, 1, 5); \
    v128_t AB = wasm_i32x4_shuffle(a, b, 2, 6, 3, 7), CD = wasm_i32x4_shuffle(c, d, 2, 6, 3, 7); \
    XOR(0 + offset, wasm_i64x2_shuffle(ab, cd, 0, 2))                           \
    XOR(64 + offset, wasm_i64x2_shuffle(ab, cd, 1, 3))                          \
    XOR(128 + offset, wasm_i64x2_shuffle(AB, CD, 0, 2))                         \
    XOR(192 + offset, wasm_i64x2_shuffle(AB, CD, 1, 3))                         \
  }
#define XOR(at, stream) wasm_v128_store(p + (at), wasm_v128_xor(wasm_v128_load(p + (at)), stream));

/* `length` is a positive multiple of 256. */
static void encrypt(const uint8_t *key, uint32_t level, uint8_t *p, uint32_t length) {
  const uint32_t *k = (const uint32_t *)key;
  v128_t counter = wasm_i32x4_make(0, 1, 2, 3);
  const v128_t c0 = wasm_i32x4_splat(0x61707865), c1 = wasm_i32x4_splat(0x3320646e);
  const v128_t c2 = wasm_i32x4_splat(0x79622d32), c3 = wasm_i32x4_splat(0x6b206574);
  const v128_t k0 = wasm_v128_load32_splat(k), k1 = wasm_v128_load32_splat(k + 1);
  const v128_t k2 = wasm_v128_load32_splat(k + 2), k3 = wasm_v128_load32_splat(k + 3);
  const v128_t k4 = wasm_v128_load32_splat(k + 4), k5 = wasm_v128_load32_splat(k + 5);
  const v128_t k6 = wasm_v128_load32_splat(k + 6), k7 = wasm_v128_load32_splat(k + 7);
  const v128_t n0 = wasm_i32x4_splat(level), zero = wasm_i32x4_splat(0);
  for (uint8_t *end = p + length; p < end; p += 256) {
    v128_t x0 = c0, x1 = c1, x2 = c2, x3 = c3, x4 = k0, x5 = k1, x6 = k2, x7 = k3;
    v128_t x8 = k4, x9 = k5, x10 = k6, x11 = k7, x12 = counter, x13 = n0, x14 = zero, x15 = zero;
    for (int i = 0; i < 10; i++) {
      QUARTER(x0, x4, x8, x12)
      QUARTER(x1, x5, x9, x13)
      QUARTER(x2, x6, x10, x14)
      QUARTER(x3, x7, x11, x15)
      QUARTER(x0, x5, x10, x15)
      QUARTER(x1, x6, x11, x12)
      QUARTER(x2, x7, x8, x13)
      QUARTER(x3, x4, x9, x14)
    }
    FOUR(x0, x1, x2, x3, c0, c1, c2, c3, 0)
    FOUR(x4, x5, x6, x7, k0, k1, k2, k3, 16)
    FOUR(x8, x9, x10, x11, k4, k5, k6, k7, 32)
    FOUR(x12, x13, x14, x15, counter, n0, zero, zero, 48)
    counter = wasm_i32x4_add(counter, wasm_i32x4_splat(4));
  }
}

/* ---- what is called: addresses, counts and bytes ---- */

/* BLAKE2b-256 of any bytes. Those after them are set to zero up to the next multiple of 128, at least one. */
void EXPORT(hash)(uint8_t *bytes, uint32_t length, uint8_t *digest) {
  v128_t h[8];
  begin(h, 0);
  uint32_t whole = length == 0 ? 0 : (length - 1) / UNIT * UNIT; /* all but the last 1 to 128 bytes */
  for (uint32_t at = 0; at < whole; at += UNIT) compress(h, bytes + at, bytes + at, at + UNIT, 0);
  for (uint32_t at = length; at < whole + UNIT; at++) bytes[at] = 0;
  compress(h, bytes + whole, bytes + whole, length, ~0ull);
  for (int i = 0; i < 4; i += 2) wasm_v128_store(digest + 8 * i, wasm_i64x2_shuffle(h[i], h[i + 1], 0, 2));
}

/* Encrypts `count` blocks in place, writes reference | key of each. `secret`: address of 32 bytes, or 0 for none. */
void EXPORT(seal)(uint8_t *blocks, uint32_t count, uint32_t length, uint32_t level, const uint8_t *secret,
                  uint8_t *pairs) {
  v128_t keyed[8], plain[8];
  begin(keyed, secret);
  begin(plain, 0);
  for (uint32_t i = 0; i < count; i += 2) {
    uint32_t other = i + 1 < count ? i + 1 : i; /* an odd last block runs in both lanes */
    uint8_t *left = blocks + i * length, *right = blocks + other * length;
    uint8_t *left_pair = pairs + i * PAIR, *right_pair = pairs + other * PAIR;
    hash_pair(keyed, secret ? UNIT : 0, left, right, length, left_pair + REFERENCE, right_pair + REFERENCE);
    encrypt(left_pair + REFERENCE, level, left, length);
    if (other != i) encrypt(right_pair + REFERENCE, level, right, length);
    hash_pair(plain, 0, left, right, length, left_pair, right_pair);
  }
}

/*
 * For a caller that has a faster cipher: BLAKE2b-256 of `count` blocks, digests 64 bytes apart, as references and keys lie
 * in pairs.
 */
void EXPORT(hash_blocks)(const uint8_t *blocks, uint32_t count, uint32_t length, const uint8_t *secret, uint8_t *digests) {
  v128_t start[8];
  begin(start, secret);
  for (uint32_t i = 0; i < count; i += 2) {
    uint32_t other = i + 1 < count ? i + 1 : i;
    hash_pair(start, secret ? UNIT : 0, blocks + i * length, blocks + other * length, length, digests + i * PAIR,
              digests + other * PAIR);
  }
}

static int equal(const uint8_t *a, const uint8_t *b) {
  v128_t low = wasm_v128_xor(wasm_v128_load(a), wasm_v128_load(b));
  v128_t high = wasm_v128_xor(wasm_v128_load(a + 16), wasm_v128_load(b + 16));
  return !wasm_v128_any_true(wasm_v128_or(low, high));
}

/* Checks and decrypts; returns how many blocks from the first on were good. */
uint32_t EXPORT(open)(uint8_t *blocks, uint32_t count, uint32_t length, uint32_t level, const uint8_t *pairs) {
  v128_t plain[8];
  begin(plain, 0);
  uint8_t digests[PAIR] __attribute__((aligned(16)));
  for (uint32_t i = 0; i < count; i += 2) {
    uint32_t other = i + 1 < count ? i + 1 : i;
    uint8_t *left = blocks + i * length, *right = blocks + other * length;
    hash_pair(plain, 0, left, right, length, digests, digests + REFERENCE);
    if (!equal(digests, pairs + i * PAIR)) return i;
    encrypt(pairs + i * PAIR + REFERENCE, level, left, length);
    if (other == i) return count;
    if (!equal(digests + REFERENCE, pairs + other * PAIR)) return other;
    encrypt(pairs + other * PAIR + REFERENCE, level, right, length);
  }
  return count;
}
