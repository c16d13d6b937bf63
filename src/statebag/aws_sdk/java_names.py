"""Spell names as the AWS SDK for Java does, and with it Step Functions.

`DBInstances` is `DbInstances` in a result, `DynamoDB` is `DynamoDb` in an error's name, and the
error `NoSuchBucket` is `NoSuchBucketException` (recorded executions, and the SDK's public class
names).
"""

from __future__ import annotations

import re
from functools import lru_cache

__all__ = ["exception_name", "pascal_case", "service_name"]

# Words of a name: a version (`v2`), an acronym before a capitalized word, a word, digits.
_VERSION = re.compile(r"(?<=[A-Z]{2})v(?=[0-9])|(?<=[a-z])V(?=[0-9])")
_BOUNDARIES = re.compile(
    r"[^A-Za-z0-9]+"
    r"|(?<=[a-z])(?=[A-Z][A-Za-z0-9])"  # listObjects, but not IoT
    r"|(?<=[A-Z])(?=[A-Z][a-z])"  # DBInstance
    r"|(?<=[0-9])(?=[A-Za-z])"  # Md5Of
)


@lru_cache(4096)
def pascal_case(name: str) -> str:
    """Return a name of an API in the SDK's spelling, such as `DbInstances` for `DBInstances`."""
    marked = _VERSION.sub(lambda match: f" {match[0]}", name)
    return "".join(word.capitalize() for word in _BOUNDARIES.split(marked) if word)


def service_name(service_id: str) -> str:
    """Return a service's name in the names of errors.

    Args:
        service_id: `serviceId` of its API model, such as `CloudWatch Logs`.
    """
    name = pascal_case(service_id)
    shorter = name.removeprefix("Amazon").removeprefix("Aws").removesuffix("Service")
    return shorter or name


def exception_name(service_id: str, shape: str | None) -> str:
    """Return the name under which Step Functions reports an error.

    Args:
        service_id: `serviceId` of its API model.
        shape: The error's name in the API model; None for an error that is not in it.
    """
    service = service_name(service_id)
    if shape is None:
        return f"{service}.{service}Exception"
    bare = pascal_case(shape.removesuffix("Fault"))
    return f"{service}.{bare.removesuffix('Exception')}Exception"
