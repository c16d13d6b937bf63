"""Reads wire version 1 without this library: written from docs/format.md alone.

`python -m tests.format.independent_reader [MANIFEST]` walks the test vectors, prints each one that
it reads otherwise than the manifest says, and ends with 1 if there is any. It needs the standard
library, zstd (of Python 3.14, or the package backports.zstd) and the package cryptography. It
imports nothing of statebag, so it shows whether the page is enough.
"""

import hashlib
import hmac
import json
import sys
from pathlib import Path

from tests.format.independent_objects import (
    MAX_DEPTH,
    Cipher,
    Refused,
    Store,
    decode,
    encode,
    encoded_scope,
    is_at_or_above,
    pack_name,
    read_pack,
    sha256,
    text_of_frame,
)
from tests.format.independent_stubs import KEY, Stub, adds_up, field, rows_of, signature

ARCHIVE_MAGIC = bytes.fromhex("53 42 41 47 58 01 0d 0a")
HEAD_MAGIC = b"SBAGH\x01\r\n"
NODE = b"statebag index "
DELTA = b"statebag delta "
NO_LIMIT = 2**53


class Reader:
    """Opens bags with one set of settings."""

    def __init__(self, store, settings):
        self.store = store
        scope = settings.get("scope")
        self.scope = None if scope is None else encoded_scope(scope)
        self.readable = settings.get("readable_scopes", [])
        keys = settings.get("signing_keys", {})
        self.keys = {name: bytes.fromhex(key) for name, key in keys.items()}
        self.must_cover = settings.get("require_signatures", False)
        limits = settings.get("limits", {})
        self.most_bytes = limits.get("max_open_bytes", NO_LIMIT)
        self.most_blobs = limits.get("max_open_blobs", 200_000)
        self.most_requests = limits.get("max_open_requests", NO_LIMIT)

    def open(self, bag):
        self.texts = {}
        found = []
        self._check(bag, 1, found)
        for stub in found:
            for name in stub.names():
                self._check_scope(name)
        places = [stub for stub in found if stub.form != "escaped"]
        self._limit(sum(stub.size for stub in places), self.most_bytes)
        bases = [stub.base or stub for stub in places]
        self._limit(sum(base.size for base in bases), self.most_bytes)
        blobs = [row.blob for base in bases for row in base.rows]
        blobs += [base.blob for base in bases if base.form == "stored"]
        blobs += [blob for stub in places for _, blob in stub.layers]
        given = sum(size for stub in places for size, _ in stub.layers)
        distinct = {(blob.at, blob.offset, blob.digest): blob.size for blob in blobs}
        self._limit(len(distinct), self.most_blobs)
        self._limit(sum(distinct.values()) + given, self.most_bytes)
        self._limit(len({blob.at for blob in blobs}), self.most_requests)
        return self._opened(bag)

    def may_read(self, scope):
        if self.scope is None or is_at_or_above(scope, self.scope):
            return True
        for one in self.readable:
            if one.endswith("/**") and is_at_or_above(encoded_scope(one[:-3]), scope):
                return True
            if not one.endswith("/**") and encoded_scope(one) == scope:
                return True
        return False

    def _check_scope(self, name):
        if not self.may_read(name.rpartition("/")[0]):
            raise Refused("not_permitted", "another scope")

    @staticmethod
    def _limit(amount, most):
        if amount > most:
            raise Refused("limit_exceeded", f"{amount} of {most}")

    def _check(self, value, level, found):
        """Every stub of a bag, before anything is read."""
        if isinstance(value, dict | list) and level > MAX_DEPTH:
            raise Refused("limit_exceeded", "levels of a bag")
        if isinstance(value, list):
            for item in value:
                self._check(item, level + 1, found)
        elif isinstance(value, dict):
            if KEY in value:
                stub = Stub(value)
                found.append(stub)
                if stub.form == "escaped":
                    check_levels(stub.original, 1)
                else:
                    self._check_signature(stub)
            for name, member in value.items():
                if name != KEY:
                    self._check(member, level + 1, found)

    def _check_signature(self, stub):
        if not self.keys:
            return
        given = stub.body.get("sig")
        parts = given.split(".", 2) if isinstance(given, str) else []
        key = self.keys.get(parts[0]) if len(parts) > 1 else None
        scope = parts[2] if len(parts) == 3 else None
        if key is None or (scope is not None and not scope.isascii()):
            raise Refused("not_permitted", "not signed")
        wanted = signature(stub, parts[0], key, scope)
        if not hmac.compare_digest(wanted.encode(), given.encode("utf-8", "replace")):
            raise Refused("not_permitted", "a wrong signature")
        if stub.has_bytes and (self.must_cover if scope is None else not self.may_read(scope)):
            raise Refused("not_permitted", "signed for another scope")

    def _opened(self, value):
        if isinstance(value, list):
            return [self._opened(item) for item in value]
        if not isinstance(value, dict):
            return value
        if KEY not in value:
            members = {name: self._opened(member) for name, member in value.items()}
            return without_derived(value, members, {})
        stub = Stub(value)
        if stub.form == "escaped":
            return stub.original
        result = self._value(stub)
        if not stub.is_rest:
            return result
        if not isinstance(result, dict):
            raise Refused("invalid_stub", "a rest that is not an object")
        members = {name: self._opened(one) for name, one in value.items() if name != KEY}
        return without_derived(value, {**result, **members}, result)

    def _value(self, stub):
        value = decode(self._text(stub))
        if stub.kind is not None:
            kind = list if stub.kind == "array" else dict
            if not isinstance(value, kind) or len(value) != stub.count:
                raise Refused("invalid_stub", "not the value that its stub describes")
        return value

    def _text(self, stub):
        if stub.form == "delta":
            base = self._text(stub.base)
            if len(base) < 64:
                raise Refused("blob_corrupt", "a short base")
            return text_of_frame(stub.frame, stub.size, stub.digest, base)
        if stub.form == "layered":
            return self._layered(stub)
        if stub.form == "inline":
            return text_of_frame(stub.frame, stub.size, stub.digest)
        if stub.form == "stored":
            return self._blob(stub.blob)
        rows, nodes = stub.rows, {}
        while any(row.level for row in rows):
            below = []
            for row in rows:
                if row.level and row.place not in nodes:
                    nodes[row.place] = self._node(row)
                below += nodes[row.place] if row.level else [row]
                self._limit(len(below), self.most_blobs)
            rows = below
        self._limit(sum(row.size for row in rows), self.most_bytes)
        texts = [self._blob(row.blob) for row in rows]
        if stub.tail is not None:
            texts.append(self._text(stub.tail))
        start, end = (b"[", b"]") if stub.kind == "array" else (b"{", b"}")
        if not all(text[:1] == start and text[-1:] == end for text in texts):
            raise Refused("invalid_stub", "a chunk of another kind")
        for row in stub.rows:
            if not row.level and items_in(self._blob(row.blob)) != row.count:
                raise Refused("invalid_stub", "a chunk of another count")
        return start + b",".join(text[1:-1] for text in texts) + end

    def _layered(self, stub):
        text = self._text(stub.base)
        for size, blob in stub.layers:
            own = self._blob(blob)
            if not own.startswith(DELTA + b"1\n"):
                other = own.startswith(DELTA)
                raise Refused("unsupported_format" if other else "blob_corrupt", "a stored delta")
            text = given_by(own[len(DELTA) + 2 :], size, text)
        if stub.frame is not None:
            text = given_by(stub.frame, stub.size, text)
        if len(text) != stub.size or sha256(text) != stub.digest:
            raise Refused("blob_corrupt", "not the text that was stored")
        return text

    def _node(self, row):
        text = self._blob(row.blob)
        if not text.startswith(NODE + b"1\n"):
            other = text.startswith(NODE)
            raise Refused("unsupported_format" if other else "invalid_stub", "a node")
        try:
            body = decode(text[len(NODE) + 2 :])
            body = body if isinstance(body, dict) else {}
            packs = field(body, "packs", list)
            packs = [row.blob.at if name == "" else pack_name(name) for name in packs]
            rows = rows_of(field(body, "pieces", list), packs)
        except Refused:
            raise Refused("invalid_stub", "a node of another form") from None
        below = all(one.level == row.level - 1 for one in rows)
        if not rows or not below or not adds_up(rows, row.count, row.size):
            raise Refused("invalid_stub", "a node that does not add up")
        for one in rows:
            self._check_scope(one.blob.at)
        return rows

    def _blob(self, blob):
        place = (blob.at, blob.offset, blob.length, blob.size, blob.digest)
        if place not in self.texts:
            frame = self.store.range(blob.at, blob.offset, blob.length)
            self.texts[place] = text_of_frame(frame, blob.size, blob.digest)
        return self.texts[place]


