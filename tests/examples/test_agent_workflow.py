"""The agent's workflow on the local engine, in both forms of its definition."""

import importlib.util
import json
import sys
import threading
from collections import Counter
from pathlib import Path

import pytest

from statebag import Policy, Statebag, StoreUnavailable
from statebag.asl.payload import payload_size
from statebag.asl.quotas import PAYLOAD_LIMIT
from statebag.local import run as run_workflow
from statebag.local.execution import Observer
from statebag.local.tokens import answer
from statebag.local.workflow import load_workflow
from statebag.state_data_manager import ACTIONS

EXAMPLE = Path(__file__).parents[2] / "examples" / "agent_workflow"
sys.path[:0] = [str(EXAMPLE), str(EXAMPLE.parent)]

# The examples are not packages.
import in_memory  # noqa: E402
import source_tree  # noqa: E402

TEMPLATE = EXAMPLE / "template.yaml"
STORE = "local-agent-state-123456789012/agent-workflow"
FORMS = ["AgentWorkflow", "AgentWorkflowJsonata"]
MANAGERS = {"StateDataManager", "BranchDataManager"}
REQUEST = {
    **json.loads((EXAMPLE / "input.json").read_text("utf-8")),
    "max_files": 24,
    "batch_bytes": 120_000,
    "segment_bytes": 90_000,
}
SMALL = {**REQUEST, "max_files": 5, "answer_seconds": 60}
OLDER = ("s3_reference", "history_archive", "__s3_offloaded")
APPROVED = {"approved": True, "by": "auto_approve"}


class Calls:
    """Stands before every function: counts its calls, and measures what goes in and out."""

    def __init__(self, functions):
        self.functions = {name: self._recorded(name, one) for name, one in functions.items()}
        self.actions = Counter()
        self.largest = 0
        self.older_pointers = Counter()
        self._lock = threading.Lock()

    def _recorded(self, name, function):
        def call(event, context):
            answered = function(event, context)
            with self._lock:
                self.largest = max(self.largest, payload_size(event), payload_size(answered))
                if name in MANAGERS:
                    self.actions[event["action"]] += 1
                    text = json.dumps(event)
                    for kind in OLDER:
                        self.older_pointers[kind] += f'"{kind}"' in text
            return answered

        return call


class Ended:
    """An execution, its calls, and its last state as its bucket has it."""

    def __init__(self, execution, calls, bucket):
        self.execution = execution
        self.calls = calls
        self.store = Statebag((bucket / STORE).as_uri())
        if execution.status == "SUCCEEDED":
            self.state = self.store.open(execution.output)
        elif execution.cause.startswith("{"):
            address = json.loads(execution.cause)["snapshot_s3_path"]
            kept = (bucket / address.removeprefix("s3://")).read_text("utf-8")
            self.state = self.store.open(json.loads(kept))


def run(form, request, bucket, functions=None, **options):
    workflow = load_workflow(TEMPLATE, machine=form)
    calls = Calls(functions or workflow.functions)
    execution = run_workflow(
        workflow.definition,
        functions=calls.functions,
        input=request,
        name=workflow.name,
        buckets=bucket,
        wait_scale=0,
        timeout=240,
        strict=False,  # sizes and forms are those of deployed functions; test_sizes is strict
        **options,
    )
    return Ended(execution, calls, bucket)


def expected(ended, request, answered=None):
    return in_memory.run(ended.state["execution_id"], request, answered or APPROVED)


@pytest.fixture(scope="module", autouse=True)
def source(tmp_path_factory):
    """The tree that every request here reviews, unless it names another."""
    folder = source_tree.write(tmp_path_factory.mktemp("source"), REQUEST["max_files"])
    for request in (REQUEST, SMALL):
        request["folder"] = str(folder)
    return folder


@pytest.fixture(scope="module", params=FORMS)
def form(request):
    return request.param


@pytest.fixture(scope="module")
def ended(form, tmp_path_factory):
    return run(form, REQUEST, tmp_path_factory.mktemp("bucket"))


@pytest.fixture(scope="module")
def failed_map(form, tmp_path_factory):
    return run(form, {**SMALL, "fail": "map"}, tmp_path_factory.mktemp("bucket"))


