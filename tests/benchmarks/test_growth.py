"""The table of requests and bytes while a state grows."""

from benchmarks.growth import measure, workloads


def test_each_workload_is_measured_step_by_step():
    for name, (first, steps) in workloads(20).items():
        growth = measure(name, first, steps)
        gets, puts, written = growth.mean()
        assert len(growth.quarters()) == 4
        assert 0 <= puts <= 1
        assert (written > 0) == (puts > 0)
        assert gets <= 10
        assert growth.row().startswith(name)
        assert len(growth.exponents()) == 2


def test_a_writer_that_only_seals_asks_for_little():
    for name in ("1 MB, seal only", "1 MB, seal with parent="):
        growth = measure(name, *workloads(40)[name])
        gets, puts, written = growth.mean()
        assert puts < 0.5
        assert written < 40
        assert gets < (6 if "parent" in name else 0.5)
