import asyncio
import io
import json

import pytest

pytest.importorskip("temporalio.converter", reason="temporalio is not installed")

from google.protobuf import json_format
from temporalio.api.common.v1 import Payload, Payloads
from temporalio.converter import (
    DataConverter,
    ExternalStorage,
    StorageDriverActivityInfo,
    StorageDriverClaim,
    StorageDriverRetrieveContext,
    StorageDriverStoreContext,
    StorageDriverWorkflowInfo,
)

from statebag import (
    ConfigurationError,
    NotPermitted,
    Policy,
    Statebag,
    StatebagError,
    StoreUnavailable,
)
from statebag.integrations.temporal import PayloadEndpoints, StatebagDriver
from statebag.store.memory import MemoryStore
from statebag.testing.process import forget
from statebag.testing.recording_store import RecordingStore
from tests.bags import noise

KEYS = {"one": b"k" * 32}
WORKFLOW = StorageDriverWorkflowInfo(namespace="ns", id="wf/1", run_id="r", type="T")


@pytest.fixture
def objects():
    forget()
    return RecordingStore(MemoryStore())


@pytest.fixture
def driver(objects):
    return StatebagDriver(Statebag(objects, signing_keys=KEYS, policy=Policy(attempts=1)))


def run(work):
    return asyncio.run(asyncio.wait_for(work, 60))


def payload(data, **metadata):
    return Payload(metadata={name: value.encode() for name, value in metadata.items()}, data=data)


def stored(driver, *payloads, target=WORKFLOW):
    return run(driver.store(StorageDriverStoreContext(target=target), payloads))


def retrieved(driver, *claims):
    return run(driver.retrieve(StorageDriverRetrieveContext(), claims))


PAYLOADS = [
    payload(b""),
    payload(b'{"a":1}', encoding="json/plain"),
    payload(b'{"a": 1}', encoding="json/plain"),
    payload('{"a":"é"}'.encode(), encoding="json/plain"),
    payload(b'{"a":NaN}', encoding="json/plain"),
    payload(b'{"a":1,"a":2}', encoding="json/plain"),
    payload(b"\x00\xff" * 300_000, encoding="binary/plain", other="x"),
    payload(json.dumps([noise(600_000)], separators=(",", ":")).encode(), encoding="json/plain"),
]


def test_payloads_come_back_and_their_claims_are_small(driver):
    claims = stored(driver, *PAYLOADS)
    assert max(len(claim.claim_data["bag"]) for claim in claims) <= 8 * 1024
    forget()
    assert retrieved(driver, *claims) == PAYLOADS
    assert retrieved(driver) == []


def test_equal_payloads_are_written_once_and_a_change_costs_the_change(driver, objects):
    state = [{"n": n, "text": noise(4000, n)} for n in range(200)]
    one = payload(json.dumps(state, separators=(",", ":")).encode(), encoding="json/plain")
    stored(driver, one, one)
    whole = sum(call.size for call in objects.of("put"))
    objects.forget()
    stored(driver, one)
    assert objects.of("put") == []
    state.append({"n": 200, "text": noise(4000, 200)})
    stored(driver, payload(json.dumps(state, separators=(",", ":")).encode()))
    assert sum(call.size for call in objects.of("put")) < whole / 8


@pytest.mark.parametrize(
    ("target", "scope"),
    [
        (WORKFLOW, "temporal/ns/workflow/wf%3A1/"),
        (StorageDriverActivityInfo(namespace="ns", id="a"), "temporal/ns/activity/a/"),
        (StorageDriverWorkflowInfo(namespace="", id=None), "temporal/default/workflow/unknown/"),
        (StorageDriverWorkflowInfo(namespace="..", id="x" * 500), "temporal/5ec1"),
        (StorageDriverWorkflowInfo(namespace="n", id="a\nb"), "temporal/n/workflow/"),
        (StorageDriverWorkflowInfo(namespace="\u0378", id="i"), "temporal/%CD%B8/workflow/i/"),
        (StorageDriverWorkflowInfo(namespace="n", id="\u202e"), "temporal/n/workflow/3b9e"),
        (None, "temporal/unknown/"),
    ],
)
def test_objects_go_below_their_workflow(driver, objects, target, scope):
    claims = stored(driver, PAYLOADS[-1], target=target)
    names = [info.name for info in objects.list()]
    assert names
    assert all(name.startswith(scope[:12]) for name in names)
    if "5ec1" not in scope:
        assert all(name.startswith(scope) for name in names)
    assert retrieved(driver, *claims) == [PAYLOADS[-1]]


def test_it_needs_signatures_or_says_why_not(objects):
    with pytest.raises(ConfigurationError, match="no signing keys") as caught:
        StatebagDriver(Statebag(objects))
    assert "STATEBAG_SIGNING_KEYS" in caught.value.hint
    unsigned = StatebagDriver(Statebag(objects), allow_unsigned=True)
    claims = stored(unsigned, PAYLOADS[-1])
    assert retrieved(unsigned, *claims) == [PAYLOADS[-1]]


def test_a_claim_that_nobody_signed_is_refused(driver, objects):
    (claim,) = stored(StatebagDriver(Statebag(objects), allow_unsigned=True), PAYLOADS[-1])
    with pytest.raises(NotPermitted):
        retrieved(driver, claim)
    (signed,) = stored(driver, PAYLOADS[-1])
    forged = signed.claim_data["bag"].replace("wf%3A1", "wf%3A2")
    with pytest.raises(StatebagError):
        retrieved(driver, StorageDriverClaim(claim_data={"bag": forged}))