def given_by(frame, size, base):
    """The text of a delta, of which only the size is known."""
    if len(base) < 64:
        raise Refused("blob_corrupt", "a short base")
    return text_of_frame(frame, size, None, base)


def items_in(text):
    """Items of an array, or members of an object as they are written, a name twice or not."""
    decode(text)
    return len(json.loads(text, object_pairs_hook=list))


def check_levels(value, level):
    if not isinstance(value, dict | list):
        return
    if level > MAX_DEPTH:
        raise Refused("limit_exceeded", "levels of escaped data")
    for member in value.values() if isinstance(value, dict) else value:
        check_levels(member, level + 1)


def without_derived(wire, opened, whole):
    """An opened object without the member that a writer derived for routers, if it is that.

    `wire` is the object of the bag; `whole` has the members that come from its own stub.
    """
    name, source = "scheduling_summary", "scheduling_metadata"
    body = wire.get(KEY)
    own = body.get("beside") if isinstance(body, dict) else None
    if name not in wire or not (marks(wire, name) or marks(wire.get(source), name)):
        return opened
    metadata = opened.get(source)
    if isinstance(own, list) and name in own:
        return opened
    metadata = metadata if isinstance(metadata, dict) else whole.get(source)
    if not isinstance(metadata, dict):
        return opened
    stored = whole.get(source)
    candidates = [
        *summaries(metadata),
        *summaries(stored if isinstance(stored, dict) else metadata),
    ]
    if not any(is_summary(opened[name], one) for one in candidates):
        return opened
    rest = {one: value for one, value in opened.items() if one != name}
    return {**opened, name: whole[name]} if name in whole else rest


