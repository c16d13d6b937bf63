"""A hundredth of each bound of the state data manager, and the page that shows the figures."""

import re
from pathlib import Path

from benchmarks.manager_bounds import Row, rows, table

PAGE = (Path(__file__).parents[2] / "docs" / "state-data-manager.md").read_text("utf-8")
TIMED = {"s", "ms"}


def test_a_hundredth_of_each_runs_and_what_is_counted_keeps_its_bound(monkeypatch, s3_server):
    for name, value in s3_server.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("STATEBAG_STORE", f"s3://{s3_server.bucket}/bounds")
    found = list(rows(short=True))
    counted = [row for row in found if row.unit not in TIMED and not row.what.endswith("time")]
    assert len(counted) >= 6
    assert [row for row in counted if not row.is_kept] == []
    shown = table(found)
    assert all(row.what in shown for row in found)
    # The page has the same rows and bounds; its figures are those of a whole run.
    for row in found:
        line = re.search(rf"^\| {re.escape(row.what)} \| (.+) \| (.+) \|$", PAGE, re.MULTILINE)
        assert line is not None, row.what
        assert line[2] == row.shown()[1]


def test_the_figures_of_the_page_keep_their_bounds():
    found = re.findall(
        r"^\| .+ \| ([\d.]+) (s|ms|KB|MB|times) \| (\d[\d.]*) \2 \|$", PAGE, re.MULTILINE
    )
    assert len(found) >= 11
    assert all(float(figure) <= float(most) for figure, _, most in found)


def test_a_row_shows_its_figure_in_its_unit():
    assert Row("x", 0.0123, 0.010, "ms").shown() == ("12.3 ms", "10 ms")
    assert Row("x", 65_536, 65_536, "KB").shown() == ("64 KB", "64 KB")
    assert not Row("x", 0.0123, 0.010, "ms").is_kept
    assert Row("x", 1.2, 1.2, "times").is_kept
