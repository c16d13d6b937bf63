"""Whether code has read stubs: its own thread, others, and not what it did not read."""

from threading import Thread

from statebag.telemetry.stub_aware import reads_stubs, watched_for_reading


def is_bag(value):
    return value == "bag"


def test_a_read_of_a_stub_in_question_is_seen():
    with watched_for_reading(is_bag) as aware:
        reads_stubs("other")
        assert not aware.reads
        reads_stubs("bag")
        assert aware.reads
        reads_stubs("other")
    assert aware.reads


def test_nothing_is_seen_before_and_after():
    reads_stubs("bag")
    with watched_for_reading(is_bag) as aware:
        pass
    reads_stubs("bag")
    assert not aware.reads


def test_blocks_nest_and_a_thread_of_the_code_counts():
    with watched_for_reading(is_bag) as outer, watched_for_reading(lambda _: False) as inner:
        thread = Thread(target=reads_stubs, args=("bag",))
        thread.start()
        thread.join()
    assert (outer.reads, inner.reads) == (True, False)
