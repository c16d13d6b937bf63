"""Credentials that only google-auth understands: federation and impersonation."""

import json
import os
import sys

import pytest

from statebag.errors import ConfigurationError, NotPermitted, StoreUnavailable
from statebag.store.object_storage import ObjectStorage
from tests.store.canned_server import canned_server, http_answer
from tests.store.recording_proxy import OK, recording_proxy

SOURCE = {"type": "authorized_user", "client_id": "a", "client_secret": "b", "refresh_token": "c"}
IMPERSONATED = {
    "type": "impersonated_service_account",
    "service_account_impersonation_url": (
        "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/"
        "x@y.iam.gserviceaccount.com:generateAccessToken"
    ),
    "source_credentials": SOURCE,
}


def federated(folder):
    (folder / "subject").write_text("a-token")
    return {
        "type": "external_account",
        "audience": "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": "https://sts.googleapis.com/v1/token",
        "credential_source": {"file": str(folder / "subject")},
    }


@pytest.fixture
def environment(monkeypatch, tmp_path):
    for name in os.environ:
        if name.startswith(("GOOGLE_", "CLOUDSDK_", "STORAGE_EMULATOR")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    return monkeypatch


@pytest.fixture
def file(environment, tmp_path):
    """Write a file of credentials that the environment names."""

    def write(content):
        path = tmp_path / "credentials.json"
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        environment.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(path))

    return write


@pytest.mark.parametrize("kind", ["external_account", "impersonated_service_account"])
def test_without_google_auth_the_type_is_named(environment, file, kind):
    environment.setitem(sys.modules, "google.auth", None)
    file({"type": kind, "private": "hunter2"})
    with pytest.raises(ConfigurationError, match=f"{kind}.*google-auth") as caught:
        ObjectStorage("gs://bucket/p")
    assert "google-auth[requests]" in caught.value.hint
    assert "hunter2" not in str(caught.value)


def test_the_file_of_gcloud_is_looked_at_as_well(environment, tmp_path):
    environment.setitem(sys.modules, "google.auth", None)
    folder = tmp_path / ".config" / "gcloud"
    folder.mkdir(parents=True)
    (folder / "application_default_credentials.json").write_text(json.dumps(IMPERSONATED))
    with pytest.raises(ConfigurationError, match="impersonated_service_account"):
        ObjectStorage("gs://bucket/p")


@pytest.mark.parametrize("content", [SOURCE, {"no": "type"}, "no JSON", "[]"])
def test_other_files_are_the_clients_to_judge(environment, file, content):
    environment.setitem(sys.modules, "google.auth", None)
    file(content)
    said = ""
    try:
        ObjectStorage("gs://bucket/p")
    except ConfigurationError as error:
        said = str(error)
    assert "google-auth" not in said


@pytest.mark.parametrize("host", ["{}", "http://{}"])
def test_the_emulator_that_googles_own_libraries_know(environment, host):
    with canned_server(http_answer(200, ETag='"x"')) as (endpoint, requests):
        environment.setenv("STORAGE_EMULATOR_HOST", host.format(endpoint.removeprefix("http://")))
        ObjectStorage("gs://bucket/p").put("a", b"data")
    assert requests[0].startswith("PUT /bucket/p%2Fa HTTP/1.1")


@pytest.fixture
def google(environment, tmp_path):
    """A proxy on the way to all of Google's servers."""
    pytest.importorskip("google.auth", reason="needs google-auth[requests]")
    with recording_proxy(tmp_path) as proxy:
        for name in ("HTTPS_PROXY", "https_proxy"):
            environment.setenv(name, proxy.url)
        for name in ("NO_PROXY", "no_proxy"):
            environment.delenv(name, raising=False)
        environment.setenv("REQUESTS_CA_BUNDLE", proxy.authority)
        proxy.answer = answer
        yield proxy


def answer(asked):
    """What Google's servers answer."""
    told = {
        "sts.googleapis.com": {
            "access_token": "FEDERATED",
            "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
            "token_type": "Bearer",
            "expires_in": 3600,
        },
        "oauth2.googleapis.com": {"access_token": "SOURCE", "expires_in": 3600},
        "iamcredentials.googleapis.com": {
            "accessToken": "IMPERSONATED",
            "expireTime": "2099-01-01T00:00:00Z",
        },
    }.get(asked.host)
    if asked.host == "cloudresourcemanager.googleapis.com":
        return 403, b"{}", {}  # the project's name, which nobody needs
    if told is None:
        return OK
    return 200, json.dumps(told).encode(), {"Content-Type": "application/json"}


@pytest.mark.parametrize("kind", ["FEDERATED", "IMPERSONATED"])
def test_a_token_is_had_and_kept(google, file, tmp_path, kind):
    file(federated(tmp_path) if kind == "FEDERATED" else IMPERSONATED)
    store = ObjectStorage("gs://bucket/p")
    for _ in range(3):
        store.put("a", b"")
    asked = google.take()
    stored = [one for one in asked if one.host == "storage.googleapis.com"]
    assert [one.headers["authorization"] for one in stored] == [f"Bearer {kind}"] * 3
    givers = {one.host for one in asked} - {"storage.googleapis.com"}
    assert givers >= {"sts.googleapis.com"} or givers >= {"iamcredentials.googleapis.com"}


def test_a_token_that_is_refused(google, file, tmp_path):
    file(federated(tmp_path))
    google.answer = lambda _: (
        400,
        b'{"error": "invalid_grant", "error_description": "hunter2"}',
        {"Content-Type": "application/json"},
    )
    with pytest.raises(NotPermitted, match="no credentials") as caught:
        ObjectStorage("gs://bucket/p").put("a", b"")
    assert "hunter2" not in str(caught.value)


def test_a_token_service_that_does_not_answer(google, environment, file, tmp_path):
    file(federated(tmp_path))
    for name in ("HTTPS_PROXY", "https_proxy"):
        environment.setenv(name, "http://127.0.0.1:1")
    with pytest.raises(StoreUnavailable, match="no credentials"):
        ObjectStorage("gs://bucket/p").put("a", b"")


def test_a_token_refused_before_its_end_is_replaced_once(google, file, tmp_path):
    file(federated(tmp_path))
    google.answer = lambda asked: (
        (401, b"", {}) if asked.host == "storage.googleapis.com" else answer(asked)
    )
    with pytest.raises(NotPermitted, match="401"):
        ObjectStorage("gs://bucket/p").put("a", b"")
    hosts = [one.host for one in google.take() if one.host.startswith(("sts.", "storage."))]
    assert hosts == ["sts.googleapis.com", "storage.googleapis.com"] * 2
