"""docs/look-into.md: each command runs, and prints what the page shows."""

import os
import re
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "look-into.md"


def blocks(language):
    text = PAGE.read_text("utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def plain(text):
    """Lines without what changes from run to run: times, and the width of the table."""
    lines = []
    for line in text.splitlines():
        one = re.sub(r"(\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d", "TIME", line)
        one = re.sub(r"\(\d+ \w+ ago\)", "AGO", one)
        lines.append(re.sub(r"─+|\s+", " ", one).strip())
    return [line for line in lines if line]


def test_its_commands_run_in_their_order_and_show_what_it_says(folder, execution):
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    commands = blocks("sh")
    assert sum(block.count("statebag ") for block in commands) >= 12
    done = subprocess.run(
        ["sh", "-e"],
        input="\n".join(["printf ''", *commands]),
        cwd=folder,
        env={**os.environ, "PATH": path},
        capture_output=True,
        timeout=240,
        check=False,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    printed = plain(done.stdout)
    (shown,) = blocks("text")
    for line in plain(shown):
        assert line in printed, line
    assert "+ $.state_history[1500] 26" in printed
    assert done.stderr == ""
