"""Make a lost pack again from its blobs in this process's memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from statebag.errors import StatebagError
from statebag.format.codec import compress, sha256_hex
from statebag.format.index import entries_of
from statebag.format.names import scope_of
from statebag.format.pack import PackBuilder

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["pack_from_memory"]


def pack_from_memory(
    name: str, texts: Mapping[tuple[int, str], bytes], level: int, salt: bytes = b""
) -> bytes | None:
    """Return the bytes of a pack if memory has all of its blobs, else None.

    The name proves the result: a missing blob, another codec version or another level gives other
    bytes, which are not returned.

    Args:
        name: The name of the pack.
        texts: The texts of its blobs, by offset and SHA-256.
        level: zstd's level.
        salt: A further text that the pack may hold, so that its name depends on a key.
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
