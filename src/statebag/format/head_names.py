"""Names of the objects that heads are made of.

A head is one object, which holds its newest version, and next to it are the versions before:

```
@heads/<scope>/@<name>/@head                      the newest version, and which ones were dropped
@heads/<scope>/@<name>/@<life>/<number>~<label>   a version that was superseded
@heads/<scope>/@<name>/@at/<label>/<key>          what was attached to the version of this label
<scope>/%40heads/<digest>.pack                    what was sealed for heads of this scope
```

Scopes, names, labels and keys are percent-encoded, so only parts of this module begin with `@`.
"""

from __future__ import annotations

import re
from typing import Literal

import msgspec

from statebag.errors import InvalidState
from statebag.format.names import encode_scope

__all__ = [
    "HEADS",
    "SCOPE_OF_PACKS",
    "HeadObject",
    "attached_folder",
    "encode_label",
    "head_folder",
    "head_name",
    "parse_head_object",
    "scope_folder",
    "version_name",
]

HEADS = "@heads"
"""The folder of all heads; no scope has this name, since it would be encoded as `%40heads`."""

SCOPE_OF_PACKS = "%40heads"
"""The last part of the scopes that heads seal into, encoded. A collector deletes packs there one by
one, and no others: those of an execution may be needed by a bag that the engine carries."""

_DIGITS = 10  # of a number in a name, so that names sort as numbers do. Chosen: ten billion
_LONGEST_LABEL = 240  # bytes: with the number before it, below NAME_MAX (255)

_OBJECT = re.compile(
    r"@heads/(?P<scope>[^@]+)/@(?P<name>[^@]+)/"
    r"(?:(?P<head>@head)|@(?P<life>[0-9a-f]{16})/(?P<number>[0-9]{10})~(?P<label>[^/@]*)"
    r"|@at/(?P<of>[^/@]+)/(?P<key>[^/@]+))"
)


class HeadObject(msgspec.Struct, frozen=True):
    """The parts of an object's name, as they are encoded in it.

    Attributes:
        kind: `head`, `version` or `attached`.
        scope: The scope.
        name: The head's name.
        life: The life of the head that a version belongs to.
        number: The number of a version.
        label: The label of the version, or of the one to which the object is attached.
        key: The key of an attached object.
    """

    kind: Literal["head", "version", "attached"]
    scope: str
    name: str
    life: str = ""
    number: int = 0
    label: str = ""
    key: str = ""


def parse_head_object(name: str) -> HeadObject | None:
    """Return the parts of the name of an object of a head; None for another object."""
    found = _OBJECT.fullmatch(name)
    if found is None:
        return None
    scope, head = found["scope"], found["name"]
    if found["head"]:
        return HeadObject("head", scope, head)
    if found["life"]:
        return HeadObject(
            "version", scope, head, found["life"], int(found["number"]), found["label"]
        )
    return HeadObject("attached", scope, head, label=found["of"], key=found["key"])


def scope_folder(scope: str) -> str:
    """Return the folder of all heads of an encoded scope and of the scopes below it."""
    return f"{HEADS}/{scope}"


def head_folder(scope: str, name: str) -> str:
    """Return the folder of one head, by its encoded scope and name."""
    return f"{HEADS}/{scope}/@{name}"


def head_name(scope: str, name: str) -> str:
    """Return the name of the head's own object."""
    return f"{head_folder(scope, name)}/@head"


def version_name(scope: str, name: str, life: str, number: int, label: str) -> str:
    """Return the name of a superseded version; `label` is not encoded yet."""
    return f"{head_folder(scope, name)}/@{life}/{number:0{_DIGITS}}~{encode_label(label)}"


def attached_folder(scope: str, name: str, label: str = "") -> str:
    """Return the folder of what is attached to the version of a label, or to any version."""
    folder = f"{head_folder(scope, name)}/@at"
    return f"{folder}/{encode_label(label)}" if label else folder


def encode_label(label: str) -> str:
    """Return the stored form of a label or key; an empty one stays empty.

    Raises:
        InvalidState: It has a slash or a control character, is `.` or `..`, or is too long.
    """
    if label == "":
        return ""
    if not isinstance(label, str) or "/" in label:
        found = "one with a slash" if isinstance(label, str) else type(label).__qualname__
        raise InvalidState(
            f"label must be a string without slashes, not {found}",
            hint="Use an id, such as 'step-7'.",
        )
    encoded = encode_scope(label)
    if len(encoded) > _LONGEST_LABEL:
        raise InvalidState(
            f"label must have at most {_LONGEST_LABEL} bytes, not {len(encoded)}",
            hint="Use a shorter id; longer text can go into the note.",
        )
    return encoded
