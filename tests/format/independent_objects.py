"""JSON text, names, frames, packs and encrypted objects: written from docs/format.md alone.

The lower half of `independent_reader`; imports nothing of statebag.
"""

import hashlib
import hmac
import json
import math
import re
import sys
from urllib.parse import quote, unquote

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, AESGCMSIV

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

MAX_DEPTH = 500
MAX_ROWS = 4096
HIDDEN = (
    (0, 0x1F), (0x7F, 0xA0), (0xAD, 0xAD), (0x600, 0x605), (0x61C, 0x61C), (0x6DD, 0x6DD),
    (0x70F, 0x70F), (0x890, 0x891), (0x8E2, 0x8E2), (0x1680, 0x1680), (0x180E, 0x180E),
    (0x2000, 0x200F), (0x2028, 0x202F), (0x205F, 0x206F), (0x3000, 0x3000), (0xD800, 0xF8FF),
    (0xFDD0, 0xFDEF), (0xFEFF, 0xFEFF), (0xFFF0, 0xFFFB), (0x110BD, 0x110BD), (0x110CD, 0x110CD),
    (0x13430, 0x1343F), (0x1BCA0, 0x1BCA3), (0x1D173, 0x1D17A), (0xE0000, 0xE00FF),
    (0xE01F0, 0xE0FFF), (0xF0000, 0x10FFFF),
)  # fmt: skip
PACK_MAGIC = bytes.fromhex("53 42 41 47 00 01 0d 0a")
ENCRYPTED = {
    bytes.fromhex("53 42 45 4e 43 01 0d 0a"): 1,
    bytes.fromhex("53 42 45 4e 43 02 0d 0a"): 2,
}
CIPHERS = {1: AESGCM, 2: AESGCMSIV}
BLOCK, WHOLE, HEAD = 4096, 4135, 23


class Refused(Exception):  # noqa: N818  # what a reader does, not what it is
    """What a reader refuses, with the code of the page's tables."""

    def __init__(self, code, why=""):
        super().__init__(f"{code}: {why}")
        self.code = code


def sha256(data):
    return hashlib.sha256(data).hexdigest()


# JSON text


def depth_of(text):
    depth = most = 0
    in_string = False
    for token in re.finditer(rb'\\.|["\[\]{}]', text, re.DOTALL):
        one = token[0]
        if one == b'"':
            in_string = not in_string
        elif not in_string and one in b"[{":
            depth += 1
            most = max(most, depth)
        elif not in_string and one in b"]}":
            depth -= 1
    return most


def decode(text):
    """The value of stored text."""

    def number(digits):
        if len(digits) > 4300:
            raise ValueError("an integer that is too long")
        return int(digits)

    def real(digits):
        value = float(digits)
        if not math.isfinite(value):
            raise ValueError("a float beyond the range")
        return value

    def constant(name):
        raise ValueError(name)

    if depth_of(text) > MAX_DEPTH:
        raise Refused("blob_corrupt", "too many levels")
    try:
        value = json.loads(
            text.decode("utf-8"), parse_int=number, parse_float=real, parse_constant=constant
        )
        json.dumps(value, ensure_ascii=False).encode("utf-8")  # a lone surrogate has no UTF-8
    except (ValueError, UnicodeError):
        raise Refused("blob_corrupt", "not JSON") from None
    return value


ESCAPES = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f"}
ESCAPES["\r"] = "\\r"


def encode(value):
    """The canonical text of a value."""
    return written(value).encode("utf-8")


def written(value):
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        escaped = (ESCAPES.get(c) or (f"\\u{ord(c):04x}" if c < " " else c) for c in value)
        return '"' + "".join(escaped) + '"'
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return written_float(value)
    if isinstance(value, list):
        return "[" + ",".join([written(item) for item in value]) + "]"
    return "{" + ",".join([written(k) + ":" + written(v) for k, v in value.items()]) + "}"


def written_float(value):
    sign = "-" if math.copysign(1, value) < 0 else ""
    if value == 0:
        return sign + "0.0"
    mantissa, _, exponent = repr(abs(value)).partition("e")  # the fewest digits that suffice
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    power = int(exponent or 0) + len(whole) - 1
    if whole == "0":
        power -= 1 + len(fraction) - len(fraction.lstrip("0"))
    digits = digits.rstrip("0") or "0"
    if -5 <= power < 16:
        if power < 0:
            return sign + "0." + "0" * (-power - 1) + digits
        digits = digits.ljust(power + 1, "0")
        return sign + digits[: power + 1] + "." + (digits[power + 1 :] or "0")
    return sign + digits[0] + ("." + digits[1:] if digits[1:] else "") + f"e{power}"


