"""`statebag log`, and what else looks into an execution by its ARN."""

import json
import re
import subprocess
import sys
import threading

import boto3
import pytest

from statebag.asl.arns import ACCOUNT
from statebag.format.json_text import encode
from statebag.history.events import history_of
from statebag.local.records import Records
from statebag.local.tokens import answer, waiting_tokens
from tests.cli.program import is_one_clear_line, on_terminal, statebag
from tests.history.test_replay import entered, events
from tests.local.machines import chain, run

ARN = f"arn:aws:states:us-east-1:{ACCOUNT}:execution:Main:run-1"


def kept(folder, told, arn=ARN):
    """A history on this machine."""
    records = Records(folder / ".statebag" / "histories")
    machine, name = arn.split(":")[6:8]
    record = records.begin(arn, machine, name, {})
    for event in told:
        record.add(event)
    records.close()
    return arn


class TestAnExecution:
    def test_each_transition_with_its_sizes_and_changes(self, execution, state):
        result = statebag("log", execution, "--json")
        assert (result.exit_code, result.stderr) == (0, "")
        load, change, ask, stands = map(json.loads, result.stdout.splitlines())
        loaded = {**state, "execution_id": "Main/run-1"}
        assert load["state_bytes"] == len(encode(loaded))
        assert load["bag_bytes"] < 10_000
        assert load["limit_share"] == round(load["bag_bytes"] / 262_144, 6)
        assert [(one["path"], one["kind"]) for one in change["changes"]] == [
            ("$.status", "changed"),
            ("$.state_history", "changed"),
        ]
        assert (ask["state"], ask["status"], ask["state_bytes"]) == ("Ask", "timed out", None)
        assert (stands["status"], stands["state"]) == ("TIMED_OUT", "Main/Ask")
        assert "SECRET" not in result.stdout

    def test_deep_reads_what_differs(self, execution):
        result = statebag("log", execution, "--deep", "--state", "Change", "--json")
        change = json.loads(result.stdout.splitlines()[0])
        assert [(one["path"], one["kind"]) for one in change["changes"]] == [
            ("$.status", "changed"),
            ("$.state_history[1500]", "added"),
        ]

    def test_without_deep_no_store_is_needed(self, execution, folder):
        assert statebag("log", execution, "--store", "./nowhere").exit_code == 0
        assert not (folder / "nowhere").exists()
        gone = statebag("log", execution, "--deep", "--store", "./nowhere", "--state", "Change")
        assert "there is no folder" in gone.stdout.lower() or "nowhere" in gone.stdout

    def test_other_commands_take_it_too(self, execution, folder):
        by_arn = statebag("inspect", f"{execution}@11", "--json")
        (folder / "bag.json").write_bytes(statebag("open", f"{execution}@11").stdout_bytes)
        assert (
            json.loads(by_arn.stdout)["state_bytes"] == len((folder / "bag.json").read_bytes()) - 1
        )
        assert statebag("export", execution, "--output", "state.sbag").exit_code == 0
        assert (folder / "state.sbag").stat().st_size > 10_000

    def test_without_an_arn_those_of_this_machine(self, execution):
        (line,) = statebag("log").stdout.splitlines()
        time, status, size, arn = line.split()
        assert (status, arn) == ("TIMED_OUT", execution)
        assert time.endswith("Z")
        assert int(size.replace(",", "")) > 1_000

    @pytest.mark.parametrize("columns", [60, 100])
    def test_on_a_terminal_the_list_is_a_table_of_names(self, execution, columns):
        shown = re.sub(r"\x1b\[[0-9;]*m", "", on_terminal(columns, "log"))
        lines = [line.rstrip() for line in shown.splitlines()]
        assert max(map(len, lines)) <= columns
        machine, name = execution.split(":")[-2:]
        assert f"{machine}/{name}"[:16] in shown
        assert "TIMED_OUT" in shown
        assert "arn:" not in shown

    def test_the_newest_has_a_short_name(self, execution, folder):
        whole = statebag("open", execution).stdout
        assert statebag("open", "@").stdout == whole
        assert statebag("cat", "@11", "$.status").stdout == (
            statebag("cat", f"{execution}@11", "$.status").stdout
        )
        assert statebag("diff", "@", "@").stderr == "no difference\n"
        (folder / "@").write_text("{}")  # a file goes first
        assert statebag("open", "@").stdout == "{}\n"

    def test_there_is_no_newest(self, folder):
        result = statebag("cat", "@", "$.a", "--histories", folder / "empty")
        assert is_one_clear_line(result.stderr)
        assert "has no history of a run" in result.stderr

    def test_the_width_that_is_asked_for_holds_in_a_pipe_too(self, execution, monkeypatch):
        wide = statebag("log", execution).stdout.splitlines()
        monkeypatch.setenv("COLUMNS", "60")
        narrow = statebag("log", execution).stdout
        table = narrow[narrow.index("event") : narrow.index("No room for")].splitlines()
        assert max(map(len, table)) <= 60 < max(map(len, wide))
        assert "execution" in statebag("log").stdout.splitlines()[0]

    def test_filters(self, execution):
        failed = statebag("log", execution, "--errors", "--json").stdout.splitlines()
        assert [json.loads(line).get("state") for line in failed] == ["Ask", "Main/Ask"]
        tail = statebag("log", execution, "--tail", "1").stdout
        assert "2 older ones are not shown" in tail
        assert "Load" not in tail
        none = statebag("log", execution, "--state", "Nobody")
        assert (none.exit_code, "nothing to show" in none.stdout) == (0, True)

    @pytest.mark.parametrize("columns", [80, 120])
    def test_on_a_terminal_no_line_of_the_table_is_wider(self, execution, columns):
        shown = on_terminal(columns, "log", execution)
        plain = "".join(
            shown.split("\x1b[")[0:1] + [p.partition("m")[2] for p in shown.split("\x1b[")[1:]]
        )
        table = plain[plain.index(" event") : plain.index("opened, bag:")]
        assert max(len(line.rstrip("\r")) for line in table.splitlines()) <= columns
        for word in ("Load", "Change", "Ask", "timed out", "530,617", "~ $.state_history"):
            assert word in table, word


