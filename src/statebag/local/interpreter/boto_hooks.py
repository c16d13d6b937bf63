"""What a handler asks of Lambda and Step Functions with boto3 is answered by the run around it.

botocore sends an event before each request; who answers it takes the place of the service. The
hook is registered once, and does nothing while no run is under way.
"""

from __future__ import annotations

import io
import json
import re
import threading
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from statebag.local.interpreter.function_calls import found_handler
from statebag.local.interpreter.step_functions_api import ApiError
from statebag.local.lambda_invocation import invoke

if TYPE_CHECKING:
    from collections.abc import Iterator

    from statebag.local.interpreter.local_world import LocalWorld

__all__ = ["answering"]

_FUNCTION = re.compile(r"/2015-03-31/functions/(?P<name>[^/]+)/invocations")
_worlds: list[LocalWorld] = []
_own_world: ContextVar[LocalWorld | None] = ContextVar("statebag_own_world", default=None)
_lock = threading.Lock()
_hooked = False


@contextmanager
def answering(world: LocalWorld) -> Iterator[None]:
    """Have a world answer the requests of clients that are made inside."""
    _hook()
    _worlds.append(world)
    token = _own_world.set(world)
    try:
        yield
    finally:
        _own_world.reset(token)
        _worlds.remove(world)


def _world() -> LocalWorld | None:
    """The world of the run that this thread belongs to.

    A thread that a handler has started knows none, and takes that of the latest run.
    """
    own = _own_world.get()
    return own if own is not None or not _worlds else _worlds[-1]


def _hook() -> None:
    global _hooked  # noqa: PLW0603 - registered once for the process
    with _lock:
        if not _hooked:
            from botocore.handlers import BUILTIN_HANDLERS  # noqa: PLC0415 - slow, an extra

            BUILTIN_HANDLERS.append(("before-send.sfn", _step_functions))
            BUILTIN_HANDLERS.append(("before-send.lambda", _lambda))
            _hooked = True


def _step_functions(request: Any, **_: Any) -> Any:
    action = _text(request.headers.get("X-Amz-Target", "")).rpartition(".")[2]
    world = _world()
    if world is None or not world.api.knows(action):
        return None
    try:
        answer = world.api.call(action, json.loads(request.body or b"{}"))
    except ApiError as error:
        body = {"__type": error.code, "message": error.message}
        return _response(request, 400, json.dumps(body).encode())
    return _response(request, 200, json.dumps(answer, default=_seconds).encode())


def _lambda(request: Any, **_: Any) -> Any:
    found = _FUNCTION.search(request.url)
    world = _world()
    if world is None or found is None:
        return None
    name = unquote(found["name"])
    handler = found_handler(name, world.functions)
    if handler is None:
        return None
    body = request.body.read() if hasattr(request.body, "read") else request.body
    event = json.loads(body or b"{}")
    answer = invoke(handler, event, name=name.rpartition(":")[2], region=world.region)
    headers = {"X-Amz-Executed-Version": "$LATEST"}
    if answer.failed:
        headers["X-Amz-Function-Error"] = "Unhandled"
    if _text(request.headers.get("X-Amz-Invocation-Type", "")) == "Event":
        return _response(request, 202, b"", headers)
    return _response(request, 200, answer.text.encode(), headers)


class _Body(io.BytesIO):
    """The body of an answer, as the HTTP library of botocore gives one."""

    def stream(self, **_: Any) -> Iterator[bytes]:
        """Give what is left."""
        yield self.read()


def _response(request: Any, status: int, body: bytes, headers: dict[str, str] | None = None) -> Any:
    from botocore.awsrequest import AWSResponse  # noqa: PLC0415 - slow, and an extra

    sent: Any = {"Content-Type": "application/json", **(headers or {})}
    raw: Any = _Body(body)
    return AWSResponse(request.url, status, sent, raw)


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _seconds(value: Any) -> float:
    """A time as the JSON protocol of AWS has it."""
    assert isinstance(value, datetime)
    return value.timestamp()
