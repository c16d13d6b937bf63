"""Fill the services in this process at the start of a run, and find the stores in its S3."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from statebag.asl.template import DeclaredResource
    from statebag.local.interpreter.aws_services import AwsServices
    from statebag.store.contract import Store

    Content = Callable[[AwsServices], AbstractContextManager[None]]

__all__ = ["bucket_stores", "contents_of"]


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

        content = read_seeds(seeds)
        contents.append(lambda services: _seeds(content, services))
    return contents


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
