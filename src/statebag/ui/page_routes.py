"""The addresses of the page: its files, and its questions."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Mount, Route

from statebag.ui.page_files import media_type, page_files
from statebag.ui.request_guard import answer_to

if TYPE_CHECKING:
    from starlette.requests import Request

    from statebag.ui.page_answers import PageData

__all__ = ["page_app"]


def page_app(data: PageData, token: str) -> Starlette:
    """Return the page, below the token.

    Args:
        data: The answers.
        token: The first part of every path.
    """

    def show(request: Request) -> Response:
        name = request.path_params.get("name", "index.html")
        body = page_files().get(name)
        if body is None:
            return Response("This page has no such file.", 404, media_type="text/plain")
        return Response(body, media_type=media_type(name))

    def ask(request: Request) -> Response:
        name = request.path_params["name"]
        if name not in data.answers:
            return Response("This page has no such answer.", 404, media_type="text/plain")
        try:
            answer = data.answer(name, dict(request.query_params))
        except Exception as error:  # noqa: BLE001 - a server would log it, and it may quote a value
            return answer_to(error)
        # Half a surrogate pair, which an older history may hold, is written as an escape.
        return Response(json.dumps(answer).encode("ascii"), media_type="application/json")

    routes = [
        Route("/", show),
        Route("/ask/{name}", ask),
        Route("/{name:path}", show),
    ]
    return Starlette(routes=[Mount(f"/{token}", routes=routes)])
