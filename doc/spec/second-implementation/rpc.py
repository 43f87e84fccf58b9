"""Page 10: framing, requests and answers of a server that has the protocol's own methods only (`rpc.discover` left out)."""
import json
import struct
from math import isfinite

MAX_LINE, MAX_FRAME, MAX_DEPTH, MAX_INTEGER = 16 * 2**20, 4 * 2**20, 64, 2**53 - 1
NUMBERS = {
    "ERR_RPC_PARSE": -32700, "ERR_RPC_REQUEST": -32600, "ERR_RPC_METHOD_UNKNOWN": -32601, "ERR_RPC_PARAMS": -32602,
    "ERR_INTERNAL": -32603, "ERR_RPC_LINE_TOO_LONG": -32001, "ERR_RPC_FRAME_TOO_LONG": -32002, "ERR_RPC_RESULT": -32003,
    "ERR_RPC_TIMEOUT": -32004, "ERR_RPC_CLOSED": -32005, "ERR_RPC_ID_IN_USE": -32006, "ERR_RPC_STREAM": -32007,
    "ERR_RPC_SUBSCRIPTION": -32008, "ERR_RPC_CANCELLED": -32800,
}


def number_of(code):
    if code in NUMBERS:
        return NUMBERS[code]
    h = 0x811C9DC5
    for byte in code.encode("ascii"):
        h = (h ^ byte) * 0x01000193 % 2**32
    return 1000 + h % 1_000_000


class Malformed(Exception):
    pass


def serve(data):
    """(answers, whether the server closes): an answer is {id, result}, {id, error: code, number}, or a list of them."""
    return _serve_frames(data) if data[:1] == b"\0" else (_serve_lines(data), False)


def _serve_lines(data):
    answers = []
    for line in data.split(b"\n"):
        if not line.strip(b" \t\r"):
            continue
        try:
            message = json.loads(line.decode("utf-8"), parse_constant=_no_constant)
        except (ValueError, Malformed):
            answers.append(_failure(None, "ERR_RPC_PARSE"))
            continue
        answers += _answer_line(message)
    return answers


def _no_constant(name):
    raise Malformed(name)


def _answer_line(message):
    if not isinstance(message, list):
        return _present([_answer(message)])
    if not 1 <= len(message) <= 1000:
        return [_failure(None, "ERR_RPC_REQUEST")]
    batch = _present([_answer(one) for one in message])
    return [batch] if batch else []


def _serve_frames(data):
    answers, at = [], 0
    while len(data) - at >= 4:
        length = int.from_bytes(data[at : at + 4], "big")
        if not 1 <= length <= MAX_FRAME:
            return [*answers, _failure(None, "ERR_RPC_FRAME_TOO_LONG")], True
        body = data[at + 4 : at + 4 + length]
        if len(body) < length:
            break
        at += 4 + length
        try:
            reader = _Reader(body)
            message = reader.value(0)
            if reader.at != len(body):
                raise Malformed("behind the value")
        except Malformed:
            answers.append(_failure(None, "ERR_RPC_PARSE"))
            continue
        answers += _present([_answer(message)])
    return answers, False


def _present(answers):
    return [answer for answer in answers if answer is not None]


def _failure(identifier, code):
    return {"id": identifier, "error": code, "number": number_of(code)}


def _answer(message):
    if not isinstance(message, dict):
        return _failure(None, "ERR_RPC_REQUEST")
    wants_answer = "id" in message
    identifier = message.get("id")
    if not _is_id(identifier):
        return _failure(None, "ERR_RPC_REQUEST")
    if not isinstance(message.get("method"), str):
        return _failure(identifier, "ERR_RPC_REQUEST")
    params = message.get("params", {})
    code = _refusal(message["method"], params)
    if not wants_answer:
        return None
    return _failure(identifier, code) if code else {"id": identifier, "result": {}}


def _is_id(value):
    if isinstance(value, str):
        return len(value.encode("utf-16-le", "surrogatepass")) // 2 <= 256
    if isinstance(value, float):
        return value.is_integer() and abs(value) <= MAX_INTEGER
    return value is None or isinstance(value, int) and not isinstance(value, bool) and abs(value) <= MAX_INTEGER


def _refusal(method, params):
    members = {"rpc.ping": set(), "rpc.cancel": {"id"}, "rpc.unsubscribe": {"subscription"}}.get(method)
    if members is None:
        return "ERR_RPC_METHOD_UNKNOWN"
    if not isinstance(params, dict) or set(params) != members:
        return "ERR_RPC_PARAMS"
    if method == "rpc.cancel" and not _is_id(params["id"]):
        return "ERR_RPC_PARAMS"
    if method == "rpc.unsubscribe":
        number = params["subscription"]
        return "ERR_RPC_SUBSCRIPTION" if isinstance(number, int) and not isinstance(number, bool) else "ERR_RPC_PARAMS"
    return None


class _Reader:
    """Section 2: MessagePack as frames may hold it."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        if count > len(self.data) - self.at:
            raise Malformed("too short")
        self.at += count
        return self.data[self.at - count : self.at]

    def size(self, count):
        return int.from_bytes(self.take(count), "big")

    def integer(self, value):
        if abs(value) > MAX_INTEGER:
            raise Malformed("too great")
        return value

    def value(self, depth):
        first = self.take(1)[0]
        if first < 0x80:
            return first
        if first >= 0xE0:
            return first - 256
        if first < 0x90:
            return self.map(first & 15, depth + 1)
        if first < 0xA0:
            return self.array(first & 15, depth + 1)
        if first < 0xC0:
            return self.text(first & 31)
        if first in (0xC0, 0xC2, 0xC3):
            return {0xC0: None, 0xC2: False, 0xC3: True}[first]
        if first in (0xC4, 0xC5, 0xC6):
            return self.take(self.size(1 << first - 0xC4))
        if first in (0xCA, 0xCB):
            value = struct.unpack(">f" if first == 0xCA else ">d", self.take(4 if first == 0xCA else 8))[0]
            if not isfinite(value):
                raise Malformed("not finite")
            return value
        if 0xCC <= first <= 0xCF:
            return self.integer(self.size(1 << first - 0xCC))
        if 0xD0 <= first <= 0xD3:
            return self.integer(int.from_bytes(self.take(1 << first - 0xD0), "big", signed=True))
        if 0xD9 <= first <= 0xDB:
            return self.text(self.size(1 << first - 0xD9))
        if first in (0xDC, 0xDD):
            return self.array(self.size(2 if first == 0xDC else 4), depth + 1)
        if first in (0xDE, 0xDF):
            return self.map(self.size(2 if first == 0xDE else 4), depth + 1)
        raise Malformed(f"first byte {first:02x}")

    def text(self, count):
        try:
            return self.take(count).decode("utf-8")
        except UnicodeDecodeError as error:
            raise Malformed("text") from error

    def nested(self, count, depth):
        if depth > MAX_DEPTH or count > len(self.data) - self.at:
            raise Malformed("too deep or too short")

    def array(self, count, depth):
        self.nested(count, depth)
        return [self.value(depth) for _ in range(count)]

    def map(self, count, depth):
        self.nested(count, depth)
        result = {}
        for _ in range(count):
            key = self.value(depth)
            if not isinstance(key, str) or key == "__proto__":
                raise Malformed("key")
            result[key] = self.value(depth)
        return result