# Names


def encoded_scope(scope):
    if not isinstance(scope, str):
        raise Refused("invalid_state", "a scope is text")
    for part in scope.split("/"):
        if part in {"", ".", ".."} or not all(map(is_visible, part)):
            raise Refused("invalid_state", "a part of a scope")
    parts = [quote(part, safe="-._~") for part in scope.split("/")]
    encoded = "/".join(parts)
    if any(len(part) > 255 for part in parts) or len(encoded) > 960:
        raise Refused("invalid_state", "a long scope")
    return encoded


def is_visible(character):
    code = ord(character)
    if code & 0xFFFE == 0xFFFE:
        return False
    return not any(first <= code <= last for first, last in HIDDEN)


def pack_name(name):
    if isinstance(name, str) and name.isascii() and len(name) <= 1024:
        scope, _, file = name.rpartition("/")
        if re.fullmatch(r"[0-9a-f]{32}\.pack", file) and is_encoded(scope):
            return name
    raise Refused("invalid_stub", "not the name of a pack")


def is_encoded(scope):
    try:
        decoded = unquote(scope, errors="strict")
        parts = [unquote(part, errors="strict") for part in scope.split("/")]
    except UnicodeDecodeError:
        return False
    return all(
        quote(part, safe="-._~") == given
        and part not in {"", ".", ".."}
        and all(map(is_visible, part))
        and len(given) <= 255
        for part, given in zip(parts, scope.split("/"), strict=True)
    ) and bool(decoded)


def is_at_or_above(scope, other):
    return other == scope or other.startswith(scope + "/")


# Frames


def text_of_frame(frame, size, digest, base=None):
    """The text of one zstd frame, checked; `base` is the raw dictionary of a delta.

    Of a stored delta no digest of its text is known: `digest` is None.
    """
    try:
        if zstd.get_frame_info(frame).decompressed_size != size:
            raise Refused("blob_corrupt", "another content size")
        prefix = None if base is None else zstd.ZstdDict(base, is_raw=True).as_prefix
        options = {zstd.DecompressionParameter.window_log_max: 27}
        decoder = zstd.ZstdDecompressor(zstd_dict=prefix, options=options)
        text = decoder.decompress(frame, max_length=size + 1)
    except (zstd.ZstdError, EOFError, ValueError):
        raise Refused("blob_corrupt", "a damaged frame") from None
    if not decoder.eof or decoder.unused_data or len(text) != size:
        raise Refused("blob_corrupt", "not the text that was stored")
    if digest is not None and sha256(text) != digest:
        raise Refused("blob_corrupt", "not the text that was stored")
    return text


# Packs


def read_pack(data):
    """The rows of a pack's index."""
    if data[:4] == PACK_MAGIC[:4] and data[:8] != PACK_MAGIC:
        raise Refused("unsupported_format", "a pack")
    if len(data) < 20 or data[:8] != PACK_MAGIC or data[-8:] != PACK_MAGIC:
        raise Refused("blob_corrupt", "not a whole pack")
    end = len(data) - 12
    start = end - int.from_bytes(data[end : end + 4], "big")
    if start < 8:
        raise Refused("blob_corrupt", "an index that does not fit")
    rows = decode(data[start:end])
    position = 8
    for row in rows if isinstance(rows, list) else [None]:
        if not isinstance(row, list) or len(row) != 5:
            raise Refused("blob_corrupt", "a row of a pack")
        digest, offset, length, size, kind = row
        numbers = all(type(one) is int and one >= 0 for one in (offset, length, size))
        if not (isinstance(digest, str) and numbers and kind in ("value", "index")):
            raise Refused("blob_corrupt", "a row of a pack")
        if offset != position or size > 2**53 or (kind == "index" and size > 16_777_216):
            raise Refused("blob_corrupt", "a row of a pack")
        position += length
    if position != start:
        raise Refused("blob_corrupt", "rows that do not cover the frames")
    return rows


# Encrypted objects


