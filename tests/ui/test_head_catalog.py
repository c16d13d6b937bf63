"""The list of heads."""

from statebag import Statebag
from statebag.store import MemoryStore
from statebag.ui import head_catalog
from statebag.ui.head_catalog import HeadCatalog


def made():
    client = Statebag(MemoryStore(), replicas=(), signing_keys={})
    for thread in ("a/1", "a/2", "<b>/\u00fc"):
        head = client.heads(thread).head("main")
        version = None
        for n in range(3):
            version = head.advance(head.seal({"n": n}), version, label=f"l{n}")
    return client


def test_rows_of_all_heads_and_of_some():
    client = made()
    rows = HeadCatalog(client).rows()
    assert rows["left_out"] == 0
    assert {(row["scope"], row["label"], row["versions"]) for row in rows["heads"]} == {
        ("a/1", "l2", 3), ("a/2", "l2", 3), ("<b>/\u00fc", "l2", 3),
    }  # fmt: skip
    assert rows["heads"][0]["scope"] == "<b>/\u00fc", "the newest first"
    assert [row["scope"] for row in HeadCatalog(client).rows("\u00dc/MAIN")["heads"]] == [
        "<b>/\u00fc"
    ]


def test_heads_of_a_text_are_found_beyond_those_that_are_listed(monkeypatch):
    monkeypatch.setattr(head_catalog, "_READ", 2)
    client = made()
    catalog = HeadCatalog(client)
    assert [row["scope"] for row in catalog.rows()["heads"]] == ["<b>/\u00fc", "a/2"]
    assert catalog.rows()["left_out"] == 1
    for text in ("a/1", " A/1/Main "):  # the oldest
        found = catalog.rows(text)
        assert ([row["scope"] for row in found["heads"]], found["left_out"]) == (["a/1"], 0)
    assert [row["scope"] for row in catalog.rows("a/")["heads"]] == ["a/2", "a/1"]
    assert catalog.rows("main")["left_out"] == 1
    assert catalog.rows("nothing") == {"heads": [], "left_out": 0}


def test_heads_of_a_label():
    client = made()
    head = client.heads("a/1").head("main")
    head.advance(head.seal({}), head.read(), label="Last")
    rows = HeadCatalog(client).rows("last")
    assert [(row["scope"], row["versions"]) for row in rows["heads"]] == [("a/1", 4)]


def test_deleted_heads_are_not_listed_and_damaged_ones_say_so():
    client = made()
    client.heads("a/1").head("main").delete()
    client.store.put("@heads/a/2/@main/@head", b"damaged")
    rows = {row["scope"]: row for row in HeadCatalog(client).rows()["heads"]}
    assert set(rows) == {"a/2", "<b>/\u00fc"}
    assert rows["a/2"]["trouble"]


def test_forks():
    client = made()
    origin, other = client.heads("<b>/\u00fc").head("main"), client.heads("c").head("main")
    origin.fork(other)
    catalog = HeadCatalog(client)
    assert [row["scope"] for row in catalog.forks("@heads/%3Cb%3E/%C3%BC/@main/@head")] == ["c"]
    assert catalog.forks("@heads/c/@main/@head") == []
    assert catalog.get("@heads/c/@main/@head") is catalog.get("@heads/c/@main/@head")


def test_a_store_without_heads():
    assert HeadCatalog(Statebag(MemoryStore(), replicas=())).rows() == {"heads": [], "left_out": 0}
