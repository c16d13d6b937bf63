"""Rebuild a lost pack from what this process still has of it in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from statebag.errors import StatebagError
from statebag.format.codec import compress, sha256_hex
from statebag.format.index import entries_of
from statebag.format.names import scope_of
from statebag.format.pack import PackBuilder

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["rebuilt"]


def rebuilt(
    name: str, texts: Mapping[tuple[int, str], bytes], level: int, salt: bytes = b""
) -> bytes | None:
    """Return the bytes of a pack if memory has all of its blobs, else None.

    The name proves the result: with a blob missing, another codec version or another level,
    other bytes come out, and they are not given.

    Args:
        name: The pack's.
        texts: Blobs that were in it, by offset and SHA-256.
        level: zstd's level.
        salt: What the pack may hold beside its blobs, by which its name depends on a key.
    """
    builder = PackBuilder()
    for (_, digest), text in sorted(texts.items()):
        if sha256_hex(text) != digest:
            return None
        frame = compress(text, level)
        builder.add(digest, len(text), frame, "index" if _is_node(text, name) else "value")
    if not len(builder):
        return None
    built, data = builder.build(scope_of(name))
    if built != name and salt:
        builder.add_salt(salt, level)
        built, data = builder.build(scope_of(name))
    return data if built == name else None


def _is_node(text: bytes, name: str) -> bool:
    try:
        entries_of(text, "$", name)
    except StatebagError:
        return False
    return True
