import errno
import os
import stat
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from statebag.errors import (
    BlobCorrupt,
    BlobMissing,
    ConfigurationError,
    NotPermitted,
    StoreUnavailable,
)
from statebag.store.file import FileStore

_NOBODY = 65534


@pytest.fixture
def store(tmp_path):
    return FileStore(tmp_path / "root")


def temporaries(store):
    return [path for path in store.root.rglob("*") if path.name.endswith(".tmp")]


def test_the_address_is_a_file_url_that_leads_back(tmp_path):
    store = FileStore(tmp_path / "with space")
    assert store.url == (tmp_path / "with space").as_uri()
    assert "%20" in store.url


def test_a_relative_root_is_made_absolute(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    store = FileStore(tmp_path.joinpath("here").relative_to(tmp_path))
    monkeypatch.chdir("/")
    store.put("a", b"data")
    assert (tmp_path / "here" / "a").read_bytes() == b"data"


def test_a_missing_root_is_made_with_its_parents(tmp_path):
    FileStore(tmp_path / "a" / "b" / "c")
    assert (tmp_path / "a" / "b" / "c").is_dir()


def test_a_missing_root_is_refused_where_it_is_not_to_be_made(tmp_path):
    with pytest.raises(ConfigurationError, match="does not exist") as caught:
        FileStore(tmp_path / "missing", create=False)
    assert caught.value.hint
    assert not (tmp_path / "missing").exists()


@pytest.mark.parametrize("create", [True, False])
def test_a_root_that_is_a_file_is_refused(tmp_path, create):
    (tmp_path / "file").write_bytes(b"")
    for root in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(ConfigurationError):
            FileStore(root, create=create)


def test_a_root_that_goes_away_is_a_wrong_setting_and_not_a_missing_object(store):
    store.root.rmdir()
    for call in (
        lambda: store.put("scope/a", b"data"),
        lambda: store.get("scope/a"),
        lambda: store.head("scope/a"),
        lambda: list(store.list()),
    ):
        with pytest.raises(ConfigurationError):
            call()
    assert not store.root.exists(), "a put must not make a root that was taken away"


def test_leftovers_of_a_crash_are_never_listed(store):
    store.put("scope/a", b"data")
    store.root.joinpath("scope", ".statebag-0123456789abcdef.tmp").write_bytes(b"half")
    assert [info.name for info in store.list()] == ["scope/a"]
    assert [info.name for info in store.list("scope")] == ["scope/a"]


def test_no_object_can_have_the_name_of_a_leftover(store):
    with pytest.raises(NotPermitted, match="unfinished"):
        store.put("scope/.statebag-0123456789abcdef.tmp", b"data")


def test_a_put_leaves_no_temporary(store):
    store.put("scope/a", b"data")
    assert temporaries(store) == []


# A process that dies at any of these calls leaves the old object whole, or the new one.
@pytest.mark.parametrize("call", ["write", "fsync", "replace"])
def test_a_process_that_dies_in_a_put_leaves_the_old_object(store, call):
    store.put("scope/a", b"old")
    program = f"""
import io, os, pathlib, sys
from statebag.store.file import FileStore
def die(*arguments):
    os._exit(9)
if {call!r} == "replace":
    pathlib.Path.replace = die
elif {call!r} == "fsync":
    os.fsync = die
else:
    opened = os.fdopen
    class Half:
        def __init__(self, file): self.file = file
        def __enter__(self): return self
        def __exit__(self, *error): pass
        def write(self, data):
            self.file.write(data[:2]); self.file.flush(); die()
    os.fdopen = lambda *arguments: Half(opened(*arguments))
FileStore(pathlib.Path(sys.argv[1])).put("scope/a", b"a new version")
"""
    ended = subprocess.run([sys.executable, "-c", program, store.root], check=False, timeout=240)
    assert ended.returncode == 9
    assert store.get("scope/a") == b"old"
    assert [info.name for info in store.list()] == ["scope/a"]
    assert len(temporaries(store)) == 1


def test_the_order_of_a_put_is_data_then_name_then_directories(store, monkeypatch):
    steps = []
    fsync, replace = os.fsync, os.replace

    def noted_fsync(descriptor):
        status = os.fstat(descriptor)
        steps.append(status.st_ino if stat.S_ISDIR(status.st_mode) else "data")
        fsync(descriptor)

    def noted_replace(source, target, **options):
        steps.append("name")
        replace(source, target, **options)

    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(os, "replace", noted_replace)
    store.put("machine/run/a.pack", b"data")
    chain = [store.root / "machine/run", store.root / "machine", store.root]
    assert steps == ["data", "name", *(folder.stat().st_ino for folder in chain)]


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (errno.ENOSPC, StoreUnavailable),
        (errno.EDQUOT, StoreUnavailable),
        (errno.EIO, StoreUnavailable),
        (errno.EROFS, NotPermitted),
        (errno.EACCES, NotPermitted),
        (errno.EPERM, NotPermitted),
    ],
)
def test_a_disk_that_fails_gives_a_typed_error_with_a_way_out(store, monkeypatch, number, kind):
    store.put("scope/a", b"old")

    def fail(descriptor):
        raise OSError(number, os.strerror(number), "/a/path")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(kind) as caught:
        store.put("scope/a", b"new")
    assert caught.value.object_name == "scope/a"
    assert caught.value.hint
    assert os.strerror(number) in caught.value.message
    assert "/a/path" not in str(caught.value)
    assert temporaries(store) == [], "a failed put cleans up"
    assert store.get("scope/a") == b"old"