def expand(key, info):
    return hmac.digest(key, info + b"\x01", "sha256")


class Cipher:
    """One key in one version."""

    def __init__(self, key, version):
        label = f"statebag {version} ".encode()
        self.version = version
        self.magic = next(magic for magic, number in ENCRYPTED.items() if number == version)
        self.id = expand(key, label + b"id")[:8]
        self.encryption = expand(key, label + b"encryption")
        self.nonces = expand(key, label + b"nonces")

    def _bound(self, name, number, about):
        place = name.encode()
        return b"".join(
            [self.magic, len(place).to_bytes(4, "big"), place, number.to_bytes(8, "big"), about]
        )

    def encrypt(self, name, data):
        aead = CIPHERS[self.version](expand(self.encryption, name.encode()))
        blocks = [self.magic]
        starts = range(0, max(len(data), 1), BLOCK)
        for number, start in enumerate(starts):
            part = data[start : start + BLOCK]
            last = number == len(starts) - 1
            about = self.id + bytes([last]) + len(part).to_bytes(2, "big")
            bound = self._bound(name, number, about)
            padded = part.ljust(BLOCK, b"\0")
            nonce = number.to_bytes(12, "big")
            if self.version == 1:
                nonce = hmac.digest(self.nonces, bound + padded, "sha256")[:12]
            blocks += [about, nonce, aead.encrypt(nonce, padded, bound)]
        return b"".join(blocks)

    def block(self, name, number, block):
        aead = CIPHERS[self.version](expand(self.encryption, name.encode()))
        about, nonce = block[:11], block[11:HEAD]
        try:
            padded = aead.decrypt(nonce, block[HEAD:], self._bound(name, number, about))
        except InvalidTag:
            raise Refused("blob_corrupt", "a block that does not decrypt") from None
        return padded[: int.from_bytes(about[9:11], "big")], about[8] == 1


class Store:
    """Objects by name, decrypted with the reader's keys."""

    def __init__(self, objects, keys=(), *, required=False):
        self.objects = objects
        self.ciphers = [Cipher(key, version) for key in keys for version in (2, 1)]
        self.required = required

    def range(self, name, offset, length):
        data = self.objects(name)
        if data is None:
            raise Refused("blob_missing", name)
        if not self.ciphers and data[:5] == b"SBENC" and data[6:8] == b"\r\n":
            code = "not_permitted" if data[:8] in ENCRYPTED else "unsupported_format"
            raise Refused(code, "an encrypted object, and no keys")
        part = self._plain(name, data, offset, length) if self.ciphers else None
        if part is None:
            part = data[offset : offset + length]
        if len(part) != length:
            raise Refused("blob_corrupt", "a range that ends after the object")
        return part

    def whole(self, name, data):
        count = -(-(len(data) - 8) // WHOLE)
        return self._plain(name, data, 0, count * BLOCK, whole=True)

    def _plain(self, name, data, offset, length, *, whole=False):
        """The bytes of a range of an encrypted object; None for a plain one."""
        known = {cipher.id: cipher for cipher in self.ciphers}
        magic = data[:8]
        if magic not in ENCRYPTED:
            if magic[:5] == b"SBENC" and magic[6:] == b"\r\n":
                if data[8:16] in known:
                    raise Refused("blob_corrupt", "a damaged magic")
                raise Refused("unsupported_format", "encrypted by another version")
            if self.required:
                raise Refused("not_permitted", "a plain object")
            return None
        ids = [data[start : start + 8] for start in range(8, len(data), WHOLE)]
        if not any(is_near(one, other) for one in ids for other in known):
            raise Refused("not_permitted", "encrypted with another key")
        first, end = offset // BLOCK, -(-(offset + length) // BLOCK)
        text, last = b"", False
        for number in range(first, end):
            block = data[8 + number * WHOLE : 8 + (number + 1) * WHOLE]
            cipher = known.get(block[:8])
            if last or len(block) != WHOLE or cipher is None or cipher.magic != magic:
                raise Refused("blob_corrupt", "a block that is not one of the object")
            part, last = cipher.block(name, number, block)
            text += part
        if whole and not last:
            raise Refused("blob_corrupt", "an object without an end")
        return text[offset - first * BLOCK :][:length]


def is_near(one, other):
    return len(one) == len(other) and sum(a != b for a, b in zip(one, other, strict=True)) <= 2