class TestToItsEnd:
    def test_the_state_is_what_the_agent_gives_in_memory(self, ended):
        assert (ended.execution.status, ended.execution.error) == ("SUCCEEDED", None)
        assert (ended.state["status"], ended.state["next_action"]) == ("COMPLETE", "COMPLETE")
        assert in_memory.differences(ended.state, expected(ended, REQUEST)) == []

    def test_the_comparison_sees_what_is_not_the_same(self, ended):
        other = json.loads(json.dumps(ended.state))
        other["state_history"][7]["content"] += " "
        other["added"] = None
        del other["async_result"]
        other["loop_counter"] = float(other["loop_counter"])
        assert in_memory.differences(ended.state, other) == [
            "added", "async_result", "loop_counter", "state_history",
        ]  # fmt: skip

    def test_every_payload_fits_while_the_state_does_not(self, ended):
        assert payload_size(ended.state) > 2 * PAYLOAD_LIMIT
        assert ended.calls.largest <= PAYLOAD_LIMIT
        for one in ended.execution.transitions:
            assert one.error is None
            assert max(one.input_bytes, one.output_bytes) <= PAYLOAD_LIMIT

    def test_each_action_is_called_as_often_as_there_is_work(self, ended, form):
        branches = len(ended.state["forked_branches"])
        segments = len(ended.state["distributed_results"])
        assert branches > 1
        assert segments > 1
        assert ended.calls.actions == {
            "decompress": 1,
            "update_and_compress": 1,
            "sync": ended.state["loop_counter"] - 1,  # the first turn is the one before
            "hydrate_branch": branches,
            "sync_branch": 3 * branches,
            "aggregate_branches": 1,
            "merge_async": 1,
            "create_snapshot": 2 if form == "AgentWorkflow" else 1,
            "hydrate_segment": segments,
            "aggregate_distributed": 1,
            "merge_callback": 1,
        }

    def test_no_action_is_left_out(self, ended, failed_map):
        assert ended.calls.actions.keys() | failed_map.calls.actions.keys() == ACTIONS.keys()

    def test_what_all_branches_changed_is_on_record(self, ended):
        (conflict,) = ended.state["merge_conflicts"]
        assert conflict["path"] == "$.current_state.last_branch"
        assert len(conflict["branches"]) == len(ended.state["forked_branches"])

    def test_what_routers_read_is_plain(self, ended):
        for name in ("next_action", "segment_to_run", "loop_counter", "max_turns", "request"):
            assert ended.execution.output[name] == ended.state[name]


