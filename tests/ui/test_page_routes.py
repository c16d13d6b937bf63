"""Addresses of the page."""

import asyncio
import json
from urllib.parse import urlencode

import pytest

pytest.importorskip("starlette", reason="needs the extra ui")

from statebag.ui.page_routes import page_app


def get(data, path, **query):
    told = []

    async def send(message):
        told.append(message)

    async def receive():
        return {"type": "http.request", "body": b""}

    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "headers": [],
        "query_string": urlencode(query).encode(),
    }
    asyncio.run(page_app(data, "t")(scope, receive, send))
    return told[0]["status"], b"".join(one.get("body", b"") for one in told[1:])


def test_files_and_answers(data, ran):
    assert b'src="app.js"' in get(data, "/t/")[1]
    assert get(data, "/t/vendor/htm-preact.js")[0] == 200
    status, body = get(data, "/t/ask/execution", arn=ran.good)
    assert (status, json.loads(body)["machine"]) == (200, "Main")


@pytest.mark.parametrize(
    "name",
    [
        "../page_files.py",
        "..%2fpage_files.py",
        "/etc/passwd",
        "vendor/../../page_files.py",
        "x",
        "vendor",
    ],
)
def test_no_other_file_is_shown(data, name):
    assert get(data, f"/t/{name}")[0] == 404


def test_errors_are_answers(data):
    status, body = get(data, "/t/ask/execution", arn="nothing")
    assert (status, json.loads(body)["code"]) == (400, "configuration_error")
    assert get(data, "/t/ask/nothing")[0] == 404


def test_a_fault_is_an_answer_without_its_text(data, ran, monkeypatch):
    def broken(_asked):
        raise RuntimeError("SECRET")

    data.answers["graph"] = broken
    status, body = get(data, "/t/ask/graph", arn=ran.good)
    assert status == 500
    assert b"SECRET" not in body
