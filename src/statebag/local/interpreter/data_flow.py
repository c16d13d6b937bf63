"""Pass data through a state: from its input to its arguments, and from a result to its output.

There is one class for each query language, with the same methods. Values that an output shares with
an input or a result are not copied.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from statebag.local.interpreter.json_value import JsonValue
from statebag.local.interpreter.payload_template import jsonata_template, path_template
from statebag.local.interpreter.state_failure import MissingValueError
from statebag.local.interpreter.state_visit import error_output

if TYPE_CHECKING:
    from collections.abc import Mapping

    from statebag.asl.model import State
    from statebag.local.interpreter.path_reader import PathReader
    from statebag.local.interpreter.state_failure import StateFailure
    from statebag.local.interpreter.state_visit import StateVisit

    Left = tuple[JsonValue, dict[str, Any] | None]

__all__ = ["JsonataFlow", "PathFlow", "data_flow", "read_path", "read_value"]

_WITH_RESULT = frozenset({"Task", "Map", "Parallel"})


class PathFlow:
    """The data of a JSONPath state.

    Args:
        fields: The fields of the state; a Catch or a rule of a Choice may have some of them too.
        kind: The state's type.
    """

    def __init__(self, fields: Mapping[str, Any], kind: str) -> None:
        self._input = _reader(fields, "InputPath")
        self._output = _reader(fields, "OutputPath")
        parameters = fields.get("Parameters")
        # Those of an older Map are its ItemSelector.
        self._parameters = (
            path_template(parameters) if parameters is not None and kind != "Map" else None
        )
        selector = fields.get("ResultSelector")
        self._selector = path_template(selector) if selector is not None else None
        # None for null, which discards the result.
        path = fields.get("ResultPath", "$")
        self._result = None if path is None else _place(path)
        assign = fields.get("Assign")
        self._assign = path_template(assign) if assign else None

    def effective(self, visit: StateVisit) -> Any:
        """Return the state's input after InputPath."""
        return _through(self._input, visit, visit.input.value)

    def arguments(self, visit: StateVisit) -> Any:
        """Return the arguments of the state's work: its input after InputPath and Parameters."""
        value = self.effective(visit)
        return value if self._parameters is None else self._parameters(visit, value)

    def left_with(self, visit: StateVisit, result: Any) -> Left:
        """Return the output and the variables of a state that has a result."""
        if self._selector is not None:
            result = self._selector(visit, result)
        assigned = self._assigned(visit, result)
        output = _combined(visit, self._result, result)
        return self._outgoing(visit, output), assigned

    def passed(self, visit: StateVisit, value: Any) -> Left:
        """Return the output and the variables of a state that passes its input on."""
        return self._outgoing(visit, value), self._assigned(visit, value)

    def caught(self, visit: StateVisit, failure: StateFailure) -> Left:
        """Return the output and the variables, for the fields of a Catch."""
        error = error_output(failure)
        output = _combined(visit, self._result, error)
        return _valued(visit, output), self._assigned(visit, error)

    def _assigned(self, visit: StateVisit, value: Any) -> dict[str, Any] | None:
        return None if self._assign is None else self._assign(visit, value)

    def _outgoing(self, visit: StateVisit, value: Any) -> JsonValue:
        return _valued(visit, _through(self._output, visit, value))


class JsonataFlow:
    """The data of a JSONata state; the methods are those of `PathFlow`."""

    def __init__(self, fields: Mapping[str, Any], kind: str) -> None:
        self._kind = kind
        field = "Arguments"
        self._arguments = jsonata_template(fields[field], field) if field in fields else None
        self._output = jsonata_template(fields["Output"], "Output") if "Output" in fields else None
        assign = fields.get("Assign")
        self._assign = jsonata_template(assign, "Assign") if assign else None

    def effective(self, visit: StateVisit) -> Any:
        """Return the state's input."""
        return visit.input.value

    def arguments(self, visit: StateVisit) -> Any:
        """Return the arguments of the state's work: its Arguments, or its input."""
        return visit.input.value if self._arguments is None else self._arguments(visit)

    def left_with(self, visit: StateVisit, result: Any) -> Left:
        """Return the output and the variables of a state that has a result."""
        if self._kind in _WITH_RESULT:
            visit.shown["result"] = result
        return self.passed(visit, result)

    def passed(self, visit: StateVisit, value: Any) -> Left:
        """Return the output and the variables of a state that passes its input on."""
        assigned = None if self._assign is None else self._assign(visit)
        output = value if self._output is None else self._output(visit)
        return _valued(visit, output), assigned

    def caught(self, visit: StateVisit, failure: StateFailure) -> Left:
        """Return the output and the variables, for the fields of a Catch."""
        error = error_output(failure)
        visit.shown = {"errorOutput": error}
        return self.passed(visit, error)


