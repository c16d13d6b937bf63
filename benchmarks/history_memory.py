"""How much memory `statebag log` takes for a large history.

`python -m benchmarks.history_memory 350` writes a history of 350 MB into a temporary folder, and
runs `statebag log --last --tail 20` in a new process.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from statebag.local import records
from statebag.local.records import Records

_ARN = "arn:aws:states:us-east-1:123456789012:execution:Main:large"
_EVENTS = 10_000
_TIME = "2026-01-02T03:04:05.678Z"


def _write(folder: Path, size: int) -> None:
    """Write a history of so many bytes: states whose payloads differ."""
    # A run keeps no more payloads than this; the reader has to bear any file.
    records.RECORD_BYTES = 2 * size
    kept = Records(folder)
    record = kept.begin(_ARN, "Main", "large", {})
    assert record is not None
    rows = (size // _EVENTS - 300) // 44
    for number in range(1, _EVENTS + 1):
        carrier, kind = ("input", "Entered") if number % 2 else ("output", "Exited")
        state = {"n": number, "rows": [os.urandom(20).hex() for _ in range(rows)]}
        event = {
            "id": number,
            "previousEventId": number - 1,
            "type": f"PassState{kind}",
            "timestamp": _TIME,
        }
        details = {"name": f"S{(number + 1) // 2}", carrier: json.dumps(state)}
        record.add({**event, f"state{kind}EventDetails": details})
    kept.close()


def main() -> None:
    """Write the history, run the command, and print its peak memory."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("megabytes", type=int, nargs="?", default=350)
    parser.add_argument("--all", action="store_true", help="show all transitions")
    arguments = parser.parse_args()
    tail = [] if arguments.all else ["--tail", "20"]
    with tempfile.TemporaryDirectory() as folder:
        _write(Path(folder), arguments.megabytes * 1_000_000)
        written = sum(one.stat().st_size for one in Path(folder).rglob("*.jsonl"))
        command = [sys.executable, "-m", "statebag", "log", "--last", "--histories", folder, *tail]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(
        f"statebag log of {written / 1e6:.0f} MB: {used.ru_maxrss / 1024:.0f} MB of memory, "
        f"{used.ru_utime + used.ru_stime:.1f} s CPU"
    )


if __name__ == "__main__":
    main()
