"""The hints of the core: each is what a failing call says, and the call that follows it works."""

import base64
import datetime as dt
import decimal
import json
import secrets
import sys
import uuid

import pytest

from statebag import DELETE, Policy, Statebag, StatebagError
from statebag.environment import (
    encryption_keys_from_environment,
    policy_from_environment,
    signing_keys_from_environment,
    store_address,
    store_options,
)
from statebag.format import bag_text, encryption_keys, json_memory, signature
from statebag.format.stub import KEY
from statebag.keys import signing_with
from statebag.opening import foreign_pointers
from statebag.opening.inspection import inspect
from statebag.sealing.appending import with_appended
from statebag.state_data_manager import lambda_handler
from statebag.store.file import FileStore
from statebag.store.memory import MemoryStore
from statebag.testing.process import forget
from statebag.upkeep.doctor import examine
from statebag.upkeep.encrypting import encrypt_plain
from statebag.upkeep.gc import Rules, collect
from tests.bags import noise
from tests.hints.trial import Trial, check_trial

BIG = {"text": noise(40_000, 1), "n": 1}
SIGNING = "one:" + base64.b64encode(b"k" * 32).decode()
ENCRYPTION = base64.b64encode(b"k" * 32).decode()
ANOTHER = base64.b64encode(b"l" * 32).decode()


def client(store=None, keys=None, **settings):
    return Statebag(store or MemoryStore(), policy=Policy(**settings), signing_keys=keys)


def seal(state, **more):
    return client().seal(state, scope="m/e", **more)


def deep(levels):
    value = []
    for _ in range(levels):
        value = [value]
    return value


def elsewhere(world, *, readable=()):
    """What an execution reads of another one's bag."""
    store = FileStore(world.folder)
    bag = client(store, carry_bytes=0).seal(BIG, scope="m/other")
    return client(store, readable_scopes=readable).open(bag, scope="m/e")


def signed(world, seals, opens, *, scope="m/e", forms=3, **more):
    """What a reader with keys opens of an inline value that was sealed with these keys."""
    store = FileStore(world.folder)
    writer = client(store, seals, forms=forms)
    bag = writer.seal({"text": "x" * 40_000}, scope=scope)
    return client(store, opens, **more).open(bag, scope="m/e")


ONE = {"one": b"k" * 32}
BOTH = {"one": b"k" * 32, "two": b"l" * 32}


def rest():
    """A bag whose stub has a field next to it that must stay."""
    state = {"a": noise(3000, 1), "b": {f"k{n}": noise(60, n) for n in range(200)}}
    return client(field_limit=2000).seal(state, scope="m/e", budget=1600)


def embedded(**options):
    store = MemoryStore()
    inner = json.dumps(client(store, carry_bytes=0).seal(BIG, scope="m/e"))
    return client(store).open({"body": inner}, scope="m/e", **options)


def partly(*opened):
    """A state of which only some fields are opened."""
    sb = client(field_limit=1000)
    return sb.open(sb.seal({"text": "word " * 2000, "n": 1}, scope="m/e"), only=opened)


def named(**options):
    """What is opened of an object whose field has the text of a bag for its name."""
    store = MemoryStore()
    inner = json.dumps(client(store, carry_bytes=0).seal(BIG, scope="m/e"))
    return client(store).open({inner: 1}, scope="m/e", **options)


def sealed_elsewhere(*, opened=False, readable=()):
    """A bag whose state has a value of another execution, by default unopened."""
    store = MemoryStore()
    other = client(store, carry_bytes=0).seal({"big": BIG}, scope="m/other")
    state = client(store).open(other, scope="m/other", only=None if opened else [])
    return client(store, readable_scopes=readable).seal(state, scope="m/e")


def stepped(event, result=None, **options):
    handler = client().step(lambda state, _: state if result is None else result, **options)
    return handler(event, None)


def gathered():
    assert any(one.status != "fail" for one in examine(MemoryStore()))
    return collect(MemoryStore(), Rules(), dry_run=False)


def exported(**change):
    sb = client()
    data = sb.export(sb.seal(BIG, scope="m/e"))
    return client(**change).unpack(data, scope="m/two")


class Blind(MemoryStore):
    """A store that does not find what was just written."""

    def head(self, name):
        return None


FEWER_FRAMES = "Call it from fewer frames, or raise the limit with sys.setrecursionlimit."


