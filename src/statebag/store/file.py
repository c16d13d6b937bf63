"""A store in a folder: each object is a file, which is durable before it is visible."""

from __future__ import annotations

import errno
import os
import re
import secrets
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from statebag.errors import (
    BlobCorrupt,
    BlobMissing,
    ConfigurationError,
    NotPermitted,
    StatebagError,
    StoreUnavailable,
)
from statebag.format.arguments import check_file
from statebag.process import private_files
from statebag.store.confinement import check_spans, confined_parts, too_short
from statebag.store.content_version import (
    content_version,
    delete_if_unchanged,
    exclusively,
    put_if_unchanged,
)
from statebag.store.contract import ObjectInfo

__all__ = ["FileStore"]

_TEMPORARY = re.compile(r"\.statebag-[0-9a-f]{16}\.tmp")

# How often a put makes its folders again after deletes of other objects removed them. Chosen: a
# deleter would have to win as many races in a row.
_DIRECTORY_TRIES = 100

# Not every system has these flags; where one is missing, its check is made another way or
# (O_BINARY, O_CLOEXEC) its effect is the default.
_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)
_PLAIN = getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
# Opening a named pipe must not wait for a writer.
_READ = os.O_RDONLY | _NOFOLLOW | _PLAIN | getattr(os, "O_NONBLOCK", 0)
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NOFOLLOW | _PLAIN

_FULL = frozenset({errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)})
_REFUSED = frozenset({errno.EACCES, errno.EPERM})
_ABSENT = frozenset({errno.ENOENT, errno.ENOTDIR, errno.EISDIR})

_FIRST_TIME = datetime.min.replace(tzinfo=UTC)
_LAST_TIME = datetime.max.replace(tzinfo=UTC)


