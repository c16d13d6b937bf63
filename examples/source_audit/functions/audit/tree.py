"""The files of an audit: which ones there are, what they hold, what Python calls them."""

from __future__ import annotations

import hashlib
import io
import tokenize
from pathlib import Path
from typing import Any

# Audited where a request names no folder: the functions' own source is wherever they run.
OWN_SOURCE = Path(__file__).parents[1]
# Third parties' code, caches and tests are not what a team ships as its own.
SKIPPED_FOLDERS = frozenset({"__pycache__", "site-packages", "idle_test", "test", "tests"})


def root_of(folder: str | None) -> Path:
    """The folder to audit: the one named, or the one that holds these functions."""
    root = Path(folder or OWN_SOURCE).resolve()
    if not root.is_dir():
        raise NotADirectoryError(f"{root} is no folder that can be audited")
    return root


def list_files(root: Path, max_files: int | None = None) -> list[dict[str, Any]]:
    """All Python files below `root` by path, at most `max_files`: path, bytes and SHA-256."""
    found = sorted(
        path.relative_to(root).as_posix()
        for path in root.rglob("*.py")
        if path.is_file() and not any(map(_is_skipped, path.relative_to(root).parent.parts))
    )
    files = []
    for name in found[:max_files]:
        data = (root / name).read_bytes()
        files.append({"path": name, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()})
    return files


def _is_skipped(folder: str) -> bool:
    return folder in SKIPPED_FOLDERS or folder.startswith(".")


def read_source(root: Path, name: str) -> str:
    """The text of a file, decoded as Python decodes it: by its coding cookie, lines end in \\n.

    Raises:
        SyntaxError: the cookie names no known encoding.
        UnicodeDecodeError: the bytes are not text in that encoding.
    """
    data = (root / name).read_bytes()
    encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
    return io.TextIOWrapper(io.BytesIO(data), encoding).read()


def count_lines(text: str) -> int:
    """Lines as an editor shows them; a last line without an end counts too."""
    return text.count("\n") + (not text.endswith("\n") and text != "")


def module_name(path: str) -> str:
    """`email/mime/text.py` → `email.mime.text`; a package's `__init__.py` is the package."""
    parts = path.removesuffix(".py").split("/")
    if parts[-1] == "__init__" and len(parts) > 1:
        parts.pop()
    return ".".join(parts)


def package_of(path: str) -> str:
    """The top-level package of a file, or `(single modules)` where it is in none."""
    top, slash, _ = path.partition("/")
    return top if slash else "(single modules)"


def cut(files: list[dict[str, Any]], batch_bytes: int) -> list[dict[str, Any]]:
    """Runs of neighbouring files of about `batch_bytes` each, at least one file a run.

    Each is a pointer, `{index, first, count, bytes}`: which file it starts at and how many.
    """
    shards: list[dict[str, Any]] = []
    for position, file in enumerate(files):
        if not shards or shards[-1]["bytes"] + file["bytes"] > batch_bytes:
            shards.append({"index": len(shards), "first": position, "count": 0, "bytes": 0})
        shards[-1]["count"] += 1
        shards[-1]["bytes"] += file["bytes"]
    return shards
