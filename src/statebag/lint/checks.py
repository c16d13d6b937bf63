"""Turn the reports of an abstract run into findings: sizes, paths into bags, losses."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from statebag.asl.quotas import CALL_BYTES, PAYLOAD_LIMIT
from statebag.format.near_name import near_path
from statebag.format.paths import render_path
from statebag.lint.calls import has_no_scope
from statebag.lint.catch_checks import CatchChecks
from statebag.lint.shape import Shape, follow, holds_bags, parts
from statebag.lint.size_checks import SizeChecks
from statebag.lint.sources import EVERY, InBag, SourcePart
from statebag.policy import Policy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from statebag.asl.model import Definition, State
    from statebag.lint.calls import ServiceCall
    from statebag.lint.expression_sizes import Reference

__all__ = ["Checks", "control_paths", "movable_paths", "parents_id"]

_OWN_ID = re.compile(r"\$\$\.Execution\.Id|\{%\s*\$states\.context\.Execution\.Id\s*%\}")

_FOUND = {
    "pick": (
        "SB203",
        "picks {field} out of a bag ({bag}); in a large state, it may be in the store",
        "Name it as a movable path, or pass on the whole bag (--control prints the paths).",
    ),
    "items": (
        "SB202",
        "takes items from {field} inside a bag ({bag}), which may be a stub: the Map would fail",
        (
            "If it is small, name it as a control path (--control prints them all), or pass a "
            "plain list of pointers, and open each item in the function."
        ),
    ),
    "write": (
        "SB201",
        (
            "writes into {field} inside a bag ({bag}), which may be in the store: its other "
            "members would be lost"
        ),
        "Name it as a control path (--control prints them all).",
    ),
    "value": (
        "SB201",
        "reads {field} inside a bag ({bag}), which may be in the store",
        "Name it as a control path (--control prints them all).",
    ),
}
"""Code, message and fix, for each way in which a place in a bag is read."""


def movable_paths(movable: Iterable[str]) -> tuple[tuple[str | int, ...], ...]:
    """Return the paths that are passed on, in plain form or as one stub.

    Raises:
        ConfigurationError: One is not a path.
    """
    return Policy(movable=tuple(movable)).movable_paths()


def control_paths(control: Iterable[str]) -> tuple[tuple[str | int, ...], ...]:
    """Return the paths that stay plain.

    Raises:
        ConfigurationError: One is not a path.
    """
    return Policy(control=tuple(control)).control_paths()


def parents_id(states: Mapping[str, State], child: str, path: str) -> str:
    """Return how a Task in a distributed Map gets the id of the parent of its execution.

    Args:
        states: All states of the definition, by their paths.
        child: The path of the machine that the children run.
        path: The path of the Task.
    """
    outer = states[child.rpartition(".")[0]]
    batched = "ItemBatcher" in outer.fields
    place = "the BatchInput of its ItemBatcher" if batched else "the ItemSelector"
    step = "BatchInput.execution_id" if batched else "execution_id"
    given = _member(outer.language, "$$.Execution.Id", "$states.context.Execution.Id")
    taken = _member(states[path].language, f"$.{step}", f"$states.input.{step}")
    return f"Give the children the id of their parent: {given} in {place}, and {taken} here"


def _member(language: str, path: str, expression: str) -> str:
    """Return the member of a payload that has the execution's id, in a query language."""
    if language == "JSONata":
        return f'"execution_id": "{{% {expression} %}}"'
    return f'"execution_id.$": "{path}"'


