import json
from pathlib import Path

import pytest

from statebag import ConfigurationError, Policy, Statebag, step
from statebag.default_client import from_environment
from statebag.environment import (
    encryption_keys_from_environment,
    folders_are_shared,
    passing_place,
    policy_from_environment,
    sealing_is_off,
    signing_keys_from_environment,
    store_address,
    store_options,
)
from statebag.store.address import store_of
from statebag.testing.process import forget

LAMBDA = {"AWS_LAMBDA_FUNCTION_NAME": "f", "AWS_LAMBDA_RUNTIME_API": "127.0.0.1:9001"}


def test_nothing_set_is_the_default():
    assert policy_from_environment({}) == Policy()
    assert store_address({}).startswith("./")
    assert not sealing_is_off({})


def test_every_setting_has_a_variable():
    values = {
        "max_bag_bytes": 5000,
        "carry_bytes": 0,
        "deadline_seconds": 1.5,
        "control": ("$.a", "b"),
        "readable_scopes": ("shared", "library/**"),
    }
    text = {
        f"STATEBAG_{name.upper()}": " , ".join(value) if isinstance(value, tuple) else f" {value} "
        for name, value in values.items()
    }
    assert policy_from_environment(text) == Policy(**values)
    for name in Policy.field_names():
        default = getattr(Policy(), name)
        if isinstance(default, int):
            other = {"wire": 0, "forms": 1}.get(name, default + 1)
            changed = policy_from_environment({f"STATEBAG_{name.upper()}": str(other)})
            assert getattr(changed, name) == other


@pytest.mark.parametrize("text", ["many", "1.5", "0x10", "1e3", "-1"])
def test_a_value_that_is_no_number_names_its_variable(text):
    with pytest.raises(ConfigurationError) as caught:
        policy_from_environment({"STATEBAG_CARRY_BYTES": text})
    assert "carry_bytes" in str(caught.value).lower()


