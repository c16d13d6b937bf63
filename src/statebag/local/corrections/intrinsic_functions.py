r"""Intrinsic functions, computed by `statebag.asl.states_functions`.

AWS takes escapes in quoted arguments (`\'`, `\{`, `\}`), any braces beside `{}` in a template,
true, false and null as arguments, and any character in texts, and fails with
`States.IntrinsicFailure`. The interpreter ends a text at an escaped quote, formats with Python's
own braces, gives an empty array for `States.Array(null, true)`, escapes or refuses what is not
ASCII, takes `1` for `true`, and reports failures as `States.Runtime`.
"""

from __future__ import annotations

import copy
import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from moto.stepfunctions.parser.asl.component.common.string.string_expression import (
    StringIntrinsicFunction,
)
from moto.stepfunctions.parser.asl.parse.preprocessor import Preprocessor

from statebag.asl.intrinsic_calls import Argument, IntrinsicCall
from statebag.asl.intrinsics import INTRINSICS
from statebag.asl.json_paths import JsonPath
from statebag.asl.states_functions import IntrinsicFailureError, evaluated_call, parsed_call
from statebag.errors import ConfigurationError
from statebag.local.corrections.failures import failed_with
from statebag.local.corrections.json_paths import extracted, variable_value
from statebag.local.corrections.patch import Patch
from statebag.local.reads import bags_are_merged, value_is_compared, value_is_looked_through
from statebag.local.stubs import is_stub

if TYPE_CHECKING:
    from collections.abc import Sequence

    from statebag.local.moto_run import Run

__all__ = ["patches"]


class _Function:
    """Stands in for the interpreter's parsed function."""

    def __init__(self, call: IntrinsicCall, run: Run) -> None:
        self._call = call
        self._run = run
        # A Fail state compares this with its list of functions that give text, whose names lack
        # their first and last letter.
        self.name = SimpleNamespace(name=call.name.removeprefix("States.")[1:-1])

    def eval(self, env: Any) -> None:
        def resolve(path: str) -> Any:
            if path.startswith("$$"):
                context = env.states.context_object.context_object_data
                return extracted(path[1:], context, self._run.expressions, path)
            if path == "$" or path[1] in ".[":
                return extracted(path, env.stack[-1], self._run.expressions)
            return variable_value(env, path, self._run.expressions)

        try:
            value = evaluated_call(self._call, resolve, _given)
        except IntrinsicFailureError as error:
            raise failed_with(env, "States.IntrinsicFailure", str(error)) from error
        env.stack.append(copy.deepcopy(value))


def _given(call: IntrinsicCall, values: Sequence[Any]) -> None:
    """A function is about to be computed: what it looks at must be in the payload."""
    for argument, value in zip(call.arguments, values, strict=True):
        path = _path_in(argument)
        if path is None:
            continue
        looks = INTRINSICS[call.name].looks
        if looks == "everything":
            value_is_looked_through(path, value, texts=True)
        elif looks == "text":
            # A text is put in as it is; of an object, AWS makes a text that nothing reads again.
            value_is_looked_through(path, value, texts=False)
        elif looks == "value":
            value_is_compared(path, value)
    if call.name == "States.JsonMerge" and all(map(is_stub, values[:2])) and values[0] != values[1]:
        bags_are_merged(_path_in(call.arguments[0]) or "$")


def _path_in(argument: Argument) -> str | None:
    """The first path in an argument; None: it is all written down."""
    if isinstance(argument, IntrinsicCall):
        return next(filter(None, map(_path_in, argument.arguments)), None)
    return argument.text if isinstance(argument, JsonPath) else None


def patches(run: Run) -> list[Patch]:
    """The patches of this correction."""

    def visit(self: Any, ctx: Any) -> StringIntrinsicFunction:  # noqa: ARG001 - a method
        text = json.loads(ctx.STRINGINTRINSICFUNC().getText())
        try:
            function: Any = _Function(parsed_call(text), run)
        except ValueError as error:
            raise ConfigurationError(f"{text} is not an intrinsic function: {error}") from error
        return StringIntrinsicFunction(intrinsic_function_derivation=text, function=function)

    return [Patch(Preprocessor, "visitString_intrinsic_function", visit)]
