"""OpenTelemetry spans: `statebag.step`, and in it `statebag.open`, `statebag.seal` and requests.

It uses only opentelemetry-api: the application chooses an exporter, if any.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from statebag.errors import ConfigurationError, StatebagError
from statebag.telemetry.steps import spans_through

if TYPE_CHECKING:
    from collections.abc import Iterator

    from statebag.telemetry.steps import Done

__all__ = ["Tracing"]


class _Span:
    def __init__(self, span: Any) -> None:
        self._span = span

    def set(self, **attributes: int | str) -> None:
        for name, value in attributes.items():
            self._span.set_attribute(f"statebag.{name}", value)


class Tracing:
    """Once made, start a span for each piece of work.

    Raises:
        ConfigurationError: opentelemetry-api is not installed.
    """

    def __init__(self) -> None:
        try:
            from opentelemetry import trace  # noqa: PLC0415 (an extra)
        except ImportError:
            raise ConfigurationError(
                "STATEBAG_TRACING=otel needs opentelemetry-api, which is not installed",
                hint="Install the extra: pip install 'statebag[tracing]'",
            ) from None
        self._trace = trace
        spans_through(self._started)

    @contextmanager
    def _started(self, name: str) -> Iterator[_Span]:
        tracer = self._trace.get_tracer("statebag")
        # What an exception says may hold a value of a handler's: its class is enough.
        with tracer.start_as_current_span(
            name, record_exception=False, set_status_on_exception=False
        ) as span:
            try:
                yield _Span(span)
            except BaseException as error:
                span.set_attribute("error.type", type(error).__name__)
                if isinstance(error, StatebagError):
                    span.set_attribute("statebag.code", error.code)
                span.set_status(self._trace.StatusCode.ERROR)
                raise

    def ended(self, done: Done) -> None:
        """Do nothing: the span has everything."""
