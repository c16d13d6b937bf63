"""Check the answers of a store that is not this library's, and give its errors types.

The layers above rely on the contract of a store. If a store breaks it (fewer ranges than were asked
for, another length, another type, an unknown error), the error names the store.
"""

from __future__ import annotations

from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from statebag.errors import BlobCorrupt, ConfigurationError, StatebagError, StoreUnavailable
from statebag.store.bounded import within_deadline
from statebag.store.confinement import check_spans, confined_parts
from statebag.store.contract import ObjectInfo, can_delete_if, is_conditional, is_ours
from statebag.store.identity import identity_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from statebag.store.contract import Store
    from statebag.store.identity import Identity

__all__ = ["CheckedStore", "checked"]

_Answer = TypeVar("_Answer")
_END: Any = object()  # of a listing; None may be an item of a store that breaks the contract

_HINT = "Correct this store; statebag.testing.store_contract has tests for the contract of a store."
# Errors by mistakes in the store's code. All others (a lost connection, an error of its client) may
# pass, so the request is retried.
_MISTAKES = (
    AssertionError,
    AttributeError,
    BufferError,
    ImportError,
    LookupError,
    NameError,
    NotImplementedError,
    RecursionError,
    SyntaxError,
    TypeError,
)


def checked(store: Store) -> Store:
    """Return a store whose answers are checked, or the store itself if it is this library's."""
    return store if is_ours(store) else CheckedStore(store)


