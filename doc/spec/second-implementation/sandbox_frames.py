"""Page 19: frames between node and sandbox, without their length prefix."""
from encoding import binary, decode, encode, need, text, unsigned

VERSION = 2
ENGINES = ("v8", "wasmtime")
FAULTS = ("module", "trap", "fuel", "exit", "payload", "internal")
PIECE_MOST, LOG_MOST, TEXT_MOST = 2**20, 8192, 1024
number = unsigned(0, 2**31 - 1)
amount = unsigned(0, 2**53 - 1)


def parts(value, count):
    need(isinstance(value, list) and len(value) == count, f"not {count} values")
    return value


def one_of(values, index):
    need(index < len(values), f"{index}: none of {values}")
    return values[index]


def read_frame(sender, data, payload_most):
    """`sender` is "node" or "child"; a frame that the other end sends is refused."""
    kind, identifier, op, body = parts(decode(data), 4)
    kind, identifier, op = map(number, (kind, identifier, op))
    readers = FROM_NODE if sender == "node" else FROM_CHILD
    need(kind in readers, f"type {kind} is not sent by the {sender}")
    return readers[kind](identifier, op, body, binary(0, payload_most))


def hello(identifier, op):
    need(identifier == VERSION, f"version {identifier}")
    return {"type": "hello", "engine": one_of(ENGINES, op)}


def node_hello(identifier, op, body, _payload):
    *numbers, library = parts(body, 6)
    names = ("memoryPages", "tableElements", "payloadBytes", "logBytesPerSecond", "fuel")
    said = dict(zip(names, map(amount, numbers)))
    return {**hello(identifier, op), **said, "library": None if library is None else text(2**32)(library)}


def load(identifier, op, body, _payload):
    need(op <= 1, f"op {op}")
    return {"type": "load", "sequence": identifier, "isLast": op == 1, "bytes": binary(0, PIECE_MOST)(body)}


def invoke(identifier, op, body, payload):
    content, fuel = parts(body, 2)
    return {"type": "invoke", "id": identifier, "kind": op, "payload": payload(content), "fuel": amount(fuel)}


def host_reply(identifier, op, body, payload):
    return {"type": "hostReply", "id": identifier, "status": op, "payload": payload(body)}


def child_hello(identifier, op, body, _payload):
    return {**hello(identifier, op), "engineVersion": text(TEXT_MOST)(body)}


def result(identifier, op, body, payload):
    need(op == 0, f"op {op}")
    content, fuel = parts(body, 2)
    return {"type": "result", "id": identifier, "payload": payload(content), "fuelUsed": amount(fuel)}


def host_call(identifier, op, body, payload):
    return {"type": "hostCall", "id": identifier, "op": op, "payload": payload(body)}


def log(identifier, op, body, _payload):
    need(identifier == 0 and op in (1, 2), f"id {identifier}, stream {op}")
    return {"type": "log", "stream": op, "text": binary(1, LOG_MOST)(body)}


def trap(identifier, op, body, _payload):
    return {"type": "trap", "id": identifier, "fault": one_of(FAULTS, op), "message": text(TEXT_MOST)(body)}


FROM_NODE = {0: node_hello, 1: load, 2: invoke, 5: host_reply}
FROM_CHILD = {0: child_hello, 3: result, 4: host_call, 6: log, 7: trap}


def write_frame(frame):
    """Of the fields that `read_frame` gives."""
    value = frame
    if value["type"] == "hello":
        said = list(value.values())[2:]
        return encode([0, VERSION, ENGINES.index(value["engine"]), said if "library" in value else said[0]])
    written = {
        "load": lambda: [1, value["sequence"], int(value["isLast"]), value["bytes"]],
        "invoke": lambda: [2, value["id"], value["kind"], [value["payload"], value["fuel"]]],
        "result": lambda: [3, value["id"], 0, [value["payload"], value["fuelUsed"]]],
        "hostCall": lambda: [4, value["id"], value["op"], value["payload"]],
        "hostReply": lambda: [5, value["id"], value["status"], value["payload"]],
        "log": lambda: [6, 0, value["stream"], value["text"]],
        "trap": lambda: [7, value["id"], FAULTS.index(value["fault"]), value["message"]],
    }
    return encode(written[value["type"]]())
