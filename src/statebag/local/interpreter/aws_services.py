"""Services of AWS: boto3 clients of a world in this process, or of the server at an endpoint.

The world in this process is moto's, through its public `mock_aws`. It is loaded when a workflow
first needs it. A program that has started `mock_aws` itself shares its world with the run.
"""

from __future__ import annotations

import threading
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, Self

from statebag.environment import missing_aws_settings, s3_endpoint
from statebag.errors import ConfigurationError
from statebag.local.handler_environment import environment_filled

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

__all__ = ["AwsServices"]


_lock = threading.Lock()
_users = 0
_world = ExitStack()


@contextmanager
def _shared_world(region: str) -> Iterator[None]:
    """The world in this process, which runs at the same time share: moto has one for a process.

    The first of them begins it and the last one ends it, since moto puts back its own settings and
    those of the environment only where worlds end in the reverse order of their beginnings.
    """
    global _users  # noqa: PLW0603 - one world for the process
    with _lock:
        if _users == 0:
            _begin(region)
        _users += 1
    try:
        yield
    finally:
        with _lock:
            _users -= 1
            if _users == 0:
                _world.close()


def _begin(region: str) -> None:
    try:
        from moto import mock_aws  # noqa: PLC0415 - slow, and an extra
    except ImportError as error:
        raise ConfigurationError(
            f"services of AWS in this process need the package {error.name!r}",
            hint="Install the extra: pip install 'statebag[local]'.",
        ) from error
    # Settings that are given inside of a world of the program's own would outlive it there.
    config: Any = None
    if url := s3_endpoint():
        config = {"core": {"mock_credentials": False, "passthrough": {"urls": [url]}}}
    _world.enter_context(environment_filled(missing_aws_settings(region)))
    _world.enter_context(mock_aws(config=config))


class AwsServices:
    """The services of one run; a context manager, which ends their world.

    Args:
        region: The region of clients.
        endpoint: The URL of a server that plays all services; None for the world in this process.
    """

    def __init__(self, region: str, endpoint: str | None = None) -> None:
        self._region = region
        self.endpoint = endpoint
        self._stack = ExitStack()
        self._clients: dict[str, Any] = {}
        self._started = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._clients.clear()
        self._stack.close()

    def start(self) -> None:
        """Begin the world in this process, unless there is an endpoint.

        Raises:
            ConfigurationError: The extra `local` is not installed.
        """
        if self._started:
            return
        self._started = True
        if self.endpoint is None:
            self._stack.enter_context(_shared_world(self._region))
        else:
            self._stack.enter_context(environment_filled(missing_aws_settings(self._region)))

    def client(self, service: str) -> Any:
        """Return the boto3 client of a service, by boto3's name for it."""
        if service not in self._clients:
            self.start()
            import boto3  # noqa: PLC0415 - slow, and an extra
            from botocore.config import Config  # noqa: PLC0415 - the same

            endpoint = self.endpoint or (s3_endpoint() if service == "s3" else None)
            style: Any = {"addressing_style": "path"} if endpoint else None
            self._clients[service] = boto3.Session().client(
                service,
                region_name=self._region,
                endpoint_url=endpoint,
                config=Config(s3=style, retries={"total_max_attempts": 1}),
            )
        return self._clients[service]

    def client_if_known(self, service: str) -> Any:
        """Return the client of a service; None if boto3 knows no service of that name.

        The SDK for Java writes names without the hyphens that boto3 has.
        """
        self.start()
        import boto3  # noqa: PLC0415 - slow, and an extra

        if service not in self._clients:
            known = {one.replace("-", ""): one for one in boto3.Session().get_available_services()}
            named = known.get(service.replace("-", ""))
            if named is None:
                return None
            self._clients[service] = self.client(named)
        return self._clients[service]

    def ensure_bucket(self, name: str) -> None:
        """Make a bucket of the world in this process, where nobody else can make one.

        Raises:
            ClientError: The name is not that of a bucket.
        """
        client = self.client("s3")
        if self.endpoint is not None or s3_endpoint() is not None:
            return
        if name not in {bucket["Name"] for bucket in client.list_buckets()["Buckets"]}:
            client.create_bucket(Bucket=name)

    def check_played(self, service: str, arn: str, path: str, hint: str) -> None:
        """Refuse a service that the world in this process does not have.

        Raises:
            ConfigurationError: It has none.
        """
        from moto.backends import get_service_from_url  # noqa: PLC0415 - slow, and an extra

        url = self.client_if_known(service).meta.endpoint_url
        if get_service_from_url(url) is None:
            raise ConfigurationError(f"{arn} is not played in this process", path=path, hint=hint)
