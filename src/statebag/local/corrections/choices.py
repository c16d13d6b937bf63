# ruff: noqa: SLF001 - corrects the inside of the interpreter
"""Choice rules: a variable that is not there, no match at all, and patterns.

AWS fails the state with `States.Runtime` where a rule's variable is not in the input and the rule
does not ask IsPresent; with `States.NoChoiceMatched` where no rule matches and there is no
Default; and takes `*` alone, unless it is escaped, for a wildcard of StringMatches (Amazon States
Language, "Choice State").

The interpreter takes a missing variable for one that does not match, reports a Choice without a
match as `States.Runtime`, and knows `?` and `[…]` in patterns, too.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from moto.stepfunctions.parser.asl.component.state.choice.comparison.comparison_operator_type import (  # noqa: E501 - a name of the interpreter
    ComparisonOperatorType,
)
from moto.stepfunctions.parser.asl.component.state.choice.comparison.comparison_variable import (
    ComparisonVariable,
)
from moto.stepfunctions.parser.asl.component.state.choice.comparison.operator.implementations.string_operators import (  # noqa: E501 - a name of the interpreter
    StringMatches,
)
from moto.stepfunctions.parser.asl.component.state.choice.comparison.variable import (
    NoSuchVariable,
)
from moto.stepfunctions.parser.asl.component.state.choice.state_choice import StateChoice

from statebag.local.corrections.failures import failed_with
from statebag.local.corrections.patch import Patch
from statebag.local.reads import comparing, value_is_compared

if TYPE_CHECKING:
    from statebag.local.moto_run import Run

__all__ = ["matches", "patches"]


def matches(text: str, pattern: str) -> bool:
    r"""Whether a text matches a pattern of StringMatches: `*` is any text, `\*` a star.

    The time grows with the length of the text, however many stars a pattern has: what stands
    between two stars is taken at the first place where it fits, which leaves the most for the rest.
    """
    first, *others = _between_stars(pattern)
    if not others:
        return text == first
    last = others.pop()
    end = len(text) - len(last)
    if len(first) > end or not text.startswith(first) or not text.endswith(last):
        return False
    position = len(first)
    for part in others:
        found = text.find(part, position, end)
        if found < 0:
            return False
        position = found + len(part)
    return True


def _between_stars(pattern: str) -> list[str]:
    """The literal texts before, between and after the wildcards of a pattern."""
    texts = [""]
    for part in re.split(r"(\\.|\*)", pattern, flags=re.DOTALL):
        if part == "*":
            texts.append("")
        else:
            texts[-1] += part.removeprefix("\\") if len(part) == 2 else part
    return texts


def patches(_: Run) -> list[Patch]:
    """The patches of this correction."""
    choose = StateChoice._eval_state

    def comparison_eval(self: Any, env: Any) -> None:
        self.variable.eval(env)
        asks = getattr(self.comparison_function, "operator_type", None)
        if (
            isinstance(env.stack[-1], NoSuchVariable)
            and asks is not ComparisonOperatorType.IsPresent
        ):
            path = self.variable.string_sampler.literal_value
            raise failed_with(
                env,
                "States.Runtime",
                f"Invalid path '{path}': The choice state's condition path references an invalid "
                "value.",
            )
        if asks is not ComparisonOperatorType.IsPresent:
            value_is_compared(self.variable.string_sampler.literal_value, env.stack[-1])
        with comparing():
            self.comparison_function.eval(env)

    def compare(variable: Any, comparison_value: Any) -> bool:
        return isinstance(variable, str) and matches(variable, comparison_value)

    def _eval_state(self: Any, env: Any) -> None:
        try:
            choose(self, env)
        except RuntimeError as error:
            if not str(error.args[0]).startswith("No branching option"):
                raise
            raise failed_with(
                env, "States.NoChoiceMatched", f"No rule of '{self.name}' matches its input."
            ) from error

    return [
        Patch(ComparisonVariable, "_eval_body", comparison_eval),
        Patch(StringMatches, "_compare", staticmethod(compare)),
        Patch(StateChoice, "_eval_state", _eval_state),
    ]
