"""What an object in a store is, told by its name alone, and to which execution it belongs."""

from __future__ import annotations

import re
from typing import Literal

from statebag.errors import InvalidStub, NotPermitted
from statebag.format.codec import sha256_hex
from statebag.format.names import check_pack_name, is_pack_of, scope_of
from statebag.store.confinement import confined_parts

__all__ = ["GC_FOLDER", "ObjectKind", "can_be_asked_for", "fits_its_name", "kind_of", "root_scope"]

ObjectKind = Literal["pack", "snapshot", "mark", "other"]

GC_FOLDER = "@gc"
"""Where a collector keeps its marks; no scope has this name, for it would be `%40gc` there."""

_SNAPSHOT = re.compile(r".+/snapshots/(?:pre|post)_([0-9a-f]{32})\.json")


def kind_of(name: str) -> ObjectKind:
    """A pack, a snapshot, a collector's mark, or something that this library did not write."""
    if name.startswith(f"{GC_FOLDER}/"):
        return "mark"
    if not can_be_asked_for(name):
        return "other"
    if _SNAPSHOT.fullmatch(name):
        return "snapshot"
    try:
        check_pack_name(name, "$")
    except InvalidStub:
        return "other"
    return "pack"


def can_be_asked_for(name: str) -> bool:
    """Whether a store gives an object of this name, which others may have put there.

    It may list more than that: a folder may have a line break in its name.
    """
    try:
        confined_parts(name)
    except NotPermitted:
        return False
    return True


def fits_its_name(name: str, data: bytes) -> bool:
    """Whether the bytes of a pack or a snapshot are those that its name says."""
    snapshot = _SNAPSHOT.fullmatch(name)
    if snapshot is not None:
        return sha256_hex(data).startswith(snapshot[1])
    return is_pack_of(name, data)


def root_scope(name: str) -> str:
    """The scope of the execution that an object belongs to: `<state machine>/<execution>`.

    A child writes below its parent, so that both have one root. What has no such scope (it was
    written without one) gives the first part alone.
    """
    scope = scope_of(name).split("/")
    if len(scope) > 2 and scope[2] == "snapshots":
        scope = scope[:2]
    return "/".join(scope[:2])
