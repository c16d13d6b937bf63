import logging
import traceback

import pytest

from statebag.errors import (
    BlobCorrupt,
    BlobMissing,
    ConfigurationError,
    NotPermitted,
    StatebagError,
    StoreUnavailable,
)
from statebag.store.object_storage import ObjectStorage
from tests.store.canned_server import META, canned_server, http_answer

CALLS = {
    "put": lambda store: store.put("scope/a", b"data"),
    "get": lambda store: store.get("scope/a"),
    "get_ranges": lambda store: store.get_ranges("scope/a", [(0, 2)]),
    "head": lambda store: store.head("scope/a"),
    "list": lambda store: list(store.list()),
    "list below": lambda store: list(store.list("scope")),
    "delete": lambda store: store.delete("scope/a"),
}
every_call = pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)


def full_text(error):
    """All that a log of this error would hold."""
    return "".join(traceback.format_exception(error))


@pytest.mark.s3
class TestOnARealServer:
    @every_call
    def test_wrong_credentials_are_not_permitted(self, s3_store_url, monkeypatch, call):
        for key, secret in (("WRITERKEY", "hunter2"), ("HUNTER2KEY", "writer-secret")):
            monkeypatch.setenv("AWS_ACCESS_KEY_ID", key)
            monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", secret)
            with pytest.raises(NotPermitted) as caught:
                call(ObjectStorage(s3_store_url))
            assert "redentials" in caught.value.hint
            assert "hunter2" not in full_text(caught.value).lower()

    def test_a_reader_may_read_and_not_write(self, s3_server, s3_store_url, monkeypatch):
        ObjectStorage(s3_store_url).put("scope/a", b"0123")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", s3_server.reader_key)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", s3_server.reader_secret)
        store = ObjectStorage(s3_store_url)
        assert store.get("scope/a") == b"0123"
        assert store.get_ranges("scope/a", [(1, 2)]) == [b"12"]
        assert [info.name for info in store.list()] == ["scope/a"]
        assert store.head("scope/b") is None
        with pytest.raises(NotPermitted, match="403"):
            store.put("scope/a", b"data")
        with pytest.raises(NotPermitted, match="AccessDenied"):
            store.delete("scope/a")
        assert store.get("scope/a") == b"0123"

    @every_call
    def test_a_missing_bucket_is_a_wrong_setting(self, s3_store_url, call):
        with pytest.raises(ConfigurationError, match="no such bucket"):
            call(ObjectStorage("s3://no-such-bucket/prefix"))

    def test_a_missing_object_is_not_taken_for_a_missing_bucket(self, s3_store_url):
        store = ObjectStorage(s3_store_url)
        assert store.head("scope/a") is None
        with pytest.raises(BlobMissing):
            store.get("scope/a")

    def test_a_span_that_begins_past_the_end(self, s3_store_url):
        store = ObjectStorage(s3_store_url)
        store.put("scope/a", b"0123456789")
        with pytest.raises(BlobCorrupt, match="ends before"):
            store.get_ranges("scope/a", [(10_000_000, 5)])

    def test_spans_merged_into_one_request_that_end_past_the_end(self, s3_store_url, capfd):
        # The client aborts with a message of its own where it is left to cut such an answer.
        store = ObjectStorage(s3_store_url)
        store.put("scope/a", b"0123456789")
        with pytest.raises(BlobCorrupt, match="offset 12"):
            store.get_ranges("scope/a", [(0, 3), (12, 5)])
        assert capfd.readouterr().err == ""

    def test_two_prefixes_of_a_bucket_are_two_stores(self, s3_store_url):
        one, two = ObjectStorage(s3_store_url + "/one"), ObjectStorage(s3_store_url + "/on")
        one.put("a", b"1")
        assert two.head("a") is None
        assert list(two.list()) == []
        assert [info.name for info in one.list()] == ["a"]
        assert [info.name for info in ObjectStorage(s3_store_url).list()] == ["one/a"]

    def test_options_win_over_the_environment(self, s3_server, s3_store_url, monkeypatch):
        for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"):
            monkeypatch.setenv(name, "http://127.0.0.1:1")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
        options = {"endpoint": s3_server.endpoint, "secret_access_key": s3_server.secret}
        store = ObjectStorage(s3_store_url, options=options)
        store.put("a", b"data")
        assert store.get("a") == b"data"

    def test_the_endpoint_of_the_service_wins_over_the_general_one(
        self, s3_server, s3_store_url, monkeypatch
    ):
        monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", s3_server.endpoint)
        ObjectStorage(s3_store_url).put("a", b"data")

    def test_credentials_of_a_profile(self, s3_server, s3_store_url, monkeypatch, tmp_path):
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.delenv(name)
        file = tmp_path / "credentials"
        file.write_text(
            f"[work]\naws_access_key_id = {s3_server.key}\n"
            f"aws_secret_access_key = {s3_server.secret}\n"
        )
        monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))
        monkeypatch.setenv("AWS_PROFILE", "work")
        store = ObjectStorage(s3_store_url)
        store.put("a", b"data")
        assert store.get("a") == b"data"

    def test_a_profile_that_does_not_exist_is_a_wrong_setting(self, s3_store_url, monkeypatch):
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.delenv(name)
        monkeypatch.setenv("AWS_PROFILE", "no-such-profile")
        with pytest.raises(ConfigurationError, match=r"no credentials|the profile 'no-such"):
            ObjectStorage(s3_store_url)

    @every_call
    def test_nothing_is_logged_with_a_secret(self, s3_server, s3_store_url, caplog, capfd, call):
        caplog.set_level(logging.DEBUG)
        store = ObjectStorage(s3_store_url)
        store.put("scope/a", b"data")
        call(store)
        logged = caplog.text + "".join(capfd.readouterr()) + repr(store) + store.url
        assert s3_server.secret not in logged
        assert s3_server.key not in logged


