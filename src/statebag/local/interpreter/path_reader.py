"""Read a value by a JSONPath or an intrinsic function, with the failures that AWS records.

A definite path, made of names and indices, gives the value, and fails if there is none. An
indefinite one (`*`, `..`, slices, filters) gives a list, which is empty if its beginning is
missing.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from statebag.asl.intrinsic_calls import IntrinsicCall, check_call, parse_expression
from statebag.asl.json_paths import JsonPath, MalformedError, ValueFunction, parse_json_path
from statebag.format.stub import KEY
from statebag.local.interpreter.state_failure import MissingValueError

if TYPE_CHECKING:
    from statebag.local.interpreter.state_visit import StateVisit

__all__ = [
    "CallReader",
    "PathReader",
    "expression_reader",
    "path_reader",
]


_PATTERN = r"(?s)=~\s*/(?P<text>(?:[^/\\]|\\.)*)/(?P<flags>[a-z]*)"


class PathReader:
    """Reads by a path."""

    __slots__ = ("_names_stub", "_path", "_relative", "_rest", "_steps", "is_whole", "text")

    def __init__(self, path: JsonPath) -> None:
        self.text = path.text
        self._path = path
        self._relative = f"${path.text[path.ends[0] :]}"
        self._steps = path.beginning
        self._names_stub = KEY in path.beginning
        self._rest = path.steps[len(path.beginning) :]
        self.is_whole = path.root == "input" and not path.steps

    def value(self, visit: StateVisit, data: Any) -> Any:
        """Return what the path finds.

        Args:
            visit: Knows the context object and the variables.
            data: What `$` stands for.

        Raises:
            MissingValueError: It finds nothing.
            StateFailure: A pattern in it cannot be evaluated.
            RefusedError: It leads into a stub.
        """
        base = data
        if self._path.root == "context":
            base = visit.context()
        elif self._path.root == "variable":
            try:
                base = visit.lane.variables.get(self._path.variable)
            except KeyError:
                reason = f"No results for path: ${self._path.variable}"
                raise MissingValueError(self.text, data, reason) from None
        if self._names_stub:
            visit.reading.path(self._relative, base, self.text)
        value = base
        for number, step in enumerate(self._steps):
            try:
                if isinstance(step, str) is not isinstance(value, dict):
                    raise KeyError(step)
                value = value[step]
            except (LookupError, TypeError):
                visit.reading.path(self._relative, base, self.text)
                if self._rest and not isinstance(self._rest[-1], ValueFunction):
                    return []
                raise MissingValueError(self.text, base, self._reason(number)) from None
        if not visit.lane.execution.world.bags.strict:
            visit.reading.found(self.text, base, self._steps)
        if not self._rest:
            return value
        visit.reading.path(self._relative, base, self.text)
        return self._several(visit, value, data)

    def _several(self, visit: StateVisit, value: Any, root: Any) -> Any:
        from statebag.asl.path_values import found_values  # noqa: PLC0415 - few paths need it

        try:
            found = found_values(value, self._rest, root)
        except MalformedError:
            from statebag.local.expressions import ExpressionError  # noqa: PLC0415 - starts processes
            from statebag.local.interpreter.expression_pool import (  # noqa: PLC0415 - the same
                expressions,
            )

            # A pattern or a function that only the worker process evaluates, which can be killed.
            try:
                scheduler = visit.lane.execution.scheduler
                found = expressions().found(_dialect(self._path.rest), value, scheduler.left())
            except ExpressionError as error:
                scheduler.look_at_deadline()
                raise visit.runtime(f"Invalid path '{self.text}': {error}") from error
        if isinstance(self._rest[-1], ValueFunction):
            if not found:
                raise MissingValueError(self.text, value, f"No results for path: {self.text}")
            return found[0]
        return found

    def _reason(self, missing: int) -> str:
        if missing == len(self._steps) - 1 and not self._rest:
            return f"No results for path: {_bracketed(self._steps)}"
        return f"Missing property in path {_bracketed(self._steps[: missing + 1])}"


class CallReader:
    """Computes a call of an intrinsic function."""

    __slots__ = ("_call", "_evaluated", "_failure", "function", "text")
    is_whole = False

    def __init__(self, call: IntrinsicCall) -> None:
        from statebag.asl.states_functions import (  # noqa: PLC0415 - few definitions call any
            IntrinsicFailureError,
            evaluated_call,
        )

        self._evaluated = evaluated_call
        self._failure = IntrinsicFailureError
        self.text = call.text
        self.function = call.name
        self._call = call

    def value(self, visit: StateVisit, data: Any) -> Any:
        """Return the result of the function.

        Raises:
            MissingValueError: A path in it finds nothing.
            StateFailure: The arguments do not fit the function.
        """
        try:
            return self._evaluated(
                self._call,
                lambda path: path_reader(path).value(visit, data),
                visit.reading.arguments,
            )
        except self._failure as error:
            raise visit.failure(
                "States.IntrinsicFailure",
                f"The function '{self.text}' had the following error: {error}",
            ) from error


@lru_cache(maxsize=4096)
def path_reader(text: str) -> PathReader:
    """Return the reader of a path.

    Raises:
        MalformedError: It is not a path.
    """
    return PathReader(parse_json_path(text))


@lru_cache(maxsize=4096)
def expression_reader(text: str) -> PathReader | CallReader:
    """Return the reader of a path or of a call of an intrinsic function.

    Raises:
        MalformedError: It is neither, or no such function exists.
    """
    parsed = parse_expression(text)
    check_call(parsed)
    return PathReader(parsed) if isinstance(parsed, JsonPath) else CallReader(parsed)


def _dialect(rest: str) -> str:
    """Return the rest of a path in the evaluator's dialect: one `&`, and patterns as texts."""

    def quoted(pattern: re.Match[str]) -> str:
        text = pattern["text"].replace("\\/", "/").replace("\\", "\\\\").replace('"', '\\"')
        flags = "(?i)" if "i" in pattern["flags"] else ""
        return f'=~ "{flags}^(?:{text})$"'  # the whole value, as Jayway matches

    return "$" + re.sub(_PATTERN, quoted, rest).replace("&&", "&")


def _bracketed(steps: tuple[str | int, ...]) -> str:
    """Return a path as the JSONPath library writes it: `$['a'][0]`."""
    return "$" + "".join(f"['{one}']" if isinstance(one, str) else f"[{one}]" for one in steps)
