"""Other libraries, each in a virtualenv of its own, so that their pins meet nobody else's."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

__all__ = ["PEERS", "Peer", "python_of"]

_FOLDER = Path(__file__).resolve().parents[1] / "build" / "peers"
_SECONDS = 500


@dataclass(frozen=True)
class Peer:
    """A library to compare with: its way's name, and what pip installs for it."""

    way: str
    requirements: tuple[str, ...]


PEERS = (
    Peer("langgraph", ("langgraph-checkpoint-aws==1.2.6", "langgraph-checkpoint==4.3.2")),
    Peer("sqs", ("amazon-sqs-extended-client==1.0.1", "boto3==1.44.5")),
    Peer("temporal", ("temporalio==1.35.0", "aioboto3==15.5.0", "types-aiobotocore-s3==3.10.0")),
)


def python_of(peer: Peer) -> Path | str:
    """The interpreter of a peer's virtualenv, made if need be; a reason where it can't be."""
    folder = _FOLDER / peer.way
    python = folder / "bin" / "python"
    ready = folder / ".installed"
    if ready.exists() and ready.read_text("utf-8") == repr(peer.requirements):
        return python
    try:
        for command in (
            [sys.executable, "-m", "venv", "--clear", str(folder)],
            [str(python), "-m", "pip", "install", "--quiet", *peer.requirements],
        ):
            subprocess.run(command, check=True, capture_output=True, timeout=_SECONDS)
    except subprocess.TimeoutExpired:
        return "its installation took too long"
    except subprocess.CalledProcessError as error:
        lines = error.stderr.decode(errors="replace").strip().splitlines() or ["no message"]
        return f"it could not be installed: {lines[-1]}"
    ready.write_text(repr(peer.requirements), "utf-8")
    return python
