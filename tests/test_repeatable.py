"""What a retried seal writes: the same objects where nothing is remembered; never a wrong bag."""

import copy
import random

import pytest

from statebag import Policy, Statebag
from statebag.format import json_text
from statebag.store.memory import MemoryStore
from statebag.testing.process import forget
from tests.bags import noise

POLICIES = {
    "as it comes": Policy(),
    "nothing carried": Policy(carry_bytes=0),
    "small": Policy(carry_bytes=3000, field_limit=1000, piece_bytes=1024, max_packs=2),
    "no memory of texts": Policy(cache_bytes=0, carry_bytes=3000, field_limit=1000),
}


def objects(store):
    return {info.name: store.get(info.name) for info in store.list()}


def edited(state, numbers):
    """What a step makes of a state; the same for the same numbers."""
    after = copy.deepcopy(state)
    for _ in range(numbers.randint(1, 3)):
        kind = numbers.choice(["row", "append", "text", "field"])
        if kind == "row" and after["rows"]:
            numbers.choice(after["rows"])["v"] = noise(numbers.randint(1, 900), numbers.random())
        elif kind == "append":
            after["rows"].extend({"v": noise(200, numbers.random())} for _ in range(30))
        elif kind == "text":
            after["text"] += noise(700, numbers.random())
        else:
            after[f"f{numbers.randint(0, 5)}"] = noise(2000, numbers.random())
    return after


def step(sb, bag, seed):
    """A handler's invocation: open, change, seal."""
    return sb.seal(edited(sb.open(bag, scope="m/e"), random.Random(seed)), scope="m/e")


@pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES)
@pytest.mark.parametrize("seed", range(3))
def test_a_process_that_remembers_nothing_writes_the_same_names_with_the_same_bytes(policy, seed):
    store = MemoryStore()
    sb = Statebag(store, policy=policy)
    bag = sb.seal({"text": "", "rows": []}, scope="m/e")
    for number in range(12):
        forget()
        after = step(sb, bag, f"{seed} {number}")
        wrote = objects(store)
        forget()
        assert step(sb, bag, f"{seed} {number}") == after
        assert objects(store) == wrote
        bag = after


@pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES)
@pytest.mark.parametrize("seed", range(3))
def test_a_process_that_remembers_the_first_try_may_write_other_packs_but_never_another_state(
    policy, seed
):
    store = MemoryStore()
    sb = Statebag(store, policy=policy)
    bag = sb.seal({"text": "", "rows": []}, scope="m/e")
    for number in range(12):
        tries = [step(sb, bag, f"{seed} {number}") for _ in range(3)]
        kept = objects(store)
        forget()
        texts = {json_text.encode(sb.open(one, scope="m/e")) for one in tries}
        assert len(texts) == 1
        forget()
        expected = edited(sb.open(bag, scope="m/e"), random.Random(f"{seed} {number}"))
        assert texts == {json_text.encode(expected)}
        assert objects(store) == kept, "to open writes nothing"
        bag = random.Random(number).choice(tries)
