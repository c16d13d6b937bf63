"""A definition as objects: machines, states, transitions, and positions in the text.

The model takes any JSON value; a malformed one has fewer states and targets.
`statebag.asl.definition` reports what is wrong with it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = [
    "Definition",
    "Position",
    "State",
    "StateMachine",
    "Target",
    "inner_machines",
    "member_path",
]

_LANGUAGES = ("JSONPath", "JSONata")


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a text.

    Attributes:
        line: Its line, from 1.
        column: Its column, from 1; a tab is one.
    """

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Target:
    """One transition of a state, as it is written.

    Attributes:
        path: The place of the name: `$.States.A.Catch[0].Next`.
        field: The field of the state: `Next`, `Default`, `Choices` or `Catch`.
        name: The name of the next state; None if none is given, or it is not a string.
    """

    path: str
    field: str
    name: str | None


@dataclass(frozen=True, eq=False)
class State:
    """A state of a machine.

    Attributes:
        path: Its place: `$.States.A`, `$.States.Each.ItemProcessor.States.B`.
        name: Its name.
        fields: Its fields as the definition has them.
        language: Its query language: its own, or that of its machine.
        machine: Its machine.
        machines: The machines in it: the branches of a Parallel, the processor of a Map.
    """

    path: str
    name: str
    fields: dict[str, Any] = field(repr=False)
    language: str
    machine: StateMachine = field(repr=False)
    machines: tuple[StateMachine, ...] = field(default=(), repr=False)

    @property
    def kind(self) -> str:
        """Its Type; empty if it has none."""
        kind = self.fields.get("Type")
        return kind if isinstance(kind, str) else ""

    @property
    def is_distributed(self) -> bool:
        """Whether it is a Map whose iterations are executions."""
        processor = _processor(self.fields)[1] if self.kind == "Map" else None
        config = processor.get("ProcessorConfig") if isinstance(processor, dict) else None
        return isinstance(config, dict) and config.get("Mode") == "DISTRIBUTED"

    def targets(self) -> Iterator[Target]:
        """Return its transitions in the order of the definition."""
        for name in ("Next", "Default"):
            if name in self.fields:
                yield Target(f"{self.path}.{name}", name, _text(self.fields[name]))
        for name in ("Choices", "Catch"):
            entries = self.fields.get(name)
            for index, entry in enumerate(entries if isinstance(entries, list) else ()):
                following = entry.get("Next") if isinstance(entry, dict) else None
                yield Target(f"{self.path}.{name}[{index}].Next", name, _text(following))


@dataclass(frozen=True, eq=False)
class StateMachine:
    """A definition, or a machine in a Parallel or a Map.

    Attributes:
        path: Its place: `$`, `$.States.Both.Branches[1]`.
        fields: Its fields as the definition has them.
        language: The query language of states that do not set one.
        states: Its states by name.
    """

    path: str
    fields: dict[str, Any] = field(repr=False)
    language: str
    states: Mapping[str, State] = field(default_factory=dict, repr=False)

    @property
    def start_at(self) -> str | None:
        """The name of the first state; None if it is not given as a string."""
        return _text(self.fields.get("StartAt"))

    def reached(self) -> set[str]:
        """Return the names of the states that the first state can lead to, with its own."""
        reached: set[str] = set()
        ahead = [self.start_at]
        while ahead:
            name = ahead.pop()
            if name is not None and name in self.states and name not in reached:
                reached.add(name)
                ahead.extend(target.name for target in self.states[name].targets())
        return reached


class Definition:
    """A whole definition.

    Args:
        value: The parsed definition, which is not copied.
        positions: The position of each path in the text, if known.

    Attributes:
        machine: The outermost machine.
        states: All states at every depth by path: those of a machine before those inside them.
    """

    def __init__(self, value: Any, positions: Mapping[str, Position] | None = None) -> None:
        self._positions = positions or {}
        self.machine = _machine(value, "$", "JSONPath")
        self.states: dict[str, State] = {}
        for machine in self.machines():
            self.states.update({state.path: state for state in machine.states.values()})

    def machines(self) -> Iterator[StateMachine]:
        """Yield all machines, each before those in its states."""
        ahead = [self.machine]
        while ahead:
            machine = ahead.pop()
            yield machine
            inner = [one for state in machine.states.values() for one in state.machines]
            ahead.extend(reversed(inner))

    def position(self, path: str) -> Position | None:
        """Return the position of a path, or of the nearest place around it; None if unknown."""
        while path not in self._positions and path != "$":
            path = path[: max(path.rfind("."), path.rfind("["), 1)]
        return self._positions.get(path)


def member_path(path: str, name: str) -> str:
    """Return the path of a member, as messages write it."""
    return f"{path}.{name}" if name.isidentifier() else f"{path}[{name!r}]"


def _machine(value: Any, path: str, outer: str) -> StateMachine:
    """Return a machine with everything in it, without recursion: machines may nest deeply."""
    top = _empty(value, path, outer)
    ahead = [top]
    while ahead:
        machine, states = ahead.pop()
        declared = machine.fields.get("States")
        for name, fields in (declared if isinstance(declared, dict) else {}).items():
            if not isinstance(fields, dict):
                continue
            place = member_path(f"{machine.path}.States", str(name))
            language = _language(fields, machine.language)
            inner = [_empty(one, at, language) for at, one in inner_machines(fields, place)]
            within = tuple(one for one, _ in inner)
            states[name] = State(place, name, fields, language, machine, within)
            ahead.extend(inner)
    return top[0]


def _empty(value: Any, path: str, outer: str) -> tuple[StateMachine, dict[str, State]]:
    """Return a machine without its states, and the mapping to put them in."""
    fields = value if isinstance(value, dict) else {}
    states: dict[str, State] = {}
    return StateMachine(path, fields, _language(fields, outer), states), states


def _language(fields: Mapping[str, Any], outer: str) -> str:
    """Return the query language of a machine or state; an unknown one is ignored."""
    own = fields.get("QueryLanguage")
    return own if own in _LANGUAGES else outer


def inner_machines(fields: Mapping[str, Any], path: str) -> Iterator[tuple[str, Any]]:
    """Return the machines in a state, with their paths.

    Args:
        fields: The fields of the state.
        path: The path of the state.
    """
    kind, branches = fields.get("Type"), fields.get("Branches")
    if kind == "Parallel" and isinstance(branches, list):
        for index, branch in enumerate(branches):
            yield f"{path}.Branches[{index}]", branch
    elif kind == "Map":
        name, processor = _processor(fields)
        if name:
            yield f"{path}.{name}", processor


def _processor(fields: Mapping[str, Any]) -> tuple[str, Any]:
    """Return the field of a Map with its machine (older: `Iterator`), and that machine."""
    named = [(name, fields[name]) for name in ("ItemProcessor", "Iterator") if name in fields]
    return named[0] if named else ("", None)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
