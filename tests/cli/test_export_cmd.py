"""`statebag export`, and the way back by `statebag import`."""

import json

from tests.cli.program import statebag

SCOPE = "machine/run-1"


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
