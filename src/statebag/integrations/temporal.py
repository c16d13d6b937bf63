"""A driver for Temporal's external storage, and the endpoints that its web UI calls.

A JSON payload is sealed as a JSON value, so a payload that differs little from an earlier one costs
only the difference. Its claim, which is in the workflow's history, is a bag of a few hundred bytes.
"""

from __future__ import annotations

import asyncio
import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Sequence
from typing import Any
from urllib.parse import parse_qs

from statebag.async_calls import in_threads
from statebag.client import Statebag
from statebag.default_client import from_environment
from statebag.errors import ConfigurationError, InvalidState, StatebagError
from statebag.format import json_text
from statebag.format.names import is_shown
from statebag.integrations.exact_text import bytes_of, value_of
from statebag.integrations.missing_extra import missing_extra

try:
    from google.protobuf import json_format
    from temporalio.api.common.v1 import Payload, Payloads
    from temporalio.api.sdk.v1 import ExternalStorageReference
    from temporalio.converter import (
        JSONProtoPayloadConverter,
        StorageDriver,
        StorageDriverClaim,
        StorageDriverRetrieveContext,
        StorageDriverStoreContext,
        StorageDriverWorkflowInfo,
    )
except ModuleNotFoundError as error:
    raise missing_extra("temporal", error) from None

__all__ = ["PayloadEndpoints", "StatebagDriver"]

# Bytes. Chosen: far below the 256 KiB from which Temporal stores a payload outside of its history,
# and room for the stubs of a payload with many parts.
_CLAIM = 8 * 1024
_BAG = "bag"
_REFERENCE = ExternalStorageReference.DESCRIPTOR.full_name.encode()
# Bytes of a request's body. Chosen: the UI sends references, which are small, and small payloads.
_LONGEST_BODY = 32 * 1024 * 1024


class StatebagDriver(StorageDriver):
    """Stores payloads with a client of statebag.

    Temporal passes no context to a driver that retrieves. Then only signatures confine a claim, so
    the client must sign.

    Args:
        sb: The client; by default that of the environment.
        name: The driver's name, which is stored with each claim.
        allow_unsigned: Whether to retrieve without signatures. A claim can then name any object
            below the store's root, whichever workflow wrote it.

    Raises:
        ConfigurationError: The client does not sign, and `allow_unsigned` is not set.
    """

    def __init__(
        self,
        sb: Statebag | None = None,
        *,
        name: str = "statebag",
        allow_unsigned: bool = False,
    ) -> None:
        sb = from_environment() if sb is None else sb
        if not (sb.signs or allow_unsigned):
            raise ConfigurationError(
                "the client has no signing keys, and a driver does not learn whose payload it "
                "retrieves: any claim would open any object of the store",
                hint="Set STATEBAG_SIGNING_KEYS, the same for all workers and clients.",
            )
        self._sb = sb.with_values(None)
        self._name = name

    def name(self) -> str:
        """Return the driver's name."""
        return self._name

    def type(self) -> str:
        """Return the type of the driver, which does not depend on its name."""
        return "statebag"

    async def store(
        self, context: StorageDriverStoreContext, payloads: Sequence[Payload]
    ) -> list[StorageDriverClaim]:
        """Return a claim for each payload, once all are stored.

        Raises:
            StatebagError: A payload could not be stored.
        """
        scope = _scope(context.target)

        def store_one(payload: Payload) -> StorageDriverClaim:
            bag = self._sb.seal(_as_state(payload), scope=scope, budget=_CLAIM)
            return StorageDriverClaim(claim_data={_BAG: json_text.encode(bag).decode()})

        # In order, so that equal payloads of one call are written once.
        return await in_threads(lambda: [store_one(payload) for payload in payloads])

    async def retrieve(
        self,
        context: StorageDriverRetrieveContext,  # noqa: ARG002  # it is empty
        claims: Sequence[StorageDriverClaim],
    ) -> list[Payload]:
        """Return the payload of each claim.

        Raises:
            InvalidState: A claim is not one of this driver.
            StatebagError: A payload could not be read, or its claim is not signed by a known key.
        """
        return await asyncio.gather(*(in_threads(self._retrieve, claim) for claim in claims))

    def _retrieve(self, claim: StorageDriverClaim) -> Payload:
        text = claim.claim_data.get(_BAG)
        if not isinstance(text, str):
            raise InvalidState(
                f"the claim has {len(claim.claim_data)} fields, and none of them is a bag",
                hint="Look up the driver by the name that is stored with the claim.",
            )
        return _as_payload(self._sb.open(text.encode(), embedded=False))


