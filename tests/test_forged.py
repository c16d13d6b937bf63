"""Bags that nobody sealed: refused before any request, with our own errors, telling nothing."""

import copy
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from statebag import (
    BlobCorrupt,
    BlobMissing,
    InvalidState,
    InvalidStub,
    LimitExceeded,
    NotPermitted,
    Policy,
    Statebag,
    StatebagError,
    StoreUnavailable,
    UnsupportedFormat,
)
from statebag.format.codec import compress, sha256_hex
from statebag.format.json_check import check_json
from statebag.format.json_text import encode
from statebag.format.stub import KEY, Pieces, Rest, Stored
from statebag.store.memory import MemoryStore
from statebag.testing.process import forget
from statebag.testing.recording_store import RecordingStore
from tests.bags import noise, stubs

CANARY = "canary7f3a"
SCOPE = "machine/run"
PACK = f"{SCOPE}/{'0' * 32}.pack"
STORED = {"v": 1, "sha256": "0" * 64, "size": 3, "at": PACK, "span": [8, 12]}


def every_form():
    """A store, and a bag in which each form of stub stands."""
    forget()
    store = MemoryStore()
    policy = Policy(
        carry_bytes=6000, field_limit=2000, piece_bytes=1024, max_bag_bytes=12_000, attempts=1
    )
    state = {
        "status": "RUNNING",
        "stored": CANARY + noise(7000),
        "carried": CANARY + "x" * 4000,
        "patched": noise(20_000, 5) + "middle" + noise(20_000, 6),
        "log": [{"n": n, "text": CANARY + noise(500, n)} for n in range(60)],
        "escaped": {KEY: {"v": 1}, "c": CANARY},
        "current_state": {
            "phase": "one",
            "big": CANARY + noise(5000, 9),
            **{f"key {i}": CANARY for i in range(300)},
        },
    }
    sb = Statebag(store, policy=policy)
    state = sb.open(sb.seal(state, scope=SCOPE))
    state["patched"] = state["patched"].replace("middle", "changed")
    bag = sb.seal(state, scope=SCOPE)
    kinds = {type(stub).__name__ for stub in stubs(bag)}
    assert kinds == {"Stored", "Carried", "Pieces", "Escaped", "Rest", "Patched"}
    return store, policy, bag


STORE, POLICY, BAG = every_form()


def ways(value, way=()):
    """All places of a JSON value."""
    yield way
    if isinstance(value, dict | list):
        members = value.items() if isinstance(value, dict) else enumerate(value)
        for key, member in members:
            yield from ways(member, (*way, key))


PLACES = [way for way in ways(BAG) if way]
IN_STUBS = [way for way in PLACES if KEY in way]
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.sampled_from([2**31, 2**53, 2**53 + 1, 2**64, 10**30, 1.0, 0.5, 1e300, -0.0, 8.0]),
    st.sampled_from(["", "array", "object", "0" * 64, PACK, "../x", "KLUv/QQA", KEY, "\x00"]),
    st.text(max_size=5),
)
ANYTHING = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(
            st.sampled_from(
                [KEY, "v", "rest", "beside", "pieces", "packs", "tail", "kind", "data"]
            ),
            inner,
            max_size=4,
        ),
    ),
    max_leaves=8,
)
# Often the value of another place: numbers, names and digests that are right elsewhere.
REPLACEMENTS = st.one_of(ANYTHING, st.sampled_from(PLACES))


def at(value, way):
    for part in way:
        value = value[part]
    return value


def mutated(bag, way, replacement, kind):
    parent = at(bag, way[:-1])
    if kind == "delete":
        del parent[way[-1]]
    elif kind == "add" and isinstance(parent, dict):
        parent[KEY if KEY not in parent else "more"] = replacement
    elif kind == "add":
        parent.insert(way[-1], replacement)
    else:
        parent[way[-1]] = replacement


@settings(max_examples=800, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(
        st.tuples(
            st.one_of(st.sampled_from(IN_STUBS), st.sampled_from(PLACES)),
            REPLACEMENTS,
            st.sampled_from(["replace", "replace", "delete", "add"]),
        ),
        min_size=1,
        max_size=3,
    ),
    st.booleans(),
    st.sampled_from(["open", "open in part", "get", "append", "seal"]),
)
def test_a_changed_bag_gives_a_json_value_or_an_error_of_ours_that_tells_nothing(
    changes, cold, operation
):
    bag = copy.deepcopy(BAG)
    for way, replacement, kind in changes:
        if isinstance(replacement, tuple):
            replacement = copy.deepcopy(at(BAG, replacement))  # noqa: PLW2901
        try:
            mutated(bag, way, replacement, kind)
        except (KeyError, IndexError, TypeError, AttributeError):
            continue  # an earlier change took the place away
    if cold:
        forget()
    error = outcome(Statebag(STORE, policy=POLICY), bag, operation)
    if error is not None:
        assert CANARY not in str(error)
        assert CANARY not in repr(error.__cause__)
        assert not isinstance(error, StoreUnavailable)


