"""What docs/adopt.md says of AWS: a step's rights, and the Terraform and CDK that grant them."""

import json
import os
import re
import subprocess
import sys
import uuid
from pathlib import Path

import hcl2
import pytest
from hcl2.utils import SerializationOptions

from statebag import Policy, Statebag
from statebag.testing.process import forget
from tests.bags import noise
from tests.deploy.test_template import resources
from tests.docs.recording_proxy import recording_proxy

FOLDER = Path(__file__).parents[2] / "docs" / "adopt"
POLICY = json.loads((FOLDER / "policy.json").read_text("utf-8"))["Statement"]
CDK_PYTHON = os.environ.get("STATEBAG_CDK_PYTHON", sys.executable)
# S3 lets who may list tell a missing object from a refused one; nothing is ever listed.
NEVER_ASKED_FOR = {"s3:ListBucket"}


def right(method, path, query):
    """The IAM action of a request (Service Authorization Reference, Amazon S3)."""
    has_key = path.strip("/").count("/") > 0
    if method in {"GET", "HEAD"} and has_key:
        return "s3:GetObjectVersion" if "versionId" in query else "s3:GetObject"
    if method == "GET" and not has_key:
        return "s3:ListBucketVersions" if "versions" in query else "s3:ListBucket"
    if method == "PUT" and has_key and not query:
        return "s3:PutObject"
    if (method, list(query)) == ("POST", ["delete"]) or (method == "DELETE" and not query):
        return "s3:DeleteObject"
    return f"{method} {path} {sorted(query)}"


def s3_actions(statements):
    return {
        action
        for one in statements
        for action in ([one["Action"]] if isinstance(one["Action"], str) else one["Action"])
        if action.startswith("s3:")
    }


def stepped(address, bag):
    """A step in a new process's situation, which adds an entry to a log."""
    forget()
    sb = Statebag(address, policy=Policy(carry_bytes=0))

    @sb.step(bag_path="$.state", returns="delta")
    def handler(state, context):
        log = state.get("log", [])
        return {"log": [*log, noise(60_000, len(log))]}

    return handler({"execution_id": "machine/run", "state": bag}, None)


@pytest.mark.s3
def test_a_step_asks_for_what_the_policy_grants_and_for_nothing_else(s3_server, monkeypatch):
    for name in ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in s3_server.environment().items():
        monkeypatch.setenv(name, value)
    bucket = f"rights-{uuid.uuid4().hex[:8]}"
    around = s3_server.client()
    around.create_bucket(Bucket=bucket)
    around.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    with recording_proxy(s3_server.endpoint) as (endpoint, seen):
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
        bag = {"title": noise(60_000, 99)}
        for _ in range(3):
            bag = stepped(f"s3://{bucket}/state", bag)
        usual = {right(*one) for one in seen}
        assert usual == {"s3:GetObject", "s3:PutObject"}
        # An object goes: the step reads what it was from its earlier version.
        for found in around.list_objects_v2(Bucket=bucket)["Contents"]:
            around.delete_object(Bucket=bucket, Key=found["Key"])
        bag = stepped(f"s3://{bucket}/state", bag)
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_server.endpoint)
    forget()
    assert len(Statebag(f"s3://{bucket}/state").open(bag)["log"]) == 4
    around.close()
    asked = {right(*one) for one in seen}
    assert asked == s3_actions(POLICY) - NEVER_ASKED_FOR
    prefix = f"/{bucket}/state/"
    for _, path, query in seen:
        assert path.startswith(prefix) or query["prefix"][0].startswith("state/")


def normal(statement):
    """A statement's rights, bounds and kinds of resources, however it is written."""
    actions = statement["Action"]
    return {
        "actions": {actions} if isinstance(actions, str) else set(actions),
        "conditions": {
            (operator, key)
            for operator, keys in statement.get("Condition", {}).items()
            for key in keys
        },
        "below_prefix": "/*" in json.dumps(statement["Resource"]),
    }


