"""Arrays that are written item by item."""

import random
import tracemalloc

import pytest

from statebag import InvalidState, Policy, Statebag
from statebag.format.json_text import encode
from statebag.telemetry import usage
from statebag.testing.process import forget

POLICY = Policy(piece_bytes=1024)


def written(sb, placed):
    writer = sb.array_writer("machine/run")
    for place, item in placed:
        writer.add(place, encode(item))
    return writer.finish()


@pytest.mark.parametrize("count", [0, 1, 7, 8, 9, 500, 5000])
def test_items_come_in_any_order_and_stand_in_theirs(count):
    sb = Statebag(f"memory://array-writer-{count}", policy=POLICY)
    items = [{"n": n, "text": "word " * (n % 50)} for n in range(count)]
    placed = list(enumerate(items))
    random.Random(7).shuffle(placed)  # a shuffle, not a secret
    array = written(sb, placed)
    assert sb.open({"results": array}) == {"results": items}
    assert array.count == count


def test_places_may_have_gaps_but_not_meet():
    sb = Statebag("memory://array-writer-places", policy=POLICY)
    assert sb.open(written(sb, [(40, "c"), (-3, "a"), (7, "b")])) == ["a", "b", "c"]
    with pytest.raises(InvalidState, match="index 7"):
        written(sb, [(7, "b"), (9, "c"), (7, "again")])


def test_one_item_is_read_without_the_rest():
    sb = Statebag("memory://array-writer-one", policy=POLICY)
    array = written(sb, enumerate({"n": n, "text": str(n) * 2000} for n in range(3000)))
    forget()
    cold = Statebag("memory://array-writer-one", policy=POLICY)
    with usage.measured() as cost:
        assert cold.get({"results": array}, "results[2345].n") == 2345
    assert cost.gets <= 2
    assert cost.bytes_got < 60_000


def test_memory_follows_the_number_of_pieces_not_the_bytes():
    sb = Statebag("memory://array-writer-memory", policy=Policy())
    noise = random.Random(1).randbytes(5000).hex()  # hardly compressible text
    peaks = []
    for count in (1000, 4000):
        tracemalloc.start()
        writer = sb.array_writer("machine/run")
        held = 0
        for n in range(count):
            writer.add(n, encode({"n": n, "noise": noise[n % 97 :] + str(n)}))
        writer.finish()
        held = sum(one.size for one in sb.store.list())
        peaks.append(tracemalloc.get_traced_memory()[1] - held)
        tracemalloc.stop()
    # What the memory store itself keeps is taken off; 40 MB of items leave no trace of their size.
    assert peaks[1] < 64 * 1024 * 1024


def test_the_array_passes_through_a_seal_and_grows_unread():
    sb = Statebag("memory://array-writer-grow", policy=POLICY)
    array = written(sb, enumerate({"n": n} for n in range(2000)))
    bag = sb.seal({"results": array, "status": "CONTINUE"}, scope="machine/run")
    forget()
    cold = Statebag("memory://array-writer-grow", policy=POLICY)
    with usage.measured() as cost:
        bag = cold.append(bag, "results", [{"n": 2000}], scope="machine/run")
    assert cost.gets == 0
    assert [item["n"] for item in cold.open(bag)["results"]] == list(range(2001))
