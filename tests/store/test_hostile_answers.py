"""Servers that answer rubbish, slowly, without end or not at all: typed errors, in time."""

import gc
import hashlib
import re
import resource
import socket
import sys
import time
import traceback
from base64 import b64encode
from contextlib import contextmanager, suppress
from threading import Event, Thread

import pytest

from statebag import Policy, Statebag, StatebagError, StoreUnavailable, step
from statebag.errors import ConfigurationError, NotPermitted
from statebag.store.memory import MemoryStore
from statebag.store.object_storage import ObjectStorage
from statebag.store.retrying import RetryingStore, deadline
from statebag.testing.process import forget
from statebag.upkeep.doctor import examine
from statebag.upkeep.fsck import fsck
from statebag.upkeep.gc import collect
from tests.bags import noise

# boto3 leaves connections that failed to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")

BODY = b"XYZZY-of-the-body"
# Seconds, far more than any deadline here: only a call that waits for its server takes so long.
TOO_LONG = 60
SILENT = 250
STATE = {"execution_id": "m/e", "text": noise(50_000)}


@pytest.fixture(autouse=True)
def _connections_are_collected():
    """Here, where they are expected, and not in a later test."""
    yield
    gc.collect()


@contextmanager
def server(answer, monkeypatch):
    """An S3 that answers each request by `answer(connection, head)`; gives the requests so far."""
    ended, heads, workers = Event(), [], []

    def serve(connection):
        with connection, suppress(OSError):
            while not ended.is_set():
                head = b""
                while b"\r\n\r\n" not in head:
                    received = connection.recv(65536)
                    if not received:
                        return
                    head += received
                head, _, body = head.partition(b"\r\n\r\n")
                told = re.search(rb"(?i)\ncontent-length: (\d+)", head)
                missing = int(told[1]) - len(body) if told else 0
                while missing > 0:
                    part = connection.recv(65536)
                    missing -= len(part)
                    body += part
                heads.append((head.decode("latin-1"), body))
                ended.head = heads[-1][0]
                if not answer(connection, ended):
                    return

    def accept():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            connection.settimeout(SILENT)
            workers.append(Thread(target=serve, args=(connection,), daemon=True))
            workers[-1].start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        Thread(target=accept, daemon=True).start()
        for name in ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
            monkeypatch.delenv(name, raising=False)
        for name, value in {
            "AWS_ACCESS_KEY_ID": "THEKEY",
            "AWS_SECRET_ACCESS_KEY": "the-secret",
            "AWS_REGION": "eu-central-1",
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{listener.getsockname()[1]}",
        }.items():
            monkeypatch.setenv(name, value)
        try:
            yield heads
        finally:
            ended.set()
            listener.shutdown(socket.SHUT_RDWR)


def head_of(status, *lines):
    start = [f"HTTP/1.1 {status} X", 'ETag: "x"', "Last-Modified: Wed, 21 Oct 2015 07:28:00 GMT"]
    return "\r\n".join([*start, *lines, "", ""]).encode()


def once(data):
    def answer(connection, _):
        connection.sendall(data)
        return False

    return answer


def length(data):
    return f"Content-Length: {len(data)}"


def drip(*lines, status=206):
    def answer(connection, ended):
        connection.sendall(head_of(status, *lines))
        while not ended.wait(0.2):
            connection.sendall(BODY[:1])
        return False

    return answer


def drip_of_the_range(connection, ended):
    """The range that was asked for, a byte at a time."""
    asked = re.search(r"(?i)\nrange: bytes=(\d+)-(\d+)", ended.head)
    if asked is None:
        return drip("Content-Length: 60000", status=200)(connection, ended)
    start, end = int(asked[1]), int(asked[2])
    return drip(f"Content-Length: {end - start + 1}", f"Content-Range: bytes {start}-{end}/99999")(
        connection, ended
    )


def drip_of_a_head(connection, ended):
    connection.sendall(b"HTTP/1.1 200 OK\r\nX-Long: ")
    while not ended.wait(0.2):
        connection.sendall(BODY[:1])
    return False


def flood(*lines, status=206):
    def answer(connection, ended):
        connection.sendall(head_of(status, *lines))
        chunk = b"100000\r\n" + BODY.ljust(1 << 20) + b"\r\n"
        for _ in range(2_000):
            if ended.is_set():
                break
            connection.sendall(chunk)
        return False

    return answer


