"""Bags that travelled as text: found, opened where that is asked for, and never taken for data."""

import base64
import json
import logging

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from statebag import (
    BlobMissing,
    InvalidState,
    InvalidStub,
    LimitExceeded,
    NotPermitted,
    Policy,
    Statebag,
    Unopened,
)
from statebag.format.bag_text import as_bag, is_bag_text
from statebag.format.json_text import encode
from statebag.state_data_manager import lambda_handler
from statebag.store.memory import MemoryStore
from statebag.telemetry import usage
from statebag.testing.process import forget
from tests.bags import noise, travelled

SCOPE = "machine/run"
STATE = {"execution_id": SCOPE, "text": noise(60_000), "n": [1, 2.5, None]}


@pytest.fixture
def store():
    forget()
    return MemoryStore()


@pytest.fixture
def sb(store):
    return Statebag(store)


@pytest.fixture
def bag(sb):
    return sb.seal(STATE, scope=SCOPE)


def wraps(text):
    """Texts that hold a bag's text, as services wrap messages in one another."""
    topic = json.dumps({"Type": "Notification", "Message": text})
    return {
        "as it is": text,
        "spaced": json.dumps(json.loads(text), indent=1),
        "in a list": json.dumps([1, json.loads(text)]),
        "in an envelope": topic,
        "in two": json.dumps({"detail": {"body": topic}}),
        "in an array": json.dumps({"a": [text]}),
        "text of text": json.dumps(text),
        "text of text of an envelope": json.dumps(json.dumps(topic)),
    }


WRAPS = list(wraps("{}"))


def test_a_bags_text_is_taken_for_the_bag_by_every_call(sb, bag):
    for text in (json.dumps(bag), json.dumps(bag).encode(), bytearray(encode(bag))):
        assert sb.open(text) == STATE
    assert sb.open(json.dumps([bag, 1])) == sb.open(encode([bag, 1])) == [STATE, 1]
    for text in (json.dumps(bag), encode(bag)):
        assert sb.open(text, only=["n"], scope=SCOPE)["n"] == STATE["n"]
        assert sb.get(text, "$.n[1]") == 2.5
        assert all(found is None for found in sb.repair(text).values())
        assert sb.differences(text, bag) == sb.differences(bag, text) == []
        assert sb.open(sb.append(text, "$.n", [3], scope=SCOPE))["n"] == [*STATE["n"], 3]
        assert sb.export(text) == sb.export(bag)
        assert sb.open(sb.seal({"x": noise(60_000)}, parent=text), scope=SCOPE)
        assert encode(sb.seal({"x": "y" * 60_000}, parent=text)) == encode(
            sb.seal({"x": "y" * 60_000}, parent=bag)
        )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "text",
        '{"a": 1}',
        "[1, 2]",
        '"__statebag__"',
        '{"__statebag__": 1}',
        '{"__statebag__": {"w": 1}}',
        '{"a": "__statebag__"}',
        '"{\\"__statebag__\\": 1}"',
        '{"__statebag__": 1} and more',
        'the key "__statebag__" and {',
        '{"\\u005f_statebag__": {"v": 1}}',
        "{'__statebag__': 1}",
        base64.b64encode(b'{"__statebag__": 1}').decode(),
        base64.b64encode(b"__statebag__").decode(),
        "X19zdGF0ZWJhZ19f",
        "X19zdGF0ZWJhZ19f=====",
    ],
)
def test_any_other_string_is_the_string_that_it_is(sb, text):
    assert not is_bag_text(text)
    assert as_bag(text) == text
    for value in (text, [text], {"a": {"b": text}}):
        assert sb.open(value) == sb.open(value, embedded=True) == value
        assert sb.open(sb.seal(value, scope=SCOPE)) == value


