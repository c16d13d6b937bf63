"""What a function asks of AWS with boto3 is answered in this process, by the run around it.

botocore sends an event before each request; who answers it takes the place of the service. Lambda
and Step Functions are the run itself, all others are the services of this process. No request
leaves the process, but for those to an endpoint that is configured. While no run is under way, this
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
from importlib.abc import MetaPathFinder
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from statebag.environment import s3_endpoint
from statebag.local.interpreter.function_calls import found_handler
from statebag.local.interpreter.step_functions_api import ApiError
from statebag.local.lambda_invocation import invoke

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
    """Have the clients that are made from now on ask here before they send anything.

    What a client asks is fixed when its session is made. So, where botocore was not imported yet,
    this waits for its import: a module of a function may make a client while it is imported.
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


class _Import(MetaPathFinder):
    """Finds nothing; notices that botocore is about to be able to make sessions."""

    def find_spec(self, name: str, *_: Any) -> None:
        if name == "botocore.session":
            sys.meta_path.remove(self)
            _register()


def services_are_loaded() -> None:
    """Say that moto is there now: it answers the clients of sessions that are made from now on."""
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
    """The world of the run that this thread belongs to.

    A thread that a handler has started knows none, and takes that of the latest run.
    """
    own = _own_world.get()
    return own if own is not None or not _worlds else _worlds[-1]


def _kept_here(request: Any, event_name: str, **_: Any) -> Any:
    """Let no request leave the process, but for those to an endpoint that is configured.

    The services of this process answer by themselves, if there is such a service.
    """
    world = _world()
    if world is None or world.services.endpoint is not None:
        return None
    own = s3_endpoint()
    from botocore.exceptions import EndpointConnectionError  # noqa: PLC0415 - slow, and an extra

    if own is None or not f"{request.url}/".startswith(f"{own}/"):
        if not world.services.plays(request.url):
            raise EndpointConnectionError(endpoint_url=urlsplit(request.url).netloc)
        return None
    service = event_name.split(".")[1]
    if service == "s3":
        return None
    # AWS_ENDPOINT_URL, which is meant for S3, draws the requests of all services to itself.
    scope = _SCOPE.search(_text(request.headers.get("Authorization", "")))
    name, region = (scope["service"], scope["region"]) if scope else (service, world.region)
    moved = copy.copy(request)
    moved.url = f"https://{name}.{region}.amazonaws.com{request.url[len(own) :] or '/'}"
    world.services.start()
    answer = _by_moto(moved, event_name)
    if answer is None:
        raise EndpointConnectionError(endpoint_url=urlsplit(moved.url).netloc)
    return answer


def _answered_early(request: Any, event_name: str, **_: Any) -> Any:
    """Answer a client that is older than moto: it does not know moto."""
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
    """What moto answers, which has put itself into botocore's list, too."""
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
