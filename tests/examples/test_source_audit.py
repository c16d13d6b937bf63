"""The example as a whole: its workflow on the local engine, plain and sealed, and its demo."""

import importlib.util
import json
import sys
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statebag import Policy, Statebag
from statebag.asl.payload import payload_size
from statebag.asl.quotas import PAYLOAD_LIMIT
from statebag.local import run as run_workflow
from statebag.local.execution import Observer
from statebag.local.tokens import answer
from statebag.local.workflow import load_workflow

EXAMPLE = Path(__file__).parents[2] / "examples" / "source_audit"
sys.path[:0] = [str(EXAMPLE / "functions"), str(EXAMPLE.parent)]

# The example is not a package: its functions' folder is what Lambda puts on the path.
import search_text  # noqa: E402
import source_tree  # noqa: E402
from audit import markers, outline, report, reviews, rules, tree  # noqa: E402

FILES = 60
BATCH_BYTES = 300_000
REQUEST = {"max_files": FILES, "batch_bytes": BATCH_BYTES, "auto_approve": True}
SEGMENTS = {"list_files", "read_files", "parse_files", "search_text"}


def run(request, store, *, observer=None, token_dir=None, **environment):
    environment = {"STATEBAG_STORE": store.as_uri(), **environment}
    workflow = load_workflow(EXAMPLE / "template.yaml", environment=environment)
    return run_workflow(
        workflow.definition,
        functions=workflow.functions,
        input=request,
        name=workflow.name,
        observer=observer,
        token_dir=token_dir,
        timeout=240,
        strict=False,  # sizes and forms are those of deployed functions; test_sizes is strict
    )


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return tmp_path_factory.mktemp("store")


@pytest.fixture(scope="module")
def request_of_tree(tmp_path_factory):
    folder = source_tree.write(tmp_path_factory.mktemp("source"), FILES + 10)
    return {**REQUEST, "folder": str(folder)}


@pytest.fixture(scope="module")
def sealed(store, request_of_tree):
    return run(request_of_tree, store)


@pytest.fixture(scope="module")
def state(sealed, store):
    assert sealed.status == "SUCCEEDED", sealed.cause
    return Statebag(store.as_uri()).open(sealed.output)


@pytest.fixture(scope="module")
def expected(request_of_tree):
    """What the audit gives without any workflow."""
    root = tree.root_of(request_of_tree["folder"])
    files = tree.list_files(root, FILES)
    texts = {file["path"]: tree.read_source(root, file["path"]) for file in files}
    modules = [outline.outline(path, text) for path, text in texts.items()]
    findings = [found for path, text in texts.items() for found in rules.inspect(path, text)]
    return {
        "root": str(root),
        "files": files,
        "sources": [
            {"path": file["path"], "bytes": file["bytes"], "text": texts[file["path"]]}
            for file in files
        ],
        "unread": [],
        "modules": modules,
        "matches": [match for path, text in texts.items() for match in markers.search(path, text)],
        "findings": findings,
        "reviews": {
            "security": reviews.security(findings, texts),
            "complexity": reviews.complexity(modules),
            "documentation": reviews.documentation(modules),
        },
    }


class TestPlain:
    def test_the_payload_limit_fails_it_while_it_reads(self, store, request_of_tree):
        execution = run(request_of_tree, store, STATEBAG_PLAIN="1")
        assert (execution.status, execution.error) == ("FAILED", "States.DataLimitExceeded")
        last = execution.transitions[-1]
        assert (last.state, last.error) == ("ReadFiles", "States.DataLimitExceeded")
        assert last.usage.plain_bytes > PAYLOAD_LIMIT

    def test_a_small_tree_gives_the_same_state_plain_and_sealed(self, store, request_of_tree):
        request = {**request_of_tree, "max_files": 4}
        plain = run(request, store, STATEBAG_PLAIN="1")
        sealed = run(request, store)
        assert (plain.status, sealed.status) == ("SUCCEEDED", "SUCCEEDED")
        state = Statebag(store.as_uri()).open(sealed.output)
        assert {**state, "execution_id": ""} == {**plain.output, "execution_id": ""}


