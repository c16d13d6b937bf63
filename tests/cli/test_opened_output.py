"""The output of a run in a file: opened, or the bag itself."""

import json

import pytest

from statebag import Policy, Statebag
from statebag.cli.opened_output import opened_output, shown_output, write_output
from statebag.errors import BlobMissing

STATE = {"고객": [{"이름": "김", "n": n} for n in range(3000)], "n": 12345678901234567890123}


def test_stubs_at_any_depth_are_opened(tmp_path):
    store = (tmp_path / "store").as_uri()
    bag = Statebag(store).seal(STATE, scope="m/child-1")
    other = Statebag(store, policy=Policy(strict=True)).seal({"a": 1}, scope="m/child-2")
    assert opened_output({"all": [bag, other]}, store, {}) == {"all": [STATE, {"a": 1}]}


def test_the_variables_of_the_functions_count(tmp_path, monkeypatch):
    store = (tmp_path / "elsewhere").as_uri()
    monkeypatch.setenv("STATEBAG_MAX_OPEN_BYTES", "10000000")
    bag = Statebag(store).seal(STATE, scope="m/run")
    given = {"STATEBAG_STORE": store}
    assert opened_output(bag, (tmp_path / "empty").as_uri(), given) == STATE
    from statebag.errors import LimitExceeded

    with pytest.raises(LimitExceeded) as caught:
        opened_output(bag, store, {"STATEBAG_MAX_OPEN_BYTES": "10"})
    assert caught.value.hint.endswith("--bag writes the bag itself.")


def test_what_cannot_be_opened_says_how_to_get_the_bag(tmp_path):
    bag = Statebag("memory://gone", policy=Policy(carry_bytes=0)).seal(STATE, scope="m/run")
    with pytest.raises(BlobMissing) as caught:
        opened_output(bag, (tmp_path / "store").as_uri(), {})
    assert "--bag" in caught.value.hint


def test_the_file_has_letters_of_every_script_and_lone_surrogates(tmp_path):
    write_output(tmp_path / "out.json", {"이름": "\ud800"})
    text = (tmp_path / "out.json").read_text("utf-8", "surrogatepass")
    assert '"이름"' in text
    assert json.loads(text) == {"이름": "\ud800"}


def test_a_small_state_is_shown_opened_and_others_as_they_are(tmp_path):
    store = (tmp_path / "store").as_uri()
    client = Statebag(store, policy=Policy(strict=True))
    small = client.seal({"보냄": 1}, scope="m/run")
    assert shown_output(small, store, {}) == {"보냄": 1}
    large = Statebag(store).seal(STATE, scope="m/run")
    assert shown_output(large, store, {}) is large
    plain = {"a": 1}
    assert shown_output(plain, store, {}) is plain
    gone = Statebag("memory://gone", policy=Policy(carry_bytes=0, strict=True)).seal(
        {"a": "b" * 99}
    )
    assert shown_output(gone, store, {}) is gone