BROKEN = {
    "cut": lambda text: text[:-1],
    "cut early": lambda text: text[: text.index("__statebag__") + 30],
    "more behind it": lambda text: text + " and more",
    "something before it": lambda text: "event: " + text,
    "JSON Lines": lambda text: text + "\n" + text + "\n",
    "NaN beside it": lambda text: '{"a": NaN, "b": ' + text + "}",
    "half a pair beside it": lambda text: '{"a": "\\ud800", "b": ' + text + "}",
    "too many levels": lambda text: "[" * 501 + text + "]" * 501,
    "spaced": lambda text: json.dumps(json.loads(text), indent=1, separators=(" ,", " : "))[:-1],
    "its text, cut": lambda text: json.dumps(text)[:-1],
    "its text's text, cut": lambda text: json.dumps(json.dumps({"m": text}, indent=1))[:-1],
    "in an envelope": lambda text: json.dumps({"Message": text[:-1]}),
    "in text": lambda text: json.dumps(text + text),
    "as Python prints it": lambda text: str(json.loads(text)),
    "as Python prints its text": lambda text: repr([text]),
    "as Python prints it, in an envelope": lambda text: json.dumps({"m": str(json.loads(text))}),
    "in base64": lambda text: base64.b64encode(text.encode()).decode(),
    "in base64, for URLs": lambda text: (
        base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
    ),
    "one further in base64": lambda text: base64.b64encode(f" {text}".encode()).decode(),
    "two further in base64": lambda text: base64.b64encode(f" [{text}]".encode()).decode(),
    "spaced in base64": lambda text: base64.b64encode(
        json.dumps(json.loads(text), indent=8).encode()
    ).decode(),
    "its text in base64": lambda text: base64.b64encode(json.dumps(text).encode()).decode(),
    "in a URL": lambda text: (
        "data:application/json;base64," + base64.b64encode(text.encode()).decode()
    ),
    "in an envelope in base64": lambda text: json.dumps(
        {"data": base64.b64encode(json.dumps({"a": json.loads(text)}).encode()).decode()}
    ),
    "with others in base64": lambda text: base64.b64encode(
        f'"__statebag__" and {text}'.encode()
    ).decode(),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_text_that_holds_a_bag_but_is_no_json_is_refused_or_kept(sb, store, bag, kind, caplog):
    text = BROKEN[kind](json.dumps(bag))
    assert is_bag_text(text)
    for event, place in ((text, r"\$"), ({"a": [text]}, r"\$\.a\[0\]")):
        for embedded in (None, True):
            with pytest.raises(InvalidState, match=rf"\(at {place}\)") as caught:
                sb.open(event, embedded=embedded)
            assert "embedded=False" in caught.value.hint
        assert "not JSON" in str(caught.value)
        caplog.clear()
        assert sb.open(event, embedded=False) == event
        assert len(caplog.records) == 1
        # Sealed, it is data like any other, and comes back exactly.
        for policy in (Policy(), Policy(carry_bytes=0), Policy(strict=True)):
            sealed = travelled(Statebag(store, policy=policy).seal(event, scope=SCOPE))
            forget()
            assert encode(sb.open(sealed, scope=SCOPE)) == encode(event)


@pytest.mark.parametrize("embedded", [None, True])
@pytest.mark.parametrize("kind", ["as it is", *BROKEN])
def test_a_name_that_holds_a_bag_is_refused_or_kept(sb, store, bag, kind, embedded, caplog):
    name = BROKEN.get(kind, str)(json.dumps(bag))
    for event, place in (({name: 1}, r"\$"), ({"a": [{"x": {name: {"y": 1}}}]}, r"\$\.a\[0\]\.x")):
        with pytest.raises(InvalidState, match=rf"name .*\(at {place}\)") as caught:
            sb.open(event, embedded=embedded)
        assert "sha256" not in str(caught.value)
        caplog.clear()
        assert sb.open(event, embedded=False) == event
        assert len(caplog.records) == 1
        assert "sha256" not in caplog.text
        large = {**event, "large": noise(200_000), **{f"f{n}": noise(40, n) for n in range(90)}}
        wide = {**large, **{f"wide {n}": n for n in range(2_500)}}
        for policy in (Policy(), Policy(carry_bytes=0), Policy(strict=True, control=("a",))):
            for state in (event, large, wide, {"in": large}):
                if policy.control and "a" in state:
                    continue  # a control field stays as it is
                sealed = travelled(Statebag(store, policy=policy).seal(state, scope=SCOPE))
                forget()
                assert encode(sb.open(sealed, scope=SCOPE)) == encode(state)
                assert encode(sb.open({"beside": 1, "b": sealed}, only=["b"])["b"]) == encode(state)


@pytest.mark.parametrize("embedded", [None, True])
def test_a_cause_that_the_engine_has_cut_is_kept(sb, bag, embedded, caplog):
    event = {"state": bag, "error": {"Cause": json.dumps({"Input": json.dumps(bag)})[:-40]}}
    assert sb.open(event, embedded=embedded) == {"state": STATE, "error": event["error"]}
    assert "$.error.Cause" in caplog.text


def test_text_of_text_is_taken_for_the_bag(sb, bag):
    text = json.dumps(bag)
    seen = []
    for levels in range(1, 4):
        text = json.dumps(text)
        assert sb.open(text) == sb.open(text.encode()) == STATE
        assert sb.get(text, "$.n[1]") == 2.5
        handler = sb.step(lambda state, _context: state, bag_path="$.body", scope="$.id")
        with pytest.raises(InvalidState):
            handler({"id": SCOPE, "body": text})
        opening = sb.step(
            lambda state, _context: seen.append(state),
            bag_path="$.body",
            scope="$.id",
            embedded=True,
        )
        opening({"id": SCOPE, "body": text})
        assert seen == [STATE] * levels
    text = json.dumps(json.dumps(text))
    assert not is_bag_text(text)
    assert sb.open(text) == text


def test_bytes_are_always_json_text(sb):
    assert sb.open(b'{"a": 1}') == {"a": 1}
    assert sb.open(b'"text"') == "text"
    for wrong in (b"", b"{", b'"\xff"', b"[NaN]", b"[" * 600):
        with pytest.raises(InvalidState, match="not JSON"):
            sb.open(wrong)


@pytest.mark.parametrize("wrap", WRAPS)
def test_text_in_a_string_is_refused_opened_or_left_with_a_warning(sb, bag, wrap, caplog):
    text = wraps(json.dumps(bag))[wrap]
    event = {"Records": [{"body": text}, {"body": "other"}]}
    with pytest.raises(InvalidState, match=r"at \$\.Records\[0\]\.body") as caught:
        sb.open(event)
    assert "embedded=True" in caught.value.hint
    assert "embedded=False" in caught.value.hint

    opened = sb.open(event, scope=SCOPE, embedded=True)
    expected = wraps(json.dumps(STATE))[wrap]
    assert unwrapped(opened["Records"][0]["body"]) == unwrapped(expected)
    assert opened["Records"][1] == {"body": "other"}

    with caplog.at_level(logging.WARNING, "statebag"), usage.measured() as spent:
        assert sb.open(event, embedded=False) == event
    assert (spent.bag_texts_left, len(caplog.records)) == (1, 1)
    assert "$.Records[0].body" in caplog.text
    assert "sha256" not in caplog.text


@pytest.mark.parametrize("wrap", WRAPS)
def test_every_call_that_reads_refuses_opens_or_keeps_a_text_in_a_string(sb, bag, wrap, caplog):
    text = wraps(json.dumps(bag))[wrap]
    event = {"Records": [{"body": text}], "list": [1], "execution_id": SCOPE}
    expected = unwrapped(wraps(json.dumps(STATE))[wrap])
    calls = {
        r"\$\.Records\[0\]\.body": lambda **told: sb.get(event, "$.Records[0].body", **told),
        r"\$\.Records\[0\]": lambda **told: sb.get(event, "$.Records[0]", **told)["body"],
        r"\$\[1\]\.Records\[0\]": lambda **told: list(sb.open_each([1, event], **told))[1][
            "Records"
        ][0]["body"],
        r"\$\.Records": lambda **told: sb.open(
            sb.append(event, "$.list", [2], scope=SCOPE, **told)
        )["Records"][0]["body"],
    }
    for place, call in calls.items():
        with pytest.raises(InvalidState, match=place) as caught:
            call()
        assert "embedded=True" in caught.value.hint
        assert unwrapped(call(embedded=True)) == expected
        caplog.clear()
        assert call(embedded=False) == text
        assert ".Records[0].body" in caplog.text
        assert event["Records"][0]["body"] == text


def test_get_looks_at_what_it_gives_and_only_there(sb, store, bag):
    event = {"body": json.dumps(bag), "n": [1], "error": {"Cause": json.dumps(bag)}}
    assert sb.get(event, "$.n[0]") == 1
    assert sb.get(event, "$.error.Cause") == json.dumps(bag)
    with pytest.raises(InvalidState, match=r"at \$\.body"):
        sb.get(event, "$.body")
    with pytest.raises(InvalidState, match=r"at \$\.body"):
        sb.get(event, "$")
    for policy in (Policy(), Policy(carry_bytes=0), Policy(strict=True)):  # sealed, it is data
        sealed = Statebag(store, policy=policy).seal({**event, "x": noise(60_000)}, scope=SCOPE)
        assert sb.get(sealed, "$.body") == event["body"]
        assert json.loads(sb.get(sealed, "$.body", embedded=True)) == STATE


def test_each_of_many_may_be_a_text(sb, bag):
    many = [json.dumps(bag), encode(bag), bag, "text", json.dumps({"a": 1}), None]
    expected = [STATE, STATE, STATE, "text", json.dumps({"a": 1}), None]
    assert list(sb.open_each(many * 50)) == expected * 50
    opening = sb.open_each(iter([bag, b"{"]))
    with pytest.raises(InvalidState, match="not JSON"):
        list(opening)


def test_what_is_compared_and_holds_a_text_is_warned_of(sb, bag, caplog):
    before, after = {"body": json.dumps(bag), "n": 1}, {"body": json.dumps(bag), "n": 2}
    assert [change.path for change in sb.differences(before, after)] == ["$.n"]
    assert [record.levelname for record in caplog.records] == ["WARNING"] * 2
    assert "$.body" in caplog.text


def test_with_sealing_off_texts_are_kept(sb, bag, monkeypatch):
    event = {"body": json.dumps(bag), "n": [1]}
    monkeypatch.setenv("STATEBAG_PLAIN", "1")
    assert sb.get(event, "$.body") == event["body"]
    assert list(sb.open_each([event])) == [event]
    assert sb.append(event, "$.n", [2]) == {**event, "n": [1, 2]}


def unwrapped(value):
    """A value with every JSON text of an object or array in it read."""
    if isinstance(value, str) and value[:1] in ("{", "[", '"'):
        return unwrapped(json.loads(value))
    if isinstance(value, dict):
        return {key: unwrapped(one) for key, one in value.items()}
    return [unwrapped(one) for one in value] if isinstance(value, list) else value


def test_what_reads_the_text_does_not_depend_on_the_size_of_the_bag(sb):
    for state in ({"x": 1}, {"x": noise(60_000)}):
        event = {"body": json.dumps(sb.seal(state, scope=SCOPE))}
        assert json.loads(sb.open(event, embedded=True)["body"]) == state


def test_the_cause_of_a_failure_is_never_refused(sb, bag, caplog):
    cause = json.dumps({"ExecutionArn": "arn", "Input": json.dumps({"state": bag})})
    event = {"state": bag, "error": {"Error": "States.TaskFailed", "Cause": cause}}
    with caplog.at_level(logging.WARNING, "statebag"):
        assert sb.open(event) == {"state": STATE, "error": event["error"]}
    assert "$.error.Cause" in caplog.text
    event["error"]["body"] = cause
    with pytest.raises(InvalidState, match=r"at \$\.error\.body"):
        sb.open(event)


@pytest.mark.parametrize("wrap", WRAPS)
@pytest.mark.parametrize("carry", [0, 32_000])
def test_text_that_was_sealed_is_data_and_comes_back_exactly(store, bag, wrap, carry):
    sb = Statebag(store, policy=Policy(carry_bytes=carry))
    text = wraps(json.dumps(bag))[wrap]
    many = {f"field{n}": text if n == 70 else n for n in range(3_000)}
    deep = {"a": {"b": {"c": {"d": {"e": {"f": [text]}}}}}}
    for state in (text, [text], {"a": text}, {"a": [1, {"b": text}]}, deep, many, [[text] * 3]):
        sealed = travelled(sb.seal(state, scope=SCOPE))
        assert encode(sb.open(sealed)) == encode(state)
        forget()
        fresh = Statebag(store)
        assert encode(fresh.open(sealed, scope=SCOPE)) == encode(state)
        assert encode(fresh.open(fresh.seal(state, scope=SCOPE))) == encode(state)


_STUBS = st.sampled_from(
    [
        {
            "__statebag__": {
                "v": 1,
                "sha256": "0" * 64,
                "size": 9,
                "at": "../x",
                "span": [0, 9],
            }
        },
        {"__statebag__": {"v": 99}},
        {"__statebag__": {"v": 1, "escaped": {"a": 1}}},
        {"__statebag__": {"v": None}, "beside": 1},
    ]
)
_TEXTS = st.recursive(
    _STUBS.map(json.dumps),
    lambda inner: st.one_of(
        inner.map(lambda text: json.dumps({"Message": text})),
        inner.map(lambda text: json.dumps([text, 1])),
        inner.map(json.dumps),
        inner.map(lambda text: text[:-1]),
        inner.map(lambda text: text + "\n" + text),
        st.tuples(st.text(max_size=5), inner).map("".join),
    ),
    max_leaves=4,
)
_HOSTILE = st.recursive(
    st.one_of(_TEXTS, _STUBS, st.integers()),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=6,
)


@settings(deadline=None, max_examples=150)
@given(_HOSTILE, st.sampled_from([0, 32_000]))
def test_hostile_text_round_trips(state, carry):
    forget()
    store = MemoryStore()
    bag = Statebag(store, policy=Policy(carry_bytes=carry)).seal(state, scope=SCOPE)
    forget()
    assert encode(Statebag(store).open(travelled(bag), scope=SCOPE)) == encode(state)


def test_a_text_is_opened_also_where_it_was_sealed_if_that_is_asked_for(sb, bag):
    for size in (0, 100_000):  # whether it is in the bag or in a pack is no difference
        sealed = sb.seal({"execution_id": SCOPE, "body": json.dumps(bag), "x": "y" * size})
        opened = sb.open(sealed, embedded=True)
        assert json.loads(opened["body"]) == STATE
        assert sb.open(sealed)["body"] == json.dumps(bag)


def test_the_selection_holds_for_texts_too(sb, bag):
    event = {"a": json.dumps(bag), "b": {"c": json.dumps(bag)}, "d": {"state": bag}}
    opened = sb.open(event, only=["b.c"], embedded=True)
    assert opened["a"] == event["a"]
    assert json.loads(opened["b"]["c"]) == STATE
    assert isinstance(opened["d"]["state"]["text"], Unopened)
    assert sb.open(event, only=[], embedded=True)["a"] == event["a"]


def test_confinement_limits_and_signatures_hold_in_texts(sb, store, bag):
    event = {"body": json.dumps({"Message": json.dumps(bag)})}
    with pytest.raises(NotPermitted, match="another scope"):
        sb.open(event, scope="machine/other", embedded=True)
    with pytest.raises(NotPermitted):
        Statebag(store, signing_keys={"k": b"0" * 32}).open(event, embedded=True)
    forget()
    small = Statebag(store, policy=Policy(max_open_bytes=70_000))
    assert small.open(event, embedded=True)
    with pytest.raises(LimitExceeded):
        small.open({"body": event["body"], "twice": event["body"]}, embedded=True)
    for info in list(store.list()):
        store.delete(info.name)
    forget()
    with pytest.raises(BlobMissing):
        Statebag(store).open(event, embedded=True)
    with pytest.raises(InvalidStub):
        sb.open({"body": '{"__statebag__": {"v": 1}}'}, embedded=True)


def test_texts_beyond_the_bound_stay(sb, bag):
    text = json.dumps(bag)
    for _ in range(3):
        text = json.dumps([text])
    assert unwrapped(sb.open({"x": text}, embedded=True)["x"]) == [[[STATE]]]
    text = json.dumps([text])
    assert not is_bag_text(text)
    assert sb.open({"x": text}, embedded=True) == sb.open({"x": text}) == {"x": text}


def test_an_export_does_not_leave_anything_in_the_store(sb, bag):
    event = {"body": json.dumps(bag)}
    with pytest.raises(InvalidState):
        sb.export(event)
    other = Statebag(MemoryStore())
    whole = other.open(other.unpack(sb.export(event, embedded=True), "m/e"))
    assert json.loads(whole["body"]) == STATE


def test_a_control_fields_text_stays_plain_and_needs_a_word(store, bag, caplog):
    sb = Statebag(store, policy=Policy(control=("$.message",)))
    state = {"message": json.dumps(bag), "x": 1}
    sealed = sb.seal(state, scope=SCOPE)
    assert sealed["message"] == state["message"]
    with pytest.raises(InvalidState, match=r"at \$\.message") as caught:
        sb.open(sealed)
    assert "embedded=False" in caught.value.hint
    assert sb.open(sealed, embedded=False) == state
    assert "$.message" in caplog.text
    assert json.loads(sb.open(sealed, embedded=True)["message"]) == STATE


@pytest.mark.parametrize("state", [STATE, {"execution_id": SCOPE, "small": 1}])
def test_a_step_takes_a_bag_in_a_message(sb, state):
    sealed = sb.seal(state, scope=SCOPE)
    seen = []

    def work(state, _context):
        seen.append(state)
        return state

    for path, event in {
        "$.Records[0].body": {"Records": [{"body": json.dumps(sealed)}]},
        "$.Records[0].body.state": {"Records": [{"body": json.dumps({"state": sealed})}]},
        "$.body.Message": {"body": json.dumps({"Message": json.dumps(sealed)})},
    }.items():
        before = json.dumps(event)
        scope = path + ".execution_id"
        handler = sb.step(bag_path=path, scope=scope, embedded=True)(work)
        assert sb.open(handler(event)) == state
        assert json.dumps(event) == before
    assert seen == [state] * 3


def test_a_step_takes_an_event_that_is_text_and_says_what_is_missing(sb, bag):
    handler = sb.step(lambda state, _context: state)
    assert sb.open(handler(json.dumps(bag))) == STATE
    event = {"execution_id": SCOPE, "Records": [{"body": json.dumps(bag)}]}
    with pytest.raises(InvalidState, match=r"at \$\.Records\[0\]\.body"):
        handler(event)
    kept = sb.step(lambda state, _context: state, embedded=False)(event)
    assert sb.open(kept) == event


def test_the_state_data_manager_hands_text_on_as_it_is(monkeypatch, bag, caplog):
    monkeypatch.setenv("STATEBAG_STORE", "memory://texts")
    event = {"state_data": {"execution_id": SCOPE, "body": json.dumps(bag)}, "action": "sync"}
    with caplog.at_level(logging.WARNING, "statebag"):
        answer = lambda_handler({**event, "execution_result": {"reply": json.dumps(bag)}})
    state = Statebag("memory://texts").open(answer["state_data"])
    assert state["body"] == state["last_execution_result"]["reply"] == json.dumps(bag)


@pytest.mark.parametrize("wrap", WRAPS)
def test_heal_mends_what_texts_refer_to_where_it_is_asked_to(store, wrap, caplog):
    sb = Statebag(store, policy=Policy(carry_bytes=0), replicas=())
    inner = wraps(json.dumps(sb.seal(STATE, scope=SCOPE)))[wrap]
    name = next(iter(store.list())).name
    outer = sb.seal({"body": inner, "n": 1}, scope=SCOPE)
    whole = store.get(name)
    replica = MemoryStore()
    replica.put(name, whole)
    store.delete(name)
    forget()
    healer = Statebag(store, policy=Policy(carry_bytes=0), replicas=[replica])
    assert name not in healer.repair(outer, scope=SCOPE)
    assert (
        "1 strings hold the text of a bag and were not opened, the first at $.body" in caplog.text
    )
    healed = healer.repair(outer, scope=SCOPE, embedded=True)
    assert healed[name] == replica.url
    assert store.get(name) == whole
    forget()
    caplog.clear()
    assert healer.repair(outer, scope=SCOPE, embedded=True)[name] is None
    assert caplog.text == ""


def test_a_seal_that_heals_says_that_texts_are_left(sb, bag, caplog):
    sb.seal({"body": json.dumps(bag)}, scope=SCOPE)
    assert caplog.text == ""
    sb.seal({"body": json.dumps(bag)}, scope=SCOPE, heal=True)
    assert "the first at $.body; the objects they refer to are not repaired" in caplog.text
    assert "repair(bag, embedded=True)" in caplog.text


def test_an_archive_of_a_control_field_with_a_text_is_unpacked(store, bag):
    sb = Statebag(store, policy=Policy(control=("$.c",)))
    state = {"c": {"body": json.dumps(bag), "n": 1}, "x": noise(60_000)}
    sealed = sb.seal(state, scope=SCOPE)
    archive = sb.export(sealed, embedded=False)
    assert sb.open(sb.unpack(archive, "machine/other"), embedded=False) == state
