"""Print metrics in CloudWatch's embedded metric format, with Powertools for AWS Lambda.

Format: "Specification: Embedded metric format", Amazon CloudWatch User Guide. It needs only the
standard output of a Lambda function: no request and no permission.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from statebag.environment import emf_names
from statebag.errors import BlobCorrupt, BlobMissing, ConfigurationError
from statebag.policy import PAYLOAD_LIMIT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from statebag.telemetry.steps import Done
    from statebag.telemetry.usage import Usage

__all__ = ["EmbeddedMetrics", "figures"]

_NANOSECONDS = 1e6  # of a millisecond
_SELDOM: dict[str, Callable[[Usage], int]] = {
    "LegacyPointersRead": lambda spent: spent.legacy_pointers_read,
    "LegacyPointersLeft": lambda spent: spent.legacy_pointers_left,
    "BranchesMissing": lambda spent: spent.branches_missing,
    "NeverCompressed": lambda spent: spent.never_compressed,
    "BagTextsLeft": lambda spent: spent.bag_texts_left,
}
"""What most workflows never count: there only if it is above 0, as each metric is billed."""


def figures(done: Done) -> Iterator[tuple[str, str, float]]:
    """Yield name, unit and value of each metric of one step."""
    spent = done.usage
    if spent.bag_bytes:
        yield "BagBytes", "Bytes", spent.bag_bytes
        yield "HeadroomBytes", "Bytes", PAYLOAD_LIMIT - spent.bag_bytes
        yield "CarriedBytes", "Bytes", spent.bytes_carried
    yield "StoredBytes", "Bytes", spent.bytes_put
    yield "ReadBytes", "Bytes", spent.bytes_got
    yield "Puts", "Count", spent.puts
    yield "Gets", "Count", spent.gets
    yield "CacheHits", "Count", spent.cache_hits
    yield "Retries", "Count", spent.retries
    yield "HealedReads", "Count", spent.healed_reads
    yield "SealMilliseconds", "Milliseconds", spent.seal_ns / _NANOSECONDS
    yield "OpenMilliseconds", "Milliseconds", spent.open_ns / _NANOSECONDS
    yield "BlobsMissing", "Count", done.error == BlobMissing.__name__
    yield "BlobsCorrupt", "Count", done.error == BlobCorrupt.__name__
    for name, value in _SELDOM.items():
        if count := value(spent):
            yield name, "Count", count


class EmbeddedMetrics:
    """Print one line of metrics for each step.

    Each metric has the dimension `service` (POWERTOOLS_SERVICE_NAME, else `statebag`), for alarms
    on all functions together. It is also there by `service` and `function_name`, by `service` and
    `action`, and if the event has `state_name`, by `service`, `function_name` and `state`.
    Execution and scope are metadata: as dimensions, each execution would be billed as a metric of
    its own.

    Raises:
        ConfigurationError: Powertools is not installed.
    """

    def __init__(self) -> None:
        try:
            from aws_lambda_powertools.metrics import EphemeralMetrics  # noqa: PLC0415 (an extra)
        except ImportError:
            raise ConfigurationError(
                "STATEBAG_METRICS=emf needs aws-lambda-powertools, which is not installed",
                hint="Install the extra: pip install 'statebag[metrics]'",
            ) from None
        self._make: Any = EphemeralMetrics

    def ended(self, done: Done) -> None:
        """Print the line of a step."""
        namespace, service = emf_names()
        metrics = self._make(namespace=namespace, service=service)
        function = {"service": service, "function_name": done.function or "none"}
        metrics.add_dimensions(**function)
        metrics.add_dimensions(service=service, action=done.action)
        if done.state:
            metrics.add_dimensions(**function, state=done.state)
        for name, unit, value in figures(done):
            metrics.add_metric(name, unit, float(value))
        for name in ("execution", "execution_arn", "scope", "error"):
            value = getattr(done, name)
            if value is not None:
                metrics.add_metadata(name, value)
        metrics.flush_metrics()
