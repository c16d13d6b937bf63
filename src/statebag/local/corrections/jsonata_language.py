# ruff: noqa: SLF001 - corrects the inside of the interpreter
"""JSONata expressions, evaluated by the package jsonata-python.

AWS evaluates them with `$states` and the workflow's variables bound, adds `$partition`,
`$range`, `$hash`, `$random` with a seed, `$uuid` and `$parse`, has no `$eval`, and fails a
state with `States.QueryEvaluationError` where an expression throws, gives nothing, or gives
what JSON cannot hold (Developer Guide, "Transforming data with JSONata").

The interpreter has no evaluator in this packaging. It would also write all data into the
expression's text, with quotes in strings unescaped, and have it parsed each time.
"""

from __future__ import annotations

import hashlib
import json
import math
import random
import sys
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from jsonata.jexception import JException
from jsonata.jsonata import Jsonata
from jsonata.utils import Utils
from moto.stepfunctions.parser.api import HistoryEventType
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import (
    FailureEvent,
    FailureEventException,
)
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name import (
    StatesErrorName,
)
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import (
    StatesErrorNameType,
)
from moto.stepfunctions.parser.asl.component.common.string.string_expression import (
    StringJSONata,
)

from statebag.format.json_depth import loads
from statebag.local.corrections.patch import Patch
from statebag.local.reads import expression_is_read

if TYPE_CHECKING:
    from collections.abc import Callable

    from statebag.local.run import Run

# The package raises the whole program's recursion limit when it is imported; a program that
# runs a workflow keeps the usual one, and with it the protection of its stack.
if sys.getrecursionlimit() == 10_000:
    sys.setrecursionlimit(1_000)

__all__ = ["evaluated", "patches"]

_FAILED = "States.QueryEvaluationError"
_HASHES = {
    "MD5": "md5",
    "SHA-1": "sha1",
    "SHA-256": "sha256",
    "SHA-384": "sha384",
    "SHA-512": "sha512",
}


class NoResultError(ValueError):
    """An expression gave nothing (undefined)."""


def evaluated(expression: str, bindings: dict[str, Any]) -> Any:
    """The value of a JSONata expression with these variables, as plain JSON.

    Raises:
        NoResultError: it gives nothing.
        ValueError: it does not parse, throws, or gives what JSON cannot hold; the message holds
            no value.
    """
    try:
        parsed = Jsonata(expression)
        parsed.set_output_convert_nulls(False)
        for name, function in _FUNCTIONS.items():
            parsed.register_lambda(name, function)
        result = parsed.evaluate(
            None, {name: Utils.NULL_VALUE if v is None else v for name, v in bindings.items()}
        )
    except JException as error:
        raise ValueError(f"threw an error during evaluation ({error.error})") from error
    except RecursionError as error:
        raise ValueError("recurs too deeply") from error
    except Exception as error:  # the evaluator lets its own slips through
        raise ValueError(f"threw an error during evaluation ({type(error).__name__})") from error
    if result is None:
        raise NoResultError("returned nothing (undefined)")
    return _plain(result)


def patches(_: Run) -> list[Patch]:
    """The patches of this correction."""

    def _eval_body(self: Any, env: Any) -> None:
        data = env.states._states_data
        states = {"input": data["input"], "context": data["context"], "result": data.get("result")}
        if data.get("errorOutput") is not None:
            states["errorOutput"] = data["errorOutput"]
        variables = {**env.variable_store._outer_scope, **env.variable_store._inner_scope}
        expression_is_read(self.expression, states, variables)
        try:
            result = evaluated(self.expression, {**variables, "states": states})
        except ValueError as error:
            raise _query_failure(env, self.expression, error) from error
        env.stack.append(result)

    return [
        Patch(StringJSONata, "_eval_body", _eval_body),
    ]


def _query_failure(env: Any, expression: str, error: ValueError) -> FailureEventException:
    cause = f"The JSONata expression '{expression}' {error}."
    details: Any = {"evaluationFailedEventDetails": {"error": _FAILED, "cause": cause}}
    if env.next_field_name is not None:
        details["evaluationFailedEventDetails"]["location"] = env.next_field_name
    failure = FailureEventException(
        FailureEvent(
            env=env,
            error_name=StatesErrorName(typ=StatesErrorNameType.StatesQueryEvaluationError),
            event_type=HistoryEventType.EvaluationFailed,
            event_details=details,
        )
    )
    described: Any = {"evaluationFailedEventDetails": failure.get_evaluation_failed_event_details()}
    env.event_manager.add_event(
        context=env.event_history_context,
        event_type=HistoryEventType.EvaluationFailed,
        event_details=described,
    )
    return failure


def _plain(value: Any) -> Any:
    """A copy in plain JSON types; sequences and the evaluator's null become what they stand for."""
    if value is Utils.NULL_VALUE or value is None:
        return None
    if isinstance(value, bool | str | int):
        return value
    if isinstance(value, float):
        if math.isfinite(value):
            return value
        raise ValueError("returned a number that JSON cannot hold")
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | range) or Utils.is_sequence(value):
        return [_plain(item) for item in value]
    raise ValueError("returned an unsupported result type")


def _partition(array: Any, size: Any) -> Any:
    items = array if isinstance(array, list) else [array]
    if not isinstance(size, int) or size < 1:
        raise JException("D3001", 0)
    return [items[start : start + size] for start in range(0, len(items), size)]


def _range(first: Any, last: Any, step: Any) -> Any:
    if not all(isinstance(number, int) for number in (first, last, step)) or step == 0:
        raise JException("D3001", 0)
    return list(range(first, last + (1 if step > 0 else -1), step))


def _hash(value: Any, algorithm: Any) -> str:
    if algorithm not in _HASHES:
        raise JException("D3001", 0)
    text = value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
    return hashlib.new(_HASHES[algorithm], text.encode(), usedforsecurity=False).hexdigest()


def _random(seed: Any = None) -> float:
    return random.Random(seed).random()  # noqa: S311 - JSONata's $random is not for secrets


def _parse(text: Any) -> Any:
    try:
        return loads(text)
    except (TypeError, ValueError) as error:
        raise JException("D3001", 0) from error


def _eval(*_: Any) -> Any:
    raise JException("T1006", 0)  # Step Functions has no $eval


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "partition": _partition,
    "range": _range,
    "hash": _hash,
    "random": _random,
    "uuid": lambda: str(uuid4()),
    "parse": _parse,
    "eval": _eval,
}