class FileStore:
    """Objects as files below one folder.

    A put writes a temporary file next to its final place, syncs it, renames it, and syncs the
    directories up to the root. A crash leaves the old object, the new one, or a temporary file that
    `list` never shows. Below the root, symbolic links are not followed. Users who may write in the
    folder can win a race against this check, so the folder's permissions are the boundary. Threads
    and processes may share the folder.

    New files and folders are for their owner alone (0600 and 0700), unless `shared` is set.

    Args:
        root: The folder, which may be reached through symbolic links. An existing folder keeps its
            permissions.
        create: Whether to create the folder, with its parents, if it does not exist.
        shared: Whether the umask and the folder decide who else may read and write new files, for
            users who share a folder by its group.

    Raises:
        ConfigurationError: The root is missing (with `create=False`), is not a folder, or
            cannot be created.
    """

    def __init__(self, root: Path, *, create: bool = True, shared: bool = False) -> None:
        check_file("root", root)
        self._root = Path(os.path.realpath(root))
        self._file_mode = 0o666 if shared else private_files.FILE
        self._folder_mode = 0o777 if shared else private_files.FOLDER
        try:
            if create:
                _make_root(self._root, self._folder_mode)
            is_folder = self._root.is_dir()
        except OSError as error:
            raise ConfigurationError(
                f"the store's folder {self._root} cannot be created: {_reason(error)}",
                hint="Choose a folder that this user may create or write",
            ) from error
        if not is_folder:
            raise self._rootless()

    @property
    def url(self) -> str:
        """`file:///abs/path`, percent-encoded where a URL needs it."""
        return self._root.as_uri()

    @property
    def root(self) -> Path:
        """The folder's absolute path, symbolic links resolved."""
        return self._root

    @property
    def identity(self) -> tuple[str, ...]:
        """The folder's real path."""
        return ("file", str(self._root))

    is_local = True
    """A look-up costs next to nothing."""

    def __repr__(self) -> str:
        return f"FileStore({str(self._root)!r})"

    def put(self, name: str, data: bytes) -> None:
        """Write a whole object, which is on disk under its name on return."""
        path = self._path(name)
        temporary = path.with_name(f".statebag-{secrets.token_hex(8)}.tmp")
        with self._typed(name, "write"):
            file = self._create(temporary)
            try:
                with file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                temporary.replace(path)
            except BaseException:
                with suppress(OSError):  # the first error says more than a failed clean-up
                    temporary.unlink()
                raise
            # Any of these directories may be new, made here or by another process that has
            # not come to syncing it.
            for directory in self._directories(path):
                _sync_directory(directory)

    def get(self, name: str) -> bytes:
        """Return all bytes of an object; raise BlobMissing if there is none."""
        with self._opened(name) as (file, size):
            try:
                return file.read()
            except MemoryError:
                raise BlobCorrupt(
                    f"the object has {size} bytes, more than this process can hold",
                    object_name=name,
                    hint="Another program has written it: statebag writes objects from memory",
                ) from None

    @property
    def is_conditional(self) -> bool:
        """Whether this system has the lock that `put_if` needs."""
        return os.name != "nt"

    def get_version(self, name: str) -> tuple[bytes, str]:
        """Return all bytes of an object, and their version."""
        data = self.get(name)
        return data, content_version(data)

    def put_if(self, name: str, data: bytes, version: str | None) -> str:
        """Write a whole object if its current version is this one; with None, if it does not exist.

        A lock of the folder excludes other calls of `put_if`, also in other processes.

        Raises:
            Conflict: The version is another one.
        """
        self._path(name)
        with self._typed(name, "write"), exclusively(self._root):
            return put_if_unchanged(self, name, data, version)

    @property
    def can_delete_if(self) -> bool:
        """Whether this system has the lock that `delete_if` needs."""
        return self.is_conditional

    def delete_if(self, name: str, version: str) -> None:
        """Delete an object if its current version is this one, under the lock of `put_if`.

        Raises:
            Conflict: The object has changed since, or is gone.
        """
        self._path(name)
        with self._typed(name, "delete"), exclusively(self._root):
            delete_if_unchanged(self, name, version)

    def get_ranges(self, name: str, spans: Sequence[tuple[int, int]]) -> list[bytes]:
        """Return the bytes of each `(offset, length)`; raise BlobCorrupt past the end."""
        check_spans(name, spans)
        answers = []
        with self._opened(name) as (file, size):
            for offset, length in spans:
                # Before the read: a forged length must not become an allocation.
                if length and offset + length > size:
                    raise too_short(name, offset, length)
                file.seek(offset)
                data = file.read(length)
                if len(data) != length:
                    raise too_short(name, offset, length)
                answers.append(data)
        return answers

    def head(self, name: str) -> ObjectInfo | None:
        """Return the size and time of an object, or None."""
        path = self._path(name)
        try:
            with self._typed(name, "look up"):
                status = path.lstat()
        except BlobMissing:
            return None
        if stat.S_ISDIR(status.st_mode):
            return None
        if stat.S_ISLNK(status.st_mode):
            raise _linked(name)
        if not stat.S_ISREG(status.st_mode):
            raise _irregular(name)
        return _info(name, status)

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """Iterate the objects at and below a prefix, by name."""
        if not prefix:
            if not self._is_there():
                raise self._rootless()
            return self._below("", self._root)
        info = self.head(prefix)
        return self._below(prefix + "/", self._path(prefix)) if info is None else iter((info,))

    def delete(self, name: str) -> None:
        """Delete an object, and the folders that become empty."""
        path = self._path(name)
        try:
            with self._typed(name, "delete"):
                path.unlink()
        except BlobMissing:
            return
        self._remove_empty(path)

    def leftovers(self) -> Iterator[ObjectInfo]:
        """Yield the temporary files of writers that were killed, or are still writing.

        A temporary file is renamed when it is whole. If nothing was written to it for long, its
        writer is gone. If its writer is still there, the put fails with an error once the file is
        removed.

        Raises:
            NotPermitted, StoreUnavailable: A folder cannot be read.
        """
        if not self._is_there():
            raise self._rootless()
        return self._below("", self._root, temporary=True)

    def discard(self, name: str) -> None:
        """Remove a temporary file that `leftovers` named, unless it is gone.

        Raises:
            NotPermitted: The name is not that of a temporary file, or the file cannot be removed.
        """
        folder, _, last = name.rpartition("/")
        if not _TEMPORARY.fullmatch(last):
            raise NotPermitted("the name is not that of an unfinished write", object_name=name)
        path = self._path(folder) / last if folder else self._root / last
        if folder and path.parent.is_symlink():
            raise _linked(name)
        with suppress(BlobMissing), self._typed(name, "delete"):
            path.unlink()
        self._remove_empty(path)

    def _remove_empty(self, path: Path) -> None:
        """Remove the directories that become empty without a file."""
        for directory in list(self._directories(path))[:-1]:
            try:
                directory.rmdir()
            except OSError:  # not empty, or gone: both are as they should be
                return

    def _path(self, name: str) -> Path:
        parts = confined_parts(name)
        if any(_TEMPORARY.fullmatch(part) for part in parts):
            raise NotPermitted(
                "the name has the form that FileStore reserves for unfinished writes",
                object_name=name,
            )
        if os.name == "nt" and ":" in name:
            raise NotPermitted(
                "the name has a colon, which leads out of the folder on Windows", object_name=name
            )
        path = self._root.joinpath(*parts)
        for directory in self._directories(path):
            # Not Path.is_symlink: it raises where a part is too long for the file system.
            if directory != self._root and os.path.islink(directory):  # noqa: PTH114 (see above)
                raise _linked(name)
        return path

    def _directories(self, path: Path) -> Iterator[Path]:
        """Yield the directories of an object, from its own up to and including the root."""
        for directory in path.parents:
            yield directory
            if directory == self._root:
                return

    def _create(self, temporary: Path) -> BinaryIO:
        """Create a file for writing, with its directories below the root."""
        directories = list(self._directories(temporary))[-2::-1]
        for again in reversed(range(_DIRECTORY_TRIES)):
            try:
                for directory in directories:
                    with suppress(FileExistsError):
                        directory.mkdir(self._folder_mode)
                return os.fdopen(os.open(temporary, _CREATE, self._file_mode), "wb")
            except FileNotFoundError:
                # A delete of the last object here took a directory away again, or the root
                # is not there.
                if not again or not self._is_there():
                    raise
        raise AssertionError  # pragma: no cover (the last try returns or raises)

    @contextmanager
    def _opened(self, name: str) -> Iterator[tuple[BinaryIO, int]]:
        path = self._path(name)
        if not _NOFOLLOW and path.is_symlink():
            raise _linked(name)
        with self._typed(name, "read"):
            descriptor = os.open(path, _READ)
            try:
                status = os.fstat(descriptor)
                if stat.S_ISDIR(status.st_mode):
                    raise BlobMissing(
                        "the name is that of a folder, not of an object", object_name=name
                    )
                if not stat.S_ISREG(status.st_mode):
                    raise _irregular(name)
                with os.fdopen(descriptor, "rb", closefd=False) as file:
                    yield file, status.st_size
            finally:
                os.close(descriptor)

    def _below(
        self, prefix: str, directory: Path, *, temporary: bool = False
    ) -> Iterator[ObjectInfo]:
        try:
            with self._typed(prefix, "list"), os.scandir(directory) as entries:
                found = [
                    # The slash makes the order of parts the order of whole names.
                    (entry.name + "/" if is_directory else entry.name, entry, is_directory)
                    for entry in entries
                    for is_directory in (entry.is_dir(follow_symlinks=False),)
                ]
        except BlobMissing:  # nothing has this prefix, or it went away meanwhile
            return
        for label, entry, is_directory in sorted(found, key=lambda item: item[0]):
            if is_directory:
                if not temporary and _TEMPORARY.fullmatch(entry.name):
                    continue  # another program's file: objects never have such a name
                yield from self._below(prefix + label, Path(entry.path), temporary=temporary)
            elif not entry.is_file(follow_symlinks=False):
                continue
            elif (_TEMPORARY.fullmatch(entry.name) is not None) == temporary:
                try:
                    with self._typed(prefix + label, "look up"):
                        info = _info(prefix + label, entry.stat(follow_symlinks=False))
                except BlobMissing:
                    continue
                yield info

    @contextmanager
    def _typed(self, name: str, action: str) -> Iterator[None]:
        """Turn the system's errors into the library's."""
        try:
            yield
        except OSError as error:
            raise self._translated(error, name, action) from error

    def _translated(self, error: OSError, name: str, action: str) -> StatebagError:
        object_name = name.rstrip("/") or None  # a listing's may be the root
        message = f"the folder could not {action} the object: {_reason(error)}"
        if error.errno in _ABSENT:
            if not self._is_there():
                return self._rootless()
            if action == "write":
                return NotPermitted(
                    "a folder cannot hold an object and objects below its name",
                    object_name=object_name,
                    hint="Use names that are not part of other names, or use object storage",
                )
            return BlobMissing("the object is not in the store", object_name=object_name)
        if error.errno == errno.ELOOP:
            return _linked(name)
        kind: type[StatebagError] = NotPermitted
        hint: str | None = None
        if error.errno == errno.ENAMETOOLONG:
            hint = "Use a shorter scope (file systems take 255 bytes a part), or object storage"
        elif error.errno in _REFUSED:
            hint = (
                f"Give this user the right to {action} files below {self._root}; users who share "
                "a folder set STATEBAG_SHARED_FOLDERS=1"
            )
        elif error.errno == errno.EROFS:
            hint = f"{self._root} is on a read-only file system: choose a folder that is not"
        else:
            kind = StoreUnavailable
            if error.errno in _FULL:
                hint = f"Free some space below {self._root}, then run the step again"
            elif error.errno == errno.EIO:
                hint = f"Check the disk below {self._root}"
        return kind(message, object_name=object_name, hint=hint)

    def _is_there(self) -> bool:
        """Return whether the root is a folder, or a path that this user may not look at."""
        try:
            return self._root.is_dir()
        except OSError:
            return True

    def _rootless(self) -> ConfigurationError:
        return ConfigurationError(
            f"the store's folder {self._root} does not exist or is not a folder",
            hint="Create it, or correct the store's address",
        )


