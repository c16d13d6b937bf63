"""The questions that every form of a stub answers; `stub` has the forms.

Code that works on stubs asks these questions and does not tell forms apart, so that a new form is
one class (docs/design/0020-forms.md).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from statebag.format.blobs import Blob, Entry, Extent
    from statebag.format.layers import Layer
    from statebag.format.stub import Carried, Stored

__all__ = ["Kind", "Stub", "Whole"]

Kind = Literal["array", "object"]


class Stub(msgspec.Struct, frozen=True):
    """Answer what is asked of every stub.

    Attributes:
        form: The form's name for people.
        is_data: Whether it is user data that only looks like a stub: it is never read as one.
    """

    form: ClassVar[str]
    is_data: ClassVar[bool] = False

    def to_wire(self) -> dict[str, Any]:
        """Return the stub's body."""
        raise NotImplementedError

    @property
    def whole(self) -> Whole:
        """The stub without the fields next to it: itself, except for a *rest*."""
        raise NotImplementedError

    @property
    def original(self) -> Any:
        """The data, if it only looks like a stub."""
        raise NotImplementedError

    @property
    def beside(self) -> tuple[str, ...] | None:
        """Names of the fields that must stand next to it; None if nothing may."""
        return None

    @property
    def siblings(self) -> Mapping[str, Any]:
        """The JSON values that stand next to it."""
        return {}

    @property
    def size(self) -> int:
        """Bytes of the JSON text that it stands for, without the fields next to it."""
        raise NotImplementedError

    @property
    def kind(self) -> Kind | None:
        """`array` or `object`; None for another value."""
        return None

    @property
    def count(self) -> int:
        """Items of the array or members of the object; 0 if it does not say."""
        return 0

    @property
    def generation(self) -> int:
        """The generation of forms (`Policy.forms`) that first had it."""
        return 1

    @property
    def has_bytes(self) -> bool:
        """Whether it holds bytes of a value; no name ties these to a scope."""
        raise NotImplementedError

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The chunks and index nodes that it lists."""
        return ()

    @property
    def reads(self) -> tuple[Extent, ...]:
        """Advice: further bytes that a reader of the whole value will need."""
        return ()

    @property
    def simple(self) -> Stored | Carried | None:
        """The stub of its one text apart from chunks: itself, or its tail."""
        return None

    @property
    def base(self) -> Whole | None:
        """The stored value that it is a difference to."""
        return None

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The stored deltas between its base and its own delta."""
        return ()

    @property
    def digest(self) -> str | None:
        """SHA-256 of the value's text; None if it does not say."""
        return None

    @property
    def fingerprint(self) -> str | tuple[str, ...] | None:
        """The digest, or the digests of all that it lists: equal for equal values only."""
        return self.digest

    def children(self) -> tuple[Whole, ...]:
        """Return the stubs in it."""
        return ()

    def blobs(self) -> list[Blob]:
        """Return all blobs that it names itself; an index may name more."""
        return [blob for child in self.children() for blob in child.blobs()]

    def packs(self) -> set[str]:
        """Return the packs that it names itself."""
        return {blob.at for blob in self.blobs()}


class Whole(Stub, frozen=True):
    """A stub that suffices to make the text of a value.

    Attributes:
        in_store: Whether it cannot be opened without the store.
    """

    in_store: ClassVar[bool] = False

    @property
    def whole(self) -> Whole:
        """The stub itself."""
        return self

    @property
    def read(self) -> Whole:
        """The stub that must be read: the base of a delta, otherwise this one."""
        return self.base or self

    @property
    def opened_bytes(self) -> int:
        """Bytes that an open counts for it against `Policy.max_open_bytes`, besides index nodes."""
        return self.size

    @property
    def blob(self) -> Blob | None:
        """The blob that holds the text; None if there are several, or none."""
        return None

    @property
    def frame(self) -> bytes:
        """The zstd frame of its text, if it travels in the bag."""
        return b""

    @property
    def own_frame(self) -> bytes:
        """The frame that is inline: of its text, or of a delta."""
        return self.frame

    @property
    def has_bytes(self) -> bool:
        """Whether it holds bytes of a value, and does not only name blobs."""
        return True

    def text(self, texts: Mapping[Blob, bytes], pieces: tuple[Entry, ...], base: bytes) -> bytes:
        """Return the value's JSON text, compared with what the stub says of it.

        Args:
            texts: The texts of the blobs that the stub names.
            pieces: All chunks that its index lists, in order.
            base: What `start` gives.

        Raises:
            BlobCorrupt: Its bytes do not give the text that it says.
            InvalidStub: What it lists does not make what it says.
        """
        raise NotImplementedError

    def start(self, base: bytes, texts: Mapping[Blob, bytes]) -> bytes:
        """Return the text that its own delta starts from: its base with all layers.

        Args:
            base: The text of its base.
            texts: The texts of the blobs that the stub names.

        Raises:
            BlobCorrupt: A layer does not give what the stub says.
            UnsupportedFormat: A layer is of a later version.
        """
        del texts
        return base

    def without_reads(self) -> Whole:
        """Return this stub without its prefetch list."""
        return self

    def placed(self, name: str) -> Whole:
        """Return this stub with the name of the pack that was just written."""
        del name
        return self
