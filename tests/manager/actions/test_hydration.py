"""`hydrate_branch` and `hydrate_segment`: one element, the state untouched and unread."""

import json

import pytest

from statebag import BlobCorrupt, BlobMissing, InvalidState, NotPermitted
from statebag.format.codec import sha256_hex
from statebag.format.stub import KEY
from statebag.state_data_manager import store_to_s3
from statebag.telemetry import usage
from statebag.testing.process import forget
from tests.manager.actions.calls import START, call, filler, opened

BRANCHES = [{"branch_id": f"b{n}", "nodes": [filler(4_000, n)], "n": n} for n in range(300)]


@pytest.fixture
def forked():
    state = {**START, "doc": filler(300_000)}
    return call("sync", state_data=state, execution_result={"branches": BRANCHES})["state_data"]


def test_every_pointer_leads_to_its_branch(forked):
    for index in (0, 1, 150, 299):
        pointer = forked["pending_branches"][index]
        forget()
        with usage.measured() as cost:
            answer = call(
                "hydrate_branch", branch_pointer=pointer, branch_index=index, state_data=forked
            )
        assert answer == {
            "branch_config": BRANCHES[index],
            "branch_index": index,
            "state_data": forked,
        }
        assert cost.gets <= 2
        assert cost.bytes_got < 150_000


def test_the_index_may_be_that_of_the_map_alone(forked):
    pointer = {"branch_id": "b7", "total_branches": 300}
    for index in (7, 7.0):
        answer = call(
            "hydrate_branch", branch_pointer=pointer, branch_index=index, state_data=forked
        )
        assert (answer["branch_config"], answer["branch_index"]) == (BRANCHES[7], 7)


def test_a_pointer_may_bring_the_list(forked, sb):
    stub = forked["forked_branches"]
    assert KEY in stub
    for pointer in (stub, {"branch_index": 7, "branch_id": "b7", "branches": stub}):
        answer = call("hydrate_branch", branch_pointer=pointer, branch_index=7, state_data=START)
        assert answer["branch_config"] == BRANCHES[7]


def test_a_pointer_may_bring_an_address():
    path = store_to_s3(BRANCHES, "workflow-state/order-1/branches_1.json")
    pointer = {"branch_id": "b7", "branch_index": 7, "total_branches": 300}
    for _ in range(2):
        answer = call(
            "hydrate_branch",
            branch_pointer={**pointer, "branches_s3_path": path},
            state_data=START,
        )
        assert answer["branch_config"] == BRANCHES[7]
        assert answer["branch_index"] == 7


def test_a_branch_that_came_whole_is_its_own_config():
    branch = {"branch_id": "x", "partition_map": {"a": 1}, "nodes": []}
    answer = call("hydrate_branch", branch_pointer=branch, branch_index=3, state_data=START)
    assert (answer["branch_config"], answer["branch_index"]) == (branch, 3)


def test_a_pointer_to_nothing_is_refused(forked):
    pointer = {"branch_index": 300, "branch_id": "b300", "total_branches": 300}
    for state in (forked, START):
        with pytest.raises(InvalidState):
            call("hydrate_branch", branch_pointer=pointer, state_data=state)
    wrong = {**pointer, "branch_index": 4}
    with pytest.raises(InvalidState, match="does not have the branch_id of branch_pointer"):
        call("hydrate_branch", branch_pointer=wrong, state_data=forked)
    path = store_to_s3(BRANCHES[:2], "workflow-state/order-1/branches_2.json")
    with pytest.raises(InvalidState):
        call("hydrate_branch", branch_pointer={**pointer, "branches_s3_path": path}, state_data={})
    for odd in ("text", [1], 7):
        with pytest.raises(InvalidState):
            call("hydrate_branch", branch_pointer=odd, state_data=START)


def test_a_large_element_leaves_the_answer():
    branches = [{"branch_id": "big", "doc": filler(400_000)}, {"branch_id": "small"}]
    bag = call("sync", state_data=START, execution_result={"branches": branches})["state_data"]
    pointer = bag["pending_branches"][0]
    answer = call("hydrate_branch", branch_pointer=pointer, state_data=bag)
    assert opened(answer["branch_config"]) == branches[0]
    assert answer["state_data"] == bag


@pytest.mark.parametrize("name", ["status", "guardrail_verified", "idempotency_key"])
def test_a_field_of_an_element_with_the_name_of_a_control_field_is_data(name):
    """Also where it is larger than any answer."""
    config = {"nodes": ["a"], name: filler(200_000)}
    segments = [{"segment_config": config}, {"segment_config": {"nodes": [], name: "small"}}]

    def hydrated(index):
        pointer = {"segment_index": index, "segments": segments}
        return call("hydrate_segment", segment_pointer=pointer, state_data=START)["segment_config"]

    assert opened(hydrated(0)) == config
    assert hydrated(1) == segments[1]["segment_config"]


