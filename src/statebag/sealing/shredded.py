"""Define the part of a value that leaves as shreds, and the delta that puts them into place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from statebag.format.stub import Carried, Patched
from statebag.sealing.leaving import Leaving, base64_bytes
from statebag.sealing.parts import stub_wire

if TYPE_CHECKING:
    from statebag.format.stub import Whole
    from statebag.opening.known import Known
    from statebag.sealing.compaction import Move
    from statebag.sealing.cut_value import Cut
    from statebag.sealing.cutting import Member
    from statebag.sealing.layout import Placing
    from statebag.sealing.leaving import Single

__all__ = ["Shredded"]

# Bytes of a delta, as base64, that stays inline where a bag is too large. Chosen: a value is
# written whole only where that frees much more than the stub of one blob takes.
_LITTLE = 1024


class Shredded(Leaving, frozen=True):
    """A value that leaves as shreds, all stored, with a delta that only copies them.

    Attributes:
        single: The value as one blob.
        shreds: The array of its shreds.
        patch: The frame of the delta.
    """

    single: Single
    shreds: Cut
    patch: bytes

    @property
    def wire(self) -> int:
        """Upper bound of the stub's bytes."""
        single = self.single
        empty = Carried("0" * 64, single.size, b"", single.kind, single.count)
        around = stub_wire({**empty.to_wire(), "patch": "", "base": ""})
        return around + self.shreds.wire + base64_bytes(self.patch)

    @property
    def pieces(self) -> tuple[Member, ...]:
        """The shreds."""
        return self.shreds.pieces

    @property
    def new_bytes(self) -> int:
        """Those of the shreds."""
        return self.shreds.new_bytes

    @property
    def opened_bytes(self) -> int:
        """The shreds, as they are read and as the text that the delta starts from."""
        return 2 * self.shreds.size

    def ended(self) -> Single:
        """Return it in one blob."""
        return self._as_one()

    def folded(self, scope: str, level: int) -> Leaving:
        """Return it with one node for the shreds, or in one blob if its delta is long."""
        if base64_bytes(self.patch) > _LITTLE:
            return self._as_one()
        shreds = self.shreds.folded(scope, level)
        if shreds is self.shreds:
            return self._as_one()
        return msgspec.structs.replace(self, shreds=shreds)

    def _as_one(self) -> Single:
        return msgspec.structs.replace(self.single, stored=True, stays_one=True)

    def movable(self, known: Known) -> list[tuple[str, int]]:
        """Those of the shreds."""
        return self.shreds.movable(known)

    def moved(self, move: Move) -> Shredded:
        """Return the same with shreds to be written again."""
        return msgspec.structs.replace(self, shreds=self.shreds.moved(move))

    def relied_on(self) -> set[str]:
        """Those of the shreds."""
        return self.shreds.relied_on()

    def placed(self, placing: Placing) -> Whole:
        """Return the delta to the shreds in their current places."""
        single = self.single
        return Patched(
            self.shreds.placed(placing),
            single.encoded.sha256,
            single.size,
            self.patch,
            single.kind,
            single.count,
        )
