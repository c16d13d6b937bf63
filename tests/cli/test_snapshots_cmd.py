"""`statebag snapshots`: a list whose names other commands take."""

import json

from statebag.state_data_manager import lambda_handler
from statebag.testing.process import forget
from tests.cli.program import statebag

SCOPE = "machine/run-1"


def test_snapshots_are_listed_and_can_be_compared(folder, monkeypatch, state):
    forget()
    paths = []
    for status in ("one", "two"):
        event = {
            "action": "create_snapshot",
            "state_data": {"status": status, "report": state["current_state"]["report"]},
            "execution_id": SCOPE,
            "snapshot_type": "pre",
        }
        paths.append(lambda_handler(event, None)["snapshot_s3_path"])
    listed = statebag("snapshots", SCOPE)
    assert listed.exit_code == 0
    about, *lines = listed.stdout.splitlines()
    assert about.startswith("store: file://")
    names = [line.split()[-1] for line in lines]
    assert len(names) == 2
    assert all(any(path.endswith(name) for name in names) for path in paths)
    as_json = [json.loads(line) for line in statebag("snapshots", "--json").stdout.splitlines()]
    assert sorted(one["name"] for one in as_json) == sorted(names)
    assert {f"store: {one['store']}" for one in as_json} == {about}
    by_path = statebag("diff", *paths)
    assert "~ $.status  5 -> 5" in by_path.stdout.splitlines()
    assert "report" not in by_path.stdout
    assert statebag("diff", *reversed(names)).exit_code == 0
