"""Paths of field names and array indices, which name places in a state.

In Python a path is a tuple such as `("orders", 3, "total")`; in messages, policies and on
the command line it is text in the form that Amazon States Language uses: `$.orders[3].total`,
with `['...']` around names that are not plain identifiers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from statebag.errors import ConfigurationError

__all__ = [
    "LONGEST_INDEX",
    "Part",
    "Path",
    "Place",
    "bracketed_step",
    "parse_path",
    "parse_paths",
    "parse_place",
    "render_path",
]

Part = str | int
Path = tuple[Part, ...]
Place = tuple[Part | slice, ...]
"""A path whose indices may count from the end of an array, and whose last part may be a slice."""

# Characters. Chosen: a message stays readable, and names of fields are shorter
_LONGEST_NAME_SHOWN = 80

LONGEST_INDEX = 10**18
"""No index reaches it. Chosen: as many digits as a path in text may have, and in a machine word."""

# Patterns are texts: re compiles and keeps them when they are first used, not at import.
_NAME = r"\.?(?P<name>[^.\[\]'\"]+)"  # .name, or a name at the very start
# An index has as many digits as any array needs: reading a longer number takes time.
_BRACKETED = r"""(?xs)
    \[\s*(?P<index>-?\d{1,18})\s*\]               # [3], [-1]
  | \[\s*'(?P<single>(?:[^'\\]|\\.)*)'\s*\]     # ['any text']
  | \[\s*"(?P<double>(?:[^"\\]|\\.)*)"\s*\]     # ["any text"]