def outcome(sb, bag, operation):
    """The error that an operation ends in; whatever it gives instead is a JSON value."""
    try:
        if operation == "open":
            check_json(sb.open(bag, scope=SCOPE))
        elif operation == "open in part":
            part = sb.open(bag, only=["$.stored", "$.current_state['key 1']"], scope=SCOPE)
            sb.open(sb.seal(part, scope=SCOPE))
        elif operation == "get":
            check_json(sb.get(bag, "$.log[3].text", scope=SCOPE))
        elif operation == "append":
            sb.append(bag, "log", [1], scope=SCOPE)
        else:
            sb.seal({"x": 1}, parent=bag)
    except StatebagError as error:
        return error
    return None


def recorded():
    recording = RecordingStore(MemoryStore())
    return recording, Statebag(recording, policy=Policy(attempts=1))


@pytest.mark.parametrize(
    "at",
    [
        f"other/run/{'0' * 32}.pack",
        f"machine/run2/{'0' * 32}.pack",
        f"machine/run/child/{'0' * 32}.pack",
        f"machin/{'0' * 32}.pack",
    ],
)
def test_another_scope_is_refused_without_a_request(at):
    recording, sb = recorded()
    with pytest.raises(NotPermitted) as caught:
        sb.open({"a": [{KEY: {**STORED, "at": at}}]}, scope=SCOPE)
    assert caught.value.object_name == at
    assert caught.value.path == "$.a[0]"
    assert recording.calls == []


@pytest.mark.parametrize(
    "at",
    [
        f"../run/{'0' * 32}.pack",
        f"machine/../{'0' * 32}.pack",
        f"machine/%2e%2e/{'0' * 32}.pack",
        f"machine/%2E%2E/{'0' * 32}.pack",
        f"machine//{'0' * 32}.pack",
        f"machine/./{'0' * 32}.pack",
        f"/machine/run/{'0' * 32}.pack",
        f"s3://bucket/machine/{'0' * 32}.pack",
        f"machine/a%00b/{'0' * 32}.pack",
        f"machine/a\x00b/{'0' * 32}.pack",
        f"machine/r%75n/{'0' * 32}.pack",
        f"machine/run%2f/{'0' * 32}.pack",
        f"machine\\run/{'0' * 32}.pack",
        f"machine/é/{'0' * 32}.pack",
        f"machine/run/{'0' * 32}.pack\n",
        f"machine/run/{'0' * 32}.pack/..",
        f"machine/run/{'0' * 31}.pack",
        f"machine/run/{'A' * 32}.pack",
        f"{'0' * 32}.pack",
        f"{'x' * 256}/{'0' * 32}.pack",
        "machine/run/notes.txt",
        "",
        None,
        7,
        ["machine/run"],
    ],
)
@pytest.mark.parametrize("scope", [None, SCOPE])
def test_a_name_that_no_seal_writes_is_refused_without_a_request(at, scope):
    recording, sb = recorded()
    with pytest.raises(InvalidStub):
        sb.open({KEY: {**STORED, "at": at}}, scope=scope)
    with pytest.raises(InvalidStub):
        sb.open(
            {
                KEY: {
                    "v": 1,
                    "kind": "array",
                    "count": 1,
                    "size": 3,
                    "packs": [at],
                    "pieces": [[1, 3, "0" * 64, 0, 8, 9]],
                }
            },
            scope=scope,
        )
    assert recording.calls == []


def test_readable_scopes_are_read_and_no_others():
    forget()
    store = MemoryStore()
    writer = Statebag(store, policy=Policy(carry_bytes=0))
    scopes = ("shared", "shared/deep", "library", "library/deep", "machine", SCOPE)
    states = {scope: {"a": noise(40_000, seed)} for seed, scope in enumerate(scopes)}
    bags = {scope: writer.seal(state, scope=scope) for scope, state in states.items()}
    forget()
    reader = Statebag(store, policy=Policy(readable_scopes=("shared", "library/**")))
    for scope, bag in bags.items():
        if scope == "shared/deep":
            with pytest.raises(NotPermitted):
                reader.open(bag, scope=SCOPE)
        else:
            assert reader.open(bag, scope=SCOPE) == states[scope]


