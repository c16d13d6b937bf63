"""Arguments that are of no use: a typed error that says what to give instead."""

import pytest

from statebag import ConfigurationError, InvalidState, Policy, Statebag
from statebag.store.file import FileStore

SCOPE = "machine/run"
STATE = {"a": [{"n": n, "text": "t" * 500} for n in range(300)], "b": "y" * 40_000}
NO_TEXT = [0, 1.5, True, [], {}, (), b"m/r", Ellipsis]


@pytest.fixture(scope="module")
def sb():
    return Statebag("memory://arguments")


@pytest.fixture(scope="module")
def bag(sb):
    return sb.seal(STATE, scope=SCOPE)


@pytest.mark.parametrize("scope", NO_TEXT, ids=repr)
def test_a_scope_is_text(sb, bag, scope):
    for call in (
        lambda: sb.seal(STATE, scope=scope),
        lambda: sb.open(bag, scope=scope),
        lambda: sb.append(bag, "a", [1], scope=scope),
        lambda: sb.array_writer(scope),
    ):
        with pytest.raises(InvalidState) as refused:
            call()
        assert "<state machine>/<execution name>" in refused.value.hint


@pytest.mark.parametrize("budget", ["", "9000", 9000.0, float("nan"), float("inf"), True, [1]])
def test_a_budget_is_a_whole_number(sb, bag, budget):
    for call in (
        lambda: sb.seal(STATE, scope=SCOPE, budget=budget),
        lambda: sb.append(bag, "a", [1], scope=SCOPE, budget=budget),
    ):
        with pytest.raises(ConfigurationError, match="budget must be an int, not"):
            call()


@pytest.mark.parametrize(
    "only", ["a", b"a", 0, True, 1.5, [5], [None], [b"a"], [{"a": 1}], [[1.5]]]
)
def test_only_is_a_list_of_paths(sb, bag, only):
    with pytest.raises(ConfigurationError) as refused:
        sb.open(bag, only=only)
    assert "path" in str(refused.value)


@pytest.mark.parametrize("path", [0, None, 1.5, b"a", {"a": 1}, Ellipsis], ids=repr)
def test_a_path_is_text_or_parts(sb, bag, path):
    with pytest.raises(ConfigurationError, match="path"):
        sb.get(bag, path)
    with pytest.raises(ConfigurationError, match="path"):
        sb.append(bag, path, [1], scope=SCOPE)


@pytest.mark.parametrize("append", ["a", ["a"], [("a", [1])], 1, True])
def test_what_is_appended_stands_by_path(sb, append):
    with pytest.raises(ConfigurationError, match="by path, not"):
        sb.seal(STATE, scope=SCOPE, append=append)


@pytest.mark.parametrize("archive", ["text", [1], {}, 5, None, bytearray(b"x")])
def test_an_archive_is_bytes(sb, archive):
    with pytest.raises(ConfigurationError, match="archive must be bytes, not"):
        sb.unpack(archive, SCOPE)


@pytest.mark.parametrize(
    "store", [0, 1.5, [], {}, b"memory://x", Ellipsis, ["memory://x"]], ids=repr
)
def test_a_store_is_an_address_a_folder_or_a_store(store):
    with pytest.raises(ConfigurationError) as refused:
        Statebag(store)
    assert "address" in refused.value.hint


def test_a_folder_may_be_a_path(tmp_path, bag):
    sb = Statebag(tmp_path / "states", replicas=[tmp_path / "copies"])
    assert isinstance(sb.store.inner, FileStore)
    assert sb.store.url == f"file://{tmp_path}/states"
    sealed = sb.seal(STATE, scope=SCOPE)
    assert Statebag(f"file://{tmp_path}/states").open(sealed) == STATE


@pytest.mark.parametrize("options", [1, True, "region", [("region", "x")]])
def test_options_are_names_with_values(options):
    with pytest.raises(ConfigurationError, match="options"):
        Statebag("s3://bucket/prefix", options=options)


@pytest.mark.parametrize(
    "keys", ["k" * 20, [b"k" * 20], 5, {"a": "k" * 20}, {"a": 5}, {5: b"k" * 20}], ids=repr
)
def test_signing_keys_are_bytes_by_name(keys):
    with pytest.raises(ConfigurationError, match="key"):
        Statebag("memory://arguments", signing_keys=keys)


@pytest.mark.parametrize("name", ["control", "readable_scopes", "result_roots", "movable"])
@pytest.mark.parametrize("values", [None, 0, True, "text", [1], (None,)])
def test_lists_of_a_policy_hold_text(name, values):
    with pytest.raises(ConfigurationError, match=name):
        Policy(**{name: values})
