"""Turn the condition of a filter, `@.price > 10 && !@.sold`, into a function of an item."""

from __future__ import annotations

import json
import operator
import re
from typing import TYPE_CHECKING, Any

from statebag.asl.json_paths import MalformedError, ValueFunction, read_json_path
from statebag.asl.path_steps import operand_end
from statebag.format.paths import bracketed_step

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from statebag.asl.json_paths import Filter, Step

    Test = Callable[[Any], bool]
    Operand = Callable[[Any], Any]
    Find = Callable[[Any, Sequence[Step], Any], list[Any]]

__all__ = ["condition_of"]

_QUOTED = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"", re.DOTALL)
_LITERAL = re.compile(
    r"(?:true|false|null)(?!\w)|-?(?:0|[1-9]\d{0,299})(?:\.\d{1,300})?(?:[eE][+-]?\d{1,3})?"
)
_BLANK = re.compile(r"\s*")
_COMPARISON = re.compile(
    r"==|!=|<=|>=|<|>|(?:in|nin|subsetof|anyof|noneof|contains|size|empty)\b", re.IGNORECASE
)
_ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_NOTHING = object()  # what a path gives that finds nothing


def condition_of(step: Filter, root: Any, find: Find) -> Test:
    """Return a function that says whether an item meets a filter's condition.

    Args:
        step: The filter. Comparisons, `&&`, `||`, `!` and parentheses are evaluated.
        root: The value of `$` in it.
        find: Returns the values that the steps of a path find.

    Raises:
        MalformedError: The condition has something else, such as a regular expression.
    """
    reader = _Reader(step.condition, root, find)
    test = reader.either()
    if reader.position < len(reader.text):
        raise reader.problem()
    return test


class _Reader:
    def __init__(self, text: str, root: Any, find: Find) -> None:
        self.text = text
        self.position = 0
        self._root = root
        self._find = find

    def problem(self) -> MalformedError:
        return MalformedError(
            f"the filter is not evaluated here from its character {self.position + 1} on"
        )

    def either(self) -> Test:
        tests = [self._all()]
        while self._takes("||"):
            tests.append(self._all())
        return tests[0] if len(tests) == 1 else lambda item: any(test(item) for test in tests)

    def _all(self) -> Test:
        tests = [self._one()]
        while self._takes("&&"):
            tests.append(self._one())
        return tests[0] if len(tests) == 1 else lambda item: all(test(item) for test in tests)

    def _one(self) -> Test:
        negated = False
        while not self.text.startswith("!=", self.position) and self._takes("!"):
            negated = not negated
        if self._takes("("):
            test = self.either()
            if not self._takes(")"):
                raise self.problem()
        else:
            test = self._comparison()
        return (lambda item: not test(item)) if negated else test

    def _comparison(self) -> Test:
        left = self._operand()
        found = _COMPARISON.match(self.text, self.position)
        if found is None:
            return lambda item: left(item) is not _NOTHING
        self.position = found.end()
        self._skip()
        right, sign = self._operand(), found[0].lower()
        if sign in _TESTS:
            compare = _TESTS[sign]
            return lambda item: compare(left(item), right(item))
        if sign in _ORDERS:
            order = _ORDERS[sign]
            return lambda item: _ordered(left(item), right(item), order)
        return lambda item: _same(left(item), right(item)) is (sign == "==")

    def _operand(self) -> Operand:
        one = self.text[self.position : self.position + 1]
        if one in {"@", "$"} and one:
            begun = self.position + 1
            path, end = read_json_path("$" + self.text[begun : operand_end(self.text, begun)])
            if path.root != "input":
                raise self.problem()
            self.position += end
            self._skip()
            steps, root, find = path.steps, self._root, self._find
            single = path.definite or isinstance(steps[-1], ValueFunction)

            def value(item: Any) -> Any:
                found = find(item if one == "@" else root, steps, root)
                if not single:
                    return found
                return found[0] if found else _NOTHING

            return value
        literal = self._literal()
        return lambda _: literal

    def _literal(self) -> Any:
        if self._takes("["):
            items: list[Any] = []
            while not self._takes("]"):
                items.append(self._literal())
                if not self._takes(",") and not self.text.startswith("]", self.position):
                    raise self.problem()
            return items
        if found := _QUOTED.match(self.text, self.position):
            step = bracketed_step(f"[{found[0]}]", 0)
            value: Any = None if step is None else step[0]
        elif found := _LITERAL.match(self.text, self.position):
            value = json.loads(found[0])
        else:
            raise self.problem()
        self.position = found.end()
        self._skip()
        return value

    def _takes(self, sign: str) -> bool:
        if not self.text.startswith(sign, self.position):
            return False
        self.position += len(sign)
        self._skip()
        return True

    def _skip(self) -> None:
        blank = _BLANK.match(self.text, self.position)
        self.position = self.position if blank is None else blank.end()


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _ordered(one: Any, other: Any, order: Callable[[Any, Any], bool]) -> bool:
    """Return whether two numbers or two strings are in an order; other values have none."""
    both = (_is_number(one) and _is_number(other)) or (
        isinstance(one, str) and isinstance(other, str)
    )
    return both and order(one, other)


def _same(one: Any, other: Any) -> bool:
    """Return whether two values are equal as JSON: true is not 1, at any depth."""
    if _is_number(one) and _is_number(other):
        return bool(one == other)
    if one is _NOTHING or other is _NOTHING:
        return one is other
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def _is_among(one: Any, others: Any) -> bool:
    return isinstance(others, list) and any(_same(one, other) for other in others)


def _all_among(some: Any, others: Any) -> bool:
    return isinstance(some, list) and all(_is_among(one, others) for one in some)


def _any_among(some: Any, others: Any) -> bool:
    return isinstance(some, list) and any(_is_among(one, others) for one in some)


def _contains(whole: Any, part: Any) -> bool:
    if isinstance(whole, str):
        return isinstance(part, str) and part in whole
    return _is_among(part, whole)


def _has_size(value: Any, size: Any) -> bool:
    return isinstance(value, list | str) and _same(len(value), size)


# The operators with names (Jayway JsonPath, "Filter operators").
_TESTS: dict[str, Callable[[Any, Any], bool]] = {
    "in": _is_among,
    "nin": lambda one, others: isinstance(others, list) and not _is_among(one, others),
    "subsetof": _all_among,
    "anyof": _any_among,
    "noneof": lambda some, others: isinstance(some, list) and not _any_among(some, others),
    "contains": _contains,
    "size": _has_size,
    "empty": lambda value, wanted: (
        isinstance(value, list | str | dict) and (len(value) == 0) is wanted
    ),
}
