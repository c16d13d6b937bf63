"""The templates, through validators that are not ours, and run on this machine as they are."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from statebag.sinks.embedded_metrics import figures
from statebag.telemetry.steps import Done
from statebag.telemetry.usage import Usage
from tests.cli.program import statebag

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
TEMPLATES = [DEPLOY / "template.yaml", *sorted(ROOT.glob("examples/*/template.yaml"))]
IDS = [str(one.relative_to(ROOT)) for one in TEMPLATES]
TRANSLATE = """
import json, sys
from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

document = yaml_parse(open(sys.argv[1], encoding="utf-8").read())
# What `sam package` does: local files are uploaded, and their addresses are in their places.
document["Globals"]["Function"]["CodeUri"] = "s3://packaged/functions.zip"
for resource in document["Resources"].values():
    for name in {"DefinitionUri", "ContentUri"} & resource.get("Properties", {}).keys():
        resource["Properties"][name] = "s3://packaged/file"
print(json.dumps(transform(document, json.loads(sys.argv[2]), {})))
"""


class _Plain(yaml.SafeLoader):
    """Reads CloudFormation's short forms as the tag's name and its value."""


_Plain.add_multi_constructor(
    "!",
    lambda loader, tag, node: {
        tag: loader.construct_scalar(node)
        if isinstance(node, yaml.ScalarNode)
        else loader.construct_sequence(node, deep=True)
    },
)


def resources(template=DEPLOY / "template.yaml"):
    return yaml.load(template.read_text("utf-8"), _Plain)["Resources"]


@pytest.mark.parametrize("template", TEMPLATES, ids=IDS)
def test_cfn_lint_finds_nothing(template):
    done = subprocess.run(
        [Path(sys.executable).parent / "cfn-lint", template],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.returncode) == ("", 0)


def test_cfn_lint_would_find_something(tmp_path):
    text = (DEPLOY / "template.yaml").read_text("utf-8")
    wrong = tmp_path / "template.yaml"
    wrong.write_text(text.replace("VersioningConfiguration", "VersionConfiguration"))
    done = subprocess.run(
        [Path(sys.executable).parent / "cfn-lint", wrong], capture_output=True, check=False
    )
    assert done.returncode != 0


def translated(template, **parameters):
    """What SAM makes of a template: CloudFormation's own resources."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", TRANSLATE, template, json.dumps(parameters)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "AWS_DEFAULT_REGION": "eu-west-1"},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


@pytest.mark.parametrize("template", TEMPLATES, ids=IDS)
def test_sams_own_translator_takes_it(template):
    kinds = {one["Type"] for one in translated(template)["Resources"].values()}
    assert {"AWS::Lambda::Function", "AWS::StepFunctions::StateMachine"} <= kinds
    assert not any(kind.startswith("AWS::Serverless") for kind in kinds)


def parameter(made, value, **given):
    """A property that may refer to a parameter of the template."""
    if isinstance(value, dict):
        assert value.keys() == {"Ref"}, "a condition would have to be evaluated"
        return given.get(value["Ref"], made["Parameters"][value["Ref"]]["Default"])
    return value


@pytest.mark.parametrize(
    "given", [{}, {"CollectorState": "ENABLED"}, {"CollectorState": "DISABLED"}]
)
def test_the_collectors_schedule_is_in_the_state_that_is_asked_for(given):
    made = translated(DEPLOY / "template.yaml", **given)
    (rule,) = (
        one["Properties"]
        for one in made["Resources"].values()
        if one["Type"] == "AWS::Events::Rule" and "ScheduleExpression" in one["Properties"]
    )
    assert rule["ScheduleExpression"] == "rate(1 day)"
    assert parameter(made, rule["State"], **given) == given.get("CollectorState", "ENABLED")


@pytest.mark.parametrize("template", TEMPLATES, ids=IDS)
def test_the_logs_of_every_function_end_some_day(template):
    made = translated(template, LogRetentionDays="7")
    groups = {
        name: one["Properties"]
        for name, one in made["Resources"].items()
        if one["Type"] == "AWS::Logs::LogGroup"
    }
    functions = [
        one["Properties"]
        for one in made["Resources"].values()
        if one["Type"] == "AWS::Lambda::Function"
    ]
    assert functions
    for one in functions:
        group = groups[one["LoggingConfig"]["LogGroup"]["Ref"]]
        days = int(parameter(made, group["RetentionInDays"], LogRetentionDays="7"))
        assert days == (7 if template.parent == DEPLOY else 30)


def test_the_very_template_runs_here_and_passes_the_limit_that_fails_it_without(tmp_path):
    arguments = ["run", DEPLOY / "template.yaml", "--input", DEPLOY / "input.json", "--json"]
    store = ["--store", str(tmp_path / "store"), "--tokens", str(tmp_path / "tokens")]
    ran = statebag(*arguments, *store)
    assert ran.exit_code == 0, ran.stderr[-2000:]
    result = json.loads(ran.stdout)
    assert result["status"] == "SUCCEEDED"
    (tmp_path / "bag.json").write_text(json.dumps(result["output"]))
    opened = statebag("open", tmp_path / "bag.json", *store[:2])
    state = json.loads(opened.stdout)
    modules = json.loads((DEPLOY / "input.json").read_text("utf-8"))["modules"]
    assert [entry["module"] for entry in state["state_history"]] == modules
    for entry in state["state_history"]:
        assert len(state["current_state"][f"text of {entry['module']}"]) == entry["characters"]
    assert len(opened.stdout) > 262_144
    plain = statebag(*arguments, *store, "--plain")
    assert json.loads(plain.stdout)["error"] == "States.DataLimitExceeded"


