"""Convert the bytes of another framework's serializer to JSON, and back.

A store that keeps only changes needs to see the parts of a value. So MessagePack bytes are kept as
JSON with the same parts: an array of messages stays an array. A value that JSON lacks is kept in an
object with the key `@`, and an object of the data that has this key is escaped. The same bytes come
back: those that would differ are kept in base64.
"""

from __future__ import annotations

import binascii
import math
from struct import pack
from typing import Any

import msgspec

from statebag.errors import BlobCorrupt
from statebag.process.forking import fork_safe_lock
from statebag.process.recent import Recent

__all__ = ["typed_bytes", "typed_json"]

_MARK = "@"
_DEEPEST = 120  # levels of a value that is looked into; each takes up to 2 of JSON's 500. Chosen
_FIRST = 3  # levels whose objects are remembered: the items of a list. Chosen
# Bytes of objects and their forms that are remembered. Chosen: the messages of some long threads.
_MOST_BYTES = 32 * 1024 * 1024
_SCALARS = frozenset({type(None), bool, int, str})
_DECODE = msgspec.msgpack.Decoder().decode
_ENCODE = msgspec.msgpack.Encoder().encode

_lock = fork_safe_lock()
_recent: Recent[tuple[int, bytes], dict[str, Any]] = Recent(_MOST_BYTES)


class _Opaque(Exception):  # noqa: N818 (not an error: the bytes are kept instead)
    """The value has no JSON from which its bytes could be restored."""


def typed_json(kind: str, data: bytes) -> dict[str, Any]:
    """Return JSON for bytes of a type; `typed_bytes` gives both back.

    Args:
        kind: The name of the type; only bytes of `msgpack` are taken apart.
        data: The bytes.
    """
    if kind == "msgpack":
        try:
            value = _read(data, 0)
        except (_Opaque, msgspec.MsgspecError, TypeError, ValueError, RecursionError):
            pass
        else:
            return {"type": kind, "value": value}
    return {"type": kind, "data": _text_of(data)}


def typed_bytes(form: Any) -> tuple[str, bytes]:
    """Return the type and the bytes that `typed_json` was given.

    Raises:
        BlobCorrupt: `typed_json` did not make this form.
    """
    try:
        kind = form["type"]
        if "value" in form:
            return kind, _ENCODE(_back(form["value"]))
        return kind, _bytes_of(form["data"])
    except (KeyError, TypeError, ValueError) as error:
        raise BlobCorrupt("a value in the stored state is not a typed value") from error


def _read(data: bytes, depth: int) -> Any:
    """Return JSON for MessagePack from which the same bytes can be made."""
    value = _DECODE(data)
    if _ENCODE(value) != data:
        raise _Opaque
    return _form(value, depth)


def _form(value: Any, depth: int) -> Any:
    kind = type(value)
    if kind in _SCALARS:
        return value
    if depth > _DEEPEST:
        raise _Opaque
    if kind is float:
        return value if math.isfinite(value) else _not_finite(value)
    if kind is list:
        return [_form(item, depth + 1) for item in value]
    if kind is dict:
        if _MARK not in value and all(type(key) is str for key in value):
            return {key: _form(one, depth + 1) for key, one in value.items()}
        pairs = [[_form(key, depth + 1), _form(one, depth + 1)] for key, one in value.items()]
        return _marked("map", pairs)
    if kind is bytes:
        return _marked("bytes", _text_of(value))
    if kind is msgspec.msgpack.Ext:
        return _extension(value.code, bytes(value.data), depth)
    raise _Opaque


def _not_finite(value: float) -> dict[str, Any]:
    """Return the form of NaN or an infinity: of the many NaNs, text can name only one."""
    text = repr(value)
    if pack("d", float(text)) != pack("d", value):
        raise _Opaque
    return _marked("float", text)


def _extension(code: int, data: bytes, depth: int) -> dict[str, Any]:
    """Return the form of an object of a class, such as a message; most occurred before."""
    with _lock:
        found = _recent.get((code, data))
    if found is not None:
        return found
    try:
        form = {**_marked("ext", _read(data, depth + 1)), "code": code}
    except (_Opaque, msgspec.MsgspecError, TypeError, ValueError):
        form = {**_marked("raw", _text_of(data)), "code": code}
    if depth < _FIRST:
        with _lock:
            _recent.put((code, data), form, 3 * len(data))
    return form


def _back(form: Any) -> Any:
    if isinstance(form, list):
        return [_back(item) for item in form]
    if not isinstance(form, dict):
        return form
    if _MARK not in form:
        return {key: _back(one) for key, one in form.items()}
    inner = form["of"]
    match form[_MARK]:
        case "float":
            return float(inner)
        case "map":
            return {_back(key): _back(one) for key, one in inner}
        case "bytes":
            return _bytes_of(inner)
        case "ext":
            return msgspec.msgpack.Ext(form["code"], _ENCODE(_back(inner)))
        case "raw":
            return msgspec.msgpack.Ext(form["code"], _bytes_of(inner))
    raise ValueError("unknown mark")


def _marked(mark: str, inner: Any) -> dict[str, Any]:
    return {_MARK: mark, "of": inner}


def _text_of(data: bytes) -> str:
    return binascii.b2a_base64(data, newline=False).decode("ascii")


def _bytes_of(text: str) -> bytes:
    return binascii.a2b_base64(text, strict_mode=True)
