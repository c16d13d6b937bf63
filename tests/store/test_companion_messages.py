"""Frames between a process and its companion: whole, in order, or an end."""

import io

import msgspec
import pytest

from statebag.store.companion_messages import Reply, Request, frame, receive, send


class Narrow(io.BytesIO):
    """A file that takes a few bytes at a time, as a full pipe does."""

    def write(self, data):
        return super().write(bytes(data[:5]))


def test_messages_come_back_in_order():
    file = Narrow()
    sent = [
        Request(1, "s3://b/p", {"region": "x"}, [(b"A", b"\xff")], "put", "a/b", bytes(100_000)),
        Request(2, "s3://b/p", {}, [], "get_ranges", "a", spans=[(0, 1), (5, 2**40)], seconds=1.5),
    ]
    for one in sent:
        send(file, one)
    file.seek(0)
    assert [msgspec.msgpack.decode(receive(file), type=Request) for _ in sent] == sent
    assert receive(file) is None


@pytest.mark.parametrize("missing", [1, 3, 10])
def test_a_frame_that_breaks_off_is_an_end(missing):
    data = bytes(frame(Reply(5, [b"abcdef"])))
    assert receive(io.BytesIO(data[:-missing])) is None
    assert receive(io.BytesIO(data[: 8 - min(missing, 7)])) is None
    assert msgspec.msgpack.decode(receive(io.BytesIO(data)), type=Reply).parts == [b"abcdef"]
