"""The rules of lint, each with its fix."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["RULES", "Finding", "Rule", "Severity"]

Severity = Literal["error", "warning", "note"]


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of finding.

    Attributes:
        severity: `error`: the definition is refused or fails. `warning`: it may fail, or lose a
            state. `note`: it is worth knowing, and does not fail a check.
        title: A few words about it.
    """

    severity: Severity
    title: str


RULES: dict[str, Rule] = {
    "SB001": Rule("error", "not a valid definition"),
    "SB002": Rule("error", "no transition reaches the state"),
    "SB003": Rule("error", "a field that this state does not have"),
    "SB004": Rule("note", "a Choice without Default"),
    "SB005": Rule("error", "a malformed path, intrinsic function or JSONata expression"),
    "SB006": Rule("error", "a field of the wrong type, or out of its range"),
    "SB007": Rule("warning", "an entry of Retry or Catch that is never used"),
    "SB008": Rule("warning", "no transition leads to an end"),
    "SB009": Rule("warning", "a path that finds nothing"),
    "SB010": Rule("error", "what AWS refuses"),
    "SB101": Rule("warning", "a result that is not sealed"),
    "SB102": Rule("warning", "the output of a state can pass the limit"),
    "SB103": Rule("warning", "a Map adds up the outputs of its iterations"),
    "SB104": Rule("warning", "a Parallel adds up the outputs of its branches"),
    "SB105": Rule("warning", "a service's answer can pass the limit"),
    "SB106": Rule("warning", "a service takes less than it may get"),
    "SB107": Rule("warning", "a history can have too many events"),
    "SB108": Rule("note", "a loop without a bound on its turns"),
    "SB109": Rule("note", "services' answers pass the limit only if all reach their bounds"),
    "SB201": Rule("error", "a path reads a value inside a bag"),
    "SB202": Rule("error", "a Map's items may be a stub"),
    "SB203": Rule("error", "a path picks a field out of a bag"),
    "SB204": Rule("error", "a function that does not open bags gets a bag"),
    "SB205": Rule("warning", "a function that may not open bags gets a bag"),
    "SB206": Rule("error", "a child opens its parent's bag under its own id"),
    "SB207": Rule("warning", "a function that seals does not get its execution's id"),
    "SB301": Rule("warning", "no Retry for StoreUnavailable"),
    "SB302": Rule("warning", "a Catch hides a loss"),
    "SB303": Rule("warning", "a Catch drops the state"),
    "SB304": Rule("warning", "a Distributed Map without ResultWriter"),
}
"""By code."""


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """A problem at a place in a file.

    Attributes:
        file: The name of the file, as it was given.
        line: The line in the file, from 1; 0 if it is not known.
        column: The column in the line, from 1, in characters; 0 if it is not known.
        path: The place in the definition, such as `$.States.Parse.ResultPath`.
        code: One of `RULES`.
        message: What was found. It quotes names and paths of the definition, never a value of a
            state.
        fix: What to do.
    """

    file: str
    line: int
    column: int
    path: str
    code: str
    message: str
    fix: str

    @property
    def severity(self) -> Severity:
        """The severity of the rule."""
        return RULES[self.code].severity
