"""The limits and thresholds of seal and open."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import ClassVar

import msgspec

from statebag.errors import ConfigurationError, StatebagError
from statebag.format.names import encode_scope
from statebag.format.paths import Path, parse_path
from statebag.format.stub import KEY, NEWEST_FORMS
from statebag.process.memory_limit import default_max_open_bytes

__all__ = [
    "MOST_PREVIEW_BYTES",
    "NEWEST_FORMS",
    "PAYLOAD_LIMIT",
    "PROTECTED_SINCE",
    "Policy",
    "check_budget",
    "check_lists",
    "check_numbers",
    "with_more_control",
]

PAYLOAD_LIMIT = 262_144
"""Bytes of the input or output of a task, state or execution, as UTF-8 (Step Functions Developer
Guide, "Quotas"). The core knows this quota, and none of `asl.quotas`: its default bound leaves room
under it, and its metrics report the rest."""

MOST_PREVIEW_BYTES = 1024
"""Bytes of a preview. Chosen: some lines of a console; a bag of the default size has 90 of them."""

PROTECTED_SINCE = 3
"""The generation of forms whose signatures cover the scope, and whose objects are AES-GCM-SIV."""


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """Set how large a bag may be, what is offloaded, and what an open may cost, in bytes.

    Attributes:
        max_bag_bytes: The bound of every bag. The default leaves room for an input and a result
            together under Step Functions' 262,144 bytes.
        field_limit: A field with more bytes is compressed, and kept inline or offloaded.
        carry_bytes: Compressed bytes (as base64) that may be inline in the bag. If values exceed
            it, the largest go into a pack; 0 keeps none inline.
        control: Paths that the engine reads; they stay plain.
        movable: Paths that the engine passes on and does not read. Their values are separate in
            every bag, in plain form or as one stub.
        readable_scopes: Further scopes that an open with a scope may read; an entry that ends in
            `/**` includes all scopes below it.
        result_roots: Addresses (`s3://bucket/prefix`) below which the results of a Distributed Map
            are read, in addition to the store's own root.
        forms: The newest generation of forms that a seal writes, for readers that are older than
            the writer (docs/upgrade.md); 1 writes no deltas, 2 signs and encrypts as the first
            release did, 3 stores no deltas. All generations are always read.
        look_into_depth: Levels of objects that are searched for fields that can be offloaded
            separately.
        strict: Put everything that no control path names into one stub, however small it is, so a
            definition that reads such a path fails with small data as it would with large.
        piece_bytes: Target size of a chunk of a large array or object. Chunks are between a third
            of it and four times it; a chunk is larger only if one item is.
        max_packs: Packs that a state may be spread over; a seal that writes one more merges the
            smallest (docs/design/0027 says which), and reads unopened values for this.
        compression_level: zstd's level.
        cache_bytes: Verified blobs that a process keeps in memory, and as much again of values that
            deltas start from. For a value larger than half of it, and one that others took the room
            of, only the list of chunks is kept.
        recheck_seconds: How long a seal relies on an object that this process wrote to or read from
            a remote store, before it asks whether the object is still there. 0 asks each time. (In
            a folder and in memory, a seal always looks.)
        max_open_bytes: Uncompressed bytes that one open may return. The default is an eighth of
            the memory that this process may use, from 16 MiB to 2 GiB.
        max_open_blobs: Blobs that one open may read.
        max_open_requests: Requests that one open may send.
        attempts: Attempts of one request, with the first, before `StoreUnavailable`. 0 (the
            default) is as many as the deadline allows to a store that throttles or fails, and 7
            to one that is not reached at all.
        deadline_seconds: Bound of all attempts of one call together. The remaining time of a Lambda
            function shortens it.
        preview_bytes: Bytes of a preview in each stub, for people who read bags in the engine's
            console: the first keys of an object, or the first characters of another value. Values
            are private, so 0 (the default) writes none. Encryption keys exclude it.
        require_signatures: Refuse to make a client without signing keys, and refuse an inline value
            whose signature does not cover its scope.
        require_encryption: Refuse to make a client without encryption keys, and refuse to read an
            object that is not encrypted.
    """

    # Chosen: two bags, an input and a result of it, and the control fields fit the payload limit.
    max_bag_bytes: int = 96 * 1024
    # Measured, as are `piece_bytes` and `max_packs`: docs/performance/choices.md has the figures of
    # other values, docs/design/0004 the reasons.
    field_limit: int = 30 * 1024
    carry_bytes: int = 32 * 1024
    control: tuple[str, ...] = ()
    movable: tuple[str, ...] = ()
    readable_scopes: tuple[str, ...] = ()
    result_roots: tuple[str, ...] = ()
    forms: int = NEWEST_FORMS
    look_into_depth: int = 4
    strict: bool = False
    piece_bytes: int = 24 * 1024
    max_packs: int = 5
    compression_level: int = 3
    cache_bytes: int = 64 * 1024 * 1024
    recheck_seconds: float = 60.0
    max_open_bytes: int = msgspec.field(default_factory=default_max_open_bytes)
    max_open_blobs: int = 200_000
    max_open_requests: int = 20_000
    attempts: int = 0
    deadline_seconds: float = 60.0
    preview_bytes: int = 0
    require_signatures: bool = False
    require_encryption: bool = False

    PROTECTIONS: ClassVar[tuple[str, ...]] = ("require_signatures", "require_encryption")
    """Settings that only limit attackers; an empty value of their variables is refused."""

    _LEAST: ClassVar[dict[str, float]] = {
        "max_bag_bytes": 1024,
        "field_limit": 256,
        "carry_bytes": 0,
        "forms": 1,
        "look_into_depth": 1,
        "piece_bytes": 1024,
        "max_packs": 1,
        "compression_level": -7,
        "cache_bytes": 0,
        "recheck_seconds": 0,
        "max_open_bytes": 1,
        "max_open_blobs": 1,
        "max_open_requests": 1,
        "attempts": 0,
        "deadline_seconds": 0.001,
        "preview_bytes": 0,
    }

    def __post_init__(self) -> None:
        check_numbers(self, self._LEAST)
        if not isinstance(self.strict, bool):
            raise ConfigurationError(
                f"Policy.strict must be a bool, not {type(self.strict).__qualname__}"
            )
        if self.preview_bytes > MOST_PREVIEW_BYTES:
            raise ConfigurationError(
                f"Policy.preview_bytes must be at most {MOST_PREVIEW_BYTES}, not "
                + _shown(self.preview_bytes)
            )
        if self.compression_level > 19:
            raise ConfigurationError(
                "Policy.compression_level must be at most 19, not " + _shown(self.compression_level)
            )
        for name in self.PROTECTIONS:
            if not isinstance(getattr(self, name), bool):
                found = type(getattr(self, name)).__qualname__
                raise ConfigurationError(f"Policy.{name} must be a bool, not {found}")
        if self.forms > NEWEST_FORMS:
            raise ConfigurationError(
                f"Policy.forms must be 1 to {NEWEST_FORMS}, not {_shown(self.forms)}",
                hint="A newer generation needs a newer release.",
            )
        check_lists(self, ("control", "movable", "readable_scopes", "result_roots"))
        self.control_paths()
        self.movable_paths()
        for scope in self.readable_scopes:
            try:
                encode_scope(scope.removesuffix("/**"))
            except StatebagError as error:
                raise ConfigurationError(f"Policy.readable_scopes: {error}") from error

    def control_paths(self) -> tuple[Path, ...]:
        """Return the control paths up to their first index: arrays are control as a whole."""
        return _names_in("control", self.control)

    def movable_paths(self) -> tuple[Path, ...]:
        """Return the movable paths, up to the first index."""
        return _names_in("movable", self.movable)

    def with_control(self, *paths: str) -> Policy:
        """Return this policy with more control paths; itself if it has them all.

        Raises:
            ConfigurationError: One is not a text, not a path, or leads to the whole state.
        """
        from statebag.format.arguments import check_each_text  # noqa: PLC0415  # seldom

        return with_more_control(self, check_each_text("paths", paths))

    @classmethod
    def field_names(cls) -> tuple[str, ...]:
        """Return the names of all settings."""
        return cls.__struct_fields__


@lru_cache(64)  # of a process that has a policy or two, and as many lists of paths
def with_more_control(policy: Policy, paths: tuple[str, ...]) -> Policy:
    """Return the result of `Policy.with_control`, computed once for each policy and paths."""
    more = tuple(path for path in dict.fromkeys(paths) if path not in policy.control)
    return msgspec.structs.replace(policy, control=(*policy.control, *more)) if more else policy


def _shown(number: float) -> str:
    """Return a number for a message: Python does not write an int of more than 4,300 digits."""
    return "a number of more than 20 digits" if abs(number) >= 10**20 else str(number)


def check_numbers(settings: msgspec.Struct, least: Mapping[str, float]) -> None:
    """Check the numbers among some settings.

    Args:
        settings: A struct of settings; its class's name begins the messages.
        least: The least value of each number; one whose name ends in `_seconds` may be a float.

    Raises:
        ConfigurationError: One is of another type, or too small.
    """
    for name, lowest in least.items():
        value = getattr(settings, name)
        whole = not name.endswith("_seconds")
        if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
            kind = "an int" if whole else "a number"
            raise ConfigurationError(
                f"{type(settings).__name__}.{name} must be {kind}, not {type(value).__qualname__}"
            )
        if not value >= lowest:
            raise ConfigurationError(
                f"{type(settings).__name__}.{name} must be at least {lowest}, not {_shown(value)}"
            )


def check_lists(settings: msgspec.Struct, names: Iterable[str]) -> None:
    """Make tuples of the settings of these names, which hold strings.

    Raises:
        ConfigurationError: One is not a list, or something in it is not a string.
    """
    for name in names:
        values = getattr(settings, name)
        listed = isinstance(values, tuple | list | set | frozenset)
        others = [value for value in values if not isinstance(value, str)] if listed else [values]
        if others:
            found = type(others[0]).__qualname__
            raise ConfigurationError(
                f"{type(settings).__name__}.{name} must be a tuple of str, not "
                + (f"one with {found} in it" if listed else found)
            )
        msgspec.structs.force_setattr(settings, name, tuple(values))


def _names_in(setting: str, texts: tuple[str, ...]) -> tuple[Path, ...]:
    paths: dict[Path, None] = {}
    for text in texts:
        names: list[str | int] = []
        for part in parse_path(text):
            if isinstance(part, int):
                break
            names.append(part)
        if not names or KEY in names:
            raise ConfigurationError(
                f"Policy.{setting} must name fields, not "
                + (f"the reserved key {KEY}" if names else f"the whole state ({text!r})"),
                hint="Name the fields that the engine reads.",
            )
        paths[tuple(names)] = None
    return tuple(paths)


def check_budget(budget: object) -> None:
    """Refuse a budget that is not a number of bytes.

    Raises:
        ConfigurationError: It is neither an int nor None.
    """
    if isinstance(budget, bool) or not isinstance(budget, int | None):
        raise ConfigurationError(
            f"budget must be an int, not {type(budget).__qualname__}",
            hint="Leave it out for the policy's bound.",
        )