class TestFailures:
    def test_a_branch(self, form, tmp_path):
        ended = run(form, {**SMALL, "fail": "branch"}, tmp_path)
        assert (ended.execution.status, ended.execution.error) == ("FAILED", "BranchFailed")
        assert ended.state["error"]["Cause"] == "These branches did not end: branch-0."
        (branch,) = ended.state["failed_branches"]
        assert (branch["branch_id"], branch["error"]["Error"]) == ("branch-0", "BranchBroke")
        self.check(ended)
        # What the others found is not lost for it.
        others = {one["branch_id"] for one in ended.state["forked_branches"]} - {"branch-0"}
        assert ended.state["current_state"]["reviews"].keys() == others

    def test_a_map(self, failed_map):
        error = "States.ExceedToleratedFailureThreshold"
        assert (failed_map.execution.status, failed_map.execution.error) == ("FAILED", error)
        assert failed_map.state["error"]["Error"] == error
        assert failed_map.state["map_error"]["Error"] == error
        assert failed_map.calls.actions["restore_snapshot"] == 1
        self.check(failed_map)

    def test_nobody_answers(self, form, tmp_path):
        ended = run(form, {**SMALL, "fail": "timeout", "answer_seconds": 1}, tmp_path)
        assert (ended.execution.status, ended.execution.error) == ("FAILED", "States.Timeout")
        assert ended.state["error"]["Error"] == "States.Timeout"
        self.check(ended)

    def test_a_loop_without_end(self, form, tmp_path):
        ended = run(form, {**SMALL, "max_turns": 3}, tmp_path)
        assert ended.state["error"]["Error"] == "TooManyTurns"
        assert ended.state["loop_counter"] == 3
        self.check(ended)

    @pytest.mark.parametrize(
        ("answered", "error"),
        [
            ({"approved": False, "by": "Ada"}, "NotApproved"),
            ({"approved": True, "by": "é" * 120_000}, "States.DataLimitExceeded"),
        ],
    )
    def test_an_answer(self, form, tmp_path, answered, error):
        class Person(Observer):
            def waiting_for_token(self, token, state):
                if state == "AskPerson":
                    answer(tmp_path / "tokens", token, answered)

        request = {**SMALL, "auto_approve": False}
        (tmp_path / "bucket").mkdir()
        ended = run(
            form,
            request,
            tmp_path / "bucket",
            observer=Person(),
            token_dir=tmp_path / "tokens",
        )
        assert (ended.execution.status, ended.execution.error) == ("FAILED", error)
        if error == "States.DataLimitExceeded":
            # It fits by itself, but not beside the state: nothing catches what a state puts out.
            assert "returned a result with a size exceeding" in ended.execution.cause
            (warning,) = ended.execution.warnings
            assert "callback_result.by (240,002 bytes)" in warning
            return
        assert ended.state["error"]["Error"] == error
        self.check(ended)

    def test_a_segment_alone_is_on_record(self, form, tmp_path):
        request = {**SMALL, "max_files": 8, "segment_bytes": 30_000, "fail": "segment"}
        ended = run(form, request, tmp_path)
        assert (ended.execution.status, ended.execution.error) == ("SUCCEEDED", None)
        assert ended.state["distributed_chunk_summary"]["failed"] == 1
        assert in_memory.differences(ended.state, expected(ended, request)) == []

    def test_before_there_is_a_state(self, form, tmp_path):
        (tmp_path / "empty").mkdir()
        workflow = load_workflow(TEMPLATE, machine=form)
        request = {**SMALL, "folder": str(tmp_path / "empty")}
        execution = run_workflow(
            workflow.definition, functions=workflow.functions, input=request, name=workflow.name
        )
        assert (execution.status, execution.error) == ("FAILED", "FileNotFoundError")

    def check(self, ended):
        assert (ended.state["status"], ended.state["next_action"]) == ("FAILED", "FAILED")
        assert json.loads(ended.execution.cause)["next_action"] == "FAILED"
        # What was known before it is still there.
        assert ended.state["state_history"]
        assert ended.state["current_state"]["modules"]


class LostAnswers:
    """Each function does its work, and the first answer of each kind is lost on its way."""

    def __init__(self, functions):
        self.lost = Counter()
        self.functions = {name: self._losing(name, one) for name, one in functions.items()}

    def _losing(self, name, function):
        def call(event, context):
            answered = function(event, context)
            kind = event.get("action", name)
            self.lost[kind] += 1
            if self.lost[kind] == 1 and "token" not in event:
                raise StoreUnavailable("the answer is lost")
            return answered

        return call


def test_a_step_that_is_delivered_twice_changes_nothing(form, tmp_path):
    losing = LostAnswers(load_workflow(TEMPLATE, machine=form).functions)
    ended = run(form, SMALL, tmp_path, losing.functions)
    assert (ended.execution.status, ended.execution.error) == ("SUCCEEDED", None)
    again = {one.state for one in ended.execution.transitions if one.attempts > 1}
    assert {"Begin", "Initialize", "Think", "Sync", "Join", "MergeAsync", "MergeCallback"} <= again
    assert {"HydrateBranch", "SyncBranch", "HydrateSegment", "JoinSegments"} <= again
    assert in_memory.differences(ended.state, expected(ended, SMALL)) == []


class Changeover:
    """Functions of wire version 0 until an action was called so often, then of version 1."""

    def __init__(self, form, action, calls):
        older = load_workflow(TEMPLATE, machine=form, environment={"STATEBAG_WIRE": "0"})
        newer = load_workflow(TEMPLATE, machine=form)
        self._left = calls
        self._action = action
        self.last_older = None
        self.functions = {
            name: self._either(older.functions[name], newer.functions[name])
            for name in newer.functions
        }

    def _either(self, older, newer):
        def call(event, context):
            if self._left <= 0:
                return newer(event, context)
            answered = older(event, context)
            if event.get("action") == self._action:
                self._left -= 1
                self.last_older = answered
            return answered

        return call


