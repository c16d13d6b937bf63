"""Move LangGraph's threads from another saver to this one, and verify each checkpoint.

`python -m statebag.integrations.langgraph_move --from sqlite:threads.sqlite --to s3://bucket/prefix`
"""

from __future__ import annotations

import argparse
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from statebag.errors import BlobCorrupt, ConfigurationError
from statebag.integrations.langgraph import StatebagSaver

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from langgraph.checkpoint.base import BaseCheckpointSaver, CheckpointTuple

__all__ = ["main", "move_threads"]


def move_threads(
    source: BaseCheckpointSaver[Any],
    target: StatebagSaver,
    on_checkpoint: Callable[[str, str], None] | None = None,
) -> int:
    """Copy all threads of a saver, read each checkpoint again, and compare it.

    A checkpoint that the target has already is compared and not written, so an interrupted run can
    be repeated. The source is not changed.

    Args:
        source: A saver that lists its checkpoints, such as SqliteSaver or PostgresSaver.
        target: The saver that receives them.
        on_checkpoint: Called with the ids of the thread and the checkpoint, for progress.

    Returns:
        The number of checkpoints.

    Raises:
        BlobCorrupt: A checkpoint is not the same in the target.
        StatebagError: As for the target's methods.
    """
    places = [one.config["configurable"] for one in source.list(None)]
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
    target.put(config, one.checkpoint, one.metadata, one.checkpoint["channel_versions"])
    tasks: dict[str, list[tuple[str, Any]]] = {}
    for task, channel, value in one.pending_writes or ():
        tasks.setdefault(task, []).append((channel, value))
    for task, writes in tasks.items():
        target.put_writes(one.config, writes, task)


def _compared(target: StatebagSaver, one: CheckpointTuple) -> Any:
    """Return what must be the same, as the serializer's bytes."""
    dumps = target.serde.dumps_typed
    values = one.checkpoint["channel_values"]
    rest = {key: value for key, value in one.checkpoint.items() if key != "channel_values"}
    parent = one.parent_config["configurable"]["checkpoint_id"] if one.parent_config else None
    return (
        parent,
        {key: dumps(value) for key, value in rest.items()},
        {key: dumps(value) for key, value in values.items()},
        {key: dumps(value) for key, value in one.metadata.items()},
        sorted((task, channel, *dumps(value)) for task, channel, value in one.pending_writes or ()),
    )


@contextmanager
def _opened(address: str) -> Iterator[BaseCheckpointSaver[Any]]:
    kind, _, place = address.partition(":")
    if kind == "sqlite" and place:
        from langgraph.checkpoint.sqlite import SqliteSaver  # noqa: PLC0415 (only for this source)

        with SqliteSaver.from_conn_string(place) as saver:
            yield saver
    elif kind in {"postgres", "postgresql"}:
        from langgraph.checkpoint.postgres import PostgresSaver  # noqa: PLC0415 (as above)

        with PostgresSaver.from_conn_string(address) as saver:
            yield saver
    else:
        raise ConfigurationError(
            f"--from must begin with sqlite: or postgresql:, not {kind:.20}",
            hint="Other savers: call move_threads with the saver.",
        )


def main(arguments: Sequence[str] | None = None) -> None:
    """Move the threads that the arguments name."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--from", dest="source", required=True, help="sqlite:FILE or postgresql:…")
    parser.add_argument("--to", required=True, help="the store's address")
    given = parser.parse_args(arguments)
    with _opened(given.source) as source:
        number = move_threads(source, StatebagSaver(given.to))
    print(f"{number} checkpoints are in {given.to}, and are the same there")  # noqa: T201 (a command)


if __name__ == "__main__":
    main()