class Checks:
    """Turns the reports of an abstract run into findings.

    Args:
        definition: The machine, whose structure was checked.
        control: Paths of states that stay plain.
        movable: Paths of states whose values stay separate.
        say: Called with a finding's path, code, message and fix.

    Attributes:
        wanted: Control paths that are missing, in the order in which they were met.
        moved: Movable paths that are missing, in the order in which they were met.
        also: Further control paths that are needed if a function seals only its state, and returns
            the bag under the name under which it got the state.
        also_moved: Movable paths of this kind.
        unsure: Whether an unknown function gets the state.
    """

    def __init__(
        self,
        definition: Definition,
        control: tuple[tuple[str | int, ...], ...],
        movable: tuple[tuple[str | int, ...], ...],
        say: Callable[[str, str, str, str], None],
    ) -> None:
        self._states = definition.states
        self._control = control
        self._movable = movable
        self._say = say
        self._sizes = SizeChecks(self._states, self._once)
        self._catches = CatchChecks(self._states, self._once)
        self._sealing: list[str] = []
        self._told: set[tuple[str, str]] = set()
        self._found: set[tuple[str | int, ...]] = set()
        self._children = {
            machine.path
            for state in self._states.values()
            if state.is_distributed
            for machine in state.machines
        }
        self.wanted: dict[str, None] = {}
        self.moved: dict[str, None] = {}
        self.also: dict[str, None] = {}
        self.also_moved: dict[str, None] = {}
        self.unsure = False

    def reads(self, path: str, part: SourcePart, how: str) -> None:
        """Check a value that the engine looks at or picks out."""
        if how == "whole":
            self._once(
                path,
                "SB201",
                f"computes with all of a bag ({part.source.name}), in which offloaded values are "
                "stubs",
                "Read single fields by their names, or let a function read the state.",
            )
            return
        for place in part.bags:
            if place.inside:
                self._reads_place(path, place, how)

    def _reads_place(self, path: str, place: InBag, how: str) -> None:
        """Check a place in a bag that the engine looks at or picks out."""
        names = _to_index(place.inside)
        if not names:
            return
        if how == "pick" and len(names) < len(place.inside):
            how = "value"  # an item of an array, which a movable path does not give
        self._also(place, names, how)
        if self._is_plain(place) or (how == "pick" and self._is_movable(place)):
            return
        outer = render_path(names)
        if outer in self.wanted and len(names) < len(place.inside):
            return  # an item of a value that was reported already
        (self.moved if how == "pick" else self.wanted)[outer] = None
        field = render_path(_shown(place.inside))
        code, message, fix = _FOUND[how if how in _FOUND else "value"]
        if (near := self._near(names, movable=how == "pick")) is not None:
            fix = f"There is a path {near}: did you mean {outer}? {fix}"
        self._once(path, code, message.format(field=field, bag=place.of), fix)

    def _near(self, names: tuple[str | int, ...], *, movable: bool) -> str | None:
        """Return the path of the settings that may have been meant for a place.

        Returns:
            None if none is similar. A path that was read before is spelled correctly.
        """
        known = (*self._control, *(self._movable if movable else ()))
        near = near_path(names, [one for one in known if one not in self._found])
        return None if near is None else render_path(near)

    def _also(self, place: InBag, names: tuple[str | int, ...], how: str) -> None:
        """Record the path that is right if the function seals only its state, not its answer."""
        inner = names[1:] if names[0] in place.given else ()
        if inner:
            (self.also_moved if how == "pick" else self.also)[render_path(inner)] = None

    def calls(self, path: str, call: ServiceCall, entry: Shape, argument: Shape) -> None:
        """Check a Task that calls a function or a service."""
        self.unsure = self.unsure or call.may_seal
        if call.is_fixed:
            self._sizes.is_fixed(path)
        state = self._states[path].fields
        if (call.is_function and not call.seals) or call.unsealed:
            self._check_reader(path, call, argument)
        if call.is_function and not call.seals and not call.is_bounded:
            over = CALL_BYTES - PAYLOAD_LIMIT
            self._once(
                path,
                "SB101",
                f"the result of {call.name} is not "
                + (f"sealed ({call.other_runtime})" if call.other_runtime else "known to be sealed")
                + f": its answer can have {CALL_BYTES:,} bytes, {over:,} over the limit",
                'If it is smaller, say "statebag: at most N bytes" in the Comment of the Task; or '
                "call a Python function that seals it."
                if call.other_runtime
                else "Put @statebag.step around its handler, and pass $$.Execution.Id as "
                "execution_id; or say so with --sealed.",
            )
        if call.lengthy and not call.is_bounded:
            self._sizes.answer(path, call)
        self._sizes.argument(path, call, argument)
        invoked = ":states:" in str(state.get("Resource"))
        event = follow(argument, ("Payload",)) if invoked else argument
        if call.lacks_scope or (call.takes_scope and has_no_scope(event)):
            child = self._child_of(path)
            add = 'Add "execution_id.$": "$$.Execution.Id" to the payload'
            add = add if child is None else parents_id(self._states, child, path)
            self._once(
                path,
                "SB207",
                f"{call.name} seals, but its payload has no execution_id, which gives the scope "
                "of the bag: without one, the step fails",
                f"{add}; or accept it in a Comment if the step names another path (scope=) or the "
                "bag has the field.",
            )
        if call.seals:
            self._check_scope(path, state, argument)
        if call.seals:
            self._catches.retry(path, state, call)
            self._sealing.append(path)
        if call.seals or holds_bags(entry):
            self._catches.catch(path, state, seals=call.seals)

    def _check_scope(self, path: str, state: dict[str, Any], argument: Shape) -> None:
        """Check a child of a distributed Map that opens a bag of its parent under its own id."""
        child = self._child_of(path)
        if child is None or not _gives_own_id(state):
            return
        outer = [
            place.of
            for part in parts(argument)
            for place in part.bags
            if place.of and not place.of.startswith(f"{child}.")
        ]
        if outer:
            self._once(
                path,
                "SB206",
                f"here $$.Execution.Id is that of a child, but the bag of {outer[0]} belongs to "
                "its parent: with this execution_id, opening it raises NotPermitted",
                f"{parents_id(self._states, child, path)}.",
            )

    def _child_of(self, path: str) -> str | None:
        """Return the machine of a distributed Map that a state is in; None if it is in none."""
        return next((one for one in reversed([*_above(path)]) if one in self._children), None)

    def _check_reader(self, path: str, call: ServiceCall, argument: Shape) -> None:
        """Check an argument with stubs for a function that does not open bags."""
        for part in parts(argument) if holds_bags(argument) else ():
            places = [one for one in part.bags if not (one.inside and self._is_plain(one))]
            if not places:
                continue
            inside = _shown(places[0].inside)
            what = render_path(inside) + " out of a bag" if inside else "a bag"
            known = "does not open bags" if call.unsealed else "is not known to open bags"
            if call.other_runtime:
                known = f"runs on {call.other_runtime}, where nothing opens bags"
            self._once(
                path,
                "SB204" if call.unsealed else "SB205",
                f"{call.name} {known}, but gets {what} ({part.source.name}): it would find a "
                "stub instead of the value",
                "Pass it control paths only, or let a Python function before it read the fields."
                if call.other_runtime
                else "Put @statebag.step around its handler, open(...) in it, or pass it control "
                "paths only.",
            )
            return

    def hands_on(self, path: str, what: str, made: Shape, entry: Shape) -> None:
        """Check a value that is made from an input."""
        self._sizes.hands_on(path, what, made, entry)

    def adds_up(
        self, path: str, each: list[int], count: int | None, *, distributed: bool, kept: int
    ) -> None:
        """Check the outputs of branches or iterations that are joined in one payload.

        `kept` is the size of what is next to them.
        """
        self._sizes.adds_up(path, each, count, distributed=distributed, kept=kept)

    def finds_nothing(self, path: str, reference: Reference) -> None:
        """Report a path to a place where no state put anything."""
        root = {"context": "$$", "input": "$"}.get(reference.root, reference.root)
        text = root + render_path(reference.path)[1:]
        self._once(
            path,
            "SB009",
            f"no state before it sets {text}",
            "Read a value that a state before it sets, or keep this one with ResultPath.",
        )

    def finish(self) -> None:
        """Report the largest of the sizes, and check each Catch around a state that seals."""
        # A control field is plain, including everything in it.
        for control, movable in ((self.wanted, self.moved), (self.also, self.also_moved)):
            for one in [*control]:
                if any(above in control for above in _above(one)):
                    del control[one]
            for one in [*movable]:
                if any(above in control for above in (one, *_above(one))):
                    del movable[one]
        self._sizes.finish()
        around = {above for one in self._sealing for above in _above(one)}
        for path, state in self._states.items():
            if state.kind in {"Map", "Parallel"} and path in around:
                self._catches.catch(path, state.fields, seals=True)

    def _is_movable(self, place: InBag) -> bool:
        """Return whether a place, or one below it, may be moved."""
        if _to_index(place.inside) != place.inside:
            return False
        return any(path[: len(names)] == names for names in _ways(place) for path in self._movable)

    def _is_plain(self, place: InBag) -> bool:
        found = [
            path
            for names in _ways(place)
            for path in (*self._control, *place.plain)
            if names[: len(path)] == path or path[: len(names)] == names
        ]
        self._found.update(found)
        return bool(found)

    def _once(self, path: str, code: str, message: str, fix: str) -> None:
        if (path, code) not in self._told:
            self._told.add((path, code))
            self._say(path, code, message, fix)


