"""Turn a state into a bag: plan, write new blobs, remember them."""

from __future__ import annotations

from os import urandom
from typing import TYPE_CHECKING, Any

from statebag.errors import BagTooLarge, InvalidState, LimitExceeded
from statebag.format import escape, json_text
from statebag.format.bag_text import STRING_MARKS
from statebag.format.head_names import SCOPE_OF_PACKS
from statebag.format.json_check import check_json
from statebag.format.json_text import wire_size, wire_size_at_most
from statebag.format.names import encode_scope
from statebag.format.unopened import OPAQUE, Grown
from statebag.opening.opener import Confinement
from statebag.opening.process_memory import Memory
from statebag.opening.verified import Texts, verified
from statebag.opening.walk import EVERYTHING
from statebag.policy import check_budget
from statebag.sealing import rehearsal
from statebag.sealing.admission import Admission
from statebag.sealing.compaction import compact
from statebag.sealing.fitting import fit
from statebag.sealing.lacking import with_base
from statebag.sealing.layout import Layout, lay_out
from statebag.sealing.parts import what_leaves
from statebag.sealing.pieces import NeedsOpened
from statebag.sealing.plan import Planner
from statebag.store.identity import asks_for_nothing, salt_of
from statebag.telemetry import usage

if TYPE_CHECKING:
    from collections.abc import Callable

    from statebag.format.json_check import Checked
    from statebag.format.paths import Path
    from statebag.format.signature import Signatures
    from statebag.opening.fetch import Fetcher
    from statebag.opening.known import Bases, Known
    from statebag.opening.opener import Opener
    from statebag.policy import Policy
    from statebag.sealing.lacking import NeedsBase
    from statebag.sealing.parent import Parent
    from statebag.sealing.parts import Part
    from statebag.store.contract import Store

__all__ = ["OPAQUE", "Sealer", "plain"]

_NO_SCOPE = "unscoped"
# Plans that rely on memory while its packs turn out to be gone. Chosen: one is the rule, another
# thread may bring back a lost pack once or twice.
_TURNS = 3


