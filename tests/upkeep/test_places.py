"""Which other accounts and regions use a store, by the records of their collectors."""

from datetime import UTC, datetime, timedelta

from statebag.store.memory import MemoryStore
from statebag.upkeep.objects import kind_of
from statebag.upkeep.places import AskedPlaces, leave_word, places_not_asked

HERE = "arn:aws:states:eu-west-1:111111111111"
THERE = "arn:aws:states:us-east-1:222222222222"
DAY = timedelta(days=1)


def test_a_place_that_is_not_asked_is_found_until_its_record_is_old():
    store = MemoryStore()
    leave_word(store, [HERE, THERE])
    now = datetime.now(UTC)
    assert places_not_asked(store, [HERE], now, DAY) == [THERE]
    assert places_not_asked(store, [HERE, THERE], now, DAY) == []
    later = now + 3 * DAY
    assert places_not_asked(store, [HERE], later, DAY, DAY) == []
    assert places_not_asked(store, [HERE], later, 2 * DAY, 2 * DAY) == [THERE]
    assert places_not_asked(store, [HERE], later, timedelta.max, DAY) == [THERE]


def test_records_are_marks_and_belong_to_no_execution():
    store = MemoryStore()
    leave_word(store, [HERE])
    (info,) = store.list()
    assert kind_of(info.name) == "mark"


def test_what_asks_says_where():
    class Asked:
        arn_prefixes = (HERE,)

        def started(self, scope):
            return None

    assert isinstance(Asked(), AskedPlaces)
    assert not isinstance(print, AskedPlaces)
