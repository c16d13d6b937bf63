"""Where a saver keeps its threads: heads, versions and what is attached to them.

Each namespace of a thread is a head in the scope `<root>/<thread>`. Each checkpoint is a version of
it, with the checkpoint's id as its label. The writes of a task are attached to their checkpoint.

The note of a version has `thread`, `ns`, `id`, `parent`, `channels`, `metadata`, and `newest`: the
largest id of the head's checkpoints, which two writers may have written in another order.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

from statebag.client import Statebag
from statebag.errors import Conflict
from statebag.integrations.other_writers import write_after_others
from statebag.integrations.thread_names import head_name_of, label_of, scope_of_thread
from statebag.process.forking import Workers
from statebag.versions.dropping import VersionName
from statebag.versions.head import Head
from statebag.versions.version import Version

if TYPE_CHECKING:
    from statebag.policy import Policy

__all__ = ["AttachedWrites", "Threads"]

AttachedWrites: TypeAlias = tuple[dict[str, Any], list[Any]]
"""The note of a task's writes (`path`, `task`), and `[index, channel, value]` of each."""

# A version is written twice, as the newest and when it is superseded, so little is inline; and a
# thread is written more often than it is read. Measured with 1.26 MB of messages in 60 turns: 41 KB
# a turn, against 106 with the thresholds that suit a workflow (docs/langgraph.md).
_CARRY_BYTES = 4 * 1024
_PIECE_BYTES = 8 * 1024  # measured, as above
_MAX_PACKS = 24  # measured, as above
_MOST_HEADS = 1024  # heads whose newest version is remembered. Chosen

_workers = Workers(16, "statebag-threads")  # writes that are read side by side. Chosen, as versions


