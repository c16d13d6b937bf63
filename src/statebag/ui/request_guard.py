"""Restrict the page to users who have its address, on this machine.

The page listens on 127.0.0.1 only. Other users of the machine, and pages of other sites in the same
browser, can still send requests to it. So each request needs the token in its path, the name of
this machine as its host (a name of another site may lead to 127.0.0.1, "DNS rebinding"), and no
origin other than the page's own.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, Response

from statebag.errors import StatebagError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["HEADERS", "RequestGuard", "answer_to"]

HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
"""Headers of every answer: nothing is loaded from elsewhere, shown in a frame, or kept."""

_STATUSES = {
    "not_permitted": 403,
    "blob_missing": 404,
    "limit_exceeded": 413,
    "store_unavailable": 503,
}


class RequestGuard:
    """Refuse requests that do not come from the page, and turn errors into answers without values.

    Args:
        app: The page.
        token: The first part of every path.
        port: The port on 127.0.0.1.
    """

    def __init__(self, app: ASGIApp, token: str, port: int) -> None:
        self._app = app
        self._token = token.encode()
        self._hosts = {f"127.0.0.1:{port}", f"localhost:{port}"}
        self._origins = {f"http://{host}" for host in self._hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            return
        begun = False

        async def sent(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                known = {name.lower() for name, _ in message.get("headers", ())}
                extra = [
                    (name.encode(), value.encode())
                    for name, value in HEADERS.items()
                    if name.encode() not in known
                ]
                message = {**message, "headers": [*message.get("headers", ()), *extra]}
            await send(message)

        refusal = self._refusal(scope)
        if refusal is not None:
            await refusal(scope, receive, sent)
            return
        try:
            await self._app(scope, receive, sent)
        except Exception as error:  # noqa: BLE001 - its text may hold a value, and a server logs it
            if not begun:
                await answer_to(error)(scope, receive, sent)

    def _refusal(self, scope: Scope) -> Response | None:
        headers = _headers(scope)
        if headers.get("host") not in self._hosts:
            return _refused(421, "This page is served only as 127.0.0.1.")
        if scope["method"] not in {"GET", "HEAD"}:
            return _refused(405, "This page only answers reads.")
        first = scope["path"].split("/", 2)[1] if scope["path"].startswith("/") else ""
        if not hmac.compare_digest(first.encode("utf-8", "surrogatepass"), self._token):
            return _refused(403, "Open the address that `statebag ui` printed: it has a token.")
        if "origin" in headers and headers["origin"] not in self._origins:
            return _refused(403, "This page does not answer other sites.")
        if headers.get("sec-fetch-site") in {"cross-site", "same-site"}:
            # A person who follows a link from a web terminal comes from another site too.
            is_visit = headers.get("sec-fetch-mode") == "navigate"
            if not is_visit or headers.get("sec-fetch-dest") != "document":
                return _refused(403, "This page does not answer other sites.")
        return None


def _headers(scope: Scope) -> dict[str, str]:
    """Return the headers; a repeated header gets a value that matches nothing."""
    found: dict[str, str] = {}
    given: Iterable[tuple[bytes, bytes]] = scope["headers"]
    for name, value in given:
        key = name.decode("latin-1").lower()
        found[key] = "\0" if key in found else value.decode("latin-1")
    return found


def _refused(status: int, text: str) -> Response:
    return Response(text, status, media_type="text/plain; charset=utf-8")


def answer_to(error: Exception) -> JSONResponse:
    """Return the answer to a request that failed, without the text of an unknown error."""
    if isinstance(error, StatebagError):
        body: dict[str, Any] = {
            "error": error.message,
            "code": error.code,
            "path": error.path,
            "object": error.object_name,
            "hint": error.hint,
        }
        return JSONResponse(body, _STATUSES.get(error.code, 400))
    body = {"error": f"this is a bug in statebag: {type(error).__name__}", "code": "fault"}
    return JSONResponse(body, 500)