def marks(wire, name):
    body = wire.get(KEY) if isinstance(wire, dict) else None
    names = body.get("derived") if isinstance(body, dict) else None
    is_mark = isinstance(names, list) and all(isinstance(one, str) for one in names)
    return is_mark and name in names


def summaries(metadata):
    """The two values that a writer may have derived."""
    given = {one: metadata.get(one) for one in ("total_batches", "priority")}
    given = {one: value for one, value in given.items() if is_short(value)}
    details = metadata.get("batch_details")
    count = len(details) if isinstance(details, list | dict) else 0
    yield {"total_batches": count, "priority": 1} | given
    yield {"total_batches": None, "priority": None} | given


def is_summary(found, derived):
    if not isinstance(found, dict) or found.keys() != derived.keys():
        return False
    return all(is_same(found[one], value) for one, value in derived.items())


def is_short(value):
    if isinstance(value, str):
        return len(value) <= 64
    if type(value) is int:
        return -(10**63) < value < 10**64
    return isinstance(value, bool | float)


def is_same(one, two):
    if {type(one), type(two)} == {int, float}:
        return float(one) == float(two)
    return type(one) is type(two) and one == two


# Archives


def open_archive(data, limits):
    if len(data) > limits.get("max_open_bytes", NO_LIMIT):
        raise Refused("limit_exceeded", "an archive")
    if data[:5] == ARCHIVE_MAGIC[:5] and data[:8] != ARCHIVE_MAGIC:
        raise Refused("unsupported_format", "an archive")
    body = data[:-32]
    if data[:8] != ARCHIVE_MAGIC or len(data) < 48 or hashlib.sha256(body).digest() != data[-32:]:
        raise Refused("blob_corrupt", "not a whole archive")
    length = int.from_bytes(data[8:16], "big")
    if length > min(67_108_864, len(body) - 16):
        raise Refused("blob_corrupt", "a header that does not fit")
    header = decode(body[16 : 16 + length])
    if not isinstance(header, dict) or "v" not in header:
        raise Refused("blob_corrupt", "a header of another form")
    if type(header["v"]) is not int or header["v"] != 1:
        raise Refused("unsupported_format", "an archive")
    if set(header) != {"v", "bag", "packs"}:
        raise Refused("blob_corrupt", "a header of another form")
    rest, packs = body[16 + length :], {}
    for row in header["packs"] if isinstance(header["packs"], list) else [None]:
        if not isinstance(row, list) or len(row) != 2 or type(row[1]) is not int or row[1] < 0:
            raise Refused("blob_corrupt", "a row of an archive")
        name, pack = pack_name(row[0]), rest[: row[1]]
        if name in packs or name != f"export/{sha256(pack)[:32]}.pack":
            raise Refused("blob_corrupt", "a pack of an archive")
        packs[name], rest = pack, rest[row[1] :]
    if rest:
        raise Refused("blob_corrupt", "bytes that belong to nothing")
    return Reader(Store(packs.get), {"scope": "export", "limits": limits}).open(header["bag"])


def read_head(data):
    if data[:5] == HEAD_MAGIC[:5] and data[:8] != HEAD_MAGIC:
        raise Refused("unsupported_format", "an object of a head")
    if data[:8] != HEAD_MAGIC or len(data) < 48:
        raise Refused("blob_corrupt", "not an object of a head")
    size = int.from_bytes(data[8:16], "big")
    if size > 67_108_864:
        raise Refused("blob_corrupt", "a long text")
    body = decode(text_of_frame(data[48:], size, data[16:48].hex()))
    if not isinstance(body, dict):
        raise Refused("blob_corrupt", "not an object")
    if type(body.get("v")) is not int or body["v"] != 1:
        raise Refused("unsupported_format", "an object of a head")
    if "version" in body:
        return {"v": 1, "version": read_version(body["version"])}
    dropped, newest = body.get("dropped"), body.get("newest", 0)
    if type(body.get("life")) is not str or type(body.get("last")) is not int:
        raise Refused("blob_corrupt", "a field of a head")
    if not isinstance(dropped, list) or any(
        not isinstance(one, list) or [type(end) for end in one] != [int, int] for one in dropped
    ):
        raise Refused("blob_corrupt", "the deleted versions")
    newest = None if newest is None else read_version(newest)
    return {
        "v": 1,
        "life": body["life"],
        "last": body["last"],
        "dropped": dropped,
        "newest": newest,
    }


