"""The list of a workflow's segments as one object, and the hashes that pointers have of it."""

import base64
import hashlib
import json

import pytest

from statebag import BlobCorrupt, InvalidState
from statebag.manager.legacy.segment_manifest import Manifest, expected_digest

SEGMENTS = [
    {"segment_id": n, "segment_config": {"nodes": ["é", n, 1.5], "b": 1, "a": {}}, "order": n}
    for n in range(3)
]


def sha256(text):
    return hashlib.sha256(text.encode()).hexdigest()


def canonical(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def manifest(value, text=None):
    return Manifest((text or json.dumps(value, indent=1)).encode(), "manifests/m.json")


def envelope(segments=SEGMENTS, **more):
    hashes = {str(n): sha256(canonical(one["segment_config"])) for n, one in enumerate(segments)}
    header = {
        "workflow_id": "w",
        "version": 3,
        "config_hash": "c" * 64,
        "segment_hashes": hashes,
        "parent_hash": "",
    }
    digest = sha256(canonical(header))
    beside = {"manifest_id": "m", "manifest_hash": digest, "parent_hash": None, "committed": True}
    return digest, {**header, **beside, "segments": list(segments), **more}


@pytest.mark.parametrize("name", ["segments", "segment_manifest"])
def test_a_manifest_is_a_list_or_an_object_with_one(name):
    for value in (SEGMENTS, {"version": 1, name: SEGMENTS}):
        assert manifest(value).segment(1) == SEGMENTS[1]


@pytest.mark.parametrize("value", [{}, "text", None, {"segments": {"0": {}}}, {"segments": None}])
def test_what_is_no_manifest_is_refused(value):
    with pytest.raises(BlobCorrupt, match="list of segments"):
        manifest(value)


@pytest.mark.parametrize("index", [-1, 3, 10**9])
def test_a_segment_that_is_not_there(index):
    with pytest.raises(InvalidState, match="no segment"):
        manifest(SEGMENTS).segment(index)


@pytest.mark.parametrize("value", [SEGMENTS, {"version": 1, "segments": SEGMENTS}])
@pytest.mark.parametrize(
    "form",
    [
        {},
        {"sort_keys": True},
        {"sort_keys": True, "separators": (",", ":")},
        {"sort_keys": True, "separators": (",", ":"), "ensure_ascii": False},
        {"separators": (",", ":")},
        {"ensure_ascii": False},
    ],
)
def test_a_hash_may_be_of_the_value_or_of_its_list_however_it_was_written(value, form):
    found = manifest(value)
    for hashed in (value, SEGMENTS):
        digest = sha256(json.dumps(hashed, **form))
        assert found.has_digest(digest, 0)
        changed = json.loads(json.dumps(value).replace("1.5", "1.50001"))
        assert not manifest(changed).has_digest(digest, 0)


def test_a_hash_may_be_of_the_bytes():
    text = json.dumps(SEGMENTS, indent=3)
    assert manifest(None, text).has_digest(sha256(text), 0)
    assert not manifest(None, text + " ").has_digest(sha256(text), 0)


def test_a_hash_of_the_header_covers_the_segment_through_its_own_hash():
    digest, value = envelope()
    assert all(manifest(value).has_digest(digest, n) for n in range(3))
    other = {**SEGMENTS[1], "segment_config": {"nodes": []}}
    forged = {**value, "segments": [SEGMENTS[0], other, SEGMENTS[2]]}
    assert manifest(forged).has_digest(digest, 0)
    assert not manifest(forged).has_digest(digest, 1)
    more = {**value, "segments": [*SEGMENTS, SEGMENTS[0]]}
    assert not manifest(more).has_digest(digest, 3)  # the header has no hash of it
    for name, changed in (("version", 4), ("config_hash", "d" * 64), ("workflow_id", "v")):
        assert not manifest({**value, name: changed}).has_digest(digest, 0)
    for odd in ([], "x", None, {"0": 7}):
        header = {**value, "segment_hashes": odd}
        assert not manifest(header).has_digest(digest, 0)
    for odd in ("three", [], {}):
        assert not manifest({**value, "version": odd}).has_digest(digest, 0)


def test_what_a_manifest_says_of_itself_proves_nothing():
    digest = "a" * 64
    assert not manifest({"manifest_hash": digest, "segments": SEGMENTS}).has_digest(digest, 0)


def test_whether_all_is_of_a_workflow():
    assert manifest(SEGMENTS).is_of_workflow
    for other in (
        [],
        [*SEGMENTS, {"segment_id": 9}],
        [{"segment_config": "text"}],
        ["text"],
        [{"message": "said", "segment_id": 1}],
    ):
        assert not manifest(other).is_of_workflow


def test_a_hash_is_64_digits_with_or_without_its_name_or_base64():
    digest = sha256("x")
    coded = base64.b64encode(bytes.fromhex(digest)).decode()
    for given in (
        digest,
        digest.upper(),
        f"sha256:{digest}",
        f"SHA256:{digest}",
        f" {digest}\n",
        coded,
    ):
        assert expected_digest(given, "$.x") == digest
    assert expected_digest(None, "$.x") is None


@pytest.mark.parametrize(
    "odd",
    [
        *("", "sha256:", "md5:" + "a" * 32, "z" * 64, "é" * 64, 7, [], {}, True, b"a" * 64),
        *("a" * length for length in (16, 32, 63, 65, 128)),
    ],
)
def test_another_hash_is_refused_with_what_to_do(odd):
    with pytest.raises(InvalidState) as refused:
        expected_digest(odd, "$.segment_pointer.manifest_hash")
    assert refused.value.path == "$.segment_pointer.manifest_hash"
    assert "manifest_hash must be" in str(refused.value)
    if isinstance(odd, str):
        assert refused.value.hint.startswith("Give the SHA-256 of the manifest's bytes")
