"""What tests of the core look at in a bag and in a store, without the code under test's opener."""

import json
import random

from statebag.format.codec import decompress
from statebag.format.index import read_node
from statebag.format.json_text import encode
from statebag.format.stub import KEY, Carried, Escaped, Pieces, Rest, Stored
from statebag.format.stub_parsing import parse_stub


def payload_bytes(bag):
    """The larger of the two forms in which a bag may travel."""
    return max(len(encode(bag)), len(json.dumps(bag)))


def travelled(bag):
    """The bag after a trip through an engine."""
    return json.loads(json.dumps(bag))


def noise(size, seed=0):
    """Text that does not compress below half its size."""
    return random.Random(seed).randbytes(size // 2 + 1).hex()[:size]


def stubs(bag):
    """Every parsed stub in a bag, also beside others."""
    pending = [bag]
    while pending:
        one = pending.pop()
        if isinstance(one, dict):
            if KEY in one:
                stub = parse_stub(one, "$")
                yield stub
                if isinstance(stub, Escaped):
                    continue
            pending.extend(member for name, member in one.items() if name != KEY)
        elif isinstance(one, list):
            pending.extend(one)


def blobs(bag, store):
    """Every blob that a bag refers to, those behind its indexes included, read and verified."""
    found = []
    for stub in stubs(bag):
        if stub.is_data:
            continue
        whole = stub.whole.read  # what a patch starts from
        if isinstance(whole, Pieces):
            entries = list(whole.entries)
            while entries:
                entry = entries.pop()
                text = verified(entry.blob, store)
                found.append(entry.blob)
                if entry.level:
                    entries.extend(read_node(text, entry, "$"))
            whole = whole.tail
        if isinstance(whole, Stored):
            verified(whole.blob, store)
            found.append(whole.blob)
    return found


def verified(blob, store):
    """The text of a blob as the store has it."""
    (frame,) = store.get_ranges(blob.at, [(blob.offset, blob.length)])
    return decompress(frame, size=blob.size, sha256=blob.sha256, where=blob.at)


def forms(bag):
    """The names of the forms that a bag's stubs have."""
    for stub in stubs(bag):
        if isinstance(stub, Rest):
            yield f"rest of {type(stub.whole).__name__.lower()}"
            stub = stub.whole  # noqa: PLW2901  # what is behind it has a form too
        yield type(stub).__name__.lower()
        if isinstance(stub, Pieces):
            yield f"pieces of an {stub.kind}"
            if any(entry.level for entry in stub.entries):
                yield "index"
            if stub.tail is not None:
                yield f"{type(stub.tail).__name__.lower()} tail"
        elif isinstance(stub, Carried | Stored) and stub.kind is None:
            yield "single value"
