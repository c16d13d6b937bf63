"""Runs of all actions, each event delivered once, again later, and several times at once."""

import copy
import json
import random
from concurrent.futures import ThreadPoolExecutor

import pytest

from statebag.default_client import from_environment
from statebag.format.json_text import encode, wire_size
from statebag.state_data_manager import ACTIONS, compress_data, lambda_handler
from statebag.testing.process import forget
from tests.manager.actions.calls import SCOPE, filler

START = {
    "execution_id": SCOPE,
    "idempotency_key": "order-1",
    "segment_to_run": 0,
    "total_segments": 90,
    "loop_counter": 0,
    "mine": {"a": [1, None], "b": {"c": "d"}},
    "current_state": {"first": 1},
    "state_history": [],
}
OF_PAUSE = {
    "PAUSED_FOR_HITP": ("merge_callback", "callback_result"),
    "PAUSED_FOR_ASYNC_LLM": ("merge_async", "async_result"),
}
# What an action says about this very call; two calls of one event need not say the same.
OF_A_CALL = {"last_optimization", "payload_size_kb", "stored_at", "archived_at"}


def plain(value):
    """A value opened by a process that knows nothing, without what is only of a call."""
    forget()
    event = {"idempotency_key": START["idempotency_key"], "it": value}
    value = from_environment().open(event, scope=SCOPE, legacy=True)["it"]
    if isinstance(value, dict):
        return {name: one for name, one in value.items() if name not in OF_A_CALL}
    return value


def told(answer):
    """All of an answer, opened; the state in it by itself, as a step finds it."""
    if not isinstance(answer, dict):
        return plain(answer)
    opened = plain(answer)
    for name in ("state_data", "branch_state"):
        if isinstance(answer.get(name), dict):
            opened[name] = plain(answer[name])
            if name == "branch_state":
                opened[name]["state_data"] = plain(answer[name]["state_data"])
    return opened


