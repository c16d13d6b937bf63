"""Give boto3 clients of AWS services: of a world in this process, or of a server at an endpoint.

The world in this process is moto's, through its public `mock_aws`. It is loaded when a workflow
first needs it. A program that has started `mock_aws` itself shares its world with the run.
"""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, Self

from statebag.environment import missing_aws_settings, s3_endpoint
from statebag.errors import ConfigurationError
from statebag.local.handler_environment import environment_filled, environment_now

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from types import TracebackType

__all__ = ["AwsServices"]

_CREDENTIALS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")


class _Shared:
    """A context shared by concurrent runs: the first one begins it, and the last one ends it.

    moto and the environment return to their earlier state only if contexts end in the reverse order
    of their beginnings. Contexts of several threads do not.

    Args:
        begin: Enters the shared context.
    """

    def __init__(self, begin: Callable[[ExitStack, str], None]) -> None:
        self._begin = begin
        self._stack = ExitStack()
        self._users = 0
        self._lock = threading.Lock()

    @contextmanager
    def used(self, region: str) -> Iterator[None]:
        with self._lock:
            if self._users == 0:
                self._begin(self._stack, region)
            self._users += 1
        try:
            yield
        finally:
            with self._lock:
                self._users -= 1
                if self._users == 0:
                    self._stack.close()


def _begin_settings(stack: ExitStack, region: str) -> None:
    """Set dummy credentials and a region for clients if the environment has none."""
    stack.enter_context(environment_filled(missing_aws_settings(region)))


def _begin_world(stack: ExitStack, _region: str) -> None:
    """Begin the services in this process: moto has one world for all."""
    try:
        from moto import mock_aws  # noqa: PLC0415 - slow, and an extra
    except ImportError as error:
        raise ConfigurationError(
            f"services of AWS in this process need the package {error.name!r}",
            hint="Install the extra: pip install 'statebag[local]'.",
        ) from error
    from statebag.local.interpreter.boto_hooks import services_are_loaded  # noqa: PLC0415 - a circle

    services_are_loaded()
    # Settings that are set inside the program's own world would outlive that world.
    config: Any = None
    if url := s3_endpoint():
        config = {"core": {"mock_credentials": False, "passthrough": {"urls": [url]}}}
    own = environment_now(_CREDENTIALS)
    stack.enter_context(mock_aws(config=config))
    stack.enter_context(environment_filled(own))  # moto sets its own


_settings = _Shared(_begin_settings)
_world = _Shared(_begin_world)


class AwsServices:
    """The services of one run; as a context manager, it ends their world.

    Args:
        region: The region of clients.
        endpoint: The URL of a server that emulates all services; None for the world in this
            process.
        contents: Fill the world in this process: each returns a context that fills it at the start,
            and may save its contents at the end.
    """

    def __init__(
        self,
        region: str,
        endpoint: str | None = None,
        contents: Sequence[Callable[[AwsServices], AbstractContextManager[None]]] = (),
    ) -> None:
        self.region = region
        self.endpoint = endpoint
        self._contents = contents
        self._stack = ExitStack()
        self._clients: dict[str, Any] = {}
        self._started = False
        self._lock = threading.RLock()

    def __enter__(self) -> Self:
        self._stack.enter_context(_settings.used(self.region))
        if self.endpoint is not None:
            self._stack.enter_context(environment_filled({"AWS_ENDPOINT_URL": self.endpoint}))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()
        self._clients.clear()

    def start(self) -> None:
        """Begin the world in this process, unless there is an endpoint or it has begun.

        Raises:
            ConfigurationError: The extra `local` is not installed.
        """
        with self._lock:  # of two threads of a function, one begins it and the other one waits
            if self._started:
                return
            self._started = True
            if self.endpoint is None:
                self._stack.enter_context(_world.used(self.region))
            for content in self._contents:
                self._stack.enter_context(content(self))

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
                region_name=self.region,
                endpoint_url=endpoint,
                config=Config(
                    s3=style,
                    retries={"total_max_attempts": 1},
                    # Checksums that nobody asked for make further copies of the objects.
                    request_checksum_calculation="when_required",
                    response_checksum_validation="when_required",
                ),
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
        """Make a bucket in the world in this process, in which nothing else can make one.

        Raises:
            ClientError: The name cannot be that of a bucket.
        """
        client = self.client("s3")
        if self.endpoint is not None or s3_endpoint() is not None:
            return
        if name not in {bucket["Name"] for bucket in client.list_buckets()["Buckets"]}:
            client.create_bucket(Bucket=name)

    def plays(self, url: str) -> bool:
        """Return whether the world in this process answers requests to this address of AWS."""
        self.start()
        from moto.backends import get_service_from_url  # noqa: PLC0415 - slow, and an extra

        return get_service_from_url(url) is not None

    def check_played(self, service: str, arn: str, path: str, hint: str) -> None:
        """Refuse a service that the world in this process does not have.

        Raises:
            ConfigurationError: It does not have this service.
        """
        if not self.plays(self.client_if_known(service).meta.endpoint_url):
            raise ConfigurationError(f"{arn} is not emulated in this process", path=path, hint=hint)
