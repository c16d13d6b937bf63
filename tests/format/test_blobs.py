"""Positions of bytes: what a pack's name is, once it is known."""

import json

from statebag.format.blobs import (
    THIS_PACK,
    Blob,
    Entry,
    Extent,
    blobs_in_pack,
    entries_in_pack,
    entries_to_wire,
    joined_size,
)

NEW = Blob("a" * 64, 10, THIS_PACK, 8, 5)
OLD = Blob("b" * 64, 20, "m/e/1.pack", 16, 7)


def test_only_the_pack_that_is_being_written_gets_a_name():
    assert NEW.placed("m/e/2.pack").at == "m/e/2.pack"
    assert OLD.placed("m/e/2.pack") == OLD
    assert Extent(THIS_PACK, 0, 4).placed("m/e/2.pack") == Extent("m/e/2.pack", 0, 4)
    assert [one.at for one in blobs_in_pack([NEW, OLD], "p")] == ["p", "m/e/1.pack"]
    entries = entries_in_pack((Entry(NEW, 1, 10), Entry(OLD, 2, 20)), "p")
    assert [one.blob.at for one in entries] == ["p", "m/e/1.pack"]


def test_an_entry_lists_itself_and_has_the_digest_of_its_blob():
    entry = Entry(OLD, 3, 20)
    assert entry.entry(None) is entry
    assert (entry.sha256, entry.members, entry.at_hand) == ("b" * 64, (), False)


def test_each_pack_is_named_once_and_a_node_has_its_own_size():
    node = Entry(OLD, 9, 300, level=1)
    wire = entries_to_wire((Entry(OLD, 1, 20), Entry(OLD, 1, 20), node))
    assert wire["packs"] == ["m/e/1.pack"]
    assert wire["pieces"][0] == [1, 20, "b" * 64, 0, 16, 7]
    assert wire["pieces"][2] == [9, 300, "b" * 64, 0, 16, 7, 1, 20]


def test_a_joined_array_is_as_long_as_its_text():
    parts = [[1], [2, 3], ["four"]]
    sizes = [len(json.dumps(part, separators=(",", ":"))) for part in parts]
    whole = json.dumps([item for part in parts for item in part], separators=(",", ":"))
    assert joined_size(sizes) == len(whole)
