"""The files that test vectors consist of, collected in memory."""

import random

from statebag.format.codec import compress, sha256_hex
from statebag.format.json_text import encode
from statebag.format.pack import PackBuilder
from statebag.format.stub import KEY

LISTS = ("bags", "packs", "archives", "scopes", "texts", "signatures", "encrypted", "heads")


class Vectors:
    """The manifest's lists, and for each entry the files that it needs."""

    def __init__(self):
        self.lists = {name: [] for name in LISTS}
        self._files = {}

    def files_of(self, list_name, name):
        """By path."""
        return self._files[list_name, name]

    def add(self, list_name, name, files, **fields):
        """An entry; `files` are by path, and may be shared by several entries."""
        assert (list_name, name) not in self._files, name
        self.lists[list_name].append({"name": name, **fields})
        self._files[list_name, name] = files

    def opens(self, name, bag, state, store=None, **settings):
        """A bag that opens to a state."""
        path = f"states/{name}.json"
        self._bag(name, bag, store, {path: encode(state)}, {"state": path}, settings)

    def refused(self, name, row, code, bag, store=None, **settings):
        """A bag that is refused, by a row of the page."""
        self._bag(name, bag, store, {}, {"error": code, "refuses": row}, settings)

    def _bag(self, name, bag, store, files, expect, settings):
        path = f"bags/{name}.json"
        files = {path: encode(bag), **files}
        fields = {"bag": path, "expect": expect, **settings}
        if store is not None:
            fields["store"] = f"stores/{store.name}"
            files |= {f"stores/{store.name}/{one}": data for one, data in store.objects.items()}
        self.add("bags", name, files, **fields)


class Objects:
    """The objects of one store, by name."""

    def __init__(self, name, objects=()):
        self.name = name
        self.objects = dict(objects)

    def pack(self, scope, *texts, salt=b"", kinds=None):
        """Store texts as one pack below an encoded scope; where each blob lies."""
        builder = PackBuilder()
        kinds = kinds or ["value"] * len(texts)
        blobs = [
            builder.add(sha256_hex(text), len(text), compress(text), kind)
            for text, kind in zip(texts, kinds, strict=True)
        ]
        builder.add_salt(salt, 3)
        name, data = builder.build(scope)
        self.objects[name] = data
        return [blob.placed(name) for blob in blobs]

    def changed(self, name, objects):
        """Another store with the same objects, some of them replaced."""
        return Objects(name, {**self.objects, **objects})


def wired(stub, **changes):
    """The object of a stub, with fields of its body replaced; None takes one away."""
    body = {**stub.to_wire(), **changes}
    return {KEY: {name: value for name, value in body.items() if value is not None}}


def words(count, seed):
    """Text that looks like some."""
    choose = random.Random(seed).choice
    return " ".join("".join(choose("abcdefghij") for _ in range(5)) for _ in range(count))


def noise(size, seed):
    """Text that does not compress below half its size."""
    return random.Random(seed).randbytes(size // 2 + 1).hex()[:size]


def flipped(data, at):
    """The bytes with one bit changed."""
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
