"""Estimate how many events an execution's history has; at 25,000 a Standard execution fails.

The engine writes five events for a Task (entered, scheduled, started, succeeded, exited), and for
an iteration of an inline Map two around those of its states. Retries add more. A distributed Map
has six, and each of its children has its own history.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from statebag.asl.quotas import HISTORY_EVENTS
from statebag.lint.calls import most_items

if TYPE_CHECKING:
    from collections.abc import Iterator

    from statebag.asl.model import Definition, State, StateMachine

__all__ = ["LongHistory", "long_histories"]

_TURNS = re.compile(r"statebag:\s*at most (\d[\d,]{0,8}) turns?\b")
# Measured: histories that AWS recorded, and those of the engine on this machine.
_OWN = {"Task": 5, "Map": 4, "Parallel": 4, "Fail": 1}
_OTHERS = 2  # entered and exited. Measured, as above
_DISTRIBUTED = 6  # with MapRunStarted and MapRunSucceeded. Measured, as above
_AROUND = 2  # the first and the last event of an execution, or of an iteration. Measured, as above


class LongHistory(NamedTuple):
    """A place at which a history gets long.

    Attributes:
        path: The place.
        is_bound: Whether it passes the quota if all bounds are reached; if not, it is a loop
            without a bound on its turns.
        message: What was found.
    """

    path: str
    is_bound: bool
    message: str


def long_histories(definition: Definition, *, express: bool = False) -> list[LongHistory]:
    """Return the places at which histories get long.

    Args:
        definition: A definition for which `problems_of` yields nothing.
        express: Whether the machine is an Express one, whose histories have no quota.
    """
    found: list[LongHistory] = []
    machines = [] if express else [definition.machine]
    for state in definition.states.values():
        if state.is_distributed:
            for machine in state.machines:
                config = machine.fields.get("ProcessorConfig")
                kind = config.get("ExecutionType") if isinstance(config, dict) else None
                if kind != "EXPRESS":
                    machines.append(machine)
    for machine in machines:
        before = len(found)
        events = _AROUND + _events(machine, found)
        if events > HISTORY_EVENTS and not any(one.is_bound for one in found[before:]):
            message = f"a history can have {events:,} events, and {HISTORY_EVENTS:,} are the most"
            found.append(LongHistory(f"{machine.path}.States", True, message))
    return found


def _events(machine: StateMachine, found: list[LongHistory]) -> int:
    """Return the most events on any way through a machine, as far as bounds are known."""
    own = {name: _events_of(state, found) for name, state in machine.states.items()}
    longest: dict[str, int] = {}
    # Loops in an order in which what follows comes first.
    for members in _loops(machine):
        events = sum(own[name] for name in members)
        if len(members) > 1 or members[0] in _next(machine, members[0]):
            events = _of_loop(machine, members, events, found)
        after = [
            longest.get(target, 0)
            for name in members
            for target in _next(machine, name)
            if target not in members
        ]
        longest.update(dict.fromkeys(members, events + max(after, default=0)))
    return longest.get(machine.start_at or "", 0)


def _events_of(state: State, found: list[LongHistory]) -> int:
    if state.is_distributed:
        return _DISTRIBUTED
    events = _OWN.get(state.kind, _OTHERS)
    if state.kind == "Parallel":
        return events + sum(_events(one, found) for one in state.machines)
    if state.kind != "Map":
        return events
    each = _AROUND + sum(_events(one, found) for one in state.machines)
    count = most_items(state.fields)
    items = state.fields.get("Items")
    if count is None and isinstance(items, list):
        count = len(items)
    events += each * (count or 0)
    if events > HISTORY_EVENTS:
        message = (
            f"{count:,} iterations of {each:,} events each pass the {HISTORY_EVENTS:,} events of a "
            "history"
        )
        found.append(LongHistory(state.path, True, message))
    return events


def _of_loop(
    machine: StateMachine, members: list[str], events: int, found: list[LongHistory]
) -> int:
    """Return the events of all turns of a loop; of one turn if they have no bound."""
    states = [machine.states[name] for name in machine.states if name in members]
    comments = (state.fields.get("Comment") for state in states)
    told = [
        int(match[1].replace(",", ""))
        for one in comments
        if isinstance(one, str) and (match := _TURNS.search(one))
    ]
    path = states[0].path
    if not told:
        turns = max(1, HISTORY_EVENTS // max(1, events))
        message = (
            f"a turn of this loop can have {events:,} events: after {turns:,} turns the history of "
            f"{HISTORY_EVENTS:,} is full, and the execution fails"
        )
        found.append(LongHistory(path, False, message))
        return events
    if events * min(told) > HISTORY_EVENTS:
        message = (
            f"{min(told):,} turns of {events:,} events each pass the {HISTORY_EVENTS:,} events of "
            "a history"
        )
        found.append(LongHistory(path, True, message))
    return events * min(told)


def _next(machine: StateMachine, name: str) -> list[str]:
    targets = (one.name for one in machine.states[name].targets())
    return [one for one in targets if one is not None and one in machine.states]


def _loops(machine: StateMachine) -> Iterator[list[str]]:
    """Yield each group of states that lead to each other, the last groups first.

    (Tarjan's algorithm, without recursion: a machine may be a chain of thousands.)
    """
    number: dict[str, int] = {}
    low: dict[str, int] = {}
    held: list[str] = []
    is_held: set[str] = set()
    for first in machine.states:
        ahead = [(first, iter(_next(machine, first)))] if first not in number else []
        if ahead:
            number[first] = low[first] = len(number)
            held.append(first)
            is_held.add(first)
        while ahead:
            name, targets = ahead[-1]
            for target in targets:
                if target not in number:
                    number[target] = low[target] = len(number)
                    held.append(target)
                    is_held.add(target)
                    ahead.append((target, iter(_next(machine, target))))
                    break
                if target in is_held:
                    low[name] = min(low[name], number[target])
            else:
                ahead.pop()
                if ahead:
                    above = ahead[-1][0]
                    low[above] = min(low[above], low[name])
                if low[name] == number[name]:
                    members: list[str] = []
                    while not members or members[-1] != name:
                        members.append(held.pop())
                        is_held.discard(members[-1])
                    yield members