def _gives_own_id(state: dict[str, Any]) -> bool:
    """Return whether a Task passes its own execution's id to its function."""
    given = state.get("Arguments", state.get("Parameters"))
    payload = given.get("Payload", given) if isinstance(given, dict) else None
    fields = payload if isinstance(payload, dict) else {}
    id_ = fields.get("execution_id.$", fields.get("execution_id"))
    return isinstance(id_, str) and _OWN_ID.fullmatch(id_.strip()) is not None


def _ways(place: InBag) -> Iterator[tuple[str | int, ...]]:
    """Yield the names of a place: in a bag of a function's answer, and in a bag of its state."""
    names = _to_index(place.inside)
    if names:
        yield names
        if names[0] in place.given and names[1:]:
            yield names[1:]


def _shown(path: tuple[str | int, ...]) -> tuple[str | int, ...]:
    """Return a path up to the step to all items of an array."""
    return path[: path.index(EVERY)] if EVERY in path else path


def _above(path: str) -> Iterator[str]:
    """Return the texts of all paths above a path."""
    return (path[: step.start()] for step in re.finditer(r"[.\[]", path))


def _to_index(path: tuple[str | int, ...]) -> tuple[str | int, ...]:
    """Return a path up to its first index: an array is control as a whole."""
    for number, step in enumerate(path):
        if isinstance(step, int):
            return path[:number]
    return path
