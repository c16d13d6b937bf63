"""Clients by their settings, which are JSON, and one step that a client makes with a bag."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from statebag import Policy, Statebag
from statebag.format.json_text import encode
from torture.fuzz.edits import apply
from torture.fuzz.values import made

if TYPE_CHECKING:
    from random import Random

    from statebag.store.contract import Store

__all__ = [
    "Request",
    "client",
    "digest",
    "draw_settings",
    "draw_table_settings",
    "sealed",
    "stepped",
]

_CACHES = (0, 0, 1, 3000, 30_000, 300_000, 1 << 20, 64 << 20)
_SPACE: dict[str, tuple[Any, ...]] = {
    "max_bag_bytes": (2048, 4096, 16_384, 98_304),
    "field_limit": (256, 600, 4096, 30_720),
    "carry_bytes": (0, 700, 2400, 32_768),
    "piece_bytes": (1024, 2048, 24_576),
    "look_into_depth": (1, 2, 3, 4, 7),
    "forms": (1, 2, 3, 4, 4),
    "strict": (False, False, False, True),
    "recheck_seconds": (0, 60.0),
    "max_packs": (1, 2, 3, 8),
    "compression_level": (-7, 1, 3, 9),
    "control": ((), (), ("current_state.phase",), ("log[0].n", "a.x.y")),
}

Settings = dict[str, Any]


_TABLES: dict[str, tuple[Any, ...]] = {
    "field_limit": (256, 600),
    "carry_bytes": (500, 700, 1200),
    "piece_bytes": (1024, 1024, 1500),
    "forms": (4, 4, 4, 4, 4, 4, 3, 1),
    "recheck_seconds": (0, 60.0),
    "max_packs": (1, 2, 3, 8),
    "cache_bytes": (0, 200_000, 64 << 20, 64 << 20),
    "preview_bytes": (0, 0, 0, 40),
}
"""Settings with which edits in many places of a table of some KB are stored deltas."""


def draw_table_settings(source: Random, signing: list[str], encryption: list[str]) -> Settings:
    """A policy for tables, with keys of these names."""
    policy = {name: source.choice(values) for name, values in _TABLES.items()}
    if encryption:
        policy["preview_bytes"] = 0  # it excludes keys
    return {"policy": {"attempts": 1, **policy}, "signing": signing, "encryption": encryption}


def draw_settings(source: Random, signing: list[str], encryption: list[str]) -> Settings:
    """A policy anywhere in the space, at times the default one, with keys of these names."""
    policy = {"attempts": 1, "cache_bytes": source.choice(_CACHES)}
    if source.random() < 0.8:
        policy |= {
            name: source.choice(values) for name, values in _SPACE.items() if source.random() < 0.7
        }
    return {"policy": policy, "signing": signing, "encryption": encryption}


def client(store: Store | str, settings: Settings, **policy: Any) -> Statebag:
    """A client of a store with these settings."""
    return Statebag(
        store,
        policy=Policy(**{**settings["policy"], **policy}),
        replicas=(),
        signing_keys={name: _key("signing", name) for name in settings["signing"]},
        encryption_keys=[_key("encryption", name) for name in settings["encryption"]],
    )


def _key(use: str, name: str) -> bytes:
    return hashlib.sha256(f"{use} {name}".encode()).digest()


def digest(value: Any) -> str:
    """Of a value's exact JSON text."""
    return hashlib.sha256(encode(value)).hexdigest()


@dataclass
class Request:
    """A step: what is opened of a bag, what is changed in it, how it is sealed.

    Attributes:
        edits: Made to the opened state, in place.
        only: Paths to open; None opens all.
        read: The scope of the open.
        scope: The scope of the seal.
        parent: Whether the seal is given the bag.
        budget: Of the seal.
        heal: Of the seal.
        append: Recipes of items by path, added by the seal.
    """

    edits: list[Any] = field(default_factory=list)
    only: list[Any] | None = None
    read: str | None = None
    scope: str | None = None
    parent: bool = False
    budget: int | None = None
    heal: bool = False
    append: dict[str, Any] | None = None

    def to_json(self) -> dict[str, Any]:
        """The fields that say something."""
        return {key: value for key, value in asdict(self).items() if value not in (None, False)}


def stepped(sb: Statebag, bag: Any, request: Request) -> tuple[str | None, Any]:
    """Open, change, seal: the digest of the whole state as opened, and the new bag."""
    state = sb.open(bag, only=request.only, scope=request.read)
    seen = digest(state) if request.only is None else None
    return seen, sealed(sb, apply(state, request.edits), request, bag)


def sealed(sb: Statebag, state: Any, request: Request, bag: Any) -> Any:
    """A state as the request wants it sealed, as it travels."""
    more: dict[str, Any] = {"parent": bag} if request.parent else {}
    if request.append is not None:
        more["append"] = {path: made(items) for path, items in request.append.items()}
    new = sb.seal(state, scope=request.scope, budget=request.budget, heal=request.heal, **more)
    return json.loads(json.dumps(new))
