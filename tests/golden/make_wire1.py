"""Writes the golden files of wire version 1; run once, and never again for a case that exists.

`python -m tests.golden.make_wire1` from the repository's root adds the cases that are missing.
Each is a folder with the state, the bag and the store that the bag refers to.
"""

import json
import random
from pathlib import Path

from statebag import Policy, Statebag
from statebag.format.json_text import encode
from statebag.format.stub import KEY
from statebag.testing.process import forget

FOLDER = Path(__file__).resolve().parent / "wire1"
SCOPE = "machine/run 1"
POLICY = Policy(carry_bytes=0, field_limit=1024, piece_bytes=1024, max_bag_bytes=8192)
CARRYING = Policy(carry_bytes=8192, field_limit=1024, piece_bytes=1024, max_bag_bytes=16_384)


def words(count, seed):
    choose = random.Random(seed).choice
    return " ".join("".join(choose("abcdefghij") for _ in range(5)) for _ in range(count))


def entries(count):
    return [{"n": n, "text": words(20, n)} for n in range(count)]


CASES = {
    "stored": (POLICY, {"status": "RUNNING", "text": words(500, 1), "list": [words(300, 2)]}),
    "carried": (CARRYING, {"status": "RUNNING", "text": words(500, 3), "small": [1, None, True]}),
    "pieces": (
        Policy(carry_bytes=2048, field_limit=1024, piece_bytes=1024, max_bag_bytes=16_384),
        {"state_history": entries(60)},
    ),
    "patched": (CARRYING, {"status": "RUNNING", "text": words(800, 7) + " edited"}),
    "patched_pieces": (
        CARRYING,
        {"files": {f"file {n}": words(10, n if n != 70 else 7) for n in range(200)}},
    ),
    "index": (POLICY, {"state_history": entries(300), "next_action": "CONTINUE"}),
    "index_and_what_to_read": (POLICY, {"state_history": entries(301), "status": "RUNNING"}),
    "object_in_pieces": (POLICY, {"files": {f"file {n}": words(10, n) for n in range(100)}}),
    "rest": (
        POLICY,
        {"status": "RUNNING", "text": words(400, 4)} | {f"key {n}": n for n in range(1500)},
    ),
    "rest_in_one_blob": (
        Policy(carry_bytes=0, field_limit=1024, piece_bytes=65_536, max_bag_bytes=4096),
        {
            "status": "RUNNING",
            "current_state": {"big": words(300, 6)} | {f"key {n}": n for n in range(400)},
            "next_action": "CONTINUE",
        },
    ),
    "escaped": (
        POLICY,
        {
            "bare": {KEY: 1},
            "stub": {KEY: {"v": 1, "sha256": "0" * 64, "size": 1, "at": "x", "span": [0, 1]}},
            "inside": [{"a": {KEY: {"v": 1, "escaped": {KEY: {}}}}}],
            "older": {"type": "s3_reference", "s3_path": "s3://bucket/key"},
            "large": {KEY: words(400, 5)},
        },
    ),
    "text_and_numbers": (
        POLICY,
        {
            "naïve key": 'žluťoučký \U0001f40e \u2028 \x00 \x7f " \\ /',
            "": {"": [[]], "$.a[0]": {}, "'quoted'": "\\ud800"},
            "numbers": [0, -0.0, 1, 1.0, True, 2**53, 2**53 + 1, -(2**63), 10**40, 0.1, 5e-324],
            "floats": [1e16, 1e22, 1.7976931348623157e308, 123456789.12345679, 1e-7],
        },
    ),
}

# What is sealed and opened first, where the case is a change of it.
BEFORE = {
    "patched": {"status": "RUNNING", "text": words(800, 7)},
    "patched_pieces": {"files": {f"file {n}": words(10, n) for n in range(200)}},
}


def sealed(name, store):
    """The bag of a case, as the writer of today makes it."""
    policy, state = CASES[name]
    if name in BEFORE:
        storing = Statebag(store, policy=POLICY)
        storing.open(storing.seal(BEFORE[name], scope=SCOPE))
    return Statebag(store, policy=policy).seal(state, scope=SCOPE)


def main():
    for name, (_, state) in CASES.items():
        folder = FOLDER / name
        if folder.exists():
            continue
        forget()
        (folder / "store").mkdir(parents=True)
        bag = sealed(name, (folder / "store").as_uri())
        (folder / "state.json").write_bytes(encode(state))
        (folder / "bag.json").write_text(json.dumps(bag, indent=1) + "\n")


if __name__ == "__main__":
    main()
