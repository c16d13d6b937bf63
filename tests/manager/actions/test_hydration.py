"""`hydrate_branch` and `hydrate_segment`: one element, the state untouched and unread."""

import pytest

from statebag import InvalidState
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
    with pytest.raises(InvalidState, match="another branch"):
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
