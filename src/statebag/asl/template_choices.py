"""Choose among the values of a template: by its Mappings and by its Conditions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from statebag.errors import ConfigurationError
from statebag.format.json_type import json_type

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["NO_VALUE", "TemplateChoices"]

_MOST_NESTED = 50  # conditions. Chosen: people write three or four

NO_VALUE = {"Ref": "AWS::NoValue"}
"""The value that removes the property that has it."""


class TemplateChoices:
    """The Mappings and Conditions of one template.

    Args:
        template: The whole template.
        text: Returns a value of the template as text; the second argument is its path.
        resolve: Returns a value of the template; the second argument is its path.
    """

    def __init__(
        self,
        template: Mapping[str, Any],
        text: Callable[[Any, str], str],
        resolve: Callable[[Any, str], Any],
    ) -> None:
        self._mappings = _object(template.get("Mappings"))
        self._conditions = _object(template.get("Conditions"))
        self._text = text
        self._resolve = resolve
        self._known: dict[str, bool | None] = {}  # None while a condition is evaluated

    def found(self, argument: Any, path: str) -> Any:
        """Return the value of an `Fn::FindInMap`; a mapping has no functions to evaluate.

        Raises:
            ConfigurationError: The template has no such mapping or key.
        """
        if not isinstance(argument, list) or len(argument) not in (3, 4):
            raise ConfigurationError(
                f"Fn::FindInMap must have a mapping and two keys, not {_found(argument)}",
                path=path,
            )
        names = [self._text(one, path) for one in argument[:3]]
        value: Any = self._mappings
        for name in names:
            if not isinstance(value, dict) or name not in value:
                break
            value = value[name]
        else:
            return value
        if len(argument) == 4 and "DefaultValue" in _object(argument[3]):
            return self._resolve(argument[3]["DefaultValue"], path)
        raise ConfigurationError(
            f"Fn::FindInMap: the template has no {'.'.join(names)} in its Mappings", path=path
        )

    def branch(self, argument: Any, path: str) -> Any:
        """Return the value that an `Fn::If` chooses, not resolved.

        Raises:
            ConfigurationError: The template has no such condition, or it cannot be evaluated.
        """
        if not isinstance(argument, list) or len(argument) != 3:
            raise ConfigurationError(
                f"Fn::If must have a condition and two values, not {_found(argument)}", path=path
            )
        return argument[1] if self._holds(argument[0], path) else argument[2]

    def _holds(self, name: Any, path: str) -> bool:
        if not isinstance(name, str) or name not in self._conditions:
            raise ConfigurationError(
                "Fn::If: the template has no condition of this name",
                path=path,
                hint=f"It has: {', '.join(sorted(self._conditions)) or 'none'}",
            )
        place = f"$.Conditions.{name}"
        if name not in self._known:
            if list(self._known.values()).count(None) == _MOST_NESTED:
                raise ConfigurationError(
                    f"more than {_MOST_NESTED} conditions refer to each other", path=place
                )
            self._known[name] = None
            try:
                self._known[name] = self._is_met(self._conditions[name], place)
            finally:
                if self._known[name] is None:
                    del self._known[name]
        known = self._known[name]
        if known is None:
            raise ConfigurationError("a condition that refers to itself has no value", path=place)
        return known

    def _is_met(self, condition: Any, path: str) -> bool:
        if isinstance(condition, dict) and len(condition) == 1:
            [(name, argument)] = condition.items()
            if name == "Condition":
                return self._holds(argument, path)
            if isinstance(argument, list):
                if name == "Fn::Equals" and len(argument) == 2:
                    one, other = (self._text(side, path) for side in argument)
                    return one == other
                if name == "Fn::Not" and len(argument) == 1:
                    return not self._is_met(argument[0], path)
                if name == "Fn::And":
                    return all(self._is_met(one, path) for one in argument)
                if name == "Fn::Or":
                    return any(self._is_met(one, path) for one in argument)
        raise ConfigurationError(
            "the condition must be one of Fn::Equals, Fn::And, Fn::Or, Fn::Not and Condition, not "
            + (next(iter(condition), "{}") if isinstance(condition, dict) else _found(condition)),
            path=path,
        )


def _found(value: Any) -> str:
    return f"a list of {len(value)}" if isinstance(value, list) else json_type(value)


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
