"""Handle task tokens that wait for an answer, from this process or from another one.

A task with `.waitForTaskToken` ends when its token is answered. A handler of the workflow does
that with boto3 (`send_task_success` and similar calls). Another process does it through a folder:
each waiting token has a file there, and `answer` puts the answer next to it.

The folder's files are named by the SHA-256 of the token: `<32 hex>.token` (written by the run:
token, state, execution, since), `<32 hex>.answer` and `<32 hex>.heartbeat` (written by the process
that answers). All are JSON, and each appears whole or not at all.
"""

from __future__ import annotations

import json
import os
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from statebag.asl.quotas import PAYLOAD_LIMIT
from statebag.errors import ConfigurationError, InvalidState, LimitExceeded
from statebag.format.json_depth import MAX_DEPTH, loads, text_is_deeper
from statebag.process.private_files import make_folder, write_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["TokenDesk", "TokenRefused", "WaitingToken", "answer", "heartbeat", "waiting_tokens"]

_POLL_SECONDS = 0.05  # Chosen: a person does not notice it, and a folder is listed quickly


@dataclass(frozen=True, slots=True)
class WaitingToken:
    """A token that a run waits for, with the waiting state and its execution."""

    token: str
    state: str
    execution: str
    since: str


def waiting_tokens(token_dir: Path) -> list[WaitingToken]:
    """Return the tokens in a folder that runs wait for and that have no answer yet."""
    return [
        WaitingToken(**loads(file.read_text("utf-8")))
        for file in sorted(Path(token_dir).glob("*.token"))
        if not file.with_suffix(".answer").exists()
    ]


