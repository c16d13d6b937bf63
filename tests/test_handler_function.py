"""What a handler's function says of itself, without a call of it."""

import functools
from dataclasses import dataclass
from typing import Any

import pytest

from statebag.handler_function import annotated_type, is_coroutine_function, wants_event


def plain(state, context): ...
def with_event(state, context, event): ...
def with_event_by_name(state, context, *, event=None): ...
def with_state_named_event(event, context): ...


@dataclass
class Order:
    total: int


class Handler:
    def method(self, state, context, event): ...

    def __call__(self, state, context): ...


class AsyncHandler:
    async def __call__(self, state, context): ...


async def coroutine(state, context): ...


@functools.wraps(coroutine)
def around(state, context):
    return coroutine(state, context)


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (plain, False),
        (with_event, True),
        (with_event_by_name, True),
        (with_state_named_event, False),
        (Handler().method, True),
        (Handler(), False),
        (functools.partial(Handler().method, {}), True),
        (dict.fromkeys, False),
        (max, False),
    ],
)
def test_a_parameter_named_event_after_the_state_is_found(function, expected):
    assert wants_event(function) is expected


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (coroutine, True),
        (around, True),
        (AsyncHandler(), True),
        (functools.partial(coroutine, {}), True),
        (Handler(), False),
        (plain, False),
        (max, False),
    ],
)
def test_a_function_that_gives_a_coroutine_is_found(function, expected):
    assert is_coroutine_function(function) is expected


def test_only_a_class_that_states_are_made_into_is_a_type():
    def with_class(state: Order, context: Any) -> Order: ...
    def with_dict(state: dict[str, Any], context: Order): ...
    def without(state, context) -> Order: ...

    assert annotated_type(with_class) is Order
    assert annotated_type(with_dict) is None
    assert annotated_type(without) is None
    assert annotated_type(max) is None