class Run:
    """A workflow, and beside it what it must hold, in plain Python."""

    def __init__(self, seed):
        self.chance = random.Random(seed)
        self.state = {**START, "doc": filler(self.chance.choice([100, 20_000, 200_000]))}
        self.doc = self.state["doc"]
        self.current = dict(START["current_state"])
        self.history = []
        self.segment = 0
        self.count = 0
        self.pause = self.resume = None
        self.branches = []
        self.snapshots = []
        self.events = []
        self.merged = []  # answers, joins and results that must not count once more
        self.seen = set()

    def size(self):
        return self.chance.choice([1, 40, 2_000, 40_000])

    def deliver(self, event):
        """Deliver an event, now and then several times at once: the answers are one answer."""
        event = json.loads(json.dumps(event))
        self.seen.add(event["action"])
        times = self.chance.choice([1, 1, 1, 2, 4])
        if self.chance.random() < 0.5:
            forget()
        copies = [copy.deepcopy(event) for _ in range(times)]
        with ThreadPoolExecutor(times) as pool:
            answers = list(pool.map(lambda_handler, copies))
        for one, answer in zip(copies, answers, strict=True):
            assert encode(one) == encode(event), "the event was changed"
            assert wire_size(answer) <= from_environment().policy.max_bag_bytes
        first = told(answers[0])
        for answer in answers[1:]:
            assert told(answer) == first
        self.events.append((event, first))
        return json.loads(json.dumps(self.chance.choice(answers)))

    def send(self, action, **fields):
        answer = self.deliver({"action": action, "state_data": self.state, **fields})
        self.state = answer["state_data"]
        assert answer["next_action"] == self.state["next_action"]
        return answer

    def result(self, **more):
        """A result with something new in it, which the state then must have.

        No two results set a key to one value: a branch that sets what was there changed nothing.
        """
        self.count += 1
        final = {f"k{self.chance.randrange(6)}": [self.count, filler(self.size(), self.count)]}
        entry = {"n": self.count, "text": filler(self.size(), self.count)}
        self.current |= final
        self.history.append(entry)
        return {"final_state": final, "new_history_logs": [entry], **more}

    def named(self):
        return self.chance.choice([None, self.segment, self.segment + 3])

    def go(self, named):
        self.segment = self.segment + 1 if named is None else named

    def sync(self):
        named = self.named()
        result = self.result(status="CONTINUE", next_segment_to_run=named)
        has_id = self.chance.random() < 0.4
        if has_id:
            result["append_id"] = f"turn-{self.count}"
        self.send("sync", execution_result=result)
        self.go(named)
        self.pause = self.resume = None
        self.merged = []
        if has_id:
            self.merged.append(("sync", {"execution_result": result}))

    def update(self):
        event = {"state_data": self.state, "execution_result": self.result(status="CONTINUE")}
        self.state = self.deliver({"action": "update_and_compress", **event})
        self.merged = []

    def paused(self):
        named, self.pause = self.named(), self.chance.choice(sorted(OF_PAUSE))
        result = self.result(status=self.pause, next_segment_to_run=named)
        assert self.send("sync", execution_result=result)["next_action"] == self.pause
        self.resume = self.segment + 1 if named is None else named
        self.segment = self.segment if named is None else named
        self.merged = []
        self.answer()

    def answer(self):
        self.count += 1
        action, field = OF_PAUSE[self.pause]
        given = {
            "status": self.chance.choice(["COMPLETE", "APPROVED", "odd"]),
            "text": filler(self.size(), self.count),
        }
        answer = self.send(action, **{field: given})
        assert answer["next_action"] == "CONTINUE"
        assert plain(self.state)[field] == given
        self.segment, self.pause = self.resume, None
        self.merged.append((action, {field: given}))

    def forked(self):
        named = self.named()
        self.branches = [
            {"branch_id": f"b{n}", "nodes": [filler(self.size(), n)]} for n in range(3)
        ]
        result = self.result(
            status="PARALLEL_GROUP", next_segment_to_run=named, branches=self.branches
        )
        self.send("sync", execution_result=result)
        resume = self.segment + 1 if named is None else named
        self.segment = self.segment if named is None else named
        self.hydrated()
        self.branch()
        joined = [{"branch_id": f"b{n}", "status": "COMPLETE", **self.result()} for n in range(3)]
        # Two branches may set one key: the last one's value counts, as it does in `result`.
        given = self.chance.choice([joined, [joined]])
        answer = self.send("aggregate_branches", parallel_results=given)
        assert answer["next_action"] == "CONTINUE"
        self.segment = resume
        self.merged = [("aggregate_branches", {"parallel_results": given})]

    def hydrated(self):
        index = self.chance.randrange(3)
        pointer = {"branch_index": index, "branch_id": f"b{index}", "total_branches": 3}
        event = {"action": "hydrate_branch", "branch_pointer": pointer, "state_data": self.state}
        answer = self.deliver(event)
        assert plain(answer["branch_config"]) == self.branches[index]
        assert answer["branch_index"] == index

    def branch(self):
        """A branch's own segments; the state in it goes on from the fork's."""
        place = {"branch_id": "b0", "segment_to_run": 0, "loop_counter": 0}
        branch = {**place, "partition_map": [1, 2, 3], "state_data": self.state}
        for turn in range(3):
            result = {"status": "CONTINUE", "final_state": {f"b{turn}": filler(self.size())}}
            event = {"action": "sync_branch", "branch_state": branch, "execution_result": result}
            answer = self.deliver(event)
            branch = answer["branch_state"]
            assert branch["segment_to_run"] == turn + 1
            assert answer["next_action"] == ("CONTINUE" if turn < 2 else "COMPLETE")
        inner = plain(branch["state_data"])
        assert inner["current_state"].keys() == self.current.keys() | {"b0", "b1", "b2"}
        assert inner["state_history"] == self.history

    def segment_hydrated(self):
        segments = [
            {"segment_id": n, "segment_config": {"t": filler(self.size(), n)}} for n in range(4)
        ]
        index = self.chance.randrange(4)
        pointer = {"segment_index": index, "segments": segments}
        event = {"action": "hydrate_segment", "segment_pointer": pointer, "state_data": self.state}
        answer = self.deliver(event)
        assert plain(answer["segment_config"]) == segments[index]["segment_config"]
        assert answer["segment_id"] == index

    def distributed(self):
        self.count += 1
        chunks = [
            {
                "execution_order": n,
                "status": self.chance.choice(["COMPLETE", "FAILED", "odd"]),
                "text": filler(self.size(), n),
            }
            for n in range(self.chance.choice([1, 5, 30]))
        ]
        mixed = self.chance.sample(chunks, len(chunks))
        answer = self.send("aggregate_distributed", distributed_results=mixed)
        failed = [one for one in chunks if one["status"] != "COMPLETE"]
        assert answer["final_status"] == ("FAILED" if len(failed) == len(chunks) else "COMPLETE")
        state = plain(self.state)
        assert state["distributed_results"] == chunks
        assert state["distributed_chunk_summary"]["failed"] == len(failed)
        assert [one["text"] for one in plain(answer["failed_chunks"])] == [
            one["text"] for one in failed[:5]
        ]
        self.merged = []

    def snapshot(self):
        kind = self.chance.choice(["pre", "POST_PAYMENT"])
        before = plain(self.state)
        event = {"action": "create_snapshot", "state_data": self.state, "snapshot_type": kind}
        answer = self.deliver(event)
        self.state = answer["state_data"]
        self.snapshots.append((answer["snapshot_s3_path"], before))

    def restored(self):
        if self.snapshots:
            path, then = self.chance.choice(self.snapshots)
            event = {"action": "restore_snapshot", "snapshot_s3_path": path, "execution_id": SCOPE}
            assert plain(self.deliver(event)["state_data"]) == then

    def decompressed(self):
        value = {"t": filler(self.size(), self.count), "n": [self.count, None]}
        event = {"action": "decompress", "compressed_data": compress_data(value)}
        assert plain(self.deliver({**event, "execution_id": SCOPE})) == value

    def old_event(self):
        """An event of before is delivered again: its answer is what it was."""
        if self.events:
            event, before = self.chance.choice(self.events)
            forget()
            assert told(lambda_handler(copy.deepcopy(event))) == before

    def merged_again(self):
        """What the state has merged comes again, to the state as it is now: nothing changes."""
        if self.merged:
            action, fields = self.chance.choice(self.merged)
            before = plain(self.state)
            self.send(action, **fields)
            assert plain(self.state) == before

    def check(self):
        state = plain(self.state)
        assert state["state_history"] == self.history
        assert state["current_state"] == self.current
        assert (state["doc"], state["mine"]) == (self.doc, START["mine"])
        assert self.state["segment_to_run"] == state["segment_to_run"] == self.segment


STEPS = (
    *("sync", "sync", "update", "paused", "forked", "segment_hydrated", "distributed"),
    *("snapshot", "restored", "decompressed", "old_event", "old_event", "merged_again"),
)


def lived(seed, steps):
    """A run of so many steps; what it has seen."""
    run = Run(seed)
    for _ in range(steps):
        getattr(run, run.chance.choice(STEPS))()
        run.check()
    return run


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("wire", "bound"), [("1", 8_192), ("1", 98_304), ("0", 98_304)])
def test_any_run_of_all_actions_with_any_deliveries(monkeypatch, wire, bound, seed):
    monkeypatch.setenv("STATEBAG_WIRE", wire)
    monkeypatch.setenv("STATEBAG_MAX_BAG_BYTES", str(bound))
    forget()
    lived(seed, 15)


def test_the_runs_have_all_actions():
    seen = set()
    for seed in range(4):
        seen |= lived(seed, 15).seen
    assert seen == set(ACTIONS)
