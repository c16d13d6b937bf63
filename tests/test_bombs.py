"""Payloads that are small and ask for much: each ends in a typed error, in bounded memory.

Every bomb is opened in a process of its own, whose largest memory is the system's own figure.
"""

import json
import os
import subprocess
import sys

import pytest

PRELUDE = r"""
import base64, gzip, json, resource, sys
from backports import zstd
from statebag import Policy, Statebag, StatebagError
from statebag.format.codec import compress, sha256_hex
from statebag.format.stub import KEY
from statebag.store.memory import MemoryStore

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024

store = MemoryStore()
policy = Policy(max_open_bytes=64 * 2**20, max_open_blobs=5000, max_open_requests=100)
client = Statebag(store, policy=policy, replicas=())
SCOPE = "m/r"
NAME = f"{SCOPE}/{'0' * 32}.pack"

def carried(frame, size, sha256="0" * 64):
    return {KEY: {"v": 1, "sha256": sha256, "size": size, "data": base64.b64encode(frame).decode()}}

def stored(size, length, offset=0, name=NAME, sha256="0" * 64):
    return {KEY: {"v": 1, "sha256": sha256, "size": size, "at": name, "span": [offset, length]}}

def tried(bag, **more):
    try:
        client.open(bag, scope=SCOPE, **more)
    except StatebagError as error:
        return type(error).__name__
    return "opened"
"""

ENDING = r"""
before = peak()
outcome = tried(bag, **more)
print(json.dumps({"outcome": outcome, "grew": peak() - before}))
"""

ZEROS = "compress(bytes(256 * 2**20))"
BOMBS = {
    "zstd, 256 MiB of zeros, honest": f"frame = {ZEROS}; bag = carried(frame, 256 * 2**20)",
    "zstd, 256 MiB of zeros, says 10 bytes": f"frame = {ZEROS}; bag = carried(frame, 10)",
    "zstd, 256 MiB of zeros, says 60 MiB": f"frame = {ZEROS}; bag = carried(frame, 60 * 2**20)",
    "zstd without a size": (
        "c = zstd.ZstdCompressor(options={zstd.CompressionParameter.content_size_flag: 0});"
        "frame = c.compress(bytes(256 * 2**20)) + c.flush(); bag = carried(frame, 1000)"
    ),
    "zstd, two frames": "frame = compress(b'[]') + compress(bytes(2**20)); bag = carried(frame, 2)",
    "zstd in zstd": "frame = compress(compress(bytes(2**28))); bag = carried(frame, 100)",
    "gzip, 256 MiB of zeros": (
        "data = base64.b64encode(gzip.compress(bytes(256 * 2**20))).decode();"
        "bag = {'current_state': {'type': 'compressed', 'data': data, 'compressed_at': 'now'}};"
        "more['legacy'] = True"
    ),
    "10,000 stubs": "bag = [stored(10, 20, n, sha256=f'{n:064x}') for n in range(10_000)]",
    "a span of a terabyte": "bag = stored(10, 2**40)",
    "a size of a petabyte": "bag = stored(2**50, 100)",
    "a pack for three bytes": ("store.put(NAME, bytes(128 * 2**20)); bag = stored(3, 128 * 2**20)"),
    "100,000 levels of escaped data": (
        "inner = []\nfor _ in range(100_000): inner = [inner]\n"
        "bag = {KEY: {'v': 1, 'escaped': {KEY: inner}}}"
    ),
    "a chain of 5,000 patches": (
        "body = {'sha256': '0' * 64, 'size': 1, 'data': ''}\n"
        "for _ in range(5000): body = {'sha256': '0' * 64, 'size': 1, 'patch': '', 'base': body}\n"
        "bag = {KEY: {'v': 1, **body}}"
    ),
    "100,000 levels as a Python value": ("bag = []\nfor _ in range(100_000): bag = [bag]"),
    "100,000 levels in a blob": (
        "text = b'[' * 100_000 + b']' * 100_000;"
        "bag = carried(compress(text), len(text), sha256_hex(text))"
    ),
    "a number of 10 MB": (
        "text = b'1' * (10 * 2**20); bag = carried(compress(text), len(text), sha256_hex(text))"
    ),
    "an index in a circle": (
        "from statebag.format.index import encode_node\n"
        "from statebag.format.stub import Blob, Entry\n"
        "own = Entry(Blob('1' * 64, 400, NAME, 0, 300), 2**40, 2**45, 1)\n"
        "text = encode_node((own,))\n"
        "frame = compress(text)\n"
        "store.put(NAME, frame)\n"
        "row = [2**40, 2**45, sha256_hex(text), 0, 0, len(frame), 12, len(text)]\n"
        "bag = {KEY: {'v': 1, 'kind': 'array', 'count': 2**40, 'size': 2**45,"
        " 'packs': [NAME], 'pieces': [row]}}"
    ),
    "an index that lists itself wide": (
        "from statebag.format.index import encode_node, node_entry\n"
        "from statebag.format.stub import Blob, Entry\n"
        "level = Entry(Blob(sha256_hex(b'[0]'), 3, NAME, 0, 12), 1, 3)\n"
        "data = compress(b'[0]')\n"
        "for n in range(6):\n"
        "    entries = (level,) * 64\n"
        "    text = encode_node(entries)\n"
        "    frame = compress(text)\n"
        "    blob = Blob(sha256_hex(text), len(text), NAME, len(data), len(frame))\n"
        "    data += frame\n"
        "    level = node_entry(entries, blob)\n"
        "store.put(NAME, data)\n"
        "b = level.blob\n"
        "row = [level.count, level.size, b.sha256, 0, b.offset, b.length, level.level, b.size]\n"
        "bag = {KEY: {'v': 1, 'kind': 'array', 'count': level.count, 'size': level.size,"
        " 'packs': [NAME], 'pieces': [row]}}"
    ),
}
# What `fsck` reads, whoever may write to the store has written, and every digest in it is right.
PACKS = {
    "a value of a gigabyte": (
        "text = bytes(2**30); builder.add(sha256_hex(text), len(text), compress(text))"
    ),
    "an index node of a gigabyte": (
        "text = bytes(2**30); builder.add(sha256_hex(text), len(text), compress(text), 'index')"
    ),
    "a hundred thousand rows of one value": (
        "text = bytes(2**20); builder.add(sha256_hex(text), len(text), compress(text))\n"
        "builder._rows *= 100_000"
    ),
}
MAKING = """
from statebag.format.pack import PackBuilder
from statebag.store.file import FileStore
builder = PackBuilder()
"""
WRITING = """
FileStore(sys.argv[1]).put(*builder.build(SCOPE))
"""
CHECKING = """
from statebag.store.file import FileStore
from statebag.upkeep.fsck import fsck
before = peak()
report = fsck(FileStore(sys.argv[1]))
print(json.dumps({"faults": [fault.kind for fault in report.faults], "grew": peak() - before}))
"""
HUNDRED_MB = """
text = b"1" * (100 * 2**20)
bag = carried(compress(text), len(text), sha256_hex(text))
del text
client = Statebag(store, policy=Policy(), replicas=())
"""
MOST_MB = 100  # the limit of 64 MiB that the policy allows to be given, and a margin


