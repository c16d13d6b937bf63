"""What the adapters of frameworks write, beside what the frameworks write themselves.

`python -m benchmarks.agent_adapters` measures each framework that is installed, and says which are
not. Bytes are those that reach the store, or the folder, of one long run.
"""

# ruff: noqa: PLC0415  # each framework is loaded where it is measured
from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.synthetic import Writer
from statebag import Statebag
from statebag.store.memory import MemoryStore
from statebag.telemetry import usage
from statebag.testing.process import forget
from statebag.testing.recording_store import RecordingStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

__all__ = ["main"]

_KEYS = {"benchmark": b"k" * 32}
_STEPS = 40


class _Files:
    """Counts the bytes of files that appear in a folder, or change."""

    def __init__(self, folder: str) -> None:
        self._folder = Path(folder)
        self._seen: dict[Path, tuple[int, int]] = {}
        self.written = 0

    def look(self) -> None:
        for file in self._folder.rglob("*"):
            if file.is_file():
                found = file.stat()
                state = found.st_mtime_ns, found.st_size
                if self._seen.get(file) != state:
                    self._seen[file] = state
                    self.written += found.st_size


def _messages(size: int, steps: int) -> Iterator[list[dict[str, Any]]]:
    """The messages of an agent at each step: many from the beginning, two new ones a step."""
    writer = Writer(1)
    messages = []
    while sum(len(one["content"][0]["text"]) for one in messages) < size:
        messages.append({"role": "user", "content": [{"text": writer.text(4000)}]})
    for _ in range(steps):
        messages.extend(
            {"role": role, "content": [{"text": writer.text(1500)}]}
            for role in ("user", "assistant")
        )
        yield messages


def _store() -> tuple[RecordingStore, Statebag]:
    forget()
    store = RecordingStore(MemoryStore())
    return store, Statebag(store, signing_keys=_KEYS)


def _put(store: RecordingStore) -> int:
    return sum(call.size for kind in ("put", "put_if") for call in store.of(kind))


def durable() -> tuple[float, float, str]:
    """A step's result is the whole state: statebag beside the SDK's FileSystemSerDes."""
    from aws_durable_execution_sdk_python.filesystem_serdes import FileSystemSerDes
    from aws_durable_execution_sdk_python.serdes import SerDesContext

    from statebag.integrations.durable import StatebagSerDes

    store, sb = _store()
    ours = StatebagSerDes(sb)
    longest = texts = first = 0
    with tempfile.TemporaryDirectory() as folder:
        theirs = FileSystemSerDes(folder)
        files = _Files(folder)
        for step, messages in enumerate(_messages(4_800_000, 22)):
            context = SerDesContext(
                f"op-{step}", "arn:aws:lambda:r:1:function:f:1/durable-execution/a/b"
            )
            text = ours.serialize({"messages": messages}, context)
            theirs.serialize({"messages": messages}, context)
            files.look()
            longest = max(longest, len(text))
            texts += len(text)
            first = first or _put(store)
        written = _put(store) - first
        return (
            written / 21 + texts / 22,
            files.written / 22,
            f"checkpoint at most {longest:,} bytes; first step {first:,}",
        )


def strands() -> tuple[float, float, str]:
    """A snapshot is written after each message: statebag beside the snapshot."""
    from statebag.integrations.strands import StatebagStorage

    store, sb = _store()
    storage = StatebagStorage(sb)
    whole = first = 0

    async def run() -> None:
        nonlocal whole, first
        for messages in _messages(400_000, _STEPS):
            data = json.dumps({"data": {"messages": messages}}, ensure_ascii=False).encode()
            whole += len(data)
            await storage.write("session/s/snapshot_latest.json", data)
            first = first or _put(store)

    asyncio.run(run())
    return (_put(store) - first) / (_STEPS - 1), whole / _STEPS, f"first write {first:,}"


def temporal() -> tuple[float, float, str]:
    """An activity's payload is the whole state: statebag beside a payload stored whole."""
    from temporalio.api.common.v1 import Payload
    from temporalio.converter import StorageDriverStoreContext, StorageDriverWorkflowInfo

    from statebag.integrations.temporal import StatebagDriver

    store, sb = _store()
    driver = StatebagDriver(sb)
    target = StorageDriverWorkflowInfo(namespace="n", id="w")
    context = StorageDriverStoreContext(target=target)
    whole = claims = first = 0

    async def run() -> None:
        nonlocal whole, claims, first
        for messages in _messages(1_650_000, _STEPS):
            data = json.dumps({"messages": messages}, separators=(",", ":")).encode()
            payload = Payload(metadata={"encoding": b"json/plain"}, data=data)
            whole += len(data)
            found = await driver.store(context, [payload, payload])
            claims += sum(len(one.claim_data["bag"]) for one in found)
            first = first or _put(store)

    asyncio.run(run())
    written = (_put(store) - first) / (_STEPS - 1) + claims / _STEPS
    return written, 2 * whole / _STEPS, "each payload passed twice"


def claude() -> tuple[float, float, str]:
    """A session is appended to: statebag beside the appended bytes."""
    from statebag.integrations.claude import StatebagSessionStore

    store, sb = _store()
    sessions = StatebagSessionStore(sb)
    writer = Writer(2)
    appended = 0
    appends = 500

    async def run() -> None:
        nonlocal appended
        for number in range(appends):
            entry = {"type": "user", "uuid": f"u{number}", "text": writer.text(3000)}
            appended += len(json.dumps(entry))
            await sessions.append({"project_key": "p", "session_id": "s"}, [entry])

    with usage.measured() as spent:
        asyncio.run(run())
    note = f"{spent.puts / appends:.2f} PUTs and {spent.gets / appends:.2f} GETs an append"
    return _put(store) / appends, appended / appends, note


_MEASURED: dict[str, tuple[str, Callable[[], tuple[float, float, str]], str, float]] = {
    "durable": ("aws_durable_execution_sdk_python", durable, "FileSystemSerDes", 1 / 20),
    "strands": ("strands", strands, "the snapshot", 1 / 20),
    "temporal": ("temporalio", temporal, "the payload", 1 / 10),
    "claude": ("claude_agent_sdk", claude, "the appended bytes", 3),
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a line for each adapter: KB a step, beside the peer, and whether it is in the bound."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="of adapters; by default all")
    names = parser.parse_args(arguments).names
    missed = False
    for name, (package, measure, peer, bound) in _MEASURED.items():
        if names and name not in names:
            continue
        if find_spec(package) is None:
            print(f"{name}: not measured, {package} is not installed")
            continue
        ours, theirs, note = measure()
        verdict = "within" if ours <= theirs * bound else "ABOVE"
        missed = missed or verdict == "ABOVE"
        print(
            f"{name}: {ours / 1000:.1f} KB a step; {peer} {theirs / 1000:.1f} KB; "
            f"{ours / theirs:.3f} of it, {verdict} {bound:.3g} ({note})"
        )
    sys.exit(1 if missed else None)


if __name__ == "__main__":
    main()
