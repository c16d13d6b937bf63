"""Operations on bags, each checked against the plain state beside it, by its exact JSON text."""

from __future__ import annotations

import json
import re
import tempfile
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from statebag import DELETE, InvalidState, Policy, StatebagError, StoreUnavailable
from statebag.errors import BlobCorrupt, BlobMissing
from statebag.format.escape import escape
from statebag.format.json_text import MAX_DEPTH, encode
from statebag.format.stub import KEY
from statebag.store.file import FileStore
from statebag.store.memory import MemoryStore
from statebag.testing.faulty_store import Fault, FaultyStore
from statebag.testing.process import forget
from torture.fuzz.clients import Request, client, digest, sealed, stepped
from torture.fuzz.edits import NoPlaceError, apply, at, copied, levels
from torture.fuzz.values import made

if TYPE_CHECKING:
    from statebag import Statebag
    from statebag.store.contract import Store
    from torture.fuzz.clients import Settings
    from torture.fuzz.process import Companion

__all__ = ["SCOPES", "Operation", "World", "WrongError"]

SCOPES = ("machine/run", "machine/run/child", "machine/other")
_NAME = re.compile(r'"at":"([^"\\]+\.pack)"')
_ENCRYPTED = b"SBENC"
_KEPT = 4

Operation = dict[str, Any]


class WrongError(Exception):
    """What must never be: another state, a refusal without a reason, an error of another kind."""


@dataclass
class Held:
    """A bag, and the state that it must open to.

    Attributes:
        scope: A scope that reads all of it; None where more than one may be needed.
    """

    bag: Any
    state: Any
    scope: str | None = None


@dataclass
class _Cold:
    """The store as a process sees it that knows nothing of it."""

    inner: Any
    url: str = "memory://seen-by-nobody-before"

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


