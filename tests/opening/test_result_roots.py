"""Which store a Map's results are read from."""

import pytest

from statebag import NotPermitted, Policy
from statebag.opening.result_roots import ResultRoots
from statebag.store.address import standing_in
from statebag.store.memory import MemoryStore
from tests.opening.test_map_results import Bucket

POLICY = Policy(result_roots=("s3://results/maps/", "s3://results/others"))


class Own(MemoryStore):
    url = "s3://own/states"


@pytest.fixture
def roots():
    with standing_in("s3", lambda _: Bucket()):
        yield ResultRoots(Own(), POLICY)


def test_the_clients_own_store_is_one(roots):
    store, name = roots.locate("own", "states/map/manifest.json")
    assert (type(store), name) == (Own, "map/manifest.json")


def test_a_configured_root_has_one_store(roots):
    store, _ = roots.locate("results", "maps/run/manifest.json")
    assert roots.locate("results", "maps/run/SUCCEEDED_0.json")[0] is store


@pytest.mark.parametrize(
    ("bucket", "key"),
    [
        ("own", "statesman/x"),
        ("own", "x"),
        ("elsewhere", "maps/x"),
        ("results", "x"),
        ("results", "mapss/x"),
        ("results", "maps"),
    ],
)
def test_what_lies_elsewhere_is_refused(roots, bucket, key):
    with pytest.raises(NotPermitted) as refused:
        roots.locate(bucket, key)
    assert "STATEBAG_RESULT_ROOTS" in str(refused.value)