PLACES = {
    "a Lambda function": [
        LAMBDA,
        {"AWS_LAMBDA_FUNCTION_NAME": "f"},
        {"AWS_EXECUTION_ENV": "AWS_Lambda_python3.13"},
        {"LAMBDA_TASK_ROOT": "/var/task"},
    ],
    "an ECS container": [
        {"ECS_CONTAINER_METADATA_URI_V4": "http://169.254.170.2/v4/x"},
        {"ECS_CONTAINER_METADATA_URI": "http://169.254.170.2/v3/x"},
        {"AWS_EXECUTION_ENV": "AWS_ECS_FARGATE"},
        {"AWS_EXECUTION_ENV": "AWS_ECS_EC2"},
        {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/v2/credentials/x"},
    ],
    "a CodeBuild container": [
        {"CODEBUILD_BUILD_ID": "b:1", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/x"}
    ],
    "an App Engine instance": [{"GAE_INSTANCE": "i"}],
    "a Heroku dyno": [{"DYNO": "web.1"}],
    "a Fly machine": [{"FLY_MACHINE_ID": "1"}, {"FLY_ALLOC_ID": "1"}],
    "a Vercel function": [{"VERCEL": "1", "VERCEL_ENV": "preview"}, {"VERCEL": "1"}],
    "a Netlify function or build": [{"NETLIFY": "true"}],
    "a Render service": [{"RENDER": "true"}],
    "a Railway deployment": [{"RAILWAY_REPLICA_ID": "1"}, {"RAILWAY_DEPLOYMENT_ID": "1"}],
    "a Cloudflare container": [{"CLOUDFLARE_DURABLE_OBJECT_ID": "1"}],
    "a Modal container": [{"MODAL_TASK_ID": "ta-1"}],
    "a Cloud Foundry container": [{"CF_INSTANCE_GUID": "1"}],
    "a Nomad allocation": [{"NOMAD_ALLOC_ID": "1"}],
    "an AWS Batch job": [{"AWS_BATCH_JOB_ID": "1", "AWS_EXECUTION_ENV": "AWS_ECS_FARGATE"}],
    "a Cloud Run container": [{"K_SERVICE": "s"}, {"CLOUD_RUN_JOB": "j"}],
    "an Azure function": [{"FUNCTIONS_WORKER_RUNTIME": "python"}],
    "an Azure container app": [{"CONTAINER_APP_NAME": "a", "KUBERNETES_SERVICE_HOST": "10.0.0.1"}],
    "a Kubernetes container": [{"KUBERNETES_SERVICE_HOST": "10.0.0.1"}],
}


@pytest.mark.parametrize("place", PLACES)
def test_where_the_disk_goes_away_a_store_must_be_named(place):
    for variables in PLACES[place]:
        assert passing_place(variables) == place
        for unset in ({}, {"STATEBAG_STORE": ""}, {"STATEBAG_STORE": "  "}):
            with pytest.raises(ConfigurationError, match="STATEBAG_STORE") as caught:
                store_address({**variables, **unset})
            assert place in caught.value.message
            assert "STATEBAG_STORE" in caught.value.hint
        assert store_address({**variables, "STATEBAG_STORE": " s3://b/p "}) == "s3://b/p"


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"AWS_EXECUTION_ENV": "CloudShell"},
        # Also CloudShell's, and its home folder stays.
        {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://localhost:1338/x"},
        {"AWS_EXECUTION_ENV": ""},
        {"AWS_LAMBDA_FUNCTION_NAME": "", "K_SERVICE": ""},
        {"AWS_REGION": "us-east-1", "CI": "true"},
        # What the platforms' programs set on a developer's machine.
        {"VERCEL": "1", "VERCEL_ENV": "development"},
        {"NETLIFY": "true", "NETLIFY_DEV": "true"},
        {"RAILWAY_SERVICE_ID": "1", "RAILWAY_ENVIRONMENT_NAME": "production"},
        {"RENDER": "", "DYNO": ""},
    ],
)
def test_elsewhere_a_folder_does(variables):
    assert passing_place(variables) is None
    assert store_address(variables) == "./.statebag/store"