@pytest.mark.parametrize("data", [{}, {"key": "x"}, {"bag": "1"}, {"bag": "{}"}, {"bag": "{"}])
def test_a_claim_of_something_else(driver, data):
    with pytest.raises(StatebagError):
        retrieved(driver, StorageDriverClaim(claim_data=data))


def test_with_the_sdks_converter(driver):
    converter = DataConverter(
        external_storage=ExternalStorage(drivers=[driver], payload_size_threshold=1000)
    )

    async def work():
        value = {"text": noise(500_000), "n": 1}
        (encoded,) = await converter.encode([value])
        assert encoded.ByteSize() < 10_000
        (decoded,) = await converter.decode([encoded])
        assert decoded == value
        return encoded

    assert driver.name() == driver.type() == "statebag"
    assert run(work()).external_payloads[0].size_bytes > 500_000


def test_references_of_both_forms_are_resolved_in_one_call(driver):
    """The older form is in the histories of workflows that began before the newer one."""
    (claim,) = stored(driver, payload(b'"older"', encoding="json/plain"))
    older = payload(
        json.dumps(
            {"driver_name": driver.name(), "driver_claim": {"claim_data": dict(claim.claim_data)}}
        ).encode(),
        encoding="json/external-storage-reference",
    )
    older.external_payloads.add().size_bytes = 7
    converter = DataConverter(
        external_storage=ExternalStorage(drivers=[driver], payload_size_threshold=50)
    )

    async def work():
        newer, inline = await converter.encode(["newer" * 100, "inline"])
        assert newer.external_payloads
        assert not inline.external_payloads
        return await converter.decode([older, newer, inline], [str, str, str])

    assert run(work()) == ["older", "newer" * 100, "inline"]


class TestEndpoints:
    @pytest.fixture
    def reference(self, driver):
        converter = DataConverter(
            external_storage=ExternalStorage(drivers=[driver], payload_size_threshold=1000)
        )
        (encoded,) = run(converter.encode([{"text": noise(500_000)}]))
        return encoded

    @pytest.fixture
    def app(self, driver):
        return PayloadEndpoints([driver])

    def ask(self, app, path, payloads, *, query="", method="POST", body=None):
        if body is None:
            body = json_format.MessageToJson(Payloads(payloads=payloads)).encode()
        said = []
        (answer,) = app(
            {
                "PATH_INFO": path,
                "QUERY_STRING": query,
                "REQUEST_METHOD": method,
                "CONTENT_LENGTH": str(len(body)),
                "wsgi.input": io.BytesIO(body),
            },
            lambda status, headers: said.append((status, dict(headers))),
        )
        ((status, headers),) = said
        assert headers["Content-Type"] == "application/json"
        assert int(headers["Content-Length"]) == len(answer)
        code = int(status.split()[0])
        if code != 200:
            return code, json.loads(answer)["error"]
        return code, list(json_format.Parse(answer, Payloads()).payloads)

    def test_decode_and_download_give_the_stored_payload(self, app, reference):
        plain = payload(b"1", encoding="json/plain")
        forget()
        code, (found, same) = self.ask(app, "/ns/decode", [reference, plain])
        assert code == 200
        assert json.loads(found.data) == {"text": noise(500_000)}
        assert same == plain
        assert self.ask(app, "/download", [reference]) == (200, [found])
        as_the_ui_asks = "preserveStorageRefs=true"
        assert self.ask(app, "/download", [reference], query=as_the_ui_asks) == (200, [found])
        assert self.ask(app, "/decode", [reference], query=as_the_ui_asks) == (200, [reference])
        assert self.ask(app, "/encode", [plain]) == (200, [plain])

    def test_a_codec_of_the_workers_is_undone(self, driver, reference):
        def upper(payloads):
            return [payload(one.data.upper()) for one in payloads]

        app = PayloadEndpoints([driver], upper)
        code, (found, one) = self.ask(app, "/decode", [reference, payload(b"a")])
        assert (code, one.data) == (200, b"A")
        assert found.data.startswith(b'{"TEXT":')
        query = "preserveStorageRefs=true"
        code, (kept, one) = self.ask(app, "/decode", [reference, payload(b"a")], query=query)
        assert (kept, one.data) == (reference, b"A")

    def test_what_it_refuses(self, app, reference, driver, objects):
        assert self.ask(app, "/other", [])[0] == 404
        assert self.ask(app, "/decode", [], method="GET")[0] == 405
        assert self.ask(app, "/decode", [], body=b"{")[0] == 400
        assert self.ask(app, "/decode", [], body=b'{"payloads": 5}')[0] == 400
        assert self.ask(app, "/download", [reference, payload(b"1")])[0] == 400
        assert self.ask(PayloadEndpoints([]), "/decode", [reference])[0] == 422
        forget()
        for info in list(objects.list()):
            objects.delete(info.name)
        code, error = self.ask(app, "/decode", [reference])
        assert code == 422
        assert "BlobMissing" in error

    def test_a_store_that_does_not_answer_is_503(self, driver, reference):
        class Silent(MemoryStore):
            def get_ranges(self, name, spans):
                raise StoreUnavailable("no answer")

        sb = Statebag(Silent(), signing_keys=KEYS, policy=Policy(attempts=1))
        assert self.ask(PayloadEndpoints([StatebagDriver(sb)]), "/decode", [reference])[0] == 503
