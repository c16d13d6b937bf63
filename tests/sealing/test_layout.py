"""From a plan to one pack and a bag that refers to it."""

from statebag import Policy
from statebag.format.pack import read_index
from statebag.opening.known import Bases, Known
from statebag.sealing.fitting import fit
from statebag.sealing.layout import lay_out
from statebag.sealing.plan import Planner
from tests.bags import noise

POLICY = Policy(carry_bytes=0, piece_bytes=1024, field_limit=1000)
STATE = {
    "text": noise(3000, 1),
    "same": noise(3000, 1),
    "list": [noise(200, n) for n in range(400)],
    "small": 1,
}


def laid_out(state=STATE, known=None, **more):
    known = known or Known()
    planner = Planner(POLICY, "m/e", known, Bases(0))
    root = fit(planner.part(state, ()), planner, 96 * 1024)
    return lay_out(root, "m/e", known, 3, **more)


def test_a_state_of_small_values_needs_no_pack():
    layout = laid_out({"a": 1, "b": [2]})
    assert (layout.bag, layout.pack, layout.leaving) == ({"a": 1, "b": [2]}, None, ())


def test_each_blob_is_in_the_pack_once_and_the_bag_names_the_pack():
    layout = laid_out()
    name, data = layout.pack
    rows = read_index(data, name)
    assert {row.sha256 for row in rows} == {blob.sha256 for blob, _ in layout.written}
    assert len({row.sha256 for row in rows}) == len(rows)
    assert {blob.at for stub in layout.stubs.values() for blob in stub.blobs()} == {name}
    assert layout.bag["small"] == 1
    assert layout.nodes, "a long list has an index"


def test_the_same_state_gives_the_same_pack_and_a_salt_another_name():
    one, two = laid_out(), laid_out()
    assert (one.pack, one.bag) == (two.pack, two.bag)
    salted = laid_out(salt=lambda: b'"salt"')
    assert salted.pack[0] != one.pack[0]


def test_what_is_stored_already_is_not_put_into_a_pack_again():
    first = laid_out()
    known = Known()
    known.add_blobs([blob for blob, _ in first.written])
    for node, entries in first.nodes:
        known.add_node(node, entries)
    again = laid_out(known=known)
    assert again.pack is None
    assert again.bag == first.bag
    assert again.relied_on() == {first.pack[0]}


def test_advice_can_be_left_out_and_nothing_else_changes():
    layout = laid_out()
    bare = layout.without_reads()
    assert "reads" not in str(bare.bag)
    assert bare.pack == layout.pack
    assert layout.carried() == []
