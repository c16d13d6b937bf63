"""The calls of `Statebag` that look after stored objects: packs, repair, archives, result files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from statebag.format.bag_text import as_bag
from statebag.format.names import encode_scope
from statebag.opening.process_memory import Memory
from statebag.opening.walk import EVERYTHING
from statebag.store.identity import salt_of
from statebag.store.retrying import deadline
from statebag.telemetry.stub_aware import reads_stubs

if TYPE_CHECKING:
    from statebag.opening.fetch import Fetcher
    from statebag.opening.map_results import ChildResult, Transformation
    from statebag.opening.opener import Opener
    from statebag.policy import Policy
    from statebag.sealing.array_writer import ArrayWriter
    from statebag.store.contract import Store
    from statebag.store.recovery import Recovery
    from statebag.store.retrying import RetryingStore
else:  # loaded when they are used; tools that evaluate annotations find the names
    ArrayWriter = ChildResult = Transformation = Any

__all__ = ["UpkeepCalls"]


class UpkeepCalls:
    """The part of `Statebag` that most steps do not use."""

    if TYPE_CHECKING:
        store: RetryingStore
        policy: Policy
        recovery: Recovery
        with_values: Callable[[None], Any]
        _memory: Callable[[], Memory]
        _fetcher: Callable[[Memory], Fetcher]
        _opener: Callable[..., Opener]
        _opened: Callable[..., Any]

    def packs(self, bag: Any) -> list[str]:
        """Return the names of all packs that an open of the whole bag reads from, in order.

        It reads the indexes of large values, but no values.

        Args:
            bag: A bag, or any JSON value that holds stubs.

        Raises:
            StatebagError: The bag is malformed, or an index cannot be read.
        """
        from statebag.upkeep.needed_packs import NeededPacks

        with deadline(self.policy.deadline_seconds):
            return sorted(NeededPacks(self.store).of(as_bag(bag)))

    def repair(
        self, bag: Any, scope: str | None = None, *, embedded: bool = False
    ) -> dict[str, str | None]:
        """Repair the packs that a bag reads from, so that its state can be opened.

        Each pack is read in full and compared with its name. A damaged or missing pack is written
        again from this process's memory, a replica, or an earlier version of the object.

        Args:
            bag: A bag, or its text.
            scope: The reader's scope, as for `open`.
            embedded: Whether to repair the packs of bags in its strings too; if not, a warning is
                logged.

        Returns:
            Each pack's name, with the place that its bytes came from; None if it was intact.

        Raises:
            BlobMissing, BlobCorrupt: No place has an intact copy of a pack. All other packs were
                repaired before.
            StatebagError: As for `open`.
        """
        from statebag.opening.embedded import look_for_texts, open_texts
        from statebag.upkeep.pack_repair import repair_pack, repair_packs
        from statebag.upkeep.remembered_pack import pack_from_memory

        reads_stubs(bag)
        bag = as_bag(bag)

        def remembered(name: str) -> bytes | None:
            texts = self._fetcher(self._memory()).in_memory(name)
            return pack_from_memory(name, texts, self.policy.compression_level, salt_of(self.store))

        def read(fetcher: Fetcher) -> None:
            opener = self._opener(scope, Memory.empty(), fetcher)
            state = opener.open(bag, EVERYTHING)
            if embedded:
                open_texts(opener, state, EVERYTHING)
            last[:] = [state]

        def repair_one(name: str) -> str | None:
            place = repair_pack(self.store, self.recovery, name, remembered)
            self._memory().presence.wrote(name)
            return place

        last: list[Any] = []
        with deadline(self.policy.deadline_seconds):
            repaired = repair_packs(lambda: self._fetcher(Memory.empty()), read, repair_one)
        if not embedded:
            look_for_texts(last[0], embedded=False)
        return repaired

    heal = repair
    """The earlier name of `repair`."""

    def export(self, bag: Any, scope: str | None = None, *, embedded: bool | None = None) -> bytes:
        """Return a deterministic archive of the whole state of a bag, which needs no store.

        Args:
            bag: A bag, or its text.
            scope: The reader's scope, as for `open`.
            embedded: As for `open`. A text that is not opened still refers to this store.

        Raises:
            StatebagError: As for `open`.
        """
        from statebag.store.memory import MemoryStore
        from statebag.upkeep.archive import SCOPE, pack_up

        state = self._opened(bag, scope=scope, embedded=embedded)
        room = MemoryStore()
        policy = msgspec.structs.replace(self._without_keys(), carry_bytes=0)
        sealer = self._in_memory(room, policy)
        sealed = sealer.seal(state, scope=SCOPE)
        return pack_up(sealed, {info.name: room.get(info.name) for info in room.list()})

    def unpack(self, archive: bytes, scope: str, budget: int | None = None) -> Any:
        """Seal an exported state into this store, and return its bag.

        Args:
            archive: A result of `export`, which need not be trusted.
            scope: Where the objects go: `<state machine>/<execution name>`.
            budget: As for `seal`.

        Raises:
            BlobCorrupt, UnsupportedFormat, InvalidStub, LimitExceeded: The archive is damaged,
                forged or too large; nothing was written.
            StatebagError: As for `seal`.
        """
        from statebag.upkeep.archive import SCOPE, check_scope, unpack

        bag, room = unpack(archive, self.policy.max_open_bytes)
        reader = self._in_memory(room, self._without_keys())
        # `export` decided whether a string holds a bag; a control field may be plain.
        state = reader.open(bag, scope=SCOPE, embedded=False)
        return self.with_values(None).seal(state, scope=check_scope(scope), budget=budget)

    def map_results(
        self, details: Mapping[str, str], transformation: Transformation | None = None
    ) -> Iterator[ChildResult]:
        """Iterate the children of a Distributed Map, from the files of its ResultWriter.

        A record that cannot be given exactly becomes a failed child with the error
        `Statebag.UnreadableRecord`; other records are not affected.

        Args:
            details: `ResultWriterDetails` of the state's output: `{"Bucket", "Key"}`.
            transformation: `NONE`, `COMPACT` or `FLATTEN`, as in the ResultWriter's WriterConfig.
                If it is None, the first child that succeeded decides: NONE if its record describes
                a child of this Map Run, by its fields and its ARN.

        Raises:
            InvalidState: A record does not have the form of the first one.
            NotPermitted: The files are not below the store's root or one of the policy's
                `result_roots`.
            BlobMissing, BlobCorrupt, StoreUnavailable: A file could not be read.
        """
        from statebag.opening.map_results import read_map_results
        from statebag.opening.result_roots import ResultRoots

        locate = ResultRoots(self.store, self.policy).locate
        return read_map_results(locate, details, transformation)

    def array_writer(self, scope: str) -> ArrayWriter:
        """Write an array item by item in bounded memory; `finish()` returns an `Unopened` for it.

        Args:
            scope: Where the objects go.
        """
        from statebag.sealing.array_writer import ArrayWriter
        from statebag.store.background import BackgroundWriter

        background = BackgroundWriter(self.store)
        return ArrayWriter(
            background.put,
            background.settle,
            self.policy,
            encode_scope(scope),
            lambda: salt_of(self.store),
        )

    def delete_objects(self, names: Iterable[str]) -> None:
        """Delete objects, and stop relying on them: a later seal writes them again.

        Args:
            names: Their names in the store. No bag that is still in use may need them.

        Raises:
            ConfigurationError: They are not names.
        """
        from statebag.format.arguments import check_each_text, check_iterable

        memory = self._memory()
        for name in check_each_text("names", check_iterable("names", names, "a list of names")):
            memory.forget_packs({name})
            self.store.delete(name)

    def _in_memory(self, store: Store, policy: Policy) -> Any:
        """Return a client of a store in this process's memory."""
        client: Any = type(self)
        return client(store, policy=policy, replicas=(), signing_keys={}, encryption_keys=())

    def _without_keys(self) -> Policy:
        """Return the policy for a store in this process's memory, which needs no keys."""
        return msgspec.structs.replace(
            self.policy, require_signatures=False, require_encryption=False
        )
