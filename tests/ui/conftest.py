"""Two executions that ran on this machine, and what looks at them."""

import os
import re
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from statebag import Policy, Statebag
from statebag.asl.arns import ACCOUNT
from statebag.ui.execution_catalog import ExecutionCatalog
from statebag.ui.page_answers import PageData
from tests.bags import noise

SECRET = "SECRET-" + "s3cr3t"
HOSTILE = {
    "<script>alert(1)</script>": "<img src=x onerror=alert(1)>",
    "\u202egnp.exe": "right\u202eto left",
    "a\nb\x1b[31m": "line\nfeed \x1b[31m red",
    'it\'s \\ "quoted"': 1,
    "__proto__": {"polluted": True},
    "": "no name",
    "제목": "한국어",
}
PROGRAM = "from statebag.cli import main; main()"


def arn_of(name, machine="Main"):
    return f"arn:aws:states:us-east-1:{ACCOUNT}:execution:{machine}:{name}"


HEAD = "@heads/agents/%3Cb%3E7/@main/@head"


def state():
    """A state that is in the store in chunks, as one value, and inline."""
    return {
        "execution_id": "Main/run-1",
        "status": "CONTINUE",
        "flag": True,
        "secret": SECRET,
        "history": [{"n": n, "text": noise(300, n)} for n in range(1_500)],
        "names": {f"k{n}": noise(200, n) for n in range(1_500)},
        "report": noise(60_000, 7),
        "small": {"note": "three words", "list": [1, 2, {"deep": "needle"}]},
        "odd": HOSTILE,
    }


@dataclass(frozen=True)
class Ran:
    """What the runs left: `good` succeeded with a Map, `bad` failed with a cause that quotes."""

    histories: Path
    client: Statebag
    good: str
    bad: str


@pytest.fixture(scope="session")
def ran(tmp_path_factory):
    from tests.local.machines import chain, run, task  # needs the extra local

    folder = tmp_path_factory.mktemp("ui")
    client = Statebag(
        folder / "store",
        policy=Policy(control=("$.items", "$.execution_id")),
        replicas=(),
        signing_keys={},
    )

    @client.step
    def load(given, context):
        return {**state(), "items": [{"i": n} for n in range(3)]}

    @client.step(returns="delta")
    def change(opened, context):
        entry = {"n": 1_500, "text": "one more"}
        return {"status": "DONE", "history": [*opened["history"], entry]}

    def each(event, context):
        return event

    @client.step(only=[])
    def fail(opened, context):
        raise ValueError(f"cannot take {SECRET}")

    mapped = {
        "Type": "Map",
        "ItemsPath": "$.items",
        "ResultPath": "$.items",
        "ItemProcessor": chain(("Each", task("each"))),
    }
    histories = folder / "histories"
    functions = {"load": load, "change": change, "each": each, "fail": fail}
    thread = client.heads("agents/<b>7").head("main")
    version = None
    for n in range(1, 4):
        talk = {"messages": [noise(30_000, m) for m in range(n)], "turn": n, "secret": SECRET}
        bag = thread.seal(talk, version)
        version = thread.advance(bag, version, label=f"turn-{n}", note={"who": SECRET})
    thread.fork(client.heads("agents/other").head("main"), thread.find("turn-2"))
    given = {"execution_id": "Main/run-1"}
    options = {"functions": functions, "histories": histories, "strict": False}
    good = chain(("Load", task("load")), ("Map", mapped), ("Change", task("change")))
    bad = chain(("Load", task("load")), ("Fail", task("fail")))
    run(good, given, execution_name="run-1", **options)
    run(bad, {"execution_id": "Main/run-2"}, execution_name="run-2", **options)
    return Ran(histories, client, arn_of("run-1"), arn_of("run-2"))


@pytest.fixture
def catalog(ran):
    return ExecutionCatalog(ran.histories)


@pytest.fixture
def data(ran, catalog):
    return PageData(catalog, ran.client)


@pytest.fixture
def good(ran, catalog):
    return catalog.get(ran.good)


@pytest.fixture
def bad(ran, catalog):
    return catalog.get(ran.bad)


@dataclass(frozen=True)
class Served:
    """A running page."""

    process: subprocess.Popen
    port: str
    token: str

    @property
    def address(self):
        return f"http://127.0.0.1:{self.port}/{self.token}/"


@contextmanager
def serving(histories, store):
    """`statebag ui` in a process of its own, until the block ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "ui", "--histories", str(histories), "--store", store],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    try:
        said = ""
        while not (found := re.search(r"http://127\.0\.0\.1:(\d+)/([\w-]+)/", said)):
            line = process.stdout.readline()
            assert line, said
            said += line
        yield Served(process, *found.groups())
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.fixture
def served(ran):
    with serving(ran.histories, ran.client.store.url) as page:
        yield page
