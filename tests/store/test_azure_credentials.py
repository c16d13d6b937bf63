"""Connection strings, and tokens of azure-identity."""

import os
from types import SimpleNamespace

import pytest

from statebag.errors import ConfigurationError, NotPermitted, StoreUnavailable
from statebag.store import azure_credentials
from statebag.store.azure_credentials import azure_account
from statebag.store.object_storage import ObjectStorage
from tests.store.canned_server import canned_server, http_answer

KEY = "bm90IGEga2V5"
STRING = f"DefaultEndpointsProtocol=https;AccountName=acc;AccountKey={KEY}"
STORED = http_answer(201, ETag='"x"', Last_Modified="Sun, 22 Nov 2026 22:46:16 GMT")


@pytest.fixture
def environment(monkeypatch):
    for name in os.environ:
        if name.startswith(("AZURE_", "MSI_", "IDENTITY_")):
            monkeypatch.delenv(name)
    return monkeypatch


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (
            f"{STRING};EndpointSuffix=core.windows.net",
            {
                "endpoint": "https://acc.blob.core.windows.net",
                "account_name": "acc",
                "account_key": KEY,
            },
        ),
        (
            f"{STRING}==;EndpointSuffix=core.chinacloudapi.cn;",
            {
                "endpoint": "https://acc.blob.core.chinacloudapi.cn",
                "account_name": "acc",
                "account_key": f"{KEY}==",
            },
        ),
        (
            "BlobEndpoint=https://acc.blob.core.windows.net/;SharedAccessSignature=?sv=1&sig=a%3D",
            {
                "endpoint": "https://acc.blob.core.windows.net",
                "account_name": "acc",
                "sas_token": "sv=1&sig=a%3D",
            },
        ),
        (
            (
                f"accountname=devstoreaccount1;AccountKey={KEY};"
                "BlobEndpoint=http://127.0.0.1:10000/devstoreaccount1"
            ),
            {
                "endpoint": "http://127.0.0.1:10000/devstoreaccount1",
                "account_name": "devstoreaccount1",
                "account_key": KEY,
            },
        ),
        ("UseDevelopmentStorage=true", {"use_emulator": "true"}),
        ("", {}),
    ],
)
def test_connection_strings(text, found):
    assert azure_account({}, {"AZURE_STORAGE_CONNECTION_STRING": text}) == found
    assert azure_account({"connection_string": text}, {}) == found


@pytest.mark.parametrize("text", ["hunter2", "AccountKey=hunter2", "AccountName=a;hunter2"])
def test_what_is_no_connection_string_is_refused_and_not_quoted(environment, text):
    environment.setenv("AZURE_STORAGE_CONNECTION_STRING", text)
    with pytest.raises(ConfigurationError, match="AZURE_STORAGE_CONNECTION_STRING") as caught:
        ObjectStorage("az://box")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("source", ["option", "variable"])
def test_a_store_by_a_connection_string(environment, source):
    with canned_server(STORED) as (endpoint, requests):
        text = f"{STRING};BlobEndpoint={endpoint}/acc"
        options = {}
        if source == "option":
            options = {"connection_string": text}
        else:
            environment.setenv("AZURE_STORAGE_CONNECTION_STRING", text)
        ObjectStorage("az://box/p", options=options).put("a", b"data")
    assert requests[0].startswith("PUT /acc/box/p/a HTTP/1.1")
    assert "sharedkey acc:" in requests[0].lower()


@pytest.fixture
def chain(environment):
    """Stands for azure-identity's chain, which asks servers that are not here."""
    made = []

    class Chain:
        failure = None

        def __init__(self):
            made.append(self)

        def get_token(self, scope):
            assert scope == "https://storage.azure.com/.default"
            if Chain.failure:
                raise Chain.failure
            return SimpleNamespace(token=f"TOKEN{len(made)}", expires_on=4_070_908_800)

    environment.setattr(azure_credentials, "_chain", Chain)
    environment.setenv("AZURE_STORAGE_ACCOUNT_NAME", "acc")
    return Chain


def test_a_token_where_nothing_else_is_given(chain):
    with canned_server(STORED) as (endpoint, requests):
        ObjectStorage("az://box/p", options={"endpoint": endpoint}).put("a", b"data")
    assert "authorization: bearer token1" in requests[0].lower()


def test_a_token_that_is_refused_is_replaced_once(chain):
    with canned_server(http_answer(401)) as (endpoint, requests):
        store = ObjectStorage("az://box/p", options={"endpoint": endpoint})
        with pytest.raises(NotPermitted):
            store.get("a")
    assert ["token1" in one.lower() for one in requests] == [True, False]


@pytest.mark.parametrize(
    ("name", "kind"),
    [("ClientAuthenticationError", NotPermitted), ("ServiceRequestError", StoreUnavailable)],
)
def test_no_token(chain, name, kind):
    chain.failure = type(name, (Exception,), {})("hunter2")
    with pytest.raises(kind, match=f"no credentials.*{name}") as caught:
        ObjectStorage("az://box/p", options={"endpoint": "http://127.0.0.1:1"}).get("a")
    assert "hunter2" not in str(caught.value)


def test_keys_are_used_before_tokens(chain, environment):
    environment.setenv("AZURE_STORAGE_ACCOUNT_KEY", KEY)
    with canned_server(STORED) as (endpoint, requests):
        ObjectStorage("az://box/p", options={"endpoint": endpoint}).put("a", b"data")
    assert "sharedkey" in requests[0].lower()
