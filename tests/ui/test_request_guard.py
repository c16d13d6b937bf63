"""Who may ask: hosts, tokens, origins, and what an error says."""

import asyncio

import pytest

pytest.importorskip("starlette", reason="needs the extra ui")

from statebag.errors import BlobMissing
from statebag.ui.request_guard import HEADERS, RequestGuard, answer_to

TOKEN = "t0ken"
HOST = ("host", "127.0.0.1:8787")


async def page(scope, receive, send):
    if scope["path"].endswith("/broken"):
        raise ValueError("SECRET value")
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"here"})


def asked(path, *headers, method="GET"):
    told = []

    async def send(message):
        told.append(message)

    async def receive():
        return {"type": "http.request", "body": b""}

    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "headers": [(name.encode(), value.encode()) for name, value in headers],
        "query_string": b"",
    }
    asyncio.run(RequestGuard(page, TOKEN, 8787)(scope, receive, send))
    body = b"".join(one.get("body", b"") for one in told[1:])
    return told[0]["status"], dict(told[0]["headers"]), body.decode()


def test_the_page_is_shown_to_who_has_the_address():
    for host in (HOST, ("host", "localhost:8787")):
        status, headers, body = asked(f"/{TOKEN}/", host)
        assert (status, body) == (200, "here")
        assert {
            name.encode(): value.encode() for name, value in HEADERS.items()
        }.items() <= headers.items()


@pytest.mark.parametrize(
    "path", ["/", "", f"/{TOKEN}x/", f"/x{TOKEN}/", "/favicon.ico", "//", f"//{TOKEN}/", "/é/"]
)
def test_without_the_token(path):
    status, headers, body = asked(path, HOST)
    assert status == 403
    assert TOKEN not in body
    assert b"content-security-policy" in headers


@pytest.mark.parametrize(
    "hosts",
    [
        [],
        [("host", "evil.example:8787")],
        [("host", "127.0.0.1")],
        [("host", "127.0.0.1:80")],
        [("host", "127.0.0.1:8787.evil.example")],
        [("host", "[::1]:8787")],
        [HOST, ("host", "evil.example")],
        [HOST, HOST],
    ],
)
def test_another_host_is_refused(hosts):
    assert asked(f"/{TOKEN}/", *hosts)[0] == 421


@pytest.mark.parametrize(
    "headers",
    [
        [("origin", "http://evil.example")],
        [("origin", "null")],
        [("origin", "http://127.0.0.1:9999")],
        [("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "no-cors")],
        [
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-mode", "navigate"),
            ("sec-fetch-dest", "iframe"),
        ],
        [("sec-fetch-site", "same-site")],
    ],
)
def test_another_site_is_refused(headers):
    assert asked(f"/{TOKEN}/", HOST, *headers)[0] == 403


def test_its_own_requests_and_a_followed_link_are_not():
    own = [("origin", "http://127.0.0.1:8787"), ("sec-fetch-site", "same-origin")]
    assert asked(f"/{TOKEN}/", HOST, *own)[0] == 200
    link = [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-mode", "navigate"),
        ("sec-fetch-dest", "document"),
    ]
    assert asked(f"/{TOKEN}/", HOST, *link)[0] == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_it_only_reads(method):
    assert asked(f"/{TOKEN}/", HOST, method=method)[0] == 405


def test_a_fault_says_its_type_alone():
    status, _, body = asked(f"/{TOKEN}/broken", HOST)
    assert status == 500
    assert "ValueError" in body
    assert "SECRET" not in body


def test_an_error_of_the_library_says_what_to_do():
    answer = answer_to(BlobMissing("the object is gone", object_name="a/b.pack", hint="Repair it."))
    assert answer.status_code == 404
    assert b"Repair it." in answer.body