@pytest.mark.parametrize("size", [100, 100_000])
@pytest.mark.parametrize("place", PLACES)
def test_the_first_call_is_refused_whatever_the_size(place, size, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("STATEBAG_STORE", raising=False)
    for name, value in PLACES[place][0].items():
        monkeypatch.setenv(name, value)

    @step
    def handler(state, _context):
        return {**state, "text": "x" * size}

    for call in (
        lambda: handler({"execution_id": "machine/one"}, None),
        lambda: Statebag().seal({"text": "x" * size}, scope="machine/one"),
        lambda: Statebag().open({"text": "x" * size}),
    ):
        with pytest.raises(ConfigurationError, match="STATEBAG_STORE"):
            call()
    assert list(tmp_path.iterdir()) == []


SWITCHES = [
    ("1", True),
    ("true", True),
    ("TRUE", True),
    (" yes ", True),
    ("0", False),
    ("False", False),
    ("no", False),
]


@pytest.mark.parametrize(("text", "on"), SWITCHES)
def test_switches(text, on):
    assert sealing_is_off({"STATEBAG_PLAIN": text}) is on
    assert folders_are_shared({"STATEBAG_SHARED_FOLDERS": text}) is on
    policy = policy_from_environment({"STATEBAG_REQUIRE_ENCRYPTION": text})
    assert policy.require_encryption is on
    assert policy.require_signatures is False


def test_a_switch_that_is_not_set_is_off():
    for variables in ({}, {"STATEBAG_PLAIN": "", "STATEBAG_SHARED_FOLDERS": " "}):
        assert not sealing_is_off(variables)
        assert not folders_are_shared(variables)


@pytest.mark.parametrize("text", ["2", "on", "tru", "-", "1,1"])
def test_a_switch_with_another_text_is_refused(text):
    for variable, read in {
        "STATEBAG_PLAIN": sealing_is_off,
        "STATEBAG_SHARED_FOLDERS": folders_are_shared,
        "STATEBAG_REQUIRE_SIGNATURES": policy_from_environment,
        "STATEBAG_REQUIRE_ENCRYPTION": policy_from_environment,
    }.items():
        with pytest.raises(ConfigurationError, match=variable):
            read({variable: text})


@pytest.mark.parametrize("name", Policy.PROTECTIONS)
@pytest.mark.parametrize("text", ["", "  "])
def test_an_empty_text_does_not_switch_a_protection_off(name, text):
    variable = f"STATEBAG_{name.upper()}"
    with pytest.raises(ConfigurationError, match=variable):
        policy_from_environment({variable: text})


KEY_VARIABLES = {
    "STATEBAG_SIGNING_KEYS": signing_keys_from_environment,
    "STATEBAG_ENCRYPTION_KEYS": encryption_keys_from_environment,
}
KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"


@pytest.mark.parametrize("variable", KEY_VARIABLES)
@pytest.mark.parametrize("text", ["", " ", ",", " , ,", "\n", "{key},", ",{key}", "{key},,{key}"])
def test_an_empty_key_never_means_no_keys(variable, text, monkeypatch):
    named = f"k1:{KEY}" if "SIGNING" in variable else KEY
    text = text.format(key=named)
    with pytest.raises(ConfigurationError, match=variable) as caught:
        KEY_VARIABLES[variable]({variable: text})
    assert variable in caught.value.hint
    assert KEY not in str(caught.value)
    monkeypatch.setenv(variable, text)
    monkeypatch.setenv("STATEBAG_STORE", "memory://keys")
    for make in (lambda: Statebag("memory://keys"), from_environment):
        with pytest.raises(ConfigurationError, match=variable):
            make()


BASE64 = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"


@pytest.mark.parametrize(
    "key",
    [
        BASE64[:20] + "!" + BASE64[20:],  # what is not base64 was once left out without a word
        BASE64[:20] + " " + BASE64[20:],
        BASE64 + "==",
        "=" + BASE64,
        BASE64[:-2],
        BASE64[:10],
        BASE64 + "Ä",
        "====",
        "${SECRET}",
    ],
)
@pytest.mark.parametrize("variable", KEY_VARIABLES)
def test_a_key_that_is_not_one_is_refused_and_not_shown(variable, key):
    if "SIGNING" in variable and key == BASE64[:-2]:
        return  # 30 bytes, which sign well
    text = f"k1:{key}" if "SIGNING" in variable else key
    with pytest.raises(ConfigurationError, match=variable) as caught:
        KEY_VARIABLES[variable]({variable: text})
    assert key not in str(caught.value)
    assert BASE64[:10] not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        f"k1:{KEY},k1:{KEY}",
        f"k1:{KEY}, k1 :AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        KEY,
        f":{KEY}",
        f"a b:{KEY}",
        f"k-1:{KEY}",
        f"{'k' * 33}:{KEY}",
        "k1:",
        f"k1:{KEY},k2:",
        f"k1:{KEY}:more",
    ],
)
def test_names_of_keys(text):
    with pytest.raises(ConfigurationError, match="STATEBAG_SIGNING_KEYS") as caught:
        signing_keys_from_environment({"STATEBAG_SIGNING_KEYS": text})
    assert KEY not in str(caught.value)


def test_keys_in_either_alphabet_with_padding_and_blanks():
    key = bytes([251, 255, 190] * 10 + [251, 255])
    for text in ("+/++" * 10 + "+/8=", "-_--" * 10 + "-_8", " " + "-_--" * 10 + "-_8= "):
        assert encryption_keys_from_environment({"STATEBAG_ENCRYPTION_KEYS": text}) == (key,)
        found = signing_keys_from_environment({"STATEBAG_SIGNING_KEYS": f" k1 : {text.strip()} "})
        assert found == {"k1": key}
    # One key twice is one key: the order, and what can be read, are the same.
    assert encryption_keys_from_environment({"STATEBAG_ENCRYPTION_KEYS": f"{KEY},{KEY}"}) == (
        bytes(range(32)),
        bytes(range(32)),
    )