@pytest.mark.parametrize("template", TEMPLATES, ids=IDS)
def test_the_bucket_is_closed_encrypted_versioned_and_speaks_tls_alone(template):
    found = resources(template)
    bucket = found["StateBucket"]["Properties"]
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert bucket["VersioningConfiguration"]["Status"] == "Enabled"
    assert "ServerSideEncryptionConfiguration" in bucket["BucketEncryption"]
    statements = found["StateBucketPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    tls = statements[0]
    assert (tls["Effect"], tls["Action"]) == ("Deny", "s3:*")
    assert tls["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_no_rule_deletes_what_is_current():
    rules = resources()["StateBucket"]["Properties"]["LifecycleConfiguration"]["Rules"]
    assert all("Expiration" not in rule and "ExpirationInDays" not in rule for rule in rules)


def test_a_step_can_do_no_more_than_it_does():
    statements = resources()["StepRole"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
    allowed = {}
    for one in statements:
        if "If" in one or "!If" in one:
            continue
        actions = one["Action"] if isinstance(one["Action"], list) else [one["Action"]]
        allowed.update(dict.fromkeys(actions, one))
    assert set(allowed) == {
        "s3:GetObject",
        "s3:GetObjectVersion",
        "s3:PutObject",
        "s3:ListBucket",
        "s3:ListBucketVersions",
    }
    for one in allowed.values():
        assert "aws:ResourceAccount" in one["Condition"]["StringEquals"]
    assert allowed["s3:PutObject"]["Resource"] == {"Sub": "${StateBucket.Arn}/state/*"}
    assert allowed["s3:ListBucket"]["Condition"]["StringLike"] == {"s3:prefix": "state/*"}


def test_a_function_that_calls_apis_is_there_where_calls_are_named_and_may_do_nothing_else():
    found = resources()
    function, role = found["SdkTask"], found["SdkTaskRole"]
    assert function["Condition"] == role["Condition"] == "CallsApis"
    variables = function["Properties"]["Environment"]["Variables"]
    assert variables == {"STATEBAG_SDK_CALLS": {"Ref": "SdkCalls"}}
    assert role["Properties"]["Policies"] == found["StepRole"]["Properties"]["Policies"]
    *usual, given = role["Properties"]["ManagedPolicyArns"]
    assert usual == found["StepRole"]["Properties"]["ManagedPolicyArns"]
    assert given == {"If": ["HasSdkPolicy", {"Ref": "SdkPolicyArn"}, {"Ref": "AWS::NoValue"}]}
    made = translated(DEPLOY / "template.yaml")["Parameters"]
    assert (made["SdkCalls"]["Default"], made["SdkPolicyArn"]["Default"]) == ("", "")


def test_alarms_on_headroom_and_lost_blobs_are_of_all_functions():
    alarms = [one["Properties"] for one in resources().values() if one["Type"].endswith("::Alarm")]
    named = [
        metric
        for alarm in alarms
        for metric in (
            [one["MetricStat"]["Metric"] for one in alarm["Metrics"] if "MetricStat" in one]
            if "Metrics" in alarm
            else [alarm]
        )
    ]
    ours = {one["MetricName"]: one["Dimensions"] for one in named if one["Namespace"] == "Statebag"}
    service = [{"Name": "service", "Value": {"Ref": "AWS::StackName"}}]
    assert ours == dict.fromkeys(("HeadroomBytes", "BlobsMissing", "BlobsCorrupt"), service)


def test_the_dashboard_shows_every_metric_by_function_and_state():
    (body,) = resources()["Dashboard"]["Properties"]["DashboardBody"].values()
    widgets = json.loads(body)["widgets"]
    table, costs = (one["properties"]["query"] for one in widgets if one["type"] == "log")
    assert table.endswith("by function_name, state")
    assert costs.endswith("by action | sort dollars desc")
    done = Done(
        function="f",
        action="step",
        execution=None,
        execution_arn=None,
        scope=None,
        state=None,
        seconds=0.0,
        usage=Usage(bag_bytes=1),
        error=None,
    )
    for name, _, _ in figures(done):
        # The line has a list for each metric, and Logs Insights names its first item so.
        assert f"({name}.0" in table or name.startswith("Blobs"), name
    read = set(re.findall(r"([A-Z]\w+)\.0\b", costs))
    assert read <= {name for name, _, _ in figures(done)}
    # The prices are those of the page, which has them for a thousand requests.
    page = (DEPLOY.parent / "docs" / "observe.md").read_text("utf-8")
    prices = re.search(r"puts \* ([\d.]+) / 1000 \+ gets \* ([\d.]+) / 1000", page).groups()
    shown = re.findall(r"Puts\.0 \* ([\d.]+) \+ Gets\.0 \* ([\d.]+)\)", costs)
    assert len(shown) == 2
    for each in shown:
        assert [float(one) * 1000 for one in each] == pytest.approx([float(one) for one in prices])
    for query in (table, costs):
        assert query.startswith("SOURCE '${FunctionLogs}' |")
    assert resources()["FunctionLogs"]["Type"] == "AWS::Logs::LogGroup"


def test_each_task_says_its_states_name():
    machine = json.loads((DEPLOY / "statemachine.asl.json").read_text("utf-8"))
    tasks = [one for one in machine["States"].values() if one["Type"] == "Task"]
    assert tasks
    for one in tasks:
        assert one["Parameters"]["Payload"]["state_name.$"] == "$$.State.Name"
