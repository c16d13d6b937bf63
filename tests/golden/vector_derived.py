"""Test vectors: members that a stub marks as derived, and what a reader makes of each."""

from statebag.format.json_text import encode
from statebag.format.signature import Signatures
from statebag.format.stub import KEY, Rest
from tests.golden.vector_files import wired
from tests.golden.vector_stubs import OBJECT, RUN, carried, stored

FULL, SUMMARY = "scheduling_metadata", "scheduling_summary"
METADATA = {"total_batches": 40, "priority": "high", "batches": [1, 2]}
GIVEN = {"total_batches": 40, "priority": "high"}
MARK = [SUMMARY]


def add_derived(vectors, plain):
    """Those with the exact value, with others, and the marks that count for nothing."""
    _in_place_of_older_ones(vectors)
    store = plain.store
    full = wired(carried(METADATA), derived=MARK)

    def opens(name, member, state_member, **settings):
        bag = {FULL: full, SUMMARY: member, "a": 1}
        state = {FULL: METADATA, SUMMARY: state_member, "a": 1}
        if state_member is None:
            del state[SUMMARY]
        vectors.opens(f"derived-{name}", bag, state, **settings)

    opens("equal", GIVEN, None)
    opens("equal-as-float", {**GIVEN, "total_batches": 40.0}, None)
    for name, member in {
        "other-number": {**GIVEN, "total_batches": 41},
        "true-for-one": {**GIVEN, "total_batches": True},
        "less": {"priority": "high"},
        "more": {**GIVEN, "x": 1},
        "text": "high",
        "stub": wired(carried([1])),
    }.items():
        opens(name, member, [1] if name == "stub" else member)

    long = {"total_batches": 10**64, "priority": "x" * 65}
    bag = {FULL: wired(carried(long), derived=MARK)}
    none = {"total_batches": None, "priority": None}
    vectors.opens("derived-too-long", {**bag, SUMMARY: none}, {FULL: long})
    least = {"total_batches": 1 - 10**63, "priority": "x" * 64}
    bag = {FULL: wired(carried(least), derived=MARK)}
    vectors.opens("derived-longest", {**bag, SUMMARY: least}, {FULL: least})
    bag = {FULL: wired(stored(plain.object, OBJECT), derived=MARK), SUMMARY: none}
    vectors.opens("derived-of-stored", bag, {FULL: OBJECT}, store)
    bag = {FULL: wired(carried([1]), derived=MARK), SUMMARY: none}
    vectors.opens("derived-of-array", bag, {FULL: [1], SUMMARY: none})
    for label, details in (("list", [1, 2, 3]), ("object", {"a": 1, "b": 2, "c": 3})):
        counted = {"batch_details": details}
        bag = {FULL: wired(carried(counted), derived=MARK)}
        for name, member, kept in (
            ("counted", {"total_batches": 3, "priority": 1}, False),
            ("nulls", none, False),
            ("half", {"total_batches": 3, "priority": None}, True),
        ):
            state = {FULL: counted, SUMMARY: member} if kept else {FULL: counted}
            vectors.opens(f"derived-{name}-{label}", {**bag, SUMMARY: member}, state)
    bag = {"elsewhere": full, FULL: METADATA, SUMMARY: GIVEN}
    vectors.opens("derived-moved", bag, {"elsewhere": METADATA, FULL: METADATA, SUMMARY: GIVEN})
    bag = {FULL: wired(carried(METADATA), derived=["other"]), "other": GIVEN}
    vectors.opens("derived-unknown", bag, {FULL: METADATA, "other": GIVEN})

    def in_rest(name, whole, beside, siblings, state, **settings):
        body = {**Rest(carried(whole), beside, {}).to_wire(), "derived": MARK}
        vectors.opens(f"derived-rest-{name}", {KEY: body, **siblings}, state, **settings)

    whole = {FULL: METADATA, "n": 1}
    in_rest("equal", whole, (), {SUMMARY: GIVEN}, whole)
    changed = {SUMMARY: {**GIVEN, "priority": "low"}}
    in_rest("other", whole, (), changed, {**whole, **changed})
    beside = {FULL: wired(carried(METADATA)), SUMMARY: GIVEN}
    in_rest("source-beside", {FULL: None, "n": 1}, (FULL,), beside, whole)
    for label, replaced in (("object", {"total_batches": 1}), ("text", "none")):
        summed = {FULL: replaced, SUMMARY: GIVEN}
        in_rest(f"source-replaced-{label}", whole, (), summed, {**whole, FULL: replaced})
    hidden = {**whole, SUMMARY: "own"}
    in_rest("hides", hidden, (), {SUMMARY: GIVEN}, hidden)
    own = {**whole, SUMMARY: None}
    in_rest("own", own, (SUMMARY,), {SUMMARY: GIVEN}, {**whole, SUMMARY: GIVEN})

    keys = {"k1": bytes(range(32))}
    stub = carried(METADATA)
    body = Signatures(keys).signer(RUN).signed(stub, stub.to_wire())
    signed = {FULL: {KEY: {**body, "derived": [SUMMARY, "a"]}}, SUMMARY: {"mine": 1}, "a": 1}
    vectors.opens(
        "derived-signed",
        signed,
        {FULL: METADATA, SUMMARY: {"mine": 1}, "a": 1},
        scope=RUN,
        signing_keys={name: key.hex() for name, key in keys.items()},
        require_signatures=True,
    )


def _in_place_of_older_ones(vectors):
    """The same bags: what their members were said to be derived from does not give them."""
    states = {
        "derived": ({FULL: OBJECT, SUMMARY: {"priority": 1}}, {"store": "stores/plain"}),
        "derived-rest": ({"n": 1, SUMMARY: {}, "status": "NEW"}, {}),
    }
    for name, (state, settings) in states.items():
        path = f"states/{name}-kept.json"
        vectors.add(
            "bags",
            f"{name}-kept",
            {path: encode(state)},
            bag=f"bags/{name}.json",
            expect={"state": path},
            instead_of=name,
            **settings,
        )
