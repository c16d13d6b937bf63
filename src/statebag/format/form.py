"""What is asked of every form of a stub; each form in `stub` answers for itself.

Code that works on stubs asks these questions and does not tell forms apart, so that a new form is
one class (docs/design/0020-forms.md).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from statebag.format.blobs import Blob, Entry, Extent
    from statebag.format.stub import Carried, Stored

__all__ = ["Kind", "Stub", "Whole"]

Kind = Literal["array", "object"]


class Stub(msgspec.Struct, frozen=True):
    """What every stub answers.

    Attributes:
        form: The form's name for people.
        is_data: Whether it is user data that only looks like a stub: it is never read as one.
    """

    form: ClassVar[str]
    is_data: ClassVar[bool] = False

    def to_wire(self) -> dict[str, Any]:
        """The stub's body."""
        raise NotImplementedError

    @property
    def whole(self) -> Whole:
        """The stub of the value without what stands beside it; itself, but for a *rest*."""
        raise NotImplementedError

    @property
    def original(self) -> Any:
        """Of data that only looks like a stub: the data."""
        raise NotImplementedError

    @property
    def beside(self) -> tuple[str, ...] | None:
        """Names of the fields that must stand beside it; None where nothing may."""
        return None

    @property
    def siblings(self) -> Mapping[str, Any]:
        """The JSON values that stand beside it."""
        return {}

    @property
    def size(self) -> int:
        """Bytes of the JSON text that it stands for, without what stands beside it."""
        raise NotImplementedError

    @property
    def kind(self) -> Kind | None:
        """`array` or `object`; None for another value."""
        return None

    @property
    def count(self) -> int:
        """Items of the array or members of the object; 0 where it does not say."""
        return 0

    @property
    def generation(self) -> int:
        """The generation of forms (`Policy.forms`) that first had it."""
        return 1

    @property
    def has_bytes(self) -> bool:
        """Whether it holds bytes of a value itself, which no name ties to a scope."""
        raise NotImplementedError

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The pieces and index nodes that it lists."""
        return ()

    @property
    def reads(self) -> tuple[Extent, ...]:
        """Advice: what a reader of the whole value will need besides the entries."""
        return ()

    @property
    def simple(self) -> Stored | Carried | None:
        """Of the one text that it has besides pieces: itself, or the tail of pieces."""
        return None

    @property
    def base(self) -> Whole | None:
        """The stored value that it is a difference to."""
        return None

    @property
    def digest(self) -> str | None:
        """SHA-256 of the value's text; None where it does not say."""
        return None

    @property
    def fingerprint(self) -> str | tuple[str, ...] | None:
        """What only stubs of equal values share: the digest, or those of all that it lists."""
        return self.digest

    def children(self) -> tuple[Whole, ...]:
        """The stubs in it."""
        return ()

    def blobs(self) -> list[Blob]:
        """All blobs that it names itself; an index may name more."""
        return [blob for child in self.children() for blob in child.blobs()]

    def packs(self) -> set[str]:
        """The packs that it names itself."""
        return {blob.at for blob in self.blobs()}


class Whole(Stub, frozen=True):
    """A stub from which alone a value's text is made.

    Attributes:
        in_store: Whether it cannot be opened without the store.
    """

    in_store: ClassVar[bool] = False

    @property
    def whole(self) -> Whole:
        """Itself."""
        return self

    @property
    def read(self) -> Whole:
        """What must be read for it: the base of a difference, else itself."""
        return self.base or self

    @property
    def blob(self) -> Blob | None:
        """Where its text lies, if that is one blob."""
        return None

    @property
    def frame(self) -> bytes:
        """The zstd frame of its text, if it travels in the bag."""
        return b""

    @property
    def own_frame(self) -> bytes:
        """What of it travels in the bag: the frame, or that of a difference."""
        return self.frame

    @property
    def has_bytes(self) -> bool:
        """Whether it holds bytes of a value; a form that only names blobs says no."""
        return True

    def text(self, texts: Mapping[Blob, bytes], pieces: tuple[Entry, ...], base: bytes) -> bytes:
        """The value's JSON text, compared with what the stub says of it.

        Args:
            texts: Of the blobs that it names.
            pieces: All that its index lists, in order.
            base: The text of its base.

        Raises:
            BlobCorrupt: Its bytes do not give what it says.
            InvalidStub: What it lists does not make what it says.
        """
        raise NotImplementedError

    def without_reads(self) -> Whole:
        """The same stub without advice on what to read."""
        return self

    def placed(self, name: str) -> Whole:
        """The same stub with the name of the pack that was just written."""
        del name
        return self