"""
_SLICE = r"\[\s*(?P<start>-?\d{1,18})?\s*:\s*(?P<stop>-?\d{1,18})?\s*\]"  # [-10:], [2:5], [:3]
_ESCAPE = r"(?s)\\(x[0-9a-f]{2}|u[0-9a-f]{4}|U00(?:0[0-9a-f]|10)[0-9a-f]{4}|.)"
_CONTROLS = {"n": "\n", "r": "\r", "t": "\t"}


def render_path(path: Iterable[Part | slice]) -> str:
    """Return a path as text: `$`, `$.a.b[0]`, `$['odd name']`. Very long names are cut short."""
    text = "$"
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif isinstance(part, slice):
            ends = ("" if end is None else str(end) for end in (part.start, part.stop))
            text += f"[{':'.join(ends)}]"
        elif _is_plain_name(part):
            text += f".{part}"
        else:
            shown = "".join(map(_shown, part[:_LONGEST_NAME_SHOWN]))
            cut = "..." if len(part) > _LONGEST_NAME_SHOWN else ""
            text += "['" + shown + cut + "']"
    return text


def _shown(character: str) -> str:
    """Return a character of a name as it is, if it is a letter or sign of any script."""
    if character in "'\\":
        return f"\\{character}"
    return character if character.isprintable() else character.encode("unicode_escape").decode()


def _is_plain_name(name: str) -> bool:
    plain = name.replace("-", "_").isidentifier() and not name.startswith("-")
    return plain and len(name) <= _LONGEST_NAME_SHOWN


def parse_path(text: str | Iterable[Part]) -> Path:
    """Parse a path from text (`$.a.b[0]`, `a.b[0]`, `$['odd name']`) or from its parts.

    Raises:
        ConfigurationError: The text is not a path of names and indices. Wildcards, filters and
            slices are refused.
    """
    if not isinstance(text, str):
        return _checked_parts(text, slices=False)  # type: ignore[return-value]  # no slice passes
    if text.isidentifier():
        return (text,)
    path: list[Part] = []
    for step in _steps(text):
        # What counts from an array's end names a place only once the array is known.
        if isinstance(step, slice) or (isinstance(step, int) and step < 0):
            raise _not_a_path(text)
        path.append(step)
    return tuple(path)


def parse_place(text: str | Iterable[Part | slice]) -> Place:
    """Parse a path to be read, from text (`$.a[-1].b`, `$.a[-10:]`) or from its parts.

    Raises:
        ConfigurationError: The text is not a path of names, indices, and a slice at most at its
            end. Wildcards and filters are refused.
    """
    if not isinstance(text, str):
        place = _checked_parts(text, slices=True)
    elif text.isidentifier():
        return (text,)
    else:
        place = tuple(_steps(text))
    for depth, part in enumerate(place[:-1], 1):
        if isinstance(part, slice):
            raise ConfigurationError(
                f"a slice must be the last part of a path, not part {depth} of {len(place)}",
                path=render_path(place[:depth]),
                hint="Read the slice, and take the fields from its items.",
            )
    return place


def _checked_parts(parts: object, *, slices: bool) -> Place:
    if isinstance(parts, bytes | dict) or not isinstance(parts, Iterable):
        raise ConfigurationError(
            f"a path must be a str or a list of parts, not {type(parts).__qualname__}",
            hint="Write $.field[0].name.",
        )
    checked = tuple(parts)
    for part in checked:
        if isinstance(part, slice) and slices:
            ends = (part.start, part.stop)
            if part.step in (None, 1) and all(map(_is_end, ends)):  # unhashable
                continue
            found = ", ".join(type(one).__qualname__ for one in (*ends, part.step))
            raise ConfigurationError(
                "a slice in a path must have int of at most 18 digits or None for its ends, and no "
                f"step, not {found}"
            )
        if isinstance(part, bool) or not isinstance(part, str | int):
            raise ConfigurationError(
                "a part of a path must be a name (str) or an index (int), "
                f"not {type(part).__qualname__}"
            )
        if isinstance(part, int) and abs(part) >= LONGEST_INDEX:
            raise ConfigurationError(
                f"an index in a path must have at most 18 digits, not {part.bit_length()} bits"
            )
    return checked


def _is_end(end: object) -> bool:
    return end is None or (type(end) is int and abs(end) < LONGEST_INDEX)


def _steps(text: str) -> Iterable[Part | slice]:
    rest = text.removeprefix("$")
    position = 0
    while position < len(rest):
        step = bracketed_step(rest, position) or _named_step(rest, position)
        if step is None:
            sliced = re.compile(_SLICE).match(rest, position)
            if sliced is None:
                raise _not_a_path(text)
            start, stop = (None if one is None else int(one) for one in sliced.groups())
            yield slice(start, stop)
            position = sliced.end()
        else:
            yield step[0]
            position = step[1]


def _not_a_path(text: str) -> ConfigurationError:
    return ConfigurationError(
        f"{text[:200]!r} is not a path",
        hint="Write $.field, $.field[0].name or $['odd name'].",
    )


def _named_step(text: str, position: int) -> tuple[str, int] | None:
    step = re.compile(_NAME).match(text, position)
    return None if step is None or step["name"].strip() == "*" else (step["name"], step.end())


def bracketed_step(text: str, position: int) -> tuple[Part, int] | None:
    """Parse one step in brackets, for every parser of paths.

    Args:
        text: The text of a path.
        position: The position at which a bracket is expected.

    Returns:
        The index (below 0 if it counts from the end) or the name, and the position after the
        bracket; None if no such step is there.
    """
    step = re.compile(_BRACKETED).match(text, position)
    if step is None:
        return None
    if step["index"] is not None:
        return int(step["index"]), step.end()
    quoted = step["single"] if step["single"] is not None else step["double"]
    return re.sub(_ESCAPE, _unescaped, quoted), step.end()


def parse_paths(paths: Iterable[str | Iterable[Part | slice]]) -> list[Place]:
    """Parse several paths to be read, such as those of `only=`.

    Raises:
        ConfigurationError: The value is a single path or does not hold paths, or as for
            `parse_place`.
    """
    if isinstance(paths, str | bytes) or not isinstance(paths, Iterable):
        one = f"only=[{paths!r}]" if isinstance(paths, str) else 'only=["$.field"]'
        raise ConfigurationError(
            f"only must be a list of paths, not {type(paths).__qualname__}",
            hint=f"Write {one} for one of them.",
        )
    return [parse_place(path) for path in paths]


def _unescaped(escape: re.Match[str]) -> str:
    """Return an odd name without the escapes that `render_path` writes."""
    code = escape[1]
    return chr(int(code[1:], 16)) if len(code) > 1 else _CONTROLS.get(code, code)
