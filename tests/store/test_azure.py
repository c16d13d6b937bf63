"""The contract on Azure's own API, where its emulator is installed (`make azurite`)."""

import base64
import hmac
import os
import shutil
import subprocess
import time
import urllib.request
import uuid
from email.utils import formatdate
from http import HTTPStatus
from pathlib import Path

import pytest

from statebag import ConfigurationError
from statebag.store.object_storage import ObjectStorage
from tests.conftest import free_ports
from tests.store.client_contract import ClientContract, live_through_damage_and_loss

# The account that every Azurite has (its documentation, "Default storage account").
ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
START_SECONDS = 240


@pytest.fixture(scope="session")
def azurite():
    """The options of a store on a running emulator that has the container `box`."""
    own = Path(__file__).parents[2] / ".azurite" / "node_modules" / ".bin"
    program = shutil.which("azurite-blob", path=own) or shutil.which("azurite-blob")
    if program is None:
        left_out = pytest.fail if os.environ.get("CI") else pytest.skip
        left_out("needs the program `azurite-blob` of the package azurite: `make azurite`")
    port = str(free_ports(1)[0])
    arguments = ["--blobPort", port, "--inMemoryPersistence", "--skipApiVersionCheck", "--silent"]
    process = subprocess.Popen([program, *arguments], stdout=subprocess.DEVNULL)
    endpoint = f"http://127.0.0.1:{port}/{ACCOUNT}"
    try:
        until = time.monotonic() + START_SECONDS
        while True:
            try:
                make_container(endpoint, "box")
                break
            except OSError as error:
                if getattr(error, "code", 0) == HTTPStatus.CONFLICT:
                    break  # made by a request whose answer came too late
                if time.monotonic() > until or process.poll() is not None:
                    raise
                time.sleep(0.1)
        yield {"account_name": ACCOUNT, "account_key": KEY, "endpoint": endpoint}
    finally:
        process.kill()
        process.wait()


def make_container(endpoint, name):
    """Create Container, signed with the account's key as the Blob service's reference says."""
    headers = {"x-ms-date": formatdate(usegmt=True), "x-ms-version": "2023-11-03"}
    signed = "".join(f"{key}:{value}\n" for key, value in headers.items())
    # The lines between are headers that the request has not: lengths, types, conditions.
    resource = f"/{ACCOUNT}/{ACCOUNT}/{name}\nrestype:container"
    text = "PUT" + "\n" * 12 + signed + resource
    digest = hmac.digest(base64.b64decode(KEY), text.encode(), "sha256")
    headers["Authorization"] = f"SharedKey {ACCOUNT}:{base64.b64encode(digest).decode()}"
    url = f"{endpoint}/{name}?restype=container"
    request = urllib.request.Request(url, method="PUT", data=b"", headers=headers)
    request.add_unredirected_header("Content-type", "")
    urllib.request.urlopen(request, timeout=5).close()


@pytest.fixture
def store(azurite):
    return ObjectStorage(f"az://box/{uuid.uuid4().hex}", options=azurite)


class TestAzureContract(ClientContract):
    @pytest.fixture(autouse=True)
    def _place(self, azurite):
        self.options, self.url = azurite, f"az://box/{uuid.uuid4().hex}"


def test_a_state_is_sealed_opened_damaged_and_lost(store):
    live_through_damage_and_loss(store)


def test_a_missing_container_is_a_wrong_setting(azurite):
    store = ObjectStorage("az://nobox/prefix", options=azurite)
    for call in (lambda: store.get("a/b"), lambda: store.put("a/b", b""), lambda: [*store.list()]):
        with pytest.raises(ConfigurationError):
            call()
