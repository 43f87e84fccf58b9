"""Pages 17 and 18: app packages, their permissions, and the grants of installations."""
import ipaddress
import re
import unicodedata
from hashlib import sha256

import ed25519
import records
from encoding import (
    Refused, array, ascending, boolean, decode, decode_fields, exactly, identifier, need, optional, row, text, then,
    u32, u53, unsigned,
)
from envelope import decode_envelope, record_id, sign_input

MAGIC = b"btapp\0\0\1"
NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*\Z")
MIB = 1 << 20
LIMITS = {
    1: 32 * MIB, 2: 512 * MIB, 3: 65_536, 4: 50_000_000_000, 5: 60_000, 6: 60_000, 7: 16 * MIB, 8: 100_000,
    9: 1024 * MIB, 10: 1024, 11: MIB, 12: 4, 13: 86_400_000, 14: 64, 15: 256, 16: 1024, 17: 1024, 18: 1024, 19: 256,
    20: 60_000, 21: 256 * MIB, 22: 1 << 40,
}


def matching(pattern, most):
    def check(value):
        need(re.fullmatch(pattern, value), f"{value!r} is not allowed here")
        return value
    return then(text(most), check)


def name(most):
    return matching(NAME.pattern, most)


def words(most, lines=False):
    """A text that people read."""
    def check(value):
        need(value and value.strip() == value and value == unicodedata.normalize("NFC", value), "empty, spaced or not NFC")
        shown = value.replace("\n", "") if lines else value
        need(not any(unicodedata.category(c) in ("Cc", "Cf", "Co", "Cs", "Zl", "Zp") for c in shown), "hidden characters")
        return value
    return then(text(most), check)


def distinct(inner, key):
    return ascending(inner, lambda element: key(element).encode())


# Permissions

