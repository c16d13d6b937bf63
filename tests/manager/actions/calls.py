"""Calling the handler as an engine does: through JSON, and looking at what it answers."""

import json

from statebag.default_client import from_environment
from statebag.format.derived import set_aside
from statebag.format.json_text import encode, wire_size
from statebag.state_data_manager import lambda_handler
from statebag.testing.process import forget

SCOPE = "machine/run"
START = {
    "execution_id": SCOPE,
    "idempotency_key": "order-1",
    "segment_to_run": 0,
    "total_segments": 9,
    "loop_counter": 0,
}


def call(action, **fields):
    """The handler's answer, both ways through JSON text, and never over the bound."""
    event = json.loads(json.dumps({"action": action, **fields}))
    before = encode(event)
    answer = lambda_handler(event)
    assert encode(event) == before, "the event was changed"
    assert wire_size(answer) <= from_environment().policy.max_bag_bytes
    return json.loads(json.dumps(answer))


def opened(bag, scope=SCOPE):
    """The state, as a process that knows nothing opens it."""
    forget()
    bag, _ = set_aside(bag)
    return from_environment().open(bag, scope=scope)


def filler(size, seed=0):
    """Text that hardly compresses."""
    import random

    return random.Random(seed).randbytes(size // 2).hex()


def sync(state, **result):
    """The answer to a step's result."""
    return call("sync", state_data=state, execution_result=result)
