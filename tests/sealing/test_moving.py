"""Chunks that move are read, with the nodes above them; no other node is touched."""

import pytest

from statebag import Policy, Statebag
from statebag.format.codec import compress, sha256_hex
from statebag.format.index import encode_node, node_entry
from statebag.format.json_text import encode
from statebag.format.pack import PackBuilder
from statebag.format.stub import Entry, entries_in_pack
from statebag.sealing.cutting import Group, Piece, pieces_of
from statebag.sealing.moving import with_read
from statebag.store.memory import MemoryStore
from statebag.telemetry import usage
from statebag.testing.process import forget
from tests.bags import blobs, noise, stubs
from tests.sealing.moves import move_from

TEXTS = [encode([n, noise(300, n)]) for n in range(6)]


def packed(store, texts, kind="value"):
    """Blobs of a new pack, in order."""
    builder = PackBuilder()
    made = [builder.add(sha256_hex(one), len(one), compress(one), kind) for one in texts]
    name, data = builder.build("m")
    store.put(name, data)
    entries = entries_in_pack(tuple([Entry(one, 2, one.size) for one in made]), name)
    return [one.blob for one in entries]


def chunks(store, *numbers):
    texts = [TEXTS[n] for n in numbers]
    return [Entry(blob, 2, blob.size) for blob in packed(store, texts)]


def node(store, entries):
    (blob,) = packed(store, [encode_node(tuple(entries))], "index")
    return node_entry(tuple(entries), blob)


@pytest.fixture
def store():
    return MemoryStore()


def test_a_chunk_that_a_node_of_another_pack_lists_is_read(store):
    old, new, other = chunks(store, 0, 1), chunks(store, 2), chunks(store, 3)
    first, second = node(store, [*old, *new]), node(store, other)
    moving = move_from(old[0].blob.at, store=store)
    members = with_read((first, second), moving, ("a",), advised=True)
    assert members[1] is second
    group = members[0]
    assert isinstance(group, Group)
    assert [type(one) for one in group.members] == [Piece, Piece, Entry]
    assert [one.text for one in group.members[:2]] == TEXTS[:2]


def test_without_advice_nodes_of_other_packs_are_not_read(store):
    old, new = chunks(store, 0, 1), chunks(store, 2)
    above = node(store, [*old, *new])
    with usage.measured() as cost:
        moving = move_from(old[0].blob.at, store=store)
        assert with_read((above,), moving, ("a",), advised=False) == (above,)
    assert cost.gets == 0


def test_a_node_that_moves_is_a_group_of_what_it_lists(store):
    one, two = chunks(store, 0, 1), chunks(store, 2)
    below = node(store, one)
    above = node(store, [below, node(store, two)])
    moving = move_from(above.blob.at, store=store)
    (group,) = with_read((above,), moving, ("a",), advised=False)
    assert (group.level, group.members[0]) == (2, below)
    assert not any(isinstance(piece, Piece) for piece in pieces_of([group]))


def test_groups_that_are_not_written_yet_are_looked_into(store):
    old, new = chunks(store, 0, 1), chunks(store, 2)
    piece = Piece(TEXTS[5], 2, sha256_hex(TEXTS[5]))
    group = Group((*old, *new, piece), 1, "0" * 64)
    moving = move_from(old[0].blob.at, store=store)
    (made,) = with_read((group,), moving, ("a",), advised=False)
    assert [type(one) for one in made.members] == [Piece, Piece, Entry, Piece]
    assert made.members[3] is piece
    moving = move_from("m/0.pack", store=store)
    assert with_read((group,), moving, ("a",), advised=False)[0] is group


SMALL = Policy(carry_bytes=2048, field_limit=512, piece_bytes=1024)


def named(bag):
    """The packs that a reader of a bag knows before it reads an index node."""
    wholes = [one.whole.read for one in stubs(bag)]
    return {one.at for whole in wholes for one in (*whole.blobs(), *whole.reads)}


def test_no_pack_of_a_long_appended_history_is_hidden_below_nodes():
    store, items = MemoryStore(), [noise(400, 0)]
    forget()
    bag = Statebag(store, policy=SMALL).seal({"messages": items}, scope="m")
    for n in range(1, 400):
        forget()
        items.append(noise(400, n))
        bag = Statebag(store, policy=SMALL).append(bag, "$.messages", items[-1:], scope="m")
        if n % 20 == 0:
            assert named(bag) == {blob.at for blob in blobs(bag, store)}
            forget()
            with usage.measured() as cost:
                assert Statebag(store).open(bag, scope="m") == {"messages": items}
            assert cost.gets <= 5


def test_a_merge_sends_one_request_to_each_pack_however_many_fields_lie_there():
    store, state, bag = MemoryStore(), {}, None
    apart = Policy(carry_bytes=0, field_limit=256, max_packs=1000)
    forget()
    client = Statebag(store, policy=apart)
    for n in range(7):
        state.update({f"f{n}_{m}": noise(900, n * 10 + m) for m in range(8)})
        bag = client.seal(state, scope="m")
    forget()
    client = Statebag(store, policy=Policy(carry_bytes=0, field_limit=256))
    part = client.open(bag, only=["$.none"], scope="m")
    part["new"] = state["new"] = noise(9000, 99)
    with usage.measured() as cost:
        bag = client.seal(part, scope="m")
    assert cost.gets == 7
    assert len({blob.at for blob in blobs(bag, store)}) == 1
    forget()
    assert Statebag(store).open(bag, scope="m") == state
