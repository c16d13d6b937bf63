"""The made-up tree that the examples read: the same bytes everywhere."""

import hashlib
import sys
import warnings
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
sys.path.insert(0, str(EXAMPLES))

import source_tree  # noqa: E402 - the examples are not packages

FILES = 40


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return source_tree.write(tmp_path_factory.mktemp("source"), FILES)


def contents(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.py")}


def test_the_bytes_are_the_same_on_every_python(folder):
    """A change of the tree changes what the README shows of the demo."""
    digest = hashlib.sha256()
    for path, data in sorted(contents(folder).items()):
        digest.update(f"{path} {len(data)}\n".encode() + data)
    assert digest.hexdigest() == "100defd832877c96bf25f98fd8e615b4c35de51da83029c6d267d0a885dfa2a5"


def test_a_smaller_tree_is_a_part_of_a_larger_one(folder, tmp_path):
    smaller = contents(source_tree.write(tmp_path, FILES // 3))
    assert len(smaller) == FILES // 3
    assert smaller.items() <= contents(folder).items()
    assert list(smaller) != list(contents(folder))


def test_every_file_compiles(folder):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it has faults that the compiler warns of
        for path, data in contents(folder).items():
            compile(data, path, "exec", dont_inherit=True)


def test_more_files_than_there_are_names_for_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"at most \d+, not 100000"):
        source_tree.write(tmp_path, 100_000)
    assert list(tmp_path.iterdir()) == []


def test_the_command_writes_it(folder, tmp_path):
    assert source_tree.main([str(tmp_path), "--files", str(FILES)]) == 0
    assert contents(tmp_path) == contents(folder)


@pytest.mark.parametrize("place", ["examples", "deploy", "docs"])
def test_no_example_reads_what_a_python_ships(place):
    """Which files those are depends on the version, and on who packaged it."""
    for path in (ROOT / place).rglob("*.py"):
        text = path.read_text("utf-8")
        assert "sysconfig" not in text, path
        assert "find_spec" not in text, path