def said(*script, arguments=()):
    """What a process of its own prints, and how its memory grew."""
    done = subprocess.run(
        [sys.executable, "-c", "\n".join((PRELUDE, *script)), *arguments],
        env={**os.environ, "PYTHONWARNINGS": "error"},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout or "null")


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_bomb_ends_in_a_typed_error_and_little_memory(bomb):
    # What makes a bomb takes memory of its own: what counts is how much it grew after that.
    found = said("more = {}", BOMBS[bomb], ENDING)
    assert found["outcome"] in {
        "BlobCorrupt",
        "InvalidStub",
        "LimitExceeded",
        "InvalidState",
    }
    assert found["grew"] < MOST_MB


def test_a_number_of_100_mb_takes_its_own_length_and_is_refused():
    found = said("more = {}", HUNDRED_MB, ENDING)
    assert found["outcome"] == "BlobCorrupt"
    assert found["grew"] < 2 * MOST_MB


@pytest.mark.parametrize("pack", PACKS)
def test_a_pack_that_is_a_bomb_is_checked_in_little_memory(pack, tmp_path):
    said(MAKING, PACKS[pack], WRITING, arguments=[str(tmp_path)])
    found = said(CHECKING, arguments=[str(tmp_path)])
    assert found["faults"] == ([] if pack == "a value of a gigabyte" else ["damaged"])
    assert found["grew"] < MOST_MB


# A payload of under 1 KB each, of a value of 60 MB that takes 1.4 GB: bytes alone do not bound it.
EMPTIES = """
text = b"[" + b",".join([b"{}"] * 20_000_000) + b"]"
"""
FEW_BYTES = {
    "carried": "bag = carried(compress(text), len(text), sha256_hex(text))",
    "stored": (
        "frame = compress(text)\nstore.put(NAME, frame)\n"
        "bag = stored(len(text), len(frame), sha256=sha256_hex(text))"
    ),
    "in ten fields": (
        "text = text[:3] + b',{}' * 2_000_000 + b']'\n"
        "one = carried(compress(text), len(text), sha256_hex(text))\n"
        "bag = {f'f{n}': one for n in range(10)}"
    ),
    "text of a bag": "bag = b'{\"x\":' + text + b'}'",
    "text of a bag, as a string": (
        'bag = \'{"__statebag__":{"v":1},"x":\' + text.decode() + "}"\n'
        "from statebag.format.stub import KEY\nassert KEY in bag"
    ),
    "gzip": (
        "data = base64.b64encode(gzip.compress(text, 1)).decode();"
        "bag = {'current_state': {'type': 'compressed', 'data': data, 'compressed_at': 'now'}};"
        "more['legacy'] = True"
    ),
    "in an embedded text": (
        'whole = json.dumps(\'{"__statebag__":{"v":1},"x":\' + text.decode() + \'}\').encode()\n'
        "bag = carried(compress(whole), len(whole), sha256_hex(whole))\nmore['embedded'] = True"
    ),
}
LOOKED_UP = """
frame = compress(text)
bag = {"x": carried(frame, len(text), sha256_hex(text))}
before = peak()
try:
    outcome = client.get(bag, "$.x[5]")
except StatebagError as error:
    outcome = type(error).__name__
print(json.dumps({"outcome": outcome, "grew": peak() - before}))
"""


@pytest.mark.parametrize("way", [*FEW_BYTES, "get"])
def test_few_bytes_that_become_many_values_are_refused(way, monkeypatch):
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512")
    if way == "get":
        found = said(EMPTIES, LOOKED_UP)
    else:
        found = said("more = {}", EMPTIES, FEW_BYTES[way], ENDING)
    assert found["outcome"] == "LimitExceeded"
    assert found["grew"] < 3 * MOST_MB
