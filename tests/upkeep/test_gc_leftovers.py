"""What killed writers and other programs left in a folder never stops the collector."""

import errno
import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from statebag import (
    NotPermitted,
    Statebag,
    StatebagError,
)
from statebag.testing.process import forget
from statebag.upkeep.gc import collect
from tests.upkeep.aged_folder import STORING, YEARS


def leftover(place, scope, letter, age=timedelta(0)):
    file = place.folder / scope / f".statebag-{letter * 16}.tmp"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"half")
    then = (datetime.now(UTC) - age).timestamp()
    os.utime(file, (then, then))
    return file


def test_leftovers_go_after_the_grace_and_no_sooner(place):
    live = place.seal("machine/live")
    files = {
        "delete": [
            leftover(place, "machine/live", "a", timedelta(days=8)),
            leftover(place, "machine/gone", "b", YEARS),
            leftover(place, "", "c", YEARS),
        ],
        "wait": [
            leftover(place, "machine/live", "d"),
            leftover(place, "other/one", "e", timedelta(days=6)),
        ],
    }
    other = place.folder / "machine/live/.statebag-not-ours.tmp"
    other.write_bytes(b"x")
    dry = collect(place.store)
    found = {one.name: one.action for one in dry.leftovers}
    names = {
        action: {file.relative_to(place.folder).as_posix() for file in some}
        for action, some in files.items()
    }
    assert found == {name: action for action, some in names.items() for name in some}
    assert all(file.exists() for some in files.values() for file in some)
    assert collect(place.store, dry_run=False).leftovers == dry.leftovers
    assert not any(file.exists() for file in files["delete"])
    assert all(file.exists() for file in [*files["wait"], other])
    assert not (place.folder / "machine/gone").exists()
    forget()
    assert len(Statebag(place.store, policy=STORING).open(live)["log"]) == 60


def test_leftovers_are_found_through_everything_that_a_store_is_used_through(place):
    file = leftover(place, "machine/run", "a", YEARS)
    client = Statebag(place.store, replicas=(), encryption_keys=[bytes(32)])
    done = collect(client.store, dry_run=False)
    assert [one.name for one in done.leftovers] == [f"machine/run/{file.name}"]
    assert not file.exists()
    assert collect(Statebag("memory://none", replicas=()).store).leftovers == []


def test_only_what_is_a_leftover_is_discarded(place):
    place.seal("machine/run")
    (name,) = place.names()
    outside = place.folder.parent / f".statebag-{'a' * 16}.tmp"
    outside.write_bytes(b"x")
    (place.folder / "link").symlink_to(place.folder.parent)
    for wrong in (name, "machine/run", "", f"../{outside.name}", f"link/{outside.name}"):
        with pytest.raises(NotPermitted):
            place.store.discard(wrong)
    place.store.discard(f"machine/run/{outside.name}")  # is gone: no error
    assert place.names() == [name]
    assert outside.exists()
    assert list(place.store.leftovers()) == []


def test_a_writer_whose_file_was_collected_hears_of_it(place, monkeypatch):
    """It was stopped for longer than the grace: then its put fails, and nothing is lost unsaid."""
    replace = Path.replace

    def collected(self, target):
        self.unlink()
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", collected)
    with pytest.raises(StatebagError):
        place.store.put("machine/run/object", b"data")
    assert place.names() == []


ODD_FOLDERS = {
    "a line break": b"machine/line\nbreak",
    "an escape": b"machine/\x1b[31mred",
    "a backslash": b"machine/back\\slash",
    "no text": b"machine/\xff\xfe",
    "the folder of an unfinished write": b"machine/.statebag-bbbbbbbbbbbbbbbb.tmp",
    "above": b"odd\n/run",
}


@pytest.mark.skipif(sys.platform != "linux", reason="other file systems refuse such names")
@pytest.mark.parametrize("folder", ODD_FOLDERS.values(), ids=ODD_FOLDERS)
def test_names_that_this_library_would_not_make_stop_nothing(place, folder):
    """What other programs put into a folder may have any name that its file system takes."""
    place.seal("machine/old")
    (pack,) = place.names()
    odd = os.path.join(os.fsencode(place.folder), folder)  # noqa: PTH118 (bytes)
    os.makedirs(os.path.join(odd, b"snapshots"))  # noqa: PTH103, PTH118
    then = (datetime.now(UTC) - 2 * YEARS).timestamp()
    for name in (
        pack.rpartition("/")[2].encode(),
        b"snapshots/pre_%032d.json" % 0,
        b"plain",
        b".statebag-" + b"a" * 16 + b".tmp",
    ):
        file = os.path.join(odd, name)  # noqa: PTH118
        with open(file, "wb") as stream:  # noqa: PTH123
            stream.write(b"someone else's")
        os.utime(file, (then, then))
    gone = leftover(place, "machine/old", "c", YEARS)
    place.age("machine/old", YEARS)
    mark = os.path.join(os.fsencode(place.folder), b"@gc/marks", folder + b".json")  # noqa: PTH118
    if b".tmp" not in folder:
        os.makedirs(os.path.dirname(mark), exist_ok=True)  # noqa: PTH103, PTH120
        with open(mark, "wb") as stream:  # noqa: PTH123
            stream.write(b"{}")
    for passed in ("mark", "delete"):
        done = collect(place.store, dry_run=False)
        actions = {one.scope: one.action for one in done.decisions}
        assert actions.pop("machine/old") == passed
        assert set(actions.values()) <= {"keep"}
        kept = [one for one in done.leftovers if one.action == "keep"]
        assert len(kept) == 1
        assert kept[0].why
        assert not gone.exists()
        place.age("@gc", timedelta(days=8))
    assert len(os.listdir(odd)) == 4  # noqa: PTH208 (bytes)


def test_a_leftover_that_cannot_be_removed_is_said_and_the_others_go(place, monkeypatch):
    files = [leftover(place, "machine/run", letter, YEARS) for letter in "abc"]
    unlink = Path.unlink

    def refused(self, **more):
        if self.name == files[1].name:
            raise PermissionError(errno.EACCES, "Permission denied")
        unlink(self, **more)

    monkeypatch.setattr(Path, "unlink", refused)
    done = collect(place.store, dry_run=False)
    assert [(one.action, one.why is None) for one in done.leftovers] == [
        ("delete", True),
        ("keep", False),
        ("delete", True),
    ]
    assert "Permission denied" in done.leftovers[1].why
    assert [file.exists() for file in files] == [False, True, False]
