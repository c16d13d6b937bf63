"""Change single members in the text of a JSON file, and leave everything else as it is."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from statebag.asl.model import member_path
from statebag.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["JsonText"]

_DECODER = json.JSONDecoder()
_SPACE = re.compile(r"[ \t\r\n]*")
_INDENTED = re.compile(r"\{[ \t]*\r?\n([ \t]+)\"")


class _Span(NamedTuple):
    """The place of a value in a text, in characters; `at` is that of its key, if it has one."""

    at: int
    start: int
    end: int


class JsonText:
    """The text of a definition in JSON, and edits of it.

    Args:
        file: The file that it is from.
        text: The text.
        value: Its value.
    """

    def __init__(self, file: Path, text: str, value: Any) -> None:
        self._file = file
        self._text = text
        self.value = value
        self._edits: list[tuple[int, int, str]] = []
        self._spans: dict[str, _Span] = {}
        self._scan(self._past_space(0), "$", None)
        indented = _INDENTED.search(text)
        self._indent = indented[1] if indented else None
        self._line_end = "\r\n" if "\r\n" in text else "\n"

    @classmethod
    def read(cls, file: Path) -> JsonText | None:
        """Return the text of a file; None if it is not a definition in JSON and nothing else."""
        try:
            text = file.read_bytes().decode()
            value = json.loads(text)
            if isinstance(value, dict) and {"StartAt", "States"} <= value.keys():
                return cls(file, text, value)
        except (OSError, ValueError, RecursionError):
            pass
        return None

    def write(self) -> bool:
        """Write the text with its edits; return whether there are any.

        Raises:
            ConfigurationError: The file cannot be written.
        """
        if not self._edits:
            return False
        text = self._text
        for start, end, new in sorted(self._edits, reverse=True):
            text = text[:start] + new + text[end:]
        json.loads(text)  # or an edit would have to be mended by hand
        try:
            self._file.write_bytes(text.encode())
        except OSError as error:
            raise ConfigurationError(
                f"{self._file} cannot be written: {error.strerror}",
                hint="Make it writable, or run `statebag lint` without --fix",
            ) from error
        return True

    def replace_member(self, path: str, key: str, value: Any) -> None:
        """Replace a member with another key and value."""
        span = self._spans[path]
        new = f"{json.dumps(key)}: {self._written(value, span.at)}"
        self._edits.append((span.at, span.end, new))

    def put_first(self, path: str, key: str, value: Any) -> None:
        """Write a new member at the beginning of an object."""
        span = self._spans[path]
        first = self._past_space(span.start + 1)
        if self._text[first] == "}":
            self._edits.append((span.start, span.end, self._written({key: value}, span.at)))
            return
        new = f"{json.dumps(key)}: {self._written(value, first)},{self._space_before(first)}"
        self._edits.append((first, first, new))

    def put_after(self, path: str, key: str, value: Any) -> None:
        """Write a new member after another one."""
        span = self._spans[path]
        new = f",{self._space_before(span.at)}{json.dumps(key)}: {self._written(value, span.at)}"
        self._edits.append((span.end, span.end, new))

    def put_before(self, path: str, value: Any) -> None:
        """Write a new item before another one."""
        span = self._spans[path]
        new = f"{self._written(value, span.at)},{self._space_before(span.at)}"
        self._edits.append((span.at, span.at, new))

    def put_last(self, path: str, value: Any) -> None:
        """Write a new item after another one."""
        span = self._spans[path]
        new = f",{self._space_before(span.at)}{self._written(value, span.at)}"
        self._edits.append((span.end, span.end, new))

    def _written(self, value: Any, at: int) -> str:
        """Return the text of a value in the file's form, for a place in it."""
        line = self._text.rfind("\n", 0, at) + 1
        before = self._text[line : self._past_space(line)]
        text = json.dumps(value, indent=self._indent, ensure_ascii=False)
        return text.replace("\n", self._line_end + before)

    def _space_before(self, at: int) -> str:
        """Return the white space to put before a member: that before its neighbour."""
        before = self._text[:at]
        return before[len(before.rstrip(" \t\r\n")) :] or ("" if self._indent is None else " ")

    def _past_space(self, at: int) -> int:
        found = _SPACE.match(self._text, at)
        return found.end() if found else at

    def _scan(self, at: int, path: str, key_at: int | None, *, names_states: bool = False) -> int:
        """Note the spans of a value and of all in it; return where it ends."""
        opens = self._text[at]
        if opens not in "{[":
            end = _DECODER.raw_decode(self._text, at)[1]
        else:
            end, index = self._past_space(at + 1), 0
            while self._text[end] not in "}]":
                start, key = end, None
                place = f"{path}[{index}]"
                if opens == "{":
                    key, end = _DECODER.raw_decode(self._text, end)
                    place = member_path(path, key) if names_states else f"{path}.{key}"
                    end = self._past_space(self._past_space(end) + 1)
                end = self._scan(end, place, start, names_states=key == "States")
                end = self._past_space(end)
                if self._text[end] == ",":
                    end = self._past_space(end + 1)
                index += 1
            end += 1
        self._spans.setdefault(path, _Span(at if key_at is None else key_at, at, end))
        return end
