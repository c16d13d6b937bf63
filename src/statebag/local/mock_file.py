"""Read the mock configuration of Step Functions Local, a format that workflow tests use.

A file names state machines, the test cases of each, and the mocked response for each state of a
case. A response has outcomes by attempt: `"0"`, `"1-2"`.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from statebag.asl.documents import parse_document, read_text
from statebag.errors import ConfigurationError
from statebag.format.arguments import check_file, check_kind, check_optional
from statebag.format.json_type import json_type

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["load_mocks"]

_ATTEMPTS = re.compile(r"(?P<first>\d{1,6})(?:-(?P<last>\d{1,6}))?")
_MOST_ATTEMPTS = 25_000  # the quota of events of an execution


def load_mocks(
    path: str | Path, case: str, *, machine: str | None = None
) -> dict[str, list[dict[str, Any]]]:
    """Return the mocks of a test case, as `statebag.local.run` takes them.

    Args:
        path: The file.
        case: The name of the test case.
        machine: The name of the state machine; None if the file has only one, or only one with this
            case.

    Raises:
        ConfigurationError: The file cannot be read, has no such case, or is of another form.
    """
    check_file("path", path)
    check_kind("case", case, str, "a str")
    check_optional({"machine": machine}, str, "a str")
    document = parse_document(read_text(Path(path)), str(path))
    machines = _object(_object(document, "$").get("StateMachines"), "$.StateMachines")
    responses = _object(document.get("MockedResponses"), "$.MockedResponses")
    name = machine or _only(machines, case, str(path))
    if name not in machines:
        raise ConfigurationError(
            f"{path} has no state machine {name!r}", hint=f"It has: {_listed(machines)}"
        )
    place = f"$.StateMachines.{name}.TestCases"
    cases = _object(_object(machines[name], place).get("TestCases"), place)
    if case not in cases:
        raise ConfigurationError(
            f"the state machine {name!r} has no test case {case!r}",
            path=place,
            hint=f"It has: {_listed(cases)}",
        )
    mocks = {}
    for state, response in _object(cases[case], f"{place}.{case}").items():
        if response not in responses:
            raise ConfigurationError(
                f"there is no mocked response {response!r}",
                path=f"{place}.{case}.{state}",
                hint=f"MockedResponses has: {_listed(responses)}",
            )
        mocks[state] = _outcomes(responses[response], f"$.MockedResponses.{response}")
    return mocks


def _only(machines: Mapping[str, Any], case: str, path: str) -> str:
    """Return the only machine that has the test case, if the caller names none."""
    having = [
        name
        for name, one in machines.items()
        if isinstance(one, dict) and case in (one.get("TestCases") or {})
    ]
    if len(having) == 1:
        return having[0]
    if len(machines) == 1:
        return next(iter(machines))
    raise ConfigurationError(
        f"{len(having)} state machines of {path} have a test case {case!r}",
        hint=f"Name the machine: {_listed(having or machines)}",
    )


def _outcomes(response: Any, place: str) -> list[dict[str, Any]]:
    """Return the outcomes of a response in the order of the attempts."""
    by_attempt: dict[int, dict[str, Any]] = {}
    for attempts, outcome in _object(response, place).items():
        found = _ATTEMPTS.fullmatch(attempts)
        first = int(found["first"]) if found else -1
        last = int(found["last"] or first) if found else -1
        if not 0 <= first <= last < _MOST_ATTEMPTS:
            raise ConfigurationError(
                f"{attempts[:40]!r} is neither the number of an attempt nor a range of numbers",
                path=place,
                hint='Such as "0" or "1-2".',
            )
        for attempt in range(first, last + 1):
            if attempt in by_attempt:
                raise ConfigurationError(f"attempt {attempt} has two outcomes", path=place)
            by_attempt[attempt] = outcome
    missing = next((n for n in range(len(by_attempt)) if n not in by_attempt), None)
    if missing is not None:
        raise ConfigurationError(
            f"attempt {missing} has no outcome, but a later one has one", path=place
        )
    return [by_attempt[number] for number in range(len(by_attempt))]


def _object(value: Any, place: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ConfigurationError(f"it must be an object, not {json_type(value)}", path=place)
    return value


def _listed(names: Any) -> str:
    return ", ".join(sorted(names)) or "none"
