"""The list of a workflow's segments as one stored object, checked against a pointer's hash.

A manifest is a JSON array of segments, or an object with `segments`. It belongs to a workflow and
not to one execution, so it need not lie below the execution's own folders.
"""

from __future__ import annotations

import binascii
import json
from itertools import product
from typing import TYPE_CHECKING, Any

from statebag.errors import BlobCorrupt, InvalidState
from statebag.format import json_text
from statebag.format.codec import sha256_hex
from statebag.format.json_type import json_type

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["CONFIG", "Manifest", "expected_digest"]

CONFIG = "segment_config"
"""The field of a manifest's segment that has what it runs."""

_LISTS = ("segments", "segment_manifest")
_HEX_DIGITS = 64  # of a SHA-256
_PREFIX = "sha256:"
_HEADER = ("workflow_id", "config_hash", "segment_hashes")


class Manifest:
    """One manifest.

    Args:
        text: The bytes of the object.
        name: The object's address, for errors.

    Raises:
        BlobCorrupt: It is not JSON, or has no list of segments.
    """

    def __init__(self, text: bytes, name: str) -> None:
        self._text = text
        self._name = name
        self._value = json_text.decode(text, name)
        self.segments = self._listed()

    def _listed(self) -> list[Any]:
        value = self._value
        if isinstance(value, dict):
            value = next((value[name] for name in _LISTS if name in value), None)
        if isinstance(value, list):
            return value
        raise BlobCorrupt(
            "the manifest must be a list of segments, or an object with segments, "
            f"not {json_type(self._value)}",
            object_name=self._name,
        )

    @property
    def is_of_workflow(self) -> bool:
        """Whether it holds only segments of a workflow, and is not an execution's state."""
        return bool(self.segments) and all(
            isinstance(one, dict) and isinstance(one.get(CONFIG), dict) for one in self.segments
        )

    def segment(self, index: int) -> Any:
        """Return one segment.

        Raises:
            InvalidState: The manifest has no segment with this index.
        """
        if not 0 <= index < len(self.segments):
            raise InvalidState(f"the manifest has no segment {index}")
        return self.segments[index]

    def has_digest(self, digest: str, index: int) -> bool:
        """Return whether a SHA-256 is that of the manifest, computed in one of the known ways.

        It may be the digest of the object's bytes, or of the JSON text of its value or of its list
        of segments, as Python's `json.dumps` writes it. Or it is the digest of the manifest's
        header, which has a hash of each segment; then the segment must have that hash. Each way
        covers the whole segment, so any match proves it.

        Args:
            digest: 64 hex digits.
            index: The index of the wanted segment.
        """
        if sha256_hex(self._text) == digest:
            return True
        if isinstance(self._value, dict):
            if any(sha256_hex(text) == digest for text in _headers(self._value)):
                return self._segment_matches(index)
            if any(sha256_hex(text) == digest for text in _texts(self.segments)):
                return True
        return any(sha256_hex(text) == digest for text in _texts(self._value))

    def _segment_matches(self, index: int) -> bool:
        hashes = self._value["segment_hashes"]
        said = hashes.get(str(index)) if isinstance(hashes, dict) else None
        segment = self.segment(index)
        config = segment.get(CONFIG, segment) if isinstance(segment, dict) else segment
        return isinstance(said, str) and any(
            sha256_hex(text) == said.lower() for one in (config, segment) for text in _texts(one)
        )


def expected_digest(given: Any, path: str) -> str | None:
    """Return the hex digits of the SHA-256 that a pointer has; None if it has none.

    Args:
        given: 64 hex digits or base64 of the 32 bytes, with or without `sha256:` before them.
        path: Its path, for the error.

    Raises:
        InvalidState: It is not a SHA-256. A shorter hash does not say how it was computed.
    """
    if given is None:
        return None
    if not isinstance(given, str):
        raise InvalidState(f"manifest_hash must be a string, not {json_type(given)}", path=path)
    text = given.strip()
    if text[: len(_PREFIX)].lower() == _PREFIX:
        text = text[len(_PREFIX) :]
    try:
        if len(text) == _HEX_DIGITS:
            return binascii.unhexlify(text).hex()
        digest = binascii.a2b_base64(text, strict_mode=True).hex()
    except (binascii.Error, ValueError):
        digest = ""
    if len(digest) == _HEX_DIGITS:
        return digest
    raise InvalidState(
        f"manifest_hash must be a SHA-256 of {_HEX_DIGITS} hex digits, not {len(given)} characters",
        path=path,
        hint="Give the SHA-256 of the manifest's bytes, or leave manifest_hash out.",
    )


def _texts(value: Any) -> Iterator[bytes]:
    """Yield the JSON texts of a value that writers in Python hash, the most likely first."""
    for order, marks, ascii_only in product((True, False), ((",", ":"), None), (False, True)):
        text = json.dumps(value, sort_keys=order, separators=marks, ensure_ascii=ascii_only)
        yield text.encode("utf-8", "surrogatepass")


def _headers(manifest: dict[str, Any]) -> Iterator[bytes]:
    """Yield the JSON texts of a manifest's header, whose hash covers the hashes of its segments."""
    version = manifest.get("version")
    if not all(name in manifest for name in _HEADER):
        return
    try:
        number = int(version or 0)
    except (TypeError, ValueError):
        return
    header = {**{name: manifest[name] for name in _HEADER}, "version": number}
    for parent in ({"parent_hash": manifest.get("parent_hash") or ""}, {}):
        yield from _texts({**header, **parent})
