"""`statebag heads`: a list whose names other commands take."""

import json

from statebag import Statebag
from statebag.store.file import FileStore
from tests.cli.program import statebag
from tests.versions.threads import grown, head_of, state_at


def test_heads_and_versions_are_listed_and_can_be_opened(tmp_path):
    store = FileStore(tmp_path / "store")
    head = head_of(store)
    grown(head, 3)
    head.drop([1])
    other = head_of(store, scope="agents/two", name="a b/c")
    grown(other, 1)
    gone = head_of(store, scope="agents/three")
    grown(gone, 1)
    gone.delete()
    place = ("--store", str(tmp_path / "store"))
    listed = statebag("heads", "--json", *place)
    assert listed.exit_code == 0
    rows = [json.loads(line) for line in listed.stdout.splitlines()]
    assert [(one["scope"], one["head"], one["label"]) for one in rows] == [
        ("agents/one", "main", "step-2"),
        ("agents/two", "a b/c", "step-0"),
    ]
    about, *lines = statebag("heads", "agents/one", "--versions", *place).stdout.splitlines()
    assert about.startswith("store: file://")
    names = [line.split()[-1] for line in lines]
    assert [line.split()[3] for line in lines] == ["step-2", "step-1"]
    for name, step in zip(names, (2, 1), strict=True):
        archive = tmp_path / f"{step}.sbag"
        assert statebag("export", name, "--output", archive, *place).exit_code == 0
        other_store = Statebag(tmp_path / "other", replicas=())
        bag = other_store.unpack(archive.read_bytes(), scope="m/e")
        assert other_store.open(bag) == state_at(step)
    assert statebag("fsck", "--bag", names[0], *place).exit_code == 0


def test_a_deleted_head_cannot_be_opened(tmp_path):
    store = FileStore(tmp_path)
    head = head_of(store)
    grown(head, 1)
    head.delete()
    name = "@heads/agents/one/@main/@head"
    place = ("--store", str(tmp_path))
    result = statebag("export", name, "--output", tmp_path / "x.sbag", *place)
    assert result.exit_code == 12
    assert "the head was deleted" in result.stderr
    assert statebag("heads", *place).stdout.count("\n") == 1
