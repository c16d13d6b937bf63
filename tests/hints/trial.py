"""A trial of a hint: a call that fails with it, and the call that does what it says."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from statebag import StatebagError
from statebag.testing.process import forget

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class World:
    """Where a trial happens: an empty folder, and an environment that it may change."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.setenv = monkeypatch.setenv
        self.unset = lambda name: monkeypatch.delenv(name, raising=False)
        self.replace = monkeypatch.setattr

    def file(self, name: str, text: str | bytes) -> Path:
        path = self.folder / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path


class Trial(NamedTuple):
    """One hint as it stands in the source, with `{}` for what is put in when it is made.

    Attributes:
        hint: Its text.
        wrong: Fails with an error that has this hint.
        right: Does what the hint says, and does not fail.
        shown: The text of the error's hint, if it is made elsewhere than where it is raised.
    """

    hint: str
    wrong: Callable[[World], Any]
    right: Callable[[World], Any]
    shown: str | None = None

    @property
    def pattern(self) -> str:
        parts = (self.shown or self.hint).split("{}")
        return ".*".join(re.escape(part) for part in parts)


def check_trial(trial: Trial, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Check that the wrong call fails with the hint, and the call that follows it does not."""
    forget()
    world = World(folder, monkeypatch)
    with monkeypatch.context() as changed:
        wrong = World(folder / "wrong", changed)
        wrong.folder.mkdir()
        with pytest.raises(StatebagError) as caught:
            trial.wrong(wrong)
    assert caught.value.hint is not None
    assert re.search(trial.pattern, caught.value.hint), caught.value.hint
    forget()
    trial.right(world)
