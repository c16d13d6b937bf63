"""A checkpoint saver for LangGraph that writes what changed, not the whole state.

The serializer's result for a value is kept as JSON, so a list of messages is an array whose old
items are stored already. `langgraph_threads.py` says where checkpoints and writes are.
"""

from __future__ import annotations

import random
from collections.abc import (
    AsyncIterator,
    Callable,
    Coroutine,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from datetime import UTC, datetime, timedelta
from functools import update_wrapper
from itertools import islice
from typing import Any, Concatenate, ParamSpec, TypeVar

from statebag.async_calls import in_threads
from statebag.client import Statebag
from statebag.errors import ConfigurationError
from statebag.integrations.langgraph_threads import AttachedWrites, Threads
from statebag.integrations.serialized_values import typed_bytes, typed_json
from statebag.versions.head import Head
from statebag.versions.version import Version

try:
    from langchain_core.runnables import RunnableConfig
    from langgraph.checkpoint.base import (
        WRITES_IDX_MAP,
        BaseCheckpointSaver,
        ChannelVersions,
        Checkpoint,
        CheckpointMetadata,
        CheckpointTuple,
        DeltaChannelHistory,
        get_checkpoint_id,
        get_checkpoint_metadata,
    )
    from langgraph.checkpoint.serde.base import SerializerProtocol
except ImportError as error:
    raise ConfigurationError(
        "this saver needs langgraph-checkpoint, which is not installed",
        hint="Install the extra: pip install 'statebag[langgraph]'",
    ) from error

__all__ = ["StatebagSaver"]

_Arguments = ParamSpec("_Arguments")
_Answer = TypeVar("_Answer")


def _coroutine(
    call: Callable[Concatenate[Any, _Arguments], _Answer],
) -> Callable[Concatenate[Any, _Arguments], Coroutine[Any, Any, _Answer]]:
    """Return a method that does the same as another one in a thread, for coroutines."""
    name = call.__name__

    async def coroutine(
        self: Any, /, *arguments: _Arguments.args, **named: _Arguments.kwargs
    ) -> _Answer:
        answer: _Answer = await in_threads(getattr(self, name), *arguments, **named)
        return answer

    update_wrapper(coroutine, call)  # its signature is that of the call
    coroutine.__name__ = f"a{name}"
    coroutine.__qualname__ = f"StatebagSaver.a{name}"
    coroutine.__doc__ = f"Do the same as `{name}`."
    return coroutine


class StatebagSaver(BaseCheckpointSaver[str]):
    """Keep the checkpoints of LangGraph's threads in a store.

    It may be used from several threads, processes and event loops at once.

    Args:
        client: The client, with its store and policy, or an address for one; by default what
            STATEBAG_STORE names. The store needs conditional writes. Compared with its policy, less
            stays inline, and chunks are smaller.
        root: The first part of the scopes of all threads.
        serde: LangGraph's serializer. One that encrypts hides what changed: use the client's
            `encryption_keys` instead.

    Raises:
        ConfigurationError: The store has no conditional writes.
    """

    def __init__(
        self,
        client: Statebag | str | None = None,
        *,
        root: str = "langgraph",
        serde: SerializerProtocol | None = None,
    ) -> None:
        super().__init__(serde=serde)
        client = client if isinstance(client, Statebag) else Statebag(client)
        self.threads = Threads(client, root)
        self.client = self.threads.client

    def put(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """Store a checkpoint; return the config that names it."""
        del new_versions  # stored values are found by their content
        thread, ns = _place(config)
        rest = {key: one for key, one in checkpoint.items() if key != "channel_values"}
        values = {key: self._form(one) for key, one in checkpoint["channel_values"].items()}
        state = {"checkpoint": self._form(rest), "values": values}
        note = {
            "thread": thread,
            "ns": ns,
            "id": checkpoint["id"],
            "parent": get_checkpoint_id(config),
            "channels": sorted(values),
            "metadata": self._form(get_checkpoint_metadata(config, metadata)),
        }
        self.threads.advance(thread, ns, state, note)
        return _config(thread, ns, checkpoint["id"])

    def put_writes(
        self,
        config: RunnableConfig,
        writes: Sequence[tuple[str, Any]],
        task_id: str,
        task_path: str = "",
    ) -> None:
        """Store the writes of a task at a checkpoint; existing ones stay."""
        thread, ns = _place(config)
        new = {
            WRITES_IDX_MAP.get(channel, index): [channel, self._form(value)]
            for index, (channel, value) in enumerate(writes)
        }
        note = {"task": task_id, "path": task_path}
        head = self.threads.head(thread, ns)
        self.threads.write(head, config["configurable"]["checkpoint_id"], new, note)

    def get_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """Return the checkpoint that a config names, or the newest one of its thread."""
        head = self.threads.head(*_place(config))
        version = self.threads.find(head, get_checkpoint_id(config))
        return None if version is None else self._tuple(head, version)

    def list(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,  # noqa: A002 (LangGraph's name)
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> Iterator[CheckpointTuple]:
        """Iterate checkpoints, the newest first; without a config, those of all threads."""
        wanted = get_checkpoint_id(config) if config else None
        until = get_checkpoint_id(before) if before else None

        def is_asked_for(version: Version) -> bool:
            metadata = self._value(version.note["metadata"]) if filter else {}
            return all(metadata.get(key) == one for key, one in (filter or {}).items())

        found = (
            self._tuple(head, version)
            for head in self._heads_of(config)
            for version in self.threads.versions(head, wanted, until)
            if is_asked_for(version)
        )
        return islice(found, None if limit is None else max(limit, 0))

    def delete_thread(self, thread_id: str) -> None:
        """Delete all checkpoints and writes of a thread, but keep objects that its copies use."""
        self.threads.delete(thread_id)

    def delete_for_runs(self, run_ids: Sequence[str]) -> None:
        """Delete the checkpoints that some runs made, in all threads. It reads every checkpoint.

        The checkpoints from which a delta channel of another run's checkpoint is computed stay.
        """
        runs = set(run_ids)
        for head in self.threads.heads() if runs else ():
            versions = list(self.threads.versions(head))
            kept = [one for one in versions if self._run_of(one) not in runs]
            if len(kept) < len(versions):
                self.threads.keep(head, self._with_sources(head, kept), of=versions)

    def copy_thread(self, source_thread_id: str, target_thread_id: str) -> None:
        """Copy a thread with all its checkpoints and writes; no value is written again.

        Raises:
            Conflict: The target has checkpoints.
        """
        self.threads.copy(source_thread_id, target_thread_id)

    def prune(self, thread_ids: Sequence[str], *, strategy: str = "keep_latest") -> None:
        """Delete all checkpoints of threads, or all but the newest of each namespace.

        The checkpoints from which a delta channel of the newest one is computed stay.

        Args:
            thread_ids: The threads.
            strategy: `keep_latest` or `delete`.

        Raises:
            ConfigurationError: Another strategy.
        """
        if strategy not in {"keep_latest", "delete"}:
            raise ConfigurationError(
                f"strategy must be 'keep_latest' or 'delete', not {strategy!r:.40}"
            )
        for thread in thread_ids:
            if strategy == "delete":
                self.delete_thread(thread)
                continue
            for head in self.threads.heads(thread):
                present = head.versions()  # first: a checkpoint that is added later stays
                newest = self.threads.find(head, None)
                if newest is not None:
                    self.threads.keep(head, self._with_sources(head, [newest]), of=present)

    def delete_older(self, age: timedelta) -> Sequence[str]:
        """Delete the threads that had no checkpoint for some time; return their ids.

        A thread that gets a checkpoint in the meantime is kept.

        Args:
            age: The time since the newest checkpoint of a thread, by its writer's clock.
        """
        until = datetime.now(UTC) - age
        threads: dict[str, list[tuple[Head, Version]]] = {}
        for head in self.threads.heads():
            version = head.read()
            if version is not None:
                threads.setdefault(version.note["thread"], []).append((head, version))
        return [
            thread
            for thread, newest in threads.items()
            if all(version.written <= until for _, version in newest)
            and self.threads.delete_unused(thread, newest)
        ]

    def get_delta_channel_history(
        self, *, config: RunnableConfig, channels: Sequence[str]
    ) -> Mapping[str, DeltaChannelHistory]:
        """Return the sources of delta channels: writes of ancestors, and a start value."""
        head = self.threads.head(*_place(config))
        start = self.threads.find(head, get_checkpoint_id(config))
        found: dict[str, DeltaChannelHistory] = {channel: {"writes": []} for channel in channels}
        needed = []  # with the channels for which each is needed: up to the one that has the value
        left = set(channels)
        for version in self.threads.ancestors(head, start) if left else ():
            needed.append((version, frozenset(left)))
            left.difference_update(version.note["channels"])
            if not left:
                break
        attached = self.threads.writes(head, [version for version, _ in needed])
        for version, wanted in needed:
            for write in reversed(self._writes(attached[version.label])):
                if write[1] in wanted:
                    found[write[1]]["writes"].insert(0, write)
            there = wanted.intersection(version.note["channels"])
            if there:
                state = head.open(version, only=[("values", channel) for channel in there])
                for channel in there:
                    found[channel]["seed"] = self._value(state["values"][channel])
        return found

    def get_next_version(self, current: str | None, channel: None) -> str:
        """Return a version of a channel that comes after another, different in each branch."""
        del channel
        number = 0 if current is None else int(str(current).split(".", maxsplit=1)[0])
        return f"{number + 1:032}.{random.random():016}"  # noqa: S311 (tells branches apart)

    aput = _coroutine(put)
    aput_writes = _coroutine(put_writes)
    aget_tuple = _coroutine(get_tuple)
    adelete_thread = _coroutine(delete_thread)
    adelete_for_runs = _coroutine(delete_for_runs)
    acopy_thread = _coroutine(copy_thread)
    aprune = _coroutine(prune)
    adelete_older = _coroutine(delete_older)
    aget_delta_channel_history = _coroutine(get_delta_channel_history)

    async def alist(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,  # noqa: A002 (LangGraph's name)
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[CheckpointTuple]:
        """Do the same as `list`."""
        found = await in_threads(self.list, config, filter=filter, before=before, limit=limit)
        while (one := await in_threads(next, found, None)) is not None:
            yield one

    def _heads_of(self, config: RunnableConfig | None) -> Sequence[Head]:
        if config is None:
            return self.threads.heads()
        thread, _ = _place(config)
        return self.threads.heads(thread, config["configurable"].get("checkpoint_ns"))

    def _with_sources(self, head: Head, kept: Sequence[Version]) -> Sequence[Version]:
        """Return checkpoints and the ancestors from which their delta channels are computed."""

        def missing(version: Version) -> set[str]:
            delta = self._value(version.note["metadata"]).get("counters_since_delta_snapshot")
            return set(delta or ()).difference(version.note["channels"])

        found = {one.note["id"]: one for one in kept}
        by_id = {}
        if any(map(missing, kept)):
            by_id = {one.note["id"]: one for one in self.threads.versions(head)}
        for one in kept:
            left, version = missing(one), by_id.get(one.note["parent"])
            while left and version is not None:
                found[version.note["id"]] = version
                left -= set(version.note["channels"])
                version = by_id.get(version.note["parent"])
        return list(found.values())

    def _run_of(self, version: Version) -> Any:
        return self._value(version.note["metadata"]).get("run_id")

    def _tuple(self, head: Head, version: Version) -> CheckpointTuple:
        state = head.open(version)
        values = {key: self._value(one) for key, one in state["values"].items()}
        note = version.note
        thread, ns, parent = note["thread"], note["ns"], note["parent"]
        return CheckpointTuple(
            config=_config(thread, ns, note["id"]),
            checkpoint={**self._value(state["checkpoint"]), "channel_values": values},
            metadata=self._value(note["metadata"]),
            parent_config=_config(thread, ns, parent) if parent else None,
            pending_writes=self._writes(self.threads.writes(head, [version])[version.label]),
        )

    def _writes(self, attached: Iterable[AttachedWrites]) -> Sequence[tuple[str, str, Any]]:
        """Return the writes at a checkpoint in the order in which a run applies them."""
        found = []
        for note, writes in attached:
            path, task = note["path"], note["task"]
            for index, channel, value in writes:
                found.append((path, task, index, channel, self._value(value)))
        found.sort(key=lambda write: write[:3])
        return [(task, channel, value) for _, task, _, channel, value in found]

    def _form(self, value: Any) -> dict[str, Any]:
        return typed_json(*self.serde.dumps_typed(value))

    def _value(self, form: dict[str, Any]) -> Any:
        return self.serde.loads_typed(typed_bytes(form))


def _place(config: RunnableConfig) -> tuple[str, str]:
    given = config["configurable"]
    return str(given["thread_id"]), given.get("checkpoint_ns") or ""


def _config(thread: str, ns: str | None = None, checkpoint: str | None = None) -> RunnableConfig:
    named = {"thread_id": thread, "checkpoint_ns": ns, "checkpoint_id": checkpoint}
    return {"configurable": {key: one for key, one in named.items() if one is not None}}
