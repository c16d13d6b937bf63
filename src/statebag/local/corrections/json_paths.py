# ruff: noqa: SLF001 - corrects the inside of the interpreter
"""JSONPath: which paths give a value and which a list, and where a ResultPath may write.

AWS (Jayway JsonPath): a definite path, made of names and indices only, gives the value, and fails
where there is none; an indefinite one (`*`, `..`, slices, filters, unions) gives a list, also of
one or of nothing, and fails only where its definite beginning is missing. A ResultPath creates
the objects that it needs, and fails with `States.ResultPathMatchFailure` where the input holds
something else in its way.

The interpreter: a value that was reached through an index comes as a list (`$[0].v`), a lone
match of an indefinite path outside of arrays comes bare, nothing found by an indefinite path
mostly fails, an ItemsPath without an array is a failed JSONata query, a ResultPath replaces what
is in its way, and each evaluation builds the path's parser anew, which takes longer than a
state does otherwise.
"""

from __future__ import annotations

import copy
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from jsonpath_ng.ext.parser import parse
from moto.stepfunctions.parser.asl.component.common.path.items_path import ItemsPath
from moto.stepfunctions.parser.asl.component.common.path.result_path import ResultPath
from moto.stepfunctions.parser.asl.component.common.string.string_expression import (
    StringJSONata,
    StringVariableSample,
)
from moto.stepfunctions.parser.asl.utils import json_path
from moto.stepfunctions.parser.asl.utils.json_path import NoSuchJsonPathError

from statebag.asl.json_paths import read_json_path
from statebag.local.corrections.failures import failed_with
from statebag.local.corrections.patch import Patch, wherever
from statebag.local.reads import path_is_read, path_is_written, value_is_compared

if TYPE_CHECKING:
    from statebag.local.expressions import Expressions
    from statebag.local.moto_run import Run

__all__ = ["extracted", "patches", "variable_value", "with_result"]

# A filter with a regular expression, and the functions that the parser's dialect adds in backticks.
_PATTERN = re.compile(r"=~|`")


def extracted(path: str, data: Any, expressions: Expressions, shown: str | None = None) -> Any:
    """What a JSONPath finds in a value.

    Args:
        path: The path.
        data: The value.
        expressions: Evaluates a path that has a pattern in it.
        shown: The path in messages, if it is another text.

    Raises:
        NoSuchJsonPathError: a definite path, or the definite beginning of another, finds nothing.
        ExpressionError: a pattern is wrong or takes too long.
    """
    path_is_read(path, data, shown)
    steps, rest = _steps(path)
    found: Any = data
    for step in steps:
        if not _has(found, step):
            raise NoSuchJsonPathError(json_path=path, data=data)
        found = found[step]
    if not rest:
        return found
    # The parser's dialect has one `&` where Jayway's has two.
    dialect = f"${rest}".replace("&&", "&")
    if _PATTERN.search(rest):
        return expressions.found(dialect, found)
    return [match.value for match in _compiled(dialect).find(found)]


def with_result(state_input: Any, path: str, result: Any) -> Any:
    """The state's input with the result at a reference path; changes `state_input`.

    Raises:
        LookupError: the input holds something in the path's way, or not the array item it names.
    """
    steps, rest = _steps(path)
    if rest:
        raise LookupError(path)
    if not steps:
        return result
    place: Any = state_input
    for step in steps[:-1]:
        if isinstance(place, dict) and isinstance(step, str):
            place.setdefault(step, {})
        if not _has(place, step):
            raise LookupError(path)
        place = place[step]
    if not (isinstance(place, dict) and isinstance(steps[-1], str)) and not _has(place, steps[-1]):
        raise LookupError(path)
    place[steps[-1]] = result
    return state_input


def variable_value(env: Any, path: str, expressions: Expressions) -> Any:
    """What a path into a workflow variable, such as `$name.field`, finds."""
    read, _ = read_json_path(path)
    value = env.variable_store.get(read.variable)
    return extracted(f"${path[read.ends[0] :]}", value, expressions, path)


def patches(run: Run) -> list[Patch]:
    """The patches of this correction."""
    items_path = ItemsPath._eval_body

    def extract_json(path: str, data: Any) -> Any:
        return extracted(path, data, run.expressions)

    def result_path_eval(self: Any, env: Any) -> None:
        state_input = env.states.get_input()  # a copy
        if self.result_path_src is None:
            env.stack.clear()
            env.stack.append(state_input)
            return
        result = copy.deepcopy(env.stack.pop())
        path_is_written(self.result_path_src, state_input)
        try:
            output = with_result(state_input, self.result_path_src, result)
        except LookupError as error:
            raise failed_with(
                env,
                "States.ResultPathMatchFailure",
                f"Unable to apply the ResultPath '{self.result_path_src}' to the state's input.",
            ) from error
        env.stack.append(output)

    def items_eval(self: Any, env: Any) -> None:
        items_path(self, env)
        if not isinstance(env.stack[-1], list):
            path = self.string_sampler.literal_value
            value_is_compared(path, env.stack[-1])
            raise failed_with(
                env, "States.Runtime", f'Reference path "{path}" must point to array.'
            )

    def variable_eval(self: Any, env: Any) -> None:
        if self.query_language_mode.name == "JSONPath":
            env.stack.append(copy.deepcopy(variable_value(env, self.expression, run.expressions)))
        else:
            StringJSONata._eval_body(self, env)

    return [
        *wherever(json_path.extract_json, extract_json),
        Patch(ResultPath, "_eval_body", result_path_eval),
        Patch(ItemsPath, "_eval_body", items_eval),
        Patch(StringVariableSample, "_eval_body", variable_eval),
    ]


def _has(container: Any, step: str | int) -> bool:
    if isinstance(step, str):
        return isinstance(container, dict) and step in container
    return isinstance(container, list) and -len(container) <= step < len(container)


@lru_cache(maxsize=4096)
def _steps(path: str) -> tuple[tuple[str | int, ...], str]:
    """The definite beginning of a path, step by step, and the rest."""
    read, end = read_json_path(path)
    if read.root != "input":
        return (), path[1:].strip()  # the parser says what is wrong with it
    return read.beginning, (read.rest + path[end:]).strip()


@lru_cache(maxsize=4096)
def _compiled(path: str) -> Any:
    return parse(path)
