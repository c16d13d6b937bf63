"""The stores of other savers start, count, and leave nothing behind."""

import os
from pathlib import Path

import pytest
from benchmarks.agent_peers import dynamodb, has_postgres, postgres


@pytest.mark.skipif(not has_postgres(), reason="Postgres is not installed: make postgres")
def test_a_server_of_postgres_answers_and_goes():
    psycopg = pytest.importorskip("psycopg")
    with postgres() as address:
        with psycopg.connect(address) as connection:
            assert connection.execute("select 1 + 1").fetchone() == (2,)
        folder = address.partition("host=")[2].partition("&")[0]
        assert Path(folder).is_dir()
    assert not Path(folder).exists()


def test_bytes_that_go_to_dynamodb_and_s3_are_counted(monkeypatch):
    pytest.importorskip("langgraph_checkpoint_aws")
    pytest.importorskip("moto")
    from langgraph.checkpoint.base import empty_checkpoint

    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "mine")
    with dynamodb() as (saver, sent, _):
        for size in (10_000, 1_000_000):
            before = sent()
            checkpoint = {**empty_checkpoint(), "channel_values": {"text": "x" * size}}
            config = {"configurable": {"thread_id": "t", "checkpoint_ns": ""}}
            config = saver.put(config, checkpoint, {}, {})
            assert size < sent() - before < 1.5 * size + 3000
            assert saver.get_tuple(config).checkpoint["channel_values"]["text"] == "x" * size
    assert os.environ["AWS_ACCESS_KEY_ID"] == "mine"