def _make_root(root: Path, mode: int) -> None:
    """Create a folder and its parents, and sync them."""
    for folder in private_files.make_folder(root, mode):
        _sync_directory(folder.parent)


def _sync_directory(directory: Path) -> None:
    """Make the entries of a directory durable, unless it was removed in the meantime."""
    if os.name == "nt":  # directories cannot be opened there, and renames are journalled
        return
    try:
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | _NOFOLLOW | _PLAIN)
    except FileNotFoundError:
        return
    try:
        os.fsync(descriptor)
    except OSError as error:
        # The errors of file systems that cannot sync a directory (some network ones).
        if error.errno not in {errno.EINVAL, errno.ENOTSUP}:
            raise
    finally:
        os.close(descriptor)


def _info(name: str, status: os.stat_result) -> ObjectInfo:
    return ObjectInfo(name, status.st_size, _time(status.st_mtime))


def _time(seconds: float) -> datetime:
    """Return a file's time, limited to the years that `datetime` has."""
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return _LAST_TIME if seconds > 0 else _FIRST_TIME


def _linked(name: str) -> NotPermitted:
    return NotPermitted(
        "the name leads through a symbolic link, which may leave the folder",
        object_name=name,
        hint="Replace the link by what it points to; only the store's root may be one",
    )


def _irregular(name: str) -> NotPermitted:
    return NotPermitted(
        "the name is that of a device, pipe or socket, not of a file", object_name=name
    )


def _reason(error: OSError) -> str:
    """Return the system's message without the path that it adds."""
    return error.strerror or type(error).__name__