def answer(
    token_dir: Path,
    token: str,
    output: Any = None,
    *,
    error: str | None = None,
    cause: str | None = None,
) -> None:
    """Answer a waiting token with `output`, or with a failure if `error` or `cause` is given.

    Raises:
        ConfigurationError: No run with this folder waits for this token, or it was answered.
        InvalidState: The output is not a JSON value.
        LimitExceeded: The output's text is longer than 262,144 bytes, which AWS rejects too.
    """
    if error is None and cause is None:
        try:
            text = json.dumps(output, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
            size = len(text.encode())
        except (TypeError, ValueError, RecursionError) as problem:
            raise InvalidState(
                f"the output of the task is not a JSON value ({type(problem).__name__})"
            ) from problem
        if text_is_deeper(text.encode()):
            raise InvalidState(
                f"the output of the task nests deeper than {MAX_DEPTH} levels",
                hint="Store the inner part as a string, or flatten it.",
            )
        if size > PAYLOAD_LIMIT:
            raise LimitExceeded(
                f"the output of the task has {size:,} bytes; the limit is {PAYLOAD_LIMIT:,}",
                hint="Answer with a sealed state or a reference to what is stored.",
            )
        body: dict[str, Any] = {"output": text}
    else:
        body = {"error": error, "cause": cause}
    file = _waiting_file(token_dir, token).with_suffix(".answer")
    if file.exists():
        raise ConfigurationError("the token already has an answer")
    _write(file, body)


def heartbeat(token_dir: Path, token: str) -> None:
    """Report that the work for a waiting token goes on.

    Raises:
        ConfigurationError: No run with this folder waits for this token.
    """
    file = _waiting_file(token_dir, token)
    _write(file.with_suffix(".heartbeat"), {"at": _now()})


class TokenRefused(Exception):  # noqa: N818 - named for what happened to the token
    """An answer arrived for a token that no task waits for.

    Attributes:
        timed_out: Whether its task has ended.
    """

    def __init__(self, *, timed_out: bool) -> None:
        self.timed_out = timed_out
        super().__init__("timed out" if timed_out else "unknown")


@dataclass
class _Entry:
    waiting: WaitingToken
    succeed: Callable[[str], None]
    fail: Callable[[str | None, str | None], None]
    beat: Callable[[], None]
    is_open: Callable[[], bool]
    answered: bool = False


class TokenDesk:
    """The tokens that one run waits for.

    Args:
        folder: The folder through which other processes see and answer them; None for this process
            only.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._entries: dict[str, _Entry] = {}
        self._lock = threading.Lock()
        self._stop = threading.Event()

    def add(
        self,
        token: str,
        *,
        state: str,
        execution: str,
        succeed: Callable[[str], None],
        fail: Callable[[str | None, str | None], None],
        beat: Callable[[], None],
        is_open: Callable[[], bool],
    ) -> None:
        """Register the token of a scheduled task: from now on it can be answered.

        Args:
            token: The token.
            state: The state that waits.
            execution: The ARN of its execution.
            succeed: Takes the output's JSON text.
            fail: Takes an error's name and its cause.
            beat: Takes a heartbeat.
            is_open: Whether the task still waits.
        """
        waiting = WaitingToken(token, state, execution, _now())
        with self._lock:
            self._entries[token] = _Entry(waiting, succeed, fail, beat, is_open)
        if self._folder is not None:
            _write(self._file(token), {name: getattr(waiting, name) for name in waiting.__slots__})

    def discard(self, token: str) -> None:
        """Discard the token of a task that has ended; further answers are refused as too late."""
        with self._lock:
            entry = self._entries.get(token)
            if entry is not None:
                entry.answered = True
        if self._folder is not None:
            for suffix in (".token", ".answer", ".heartbeat"):
                self._file(token).with_suffix(suffix).unlink(missing_ok=True)

    def knows(self, token: str) -> bool:
        """Return whether a task with this token was ever scheduled."""
        with self._lock:
            return token in self._entries

    def waiting_states(self) -> list[str]:
        """Return the names of the states that wait for an answer."""
        with self._lock:
            return [one.waiting.state for one in self._entries.values() if not one.answered]

    def succeed(self, token: str, output: str) -> None:
        """Answer with an output's JSON text. Raises TokenRefused."""
        self._take(token).succeed(output)

    def fail(self, token: str, error: str | None, cause: str | None) -> None:
        """Answer with a failure. Raises TokenRefused."""
        self._take(token).fail(error, cause)

    def beat(self, token: str) -> None:
        """Take a heartbeat. Raises TokenRefused."""
        with self._lock:
            entry = self._open(token)
        entry.beat()

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Deliver what other processes put into the folder, until the block ends."""
        watcher = None
        if self._folder is not None:
            make_folder(self._folder.absolute())
            watcher = threading.Thread(target=self._watch, name="statebag-tokens", daemon=True)
            watcher.start()
        try:
            yield
        finally:
            if watcher is not None:
                self._stop.set()
                watcher.join()
            self.release()

    def release(self) -> None:
        """Stop all waiting for tokens: the run ends."""
        with self._lock:
            left = {t: entry for t, entry in self._entries.items() if not entry.answered}
        for token, entry in left.items():
            self.discard(token)
            entry.fail(None, None)  # wakes its thread, whose task has ended already

    def _watch(self) -> None:
        while not self._stop.wait(_POLL_SECONDS):
            with self._lock:
                tokens = [token for token, entry in self._entries.items() if not entry.answered]
            for token in tokens:
                self._deliver(token)

    def _deliver(self, token: str) -> None:
        beat = self._file(token).with_suffix(".heartbeat")
        given = self._file(token).with_suffix(".answer")
        try:
            if beat.exists():
                beat.unlink(missing_ok=True)
                self.beat(token)
            if given.exists():
                body = loads(given.read_text("utf-8"))
                if "output" in body:
                    self.succeed(token, body["output"])
                else:
                    self.fail(token, body["error"], body["cause"])
        except TokenRefused:
            self.discard(token)  # the task ended while the answer was on its way
        except (OSError, ValueError, KeyError, TypeError) as error:
            # An unreadable answer must not leave the run waiting for ever.
            cause = f"the answer's file cannot be read: {type(error).__name__}"
            self.fail(token, "States.Runtime", cause)

    def _take(self, token: str) -> _Entry:
        with self._lock:
            entry = self._open(token)
            entry.answered = True
            return entry

    def _open(self, token: str) -> _Entry:
        entry = self._entries.get(token)
        if entry is None:
            raise TokenRefused(timed_out=False)
        if entry.answered or not entry.is_open():
            raise TokenRefused(timed_out=True)
        return entry

    def _file(self, token: str) -> Path:
        assert self._folder is not None
        return _token_file(self._folder, token)


def _waiting_file(token_dir: Path, token: str) -> Path:
    file = _token_file(Path(token_dir), token)
    if not file.exists():
        raise ConfigurationError(
            "no task waits for this token",
            hint="Check the token and the token folder; the run may have ended or timed out.",
        )
    return file


def _token_file(folder: Path, token: str) -> Path:
    return folder / f"{sha256(token.encode()).hexdigest()[:32]}.token"


def _write(file: Path, body: dict[str, Any]) -> None:
    part = file.with_name(f"{file.name}.{os.getpid()}-{threading.get_ident()}.part")
    write_file(part, json.dumps(body))
    part.replace(file)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
