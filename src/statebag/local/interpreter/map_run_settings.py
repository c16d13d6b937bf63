"""Read the fields that only a distributed Map has: readers, batches, tolerance, writers."""

from __future__ import annotations

import gc
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from statebag.errors import ConfigurationError
from statebag.local.interpreter.child_results import result_objects, returned_results
from statebag.local.interpreter.item_batches import batched
from statebag.local.interpreter.item_sources import UnreadableSourceError, read_items, reader_form
from statebag.local.interpreter.payload_template import jsonata_template, path_template
from statebag.local.interpreter.result_writer import writer
from statebag.local.interpreter.state_failure import StateFailure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from statebag.asl.model import State
    from statebag.local.interpreter.child_results import RunResult
    from statebag.local.interpreter.json_value import JsonValue
    from statebag.local.interpreter.map_settings import MapSettings
    from statebag.local.interpreter.state_visit import StateVisit

__all__ = ["MapRunSettings", "Tolerance"]

_READER_FAILED = "States.ItemReaderFailed"
_WRITER_FAILED = "States.ResultWriterFailed"
# Of an object after which what its request left is collected. Chosen: small objects leave little.
_COLLECTED_BYTES = 1_000_000


class Tolerance(NamedTuple):
    """How many items may fail: a count or a percentage; None if the field is missing."""

    number: float | None
    percentage: float | None

    def allowed(self, items: int) -> float:
        """Return how many of `total` items may fail."""
        limits = [] if self.number is None else [self.number]
        if self.percentage is not None:
            limits.append(items * self.percentage / 100)
        return min(limits, default=0.0)


class MapRunSettings:
    """The fields of a distributed Map.

    Args:
        state: The state of the definition.
        fields: The fields that every Map has.
    """

    def __init__(self, state: State, fields: MapSettings) -> None:
        self._map = fields
        self._is_jsonata = state.language == "JSONata"
        reader = state.fields.get("ItemReader")
        for name in ("ItemReader", "ResultWriter"):
            _check_given(state, name)
        self._form = None if reader is None else reader_form(reader, f"{state.path}.ItemReader")
        config = (reader or {}).get("ReaderConfig", {})
        self._source = self._template(_given(reader), "ItemReader/Arguments")
        self._config = fields.inside(config)
        batcher = state.fields.get("ItemBatcher")
        self._batcher = None if batcher is None else fields.inside(batcher)
        self._batch_input = self._template((batcher or {}).get("BatchInput"), "ItemBatcher")
        written = state.fields.get("ResultWriter")
        self._writer = writer(written, f"{state.path}.ResultWriter")
        target = _given(written) if (written or {}).get("Resource") else None
        self._target = self._template(target, "ResultWriter/Arguments")

    @property
    def reads(self) -> bool:
        """Whether the items are in S3."""
        return self._form is not None

    @property
    def uses_s3(self) -> bool:
        """Whether items are read from S3, or results written there."""
        return self._form is not None or self._target is not None

    def tolerance(self, visit: StateVisit, effective: Any) -> Tolerance:
        """Return how many items may fail.

        Raises:
            StateFailure: A field is not such a number.
        """
        count = self._map.number(visit, effective, "ToleratedFailureCount", "integer")
        if count is not None and count < 0:
            raise visit.runtime("ToleratedFailureCount cannot be negative.")
        name = "ToleratedFailurePercentage"
        percentage = self._map.number(visit, effective, name, "float")
        if percentage is not None and not 0 <= percentage <= 100:
            raise visit.runtime(f"{name} must be between 0 and 100.")
        return Tolerance(count, percentage)

    def read(self, visit: StateVisit, effective: Any) -> Iterator[Any]:
        """Yield the items in S3, one after another.

        Raises:
            StateFailure: They cannot be read.
        """
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - slow, an extra

        assert self._form is not None
        assert self._source is not None
        most = self._config.number(visit, effective, "MaxItems", "integer")
        if most is not None and most < 0:
            raise StateFailure(_READER_FAILED, "MaxItems cannot be negative.")
        source = self._source(visit, effective)
        client = visit.lane.execution.world.services.client("s3")
        try:
            found = read_items(self._form, source, client)
            # 0 means no limit, as if the field were missing.
            yield from islice(found, int(most) if most else None)
        except (UnreadableSourceError, BotoCoreError, ClientError) as error:
            raise StateFailure(_READER_FAILED, str(error)) from error

    def jobs(
        self, visit: StateVisit, effective: Any, items: Iterable[JsonValue]
    ) -> Iterator[tuple[JsonValue, int]]:
        """Yield the inputs of the children, each with the number of items in it.

        Raises:
            StateFailure: A batch size is not a positive number.
        """
        if self._batcher is None:
            yield from ((item, 1) for item in items)
            return
        limits = []
        for name in ("MaxItemsPerBatch", "MaxInputBytesPerBatch"):
            value = self._batcher.number(visit, effective, name, "integer")
            if value is not None and value < 1:
                raise visit.runtime(f"{name} must be a positive integer.")
            limits.append(None if value is None else int(value))
        shared = None if self._batch_input is None else self._batch_input(visit, effective)
        yield from batched(items, limits[0], limits[1], shared)

    def delivered(
        self, visit: StateVisit, effective: Any, results: list[RunResult], run_arn: str
    ) -> Any:
        """Write the results to S3, or return them as the state's result.

        Raises:
            StateFailure: They cannot be written.
        """
        if self._target is None:
            return returned_results(results, self._writer.transformation)
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - slow, an extra

        target = self._target(visit, effective)
        bucket, key = target["Bucket"], ""
        services = visit.lane.execution.world.services
        try:
            services.ensure_bucket(bucket)
            for key, body in result_objects(
                results,
                self._writer,
                bucket=bucket,
                prefix=target.get("Prefix", ""),
                map_run_arn=run_arn,
            ):
                size = body.getbuffer().nbytes
                services.client("s3").put_object(Bucket=bucket, Key=key, Body=body)
                del body
                if size > _COLLECTED_BYTES:
                    # The request and its copies of the body refer to each other. Measured: without
                    # this, 100,000 children keep 140 MB until the run ends.
                    gc.collect()
        except (BotoCoreError, ClientError) as error:
            raise StateFailure(_WRITER_FAILED, str(error)) from error
        return {
            "MapRunArn": run_arn,
            "ResultWriterDetails": {"Bucket": bucket, "Key": key},
        }

    def _template(self, template: Any, location: str) -> Callable[[StateVisit, Any], Any] | None:
        if template is None:
            return None
        if self._is_jsonata:
            maker = jsonata_template(template, location)
            return lambda visit, _effective: maker(visit)
        return path_template(template)


def _check_given(state: State, name: str) -> None:
    """Refuse the parameters of the other query language, which AWS refuses, too."""
    field = state.fields.get(name)
    right, wrong = ("Arguments", "Parameters")
    if state.language != "JSONata":
        right, wrong = wrong, right
    if isinstance(field, dict) and wrong in field:
        raise ConfigurationError(
            f"{name} must have {right} in {state.language}, not {wrong}",
            path=f"{state.path}.{name}.{wrong}",
        )


def _given(field: Any) -> Any:
    """Return the Parameters or Arguments of an ItemReader or a ResultWriter."""
    if not isinstance(field, dict):
        return None
    return field.get("Arguments", field.get("Parameters", {}))
