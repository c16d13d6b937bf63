"""Mutants of the rooms where a fault loses data, made by cosmic-ray: which do the tests not notice?

Runs in the environment of `requirements/mutation.lock`; the tests run with `--python`, in a copy
of the checkout. Each mutant is tried with the tests of its own room alone, so a survivor may still
be noticed by tests elsewhere: it is a place to look at.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from cosmic_ray.work_db import WorkDB, use_db
from cosmic_ray.work_item import TestOutcome, WorkerOutcome, WorkResult

_ROOT = Path(__file__).resolve().parents[1]
_COPIED = ("src", "tests", "torture", "benchmarks", "examples", "deploy", "docs", "pyproject.toml")
_SECONDS = 90.0  # of one mutant's tests; whole they take 3 to 12
# Annotations are not evaluated here, so that a mutant in one is the same program.
_SAME_PROGRAM = "core/ReplaceBinaryOperator_BitOr_"


class _Room(NamedTuple):
    module: str
    tests: str


_ROOMS = (
    _Room("src/statebag/opening", "tests/opening"),
    _Room("src/statebag/sealing", "tests/sealing"),
    _Room("src/statebag/store/recovery.py", "tests/store/test_recovery.py"),
    _Room("src/statebag/upkeep/gc.py", "tests/upkeep/test_gc.py"),
)


class _Count(NamedTuple):
    room: str
    mutants: int
    tried: int
    noticed: int


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(prog="python -m torture.mutation", description=__doc__)
    parser.add_argument("--python", required=True, help="what runs the tests")
    parser.add_argument("--sample", type=int, default=0, help="so many mutants a room; 0: all")
    parser.add_argument("--seed", type=int, default=1, help="which ones")
    parser.add_argument("--room", help="only rooms whose path holds this")
    parser.add_argument("--out", type=Path, default=Path("build/mutation"), help="for survivors")
    arguments = parser.parse_args()
    out = arguments.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    counts = []
    with tempfile.TemporaryDirectory(prefix="statebag-mutation-") as name:
        copy = Path(name)
        for part in _COPIED:
            source = _ROOT / part
            if source.is_dir():
                shutil.copytree(source, copy / part, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, copy / part)
        for room in _ROOMS:
            if arguments.room is None or arguments.room in room.module:
                counts.append(_tried(room, copy, arguments, out))
                print(_row(counts[-1]), flush=True)
    print("| room | mutants | tried | noticed | share |\n| --- | --- | --- | --- | --- |")
    for count in counts:
        print(_row(count))


def _row(count: _Count) -> str:
    share = f"{100 * count.noticed / count.tried:.1f} %" if count.tried else "-"
    return f"| `{count.room}` | {count.mutants:,} | {count.tried:,} | {count.noticed:,} | {share} |"


def _tried(room: _Room, copy: Path, arguments: argparse.Namespace, out: Path) -> _Count:
    label = room.module.removeprefix("src/statebag/").replace("/", "-")
    config, session = copy / f"{label}.toml", out / f"{label}.sqlite"
    session.unlink(missing_ok=True)
    command = f"{arguments.python} -m pytest -q -x -n 0 -p no:cacheprovider {room.tests}"
    config.write_text(
        f"""[cosmic-ray]
module-path = "{room.module}"
timeout = {_SECONDS}
excluded-modules = []
test-command = "{command}"

[cosmic-ray.distributor]
name = "local"
""",
        "utf-8",
    )
    environment = {**os.environ, "PYTHONPATH": str(copy / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
    _run(copy, environment, *command.split())  # what fails without a mutant shows nothing
    ray = str(Path(sys.executable).with_name("cosmic-ray"))
    _run(copy, environment, ray, "init", str(config), str(session))
    mutants = _sample(session, arguments.sample, arguments.seed)
    _run(copy, environment, ray, "exec", str(config), str(session))
    return _counted(label, session, mutants, out / f"{label}.survivors.diff")


def _run(folder: Path, environment: dict[str, str], *command: str) -> None:
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")


def _sample(session: Path, size: int, seed: int) -> int:
    """Leave so many to try; how many there are."""
    skipped = WorkResult(WorkerOutcome.SKIPPED)
    with use_db(session, WorkDB.Mode.open) as database:
        items = sorted(database.work_items, key=lambda item: str(item.mutations))
        same = [item for item in items if item.mutations[0].operator_name.startswith(_SAME_PROGRAM)]
        others = [item for item in items if item not in same]
        kept = random.Random(seed).sample(others, min(size or len(others), len(others)))
        wanted = {item.job_id for item in kept}
        ids = [item.job_id for item in items if item.job_id not in wanted]
        database.set_multiple_results(ids, skipped)
    return len(others)


def _counted(label: str, session: Path, mutants: int, survivors: Path) -> _Count:
    tried = noticed = 0
    diffs = []
    with use_db(session, WorkDB.Mode.open) as database:
        for _, result in database.results:
            if result.worker_outcome == WorkerOutcome.SKIPPED:
                continue
            tried += 1
            if result.test_outcome == TestOutcome.SURVIVED:
                diffs.append(result.diff or "")
            else:
                noticed += 1
    survivors.write_text("\n".join(diffs), "utf-8")
    return _Count(label, mutants, tried, noticed)


if __name__ == "__main__":
    main()