class TestSealed:
    def test_every_payload_fits_while_the_state_does_not(self, sealed, state):
        assert payload_size(state) > 6 * PAYLOAD_LIMIT
        for one in sealed.transitions:
            assert one.error is None
            assert one.input_bytes <= PAYLOAD_LIMIT
            assert 0 < one.output_bytes <= PAYLOAD_LIMIT
        reads = [one for one in sealed.transitions if one.state == "ReadFiles"]
        assert reads[1].usage.plain_bytes > PAYLOAD_LIMIT

    def test_every_bag_keeps_to_its_bound(self, sealed):
        bounds = {"InspectShard": 4096} | dict.fromkeys(
            ("ReviewSecurity", "ReviewComplexity", "ReviewDocumentation"), 32768
        )
        for one in sealed.transitions:
            if one.usage is not None:
                assert one.usage.bag_bytes <= bounds.get(one.state, Policy().max_bag_bytes)

    def test_the_final_state_is_what_the_audit_gives_without_a_workflow(self, state, expected):
        for field, value in expected.items():
            assert state[field] == value, field
        assert state["summary"] == report.summarise(expected)
        assert state["report"] == report.as_markdown({**expected, "summary": state["summary"]})

    def test_its_parts_are_gone_once_they_are_joined(self, state):
        assert {"inspected", "shards", "branches"}.isdisjoint(state)

    def test_the_loop_takes_a_turn_for_each_batch(self, sealed, expected):
        turns = Counter(one.state for one in sealed.transitions)
        batches = len(tree.cut(expected["files"], BATCH_BYTES))
        assert batches > 3
        assert turns["ReadFiles"] == turns["ParseFiles"] == batches
        assert turns["ListFiles"] == turns["SearchText"] == turns["WriteReport"] == 1
        assert turns["NextSegment"] == 2 * batches + 2

    def test_the_map_inspects_every_shard(self, sealed, expected):
        items = [one for one in sealed.transitions if one.state == "InspectShard"]
        assert len(items) == len(search_text.shards(expected["sources"])) > 3
        # Each is handed stubs, not the shared state.
        assert max(one.input_bytes for one in items) < 0.05 * payload_size(expected["sources"])

    def test_every_turn_is_on_record_once(self, state):
        ids = [entry["append_id"] for entry in state["state_history"]]
        assert ids == [f"call-{number}" for number in range(1, state["loop_counter"] + 1)]
        assert [message["role"] for message in state["messages"]] == ["assistant", "tool"] * len(
            ids
        )
        tools = {message["tool_calls"][0]["name"] for message in state["messages"][::2]}
        assert tools == SEGMENTS | {"inspect", "review", "write_report"}

    def test_what_routers_read_is_plain_in_the_output(self, sealed, state):
        for field in ("execution_id", "segment_to_run", "loop_counter", "next_action", "status"):
            assert sealed.output[field] == state[field]
        assert (state["status"], state["next_action"]) == ("COMPLETE", "COMPLETE")
        assert state["execution_id"] == sealed.arn

    def test_a_step_writes_at_most_one_object(self, sealed):
        assert max(one.usage.puts for one in sealed.transitions if one.usage is not None) == 1


class Person(Observer):
    def __init__(self, tokens, output):
        self.tokens = tokens
        self.output = output
        self.asked = []

    def waiting_for_token(self, token, state):
        self.asked.append(state)
        answer(self.tokens, token, self.output)


class TestApproval:
    @pytest.fixture
    def ask(self, tmp_path, request_of_tree):
        def ask(output):
            person = Person(tmp_path / "tokens", output)
            request = {**request_of_tree, "max_files": 3, "auto_approve": False}
            execution = run(request, tmp_path / "store", observer=person, token_dir=person.tokens)
            assert person.asked == ["AskForApproval"]
            return execution

        return ask

    def test_waits_for_somebody_who_approves(self, ask):
        execution = ask({"approved": True, "by": "Ada"})
        assert execution.status == "SUCCEEDED"
        assert execution.output["approval"] == {"approved": True, "by": "Ada"}

    @pytest.mark.parametrize("output", [{"approved": False, "by": "Ada"}, {}])
    def test_anything_else_is_no_approval(self, ask, output):
        execution = ask(output)
        assert (execution.status, execution.error) == ("FAILED", "NotApproved")