def test_a_scope_is_checked_also_for_what_the_process_has_in_memory():
    forget()
    sb = Statebag(MemoryStore(), policy=Policy(carry_bytes=0))
    bag = sb.seal({"a": noise(40_000)}, scope="other/run")
    sb.open(bag)
    with pytest.raises(NotPermitted):
        sb.open(bag, scope=SCOPE)
    # Nor does a seal in another scope refer to it.
    again = sb.seal({"a": noise(40_000)}, scope=SCOPE)
    assert sb.open(again, scope=SCOPE) == {"a": noise(40_000)}


@pytest.mark.parametrize("size", [-1, 1])
def test_a_size_is_compared_also_with_what_the_process_has_in_memory(size):
    store = MemoryStore()
    forget()
    sb = Statebag(store, policy=Policy(carry_bytes=0), replicas=())
    bag = sb.seal({"a": noise(40_000)}, scope=SCOPE)
    sb.open(bag)
    body = bag["a"][KEY]
    forged = {"a": {KEY: {**body, "size": body["size"] + size}}}
    for _ in range(2):  # with the text in memory, and without
        with pytest.raises(BlobCorrupt):
            sb.open(forged)
        forget()
        sb = Statebag(store, policy=Policy(carry_bytes=0), replicas=())


@pytest.mark.parametrize("version", [0, 2, 1.5, "1", None, True, [1], -1, 10**30])
def test_a_version_that_is_not_known(version):
    recording, sb = recorded()
    with pytest.raises(UnsupportedFormat) as caught:
        sb.open({"deep": [{KEY: {**STORED, "v": version}}]})
    assert caught.value.path == "$.deep[0]"
    assert recording.calls == []


@pytest.mark.parametrize(
    "stub",
    [
        {KEY: STORED, "beside": 1},
        {KEY: {"v": 1, "escaped": {}}, "beside": 1},
        {KEY: {**STORED, "rest": False}, "beside": 1},
        {KEY: {**STORED, "rest": 1}, "beside": 1},
        {KEY: {**STORED, "rest": True}},
        {KEY: {**STORED, "rest": True, "beside": ["gone"]}},
        {KEY: {**STORED, "rest": True, "beside": [1]}},
        {KEY: {**STORED, "rest": True, "beside": "status"}, "status": 1},
        {KEY: {"v": 1}},
        {KEY: None},
        {KEY: []},
        {KEY: "x"},
        {KEY: {}},
        {KEY: {"v": 1, "escaped": []}},
        {KEY: {**STORED, "span": [8]}},
        {KEY: {**STORED, "span": [8, 9, 1]}},
        {KEY: {**STORED, "span": [-1, 9]}},
        {KEY: {**STORED, "span": [True, 9]}},
        {KEY: {**STORED, "span": [2**53 + 1, 9]}},
        {KEY: {**STORED, "size": -1}},
        {KEY: {**STORED, "size": 2.5}},
        {KEY: {**STORED, "size": "3"}},
        {KEY: {**STORED, "sha256": "0" * 63}},
        {KEY: {**STORED, "sha256": "g" * 64}},
        {KEY: {**STORED, "sha256": "0" * 64 + "\n"}},
        {KEY: {**STORED, "sha256": 0}},
        {KEY: {**STORED, "kind": "string"}},
        {KEY: {**STORED, "kind": "array"}},
        {KEY: {**STORED, "kind": "array", "count": -1}},
        {KEY: {"v": 1, "sha256": "0" * 64, "size": 3, "data": "not base64"}},
        {KEY: {"v": 1, "sha256": "0" * 64, "size": 3, "data": "AAAA="}},
        {KEY: {"v": 1, "sha256": "0" * 64, "size": 3, "data": "é"}},
        {KEY: {"v": 1, "sha256": "0" * 64, "size": 3, "data": None}},
        {KEY: {"v": 1, "kind": "array", "count": 0, "size": 2, "packs": [], "pieces": []}},
        {KEY: {"v": 1, "kind": "array", "count": 1, "size": 3, "packs": [PACK], "pieces": [[]]}},
        {KEY: {"v": 1, "kind": "array", "count": 1, "size": 3, "packs": [PACK], "pieces": [1]}},
        {KEY: {"v": 1, "kind": "array", "count": 1, "size": 3, "packs": {}, "pieces": []}},
    ],
)
def test_what_no_seal_writes_is_no_stub(stub):
    recording, sb = recorded()
    with pytest.raises(InvalidStub) as caught:
        sb.open({"a": stub})
    assert caught.value.path == "$.a"
    assert recording.calls == []


