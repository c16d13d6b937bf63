"""What one client leaves to the next in a process."""

from statebag import process_memory


def test_clients_of_one_store_share_it():
    assert process_memory.known("memory://one") is process_memory.known("memory://one")
    assert process_memory.known("memory://one") is not process_memory.known("memory://two")
    assert process_memory.bases("memory://one", 9) is process_memory.bases("memory://one", 9)
    assert process_memory.bases("memory://one", 9) is not process_memory.bases("memory://two", 9)
    assert process_memory.texts(9) is process_memory.texts(9)


def test_what_is_forgotten_is_made_anew():
    before = [
        process_memory.known("memory://one"),
        process_memory.bases("memory://one", 9),
        process_memory.texts(9),
    ]
    process_memory.forget()
    after = [
        process_memory.known("memory://one"),
        process_memory.bases("memory://one", 9),
        process_memory.texts(9),
    ]
    assert not any(old is new for old, new in zip(before, after, strict=True))
