import pytest
from msgspec.structs import replace

from statebag import BlobCorrupt, LimitExceeded, NotPermitted, Policy, UnsupportedFormat
from statebag.format import extents
from statebag.format.codec import compress, sha256_hex
from statebag.format.pack import PackBuilder
from statebag.format.stub import Extent
from statebag.opening import fetch
from statebag.opening.fetch import Fetcher
from statebag.store.cache import BlobCache
from statebag.store.encrypted import EncryptedStore, Keys
from statebag.store.memory import MemoryStore
from statebag.testing.faulty_store import Fault, FaultyStore
from statebag.testing.recording_store import RecordingStore
from tests.bags import noise


@pytest.fixture
def store():
    return RecordingStore(MemoryStore())


def put(store, texts, scope="m"):
    builder = PackBuilder()
    blobs = [builder.add(sha256_hex(text), len(text), compress(text)) for text in texts]
    name, data = builder.build(scope)
    store.put(name, data)
    return [blob.placed(name) for blob in blobs]


def texts(count, size, seed=0):
    return [b'"%b"' % noise(size, n + seed).encode() for n in range(count)]


def fetcher(store, cache=None, **limits):
    return Fetcher(store, cache or BlobCache(10**8), Policy(**limits))


def test_neighbours_are_one_request_and_distant_ones_are_not(store, monkeypatch):
    written = texts(40, 4000)
    monkeypatch.setattr(extents, "WORTH_READING_OVER", 32 * 1024)
    monkeypatch.setattr(fetch, "WORTH_READING_OVER", 32 * 1024)
    blobs = put(store, written)
    assert fetcher(store).texts(blobs[::2]) == dict(zip(blobs[::2], written[::2], strict=True))
    assert len(store.of("get_ranges")) == 1
    store.forget()
    far = [blobs[0], blobs[1], blobs[20], blobs[39]]
    assert list(fetcher(store).texts(far).values()) == [written[n] for n in (0, 1, 20, 39)]
    spans = sorted(call.spans[0] for call in store.of("get_ranges"))
    assert [offset for offset, _ in spans] == [far[0].offset, far[2].offset, far[3].offset]


def test_blobs_that_overlap_or_come_twice(store):
    (blob, other) = put(store, texts(2, 4000))
    assert len(fetcher(store).texts([blob, blob, other, blob])) == 2
    assert len(store.of("get_ranges")) == 1


def test_what_is_in_the_cache_is_not_asked_for(store):
    blobs = put(store, texts(3, 4000))
    cache = BlobCache(10**8)
    first = fetcher(store, cache).texts(blobs)
    store.forget()
    assert fetcher(store, cache).texts(blobs) == first
    assert store.calls == []


@pytest.mark.parametrize("difference", [-1, 1])
def test_a_cached_text_does_not_answer_for_another_size(store, difference):
    """A forged stub is refused the same way by a process that knows the blob and by a new one."""
    (blob,) = put(store, texts(1, 4000))
    cache = BlobCache(10**8)
    fetcher(store, cache).texts([blob])
    forged = replace(blob, size=blob.size + difference)
    warm = fetcher(store, cache)
    assert not warm.has_all([forged])
    assert warm.has_all([blob])
    for one in (warm, fetcher(store)):
        with pytest.raises(BlobCorrupt, match=f"not the {forged.size} bytes"):
            one.texts([forged])


@pytest.mark.parametrize("newest", [True, False])
def test_an_encrypted_object_is_no_damaged_one_for_a_reader_without_keys(store, newest):
    pytest.importorskip("cryptography")
    keys = Keys([b"k" * 32], misuse_resistant=newest)
    (blob,) = put(EncryptedStore(store, keys), texts(1, 4000))
    with pytest.raises(NotPermitted, match="encrypted, and this reader has no keys") as caught:
        fetcher(store).texts([blob])
    assert caught.value.object_name == blob.at
    assert "STATEBAG_ENCRYPTION_KEYS" in caught.value.hint
    assert fetcher(EncryptedStore(store, keys)).texts([blob])


