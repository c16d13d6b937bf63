"""Fill the services in this process at the start of a run, and find the stores in its S3."""

from __future__ import annotations

import difflib
import re
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from statebag.errors import ConfigurationError
from statebag.format.paths import render_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from statebag.asl.template import DeclaredResource
    from statebag.local.interpreter.aws_services import AwsServices
    from statebag.store.contract import Store

    Content = Callable[[AwsServices], AbstractContextManager[None]]

__all__ = ["bucket_stores", "contents_of"]

# As S3 allows them (its user guide, "General purpose bucket naming rules").
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_NAME_OF_A_BUCKET = (
    "A bucket's name has 3 to 63 lower-case letters, digits, dots and hyphens; a template's "
    "logical id can stand for it."
)
# The types of a template's resources, by the part of the seeds that fills them.
_KINDS = {
    "buckets": {"AWS::S3::Bucket"},
    "tables": {"AWS::DynamoDB::Table", "AWS::Serverless::SimpleTable"},
    "queues": {"AWS::SQS::Queue"},
}


def contents_of(
    declared: Sequence[DeclaredResource],
    seeds: str | Path | Mapping[str, Any] | None,
    buckets: str | Path | None,
    warn: Callable[[str], None],
) -> list[Content]:
    """Return the functions that fill the services when they begin.

    Args:
        declared: The resources of the template.
        seeds: A file, or its content (`statebag.local.seeded_data`).
        buckets: A folder with one subfolder for each bucket.
        warn: Called with a warning for what cannot be made.

    Raises:
        ConfigurationError: The seeds are of another form.
    """
    contents: list[Content] = []
    if declared:
        contents.append(lambda services: _resources(declared, services, warn))
    if buckets is not None:
        contents.append(lambda services: _buckets(Path(buckets), services))
    if seeds is not None:
        from statebag.local.seeded_data import read_seeds  # noqa: PLC0415 - reads YAML

        content = _by_name(read_seeds(seeds), declared)
        contents.append(lambda services: _seeds(content, services))
    return contents


def _by_name(
    seeds: dict[str, dict[str, Any]], declared: Sequence[DeclaredResource]
) -> dict[str, dict[str, Any]]:
    """Return seeds by the names of what they fill; a template's logical id stands for its name.

    Raises:
        ConfigurationError: One of them is named twice, by its name and by its logical id; or a
            bucket has a name that S3 does not allow.
    """
    found: dict[str, dict[str, Any]] = {}
    for part, contents in seeds.items():
        of_part = [one for one in declared if one.kind in _KINDS[part]]
        names = {one.logical_id: one.name for one in of_part}
        known = {one.name for one in of_part}
        found[part] = {}
        for given, content in contents.items():
            name = given if given in known else names.get(given, given)
            if part == "buckets" and _BUCKET.fullmatch(name) is None:
                near = difflib.get_close_matches(given, [*names, *known], n=1)
                raise ConfigurationError(
                    f"the seeds name a bucket {given[:80]!r}, but no template declares it",
                    path=render_path((part, given)),
                    hint=f"Did you mean {near[0]}?" if near else _NAME_OF_A_BUCKET,
                )
            if name in found[part]:
                raise ConfigurationError(
                    f"the seeds have {name} twice: by its name and by its logical id",
                    path=render_path((part, given)),
                    hint="Put both contents under one name.",
                )
            found[part][name] = content
    return found


@contextmanager
def _resources(
    declared: Sequence[DeclaredResource], services: AwsServices, warn: Callable[[str], None]
) -> Iterator[None]:
    from statebag.local.declared_resources import make_resources  # noqa: PLC0415 - an extra

    if services.endpoint is None:
        make_resources(declared, services.client, services.region, warn)
    yield


@contextmanager
def _buckets(folder: Path, services: AwsServices) -> Iterator[None]:
    from statebag.local.buckets import filled_buckets  # noqa: PLC0415 - an extra

    with filled_buckets(folder, services):
        yield


@contextmanager
def _seeds(seeds: Mapping[str, Mapping[str, Any]], services: AwsServices) -> Iterator[None]:
    from statebag.local.seeded_data import put_seeds  # noqa: PLC0415 - as above

    put_seeds(seeds, services)
    yield


def bucket_stores(services: AwsServices, mirrors: Mapping[str, Store]) -> Callable[[str], Store]:
    """Return a function that makes stores at `s3://` addresses, in the buckets of this process.

    Args:
        services: Their world, which begins with the first store.
        mirrors: The second store of a store's objects, by its address.
    """

    def make(url: str) -> Store:
        services.start()
        from statebag.local.bucket_store import BucketStore, MirroredStore  # noqa: PLC0415 - an extra

        store = BucketStore(url, services.region)
        mirror = mirrors.get(store.url)
        return store if mirror is None else MirroredStore(store, mirror)

    return make
