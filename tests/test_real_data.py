"""Real documents and recorded agent runs, exactly through every kind of store."""

import json

import pytest

from statebag import Policy, Statebag
from statebag.format.json_text import decode, encode
from statebag.store.memory import MemoryStore
from statebag.telemetry import usage
from statebag.testing.process import forget
from tests.bags import blobs, payload_bytes, travelled
from tests.shared_data import parameters

DOCUMENTS = [*parameters("json/*.json"), *parameters("agent-trajectories/*.json")]
RUNS = parameters("agent-trajectories/*.json")
SCOPE = "machine/real data"


def through(url, text):
    """Seal, let the bag travel, and open it in another process, whole and in part."""
    state = decode(text)
    exact = encode(state)
    forget()
    bag = Statebag(url, policy=Policy()).seal(state, scope=SCOPE)
    assert payload_bytes(bag) <= Policy().max_bag_bytes
    assert encode(state) == exact
    forget()
    cold = Statebag(url, policy=Policy())
    opened = cold.open(travelled(bag), scope=SCOPE)
    assert encode(opened) == exact
    assert opened == json.loads(text)
    with usage.measured() as cost:
        again = cold.seal(opened, scope=SCOPE)
    assert cost.puts == 0
    forget()
    assert encode(Statebag(url, policy=Policy()).open(again, scope=SCOPE)) == exact
    if isinstance(state, dict):
        for key in list(state)[:3]:
            forget()
            part = Statebag(url, policy=Policy()).open(bag, only=[(key,)], scope=SCOPE)
            assert encode(part[key]) == encode(state[key])


@pytest.mark.parametrize("file", DOCUMENTS)
def test_in_memory(file):
    through("memory://real-data", file.read_bytes())


@pytest.mark.parametrize("file", DOCUMENTS)
def test_in_a_folder(file, tmp_path):
    through(tmp_path.as_uri(), file.read_bytes())


@pytest.mark.s3
@pytest.mark.parametrize("file", DOCUMENTS)
def test_in_object_storage(file, s3_store_url):
    through(s3_store_url, file.read_bytes())


@pytest.mark.parametrize("file", DOCUMENTS)
@pytest.mark.parametrize(
    "policy",
    [
        Policy(carry_bytes=0, field_limit=1000, piece_bytes=4096, max_bag_bytes=8192),
        Policy(carry_bytes=96_000, field_limit=60_000, look_into_depth=1),
    ],
    ids=["small", "large"],
)
def test_under_other_policies(file, policy):
    state = decode(file.read_bytes())
    forget()
    store = MemoryStore()
    bag = Statebag(store, policy=policy).seal(state, scope=SCOPE)
    assert payload_bytes(bag) <= policy.max_bag_bytes
    blobs(bag, store)
    forget()
    assert encode(Statebag(store, policy=policy).open(bag)) == encode(state)


def steps(file):
    """The states of a run: one more message and one more action at each step."""
    run = decode(file.read_bytes())
    history, trajectory = run["history"], run["trajectory"]
    rest = {key: value for key, value in run.items() if key not in {"history", "trajectory"}}
    for count in range(1, len(history) + 1):
        done = count * len(trajectory) // len(history)
        yield {
            "execution_id": f"run-{file.stem}",
            "loop_counter": count,
            "status": "RUNNING" if count < len(history) else "COMPLETE",
            "state_history": history[:count],
            "current_state": {"trajectory": trajectory[:done], **rest},
        }


@pytest.mark.parametrize("file", RUNS)
@pytest.mark.parametrize("cold", [False, True], ids=["warm", "cold"])
def test_a_run_step_by_step(file, cold):
    forget()
    store = MemoryStore()
    policy = Policy(carry_bytes=4000, field_limit=4000, piece_bytes=2048, max_bag_bytes=24_000)
    sb = Statebag(store, policy=policy)
    bag, state = None, {}
    written, whole = 0, 0
    for expected in steps(file):
        if cold:
            forget()
            sb = Statebag(store, policy=policy)
        with usage.measured() as cost:
            state = sb.open(travelled(bag), scope=SCOPE) if bag is not None else {}
            state.update(expected)
            bag = sb.seal(state, scope=SCOPE, parent=bag)
        assert payload_bytes(bag) <= policy.max_bag_bytes
        assert cost.puts <= 1
        written += cost.bytes_put
        whole += len(encode(expected))
    forget()
    assert encode(Statebag(store, policy=policy).open(bag)) == encode(expected)
    assert 0 < written < whole / 2  # compressed as a whole at each step it would be about that


@pytest.mark.parametrize("file", RUNS)
def test_a_run_that_appends_reads_only_what_it_merges(file):
    forget()
    store = MemoryStore()
    policy = Policy(carry_bytes=4000, field_limit=4000, piece_bytes=2048, max_bag_bytes=24_000)
    sb = Statebag(store, policy=policy)
    history = decode(file.read_bytes())["history"]
    bag = sb.seal({"execution_id": "run", "state_history": []}, scope=SCOPE)
    reading = got = put = 0
    for message in history:
        forget()
        sb = Statebag(store, policy=policy)
        with usage.measured() as cost:
            bag = sb.append(travelled(bag), "state_history", [message], scope=SCOPE)
        assert cost.gets == 0 or cost.puts == 1
        reading += cost.gets > 0
        got += cost.bytes_got
        put += cost.bytes_put
        assert payload_bytes(bag) <= policy.max_bag_bytes
    assert reading <= len(history) / 10
    assert got <= put
    forget()
    opened = Statebag(store, policy=policy).open(bag)
    assert encode(opened["state_history"]) == encode(history)
