"""Refuse to read values that are not in the payload: paths that lead into a stub.

An engine does not know stubs. A path into one finds nothing: a Choice takes its Default, IsPresent
is false, JSONata returns nothing, and only sometimes a state fails. Which values are offloaded
depends on the policy and on their sizes that day. So each path that a run reads is checked first.
If it leads into a stub and no control path names it, the run ends and names the missing setting.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from statebag.asl.malformed_text import MalformedError
from statebag.format.paths import parse_path, render_path
from statebag.format.stub import KEY
from statebag.local.stubs import Hidden, hidden, is_stub, parsed, stub_places, text_stubs

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from statebag.asl.intrinsic_calls import Argument, IntrinsicCall
    from statebag.local.sealed_bags import SealedBags

__all__ = ["PATH_NOT_NAMED", "Reading", "RefusedError"]

PATH_NOT_NAMED = "Statebag.PathNotNamed"
"""The error of a run whose definition reads, or computes with, what is not in the payload."""

_HOLDERS = frozenset({dict, list, str})  # types of values that may hold a stub
_ROOTS = {"error": "errorOutput"}
# Functions and steps of JSONata that read an object's members without naming them.
_LISTS_MEMBERS = r"\$(?:each|keys|lookup|sift|spread)\b|\.\s*\*|\*\*|%\s*\."


class RefusedError(Exception):
    """An error that ends a run: no Retry and no Catch takes it.

    Attributes:
        error: The error of the run.
        cause: What was found, where, and what to do.
    """

    def __init__(self, error: str, cause: str) -> None:
        super().__init__(error)
        self.error = error
        self.cause = cause


class Reading(NamedTuple):
    """Checks the reads of one state against the bags of its run.

    Each method is called before a read. It raises RefusedError if a stub stands for the value and
    no control path names it.
    """

    state: str
    bags: SealedBags
    warn: Callable[[str], None]

    def found(self, path: str, data: Any, steps: Sequence[str | int]) -> None:
        """Check a path that found something: the value may be missing on another day.

        Args:
            path: The path as the definition has it.
            data: What it was applied to.
            steps: Its steps.
        """
        missing = None if self.bags.strict else self.bags.leaving(data, steps)
        if missing is not None:
            name, control = missing
            self.warn(
                f"The state {self.state!r} reads {path}, which is in its payload this time. When "
                "the state is larger, the value may be offloaded, because no control path names "
                "it. Name it in every function that seals this state: "
                f"STATEBAG_CONTROL={','.join(dict.fromkeys((*control, name)))}."
            )

    def path(self, path: str, data: Any, shown: str) -> None:
        """Check a JSONPath before it is evaluated.

        Args:
            path: From the `$` on, relative to `data`.
            data: What it is applied to.
            shown: The path as the definition has it.
        """
        if path != "$":
            for steps in parsed(path):
                for found in hidden(data, steps):
                    self._refuse(shown, found)

    def written(self, path: str, steps: tuple[str | int, ...], data: Any) -> None:
        """Check a ResultPath before it puts something into a value.

        If a stub stands for an object on its way, the engine makes a new object of that name next
        to the stub. The new one replaces the object in the store, whose other members are lost.

        Args:
            path: The path as the definition has it.
            steps: Its steps.
            data: What it is applied to.
        """
        above = steps[:-1]
        for found in hidden(data, above):
            self._refuse(path, found, written=True)
        parent = _at(data, above)
        if _is_whole(parent):
            self._refuse(path, Hidden(parent, above, ()), written=True)

    def compared(self, path: str, value: Any) -> None:
        """Check a value that a path returned, before it is compared rather than moved."""
        if is_stub(value):
            self._refuse(path, Hidden(value, (), ()))

    def expression(
        self, code: str, states: Mapping[str, Any], variables: Mapping[str, Any]
    ) -> None:
        """Check a JSONata expression before it is evaluated.

        Args:
            code: Without its `{% %}`.
            states: The value of `$states`.
            variables: The workflow's variables by name.
        """
        from statebag.asl.jsonata import found_in  # noqa: PLC0415 - an extra

        try:
            looked = found_in(code)
        except MalformedError:
            return  # the evaluator says what is wrong with it
        for one in looked.found:
            name = one.root.removeprefix("$")
            if one.root.startswith("$"):
                root, shown = variables.get(name), one.root
            else:
                name = _ROOTS.get(name, name)
                root, shown = states.get(name), f"$states.{name}"
            shown += render_path(one.path)[1:]
            for found in hidden(root, one.path):
                self._refuse(shown, found)
            self.found(shown, root, one.path)
            value = _at(root, one.path) if one.looked_at else None
            if (
                isinstance(value, dict)
                and is_stub(value)
                and (value.keys() == {KEY} or re.search(_LISTS_MEMBERS, code))
            ):
                self._refuse(shown, Hidden(value, one.path, ()))

    def looked_into(
        self,
        bindings: Mapping[str, Any],
        place: tuple[str | int, ...],
        name: str | None,
        deleted: bool = False,
    ) -> None:
        """Check a stub that a JSONata expression looked into, however the expression is written.

        Args:
            bindings: The values given to the expression, by the names of its variables.
            place: The place of the stub, from the variable's name on.
            name: The member that the expression asked for and that is missing; None if it asked for
                all, and the reserved key if another stub replaces this one.
            deleted: Whether it deleted the member, which stands next to the stub.
        """
        stub = _at(bindings, place)
        if not is_stub(stub):
            return
        if name == KEY:
            self._merged(f"${place[0]}{render_path(place[1:])[1:]}")
        inside = () if name is None else (name,)
        shown = f"${place[0]}{render_path((*place[1:], *inside))[1:]}"
        if deleted:
            raise RefusedError(
                PATH_NOT_NAMED,
                f"The state {self.state!r} deletes {shown}, which stands next to a stub: what was "
                "offloaded has the field too, or lacks it, so a function that opens the object "
                "gets the field back, or an error. Let a function delete it, or set it to null.",
            )
        self._refuse(shown, Hidden(stub, place, inside))

    def arguments(self, call: IntrinsicCall, values: Sequence[Any]) -> None:
        """Check the values of an intrinsic function's arguments before the function is computed."""
        if not _HOLDERS.intersection(map(type, values)):
            return  # no stub is in numbers
        from statebag.asl.intrinsics import INTRINSICS  # noqa: PLC0415 - few definitions call any

        for argument, value in zip(call.arguments, values, strict=True):
            path = _path_in(argument)
            if path is None:
                continue
            looks = INTRINSICS[call.name].looks
            if looks == "everything":
                self._looked_through(path, value, texts=True)
            elif looks == "text":
                # A text is inserted as it is; AWS turns an object into a text that nothing reads.
                self._looked_through(path, value, texts=False)
            elif looks == "value":
                self.compared(path, value)
        if call.name == "States.JsonMerge" and values[0] != values[1]:
            if all(map(is_stub, values[:2])):
                self._merged(_path_in(call.arguments[0]) or "$")
            for argument, value in zip(call.arguments, values, strict=True):
                if _is_whole(value):  # a stub alone has no room for members next to it
                    self.compared(_path_in(argument) or "$", value)

    def _looked_through(self, path: str, value: Any, *, texts: bool) -> None:
        """Check a value that is about to be computed with; with `texts`, also bags in texts."""
        found = next(stub_places(value), None) or (next(text_stubs(value), None) if texts else None)
        if found is not None:
            self._refuse(path, Hidden(found[1], found[0], ()))

    def _merged(self, path: str) -> None:
        """Refuse to merge two bags into one object, which has room for only one stub."""
        raise RefusedError(
            PATH_NOT_NAMED,
            f"The state {self.state!r} merges the bag at {path} with another bag: an object has "
            "one stub, so everything that the other one stands for would be lost. Keep each bag "
            "in a field of its own, or let a function merge the states.",
        )

    def _refuse(self, path: str, found: Hidden, *, written: bool = False) -> None:
        missing = self.bags.unnamed(found)
        if missing is None:
            return
        name, control = missing
        cause = (
            f"The state {self.state!r} reads {path}, which is not in its payload: the value was "
            "offloaded with the rest of the bag, because no control path names it."
        )
        if written:
            cause = (
                f"The state {self.state!r} writes to {path}, and the object there, {name} of the "
                "bag, is not in its payload: it was offloaded with the rest of the bag, because no "
                "control path names it. The other members of that object would be lost."
            )
        near = _near(name, control)
        if near is not None:
            cause += f" There is a control path {near}: did you mean {name}?"
        if name == "$":
            cause += " Read single fields by their names, or let a function read the state."
        else:
            cause += (
                " Name it in every function that seals this state: "
                f"STATEBAG_CONTROL={','.join(dict.fromkeys((*control, name)))} (`statebag lint "
                "--control` lists all paths of a definition)."
            )
            if not written:
                cause += (
                    " If the definition only hands the value on, and it can be large, write "
                    f"{name} into STATEBAG_MOVABLE instead."
                )
        raise RefusedError(PATH_NOT_NAMED, cause)


def _near(name: str, control: Sequence[str]) -> str | None:
    """Return the control path that may have been meant for a place; None if none is similar."""
    from statebag.format.near_name import near_path  # noqa: PLC0415 - a run needs it once

    known = {parse_path(one): one for one in control}
    near = near_path(parse_path(name), known)
    return None if near is None else known[near]


def _path_in(argument: Argument) -> str | None:
    """Return the first path in an argument; None if the argument is a literal."""
    from statebag.asl.intrinsic_calls import IntrinsicCall  # noqa: PLC0415 - as its caller
    from statebag.asl.json_paths import JsonPath  # noqa: PLC0415 - as its caller

    if isinstance(argument, IntrinsicCall):
        return next(filter(None, map(_path_in, argument.arguments)), None)
    return argument.text if isinstance(argument, JsonPath) else None


def _is_whole(value: Any) -> bool:
    """Return whether a stub alone stands in the place of a value, with no room next to it."""
    return is_stub(value) and value[KEY].get("rest") is not True


def _at(value: Any, steps: tuple[Any, ...]) -> Any:
    for step in steps:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return None
    return value