def test_a_state_that_leaves_no_room_is_sealed_not_cut():
    state = {**START, **{f"f{n}": filler(9_000, n) for n in range(14)}}
    branch = {"branch_id": "x", "nodes": [filler(20_000)]}
    answer = call("hydrate_branch", branch_pointer=branch, branch_index=0, state_data=state)
    assert opened(answer["branch_config"]) == branch
    assert opened(answer["state_data"]) == state


def test_the_list_is_found_in_a_state_that_left_with_all_its_fields():
    many = {f"key {n}": filler(60, n) for n in range(3_000)}
    state = {**START, **many}
    bag = call("sync", state_data=state, execution_result={"branches": BRANCHES[:5]})["state_data"]
    assert KEY in bag
    for index, pointer in enumerate(bag["pending_branches"]):
        answer = call("hydrate_branch", branch_pointer=pointer, state_data=bag)
        assert answer["branch_config"] == BRANCHES[index]


def test_a_list_of_pointers_that_left_leads_to_the_branches_too():
    branches = [{"branch_id": f"b{n}", "n": n} for n in range(10_000)]
    bag = call("sync", state_data=START, execution_result={"branches": branches})["state_data"]
    pointers = opened(bag)["pending_branches"]
    answer = call("hydrate_branch", branch_pointer=pointers[9_999], state_data=bag)
    assert answer["branch_config"] == branches[9_999]


SEGMENTS = [
    {"segment_id": 10 + n, "execution_order": n, "text": filler(3_000, n)} for n in range(99)
]


def test_segments_by_pointer_by_address_and_themselves():
    bag = call("sync", state_data={**START, "segments": SEGMENTS})["state_data"]
    path = store_to_s3(SEGMENTS, "workflow-state/order-1/segments_1.json")
    pointer = {"segment_index": 5, "total_segments": 99}
    for given in (pointer, {**pointer, "segments_s3_path": path}, SEGMENTS[5], bag["segments"]):
        answer = call("hydrate_segment", segment_pointer=given, segment_index=5, state_data=bag)
        assert answer == {
            "segment_config": SEGMENTS[5],
            "segment_id": 15,
            "execution_order": 5,
            "state_data": bag,
        }


def test_a_segment_without_an_id_is_known_by_its_index():
    answer = call("hydrate_segment", segment_pointer={"x": 1}, segment_index=4, state_data=START)
    assert (answer["segment_id"], answer["execution_order"]) == (4, 4)


MANIFEST = [
    {
        "segment_id": n,
        "segment_config": {"nodes": [filler(2_000, n)]},
        "execution_order": n,
        "type": "normal",
    }
    for n in range(40)
]
POINTER = {"segment_index": 7, "segment_id": 7, "segment_type": "normal", "total_segments": 40}
MANIFESTS = "manifests"


def hydrated(pointer, state=START, **fields):
    return call("hydrate_segment", segment_pointer=pointer, state_data=state, **fields)


def written(value, name="m.json", folder=MANIFESTS):
    return store_to_s3(value, f"{folder}/{name}")


@pytest.mark.parametrize("name", ["manifest_s3_path", "segment_manifest_s3_path"])
@pytest.mark.parametrize("folder", ["manifests", "workflow-manifests/o/w", "workflow-state/k", ""])
def test_a_manifest_lies_anywhere_below_the_root(name, folder):
    for value in (MANIFEST, {"manifest_id": "m", "segments": MANIFEST}):
        path = written(value, f"m{len(value)}.json", folder) if folder else store_to_s3(value, "m")
        answer = hydrated({**POINTER, name: path}, segment_index=3)
        assert answer == {
            "segment_config": MANIFEST[7]["segment_config"],
            "segment_id": 7,
            "execution_order": 7,
            "state_data": START,
        }


def test_the_address_may_be_in_the_state():
    path = written(MANIFEST)
    for name in ("segment_manifest_s3_path", "manifest_s3_path"):
        state = {**START, "segment_manifest": [POINTER], name: path}
        assert hydrated(POINTER, state)["segment_config"] == MANIFEST[7]["segment_config"]


def test_a_list_of_pointers_that_lead_nowhere_is_no_list_of_segments():
    pointers = [{**POINTER, "segment_index": n} for n in range(40)]
    for pointer in (POINTER, {"segment_index": 7, "total_segments": 40}):
        with pytest.raises(InvalidState, match="does not lead to a list"):
            hydrated(pointer, {**START, "segment_manifest": pointers})


