"""A little of each staged fault; `make torture` stages all of them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.s3
@pytest.mark.timeout(3600)
def test_a_little_of_each_fault_leaves_nothing_undetected(tmp_path):
    counts = tmp_path / "counts.json"
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- counts -->\nold\n<!-- end of counts -->\nafter\n")
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    done = subprocess.run(
        [sys.executable, "-m", "torture", "--short", "--json", counts, "--page", page],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    outcomes = json.loads(counts.read_text())
    assert len(outcomes) == 31
    for one in outcomes:
        assert one["staged"] > 0, one["name"]
        assert one["undetected"] == []
    text = page.read_text()
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "old" not in text
    assert "**all**" in text