def test_a_failed_sync_of_a_directory_fails_the_put(store, monkeypatch):
    fsync = os.fsync

    def fail(descriptor):
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EIO, "input/output error")
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(StoreUnavailable):
        store.put("scope/a", b"new")


def test_a_file_system_that_cannot_sync_directories_is_taken_as_it_is(store, monkeypatch):
    fsync = os.fsync

    def unsupported(descriptor):
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "invalid argument")
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", unsupported)
    store.put("scope/a", b"data")
    assert store.get("scope/a") == b"data"


@pytest.fixture
def unprivileged():
    """A folder of a user without special rights, who this process is meanwhile."""
    place = None if os.geteuid() else next(filter(_is_open, _TEMPORARY), None)
    with tempfile.TemporaryDirectory(dir=place) as name:
        folder = Path(name) / "root"
        folder.mkdir()
        if os.geteuid() != 0:
            yield folder
            return
        if place is None:
            pytest.skip("needs a temporary folder that every user may enter")
        Path(name).chmod(0o755)
        os.chown(folder, _NOBODY, -1)
        os.seteuid(_NOBODY)
        try:
            yield folder
        finally:
            os.seteuid(0)


# That of root alone may be set by TMPDIR, where nobody else gets in.
_TEMPORARY = (Path(tempfile.gettempdir()), Path("/tmp"), Path("/var/tmp"))


def _is_open(folder):
    """Whether every user may enter a folder and those above it."""
    folder = folder.resolve()
    return all(one.is_dir() and one.stat().st_mode & 0o001 for one in (folder, *folder.parents))


needs_users = pytest.mark.skipif(not hasattr(os, "geteuid"), reason="needs users and their rights")


@needs_users
def test_a_folder_without_rights_is_not_permitted(unprivileged):
    store = FileStore(unprivileged)
    store.put("scope/a", b"data")
    store.root.joinpath("scope").chmod(0o500)
    with pytest.raises(NotPermitted, match="Permission"):
        store.put("scope/b", b"data")
    store.root.joinpath("scope").chmod(0)
    for call in (lambda: store.get("scope/a"), lambda: list(store.list())):
        with pytest.raises(NotPermitted):
            call()
    store.root.joinpath("scope").chmod(0o700)


@needs_users
def test_a_root_out_of_sight_is_not_permitted(unprivileged):
    above = unprivileged / "above"
    above.mkdir()
    store = FileStore(above / "root")
    store.put("scope/a", b"data")
    above.chmod(0)
    for call in (
        lambda: store.get("scope/a"),
        lambda: store.put("scope/a", b""),
        lambda: list(store.list()),
        lambda: list(store.list("scope")),
        lambda: store.head("scope/a"),
        lambda: store.delete("scope/a"),
    ):
        with pytest.raises(NotPermitted):
            call()
    above.chmod(0o700)


class TestSymbolicLinks:
    @pytest.fixture
    def outside(self, tmp_path):
        outside = tmp_path / "outside"
        outside.mkdir()
        (outside / "secret").write_bytes(b"secret")
        return outside

    def refuse_all(self, store, name):
        for call in (
            lambda: store.get(name),
            lambda: store.get_ranges(name, [(0, 1)]),
            lambda: store.head(name),
        ):
            with pytest.raises(NotPermitted) as caught:
                call()
            assert "secret" not in caught.value.message

    def test_a_linked_directory_is_not_entered(self, store, outside):
        (store.root / "scope").symlink_to(outside)
        self.refuse_all(store, "scope/secret")
        with pytest.raises(NotPermitted):
            store.put("scope/new", b"data")
        with pytest.raises(NotPermitted):
            store.delete("scope/secret")
        with pytest.raises(NotPermitted):
            list(store.list("scope"))
        assert list(store.list()) == []
        assert [path.name for path in outside.iterdir()] == ["secret"]

    def test_a_linked_file_is_not_read(self, store, outside):
        (store.root / "a").symlink_to(outside / "secret")
        self.refuse_all(store, "a")
        assert list(store.list()) == []

    def test_a_put_replaces_a_linked_file_and_not_what_it_points_to(self, store, outside):
        (store.root / "a").symlink_to(outside / "secret")
        store.put("a", b"data")
        assert store.get("a") == b"data"
        assert (outside / "secret").read_bytes() == b"secret"

    def test_a_link_deeper_down_is_seen_as_well(self, store, outside):
        (store.root / "machine").mkdir()
        (store.root / "machine" / "run").symlink_to(outside.parent)
        self.refuse_all(store, "machine/run/outside/secret")

    def test_the_root_itself_may_be_linked(self, tmp_path, outside):
        (tmp_path / "link").symlink_to(outside)
        store = FileStore(tmp_path / "link")
        store.put("scope/a", b"data")
        assert store.get("scope/a") == b"data"
        assert store.url == outside.as_uri(), "one folder has one address"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_named_pipe_is_refused_and_not_waited_for(store):
    os.mkfifo(store.root / "pipe")
    with pytest.raises(NotPermitted, match="not of a file"):
        store.get("pipe")
    with pytest.raises(NotPermitted):
        store.head("pipe")
    assert list(store.list()) == []


