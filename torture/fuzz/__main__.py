"""`python -m torture.fuzz`: random lives for so many seconds; 1 where one of them went wrong.

A failure is written as a list of operations, made as short as it could be, and made again with
`--replay`.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
import time
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from torture.fuzz.draw import Life
from torture.fuzz.process import Companion
from torture.fuzz.shrink import shortest
from torture.fuzz.values import has_real_data
from torture.fuzz.world import World, WrongError

if TYPE_CHECKING:
    from torture.fuzz.world import Operation

_STEPS = 60  # of a life


class _Found(Exception):  # noqa: N818  # carries what was found
    def __init__(self, what: str, operations: list[Operation], world: World) -> None:
        super().__init__(what)
        self.operations = operations
        self.world = world


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(prog="python -m torture.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--life", type=int, help="only this one")
    parser.add_argument("--no-faults", action="store_true", help="no object is lost or damaged")
    parser.add_argument("--no-keys", action="store_true", help="all clients have the same keys")
    parser.add_argument("--no-scopes", action="store_true", help="all is one execution's")
    parser.add_argument("--tables", action="store_true", help="tables, edited in many places")
    parser.add_argument("--replay", type=Path, help="make the operations of this file")
    parser.add_argument("--shrink", type=float, default=60, help="seconds to shorten a failure")
    parser.add_argument("--out", type=Path, default=Path("build"), help="where a failure goes")
    parser.add_argument("--json", type=Path, help="write the counts to this file")
    arguments = parser.parse_args()
    logging.getLogger("statebag").setLevel(logging.CRITICAL)  # what is damaged is told there
    companion = Companion()
    try:
        sys.exit(
            _replayed(arguments, companion) if arguments.replay else _run(arguments, companion)
        )
    finally:
        companion.end()


def _run(arguments: argparse.Namespace, companion: Companion) -> int:
    counts: dict[str, int] = {}
    started = time.monotonic()
    number = arguments.life or 0
    failure = None
    while time.monotonic() < started + arguments.seconds:
        try:
            _live(arguments, number, companion, counts)
        except _Found as found:
            failure = found
            break
        number += 1
        if arguments.life is not None:
            break
    of_others = ("refused", "with ")
    steps = sum(count for name, count in counts.items() if not name.startswith(of_others))
    summary = {
        "seed": arguments.seed,
        "lives": number - (arguments.life or 0),
        "steps": steps,
        "wrong": 0 if failure is None else 1,
        "seconds": round(time.monotonic() - started, 1),
        "real data": has_real_data(),
        "operations": dict(sorted(counts.items())),
    }
    print(json.dumps(summary, indent=1))
    if not has_real_data():
        print("the shared test data is absent: all values were generated")
    if arguments.json:
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        arguments.json.write_text(json.dumps(summary, indent=1), "utf-8")
    if failure is None:
        return 0
    print(f"WRONG after {steps} steps, seed {arguments.seed}, life {number}: {failure}")
    _tell(failure, arguments, companion)
    return 1


def _live(
    arguments: argparse.Namespace, number: int, companion: Companion, counts: dict[str, int]
) -> None:
    source = Random(f"{arguments.seed}/{number}")  # the same lives each time
    life = Life(
        source,
        faults=not arguments.no_faults,
        keys=not arguments.no_keys,
        scopes=not arguments.no_scopes,
        tables=arguments.tables,
    )
    world = World(life.files, life.tenants, companion, counts)
    operations: list[Operation] = []
    try:
        for operation in life.begin():
            _make(world, operation, operations)
        for _ in range(_STEPS):
            _make(world, life.next(world), operations)
    finally:
        world.close()


def _make(world: World, operation: Operation, operations: list[Operation]) -> None:
    operations.append(json.loads(json.dumps(operation)))
    try:
        world.do(operations[-1])
    except WrongError as error:
        raise _Found(str(error), operations, world) from error


def _tell(failure: _Found, arguments: argparse.Namespace, companion: Companion) -> None:
    world = failure.world

    def fails(operations: list[Operation]) -> bool:
        said = _made_again(operations, world.files, world.tenants, companion)
        return said is not None and _sort(said) == _sort(str(failure))

    operations = failure.operations
    if fails(operations):
        operations = shortest(operations, fails, seconds=arguments.shrink)
    else:
        print("it does not fail when it is made again")
    arguments.out.mkdir(parents=True, exist_ok=True)
    file = arguments.out / f"fuzz-{arguments.seed}.json"
    whole = {"files": world.files, "tenants": world.tenants, "operations": operations}
    file.write_text(json.dumps(whole, indent=1), "utf-8")
    for operation in operations:
        print(json.dumps(operation))
    print(f"make it again: python -m torture.fuzz --replay {file}")


def _sort(said: str) -> str:
    """What went wrong, without its numbers."""
    return said[:40]


def _replayed(arguments: argparse.Namespace, companion: Companion) -> int:
    whole = json.loads(arguments.replay.read_text("utf-8"))
    said = _made_again(whole["operations"], whole["files"], whole["tenants"], companion)
    print("nothing is wrong" if said is None else f"WRONG: {said}")
    return 0 if said is None else 1


def _made_again(
    operations: list[Operation], files: bool, tenants: bool, companion: Companion
) -> str | None:
    """What the operations find; None for nothing."""
    world = World(files, tenants, companion, {})
    try:
        for operation in operations:
            world.do(operation)
    except WrongError as error:
        return str(error)
    except (KeyError, TypeError, ValueError):
        return None  # what was left out is needed
    finally:
        world.close()
    return None


if __name__ == "__main__":
    main()
