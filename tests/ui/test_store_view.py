"""Costs and the store."""

from statebag.store.file import FileStore
from statebag.ui.store_view import cost_of, store_now


def test_costs_by_hand(good):
    while not good.measure(100):
        pass
    cost = cost_of(good)
    assert cost["transitions"] == 6
    assert cost["puts"] == cost["pack_count"] >= 1
    assert cost["foreign"] == 0
    by_hand = (6 * 25 + cost["puts"] * 5 + cost["gets"] * 0.4) / 1e6
    assert abs(cost["dollars"] - by_hand) < 1e-12
    first = cost["packs"][0]
    assert (first["is_own"], first["states"] > 1) == (True, True)


def test_what_gc_would_do_is_a_dry_run(ran, tmp_path):
    before = sorted(info.name for info in ran.client.store.list())
    found = store_now(ran.client)
    assert found["objects"] == len(before)
    assert {one["scope"] for one in found["decisions"]} >= {"Main/run-1", "Main/run-2"}
    assert all(one["action"] == "keep" and one["why"] for one in found["decisions"])
    assert sorted(info.name for info in ran.client.store.list()) == before
    empty = type(ran.client)(FileStore(tmp_path / "empty"), replicas=())
    assert store_now(empty)["objects"] == 0