class Sealer:
    """Seals for one client.

    Args:
        policy: Limits and thresholds.
        store: Where packs go.
        memory: What this process remembers of the store.
        fetcher: Makes the fetcher of a memory; it looks up packs and keeps written texts.
        opener: Makes the opener of a scope, with a memory and perhaps a fetcher; it reads unopened
            values if a seal needs them.
        signatures: Sign every stub; None signs nothing.
    """

    def __init__(
        self,
        policy: Policy,
        store: Store,
        memory: Memory,
        fetcher: Callable[[Memory], Fetcher],
        opener: Callable[..., Opener],
        signatures: Signatures | None,
    ) -> None:
        self.policy = rehearsal.policy_of(policy) if rehearsal.running else policy
        self.store = store
        self._memory = memory
        self._fetcher = fetcher
        self._opener = opener
        self._signatures = signatures

    def sealed(
        self,
        state: Any,
        scope: str | None,
        budget: int | None,
        *,
        everything: bool = False,
        confined: bool = True,
        parent: Any = None,
    ) -> Any:
        """Return the bag of a state, once everything that it refers to is stored.

        Args:
            state: A JSON value that may hold `Unopened` and `Grown`.
            scope: Where new objects go.
            budget: The bag's bound in bytes, instead of the policy's.
            everything: Whether to write even values that are known to be stored.
            confined: Whether the bag's readers pass `scope`, if it is given.
            parent: The bag that the state came from, if values that it leads to need not be written
                again.

        Raises:
            StatebagError: As for `Statebag.seal`.
        """
        if budget is not None:
            check_budget(budget)
        try:
            memory = Memory.empty() if everything else self._memory
            # Packs of heads are deleted one by one. A collector may be about to delete the ones
            # that would be written here, so these have names that no pack had.
            of_heads = everything and scope is not None and _is_of_heads(scope)
            fresh = json_text.encode(urandom(8).hex()) if of_heads else b""
            return self._sealed(
                state,
                scope,
                budget,
                memory,
                fresh,
                confined=confined,
                parent=None if everything else parent,
            )
        except (
            UnicodeEncodeError
        ):  # the encoder finds bad strings and keys, before the store is asked
            check_json(state, OPAQUE)  # raises, with the place
            raise
        except RecursionError:
            raise json_text.no_room(InvalidState) from None
        except MemoryError:
            raise LimitExceeded(
                "this process does not have enough memory to seal the state",
                hint="Seal fewer or smaller values at once, or give this process more memory.",
            ) from None

    def _sealed(
        self,
        state: Any,
        scope: str | None,
        budget: int | None,
        memory: Memory,
        fresh: bytes,
        *,
        confined: bool,
        parent: Any,
    ) -> Any:
        words = (*STRING_MARKS, *escape.tag_names)
        checked = check_json(state, OPAQUE, strings=False, words=words)
        encoded = encode_scope(_NO_SCOPE if scope is None else scope)

        def admission() -> Admission:
            confinement = None
            if confined and scope is not None:
                confinement = Confinement(encoded, self.policy.readable_scopes)
            return Admission(confinement, self._signatures)

        bound = self.policy.max_bag_bytes if budget is None else budget
        origin = None if parent is None else self._origin(parent, scope, encoded)
        if origin is not None:
            memory = Memory(origin.known, origin.bases, memory.texts, memory.presence)
        turns = 0
        while True:
            state, layout, text = self._laid_out(
                state,
                scope if confined else None,  # that the parent gave confines nobody
                encoded,
                bound,
                memory,
                fresh,
                checked if not turns else None,
                admission,
                origin,
            )
            wrong = set[str]() if origin is None else self._disproved(origin, layout)
            missing = self._missing(layout) - wrong if layout.leaving else set()
            if not missing and not wrong:
                break
            # Their values are at hand: what the store lost is written again.
            memory.forget_packs(missing)
            turns += 1
            # Another thread, or a read of the cache, keeps reminding us of them.
            if turns >= _TURNS:
                memory, origin = Memory.empty(), None
        if layout.pack is not None:
            self.store.put(*layout.pack)
            self._memory.presence.wrote(layout.pack[0], len(layout.pack[1]))
            self._memory.known.add_blobs([blob for blob, _ in layout.written])
            self._fetcher(self._memory).remember(layout.written)
            for one in layout.stored:
                if one.pieces is None or origin is not None:
                    continue  # not all of it was verified
                if not self._memory.bases.has_room(one.stub.size):
                    self._memory.bases.add_index(one.path, one.listed)
                else:
                    value = verified(
                        one.stub, Texts(one.texts), one.pieces, one.node_packs, one.path, one.base
                    )
                    self._memory.bases.add(one.path, value)
        for node, entries in layout.nodes:
            self._memory.known.add_node(node, entries)
        bag = json_text.decode(text)
        if usage.is_measured():
            _count(state, layout, text)
        watching = rehearsal.current() if rehearsal.running else None
        if watching is not None:
            watching.sealed(bag, self.policy)
        return bag

    def _origin(self, parent: Any, scope: str | None, encoded: str) -> Parent | None:
        """Return the values that a parent leads to, except those that this process remembers."""
        from statebag.sealing.parent import Parent  # noqa: PLC0415  # few seals have a parent

        memory = self._memory

        def opener(known: Known, fetcher: Fetcher) -> Opener:
            also = Memory(known, memory.bases, memory.texts, memory.presence)
            return self._opener(scope, also, fetcher)

        fetcher = self._fetcher(memory)
        origin = Parent(parent, encoded, opener, fetcher, memory.known, memory.bases)
        return origin if origin.is_new else None

    def _laid_out(
        self,
        state: Any,
        scope: str | None,
        encoded: str,
        bound: int,
        memory: Memory,
        fresh: bytes,
        checked: Checked | None,
        admission: Callable[[], Admission],
        parent: Parent | None,
    ) -> tuple[Any, Layout, bytes]:
        """Return a layout whose bag is within the bound, with the bag's text.

        The state is returned too, since the seal may have opened more of it.
        """

        def read_base(bases: Bases, needed: NeedsBase) -> Bases:
            return with_base(bases, needed, self._fetcher(memory))

        planner = Planner(
            self.policy, encoded, memory.known, memory.bases, checked, admission, parent, read_base
        )
        target, moves, spare = bound, True, 0
        root: Part | None = None
        while True:
            try:
                if root is None:  # another try changes only what leaves of it
                    root = planner.part(state, ())
                    if parent is not None and parent.reads():
                        root = planner.part(state, ())
                plan = fit(root, planner, target - max(spare, 0))
                fitted = plan.wire
            except BagTooLarge:
                if spare <= 0:
                    raise
                spare = -1
                continue
            except NeedsOpened as needed:
                if spare > 0:
                    spare = -1  # no prefetch list is worth a read
                    continue
                state = self.read_inside(state, needed.path, scope)
                planner.looks_again()
                root = None
                continue
            if what_leaves(plan):
                leaving_packs = frozenset[str]()
                if moves:
                    plan, leaving_packs = compact(plan, planner, self._fetcher(memory))
                layout = lay_out(
                    plan,
                    encoded,
                    memory.known,
                    self.policy.compression_level,
                    self._signatures,
                    lambda: _joined(salt_of(self.store), fresh),
                    leaving_packs,
                )
            else:
                layout = Layout(plan.in_bag({}, None), plan)
            text = json_text.encode(layout.bag)
            size = wire_size_at_most(text, exponents=True)
            if size > bound:
                size = wire_size(layout.bag, text)
            if size > bound and not spare and layout.leaving:
                # First more leaves: a stub that lost its prefetch list lost it for long. The plan
                # may have been far below its bound.
                spare = target - fitted + size - bound
                continue
            if size > bound:
                layout = layout.without_reads()
                text = json_text.encode(layout.bag)
                size = wire_size(layout.bag, text)
            if size <= bound:
                if self.policy.preview_bytes:
                    from statebag.sealing.previews import with_previews  # noqa: PLC0415  # few have

                    most = self.policy.preview_bytes
                    layout, text = with_previews(layout, text, bound, most)
                return state, layout, text
            # In which packs blobs come to lie is known only now, and with it the names that the
            # stubs list. What moved stays where it was, or else more has to leave.
            if moves:
                moves = False
            else:
                target -= size - bound

    def _disproved(self, origin: Parent, layout: Layout) -> set[str]:
        """Return the packs of the bag that lack blobs that the parent names."""
        return origin.disproved(layout.relied_on(), encrypted=bool(salt_of(self.store)))

    def _missing(self, layout: Layout) -> set[str]:
        """Return the packs that the bag relies on and that the store does not have."""
        names = layout.relied_on()
        if not names:
            return set()
        longest = 0.0 if asks_for_nothing(self.store) else self.policy.recheck_seconds
        presence = self._memory.presence
        missing: set[str] = set()
        stale: list[str] = []
        for name in names:
            if presence.is_lost(name):
                missing.add(name)
            elif not longest or not presence.is_fresh(name, longest):
                stale.append(name)
        found = self._fetcher(self._memory).found(stale) if stale else set()
        for name in stale:
            if name in found:
                presence.saw(name)
            else:
                presence.missed(name)
        return missing | (set(stale) - found)

    def read_inside(self, state: Any, path: Path, scope: str | None, above: Path = ()) -> Any:
        """Return the state with all values at and below a path opened."""
        if path and isinstance(state, dict | list):
            copy: Any = dict(state) if isinstance(state, dict) else list(state)
            inner = copy[path[0]]
            copy[path[0]] = self.read_inside(inner, path[1:], scope, (*above, path[0]))
            return copy
        whole = self._without_grown(state, scope, above)
        return self._opener(scope, self._memory).open(whole, EVERYTHING, is_state=True, below=above)

    def _without_grown(self, state: Any, scope: str | None, above: Path) -> Any:
        """Return the state with each `Grown` replaced by the whole array."""
        root = [state]
        pending: list[tuple[Any, Any, Path]] = [(root, 0, above)]
        while pending:  # and not by recursion: a state may nest as deep as frames do
            container, key, path = pending.pop()
            one = container[key]
            if isinstance(one, Grown):
                container[key] = [*self.read_inside(one.before, (), scope, path), *one.items]
            elif isinstance(one, dict):
                container[key] = copy = dict(one)
                pending.extend((copy, name, (*path, name)) for name in copy)
            elif isinstance(one, list):
                container[key] = items = list(one)
                pending.extend((items, i, (*path, i)) for i in range(len(items)))
        return root[0]


