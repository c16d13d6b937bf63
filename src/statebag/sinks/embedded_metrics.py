"""Metrics in CloudWatch's embedded metric format, through Powertools for AWS Lambda.

Format: "Specification: Embedded metric format", Amazon CloudWatch User Guide. A Lambda's standard
output is all it takes: no request, no permission.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from statebag.environment import emf_names
from statebag.errors import BlobCorrupt, BlobMissing, ConfigurationError
from statebag.policy import PAYLOAD_LIMIT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from statebag.telemetry.steps import Done

__all__ = ["EmbeddedMetrics", "figures"]

_MILLION = 1e6


def figures(done: Done) -> Iterator[tuple[str, str, float]]:
    """Name, unit and value of each metric of one step."""
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
    yield "SealMilliseconds", "Milliseconds", spent.seal_ns / _MILLION
    yield "OpenMilliseconds", "Milliseconds", spent.open_ns / _MILLION
    yield "BlobsMissing", "Count", done.error == BlobMissing.__name__
    yield "BlobsCorrupt", "Count", done.error == BlobCorrupt.__name__


class EmbeddedMetrics:
    """Prints one line of metrics for each step.

    Each metric is there by `service` (POWERTOOLS_SERVICE_NAME, else `statebag`), for alarms on all
    functions together, by `service` and `function_name`, and where the event says `state_name`, by
    these and `state`. Execution and scope are metadata: as dimensions each execution would be a
    metric of its own, and be billed so.

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
        """Print it."""
        namespace, service = emf_names()
        metrics = self._make(namespace=namespace, service=service)
        function = {"service": service, "function_name": done.function or "none"}
        metrics.add_dimensions(**function)
        if done.state:
            metrics.add_dimensions(**function, state=done.state)
        for name, unit, value in figures(done):
            metrics.add_metric(name, unit, float(value))
        for name in ("action", "execution", "scope", "error"):
            value = getattr(done, name)
            if value is not None:
                metrics.add_metadata(name, value)
        metrics.flush_metrics()