class TestChangeover:
    """An execution starts with pointers of wire version 0 and ends under version 1."""

    @pytest.fixture
    def many_small_modules(self, tmp_path):
        """A tree whose state of version 0 has its large fields and its old history elsewhere."""
        for number in range(64):
            body = "".join(f"def _step_{number}_{i}():\n    return {i}\n" for i in range(8))
            folder = tmp_path / "source" / f"part_{number % 4}"
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"module_{number:02}.py").write_text(body)
        return {**REQUEST, "folder": str(tmp_path / "source"), "max_files": None}

    @pytest.mark.parametrize(
        ("action", "calls"),
        [("sync", 4), ("sync_branch", 2), ("merge_async", 1)],
    )
    def test_fields_and_history(self, form, tmp_path, many_small_modules, action, calls):
        changeover = Changeover(form, action, calls)
        ended = self.run_over(changeover, form, many_small_modules, tmp_path)
        assert ended.calls.older_pointers["s3_reference"] > 0
        assert ended.calls.older_pointers["history_archive"] > 0

    def test_what_routers_read_is_in_the_older_states_too(self, form, tmp_path):
        request = {**REQUEST, "max_files": 16}
        changeover = Changeover(form, "sync", 3)
        ended = self.run_over(changeover, form, request, tmp_path)
        assert ended.calls.older_pointers["s3_reference"] > 0
        # The state is not offloaded as a whole, however large its fields are.
        assert ended.calls.older_pointers["__s3_offloaded"] == 0
        assert {"current_state", "state_history", "segment_to_run"} <= changeover.last_older[
            "state_data"
        ].keys()

    def run_over(self, changeover, form, request, tmp_path):
        bucket = tmp_path / "bucket"
        bucket.mkdir()
        ended = run(form, request, bucket, changeover.functions)
        assert (ended.execution.status, ended.execution.error) == ("SUCCEEDED", None), (
            ended.execution.cause
        )
        assert "__statebag__" not in json.dumps(changeover.last_older)
        assert not any(f'"{kind}"' in json.dumps(ended.execution.output) for kind in OLDER)
        # The older form's pointers to branches say where their list was.
        for pointer in ended.state["pending_branches"]:
            pointer.pop("branches_s3_path", None)
        assert in_memory.differences(ended.state, expected(ended, request)) == []
        return ended


class TestDefinition:
    @pytest.fixture
    def states(self, form):
        def states_in(states):
            for name, state in states.items():
                yield name, state
                if "ItemProcessor" in state:
                    yield from states_in(state["ItemProcessor"]["States"])

        return dict(states_in(load_workflow(TEMPLATE, machine=form).definition["States"]))

    def test_every_task_is_tried_again_when_the_store_is_not_there(self, states):
        for state in states.values():
            if state["Type"] == "Task":
                assert "StoreUnavailable" in state["Retry"][0]["ErrorEquals"]

    def test_both_forms_have_the_same_tasks(self):
        tasks = [
            {
                name
                for name, state in load_workflow(TEMPLATE, machine=one).definition["States"].items()
                if state["Type"] in {"Task", "Map"}
            }
            for one in FORMS
        ]
        # There the join of the segments takes the snapshot after them.
        assert tasks[0] - {"AfterSegments"} == tasks[1]

    def test_branches_that_arrive_together_fit_beside_the_state(self):
        from agent.turns import BRANCHES

        assert 'STATEBAG_MAX_BAG_BYTES: "24576"' in TEMPLATE.read_text("utf-8")
        assert Policy().max_bag_bytes + BRANCHES * 24576 < PAYLOAD_LIMIT


def test_demo(capsys):
    spec = importlib.util.spec_from_file_location("agent_workflow_demo", EXAMPLE / "demo.py")
    demo = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = demo  # its dataclass looks there
    spec.loader.exec_module(demo)
    demo.FEW_FILES = 6
    assert demo.main(["--max-files", "12", "--form", "jsonata"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "fields are the same, to the last byte" in shown
    for reason in ("BranchFailed", "States.ExceedToleratedFailureThreshold", "States.Timeout"):
        assert f"reason {reason}" in shown