def plain(state: Any, read: Callable[[Any], Any]) -> Any:
    """Check and count the state as if it were a bag, and return it: sealing is off.

    Args:
        state: A JSON value that may hold `Unopened` and `Grown`.
        read: Returns the state with these opened.
    """
    check_json(state, OPAQUE)
    unread: list[Any] = []
    text = json_text.encode(state, unread.append)
    if unread:  # they came in a bag, from where sealing was on
        text = json_text.encode(read(state))
    usage.peak(plain_bytes=len(text), bag_bytes=len(text))
    return json_text.decode(text)


def _count(state: Any, layout: Layout, text: bytes) -> None:
    """Count one seal for the measurements that are going on."""
    carried = layout.carried()
    usage.add(
        blobs_stored=len(layout.written),
        blobs_carried=len(carried),
        bytes_carried=sum(carried),
    )
    usage.peak(bag_bytes=wire_size(layout.bag, text), plain_bytes=_plain_bytes(state))


def _plain_bytes(state: Any) -> int:
    """Return the bytes of the state's text, as if everything in it were opened."""
    unread = 0

    def reckon(value: Any) -> None:
        nonlocal unread
        unread += value.size

    return len(json_text.encode(state, reckon)) + unread


def _is_of_heads(scope: str) -> bool:
    return encode_scope(scope).endswith(f"/{SCOPE_OF_PACKS}")


def _joined(salt: bytes, fresh: bytes) -> bytes:
    """Return one JSON text of two, either of which may be empty."""
    return b"[" + salt + b"," + fresh + b"]" if salt and fresh else salt or fresh
