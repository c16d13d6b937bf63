"""Runs that would never end: the program itself ends them at their timeout."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import time

import pytest

from tests.deadlines import growing

HANDLERS = """
    import concurrent.futures, re, time
    def sleeps(event, context):
        while True:
            time.sleep(1)
    def waits_for_its_pool(event, context):
        pool = concurrent.futures.ThreadPoolExecutor()
        return pool.submit(time.sleep, 1000).result()
    def matches(event, context):
        re.match("(a+)+$", "a" * 60 + "b")
    def ends(event, context):
        return event
"""
CALL = {"Type": "Task", "Resource": "f", "End": True}
CATASTROPHE = f"{{% $match('{'a' * 60}b', /(a+)+$/) %}}"
EXPRESSION = {"Type": "Pass", "QueryLanguage": "JSONata", "Output": CATASTROPHE, "End": True}


@pytest.fixture
def machine(folder):
    def write(state):
        (folder / "h.py").write_text(textwrap.dedent(HANDLERS))
        definition = {"StartAt": "Stuck", "States": {"Stuck": state}}
        (folder / "m.asl.json").write_text(json.dumps(definition))

    return write


def started(*arguments):
    code = "from statebag.cli import main; main()"
    return subprocess.Popen(
        [sys.executable, "-c", code, "run", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def handler(name):
    return ["m.asl.json", "--handler", f"f=h.py:{name}"]


@pytest.mark.parametrize(
    ("state", "arguments"),
    [
        (CALL, handler("sleeps")),
        (CALL, handler("waits_for_its_pool")),
        (CALL, handler("matches")),
        (EXPRESSION, ["m.asl.json"]),
    ],
    ids=["sleeps", "waits for its pool", "matches", "expression"],
)
def test_a_run_ends_at_its_timeout(machine, state, arguments):
    machine(state)
    for seconds in growing(2):
        process = started(*arguments, "--timeout", str(seconds))
        out, err = process.communicate(timeout=240)
        assert process.returncode == 3
        assert "TIMED_OUT" in out + err
        if "m/Stuck" in out + err:
            break
    assert "m/Stuck" in out + err


def test_a_run_that_ends_is_as_ever(machine):
    machine(CALL)
    process = started(*handler("ends"), "--timeout", "60", "--json")
    out, _ = process.communicate(timeout=240)
    assert process.returncode == 0
    assert json.loads(out)["status"] == "SUCCEEDED"


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, -15)])
def test_a_signal_to_the_program_ends_the_run(machine, folder, number, status):
    machine(CALL)
    program = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from statebag.cli import main; main()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program, "run", *handler("sleeps"), "--timeout", "600"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    histories = folder / ".statebag" / "histories"
    until = time.monotonic() + 240
    while not any(b"TaskStateEntered" in file.read_bytes() for file in histories.rglob("*.jsonl")):
        assert time.monotonic() < until
        time.sleep(0.1)
    os.kill(process.pid, number)
    process.communicate(timeout=240)
    assert process.returncode == status


def test_a_definition_full_of_aliases_is_refused_at_once(folder):
    lines = ["a: &a [lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    for last, name in zip("abcdefg", "bcdefgh", strict=True):
        lines.append(f"{name}: &{name} [{', '.join(['*' + last] * 9)}]")
    lines += ["StartAt: A", "States: {A: {Type: Pass, Result: *h, End: true}}"]
    (folder / "m.asl.yaml").write_text("\n".join(lines))
    process = started("m.asl.yaml")
    out, err = process.communicate(timeout=240)
    assert (process.returncode, out) == (20, "")
    assert "m.asl.yaml cannot be read: line 6: it has too many values" in err


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no named pipes")
@pytest.mark.parametrize("what", ["a definition", "an input", "a module"])
def test_the_timeout_bounds_what_is_read_before_the_run(machine, folder, what):
    machine(CALL)
    arguments = [*handler("ends"), "--timeout", "1"]
    if what == "a module":
        (folder / "h.py").write_text("import time\ntime.sleep(600)\n")
    else:
        os.mkfifo(folder / "pipe.asl.json")  # nobody ever writes into it
    if what == "a definition":
        arguments[0] = "pipe.asl.json"
    if what == "an input":
        arguments += ["--input", "pipe.asl.json"]
    program = (
        "from statebag.cli import main, run_process\nrun_process._LOADING_SECONDS = 1.0\nmain()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program, "run", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    out, err = process.communicate(timeout=240)
    assert (process.returncode, out) == (3, "")
    assert "TIMED_OUT  the workflow, its functions and its input were not read within 2 s" in err
