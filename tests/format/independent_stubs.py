"""Stubs and their signatures: written from docs/format.md alone.

The middle of `independent_reader`; imports nothing of statebag.
"""

import base64
import hmac
import re

from tests.format.independent_objects import MAX_ROWS, Refused, encode, pack_name

KEY = "__statebag__"


class Stub:
    """A body, checked as far as that goes without reading anything.

    Attributes:
        form: `stored`, `inline`, `chunked`, `delta`, `layered` or `escaped`.
        is_rest: Whether other members of its object belong to it.
        canonical: What is signed, as a dict.
    """

    def __init__(self, wire):
        body = wire[KEY]
        if not isinstance(body, dict) or "v" not in body:
            raise Refused("invalid_stub", "a body")
        version = body["v"]
        if type(version) not in (int, float) or version not in (1, 3):
            raise Refused("unsupported_format", "the version of a stub")
        version = int(version)
        self.body = body
        self.is_rest = body.get("rest") is True
        self.beside = ()
        if not self.is_rest and len(wire) > 1:
            raise Refused("invalid_stub", "a key beside a stub")
        if not self.is_rest and "escaped" in body and version == 1:
            self.form, self.original = "escaped", field(body, "escaped", dict)
            return
        self._read(body, "layered" if version == 3 else None)
        if self.is_rest:
            self.beside = field(body, "beside", list)
            if not all(isinstance(name, str) for name in self.beside):
                raise Refused("invalid_stub", "names beside a rest")
            if any(name not in wire or name == KEY for name in self.beside):
                raise Refused("invalid_stub", "a field beside a rest is gone")
            self.canonical |= {"rest": True, "beside": self.beside}
        since = {"since": "0.1"} if version == 3 else {}
        self.canonical = dict(sorted({"v": version, **since, **self.canonical}.items()))

    @classmethod
    def inner(cls, body):
        """A base or a tail."""
        stub = cls.__new__(cls)
        stub.is_rest, stub.beside, stub.body = False, (), body
        stub._read(body)
        return stub

    def _read(self, body, form=None):
        self.tail = self.base = None
        self.rows, self.prefetch, self.layers = [], [], []
        if form is not None:
            self.form = form
        elif "patch" in body:
            self.form = "delta"
        elif "pieces" in body:
            self.form = "chunked"
        else:
            self.form = "inline" if "data" in body else "stored"
        self.kind = self.count = None
        if "kind" in body or self.form == "chunked":
            self.kind = body.get("kind")
            if self.kind not in ("array", "object"):  # it may be a list
                raise Refused("invalid_stub", "a kind")
            self.count = number(body.get("count"))
        shape = {"kind": self.kind, "count": self.count} if self.kind else {}
        self.size = number(body.get("size"))
        if self.form == "chunked":
            self._read_chunked(body, shape)
            return
        self.digest = digest(body.get("sha256"))
        self.canonical = {"sha256": self.digest, "size": self.size}
        if self.form == "stored":
            span = field(body, "span", list)
            if len(span) != 2:
                raise Refused("invalid_stub", "a span")
            self.blob = Blob(body.get("at"), *map(number, span), self.size, self.digest)
            self.canonical |= {"at": self.blob.at, "span": [self.blob.offset, self.blob.length]}
        elif self.form == "inline":
            self.frame = unbase64(body, "data")
            self.canonical["data"] = base64.b64encode(self.frame).decode()
        else:
            base = field(body, "base", dict)
            if "patch" in base:
                raise Refused("invalid_stub", "a delta of a delta")
            self.base = Stub.inner(base)
            if self.base.form == "inline":
                raise Refused("invalid_stub", "an inline base")
            self.frame = None
            if self.form == "delta" or "patch" in body:
                self.frame = unbase64(body, "patch")
                self.canonical["patch"] = base64.b64encode(self.frame).decode()
            self.canonical["base"] = self.base.canonical
            if self.form == "layered":
                self._read_layers(body)
        self.canonical |= shape

    def _read_layers(self, body):
        rows = field(body, "deltas", list)
        if not 1 <= len(rows) <= 4 or self.frame == b"":
            raise Refused("invalid_stub", "stored deltas")
        listed = []
        for row in rows:
            if not isinstance(row, list) or len(row) != 6:
                raise Refused("invalid_stub", "a row of a stored delta")
            given, size, offset, length = map(number, (row[0], row[2], row[4], row[5]))
            blob = Blob(row[3], offset, length, size, digest(row[1]))
            if size > given + given // 128 + 512 + 17:
                raise Refused("invalid_stub", "a stored delta longer than any of its text")
            self.layers.append((given, blob))
            listed.append([given, blob.digest, size, blob.at, offset, length])
        if self.frame is None and self.layers[-1][0] != self.size:
            raise Refused("invalid_stub", "stored deltas that give another size")
        self.canonical["deltas"] = listed

    def _read_chunked(self, body, shape):
        packs = field(body, "packs", list)
        for name in packs:
            pack_name(name)
        self.rows = rows_of(field(body, "pieces", list), packs)
        ahead = body.get("reads", [])
        if not isinstance(ahead, list) or len(ahead) > MAX_ROWS:
            raise Refused("invalid_stub", "a prefetch list")
        for row in ahead:
            if not isinstance(row, list) or len(row) != 3:
                raise Refused("invalid_stub", "a row of a prefetch list")
            pack, offset, length = map(number, row)
            if pack >= len(packs):
                raise Refused("invalid_stub", "a pack that is not listed")
            self.prefetch.append((packs[pack], offset, length))
        parts = list(self.rows)
        if "tail" in body:
            self.tail = Stub.inner({**field(body, "tail", dict), "kind": self.kind})
            if self.tail.form not in {"stored", "inline"}:
                raise Refused("invalid_stub", "a tail")
            parts.append(self.tail)
        if not self.rows or not adds_up(parts, self.count, self.size):
            raise Refused("invalid_stub", "counts and sizes")
        used = {}
        listed = []
        for row in self.rows:
            numbers = [used.setdefault(row.blob.at, len(used)), row.blob.offset, row.blob.length]
            node = [row.level, row.blob.size] if row.level else []
            listed.append([row.count, row.size, row.blob.digest, *numbers, *node])
        reads = [[used.setdefault(at, len(used)), *span] for at, *span in self.prefetch]
        self.canonical = {**shape, "size": self.size, "packs": list(used), "pieces": listed}
        if reads:
            self.canonical["reads"] = reads
        if self.tail is not None:
            tail = dict(self.tail.canonical)
            del tail["kind"]
            self.canonical["tail"] = tail

    @property
    def has_bytes(self):
        """Whether bytes of a value are in the stub itself."""
        return self.form in {"inline", "delta", "layered"} or (
            self.tail is not None and self.tail.form == "inline"
        )

    def names(self):
        """Every name of a pack in it."""
        if self.form in {"delta", "layered"}:
            yield from self.base.names()
            yield from (blob.at for _, blob in self.layers)
        elif self.form == "stored":
            yield self.blob.at
        elif self.form == "chunked":
            yield from (row.blob.at for row in self.rows)
            yield from (at for at, _, _ in self.prefetch)
            if self.tail is not None:
                yield from self.tail.names()