class PayloadEndpoints:
    """A WSGI application for the Codec Server endpoint of Temporal's web UI and CLI.

    `POST /decode` returns payloads with stored ones in place of their references, except with
    `?preserveStorageRefs=true`. `POST /download` takes references only. `POST /encode` returns what
    it gets. Each endpoint also exists below a namespace: `/my-namespace/decode`.

    It answers everyone who can reach it. Let your own server authenticate requests, and add the
    CORS headers of your UI.

    Args:
        drivers: The drivers that stored the payloads.
        decode: Undoes your payload codec, if the workers have one that runs after storage: it takes
            payloads, and returns as many.
    """

    def __init__(
        self,
        drivers: Sequence[StorageDriver],
        decode: Callable[[list[Payload]], list[Payload]] | None = None,
    ) -> None:
        self._drivers = {driver.name(): driver for driver in drivers}
        self._decode = decode

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        """Answer one WSGI request."""
        status, answer = self._answer(environ)
        body = json.dumps(answer).encode()
        headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
        start_response(status, headers)
        return [body]

    def _answer(self, environ: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        action = environ.get("PATH_INFO", "").rpartition("/")[2]
        if action not in {"encode", "decode", "download"}:
            return "404 Not Found", {"error": "the path must end in encode, decode or download"}
        if environ.get("REQUEST_METHOD") != "POST":
            return "405 Method Not Allowed", {"error": "send a POST"}
        try:
            length = int(environ.get("CONTENT_LENGTH") or 0)
            if not 0 <= length <= _LONGEST_BODY:
                return "413 Content Too Large", {"error": f"the body has {length} bytes"}
            body = environ["wsgi.input"].read(length)
            payloads = list(json_format.Parse(body, Payloads()).payloads)
        except (ValueError, json_format.ParseError):
            return "400 Bad Request", {"error": "the body is not JSON of payloads"}
        keeps = parse_qs(environ.get("QUERY_STRING", "")).get("preserveStorageRefs") == ["true"]
        if action == "download" and not all(map(_is_reference, payloads)):
            return "400 Bad Request", {"error": "a payload is not a reference to a stored one"}
        try:
            if action != "encode":
                payloads = asyncio.run(self._resolved(payloads, keeps=keeps and action == "decode"))
        except StatebagError as error:
            status = "503 Service Unavailable" if error.retryable else "422 Unprocessable Content"
            return status, {"error": f"{type(error).__name__}: {error}"}
        return "200 OK", json_format.MessageToDict(Payloads(payloads=payloads))

    async def _resolved(self, payloads: list[Payload], *, keeps: bool) -> list[Payload]:
        async def one(payload: Payload) -> Payload:
            if keeps or not _is_reference(payload):
                return payload
            reference = JSONProtoPayloadConverter().from_payload(payload, ExternalStorageReference)
            driver = self._drivers.get(reference.driver_name)
            if driver is None:
                raise InvalidState(
                    f"the driver that stored a payload is not one of the {len(self._drivers)} here",
                    hint="Pass all drivers of the workers to PayloadEndpoints.",
                )
            claim = StorageDriverClaim(claim_data=dict(reference.claim_data))
            (found,) = await driver.retrieve(None, [claim])
            return found

        found = list(await asyncio.gather(*map(one, payloads)))
        if self._decode is None:
            return found
        plain = [number for number, payload in enumerate(found) if not _is_reference(payload)]
        for number, payload in zip(plain, self._decode([found[n] for n in plain]), strict=True):
            found[number] = payload
        return found


def _is_reference(payload: Payload) -> bool:
    return bool(payload.metadata.get("messageType") == _REFERENCE)


def _scope(target: Any) -> str:
    """Return the scope of the workflow or activity that a payload is stored for."""
    if target is None:
        return "temporal/unknown"
    kind = "workflow" if isinstance(target, StorageDriverWorkflowInfo) else "activity"
    parts = (target.namespace or "default", kind, target.id or "unknown")
    return "/".join(["temporal", *(_part(one) for one in parts)])


def _part(name: str) -> str:
    """Return a name as one part of a scope; a long or unusual name is replaced by its digest."""
    from hashlib import sha256  # noqa: PLC0415  # few names need it

    if is_shown(name) and len(name.encode()) <= 60 and name not in {".", ".."}:
        return name.replace("/", ":")
    return sha256(name.encode("utf-8", "surrogatepass")).hexdigest()


def _as_state(payload: Payload) -> dict[str, Any]:
    metadata = {name: b64encode(value).decode() for name, value in payload.metadata.items()}
    return {"metadata": metadata, "data": value_of(payload.data)}


def _as_payload(state: Any) -> Payload:
    try:
        metadata = {name: b64decode(value) for name, value in state["metadata"].items()}
        return Payload(metadata=metadata, data=bytes_of(state["data"]))
    except (KeyError, TypeError, ValueError, AttributeError):
        raise InvalidState(
            f"the claim's bag has a value of type {type(state).__qualname__}, not a payload",
            hint="It was sealed by something other than this driver.",
        ) from None
