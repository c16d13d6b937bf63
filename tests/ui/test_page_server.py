"""The page over a socket of this machine."""

import http.client
import signal
import socket
import subprocess
import sys

import pytest

pytest.importorskip("uvicorn", reason="needs the extra ui")
pytest.importorskip("starlette", reason="needs the extra ui")

from tests.ui.conftest import PROGRAM


def get(port, path, **headers):
    connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=240)
    try:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def test_it_serves_who_has_the_token_and_says_nothing_of_it(served, ran):
    process, port, token = served.process, served.port, served.token
    assert len(token) >= 32
    assert get(port, f"/{token}/")[0] == 200
    assert get(port, "/")[0] == 403
    assert get(port, f"/{token}/", Host="evil.example")[0] == 421
    assert b"run-1" in get(port, f"/{token}/ask/executions")[1]
    with socket.create_connection(("127.0.0.1", int(port)), timeout=240) as raw:
        raw.sendall(b"\x00garbage\r\n\r\n")
        raw.recv(1_000)
    process.send_signal(signal.SIGINT)
    assert process.wait(240) == 0
    printed = process.stdout.read()
    assert token not in printed
    assert "GET" not in printed


def test_a_port_in_use_is_said():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, "ui", "--port", port],
            capture_output=True,
            text=True,
            check=False,
            timeout=240,
        )
    assert done.returncode != 0
    assert f"port {port} of 127.0.0.1 cannot be used" in done.stderr
