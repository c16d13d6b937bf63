"""The front of a room loads a module when one of its names is first used."""

import subprocess
import sys

import pytest

import statebag.upkeep
from statebag.process.lazy_front import lazy_front


def test_a_name_comes_from_its_module():
    found = lazy_front("statebag.upkeep", {"fsck": "fsck", "Rules": "gc"})
    assert found("fsck") is statebag.upkeep.fsck
    assert found("Rules") is statebag.upkeep.Rules
    with pytest.raises(AttributeError, match=r"'statebag\.upkeep' has no attribute 'nothing'"):
        found("nothing")


def test_nothing_is_loaded_before():
    code = (
        "import sys, statebag.upkeep as front; before = 'statebag.upkeep.gc' in sys.modules; "
        "front.Rules; print(before, 'statebag.upkeep.gc' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=240
    )
    assert done.stdout.split() == ["False", "True"]
