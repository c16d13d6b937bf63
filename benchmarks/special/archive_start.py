"""A Lambda's first answer, from the archive that is deployed, against boto3's first read.

`make lambda-package` makes the archive; here it is one for this machine, unpacked and seen alone.
A Lambda's code is on a disk that cannot be written to, so each start compiles what it imports,
unless the archive was made with `--bytecode`: both are measured. Each is a new interpreter; its own
start is not counted.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from benchmarks.special.place import Place, run
from benchmarks.synthetic import Writer
from statebag import Policy, Statebag

_ROOT = Path(__file__).resolve().parents[2]
_ARCHITECTURES = {"x86_64": "x86_64", "aarch64": "arm64"}
_SCOPE = "benchmark/archive"
_TEXT = 60_000  # characters
_ALONE = ("-I", "-S", "-B")  # the standard library and what is put on the path; nothing is written
_WITH_PACKAGES = ("-I", "-B")

_BEGIN = """
import sys, time
cpu, wall = time.process_time(), time.perf_counter()
import json
"""
_END = """
ended = time.perf_counter()
sys.stderr.write(json.dumps([ended - wall, time.process_time() - cpu, imported - wall]))
"""
_READ = """
sys.path.insert(0, sys.argv[1])
import statebag
imported = time.perf_counter()
statebag.Statebag().open(json.loads(sys.argv[2]))
"""
_MANAGER = """
sys.path.insert(0, sys.argv[1])
from state_data import lambda_handler
imported = time.perf_counter()
lambda_handler(json.loads(sys.argv[2]), None)
"""
_BOTO3 = """
import boto3
imported = time.perf_counter()
json.loads(boto3.client("s3").get_object(Bucket=sys.argv[1], Key=sys.argv[2])["Body"].read())
"""
_WATCHED = {"STATEBAG_METRICS": "emf", "STATEBAG_LOG": "json"}
"""As deploy/template.yaml sets them."""


class _Start(NamedTuple):
    """A new interpreter, and what it does."""

    options: tuple[str, ...]
    environment: dict[str, str]
    script: str
    arguments: tuple[str, str]


def measure(place: Place) -> dict[str, Any]:
    """Medians in seconds."""
    architecture = _ARCHITECTURES.get(platform.machine())
    if architecture is None or not sys.platform.startswith("linux"):
        return {"skipped": "a Lambda's archive does not run on this machine"}
    with tempfile.TemporaryDirectory() as name:
        plain, compiled = _unpacked(Path(name), architecture)
        control = place.control()
        control.set_delay(0)
        address = place.address()
        text = Writer(3).text(_TEXT)
        bag = Statebag(address, policy=Policy(carry_bytes=0)).seal({"field": text}, scope=_SCOPE)
        key = address.split("/", 3)[3] + "/plain.json"
        _put(place.bucket, key, json.dumps({"field": text}))
        control.set_delay(place.delay_ms)
        ours = {"STATEBAG_STORE": address, "STATEBAG_CARRY_BYTES": "0"}
        read, step = json.dumps(bag), json.dumps(_event(text))
        starts = {
            "a value read": _Start(_ALONE, ours, _READ, (plain, read)),
            "with bytecode": _Start(_ALONE, ours, _READ, (compiled, read)),
            "state data manager": _Start(_ALONE, ours, _MANAGER, (plain, step)),
            "it, watched": _Start(_ALONE, {**ours, **_WATCHED}, _MANAGER, (plain, step)),
            "boto3: a value read": _Start(_WITH_PACKAGES, {}, _BOTO3, (place.bucket, key)),
        }
        times: dict[str, list[list[float]]] = {what: [] for what in starts}
        for _ in range(1 if place.short else 15):
            for what, start in starts.items():
                times[what].append(_timed(start))
        control.set_delay(0)
    return {
        what: {
            "wall": median(one[0] for one in found),
            "cpu": median(one[1] for one in found),
            "wall_least": min(one[0] for one in found),
            "import": median(one[2] for one in found),
        }
        for what, found in times.items()
    }


def _unpacked(folder: Path, architecture: str) -> tuple[str, str]:
    """The function's archive as it is by default, and with bytecode beside the sources."""
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    options = ["--architecture", architecture, "--python", python, "--output", str(folder)]
    package = [sys.executable, str(_ROOT / "deploy" / "package.py"), *options, "--bytecode"]
    subprocess.run(package, check=True, capture_output=True)
    (archive,) = folder.glob("statebag-function-*.zip")
    plain, compiled = folder / "plain", folder / "compiled"
    with zipfile.ZipFile(archive) as opened:
        names = opened.namelist()
        opened.extractall(compiled)
        opened.extractall(plain, [name for name in names if "__pycache__" not in name])
    return str(plain), str(compiled)


def _event(text: str) -> dict[str, Any]:
    """A result that the state data manager merges and stores."""
    return {
        "action": "sync",
        "state_data": {"execution_id": _SCOPE},
        "execution_result": {"next_action": "CONTINUE", "final_state": {"field": text}},
    }


def _timed(start: _Start) -> list[float]:
    program = f"{_BEGIN}{start.script}{_END}"
    done = subprocess.run(
        [sys.executable, *start.options, "-c", program, *start.arguments],
        env={**os.environ, **start.environment},
        check=True,
        capture_output=True,
        text=True,
    )
    figures: list[float] = json.loads(done.stderr)
    return figures


def _put(bucket: str, key: str, text: str) -> None:
    import boto3  # noqa: PLC0415  # slow, and this process measures none of it

    boto3.client("s3").put_object(Bucket=bucket, Key=key, Body=text.encode())


if __name__ == "__main__":
    run(measure)
