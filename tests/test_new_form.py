"""A form that is not there yet goes the whole way, though only three places know of it.

It is made as docs/design/0020-forms.md says: a class, a row in the table of forms, and the place
in the plan that chooses it. Everything else asks the class.
"""

import json
from typing import ClassVar

import msgspec
import pytest
from click.testing import CliRunner

from statebag import BagTooLarge, InvalidStub, NotPermitted, Policy, Statebag
from statebag.cli.group import cli
from statebag.errors import BlobCorrupt
from statebag.format import json_text
from statebag.format.codec import sha256_hex
from statebag.format.form import Kind, Whole
from statebag.format.signature import Signatures
from statebag.format.stub import KEY, VERSION
from statebag.format.stub_parsing import FORMS
from statebag.opening.bag_difference import bag_differences
from statebag.opening.inspection import inspect
from statebag.sealing.form_choice import FormChoice
from statebag.sealing.kept import Kept
from statebag.store.memory import MemoryStore
from statebag.testing.process import forget
from statebag.upkeep.references import referred_by_value
from tests.bags import noise, payload_bytes

SCOPE = "m/e"


class Repeated(Whole, frozen=True):
    """An array whose items are all the same: the item's text, and how many there are."""

    item: bytes
    count: int
    sha256: str

    form: ClassVar[str] = "repeated"
    kind: ClassVar[Kind] = "array"

    @property
    def size(self):
        return 2 + self.count * (len(self.item) + 1) - 1

    @property
    def digest(self):
        return self.sha256

    @property
    def own_frame(self):
        return self.item

    def to_wire(self):
        item = self.item.decode()
        return {"v": VERSION, "repeat": item, "count": self.count, "sha256": self.sha256}

    def text(self, texts, pieces, base):
        del texts, pieces, base
        text = json_text.join_items([self.item] * self.count, "array")
        if sha256_hex(text) != self.sha256:
            raise BlobCorrupt("a repeated item does not give what its stub says")
        return text


def parsed(fields):
    count = fields.number(fields.body.get("count"), "count")
    return Repeated(
        fields.field("repeat", str).encode(), count, fields.digest(fields.body["sha256"])
    )


def leave(choice, value, text, path):
    # By their texts: 1, 1.0 and true are equal, and three values.
    if isinstance(value, list) and len(value) > 1 and len(set(map(json_text.encode, value))) == 1:
        stub = Repeated(json_text.encode(value[0]), len(value), sha256_hex(text))
        return Kept.unchanged(path, value, stub, frozenset())
    return as_before(choice, value, text, path)


as_before = FormChoice.leave


@pytest.fixture(autouse=True)
def _registered(monkeypatch):
    monkeypatch.setitem(FORMS, "repeat", parsed)
    monkeypatch.setattr(FormChoice, "leave", leave)
    forget()


@pytest.fixture
def store():
    return MemoryStore()


@pytest.fixture
def sb(store):
    return Statebag(store, policy=Policy(field_limit=1000), replicas=(), signing_keys={})


STATE = {"status": "RUNNING", "row": ["a word of twenty"] * 9000, "text": noise(4000), "n": 1}


def is_repeated(value):
    return "repeat" in value[KEY]


def test_a_state_with_it_is_sealed_and_opened(sb):
    bag = sb.seal(STATE, scope=SCOPE)
    assert is_repeated(bag["row"])
    assert payload_bytes(bag) < 6000
    forget()
    assert sb.open(bag, scope=SCOPE) == STATE
    assert sb.open(json.dumps(bag), scope=SCOPE) == STATE
    assert sb.get(bag, "$.row[8999]") == STATE["row"][0]


def test_it_passes_through_unread_and_is_the_same_again_unchanged(sb):
    bag = sb.seal(STATE, scope=SCOPE)
    part = sb.open(bag, only=["text"])
    assert (part["row"].kind, part["row"].count) == ("array", 9000)
    assert part["row"].size == len(json_text.encode(STATE["row"]))
    assert sb.seal(part, scope=SCOPE)["row"] == bag["row"]
    assert sb.seal({**sb.open(bag), "n": 2}, scope=SCOPE)["row"] == bag["row"]


def test_items_are_added_to_it(sb):
    bag = sb.append(sb.seal(STATE, scope=SCOPE), "row", ["another"], scope=SCOPE)
    assert sb.open(bag) == {**STATE, "row": [*STATE["row"], "another"]}
    assert is_repeated(sb.append(sb.seal(STATE, scope=SCOPE), "row", STATE["row"][:1])["row"])


