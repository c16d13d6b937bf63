import pytest

from statebag.store.address import store_from_url
from statebag.store.encrypted import EncryptedStore, Keys
from statebag.store.file import FileStore
from statebag.store.identity import asks_for_nothing, identity_of
from statebag.store.memory import MemoryStore
from statebag.store.retrying import RetryingStore

SETTINGS = {"access_key_id": "a", "secret_access_key": "b", "region": "eu-west-1"}


def s3(url="s3://bucket/prefix", **options):
    return identity_of(store_from_url(url, options={**SETTINGS, **options}))


def test_an_address_with_the_same_settings_is_the_same_store():
    assert s3() == s3()


@pytest.mark.parametrize(
    "other",
    [
        {"url": "s3://bucket/other"},
        {"url": "s3://other/prefix"},
        {"endpoint": "http://127.0.0.1:1"},
        {"region": "us-east-1"},
        {"access_key_id": "c"},
        {"timeout": "3s"},
    ],
)
def test_an_address_with_other_settings_is_another_store(other):
    assert s3(**other) != s3()


@pytest.mark.parametrize(
    "name", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_PROFILE", "HTTPS_PROXY", "https_proxy"]
)
def test_the_environment_says_which_store_it_is_too(monkeypatch, tmp_path, name):
    (tmp_path / "config").write_text("[profile http://127.0.0.1:1]\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    before = s3()
    monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert s3() != before


def test_no_secret_stands_in_an_identity():
    assert "hunter2" not in repr(s3(secret_access_key="hunter2"))
    keys = Keys([b"hunter2-" * 4])
    assert "hunter2" not in repr(identity_of(EncryptedStore(MemoryStore(), keys)))


def test_a_folder_is_the_same_by_whichever_way(tmp_path):
    (tmp_path / "store").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "store")
    assert identity_of(FileStore(tmp_path / "link")) == identity_of(FileStore(tmp_path / "store"))
    assert identity_of(FileStore(tmp_path / "other")) != identity_of(FileStore(tmp_path / "store"))


def test_each_store_in_memory_is_its_own():
    assert identity_of(MemoryStore()) != identity_of(MemoryStore())
    assert identity_of(MemoryStore.named("x")) == identity_of(MemoryStore.named("x"))


def test_wrappers_are_the_store_that_they_wrap_and_the_keys_that_they_use():
    store = MemoryStore()
    assert identity_of(RetryingStore(store)) == identity_of(store)
    one = EncryptedStore(RetryingStore(store), Keys([b"a" * 32]))
    same = EncryptedStore(store, Keys([b"a" * 32]))
    other = EncryptedStore(store, Keys([b"b" * 32, b"a" * 32]))
    assert identity_of(one) == identity_of(same)
    assert len({identity_of(store), identity_of(one), identity_of(other)}) == 3


@pytest.mark.parametrize("slots", [False, True])
def test_a_store_that_does_not_say_is_told_apart_as_the_object_that_it_is(slots):
    class Own:
        if slots:
            __slots__ = ()
        url = "own://x"

    one = Own()
    assert (identity_of(one) == identity_of(one)) is not slots
    assert identity_of(one) != identity_of(Own())


def test_only_a_folder_and_memory_cost_nothing_to_ask(tmp_path):
    local = [MemoryStore(), FileStore(tmp_path), RetryingStore(MemoryStore())]
    assert all(map(asks_for_nothing, [*local, EncryptedStore(local[0], Keys([b"a" * 32]))]))
    assert not asks_for_nothing(store_from_url("s3://bucket", options=SETTINGS))
