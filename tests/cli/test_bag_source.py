"""The bag of a command: which store it needs, and what each kind of source gives."""

import json

import pytest

from statebag import Statebag
from statebag.cli.bag_source import is_in_store, read_bag, read_bags, read_file_or_execution
from statebag.cli.executions import Executions
from statebag.errors import BlobCorrupt, ConfigurationError
from statebag.state_data_manager import lambda_handler
from statebag.testing.process import forget

DIGEST = "0123456789abcdef" * 2


@pytest.fixture
def executions(folder):
    return Executions(folder / ".statebag" / "histories")


def test_only_a_snapshot_needs_the_store_at_once(folder, execution):
    (folder / "bag.json").write_text("{}")
    assert is_in_store(f"machine/run/snapshots/pre_{DIGEST}.json")
    assert is_in_store(f"s3://bucket/machine/run/snapshots/pre_{DIGEST}.json")
    for source in ("-", "bag.json", "no-such-file.json", execution):
        assert not is_in_store(source)


def test_a_snapshot_by_its_name_or_address_is_verified(folder, executions):
    forget()
    event = {
        "action": "create_snapshot",
        "state_data": {"status": "one"},
        "execution_id": "machine/run",
        "snapshot_type": "pre",
    }
    address = lambda_handler(event, None)["snapshot_s3_path"]
    client = Statebag()
    name = address.removeprefix(client.store.url.rstrip("/") + "/")
    found = read_bags([address, name], client, executions)
    assert [client.open(bag)["status"] for bag in found.values()] == ["one", "one"]
    client.store.put(name, b'{"status":"two"}')
    with pytest.raises(BlobCorrupt, match="not have the digest that is in its name"):
        read_bag(name, client, executions)


def test_an_event_belongs_to_an_execution_and_not_to_a_file(folder, executions, execution):
    (folder / "value.json").write_text('{"n": 1}')
    assert read_file_or_execution("value.json", executions) == {"n": 1}
    with pytest.raises(ConfigurationError, match="--at needs an execution's ARN"):
        read_file_or_execution("value.json", executions, at=2)
    first = read_file_or_execution(execution, executions, at=1)
    assert first == read_file_or_execution(f"{execution}@1", executions)
    assert json.dumps(first) != json.dumps(read_file_or_execution(execution, executions))
