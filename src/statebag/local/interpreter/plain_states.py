"""Run the states that call nothing: Pass, Choice, Wait, Succeed and Fail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from statebag.errors import ConfigurationError
from statebag.local.interpreter.data_flow import JsonataFlow, PathFlow, read_value
from statebag.local.interpreter.json_value import JsonValue, json_text
from statebag.local.interpreter.payload_template import JsonataExpression, is_expression
from statebag.local.interpreter.state_failure import MissingValueError, StateFailure
from statebag.local.interpreter.state_program import StateProgram

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from datetime import datetime

    from statebag.asl.model import State
    from statebag.local.interpreter.state_program import Left
    from statebag.local.interpreter.state_visit import StateVisit

__all__ = ["ChoiceProgram", "FailProgram", "PassProgram", "SucceedProgram", "WaitProgram"]

# Functions whose result can be an Error or a Cause (Developer Guide, "Fail state").
_GIVE_TEXT = frozenset(
    {
        "States.ArrayGetItem",
        "States.Base64Decode",
        "States.Base64Encode",
        "States.Format",
        "States.Hash",
        "States.JsonToString",
        "States.UUID",
    }
)
_OF_ALL = ("InputPath", "OutputPath")  # of a Choice, which hold for each of its rules


class PassProgram(StateProgram):
    """A Pass state, which returns its input, its Parameters or its Result."""

    def __init__(self, state: State) -> None:
        super().__init__(state)
        self._has_result = "Result" in self.fields
        self._result = self.fields.get("Result")

    def run(self, visit: StateVisit) -> Left:
        """Return the output, the variables and the name of the next state."""
        result = self._result if self._has_result else self.flow.arguments(visit)
        output, assigned = self.flow.left_with(visit, result)
        return output, assigned, self.next


class SucceedProgram(StateProgram):
    """A Succeed state, which ends its machine."""

    def run(self, visit: StateVisit) -> Left:
        """Return the output, the variables and None."""
        output, assigned = self.flow.passed(visit, self.flow.effective(visit))
        return output, assigned, None


class ChoiceProgram(StateProgram):
    """A Choice state, which takes the first of its rules that holds."""

    def __init__(self, state: State) -> None:
        from statebag.local.interpreter.choice_rules import (  # noqa: PLC0415 - for no other state
            compile_rule,
        )

        super().__init__(state)
        self._rules: list[tuple[Callable[[StateVisit, Any], bool], Any, str]] = []
        for index, rule in enumerate(self.fields["Choices"]):
            place = f"{state.path}.Choices[{index}]"
            test = _condition(rule, index) if self.is_jsonata else compile_rule(rule, place)
            # The state's own Assign and Output are those of its Default.
            own = {**rule, **{name: self.fields[name] for name in _OF_ALL if name in self.fields}}
            flow = JsonataFlow(rule, "Choice") if self.is_jsonata else PathFlow(own, "Choice")
            self._rules.append((test, flow, rule["Next"]))

    def run(self, visit: StateVisit) -> Left:
        """Return the output, the variables and the name of the next state."""
        value = self.flow.effective(visit)
        for test, flow, following in self._rules:
            if test(visit, value):
                output, assigned = flow.passed(visit, value)
                return output, assigned, following
        if "Default" not in self.fields:
            raise visit.failure(
                "States.NoChoiceMatched",
                "Failed to transition out of the state. The state does not point to a next state.",
            )
        output, assigned = self.flow.passed(visit, value)
        return output, assigned, self.fields["Default"]


def _condition(rule: dict[str, Any], index: int) -> Callable[[StateVisit, Any], bool]:
    condition = rule.get("Condition")
    if isinstance(condition, bool):
        return lambda _visit, _data: condition
    expression = JsonataExpression(str(condition), f"Choices[{index}]/Condition")
    return lambda visit, _data: bool(expression.typed(visit, "boolean"))


class WaitProgram(StateProgram):
    """A Wait state, which waits for some seconds, or until a time."""

    blocks = True

    def steps(self, visit: StateVisit) -> Generator[None, Any, Left]:
        """Wait, and return the output, the variables and the name of the next state."""
        value = self.flow.effective(visit)
        yield from visit.lane.execution.pause(self._seconds(visit, value))
        output, assigned = self.flow.passed(visit, value)
        return output, assigned, self.next

    def _seconds(self, visit: StateVisit, value: Any) -> float:
        from statebag.local.interpreter.choice_rules import (  # noqa: PLC0415 - for few states
            moment_of,
        )

        fields = self.fields
        if "SecondsPath" in fields:
            path = fields["SecondsPath"]
            found = read_value(path, visit, value)
            if isinstance(found, bool) or not isinstance(found, int):
                raise visit.runtime(
                    "The SecondsPath parameter cannot be parsed as a long value: "
                    f"{path} == {_shown(found)}"
                )
            if found < 0:
                raise visit.runtime(
                    f"The SecondsPath parameter references a negative value: {path} == {found}"
                )
            return found
        if "TimestampPath" in fields:
            path = fields["TimestampPath"]
            found = read_value(path, visit, value)
            if moment_of(found) is None:
                raise visit.runtime(
                    "The TimestampPath parameter does not reference a valid ISO-8601 extended "
                    f"offset date-time format string: {path} == {_shown(found)}"
                )
            return _until(visit, moment_of(found))
        if "Timestamp" in fields:
            text = fields["Timestamp"]
            if is_expression(text):
                text = JsonataExpression(text, "Timestamp").typed(visit, "string")
            if moment_of(text) is None:
                failure = visit.query_failure(
                    "The Timestamp field cannot be parsed as an ISO-8601 extended offset "
                    f"date-time format string: {text}",
                    "Timestamp",
                )
                failure.after_entering = True
                raise failure
            return _until(visit, moment_of(text))
        seconds = fields["Seconds"]
        if is_expression(seconds):
            expression = JsonataExpression(seconds, "Seconds")
            seconds = expression.typed(visit, "number")
            if seconds != int(seconds) or seconds < 0:
                raise visit.query_failure(
                    f"The JSONata expression '{expression.code}' specified for the field "
                    f"'Seconds' returned {seconds}, which is not a whole number of at least 0.",
                    "Seconds",
                )
        return float(seconds)


def _until(visit: StateVisit, moment: datetime | None) -> float:
    assert moment is not None
    return (moment - visit.lane.execution.scheduler.now()).total_seconds()


class FailProgram(StateProgram):
    """A Fail state, which fails its machine."""

    def __init__(self, state: State) -> None:
        super().__init__(state)
        for name in ("ErrorPath", "CausePath"):
            function = None if name not in self.fields else _called(self.fields[name])
            if function is not None and function not in _GIVE_TEXT:
                raise ConfigurationError(
                    f"{name} must use a function that gives a string, not {function}",
                    path=f"{state.path}.{name}",
                    hint=f"Such functions are {', '.join(sorted(_GIVE_TEXT))}.",
                )

    def run(self, visit: StateVisit) -> Left:
        """Fail the machine.

        Raises:
            StateFailure: Always, with the Error and the Cause of the state.
        """
        raise StateFailure(self._text(visit, "Error"), self._text(visit, "Cause"))

    def _text(self, visit: StateVisit, name: str) -> str | None:
        if f"{name}Path" in self.fields:
            from statebag.local.interpreter.path_reader import (  # noqa: PLC0415 - few states
                expression_reader,
            )

            field = f"{name}Path"
            reader = expression_reader(self.fields[field])
            try:
                found = reader.value(visit, visit.input.value)
            except MissingValueError as missing:
                raise visit.runtime(
                    f"The JSONPath '{missing.path}' specified for the field '{field}' could not "
                    f"be found in the input '{json_text(missing.data)}'"
                ) from missing
            visit.reading.compared(reader.text, found)
            if not isinstance(found, str):
                raise visit.runtime(f"The {field} field must refer to a string: {reader.text}")
            return found
        text = self.fields.get(name)
        if self.is_jsonata and is_expression(text):
            return str(JsonataExpression(str(text), name).typed(visit, "string"))
        return text


def _called(text: str) -> str | None:
    """Return the name of the function that an ErrorPath or a CausePath calls; None for a path."""
    from statebag.local.interpreter.path_reader import (  # noqa: PLC0415 - few states
        CallReader,
        expression_reader,
    )

    reader = expression_reader(text)
    return reader.function if isinstance(reader, CallReader) else None


def _shown(value: Any) -> str:
    """Return a value as AWS's messages show it: a text without quotes."""
    return value if isinstance(value, str) else JsonValue(value).text
