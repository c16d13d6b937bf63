"""`create_snapshot` and `restore_snapshot`: a snapshot is the bag, stored once more, small.

It lies below its execution's scope, as `<scope>/snapshots/<pre|post>_<id>.json`; the id is the
start of the SHA-256 of its bytes. What the bag refers to is not copied, but checked to exist.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from statebag.errors import BlobCorrupt, BlobMissing, InvalidState, NotPermitted
from statebag.format import json_text
from statebag.format.codec import sha256_hex
from statebag.format.json_text import wire_size
from statebag.format.json_type import json_type
from statebag.format.names import encode_scope, is_scope_at_or_above
from statebag.manager.legacy import plain_objects
from statebag.manager.legacy.older_form import addresses_in
from statebag.opening.fetch import Fetcher
from statebag.opening.inspection import IndexReader
from statebag.opening.opener import Confinement
from statebag.opening.walk import Selection, walk
from statebag.process.forking import Workers
from statebag.store.cache import BlobCache
from statebag.store.confinement import name_below

if TYPE_CHECKING:
    from collections.abc import Iterator

    from statebag.format.stub import Blob
    from statebag.manager.actions.invocation import Invocation

__all__ = ["create", "find", "path_bytes", "restore", "store"]

_NAME = re.compile(r"(?P<scope>.+)/snapshots/(?:pre|post)_(?P<id>[0-9a-f]{32})\.json")
_ID_LENGTH = 32  # hex digits of a SHA-256, as in the names of packs
_SIDE_BY_SIDE = 16  # objects looked up at once; a choice, not measured
_KINDS = ("pre", "post")


def create(invocation: Invocation) -> dict[str, Any]:
    """`{state_data, snapshot_s3_path, snapshot_id}`."""
    kind = _kind(invocation.given("snapshot_type"))
    state = invocation.state()
    field = f"{kind}_snapshot_s3_path"
    beside = {"snapshot_s3_path": "", "snapshot_id": "0" * _ID_LENGTH}
    room = invocation.bound - wire_size({"state_data": 0, field: 0, **beside})
    bag = invocation.sealed_state(state, room - 2 * path_bytes(invocation))
    path, identity = store(invocation, bag, kind)
    return {
        "state_data": {**bag, field: path},
        "snapshot_s3_path": path,
        "snapshot_id": identity,
    }


def restore(invocation: Invocation) -> dict[str, Any]:
    """`{state_data}`: the bag that the snapshot is, or the state that an older one was."""
    path = invocation.given("snapshot_s3_path")
    if not isinstance(path, str):
        raise InvalidState(
            f"snapshot_s3_path must be a string, not {json_type(path)}", path="$.snapshot_s3_path"
        )
    name = name_below(invocation.sb.store.url, path, ("snapshot_s3_path",))
    found = _NAME.fullmatch(name)
    if found is None:
        # A copy of the whole state, as the first version made it.
        return _restore_copy(invocation, path, name).answer_of_state()
    _check_readable(invocation, found["scope"], name)
    bag = _read(invocation, name, found["id"])
    answer = {"state_data": bag}
    if wire_size(answer) <= invocation.bound:
        return answer
    return invocation.of_state(bag, unquote(found["scope"])).answer_of_state()


def _restore_copy(invocation: Invocation, path: str, name: str) -> Invocation:
    """The same call for the state that an older snapshot is a copy of.

    An event that says which execution it belongs to reads its own, and reads it as its own.
    """
    scope = invocation.pointer_scope()
    scope.must_follow(("snapshot_s3_path",))
    state = plain_objects.load_from_s3(path)
    if not scope.allows(name) and not scope.owns_state(state, name):
        raise scope.refusal(name, ("snapshot_s3_path",))
    return invocation.of_state(state, invocation.scope if invocation.is_named else None)


def find(invocation: Invocation, digest: str) -> Any:
    """The bag of this execution's snapshot with an id, or None."""
    identity = digest[:_ID_LENGTH]
    if not re.fullmatch(r"[0-9a-f]{32}", identity):
        return None
    for kind in _KINDS:
        name = _name(invocation, kind, identity)
        if invocation.sb.store.head(name) is not None:
            return _read(invocation, name, identity)
    return None


def store(invocation: Invocation, bag: Any, kind: str) -> tuple[str, str]:
    """Write a bag as a snapshot; everything that it refers to was found to be there.

    Returns:
        The snapshot's address and its id.

    Raises:
        BlobMissing, BlobCorrupt: An object is gone, or too short.
    """
    _verify(invocation, bag)
    text = json_text.encode(bag)
    identity = sha256_hex(text)[:_ID_LENGTH]
    name = _name(invocation, kind, identity)
    invocation.sb.store.put(name, text)
    return _address(invocation, name), identity


def path_bytes(invocation: Invocation) -> int:
    """Bytes that a snapshot's address takes in an answer, at most."""
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
        raise BlobCorrupt("the snapshot is not the bytes that its name says", object_name=name)
    return json_text.decode(text, name)


def _check_readable(invocation: Invocation, scope: str, name: str) -> None:
    """An event that says which execution it belongs to reads that one's snapshots only."""
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
    """Every object that a bag names is there and long enough; index blobs alone are read."""
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
    for site in walk(bag, Selection(None)).sites:
        stub = site.stub.whole.read
        if stub.entries:
            pieces, indexes = read_index(stub, site.path)
            yield from (entry.blob for entry in (*pieces, *indexes))
        for blob in stub.simple.blobs() if stub.simple is not None else ():
            confinement.check(blob, site.path)
            yield blob