@every_call
def test_nobody_listening_is_unavailable(environment, call):
    environment.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    with pytest.raises(StoreUnavailable, match="no connection"):
        call(ObjectStorage("s3://bucket/prefix"))


@every_call
def test_no_answer_within_the_timeout_is_unavailable(environment, call):
    with canned_server(b"", silent=True) as (endpoint, requests):
        environment.setenv("AWS_ENDPOINT_URL", endpoint)
        with pytest.raises(StoreUnavailable, match="timeout"):
            call(ObjectStorage("s3://bucket/prefix", options={"timeout": "200ms"}))
        assert len(requests) == 1, "the client must not retry: that is RetryingStore's business"


REFUSAL = b"<Error><Code>%s</Code><Message>THEKEY sent StringToSign=abc</Message></Error>"


@every_call
@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (500, b"InternalError", StoreUnavailable),
        (502, b"", StoreUnavailable),
        (503, b"SlowDown", StoreUnavailable),
        (507, b"", StoreUnavailable),
        (429, b"TooManyRequests", StoreUnavailable),
        (408, b"", StoreUnavailable),
        (409, b"OperationAborted", StoreUnavailable),
        (400, b"RequestTimeout", StoreUnavailable),
        (400, b"BadDigest", StoreUnavailable),
        (400, b"ThrottlingException", StoreUnavailable),
        (400, b"Throttling", StoreUnavailable),
        (400, b"RequestLimitExceeded", StoreUnavailable),
        (403, b"SlowDown", StoreUnavailable),
        (400, b"KMS.ThrottlingException", StoreUnavailable),
        (400, b"KMS.KMSInternalException", StoreUnavailable),
        (400, b"KMS.DisabledException", ConfigurationError),
        (400, b"KMS.NotFoundException", ConfigurationError),
        (400, b"KMS.AccessDeniedException", NotPermitted),
        (401, b"", NotPermitted),
        (403, b"SignatureDoesNotMatch", NotPermitted),
        (400, b"ExpiredToken", NotPermitted),
        (403, b"RequestTimeTooSkewed", NotPermitted),
        (400, b"InvalidRequest", ConfigurationError),
        (405, b"MethodNotAllowed", ConfigurationError),
        (301, b"PermanentRedirect", ConfigurationError),
    ],
)
def test_refusals(environment, call, status, code, kind):
    answer = http_answer(status, REFUSAL % code)
    with canned_server(answer) as (endpoint, requests):
        environment.setenv("AWS_ENDPOINT_URL", endpoint)
        store = ObjectStorage("s3://bucket/prefix")
        # A HEAD's answer has no body, so no code tells what it is about: then a GET asks again.
        bodiless = call in (CALLS["head"], CALLS["list below"])
        with pytest.raises(kind) as caught:
            call(store)
        if status != 301:  # after which the bucket is asked where it is
            assert len(requests) == (2 if bodiless and status in {400, 401, 403, 405} else 1)
    text = full_text(caught.value)
    for secret in ("THEKEY", "the-secret", "StringToSign", "list-type", "delete=", endpoint):
        assert secret not in text
    if status in {400, 403, 405} or (not bodiless and status != 301):
        assert code.decode() in caught.value.message
    assert "s3://bucket/prefix" in caught.value.message
    about = {CALLS["list"]: None, CALLS["list below"]: "scope"}
    assert caught.value.object_name == about.get(call, "scope/a")


