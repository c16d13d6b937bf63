"""Move LangGraph's threads from another saver to this one, and verify each checkpoint.

`python -m statebag.integrations.langgraph_move --from sqlite:threads.sqlite --to s3://bucket/prefix`
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from statebag.errors import BlobCorrupt, ConfigurationError
from statebag.integrations.langgraph import StatebagSaver

# Behind the saver's module, which says what to install if LangGraph is missing.
from langgraph.checkpoint.base import (  # isort: skip
    BaseCheckpointSaver,
    Checkpoint,
    CheckpointTuple,
)

__all__ = ["main", "move_threads"]

_CHECKPOINT = "CHECKPOINT_"  # how DynamoDBSaver's keys of checkpoints begin


def move_threads(
    source: BaseCheckpointSaver[Any],
    target: StatebagSaver,
    on_checkpoint: Callable[[str, str], None] | None = None,
    threads: Iterable[str] | None = None,
) -> int:
    """Copy threads of a saver, read each checkpoint again, and compare it.

    A checkpoint that the target already has is only compared, so an interrupted run can be
    repeated. The source is not changed.

    Args:
        source: A saver that lists its checkpoints, such as SqliteSaver or PostgresSaver. Its
            threads must not be written to in the meantime.
        target: The saver that receives them.
        on_checkpoint: Called with the ids of the thread and the checkpoint, for progress.
        threads: The ids of the threads; by default all. Some savers, such as DynamoDBSaver, list
            only the checkpoints of a thread that is named.

    Returns:
        The number of checkpoints.

    Raises:
        BlobCorrupt: A checkpoint is not the same in the target.
        StatebagError: As for the target's methods.
    """
    named: list[Any] = [None]
    if threads is not None:
        named = [{"configurable": {"thread_id": thread}} for thread in threads]
    places = [one.config["configurable"] for each in named for one in source.list(each)]
    places.sort(key=lambda place: place["checkpoint_id"])  # parents first
    for place in places:
        one = source.get_tuple({"configurable": dict(place)})
        if one is None:  # deleted since it was listed
            continue
        if target.get_tuple(one.config) is None:
            _write(target, one)
        found = target.get_tuple(one.config)
        if found is None or _compared(target, found) != _compared(target, one):
            raise BlobCorrupt(
                "a checkpoint is not the same in the target",
                object_name=f"{place['thread_id']}/{place['checkpoint_id']}",
            )
        if on_checkpoint is not None:
            on_checkpoint(place["thread_id"], place["checkpoint_id"])
    return len(places)


def _write(target: StatebagSaver, one: CheckpointTuple) -> None:
    place = one.config["configurable"]
    above = one.parent_config["configurable"]["checkpoint_id"] if one.parent_config else None
    config: Any = {
        "configurable": {
            "thread_id": place["thread_id"],
            "checkpoint_ns": place.get("checkpoint_ns", ""),
            **({} if above is None else {"checkpoint_id": above}),
        }
    }
    checkpoint = _with_our_versions(one.checkpoint)
    target.put(config, checkpoint, one.metadata, checkpoint["channel_versions"])
    tasks: dict[str, list[tuple[str, Any]]] = {}
    for task, channel, value in one.pending_writes or ():
        tasks.setdefault(task, []).append((channel, value))
    # Delta channels apply writes in the source's order. A saver does not say by which paths of
    # tasks it ordered them, so where their ids have another order, their numbers stand for paths.
    in_order = list(tasks) == sorted(tasks)
    for number, (task, writes) in enumerate(tasks.items()):
        target.put_writes(one.config, writes, task, "" if in_order else f"~moved, {number:010}")


def _with_our_versions(checkpoint: Checkpoint) -> Checkpoint:
    """Return a checkpoint whose versions of channels are texts, as StatebagSaver's are.

    Some savers number them. A run compares the versions of all channels with one another, so it
    could not go on with both kinds.
    """

    def ours(versions: Mapping[str, Any]) -> dict[str, Any]:
        return {
            channel: f"{version:032}.{0:016}" if isinstance(version, int) else version
            for channel, version in versions.items()
        }

    seen = {node: ours(versions) for node, versions in checkpoint["versions_seen"].items()}
    versions = ours(checkpoint["channel_versions"])
    return {**checkpoint, "channel_versions": versions, "versions_seen": seen}


def _compared(target: StatebagSaver, one: CheckpointTuple) -> Any:
    """Return the parts that must be equal, as the bytes of the serializer."""
    dumps = target.serde.dumps_typed
    values = one.checkpoint["channel_values"]
    rest: dict[str, Any] = dict(_with_our_versions(one.checkpoint))
    del rest["channel_values"]
    parent = one.parent_config["configurable"]["checkpoint_id"] if one.parent_config else None
    return (
        parent,
        {key: dumps(value) for key, value in rest.items()},
        {key: dumps(value) for key, value in values.items()},
        {key: dumps(value) for key, value in one.metadata.items()},
        sorted((task, channel, *dumps(value)) for task, channel, value in one.pending_writes or ()),
        list(dict.fromkeys(task for task, _, _ in one.pending_writes or ())),
    )


@contextmanager
def _opened(address: str) -> Iterator[tuple[BaseCheckpointSaver[Any], Iterable[str] | None]]:
    """Yield the saver of an address, and the ids of its threads if it does not list them itself."""
    kind, _, place = address.partition(":")
    if kind == "sqlite" and place:
        from langgraph.checkpoint.sqlite import SqliteSaver  # noqa: PLC0415 (only for this source)

        if not Path(place).is_file():  # it would be created
            raise ConfigurationError(f"{place} does not exist")
        with SqliteSaver.from_conn_string(place) as saver:
            yield saver, None
    elif kind in {"postgres", "postgresql"}:
        from langgraph.checkpoint.postgres import PostgresSaver  # noqa: PLC0415 (as above)

        with PostgresSaver.from_conn_string(address) as saver:
            yield saver, None
    elif kind == "dynamodb" and place:
        from langgraph_checkpoint_aws import DynamoDBSaver  # noqa: PLC0415 (as above)

        table, _, query = place.partition("?")
        given = dict(parse_qsl(query))
        offloads = {"bucket_name": given.get("bucket"), "key_prefix": given.get("prefix")}
        found = DynamoDBSaver(
            table,
            s3_offload_config={name: one for name, one in offloads.items() if one}
            if "bucket" in given
            else None,
        )
        yield found, _threads_of_table(found.client, table)
    else:
        raise ConfigurationError(
            f"--from must begin with sqlite:, postgresql: or dynamodb:, not {kind:.20}",
            hint="Other savers: call move_threads with the saver.",
        )


def _threads_of_table(client: Any, table: str) -> list[str]:
    """Return the ids of the threads in a table of DynamoDBSaver, by the keys of its items."""
    found: dict[str, None] = {}
    pages = client.get_paginator("scan").paginate(TableName=table, ProjectionExpression="PK")
    for page in pages:
        for item in page["Items"]:
            key = item["PK"]["S"]
            if key.startswith(_CHECKPOINT):
                found[key.removeprefix(_CHECKPOINT)] = None
    return list(found)


def main(arguments: Sequence[str] | None = None) -> None:
    """Move the threads that the arguments name."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--from",
        dest="source",
        required=True,
        help="sqlite:FILE, postgresql:…, or dynamodb:TABLE?bucket=…&prefix=…",
    )
    parser.add_argument("--to", required=True, help="the store's address")
    parser.add_argument("--thread", action="append", help="move only this thread; may be repeated")
    given = parser.parse_args(arguments)
    with _opened(given.source) as (source, threads):
        number = move_threads(source, StatebagSaver(given.to), threads=given.thread or threads)
    print(f"{number} checkpoints are in {given.to}, each the same as in the source")  # noqa: T201 (a command)


if __name__ == "__main__":
    main()