def test_an_object_encrypted_in_a_later_version_says_so_without_keys(store):
    pytest.importorskip("cryptography")
    keys = Keys([b"k" * 32])
    (blob,) = put(EncryptedStore(store, keys), texts(1, 4000))
    data = store.get(blob.at)
    store.put(blob.at, data[:5] + b"\x09" + data[6:])
    with pytest.raises(UnsupportedFormat) as caught:
        fetcher(store).texts([blob])
    assert caught.value.object_name == blob.at


def test_only_a_read_that_failed_looks_at_the_start_of_the_object(store):
    (blob,) = put(store, texts(1, 4000))
    fetcher(store).texts([blob])
    assert all(list(call.spans) == [(blob.offset, blob.length)] for call in store.of("get_ranges"))
    store.put(blob.at, bytes(len(store.get(blob.at))))
    with pytest.raises(BlobCorrupt):
        fetcher(store).texts([blob])
    assert [list(call.spans) for call in store.of("get_ranges")][-1] == [(0, 8)]


def test_stores_of_other_addresses_share_no_cache(store):
    (blob,) = put(store, texts(1, 4000))
    cache = BlobCache(10**8)
    fetcher(store, cache).texts([blob])
    other = RecordingStore(MemoryStore())
    put(other, texts(1, 4000))
    fetcher(other, cache).texts([blob])
    assert len(other.of("get_ranges")) == 1


def test_limits_add_up_over_the_calls_of_one_open(store):
    blobs = put(store, texts(4, 4000))
    one = fetcher(store, max_open_blobs=3)
    one.texts(blobs[:2])
    store.forget()
    with pytest.raises(LimitExceeded):
        one.texts(blobs[2:])
    one = fetcher(store, max_open_bytes=10_000)
    one.texts(blobs[:2])
    with pytest.raises(LimitExceeded):
        one.texts(blobs[2:3])
    packs = [put(store, texts(1, 300, seed))[0] for seed in (100, 200, 300)]
    store.forget()
    with pytest.raises(LimitExceeded):
        fetcher(store, max_open_requests=2).texts(packs)
    assert store.calls == []


def extent(blob):
    return Extent(blob.at, blob.offset, blob.length)


def test_what_lies_near_is_read_along_and_no_pack_is_asked_more_often(store):
    first, second, third = (put(store, texts(6, 4000, seed)) for seed in (0, 10, 20))
    every = [extent(blob) for blob in [*first, *second, *third]]
    store.forget()
    one = fetcher(store, BlobCache(0))
    one.read_along([first[2], second[0], second[5]], every, 10**6)
    read = one.texts([first[2], second[0], second[5]])
    assert {call.name for call in store.of("get_ranges")} == {first[0].at, second[0].at}
    later = one.another()
    later.read_along(first, every, 10**6)
    assert later.texts([*first, *second]).items() >= read.items()
    assert len(store.calls) == 2
    assert later.texts(third)
    assert len(store.calls) == 3


def test_what_is_read_along_is_bounded(store):
    small, large = put(store, texts(2, 1000)), put(store, texts(20, 4000, 5))
    every = [extent(blob) for blob in [*small, *large]]
    store.forget()
    one = fetcher(store, BlobCache(0))
    one.read_along([small[0], large[0]], every, 20_000)
    assert one.texts([small[0], large[0]])
    lengths = sorted(span[1] for call in store.of("get_ranges") for span in call.spans)
    assert lengths == sorted([sum(blob.length for blob in small), large[0].length])
    # The bound is that of all calls together, and of those after `another`.
    later = one.another()
    later.read_along([large[4]], every, 1500)
    assert later.texts([large[4]])
    assert store.calls[-1].spans == ((large[4].offset, large[4].length),)
    store.forget()
    none = fetcher(store, BlobCache(0), max_open_requests=1)
    none.read_along([small[0], large[0]], every, 10**6)
    assert len(store.calls) <= 1
    store.forget()
    few = fetcher(store, BlobCache(0), max_open_bytes=5000)
    few.read_along([large[0]], every, 10**6)
    assert few.texts([large[0]])
    asked = [call.spans for call in store.of("get_ranges") if call.name == large[0].at]
    assert asked == [((large[0].offset, large[0].length),)]