def read_version(body):
    types = {"number": int, "label": str, "id": str, "written": str, "reads": list, "note": str}
    types["bag"] = str
    if not isinstance(body, dict) or any(type(body.get(one)) is not types[one] for one in types):
        raise Refused("blob_corrupt", "a version")
    if any(type(one) is not str for one in body["reads"]):
        raise Refused("blob_corrupt", "a version")
    return {name: body[name] for name in types}


# The manifest


class Vectors:
    """Walks a manifest; each method gives what this reader makes of one entry."""

    def __init__(self, manifest):
        self.folder = Path(manifest).parent
        self.manifest = json.loads(Path(manifest).read_bytes())

    def bytes(self, path):
        return (self.folder / path).read_bytes()

    def bags(self, entry):
        keys = [bytes.fromhex(key) for key in entry.get("encryption_keys", [])]
        root = self.folder / entry["store"] if "store" in entry else None

        def read(name):
            path = root / name if root else None
            return path.read_bytes() if path and path.is_file() else None

        store = Store(read, keys, required=entry.get("require_encryption", False))
        reader = Reader(store, entry)
        return encode(reader.open(json.loads(self.bytes(entry["bag"]))))

    def packs(self, entry):
        return read_pack(self.bytes(entry["pack"]))

    def archives(self, entry):
        return encode(open_archive(self.bytes(entry["archive"]), entry.get("limits", {})))

    def scopes(self, entry):
        return encoded_scope(entry["scope"])

    def heads(self, entry):
        return encode(read_head(self.bytes(entry["head"])))

    def texts(self, entry):
        return encode(decode(self.bytes(entry["json"])))

    def signatures(self, entry):
        stub = Stub(json.loads(self.bytes(entry["stub"])))
        return signature(stub, entry["key_name"], bytes.fromhex(entry["key"]), entry["scope"])

    def encrypted(self, entry):
        cipher = Cipher(bytes.fromhex(entry["key"]), entry["version"])
        plain, kept = self.bytes(entry["plain"]), self.bytes(entry["encrypted"])
        store = Store({}.get, [bytes.fromhex(entry["key"])])
        return cipher.encrypt(entry["object"], plain), store.whole(entry["object"], kept)

    def expected(self, list_name, entry):
        """What the manifest says: a code of a refusal, or the result."""
        if list_name == "texts":
            return self.bytes(entry["canonical"])
        if list_name == "signatures":
            return entry["sig"]
        if list_name == "encrypted":
            return self.bytes(entry["encrypted"]), self.bytes(entry["plain"])
        expect = entry["expect"]
        if "error" in expect:
            return Refused(expect["error"])
        if "state" in expect:
            return self.bytes(expect["state"])
        return expect["rows"] if "rows" in expect else expect["encoded"]

    def verdict(self, list_name, entry):
        """None if this reader agrees with the manifest, else what differs."""
        expected = self.expected(list_name, entry)
        frames = sys.getrecursionlimit()
        sys.setrecursionlimit(10_000)  # this reader takes some frames for each of 500 levels
        try:
            found = getattr(self, list_name)(entry)
        except Refused as refused:
            if isinstance(expected, Refused) and expected.code == refused.code:
                return None
            return f"refused ({refused})"
        finally:
            sys.setrecursionlimit(frames)
        if isinstance(expected, Refused):
            return f"read, and {expected.code} was expected"
        return None if found == expected else "read as something else"

    def all(self):
        """All entries but those that a later one stands instead of."""
        gone = {entry.get("instead_of") for entry in self.manifest["bags"]}
        for list_name in (
            "bags",
            "packs",
            "archives",
            "scopes",
            "texts",
            "signatures",
            "encrypted",
            "heads",
        ):
            for entry in self.manifest[list_name]:
                if list_name != "bags" or entry["name"] not in gone:
                    yield list_name, entry


def main(arguments):
    default = Path(__file__).parent.parent / "golden" / "vectors" / "manifest.json"
    vectors = Vectors(arguments[0] if arguments else default)
    passed = failed = 0
    for list_name, entry in vectors.all():
        verdict = vectors.verdict(list_name, entry)
        passed += verdict is None
        failed += verdict is not None
        if verdict is not None:
            print(f"{list_name}/{entry['name']}: {verdict}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
