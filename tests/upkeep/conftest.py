"""The folder that the collector's tests age."""

import pytest

from tests.upkeep.aged_folder import Place


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path / "store")
