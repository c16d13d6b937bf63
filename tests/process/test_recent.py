from statebag.process.recent import Recent


def test_the_least_recently_used_leaves_first():
    recent = Recent(3)
    for key in "abc":
        assert recent.put(key, key.upper())
    assert recent.get("a") == "A"
    recent.put("d", "D")
    assert list(recent) == ["c", "a", "d"]
    assert (recent.get("b"), "b" in recent, len(recent), recent.size) == (None, False, 3, 3)


def test_looking_without_use_changes_no_order():
    recent = Recent(2)
    recent.put("a", 1)
    recent.put("b", 2)
    assert recent.peek("a") == 1
    assert list(recent.values()) == [1, 2]
    recent.put("c", 3)
    assert list(recent) == ["b", "c"]


def test_sizes_are_bounded_together():
    recent = Recent(10)
    for key, value in {"a": "xxxx", "b": "xxxx", "c": "xxx"}.items():
        recent.put(key, value, len(value))
    assert (list(recent), recent.size) == (["b", "c"], 7)
    recent.put("d", "x" * 10, 10)
    assert (list(recent), recent.size) == (["d"], 10)


def test_what_leaves_for_want_of_room_is_told_and_nothing_else():
    left = []
    recent = Recent(10, left=lambda key, value: left.append((key, value)))
    for key in "abc":
        recent.put(key, key * 4, 4)
    assert left == [("a", "aaaa")]
    recent.put("b", "other", 5)
    recent.pop("b")
    recent.put("c", "too large", 11)
    recent.put("d", "d" * 4, 4)
    recent.drop(lambda value: value == "dddd")
    assert left == [("a", "aaaa")]
    for key in "efgh":
        recent.put(key, key, 5)
    assert left == [("a", "aaaa"), ("e", "e"), ("f", "f")]


def test_a_value_that_takes_the_place_of_another_is_counted_once():
    recent = Recent(10)
    recent.put("a", "xxxx", 4)
    recent.put("a", "yy", 2)
    assert (recent.get("a"), recent.size) == ("yy", 2)


def test_what_is_too_large_drives_nothing_out_and_leaves_nothing_stale():
    recent = Recent(10, largest=5)
    recent.put("a", "xxxx", 4)
    recent.put("b", "x", 1)
    assert not recent.put("b", "x" * 6, 6)
    assert (list(recent), recent.size) == (["a"], 4)


def test_a_bound_of_nothing_holds_nothing():
    for recent in (Recent(0), Recent(1, largest=0)):
        assert not recent.put("a", 1)
        assert (list(recent), recent.size) == ([], 0)


def test_what_is_forgotten_is_no_longer_counted():
    recent = Recent(100)
    for key, size in {"a": 1, "b": 2, "c": 3, "d": 4}.items():
        recent.put(key, size, size)
    assert (recent.pop("a"), recent.pop("a")) == (1, None)
    recent.drop(lambda size: size % 2 == 0)
    assert (list(recent), recent.size) == (["c"], 3)
    recent.clear()
    assert (len(recent), recent.size) == (0, 0)


def test_several_at_once():
    recent = Recent(3)
    recent.put_each([("a", 1, 1), ("b", 2, 1), ("c", 3, 1)])
    assert recent.get_each(["b", "x", "a"]) == [2, None, 1]
    assert recent.first(["x", "c", "a"]) == 3
    assert recent.first(["x"]) is None
    assert list(recent) == ["b", "a", "c"]
