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

# Not a public name: `statebag.testing.forget` is. Programs that were written before it look here.
from statebag.opening import process_memory as process_memory
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
