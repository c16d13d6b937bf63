"""`statebag diff`: paths and sizes, and values only when asked."""

import json

from statebag import Statebag
from statebag.cli.diff_cmd import command as diff
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
    *same, past, newest = run_examples(diff, folder).values()
    assert [done.stdout for done in same] == [b"", b""]
    assert newest.stdout.startswith(b"~ $.status  10 -> 6\n")
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
    values = statebag("diff", "bag.json", "after.json", "--values").stdout
    assert "SECRET" in values
    assert "- null" not in values  # there was no value, which is not null
    found = [
        json.loads(line)
        for line in statebag("diff", "bag.json", "after.json", "--json").stdout.splitlines()
    ]
    assert {one["path"]: one["kind"] for one in found} == {
        "$.status": "changed",
        "$.state_history[1500]": "added",
    }


def test_a_long_value_is_cut_and_json_has_it(folder):
    (folder / "a.json").write_text("{}")
    (folder / "b.json").write_text(json.dumps({"글": "가" * 5_000}))
    shown = statebag("diff", "a.json", "b.json", "--values").stdout
    assert "가" * 900 in shown
    assert "… 4,002 more characters (--json)" in shown
    (line,) = statebag("diff", "a.json", "b.json", "--values", "--json").stdout.splitlines()
    assert json.loads(line)["new"] == "가" * 5_000
