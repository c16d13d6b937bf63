"""Make names in a store for the ids of another framework, which may be any text."""

from __future__ import annotations

import hashlib

from statebag.format.names import is_shown

__all__ = ["head_name_of", "label_of", "scope_of_thread"]

# Bytes of an id that becomes a name; a longer one becomes its digest. Chosen: with the parts around
# it and each byte percent-encoded it is below NAME_MAX (255).
_LONGEST = 60


def scope_of_thread(root: str, thread: str) -> str:
    """Return the scope of a thread."""
    return f"{root}/{_part(thread)}"


def head_name_of(namespace: str) -> str:
    """Return the name of the head of a namespace of a thread."""
    return f"ns.{_part(namespace)}" if namespace else "ns"


def label_of(text: str) -> str:
    """Return the label of a version, or the key of an attachment; labels sort as the ids do."""
    return _part(text)


def _part(text: str) -> str:
    """Return a name for any text; different texts have different names."""
    plain = text.replace("-", "").replace(".", "").replace("_", "").replace(":", "")
    if plain.isascii() and plain.isalnum() and len(text) <= 4 * _LONGEST - text.count(":") * 2:
        return text
    # No surrogate is shown, so the text has bytes.
    if is_shown(text) and not set(text) & set("/~*") and plain and len(text.encode()) <= _LONGEST:
        return text
    digest = hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()
    return f"~{digest}"