def test_a_manifests_segment_that_came_whole():
    answer = hydrated({**MANIFEST[7], "manifest_s3_path": "s3://elsewhere/m.json"})
    assert answer["segment_config"] == MANIFEST[7]["segment_config"]
    assert (answer["segment_id"], answer["execution_order"]) == (7, 7)
    bag = call("sync", state_data={**START, "segments": MANIFEST})["state_data"]
    assert hydrated(POINTER, bag)["segment_config"] == MANIFEST[7]["segment_config"]
    inline = call("sync", state_data={**START, "segment_manifest": MANIFEST})["state_data"]
    assert hydrated(POINTER, inline)["segment_config"] == MANIFEST[7]["segment_config"]


def test_a_hash_is_checked():
    path = written(MANIFEST)
    text = json.dumps(MANIFEST, sort_keys=True).encode()
    right = {**POINTER, "manifest_s3_path": path, "manifest_hash": sha256_hex(text)}
    assert hydrated(right)["segment_config"] == MANIFEST[7]["segment_config"]
    assert hydrated({**right, "manifest_hash": None})["segment_id"] == 7
    for name in ("0" * 64, sha256_hex(b"")):
        with pytest.raises(BlobCorrupt) as refused:
            hydrated({**right, "manifest_hash": name})
        assert refused.value.path == "$.segment_pointer.manifest_hash"
        assert refused.value.object_name == "manifests/m.json"
    with pytest.raises(InvalidState, match="SHA-256 of 64 hex digits"):
        hydrated({**right, "manifest_hash": "0" * 32})
    state = {**START, "manifest_s3_path": path, "manifest_hash": "0" * 64}
    with pytest.raises(BlobCorrupt):
        hydrated(POINTER, state)


def test_a_manifest_that_was_written_again_is_read_again(sb):
    path = written(MANIFEST)
    pointer = {**POINTER, "manifest_s3_path": path}
    hydrated(pointer)
    newer = [{**one, "segment_config": {"new": n}} for n, one in enumerate(MANIFEST)]
    written(newer)
    digest = sha256_hex(sb.store.get("manifests/m.json"))
    with usage.measured() as cost:
        assert hydrated({**pointer, "manifest_hash": digest})["segment_config"] == {"new": 7}
        assert hydrated({**pointer, "manifest_hash": digest})["segment_config"] == {"new": 7}
    assert cost.gets == 1


@pytest.mark.parametrize(
    "other",
    [
        [{"segment_id": n, "message": "said"} for n in range(40)],
        {"segments": [{"segment_id": n} for n in range(40)]},
        [*MANIFEST[:39], {"segment_id": 39}],
    ],
)
def test_a_list_of_another_execution_is_no_manifest(other):
    for folder in ("workflow-state/other", "machine/other", "manifests"):
        path = written(other, folder=folder)
        for name in ("manifest_s3_path", "segments_s3_path"):
            with pytest.raises(NotPermitted, match="another execution"):
                hydrated({**POINTER, name: path})
    own = written(other, folder="workflow-state/order-1")
    assert hydrated({**POINTER, "manifest_s3_path": own})["segment_id"] == 7


def test_a_manifest_outside_the_root_or_gone(sb, monkeypatch):
    for path in ("s3://elsewhere/m.json", "/etc/passwd", f"{sb.store.url}/../m.json"):
        with pytest.raises(NotPermitted):
            hydrated({**POINTER, "manifest_s3_path": path})
    with pytest.raises(BlobMissing):
        hydrated({**POINTER, "manifest_s3_path": f"{sb.store.url}/manifests/gone.json"})
    for odd in (40, -1):
        with pytest.raises(InvalidState, match="no segment"):
            hydrated({**POINTER, "segment_index": odd, "manifest_s3_path": written(MANIFEST)})
    path = written(MANIFEST)
    monkeypatch.setenv("STATEBAG_SIGNING_KEYS", "k:" + "A" * 44)
    monkeypatch.setenv("STATEBAG_REQUIRE_SIGNATURES", "1")
    with pytest.raises(NotPermitted, match="signatures are required"):
        hydrated({**POINTER, "manifest_s3_path": path})


def test_a_fork_that_lists_pointers_leads_to_the_branches_behind_them():
    path = store_to_s3(BRANCHES[:3], "workflow-state/order-1/branches.json")
    pointers = [
        {
            "branch_index": n,
            "branch_id": f"b{n}",
            "branches_s3_path": path,
            "total_branches": 3,
            "segment_count": 0,
        }
        for n in range(3)
    ]
    bag = call("sync", state_data=START, execution_result={"branches": pointers})["state_data"]
    for index, pointer in enumerate(bag["pending_branches"]):
        answer = call("hydrate_branch", branch_pointer=pointer, state_data=bag)
        assert answer["branch_config"] == BRANCHES[index]