def answered(environment, status, body, call="get"):
    """The error of a call, where the server answers this."""
    with canned_server(http_answer(status, body)) as (endpoint, _):
        environment.setenv("AWS_ENDPOINT_URL", endpoint)
        store = ObjectStorage("s3://bucket/prefix")
        try:
            CALLS[call](store)
        except StatebagError as error:
            return error
    raise AssertionError("it was accepted")


@pytest.mark.parametrize("call", ["get", "get_ranges"])
@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (
            403,
            b"<Error><Code>InvalidObjectState</Code><StorageClass>GLACIER</StorageClass></Error>",
            "the class GLACIER",
        ),
        (403, b"<Error><Code>InvalidObjectState</Code></Error>", "an archive class"),
        (409, b"<Error><Code>BlobArchived</Code></Error>", "an archive class"),
        (409, b"<Error><Code>BlobBeingRehydrated</Code></Error>", "an archive class"),
    ],
)
def test_an_archived_object(environment, call, status, body, words):
    error = answered(environment, status, body, call)
    assert isinstance(error, BlobMissing)
    assert error.is_archived
    assert words in error.message
    assert "restore-object" in error.hint


def test_an_archived_object_that_is_not_deleted_is_not_taken_for_gone(environment):
    error = answered(environment, 403, b"<Error><Code>InvalidObjectState</Code></Error>", "delete")
    assert isinstance(error, NotPermitted)


DENIED = (
    b"<Error><Code>AccessDenied</Code><Message>User: arn:aws:sts::1:assumed-role/hunter2/s is not "
    b"authorized to perform: %s on resource: hunter2</Message></Error>"
)


@pytest.mark.parametrize(
    ("status", "body", "hint"),
    [
        (403, DENIED % b"kms:GenerateDataKey", "kms:GenerateDataKey on the bucket's KMS key"),
        (403, DENIED % b"kms:Decrypt", "kms:Decrypt on the bucket's KMS key"),
        (403, DENIED % b"s3:PutObject", "Allow s3:PutObject to"),
        (400, b"<Error><Code>KMS.DisabledException</Code></Error>", "key is disabled: enable it"),
        (400, b"<Error><Code>KMS.NotFoundException</Code></Error>", "does not exist"),
        (400, b"<Error><Code>KMS.KMSInvalidStateException</Code></Error>", "pending deletion"),
        (400, b"<Error><Code>KMS.SomethingNewException</Code></Error>", "kms:Decrypt"),
        (
            400,
            (
                b"<Error><Code>InvalidRequest</Code><Message>Content-MD5 OR x-amz-checksum- HTTP "
                b"header is required for Put Object requests with Object Lock</Message></Error>"
            ),
            "checksum_algorithm",
        ),
        (
            400,
            b"<Error><Code>AuthorizationHeaderMalformed</Code><Region>eu-north-1</Region></Error>",
            "The bucket is in eu-north-1",
        ),
        (404, b"<Error><Code>NoSuchBucket</Code></Error>", "There is no such bucket"),
    ],
)
def test_what_to_do(environment, status, body, hint):
    error = answered(environment, status, body, "put")
    assert hint in error.hint
    assert "hunter2" not in full_text(error)


def test_a_region_that_is_wrong_says_so(environment):
    with canned_server(http_answer(301)) as (endpoint, _):
        environment.setenv("AWS_ENDPOINT_URL", endpoint)
        with pytest.raises(ConfigurationError) as caught:
            ObjectStorage("s3://bucket").get("a")
    assert "AWS_REGION" in caught.value.hint


