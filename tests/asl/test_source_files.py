"""Files from which a tool makes a template: each error says which command, and which file then."""

import pytest

from statebag.asl.source_files import packaged_code, packaged_definition, refuse_sources
from statebag.errors import ConfigurationError

SERVERLESS = "service: orders\nprovider:\n  name: aws\n"


@pytest.mark.parametrize(
    ("name", "text", "command", "then"),
    [
        ("serverless.yml", SERVERLESS, "`serverless package`", ".serverless/cloudformation-"),
        ("other.yaml", SERVERLESS, "`serverless package`", "update-stack.json"),
        ("cdk.json", '{"app": "python3 app.py"}', "`cdk synth`", "cdk.out/STACK.template.json"),
        ("app.py", "import aws_cdk as cdk\n", "`cdk synth`", "cdk.out"),
        ("stack.ts", "import { Stack } from 'aws-cdk-lib';\n", "`cdk synth`", "cdk.out"),
        ("main.tf", 'resource "aws_sfn_state_machine" "x" {}', "handler", "*.asl.json"),
        ("main.tf.json", "{}", "handler", "*.asl.json"),
    ],
)
def test_the_hint_has_the_command_and_the_file(tmp_path, name, text, command, then):
    with pytest.raises(ConfigurationError) as caught:
        refuse_sources(tmp_path / name, text)
    assert command in caught.value.hint
    assert then in caught.value.hint


def test_the_one_template_that_the_cdk_has_made_is_named(tmp_path):
    (tmp_path / "cdk.out").mkdir()
    (tmp_path / "cdk.out" / "Orders.template.json").write_text("{}")
    with pytest.raises(ConfigurationError) as caught:
        refuse_sources(tmp_path / "cdk.json", "{}")
    assert "cdk.out/Orders.template.json" in caught.value.hint


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("template.yaml", "Transform: AWS::Serverless-2016-10-31\nResources: {}\n"),
        ("template.yaml", "Description: |\n  service: x\nResources: {}\n"),
        ("m.asl.json", '{"StartAt": "aws_cdk"}'),
        ("handler.py", "import statebag\n"),
    ],
)
def test_other_files_pass(tmp_path, name, text):
    refuse_sources(tmp_path / name, text)


def test_code_that_a_tool_packaged(tmp_path):
    (tmp_path / "asset.1").mkdir()
    asset = {"Metadata": {"aws:asset:path": "asset.1"}}
    assert packaged_code(tmp_path, asset) == tmp_path / "asset.1"
    assert packaged_code(tmp_path, {"Metadata": {"aws:asset:path": "asset.2.zip"}}) is None
    function = {"Properties": {"Handler": "src/app.read"}}
    assert packaged_code(tmp_path, function) is None
    folder = tmp_path / ".serverless"
    folder.mkdir()
    assert packaged_code(folder, function) is None
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "app.py").write_text("")
    assert packaged_code(folder, function) == tmp_path
    assert packaged_code(folder, {"Properties": {"Handler": {"Ref": "X"}}}) is None


def test_templates_of_stages_are_named_too(tmp_path):
    stage = tmp_path / "cdk.out" / "assembly-Prod"
    stage.mkdir(parents=True)
    (stage / "ProdOrders.template.json").write_text("{}")
    (stage / "ProdOrdersInner.nested.template.json").write_text("{}")
    with pytest.raises(ConfigurationError) as caught:
        refuse_sources(tmp_path / "cdk.json", "{}")
    assert caught.value.hint.endswith(f"name {stage / 'ProdOrders.template.json'}.")
    for n in range(5):
        (tmp_path / "cdk.out" / f"S{n}.template.json").write_text("{}")
    with pytest.raises(ConfigurationError, match="belongs to the CDK") as caught:
        refuse_sources(tmp_path / "cdk.json", "{}")
    assert caught.value.hint.endswith("or another of 6.")


KEY = "43d38ad34f786181f5bd75499ac861fba4598e1f8ac391e8381be26755ea1000.json"


def test_a_definition_that_the_cdk_put_beside_its_template(tmp_path):
    stage = tmp_path / "assembly-Prod"
    stage.mkdir()
    properties = {"DefinitionS3Location": {"Bucket": {"Fn::Sub": "assets"}, "Key": KEY}}
    assert packaged_definition(tmp_path, properties) is None
    (tmp_path / f"asset.{KEY}").write_text("{}")
    assert packaged_definition(tmp_path, properties) == tmp_path / f"asset.{KEY}"
    assert packaged_definition(stage, properties) == tmp_path / f"asset.{KEY}"


@pytest.mark.parametrize(
    "location",
    [None, "s3://b/k", {}, {"Key": {"Ref": "K"}}, {"Key": f"../{KEY}"}, {"Key": "a/../../x.json"}],
)
def test_a_key_that_is_no_asset_leads_to_no_file(tmp_path, location):
    (tmp_path / "asset.x.json").write_text("{}")
    (tmp_path / f"asset...{KEY}").write_text("{}")
    assert packaged_definition(tmp_path, {"DefinitionS3Location": location}) is None