def lacks_frames(world, frames):
    """Seal a nested value with so many frames left."""
    value = deep(400)

    def down(left):
        return down(left - 1) if left else seal(value)

    depth = 0
    frame = sys._getframe()
    while frame:
        depth, frame = depth + 1, frame.f_back
    return down(max(sys.getrecursionlimit() - depth - frames, 0))


def appended(only=None):
    """Append to a list inside a value that was opened or not."""
    sb = client(carry_bytes=0, look_into_depth=1)
    state = {"outer": {"list": [1], "text": noise(40_000, 2)}}
    opened = sb.open(sb.seal(state, scope="m/e"), only=only)
    return with_appended(opened, ("outer", "list"), [2])


def control_lookalike(*, opened):
    sb = client(carry_bytes=0, control=("c",))
    inner = sb.open(client(sb.store, carry_bytes=0).seal(BIG), only=None if opened else ["$.n"])
    return sb.seal({"c": {KEY: 1, "value": inner["text"] if not opened else "small"}}, scope="m/e")


def no_reader(world, *, legacy):
    world.replace(foreign_pointers, "_given", [])
    return client().open({"n": 1}, legacy=legacy)


def bounded(world, limit, text):
    world.replace(json_memory, "_default_limit", lambda: limit)
    return json_memory.check_memory(text)


def light(**settings):
    """Open many empty objects, which take far more memory than text."""
    store = MemoryStore()
    bag = client(store).seal({"a": [{}] * 600_000}, scope="m/e")
    forget()
    return client(store, **settings).open(bag)


OBJECTS = b"[" + b",".join([b"{}"] * 600_000) + b"]"


def many_packs(*, only=None, **settings):
    store = MemoryStore()
    sb = client(store, carry_bytes=0, max_packs=9)
    state = {"a": noise(40_000, 1)}
    bag = sb.seal(state, scope="m/e")
    for n, name in enumerate("bcd"):
        state = {**sb.open(bag), name: noise(40_000, n + 2)}
        bag = sb.seal(state, scope="m/e")
    forget()
    return client(store, **settings).open(bag, only=only)


def repaired(world, *, replica=False, restore=False):
    store = FileStore(world.folder / uuid.uuid4().hex)
    bag = client(store, carry_bytes=0).seal(BIG, scope="m/e")
    forget()
    (name,) = (info.name for info in store.list())
    data = store.get(name)
    store.delete(name)
    copy = FileStore(world.folder / uuid.uuid4().hex)
    if replica:
        copy.put(name, data)
        world.setenv("STATEBAG_REPLICAS", copy.url)
    if restore:
        store.put(name, data)
    return Statebag(store).repair(bag)


def sealed_rest():
    store = MemoryStore()
    state = {"large": noise(40_000, 1), **{f"k{n}": noise(200, n) for n in range(40)}}
    sb = client(store, carry_bytes=0)
    bag = sb.seal(state, scope="m/e", budget=2000)
    assert KEY in bag
    assert "large" in bag
    return sb, bag, state


def rest_of():
    return sealed_rest()[1]


def moved_whole():
    sb, bag, state = sealed_rest()
    assert sb.open({"somewhere": bag}) == {"somewhere": state}
    with pytest.raises(StatebagError) as caught:
        inspect({KEY: bag[KEY]})
    assert caught.value.hint == "Move the whole object, not only its stub."


