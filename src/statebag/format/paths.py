"""Where in a state a value stands: paths of field names and array indices.

In Python a path is a tuple such as `("orders", 3, "total")`; in messages, policies and on
the command line it is text in the form that Amazon States Language uses: `$.orders[3].total`,
with `['...']` around names that are no plain identifiers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from statebag.errors import ConfigurationError

__all__ = ["Path", "parse_path", "parse_paths", "render_path"]

Part = str | int
Path = tuple[Part, ...]

_LONGEST_NAME_SHOWN = 80

# Patterns are texts: re compiles and keeps them when they are first used, not at import.
_STEP = r"""(?x)
    \.?(?P<name>[^.\[\]'"]+)              # .name, or a name at the very start
  | \[(?P<index>\d+)\]                    # [3]
  | \['(?P<single>(?:[^'\\]|\\.)*)'\]     # ['any text']
  | \["(?P<double>(?:[^"\\]|\\.)*)"\]     # ["any text"]
"""
_ESCAPE = r"(?s)\\(x[0-9a-f]{2}|u[0-9a-f]{4}|U00(?:0[0-9a-f]|10)[0-9a-f]{4}|.)"
_CONTROLS = {"n": "\n", "r": "\r", "t": "\t"}


def render_path(path: Iterable[Part]) -> str:
    """A path as text: `$`, `$.a.b[0]`, `$['odd name']`. Very long names are cut short."""
    text = "$"
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif _is_plain_name(part):
            text += f".{part}"
        else:
            shown = part[:_LONGEST_NAME_SHOWN].encode("unicode_escape").decode("ascii")
            cut = "..." if len(part) > _LONGEST_NAME_SHOWN else ""
            text += "['" + shown.replace("'", "\\'") + cut + "']"
    return text


def _is_plain_name(name: str) -> bool:
    plain = name.replace("-", "_").isidentifier() and not name.startswith("-")
    return plain and len(name) <= _LONGEST_NAME_SHOWN


def parse_path(text: str | Iterable[Part]) -> Path:
    """A path from text (`$.a.b[0]`, `a.b[0]`, `$['odd name']`) or from its parts.

    Raises:
        ConfigurationError: The text is no path of names and indices (wildcards, filters and
            slices are not taken).
    """
    if not isinstance(text, str):
        if isinstance(text, bytes | dict) or not isinstance(text, Iterable):
            raise ConfigurationError(
                "a path is text, or a list of names and indices", hint="Write $.field[0].name."
            )
        parts = tuple(text)
        for part in parts:
            if isinstance(part, bool) or not isinstance(part, str | int):
                raise ConfigurationError("a path has only names (str) and indices (int)")
        return parts
    if text.isidentifier():
        return (text,)
    rest = text.removeprefix("$")
    path: list[Part] = []
    position = 0
    while position < len(rest):
        step = re.compile(_STEP).match(rest, position)
        if step is None or (step["name"] is not None and step["name"].strip() == "*"):
            raise ConfigurationError(
                f"not a path: {text[:200]!r}",
                hint="Write $.field, $.field[0].name or $['odd name'].",
            )
        if step["index"] is not None:
            path.append(int(step["index"]))
        else:
            quoted = step["single"] if step["single"] is not None else step["double"]
            path.append(step["name"] if quoted is None else re.sub(_ESCAPE, _unescaped, quoted))
        position = step.end()
    return tuple(path)


def parse_paths(paths: Iterable[str | Iterable[Part]]) -> list[Path]:
    """Several paths, as `only=` takes them.

    Raises:
        ConfigurationError: One path alone, nothing that holds paths, or as for `parse_path`.
    """
    if isinstance(paths, str | bytes) or not isinstance(paths, Iterable):
        one = f"only=[{paths!r}]" if isinstance(paths, str) else 'only=["$.field"]'
        raise ConfigurationError("only= is a list of paths", hint=f"Write {one} for one of them.")
    return [parse_path(path) for path in paths]


def _unescaped(escape: re.Match[str]) -> str:
    """The inverse of what `render_path` does to odd names."""
    code = escape[1]
    return chr(int(code[1:], 16)) if len(code) > 1 else _CONTROLS.get(code, code)
