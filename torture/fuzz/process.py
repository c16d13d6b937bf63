"""A second process with a memory of its own that takes its turns on the same bags: JSON lines."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

from statebag.errors import StatebagError
from statebag.testing.process import forget
from torture.fuzz.clients import Request, client, stepped
from torture.fuzz.edits import NoPlaceError

if TYPE_CHECKING:
    from torture.fuzz.clients import Settings

__all__ = ["Companion"]

_ROOT = Path(__file__).resolve().parents[2]


class Companion:
    """The process, started when it is first asked."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    def step(
        self, address: str, settings: Settings, bag: Any, request: Request
    ) -> tuple[str | None, Any, str | None]:
        """The digest of what it opened, its bag, and the code of an error in their place."""
        answer = self._ask([address, settings, bag, request.to_json()])
        if "fault" in answer:
            raise RuntimeError(answer["fault"])
        return answer.get("seen"), answer.get("bag"), answer.get("error")

    def forget(self) -> None:
        """Its memory is empty from here on."""
        if self._process is not None:
            self._ask(None)

    def end(self) -> None:
        """No process is left; the next step starts another one."""
        if self._process is not None:
            with self._process as process:
                process.kill()
            self._process = None

    def _ask(self, question: Any) -> Any:
        if self._process is None:
            path = os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH", ""))))
            self._process = subprocess.Popen(
                [sys.executable, "-m", "torture.fuzz.process"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                env={**os.environ, "PYTHONPATH": path},
            )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            self.end()
            raise RuntimeError("the second process ended")
        return json.loads(line)


def _answer(question: Any) -> dict[str, Any]:
    if question is None:
        forget()
        return {}
    address, settings, bag, request = question
    try:
        seen, new = stepped(client(address, settings), bag, Request(**request))
    except (NoPlaceError, StatebagError) as error:
        return {"error": type(error).__name__}
    except Exception:  # noqa: BLE001  # whatever it is, the other process tells of it
        return {"fault": traceback.format_exc()}
    return {"seen": seen, "bag": new}


if __name__ == "__main__":
    for asked in sys.stdin:
        print(json.dumps(_answer(json.loads(asked))), flush=True)