class CheckedStore:
    """A store around another one, which checks its answers and applies the deadline.

    Args:
        store: The inner store. Attributes that this class does not have are taken from it. Its
            `url`, `identity`, `is_local` and `salt` are read once, here.

    Raises:
        ConfigurationError: One of these attributes is of the wrong type. With each call: an answer
            of the wrong type, or a mistake in the store's code.
        BlobCorrupt: With a read: other ranges or lengths than were asked for.
        StoreUnavailable: With each call: an error that is not this library's, or no answer before
            the deadline.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._kind = type(store).__qualname__
        with self._typed("give its url", None):
            self._url = store.url
        self._check_kind("url", self._url, str)
        self._is_local: bool = self._attribute("is_local", False)
        self._check_kind("is_local", self._is_local, bool)
        self._salt: bytes = self._attribute("salt", b"")
        self._check_kind("salt", self._salt, bytes)
        identity = self._attribute("identity", None)
        if identity is None:  # told apart as the object that it is
            identity = identity_of(store)
        self._check_kind("identity", identity, tuple)
        with self._typed("give an identity that can be a key", None):
            hash(identity)
        self._identity: Identity = identity

    def __getattr__(self, attribute: str) -> Any:
        if attribute.startswith("_"):  # also what is not there yet, before `__init__`
            raise AttributeError(attribute)
        found = self._attribute(attribute, _END)
        if found is _END:
            raise AttributeError(f"the store {self._kind} has no attribute {attribute}")
        return found

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle only the inner store: the number in an identity is of this process."""
        return CheckedStore, (self._store,)

    def __repr__(self) -> str:
        return f"CheckedStore({self._kind})"

    @property
    def url(self) -> str:
        """The inner store's."""
        return self._url

    @property
    def identity(self) -> Identity:
        """The inner store's identity, so that two clients of one store share its memory."""
        return self._identity

    @property
    def is_local(self) -> bool:
        """Whether a look-up in the inner store costs next to nothing."""
        return self._is_local

    @property
    def salt(self) -> bytes:
        """The inner store's salt; empty if it does not encrypt."""
        return self._salt

    def put(self, name: str, data: bytes) -> None:
        """Write a whole object."""
        self._ask("write", name, lambda: self._store.put(name, data))

    def get(self, name: str) -> bytes:
        """Return all bytes of an object."""
        return self._bytes(self._ask("read", name, lambda: self._store.get(name)), name)

    @property
    def is_conditional(self) -> bool:
        """Whether the inner store is a `ConditionalStore`."""
        return is_conditional(self._store)

    def get_version(self, name: str) -> tuple[bytes, str]:
        """Return all bytes of an object, and their version."""
        store: Any = self._store
        answer = self._ask("read", name, lambda: store.get_version(name))
        if not isinstance(answer, tuple) or len(answer) != 2:
            self._wrong(f"get_version returned {_kind(answer)}, not bytes and a version", name)
        return self._bytes(answer[0], name), self._version(answer[1], "get_version", name)

    def put_if(self, name: str, data: bytes, version: str | None) -> str:
        """Write a whole object if its version is this one."""
        store: Any = self._store
        answer = self._ask("write", name, lambda: store.put_if(name, data, version))
        return self._version(answer, "put_if", name)

    @property
    def can_delete_if(self) -> bool:
        """Whether the inner store has `delete_if`."""
        return can_delete_if(self._store)

    def delete_if(self, name: str, version: str) -> None:
        """Delete an object if its version is this one."""
        store: Any = self._store
        self._ask("delete", name, lambda: store.delete_if(name, version))

    def _version(self, version: object, call: str, name: str) -> str:
        if not isinstance(version, str):
            self._wrong(f"{call} returned a version that is {_kind(version)}, not text", name)
        return version

    def get_ranges(self, name: str, spans: Sequence[tuple[int, int]]) -> list[bytes]:
        """Return the bytes of each `(offset, length)`, neither more nor fewer."""
        check_spans(name, spans)
        answers = self._ask("read", name, lambda: self._store.get_ranges(name, spans))
        if not isinstance(answers, list | tuple):
            self._wrong(f"get_ranges returned {_kind(answers)}, not a list", name)
        if len(answers) != len(spans):
            raise BlobCorrupt(
                f"the store {self._kind} was asked for {len(spans)} ranges and returned "
                f"{len(answers)}",
                object_name=name,
                hint=_HINT,
            )
        for (offset, length), data in zip(spans, answers, strict=True):
            if len(self._bytes(data, name)) != length:
                raise BlobCorrupt(
                    f"the store {self._kind} was asked for {length} bytes at offset {offset} and "
                    f"returned {len(data)}",
                    object_name=name,
                    hint=_HINT,
                )
        return list(answers)

    def head(self, name: str) -> ObjectInfo | None:
        """Return the size and time of an object; None if it does not exist."""
        info = self._ask("look up", name, lambda: self._store.head(name))
        if info is None:
            return None
        self._info(info, "head", name)
        if info.name != name:
            self._wrong("head returned another object's name", name)
        return info

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """Yield all objects at and below a prefix, by name, each one once."""
        last: str | None = None
        for info in self._each_info("list", lambda: self._store.list(prefix)):
            if prefix and info.name != prefix and not info.name.startswith(prefix + "/"):
                self._wrong("list returned an object outside the prefix", info.name)
            if last is not None and info.name <= last:
                self._wrong("list did not return the objects in the order of names", info.name)
            last = info.name
            yield info

    def delete(self, name: str) -> None:
        """Delete an object."""
        self._ask("delete", name, lambda: self._store.delete(name))

    def leftovers(self) -> Iterator[ObjectInfo]:
        """Yield what killed writers left, if the store has such objects."""
        find = self._attribute("leftovers", None)
        return iter(()) if find is None else self._each_info("leftovers", find)

    def discard(self, name: str) -> None:
        """Remove one of the `leftovers`."""
        self._ask("discard", name, lambda: self._store.discard(name))  # type: ignore[attr-defined]

    def versions(self, name: str) -> Iterator[bytes]:
        """Yield earlier versions of an object, if the store keeps any."""
        read = self._attribute("versions", None)
        if read is None:
            return
        for data in self._each("read versions of", name, lambda: read(name)):
            yield self._bytes(data, name)

    def _each_info(
        self, call: str, request: Callable[[], Iterable[object]]
    ) -> Iterator[ObjectInfo]:
        for info in self._each("list", None, request):
            yield self._info(info, call, None)

    def _each(
        self, action: str, name: str | None, request: Callable[[], Iterable[object]]
    ) -> Iterator[object]:
        answer = self._ask(action, name, request)
        items = self._ask(action, name, lambda: iter(answer))
        while (item := self._ask(action, name, lambda: next(items, _END))) is not _END:
            yield item

    def _attribute(self, attribute: str, default: Any) -> Any:
        what = f"give its attribute {attribute}"
        with self._typed(what, None):
            return within_deadline(
                lambda: getattr(self._store, attribute, default),
                f"the store {self._kind} did not {what}",
            )

    def _check_kind(self, attribute: str, found: object, kind: type) -> None:
        if not isinstance(found, kind):
            self._refuse_awaitable(found, f"its {attribute}", None)
            self._wrong(f"its {attribute} is of type {_kind(found)}, not {kind.__name__}", None)

    def _ask(self, action: str, name: str | None, request: Callable[[], _Answer]) -> _Answer:
        if name is not None:
            confined_parts(name)
        what = f"{action} {'its objects' if name is None else 'the object'}"
        with self._typed(what, name):
            answer = within_deadline(request, f"the store {self._kind} did not {what}", name=name)
            self._refuse_awaitable(answer, f"its answer, when asked to {what},", name)
            return answer

    def _refuse_awaitable(self, answer: object, what: str, name: str | None) -> None:
        """Refuse a coroutine: nothing would await it, so nothing would be done."""
        if hasattr(answer, "__await__"):
            close = getattr(answer, "close", None)
            if close is not None:
                close()
            self._wrong(f"{what} is of type {_kind(answer)}, which nothing awaits", name)

    @contextmanager
    def _typed(self, what: str, name: str | None) -> Iterator[None]:
        try:
            yield
        except StatebagError:
            raise
        except Exception as error:  # noqa: BLE001  # a store may raise anything
            # Not chained, and without its text: either may have bytes in it that the store read.
            where = _where(error)
            if isinstance(error, _MISTAKES):
                raise ConfigurationError(
                    f"the store {self._kind} raised {type(error).__name__}{where} when asked to "
                    f"{what}",
                    object_name=name,
                    hint=_HINT,
                ) from None
            raise StoreUnavailable(
                f"the store {self._kind} did not {what}: {type(error).__name__}{where}",
                object_name=name,
                hint="Let the store raise the typed errors of statebag.store.contract.",
            ) from None

    def _bytes(self, data: object, name: str) -> bytes:
        if not isinstance(data, bytes):
            self._wrong(f"a read returned {_kind(data)}, not bytes", name)
        return data

    def _info(self, info: object, call: str, name: str | None) -> ObjectInfo:
        if not isinstance(info, ObjectInfo):
            self._wrong(f"{call} returned {_kind(info)}, not ObjectInfo", name)
        if not isinstance(info.name, str) or not info.name:
            self._wrong(f"{call} returned a name that is not text", name)
        if not isinstance(info.size, int) or isinstance(info.size, bool) or info.size < 0:
            self._wrong(f"{call} returned a size that is not a number of bytes", name)
        if not isinstance(info.modified, datetime) or info.modified.tzinfo is None:
            self._wrong(f"{call} returned a time that is not a datetime with a time zone", name)
        return info

    def _wrong(self, what: str, name: str | None) -> NoReturn:
        raise ConfigurationError(
            f"the store {self._kind} breaks the contract of a store: {what}",
            object_name=name,
            hint=_HINT,
        )


def _kind(value: object) -> str:
    return type(value).__name__


def _where(error: Exception) -> str:
    """Return the file and line that raised an error, without its text."""
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    if last is None:
        return ""
    file = last.tb_frame.f_code.co_filename.replace("\\", "/").rpartition("/")[2]
    return f" ({file}, line {last.tb_lineno})"
