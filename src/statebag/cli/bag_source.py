"""A bag that a command is given: a file, the standard input, or a snapshot in the store."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from statebag.cli.json_input import read_json
from statebag.errors import BlobCorrupt

if TYPE_CHECKING:
    from statebag.client import Statebag

__all__ = ["is_in_store", "read_bag"]


def is_in_store(source: str) -> bool:
    """Whether a bag is to be read from the store, which a command must then connect to at once."""
    from statebag.upkeep.objects import kind_of  # noqa: PLC0415 - kept out of --help

    if source == "-" or Path(source).exists():
        return False
    return "://" in source or kind_of(source) == "snapshot"


def read_bag(source: str, client: Statebag) -> Any:
    """The bag.

    Args:
        source: A file's name, `-`, or a snapshot's name or address in the client's store.
        client: Reads a snapshot.

    Raises:
        BlobMissing, BlobCorrupt: The snapshot is gone or damaged.
    """
    from statebag.format import json_text  # noqa: PLC0415 - kept out of --help
    from statebag.upkeep.objects import fits_its_name, kind_of  # noqa: PLC0415 - likewise

    name = source.removeprefix(client.store.url.rstrip("/") + "/")
    if not is_in_store(source) or kind_of(name) != "snapshot":
        return read_json(source)
    text = client.store.get(name)
    if not fits_its_name(name, text):
        raise BlobCorrupt("a snapshot is not what was written", object_name=name)
    return json_text.decode(text, name)