class Blob:
    """Where a frame lies, and what its text is."""

    def __init__(self, at, offset, length, size, digest):
        self.at, self.offset, self.length = pack_name(at), offset, length
        self.size, self.digest = size, digest
        if length > size + size // 128 + 512:
            raise Refused("invalid_stub", "a frame longer than any of its text")


class Row:
    """A chunk (level 0) or an index node."""

    def __init__(self, row, packs):
        if not isinstance(row, list) or len(row) not in {6, 8}:
            raise Refused("invalid_stub", "a row")
        self.count, self.size = number(row[0]), number(row[1])
        pack, offset, length = map(number, row[3:6])
        self.level, own = map(number, row[6:]) if len(row) == 8 else (0, self.size)
        levels = range(1, 13) if len(row) == 8 else range(1)
        if not self.count or pack >= len(packs) or self.level not in levels:
            raise Refused("invalid_stub", "a row")
        if self.level and own > 16_777_216:
            raise Refused("invalid_stub", "a row")
        self.blob = Blob(packs[pack], offset, length, own, digest(row[2]))

    @property
    def place(self):
        """What tells a node from others, to read each once."""
        blob = self.blob
        return (blob.at, blob.offset, blob.length, blob.digest, self.count, self.size, self.level)


def rows_of(rows, packs):
    if len(rows) > MAX_ROWS:
        raise Refused("invalid_stub", "too many rows")
    return [Row(row, packs) for row in rows]


def adds_up(parts, count, size):
    inner = sum(part.size - 2 for part in parts)
    return sum(part.count for part in parts) == count and 2 + inner + len(parts) - 1 == size


def field(body, name, kind):
    if type(body.get(name)) is not kind:
        raise Refused("invalid_stub", name)
    return body[name]


def number(value):
    whole = type(value) is int or (type(value) is float and value.is_integer())
    if not whole or not 0 <= value <= 2**53:
        raise Refused("invalid_stub", "a number")
    return int(value)


def digest(value):
    if not isinstance(value, str) or not re.fullmatch("[0-9a-f]{64}", value, re.ASCII):
        raise Refused("invalid_stub", "a digest")
    return value


def unbase64(body, name):
    text = field(body, name, str)
    if not re.fullmatch(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?", text):
        raise Refused("invalid_stub", "base64")
    return base64.b64decode(text)


# Signatures


def signed_text(canonical, scope):
    head = b"statebag stub 1\n" if scope is None else f"statebag stub 2\n{scope}\n".encode()
    return head + encode(canonical)


def signature(stub, key_name, key, scope):
    """The `sig` of a stub; the scope is encoded, None where none is to be covered."""
    mac = hmac.digest(key, signed_text(stub.canonical, scope), "sha256")
    text = base64.urlsafe_b64encode(mac).rstrip(b"=").decode()
    return f"{key_name}.{text}" + ("" if scope is None else f".{scope}")