ROW = [1, 3, "0" * 64, 0, 8, 9]


@pytest.mark.parametrize(
    "change",
    [
        {"count": 2},
        {"size": 4},
        {"kind": "value"},
        {"pieces": [[*ROW[:3], 1, 8, 9]]},
        {"pieces": [[0, *ROW[1:]]]},
        {"pieces": [[*ROW, 0, 9]]},
        {"pieces": [[*ROW, 13, 9]]},
        {"pieces": [[*ROW, 1]]},
        {"pieces": [ROW] * 4097, "count": 4097},
        {"packs": []},
        {"packs": [""]},
        {"tail": {"sha256": "0" * 64, "size": 3}},
        {"tail": []},
    ],
)
def test_rows_of_pieces_that_do_not_add_up(change):
    recording, sb = recorded()
    body = {"v": 1, "kind": "array", "count": 1, "size": 3, "packs": [PACK], "pieces": [ROW]}
    with pytest.raises(InvalidStub):
        sb.open({KEY: {**body, **change}})
    assert recording.calls == []


def test_numbers_that_an_engine_made_into_floats_are_the_same_numbers():
    forget()
    store = MemoryStore()
    bag = Statebag(store, policy=Policy(carry_bytes=0)).seal({"a": noise(40_000)}, scope=SCOPE)
    body = bag["a"][KEY]
    body["v"], body["size"] = 1.0, float(body["size"])
    body["span"] = [float(number) for number in body["span"]]
    forget()
    assert Statebag(store, policy=Policy()).open(bag) == {"a": noise(40_000)}


def stored_bag():
    forget()
    store = MemoryStore()
    bag = Statebag(store, policy=Policy(carry_bytes=0)).seal({"a": noise(40_000)}, scope=SCOPE)
    forget()
    return store, bag, bag["a"][KEY]


@pytest.mark.parametrize(
    "change",
    [
        lambda body: body.update(size=body["size"] + 1),
        lambda body: body.update(size=body["size"] - 1),
        lambda body: body.update(sha256="0" * 64),
        lambda body: body["span"].__setitem__(0, body["span"][0] + 1),
        lambda body: body["span"].__setitem__(0, 0),
        lambda body: body["span"].__setitem__(1, body["span"][1] - 1),
        lambda body: body["span"].__setitem__(1, body["span"][1] + 1),
        lambda body: body["span"].__setitem__(1, 0),
        lambda body: body.update(span=[2**52, 10]),
    ],
)
def test_a_stub_that_disagrees_with_the_store_gives_no_byte(change):
    store, bag, body = stored_bag()
    change(body)
    with pytest.raises(BlobCorrupt) as caught:
        Statebag(store, policy=Policy(attempts=1)).open(bag)
    assert caught.value.object_name == body["at"]
    assert not caught.value.retryable


@pytest.mark.parametrize("change", [{"size": 0}, {"span": [8, 2**30]}, {"size": 3}])
def test_a_span_that_no_frame_of_its_size_has_is_refused_without_a_request(change):
    store, bag, body = stored_bag()
    body.update(change)
    recording = RecordingStore(store)
    with pytest.raises(InvalidStub):
        Statebag(recording, policy=Policy(attempts=1)).open(bag)
    assert recording.calls == []


