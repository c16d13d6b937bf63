"""Previews say what a value is, change nothing else, and never make a bag too large."""

import json

import pytest
from msgspec.structs import replace

from statebag import ConfigurationError, Policy, Statebag
from statebag.format.json_text import wire_size
from statebag.format.stub import KEY
from statebag.sealing.previews import preview_of
from statebag.store import MemoryStore
from statebag.testing import RecordingStore
from tests.bags import noise

KEYS = {"k": b"0123456789abcdef0123456789abcdef"}
STATE = {
    "status": "RUN",
    "object": {"id": 1, "name": "Ann", "text": noise(40_000)},
    "array": [{"id": n, "name": f"item {n}", "ok": True, "none": None} for n in range(4_000)],
    "string": "First line\nsecond \u202eline " + noise(40_000),
}
PLAIN = Policy(carry_bytes=0, look_into_depth=1)
SHOWN = Policy(carry_bytes=0, look_into_depth=1, preview_bytes=60)


def client(policy=SHOWN, store=None, **keys):
    return Statebag(store or MemoryStore(), policy=policy, replicas=(), **keys)


def previews(bag):
    """By path, of the stubs in an object."""
    return {name: one[KEY]["preview"] for name, one in bag.items()
            if isinstance(one, dict) and "preview" in one.get(KEY, {})}  # fmt: skip


def without(value):
    if isinstance(value, dict):
        return {key: without(one) for key, one in value.items() if key != "preview"}
    return list(map(without, value)) if isinstance(value, list) else value


def test_a_stub_has_the_first_keys_or_characters():
    assert previews(client().seal(STATE, "m/e")) == {
        "object": "id, name, text",
        "array": "[{id: 0, name: 'item 0', ok: true, none: null}, {id: 1, n...",
        "string": ("First line second  line " + STATE["string"][24:])[:57] + "...",
    }


def test_by_default_there_is_none():
    assert previews(client(PLAIN).seal(STATE, "m/e")) == {}


def test_nothing_else_of_a_bag_depends_on_previews():
    stores = MemoryStore(), MemoryStore()
    shown = client(store=stores[0], signing_keys=KEYS)
    plain = client(PLAIN, stores[1], signing_keys=KEYS)
    for state in (STATE, {**STATE, "array": [*STATE["array"], {"id": -1}]}):
        bags = shown.seal(state, "m/e"), plain.seal(state, "m/e")
        assert previews(bags[0])
        assert without(bags[0]) == bags[1]
        assert plain.open(bags[0], scope="m/e") == state
    names = [sorted(one.name for one in store.list()) for store in stores]
    assert names[0] == names[1]


@pytest.mark.parametrize("settings", [{}, {"strict": True}, {"carry_bytes": 32_768}])
def test_every_form_and_policy_opens(settings):
    sb = client(Policy(preview_bytes=60, **settings))
    bag = sb.seal({**STATE, "small": {"a": 1}}, "m/e")
    assert '"preview"' in json.dumps(bag)
    assert sb.open(bag) == {**STATE, "small": {"a": 1}}
    edited = {**STATE, "small": {"a": 2}}
    again = sb.seal(edited, "m/e", parent=bag)
    assert sb.open(again) == edited


@pytest.mark.parametrize(
    "text", ["plain " * 50, "한국어" * 100, '"\\' * 100, "😀" * 100, "\x00" * 99]
)
@pytest.mark.parametrize("most", [1, 3, 4, 17, 1024])
def test_a_preview_has_at_most_so_many_bytes(text, most):
    for value in (text, [text], {text: 1}, [[text, 1.5, None, True]], {"a": text, text: text}):
        found = preview_of(value, most)
        assert wire_size(found) - 2 <= most
        assert found.isprintable()


def test_only_the_beginning_of_a_large_value_is_made():
    class Counted(list):
        asked = 0

        def __iter__(self):
            for one in super().__iter__():
                Counted.asked += 1
                yield one

    assert preview_of(Counted([1] * 100_000), 20) == "[1, 1, 1, 1, 1, 1..."
    assert Counted.asked < 30


def test_a_deep_value_is_cut():
    deep = []
    for _ in range(498):
        deep = [deep]
    assert preview_of(deep, 1_000) == "[" * 20 + "..." + "]" * 20
    sb = client(Policy(carry_bytes=0, strict=True, preview_bytes=1_000))
    assert sb.open(sb.seal({"a": deep}, "m/e")) == {"a": deep}


def test_a_text_that_looks_like_a_bag_gives_none():
    assert preview_of('{"__statebag__": {"v": 1}}', 100) == ""
    assert preview_of({"__statebag__": 1}, 100) == ""


def test_previews_count_and_never_make_a_bag_too_large():
    fields = {f"field_{n}": noise(40_000) for n in range(40)}
    for bound in (9_000, 11_000, 13_000, 15_000):
        sizes = []
        for policy in (
            Policy(carry_bytes=0, max_bag_bytes=bound, preview_bytes=200),
            Policy(carry_bytes=0, max_bag_bytes=bound),
        ):
            sb = client(policy)
            bag = sb.seal(fields, "m/e")
            assert wire_size(bag) <= bound
            assert sb.open(bag) == fields
            sizes.append(without(bag))
        # The same values left: a preview takes only room that is left over. (Two stores: one name.)
        assert sizes[0] == sizes[1]