def host_pattern(host):
    if host == "*":
        return host
    if host.startswith("["):
        need(host == f"[{ipaddress.IPv6Address(host[1:-1])}]", "an address in another spelling")
        return host
    if re.fullmatch(r"[0-9.]+", host):
        need(host == str(ipaddress.IPv4Address(host)), "an address in another spelling")
        return host
    labels = host.removeprefix("*.").split(".")
    need(all(re.fullmatch(r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?", label) for label in labels), "a label of a host")
    need(not re.fullmatch(r"0x[0-9a-f]*|[0-9]+", labels[-1]), "the last label is a number")
    return host


def parse_origin(written):
    match = re.fullmatch(r"(https?)://(\[[0-9a-f:.]+\]|[a-z0-9_.*-]+)(?::([1-9][0-9]{0,4}))?", written)
    need(match, "not an origin")
    scheme, host, port = match.groups()
    usual = {"http": 80, "https": 443}[scheme]
    need(port is None or int(port) not in (usual, *range(65_536, 100_000)), "a port")
    try:
        return scheme, host_pattern(host), int(port or usual)
    except ValueError as error:
        raise Refused("", str(error)) from error


def host_match(pattern, host):
    if pattern == host:
        return "literal"
    if pattern == "*":
        return "pattern"
    is_address = host.startswith("[") or re.fullmatch(r"[0-9.]+", host)
    is_below = pattern.startswith("*.") and host.endswith(pattern[1:]) and len(host) > len(pattern) - 1
    return "pattern" if is_below and not is_address else None


def origin_match(pattern, origin):
    scheme, host, port = parse_origin(pattern)
    other = parse_origin(origin)
    return host_match(host, other[1]) if (scheme, port) == (other[0], other[2]) else None


def _origin(written):
    parse_origin(written)
    return written


def _recipient(app):
    need(app == "*" or re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", app), "a recipient")
    return app


def _messages(scope):
    need(scope["send"] or scope["receive"], "neither sends nor receives")
    return scope


def _sockets(scope):
    host_pattern(scope["host"])
    need(scope["portFirst"] <= scope["portLast"], "no port")
    return scope


def _sorted_texts(inner, least, most):
    return distinct(array(inner, least, most), lambda element: element)


SCOPES = {
    1: row(("object", unsigned(0, 2)), ("rights", unsigned(1, 63))),
    2: then(
        row(("send", _sorted_texts(then(text(64), _recipient), 0, 64)), ("receive", boolean), ("otherNodes", boolean)),
        _messages,
    ),
    3: row(("origins", _sorted_texts(then(text(300), _origin), 1, 64))),
    4: row(("public", boolean), ("clientAddress", boolean)),
    5: then(
        row(("socket", unsigned(0, 2)), ("host", text(255)), ("portFirst", unsigned(0, 65_535)), ("portLast", unsigned(0, 65_535))),
        _sockets,
    ),
}


def _raw(value):
    return value


def _scope(fields):
    need(fields["kind"] in SCOPES, "kind of permission")
    fields["scope"] = SCOPES[fields["kind"]](fields["scope"])
    is_own = fields["kind"] == 1 and fields["scope"]["object"] == 0
    need(fields["kind"] != 1 or is_own == (fields["name"] == "data"), "own files are data")
    return fields


_permission = then(
    row(("name", name(32)), ("reason", words(500)), ("optional", boolean), ("kind", unsigned(1, 5)), ("scope", _raw)), _scope
)


def _by_name(element):
    return element["name"]


def _limit(fields):
    need(fields["code"] in LIMITS and 1 <= fields["value"] <= LIMITS[fields["code"]], "limit")
    return fields


limits = ascending(array(then(row(("code", u53), ("value", u53)), _limit)), lambda element: element["code"])


# Manifest

def _asset_path(path):
    for part in path.split("/"):
        need(re.fullmatch(r"[A-Za-z0-9_@+~-][A-Za-z0-9_@+~.-]*", part) and not part.endswith("."), "path of an asset")
        need(not re.match(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)", part, re.I), "name of a device")
    return path


def _route_path(path):
    need(re.fullmatch(r"/(([A-Za-z0-9._~@+-]+/)*[A-Za-z0-9._~@+-]+/?)?", path), "path of a route")
    need(not {".", ".."} & set(path.split("/")), "dots in a route")
    return path


def _abi(fields):
    need(fields == {"kind": 0, "version": 1}, "another interface", "ERR_PACKAGE_ABI")
    return fields


_content = row(("size", u53), ("sha256", exactly(32)))
_asset = row(
    ("path", then(text(255), _asset_path)), ("size", unsigned(0, 32 * MIB)), ("sha256", exactly(32)),
    ("mediaType", matching(r"[a-z0-9!#$&^_.+-]+/[a-z0-9!#$&^_.+-]+(; charset=[a-z0-9-]+)?", 100)),
)
_target = row(("directory", text(255)), ("index", optional(then(text(255), _asset_path))))
_manifest = row(
    ("author", identifier), ("name", name(63)), ("version", unsigned(1, 2**32 - 1)), ("versionText", words(64)),
    ("minUpgradableVersion", u32), ("abi", then(row(("kind", u53), ("version", u53)), _abi)), ("module", _content),
    ("assets", distinct(array(_asset, 0, 1024), lambda asset: asset["path"])),
    ("permissions", distinct(array(_permission, 0, 64), _by_name)), ("limits", limits),
    ("routes", distinct(
        array(row(("path", then(text(255), _route_path)), ("target", optional(_target))), 0, 64), lambda route: route["path"]
    )),
    ("words", row(("title", words(100)), ("description", words(4000, True)))),
    ("licence", then(words(100), lambda value: matching(r"[A-Za-z0-9.+() -]+", 100)(value))), ("icon", optional(text(255))),
)


def decode_manifest(body):
    manifest = decode_fields(body, _manifest)
    need(manifest["minUpgradableVersion"] <= manifest["version"], "lowest upgradable version")
    asked = {limit["code"]: limit["value"] for limit in manifest["limits"]}
    need(manifest["module"]["size"] <= asked.get(1, 8 * MIB), "size of the module")
    folded = [asset["path"].lower() for asset in manifest["assets"]]
    need(len(set(folded)) == len(folded), "assets that differ in case")
    need(not any(other.startswith(path + "/") for path in folded for other in folded), "a file and a directory")
    paths = [asset["path"] for asset in manifest["assets"]]
    need(manifest["icon"] is None or manifest["icon"] in paths, "the icon is no asset")
    servers = sum(permission["kind"] == 4 for permission in manifest["permissions"])
    need(servers <= 1 and (servers or not manifest["routes"]), "http-server")
    for route in manifest["routes"]:
        if route["target"] is not None:
            directory = route["target"]["directory"]
            need(route["path"].endswith("/"), "a route to assets")
            need(any(path.startswith(directory and directory + "/") for path in paths), "nothing there")
    return manifest


def app_id(author, name):
    return sha256(b"blocktree/app/1\0" + author + name.encode()).digest()


def read_package(data):
    """Manifest, author id, release id and contents."""
    need(len(data) <= 128 * MIB and data[:8] == MAGIC[: len(data)], "not a package")
    length = int.from_bytes(data[8:12], "big")
    need(length <= 524_288 and len(data) >= 12 + length, "head")
    author_record, signed = row(("author", _raw), ("manifest", _raw))(decode(data[12 : 12 + length])).values()
    envelope = decode_envelope(signed)
    need((envelope["type"], envelope["format"]) == (32, 1), "type or format of the manifest")
    author = verify_principal(author_record)
    need(envelope["signer"] == author["id"], "another signer than the author")
    need(ed25519.verify(author["key"], sign_input(envelope), envelope["signature"]), "signature")
    manifest = decode_manifest(envelope["body"])
    need(manifest["author"] == author["id"], "another author")
    at, contents = 12 + length, []
    for content in [manifest["module"], *manifest["assets"]]:
        contents.append(data[at : at + content["size"]])
        at += content["size"]
        need(sha256(contents[-1]).digest() == content["sha256"], "content")
    need(at == len(data), "length")
    need(contents[0][:8] == b"\0asm\1\0\0\0", "module")
    return manifest, author["id"], record_id(envelope), contents


def verify_principal(data):
    envelope = decode_envelope(data)
    need(envelope["type"] == 1, "not a principal")
    records.decode_record(data)
    key = decode(envelope["body"])[1]
    need(ed25519.verify(key, sign_input(envelope), envelope["signature"]), "signature of the author's record")
    return {"id": envelope["signer"], "key": key}


# Grants

def _granted(fields):
    fields = _scope(fields)
    is_chosen = fields["kind"] == 1 and fields["scope"]["object"] != 0
    need(is_chosen == (fields["object"] is not None), "object")
    need(is_chosen or not fields["asked"], "asked for at run time")
    return fields


_object = row(("tree", identifier), ("block", identifier), ("path", text(16_384)))
_grant = row(
    ("appId", identifier), ("installation", identifier), ("installedAs", name(63)), ("version", unsigned(1, 2**32 - 1)),
    ("releaseId", identifier), ("moduleHash", exactly(32)),
    ("permissions", distinct(
        array(then(row(("name", name(32)), ("asked", boolean), ("kind", u53), ("scope", _raw), ("object", optional(_object))), _granted), 0, 256),
        _by_name,
    )),
    ("limits", limits), ("time", u53), ("sequence", unsigned(1)), ("revoked", boolean),
)


def read_grant(data, owner):
    envelope = decode_envelope(data)
    need((envelope["type"], envelope["format"]) == (33, 1), "type or format of the grant")
    grant = decode_fields(envelope["body"], _grant)
    need(not (grant["revoked"] and grant["permissions"]), "revoked, and something is allowed")
    need(envelope["signer"] == owner["id"], "another signer")
    need(ed25519.verify(owner["key"], sign_input(envelope), envelope["signature"]), "signature")
    return {**grant, "id": record_id(envelope)}


def current(grants):
    """Index of the one that counts."""
    ranks = [(-grant["sequence"], not grant["revoked"], grant["id"]) for grant in grants]
    return ranks.index(min(ranks))


def host_within(inner, outer):
    if inner == outer:
        return True
    return inner.startswith("*") and (outer == "*" or (outer.startswith("*.") and inner.endswith(outer[1:])))


def within(inner, outer):
    """Scopes as the vectors write them."""
    if inner["kind"] != outer["kind"]:
        return False
    if inner["kind"] == "files":
        return inner["object"] == outer["object"] and set(inner["rights"]) <= set(outer["rights"])

    def origin_within(narrow, wide):
        one, other = parse_origin(narrow), parse_origin(wide)
        return (one[0], one[2]) == (other[0], other[2]) and host_within(one[1], other[1])
    return all(any(origin_within(one, other) for other in outer["origins"]) for one in inner["origins"])
