"""`statebag import`: an archive is verified before anything is written."""

import json

import pytest

from tests.cli.program import statebag


@pytest.fixture
def archive(folder, bag_file):
    assert statebag("export", "bag.json", "--output", "state.sbag").exit_code == 0
    return folder / "state.sbag"


def test_the_state_is_sealed_into_another_scope(archive, state):
    done = statebag("import", "state.sbag", "--scope", "other/run", "--output", "copy.json")
    assert done.exit_code == 0
    assert '"other/run/' in (archive.parent / "copy.json").read_text()
    assert json.loads(statebag("open", "copy.json").stdout) == state


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda data: data[:-1], 13),
        (lambda data: data[:50] + b"!" + data[51:], 13),
        (lambda data: data + b"more", 13),
        (lambda data: data[:5] + b"9" + data[6:], 17),
        (lambda _: b"", 13),
    ],
)
def test_a_damaged_archive_writes_nothing(archive, change, code):
    archive.write_bytes(change(archive.read_bytes()))
    done = statebag("import", "state.sbag", "--scope", "other/run", "--store", "./elsewhere")
    assert (done.exit_code, done.stdout) == (code, "")
    assert not list((archive.parent / "elsewhere").glob("other/**/*.pack"))


def test_a_file_that_is_not_there(folder):
    done = statebag("import", "nowhere.sbag", "--scope", "a/b")
    assert done.exit_code == 2
    assert "nowhere.sbag" in done.stderr
