"""Classify the objects of a store by their names, and find their executions."""

from __future__ import annotations

import re
from typing import Literal

from statebag.errors import InvalidStub, NotPermitted
from statebag.format.codec import sha256_hex
from statebag.format.head_names import HEADS, parse_head_object
from statebag.format.names import check_pack_name, is_pack_of, scope_of
from statebag.store.confinement import confined_parts

__all__ = ["GC_FOLDER", "ObjectKind", "can_be_asked_for", "fits_its_name", "kind_of", "root_scope"]

ObjectKind = Literal["pack", "snapshot", "head", "mark", "other"]

GC_FOLDER = "@gc"
"""The folder of a collector's marks; no scope has this name, since it would be encoded as
`%40gc`."""

_SNAPSHOT = re.compile(r".+/snapshots/(?:pre|post)_([0-9a-f]{32})\.json")


def kind_of(name: str) -> ObjectKind:
    """Return the kind of an object, by its name; `other` if this library did not write it."""
    if name.startswith(f"{GC_FOLDER}/"):
        return "mark"
    if not can_be_asked_for(name):
        return "other"
    if name.startswith(f"{HEADS}/"):
        return "other" if parse_head_object(name) is None else "head"
    if _SNAPSHOT.fullmatch(name):
        return "snapshot"
    try:
        check_pack_name(name, "$")
    except InvalidStub:
        return "other"
    return "pack"


def can_be_asked_for(name: str) -> bool:
    """Return whether a store can be asked for an object of this name.

    A store may list other names: another program's folder may have a line break in its name.
    """
    try:
        confined_parts(name)
    except NotPermitted:
        return False
    return True


def fits_its_name(name: str, data: bytes) -> bool:
    """Return whether the bytes of a pack or a snapshot match the digest in its name."""
    snapshot = _SNAPSHOT.fullmatch(name)
    if snapshot is not None:
        return sha256_hex(data).startswith(snapshot[1])
    return is_pack_of(name, data)


def root_scope(name: str) -> str:
    """Return the scope of the execution that an object belongs to: `<state machine>/<execution>`.

    A child writes below its parent, so both have one root. For an object without a scope, this is
    the first part of its name. For an object of a head, it is the root of the head's scope, below
    the folder of all heads.
    """
    head = parse_head_object(name) if name.startswith(f"{HEADS}/") else None
    if head is not None:
        return f"{HEADS}/{'/'.join(head.scope.split('/')[:2])}"
    scope = scope_of(name).split("/")
    if len(scope) > 2 and scope[2] == "snapshots":
        scope = scope[:2]
    return "/".join(scope[:2])