TRIALS = (
    Trial(
        'Write append={"$.field": items}.',
        lambda _: seal({}, append=["x"]),
        lambda _: seal({"field": []}, append={"$.field": [1]}),
    ),
    Trial(
        "Write keys in base64 in {}.",
        lambda w: (w.setenv("STATEBAG_ENCRYPTION_KEYS", "*!"), encryption_keys_from_environment()),
        lambda w: (
            w.setenv("STATEBAG_ENCRYPTION_KEYS", ENCRYPTION),
            encryption_keys_from_environment(),
        ),
    ),
    Trial(
        "Set STATEBAG_STORE to s3://<bucket>/<prefix>, or a folder on a disk that stays.",
        lambda w: (
            w.unset("STATEBAG_STORE"),
            w.setenv("AWS_LAMBDA_FUNCTION_NAME", "f"),
            w.setenv("AWS_EXECUTION_ENV", "AWS_Lambda_python3.13"),
            store_address(),
        ),
        lambda w: (w.setenv("STATEBAG_STORE", "s3://bucket/prefix"), store_address()),
    ),
    Trial(
        'Write {"timeout": "5s"}, or {"s3://bucket/prefix": {"region": "eu-west-1"}}.',
        lambda w: (w.setenv("STATEBAG_STORE_OPTIONS", "timeout=5s"), store_options("s3://b/p")),
        lambda w: [
            (w.setenv("STATEBAG_STORE_OPTIONS", text), store_options("s3://bucket/prefix"))
            for text in ('{"timeout": "5s"}', '{"s3://bucket/prefix": {"region": "eu-west-1"}}')
        ],
    ),
    Trial(
        "Check the secret that {} is made of, or unset it to go without keys.",
        lambda w: (w.setenv("STATEBAG_SIGNING_KEYS", ""), signing_keys_from_environment()),
        lambda w: (w.unset("STATEBAG_SIGNING_KEYS"), signing_keys_from_environment()),
    ),
    Trial(
        "Write name:key,name:key.",
        lambda w: (w.setenv("STATEBAG_SIGNING_KEYS", ENCRYPTION), signing_keys_from_environment()),
        lambda w: (
            w.setenv("STATEBAG_SIGNING_KEYS", f"{SIGNING},two:{ANOTHER}"),
            signing_keys_from_environment(),
        ),
    ),
    Trial(
        "Give each key its own name: the name in a stub says which key signed it.",
        lambda w: (
            w.setenv("STATEBAG_SIGNING_KEYS", f"{SIGNING},{SIGNING}"),
            signing_keys_from_environment(),
        ),
        lambda w: (
            w.setenv("STATEBAG_SIGNING_KEYS", f"{SIGNING},two:{ANOTHER}"),
            signing_keys_from_environment(),
        ),
    ),
    Trial(
        "{} error.hint",
        lambda w: (
            w.setenv("STATEBAG_ENCRYPTION_KEYS", "c2hvcnQ="),
            encryption_keys_from_environment(),
        ),
        lambda w: (
            w.setenv("STATEBAG_ENCRYPTION_KEYS", ENCRYPTION),
            encryption_keys_from_environment(),
        ),
        "secrets.token_bytes(32)",
    ),
    Trial(
        "Set it to 1, true or yes, or to 0, false or no.",
        lambda w: (w.setenv("STATEBAG_STRICT", "maybe"), policy_from_environment()),
        lambda w: [
            (w.setenv("STATEBAG_STRICT", word), policy_from_environment())
            for word in ("1", "true", "yes", "0", "false", "no")
        ],
    ),
    Trial(
        "Pass UTF-8 JSON text.", lambda _: bag_text.as_bag(b"{"), lambda _: bag_text.as_bag(b"{}")
    ),
    Trial(
        "Give at least one.",
        lambda _: encryption_keys.check_keys([]),
        lambda _: encryption_keys.check_keys([b"k" * 32]),
    ),
    Trial(
        "secrets.token_bytes(32) of Python makes one.",
        lambda _: encryption_keys.check_keys([b"k"]),
        lambda _: encryption_keys.check_keys([secrets.token_bytes(32)]),
    ),
    Trial(
        "secrets.token_urlsafe() of Python makes one.",
        lambda _: signature.check_keys({"one": b"k"}),
        lambda _: signature.check_keys({"one": secrets.token_urlsafe().encode()}),
    ),
    Trial('Give {"name": key}.', lambda _: client(keys=[b"k" * 32]), lambda _: client(keys=ONE)),
    Trial(
        "Give one, or no signing_keys.",
        lambda _: signature.check_keys({}),
        lambda _: (signature.check_keys(ONE), client(keys=None)),
    ),
    Trial(
        "{} hint",
        lambda _: seal({"a": float("nan")}),
        lambda _: seal({"a": None, "b": "NaN"}),
        "Use null or a string.",
    ),
    Trial("Use str(key).", lambda _: seal({1: 2}), lambda _: seal({str(1): 2})),
    Trial(
        "Read less of it at once, or give this process more memory.",
        lambda w: bounded(w, 10_000_000, OBJECTS),
        lambda w: bounded(w, 10**9, OBJECTS),
    ),
    Trial(
        "Open less with only=, give this process more memory, or raise Policy.max_open_bytes"
        " (STATEBAG_MAX_OPEN_BYTES) above an eighth of that.",
        lambda w: (
            w.replace(json_memory, "_default_limit", lambda: 1000),
            light(max_open_bytes=2_000_000),
        ),
        lambda _: light(max_open_bytes=1 << 30),
    ),
    Trial(
        FEWER_FRAMES,
        lambda w: lacks_frames(w, 120),
        lambda w: lacks_frames(w, 900),
    ),
    Trial(
        "Use '<state machine>/<execution name>'.",
        lambda _: client().seal({}, scope=7),
        lambda _: client().seal({}, scope="machine/name"),
    ),
    Trial(
        "Use '<state machine>/<execution name>', without control characters.",
        lambda _: client().seal({}, scope="machine/na\nme"),
        lambda _: client().seal({}, scope="machine/name"),
    ),
    Trial(
        "Use shorter names.",
        lambda _: client().seal({}, scope="/".join(["n" * 99] * 20)),
        lambda _: client().seal({}, scope="/".join(["n" * 9] * 20)),
    ),
    Trial(
        "Use shorter names.",
        lambda _: client().seal({}, scope="m/" + "n" * 256),
        lambda _: client().seal({}, scope="m/" + "n" * 200),
    ),
    Trial(
        "Write {} for one of them.",
        lambda _: client().open({"a": 1}, only="$.a"),
        lambda _: client().open({"a": 1}, only=["$.a"]),
    ),
    Trial(
        "Write $.field[0].name.",
        lambda _: client().get({"a": 1}, 7),
        lambda _: client().get({"field": [{"name": 1}]}, "$.field[0].name"),
    ),
    Trial(
        "Write $.field, $.field[0].name or $['odd name'].",
        lambda _: client().get({"a": 1}, "$.a["),
        lambda _: [
            client().get({"field": [{"name": 1}], "odd name": 1}, path)
            for path in ("$.field", "$.field[0].name", "$['odd name']")
        ],
    ),
    Trial(
        "Seal with STATEBAG_SIGNING_KEYS, and keep a retired key while it is in use.",
        lambda w: signed(w, {"two": b"l" * 32}, ONE),
        lambda w: signed(w, {"two": b"l" * 32}, BOTH),
    ),
    Trial(
        "Seal the bag again with Policy.forms at 3 or more, or unset Policy.require_signatures"
        " until no such bag is left.",
        lambda w: signed(w, ONE, ONE, forms=2, require_signatures=True),
        lambda w: (
            signed(w, ONE, ONE, forms=3, require_signatures=True),
            signed(w, ONE, ONE, forms=2),
        ),
    ),
    Trial(
        "Seal with scope=, or add that scope to Policy.readable_scopes if this reader should see"
        " it.",
        lambda w: signed(w, ONE, ONE, scope="m/other"),
        lambda w: (
            signed(w, ONE, ONE),
            signed(w, ONE, ONE, scope="m/other", readable_scopes=("m/other",)),
        ),
    ),
    Trial(
        "Seal data that has this key: seal escapes it.",
        lambda _: client().open({KEY: 1, "more": 2}),
        lambda _: client().open(seal({KEY: 1, "more": 2})),
    ),
    Trial(
        "Set Policy.forms (STATEBAG_FORMS) to {} or more.",
        lambda _: signing_with(ONE, Policy(require_signatures=True, forms=2)),
        lambda _: signing_with(ONE, Policy(require_signatures=True, forms=3)),
    ),
    Trial(
        "Set STATEBAG_{}, or give {}=.",
        lambda _: client(require_signatures=True),
        lambda w: (
            w.setenv("STATEBAG_SIGNING_KEYS", SIGNING),
            client(require_signatures=True),
            client(keys=ONE, require_signatures=True),
        ),
    ),
    Trial(
        "Unset STATEBAG_PLAIN.",
        lambda w: (w.setenv("STATEBAG_PLAIN", "1"), client(keys=ONE, require_signatures=True)),
        lambda w: (w.unset("STATEBAG_PLAIN"), client(keys=ONE, require_signatures=True)),
    ),
    Trial(
        "Pass embedded=False to keep the string, or JSON that holds the bag (json.dumps(bag)"
        " instead of str(bag), and not in base64).",
        lambda _: client().open({"body": '{"__statebag__": {"v": 1'}, embedded=True),
        lambda _: (
            client().open({"body": '{"__statebag__": {"v": 1'}, embedded=False),
            embedded(embedded=True),
        ),
    ),
    Trial(
        "Pass [entry].",
        lambda _: client().append(seal({"log": []}), "log", {"a": 1}),
        lambda _: client().append(seal({"log": []}), "log", [{"a": 1}]),
    ),
    Trial(
        "Add its path to only=, or open this value: Statebag().open(value).",
        lambda _: len(partly()["text"]),
        lambda _: (len(partly("text")["text"]), len(client().open(partly()["text"]))),
    ),
    Trial(
        "Read the slice, and take the fields from its items.",
        lambda _: client().get({"a": [{"b": 1}]}, "$.a[:1].b"),
        lambda _: [one["b"] for one in client().get({"a": [{"b": 1}]}, "$.a[:1]")],
    ),
    Trial(
        "Pass embedded=False to keep the name, or pass the bag as a value.",
        lambda _: named(embedded=True),
        lambda _: (named(embedded=False), embedded(embedded=True)),
    ),
    Trial(
        "Make a separate key for each name, or leave one name out.",
        lambda _: client(keys={**ONE, "two": ONE["one"]}),
        lambda _: (client(keys=BOTH), client(keys=ONE)),
    ),
    Trial(
        "Open the value before you seal it, so that it is written below this scope; or add its "
        "scope to Policy.readable_scopes.",
        lambda _: sealed_elsewhere(),
        lambda _: (sealed_elsewhere(opened=True), sealed_elsewhere(readable=("m/other",))),
    ),
    Trial(
        "Pass embedded=True to open it, or embedded=False to keep the string.",
        lambda _: embedded(),
        lambda _: (embedded(embedded=True), embedded(embedded=False)),
    ),
    Trial(
        "Open less with only=, or raise Policy.max_open_{} (STATEBAG_MAX_OPEN_{}).",
        lambda _: client(max_open_bytes=1000).open(seal({"a": "x" * 40_000, "n": 1})),
        lambda _: (
            client(max_open_bytes=1000).open(seal({"a": "x" * 40_000, "n": 1}), only=["$.n"]),
            client(max_open_bytes=100_000).open(seal({"a": "x" * 40_000})),
        ),
    ),
    Trial(
        "Open less with only=, or raise Policy.max_open_requests.",
        lambda _: many_packs(max_open_requests=1),
        lambda _: (many_packs(max_open_requests=9), many_packs(max_open_requests=1, only=["$.a"])),
    ),
    Trial(
        "Import statebag before its rooms, or open with legacy=False.",
        lambda w: no_reader(w, legacy=True),
        lambda w: no_reader(w, legacy=False),
    ),
    Trial(
        "{} is {}.",
        lambda _: client().get({"a": 1}, "$.b"),
        lambda _: client().get({"a": 1}, "$.a"),
        "$ is an object with a.",
    ),
    Trial(
        "Add that scope to Policy.readable_scopes if this reader should see it.",
        elsewhere,
        lambda w: elsewhere(w, readable=("m/other",)),
    ),
    Trial(
        "Name the fields that the engine reads.",
        lambda _: Policy(control=("$",)),
        lambda _: Policy(control=("$.status",)),
    ),
    Trial(
        "Open the state, append in Python and seal it.",
        lambda _: appended(only=["$.x"]),
        lambda _: appended(),
    ),
    Trial(
        "Make these fields smaller, take them out of Policy.control, or raise the bound.",
        lambda _: client(control=("c",)).seal({"c": "x" * 5000}, budget=2000),
        lambda _: (
            client(control=("c",)).seal({"c": "x" * 50}, budget=2000),
            client().seal({"c": "x" * 5000}, scope="m/e", budget=2000),
            client(control=("c",)).seal({"c": "x" * 5000}, budget=9000),
        ),
    ),
    Trial(
        "Leave it out for the policy's bound.", lambda _: seal({}, budget="1"), lambda _: seal({})
    ),
    Trial(
        "Pass the fields of an action in it.",
        lambda _: lambda_handler([]),
        lambda w: (
            w.setenv("STATEBAG_STORE", "memory://hints"),
            lambda_handler({"state_data": {"n": 1}}),
        ),
    ),
    Trial(
        "Write only=[{}].",
        lambda _: stepped({"execution_id": "m/e"}, only="$.a"),
        lambda _: stepped({"execution_id": "m/e"}, only=["$.a"]),
    ),
    Trial(
        "Pass $$.Execution.Id there, or name another path with step(scope=...).",
        lambda _: stepped({"n": 1}),
        lambda _: (
            stepped({"n": 1, "execution_id": "m/e"}),
            stepped({"n": 1, "id": "m/e"}, scope="$.id"),
        ),
    ),
    Trial(
        "Return a dict of the keys that change, or decorate with returns='state'.",
        lambda _: stepped({"execution_id": "m/e"}, [1], returns="delta"),
        lambda _: (
            stepped({"execution_id": "m/e"}, {"n": DELETE}, returns="delta"),
            stepped({"execution_id": "m/e"}, {"execution_id": "m/e"}, returns="state"),
        ),
    ),
    Trial(
        "Read its file in mode 'rb'.",
        lambda _: client().unpack("text", scope="m/e"),
        lambda _: exported(),
    ),
    Trial(
        "Raise Policy.max_open_bytes (STATEBAG_MAX_OPEN_BYTES).",
        lambda _: exported(max_open_bytes=1000),
        lambda _: exported(max_open_bytes=10**6),
    ),
    Trial(
        "Pass scope='<machine>/<name>'.",
        lambda _: client().unpack(client().export(seal({"n": 1})), scope=""),
        lambda _: client().unpack(client().export(seal({"n": 1})), scope="machine/name"),
    ),
    Trial(
        "Set STATEBAG_ENCRYPTION_KEYS.",
        lambda w: encrypt_plain(Statebag(str(w.folder)).store),
        lambda w: (
            w.setenv("STATEBAG_ENCRYPTION_KEYS", ENCRYPTION),
            encrypt_plain(Statebag(str(w.folder)).store),
        ),
    ),
    Trial(
        "The hour allows for clocks and listings that lag behind.",
        lambda _: Rules(grace=dt.timedelta(minutes=59)),
        lambda _: Rules(grace=dt.timedelta(hours=1)),
    ),
    Trial(
        "Run `statebag doctor`: a collector needs read after write.",
        lambda _: collect(Blind(), Rules(), dry_run=False),
        lambda _: gathered(),
    ),
    Trial(
        "Name a store that has a copy in STATEBAG_REPLICAS, or restore the object.",
        repaired,
        lambda w: (repaired(w, replica=True), repaired(w, restore=True)),
    ),
    Trial(
        "Open the state whole, or rename the key.",
        lambda _: control_lookalike(opened=False),
        lambda _: control_lookalike(opened=True),
    ),
    Trial(
        "Move the whole object, not only its stub.",
        lambda _: client().open({KEY: rest_of()[KEY]}),
        lambda _: moved_whole(),
    ),
)


