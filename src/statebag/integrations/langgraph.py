"""A checkpoint saver for LangGraph that writes what changed, not the whole state.

The serializer's result for a value is kept as JSON, so a list of messages is an array whose old
items are stored already. `langgraph_threads.py` says where checkpoints and writes are.
"""

from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from statebag.async_calls import in_threads
from statebag.client import Statebag
from statebag.errors import ConfigurationError
from statebag.integrations.langgraph_threads import Threads
from statebag.integrations.serialized_values import typed_bytes, typed_json

try:
    from langgraph.checkpoint.base import (
        WRITES_IDX_MAP,
        BaseCheckpointSaver,
        CheckpointTuple,
        get_checkpoint_id,
        get_checkpoint_metadata,
    )
except ImportError as error:
    raise ConfigurationError(
        "langgraph-checkpoint is missing, which this saver is for",
        hint="Install the extra: pip install 'statebag[langgraph]'",
    ) from error

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
    from datetime import timedelta

    from langchain_core.runnables import RunnableConfig
    from langgraph.checkpoint.base import (
        ChannelVersions,
        Checkpoint,
        CheckpointMetadata,
        DeltaChannelHistory,
    )
    from langgraph.checkpoint.serde.base import SerializerProtocol

    from statebag.versions.head import Head
    from statebag.versions.version import Version

__all__ = ["StatebagSaver"]


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
        left = limit
        for head in self._heads_of(config):
            for version in self.threads.versions(head, wanted, until):
                if left is not None and left <= 0:
                    return
                metadata = self._value(version.note["metadata"])
                if filter and any(metadata.get(key) != one for key, one in filter.items()):
                    continue
                yield self._tuple(head, version)
                left = None if left is None else left - 1

    def delete_thread(self, thread_id: str) -> None:
        """Delete all checkpoints and writes of a thread; objects that its copies use stay."""
        self.threads.delete(thread_id)

    def delete_for_runs(self, run_ids: Sequence[str]) -> None:
        """Delete the checkpoints that some runs made, in all threads. It reads every checkpoint."""
        runs = set(run_ids)
        if runs:
            for head in self.threads.heads():
                gone = [one for one in head.history() if self._run_of(one) in runs]
                if gone:
                    self.threads.drop(head, gone)

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
                versions = list(self.threads.versions(head))
                kept = self._with_seeds(versions)
                self.threads.drop(head, [one for one in versions if one.note["id"] not in kept])

    def delete_older(self, age: timedelta) -> Sequence[str]:
        """Delete the threads that had no checkpoint for some time; return their ids.

        Args:
            age: The time since the newest checkpoint of a thread, by its writer's clock.
        """
        newest: dict[str, datetime] = {}
        for head in self.threads.heads():
            version = head.read()
            if version is not None:
                thread = version.note["thread"]
                newest[thread] = max(version.written, newest.get(thread, version.written))
        now = datetime.now(UTC)
        over = [thread for thread, written in newest.items() if now - written >= age]
        for thread in over:
            self.delete_thread(thread)
        return over

    def get_delta_channel_history(
        self, *, config: RunnableConfig, channels: Sequence[str]
    ) -> Mapping[str, DeltaChannelHistory]:
        """Return the sources of delta channels: writes of ancestors, and a start value."""
        head = self.threads.head(*_place(config))
        start = self.threads.find(head, get_checkpoint_id(config))
        found: dict[str, DeltaChannelHistory] = {channel: {"writes": []} for channel in channels}
        left = set(channels)
        for version in self.threads.ancestors(head, start):
            if not left:
                break
            for write in reversed(self._writes(head, version)):
                if write[1] in left:
                    found[write[1]]["writes"].insert(0, write)
            there = left.intersection(version.note["channels"])
            if there:
                state = head.open(version, only=[("values", channel) for channel in there])
                for channel in there:
                    found[channel]["seed"] = self._value(state["values"][channel])
            left -= there
        return found

    def get_next_version(self, current: str | None, channel: None) -> str:
        """Return a version of a channel that comes after another, different in each branch."""
        del channel
        number = 0 if current is None else int(str(current).split(".", maxsplit=1)[0])
        return f"{number + 1:032}.{random.random():016}"  # noqa: S311 (tells branches apart)

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """Do the same as `put`."""
        return await in_threads(self.put, config, checkpoint, metadata, new_versions)

    async def aput_writes(
        self,
        config: RunnableConfig,
        writes: Sequence[tuple[str, Any]],
        task_id: str,
        task_path: str = "",
    ) -> None:
        """Do the same as `put_writes`."""
        await in_threads(self.put_writes, config, writes, task_id, task_path)

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """Do the same as `get_tuple`."""
        return await in_threads(self.get_tuple, config)

    async def alist(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,  # noqa: A002 (LangGraph's name)
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[CheckpointTuple]:
        """Do the same as `list`."""
        found = self.list(config, filter=filter, before=before, limit=limit)
        while (one := await in_threads(next, found, None)) is not None:
            yield one

    async def adelete_thread(self, thread_id: str) -> None:
        """Do the same as `delete_thread`."""
        await in_threads(self.delete_thread, thread_id)

    async def adelete_for_runs(self, run_ids: Sequence[str]) -> None:
        """Do the same as `delete_for_runs`."""
        await in_threads(self.delete_for_runs, run_ids)

    async def acopy_thread(self, source_thread_id: str, target_thread_id: str) -> None:
        """Do the same as `copy_thread`."""
        await in_threads(self.copy_thread, source_thread_id, target_thread_id)

    async def aprune(self, thread_ids: Sequence[str], *, strategy: str = "keep_latest") -> None:
        """Do the same as `prune`."""
        await in_threads(self.prune, thread_ids, strategy=strategy)

    async def adelete_older(self, age: timedelta) -> Sequence[str]:
        """Do the same as `delete_older`."""
        return await in_threads(self.delete_older, age)

    async def aget_delta_channel_history(
        self, *, config: RunnableConfig, channels: Sequence[str]
    ) -> Mapping[str, DeltaChannelHistory]:
        """Do the same as `get_delta_channel_history`."""
        return await in_threads(self.get_delta_channel_history, config=config, channels=channels)

    def _heads_of(self, config: RunnableConfig | None) -> Sequence[Head]:
        if config is None:
            return self.threads.heads()
        thread, _ = _place(config)
        return self.threads.heads(thread, config["configurable"].get("checkpoint_ns"))

    def _with_seeds(self, versions: Sequence[Version]) -> set[str]:
        """Return the newest checkpoint, and the ancestors that its delta channels need."""
        if not versions:
            return set()
        kept = {versions[0].note["id"]}
        metadata = self._value(versions[0].note["metadata"])
        left = set(metadata.get("counters_since_delta_snapshot") or ())
        left -= set(versions[0].note["channels"])
        by_id = {one.note["id"]: one for one in versions}
        version = by_id.get(versions[0].note["parent"])
        while left and version is not None:
            kept.add(version.note["id"])
            left -= set(version.note["channels"])
            version = by_id.get(version.note["parent"])
        return kept

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
            pending_writes=self._writes(head, version),
        )

    def _writes(self, head: Head, version: Version) -> Sequence[tuple[str, str, Any]]:
        """Return the writes at a checkpoint in the order in which a run applies them."""
        found = []
        for one in head.attached.all(version.label).values():
            path, task = one.note["path"], one.note["task"]
            for index, channel, value in head.open(one)["writes"]:
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