def test_a_value_that_was_not_opened_keeps_its_preview_and_no_request_is_sent():
    store = RecordingStore(MemoryStore())
    sb = client(store=store)
    bag = sb.seal(STATE, "m/e")
    state = sb.open(bag, only=["$.status"])
    seen = len(store.calls)
    again = sb.seal({**state, "status": "END"}, "m/e")
    assert again == {**bag, "status": "END"}
    assert previews(client(PLAIN, store).seal(state, "m/e")) == {}
    shorter = Policy(carry_bytes=0, look_into_depth=1, preview_bytes=10)
    assert previews(client(shorter, store).seal(state, "m/e")) == {
        "object": "id, nam...",
        "array": "[{id: 0...",
        "string": "First l...",
    }
    assert {call.operation for call in store.calls[seen:]} <= {"head", "list"}


def test_a_bag_without_previews_gets_some_where_a_value_was_opened():
    store = MemoryStore()
    bag = client(PLAIN, store).seal(STATE, "m/e")
    sb = client(store=store)
    state = sb.open(bag, only=["$.array"])
    assert set(previews(sb.seal(state, "m/e", parent=bag))) == {"array"}


@pytest.mark.parametrize("preview", [7, None, {"a": [1]}, ["x"], "\x1b[31m\u202ered", "y" * 90_000,
                                     '{"__statebag__": {}}'])  # fmt: skip
def test_a_hostile_preview_of_a_payload_goes_no_further(preview):
    sb = client()
    bag = sb.seal(STATE, "m/e")
    bag["object"][KEY]["preview"] = preview
    assert sb.open(bag) == STATE
    again = sb.seal(sb.open(bag, only=["$.status"]), "m/e")
    left = again["object"][KEY].get("preview", "")
    assert left.isprintable()
    assert wire_size(left) - 2 <= 60
    assert sb.open(again) == STATE


def test_previews_next_to_a_rest_that_was_not_opened_are_taken_out():
    sb = client(
        Policy(carry_bytes=0, strict=True, control=("$.deep.more.status",), preview_bytes=9)
    )
    state = {"deep": {"more": {"status": "RUN", "big": noise(40_000)}, "x": noise(40_000)}}
    bag = sb.seal(state, "m/e")
    assert json.dumps(bag).count('"preview"') > 1
    plain = client(PLAIN, sb.store)
    inner = plain.open(bag, only=["$.none"])
    assert '"preview"' not in json.dumps(plain.seal(inner, "m/e"))
    assert sb.open(plain.seal(inner, "m/e")) == state


def test_appending_keeps_the_first_characters():
    sb = client()
    bag = sb.seal(STATE, "m/e")
    longer = sb.append(bag, "array", [{"id": "last"}], "m/e")
    assert previews(longer)["array"] == previews(bag)["array"]
    assert sb.get(longer, "$.array[-1]") == {"id": "last"}


def test_encrypted_values_have_no_previews():
    pytest.importorskip("cryptography")
    key = [bytes(32)]
    with pytest.raises(ConfigurationError, match="preview_bytes is 60") as caught:
        client(encryption_keys=key)
    assert "STATEBAG_PREVIEW_BYTES" in str(caught.value.hint)
    encrypting = client(replace(SHOWN, preview_bytes=0), encryption_keys=key)  # as the hint says
    assert previews(encrypting.seal(STATE, "m/e")) == {}
    with pytest.raises(ConfigurationError, match="preview_bytes"):
        encrypting.with_policy(SHOWN)
    with pytest.raises(ConfigurationError, match="preview_bytes"):
        client(store=encrypting.store)


def test_the_environment_sets_it(monkeypatch, tmp_path):
    monkeypatch.setenv("STATEBAG_PREVIEW_BYTES", "12")
    monkeypatch.setenv("STATEBAG_STORE", str(tmp_path))
    bag = Statebag().seal({"a": "x" * 100_000, "b": 1, "c": noise(50_000)}, "m/e")
    assert bag["a"][KEY]["preview"] == "xxxxxxxxx..."


@pytest.mark.parametrize("wrong", [-1, 1025, True, "60", None])
def test_wrong_numbers(wrong):
    with pytest.raises(ConfigurationError, match="preview_bytes"):
        Policy(preview_bytes=wrong)


def test_what_is_counted_is_the_bag_with_its_previews():
    from statebag.telemetry.usage import measured

    whole = client(Policy(carry_bytes=0, strict=True, preview_bytes=300))
    with measured() as usage:
        bag = whole.seal({"한국어": noise(40_000), "b": 1}, "m/e")
    assert bag[KEY]["preview"] == "한국어, b"
    assert usage.bag_bytes == wire_size(bag)


def test_a_preview_does_not_depend_on_the_unicode_of_this_python():
    assert preview_of(["\u0378\U0001fae9"], 60) == "['\u0378\U0001fae9']"
    assert preview_of(["\u202e\x9b\ue000"], 60) == "['   ']"
