"""A forked child of a process that has sent requests must not use the client."""

import os

import pytest

from statebag.store import native_client

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")


@pytest.fixture(autouse=True)
def _as_before(monkeypatch):
    monkeypatch.setattr(native_client, "_used_in", None)
    monkeypatch.setattr(native_client, "_kept", [])


def of_child(question):
    """What a forked child answers."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.write(writing, b"1" if question() else b"0")
        os._exit(0)
    os.waitpid(child, 0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        return pipe.read() == b"1"


def test_the_client_is_lost_in_a_child_once_it_was_used():
    native_client.is_used()
    assert not native_client.is_lost()
    assert of_child(native_client.is_lost)


def test_a_child_may_begin_to_use_a_client_that_sent_nothing(monkeypatch):
    monkeypatch.setattr(native_client, "_THREADS", "no thread has this name")
    assert not of_child(native_client.is_lost)

    def uses():
        native_client.is_used()
        return native_client.is_lost()

    assert not of_child(uses)


def test_a_client_that_was_inherited_is_held():
    client = object()
    native_client.keep(client)
    native_client.keep(None)
    assert native_client._kept == [client]
