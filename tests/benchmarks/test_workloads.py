import json
import sys

from benchmarks.change_size import ChangeSize
from benchmarks.summary import growth

from benchmarks import workloads

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd


def _replayed(workload):
    state = workload.initial()
    for change in workload.changes():
        change.apply(state)
    return state


def test_one_seed_gives_one_state():
    first, second = (workloads.synthetic(100_000, 40, 0.2) for _ in range(2))
    assert _replayed(first) == _replayed(second)
    assert _replayed(first) != _replayed(workloads.synthetic(100_000, 40, 0.2, seed=8))


def test_states_have_the_size_and_compress_as_real_ones():
    state = workloads.synthetic(1_000_000, 1, 0.2).initial()
    text = json.dumps(state).encode()
    assert 900_000 < len(text) < 1_100_000
    assert 2.5 < len(text) / len(zstd.compress(text, 3)) < 4


def test_each_field_is_edited_and_rewritten_equally_often_in_a_hundred_steps():
    edits = [change.fields for change in workloads.synthetic(100_000, 100, 0.2).changes()]
    counts = {}
    for fields in edits:
        for name in fields:
            counts[name] = counts.get(name, 0) + 1
    assert counts.pop("attachment") == 2
    assert counts == {f"field_{number:02d}": 5 for number in range(20)}


def test_an_edit_in_place_changes_little_and_a_rewrite_much():
    def mean(rewrites):
        workload = workloads.synthetic(1_000_000, 20, rewrites)
        sizes = ChangeSize(workload.initial())
        return sum(sizes.of(change) for change in workload.changes()) / 20

    assert mean(0.0) * 5 < mean(1.0)


def test_growth_is_the_exponent_of_a_power_of_the_step():
    assert abs(growth([5.0] * 400)) < 1e-9
    assert abs(growth([float(step) for step in range(1, 401)]) - 1) < 0.01
