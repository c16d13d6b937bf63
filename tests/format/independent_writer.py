"""Writes bags and packs of wire version 1 without this library: from docs/format.md alone.

The counterpart of `independent_reader`; imports nothing of statebag.
"""

import base64
import sys

from tests.format.independent_objects import (
    PACK_MAGIC,
    Cipher,
    encode,
    encoded_scope,
    expand,
    sha256,
)
from tests.format.independent_stubs import KEY, Stub, signature

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd


def base64_text(data):
    return base64.b64encode(data).decode()


def shape(value):
    """`kind` and `count` of an array or object."""
    kind = {list: "array", dict: "object"}.get(type(value))
    return {} if kind is None else {"kind": kind, "count": len(value)}


class Writer:
    """Makes stubs, and one pack for all of them.

    Names of the pack stand as `PENDING` in the stubs until the pack is written.
    """

    PENDING = "pending"

    def __init__(self, scope, *, signing=None, encryption_key=None):
        self.scope = encoded_scope(scope)
        self.signing = signing
        self.cipher = None if encryption_key is None else Cipher(encryption_key, 2)
        self.frames, self.rows, self.position = [], [], len(PACK_MAGIC)

    def _blob(self, text, kind="value"):
        frame = zstd.compress(text)
        offset, length = self.position, len(frame)
        self.frames.append(frame)
        self.rows.append([sha256(text), offset, length, len(text), kind])
        self.position += length
        return offset, length

    def stored(self, value):
        text = encode(value)
        span = list(self._blob(text))
        head = {"v": 1, "sha256": sha256(text), "size": len(text), "at": self.PENDING}
        return {**head, "span": span, **shape(value)}

    @staticmethod
    def inline(value):
        text = encode(value)
        head = {"v": 1, "sha256": sha256(text), "size": len(text)}
        return {**head, "data": base64_text(zstd.compress(text)), **shape(value)}

    def chunked(self, chunks, tail):
        """An index node over all chunks but the last, a row for that one, and an inline tail."""
        rows = [self._row(chunk) for chunk in chunks]
        node = b"statebag index 1\n" + encode({"packs": [""], "pieces": rows[:-1]})
        offset, length = self._blob(node, "index")
        below = self._sums([row[:2] for row in rows[:-1]])
        first = [*below, sha256(node), 0, offset, length, 1, len(node)]
        inner = self.inline(tail)
        count, size = self._sums([below, rows[-1][:2], [inner["count"], inner["size"]]])
        del inner["v"], inner["kind"]
        start, end = rows[0][4], rows[-2][4] + rows[-2][5]
        return {
            "v": 1,
            "kind": shape(tail)["kind"],
            "count": count,
            "size": size,
            "packs": [self.PENDING],
            "pieces": [first, rows[-1]],
            "reads": [[0, start, end - start]],
            "tail": inner,
        }

    def _row(self, chunk):
        text = encode(chunk)
        return [len(chunk), len(text), sha256(text), 0, *self._blob(text)]

    @staticmethod
    def _sums(parts):
        sizes = [size - 2 for _, size in parts]
        return [sum(count for count, _ in parts), 2 + sum(sizes) + len(sizes) - 1]

    @staticmethod
    def delta(value, base, base_value):
        """The difference of a value to what a stored or chunked body stands for."""
        text, before = encode(value), encode(base_value)
        window = {zstd.CompressionParameter.window_log: (len(text) + len(before)).bit_length()}
        prefix = zstd.ZstdDict(before, is_raw=True).as_prefix
        patch = zstd.compress(text, options=window, zstd_dict=prefix)
        inner = {name: field for name, field in base.items() if name != "v"}
        head = {"v": 1, "sha256": sha256(text), "size": len(text), "patch": base64_text(patch)}
        return {**head, "base": inner, **shape(value)}

    @staticmethod
    def rest(body, beside):
        return {**body, "rest": True, "beside": beside}

    @staticmethod
    def escaped(value):
        return {"v": 1, "escaped": value}

    def finished(self, bag):
        """The bag, signed, with the pack's name in it; the pack's name and bytes."""
        if self.cipher is not None:
            salt = expand(self.cipher.encryption, b"salt of packs")[:16].hex()
            self._blob(encode(salt))
        index = encode(self.rows)
        tail = len(index).to_bytes(4, "big") + PACK_MAGIC
        data = b"".join([PACK_MAGIC, *self.frames, index, tail])
        name = f"{self.scope}/{sha256(data)[:32]}.pack"
        bag = self._placed(bag, name)
        kept = data if self.cipher is None else self.cipher.encrypt(name, data)
        return bag, name, kept, data

    def _placed(self, value, name):
        if isinstance(value, list):
            return [self._placed(item, name) for item in value]
        if not isinstance(value, dict):
            return name if value == self.PENDING else value
        if KEY in value and "escaped" in value[KEY]:
            return value
        placed = {key: self._placed(member, name) for key, member in value.items()}
        if KEY not in placed or self.signing is None:
            return placed
        stub = Stub(placed)
        scope = self.scope if stub.has_bytes else None
        sig = signature(stub, *self.signing, scope)
        return {**placed, KEY: {**placed[KEY], "sig": sig}}
