"""boto3 and a store in one environment, behind a proxy that notes what each asks for."""

import os
import textwrap

import pytest


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
