"""The states that are measured and what each step does to them.

A workload is an initial state and its steps; a step is a change, not a state, so that every way
of keeping a state is given the same one, also one in another process.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.synthetic import Writer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Change", "Workload", "data_folder", "recorded", "synthetic"]

_FIELDS = 20
_EDITS = 5  # of each field in a cycle
_ATTACHMENT = 300_000
_ATTACHMENT_EVERY = 50
_ATTACHMENT_STAYS = 15
# Sizes of the twenty fields over their mean: a few large ones, many small, as in real states.
_SHARES = (
    0.15, 0.25, 0.30, 0.40, 0.45, 0.50, 0.55, 0.65, 0.70, 0.80,
    0.85, 0.90, 1.00, 1.10, 1.25, 1.40, 1.60, 1.90, 2.25, 3.00,
)  # fmt: skip
_KINDS = ("records", "text", "keyed", "records", "text")


@dataclass(frozen=True)
class Change:
    """What one step does.

    Attributes:
        number: From 1.
        control: Fields at the top of the state that get new values.
        fields: Fields of `current_state` that get new values.
        removed: Fields of `current_state` that go.
        entries: What is appended to `state_history`.
    """

    number: int
    control: dict[str, Any]
    fields: dict[str, Any]
    removed: tuple[str, ...]
    entries: list[Any]

    def apply(self, state: dict[str, Any]) -> None:
        """Change an opened state in place."""
        self.apply_fields(state)
        state["state_history"].extend(self.entries)

    def apply_fields(self, state: dict[str, Any]) -> None:
        """The same but for the history."""
        state.update(self.control)
        current = state["current_state"]
        current.update(self.fields)
        for name in self.removed:
            current.pop(name, None)

    @property
    def paths(self) -> list[str]:
        """The paths that a step opens which opens what it edits, and no more."""
        return [f"$.current_state.{name}" for name in self.fields]


@dataclass(frozen=True)
class Workload:
    """A state and its changes.

    Attributes:
        name: For tables.
        initial: Makes the first state.
        changes: Makes the steps, from the first state on, which it may alter.
        steps: How many they are.
    """

    name: str
    steps: int
    initial: Callable[[], dict[str, Any]] = field(repr=False)
    changes: Callable[[], Iterator[Change]] = field(repr=False)


def _control(step: int) -> dict[str, Any]:
    return {
        "segment_to_run": step,
        "loop_counter": step,
        "status": "RUNNING",
        "next_action": "CONTINUE",
    }


def _base(current: dict[str, Any], history: list[Any]) -> dict[str, Any]:
    return {
        "execution_id": "benchmark:run-1",
        **_control(0),
        "current_state": current,
        "state_history": history,
    }


def _cycle(writer: Writer, rewrites: float) -> list[tuple[int, bool]]:
    """100 edits in random order: each field equally often and rewritten equally often.

    So that the quarters of a run can be compared: one chance rewrite of the largest field more
    would otherwise hide what the run's length does.
    """
    rewritten = round(_EDITS * rewrites)
    edits = [(number, i < rewritten) for number in range(_FIELDS) for i in range(_EDITS)]
    writer.random.shuffle(edits)
    return edits


def synthetic(
    size: int, steps: int, rewrites: float, *, seed: int = 7, entry_median: int | None = None
) -> Workload:
    """An agent's state of twenty fields, one of which is edited a step.

    Args:
        size: Bytes of the twenty fields together; the history comes on top and grows.
        steps: How many.
        rewrites: The share of edits that replace the whole field; the others change a record
            or a sentence in place.
        seed: Of everything in it.
        entry_median: Bytes of a history entry; by default 600 as in recorded runs, and 120
            where the state is smaller than 500 KB.
    """
    median = entry_median or (600 if size >= 500_000 else 120)

    def made(writer: Writer, number: int) -> Any:
        length = int(size / _FIELDS * _SHARES[number])
        kind = _KINDS[number % len(_KINDS)]
        if kind == "text":
            return writer.text(length)
        return writer.records(length) if kind == "records" else writer.keyed(length)

    def current(writer: Writer) -> dict[str, Any]:
        return {f"field_{number:02d}": made(writer, number) for number in range(_FIELDS)}

    def initial() -> dict[str, Any]:
        return _base(current(Writer(seed)), [])

    def changes() -> Iterator[Change]:
        fields = current(Writer(seed))
        writer = Writer(seed + 1)
        plan: list[tuple[int, bool]] = []
        for step in range(1, steps + 1):
            plan = plan or _cycle(writer, rewrites)
            number, rewrite = plan.pop()
            name = f"field_{number:02d}"
            fields[name] = made(writer, number) if rewrite else writer.edited(fields[name])
            edited, removed = {name: fields[name]}, ()
            phase = step % _ATTACHMENT_EVERY
            if phase == _ATTACHMENT_EVERY // 2:
                edited["attachment"] = writer.text(_ATTACHMENT)
            elif phase == _ATTACHMENT_EVERY // 2 + _ATTACHMENT_STAYS:
                removed = ("attachment",)
            entries = [writer.entry(step, median) for _ in range(writer.random.randrange(1, 6))]
            yield Change(step, _control(step), edited, removed, entries)

    label = f"{size // 1_000_000} MB" if size >= 1_000_000 else f"{size // 1000} KB"
    return Workload(f"{label}, {rewrites:.0%} rewrites", steps, initial, changes)


def data_folder() -> Path | None:
    """The folder of recorded runs; None where it is absent."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("STATEBAG_TEST_DATA", beside)) / "agent-trajectories"
    return folder if folder.is_dir() else None


def recorded(name: str | None = None, steps: int | None = None) -> Workload | None:
    """Recorded runs of a coding agent, replayed; None where the recordings are absent.

    Each step brings one recorded step: its messages go to the history, its action's output
    becomes what the agent looks at, and its trajectory grows in the state.

    Args:
        name: One file, without `.traj.json`; by default all of them, one after the other and
            again until there are enough steps.
        steps: How many; by default as many as were recorded.
    """
    folder = data_folder()
    if folder is None:
        return None
    runs = [
        json.loads(path.read_text("utf-8"))
        for path in sorted(folder.glob("*.traj.json"))
        if name is None or path.name == f"{name}.traj.json"
    ]
    length = steps or sum(len(run["trajectory"]) for run in runs)

    def initial() -> dict[str, Any]:
        return _base(
            {"task": "", "open_file": "", "working_dir": "", "plan": {}, "trajectory": []}, []
        )

    def recorded_steps() -> Iterator[tuple[int, dict[str, Any], list[Any]]]:
        round_ = 0
        while True:
            for run in runs:
                messages, trajectory = run["history"], run["trajectory"]
                share = max(len(messages) // max(len(trajectory), 1), 1)
                for i, one in enumerate(trajectory):
                    last = i == len(trajectory) - 1
                    yield round_, one, messages[i * share : None if last else (i + 1) * share]
            round_ += 1

    def changes() -> Iterator[Change]:
        trajectory: list[Any] = []
        source = recorded_steps()
        for step in range(1, length + 1):
            round_, one, messages = next(source)
            seen = {"round": round_, "step": step, **one}
            trajectory = [*trajectory, seen]
            edited = {
                "open_file": one["observation"],
                "working_dir": one.get("state", ""),
                "plan": {"thought": one["thought"], "action": one["action"]},
                "trajectory": trajectory,
            }
            entries = [{"step": step, **message} for message in messages]
            yield Change(step, _control(step), edited, (), entries)

    return Workload(f"recorded: {name or 'all runs'}, {length} steps", length, initial, changes)
