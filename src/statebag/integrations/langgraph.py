"""A checkpoint saver for LangGraph that writes what changed, not the whole state.

Each namespace of a thread is a head in the scope `<root>/<thread>`. Each checkpoint is a version of
it, with the checkpoint's id as its label. The writes of a task are attached to their checkpoint.
The serializer's result for a value is kept as JSON, so a list of messages is an array whose old
items are stored already.
"""

from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from statebag.async_calls import in_threads
from statebag.client import Statebag
from statebag.errors import ConfigurationError, Conflict
from statebag.integrations.serialized_values import typed_bytes, typed_json
from statebag.integrations.thread_names import head_name_of, label_of, scope_of_thread

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

    from statebag.policy import Policy
    from statebag.versions.dropping import VersionName
    from statebag.versions.head import Head
    from statebag.versions.version import Version

__all__ = ["StatebagSaver"]

# Conflicts of one write in a row. Chosen: each means that another writer's checkpoint went in.
_TURNS = 100
# A version is written twice, as the newest and when it is superseded, so little is inline; and a
# thread is written more often than it is read. Measured with 1.26 MB of messages in 60 turns: 41 KB
# a turn, against 106 with the thresholds that suit a workflow (docs/langgraph.md).
_CARRY_BYTES = 4 * 1024
_PIECE_BYTES = 8 * 1024  # measured, as above
_MAX_PACKS = 24  # measured, as above
_MOST_HEADS = 1024  # heads whose newest version this saver remembers. Chosen


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
        self.client = client.with_policy(_suited(client.policy))
        self.root = root
        self._newest: dict[tuple[str, str], tuple[Head, Version | None]] = {}
        self.client.heads(root)  # refuses a store that cannot have heads

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
        self._advance(thread, ns, state, note)
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
        head = self._head(thread, ns)
        label, key = label_of(config["configurable"]["checkpoint_id"]), label_of(task_id)
        new = {
            WRITES_IDX_MAP.get(channel, index): [channel, self._form(value)]
            for index, (channel, value) in enumerate(writes)
        }
        note = {"task": task_id, "path": task_path}
        present = None
        for _ in range(_TURNS):
            merged: dict[int, Any] = {} if present is None else _writes_of(head.open(present))
            merged |= {n: one for n, one in new.items() if n < 0 or n not in merged}
            bag = head.seal({"writes": [[n, *one] for n, one in sorted(merged.items())]}, present)
            try:
                head.attached.put(label, key, bag, note, replaces=present)
            except Conflict:
                present = head.attached.get(label, key)
            else:
                return
        raise _too_busy()

    def get_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """Return the checkpoint that a config names, or the newest one of its thread."""
        thread, ns = _place(config)
        head = self._head(thread, ns)
        wanted = get_checkpoint_id(config)
        if wanted:
            version = head.find(label_of(wanted))
        else:
            version = head.read()
            if version is not None and version.note["newest"] != version.note["id"]:
                version = head.find(label_of(version.note["newest"])) or version
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
            labels = None if wanted is None else {label_of(wanted)}
            for version in self._versions(head, labels, until):
                if left is not None and left <= 0:
                    return
                metadata = self._value(version.note["metadata"])
                if filter and any(metadata.get(key) != one for key, one in filter.items()):
                    continue
                yield self._tuple(head, version)
                left = None if left is None else left - 1

    def delete_thread(self, thread_id: str) -> None:
        """Delete all checkpoints and writes of a thread; objects that its copies use stay."""
        self.client.heads(self._scope(thread_id)).delete()
        self._forget(thread_id)

    def delete_for_runs(self, run_ids: Sequence[str]) -> None:
        """Delete the checkpoints that some runs made, in all threads. It reads every checkpoint."""
        runs = set(run_ids)
        if runs:
            for head in self._heads_of(None):
                gone = [one for one in head.history() if self._run_of(one) in runs]
                if gone:
                    self._drop(head, gone)

    def copy_thread(self, source_thread_id: str, target_thread_id: str) -> None:
        """Copy a thread with all its checkpoints and writes; no value is written again.

        Raises:
            Conflict: The target has checkpoints.
        """
        self.client.heads(self._scope(source_thread_id)).copy(
            self._scope(target_thread_id), note=lambda note: {**note, "thread": target_thread_id}
        )
        self._forget(target_thread_id)

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
            for head in self._heads_of(_config(thread)):
                versions = list(self._versions(head))
                kept = self._with_seeds(versions)
                self._drop(head, [one for one in versions if one.note["id"] not in kept])

    def delete_older(self, age: timedelta) -> Sequence[str]:
        """Delete the threads that had no checkpoint for some time; return their ids.

        Args:
            age: The time since the newest checkpoint of a thread, by its writer's clock.
        """
        newest: dict[str, datetime] = {}
        for head in self._heads_of(None):
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
        thread, ns = _place(config)
        head = self._head(thread, ns)
        wanted = get_checkpoint_id(config)
        start = head.find(label_of(wanted)) if wanted else head.read()
        found: dict[str, DeltaChannelHistory] = {channel: {"writes": []} for channel in channels}
        left = set(channels)
        for version in self._ancestors(head, start):
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

    def _advance(self, thread: str, ns: str, state: dict[str, Any], note: dict[str, Any]) -> None:
        """Add a checkpoint to its head, even if another writer's checkpoint came first."""
        place = (thread, ns)
        head, last = self._newest.get(place) or (self._head(thread, ns), None)
        if last is None:
            last = head.read()
        heal = False
        for _ in range(_TURNS):
            newest = note["id"] if last is None else max(note["id"], last.note["newest"])
            bag = head.seal(state, last, heal=heal)
            label = label_of(note["id"])
            try:
                version = head.advance(bag, last, label=label, note={**note, "newest": newest})
            except Conflict:
                self._newest.pop(place, None)
                present = head.read()
                # No writer advanced the head: the bag names a pack that a collector is about to
                # delete.
                heal = present is not None and last is not None and present.id == last.id
                last = present
            else:
                if len(self._newest) >= _MOST_HEADS:
                    self._newest.clear()
                self._newest[place] = (head, version)
                return
        raise _too_busy()

    def _scope(self, thread: str) -> str:
        return scope_of_thread(self.root, thread)

    def _head(self, thread: str, ns: str) -> Head:
        return self.client.heads(self._scope(thread)).head(head_name_of(ns))

    def _forget(self, thread: str) -> None:
        for place in [one for one in list(self._newest) if one[0] == thread]:
            self._newest.pop(place, None)

    def _heads_of(self, config: RunnableConfig | None) -> Sequence[Head]:
        """Return the heads of a thread, of one of its namespaces, or of all threads."""
        if config is None:
            return self.client.heads(self.root).below()
        thread, _ = _place(config)
        if config["configurable"].get("checkpoint_ns") is not None:
            return [self._head(*_place(config))]
        scope = self._scope(thread)
        return [one for one in self.client.heads(scope).below() if one.scope == scope]

    def _versions(
        self, head: Head, labels: set[str] | None = None, before: str | None = None
    ) -> Iterator[Version]:
        """Yield the checkpoints of a head, those with the largest ids first, each once."""
        names = {one.label: one for one in reversed(head.versions())}  # of two, the newer
        chosen = {
            one.number
            for label, one in names.items()
            if (labels is None or label in labels) and (before is None or label < label_of(before))
        }

        def wanted(one: VersionName) -> bool:
            return one.number in chosen

        in_order = [label for label, one in sorted(names.items()) if one.number in chosen]
        if in_order == [one.label for one in sorted(names.values()) if one.number in chosen]:
            yield from head.history(wanted=wanted)
        else:  # written in another order than that of their ids
            found = {one.label: one for one in head.history(wanted=wanted)}
            yield from [found[label] for label in reversed(in_order) if label in found]

    def _ancestors(self, head: Head, start: Version | None) -> Iterator[Version]:
        """Yield the ancestors of a checkpoint, the nearest first; each was written before."""
        if start is None:
            return
        parent, first = start.note["parent"], start.number
        for version in head.history(wanted=lambda one: one.number < first):
            if not parent:
                return
            if version.note["id"] == parent:
                yield version
                parent = version.note["parent"]

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

    def _drop(self, head: Head, versions: Sequence[Version]) -> None:
        labels = {one.label for one in versions}
        head.drop([one.number for one in head.versions() if one.label in labels])
        if versions:
            self._forget(versions[0].note["thread"])

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


def _suited(policy: Policy) -> Policy:
    """Return a policy with thresholds for threads."""
    return msgspec.structs.replace(
        policy,
        carry_bytes=min(policy.carry_bytes, _CARRY_BYTES),
        piece_bytes=min(policy.piece_bytes, _PIECE_BYTES),
        max_packs=max(policy.max_packs, _MAX_PACKS),
    )


def _place(config: RunnableConfig) -> tuple[str, str]:
    given = config["configurable"]
    return str(given["thread_id"]), given.get("checkpoint_ns") or ""


def _config(thread: str, ns: str | None = None, checkpoint: str | None = None) -> RunnableConfig:
    named = {"thread_id": thread, "checkpoint_ns": ns, "checkpoint_id": checkpoint}
    return {"configurable": {key: one for key, one in named.items() if one is not None}}


def _writes_of(state: dict[str, Any]) -> dict[int, list[Any]]:
    return {index: [channel, value] for index, channel, value in state["writes"]}


def _too_busy() -> Conflict:
    return Conflict(
        f"other writers of this thread were first {_TURNS} times",
        hint="Let fewer writers write to one thread at a time.",
    )