class Threads:
    """The threads below a root.

    Args:
        client: The client. Compared with its policy, less stays inline, and chunks are smaller.
        root: The first part of the scopes of all threads.

    Raises:
        ConfigurationError: The store has no conditional writes.
    """

    def __init__(self, client: Statebag, root: str) -> None:
        self.client = client.with_policy(_suited(client.policy))
        self._root = root
        self._newest: dict[tuple[str, str], tuple[Head, Version | None]] = {}
        self.client.heads(root)  # refuses a store that cannot have heads

    def head(self, thread: str, ns: str) -> Head:
        """Return the head of a namespace of a thread. No request."""
        return self.client.heads(self._scope(thread)).head(head_name_of(ns))

    def heads(self, thread: str | None = None, ns: str | None = None) -> Sequence[Head]:
        """Return the heads of a thread, of one of its namespaces, or of all threads."""
        if thread is None:
            return self.client.heads(self._root).below()
        if ns is not None:
            return [self.head(thread, ns)]
        scope = self._scope(thread)
        return [one for one in self.client.heads(scope).below() if one.scope == scope]

    def advance(self, thread: str, ns: str, state: dict[str, Any], note: dict[str, Any]) -> None:
        """Add a checkpoint to its head, even if another writer's checkpoint came first."""
        place = (thread, ns)
        head, last = self._newest.get(place) or (self.head(thread, ns), None)
        if last is None:
            last = head.read()
        label = label_of(note["id"])

        def write(last: Version | None, heal: bool) -> Version:
            newest = note["id"] if last is None else max(note["id"], last.note["newest"])
            bag = head.seal(state, last, heal=heal)
            return head.advance(bag, last, label=label, note={**note, "newest": newest})

        def look() -> Version | None:
            self._newest.pop(place, None)
            return head.read()

        version = write_after_others(write, last, look, "thread")
        if len(self._newest) >= _MOST_HEADS:
            self._newest.clear()
        self._newest[place] = (head, version)

    def write(self, head: Head, checkpoint: str, writes: dict[int, Any], note: Any) -> None:
        """Attach the writes of a task to a checkpoint, by index. Only negative ones are replaced.

        Args:
            head: The checkpoint's head.
            checkpoint: Its id; it need not be there yet.
            writes: Channels and values.
            note: The `task` and its `path`.
        """
        label, key = label_of(checkpoint), label_of(note["task"])

        def write(present: Version | None, heal: bool) -> Version:
            merged: dict[int, Any] = {}
            if present is not None:
                merged = {number: one for number, *one in head.open(present)["writes"]}
            merged |= {n: one for n, one in writes.items() if n < 0 or n not in merged}
            state = {"writes": [[n, *one] for n, one in sorted(merged.items())]}
            bag = head.seal(state, present, heal=heal)
            return head.attached.put(label, key, bag, note, replaces=present)

        write_after_others(write, None, lambda: head.attached.get(label, key), "thread")

    def writes(self, head: Head, versions: Sequence[Version]) -> dict[str, list[AttachedWrites]]:
        """Return the writes that are attached to checkpoints, by the checkpoint's label."""
        found = head.attached.several(one.label for one in versions)
        every = [(label, one) for label, by_key in found.items() for one in by_key.values()]
        states = _workers.each(lambda pair: head.open(pair[1]), every)
        writes: dict[str, list[AttachedWrites]] = {label: [] for label in found}
        for (label, one), state in zip(every, states, strict=True):
            writes[label].append((one.note, state["writes"]))
        return writes

    def find(self, head: Head, checkpoint: str | None) -> Version | None:
        """Return a checkpoint, by default the newest one."""
        if checkpoint:
            return head.find(label_of(checkpoint))
        version = head.read()
        if version is not None and version.note["newest"] != version.note["id"]:
            version = head.find(label_of(version.note["newest"])) or version
        return version

    def versions(
        self, head: Head, checkpoint: str | None = None, before: str | None = None
    ) -> Iterator[Version]:
        """Yield each checkpoint of a head once, the largest ids first."""
        names = {one.label: one for one in reversed(head.versions())}  # of two, the newer
        chosen = {
            one.number
            for label, one in names.items()
            if (checkpoint is None or label == label_of(checkpoint))
            and (before is None or label < label_of(before))
        }

        def wanted(one: VersionName) -> bool:
            return one.number in chosen

        in_order = [label for label, one in sorted(names.items()) if one.number in chosen]
        if in_order == [one.label for one in sorted(names.values()) if one.number in chosen]:
            yield from head.history(wanted=wanted)
        else:  # written in another order than that of their ids
            found = {one.label: one for one in head.history(wanted=wanted)}
            yield from [found[label] for label in reversed(in_order) if label in found]

    def ancestors(self, head: Head, start: Version | None) -> Iterator[Version]:
        """Yield the ancestors of a checkpoint, the nearest first; each was written earlier."""
        if start is None:
            return
        parent, first = start.note["parent"], start.number
        for version in head.history(wanted=lambda one: one.number < first):
            if not parent:
                return
            if version.note["id"] == parent:
                yield version
                parent = version.note["parent"]

    def keep(
        self, head: Head, kept: Sequence[Version], *, of: Sequence[Version | VersionName]
    ) -> None:
        """Delete all checkpoints but some.

        Args:
            head: Their head.
            kept: The checkpoints that stay.
            of: All checkpoints to choose from, as they were read before.
        """
        gone = {one.label for one in of} - {one.label for one in kept}
        if gone:
            head.drop([one.number for one in head.versions() if one.label in gone])
            self._forget(head.scope)

    def delete(self, thread: str) -> None:
        """Delete a thread, but keep objects that its copies use."""
        self.client.heads(self._scope(thread)).delete()
        self._forget(self._scope(thread))

    def delete_unused(self, thread: str, newest: Sequence[tuple[Head, Version]]) -> bool:
        """Delete a thread, unless it got another checkpoint; return whether it was deleted.

        Args:
            thread: The thread.
            newest: Its heads with the newest version of each, as they were read.
        """
        try:
            for head, version in newest:
                head.delete(version)
        except Conflict:
            return False
        self._forget(self._scope(thread))
        return True

    def copy(self, source: str, target: str) -> None:
        """Copy a thread; no value is written again.

        Raises:
            Conflict: The target has checkpoints.
        """
        self.client.heads(self._scope(source)).copy(
            self._scope(target), note=lambda note: {**note, "thread": target}
        )
        self._forget(self._scope(target))

    def _scope(self, thread: str) -> str:
        return scope_of_thread(self._root, thread)

    def _forget(self, scope: str) -> None:
        for place, (head, _) in list(self._newest.items()):
            if head.scope == scope:
                self._newest.pop(place, None)


def _suited(policy: Policy) -> Policy:
    """Return a policy with thresholds for threads."""
    return msgspec.structs.replace(
        policy,
        carry_bytes=min(policy.carry_bytes, _CARRY_BYTES),
        piece_bytes=min(policy.piece_bytes, _PIECE_BYTES),
        max_packs=max(policy.max_packs, _MAX_PACKS),
    )