def data_flow(state: State) -> PathFlow | JsonataFlow:
    """Return the data flow of a state, for its query language."""
    flow = JsonataFlow if state.language == "JSONata" else PathFlow
    return flow(state.fields, state.kind)


def read_path(reader: PathReader, visit: StateVisit, data: Any) -> Any:
    """Return what the path of a field finds.

    Raises:
        StateFailure: `States.Runtime`: it finds nothing.
    """
    try:
        return reader.value(visit, data)
    except MissingValueError as missing:
        raise visit.runtime(f"Invalid path '{reader.text}' : {missing.reason}") from missing


def read_value(path: str, visit: StateVisit, data: Any) -> Any:
    """Return the value at the path of a field, if the state itself works with the value.

    Raises:
        StateFailure: `States.Runtime`: it finds nothing.
        RefusedError: It finds a stub.
    """
    from statebag.local.interpreter.path_reader import path_reader  # noqa: PLC0415 - few states

    found = read_path(path_reader(path), visit, data)
    visit.reading.compared(path, found)
    return found


def _reader(fields: Mapping[str, Any], name: str) -> PathReader | None:
    """Return the reader of a path; None for one that changes nothing."""
    if name not in fields:
        return None
    if fields[name] is None:
        nothing: PathReader = _NOTHING
        return nothing
    if fields[name] == "$":
        return None
    from statebag.local.interpreter.path_reader import path_reader  # noqa: PLC0415 - few states

    reader = path_reader(fields[name])
    return None if reader.is_whole else reader


class _Nothing:
    """The reader of a path that is null: it returns an empty object."""

    text = "null"
    is_whole = False

    def value(self, visit: StateVisit, data: Any) -> Any:  # noqa: ARG002 - as a reader of paths
        return {}


_NOTHING: Any = _Nothing()


class _Place(NamedTuple):
    """A reference path: its steps, and its text."""

    beginning: tuple[str | int, ...]
    text: str


def _place(path: str) -> _Place:
    if path == "$":
        return _WHOLE
    from statebag.asl.json_paths import parse_json_path  # noqa: PLC0415 - few states have one

    parsed = parse_json_path(path)
    return _Place(parsed.beginning, parsed.text)


_WHOLE = _Place((), "$")


def _through(reader: PathReader | None, visit: StateVisit, value: Any) -> Any:
    return value if reader is None else read_path(reader, visit, value)


def _valued(visit: StateVisit, value: Any) -> JsonValue:
    return visit.input if value is visit.input.value else JsonValue(value)


def _combined(visit: StateVisit, path: _Place | None, result: Any) -> Any:
    """Return the state's input with the result at its place."""
    if path is None:
        return visit.input.value
    steps = path.beginning
    if not steps:
        return result
    visit.reading.written(path.text, steps, visit.input.value)
    try:
        return _placed(visit.input.value, steps, result)
    except LookupError:
        shown = "$" + "".join(f".{one}" if isinstance(one, str) else f"[{one}]" for one in steps)
        raise visit.failure(
            "States.ResultPathMatchFailure",
            f"Unable to apply ReferencePath {shown} to input {visit.input.text}",
        ) from None


def _placed(value: Any, steps: tuple[str | int, ...], result: Any) -> Any:
    """Return a value with another one at a place; make objects on the way, and change nothing."""
    step, rest = steps[0], steps[1:]
    if isinstance(step, str):
        if not isinstance(value, dict):
            raise LookupError(step)  # noqa: TRY004 - a place that does not exist
        inner = result if not rest else _placed(value.get(step, {}), rest, result)
        return {**value, step: inner}
    if not isinstance(value, list) or not -len(value) <= step < len(value):
        raise LookupError(step)
    items = list(value)
    items[step] = result if not rest else _placed(value[step], rest, result)
    return items
