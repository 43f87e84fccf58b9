"""Page 01: canonical values and identifiers. A value is None, bool, int, bytes, str or list."""
import base64

MAX_INTEGER = 2**53 - 1
MAX_DEPTH = 6


class Refused(Exception):
    """The input breaks a rule. `code` is the code that the page names for it, or "" where it names none."""

    def __init__(self, code, reason=""):
        super().__init__(f"{code} {reason}".strip())
        self.code = code


class UnknownFormat(Refused):
    """Not wrong, but not of format 1 as known here: a node parks it."""

    def __init__(self, reason=""):
        super().__init__("ERR_RECORD_UNKNOWN_FORMAT", reason)


def need(condition, reason, code=""):
    if not condition:
        raise Refused(code, reason)


def encode(value):
    if value is None:
        return b"\xc0"
    if isinstance(value, bool):
        return b"\xc3" if value else b"\xc2"
    if isinstance(value, int):
        need(0 <= value <= MAX_INTEGER, "integer out of range", "ERR_CODEC_VALUE")
        if value < 128:
            return bytes([value])
        for tag, size in ((0xCC, 1), (0xCD, 2), (0xCE, 4), (0xCF, 8)):
            if value < 1 << (8 * size):
                return bytes([tag]) + value.to_bytes(size, "big")
    if isinstance(value, bytes):
        return _head(len(value), ((0xC4, 1), (0xC5, 2), (0xC6, 4))) + value
    if isinstance(value, str):
        raw = value.encode()
        short = bytes([0xA0 + len(raw)]) if len(raw) < 32 else None
        return (short or _head(len(raw), ((0xD9, 1), (0xDA, 2), (0xDB, 4)))) + raw
    short = bytes([0x90 + len(value)]) if len(value) < 16 else None
    return (short or _head(len(value), ((0xDC, 2), (0xDD, 4)))) + b"".join(map(encode, value))


def _head(length, forms):
    for tag, size in forms:
        if length < 1 << (8 * size):
            return bytes([tag]) + length.to_bytes(size, "big")
    raise Refused("ERR_CODEC_VALUE", "too long")


class Reader:
    def __init__(self, data):
        self.data = bytes(data)
        self.at = 0

    def done(self):
        return self.at == len(self.data)

    def take(self, count):
        need(count <= len(self.data) - self.at, "the input ends inside a value", "ERR_CODEC_TRUNCATED")
        self.at += count
        return self.data[self.at - count : self.at]

    def number(self, size, least):
        value = int.from_bytes(self.take(size), "big")
        need(value >= least, "not the shortest form", "ERR_CODEC_NOT_SHORTEST")
        return value

    def value(self, depth=0):
        first = self.take(1)[0]
        if first < 0x80:
            return first
        if first in (0xC0, 0xC2, 0xC3):
            return {0xC0: None, 0xC2: False, 0xC3: True}[first]
        if 0xCC <= first <= 0xCF:
            size = 1 << (first - 0xCC)
            value = self.number(size, {1: 128, 2: 1 << 8, 4: 1 << 16, 8: 1 << 32}[size])
            need(value <= MAX_INTEGER, "integer above 2^53-1", "ERR_CODEC_RANGE")
            return value
        if 0xC4 <= first <= 0xC6:
            size = 1 << (first - 0xC4)
            return self.take(self.number(size, {1: 0, 2: 1 << 8, 4: 1 << 16}[size]))
        if 0xA0 <= first <= 0xBF:
            return self.text(first - 0xA0)
        if 0xD9 <= first <= 0xDB:
            size = 1 << (first - 0xD9)
            return self.text(self.number(size, {1: 32, 2: 1 << 8, 4: 1 << 16}[size]))
        if 0x90 <= first <= 0x9F:
            return self.array(first - 0x90, depth + 1)
        if first in (0xDC, 0xDD):
            size = 2 if first == 0xDC else 4
            return self.array(self.number(size, {2: 16, 4: 1 << 16}[size]), depth + 1)
        raise Refused("ERR_CODEC_TYPE", f"first byte {first:02x}")

    def text(self, length):
        try:
            return self.take(length).decode("utf-8", "strict")
        except UnicodeDecodeError as error:
            raise Refused("ERR_CODEC_UTF8", str(error)) from error

    def array(self, count, depth):
        need(count <= len(self.data) - self.at, "an array longer than the input", "ERR_CODEC_TRUNCATED")
        need(depth <= MAX_DEPTH, "too many nested arrays", "ERR_CODEC_DEPTH")
        return [self.value(depth) for _ in range(count)]


