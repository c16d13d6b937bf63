"""A folder to work in, with the environment of a user who has set nothing."""

import json
import os
import random
import shutil

import pytest

from tests.deadlines import growing


def large_state():
    """A state of which parts are plain, carried, stored, and cut into pieces."""
    letters = random.Random(7)

    def words(length):
        return "".join(letters.choices("abcdefghijklmnop", k=length))

    return {
        "execution_id": "run-1",
        "status": "CONTINUE",
        "state_history": [{"n": n, "text": words(300)} for n in range(1500)],
        "current_state": {"report": words(50_000), "note": 'three "small" words', "empty": {}},
        "exact": [12345678901234567890123, -0.0, 1e16, 1.0, 1],
        "look-alike": {"__statebag__": {"v": 9}},
    }


@pytest.fixture(autouse=True)
def _no_width_of_the_tests_own(monkeypatch):
    """Workers of pytest-xdist have COLUMNS in their environment."""
    monkeypatch.delenv("COLUMNS", raising=False)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty folder, the working directory."""
    for name in [name for name in os.environ if name.startswith("STATEBAG_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def state(folder):
    """The large state, which is in state.json too."""
    value = large_state()
    (folder / "state.json").write_text(json.dumps(value), encoding="utf-8")
    return value


@pytest.fixture
def bag_file(folder, state):
    """bag.json, a bag of the state in the folder's own store."""
    from statebag import Statebag

    bag = Statebag().seal(state, scope="machine/run-1")
    file = folder / "bag.json"
    file.write_text(json.dumps(bag), encoding="utf-8")
    return file


@pytest.fixture
def execution(folder, state, monkeypatch):
    """The ARN, also as $ARN, of an execution that waits no more: it was given up when it waited.

    Its store and its history are the folder's own. `Load` gives the large state (events 2 to 6),
    `Change` changes a little of it (7 to 11), `Ask` waits for its token.
    """
    import statebag
    from statebag.asl.arns import ACCOUNT
    from statebag.local import run
    from tests.local.machines import chain, invoke, task

    client = statebag.Statebag()

    @client.step
    def load(given, context):
        return {**state, "execution_id": given["execution_id"]}

    @client.step(returns="delta")
    def change(opened, context):
        entry = {"n": 1500, "text": "SECRET"}
        return {"status": "DONE", "state_history": [*opened["state_history"], entry]}

    def ask(event, context):
        return "asked"

    token = {"token.$": "$$.Task.Token"}
    asking = invoke("ask", Parameters={"FunctionName": "ask", "Payload": token}, TimeoutSeconds=600)
    asking["Resource"] += ".waitForTaskToken"
    del asking["OutputPath"]
    for seconds in growing(2):
        ran = run(
            chain(("Load", task("load")), ("Change", task("change")), ("Ask", asking)),
            functions={"load": load, "change": change, "ask": ask},
            input={"execution_id": "Main/run-1"},
            execution_name="run-1",
            histories=folder / ".statebag" / "histories",
            token_dir=folder / ".statebag" / "tokens",
            timeout=seconds,
            strict=False,  # as deployed: a strict seal has fewer places
        )
        if ran.unfinished == ("Main/Ask",):
            break
        shutil.rmtree(folder / ".statebag" / "histories")
    arn = f"arn:aws:states:us-east-1:{ACCOUNT}:execution:Main:run-1"
    monkeypatch.setenv("ARN", arn)
    return arn


@pytest.fixture
def store(tmp_path, monkeypatch):
    """A store with two packs in `./store`, and a copy of it in `./copy`."""
    from statebag import Policy, Statebag
    from statebag.store.file import FileStore
    from statebag.testing.process import forget
    from tests.bags import noise
    from tests.cli.damaged import SCOPE

    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("STATEBAG_REPLICAS", raising=False)
    forget()
    store = FileStore(tmp_path / "store")
    client = Statebag(store, policy=Policy(carry_bytes=0), replicas=())
    client.seal({"text": noise(40_000, 1) + "CANARY"}, scope=SCOPE)
    client.seal({"text": noise(40_000, 2)}, scope=SCOPE)
    shutil.copytree(tmp_path / "store", tmp_path / "copy")
    return store


@pytest.fixture
def states(tmp_path, monkeypatch):
    """A client of Step Functions in this process, with the state machine `Orders`."""
    import boto3
    from moto import mock_aws

    from statebag.asl.arns import ACCOUNT

    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL_SFN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.chdir(tmp_path)
    with mock_aws():
        client = boto3.client("stepfunctions", region_name="us-east-1")
        client.create_state_machine(
            name="Orders",
            definition=json.dumps({"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}}),
            roleArn=f"arn:aws:iam::{ACCOUNT}:role/r",
        )
        yield client
