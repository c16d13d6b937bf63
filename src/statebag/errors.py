"""Every error of this library, in one tree grouped by who can do something about it.

```
StatebagError
├── StoreUnavailable     the engine: retry the step
├── BlobMissing          an operator: the object is not in the store
├── BlobCorrupt          an operator: the object is not what was written
├── BagTooLarge          the caller: fewer or smaller control fields, or a larger budget
├── InvalidState         the caller: a value that JSON cannot hold, or a field of the wrong kind
├── InvalidStub          the caller: a payload that only looks like one of ours
├── UnsupportedFormat    the caller: written by a newer version of this library
├── NotPermitted         the caller: outside the configured root or scope, or refused by the store
├── LimitExceeded        the caller: an open that would pass a limit of the policy
├── Conflict             the caller: another writer was first; read again
└── ConfigurationError   the caller: a setting, an extra or a store address is wrong
```

The class names are what an Amazon States Language `ErrorEquals` matches, so they are
public API. No message ever holds a value of a state: only paths, sizes, names and digests.
"""

from __future__ import annotations

from typing import Any, ClassVar

__all__ = [
    "BagTooLarge",
    "BlobCorrupt",
    "BlobMissing",
    "ConfigurationError",
    "Conflict",
    "InvalidState",
    "InvalidStub",
    "LimitExceeded",
    "NotPermitted",
    "StatebagError",
    "StoreUnavailable",
    "UnsupportedFormat",
]


class StatebagError(Exception):
    """The base class of all errors that statebag raises on purpose.

    Attributes:
        code: A stable lower-case word for machines; never changes for a class.
        retryable: Whether the same call may succeed later without any change.
        message: What is wrong, in one sentence, without any value of a state.
        path: The place in the state or bag, as `$.field[0]`; None if there is none.
        object_name: The object in the store, relative to its root; None if there is none.
        hint: What to do, in one sentence; None if the message says it.
    """

    code: ClassVar[str] = "error"
    retryable: ClassVar[bool] = False

    def __init__(
        self,
        message: str,
        *,
        path: str | None = None,
        object_name: str | None = None,
        hint: str | None = None,
    ) -> None:
        self.message = message
        self.path = path
        self.object_name = object_name
        self.hint = hint
        super().__init__(message)

    def __str__(self) -> str:
        text = self.message
        if self.path is not None:
            text += f" (at {self.path})"
        if self.object_name is not None:
            text += f" (object {self.object_name})"
        if self.hint is not None:
            text += f". {self.hint}"
        return text

    def __reduce__(self) -> tuple[Any, ...]:
        return (_rebuild, (type(self), self.message, self.path, self.object_name, self.hint))


def _rebuild(
    kind: type[StatebagError],
    message: str,
    path: str | None,
    object_name: str | None,
    hint: str | None,
) -> StatebagError:
    return kind(message, path=path, object_name=object_name, hint=hint)


class StoreUnavailable(StatebagError):
    """The store did not answer within the attempts or the deadline; retry the step.

    Attributes:
        is_busy: Whether the store was reached and may do the same later, so retrying until the
            deadline is worthwhile; False if that is not known.
    """

    code = "store_unavailable"
    retryable = True
    is_busy: bool = False


class BlobMissing(StatebagError):
    """The store does not have an object that a stub names, or has it in an archive.

    Attributes:
        is_archived: Whether it exists, in a storage class from which it must be restored.
    """

    code = "blob_missing"
    is_archived: bool = False


class BlobCorrupt(StatebagError):
    """An object in the store is not the bytes that were written."""

    code = "blob_corrupt"


class BagTooLarge(StatebagError):
    """The fields that cannot be offloaded are larger than the bag may be."""

    code = "bag_too_large"


class InvalidState(StatebagError):
    """A state has a value that JSON cannot hold, or a field has the wrong type."""

    code = "invalid_state"


class InvalidStub(StatebagError):
    """A payload has the reserved key, but is not a stub that statebag writes."""

    code = "invalid_stub"


class UnsupportedFormat(StatebagError):
    """A stub, a pack or an archive has a version that this release does not know."""

    code = "unsupported_format"


class NotPermitted(StatebagError):
    """A name is outside the configured root or scope, or the store refused a request.

    Attributes:
        is_encrypted: Whether the object is encrypted with a key that the reader does not have.
    """

    code = "not_permitted"
    is_encrypted: bool = False


class LimitExceeded(StatebagError):
    """An open would pass one of the policy's limits on bytes, blobs or requests.

    Or a seal or an open would take more memory than this process may use.
    """

    code = "limit_exceeded"


class Conflict(StatebagError):
    """An object is not as it was when it was read: another writer was first."""

    code = "conflict"


class ConfigurationError(StatebagError):
    """A setting, an environment variable, an extra or a store's address is wrong or missing."""

    code = "configuration_error"
