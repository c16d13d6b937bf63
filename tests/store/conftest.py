"""boto3 and a store in one environment, behind a proxy that notes what each asks for."""

import os
import textwrap

import pytest

from statebag.store.object_storage import ObjectStorage
from tests.store.listing_server import listing_server


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    from tests.store.recording_proxy import recording_proxy  # it needs an extra

    with recording_proxy(tmp_path_factory.mktemp("proxy")) as proxy:
        yield proxy


@pytest.fixture
def proxy(running, monkeypatch, tmp_path):
    """The proxy, on the way to every server, in an environment without settings of AWS."""
    for name in os.environ:
        if name.startswith("AWS_") or name.upper() in {"NO_PROXY", "ALL_PROXY"}:
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, running.url)
    monkeypatch.setenv("AWS_CA_BUNDLE", running.authority)
    from tests.store.recording_proxy import answer_as_s3

    running.answer = answer_as_s3
    running.take()
    return running


@pytest.fixture
def settings(proxy, monkeypatch, tmp_path):
    """Set variables, the two files of AWS, and keys unless they are to come from elsewhere."""

    def use(config="", credentials="", *, keys=True, **variables):
        (tmp_path / ".aws").mkdir(exist_ok=True)
        for name, text in (("config", config), ("credentials", credentials)):
            if text:
                (tmp_path / ".aws" / name).write_text(textwrap.dedent(text))
        if keys:
            monkeypatch.setenv("AWS_ACCESS_KEY_ID", "THEKEY")
            monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "the-secret")
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    return use


@pytest.fixture
def environment(monkeypatch):
    for name in ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "THEKEY")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "the-secret")
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    return monkeypatch


@pytest.fixture
def listed(monkeypatch):
    """A store whose listings are pages of a function; with the requests so far."""
    opened = []

    def make(page, *, in_order=False):
        monkeypatch.delenv("AWS_ENDPOINT_URL_S3", raising=False)
        serving = listing_server(page)
        endpoint, asked = serving.__enter__()
        opened.append(serving)
        for name, value in {
            "AWS_ACCESS_KEY_ID": "K",
            "AWS_SECRET_ACCESS_KEY": "s",
            "AWS_REGION": "eu-central-1",
            "AWS_ENDPOINT_URL": endpoint,
        }.items():
            monkeypatch.setenv(name, value)
        store = ObjectStorage("s3://b/p")
        store._lists_in_order = in_order  # as that of S3 itself
        return store, asked

    yield make
    for serving in opened:
        serving.__exit__(None, None, None)


@pytest.fixture
def server(proxy, settings, monkeypatch):
    """A server that is reached without TLS and without the words of a proxy."""
    for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name)
    settings(AWS_DEFAULT_REGION="eu-west-1", AWS_ENDPOINT_URL_S3=proxy.url)
    return proxy