@pytest.mark.parametrize("settings", [{"strict": True}, {"carry_bytes": 0}, {"max_packs": 1}])
def test_every_policy_takes_it(store, settings):
    sb = Statebag(store, policy=Policy(field_limit=1000, **settings), replicas=())
    bag = sb.seal(STATE, scope=SCOPE)
    forget()
    assert sb.open(bag) == STATE


def test_items_that_are_only_equal_to_one_another_are_not_repeated(sb):
    state = {"row": [1, True, 1.0] * 2000}
    bag = sb.seal(state, scope=SCOPE)
    assert not is_repeated(bag["row"])
    assert json_text.encode(sb.open(bag)) == json_text.encode(state)


def test_it_goes_inside_where_stubs_are_too_many(sb):
    state = {f"row {n}": [n] * 500 for n in range(90)}
    bag = sb.seal(state, scope=SCOPE, budget=1500)
    assert payload_bytes(bag) <= 1500
    assert sb.open(bag) == state
    sb = sb.with_control("status")
    with pytest.raises(BagTooLarge):
        sb.seal({**state, "status": "x" * 2000}, scope=SCOPE, budget=1500)


def test_its_bytes_are_bound_to_a_scope_where_stubs_are_signed(store):
    keys = {"one": b"k" * 32}
    sb = Statebag(store, policy=Policy(field_limit=1000), signing_keys=keys, replicas=())
    bag = sb.seal(STATE, scope=SCOPE)
    assert sb.open(bag, scope=SCOPE) == STATE
    with pytest.raises(NotPermitted):
        sb.open({"row": bag["row"]}, scope="m/other")
    assert (
        Signatures(keys)
        .signer(SCOPE)
        .signed(Repeated(b"1", 2, "0" * 64), {})["sig"]
        .endswith(SCOPE)
    )


def test_a_forged_one_is_refused(sb):
    bag = sb.seal(STATE, scope=SCOPE)
    forged = {"row": {KEY: {**bag["row"][KEY], "count": 9001}}}
    with pytest.raises(BlobCorrupt):
        sb.open(forged)
    with pytest.raises(InvalidStub, match="repeat"):
        sb.open({"row": {KEY: {**bag["row"][KEY], "repeat": 1}}})


def test_it_is_inspected_and_compared(sb):
    bag = sb.seal(STATE, scope=SCOPE)
    row = next(one for one in inspect(bag).root.children if one.path == ("row",))
    assert (row.form, row.kind, row.count) == ("repeated", "array", 9000)
    assert [(place.pack, place.length) for place in row.places] == [(None, 18)]
    other = sb.seal({**STATE, "row": ["other"] * 3}, scope=SCOPE)
    assert {one.path[:6] for one in bag_differences(bag, other)} == {"$.row["}
    assert {one.path for one in sb.differences(bag, other)} >= {"$.row[0]"}
    assert list(bag_differences(bag, bag)) == []


def test_upkeep_and_export_know_what_it_refers_to(sb, store):
    bag = sb.seal({**STATE, "text": noise(90_000)}, scope=SCOPE)
    packs = {info.name for info in store.list()}
    assert {blob.at for blob in referred_by_value(bag)} == packs
    other = Statebag(MemoryStore(), policy=sb.policy, replicas=())
    moved = other.unpack(sb.export(bag), "there/e")
    assert is_repeated(moved["row"])
    assert other.open(moved) == sb.open(bag)
    assert set(sb.repair(bag)) == packs


def test_the_program_shows_checks_and_collects_it(tmp_path):
    address = f"file://{tmp_path}/store"
    sb = Statebag(address, policy=Policy(field_limit=1000), replicas=())
    bag = sb.seal({**STATE, "text": noise(90_000)}, scope=SCOPE)
    file = tmp_path / "bag.json"
    file.write_text(json.dumps(bag))
    for command in (
        ["inspect", str(file)],
        ["open", str(file), "--store", address],
        ["fsck", "--store", address, "--bag", str(file)],
        ["gc", "--store", address],
    ):
        done = CliRunner().invoke(cli, command)
        assert done.exit_code == 0, (command, done.output)
    assert msgspec.json.decode(json.dumps(sb.open(bag)))["row"] == STATE["row"]