def test_another_has_limits_of_its_own(store):
    blobs = put(store, texts(4, 4000))
    one = fetcher(store, max_open_bytes=10_000)
    one.texts(blobs[:2])
    assert one.another().texts(blobs[2:])


@pytest.mark.parametrize("wrong", [(0, 5000), (10**7, 10), (1, 10**6)])
def test_what_is_wrong_near_a_blob_costs_a_request_and_nothing_else(store, wrong):
    blobs = put(store, texts(3, 4000))
    store.forget()
    one = fetcher(store, BlobCache(0))
    one.read_along(blobs[:1], [Extent(blobs[0].at, *wrong)], 10**8)
    assert list(one.texts(blobs[:2])) == blobs[:2]
    assert len(store.calls) <= 2


@pytest.mark.parametrize("kind", ["before", "after", "truncate", "corrupt"])
def test_what_is_damaged_on_the_way_is_read_again(store, kind):
    written = texts(3, 4000)
    blobs = put(store, written)
    with FaultyStore(store, [Fault("get_ranges", 1, kind)]) as faulty:
        one = fetcher(faulty, BlobCache(0))
        one.read_along(blobs[:1], map(extent, blobs), 10**6)
        assert list(one.texts(blobs).values()) == written


def test_what_is_damaged_twice_is_corrupt_and_what_is_damaged_once_is_not(store):
    (blob,) = put(store, texts(1, 4000))
    cut = Fault("get_ranges", 1, "truncate", keep_bytes=10)
    with FaultyStore(store, [cut]) as faulty:
        assert fetcher(faulty).texts([blob])
    again = Fault("get_ranges", 2, "truncate", keep_bytes=10)
    cache = BlobCache(10**8)
    with FaultyStore(store, [cut, again]) as faulty, pytest.raises(BlobCorrupt) as caught:
        fetcher(faulty, cache).texts([blob])
    assert caught.value.object_name == blob.at
    assert cache.bytes_held == 0


def test_one_damaged_pack_among_many_is_an_error(store):
    packs = [put(store, texts(1, 300, seed))[0] for seed in range(5)]
    data = bytearray(store.get(packs[3].at))
    data[packs[3].offset + 20] ^= 255
    store.put(packs[3].at, bytes(data))
    with pytest.raises(BlobCorrupt) as caught:
        fetcher(store).texts(packs)
    assert caught.value.object_name == packs[3].at


@pytest.mark.parametrize("end", [fetch._END, 16])
def test_the_index_of_a_pack_tells_which_blobs_it_has(store, monkeypatch, end):
    monkeypatch.setattr(fetch, "_END", end)
    one, two = put(store, texts(2, 400))
    (other,) = put(store, texts(1, 400, seed=9))
    wrong = replace(two, offset=two.offset + 1)
    absent = replace(one, at="m/" + "0" * 32 + ".pack")
    reader = fetcher(store)
    assert reader.lacking({one.at: [one, two], other.at: [other]}) == set()
    assert reader.lacking({one.at: [one, wrong], other.at: [other]}) == {one.at}
    assert reader.lacking({absent.at: [absent]}) == {absent.at}
    for name, value in (("size", 3), ("length", 9), ("sha256", "0" * 64)):
        changed = replace(one, **{name: value})
        assert reader.lacking({one.at: [changed, two]}) == {one.at}
    store.put(other.at, store.get(other.at)[:-1])
    assert reader.lacking({other.at: [other]}) == {other.at}


def test_a_pack_that_is_shorter_than_what_was_read_of_it_is_not_found(store):
    (blob,) = put(store, texts(1, 4000))
    reader = fetcher(store)
    assert reader.found([blob.at]) == {blob.at}
    reader.texts([blob])
    store.put(blob.at, store.get(blob.at)[: blob.offset + blob.length + 11])
    assert reader.found([blob.at]) == set()
