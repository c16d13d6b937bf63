"""Styled text whose styles reach the terminal, but whose characters cannot steer it.

Every module that prints with rich imports `Text` and `console` from here. `Text` removes characters
that steer a terminal, so that tables count the characters that are shown. A console removes them
again when it renders, for text that was not made here.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.text import Text as _RichText

from statebag.cli.terminal import discard_the_rest, raw
from statebag.cli.terminal_text import harmless
from statebag.environment import all_variables

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Self

    from rich.console import ConsoleOptions, RenderableType
    from rich.segment import Segment

__all__ = ["Text", "console"]


class Text(_RichText):
    """A text with styles, in which no character steers the terminal."""

    def __init__(self, text: str = "", *arguments: Any, **options: Any) -> None:
        super().__init__(harmless(text), *arguments, **options)

    def append(self, text: _RichText | str, style: Any = None) -> Self:
        """Add a text at the end."""
        super().append(harmless(text) if isinstance(text, str) else text, style)
        return self


class _Console(Console):
    @property
    def has_width(self) -> bool:
        """Whether its width bounds a table: that of a terminal, or one that COLUMNS asks for."""
        return self.is_terminal or _asked_width()

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterator[Segment]:
        for segment in super().render(renderable, options):
            # Control codes are rich's own: the cursor, the title.
            yield segment if segment.control else segment._replace(text=harmless(segment.text))

    def on_broken_pipe(self) -> None:
        """Go on without a reader, so that the exit code is the command's, not rich's 1."""
        discard_the_rest(self.file)


def _asked_width() -> bool:
    """Return whether COLUMNS has a number; a shell does not export its own COLUMNS."""
    return dict(all_variables()).get("COLUMNS", "").isdigit()


def console(*, stderr: bool = False, file_width: int | None = None) -> _Console:
    """Return a console on the standard output or error.

    Args:
        stderr: Whether it prints on the standard error.
        file_width: The number of columns if it does not print on a terminal, and COLUMNS does not
            say one.
    """
    stream = raw(sys.stderr if stderr else sys.stdout)
    settings: dict[str, Any] = {"highlight": False, "markup": False, "emoji": False}
    made = _Console(file=stream, **settings)
    if file_width is not None and not made.has_width:
        made = _Console(file=stream, width=file_width, **settings)
    return made
