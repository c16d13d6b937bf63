"""Split a PATH of the command line into a part for the core and the steps after it.

The core looks up the names and indices at the beginning of a path, reading only blobs on the way.
Steps that find several values, or count from the end of an array, are applied to the value there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from statebag.errors import ConfigurationError, InvalidState
from statebag.format.paths import parse_path

if TYPE_CHECKING:
    from statebag.asl.json_paths import Step

__all__ = ["PathArgument", "path_argument"]


@dataclass(frozen=True, slots=True)
class PathArgument:
    """A path in its two parts.

    Attributes:
        text: The whole path.
        beginning: The text of its beginning, which the core looks up.
        below: The steps that follow.
        definite: Whether the path leads to one value; otherwise to a list.
    """

    text: str
    beginning: str
    below: tuple[Step, ...] = ()
    definite: bool = True

    def of(self, value: Any) -> Any:
        """Return the value or values of the path.

        Args:
            value: The value at `beginning`.

        Raises:
            InvalidState: The path leads to one value, and nothing is there.
            ConfigurationError: The path has a filter that is not evaluated here.
        """
        if not self.below:
            return value
        from statebag.asl.json_paths import MalformedError  # noqa: PLC0415 - kept out of --help
        from statebag.asl.path_values import found_values  # noqa: PLC0415 - kept out of --help

        try:
            found = found_values(value, self.below, value)
        except MalformedError as error:
            raise ConfigurationError(f"{self.text[:200]!r}: {error}", hint=_HINT) from None
        if not self.definite:
            return found
        if not found:
            raise InvalidState(
                f"the state has nothing at {self.text[:200]}", hint=self._there(value)
            )
        return found[0]

    def _there(self, value: Any) -> str | None:
        if not isinstance(value, list):
            return None
        return f"At {self.beginning[:200]} is an array of {len(value)} items."


_HINT = "Compare with ==, !=, <, <=, > or >=, and combine with &&, || and !."


def path_argument(text: str) -> PathArgument:
    """Parse a PATH.

    Raises:
        ConfigurationError: The text is not a path into a state.
    """
    try:
        parse_path(text)
    except ConfigurationError as error:
        from statebag.asl.json_paths import (  # noqa: PLC0415 - kept out of --help
            Filter,
            MalformedError,
            parse_json_path,
        )

        try:
            path = parse_json_path(text)
        except MalformedError:
            raise error from None
        if path.root != "input":
            raise
    else:
        return PathArgument(text, text)
    names = path.beginning
    counted = next((i for i, one in enumerate(names) if isinstance(one, int) and one < 0), None)
    known = len(names) if counted is None else counted
    if any(isinstance(one, Filter) and "$" in one.condition for one in path.steps):
        known = 0  # the filter compares with something else in the state
    return PathArgument(path.text, path.text[: path.ends[known]], path.steps[known:], path.definite)