class TestWaiting:
    def test_for_a_token_is_said_and_the_way_to_answer_works(self, folder):
        asking = {
            "Type": "Task",
            "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken",
            "Parameters": {"FunctionName": "ask", "Payload": {"token.$": "$$.Task.Token"}},
            "HeartbeatSeconds": 600,
            "TimeoutSeconds": 3_600,
        }
        tokens = folder / ".statebag" / "tokens"
        thread = threading.Thread(
            target=run,
            args=(chain(("Ask", asking), ("B", {"Type": "Pass"})), {}, {"ask": lambda *_: "asked"}),
            kwargs={
                "execution_name": "run-1",
                "histories": folder / ".statebag" / "histories",
                "token_dir": tokens,
                "timeout": 250,
            },
        )
        thread.start()
        try:
            while True:
                found = statebag("log", ARN)
                is_said = found.exit_code == 0 and "task token since" in found.stdout
                if is_said and waiting_tokens(tokens):  # the history may be ahead of the folder
                    break
            stands = json.loads(statebag("log", ARN, "--json").stdout.splitlines()[-1])
            assert (stands["status"], stands["waiting"][0]["reason"]) == ("RUNNING", "token")
            assert stands["waiting"][0]["timeout"] == 3_600
            line = next(one for one in found.stdout.splitlines() if "task token since" in one)
            assert line.startswith("Ask (event 2) waits for the answer to its task token since ")
            assert line.endswith("(timeout 3,600 s, heartbeat 600 s)")
            (waiting,) = waiting_tokens(tokens)
            assert waiting.token not in found.stdout  # whoever has it may answer
            # What the advice says to do, done.
            cat = stands["advice"].partition("statebag cat ")[2].partition("\n")[0].split()
            sent = json.loads(statebag("cat", *cat).stdout)
            assert sent["Payload"]["token"] == waiting.token
        finally:
            while thread.is_alive():
                for one in waiting_tokens(tokens):
                    answer(tokens, one.token, {"approved": True})
                thread.join(0.1)
        assert statebag("log", ARN).stdout.rstrip().rpartition("\n")[2].startswith("SUCCEEDED")

    @pytest.mark.parametrize(
        ("told", "words"),
        [
            ([entered("Wait", "A")], "A (event 1) waits for its time since"),
            ([entered("Pass", "A")], "A (event 1) is open since"),
            (
                [entered("Task", "A"), ("ActivityScheduled", {"resource": "arn:x:activity:y"})],
                "waits for an activity's worker since",
            ),
            (
                [entered("Task", "A"), ("TaskScheduled", {"resource": "startExecution.sync:2"})],
                "waits for the end of its job since",
            ),
            (
                [entered("Task", "A"), "LambdaFunctionScheduled", ("LambdaFunctionFailed", {})],
                "waits for its next attempt since",
            ),
            (
                [entered("Map", "A"), ("MapStateStarted", {"length": 5})],
                "waits for its iterations since",
            ),
            (
                [entered("Map", "A"), "MapStateStarted", ("MapRunStarted", {"mapRunArn": "x"})],
                "waits for the children of its Map Run since",
            ),
        ],
    )
    def test_for_anything_else(self, folder, told, words):
        records = Records(folder / ".statebag" / "histories")
        record = records.begin(ARN, "Main", "run-1", {})
        for event in events(*told):
            record.add(event)
        found = statebag("log", ARN)  # the record is open: somebody works on it
        records.close()
        assert found.stdout.count("RUNNING") == 1
        assert words in found.stdout
        assert "LOST" in statebag("log", ARN).stdout


