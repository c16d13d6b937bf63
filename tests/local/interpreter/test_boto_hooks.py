from __future__ import annotations

import json
import threading

import boto3
import pytest
from botocore.exceptions import ClientError

from statebag.local import run
from tests.local.machines import chain, task


def calling(name, **more):
    def work(_event, _context):
        client = boto3.client("lambda", region_name="us-east-1")
        answer = client.invoke(FunctionName=name, Payload=b'{"n": 4}', **more)
        body = answer["Payload"].read()
        return [answer["StatusCode"], answer.get("FunctionError"), json.loads(body or b"null")]

    return work


def test_a_function_calls_another_one():
    functions = {"work": calling("other"), "other": lambda event, _: event["n"] * 2}
    assert run(chain(("T", task())), functions=functions).output == [200, None, 8]


def test_what_the_other_one_raises_is_in_the_answer():
    def other(_event, _context):
        raise KeyError("k")

    output = run(chain(("T", task())), functions={"work": calling("other"), "other": other}).output
    assert output[1] == "Unhandled"
    assert output[2]["errorType"] == "KeyError"


def test_an_event_has_no_answer():
    functions = {
        "work": calling("other", InvocationType="Event"),
        "other": lambda event, _: event,
    }
    assert run(chain(("T", task())), functions=functions).output == [202, None, None]


def test_a_function_that_was_not_given_is_not_found():
    def work(_event, _context):
        client = boto3.client("lambda", region_name="us-east-1")
        with pytest.raises(ClientError, match="ResourceNotFound"):
            client.invoke(FunctionName="gone")

    assert run(chain(("T", task())), functions={"work": work}).status == "SUCCEEDED"


def test_runs_at_the_same_time_have_functions_of_their_own():
    ended = {}

    def go(number):
        functions = {"work": calling("other"), "other": lambda _event, _context: number}
        ended[number] = [run(chain(("T", task())), functions=functions).output[2] for _ in range(3)]

    threads = [threading.Thread(target=go, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ended == {number: [number] * 3 for number in range(4)}
