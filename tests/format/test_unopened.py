"""Values that were not opened."""

from statebag.format.stub import Blob, Carried, Escaped, Rest, Stored
from statebag.format.unopened import Unopened


def test_what_stands_for_a_value_says_its_size_and_kind():
    blob = Blob("0" * 64, 7, "m/" + "0" * 32 + ".pack", 8, 9)
    for stub, told in (
        (Stored(blob, "array", 3), ("array", 3, 7)),
        (Stored(blob), (None, 0, 7)),
        (Carried("0" * 64, 9, b"", "object", 1), ("object", 1, 9)),
        (Rest(Stored(blob, "object", 4), (), {}), ("object", 0, 7)),
        (Escaped({}), ("object", 0, 2)),
    ):
        unopened = Unopened({}, stub)
        assert (unopened.kind, unopened.count, unopened.size) == told
