"""Serve the page on this machine, until it is stopped."""

from __future__ import annotations

import secrets
import socket
from typing import TYPE_CHECKING

import uvicorn

from statebag.errors import ConfigurationError
from statebag.ui.page_answers import PageData
from statebag.ui.page_routes import page_app
from statebag.ui.request_guard import RequestGuard

if TYPE_CHECKING:
    from collections.abc import Callable

    from statebag.client import Statebag
    from statebag.ui.execution_catalog import ExecutionCatalog

__all__ = ["serve"]

_HOST = "127.0.0.1"
_TOKEN_BYTES = 24  # chosen: 192 bits, which nobody guesses


def serve(
    catalog: ExecutionCatalog, client: Statebag, port: int, ready: Callable[[str], None]
) -> None:
    """Serve the page on 127.0.0.1 until the process is interrupted.

    Args:
        catalog: Finds executions.
        client: Reads the store.
        port: The port; 0 takes a free one.
        ready: Called with the address of the page, which contains the token.

    Raises:
        ConfigurationError: The port cannot be used.
    """
    with _listening(port) as listener:
        port = listener.getsockname()[1]
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        app = RequestGuard(page_app(PageData(catalog, client), token), token, port)
        config = uvicorn.Config(
            app,
            http="h11",
            ws="none",
            lifespan="off",
            # An access log would have the token, and an error log may have values.
            log_config=None,
            access_log=False,
            log_level="critical",
            server_header=False,
        )
        ready(f"http://{_HOST}:{port}/{token}/")
        uvicorn.Server(config).run(sockets=[listener])


def _listening(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((_HOST, port))
        listener.listen()
    except OSError as error:
        listener.close()
        raise ConfigurationError(
            f"port {port} of {_HOST} cannot be used: {error.strerror}",
            hint="Name another with --port, or leave it out for a free one.",
        ) from None
    return listener
