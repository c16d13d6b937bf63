"""`python -m torture`: stage the faults, print the counts, write the page that is asked for.

The exit code is 1 where anything went undetected.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import uuid
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.server import running

from statebag.store.address import store_from_url
from torture.network import broken_connections, silent_server
from torture.objects import cut_objects, deleted_objects, failing_calls, flipped_bytes
from torture.page import table, written
from torture.processes import duplicate_steps, killed_collectors, killed_writers, wrong_clocks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torture.life import Outcome


@dataclass(frozen=True)
class Amount:
    """How much of each: every so manieth byte, so many times."""

    bytes_file: int
    bytes_s3: int
    kills: int
    kills_s3: int
    collectors: int
    duplicates: int
    lives: int
    silences: int
    clocks: int


_SHORT = Amount(97, 997, 15, 5, 6, 1, 2, 1, 2)
_LONG = Amount(1, 23, 1000, 200, 200, 40, 60, 5, 40)


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(prog="python -m torture", description=__doc__)
    parser.add_argument("--short", action="store_true", help="a little of each, in a minute")
    parser.add_argument("--json", type=Path, help="write the counts to this file")
    parser.add_argument("--page", type=Path, help="put the counts into this page, in its place")
    arguments = parser.parse_args()
    amount = _SHORT if arguments.short else _LONG
    outcomes = []
    with tempfile.TemporaryDirectory(prefix="statebag-torture-") as name, running(0) as endpoint:
        os.environ.update(endpoint.environment)
        os.environ["AWS_ENDPOINT_URL"] = endpoint.server
        for outcome in _all(Path(name), endpoint.server, endpoint.bucket, amount):
            outcomes.append(outcome)
            print(
                f"... {outcome.name}, {outcome.place}: {outcome.staged} staged,"
                f" {len(outcome.undetected)} undetected",
                file=sys.stderr,
                flush=True,
            )
    print(table(outcomes))
    if arguments.json:
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        counts = [asdict(outcome) for outcome in outcomes]
        arguments.json.write_text(json.dumps(counts, indent=1), "utf-8")
    if arguments.page:
        page = written(arguments.page.read_text("utf-8"), outcomes)
        arguments.page.write_text(page, "utf-8")
    undetected = [what for outcome in outcomes for what in outcome.undetected]
    for what in undetected:
        print(f"UNDETECTED: {what}")
    sys.exit(1 if undetected else 0)


def _all(folder: Path, server: str, bucket: str, amount: Amount) -> Iterator[Outcome]:
    def files() -> str:
        return (folder / uuid.uuid4().hex).as_uri()

    def s3() -> str:
        return f"s3://{bucket}/{uuid.uuid4().hex}"

    yield from failing_calls(lambda: store_from_url(files()), "files")
    yield from failing_calls(lambda: store_from_url(s3()), "S3")
    for place, address, every in (
        ("files", files, amount.bytes_file),
        ("S3", s3, amount.bytes_s3),
    ):
        yield flipped_bytes(store_from_url(address()), place, every)
        yield cut_objects(store_from_url(address()), place, every)
        yield deleted_objects(store_from_url(address()), place)
    yield killed_writers(files(), "files", amount.kills)
    yield killed_writers(s3(), "S3", amount.kills_s3)
    yield duplicate_steps(files(), "files", amount.duplicates)
    yield duplicate_steps(s3(), "S3", amount.duplicates)
    yield killed_collectors(folder / uuid.uuid4().hex, "files", amount.collectors)
    yield wrong_clocks(files(), "files", amount.clocks)
    yield wrong_clocks(s3(), "S3", amount.clocks)
    yield broken_connections(s3(), server, amount.lives)
    yield silent_server(amount.silences)


if __name__ == "__main__":
    main()