class TestOtherFolders:
    def test_no_folder_is_that_of_the_functions(self, tmp_path):
        execution = run({**REQUEST, "folder": None}, tmp_path / "store")
        state = Statebag((tmp_path / "store").as_uri()).open(execution.output)
        paths = {source["path"] for source in state["sources"]}
        assert {"audit/tree.py", "list_files.py"} <= paths
        assert state["unread"] == []

    def test_files_that_cannot_be_read_or_parsed_are_on_record(self, tmp_path):
        folder = tmp_path / "source"
        folder.mkdir()
        (folder / "broken.py").write_text("def f(:\n")
        (folder / "latin.py").write_bytes(b"NAME = '\xe9'\n")
        (folder / "fine.py").write_text('"""Fine."""\n')
        execution = run({**REQUEST, "folder": str(folder)}, tmp_path / "store")
        state = Statebag((tmp_path / "store").as_uri()).open(execution.output)
        assert [source["path"] for source in state["sources"]] == ["broken.py", "fine.py"]
        assert [file["path"] for file in state["unread"]] == ["latin.py"]
        assert (state["summary"]["unread"], state["summary"]["unparsed"]) == (1, 1)
        assert state["summary"]["documented_percent"] == 50.0

    def test_a_folder_where_no_file_can_be_read(self, tmp_path):
        (tmp_path / "latin.py").write_bytes(b"NAME = '\xe9'\n")
        execution = run({**REQUEST, "folder": str(tmp_path)}, tmp_path / "store")
        assert execution.status == "SUCCEEDED"

    def test_a_folder_without_python_is_refused(self, tmp_path):
        execution = run({**REQUEST, "folder": str(tmp_path)}, tmp_path / "store")
        assert (execution.status, execution.error) == ("FAILED", "FileNotFoundError")


class TestDefinition:
    @pytest.fixture
    def tasks(self):
        def tasks_in(states):
            for state in states.values():
                if state["Type"] == "Task":
                    yield state
                for inner in [state.get("ItemProcessor"), *state.get("Branches", [])]:
                    if inner is not None:
                        yield from tasks_in(inner["States"])

        definition = json.loads((EXAMPLE / "statemachine.asl.json").read_text("utf-8"))
        return list(tasks_in(definition["States"]))

    def test_every_task_is_tried_again_when_the_store_is_not_there(self, tasks):
        for task in tasks:
            assert "StoreUnavailable" in task["Retry"][0]["ErrorEquals"]

    def test_every_handler_is_used(self, tasks):
        used = {task["Parameters"]["FunctionName"] for task in tasks}
        handlers = {path.stem for path in (EXAMPLE / "functions").glob("*.py")}
        assert len(used) == len(handlers) == 12
        template = (EXAMPLE / "template.yaml").read_text("utf-8")
        for handler in handlers:
            assert f"Handler: {handler}.handler\n" in template

    def test_answers_that_arrive_together_fit_beside_the_state(self):
        template = (EXAMPLE / "template.yaml").read_text("utf-8")
        assert template.count('STATEBAG_MAX_BAG_BYTES: "4096"') == 1
        assert template.count('STATEBAG_MAX_BAG_BYTES: "32768"') == 3
        assert Policy().max_bag_bytes + search_text.MAX_SHARDS * 4096 < PAYLOAD_LIMIT
        assert Policy().max_bag_bytes + 3 * 32768 < PAYLOAD_LIMIT

    @given(st.lists(st.integers(min_value=0, max_value=3_000_000), max_size=300))
    def test_the_work_is_cut_into_a_bounded_number_of_shards(self, sizes):
        shards = search_text.shards([{"bytes": size} for size in sizes])
        assert len(shards) <= search_text.MAX_SHARDS
        assert sum(shard["count"] for shard in shards) == len(sizes)


class TestDemo:
    @pytest.fixture
    def demo(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)  # it keeps its runs below the working folder
        spec = importlib.util.spec_from_file_location("source_audit_demo", EXAMPLE / "demo.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    def test_shows_the_failure_then_the_run_then_the_audit(self, demo, capsys, tmp_path):
        report_file = tmp_path / "report.md"
        assert demo.main(["--max-files", "40", "--report", str(report_file)]) == 0
        shown = " ".join(capsys.readouterr().out.split())
        assert "ReadFiles: States.DataLimitExceeded" in shown
        assert "40 of 40 source files came through as they are on disk" in shown
        assert "AskForApproval waits for an answer" in shown
        assert "statebag ui --histories .statebag/demo/histories" in shown
        assert report_file.read_text("utf-8").startswith("# Audit of ")

    def test_says_so_where_the_state_fits(self, demo, capsys):
        assert demo.main(["--max-files", "2"]) == 0
        assert "its state fits the payload" in " ".join(capsys.readouterr().out.split())
