"""The process that answers: its stores and its listings."""

import io
import os
import subprocess
import sys

import msgspec

from statebag.environment import store_settings
from statebag.store import companion_server
from statebag.store.companion_messages import Reply, Request, frame, receive


def test_other_stores_than_the_last_ones_are_dropped(monkeypatch):
    monkeypatch.setattr(companion_server, "_MOST_STORES", 2)
    for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "REGION"):
        monkeypatch.setenv(f"AWS_{name}", "x")
    before = dict(os.environ)
    room = companion_server._Room()

    def asked(key):
        variables = {**dict(store_settings(before)), "AWS_ACCESS_KEY_ID": key}
        told = [(os.fsencode(name), os.fsencode(value)) for name, value in variables.items()]
        return room._store(Request(1, "s3://b/p", {}, told, "get", "a"))

    one, two = asked("1"), asked("2")
    assert one is not two
    assert one.identity != two.identity
    assert asked("1") is one
    asked("3")
    assert asked("1") is one
    assert asked("2") is not two


def exchange(*requests):
    """The answers of another process to some requests, by their numbers."""
    program = [sys.executable, "-P", "-m", "statebag.store.companion_server"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(
        program,
        input=b"".join(map(frame, requests)),
        capture_output=True,
        env=environment,
        check=True,
        timeout=240,
    )
    answers, output = {}, io.BytesIO(done.stdout)
    while (data := receive(output)) is not None:
        answer = msgspec.msgpack.decode(data, type=Reply)
        answers[answer.number] = answer
    return answers


def test_it_says_hello_answers_whether_it_is_there_and_ends_with_its_input():
    answers = exchange(Request(7, "", {}, [], "there", ""))
    assert sorted(answers) == [0, 7]
    assert answers[7].error is None


def test_a_listing_that_it_does_not_have_is_an_error_and_not_an_end():
    room = companion_server._Room()
    answer = room.answered(Request(3, "s3://b/p", {}, [], "more", "", listing=1))
    kind, message, *_, hint = answer.error
    assert (kind, hint) == ("StoreUnavailable", "List again.")
    assert "listing" in message


def test_an_error_of_any_kind_is_told_without_its_text(monkeypatch):
    def refuse(request):
        raise ValueError("SECRET")

    room = companion_server._Room()
    monkeypatch.setattr(room, "_called", refuse)
    answer = room.answered(Request(3, "s3://b/p", {}, [], "get", "a"))
    assert answer.error[0] == "StoreUnavailable"
    assert answer.error[3] == "a"
    assert "SECRET" not in repr(answer)
