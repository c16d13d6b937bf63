"""`create_snapshot` and `restore_snapshot`: a snapshot is a stored copy of the bag, which is small.

It lies below its execution's scope, as `<scope>/snapshots/<pre|post>_<id>.json`; the id is the
start of the SHA-256 of its bytes. The blobs of the bag are not copied, but checked to exist.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from statebag.environment import sealing_is_off
from statebag.errors import BlobCorrupt, BlobMissing, InvalidState, NotPermitted
from statebag.format import json_text
from statebag.format.codec import sha256_hex
from statebag.format.json_text import wire_size
from statebag.format.json_type import json_type
from statebag.format.names import encode_scope, is_scope_at_or_above
from statebag.format.unopened import holds_unopened
from statebag.manager.actions import older_snapshot
from statebag.manager.actions.unopened_parts import as_one
from statebag.manager.legacy.older_form import addresses_in
from statebag.manager.legacy.pointer_times import with_times, without_times
from statebag.manager.merge.history import HISTORY
from statebag.opening.fetch import Fetcher
from statebag.opening.inspection import IndexReader
from statebag.opening.opener import Confinement
from statebag.opening.walk import EVERYTHING, walk
from statebag.process.forking import Workers
from statebag.store.cache import BlobCache
from statebag.store.confinement import name_below

if TYPE_CHECKING:
    from collections.abc import Iterator

    from statebag.format.stub import Blob
    from statebag.manager.actions.invocation import Invocation

__all__ = ["address_in", "create", "find", "path_bytes", "restore", "store"]

_NAME = re.compile(r"(?P<scope>.+)/snapshots/(?:pre|post)_(?P<id>[0-9a-f]{32})\.json")
_ID_LENGTH = 32  # hex digits of a SHA-256, as in the names of packs
_SIDE_BY_SIDE = 16  # objects looked up at once. Chosen, not measured
_KINDS = ("pre", "post")
INLINE_BYTES = 4096
"""Bytes of inline values in a bag of which a snapshot is made. Chosen: each snapshot copies
them, so it has an eighth of the default (32 KB)."""
# Bytes of a history that stays plain. Chosen: a stub takes about 200 of them, and the compressed
# text a third of the rest.
_PLAIN_HISTORY = 2048


def create(invocation: Invocation) -> dict[str, Any]:
    """Return `{state_data, snapshot_s3_path, snapshot_id}`."""
    kind = _kind(invocation.given("snapshot_type"))
    state = invocation.state()
    field = f"{kind}_snapshot_s3_path"
    beside = {"snapshot_s3_path": "", "snapshot_id": "0" * _ID_LENGTH}
    room = invocation.bound - wire_size({"state_data": 0, field: 0, **beside})
    bag = invocation.sealed_state(state, room - 2 * path_bytes(invocation), INLINE_BYTES)
    path, identity = store(invocation, state, bag, kind)
    return {
        "state_data": {**bag, field: path},
        "snapshot_s3_path": path,
        "snapshot_id": identity,
    }


def restore(invocation: Invocation) -> dict[str, Any]:
    """Return `{state_data}`: the bag in the snapshot, or the state in one of the first version."""
    path = address_in(invocation.given("snapshot_s3_path"), "snapshot_s3_path")
    name = name_below(invocation.sb.store.url, path, ("snapshot_s3_path",))
    found = _NAME.fullmatch(name)
    if found is None:
        return older_snapshot.restore(invocation, path, name)
    _check_readable(invocation, found["scope"], name)
    bag = _read(invocation, name, found["id"])
    answer = {"state_data": bag}
    if wire_size(answer) <= invocation.bound:
        return answer
    return invocation.of_state(bag, unquote(found["scope"])).answer_of_state()


def address_in(given: Any, name: str) -> str:
    """Return a snapshot's address from text, or from the answer of `create_snapshot`.

    Args:
        given: The event's value.
        name: The name of the event's field, for errors.

    Raises:
        InvalidState: The value is neither.
    """
    address, path = given, f"$.{name}"
    if isinstance(given, dict):
        address, path = given.get("snapshot_s3_path"), f"$.{name}.snapshot_s3_path"
    if isinstance(address, str):
        return address
    raise InvalidState(
        f"{path.rpartition('.')[2]} must be a string, not {json_type(address)}",
        path=path,
        hint="Pass the snapshot_s3_path that create_snapshot returned, or its whole answer.",
    )


def find(invocation: Invocation, digest: str) -> Any:
    """Return the bag of this execution's snapshot with this id, or None."""
    identity = digest[:_ID_LENGTH]
    if not re.fullmatch(r"[0-9a-f]{32}", identity):
        return None
    for kind in _KINDS:
        name = _name(invocation, kind, identity)
        if invocation.sb.store.head(name) is not None:
            return _read(invocation, name, identity)
    return None


