"""`statebag diff`, `snapshots`, `export` and `import`."""

import json

from statebag import Statebag
from statebag.cli.diff_cmd import command as diff
from statebag.state_data_manager import lambda_handler
from statebag.testing.process import forget
from tests.cli.program import run_examples, statebag

SCOPE = "machine/run-1"


def changed(folder, bag_file, state):
    client = Statebag()
    bag = json.loads(bag_file.read_text())
    state = client.open(bag)
    state["state_history"].append({"n": 1500, "text": "SECRET"})
    state["status"] = "DONE"
    (folder / "after.json").write_text(json.dumps(client.seal(state, scope=SCOPE)))


def test_the_examples_of_diff(folder, bag_file, execution):
    *same, past = run_examples(diff, folder).values()
    assert [done.stdout for done in same] == [b"", b""]
    assert past.stdout.startswith(b"~ $.status  10 -> 6\n")


def test_diff_names_paths_and_sizes_and_values_only_when_asked(folder, bag_file, state):
    changed(folder, bag_file, state)
    result = statebag("diff", "bag.json", "after.json")
    assert result.exit_code == 0
    assert set(result.stdout.splitlines()) == {
        "~ $.status  10 -> 6",
        "+ $.state_history[1500]  0 -> 26",
    }
    assert "SECRET" not in result.stdout
    assert "SECRET" in statebag("diff", "bag.json", "after.json", "--values").stdout
    found = [
        json.loads(line)
        for line in statebag("diff", "bag.json", "after.json", "--json").stdout.splitlines()
    ]
    assert {one["path"]: one["kind"] for one in found} == {
        "$.status": "changed",
        "$.state_history[1500]": "added",
    }


def test_export_and_import_move_a_state(folder, bag_file, state):
    result = statebag("export", "bag.json", "--output", "state.sbag")
    assert result.exit_code == 0
    moved = ["import", "state.sbag", "--scope", "other/run", "--output", "copy.json"]
    assert statebag(*moved, "--store", "./elsewhere").exit_code == 0
    opened = statebag("open", "copy.json", "--store", "./elsewhere")
    assert json.loads(opened.stdout) == state
    archive = folder / "state.sbag"
    archive.write_bytes(archive.read_bytes()[:-1])
    damaged = statebag("import", "state.sbag", "--scope", "other/run")
    assert (damaged.exit_code, damaged.stdout) == (13, "")
    assert statebag("import", "nowhere.sbag", "--scope", "a/b").exit_code == 2


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
