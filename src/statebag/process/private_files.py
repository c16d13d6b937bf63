"""Make folders and files that only their owner can read.

They hold states, which may hold private data. An existing folder keeps its permissions; a file that
a user names on a command line gets those of the umask.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["FILE", "FOLDER", "make_folder", "write_file"]

FILE = 0o600  # POSIX permissions: the owner alone reads and writes
FOLDER = 0o700  # POSIX permissions: the owner alone also enters

_HOME = ".statebag"


def make_folder(folder: Path, mode: int = FOLDER) -> list[Path]:
    """Make a folder with its parents; return those that were made, the innermost first.

    A new `.statebag` gets a `.gitignore`, because it is in a working folder.

    Args:
        folder: The folder, which may exist.
        mode: The mode of each new folder, before the umask.

    Raises:
        OSError: It cannot be created.
    """
    missing = []
    for one in (folder, *folder.parents):
        if one.exists():
            break
        missing.append(one)
    for one in reversed(missing):
        with suppress(FileExistsError):  # another process was faster
            one.mkdir(mode)
            if one.name == _HOME and one != folder:
                _ignore(one)
    folder.mkdir(mode, exist_ok=True)  # raises where it is a file
    return missing


def write_file(file: Path, text: str) -> None:
    """Write a new file, or replace the content of a file, for its owner only.

    Raises:
        OSError: It cannot be written.
    """
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, FILE)
    with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
        opened.write(text)


def _ignore(folder: Path) -> None:
    with suppress(OSError):  # a store works without it
        write_file(folder / ".gitignore", "*\n")
