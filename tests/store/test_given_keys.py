"""The keys that a caller gives: a list, or a function that may fail in any way."""

import threading

import pytest

from statebag import (
    ConfigurationError,
    Policy,
    Statebag,
    StatebagError,
    StoreUnavailable,
)
from statebag.store.memory import MemoryStore
from statebag.testing.process import forget
from tests.bags import noise
from tests.deadlines import growing
from tests.store.encrypted_states import KEY, SCOPE, STATE


def test_a_provider_is_asked_once_and_only_when_a_key_is_needed():
    asked = []

    def provider():
        asked.append(1)
        return [KEY]

    client = Statebag(MemoryStore(), replicas=(), encryption_keys=provider)
    client.seal({"small": 1}, scope=SCOPE)
    assert asked == []
    forget()
    for _ in range(2):
        assert client.open(client.seal(STATE, scope=SCOPE)) == STATE
    assert asked == [1]


@pytest.mark.parametrize(
    "keys", [[b"short"], ["x" * 32], [KEY, b""], [None], KEY, "x" * 32, b"", "", 7, iter(())]
)
def test_keys_that_are_none_are_refused_when_the_client_is_made(keys):
    with pytest.raises(ConfigurationError) as caught:
        Statebag(MemoryStore(), replicas=(), encryption_keys=keys)
    assert "xxx" not in str(caught.value)


@pytest.mark.parametrize("given", [[], None, KEY, "x" * 32, [b"short"], [None], 7])
def test_a_provider_without_a_key_never_means_plain(given):
    store = MemoryStore()
    answers = [given, [KEY]]
    client = Statebag(store, replicas=(), encryption_keys=lambda: answers.pop(0))
    with pytest.raises(ConfigurationError):
        client.seal(STATE, scope=SCOPE)
    assert list(store.list()) == []
    client.seal(STATE, scope=SCOPE)  # the function is asked again
    assert [store.get(info.name)[:5] for info in store.list()] == [b"SBENC"]


class KmsError(Exception):
    """An error of another library."""


SECRET = "a token in an error"


def raising():
    raise KmsError(SECRET)


async def awaited():
    raise AssertionError("nobody awaits it")


def one_by_one():
    yield KEY
    raise KmsError(SECRET)


@pytest.mark.parametrize(
    ("provider", "kind", "what"),
    [
        (raising, StoreUnavailable, "raised KmsError"),
        (one_by_one, StoreUnavailable, "raised KmsError"),
        (lambda: int("no number"), StoreUnavailable, "raised ValueError"),
        (lambda _: [KEY], StoreUnavailable, "raised TypeError"),
        (awaited, ConfigurationError, "must return a list, not coroutine"),
        (lambda: KEY, ConfigurationError, "must be a list, not bytes"),
        (lambda: None, ConfigurationError, "must be a list, not NoneType"),
        (lambda: [KEY[:5]], ConfigurationError, "32 bytes"),
    ],
)
def test_a_provider_that_gives_no_keys_is_a_typed_error(provider, kind, what):
    client = Statebag(
        MemoryStore(), policy=Policy(carry_bytes=0, attempts=1), encryption_keys=provider
    )
    for call in (
        lambda: client.seal({"text": noise(50_000)}, scope=SCOPE),
        lambda: client.store.put("a", b"text"),
        lambda: client.store.salt,
    ):
        with pytest.raises(kind, match=what) as caught:
            call()
        error = caught.value
        while error is not None:  # with all that a traceback would show
            assert isinstance(error, StatebagError)
            assert SECRET not in str(error)
            assert "no number" not in str(error)
            error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def test_a_provider_that_hangs_is_bounded_by_the_deadline():
    free, asked = threading.Event(), threading.Event()

    def provider():
        asked.set()
        free.wait()
        return [KEY]

    try:
        for seconds in growing(0.3):
            policy = Policy(carry_bytes=0, deadline_seconds=seconds)
            client = Statebag(MemoryStore(), policy=policy, encryption_keys=provider)
            with pytest.raises(StoreUnavailable) as caught:
                client.seal({"text": noise(50_000)}, scope=SCOPE)
            if asked.is_set():
                break
        assert "function for encryption keys" in caught.value.message
    finally:
        free.set()


def test_a_provider_that_fails_once_is_asked_again():
    asked = []

    def provider():
        asked.append(1)
        if len(asked) == 1:
            raise KmsError(SECRET)
        return [KEY]

    client = Statebag(MemoryStore(), policy=Policy(attempts=2), encryption_keys=provider)
    client.store.put("a", b"text")
    assert client.store.get("a") == b"text"
    assert len(asked) == 2
