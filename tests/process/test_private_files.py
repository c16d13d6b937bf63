"""What this library makes by itself is for its owner alone."""

import os
import stat
import sys

import pytest

from statebag import Policy, Statebag
from statebag.local.records import Records
from statebag.local.tokens import TokenDesk, answer, heartbeat
from statebag.process.private_files import make_folder, write_file
from statebag.store.address import store_from_url
from statebag.store.file import FileStore

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such rights")


@pytest.fixture(params=[0o022, 0o077, 0o002, 0o000], ids=oct)
def umask(request):
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def modes(top):
    """The rights of everything at and below a folder, by relative path."""
    found = {path.relative_to(top.parent).as_posix(): path for path in (top, *top.rglob("*"))}
    return {name: stat.S_IMODE(path.stat().st_mode) for name, path in found.items()}


def is_private(top):
    found = modes(top)
    assert found
    for name, mode in found.items():
        assert mode == (0o700 if (top.parent / name).is_dir() else 0o600), (name, oct(mode))
    return True


def seal(store, scope="machine/run"):
    policy = Policy(carry_bytes=0)
    client = Statebag(store, policy=policy, replicas=())
    return client.seal({"text": os.urandom(50_000).hex()}, scope=scope)


def test_a_store_and_the_folders_above_it(umask, tmp_path):
    seal(str(tmp_path / "new" / "parents" / "store"))
    assert is_private(tmp_path / "new")
    assert len(modes(tmp_path / "new")) == 6


def test_a_folder_that_is_there_keeps_its_rights(umask, tmp_path):
    root = tmp_path / "store"
    root.mkdir()
    root.chmod(0o2775)
    seal(root)
    assert modes(root)["store"] == 0o2775
    rights = {mode & 0o777 for name, mode in modes(root).items() if name != "store"}
    assert rights == {0o700, 0o600}


def test_an_object_that_was_open_to_others_is_closed_when_it_is_written_again(umask, tmp_path):
    store = FileStore(tmp_path / "store")
    store.put("m/e/a", b"one")
    (tmp_path / "store/m/e/a").chmod(0o644)
    store.put("m/e/a", b"two")
    assert is_private(tmp_path / "store")


@pytest.mark.parametrize("how", ["argument", "option", "variable"])
def test_a_shared_folder_is_as_the_umask_says(umask, tmp_path, monkeypatch, how):
    root = tmp_path / "shared"
    if how == "argument":
        store = FileStore(root, shared=True)
    elif how == "option":
        store = store_from_url(str(root), options={"shared": "true"})
    else:
        monkeypatch.setenv("STATEBAG_SHARED_FOLDERS", "1")
        store = store_from_url(root.as_uri())
    seal(store)
    for name, mode in modes(root).items():
        everyone = 0o777 if (tmp_path / name).is_dir() else 0o666
        assert mode == everyone & ~umask


def test_the_default_folder_of_a_project_is_ignored_by_git(umask, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("STATEBAG_STORE", raising=False)
    bag = seal(None)
    home = tmp_path / ".statebag"
    assert is_private(home)
    assert (home / ".gitignore").read_text() == "*\n"
    assert [info.name.split("/")[0] for info in FileStore(home / "store").list()] == ["machine"]
    assert len(Statebag(policy=Policy(), replicas=()).open(bag)["text"]) == 100_000


def test_a_home_that_is_there_is_left_as_it_is(tmp_path):
    home = tmp_path / ".statebag"
    home.mkdir()
    make_folder(home / "store")
    assert [path.name for path in home.iterdir()] == ["store"]


def test_a_store_in_the_home_itself_has_no_foreign_file(tmp_path):
    store = FileStore(tmp_path / ".statebag")
    assert list(store.list()) == []
    assert list((tmp_path / ".statebag").iterdir()) == []


def test_making_a_folder_says_what_was_made(tmp_path):
    inner = tmp_path / "a" / "b" / "c"
    assert make_folder(inner) == [inner, inner.parent, inner.parent.parent]
    assert make_folder(inner) == []
    write_file(tmp_path / "file", "text")
    for wrong in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(OSError, match=r"exists|[Nn]ot a directory"):
            make_folder(wrong)


def test_histories_and_tokens(umask, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    home = tmp_path / ".statebag"
    records = Records(home / "histories")
    records.begin("arn:aws:states:us-east-1:1:execution:m:e", "m", "e", {})
    desk = TokenDesk(home / "tokens")
    with desk.watched():
        desk.add(
            "token",
            state="Wait",
            execution="arn",
            succeed=lambda _: None,
            fail=lambda *_: None,
            beat=lambda: None,
            is_open=lambda: True,
        )
        heartbeat(home / "tokens", "token")
        assert is_private(home)
        answer(home / "tokens", "token", {"secret": 1})
        assert is_private(home)
    records.close()
    assert (home / ".gitignore").is_file()