def test_every_byte_of_a_frame_is_checked():
    store, bag, body = stored_bag()
    whole = store.get(body["at"])
    offset, length = body["span"]
    for position in range(offset, offset + length, length // 50):
        damaged = bytearray(whole)
        damaged[position] ^= 1
        store.put(body["at"], bytes(damaged))
        forget()
        with pytest.raises(BlobCorrupt):
            Statebag(store, policy=Policy(attempts=1)).open(bag)
    store.put(body["at"], whole)
    assert Statebag(store, policy=Policy()).open(bag) == {"a": noise(40_000)}


def test_a_missing_pack_is_missing():
    store, bag, body = stored_bag()
    store.delete(body["at"])
    with pytest.raises(BlobMissing) as caught:
        Statebag(store, policy=Policy(attempts=1)).open(bag)
    assert caught.value.object_name == body["at"]


def test_a_frame_that_promises_another_size_is_refused():
    sb = Statebag(MemoryStore(), policy=Policy())
    import base64

    text = b'"' + b"x" * 100_000 + b'"'
    bomb = base64.b64encode(compress(text)).decode()
    for size in (3, len(text) - 1, len(text) + 1):
        with pytest.raises(BlobCorrupt):
            sb.open({KEY: {"v": 1, "sha256": sha256_hex(text), "size": size, "data": bomb}})


def test_limits_count_what_is_given_not_what_is_read():
    forget()
    store = RecordingStore(MemoryStore())
    bag = Statebag(store, policy=Policy(carry_bytes=0)).seal({"a": noise(40_000)}, scope=SCOPE)
    forget()
    store.forget()
    sb = Statebag(store, policy=Policy(max_open_bytes=1_000_000))
    assert sb.open(bag)
    store.forget()
    with pytest.raises(LimitExceeded):
        sb.open([bag["a"]] * 30)
    # One piece listed again and again: one blob, many bytes.
    stub = bag["a"][KEY]
    row = [1, stub["size"], stub["sha256"], 0, *stub["span"]]
    size = 2 + (stub["size"] - 2) * 30 + 29
    pieces = {"kind": "array", "count": 30, "size": size, "packs": [stub["at"]]}
    with pytest.raises(LimitExceeded):
        sb.open({KEY: {"v": 1, **pieces, "pieces": [row] * 30}})
    assert store.calls == []


@pytest.mark.parametrize(
    "limits",
    [{"max_open_bytes": 39_999}, {"max_open_blobs": 1}, {"max_open_requests": 1}],
)
def test_limits_are_kept_before_the_first_request(limits):
    forget()
    inner = MemoryStore()
    writer = Statebag(inner, policy=Policy(carry_bytes=0))
    first = writer.seal({"a": noise(40_000)}, scope=SCOPE)
    second = writer.seal({"b": noise(40_000, 1)}, scope=SCOPE)
    forget()
    store = RecordingStore(inner)
    with pytest.raises(LimitExceeded) as caught:
        Statebag(store, policy=Policy(**limits)).open([first, second])
    assert next(iter(limits)) in caught.value.hint
    assert store.calls == []


def test_an_index_that_lists_one_node_many_times_is_stopped():
    from statebag.format.index import encode_node, node_entry
    from statebag.format.pack import PackBuilder
    from statebag.format.stub import Entry

    builder = PackBuilder()
    text = b"[1]"
    blob = builder.add(sha256_hex(text), 3, compress(text))
    entries = tuple([Entry(blob, 1, 3)] * 4000)
    for _ in range(3):
        node = encode_node(entries)
        stored = builder.add(sha256_hex(node), len(node), compress(node), "index")
        entries = tuple([node_entry(entries, stored)] * 4000)
    name, data = builder.build(SCOPE)
    store = MemoryStore()
    store.put(name, data)
    placed = tuple(
        Entry(one.blob.placed(name), one.count, one.size, one.level) for one in entries[:1]
    )
    stub = Pieces("array", placed[0].count, placed[0].size, placed)
    forget()
    with pytest.raises(LimitExceeded):
        Statebag(store, policy=Policy()).open({KEY: stub.to_wire()})
    with pytest.raises(LimitExceeded):
        Statebag(store, policy=Policy(max_open_bytes=2**53)).open({KEY: stub.to_wire()})


def test_a_value_is_never_taken_for_an_index():
    forget()
    store = MemoryStore()
    sb = Statebag(store, policy=Policy(carry_bytes=0, field_limit=256))
    body = {"packs": [PACK], "pieces": [[1, 3, "0" * 64, 0, 8, 9]]}
    for value in (body, "statebag index 1\n" + json.dumps(body), [body]):
        stub = sb.seal({"a": [value, noise(300)]}, scope=SCOPE)["a"][KEY]
        row = [1, 3, stub["sha256"], 0, *stub["span"], 1, stub["size"]]
        forged = {"v": 1, "kind": "array", "count": 1, "size": 3}
        with pytest.raises(InvalidStub):
            sb.open({KEY: {**forged, "packs": [stub["at"]], "pieces": [row]}})


def test_a_stub_says_what_its_value_is_or_is_refused():
    store, bag, body = stored_bag()
    sb = Statebag(store, policy=Policy())
    for lie in ({"kind": "array", "count": 1}, {"kind": "object", "count": 0}):
        with pytest.raises(InvalidStub):
            sb.open({KEY: {**body, **lie}})
    assert [type(stub) for stub in stubs(bag)] == [Stored]


def test_what_stood_beside_a_rest_must_still_stand_there():
    bag = copy.deepcopy(BAG)
    (rest,) = (stub for stub in stubs(bag) if isinstance(stub, Rest) and stub.beside)
    place = bag if rest.siblings.keys() >= {"status"} else bag["current_state"]
    del place[rest.beside[0]]
    recording = RecordingStore(STORE)
    with pytest.raises(InvalidStub):
        Statebag(recording, policy=POLICY).open(bag)
    assert recording.calls == []


@pytest.mark.parametrize("value", [(1,), {1}, b"x", object(), 1j])
def test_a_bag_in_python_that_is_no_json(value):
    sb = Statebag(MemoryStore(), policy=Policy())
    with pytest.raises(InvalidState) as caught:
        sb.open({"a": [0, {"b": value}]})
    assert caught.value.path == "$.a[1].b"
    with pytest.raises(InvalidState):
        sb.open({"a": {None: value}})
    with pytest.raises(InvalidState):
        sb.open({"a": {1: 2}})


def test_errors_keep_no_part_of_a_damaged_text():
    forget()
    text = encode([CANARY])[:-1]
    import base64

    data = base64.b64encode(compress(text)).decode()
    bag = {"a": {KEY: {"v": 1, "sha256": sha256_hex(text), "size": len(text), "data": data}}}
    with pytest.raises(BlobCorrupt) as caught:
        Statebag(MemoryStore(), policy=Policy()).open(bag)
    assert CANARY not in str(caught.value)
    assert caught.value.path == "$.a"


def nested_patches(levels):
    body = {"sha256": "0" * 64, "size": 1, "data": ""}
    for _ in range(levels):
        body = {"patch": "", "sha256": "0" * 64, "size": 1, "base": body}
    return {KEY: {"v": 1, **body}}


def nested_rests(levels):
    body = {"v": 1, "sha256": "0" * 64, "size": 1, "data": "", "rest": True, "beside": ["x"]}
    wire = {KEY: body, "x": 1}
    for _ in range(levels):
        wire = {KEY: body, "x": wire}
    return wire


def nested_lists(levels):
    value = 1
    for _ in range(levels):
        value = [value]
    return value


def escaped(value):
    return {KEY: {"v": 1, "escaped": {KEY: value}}}


DEEP = {
    "patches": nested_patches,
    "rests": nested_rests,
    "escaped": lambda levels: escaped(nested_lists(levels)),
    "plain": nested_lists,
}


@pytest.mark.parametrize("levels", [501, 3000, 100_000])
@pytest.mark.parametrize("form", DEEP)
def test_no_form_nests_without_end(form, levels):
    """None ends in Python's own RecursionError, and none takes the process with it."""
    recording, sb = recorded()
    bag = {"a": DEEP[form](levels)}
    for call in (
        lambda: sb.open(bag),
        lambda: sb.export(bag),
        lambda: sb.differences(bag, {"a": 1}),
        lambda: sb.seal(bag, scope=SCOPE),
    ):
        try:
            call()
        except StatebagError as error:
            assert len(str(error)) < 5000  # noqa: PT017  # a seal may take it as data
    with pytest.raises(StatebagError):
        sb.open(bag)
    assert recording.calls == []


@pytest.mark.parametrize(
    "bad",
    ["\ud800", float("nan"), 10**5000, nested_lists(3000)],
    ids=["surrogate", "nan", "digits", "deep"],
)
def test_plain_members_that_json_cannot_hold_are_typed_errors_where_they_are_read(bad):
    _, sb = recorded()
    for bag in ({"a": bad}, {"a": [{"b": bad}]}, {"a": escaped(bad)}):
        for call in (
            lambda bag=bag: sb.differences(bag, {"a": {}}),
            lambda bag=bag: sb.export(bag),
            lambda bag=bag: sb.append(bag, "list", [bag], scope=SCOPE),
        ):
            with pytest.raises(StatebagError):
                call()


@pytest.mark.parametrize("state", [{"\ud800": 1}, {"a": {"b\udfff": 1}}, {"a": "\ud800"}])
def test_text_that_is_no_text_is_refused_with_its_place_and_without_a_request(state):
    recording, sb = recorded()
    with pytest.raises(InvalidState) as caught:
        sb.seal(state, scope=SCOPE)
    assert caught.value.path.startswith("$")
    assert recording.calls == []
