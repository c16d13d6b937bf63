"""Texts of payloads that stay in a file until they are read."""

import gc
import os
import signal
import tempfile
from pathlib import Path

import pytest

from statebag import ConfigurationError
from statebag.history import payload_texts
from statebag.history.payload_texts import CARRIERS, FileBytes, LaterText, TextSpool

LONG = "\u00e9\ud800 " * 1_000


def event(**details):
    return {"id": 1, "type": "PassStateEntered", "stateEnteredEventDetails": details}


@pytest.mark.parametrize("field", CARRIERS)
def test_a_long_text_is_kept_and_read_again(field):
    spool = TextSpool()
    given = event(name="A", **{field: LONG})
    left = spool.without_texts(given)["stateEnteredEventDetails"]
    assert left["name"] == "A"
    assert isinstance(left[field], LaterText)
    assert left[field].read() == LONG
    assert given["stateEnteredEventDetails"][field] == LONG  # what was given is unchanged


def test_several_texts_one_after_another():
    spool = TextSpool()
    kept = [spool.keep(f"{number}{LONG}", "input") for number in range(5)]
    assert [one.read() for one in reversed(kept)] == [f"{n}{LONG}" for n in (4, 3, 2, 1, 0)]


def test_short_texts_causes_and_what_is_no_event_stay():
    spool = TextSpool()
    for given in (event(input="{}"), event(cause=LONG), event(input=7), [LONG], None):
        assert spool.without_texts(given) == given


def test_the_file_is_closed_with_the_last_text():
    kept = TextSpool().keep(LONG, "input")
    opened = kept.source._opened
    assert kept.read() == LONG
    assert not opened.closed
    del kept
    gc.collect()
    assert opened.closed


def in_a_child(work):
    """Run a function in a forked child; return whether it gave something true."""
    child = os.fork()
    if child == 0:
        signal.alarm(240)  # a hang ends
        try:
            os._exit(0 if work() else 1)
        finally:
            os._exit(2)
    return lambda: os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
pytestmark = pytest.mark.filterwarnings("ignore:.*use of fork.*:DeprecationWarning")


@forks
def test_a_forked_child_reads_and_writes_at_its_own_places():
    spool = TextSpool()
    texts = [chr(97 + n) * 20_000 for n in range(20)]
    kept = [spool.keep(text, "input") for text in texts]

    def work(letter):
        own = []
        for n in range(100):
            own.append((letter * 5_000 + str(n), spool.keep(letter * 5_000 + str(n), "input")))
            if [one.read() for one in kept] != texts:
                return False
        return all(one.read() == text for text, one in own)

    ended = in_a_child(lambda: work("y"))
    assert work("z")
    assert ended()
    assert [one.read() for one in kept] == texts


@forks
def test_a_file_that_a_forked_child_reads_too(tmp_path):
    file = tmp_path / "texts"
    file.write_bytes(b"".join(bytes([n]) * 9_000 for n in range(50)))
    shared = FileBytes(file.open("rb"))

    def work():
        return all(
            shared.read(n * 9_000, 9_000) == bytes([n]) * 9_000
            for _ in range(50)
            for n in range(50)
        )

    ended = in_a_child(work)
    assert work()
    assert ended()


@pytest.mark.parametrize("has_places", [True, False])
def test_places_of_a_file(tmp_path, monkeypatch, has_places):
    monkeypatch.setattr(payload_texts, "_HAS_PLACES", has_places)
    file = tmp_path / "texts"
    file.write_bytes(b"0123456789")
    shared = FileBytes(file.open("rb"))
    assert [shared.read(start, 4) for start in (4, 0, 8, 20)] == [b"4567", b"0123", b"89", b""]


def test_without_a_temporary_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    spool = TextSpool()
    with pytest.raises(ConfigurationError, match="temporary folder cannot take") as caught:
        spool.keep(LONG, "input")
    assert "No such file" in caught.value.message
    assert "TMPDIR" in caught.value.hint
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))  # as the hint says
    assert spool.keep(LONG, "input").read() == LONG


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no full device")
def test_a_full_temporary_folder(monkeypatch):
    full = Path("/dev/full")
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda **named: full.open("r+b", **named))
    with pytest.raises(ConfigurationError, match="No space left"):
        TextSpool().keep(LONG, "input")
