"""Workflow state of any size, under the orchestrator's payload limit, without losing a byte."""

from statebag._version import __version__
from statebag.client import Statebag
from statebag.composition import compose as _compose
from statebag.default_client import step
from statebag.errors import (
    BagTooLarge,
    BlobCorrupt,
    BlobMissing,
    ConfigurationError,
    Conflict,
    InvalidState,
    InvalidStub,
    LimitExceeded,
    NotPermitted,
    StatebagError,
    StoreUnavailable,
    UnsupportedFormat,
)
from statebag.format.unopened import Unopened
from statebag.policy import Policy
from statebag.step import DELETE

__all__ = [
    "DELETE",
    "BagTooLarge",
    "BlobCorrupt",
    "BlobMissing",
    "ConfigurationError",
    "Conflict",
    "InvalidState",
    "InvalidStub",
    "LimitExceeded",
    "NotPermitted",
    "Policy",
    "Statebag",
    "StatebagError",
    "StoreUnavailable",
    "Unopened",
    "UnsupportedFormat",
    "__version__",
    "step",
]

_compose()


def __getattr__(name: str) -> object:
    if name == "process_memory":  # an older place of `statebag.testing.forget`
        from statebag.opening import process_memory  # noqa: PLC0415  # seldom

        return process_memory
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
