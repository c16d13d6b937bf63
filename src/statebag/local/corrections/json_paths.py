# ruff: noqa: SLF001 - corrects the inside of the interpreter
"""JSONPath: which paths give a value and which a list, and where a ResultPath may write.

AWS (Jayway JsonPath): a definite path, made of names and indices only, gives the value, and fails
where there is none; an indefinite one (`*`, `..`, slices, filters, unions) gives a list, also of
one or of nothing, and fails only where its definite beginning is missing. A ResultPath creates
the objects that it needs, and fails with `States.ResultPathMatchFailure` where the input holds
something else in its way.

The interpreter: a value that was reached through an index comes as a list (`$[0].v`), a lone
match of an indefinite path outside of arrays comes bare, nothing found by an indefinite path
mostly fails, a ResultPath replaces what is in its way, and each evaluation builds the path's
parser anew, which takes longer than a state does otherwise.
"""

from __future__ import annotations

import copy
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import jsonpath_ng.ext
from moto.stepfunctions.parser.asl.component.common.path.result_path import ResultPath
from moto.stepfunctions.parser.asl.component.common.string.string_expression import (
    StringJSONata,
    StringVariableSample,
)
from moto.stepfunctions.parser.asl.utils import json_path
from moto.stepfunctions.parser.asl.utils.json_path import NoSuchJsonPathError

from statebag.local.corrections.failures import failed_with
from statebag.local.corrections.patch import Patch, wherever

if TYPE_CHECKING:
    from statebag.local.run import Run

__all__ = ["extracted", "patches", "with_result"]

_STEP = re.compile(
    r"""\.(?P<name>[^.\[\]*()?@,:'"\s]+)
      | \[\s*(?:'(?P<single>[^']*)'|"(?P<double>[^"]*)")\s*\]
      | \[\s*(?P<index>-?\d+)\s*\]""",
    re.VERBOSE,
)
_VARIABLE = re.compile(r"\$(?P<name>[A-Za-z_]\w*)(?P<rest>.*)", re.DOTALL)


def extracted(path: str, data: Any) -> Any:
    """What a JSONPath finds in a value.

    Raises:
        NoSuchJsonPathError: a definite path, or the definite beginning of another, finds nothing.
    """
    steps, rest = _steps(path)
    found = data
    for step in steps:
        try:
            if isinstance(found, dict if isinstance(step, str) else list):
                found = found[step]
                continue
        except (KeyError, IndexError):
            pass
        raise NoSuchJsonPathError(json_path=path, data=data)
    if not rest:
        return found
    return [match.value for match in _compiled(f"${rest}").find(found)]


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
    place = state_input
    for step, following in zip(steps, [*steps[1:], None], strict=True):
        if not isinstance(place, dict if isinstance(step, str) else list):
            raise LookupError(path)
        if following is None:
            if isinstance(step, int) and not -len(place) <= step < len(place):
                raise LookupError(path)
            place[step] = result
        elif isinstance(step, int):
            place = place[step]
        else:
            place = place.setdefault(step, {})
    return state_input


def patches(_: Run) -> list[Patch]:
    """The patches of this correction."""

    def extract_json(path: str, data: Any) -> Any:
        return extracted(path, data)

    def result_path_eval(self: Any, env: Any) -> None:
        state_input = env.states.get_input()  # a copy
        if self.result_path_src is None:
            env.stack.clear()
            env.stack.append(state_input)
            return
        result = copy.deepcopy(env.stack.pop())
        try:
            output = with_result(state_input, self.result_path_src, result)
        except LookupError as error:
            raise failed_with(
                env,
                "States.ResultPathMatchFailure",
                f"Unable to apply the ResultPath '{self.result_path_src}' to the state's input.",
            ) from error
        env.stack.append(output)

    def variable_eval(self: Any, env: Any) -> None:
        parts = _VARIABLE.fullmatch(self.expression)
        if self.query_language_mode.name != "JSONPath" or parts is None:
            StringJSONata._eval_body(self, env)
            return
        value = env.variable_store.get(parts["name"])
        env.stack.append(copy.deepcopy(extracted(f"${parts['rest']}", value)))

    return [
        *wherever(json_path.extract_json, extract_json),
        Patch(ResultPath, "_eval_body", result_path_eval),
        Patch(StringVariableSample, "_eval_body", variable_eval),
    ]


@lru_cache(maxsize=4096)
def _steps(path: str) -> tuple[tuple[str | int, ...], str]:
    """The definite beginning of a path, step by step, and the rest."""
    steps: list[str | int] = []
    position = 1  # after the `$`
    while found := _STEP.match(path, position):
        if found["index"] is not None:
            steps.append(int(found["index"]))
        else:
            name = next(
                n for n in (found["name"], found["single"], found["double"]) if n is not None
            )
            steps.append(name)
        position = found.end()
    return tuple(steps), path[position:].strip()


@lru_cache(maxsize=4096)
def _compiled(path: str) -> Any:
    # The parser's dialect has one `&` where Jayway's has two.
    return jsonpath_ng.ext.parse(path.replace("&&", "&"))