class Fault:
    """Stands for the first value that is malformed, and for all after it in its array."""

    def __init__(self, error):
        self.error = error


class FieldReader(Reader):
    """Reads on past the first fault, so that a layout judges the fields before it first (page 05, section 12)."""

    fault = None

    def value(self, depth=0):
        if self.fault is None:
            try:
                return super().value(depth)
            except Refused as error:
                self.fault = Fault(error)
        return self.fault


def decode(data):
    """The one value in `data`."""
    reader = Reader(data)
    value = reader.value()
    need(reader.done(), "a byte after the last value", "ERR_CODEC_TRAILING")
    return value


def decode_fields(data, layout):
    """`layout` applied to the one value in `data`, field by field in their order."""
    reader = FieldReader(data)
    fields = sound(layout)(reader.value())
    need(reader.done(), "a byte after the last value", "ERR_CODEC_TRAILING")
    return fields


def sound(inner):
    def field(value):
        if isinstance(value, Fault):
            raise value.error
        return inner(value)
    return field


# Layouts: a field is a function from a decoded value to what the record means by it.

def unsigned(least=0, most=MAX_INTEGER):
    def field(value):
        need(isinstance(value, int) and not isinstance(value, bool), "not an integer", "ERR_CODEC_TYPE")
        need(least <= value <= most, f"{value} is not {least} to {most}", "ERR_CODEC_RANGE")
        return value
    return field


def binary(least=0, most=2**32 - 1):
    def field(value):
        need(isinstance(value, bytes), "not a byte string", "ERR_CODEC_TYPE")
        need(least <= len(value) <= most, f"{len(value)} bytes, not {least} to {most}", "ERR_CODEC_RANGE")
        return value
    return field


def exactly(length):
    return binary(length, length)


def text(most=2**32 - 1):
    def field(value):
        need(isinstance(value, str), "not text", "ERR_CODEC_TYPE")
        need(len(value.encode()) <= most, "text too long", "ERR_CODEC_RANGE")
        return value
    return field


def boolean(value):
    need(isinstance(value, bool), "not a boolean", "ERR_CODEC_TYPE")
    return value


def optional(inner):
    return lambda value: None if value is None else inner(value)


def then(inner, check):
    """`inner`, and what `check` makes of its result."""
    return lambda value: check(inner(value))


def array(inner, least=0, most=2**32 - 1):
    def field(value):
        need(isinstance(value, list), "not an array", "ERR_CODEC_TYPE")
        need(least <= len(value) <= most, f"{len(value)} elements", "ERR_CODEC_RANGE")
        return [sound(inner)(element) for element in value]
    return field


def ascending(inner, key=lambda element: element):
    """Strictly ascending by the key (bytes or integers)."""
    def field(value):
        elements = inner(value)
        keys = [key(element) for element in elements]
        need(all(a < b for a, b in zip(keys, keys[1:])), "not in strictly ascending order")
        return elements
    return field


def row(*names_and_fields):
    """An array of exactly these (name, field) pairs, as a dictionary."""
    def field(value):
        need(isinstance(value, list), "not an array", "ERR_CODEC_TYPE")
        need(len(value) == len(names_and_fields), f"{len(value)} fields", "ERR_CODEC_RANGE")
        return {name: sound(inner)(part) for (name, inner), part in zip(names_and_fields, value)}
    return field


identifier = exactly(32)
u8 = unsigned(0, 2**8 - 1)
u32 = unsigned(0, 2**32 - 1)
u53 = unsigned()


def identifier_text(raw):
    multihash = b"\x12\x20" + raw
    return "b" + base64.b32encode(multihash).decode().rstrip("=").lower()


def parse_identifier(written):
    bad = Refused("ERR_CODEC_IDENTIFIER", written)
    if len(written) != 56 or written[0] != "b" or any(c not in "abcdefghijklmnopqrstuvwxyz234567" for c in written):
        raise bad
    raw = base64.b32decode(written[1:].upper() + "=")
    if raw[:2] != b"\x12\x20" or identifier_text(raw[2:]) != written:
        raise bad
    return raw[2:]