def test_a_long_percent_encoded_part_works(store):
    part = "%E7%8A%B6" * 28  # 252 bytes
    store.put(f"{part}/{part}/a.pack", b"data")
    assert store.get(f"{part}/{part}/a.pack") == b"data"
    assert [info.name for info in store.list(part)] == [f"{part}/{part}/a.pack"]


def test_a_part_too_long_for_the_file_system_is_refused_with_a_way_out(store):
    name = "%E7%8A%B6" * 80 + "/a.pack"  # 720 bytes: an execution's name of 80 such characters
    for call in (
        lambda: store.put(name, b"data"),
        lambda: store.get(name),
        lambda: store.head(name),
        lambda: store.delete(name),
        lambda: list(store.list(name)),
    ):
        with pytest.raises(NotPermitted, match=r"(?i)name too long") as caught:
            call()
        assert "shorter scope" in caught.value.hint


def test_an_object_and_objects_below_its_name_do_not_fit_in_a_folder(store):
    store.put("a", b"data")
    with pytest.raises(NotPermitted, match="below its name"):
        store.put("a/b", b"data")
    store.put("c/d", b"data")
    with pytest.raises(NotPermitted, match="below its name"):
        store.put("c", b"data")
    assert [info.name for info in store.list()] == ["a", "c/d"]
    assert temporaries(store) == []


def test_a_directory_is_no_object(store):
    store.put("scope/a", b"data")
    with pytest.raises(BlobMissing):
        store.get("scope")


def test_reading_what_is_no_file_leaks_no_descriptor(store):
    descriptors = Path("/proc/self/fd")
    if not descriptors.is_dir():
        pytest.skip("needs /proc")
    store.put("scope/a", b"data")
    before = len(list(descriptors.iterdir()))
    for _ in range(5):
        with pytest.raises(BlobMissing):
            store.get("scope")
    assert len(list(descriptors.iterdir())) == before


def test_a_delete_takes_empty_directories_along_but_not_the_root(store):
    store.put("machine/run/a", b"data")
    store.put("machine/b", b"data")
    store.delete("machine/run/a")
    assert [path.name for path in store.root.rglob("*")] == ["machine", "b"]
    store.delete("machine/b")
    assert list(store.root.iterdir()) == []
    assert store.root.is_dir()


def test_puts_and_deletes_in_one_directory_do_not_trip_each_other(store):
    def work(number):
        for _ in range(50):
            store.put(f"machine/run/{number}", b"data")
            store.delete(f"machine/run/{number}")
        store.put(f"machine/run/{number}", b"data")

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(work, range(8)))
    assert [info.name for info in store.list()] == [f"machine/run/{n}" for n in range(8)]


def test_a_list_goes_on_when_objects_vanish_under_it(store):
    for name in ("a/1", "b/1", "c/1"):
        store.put(name, b"data")
    listing = store.list()
    assert next(listing).name == "a/1"
    store.delete("b/1")
    assert [info.name for info in listing] == ["c/1"]


@pytest.mark.parametrize("seconds", [-1e12, -1, 253402300799, 1e12])
def test_a_time_beyond_the_calendar_is_its_end(seconds):
    if not Path("/dev/shm").is_dir():  # a file system in memory has any time
        pytest.skip("this system has no /dev/shm")
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        store = FileStore(Path(folder))
        store.put("scope/a", b"data")
        os.utime(store.root / "scope/a", (seconds, seconds))
        (info,) = store.list()
        assert info == store.head("scope/a")
    assert info.modified.tzinfo is not None
    assert (info.modified.year < 1971) == (seconds < 0)


def test_an_object_longer_than_memory_is_damage(store):
    store.put("scope/a", b"data")
    os.truncate(store.root / "scope/a", 1 << 42)
    if (store.root / "scope/a").stat().st_blocks > 1000:
        pytest.skip("this file system has no holes")
    with pytest.raises(BlobCorrupt) as caught:
        store.get("scope/a")
    assert caught.value.object_name == "scope/a"


def test_a_root_that_may_not_be_looked_at_is_refused_and_not_missing(store, monkeypatch):
    """As for a folder whose parent lost its permissions; root, who may run this, has them all."""

    def refused(*_arguments, **_options):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "is_dir", refused)
    monkeypatch.setattr(os, "open", refused)
    monkeypatch.setattr(os, "scandir", refused)
    for call in (lambda: store.get("scope/a"), lambda: list(store.list())):
        with pytest.raises(NotPermitted):
            call()
