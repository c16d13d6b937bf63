import pytest

from statebag import InvalidStub, UnsupportedFormat
from statebag.format.index import encode_node, node_entry, read_node
from statebag.format.stub import THIS_PACK, Blob, Entry

PACK = "machine/run/" + "0" * 32 + ".pack"
OTHER = "machine/run/" + "1" * 32 + ".pack"


def entry(n, at=PACK, level=0):
    return Entry(Blob(f"{n:064x}", 100 + n, at, 8 + n, 50), 1 + n, 100 + n, level)


def node(entries, text, at=PACK):
    return node_entry(entries, Blob("f" * 64, len(text), at, 8, 60))


def test_a_node_lists_what_was_put_in():
    entries = tuple(entry(n, (PACK, OTHER)[n % 2]) for n in range(40))
    text = encode_node(entries)
    top = node(entries, text)
    assert top.level == 1
    assert top.count == sum(range(41))
    assert read_node(text, top, "$") == entries
    above = node((top,), encode_node((top,)))
    assert above.level == 2
    assert read_node(encode_node((top,)), above, "$") == (top,)


def test_pieces_of_its_own_pack_lie_where_the_node_lies():
    text = encode_node((entry(1, THIS_PACK), entry(2, OTHER)))
    placed = (entry(1, PACK), entry(2, OTHER))
    assert read_node(text, node(placed, text, at=PACK), "$") == placed


def test_a_node_that_disagrees_with_its_stub():
    entries = (entry(1), entry(2))
    text = encode_node(entries)
    top = node(entries, text)
    for wrong in (
        Entry(top.blob, top.count + 1, top.size, 1),
        Entry(top.blob, top.count, top.size - 1, 1),
        Entry(top.blob, top.count, top.size, 2),
    ):
        with pytest.raises(InvalidStub) as caught:
            read_node(text, wrong, "$.log")
        assert (caught.value.path, caught.value.object_name) == ("$.log", PACK)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b"{",
        b'{"packs":[],"pieces":[]}',
        b'{"packs":["../x"],"pieces":[[1,2,3,4,5,6]]}',
        b'{"packs":[1],"pieces":[]}',
    ],
)
def test_a_node_of_another_form(body):
    magic = encode_node(())[: -len(b'{"packs":[],"pieces":[]}')]
    for text in (magic + body, body):
        with pytest.raises(InvalidStub):
            read_node(text, Entry(Blob("f" * 64, len(text), PACK, 8, 60), 0, 2, 1), "$")


def test_a_node_of_a_later_version_says_who_can_read_it():
    text = encode_node((entry(1),)).replace(b"index 1", b"index 2", 1)
    with pytest.raises(UnsupportedFormat) as caught:
        read_node(text, node((entry(1),), text), "$.log")
    assert "newer statebag" in str(caught.value)
    assert (caught.value.path, caught.value.object_name) == ("$.log", PACK)