def reset(connection, _):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    connection.close()
    return False


def silent(_, ended):
    ended.wait(SILENT)
    return False


HTML = b"<html><body>Please log in " + BODY + b"</body></html>"
RUBBISH = {
    "no HTTP": once(BODY * 100),
    "zeros": once(bytes(5000)),
    "nothing": once(b""),
    "a reset": reset,
    "half a head": once(b"HTTP/1.1 200 OK\r\nContent-Le"),
    "a page with 200": once(head_of(200, length(HTML)) + HTML),
    "a page with 206": once(head_of(206, length(HTML)) + HTML),
    "a page with 404": once(head_of(404, length(HTML)) + HTML),
    "a page with 403": once(head_of(403, length(HTML)) + HTML),
    "a page with 400": once(head_of(400, length(HTML)) + HTML),
    "a page with 503": once(head_of(503, length(HTML)) + HTML),
    "an empty 200": once(head_of(200, "Content-Length: 0")),
    "an empty 206": once(head_of(206, "Content-Length: 0", "Content-Range: bytes 0-9/10")),
    "a 204": once(head_of(204)),
    "a 100 alone": once(b"HTTP/1.1 100 Continue\r\n\r\n"),
    "a status of 999": once(head_of(999, length(BODY)) + BODY),
    "a redirect to itself": once(head_of(307, "Location: /", "Content-Length: 0")),
    "a redirect elsewhere": once(
        head_of(302, "Location: http://127.0.0.1:1/", length(BODY)) + BODY
    ),
    "a body cut short": once(head_of(200, "Content-Length: 5000") + BODY),
    "a range cut short": once(
        head_of(206, "Content-Length: 5000", "Content-Range: bytes 0-4999/5000") + BODY
    ),
    "a range of another place": once(
        head_of(206, length(BODY), f"Content-Range: bytes 70-{69 + len(BODY)}/900") + BODY
    ),
    "a range of nonsense": once(head_of(206, length(BODY), "Content-Range: bytes x-y/z") + BODY),
    "a range of huge numbers": once(
        head_of(206, length(BODY), f"Content-Range: bytes 0-{2**64}/{2**65}") + BODY
    ),
    "chunks of nonsense": once(head_of(200, "Transfer-Encoding: chunked") + b"zz\r\n" + BODY),
    "chunks of a negative length": once(head_of(206, "Transfer-Encoding: chunked") + b"-5\r\nab"),
    "a length of nonsense": once(head_of(200, "Content-Length: many") + BODY),
    "two lengths": once(head_of(200, "Content-Length: 5", "Content-Length: 7") + BODY),
    "a header of bytes": once(head_of(200, "X-\xff: \xff", length(BODY)) + BODY),
    "a time of nonsense": once(
        b"HTTP/1.1 200 OK\r\nLast-Modified: never\r\nContent-Length: 17\r\n\r\n" + BODY
    ),
    "XML of another kind": once(head_of(200, "Content-Length: 24") + b"<?xml version='1.0'?><a>"),
    "a handshake of TLS": once(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc" + BODY),
}


def sealed_elsewhere():
    forget()
    client = Statebag(MemoryStore(), policy=Policy(carry_bytes=0), signing_keys={})
    bag = client.seal(STATE, scope="m/e")
    forget()
    return bag


class LambdaContext:
    function_name = aws_request_id = "f"
    memory_limit_in_mb = 128
    invoked_function_arn = "arn:aws:lambda:eu-west-1:1:function:f"

    def get_remaining_time_in_millis(self):
        return 2_000


def public_calls(bag, policy):
    """Every call of a client, and of what looks after a store."""
    client = Statebag("s3://bucket/p", policy=policy, replicas=["s3://other/p"])
    details = {"Bucket": "bucket", "Key": "p/m/manifest.json"}

    def unpack():
        archive = Statebag(MemoryStore(), policy=policy, replicas=()).export(
            Statebag(MemoryStore(), policy=policy).seal(STATE, scope="m/e")
        )
        client.unpack(archive, "m/u")

    def write_array():
        writer = client.array_writer("m/w")
        writer.add(0, b'"x"' * 1)
        writer.finish()

    return {
        "open": lambda: client.open(bag, scope="m/e"),
        "open legacy": lambda: client.open({"s3_path": "s3://bucket/p/m/x"}, legacy=True),
        "get": lambda: client.get(bag, "text"),
        "open_each": lambda: list(client.open_each([bag] * 3)),
        "seal": lambda: client.seal({"text": noise(60_000)}, scope="m/s"),
        "seal healing": lambda: client.seal(STATE, scope="m/s", heal=True),
        "append": lambda: client.append(bag, "l", [noise(60_000)], scope="m/e"),
        "repair": lambda: client.repair(bag),
        "differences": lambda: client.differences({}, bag),
        "export": lambda: client.export(bag),
        "unpack": unpack,
        "map_results": lambda: list(client.map_results(details)),
        "array_writer": write_array,
        "fsck": lambda: fsck(client.store, bags={"bag": bag}),
        "gc": lambda: collect(client.store, dry_run=False),
        "doctor": lambda: list(examine(client.store)),
        "versions": lambda: list(ObjectStorage("s3://bucket/p").versions("a")),
    }


def check(name, call):
    """A call ends in time, by a typed error or an answer, and neither tells of a body."""
    forget()
    started = time.monotonic()
    causes = []
    try:
        call()
    except StatebagError as error:
        told = "".join(traceback.format_exception(error))
        assert BODY.decode() not in told, name
        assert "the-secret" not in told, name
        causes.append(error.__cause__)
    assert all(cause is None or isinstance(cause, StatebagError) for cause in causes), name
    seconds = time.monotonic() - started
    assert seconds < TOO_LONG, f"{name} took {seconds:.1f} s"


@pytest.mark.parametrize("answer", RUBBISH.values(), ids=RUBBISH)
def test_rubbish_is_a_typed_error_for_every_call(answer, monkeypatch, caplog):
    bag = sealed_elsewhere()
    with server(answer, monkeypatch):
        policy = Policy(carry_bytes=0, attempts=1, deadline_seconds=5)
        for name, call in public_calls(bag, policy).items():
            check(name, call)
    assert BODY.decode() not in caplog.text


SLOW = {
    "silent": silent,
    "a drip of a range": drip_of_the_range,
    "a drip of a page": drip("Content-Length: 60000", status=503),
    "a drip of a head": drip_of_a_head,
}


@pytest.mark.parametrize("answer", SLOW.values(), ids=SLOW)
def test_the_deadline_ends_what_is_slow(answer, monkeypatch):
    bag = sealed_elsewhere()
    bounded = ("open", "get", "seal", "append", "repair", "differences", "export")
    with server(answer, monkeypatch):
        calls = public_calls(bag, Policy(carry_bytes=0, deadline_seconds=1))
        for name in bounded:
            check(name, calls[name])


@pytest.mark.parametrize("action", ["put", "get"])
def test_a_lambda_is_told_before_it_is_ended(action, monkeypatch):
    bag = sealed_elsewhere()

    @step
    def handler(state, context):
        return {**state, "more": noise(60_000)}

    given = []
    monkeypatch.setattr(
        sys.modules["statebag.step"], "deadline", lambda one: given.append(one) or deadline(one)
    )
    with server(silent, monkeypatch):
        monkeypatch.setenv("STATEBAG_STORE", "s3://bucket/p")
        event = bag if action == "get" else {"execution_id": "m/e"}
        started = time.monotonic()
        with pytest.raises(StoreUnavailable):
            handler(event, LambdaContext())
        assert time.monotonic() - started < TOO_LONG
    assert set(given) == {1.5}  # half a second is left for the answer itself


def test_a_range_is_read_no_further_than_it_was_asked_for(monkeypatch):
    answers = {
        "longer": flood("Content-Length: 2000000000", "Content-Range: bytes 0-2999/9000"),
        "without end": flood("Transfer-Encoding: chunked", "Content-Range: bytes 0-2999/9000"),
        "of another range": flood("Transfer-Encoding: chunked", "Content-Range: bytes 0-9/10"),
    }
    for name, answer in answers.items():
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        with server(answer, monkeypatch):
            store = RetryingStore(ObjectStorage("s3://bucket/p"), attempts=1)
            with deadline(240), pytest.raises(StoreUnavailable) as caught:
                store.get_ranges("a", [(0, 3000)])
        if name == "longer":
            assert "more than the 3,000 bytes" in caught.value.message
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        assert grown < 60 * 1024, f"{name}: {grown} KB"


def test_a_whole_object_without_end_is_not_read(monkeypatch):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    answer = flood("Transfer-Encoding: chunked", status=200)
    with server(answer, monkeypatch), deadline(240), pytest.raises(StatebagError):
        ObjectStorage("s3://bucket/p").get("a")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 60 * 1024


@pytest.mark.parametrize(
    ("size", "body"),
    [
        (17, flood("Content-Length: 2000000000", status=200)),
        (17, flood("Transfer-Encoding: chunked", status=200)),
        (5000, once(head_of(200, length(BODY)) + BODY)),
    ],
    ids=["longer", "without end", "shorter"],
)
def test_an_earlier_version_is_read_no_further_than_it_is_listed(size, body, monkeypatch):
    page = (
        "<ListVersionsResult><IsTruncated>false</IsTruncated><Version><Key>p/a</Key>"
        f"<VersionId>1</VersionId><Size>{size}</Size></Version></ListVersionsResult>"
    ).encode()

    def answer(connection, ended):
        if "versions" in ended.head.split("\r\n")[0]:
            return once(head_of(200, length(page)) + page)(connection, ended)
        return body(connection, ended)

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with server(answer, monkeypatch), deadline(240), pytest.raises(StoreUnavailable):
        list(ObjectStorage("s3://bucket/p").versions("a"))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 90 * 1024  # boto3 is some


@pytest.mark.parametrize("option", [None, "sha256", "none"])
def test_a_put_carries_the_sha256_of_its_body(monkeypatch, option):
    data = noise(5_000).encode()
    with server(once(head_of(200, "Content-Length: 0")), monkeypatch) as requests:
        options = {} if option is None else {"checksum_algorithm": option}
        ObjectStorage("s3://bucket/p", options=options).put("a", data)
    ((head, body),) = requests
    assert body == data
    sent = [line for line in head.split("\r\n") if line.lower().startswith("x-amz-checksum-")]
    checksum = b64encode(hashlib.sha256(data).digest()).decode()
    assert sent == ([] if option == "none" else [f"x-amz-checksum-sha256: {checksum}"])


@pytest.mark.s3
def test_a_real_server_takes_the_checksum(s3_store_url, s3_server):
    data = noise(5_000).encode()
    ObjectStorage(s3_store_url).put("a", data)
    key = s3_store_url.split("/", 3)[3] + "/a"
    answer = s3_server.client().get_object(Bucket=s3_server.bucket, Key=key)
    assert answer["Body"].read() == data


def refusing(status, code, times):
    """An S3 that refuses its first requests, by a body that the answer to a HEAD cannot have."""
    body = f"<Error><Code>{code}</Code><Message>{BODY.decode()}</Message></Error>".encode()
    left = [times]

    def answer(connection, ended):
        left[0] -= 1
        if left[0] >= 0:
            is_head = ended.head.startswith("HEAD ")
            connection.sendall(head_of(status, length(body)) + (b"" if is_head else body))
        else:
            connection.sendall(head_of(200, "Content-Length: 4"))
            if not ended.head.startswith("HEAD "):
                connection.sendall(b"data")
        return True

    return answer


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "Throttling"),
        (400, "RequestLimitExceeded"),
        (400, "KMS.ThrottlingException"),
        (400, "KMS.KMSInternalException"),
        (400, "RequestTimeout"),
        (400, "\n SlowDown "),
        (403, "RequestThrottled"),
    ],
)
def test_a_look_up_in_a_busy_store_is_made_again(status, code, monkeypatch):
    """Without the body, a busy store looks like one that takes no such request."""
    with server(refusing(status, code, 5), monkeypatch) as heads:
        store = RetryingStore(ObjectStorage("s3://bucket"), sleep=lambda _: None)
        with deadline(60):
            found = store.head("scope/a")
    assert (found.name, found.size) == ("scope/a", 4)
    assert len(heads) == 6


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "ExpiredToken", NotPermitted),
        (403, "InvalidAccessKeyId", NotPermitted),
        (403, "AccessDenied", NotPermitted),
        (400, "MalformedXML", ConfigurationError),
    ],
)
def test_a_refused_look_up_says_why(status, code, kind, monkeypatch):
    answer = refusing(status, code, 100)
    with server(answer, monkeypatch) as heads, pytest.raises(kind, match=code) as caught:
        ObjectStorage("s3://bucket").head("scope/a")
    assert BODY.decode() not in str(caught.value)
    assert [head.split()[0] for head, _ in heads] == ["HEAD", "GET"]