def store(invocation: Invocation, state: dict[str, Any], bag: Any, kind: str) -> tuple[str, str]:
    """Write a bag as a snapshot, after checking that everything it refers to exists.

    Args:
        invocation: Gives the scope and the store.
        state: The state that was sealed.
        bag: The bag of the state.
        kind: `pre` or `post`.

    Returns:
        The snapshot's address and its id.

    Raises:
        InvalidState: The event does not name its execution.
        BlobMissing, BlobCorrupt: An object of the bag is gone, or too short.
    """
    invocation.must_be_named()
    bag = _smaller(invocation, state, bag)
    _verify(invocation, bag)
    if not sealing_is_off():  # otherwise what looks like a pointer may be data
        bag = without_times(bag)
    text = json_text.encode(bag)
    identity = sha256_hex(text)[:_ID_LENGTH]
    name = _name(invocation, kind, identity)
    invocation.sb.store.put(name, text)
    return _address(invocation, name), identity


def _smaller(invocation: Invocation, state: dict[str, Any], bag: Any) -> Any:
    """Return the bag with a plain history compressed, because every snapshot has a copy of it."""
    history = bag.get(HISTORY) if isinstance(bag, dict) else None
    if not isinstance(history, list) or invocation.settings.wire == 0 or sealing_is_off():
        return bag
    entries = state[HISTORY]
    if not isinstance(entries, list) or holds_unopened(entries):
        return bag
    text = json_text.encode(entries)
    if len(text) <= _PLAIN_HISTORY:
        return bag
    compressed = {**state, HISTORY: as_one(text, len(entries), "array")}
    return invocation.sealed_state(compressed, invocation.bound)


def path_bytes(invocation: Invocation) -> int:
    """Return the largest number of bytes that a snapshot's address takes in an answer."""
    name = _name(invocation, _KINDS[1], "0" * _ID_LENGTH)
    return wire_size(_address(invocation, name))


def _kind(given: Any) -> str:
    text = given.lower() if isinstance(given, str) else ""
    for kind in _KINDS:
        if text.startswith(kind):
            return kind
    raise InvalidState(
        "snapshot_type must start with pre or post, not "
        + ("another word" if text else json_type(given)),
        path="$.snapshot_type",
    )


def _name(invocation: Invocation, kind: str, identity: str) -> str:
    return f"{encode_scope(invocation.scope)}/snapshots/{kind}_{identity}.json"


def _address(invocation: Invocation, name: str) -> str:
    return f"{invocation.sb.store.url.rstrip('/')}/{name}"


def _read(invocation: Invocation, name: str, identity: str) -> Any:
    text = invocation.sb.store.get(name)
    if sha256_hex(text)[:_ID_LENGTH] != identity:
        raise BlobCorrupt(
            "the snapshot does not have the digest that is in its name", object_name=name
        )
    bag = json_text.decode(text, name)
    return bag if sealing_is_off() else with_times(bag)


def _check_readable(invocation: Invocation, scope: str, name: str) -> None:
    """Refuse a snapshot that is not of the execution that the event names."""
    if not invocation.is_named:
        return
    confinement = encode_scope(invocation.scope)
    readable = invocation.sb.policy.readable_scopes
    allowed = is_scope_at_or_above(scope, confinement) or any(
        is_scope_at_or_above(encode_scope(one.removesuffix("/**")), scope)
        if one.endswith("/**")
        else encode_scope(one) == scope
        for one in readable
    )
    if not allowed:
        raise NotPermitted("the snapshot belongs to another execution", object_name=name)


def _verify(invocation: Invocation, bag: Any) -> None:
    """Check that every object of a bag exists and is long enough; only index blobs are read."""
    ends: dict[str, int] = {}
    for blob in _blobs(invocation, bag):
        ends[blob.at] = max(ends.get(blob.at, 0), blob.offset + blob.length)
    for path in addresses_in(bag):
        ends.setdefault(name_below(invocation.sb.store.url, path), 0)

    def check(name: str) -> None:
        info = invocation.sb.store.head(name)
        if info is None:
            raise BlobMissing(
                "the bag names an object that the store does not have", object_name=name
            )
        if info.size < ends[name]:
            raise BlobCorrupt(
                f"the object has {info.size} bytes, but the bag reads {ends[name]}",
                object_name=name,
            )

    with Workers(_SIDE_BY_SIDE, "statebag-verify") as pool:
        pool.each(check, ends)


def _blobs(invocation: Invocation, bag: Any) -> Iterator[Blob]:
    policy = invocation.sb.policy
    confinement = Confinement(encode_scope(invocation.scope), policy.readable_scopes)
    fetcher = Fetcher(invocation.sb.store, BlobCache(policy.cache_bytes), policy)
    read_index = IndexReader(fetcher, confinement)
    for site in walk(bag, EVERYTHING).sites:
        whole = site.stub.whole
        stub = whole.read
        if stub.entries:
            pieces, indexes = read_index(stub, site.path)
            yield from (entry.blob for entry in (*pieces, *indexes))
        own = stub.simple.blobs() if stub.simple is not None else []
        for blob in (*own, *(layer.blob for layer in whole.layers)):
            confinement.check(blob, site.path)
            yield blob
