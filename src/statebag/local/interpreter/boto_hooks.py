"""Answer a function's boto3 requests to AWS in this process, by the run around it.

botocore sends an event before each request; a handler that answers it replaces the service. The run
itself answers for Lambda and Step Functions, and the services of this process answer for all
others. No request leaves the process, except those to a configured endpoint. Outside a run, this
does nothing.
"""

from __future__ import annotations

import copy
import io
import json
import re
import sys
import threading
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import TYPE_CHECKING, Any

from statebag.environment import s3_endpoint

if TYPE_CHECKING:
    from collections.abc import Iterator

    from statebag.local.interpreter.local_world import LocalWorld

__all__ = ["answering", "services_are_loaded", "watch_clients"]

_FUNCTION = re.compile(r"/2015-03-31/functions/(?P<name>[^/]+)/invocations")
# The scope that a request is signed for names its region and service (Signature Version 4).
_SCOPE = re.compile(r"Credential=[^/]+/\d{8}/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request")
_worlds: list[LocalWorld] = []
_own_world: ContextVar[LocalWorld | None] = ContextVar("statebag_own_world", default=None)
_lock = threading.Lock()
_watching = False


def watch_clients() -> None:
    """Have all clients that are made from now on ask this module before they send a request.

    The handlers of a client are fixed when its session is made. So, if botocore was not imported
    yet, this waits for its import: a module of a function may make a client during its own import.
    """
    global _watching  # noqa: PLW0603 - once for the process
    with _lock:
        if _watching:
            return
        _watching = True
        if "botocore.session" in sys.modules:
            _register()
        else:
            sys.meta_path.insert(0, _Import())


class _Import:
    """A finder that finds nothing, but notices the import of botocore's sessions."""

    def find_spec(self, name: str, *_: Any) -> None:
        if name == "botocore.session":
            sys.meta_path.remove(self)
            _register()


def services_are_loaded() -> None:
    """Note that moto is loaded: it answers the clients of sessions that are made from now on."""
    from botocore.handlers import BUILTIN_HANDLERS  # noqa: PLC0415 - slow, and an extra

    if _EARLY in BUILTIN_HANDLERS:
        BUILTIN_HANDLERS.remove(_EARLY)


def _register() -> None:
    from botocore.handlers import BUILTIN_HANDLERS  # noqa: PLC0415 - slow, and an extra

    BUILTIN_HANDLERS.append(("before-send.sfn", _step_functions))
    BUILTIN_HANDLERS.append(("before-send.lambda", _lambda))
    BUILTIN_HANDLERS.append(("before-send", _kept_here))
    if "moto.core" not in sys.modules:
        BUILTIN_HANDLERS.append(_EARLY)


@contextmanager
def answering(world: LocalWorld) -> Iterator[None]:
    """Have a world answer the requests of clients that are made inside."""
    _worlds.append(world)
    token = _own_world.set(world)
    try:
        yield
    finally:
        _own_world.reset(token)
        _worlds.remove(world)


def _world() -> LocalWorld | None:
    """Return the world of the run that this thread belongs to.

    A thread that a handler started does not know its run, and takes the world of the latest one.
    """
    own = _own_world.get()
    return own if own is not None or not _worlds else _worlds[-1]


def _kept_here(request: Any, event_name: str, **_: Any) -> Any:
    """Let no request leave the process, except those to a configured endpoint.

    The services of this process answer by themselves, if they have the service.
    """
    world = _world()
    if world is None or world.services.endpoint is not None:
        return None
    own = s3_endpoint()
    from botocore.exceptions import EndpointConnectionError  # noqa: PLC0415 - slow, and an extra

    if own is None or not f"{request.url}/".startswith(f"{own}/"):
        if not world.services.plays(request.url):
            raise EndpointConnectionError(endpoint_url=_host(request.url))
        return None
    service = event_name.split(".")[1]
    if service == "s3":
        return None
    # AWS_ENDPOINT_URL, which is meant for S3, attracts the requests of all services.
    scope = _SCOPE.search(_text(request.headers.get("Authorization", "")))
    name, region = (scope["service"], scope["region"]) if scope else (service, world.region)
    moved = copy.copy(request)
    moved.url = f"https://{name}.{region}.amazonaws.com{request.url[len(own) :] or '/'}"
    world.services.start()
    answer = _by_moto(moved, event_name)
    if answer is None:
        raise EndpointConnectionError(endpoint_url=_host(moved.url))
    return answer


def _answered_early(request: Any, event_name: str, **_: Any) -> Any:
    """Answer a client that was made before moto was loaded, and so does not know moto."""
    world = _world()
    if world is None or world.services.endpoint is not None:
        return None
    own = s3_endpoint()
    if own is not None and f"{request.url}/".startswith(f"{own}/"):
        return None
    world.services.start()
    return _by_moto(request, event_name)


_EARLY = ("before-send", _answered_early)


def _by_moto(request: Any, event_name: str) -> Any:
    """Return the answer of moto, which has also added itself to botocore's list."""
    from botocore.handlers import BUILTIN_HANDLERS  # noqa: PLC0415 - slow, and an extra

    for kind, handler, *_ in BUILTIN_HANDLERS:
        if kind == "before-send" and handler not in {_kept_here, _answered_early}:
            answer = handler(event_name=event_name, request=request)
            if answer is not None:
                return answer
    return None


def _step_functions(request: Any, **_: Any) -> Any:
    action = _text(request.headers.get("X-Amz-Target", "")).rpartition(".")[2]
    world = _world()
    if world is None or not world.api.knows(action):
        return None
    from statebag.local.interpreter.step_functions_api import ApiError  # noqa: PLC0415 - few runs

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
    # Most runs have no function that calls another one.
    from urllib.parse import unquote  # noqa: PLC0415 - see above

    from statebag.local.interpreter.function_calls import found_handler  # noqa: PLC0415 - see above
    from statebag.local.lambda_invocation import invoke  # noqa: PLC0415 - see above

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
    """The body of an answer, in the form of botocore's HTTP library."""

    def stream(self, **_: Any) -> Iterator[bytes]:
        """Yield the rest of the body."""
        yield self.read()


def _response(request: Any, status: int, body: bytes, headers: dict[str, str] | None = None) -> Any:
    from botocore.awsrequest import AWSResponse  # noqa: PLC0415 - slow, and an extra

    sent: Any = {"Content-Type": "application/json", **(headers or {})}
    raw: Any = _Body(body)
    return AWSResponse(request.url, status, sent, raw)


def _host(url: str) -> str:
    from urllib.parse import urlsplit  # noqa: PLC0415 - for an error

    return urlsplit(url).netloc


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _seconds(value: Any) -> float:
    """Return a time in the form of AWS's JSON protocol."""
    assert isinstance(value, datetime)
    return value.timestamp()
