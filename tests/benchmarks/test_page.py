"""The page of figures: what it answers first, its goals, and what bounds them."""

from dataclasses import replace

import msgspec
import pytest
from benchmarks.bounds import bounds
from benchmarks.goals import judged
from benchmarks.page import written
from benchmarks.suite import Results
from benchmarks.summary import Summary, Tail, growth, summarized

from benchmarks import answer

STEPS = 1000


def row(way, *, puts=1, put=1000, gets=1, cpu=0.01, tail=0.05):
    found = {
        "way": way,
        "workload": "1 MB, 20% rewrites",
        "cold": True,
        "puts": [puts] * STEPS,
        "gets": [gets] * STEPS,
        "other": [0] * STEPS,
        "bytes_put": [put] * STEPS,
        "bytes_got": [1000] * STEPS,
        "bag_bytes": [100] * STEPS,
        "open_cpu": [cpu] * STEPS,
        "seal_cpu": [cpu] * STEPS,
        "open_wall": [0.03] * 9,
        "seal_wall": [0.03] * 9,
        "step_wall": [0.06] * 9,
        "bare_wall": [0.02] * 9,
        "tail_wall": [tail] * 99 + [tail * 3],
        "objects": 5,
        "errors": 0,
        "peak_rss": 1 << 20,
    }
    return summarized(found, [1000] * STEPS)


@pytest.fixture
def results():
    found = Results(15.0, short=False)
    ways = {
        "statebag": row("statebag", puts=0.2, put=4000, gets=4, cpu=0.02, tail=0.08),
        "statebag:only": row("statebag, only=", put=2000, tail=0.02),
        "one-object": row("one zstd object", put=400_000),
    }
    for way, one in ways.items():
        found.rows[f"synthetic:1000000:{STEPS}:0.2|{way}|cold"] = one
    return found


def test_it_says_first_where_one_object_is_better(results):
    page = written(results, judged(results), [])
    start = page.index("## Is it faster and cheaper")
    assert start < page.index("## Goals") < page.index("## States")
    text = answer.answered(results)
    assert "times less at 1 MB" in text
    assert "**slower** in p50 at 1 MB (80 against 50 ms)" in text
    assert "**more CPU**: 2.0 times at 1 MB" in text
    assert "(`only=`) is faster than both" in text
    assert [cells[1] for cells in answer.rows(results)] == [
        "statebag, `only=`",
        "statebag, all opened",
        "one zstd object",
    ]


def test_it_does_not_say_that_a_step_is_faster_which_is_not(results):
    slow = row("statebag, only=", tail=0.5)
    results.rows[f"synthetic:1000000:{STEPS}:0.2|statebag:only|cold"] = slow
    assert "is faster than both" not in answer.answered(results)


def test_goals_are_held_against_the_run_and_a_missing_figure_is_not_met(results):
    goals = {goal.text: goal for goal in judged(results)}
    assert goals["1 MB, 20% rewrites: bytes written over the compressed change"].value == 4.0
    cheaper = goals["1 MB: times cheaper than one object a step"]
    assert cheaper.value == pytest.approx(5.42, rel=0.01)
    slower = goals["1 MB, 1,000 steps, all opened: one object's p50 over ours"]
    assert slower.value == pytest.approx(50 / 80)
    assert slower.met is False
    assert goals["1 MB, 600 steps, all opened: one object's p50 over ours"].met is None
    assert goals["`fsck` of 20,000 packs: seconds"].met is None
    numbers = [goal.number for goal in judged(results)]
    assert numbers == sorted(numbers)
    assert set(numbers) == set(range(1, 12))


def test_figures_are_the_same_after_they_were_saved(results):
    one = results.rows[f"synthetic:1000000:{STEPS}:0.2|statebag|cold"]
    saved = msgspec.json.decode(msgspec.json.encode(one))
    assert Summary.loaded(saved) == one
    assert one.tail == Tail(pytest.approx(80), pytest.approx(81.6))
    assert one.gets_growth == growth([4.0] * STEPS)


def test_what_bounds_the_growth_of_reads_is_said_of_both_runs(results):
    quarters = {"GET, first quarter": 3.0, "GET, last quarter": 4.5}
    results.special["growing"] = {"1 MB, 3,000 steps": quarters}
    assert not [one for one in bounds(results) if one.startswith("**1,")], "a run is missing"
    results.special["growing"]["messages, 400 steps"] = {**quarters, "GET, first quarter": 2.5}
    assert not [one for one in bounds(results) if one.startswith("**1,")], "a row is missing"
    results.rows[f"synthetic:10000000:{STEPS}:0.2|statebag|cold"] = row("statebag", gets=6)
    (text,) = [one for one in bounds(results) if one.startswith("**1,")]
    assert "with messages from 2.50 GETs a step in the first quarter to 4.50 in the last" in text
    assert "at 1 MB over 3,000 steps from 3.00 GETs a step" in text
    assert text.endswith("at 10 MB, the last quarter of 1000 steps asks for 6.00 GETs a step.")