@dataclass
class World:
    """One life. `tenants`: each client has a bag of its own; else all take turns with one.

    Attributes:
        counts: How many of each operation were made, and of the refusals that were right.
    """

    files: bool
    tenants: bool
    companion: Companion
    counts: dict[str, int]
    clients: list[Settings] = field(default_factory=list)
    made: list[Statebag] = field(default_factory=list)
    held: dict[int, Held] = field(default_factory=dict)
    kept: list[Held] = field(default_factory=list)
    keys: dict[str, None] = field(default_factory=dict)  # for encryption, of all clients so far
    active: int = 0
    damaged: bool = False
    flipped: bool = False  # of what is there, some is not what it was

    def __post_init__(self) -> None:
        self._folder = None
        self.store: Store = MemoryStore()
        if self.files:
            room = Path("/dev/shm")  # nothing here has to outlive this process
            self._folder = tempfile.TemporaryDirectory(
                prefix="statebag-fuzz-", dir=room if room.is_dir() else None
            )
            self.store = FileStore(self._folder.name)
        forget()
        self.companion.forget()

    def close(self) -> None:
        """Nothing is left of it."""
        if self._folder is not None:
            self._folder.cleanup()

    # What is there

    @property
    def settings(self) -> Settings:
        """Of the client whose turn it is."""
        return self.clients[self.active]

    @property
    def now(self) -> Held:
        """The bag whose turn it is."""
        return self.held[self.active if self.tenants else 0]

    def _becomes(self, held: Held) -> None:
        if b'"deltas":' in encode(held.bag):
            self._count("with stored deltas")
        self.held[self.active if self.tenants else 0] = held

    @property
    def sb(self) -> Statebag:
        return self.made[self.active]

    def all_keys(self) -> Settings:
        """Settings that can read whatever any client wrote; no signature is asked for."""
        return {"policy": {"attempts": 1}, "signing": [], "encryption": list(self.keys)}

    def _scope(self, which: int) -> str:
        """Each tenant has its own: in one scope, the same state is an object of the same name."""
        scope = SCOPES[which]
        return scope.replace("machine", f"tenant{self.active}") if self.tenants else scope

    def _asked(self, request: dict[str, Any]) -> Request:
        asked = Request(**request)
        if asked.scope in SCOPES:
            asked.scope = self._scope(SCOPES.index(asked.scope))
        return asked

    # Operations

    def do(self, operation: Operation) -> None:
        """Make one operation.

        Raises:
            WrongError: Something was found.
        """
        arguments = dict(operation)
        name = arguments.pop("do")
        method = getattr(self, f"_do_{name}")
        try:
            method(**arguments)
        except NoPlaceError:
            self._count("left out")
        except WrongError:
            raise
        except Exception as error:
            raise WrongError(f"{name}: {type(error).__name__}: {error}{_where(error)}") from error
        else:
            self._count(name)

    def _count(self, what: str) -> None:
        self.counts[what] = self.counts.get(what, 0) + 1

    def _do_process(self, clients: list[Settings]) -> None:
        """Another process: nothing is remembered, and the clients have other settings."""
        forget()
        self.clients = clients
        self.keys.update(dict.fromkeys(name for one in clients for name in one["encryption"]))
        self.made = [client(self.store, settings) for settings in clients]
        self.active %= len(clients)

    def _do_begin(self, state: Any) -> None:
        for place in range(len(self.clients) if self.tenants else 1):
            self.active = place
            self._seal_plain(made(state), Request(scope=self._scope(0)))
            if self.active not in self.held:  # its control fields were too large
                self._seal_plain({"log": []}, Request(scope=self._scope(0)))
        self.active = 0

    def _do_use(self, which: int) -> None:
        self.active = which % len(self.clients)

    def _do_seal(self, request: dict[str, Any]) -> None:
        """The state as plain values is sealed, whatever became of it in bags."""
        asked = self._asked(request)
        state = apply(copied(self.now.state), asked.edits)
        self._seal_plain(state, asked)

    def _seal_plain(self, state: Any, asked: Request) -> None:
        before = encode(state)
        _check_arrays(state, asked)
        old = self.now.bag if asked.parent else None
        after = copied(state)
        for path, items in (asked.append or {}).items():
            at(after, [path]).extend(made(items))
        try:
            bag = sealed(self.sb, state, asked, old)
        except StatebagError as error:
            self._excuse(error, after, asked)
            return
        if encode(state) != before:
            raise WrongError("seal changed its argument")
        # All of the state was at hand, so that nothing that is gone is needed.
        self._take(Held(bag, after, asked.scope), asked.budget, at_hand=True)

    def _do_step(self, request: dict[str, Any], *, elsewhere: bool = False) -> None:
        """A client opens the bag, wholly or in part, changes the state, and seals it."""
        asked = self._asked(request)
        now = self.now
        after = apply(copied(now.state), asked.edits)
        _check_arrays(after, asked)
        for path, items in (asked.append or {}).items():
            at(after, [path]).extend(made(items))
        if asked.read is not None and asked.read != now.scope:
            asked.read = now.scope
        error: StatebagError | str | None = None
        if elsewhere:
            address = Path(self._folder.name).as_uri() if self._folder else ""
            if not address:
                raise NoPlaceError
            seen, bag, error = self.companion.step(address, self.settings, now.bag, asked)
            if error == "NoPlaceError":
                raise NoPlaceError
        else:
            try:
                seen, bag = stepped(self.sb, copied(now.bag), asked)
            except StatebagError as raised:
                error = raised
        if error is not None:
            # What was not opened is read at times, and with the seal's scope.
            outside = asked.only is not None and asked.scope != now.scope
            self._excuse(error, after, asked, opened=now, may_refuse=outside)
            return
        if seen is not None and seen != digest(now.state):
            raise WrongError("another state was opened, without an error")
        # What was not opened stays where it is.
        whole = asked.only is None or asked.scope == now.scope
        self._take(Held(bag, after, asked.scope if whole else None), asked.budget)

    def _do_delta(self, keys: dict[str, Any], only: list[Any] | None, *, returns: str) -> None:
        """A decorated function returns what changes, or all of it."""
        now = self.now
        if not isinstance(now.state, dict) or not isinstance(now.bag, dict):
            raise NoPlaceError
        delta = {key: DELETE if recipe is None else made(recipe) for key, recipe in keys.items()}
        after = {key: one for key, one in {**now.state, **delta}.items() if one is not DELETE}
        seen = []

        def function(state: Any, _: Any) -> Any:
            if only is None:
                seen.append(digest(state))
            if returns == "delta":
                return delta
            return {key: one for key, one in {**state, **delta}.items() if one is not DELETE}

        decorated = self.sb.step(bag_path="$.state", returns=returns, only=only)(function)  # type: ignore[arg-type, call-overload]
        scope = now.scope or self._scope(1)
        asked = Request(scope=scope)
        try:
            bag = decorated({"execution_id": scope, "state": copied(now.bag)}, None)
        except StatebagError as error:
            outside = now.scope is None  # it reads more than the scope that it is given
            self._excuse(error, after, asked, opened=now, may_refuse=outside)
            return
        if seen and seen[0] != digest(now.state):
            raise WrongError("another state was opened, without an error")
        self._take(Held(json.loads(json.dumps(bag)), copied(after), now.scope), None)

    def _do_append(self, path: list[Any], items: Any, budget: int | None = None) -> None:
        now = self.now
        found = at(now.state, path[:-1])
        after = copied(now.state)
        if isinstance(found, dict) and path[-1] not in found:
            apply(after, [["insert", path, items]])
            after = after if isinstance(made(items), list) else None
        else:
            apply(after, [["extend", path, items]])
        scope = now.scope or self._scope(0)
        bag = copied(now.bag)
        try:
            new = self.sb.append(bag, path, made(items), scope=now.scope, budget=budget)
        except InvalidState as error:
            outside = len(path) > 1 or not isinstance(now.bag, dict) or KEY in now.bag
            self._excuse(error, after, Request(scope=scope), opened=now, may_refuse=outside)
            return
        except StatebagError as error:
            self._excuse(error, after, Request(scope=scope, budget=budget), opened=now)
            return
        if encode(bag) != encode(now.bag):
            raise WrongError("append changed its argument")
        self._take(Held(json.loads(json.dumps(new)), after, now.scope), budget)

    def _do_engine(self, edits: list[Any]) -> None:
        """The engine moves what stands in the bag as JSON, and knows nothing of stubs."""
        now = self.now
        if not isinstance(now.bag, dict) or (KEY in now.bag and edits[0][0] != "wrap"):
            raise NoPlaceError  # the fields of an object that left are behind its stub
        bag, state = apply(copied(now.bag), edits), apply(copied(now.state), edits)
        self._take(Held(bag, state, now.scope), None, bounded=False)

    def _do_join(self, which: int) -> None:
        """The engine puts two bags side by side."""
        now, other = self.now, self.kept[which % len(self.kept)] if self.kept else self.now
        if len(encode(now.state)) + len(encode(other.state)) > 2_000_000:
            raise NoPlaceError
        scope = now.scope if now.scope == other.scope else None
        bag = {"left": copied(now.bag), "right": copied(other.bag), "status": 1}
        state = {"left": copied(now.state), "right": copied(other.state), "status": 1}
        self._take(Held(bag, state, scope), None, bounded=False)

    def _do_keep(self) -> None:
        if not self.tenants:
            now = self.now
            self.kept = [
                *self.kept[1 - _KEPT :],
                Held(copied(now.bag), copied(now.state), now.scope),
            ]

    def _do_back(self, which: int) -> None:
        if not self.kept:
            raise NoPlaceError
        old = self.kept[which % len(self.kept)]
        self._becomes(Held(copied(old.bag), copied(old.state), old.scope))

    def _do_look(self, only: list[Any] | None = None, *, whole: bool = True) -> None:
        """The client opens the bag, all of it or some paths, and changes what it was given."""
        now = self.now
        try:
            found = self.sb.open(copied(now.bag), only=None if whole else only)
        except StatebagError as error:
            self._excuse(error, now.state, Request(), opened=now)
            return
        if whole:
            self._same(found, now.state, "open")
        for path in () if whole else only or ():
            try:
                wanted = at(now.state, path)
            except NoPlaceError:
                continue
            try:
                part = at(found, path)
            except NoPlaceError:
                raise WrongError("open(only=) did not open a path") from None
            self._same(part, wanted, "open(only=)")
        if not self.damaged and self._is_refused_cold(now, None if whole else only):
            raise WrongError("memory opened what a new process of this client may not open")
        _spoil(found)

    def _do_get(self, path: list[Any]) -> None:
        wanted = at(self.now.state, path)
        try:
            found = self.sb.get(copied(self.now.bag), path)
        except StatebagError as error:
            self._excuse(error, self.now.state, Request(), opened=self.now)
            return
        self._same(found, wanted, "get")
        _spoil(found)

    def _do_differences(self, which: int) -> None:
        if not self.kept:
            raise NoPlaceError
        old, now = self.kept[which % len(self.kept)], self.now
        try:
            found = self.sb.differences(copied(old.bag), copied(now.bag))
        except StatebagError as error:
            self._excuse(error, now.state, Request(), opened=now, also=old)
            return
        equal = _unordered(old.state) == _unordered(now.state)
        if equal != (not found):
            raise WrongError(
                f"differences: {len(found)}, and the states are {'' if equal else 'not '}equal"
            )

    def _do_export(self) -> None:
        now = self.now
        try:
            bag = self.sb.unpack(self.sb.export(now.bag), scope=self._scope(2))
        except StatebagError as error:
            self._excuse(error, now.state, Request(), opened=now)
            return
        self._take(Held(json.loads(json.dumps(bag)), now.state, self._scope(2)), None)

    def _do_failed_put(self, kind: str, request: dict[str, Any]) -> None:
        """The store fails while a pack is written: the old bag stays what it was."""
        asked = self._asked(request)
        state = apply(copied(self.now.state), asked.edits)
        failing = FaultyStore(self.store, [Fault("put", 1, kind)])  # type: ignore[arg-type]
        try:
            bag = sealed(client(failing, self.settings), state, asked, None)
        except StoreUnavailable:
            self._check(self.now)
            return
        except StatebagError as error:
            self._excuse(error, state, asked)
            return
        self._take(Held(bag, copied(state), asked.scope), asked.budget)

    def _do_lose(self, which: int, *, all_of_them: bool = False) -> None:
        """Objects are gone. From here on a typed error is right, and another state still is not."""
        names = [info.name for info in self.store.list()]
        if not names:
            raise NoPlaceError
        for name in names if all_of_them else [names[which % len(names)]]:
            self.store.delete(name)
        self.damaged = True

    def _do_flip(self, which: int, place: int) -> None:
        """A bit of an object is another one."""
        names = [info.name for info in self.store.list()]
        if not names:
            raise NoPlaceError
        name = names[which % len(names)]
        data = bytearray(self.store.get(name))
        data[place % len(data)] ^= 1 << place % 8
        self.store.put(name, bytes(data))
        self.damaged = self.flipped = True

    def _do_repair(self) -> None:
        """A process that knows nothing writes all states anew: from here on all must be right."""
        forget()
        self.companion.forget()
        self.made = [client(self.store, settings) for settings in self.clients]
        self.kept = []
        self.damaged = self.flipped = False
        turn = self.active
        for place, held in list(self.held.items()):
            if self.tenants:
                self.active = place % len(self.clients)
            self._seal_plain(copied(held.state), Request(scope=self._scope(0), heal=True))
            if self.held[place] is held:  # this client's bound is too small for it
                self._seal_plain({"log": []}, Request(scope=self._scope(0)))
        self.active = turn

    # Checks

    def _take(
        self, new: Held, budget: int | None, *, bounded: bool = True, at_hand: bool = False
    ) -> None:
        """A new bag takes the place of the old one, if it is what it must be."""
        bound = budget or self.sb.policy.max_bag_bytes
        size = _payload_bytes(new.bag)
        if bounded and size > bound:
            raise WrongError(f"a bag of {size} bytes, {bound} were asked for")
        self._becomes(new)
        self._check(new, may_miss=not at_hand or self.flipped)

    def _check(self, held: Held, *, may_miss: bool = True) -> None:
        """A process that knows nothing opens a bag to its state."""
        cold = _Cold(self.store)
        try:
            reader = client(cold, self.all_keys(), cache_bytes=0)  # type: ignore[arg-type]
            found = reader.open(held.bag, scope=held.scope)
        except StatebagError as error:
            if not (may_miss and self._is_excused_by_damage(error)):
                raise WrongError(f"a new process cannot open the bag: {error}") from error
            self._count(f"refused: {type(error).__name__}")
            return
        self._same(found, held.state, "a new process opened")
        if self.tenants:
            self._check_protection(held)

    def _check_protection(self, held: Held) -> None:
        """What a tenant sealed is signed and encrypted with that tenant's own keys."""
        cold = _Cold(self.store)
        try:
            client(cold, self.settings, cache_bytes=0).open(held.bag)  # type: ignore[arg-type]
        except StatebagError as error:
            if not self._is_excused_by_damage(error):
                raise WrongError(f"who sealed a bag cannot open it: {error}") from error
        if not self.settings["encryption"] or self.damaged:
            return
        for name in set(_NAME.findall(encode(held.bag).decode())):
            if self.store.head(name) and not self.store.get(name).startswith(_ENCRYPTED):
                raise WrongError("a client with keys refers to an object that is not encrypted")

    def _same(self, found: Any, wanted: Any, where: str) -> None:
        if encode(found) != encode(wanted):
            raise WrongError(f"{where}: another state, without an error")

    def _is_excused_by_damage(self, error: StatebagError) -> bool:
        return self.damaged and isinstance(error, BlobMissing | BlobCorrupt)

    def _excuse(
        self,
        error: StatebagError | str,
        state: Any,
        asked: Request,
        *,
        opened: Held | None = None,
        also: Held | None = None,
        may_refuse: bool = False,
    ) -> None:
        """A refusal is right where there is a reason for it.

        Raises:
            WrongError: There is none.
        """
        code = error if isinstance(error, str) else type(error).__name__
        reason = (
            may_refuse
            or (self.damaged and code in {"BlobMissing", "BlobCorrupt"})
            or (code == "BagTooLarge" and self._may_be_too_large(state, asked))
            or (code in {"InvalidState", "LimitExceeded"} and levels(state) > MAX_DEPTH)
            or any(self._is_refused_cold(held) for held in (opened, also) if held is not None)
        )
        if not reason:
            raise WrongError(f"refused without a reason: {error}") from (
                None if isinstance(error, str) else error
            )
        self._count(f"refused: {code}")

    def _is_refused_cold(self, held: Held, only: list[Any] | None = None) -> bool:
        """Whether a new process with this client's settings is refused as well: other keys."""
        cold = _Cold(self.store)
        try:
            client(cold, self.settings, cache_bytes=0).open(held.bag, only=only)  # type: ignore[arg-type]
        except StatebagError:
            return True
        return False

    def _may_be_too_large(self, state: Any, asked: Request) -> bool:
        """Whether the control fields, which cannot leave, may pass the bound."""
        if not isinstance(state, dict):
            return False
        policy: Policy = self.sb.policy
        bound = asked.budget or policy.max_bag_bytes
        top = {path[0] for path in policy.control_paths()}
        control = {key: one for key, one in state.items() if key in top}
        return _payload_bytes(escape(control)) + 600 + 400 * len(control) > bound


def _check_arrays(state: Any, asked: Request) -> None:
    for path in asked.append or {}:
        if not isinstance(at(state, [path]), list):
            raise NoPlaceError


def _payload_bytes(bag: Any) -> int:
    return max(len(encode(bag)), len(json.dumps(bag)))


def _unordered(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def _spoil(value: Any) -> None:
    """Change what was handed out, which nobody else may hold."""
    if isinstance(value, dict):
        for member in value.values():
            _spoil(member)
        value["spoilt"] = True
    elif isinstance(value, list):
        for member in value[:3]:
            _spoil(member)
        value.append("spoilt")


def _where(error: Exception) -> str:
    """Where in the code an error of no declared kind was raised."""
    frames = traceback.extract_tb(error.__traceback__)[-4:]
    return "".join(f" < {Path(one.filename).name}:{one.lineno}" for one in reversed(frames))
