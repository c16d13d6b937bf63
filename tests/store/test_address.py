import subprocess
import sys
from pathlib import Path

import pytest

from statebag.errors import ConfigurationError
from statebag.store.address import store_from_url
from statebag.store.file import FileStore
from statebag.store.memory import MemoryStore
from statebag.store.object_storage import ObjectStorage


@pytest.fixture(autouse=True)
def _credentials(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "KEY")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")


def test_a_folder_by_url(tmp_path):
    for url in (
        tmp_path.joinpath("a b").as_uri(),
        tmp_path.joinpath("a b").as_uri().replace("file://", "file://localhost"),
    ):
        store = store_from_url(url)
        assert isinstance(store, FileStore)
        assert store.root == tmp_path / "a b"


def test_a_folder_by_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    (tmp_path / "in").mkdir()
    for path, root in {
        "./x": tmp_path / "x",
        str(tmp_path / "y"): tmp_path / "y",
        "~/z": tmp_path / "home" / "z",
        ".": tmp_path,
    }.items():
        store = store_from_url(path)
        assert isinstance(store, FileStore)
        assert store.root == root


def test_the_url_of_a_folder_store_leads_to_the_same_folder(tmp_path):
    first = store_from_url(str(tmp_path / "ü %41"))
    first.put("a", b"data")
    assert store_from_url(first.url).get("a") == b"data"


def test_a_missing_folder_can_be_refused(tmp_path):
    with pytest.raises(ConfigurationError):
        store_from_url(str(tmp_path / "missing"), options={"create": "false"})
    assert store_from_url(str(tmp_path / "new"), options={"create": "true"}).root.is_dir()


def test_memory_by_name():
    assert store_from_url("memory://address-test") is MemoryStore.named("address-test")
    assert store_from_url("memory://address-test/") is MemoryStore.named("address-test")
    assert store_from_url("memory://") is store_from_url("memory://")


@pytest.mark.parametrize(
    ("address", "url"),
    [
        ("s3://bucket/a/prefix", "s3://bucket/a/prefix"),
        ("s3://bucket/", "s3://bucket"),
        ("s3://my.bucket/a%20b/", "s3://my.bucket/a%20b"),
        ("gs://bucket/a/prefix", "gs://bucket/a/prefix"),
    ],
)
def test_object_storage(address, url):
    store = store_from_url(address)
    assert isinstance(store, ObjectStorage)
    assert store.url == url


def test_azure_takes_its_account_from_options_or_the_environment(monkeypatch):
    key = "bm90IGEga2V5"
    store = store_from_url("az://box/p", options={"account_name": "acc", "account_key": key})
    assert store.url == "az://box/p"
    with pytest.raises(ConfigurationError, match="refuses its settings") as caught:
        store_from_url("az://box/p")
    assert "AZURE_STORAGE_" in caught.value.hint
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_NAME", "acc")
    assert store_from_url("az://box/p").url == "az://box/p"


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "folder",
        "folder/below",
        "s3:bucket/prefix",
        "s3:/bucket",
        "s3://",
        "s3:///prefix",
        "s3://key:hunter2@bucket/prefix",
        "s3://bucket:9000/prefix",
        "s3://bucket/prefix?token=hunter2",
        "s3://bucket/prefix#hunter2",
        "s3://bucket/a/../b",
        "s3://bucket/a//b",
        "gs://",
        "az://a@hunter2/b",
        "http://key:hunter2@host/bucket",
        "ftp://host/hunter2",
        "file://host/dir",
        "file://dir?hunter2",
        "file://",
        "memory://name?hunter2",
    ],
)
def test_anything_else_is_refused_with_the_forms_and_without_secrets(bad):
    with pytest.raises(ConfigurationError) as caught:
        store_from_url(bad)
    assert "s3://bucket/prefix" in caught.value.hint
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "options"),
    [
        ("memory://x", {"region": "x"}),
        ("./x", {"region": "x"}),
        ("./x", {"create": "perhaps"}),
        ("s3://bucket", {"no_such_option": "hunter2"}),
        ("s3://bucket", {"timeout": "hunter2"}),
        ("s3://bucket", {"server_side_encryption": "hunter2"}),
    ],
)
def test_options_without_sense_are_refused_without_their_values(url, options):
    with pytest.raises(ConfigurationError) as caught:
        store_from_url(url, options=options)
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def loaded_after(statement, names, environment):
    program = f"import sys; {statement}; print([n for n in {names!r} if n in sys.modules])"
    ended = subprocess.run(
        [sys.executable, "-c", "from statebag.store.address import store_from_url; " + program],
        capture_output=True,
        text=True,
        env={"PATH": "", "HOME": "/nonexistent", **environment},
        check=True,
        timeout=240,
    )
    return ended.stdout.strip()


def test_a_folder_loads_no_object_storage_client(tmp_path):
    statement = f"store_from_url({str(tmp_path)!r}).put('a', b'1'); store_from_url('memory://')"
    assert loaded_after(statement, ["obstore", "boto3"], {}) == "[]"


@pytest.mark.parametrize(
    "environment",
    [
        {"AWS_ACCESS_KEY_ID": "KEY", "AWS_SECRET_ACCESS_KEY": "secret"},
        {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/v2/x"},
        {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://169.254.170.2/v2/x"},
        {"AWS_WEB_IDENTITY_TOKEN_FILE": "/dev/null", "AWS_ROLE_ARN": "arn:aws:iam::1:role/x"},
        {"AWS_SKIP_SIGNATURE": "true"},
    ],
)
def test_boto3_is_not_loaded_where_the_environment_has_credentials(environment):
    assert loaded_after("store_from_url('s3://bucket/p')", ["boto3"], environment) == "[]"


def test_the_sdk_is_loaded_for_profiles(tmp_path: Path):
    file = tmp_path / "credentials"
    file.write_text("[work]\naws_access_key_id = KEY\naws_secret_access_key = secret\n")
    environment = {"AWS_SHARED_CREDENTIALS_FILE": str(file), "AWS_PROFILE": "work"}
    loaded = loaded_after("store_from_url('s3://bucket/p')", ["boto3", "botocore"], environment)
    assert loaded == "['botocore']"
