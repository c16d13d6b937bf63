"""Join the pages of an API's answer into one answer."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from statebag.aws_sdk.java_names import pascal_case

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["Pages", "asks_for_one_page"]

_NAMES = re.compile(r"\w+(?:\.\w+)*")


class Pages:
    """The pages of one answer, joined as they arrive.

    Lists are joined, and counts are added. The fields that say where the next page begins are those
    of the last page, so a complete answer has none.

    Args:
        config: botocore's description of the pages: `result_key`, `output_token`, `more_results`.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._gathered = [_path(one) for one in _listed(config.get("result_key"))]
        of_last = [*_listed(config.get("output_token")), *_listed(config.get("more_results"))]
        # `NextMarker || Contents[-1].Key`: the first is a field of its own, the other is an item's.
        tokens = [one.partition("||")[0].strip() for one in of_last]
        self._of_last = [_path(one) for one in tokens if _NAMES.fullmatch(one)]
        self._all: dict[str, Any] = {}
        self._counts: dict[str, int] | None = None

    def add(self, page: dict[str, Any]) -> None:
        """Add one more page, a JSON object as Step Functions would give it."""
        counts = self._counts_of(page)
        if self._counts is None:
            self._counts = counts
            self._all = page
            return
        self._counts = {
            name: before + counts[name] for name, before in self._counts.items() if name in counts
        }
        for path in self._gathered:
            found = _at(page, path)
            if found is not None:
                _put(self._all, path, _together(_at(self._all, path), found))
        for path in self._of_last:
            _put(self._all, path, _at(page, path))

    def together(self) -> dict[str, Any]:
        """Return the whole answer."""
        return self._all | (self._counts or {})

    def _counts_of(self, page: Mapping[str, Any]) -> dict[str, int]:
        """Return the fields that say how many items this page has, as KeyCount does."""
        lists = (_at(page, path) for path in self._gathered)
        items = sum(len(one) for one in lists if isinstance(one, list))
        return {
            name: value
            for name, value in page.items()
            if name.endswith("Count")
            and (name,) not in self._gathered
            and type(value) is int
            and value == items
        }


def asks_for_one_page(config: Mapping[str, Any], parameters: Mapping[str, Any]) -> bool:
    """Return whether parameters bound the answer, or say where it begins.

    Args:
        config: botocore's description of the pages.
        parameters: As botocore names them.
    """
    names = {*_listed(config.get("limit_key")), *_listed(config.get("input_token"))}
    return not names.isdisjoint(parameters)


def _listed(value: Any) -> list[str]:
    if value is None:
        return []
    return [value] if isinstance(value, str) else list(value)


def _path(expression: str) -> tuple[str, ...]:
    return tuple(map(pascal_case, expression.split(".")))


def _at(value: Any, path: Iterable[str]) -> Any:
    for step in path:
        value = value.get(step) if isinstance(value, dict) else None
    return value


def _put(value: dict[str, Any], path: tuple[str, ...], found: Any) -> None:
    for step in path[:-1]:
        value = value.setdefault(step, {})
    if found is None:
        value.pop(path[-1], None)
    else:
        value[path[-1]] = found


def _together(one: Any, other: Any) -> Any:
    if one is None:
        return other
    if isinstance(one, dict) and isinstance(other, dict):
        return one | {key: _together(one.get(key), found) for key, found in other.items()}
    if isinstance(one, list) and isinstance(other, list):
        one.extend(other)
        return one
    if isinstance(one, int | float) and isinstance(other, int | float):
        return one + other
    return one