@pytest.mark.parametrize("trial", TRIALS, ids=lambda trial: trial.hint[:60])
def test_a_hint_is_given_and_helps(trial, tmp_path, monkeypatch):
    for name in ("SIGNING_KEYS", "ENCRYPTION_KEYS", "PLAIN", "REPLICAS"):
        monkeypatch.delenv(f"STATEBAG_{name}", raising=False)
    if trial.hint == FEWER_FRAMES and sys.version_info >= (3, 12):
        pytest.skip("since Python 3.12, a decoder in C does not count the frames of its callers")
    check_trial(trial, tmp_path, monkeypatch)


@pytest.mark.parametrize(
    ("value", "hint", "instead"),
    [
        (dt.datetime(2026, 1, 1, tzinfo=dt.UTC), "isoformat", lambda v: v.isoformat()),
        (dt.date(2026, 1, 1), "isoformat", lambda v: v.isoformat()),
        (decimal.Decimal("1.10"), "str(value), or float(value)", lambda v: [str(v), float(v)]),
        (b"\xff", "base64.b64encode(value).decode()", lambda v: base64.b64encode(v).decode()),
        ((1, 2), "list(value)", list),
        ({2, 1}, "sorted(value)", sorted),
        (uuid.UUID(int=1), "str(value)", str),
        pytest.param(10**5000, "as a string", lambda _: "1" + "0" * 5000, id="long"),
        ("\ud800", "errors='replace'", lambda v: v.encode("utf-8", "replace").decode()),
        (float("inf"), "null or a string", lambda _: None),
        (object(), "dict, list, str", lambda _: {}),
    ],
)
def test_a_value_that_json_cannot_hold_has_a_way_out(value, hint, instead):
    with pytest.raises(StatebagError) as caught:
        seal({"a": value})
    assert hint in caught.value.hint
    sb = client()
    assert sb.open(sb.seal({"a": instead(value)}, scope="m/e")) == {"a": instead(value)}


def test_a_value_that_is_too_deep_can_be_flattened():
    with pytest.raises(StatebagError) as caught:
        seal({"a": deep(600)})
    assert caught.value.hint == "Store the inner part as a string, or flatten it."
    seal({"a": json.dumps(deep(400))})
