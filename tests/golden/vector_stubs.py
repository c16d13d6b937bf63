"""What most test vectors share: a store, what lies in it, and stubs for it."""

from statebag.format.codec import compress, sha256_hex
from statebag.format.index import encode_node, node_entry
from statebag.format.json_text import encode
from statebag.format.stub import (
    THIS_PACK,
    Blob,
    Carried,
    Entry,
    Pieces,
    Stored,
    joined_size,
)
from tests.golden.vector_files import Objects, words

RUN = "machine/run"
GOLDEN_KEY = bytes(range(32))

STRING = words(500, 1)
ARRAY = list(range(300))
OBJECT = {f"key {n}": n for n in range(200)}
CHUNKS = [[{"n": n, "text": words(6, n)} for n in range(at, at + 25)] for at in (0, 25, 50)]
TAIL = [{"n": n, "text": words(6, n)} for n in range(75, 80)]
HISTORY = [item for chunk in [*CHUNKS, TAIL] for item in chunk]


def carried(value, text=None):
    """An inline stub of a value."""
    text = encode(value) if text is None else text
    kind = {list: "array", dict: "object"}.get(type(value))
    frame = compress(text)
    return Carried(sha256_hex(text), len(text), frame, kind, len(value) if kind else 0)


def stored(blob, value=None):
    """A stored stub; arrays and objects say their count."""
    kind = {list: "array", dict: "object"}.get(type(value))
    return Stored(blob, kind, len(value) if kind else 0)


def rows(blobs, values):
    """Chunks as entries."""
    return tuple(
        Entry(blob, len(value), blob.size) for blob, value in zip(blobs, values, strict=True)
    )


def chunked(entries, tail=None, reads=(), kind="array"):
    """A chunked stub whose counts and sizes add up."""
    sizes = [entry.size for entry in entries] + ([tail.size] if tail else [])
    count = sum(entry.count for entry in entries) + (tail.count if tail else 0)
    return Pieces(kind, count, joined_size(sizes), tuple(entries), tail, tuple(reads))


class Plain:
    """The stores that most vectors share, with what lies in them."""

    def __init__(self):
        self.store = Objects("plain")
        self.string, self.array, self.object, *chunks = self.store.pack(
            RUN, *map(encode, (STRING, ARRAY, OBJECT, *CHUNKS, TAIL))
        )
        self.chunks, self.tail = chunks[:3], chunks[3]
        self.entries = rows(self.chunks, CHUNKS)
        self.above, self.other, self.below = (
            self.store.pack(scope, encode(scope))[0]
            for scope in ("machine", "other/run", f"{RUN}/child")
        )
        self.node, self.top = self._nodes()

    def _nodes(self):
        """An index of two levels in a pack of its own; the upper node lists its own pack too."""
        lower = encode_node(self.entries[:2])
        more = encode(CHUNKS[2])
        own = Blob(sha256_hex(lower), len(lower), THIS_PACK, 8, len(compress(lower)))
        chunk = Blob(
            sha256_hex(more), len(more), THIS_PACK, own.offset + own.length, len(compress(more))
        )
        second = encode_node((Entry(chunk, len(CHUNKS[2]), len(more)),))
        after = Blob(
            sha256_hex(second),
            len(second),
            THIS_PACK,
            chunk.offset + chunk.length,
            len(compress(second)),
        )
        nodes = (
            node_entry(self.entries[:2], own),
            node_entry((Entry(chunk, len(CHUNKS[2]), len(more)),), after),
        )
        upper = encode_node(nodes)
        kinds = ["index", "value", "index", "index"]
        blobs = self.store.pack(RUN, lower, more, second, upper, kinds=kinds)
        return node_entry(self.entries[:2], blobs[0]), node_entry(nodes, blobs[3])
