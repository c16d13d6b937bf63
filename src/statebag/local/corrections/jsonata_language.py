# ruff: noqa: SLF001 - corrects the inside of the interpreter
"""JSONata expressions, evaluated by the package jsonata-python in a process that can be ended.

AWS evaluates them with `$states` and the workflow's variables bound, adds `$partition`,
`$range`, `$hash`, `$random` with a seed, `$uuid` and `$parse`, has no `$eval`, and fails a
state with `States.QueryEvaluationError` where an expression throws, gives nothing, or gives
what JSON cannot hold (Developer Guide, "Transforming data with JSONata").

The interpreter has no evaluator in this packaging. It would also write all data into the
expression's text, with quotes in strings unescaped, and have it parsed each time.
"""

from __future__ import annotations

from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

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

from statebag.local.corrections.patch import Patch
from statebag.local.expressions import ExpressionError
from statebag.local.reads import expression_is_read, stub_is_looked_into

if TYPE_CHECKING:
    from statebag.local.moto_run import Run

if find_spec("jsonata") is None:  # imported in another process: say so before the run
    raise ModuleNotFoundError("No module named 'jsonata'", name="jsonata")

__all__ = ["patches"]

_FAILED = "States.QueryEvaluationError"


def patches(run: Run) -> list[Patch]:
    """The patches of this correction."""

    def _eval_body(self: Any, env: Any) -> None:
        data = env.states._states_data
        states = {"input": data["input"], "context": data["context"], "result": data.get("result")}
        if data.get("errorOutput") is not None:
            states["errorOutput"] = data["errorOutput"]
        variables = {**env.variable_store._outer_scope, **env.variable_store._inner_scope}
        expression_is_read(self.expression, states, variables)
        try:
            result = run.expressions.jsonata(
                self.expression,
                {**variables, "states": states},
                partial(stub_is_looked_into, {**variables, "states": states}),
            )
        except ExpressionError as error:
            raise _query_failure(env, self.expression, error) from error
        env.stack.append(result)

    return [
        Patch(StringJSONata, "_eval_body", _eval_body),
    ]


def _query_failure(env: Any, expression: str, error: ExpressionError) -> FailureEventException:
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
