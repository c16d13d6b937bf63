"""Listings with keys that only botocore can list."""

import pytest

from statebag.errors import NotPermitted
from statebag.upkeep.gc import collect
from tests.store.listing_server import names

ODD_KEYS = ["p/a//b", "p//b", "p/./b", "p/../x", "p/.", "p/..", "p/m/.", "p/a&#10;b", "p/n/"]


@pytest.mark.parametrize(
    ("key", "in_order"), [("p/a//b", False), ("p/n/", False), *((key, True) for key in ODD_KEYS)]
)
def test_foreign_objects_with_keys_that_are_no_names_are_left_out(listed, key, in_order):
    def page(number, token):
        # The keys of botocore's pages are percent-encoded, and it asks from the beginning.
        return (names(1, 2), "t") if token is None else ([*names(3), key, "p/z"], None)

    store, _ = listed(page, in_order=in_order)
    assert [info.name for info in store.list()] in (
        ["m/000001", "m/000002", "m/000003", "z"],
        ["m/000001", "m/000002", "m/000003", "n", "z"],  # a folder's marker has its name
    )
    assert collect(store).deleted_objects == 0


def test_keys_that_are_no_names_without_botocore(listed, monkeypatch):
    store, _ = listed(lambda *_: (["p/a//b"], None))
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(NotPermitted, match="cannot list") as caught:
        list(store.list())
    assert "boto3" in caught.value.hint