@pytest.mark.parametrize("source", ["options", "environment"])
def test_encryption_settings_are_sent(environment, source):
    key = "arn:aws:kms:eu-central-1:123456789012:key/abcd"
    settings = {"server_side_encryption": "aws:kms", "sse_kms_key_id": key}
    if source == "environment":
        for name, value in settings.items():
            environment.setenv(f"AWS_{name.upper()}", value)
        settings = {}
    with canned_server(http_answer(200, ETag='"x"')) as (endpoint, requests):
        environment.setenv("AWS_ENDPOINT_URL", endpoint)
        ObjectStorage("s3://bucket/prefix", options=settings).put("a", b"data")
    assert "x-amz-server-side-encryption: aws:kms\r\n" in requests[0]
    assert f"x-amz-server-side-encryption-aws-kms-key-id: {key}\r\n" in requests[0]


def test_a_custom_endpoint_is_asked_path_style(environment):
    with canned_server(http_answer(200, ETag='"x"')) as (endpoint, requests):
        environment.setenv("AWS_ENDPOINT_URL", endpoint)
        ObjectStorage("s3://bucket/a/prefix").put("scope%20x/a", b"data")
    assert requests[0].startswith("PUT /bucket/a/prefix/scope%2520x/a HTTP/1.1\r\n")


def test_plain_http_is_only_for_endpoints_that_say_so(environment):
    # An https:// endpoint must never be asked without encryption.
    with canned_server(http_answer(200, b"data", **META)) as (endpoint, requests):
        environment.setenv("AWS_ENDPOINT_URL", endpoint.replace("http://", "https://"))
        with pytest.raises(StoreUnavailable):
            ObjectStorage("s3://bucket").get("a")
    assert not any("HTTP/1.1" in request for request in requests)


def test_no_credentials_from_the_provider_are_not_permitted(environment, tmp_path):
    # A profile whose credentials come from a program, which fails.
    file = tmp_path / "config"
    file.write_text("[profile broken]\ncredential_process = /bin/false hunter2\n")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        environment.delenv(name)
    environment.setenv("AWS_CONFIG_FILE", str(file))
    environment.setenv("AWS_PROFILE", "broken")
    with pytest.raises((NotPermitted, ConfigurationError), match="no credentials") as caught:
        ObjectStorage("s3://bucket").get("a")
    assert "hunter2" not in full_text(caught.value)


def test_a_machine_without_credentials_is_told_what_to_set(environment):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        environment.delenv(name)
    environment.setenv("AWS_METADATA_ENDPOINT", "http://127.0.0.1:1")
    # Without botocore the client asks the machine's metadata service, where nobody answers.
    environment.setattr("statebag.store.aws_sdk.is_installed", lambda: False)
    with pytest.raises(StoreUnavailable, match="metadata service") as caught:
        ObjectStorage("s3://bucket", options={"allow_http": "true"}).get("a")
    assert "AWS_ACCESS_KEY_ID" in caught.value.hint


class TestAzure:
    OPTIONS = {"account_name": "acc", "account_key": "bm90IGEga2V5"}  # noqa: RUF012 (never changed)

    def store(self, endpoint):
        return ObjectStorage("az://box/prefix", options={**self.OPTIONS, "endpoint": endpoint})

    def test_a_put_goes_to_the_container(self):
        answer = http_answer(201, ETag='"x"', Last_Modified=META["Last_Modified"])
        with canned_server(answer) as (endpoint, requests):
            self.store(endpoint).put("scope/a", b"data")
        assert "/box/prefix/scope/a HTTP/1.1" in requests[0].splitlines()[0]

    def test_a_missing_container_is_a_wrong_setting(self):
        body = b"<?xml version='1.0'?><Error><Code>ContainerNotFound</Code></Error>"
        with (
            canned_server(http_answer(404, body)) as (endpoint, _),
            pytest.raises(ConfigurationError, match="ContainerNotFound"),
        ):
            self.store(endpoint).get("a")

    @pytest.mark.parametrize(
        ("status", "kind"), [(202, None), (404, None), (403, NotPermitted), (503, StoreUnavailable)]
    )
    def test_a_delete_is_a_batch_whose_parts_have_a_status(self, status, kind):
        part = f"Content-Type: application/http\r\nContent-ID: 0\r\n\r\nHTTP/1.1 {status} X\r\n\r\n"
        body = f"--part\r\n{part}\r\n--part--\r\n".encode()
        answer = http_answer(202, body, Content_Type="multipart/mixed; boundary=part")
        with canned_server(answer) as (endpoint, _):
            if kind is None:
                self.store(endpoint).delete("a")
            else:
                with pytest.raises(kind, match=str(status)):
                    self.store(endpoint).delete("a")