def test_the_sam_template_grants_the_same():
    template = resources()["StepRole"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
    plain = [one.get("If", ["", one])[1] for one in template]
    assert [normal(one) for one in plain] == [normal(one) for one in POLICY]


DEFINITIONS = sorted(FOLDER.glob("*/*.asl.json"))
A_FUNCTION = "arn:aws:lambda:eu-west-1:123456789012:function:one"


def linted(definitions, folder):
    """What cfn-lint's rules for state machines say of definitions in one template."""
    machines = {
        f"Machine{number}": {
            "Type": "AWS::StepFunctions::StateMachine",
            "Properties": {
                "RoleArn": "arn:aws:iam::123456789012:role/machine",
                "DefinitionString": re.sub(r"\$\{\w+\}", A_FUNCTION, text),
            },
        }
        for number, text in enumerate(definitions)
    }
    template = folder / "machines.json"
    template.write_text(json.dumps({"Resources": machines}))
    return subprocess.run(
        [Path(sys.executable).parent / "cfn-lint", "--", template],
        capture_output=True,
        text=True,
        check=False,
    )


def test_cfn_lint_finds_nothing_in_the_definitions(tmp_path):
    assert len(DEFINITIONS) == 6
    texts = [one.read_text("utf-8") for one in DEFINITIONS]
    done = linted(texts, tmp_path)
    assert (done.stdout, done.returncode) == ("", 0)
    for text in texts:
        wrong = linted([text.replace('"Type": "Task"', '"Type": "Tusk"')], tmp_path)
        assert "'Tusk' is not one of" in wrong.stdout


def terraform():
    options = SerializationOptions(strip_string_quotes=True, explicit_blocks=False)
    with (FOLDER / "main.tf").open(encoding="utf-8") as file:
        return hcl2.load(file, serialization_options=options)


def of(parsed, kind, resource, name):
    """One block of Terraform by its labels."""
    (found,) = (
        block[resource][name]
        for block in parsed[kind]
        if resource in block and name in block[resource]
    )
    return found


def test_terraform_grants_the_same():
    parsed = terraform()
    document = of(parsed, "data", "aws_iam_policy_document", "step")
    (dynamic,) = document["dynamic"]
    statements = [*document["statement"], *dynamic["statement"]["content"]]
    written = [
        {
            "Action": one["actions"],
            "Resource": one["resources"],
            "Condition": _conditions(one.get("condition", [])),
        }
        for one in statements
    ]
    assert [normal(one) for one in written] == [normal(one) for one in POLICY]


def _conditions(blocks):
    found = {}
    for one in blocks:
        found.setdefault(one["test"], {})[one["variable"]] = one["values"]
    return found


def test_terraform_deploys_the_files_of_the_page():
    parsed = terraform()
    function = of(parsed, "resource", "aws_lambda_function", "meters")
    (environment,) = function["environment"]
    assert environment["variables"]["STATEBAG_CONTROL"] == "$.more,$.meters"
    assert environment["variables"]["STATEBAG_MOVABLE"] == "$.readings"
    assert function["publish"] is True
    (logging,) = function["logging_config"]
    assert "aws_cloudwatch_log_group.functions.name" in logging["log_group"]
    group = of(parsed, "resource", "aws_cloudwatch_log_group", "functions")
    assert group["retention_in_days"] == 30
    definition = of(parsed, "resource", "aws_sfn_state_machine", "meters")["definition"]
    assert "after/meters.asl.json" in definition
    assert "qualified_arn" in definition
    (local,) = parsed["locals"]
    text = (FOLDER / "after" / "meters.asl.json").read_text("utf-8")
    code = (FOLDER / "after" / "meters.py").read_text("utf-8")
    for placeholder, name in local["functions"].items():
        assert f"${{{placeholder}}}" in text
        assert f"def {name}(" in code
    versioning = of(parsed, "resource", "aws_s3_bucket_versioning", "state")
    assert versioning["versioning_configuration"][0]["status"] == "Enabled"


@pytest.fixture(scope="module")
def synthesised(tmp_path_factory):
    asked = [CDK_PYTHON, "-c", "import aws_cdk"]
    if subprocess.run(asked, capture_output=True, check=False).returncode:
        pytest.skip("aws-cdk-lib is not installed (or name its Python in STATEBAG_CDK_PYTHON)")
    folder = tmp_path_factory.mktemp("cdk")
    (folder / "layer.zip").write_bytes(b"PK\x05\x06" + bytes(18))  # an empty archive
    done = subprocess.run(
        [CDK_PYTHON, FOLDER / "stack.py"],
        env={**os.environ, "STATEBAG_LAYER": str(folder / "layer.zip"), "CDK_OUTDIR": str(folder)},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return folder / "Meters.template.json"


@pytest.mark.slow
def test_the_cdk_stack_is_synthesised_and_grants_the_same(synthesised):
    made = json.loads(synthesised.read_text("utf-8"))["Resources"]
    policies = [one for one in made.values() if one["Type"] == "AWS::IAM::Policy"]
    steps = 0
    for one in policies:
        statements = one["Properties"]["PolicyDocument"]["Statement"]
        rights = [found for found in statements if s3_actions([found])]
        if rights:
            assert [normal(found) for found in rights] == [normal(found) for found in POLICY[:2]]
            steps += 1
    functions = [one for one in made.values() if one["Type"] == "AWS::Lambda::Function"]
    assert len(functions) == steps == 3
    for one in functions:
        variables = one["Properties"]["Environment"]["Variables"]
        assert variables["STATEBAG_CONTROL"] == "$.more,$.meters"
        assert variables["STATEBAG_MOVABLE"] == "$.readings"
        group = one["Properties"]["LoggingConfig"]["LogGroup"]["Ref"]
        assert made[group]["Properties"]["RetentionInDays"] == 30
    machine = next(one for one in made.values() if "StateMachine" in one["Type"])
    named = machine["Properties"]["DefinitionSubstitutions"]
    versions = [one for one in made.values() if one["Type"] == "AWS::Lambda::Version"]
    assert len(named) == len(versions) == 3
    assert all(one["DeletionPolicy"] == "Retain" for one in versions)


@pytest.mark.slow
def test_cfn_lint_finds_nothing_in_what_the_cdk_makes(synthesised):
    done = subprocess.run(
        # W3005 is of dependencies that the CDK writes down twice.
        [Path(sys.executable).parent / "cfn-lint", "--ignore-checks", "W3005", "--", synthesised],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.returncode) == ("", 0)
