"""The stores of LangGraph's other savers, for benchmarks and tests: Postgres, and DynamoDB by moto.

Postgres is a real server of its own in a folder that goes with it. DynamoDB, with S3 for what is
too large for an item, is moto's, in this process.
"""

# ruff: noqa: PLC0415  # moto is loaded where it is used
from __future__ import annotations

import getpass
import os
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["dynamodb", "has_postgres", "postgres"]

_OWNER = "nobody"  # Postgres refuses to run as root
_BUCKET = "checkpoints"


def _program(name: str) -> str | None:
    """Debian puts Postgres' programs where no path leads."""
    found = shutil.which(name)
    if found is None:
        places = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
        found = str(places[-1]) if places else None
    return found


def has_postgres() -> bool:
    """Whether a server can be started here."""
    return _program("initdb") is not None and _program("pg_ctl") is not None


@contextmanager
def postgres() -> Iterator[str]:
    """Run a server, and give the address of its database."""
    as_owner = ["runuser", "-u", _OWNER, "--"] if os.geteuid() == 0 else []
    user = _OWNER if as_owner else getpass.getuser()
    with tempfile.TemporaryDirectory(prefix="pg", ignore_cleanup_errors=True) as folder:
        if as_owner:
            shutil.chown(folder, _OWNER)
        data = f"{folder}/data"

        def run(command: str, *arguments: str) -> None:
            program = _program(command)
            assert program is not None, command
            subprocess.run(
                [*as_owner, program, *arguments], check=True, stdout=subprocess.DEVNULL, cwd="/"
            )

        run("initdb", "-D", data, "-A", "trust")
        server = f"-h '' -k {folder}"  # no port: a socket in the folder
        run("pg_ctl", "-D", data, "-w", "-l", f"{folder}/log", "-o", server, "start")
        try:
            yield f"postgresql:///postgres?host={folder}&user={user}"
        finally:
            run("pg_ctl", "-D", data, "-m", "immediate", "stop")


@contextmanager
def dynamodb(table: str = "threads") -> Iterator[tuple[Any, Any, str]]:
    """Give a `DynamoDBSaver` on an empty table, what counts its bytes, and its address.

    The address is that by which `langgraph_move` finds the table.
    """
    import boto3
    from langgraph_checkpoint_aws import DynamoDBSaver
    from moto import mock_aws

    names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION")
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(dict(zip(names, ("testing", "testing", "us-east-1"), strict=True)))
    sent = 0

    def count(params: Any, **_: Any) -> None:
        nonlocal sent
        body = params["body"]
        sent += len(body) if isinstance(body, bytes | str) else body.seek(0, os.SEEK_END)
        if not isinstance(body, bytes | str):
            body.seek(0)

    try:
        with mock_aws():
            boto3.client("s3").create_bucket(Bucket=_BUCKET)
            boto3.client("dynamodb").create_table(
                TableName=table,
                BillingMode="PAY_PER_REQUEST",
                KeySchema=[
                    {"AttributeName": "PK", "KeyType": "HASH"},
                    {"AttributeName": "SK", "KeyType": "RANGE"},
                ],
                AttributeDefinitions=[
                    {"AttributeName": name, "AttributeType": "S"} for name in ("PK", "SK")
                ],
            )
            saver = DynamoDBSaver(table, s3_offload_config={"bucket_name": _BUCKET})
            clients = [saver.client, saver.storage.s3_client]
            for client in clients:
                for operation in ("PutItem", "BatchWriteItem", "UpdateItem", "PutObject"):
                    event = f"before-call.{client.meta.service_model.service_name}.{operation}"
                    client.meta.events.register_first(event, count)
            yield saver, lambda: sent, f"dynamodb:{table}?bucket={_BUCKET}"
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