class TestHostile:
    def test_nothing_steers_the_terminal(self, folder):
        evil = "\x1b]0;owned\x07\x1b[2J\r\u202e\ud800[red]"
        told = events(
            entered("Task", evil),
            ("TaskScheduled", {"resource": "invoke"}),
            ("TaskFailed", {"error": evil, "cause": evil}),
            ("TaskStateExited", {"name": evil, "output": json.dumps({evil: 1, "\x9b31m": evil})}),
            ("FailStateEntered", {"name": "F", "input": "{}"}),
            ("ExecutionFailed", {"error": evil * 100, "cause": evil * 10_000}),
        )
        kept(folder, told)
        for options in ((), ("--causes",), ("--deep",), ("--json", "--causes")):
            result = statebag("log", ARN, *options)
            assert result.exit_code == 0, result.stderr
            for bad in ("\x1b", "\x07", "\r", "\x9b", "\u202e", "\ud800"):
                assert bad not in result.stdout, (options, bad)
            assert "--json" in options or len(result.stdout) < 20_000
        assert "[red]" in statebag("log", ARN).stdout

    @pytest.mark.parametrize(
        "output", ["CANARY", '"\ud800 CANARY"', "1e999", '{"__statebag__": {"v": 1}}']
    )
    def test_a_payload_that_cannot_be_read_is_said_beside_its_state(self, folder, output):
        told = events(
            entered("Pass", "A"),
            ("PassStateExited", {"name": "A", "output": output}),
            entered("Pass", "B"),
            ("PassStateExited", {"name": "B", "output": "{}"}),
        )
        kept(folder, told)
        first, second, _ = map(json.loads, statebag("log", ARN, "--json").stdout.splitlines())
        assert first["note"]
        assert "CANARY" not in first["note"]
        assert second["state_bytes"] == 2
        cat = statebag("cat", ARN, "--at", "2")
        assert cat.exit_code != 0
        assert is_one_clear_line(cat.stderr)
        assert "CANARY" not in cat.stderr

    def test_a_payload_of_many_megabytes_and_thousands_of_changes(self, folder):
        large = {f"key-{n}": n for n in range(20_000)}
        told = events(
            entered("Pass", "A"), ("PassStateExited", {"name": "A", "output": json.dumps(large)})
        )
        kept(folder, told)
        (line, _) = map(json.loads, statebag("log", ARN, "--json").stdout.splitlines())
        assert line["state_bytes"] == line["bag_bytes"] == len(encode(large))
        assert len(line["changes"]) == 200
        assert line["changes_left_out"] == 19_800
        assert "and 19,996 more" in statebag("log", ARN).stdout

    @pytest.mark.parametrize(
        "arguments",
        [
            ("log", ARN.replace("run-1", "run-9")),
            ("log", ARN.replace("us-east-1", "eu-west-1")),
            ("log", "arn:aws:states:us-east-1:1:express:Main:run:1"),
            ("log", "orders"),
            ("cat", ARN, "--at", "99"),
            ("cat", f"{ARN}@1", "--at", "2"),
            ("cat", "bag.json", "--at", "2"),
            ("diff", f"{ARN}@1", f"{ARN}@x"),
            ("diff", f"{ARN}@1", "no-such-file.json"),
        ],
    )
    def test_a_mistake_is_one_line_that_says_the_way_out(self, folder, arguments):
        kept(folder, events(("ExecutionStarted", {"input": "{}"})))
        (folder / "bag.json").write_text("{}")
        result = statebag(*arguments)
        assert result.exit_code not in {0, 1}
        assert is_one_clear_line(result.stderr)

    def test_an_execution_on_aws_without_credentials(self, folder, monkeypatch):
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)  # it keeps what it once found
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(folder / "none"))
        monkeypatch.setenv("AWS_CONFIG_FILE", str(folder / "none"))
        result = statebag("log", "arn:aws:states:eu-west-1:999988887777:execution:Main:run-1")
        assert result.exit_code == 20
        assert is_one_clear_line(result.stderr)
        assert "credentials" in result.stderr


def test_run_keeps_histories_where_it_is_told(folder):
    (folder / "m.json").write_text(
        json.dumps({"StartAt": "A", "States": {"A": {"Type": "Succeed"}}})
    )
    program = [sys.executable, "-c", "from statebag.cli import main; main()"]
    for options in ((), ("--histories", "elsewhere")):
        done = subprocess.run(
            [*program, "run", "m.json", "--name", "run-1", "--json", *options],
            check=True,
            capture_output=True,
            timeout=240,
        )
        arn = json.loads(done.stdout)["arn"]
        assert "SUCCEEDED" in statebag("log", arn, *options).stdout
    assert (folder / ".statebag" / "histories").is_dir()
    assert (folder / "elsewhere").is_dir()


def test_an_empty_history_is_no_fault():
    assert history_of(ARN, "Main", []).events == ()
