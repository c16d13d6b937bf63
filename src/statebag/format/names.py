"""Names of objects and scopes, relative to a store's root.

A scope is one or more path parts. Each is percent-encoded in one canonical way (RFC 3986:
everything except letters, digits and `-._~`), so that no object has two spellings and no part leads
out of the root.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache

from statebag.errors import InvalidState, InvalidStub
from statebag.format.json_type import json_type

__all__ = [
    "check_pack_name",
    "encode_scope",
    "is_pack_of",
    "is_scope_at_or_above",
    "is_shown",
    "pack_name",
    "scope_of",
    "scope_of_execution",
    "scopes_from",
]

_HEX = frozenset("0123456789abcdef")
_LONGEST_NAME = 1024  # bytes: the longest key (S3 User Guide, "Naming Amazon S3 objects")
_LONGEST_PART = 255  # bytes: NAME_MAX of ext4, XFS, APFS and NTFS
_UNRESERVED = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"

# First and last code point of each range that no name may have: controls, format characters,
# surrogates, private use, and separators other than U+0020, of Unicode 15.1; and code points that
# Unicode keeps for more characters that are not shown (Default_Ignorable_Code_Point). The table is
# fixed: `str.isprintable` gives another answer in each version of Python. docs/format.md has it.
_HIDDEN = (
    (0x0, 0x1F), (0x7F, 0xA0), (0xAD, 0xAD), (0x600, 0x605), (0x61C, 0x61C), (0x6DD, 0x6DD),
    (0x70F, 0x70F), (0x890, 0x891), (0x8E2, 0x8E2), (0x1680, 0x1680), (0x180E, 0x180E),
    (0x2000, 0x200F), (0x2028, 0x202F), (0x205F, 0x206F), (0x3000, 0x3000), (0xD800, 0xF8FF),
    (0xFDD0, 0xFDEF), (0xFEFF, 0xFEFF), (0xFFF0, 0xFFFB), (0x110BD, 0x110BD), (0x110CD, 0x110CD),
    (0x13430, 0x1343F), (0x1BCA0, 0x1BCA3), (0x1D173, 0x1D17A), (0xE0000, 0xE00FF),
    (0xE01F0, 0xE0FFF), (0xF0000, 0x10FFFF),
)  # fmt: skip


def encode_scope(scope: str) -> str:
    """Return the stored form of a scope such as `machine/execution name`.

    Raises:
        InvalidState: The scope is not text, is too long, or has a character that is not shown, or
            a part that is empty, `.` or `..`.
    """
    if not isinstance(scope, str):
        raise InvalidState(
            f"scope must be a string, not {json_type(scope)}",
            hint="Use '<state machine>/<execution name>'.",
        )
    return _encoded(scope)


@lru_cache(256)  # each open and seal of an execution has the same one
def _encoded(scope: str) -> str:
    parts = scope.split("/")
    encoded = [_encode_part(part) for part in parts]
    for number, part in enumerate(encoded, 1):
        if len(part) > _LONGEST_PART:
            raise InvalidState(
                f"part {number} of scope must have at most {_LONGEST_PART} bytes, not {len(part)}",
                hint="Use shorter names.",
            )
    odd = [number for number, part in enumerate(encoded, 1) if not _is_canonical(part)]
    if odd:
        raise InvalidState(
            f"scope has a part that is not a name (part {odd[0]} of {len(parts)})",
            hint="Use '<state machine>/<execution name>', without control characters.",
        )
    name = "/".join(encoded)
    if len(name) > _LONGEST_NAME - 64:
        raise InvalidState(
            f"scope must have at most {_LONGEST_NAME - 64} bytes, not {len(name)}",
            hint="Use shorter names.",
        )
    return name


def _encode_part(part: str) -> str:
    if not part.strip(_UNRESERVED):
        return part
    from urllib.parse import quote  # noqa: PLC0415  # slow to load, and most names need none

    try:
        return quote(part, safe="")
    except UnicodeEncodeError:  # a lone surrogate has no UTF-8 form
        return ""


def _is_canonical(part: str) -> bool:
    if part in {"", ".", ".."} or len(part) > _LONGEST_PART:
        return False
    if not part.strip(_UNRESERVED):
        return True
    from urllib.parse import quote, unquote  # noqa: PLC0415  # slow to load, and most names need none

    try:
        decoded = unquote(part, errors="strict")
    except UnicodeDecodeError:
        return False
    return quote(decoded, safe="") == part and is_shown(decoded)


def is_shown(text: str) -> bool:
    """Return whether a name may have each character, whatever this Python knows of Unicode."""
    return text.isprintable() if text.isascii() else all(map(_is_shown, text))


def _is_shown(character: str) -> bool:
    code = ord(character)
    if code & 0xFFFE == 0xFFFE:  # the last two of each plane are not characters
        return False
    return not any(first <= code <= last for first, last in _HIDDEN)


def pack_name(scope: str, digest: str) -> str:
    """Return the name of a pack: an encoded scope, and 32 hex digits of its bytes' SHA-256."""
    return f"{scope}/{digest[:32]}.pack"


def is_pack_of(name: str, data: bytes) -> bool:
    """Return whether a pack has the bytes that its name says."""
    return pack_name(scope_of(name), hashlib.sha256(data).hexdigest()) == name


def check_pack_name(name: object, path: str) -> str:
    """Return the name of a pack, if this library could have written it.

    Raises:
        InvalidStub: The name has `..`, an empty part, a scheme or another spelling.
    """
    if isinstance(name, str) and _is_pack_name(name):
        return name
    raise InvalidStub("the stub names an object that statebag does not write", path=path)


def _is_pack_name(name: str) -> bool:
    return len(name) <= _LONGEST_NAME and name.isascii() and _is_usual_pack_name(name)


@lru_cache(256)  # a bag's stubs name few packs, and each many times
def _is_usual_pack_name(name: str) -> bool:
    scope, _, file = name.rpartition("/")
    digest = file.removesuffix(".pack")
    whole = len(file) == 37 and len(digest) == 32 and _HEX.issuperset(digest)
    return whole and _is_scope(scope)


@lru_cache(256)  # a bag's stubs name few scopes, and each many times
def _is_scope(scope: str) -> bool:
    return all(map(_is_canonical, scope.split("/")))


@lru_cache(1024)  # a value in chunks names one pack many times
def scope_of(name: str) -> str:
    """Return the encoded scope that an object belongs to."""
    return name.rpartition("/")[0]


@lru_cache(256)
def scopes_from(scope: str) -> tuple[str, ...]:
    """Return an encoded scope and its ancestors, the deepest first."""
    parts = scope.split("/") if scope else []
    return tuple("/".join(parts[:n]) for n in range(len(parts), 0, -1))


def is_scope_at_or_above(scope: str, other: str) -> bool:
    """Return whether `scope` is `other` or one of its ancestors (both encoded)."""
    return scope == other or other.startswith(scope + "/")


def scope_of_execution(execution_id: str) -> str:
    """Return the scope of an execution: `machine/name` of an ARN, or another id unchanged.

    ARNs are `arn:<partition>:states:<region>:<account>:execution:<machine>:<name>`; those of
    express executions say `express` and end in one part more, those of a distributed Map's
    children name the machine as `<machine>/<label>`.
    """
    parts = execution_id.split(":")
    if len(parts) >= 8 and parts[0] == "arn" and parts[2] == "states":
        machine, *name = parts[6:]
        return f"{machine}/{':'.join(name)}"
    return execution_id