def test_one_client_for_each_environment(monkeypatch):
    forget()
    monkeypatch.setenv("STATEBAG_STORE", "memory://environment")
    first = from_environment()
    assert from_environment() is first
    assert first.store.url == "memory://environment"
    monkeypatch.setenv("STATEBAG_CARRY_BYTES", "0")
    second = from_environment()
    assert second is not first
    assert second.policy == Policy(carry_bytes=0)
    assert Statebag().policy == second.policy
    forget()
    assert from_environment() is not second


def test_plain_states_travel_whole(monkeypatch):
    monkeypatch.setenv("STATEBAG_PLAIN", "1")
    sb = Statebag("memory://plain", policy=Policy())
    state = {"a": "x" * 500_000, "log": [1]}
    bag = sb.seal(state)
    assert bag == state
    assert bag is not state
    assert sb.open(bag) == state
    assert sb.append(bag, "log", [2])["log"] == [1, 2]


OPTIONS = (
    '{"timeout": "5s", "s3://main": {"region": "a", "profile": "p"}, '
    '"s3://main/p": {"region": "b"}, "s3://replica/p": {"region": "c"}}'
)


@pytest.mark.parametrize(
    ("address", "options"),
    [
        ("s3://main/p", {"timeout": "5s", "region": "b", "profile": "p"}),
        ("s3://main/p/", {"timeout": "5s", "region": "b", "profile": "p"}),
        ("s3://main/p/below", {"region": "b", "profile": "p"}),
        ("s3://main/pp", {"region": "a", "profile": "p"}),
        ("s3://replica/p", {"region": "c"}),
        ("s3://replica", {}),
        ("s3://mainly/p", {}),
    ],
)
def test_options_of_stores(address, options):
    variables = {"STATEBAG_STORE": "s3://main/p", "STATEBAG_STORE_OPTIONS": OPTIONS}
    assert store_options(address, variables) == options


def test_no_options_of_stores():
    for text in ("", "  ", "{}"):
        assert store_options("s3://main/p", {"STATEBAG_STORE_OPTIONS": text}) == {}


@pytest.mark.parametrize(
    "text", ["hunter2", "[]", '{"timeout": 5}', '{"s3://a": {"b": null}}', '"hunter2', "{'a': 'b'}"]
)
def test_options_that_are_no_json_of_texts_are_refused_and_not_quoted(text):
    with pytest.raises(ConfigurationError, match="STATEBAG_STORE_OPTIONS") as caught:
        store_options("s3://main/p", {"STATEBAG_STORE_OPTIONS": text})
    assert "hunter2" not in str(caught.value)
    for example in caught.value.hint.removeprefix("Write ").removesuffix(".").split(", or "):
        store_options("s3://main/p", {"STATEBAG_STORE_OPTIONS": example})


def test_options_reach_the_stores_that_they_name(monkeypatch, tmp_path):
    main, replica = tmp_path / "main", tmp_path / "replica"
    text = json.dumps({"create": "false", str(replica): {"shared": "true"}})
    monkeypatch.setenv("STATEBAG_STORE", str(main))
    monkeypatch.setenv("STATEBAG_STORE_OPTIONS", text)
    with pytest.raises(ConfigurationError, match="does not exist"):
        store_of(str(main))
    store_of(Path(replica)).put("a", b"")
    assert (replica / "a").stat().st_mode & 0o077
    # What code says wins.
    store_of(str(main), options={"create": "true"})


def test_other_options_are_another_client(monkeypatch, tmp_path):
    monkeypatch.setenv("STATEBAG_STORE", str(tmp_path))
    first = from_environment()
    assert from_environment() is first
    monkeypatch.setenv("STATEBAG_STORE_OPTIONS", '{"shared": "true"}')
    assert from_environment() is not first
