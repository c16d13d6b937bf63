"""Read the ResultWriter of a distributed Map, which sets the form of its results.

Shapes as in the Developer Guide, "ResultWriter (Map)".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from statebag.errors import ConfigurationError

__all__ = ["Writer", "writer"]

_TRANSFORMATIONS = ("NONE", "COMPACT", "FLATTEN")
_OUTPUT_TYPES = ("JSON", "JSONL")


@dataclass(frozen=True, slots=True)
class Writer:
    """A ResultWriter's WriterConfig, with the defaults of AWS."""

    transformation: str
    output_type: str


def writer(given: dict[str, Any] | None, path: str) -> Writer:
    """Return the settings of a ResultWriter; None stands for a state without one.

    Raises:
        ConfigurationError: With the place of an unknown setting.
    """
    if given is None:
        return Writer("COMPACT", "JSON")
    resource = given.get("Resource")
    if resource is None and "WriterConfig" not in given:
        raise ConfigurationError(
            "the ResultWriter has neither a Resource nor a WriterConfig", path=path
        )
    if resource is not None and not str(resource).endswith(":s3:putObject"):
        raise ConfigurationError(
            f"ResultWriter must use s3:putObject, not {str(resource)!r:.80}",
            path=f"{path}.Resource",
        )
    config = given.get("WriterConfig", {})
    transformation = config.get("Transformation", "NONE" if resource else "COMPACT")
    output_type = config.get("OutputType", "JSON")
    for field, value, known in (
        ("Transformation", transformation, _TRANSFORMATIONS),
        ("OutputType", output_type, _OUTPUT_TYPES),
    ):
        if value not in known:
            raise ConfigurationError(
                f"there is no {field} {value!r}",
                path=f"{path}.WriterConfig.{field}",
                hint=f"Use {', '.join(known)}.",
            )
    return Writer(transformation, output_type)
