"""Choose the form in which a value leaves: as stored, a delta, in chunks, or one blob.

`plan` decides which values leave; this module decides how. It writes nothing, and reads only what
a delta starts from.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from statebag.format.codec import LARGEST_PATCHED, make_patch, sha256_hex
from statebag.format.stub import KEY, NEWEST_FORMS, Layered
from statebag.format.stub_parsing import parse_stub
from statebag.opening.verified import Verified
from statebag.sealing.kept import Kept
from statebag.sealing.lacking import NeedsBase, lacking
from statebag.sealing.overlays import overlays_of, overlays_of_read
from statebag.sealing.pieces import Cutter

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from statebag.format.paths import Path
    from statebag.format.stub import Stub, Whole
    from statebag.opening.known import Bases, Known, Remembered
    from statebag.policy import Policy
    from statebag.sealing.cutting import Piece
    from statebag.sealing.leaving import Leaving, Single
    from statebag.sealing.parent import Parent

__all__ = ["FormChoice"]

# Bytes of a text. Chosen: a shorter one takes little more inline than its delta
_WORTH_PATCHING = 4096
_PATCHES_SINCE = 2  # the generation of forms with deltas (docs/upgrade.md)
# A delta takes a twelfth of the text at most. Chosen: about a quarter of its compressed form
# (docs/design/0004); other shares were not swept.
_PATCH_SHARE = 12


class FormChoice:
    """Choose the forms of the values that leave in one seal.

    Args:
        policy: Limits and thresholds.
        scope: The encoded scope that a pack would be written to.
        known: The stored values that stubs may refer to.
        bases: The values that deltas can start from.
        parent: The index of the parent bag, if the seal was given one.
        read_base: Returns the bases with one more, whose chunks it reads; None reads nothing.
    """

    def __init__(
        self,
        policy: Policy,
        scope: str,
        known: Known,
        bases: Bases,
        parent: Parent | None,
        read_base: Callable[[Bases, NeedsBase], Bases] | None = None,
    ) -> None:
        self.policy = policy
        self.scope = scope
        self.known = known
        self.bases = bases
        self._parent = parent
        self._read_base = read_base
        self._cutter: Cutter | None = None

    @property
    def cutter(self) -> Cutter:
        """What cuts large values into chunks."""
        if self._cutter is None:  # most small states need none
            self._cutter = Cutter(self.policy, self.scope, self.known)
        return self._cutter

    def leave(self, value: Any, text: bytes, path: Path) -> Leaving:
        """Return the form in which a value leaves."""
        stored = self.stored(value, text, path)
        if stored is not None:
            return stored
        single = self.cutter.single(value, text, path)
        if self.known.may_hold(single.size):
            blob = self.known.blob(self.scope, single.encoded.sha256)
            single = replace(single, blob=blob)
        same = self.bases.same(self.scope, path, text)
        if same is not None and same.stub.frame:  # travels on as the bytes that came
            encoded = single.encoded.came_as(same.sha256, same.stub.frame)
            single = replace(single, encoded=encoded)
        if single.blob is not None:
            return single
        patched = self._patched(single)
        if patched is not None:
            return patched
        try:
            leaving = self.in_pieces(single, carried=True)
        except NeedsBase as needed:
            assert self._read_base is not None  # or else nothing asks for one
            self.bases = self._read_base(self.bases, needed)
            leaving = self._patched(single) or self.in_pieces(single, carried=True)
        if self._parent is not None and self._may_patch(single):
            self._parent.looks_for_base(single, leaving)
        return leaving

    def in_pieces(self, single: Single, *, carried: bool) -> Leaving:
        """Return a value in chunks (`Cutter.in_pieces`); the chunks that were read come first."""
        before = self.bases.pieces(self.scope, single.path)
        reads = carried and self._read_base is not None and self._may_patch(single)
        listed = self.bases.index(self.scope, single.path) if reads else None
        if listed is None:
            return self.cutter.in_pieces(single, carried=carried, before=before)

        def look(pieces: Sequence[Piece]) -> None:
            held = {piece.sha256: piece.text for piece in pieces}
            if lacking(listed, held) is not None:
                raise NeedsBase(single.path, listed, held)

        largest = max(single.size, listed.stub.size)
        return self.cutter.in_pieces(
            single,
            carried=True,
            before=before,
            look=look if largest <= LARGEST_PATCHED else None,
            tail_before=listed.stub.simple,
        )

    def may_be_stored(self, size: int) -> bool:
        """Return whether a text of this size may be known; False is certain, and needs no text."""
        return self.bases.may_hold(size) or self.known.may_hold(size)

    def stored(self, value: Any, text: bytes, path: Path) -> Leaving | None:
        """Return the form in which a value is stored already; None if none is known."""
        found = self._stored_as(value, text, path)
        return None if found is None else self._unchanged(value, text, path, found)

    def _stored_as(self, value: Any, text: bytes, path: Path) -> Verified | Remembered | None:
        """Return the stored value with this text; None if it is not known."""
        same = self.bases.same(self.scope, path, text)
        if same is not None and self._may_refer(same.stub, value):
            return same
        if self.known.may_hold(len(text)):
            stored = self.known.value(self.scope, sha256_hex(text))
            if stored is not None and self._may_refer(stored.stub, value):
                return stored
        return None

    def _may_refer(self, stub: Whole, value: Any) -> bool:
        """Return whether an existing stub with the text of a value may stand for it.

        A text is verified by its digest; its kind and count are compared with the value itself.
        """
        is_one = stub.kind == _kind_of(value) and (stub.kind is None or stub.count == len(value))
        return is_one and stub.in_store and self.may_write(stub)

    def may_write(self, stub: Stub) -> bool:
        """Return whether the policy allows writing the form of an existing stub."""
        if self.policy.forms >= NEWEST_FORMS:
            return True
        return stub.generation <= self.policy.forms and all(
            map(self._may_hand_on, stub.siblings.values())
        )

    def _may_hand_on(self, value: Any) -> bool:
        """Return whether the policy allows all stubs in a field next to another stub."""
        if isinstance(value, list):
            return all(map(self._may_hand_on, value))
        if not isinstance(value, dict):
            return True
        if KEY in value:
            return self.may_write(parse_stub(value, "$"))
        return all(map(self._may_hand_on, value.values()))

    def _unchanged(
        self, value: Any, text: bytes, path: Path, found: Verified | Remembered
    ) -> Leaving:
        stub, read = found.stub, found if isinstance(found, Verified) else None
        if stub.base is None:
            return Kept.unchanged(path, value, stub, found.packs, read)
        single = self.cutter.single(value, text, path)
        encoded = single.encoded.came_as(stub.digest or "")
        base = None if read is None else read.base
        return replace(
            single,
            encoded=encoded,
            base=stub.base,
            patch=stub.own_frame,
            relies_on=found.packs if base is None else base.packs,
            base_read=base,
            layers=overlays_of(stub, base, self.policy.compression_level),
        )

    def _may_patch(self, single: Single) -> bool:
        """Return whether the policy allows deltas, and one may be worthwhile."""
        policy = self.policy
        allowed = policy.forms >= _PATCHES_SINCE and policy.carry_bytes > 0
        return allowed and single.size >= _WORTH_PATCHING

    def _patched(self, single: Single) -> Single | None:
        """Return a value as a delta of a stored one, if the delta is much shorter."""
        found = self.bases.find(self.scope, single.path) if self._may_patch(single) else None
        if found is None:
            return None
        if self.policy.forms < Layered.generation:
            found = replace(found, over=None)
        base, base_text = found.stub, found.start
        # The base of a delta is of another kind where the value left as shreds.
        alike = base.kind == single.kind
        only_grew = found.over is None and single.text.startswith(base_text[:-1])
        if alike and single.kind == "array" and only_grew:
            return None  # chunks serve an array that only grew better: it can grow unread
        patch = make_patch(single.text, base_text, self.policy.carry_bytes // 4 * 3)
        if patch is None or len(patch) * _PATCH_SHARE > single.size:
            return None
        layers = overlays_of_read(found, self.policy.compression_level)
        return replace(
            single, base=base, patch=patch, relies_on=found.packs, base_read=found, layers=layers
        )


def _kind_of(value: Any) -> str | None:
    if isinstance(value, list):
        return "array"
    return "object" if isinstance(value, dict) else None
