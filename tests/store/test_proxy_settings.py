"""The way to a server that the variables about proxies name, beside boto3's."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from statebag.store.proxy_settings import proxy_settings
from tests.store.beside_the_sdk import calls_of_boto3, calls_of_the_store
from tests.store.recording_proxy import Asked, answer_as_s3

UNSET = None
NO_OTHER = {"http_proxy": UNSET, "HTTP_PROXY": UNSET}
NONE = {**NO_OTHER, "https_proxy": UNSET, "HTTPS_PROXY": UNSET}


@pytest.fixture(scope="module")
def direct():
    """A server that the requests reach without the proxy: its port, and what it was asked."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def one(self):
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            path, _, query = self.path.partition("?")
            asked.append(Asked(self.command, "", path, query, {}, body))
            status, data, headers = answer_as_s3(asked[-1])
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            if status != 204:
                self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_PUT = do_HEAD = do_DELETE = one  # noqa: N815  # as http.server names them

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port, asked
    server.shutdown()
    server.server_close()
    thread.join()


# In a value, PORT is that of the server and PROXY the address of the proxy.
WAYS = {
    "an address": ("127.0.0.1", {"NO_PROXY": "127.0.0.1"}),
    "among others, with spaces": ("127.0.0.1", {"NO_PROXY": "x, 127.0.0.1 ,y"}),
    "all": ("127.0.0.1", {"NO_PROXY": "*"}),
    "all, by name": ("localhost", {"NO_PROXY": "*"}),
    "nothing": ("127.0.0.1", {"NO_PROXY": ""}),
    "commas": ("127.0.0.1", {"NO_PROXY": ",,"}),
    "a network": ("127.0.0.1", {"NO_PROXY": "127.0.0.0/8"}),
    "with the port": ("127.0.0.1", {"NO_PROXY": "127.0.0.1:PORT"}),
    "with another port": ("127.0.0.1", {"NO_PROXY": "127.0.0.1:1"}),
    "an end of an address": ("127.0.0.1", {"NO_PROXY": ".0.0.1"}),
    "an end without a dot": ("127.0.0.1", {"NO_PROXY": "0.0.1"}),
    "a pattern": ("127.0.0.1", {"NO_PROXY": "127.*"}),
    "a name": ("localhost", {"NO_PROXY": "localhost"}),
    "a name in capitals": ("localhost", {"NO_PROXY": "LOCALHOST"}),
    "a name with a dot before": ("localhost", {"NO_PROXY": ".localhost"}),
    "a name with a star": ("localhost", {"NO_PROXY": "*.localhost"}),
    "a name with the port": ("localhost", {"NO_PROXY": "localhost:PORT"}),
    "a part of a name": ("localhost", {"NO_PROXY": "host"}),
    "small letters": ("127.0.0.1", {"no_proxy": "127.0.0.1"}),
    "small letters win": ("127.0.0.1", {"no_proxy": "127.0.0.1", "NO_PROXY": "x"}),
    "capitals lose": ("127.0.0.1", {"no_proxy": "x", "NO_PROXY": "127.0.0.1"}),
    "a proxy in small letters": ("127.0.0.1", {"HTTP_PROXY": UNSET}),
    "a proxy in capitals": ("127.0.0.1", {"http_proxy": UNSET}),
    "two proxies": ("127.0.0.1", {"HTTP_PROXY": "http://127.0.0.1:1"}),
    "an empty one wins": ("127.0.0.1", {"http_proxy": ""}),
    "one for TLS alone": ("127.0.0.1", NO_OTHER),
    "one for all": ("127.0.0.1", {**NONE, "ALL_PROXY": "PROXY"}),
    "a dead one for all": ("127.0.0.1", {**NONE, "all_proxy": "http://127.0.0.1:1"}),
    "a proxy without a scheme": ("127.0.0.1", {"HTTP_PROXY": "BARE", "http_proxy": "BARE"}),
    "a proxy with a slash": ("127.0.0.1", {"HTTP_PROXY": "PROXY/", "http_proxy": "PROXY/"}),
}


@pytest.mark.parametrize("name", WAYS)
def test_the_way_is_that_of_boto3(proxy, settings, direct, monkeypatch, name):
    port, asked = direct
    host, variables = WAYS[name]
    settings(AWS_DEFAULT_REGION="eu-west-1", AWS_ENDPOINT_URL=f"http://{host}:{port}")
    for key, value in variables.items():
        if value is UNSET:
            monkeypatch.delenv(key, raising=False)
            continue
        text = value.replace("PORT", str(port)).replace("PROXY", proxy.url)
        monkeypatch.setenv(key, text.replace("BARE", proxy.url.partition("//")[2]))
    by_proxy, by_itself = [], []
    for calls in (calls_of_boto3, calls_of_the_store):
        by_proxy.append([one.place[:3] for one in calls(proxy, "my-bucket")])
        by_itself.append([one.path for one in asked])
        asked.clear()
    assert by_proxy[0] == by_proxy[1]
    assert by_itself[0] == by_itself[1]
    assert len(by_proxy[1]) + len(by_itself[1]) == 5


def test_a_proxy_for_tls_with_a_password(proxy, settings, monkeypatch):
    settings(AWS_DEFAULT_REGION="eu-west-1")
    for name in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, proxy.url.replace("//", "//us%40er:p%3Aw@"))
    assert len(calls_of_the_store(proxy, "my-bucket")) == 5


def test_options_win(proxy, settings, monkeypatch):
    settings(AWS_DEFAULT_REGION="eu-west-1")
    for name in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert len(calls_of_the_store(proxy, "my-bucket", proxy_url=proxy.url)) == 5


def test_without_variables_the_client_decides():
    assert proxy_settings("https://example.internal", {"HTTPS_PROXY": "", "AWS_REGION": "x"}) == {}


def test_a_server_of_ipv6(monkeypatch):
    for name in NONE:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("https_proxy", "http://proxy")
    monkeypatch.setenv("no_proxy", "[::1]:9000,example.internal")
    found = proxy_settings("https://[::1]:9000/b", {"https_proxy": "http://proxy"})
    assert found == {"proxy_url": "http://proxy", "proxy_excludes": "example.internal,::1"}
