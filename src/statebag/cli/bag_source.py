"""Read the bag of a command: from a file, a snapshot, an execution or standard input."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from statebag.cli.executions import is_execution
from statebag.cli.json_input import read_json
from statebag.errors import BlobCorrupt, BlobMissing, ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from statebag.cli.executions import Executions
    from statebag.client import Statebag

__all__ = ["bags_option", "is_in_store", "read_bag", "read_bags", "read_file_or_execution"]

bags_option = click.option(
    "--bag",
    "bags",
    metavar="SOURCE",
    multiple=True,
    help=(
        "Include everything that this bag reads from: a file, -, a snapshot, a head, or an "
        "execution's ARN."
    ),
)
"""The option `--bag`, which may be given several times."""


def is_in_store(source: str) -> bool:
    """Return whether a bag is in the store, so that the command must connect at once."""
    from statebag.upkeep.objects import kind_of  # noqa: PLC0415 - kept out of --help

    if source == "-" or is_execution(source) or Path(source).exists():
        return False
    return "://" in source or kind_of(source) in {"snapshot", "head"}


def read_bag(source: str, client: Statebag, executions: Executions) -> Any:
    """Return the bag.

    Args:
        source: A file's name, `-`, the name or address of a snapshot or of a head's object in the
            client's store, or an execution as `ARN` (its newest state) or `ARN@EVENT`.
        client: Reads a snapshot or a head.
        executions: Reads what an execution carried.

    Raises:
        BlobMissing, BlobCorrupt: The snapshot or head is gone, deleted or damaged.
        StatebagError: The execution cannot be read.
    """
    if (named := _execution(source, executions)) is not None:
        return executions.bag(named)
    from statebag.format import json_text  # noqa: PLC0415 - kept out of --help
    from statebag.upkeep.head_objects import bags_of_object  # noqa: PLC0415 - kept out of --help
    from statebag.upkeep.objects import fits_its_name, kind_of  # noqa: PLC0415 - kept out of --help

    name = source.removeprefix(client.store.url.rstrip("/") + "/")
    if not is_in_store(source) or kind_of(name) not in {"snapshot", "head"}:
        return read_json(source)
    text = client.store.get(name)
    if kind_of(name) == "head":
        bags = bags_of_object(text, name)
        if not bags:
            raise BlobMissing("the head was deleted", object_name=name)
        return bags[0]
    if not fits_its_name(name, text):
        raise BlobCorrupt(
            "the snapshot does not have the digest that is in its name", object_name=name
        )
    return json_text.decode(text, name)


def read_bags(sources: Iterable[str], client: Statebag, executions: Executions) -> dict[str, Any]:
    """Return the bags by their sources, each read as by `read_bag`."""
    return {source: read_bag(source, client, executions) for source in sources}


def read_file_or_execution(source: str, executions: Executions, at: int | None = None) -> Any:
    """Return the bag of a file, of the standard input, or of an execution at an event.

    Args:
        source: A file's name, `-`, or an execution as `ARN` or `ARN@EVENT`.
        executions: Reads what an execution carried.
        at: The event.

    Raises:
        ConfigurationError: `at` is given, but the source is a file.
        StatebagError: The file or the execution cannot be read.
    """
    if (named := _execution(source, executions)) is not None:
        return executions.bag(named, at)
    if at is not None:
        raise ConfigurationError("--at needs an execution's ARN, and the bag is a file")
    return read_json(source)


def _execution(source: str, executions: Executions) -> str | None:
    """Return the execution that a source names by its ARN or its name; files go first."""
    if is_execution(source):
        return source
    if source == "-" or is_in_store(source) or Path(source).exists():
        return None
    return executions.named(source)