def test_what_bounds_the_price_is_said_with_the_part_of_its_puts(results):
    assert not [one for one in bounds(results) if one.startswith("**2,")], "a row is missing"
    carrying = row("statebag, carry 64 KB", puts=0.1, put=3000, gets=3)
    results.rows[f"synthetic:1000000:{STEPS}:0.2|statebag:65536|cold"] = carrying
    (text,) = [one for one in bounds(results) if one.startswith("**2,")]
    goals = {goal.text: goal for goal in judged(results)}
    assert f"Of the ${goals['1 MB: $ a million steps'].value:.2f}, PUTs are $1.00" in text
    assert "With 64 KB they are $0.50" in text


def test_what_bounds_the_growth_of_bytes_is_said_with_each_exponent(results):
    results.special["growing"] = {"1 MB, seal only, 3,000 steps": {"growth of KB": 0.0512}}
    assert not [one for one in bounds(results) if one.startswith("**3,")], "a row is missing"
    results.rows[f"synthetic:1000000:{STEPS}:1.0|statebag|cold"] = row("statebag")
    (text,) = [one for one in bounds(results) if one.startswith("**3,")]
    assert "We measured 0.00 with 20% rewrites and 0.00 with 100%, after" in text


def test_what_bounds_the_cpu_is_said_at_both_sizes(results):
    floors = {"all of these": 10.0, "one GET": 0.5, "check": 3.0}
    results.special["floors"] = {"ms of CPU": floors, "MB": {"text": 2.0}}
    assert not [one for one in bounds(results) if one.startswith("**5,")], "a row is missing"
    for way, cpu in (("statebag", 0.05), ("one-object", 0.04)):
        results.rows[f"synthetic:10000000:{STEPS}:0.2|{way}|cold"] = row(way, cpu=cpu)
        for run, steps in (("synthetic:10000000:100:0.2", 100), ("synthetic:1000000:600:0.2", 600)):
            assert not [one for one in bounds(results) if one.startswith("**5,")], (
                "a run is missing"
            )
            shorter = replace(row(way, cpu=cpu), steps=steps)
            results.rows[f"{run}|{way}|cold"] = shorter
    (text,) = [one for one in bounds(results) if one.startswith("**5,")]
    assert "takes 40.0 ms; the least for it is 12.0 ms (10.0 for the text" in text
    assert text.endswith(
        "At 10 MB it is 100.0 against 80.0 ms, and the check takes about 15 of ours. In runs of "
        "other lengths the two are as near: 1.25, 1.25 times one object's."
    )


def test_the_slowest_steps_of_a_large_state_wait_for_the_slowest_of_several_requests(results):
    assert not [one for one in bounds(results) if one.startswith("**4, the slow")], "no such row"
    for way, puts, gets in (("statebag", 0.25, 1), ("one-object", 1, 1)):
        one = row(way, puts=puts, gets=gets)
        results.rows[f"synthetic:10000000:{STEPS}:0.2|{way}|cold"] = one
    (text,) = [one for one in bounds(results) if one.startswith("**4, the slow")]
    assert "the slowest of 1.0 takes 20 and 83." in text
    assert "25 of a hundred steps for a PUT" in text
    results.rows[f"synthetic:10000000:{STEPS}:0.2|statebag|cold"] = row("statebag", gets=4)
    (text,) = [one for one in bounds(results) if one.startswith("**4, the slow")]
    assert "the slowest of 4.0 takes 37 and 111." in text  # the medians of the order statistics


def test_what_only_costs_beside_never_merging_is_said(results):
    results.special["growing"] = {"1 MB, only=, 1,000 steps": {"GETs to open all at the end": 4.0}}
    assert not [one for one in bounds(results) if one.startswith("**11,")], "a row is missing"
    results.rows[f"synthetic:1000000:{STEPS}:0.2|statebag|warm"] = row("statebag", puts=0.2)
    (text,) = [one for one in bounds(results) if one.startswith("**11,")]
    assert "takes 4 GETs" in text
    assert "1.000, and 0.200 in a warm process, where they are 0.188 and 0.233" in text


def large(seals, check, encode, digest):
    return {
        "KB put, mean": 0.0,
        "KB put, most": 0.0,
        "GET, mean": 1.0,
        "ms of CPU a MB, first seal": 20.0,
        "ms of CPU a MB, later seals": seals,
        "check": check,
        "encode": encode,
        "digest": digest,
    }


def test_what_bounds_the_cpu_of_later_seals_is_said_with_its_parts(results):
    found = {"12.5 MB in twenty fields": large(5.0, 2.5, 1.5, 0.5)}
    results.special["large_values"] = found
    assert "CPU of later seals" not in "".join(bounds(results)), "half of the figures are missing"
    found["100 MB in twenty fields"] = large(6.0, 3.0, 1.5, 0.7)
    (text,) = [one for one in bounds(results) if one.startswith("**7, CPU of later seals.**")]
    assert "takes 6.0 (5.0) ms of CPU a megabyte" in text
    assert "takes 3.0 (2.5), and encoding 1.5 (1.5)" in text
    assert "so 4.5 (4.0) are the least" in text
    assert "would take 1.30 times as much" in text
    assert text.endswith("It takes 1.20 times as much.")
    assert text in written(results, judged(results), [])
    goals = {goal.text: goal for goal in judged(results)}
    assert goals["CPU for each MB, later seals: 100 MB over 12.5 MB"].met is True
