"""Page 03, section 7: Argon2id version 0x13 (RFC 9106), for the small costs of the vectors."""
import struct
from hashlib import blake2b

MASK = 2**64 - 1


def _long_hash(data, length):
    data = struct.pack("<I", length) + data
    if length <= 64:
        return blake2b(data, digest_size=length).digest()
    block = blake2b(data).digest()
    out = block[:32]
    while length - len(out) > 64:
        block = blake2b(block).digest()
        out += block[:32]
    return out + blake2b(block, digest_size=length - len(out)).digest()


def _mix(v, a, b, c, d):
    for turns in ((32, 24), (16, 63)):
        v[a] = (v[a] + v[b] + 2 * (v[a] & 0xFFFFFFFF) * (v[b] & 0xFFFFFFFF)) & MASK
        x = v[d] ^ v[a]
        v[d] = (x >> turns[0] | x << (64 - turns[0])) & MASK
        v[c] = (v[c] + v[d] + 2 * (v[c] & 0xFFFFFFFF) * (v[d] & 0xFFFFFFFF)) & MASK
        x = v[b] ^ v[c]
        v[b] = (x >> turns[1] | x << (64 - turns[1])) & MASK


def _permute(v, at):
    for group in ((0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15)):
        _mix(v, *(at[i] for i in group))
    for group in ((0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14)):
        _mix(v, *(at[i] for i in group))


def _compress(x, y):
    r = [a ^ b for a, b in zip(x, y)]
    z = list(r)
    for i in range(8):
        _permute(z, range(16 * i, 16 * i + 16))
    for i in range(8):
        _permute(z, [16 * j + 2 * i + k for j in range(8) for k in (0, 1)])
    return [a ^ b for a, b in zip(z, r)]


def argon2id(password, salt, memory, passes, lanes, length):
    parameters = struct.pack("<6I", lanes, length, memory, passes, 0x13, 2)
    h0 = blake2b(
        parameters + struct.pack("<I", len(password)) + password + struct.pack("<I", len(salt)) + salt + bytes(8)
    ).digest()
    columns = memory // (4 * lanes) * 4
    quarter = columns // 4
    blocks = [[None] * columns for _ in range(lanes)]
    for lane in range(lanes):
        for column in (0, 1):
            raw = _long_hash(h0 + struct.pack("<II", column, lane), 1024)
            blocks[lane][column] = list(struct.unpack("<128Q", raw))
    for turn in range(passes):
        for part in range(4):
            for lane in range(lanes):
                _fill(blocks, turn, part, lane, lanes, columns, quarter, passes)
    last = blocks[0][-1]
    for lane in range(1, lanes):
        last = [a ^ b for a, b in zip(last, blocks[lane][-1])]
    return _long_hash(struct.pack("<128Q", *last), length)


def _fill(blocks, turn, part, lane, lanes, columns, quarter, passes):
    free = turn == 0 and part < 2  # addresses do not depend on the data
    addresses, zero = None, [0] * 128
    for index in range(quarter):
        if free and (index % 128 == 0 or addresses is None):
            counter = [turn, lane, part, lanes * columns, passes, 2, index // 128 + 1] + [0] * 121
            addresses = _compress(zero, _compress(zero, counter))
        column = part * quarter + index
        if turn == 0 and column < 2:
            continue
        previous = blocks[lane][column - 1]
        word = addresses[index % 128] if free else previous[0]
        source = lane if turn == 0 and part == 0 else (word >> 32) % lanes
        same = source == lane
        if turn == 0:
            area = part * quarter + (index - 1 if same or part == 0 else (-1 if index == 0 else 0))
            start = 0
        else:
            area = columns - quarter + (index - 1 if same else (-1 if index == 0 else 0))
            start = (part + 1) % 4 * quarter
        x = (word & 0xFFFFFFFF) ** 2 >> 32
        chosen = (start + area - 1 - (area * x >> 32)) % columns
        block = _compress(previous, blocks[source][chosen])
        if turn:
            block = [a ^ b for a, b in zip(block, blocks[lane][column])]
        blocks[lane][column] = block
